// Package funds holds the use case of a TPP that asks whether an account covers
// an amount (NextGenPSD2 1.3.x, confirmation of funds): yes or no, and only with
// a consent of the customer to it.
package funds

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service"
)

// Store is what the use case needs of storage. Implementations pass storagetest.
type Store interface {
	// Get reads a consent whole, as stored. Fails with CodeNotFound.
	Get(ctx context.Context, id uuid.UUID) (*consent.Consent, error)
	// Covered lists the accounts that ref names, by the bank's register or in the
	// words of the consent, in consents of tpp to the confirmation of funds that
	// are stored as valid.
	Covered(ctx context.Context, tpp string, ref consent.Reference) ([]Covered, error)
}

// Covered is an account in a consent.
type Covered struct {
	Consent  uuid.UUID
	Rail     consent.Rail
	Customer uuid.UUID // whose account it is
	Account  string    // the bank's id
}

// Funds is the use case.
type Funds struct {
	Store Store
	Bank  service.Funds
	// Now settles what time has ended.
	Now service.Clock
}

// Question is what is asked.
type Question struct {
	Account consent.Reference
	Amount  service.Amount
}

// maxAccounts is how many accounts the bank is asked about for one question.
const maxAccounts = 10

// Confirm answers whether an account covers an amount. id names the consent; nil
// where the TPP names none, and then any of its consents will do that covers the
// account. Fails with CodeFormat for a reference that fits accounts of several
// customers, or too many of one, CodeReferenceUnknown for a consent that is not this TPP's,
// CodeExpired, CodeBlocked and CodeNotUsable for one that is not in force or is
// about another account, CodeNoFundsConsent when no consent covers the account,
// CodeUnavailable when the bank does not answer.
func (f *Funds) Confirm(ctx context.Context, call service.Call, id *uuid.UUID, q Question) (bool, error) {
	if id != nil {
		if err := f.usable(ctx, call, *id); err != nil {
			return false, err
		}
	}
	covered, err := f.Store.Covered(ctx, call.TPP, q.Account.Whole())
	if err != nil {
		return false, err
	}
	covered = slices.DeleteFunc(covered, func(x Covered) bool { return x.Rail != call.Rail || id != nil && x.Consent != *id })
	accounts, err := accountsOf(covered)
	switch {
	case err != nil:
		return false, err
	case len(accounts) > 0:
		return f.anyHas(ctx, accounts, q.Amount)
	case id != nil:
		return false, consent.E(consent.CodeNotUsable, "the consent is about another account")
	default:
		explain.Note(ctx, "no consent of this TPP to the confirmation of funds covers the account")
		return false, consent.E(consent.CodeNoFundsConsent, "no consent to the confirmation of funds covers this account")
	}
}

// accountsOf lists the accounts, each once however many consents cover it. They
// must be of one customer: a masked card number may be that of several people,
// and nobody's money answers for another's.
func accountsOf(covered []Covered) ([]string, error) {
	var accounts []string
	of := map[uuid.UUID]map[string]bool{} // an account may be of several customers
	for _, x := range covered {
		if !slices.Contains(accounts, x.Account) {
			accounts = append(accounts, x.Account)
		}
		if of[x.Customer] == nil {
			of[x.Customer] = map[string]bool{}
		}
		of[x.Customer][x.Account] = true
	}
	oneHasAll := len(covered) == 0
	for _, theirs := range of {
		oneHasAll = oneHasAll || len(theirs) == len(accounts)
	}
	if !oneHasAll {
		return nil, consent.At(consent.CodeFormat, "Header.Consent-ID", "is required: several customers have an account of this reference")
	}
	if len(accounts) > maxAccounts {
		return nil, consent.At(consent.CodeFormat, "account.currency", "is required: the reference fits more than %d accounts", maxAccounts)
	}
	return accounts, nil
}

// anyHas tells whether one of the accounts covers the amount.
func (f *Funds) anyHas(ctx context.Context, accounts []string, amount service.Amount) (bool, error) {
	for _, account := range accounts {
		yes, err := f.Bank.Available(ctx, account, amount)
		if err != nil {
			return false, service.Unavailable(err)
		}
		if yes {
			return true, nil
		}
	}
	return false, nil
}

// usable tells whether a consent that the TPP names is one to ask by.
func (f *Funds) usable(ctx context.Context, call service.Call, id uuid.UUID) error {
	c, err := f.Store.Get(ctx, id)
	if err == nil {
		err = call.Owns(c)
	}
	if consent.CodeOf(err) == consent.CodeNotFound {
		return ErrUnknown()
	}
	if err != nil {
		return err
	}
	c.Settle(f.Now())
	switch c.Status {
	case consent.Valid:
		return nil
	case consent.Expired:
		return consent.E(consent.CodeExpired, "the consent has expired")
	case consent.Suspended:
		return consent.E(consent.CodeBlocked, "the consent is suspended")
	default:
		return consent.E(consent.CodeNotUsable, "the consent is %s", c.Status)
	}
}

// ErrUnknown is the answer for a Consent-ID that is unknown, malformed or another TPP's.
func ErrUnknown() error {
	return consent.At(consent.CodeReferenceUnknown, "Header.Consent-ID", "is not known to this TPP")
}
