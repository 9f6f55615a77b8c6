package service

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
)

// Sight is what a PSU may see and end: the consents of the customers for whom they
// may act, and those that are no customer's yet and whose authorisation they have
// begun. Former signers see nothing of a customer any more. The zero Sight sees nothing.
type Sight struct {
	PSU       uuid.UUID // zero for one whom no consent has met
	Customers []uuid.UUID
}

// Sees reports whether a consent is in sight. Storage says the same in SQL.
func (s Sight) Sees(c *consent.Consent) bool {
	if c.Customer != uuid.Nil {
		return slices.Contains(s.Customers, c.Customer)
	}
	return s.PSU != uuid.Nil && slices.ContainsFunc(c.Authorisations, func(a consent.Authorisation) bool { return a.PSU == s.PSU })
}

// Sights knows what may be seen.
type Sights interface {
	// Sight turns the bank's ids of a PSU and of customers into ours. Those that
	// nothing refers to yet are left out; nothing is written.
	Sight(ctx context.Context, psu string, customers []string) (Sight, error)
}

// OwnersOf are our ids of the customers to whom an account belongs: for them is what
// opens all accounts of a customer. None where no account is named. Fails with
// CodeUnavailable when the bank does not answer.
func OwnersOf(ctx context.Context, bank Owners, known Sights, account string) ([]uuid.UUID, error) {
	if account == "" {
		return nil, nil
	}
	customers, err := bank.Owners(ctx, account)
	if err != nil {
		return nil, Unavailable(fmt.Errorf("owners of an account: %w", err))
	}
	if len(customers) == 0 {
		return nil, nil
	}
	sight, err := known.Sight(ctx, "", customers)
	return sight.Customers, err
}

// Order is in which order consents are listed. Both begin anew at no consent: ids and
// instants are in them, so that what was listed stays where it is.
type Order int

// The orders.
const (
	Newest  Order = iota // by the time in their ids, the newest first
	Changed              // by the time of their last change, the longest ago first, then by id
)

// Listing says which consents are listed, and which page of them. What is zero does
// not count; what is there, must all be met.
type Listing struct {
	Sight *Sight // nil: whosever they are
	// Account is the bank's id of an account that they open: because it was granted, or
	// because they open all accounts of its owner. Owners are customers who own it,
	// besides those who have shared it before.
	Account string
	Owners  []uuid.UUID
	Group   uuid.UUID // the line that they belong to
	TPP     string
	Kinds   []consent.Kind
	// Statuses as they are at Now.
	Statuses []consent.Status
	// ChangedAfter is before their last change, MadeFrom and MadeTo (which is not in it)
	// are about their making.
	ChangedAfter, MadeFrom, MadeTo time.Time

	Order Order
	// Size is how many a page has, at most; Page counts from 1. A page of Cursor, if it
	// is there, is the one after it instead: no consent is left out or comes twice
	// because others came or went meanwhile.
	Page, Size int
	Cursor     *Cursor
	Now        time.Time // at which all of it holds
}

// Cursor is the last consent of a page.
type Cursor struct {
	ID      uuid.UUID
	Changed time.Time // as storage orders it; for Changed only
}

// Listed is a page. Total is of all pages. Next is where the next one begins; nil on
// the last.
type Listed struct {
	Consents []*consent.Consent
	Total    int
	Next     *Cursor
}

// Lists lists consents, as stored. All that a page says is of one moment.
type Lists interface {
	ListConsents(ctx context.Context, l Listing) (Listed, error)
}
