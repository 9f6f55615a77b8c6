package manager

import (
	"context"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service/office"
	"consentd/internal/service/payments"
	"consentd/internal/service/staging"
)

// Staging keeps consents; see service/staging for what its methods do and how they
// fail. A ref is our id of a consent, or what its TPP calls it.
type Staging interface {
	Stage(ctx context.Context, cause consent.Cause, s consent.Staging, base string) (r *staging.Record, made bool, err error)
	Patch(ctx context.Context, cause consent.Cause, v staging.Viewer, ref string, c staging.Change) (*staging.Record, error)
	Revoke(ctx context.Context, cause consent.Cause, v staging.Viewer, ref string, by staging.RevokedBy, psu string, reason consent.Reason) error
	RevokeGroup(ctx context.Context, cause consent.Cause, v staging.Viewer, group string, by staging.RevokedBy, psu string, reason consent.Reason) (int, error)
	Get(ctx context.Context, v staging.Viewer, ref string) (*staging.Record, error)
	List(ctx context.Context, v staging.Viewer, f staging.Filter) (*staging.Records, error)
	Audit(ctx context.Context, v staging.Viewer, ref string) (*staging.Record, []consent.Entry, error)
	User(ctx context.Context, psu string) (userID string, err error)
}

// Payments keeps the payments that were made by consents; see service/payments.
type Payments interface {
	Record(ctx context.Context, cause consent.Cause, p consent.Payment) (row *consent.Payment, made bool, err error)
	Follow(ctx context.Context, cause consent.Cause, id uuid.UUID, r payments.Report) (*consent.Payment, error)
	Of(ctx context.Context, consent uuid.UUID) ([]consent.Payment, error)
}

// Office does what the bank's staff do, and writes down what they look at; see
// service/office.
type Office interface {
	// FourEyesOn reports whether each act waits for a second person.
	FourEyesOn() bool
	Do(ctx context.Context, cause consent.Cause, a office.Act) (office.Outcome, error)
	Open(ctx context.Context) ([]office.Proposal, error)
	Decide(ctx context.Context, cause consent.Cause, id uuid.UUID, how office.State) (*office.Proposal, error)
	Looked(ctx context.Context, cause consent.Cause, what string) error
}
