package staging

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service"
)

// people is a PSU with those for whom the bank says that they act.
type people struct {
	psu       string   // the bank's id
	customers []string // the bank's ids, the PSU's own first
	sight     service.Sight
}

// people finds a PSU by our id; nil for one whom we, or the bank, do not know.
func (s *Staging) people(ctx context.Context, user uuid.UUID) (*people, error) {
	bank, err := s.Store.BankIDs(ctx, []uuid.UUID{user})
	if err != nil {
		return nil, err
	}
	p := &people{psu: bank[user]}
	if p.psu == "" {
		return nil, nil //nolint:nilnil // nobody is an answer, and no failure
	}
	found, err := s.Signers.Customers(ctx, p.psu)
	if errors.Is(err, service.ErrUnknownPSU) {
		return nil, nil //nolint:nilnil // likewise
	}
	if err != nil {
		return nil, service.Unavailable(fmt.Errorf("customers of a PSU: %w", err))
	}
	for _, c := range found {
		p.customers = append(p.customers, c.ID)
	}
	if p.sight, err = s.Sights.Sight(ctx, p.psu, p.customers); err != nil {
		return nil, err
	}
	if p.sight.PSU != user { // the id is that of a customer, or of an account
		return nil, nil //nolint:nilnil // likewise
	}
	return p, nil
}

// sight is what a PSU may see; nothing for one whom nobody knows.
func (s *Staging) sight(ctx context.Context, user uuid.UUID) (service.Sight, error) {
	p, err := s.people(ctx, user)
	if err != nil || p == nil {
		return service.Sight{}, err
	}
	return p.sight, nil
}

func (s *Staging) accountsOf(ctx context.Context, customer string) ([]service.Account, error) {
	all, err := s.Accounts.List(ctx, customer)
	if err != nil {
		return nil, service.Unavailable(fmt.Errorf("accounts of a customer: %w", err))
	}
	return all, nil
}

// holding is whose a staged consent becomes, and what it opens.
type holding struct {
	psu, customer uuid.UUID
	grants        []consent.Grant // nil: no accounts are named
}

// hold finds the user and the accounts that a change names; nil where it names none.
// The customer is the one who owns all of the accounts, and before any is named the
// first for whom the user acts.
func (s *Staging) hold(ctx context.Context, c *consent.Consent, p Change) (*holding, error) {
	if c.Staged == nil || p.User == "" && p.Accounts == nil {
		return nil, nil //nolint:nilnil // nobody is an answer, and no failure
	}
	user, err := p.user(c)
	if err != nil {
		return nil, err
	}
	if p.Accounts == nil && user == c.GivenBy {
		return &holding{psu: user, customer: c.Customer}, nil
	}
	who, err := s.people(ctx, user)
	if err != nil {
		return nil, err
	}
	if who == nil || len(who.customers) == 0 {
		return nil, errUser()
	}
	if p.Accounts == nil {
		customer, err := s.Identities.Customer(ctx, who.customers[0])
		return &holding{psu: user, customer: customer}, err
	}
	return s.grant(ctx, c, who, p.Accounts)
}

// grant finds the customer who owns all of these accounts, and what the consent opens
// of them. Fails with CodeForbidden where the PSU acts for none.
func (s *Staging) grant(ctx context.Context, c *consent.Consent, who *people, ids []string) (*holding, error) {
	for _, customer := range who.customers {
		all, err := s.accountsOf(ctx, customer)
		if err != nil {
			return nil, err
		}
		chosen := pick(all, ids)
		if chosen == nil {
			continue
		}
		h := &holding{psu: who.sight.PSU}
		if h.customer, err = s.Identities.Customer(ctx, customer); err != nil {
			return nil, err
		}
		ours, err := s.Identities.Accounts(ctx, h.customer, chosen)
		if err != nil {
			return nil, err
		}
		for i, a := range chosen {
			h.grants = append(h.grants, consent.Grant{AccountID: ours[i], Rights: c.Access.Rights, Reference: a.Reference})
		}
		return h, nil
	}
	return nil, consent.At(consent.CodeForbidden, "accountIds", "are not all accounts of one customer for whom the user acts")
}

// pick finds accounts by the bank's ids, in the order of the ids; nil unless all are there.
func pick(all []service.Account, ids []string) []service.Account {
	chosen := make([]service.Account, 0, len(ids))
	for _, id := range ids {
		i := slices.IndexFunc(all, func(a service.Account) bool { return a.ID == id })
		if i < 0 {
			return nil
		}
		chosen = append(chosen, all[i])
	}
	return chosen
}

func errUser() *consent.Error {
	return consent.At(consent.CodeForbidden, "psuIdentifiers.userId", "is not known")
}
