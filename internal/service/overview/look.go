package overview

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service"
)

// batch is how many consents are read at a time.
const batch = 500

// look is one call of a viewer: what they may see, and what was found out for it. The
// bank is asked once for what it knows of a customer.
type look struct {
	*Overview
	now       time.Time
	sight     service.Sight
	customers []service.Customer
	bankIDs   map[uuid.UUID]string
	owned     map[string][]service.Account // by the bank's id of the customer
	signing   map[string]int               // how many must agree, likewise; 0: it is not known
	shared    map[uuid.UUID]time.Time
	brief     bool // no payment is told of, only what they come to
	payments  map[uuid.UUID][]consent.Payment
	due       map[uuid.UUID][]consent.Entry // what time has done, and nobody has written yet
}

// look finds what a viewer may see now.
func (o *Overview) look(ctx context.Context, v Viewer) (*look, error) {
	customers, err := o.Signers.Customers(ctx, v.BankID)
	switch {
	case errors.Is(err, service.ErrUnknownPSU):
		return nil, consent.E(consent.CodeNotFound, "the bank knows no such PSU").Because(err)
	case err != nil:
		return nil, service.Unavailable(fmt.Errorf("customers of a PSU: %w", err))
	}
	ids := make([]string, len(customers))
	for i, c := range customers {
		ids[i] = c.ID
	}
	sight, err := o.Store.Sight(ctx, v.BankID, ids)
	if err != nil {
		return nil, err
	}
	return &look{
		Overview: o, now: o.Now(), sight: sight, customers: customers,
		bankIDs: map[uuid.UUID]string{}, owned: map[string][]service.Account{}, signing: map[string]int{},
		shared: map[uuid.UUID]time.Time{}, payments: map[uuid.UUID][]consent.Payment{}, due: map[uuid.UUID][]consent.Entry{},
	}, nil
}

// load reads what is in sight, of one line or of all, the newest first, and brings it to
// where it stands now.
func (l *look) load(ctx context.Context, group uuid.UUID) ([]*consent.Consent, error) {
	var all []*consent.Consent
	q := service.Listing{Sight: &l.sight, Group: group, Order: service.Newest, Page: 1, Size: batch, Now: l.now}
	for {
		page, err := l.Store.ListConsents(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, c := range page.Consents {
			if l.sight.Sees(c) { // storage has asked this too; it is not left to one place
				all = append(all, l.settled(c))
			}
		}
		if q.Cursor = page.Next; q.Cursor == nil {
			slices.SortFunc(all, newestFirst)
			return all, nil
		}
	}
}

// settled is a consent as it stands now.
func (l *look) settled(c *consent.Consent) *consent.Consent {
	if c.Settle(l.now) {
		l.due[c.ID], _ = c.TakePending() // a read writes nothing
	}
	return c
}

// fill finds out what is told of some consents besides.
func (l *look) fill(ctx context.Context, all []*consent.Consent) error {
	for some := range slices.Chunk(all, batch) {
		if err := l.fillSome(ctx, some); err != nil {
			return err
		}
	}
	for _, c := range all {
		l.ask(ctx, c)
	}
	return nil
}

func (l *look) fillSome(ctx context.Context, some []*consent.Consent) error {
	consents, payers, refers := refersTo(some)
	known, err := l.Store.BankIDs(ctx, refers)
	if err != nil {
		return err
	}
	shared, err := l.Store.LastShared(ctx, consents)
	if err != nil {
		return err
	}
	maps.Copy(l.bankIDs, known)
	maps.Copy(l.shared, shared)
	if len(payers) == 0 {
		return nil
	}
	paid := l.Store.Payments
	if l.brief {
		paid = l.Store.PaymentsInBrief
	}
	payments, err := paid(ctx, payers)
	if err != nil {
		return err
	}
	maps.Copy(l.payments, payments)
	return nil
}

// refersTo are the ids of consents, of those to payments among them, and of the
// customers and accounts that they refer to.
func refersTo(some []*consent.Consent) (consents, payers, refers []uuid.UUID) {
	referred := map[uuid.UUID]bool{}
	for _, c := range some {
		consents = append(consents, c.ID)
		if c.Kind == consent.Payments {
			payers = append(payers, c.ID)
		}
		if c.Customer != uuid.Nil {
			referred[c.Customer] = true
		}
		for _, g := range c.Access.Grants {
			referred[g.AccountID] = true
		}
	}
	return consents, payers, slices.Collect(maps.Keys(referred))
}

// ask has the bank tell the accounts of a consent's customer, once. Where it does not
// answer, accounts are shown by the references that are kept here.
func (l *look) ask(ctx context.Context, c *consent.Consent) {
	customer, known := l.bankIDs[c.Customer]
	if _, asked := l.owned[customer]; !known || asked || len(c.Access.Grants) == 0 && !c.Access.Open() {
		return
	}
	accounts, err := l.Accounts.List(ctx, customer)
	if err != nil {
		explain.Note(ctx, "the bank does not tell the accounts of a customer")
	}
	l.owned[customer] = accounts
}
