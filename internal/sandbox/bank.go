package sandbox

import (
	"cmp"
	"context"
	"crypto/subtle"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"time"

	"consentd/internal/consent"
	"consentd/internal/sandbox/books"
	"consentd/internal/sandbox/pages"
	"consentd/internal/service"
	"consentd/pkg/sca"
)

// slowness is how long the bank takes with the persona slow.
const slowness = 30 * time.Second

// Bank is the personas' bank: its register of customers and accounts, its
// check of passwords and its way to their phones. What the personas start with
// is code; what came later is in Store.
type Bank struct {
	Store sca.Store
	Now   func() time.Time
	// Anchor is the time at which accounts have their documented balances: that of
	// the clock when it is not turned. Now when nil.
	Anchor func() time.Time
	// Zone is the bank's: days begin there. UTC when nil.
	Zone *time.Location

	// mu orders the opening of accounts, which looks at those of all customers.
	mu sync.Mutex
}

var (
	_ service.Accounts  = (*Bank)(nil)
	_ service.Owners    = (*Bank)(nil)
	_ service.Signers   = (*Bank)(nil)
	_ service.Funds     = (*Bank)(nil)
	_ service.Logins    = (*Bank)(nil)
	_ service.Phones    = (*Bank)(nil)
	_ service.Approvals = (*Bank)(nil)
	_ service.Books     = (*Bank)(nil)
)

// personaOf finds a persona by its id. Fails with pages.ErrUnknown.
func personaOf(psu string) (persona, error) {
	for _, p := range personas() {
		if p.ID == psu {
			return p, nil
		}
	}
	return persona{}, pages.ErrUnknown
}

// ownerOf finds the name of a customer. Fails with pages.ErrUnknown.
func ownerOf(customer string) (string, error) {
	for _, p := range personas() {
		if p.Customer == customer {
			return customerOf(p).Name, nil
		}
	}
	return "", pages.ErrUnknown
}

// Authenticate implements service.Logins. The login name is not case-sensitive,
// since phones like to begin with a capital.
func (b *Bank) Authenticate(_ context.Context, login, password string) (psu, name string, err error) {
	p, err := personaOf(strings.ToLower(strings.TrimSpace(login)))
	right := subtle.ConstantTimeCompare([]byte(password), []byte(Password)) == 1
	switch {
	case err != nil || !right:
		return "", "", service.ErrWrongCredentials
	case p.ID == personaBlocked:
		return "", "", service.ErrBlocked
	}
	return p.ID, p.Name, nil
}

// Ready tells whether the bank is through with a PSU whose code was right at
// since. Only the persona slow has to wait.
func (b *Bank) Ready(_ context.Context, psu string, since time.Time) (bool, error) {
	return psu != personaSlow || !b.Now().Before(since.Add(slowness)), nil
}

// Customers implements service.Signers.
func (b *Bank) Customers(_ context.Context, psu string) ([]service.Customer, error) {
	p, err := personaOf(psu)
	if err != nil {
		return nil, fmt.Errorf("customers: %w: %w", service.ErrUnknownPSU, err)
	}
	return []service.Customer{customerOf(p)}, nil
}

// Signers implements service.Signers.
func (b *Bank) Signers(_ context.Context, customer string) ([]string, error) {
	if _, err := ownerOf(customer); err != nil {
		return nil, fmt.Errorf("signers: %w", err)
	}
	return signersOf(customer), nil
}

// Owners implements service.Owners.
func (b *Bank) Owners(ctx context.Context, id string) ([]string, error) {
	all, err := b.all(ctx)
	var owners []string
	for _, a := range all {
		if a.id() == id {
			owners = append(owners, a.Customer)
		}
	}
	return owners, err
}

// List implements service.Accounts.
func (b *Bank) List(ctx context.Context, customer string) ([]service.Account, error) {
	owner, err := ownerOf(customer)
	if err != nil {
		return nil, fmt.Errorf("accounts: %w", err)
	}
	owned, err := b.owned(ctx, customer)
	if err != nil {
		return nil, err
	}
	list := make([]service.Account, len(owned))
	for i, a := range owned {
		list[i] = a.service(owner)
	}
	return list, nil
}

// Resolve implements service.Accounts.
func (b *Bank) Resolve(ctx context.Context, customer string, ref consent.Reference) ([]service.Account, error) {
	list, err := b.List(ctx, customer)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list, func(a service.Account) bool { return !means(ref, a.Reference) }), nil
}

// Available implements service.Funds. The sandbox changes no money: an amount
// in another currency than the account's is never there.
func (b *Bank) Available(ctx context.Context, id string, amount service.Amount) (bool, error) {
	wanted, ok := decimal(amount.Value)
	if !ok {
		return false, consent.At(consent.CodeFormat, "amount", "the amount is not a decimal number")
	}
	a, err := b.account(ctx, id)
	if err != nil {
		return false, err
	}
	balance, ok := decimal(b.ledger(a).Balance())
	if !ok {
		return false, fmt.Errorf("balance of account %s is not a number", id)
	}
	return a.Currency == amount.Currency && balance.Cmp(wanted) >= 0, nil
}

// ledger is that of an account at the time that the clock shows.
func (b *Bank) ledger(a account) books.Ledger { return a.ledger(b.today(), b.anchor()) }

// today is the day that the clock shows.
func (b *Bank) today() consent.Date { return b.dayOf(b.Now) }

// anchor is the day on which accounts have their documented balances.
func (b *Bank) anchor() consent.Date {
	if b.Anchor == nil {
		return b.today()
	}
	return b.dayOf(b.Anchor)
}

// dayOf is the day that a clock shows where the bank is.
func (b *Bank) dayOf(now func() time.Time) consent.Date {
	return consent.DateOf(now(), cmp.Or(b.Zone, time.UTC))
}

// decimal reads an amount. big.Rat alone takes fractions and exponents too.
func decimal(text string) (*big.Rat, bool) {
	if !formBalance.MatchString(text) {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

// keyAccounts is where the accounts lie that a customer opened.
const keyAccounts = "accounts"

// owned lists a customer's accounts with their documented balances, those opened later last.
func (b *Bank) owned(ctx context.Context, customer string) ([]account, error) {
	list := slices.DeleteFunc(accounts(), func(a account) bool { return a.Customer != customer })
	opened, err := load[account](ctx, b.Store, customer, keyAccounts)
	if err != nil {
		return nil, err
	}
	return append(list, opened...), nil
}

// holdings lists a customer's accounts with the balances that they have now.
func (b *Bank) holdings(ctx context.Context, customer string) ([]account, error) {
	list, err := b.owned(ctx, customer)
	for i := range list {
		list[i].Balance = b.ledger(list[i]).Balance()
	}
	return list, err
}

// all lists every account of the bank.
func (b *Bank) all(ctx context.Context) ([]account, error) {
	var list []account
	seen := map[string]bool{}
	for _, p := range personas() {
		if seen[p.Customer] {
			continue
		}
		seen[p.Customer] = true
		owned, err := b.owned(ctx, p.Customer)
		if err != nil {
			return nil, err
		}
		list = append(list, owned...)
	}
	return list, nil
}

// account finds an account by its id. Fails with service.ErrNoAccount.
func (b *Bank) account(ctx context.Context, id string) (account, error) {
	all, err := b.all(ctx)
	if err != nil {
		return account{}, err
	}
	i := slices.IndexFunc(all, func(a account) bool { return a.id() == id })
	if i < 0 {
		return account{}, fmt.Errorf("%w: %w", service.ErrNoAccount, pages.ErrUnknown)
	}
	return all[i], nil
}

// Open opens an account. Fails with CodeStatusInvalid when the bank has the
// resourceId, or the IBAN in this currency, already.
func (b *Bank) Open(ctx context.Context, a account) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	all, err := b.all(ctx)
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.ResourceID == a.ResourceID {
			return consent.At(consent.CodeStatusInvalid, "resourceId", "an account with this resourceId exists")
		}
		if other.IBAN == a.IBAN && other.Currency == a.Currency {
			return consent.At(consent.CodeStatusInvalid, "iban", "an account with this IBAN and currency exists")
		}
	}
	return change(ctx, b.Store, a.Customer, keyAccounts, func(opened []account) ([]account, error) {
		return append(opened, a), nil
	})
}
