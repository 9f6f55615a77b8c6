package points

import (
	"context"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service/payments"
	"consentd/internal/service/staging"
)

// Staging reports before and after each write of the use cases of staged consents.
func Staging(s staging.Store, reached func(Point)) staging.Store {
	return stagingStore{Store: s, at: reached}
}

type stagingStore struct {
	staging.Store // reads
	at            observer
}

// Stage implements staging.Store.
func (s stagingStore) Stage(ctx context.Context, c *consent.Consent) error {
	defer s.at.around(commitStage)()
	return s.Store.Stage(ctx, c)
}

// Amend implements staging.Store.
func (s stagingStore) Amend(ctx context.Context, id uuid.UUID, change func(*consent.Consent, *consent.Holder, []consent.Payment) error) (*consent.Consent, error) {
	defer s.at.around(commitAmend)()
	return s.Store.Amend(ctx, id, change)
}

// Payments reports before and after each write of the payment log.
func Payments(s payments.Store, reached func(Point)) payments.Store {
	return paymentStore{Store: s, at: reached}
}

type paymentStore struct {
	payments.Store // reads
	at             observer
}

// Pay implements payments.Store.
func (s paymentStore) Pay(ctx context.Context, id uuid.UUID, judge func(*consent.Consent, []consent.Payment) (*consent.Payment, error)) error {
	defer s.at.around(commitPay)()
	return s.Store.Pay(ctx, id, judge)
}

// FollowPayment implements payments.Store.
func (s paymentStore) FollowPayment(ctx context.Context, id uuid.UUID, change func(*consent.Consent, *consent.Payment, []consent.Payment) error) error {
	defer s.at.around(commitFollow)()
	return s.Store.FollowPayment(ctx, id, change)
}
