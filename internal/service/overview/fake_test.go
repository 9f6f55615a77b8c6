package overview_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/overview"
)

var errBroken = errors.New("the disk is full")

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fake is a store in memory, the bank beside it, and the use cases over both. Lists
// of a leaky one tell whatever there is, whosever it is.
type fake struct {
	*overview.Overview
	leaky bool
	size  int // of a page; 0 for what is asked

	now      time.Time
	consents map[uuid.UUID]*consent.Consent
	entries  map[uuid.UUID][]consent.Entry
	payments map[uuid.UUID][]consent.Payment
	shared   map[uuid.UUID]time.Time
	ids      map[uuid.UUID]string // ours to the bank's
	bank     *bank
	summed   []uuid.UUID // whose payments were read in brief
	// before happens before a consent is loaded to be changed.
	before func(id uuid.UUID)
	// listing happens before consents are listed.
	listing func()
	// breaks is the method that fails; empty for none.
	breaks string
}

// bank knows who acts for whom, and who owns what.
type bank struct {
	customers map[string][]string // by PSU
	accounts  map[string][]service.Account
	signers   map[string][]string
	down      bool           // it tells nothing but for whom a PSU acts
	deaf      bool           // nor that
	asked     map[string]int // how often for the accounts of whom
}

func newFake() *fake {
	f := &fake{
		now: noon, consents: map[uuid.UUID]*consent.Consent{}, entries: map[uuid.UUID][]consent.Entry{},
		payments: map[uuid.UUID][]consent.Payment{}, shared: map[uuid.UUID]time.Time{}, ids: map[uuid.UUID]string{},
		bank: &bank{customers: map[string][]string{}, accounts: map[string][]service.Account{}, signers: map[string][]string{}, asked: map[string]int{}},
	}
	f.Overview = &overview.Overview{
		Store: f, Accounts: f.bank, Signers: f.bank, Opener: opener{}, Zone: time.UTC, Now: func() time.Time { return f.now },
	}
	return f
}

// id is ours of something of the bank's, made at first sight.
func (f *fake) id(bankID string) uuid.UUID {
	for id, known := range f.ids {
		if known == bankID {
			return id
		}
	}
	id := uuid.New()
	f.ids[id] = bankID
	return id
}

// viewer is a PSU who acts for customers, each of whom has two accounts.
func (f *fake) viewer(psu string, customers ...string) overview.Viewer {
	f.bank.customers[psu] = customers
	for _, c := range customers {
		f.id(c)
		f.bank.accounts[c] = []service.Account{
			{ID: c + "/1", Name: "Daily " + c, Owner: strings.ToUpper(c), Reference: consent.Reference{IBAN: "IBAN-" + c + "-1"}},
			{ID: c + "/2", Name: "Savings " + c, Owner: strings.ToUpper(c), Reference: consent.Reference{IBAN: "IBAN-" + c + "-2", CashAccountType: "SVGS"}},
		}
	}
	return overview.Viewer{PSU: f.id(psu), BankID: psu}
}

// grant is to the nth account of a customer.
func (f *fake) grant(customer string, n int, rights consent.Rights) consent.Grant {
	bankID := fmt.Sprintf("%s/%d", customer, n)
	return consent.Grant{AccountID: f.id(bankID), Rights: rights, Reference: consent.Reference{IBAN: fmt.Sprintf("IBAN-%s-%d", customer, n)}}
}

// add keeps a consent of a customer that was made at the clock's time, which goes on by
// a minute; it is valid, of a line of its own, and to be had until the year's end unless set says otherwise.
func (f *fake) add(customer string, set ...func(*consent.Consent)) *consent.Consent {
	f.now = f.now.Add(time.Minute)
	id := uuid.New()
	c := &consent.Consent{
		ID: id, GroupID: id, Kind: consent.AccountAccess, Rail: consent.RailXS2A, TPP: "A", TPPName: "Acme", Status: consent.Valid,
		StatusChangedAt: f.now, CreatedAt: f.now, EndsAt: noon.AddDate(1, 0, 0), AuthoriseBy: noon.AddDate(1, 0, 0),
		Access: consent.Access{Scope: consent.ScopeBankOffered, Rights: consent.RightBalances}, Recurring: true, Version: 1,
	}
	if customer != "" {
		c.Customer = f.id(customer)
		c.Access.Grants = []consent.Grant{f.grant(customer, 1, consent.RightBalances)}
	}
	for _, s := range set {
		s(c)
	}
	f.keep(c)
	return c
}

// keep writes a consent down with the audit of its changes.
func (f *fake) keep(c *consent.Consent) {
	entries, _ := c.TakePending()
	for _, e := range entries {
		e.Seq = len(f.entries[c.ID]) + 1
		f.entries[c.ID] = append(f.entries[c.ID], e)
	}
	f.consents[c.ID] = clone(c)
}

func clone(c *consent.Consent) *consent.Consent {
	x := *c
	x.Authorisations, x.Access.Grants = slices.Clone(c.Authorisations), slices.Clone(c.Access.Grants)
	return &x
}

// broken fails where this is the method that does.
func (f *fake) broken(method string) error {
	if f.breaks == method {
		return errBroken
	}
	return nil
}

func (f *fake) ListConsents(_ context.Context, l service.Listing) (service.Listed, error) {
	if err := f.broken("ListConsents"); err != nil {
		return service.Listed{}, err
	}
	if f.listing != nil {
		f.listing()
	}
	var found []*consent.Consent
	for _, c := range f.consents {
		if (f.leaky || l.Sight.Sees(c)) && (l.Group == uuid.Nil || l.Group == c.GroupID) {
			found = append(found, clone(c))
		}
	}
	slices.SortFunc(found, func(a, b *consent.Consent) int { return bytes.Compare(b.ID[:], a.ID[:]) })
	page, total := service.Listed{}, len(found)
	if l.Cursor != nil {
		found = slices.DeleteFunc(found, func(c *consent.Consent) bool { return bytes.Compare(c.ID[:], l.Cursor.ID[:]) >= 0 })
	}
	size := l.Size
	if f.size > 0 {
		size = f.size
	}
	if len(found) > size {
		found = found[:size]
		page.Next = &service.Cursor{ID: found[size-1].ID}
	}
	page.Consents, page.Total = found, total
	return page, nil
}

func (f *fake) Sight(_ context.Context, psu string, customers []string) (service.Sight, error) {
	if err := f.broken("Sight"); err != nil {
		return service.Sight{}, err
	}
	var s service.Sight
	for id, known := range f.ids {
		if known == psu {
			s.PSU = id
		}
		if slices.Contains(customers, known) {
			s.Customers = append(s.Customers, id)
		}
	}
	return s, nil
}

func (f *fake) Get(_ context.Context, id uuid.UUID) (*consent.Consent, error) {
	if err := f.broken("Get"); err != nil {
		return nil, err
	}
	c, ok := f.consents[id]
	if !ok {
		return nil, consent.E(consent.CodeNotFound, "no row")
	}
	return clone(c), nil
}

func (f *fake) Update(ctx context.Context, id uuid.UUID, change func(*consent.Consent) error) (*consent.Consent, error) {
	if err := f.broken("Update"); err != nil {
		return nil, err
	}
	if f.before != nil {
		f.before(id)
	}
	c, err := f.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := change(c); err != nil {
		return nil, err
	}
	f.keep(c)
	return c, nil
}

func (f *fake) Payments(_ context.Context, ids []uuid.UUID) (map[uuid.UUID][]consent.Payment, error) {
	if err := f.broken("Payments"); err != nil {
		return nil, err
	}
	found := map[uuid.UUID][]consent.Payment{}
	for _, id := range ids {
		if log, ok := f.payments[id]; ok {
			found[id] = slices.Clone(log)
		}
	}
	return found, nil
}

func (f *fake) PaymentsInBrief(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID][]consent.Payment, error) {
	if err := f.broken("PaymentsInBrief"); err != nil {
		return nil, err
	}
	f.summed = append(f.summed, ids...)
	return f.Payments(ctx, ids)
}

func (f *fake) LastShared(_ context.Context, ids []uuid.UUID) (map[uuid.UUID]time.Time, error) {
	if err := f.broken("LastShared"); err != nil {
		return nil, err
	}
	found := map[uuid.UUID]time.Time{}
	for _, id := range ids {
		if at, ok := f.shared[id]; ok {
			found[id] = at
		}
	}
	return found, nil
}

func (f *fake) Entries(_ context.Context, id uuid.UUID) ([]consent.Entry, error) {
	if err := f.broken("Entries"); err != nil {
		return nil, err
	}
	return slices.Clone(f.entries[id]), nil
}

func (f *fake) BankIDs(_ context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	if err := f.broken("BankIDs"); err != nil {
		return nil, err
	}
	found := map[uuid.UUID]string{}
	for _, id := range ids {
		if known, ok := f.ids[id]; ok {
			found[id] = known
		}
	}
	return found, nil
}

func (b *bank) Customers(_ context.Context, psu string) ([]service.Customer, error) {
	if b.deaf {
		return nil, errors.New("connection refused")
	}
	ids, ok := b.customers[psu]
	if !ok {
		return nil, fmt.Errorf("bank: %w", service.ErrUnknownPSU)
	}
	var list []service.Customer
	for _, id := range ids {
		list = append(list, service.Customer{ID: id, Name: strings.ToUpper(id)})
	}
	return list, nil
}

func (b *bank) Signers(_ context.Context, customer string) ([]string, error) {
	if b.down {
		return nil, errors.New("connection refused")
	}
	return b.signers[customer], nil
}

func (b *bank) List(_ context.Context, customer string) ([]service.Account, error) {
	b.asked[customer]++
	if b.down {
		return nil, errors.New("connection refused")
	}
	return b.accounts[customer], nil
}

func (b *bank) Resolve(context.Context, string, consent.Reference) ([]service.Account, error) {
	return nil, errors.New("nobody asks")
}

// opener opens what is not broken.
type opener struct{}

func (opener) Open(jwe string) (overview.Parties, error) {
	if jwe == "broken" {
		return overview.Parties{}, errors.New("decryption failed")
	}
	return overview.Parties{CreditorName: "creditor of " + jwe}, nil
}

// What a consent of add may be otherwise.

func of(tpp string) func(*consent.Consent) {
	return func(c *consent.Consent) { c.TPP, c.TPPName = tpp, "The "+tpp }
}

func in(s consent.Status) func(*consent.Consent) {
	return func(c *consent.Consent) { c.Status = s }
}

func after(former *consent.Consent) func(*consent.Consent) {
	return func(c *consent.Consent) { c.GroupID = former.GroupID }
}

func opens(a consent.Access) func(*consent.Consent) {
	return func(c *consent.Consent) { c.Access = a }
}

func kind(k consent.Kind) func(*consent.Consent) {
	return func(c *consent.Consent) { c.Kind = k }
}

func begunBy(psu uuid.UUID) func(*consent.Consent) {
	return func(c *consent.Consent) {
		c.Status, c.Authorisations = consent.Received, []consent.Authorisation{{ID: uuid.New(), PSU: psu, Status: consent.ScaPSUAuthenticated, Deadline: c.EndsAt}}
	}
}

func pays(terms consent.PaymentTerms) func(*consent.Consent) {
	return func(c *consent.Consent) {
		terms.Currency = "AED"
		c.Kind, c.Rail, c.Staged = consent.Payments, consent.RailManager, &consent.Staged{Payment: &terms}
	}
}

func forwarded(by uuid.UUID) func(*consent.Consent) {
	return func(c *consent.Consent) { c.Rail, c.GivenBy = consent.RailSTET, by }
}

func connection(by uuid.UUID) func(*consent.Consent) {
	return func(c *consent.Consent) {
		c.Rail, c.GivenBy, c.Kind, c.Access = consent.RailSTET, by, consent.Connection, consent.Access{Rights: consent.RightAccounts}
	}
}

func (f *fake) board(t *testing.T, v overview.Viewer, w overview.Wish) *overview.Board {
	t.Helper()
	b, err := f.Board(t.Context(), v, w)
	require.NoError(t, err)
	return b
}

func (f *fake) detail(t *testing.T, v overview.Viewer, id uuid.UUID) *overview.Detail {
	t.Helper()
	d, err := f.Overview.Get(t.Context(), v, id)
	require.NoError(t, err)
	return d
}

// idsOf are the consents of cards.
func idsOf(cards []overview.Card) []uuid.UUID {
	ids := []uuid.UUID{}
	for _, c := range cards {
		ids = append(ids, c.ID)
	}
	return ids
}

func ids(all ...*consent.Consent) []uuid.UUID {
	list := []uuid.UUID{}
	for _, c := range all {
		list = append(list, c.ID)
	}
	return list
}
