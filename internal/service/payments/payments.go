package payments

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
)

// Payments are the use cases.
type Payments struct {
	Store Store
	Zone  *time.Location // the bank's time zone: days begin there
	Now   func() time.Time
}

// Report is what the bank says of a payment. What is zero stays as it is.
type Report struct {
	Status consent.PaymentStatus
	// TransactionID is the payment system's. Once there is one it stays.
	TransactionID string
	// Rejections are added to those that are known; none comes twice. They go with a
	// payment that is rejected now, and are at most 100.
	Rejections []consent.Rejection
	// Successful is how many payments of a file went through. It is only checked here:
	// Edit keeps it.
	Successful *int
	// Edit changes what the dialect keeps of the payment, of one that was through before
	// only what it lacks; it may run more than once.
	Edit func(origin []byte, through bool) ([]byte, error)
}

// Record keeps a payment that is to be made by a consent, and counts it: from now on
// it is pending. draft says which: Consent, Key, Amount, File, Purpose, Reference,
// Parties, Request, Origin, and an ID if it has one. The same Key with the same Request
// again gives the payment as it stands, and made is false. Fails with CodeNotFound for
// an unknown consent, CodeStatusInvalid for a Key that was used for another request,
// CodeServiceInvalid for a consent that is not to payments or for a payment that does
// not fit it, CodeNotUsable where it is not in force, and CodeTooOften for more than
// it allows.
func (p *Payments) Record(ctx context.Context, cause consent.Cause, draft consent.Payment) (recorded *consent.Payment, made bool, err error) {
	if draft.ID == uuid.Nil {
		if draft.ID, err = uuid.NewV7(); err != nil {
			return nil, false, fmt.Errorf("id of a payment: %w", err)
		}
	}
	now := p.Now()
	err = p.Store.Pay(ctx, draft.Consent, func(c *consent.Consent, log []consent.Payment) (*consent.Payment, error) {
		recorded, made = nil, false
		if c.Kind != consent.Payments && c.Kind != consent.AccountAccess {
			return nil, consent.E(consent.CodeNotFound, "no such consent") // as everywhere in the Consent Manager API
		}
		if i := slices.IndexFunc(log, func(x consent.Payment) bool { return x.Key == draft.Key }); i >= 0 {
			recorded = &log[i]
			return nil, same(log[i], draft)
		}
		payment := draft
		c.Because(cause)
		if err := c.Pay(&payment, log, p.Zone, now); err != nil {
			return nil, err
		}
		recorded, made = &payment, true
		return &payment, nil
	})
	if err != nil {
		return nil, false, err
	}
	if !made {
		explain.Note(ctx, "payment %s: was recorded by the same request before", recorded.ID)
	}
	return recorded, made, nil
}

// same holds a payment against one that came with the same key before.
func same(former, now consent.Payment) error {
	if former.File == now.File && former.Amount == now.Amount && bytes.Equal(former.Request, now.Request) {
		return nil
	}
	return consent.At(consent.CodeStatusInvalid, "idempotencyKey", "was used for another payment of the consent")
}

// maxRejections is for how many reasons a payment may be rejected.
const maxRejections = 100

// Follow moves a payment on as the bank reports it. The same report again changes
// nothing. Fails with CodeResourceUnknown for an unknown payment, CodeStatusInvalid for
// one that is through, for another TransactionID than it has, and for rejections of one
// that is not rejected, and with CodeFormat for a count below zero, or too many
// rejections.
func (p *Payments) Follow(ctx context.Context, cause consent.Cause, id uuid.UUID, r Report) (*consent.Payment, error) {
	if r.Successful != nil && *r.Successful < 0 {
		return nil, consent.At(consent.CodeFormat, "paymentResponse.OpenFinanceBilling.NumberOfSuccessfulTransactions", "must not be below zero")
	}
	var followed consent.Payment
	now := p.Now()
	err := p.Store.FollowPayment(ctx, id, func(c *consent.Consent, x *consent.Payment, log []consent.Payment) error {
		c.Because(cause)
		was := *x
		if r.Status != "" {
			if err := c.FollowPayment(x, r.Status, log, p.Zone, now); err != nil {
				return err
			}
		}
		if err := r.apply(x, was.Status.Final()); err != nil {
			return err
		}
		more := x.TransactionID != was.TransactionID || len(x.Rejections) > len(was.Rejections) || !bytes.Equal(x.Origin, was.Origin)
		if x.Status == was.Status && more {
			c.NotePayment(x, now)
		}
		followed = *x
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &followed, nil
}

// The members of a report, as its faults name them.
const (
	pathTransaction = "paymentResponse.paymentTransactionId"
	pathRejections  = "paymentResponse.rejectReasonCode"
)

// apply writes down what is reported besides the status. through says that the payment
// was before: then it takes what it lacks, once.
func (r Report) apply(x *consent.Payment, through bool) error {
	switch {
	case r.TransactionID == "" || r.TransactionID == x.TransactionID:
	case x.TransactionID != "":
		return consent.At(consent.CodeStatusInvalid, pathTransaction, "is there already, and stays")
	default:
		x.TransactionID = r.TransactionID
	}
	if err := r.reject(x, through); err != nil {
		return err
	}
	if r.Edit == nil {
		return nil
	}
	origin, err := r.Edit(x.Origin, through)
	if err != nil {
		return err
	}
	x.Origin = origin
	return nil
}

// reject adds the rejections that are not known yet.
func (r Report) reject(x *consent.Payment, through bool) error {
	all := slices.Clone(x.Rejections)
	for _, reason := range r.Rejections {
		if !slices.Contains(all, reason) {
			all = append(all, reason)
		}
	}
	switch {
	case len(all) == len(x.Rejections):
		return nil
	case x.Status != consent.PaymentRejected:
		return consent.At(consent.CodeStatusInvalid, pathRejections, "goes with a payment that is rejected, and this one is %s", x.Status)
	case through && len(x.Rejections) > 0:
		return consent.At(consent.CodeStatusInvalid, pathRejections, "comes too late: the payment was rejected before")
	case len(all) > maxRejections:
		return consent.At(consent.CodeFormat, pathRejections, "must be at most %d in all", maxRejections)
	}
	x.Rejections = all
	return nil
}

// Of lists the payments that were made by a consent, the oldest first; none for an
// unknown one.
func (p *Payments) Of(ctx context.Context, id uuid.UUID) ([]consent.Payment, error) {
	all, err := p.Store.Payments(ctx, []uuid.UUID{id})
	if err != nil {
		return nil, err
	}
	return all[id], nil
}
