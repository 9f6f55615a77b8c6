package sca

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service"
)

// Offer is an account that may be shared, with the rights that are asked for it.
type Offer struct {
	// Key names the offer in forms: the IBAN, or what else identifies the
	// account, with /CUR where one identifier has several currencies.
	Key     string
	ID      uuid.UUID // ours; zero for an account that no consent has granted yet
	Account service.Account
	Rights  consent.Rights
}

// offers lists the accounts that a consent is about, among those that the
// customer may share, and whether everything that it asks for is among them.
// Where a signer has agreed already, they are the ones that were agreed to.
func (s *Dispatcher) offers(ctx context.Context, c *consent.Consent, customer string, id uuid.UUID) ([]Offer, bool, error) {
	a := c.Access
	switch {
	case len(a.Grants) > 0 && c.Customer == id:
		return s.agreed(ctx, a.Grants, customer, id)
	case a.Scope == consent.ScopeDedicated:
		return s.asked(ctx, a, customer)
	}
	accounts, err := s.Accounts.List(ctx, customer)
	if err != nil {
		return nil, false, fmt.Errorf("accounts of a customer: %w", err)
	}
	var offers []Offer
	for _, acc := range accounts {
		if a.Allows(acc.Reference.CashAccountType) {
			offers = append(offers, Offer{Account: acc, Rights: a.Rights})
		}
	}
	return keyed(offers), true, nil
}

// agreed lists what a former signer has agreed to, as the bank describes it
// today where it still does.
func (s *Dispatcher) agreed(ctx context.Context, grants []consent.Grant, customer string, id uuid.UUID) ([]Offer, bool, error) {
	accounts, err := s.Accounts.List(ctx, customer)
	if err != nil {
		return nil, false, fmt.Errorf("accounts of a customer: %w", err)
	}
	ids, err := s.Identities.Accounts(ctx, id, accounts)
	if err != nil {
		return nil, false, err
	}
	offers := make([]Offer, len(grants))
	for i, g := range grants {
		offers[i] = Offer{ID: g.AccountID, Account: service.Account{Reference: g.Reference}, Rights: g.Rights}
		if j := slices.Index(ids, g.AccountID); j >= 0 {
			offers[i].Account = accounts[j]
		}
	}
	return keyed(offers), true, nil
}

// asked resolves what a dedicated consent names. An account that is named twice
// has the rights of both.
func (s *Dispatcher) asked(ctx context.Context, a consent.Access, customer string) ([]Offer, bool, error) {
	var offers []Offer
	complete := true
	for _, x := range a.Asked {
		accounts, err := s.Accounts.Resolve(ctx, customer, x.Reference.Whole())
		if err != nil {
			return nil, false, fmt.Errorf("resolve an account: %w", err)
		}
		complete = complete && len(accounts) > 0
		for _, acc := range accounts {
			i := slices.IndexFunc(offers, func(o Offer) bool { return o.Account.ID == acc.ID })
			if i < 0 {
				offers = append(offers, Offer{Account: acc})
				i = len(offers) - 1
			}
			offers[i].Rights |= x.Rights
		}
	}
	return keyed(offers), complete, nil
}

// keyed names each offer in forms.
func keyed(offers []Offer) []Offer {
	times := map[string]int{}
	for _, o := range offers {
		times[identifier(o.Account.Reference)]++
	}
	for i := range offers {
		ref := offers[i].Account.Reference
		offers[i].Key = identifier(ref)
		if times[offers[i].Key] > 1 {
			offers[i].Key += "/" + ref.Currency
		}
	}
	seen := map[string]bool{}
	for i := range offers { // two masked cards may look alike
		if seen[offers[i].Key] {
			offers[i].Key += "/" + offers[i].Account.ID
		}
		seen[offers[i].Key] = true
	}
	return offers
}

func identifier(r consent.Reference) string {
	for _, id := range []string{r.IBAN, r.BBAN, r.MaskedPAN, r.PAN, r.MSISDN} {
		if id != "" {
			return id
		}
	}
	return r.Other.Identification
}

// grants is what the consent opens: what was asked for of each account, among
// those that the PSU picked. Scopes that are resolved later grant nothing yet.
func (s *Dispatcher) grants(ctx context.Context, w *walk) ([]consent.Grant, error) {
	if w.c.Access.Open() {
		return nil, nil
	}
	var fresh []service.Account // those that have no id of ours yet
	var grants []consent.Grant
	for _, o := range w.memo.Offered {
		if len(w.memo.Picked) > 0 && !slices.Contains(w.memo.Picked, o.Key) {
			continue
		}
		grants = append(grants, consent.Grant{AccountID: o.ID, Rights: o.Rights, Reference: o.Account.Reference})
		if o.ID == uuid.Nil {
			fresh = append(fresh, o.Account)
		}
	}
	ids, err := s.Identities.Accounts(ctx, w.run.Customer, fresh)
	if err != nil {
		return nil, err
	}
	for i := range grants {
		if grants[i].AccountID == uuid.Nil {
			grants[i].AccountID, ids = ids[0], ids[1:]
		}
	}
	return grants, nil
}
