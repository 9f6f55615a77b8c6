package payments

import (
	"context"

	"github.com/google/uuid"

	"consentd/internal/consent"
)

// Store is what these use cases need of storage. Implementations pass storagetest.
type Store interface {
	// Pay loads a consent with the payments that were made by it, the oldest first, lets
	// judge make one more, and saves both in one transaction that keeps others from the
	// consent. judge may run more than once; where it makes none (nil), or fails, nothing
	// is saved. Fails with CodeNotFound for an unknown consent, and with
	// CodeCertificateBlocked where one is made and the bank has blocked the TPP.
	Pay(ctx context.Context, consent uuid.UUID, judge func(c *consent.Consent, log []consent.Payment) (*consent.Payment, error)) error
	// FollowPayment loads a payment with its consent and all payments of that, the oldest
	// first, and saves what change makes of them, in the same way. Fails with
	// CodeResourceUnknown for an unknown payment.
	FollowPayment(ctx context.Context, payment uuid.UUID, change func(c *consent.Consent, p *consent.Payment, log []consent.Payment) error) error
	// Payments are those that were made by each of some consents, the oldest first. All
	// are of one moment.
	Payments(ctx context.Context, consents []uuid.UUID) (map[uuid.UUID][]consent.Payment, error)
}
