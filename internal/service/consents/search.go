package consents

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service"
)

// Archive is what the bank's own need of storage. Implementations pass storagetest.
type Archive interface {
	service.Sights
	// Find lists consents whole, as stored, the newest first.
	Find(ctx context.Context, q Query) ([]*consent.Consent, error)
	// BankIDs turns ids of ours, of PSUs, customers and accounts, back into the
	// bank's. Those that are not known are left out.
	BankIDs(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error)
	// LastShared tells when data was last shared by these consents. Those by which
	// none was are left out.
	LastShared(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]time.Time, error)
	// PSU is our id of a PSU, made at first sight.
	PSU(ctx context.Context, bankID string) (uuid.UUID, error)
	// Get and Update are those of Store.
	Get(ctx context.Context, id uuid.UUID) (*consent.Consent, error)
	Update(ctx context.Context, id uuid.UUID, change func(*consent.Consent) error) (*consent.Consent, error)
}

// Desk are the use cases of the bank's own, whose pages show PSUs their consents
// and end them. It sees the consents of all TPPs, kinds and rails; what a PSU may
// see of them is their Sight.
type Desk struct {
	Archive  Archive
	Accounts service.Accounts
	Owners   service.Owners
	Signers  service.Signers
	Now      func() time.Time
}

// Sight is what a PSU may see and end.
type Sight = service.Sight

// Filter says which consents are listed. PSU or Account must be there.
type Filter struct {
	// PSU is the bank's id of whose consents are listed; see Sight.
	PSU string
	// Account is the bank's id of an account that they open: because it was granted,
	// or because they open all accounts of a customer who is known to own it. Those
	// are the customers of the PSU whom the bank says it belongs to, and those who
	// have shared it before.
	Account string
	Status  consent.Status // as it is now; empty: any
	TPP     string         // its id; empty: any
	After   uuid.UUID      // consents that are older than this one; zero: from the newest
	Limit   int            // at most that many
}

// Query is a Filter in our ids.
type Query struct {
	Sight   *Sight // nil: whoever's; then Account is there
	Account string
	Owners  []uuid.UUID // customers who own the account, besides those who have shared it
	Status  consent.Status
	TPP     string
	After   uuid.UUID
	Limit   int
	Now     time.Time // at which Status holds
}

// Seen is a consent as the bank's own see it.
type Seen struct {
	*consent.Consent

	// BankIDs are the bank's ids of the PSUs, the customer and the accounts that the
	// consent refers to; one that was erased is missing.
	BankIDs map[uuid.UUID]string
	// Names are what the customer calls the accounts, by our ids, as far as the bank
	// knows them. A list has none.
	Names map[uuid.UUID]string
	// LastShared is when data was last shared by the consent, at most a minute late;
	// zero for never.
	LastShared time.Time
}

// List lists consents as they stand now, the newest first. Fails with CodeFormat
// without a PSU and an account, CodeNotFound for a PSU whom the bank does not
// know, CodeUnavailable when it does not answer.
func (d *Desk) List(ctx context.Context, f Filter) ([]Seen, error) {
	if f.PSU == "" && f.Account == "" {
		return nil, consent.At(consent.CodeFormat, "psu", "is required where no account is named")
	}
	q := Query{Account: f.Account, Status: f.Status, TPP: f.TPP, After: f.After, Limit: f.Limit, Now: d.Now()}
	if f.PSU != "" {
		customers, err := d.customers(ctx, f.PSU)
		if err != nil {
			return nil, err
		}
		sight, err := d.Archive.Sight(ctx, f.PSU, customers)
		if err != nil {
			return nil, err
		}
		q.Sight = &sight
	}
	var err error
	if q.Owners, err = service.OwnersOf(ctx, d.Owners, d.Archive, f.Account); err != nil {
		return nil, err
	}
	found, err := d.Archive.Find(ctx, q)
	if err != nil {
		return nil, err
	}
	return d.seen(ctx, found, q.Now)
}

// Get reads a consent, whosever it is, as it stands now. Fails with CodeNotFound.
func (d *Desk) Get(ctx context.Context, id uuid.UUID) (*Seen, error) {
	c, err := d.Archive.Get(ctx, id)
	if err != nil {
		return nil, hidden(err)
	}
	return d.show(ctx, c)
}

// show is one consent with the names of its accounts.
func (d *Desk) show(ctx context.Context, c *consent.Consent) (*Seen, error) {
	list, err := d.seen(ctx, []*consent.Consent{c}, d.Now())
	if err != nil {
		return nil, err
	}
	list[0].Names = d.names(ctx, &list[0])
	return &list[0], nil
}

// names are those of the accounts that a consent grants. It is shown without them
// where the bank does not tell.
func (d *Desk) names(ctx context.Context, s *Seen) map[uuid.UUID]string {
	customer, known := s.BankIDs[s.Customer]
	if !known || len(s.Access.Grants) == 0 {
		return nil
	}
	accounts, err := d.Accounts.List(ctx, customer)
	if err != nil {
		explain.Note(ctx, "consent %s: the bank does not tell the names of its accounts", s.ID)
		return nil
	}
	names := map[uuid.UUID]string{}
	for _, g := range s.Access.Grants {
		i := slices.IndexFunc(accounts, func(a service.Account) bool { return a.ID == s.BankIDs[g.AccountID] })
		if i >= 0 && accounts[i].Name != "" {
			names[g.AccountID] = accounts[i].Name
		}
	}
	return names
}

// seen brings consents to where they stand at now, and finds whom and what they
// refer to.
func (d *Desk) seen(ctx context.Context, found []*consent.Consent, now time.Time) ([]Seen, error) {
	list := make([]Seen, len(found))
	var consents, ids []uuid.UUID
	for i, c := range found {
		list[i].Consent = c
		consents = append(consents, c.ID)
		if c.Settle(now) {
			c.TakePending() // a read writes nothing
		}
		ids = append(ids, c.Customer, c.GivenBy)
		for _, a := range c.Authorisations {
			ids = append(ids, a.PSU)
		}
		for _, g := range c.Access.Grants {
			ids = append(ids, g.AccountID)
		}
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	known, err := d.Archive.BankIDs(ctx, slices.DeleteFunc(slices.Compact(ids), func(id uuid.UUID) bool { return id == uuid.Nil }))
	if err != nil {
		return nil, err
	}
	shared, err := d.Archive.LastShared(ctx, consents)
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].BankIDs, list[i].LastShared = known, shared[list[i].ID]
	}
	return list, nil
}

// customers are the bank's ids of those for whom a PSU may act.
func (d *Desk) customers(ctx context.Context, psu string) ([]string, error) {
	found, err := d.Signers.Customers(ctx, psu)
	if errors.Is(err, service.ErrUnknownPSU) {
		return nil, consent.E(consent.CodeNotFound, "the bank knows no such PSU").Because(err)
	}
	if err != nil {
		return nil, service.Unavailable(fmt.Errorf("customers of a PSU: %w", err))
	}
	ids := make([]string, len(found))
	for i, c := range found {
		ids[i] = c.ID
	}
	return ids, nil
}

// errNoConsent is the answer for a consent that is unknown, and for one that a PSU
// may not see.
func errNoConsent() *consent.Error { return consent.E(consent.CodeNotFound, "no such consent") }

// hidden gives whatever is not known the same words.
func hidden(err error) error {
	if consent.CodeOf(err) == consent.CodeNotFound {
		return errNoConsent().Because(err)
	}
	return err
}
