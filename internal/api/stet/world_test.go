package stet_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/access"
	"consentd/internal/service/connections"
	"consentd/internal/service/consents"
	"consentd/internal/service/ledger"
	"consentd/internal/tpp"
	"consentd/pkg/eidas"
)

// store keeps what TPPs forward in maps. It stands in for storage in the use cases of
// forwarding, of decisions and of refusals, and for that of tokens.
type store struct {
	mu       sync.Mutex
	consents map[uuid.UUID]*consent.Consent
	current  map[connections.Holder]uuid.UUID
	counts   map[access.Counted]int
	refused  []consent.Entry
	// between runs once, before a decision is asked of it: somebody else was faster.
	between func()
	// shut lists the TPPs that the bank has blocked.
	shut map[string]bool
	err  error
}

func newStore() *store {
	return &store{
		consents: map[uuid.UUID]*consent.Consent{}, current: map[connections.Holder]uuid.UUID{},
		counts: map[access.Counted]int{}, shut: map[string]bool{},
	}
}

func (s *store) Forward(_ context.Context, f consents.Forwarding, change func(consents.Stands) (*consent.Consent, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	holder := connections.Holder{TPP: f.TPP, Customer: f.Customer, PSU: f.PSU}
	var former *consent.Consent
	if id, ok := s.current[holder]; ok {
		c := *s.consents[id]
		former = &c
	}
	next, err := change(consents.Stands{Former: former})
	if err = errors.Join(err, s.err); err != nil {
		return err
	}
	if former != nil {
		s.consents[former.ID] = former
	}
	if next != nil {
		s.consents[next.ID], s.current[holder] = next, next.ID
	}
	return nil
}

func (s *store) Standing(_ context.Context, h connections.Holder) (connections.Standing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return connections.Standing{Consent: s.current[h]}, s.err
}

func (s *store) Renew(context.Context, connections.Holder, func(*consent.Consent)) error {
	return errors.ErrUnsupported
}

func (s *store) Bearer(context.Context, consent.Digest) (*connections.Bearer, error) {
	return nil, errors.ErrUnsupported
}

func (s *store) Grounds(_ context.Context, id uuid.UUID, _ time.Time) (*access.Grounds, error) {
	if then := s.between; then != nil {
		s.between = nil
		then()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.consents[id]
	if !ok || s.err != nil {
		return nil, errors.Join(s.err, consent.E(consent.CodeNotFound, "no such consent"))
	}
	copied := *c
	g := &access.Grounds{Consent: &copied, Customer: bankIDOf(c.Customer), Shut: s.shut[c.TPP]}
	for _, x := range c.Access.Grants {
		g.Accounts = append(g.Accounts, access.Account{Key: x.AccountID, ID: bankIDOf(x.AccountID), Reference: x.Reference, Rights: x.Rights})
	}
	return g, nil
}

func (s *store) Count(_ context.Context, at access.Counted, limit int) (int, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at.At, at.List = time.Time{}, ""
	if s.counts[at] >= limit {
		return 0, false, nil
	}
	s.counts[at]++
	return limit - s.counts[at], true, nil
}

func (s *store) Follow(_ context.Context, at access.Counted, _ time.Time, _ int) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at.At, at.List = time.Time{}, ""
	return s.counts[at] > 0, nil
}

func (s *store) Spend(context.Context, access.Counted, func(*consent.Consent, []consent.Use, bool) error) error {
	return errors.ErrUnsupported
}

func (s *store) NoteShared(context.Context, map[uuid.UUID]time.Time) error { return nil }

func (s *store) ForgetCounts(context.Context, consent.Date, int) (int, error) { return 0, nil }

func (s *store) Receipt(context.Context, consent.Digest) (*consent.Receipt, error) {
	return nil, consent.E(consent.CodeNotFound, "no such receipt")
}

func (s *store) ForgetReceipt(context.Context, consent.Digest, time.Time) error { return nil }

func (s *store) ForgetReceipts(context.Context, time.Time, int) (int, error) { return 0, nil }

func (s *store) Refuse(_ context.Context, e consent.Entry, _ *consent.Receipt) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = append(s.refused, e)
	return nil
}

func (s *store) History(context.Context, string) ([]consent.Entry, error) { return nil, nil }

func (s *store) Chains(context.Context, func(ledger.Chain) error) error { return nil }

// edit changes every consent that is stored, behind the dialect's back.
func (s *store) edit(change func(*consent.Consent) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, c := range s.consents {
		errs = append(errs, change(c))
	}
	return errors.Join(errs...)
}

// Ids of ours are made of the bank's, so that they can be told without a register.
var ids sync.Map

func idOf(bankID string) uuid.UUID {
	id := uuid.NewSHA1(uuid.NameSpaceOID, []byte(bankID))
	ids.Store(id, bankID)
	return id
}

func bankIDOf(id uuid.UUID) string {
	bankID, _ := ids.Load(id)
	text, _ := bankID.(string)
	return text
}

func (s *store) Accounts(_ context.Context, _ uuid.UUID, accounts []service.Account) ([]uuid.UUID, error) {
	list := make([]uuid.UUID, len(accounts))
	for i, x := range accounts {
		list[i] = idOf(x.ID)
	}
	return list, nil
}

// bank is one whose accounts and books are lists.
type bank struct {
	mu       sync.Mutex
	accounts map[string][]service.Account // by customer
	balances map[string][]service.Balance // by account
	entries  map[string][]service.Entry   // by account
	asked    []service.Span
	err      error
}

func (b *bank) List(_ context.Context, customer string) ([]service.Account, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.accounts[customer]), b.err
}

func (b *bank) Resolve(_ context.Context, customer string, ref consent.Reference) ([]service.Account, error) {
	var found []service.Account
	for _, x := range b.accounts[customer] {
		r := x.Reference
		fits := ref.IBAN != "" && ref.IBAN == r.IBAN || ref.MaskedPAN != "" && ref.MaskedPAN == r.MaskedPAN ||
			ref.PAN != "" && strings.HasSuffix(r.MaskedPAN, ref.PAN[max(0, len(ref.PAN)-4):])
		if fits && (ref.Currency == "" || ref.Currency == r.Currency) {
			found = append(found, x)
		}
	}
	return found, b.err
}

func (b *bank) Balances(_ context.Context, account string) ([]service.Balance, error) {
	if _, ok := b.balances[account]; !ok {
		return nil, service.ErrNoAccount
	}
	return b.balances[account], b.err
}

// Transactions has pages of two.
func (b *bank) Transactions(_ context.Context, account string, q service.Span) (service.Statement, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, q)
	all := b.entries[account]
	switch q.After {
	case "":
	case "2":
		all = all[2:]
	default:
		return service.Statement{}, service.ErrNoPage
	}
	s := service.Statement{Entries: all}
	if len(all) > 2 {
		s.Entries, s.Next = all[:2], "2"
	}
	return s, b.err
}

func (b *bank) Identity(_ context.Context, psu, customer string) (service.Identity, error) {
	if customer == "sarl" {
		return service.Identity{OrganisationID: "SIREN 852126789"}, b.err
	}
	return service.Identity{FullName: strings.ToUpper(psu) + " SANDBOXA"}, b.err
}

// byHeader tells TPPs apart by a header; some are not to be let in.
type byHeader struct{}

func (byHeader) Identify(r *http.Request) (tpp.TPP, error) {
	switch name := r.Header.Get("X-Test-TPP"); name {
	case "":
		return tpp.TPP{ID: "acme", Name: "Acme", Roles: tpp.Roles()}, nil
	case "nobody":
		return tpp.TPP{}, consent.E(consent.CodeCertificateMissing, "a client certificate is required")
	case "payer":
		return tpp.TPP{ID: name, Name: name, Roles: []eidas.Role{eidas.RolePI}}, nil
	default:
		return tpp.TPP{ID: name, Name: name, Roles: tpp.Roles()}, nil
	}
}

// tokens are "PSU", "PSU:scope,scope"; some are dead.
type tokens struct {
	store *store
	now   func() time.Time
}

func (b *tokens) Bearer(r *http.Request, caller tpp.TPP) (connections.Principal, error) {
	psu, scopes, limited := strings.Cut(tpp.TokenOf(r), ":")
	switch psu {
	case "":
		return connections.Principal{}, tpp.ErrNoToken()
	case "dead":
		return connections.Principal{}, consent.At(consent.CodeTokenInvalid, "Header.Authorization", "the access token is not known, or has ended")
	case "old":
		return connections.Principal{}, consent.At(consent.CodeTokenExpired, "Header.Authorization", "the access token has expired")
	}
	if !limited {
		scopes = "aisp"
	}
	p := connections.Principal{
		TPP: caller.ID, PSU: idOf("psu " + psu), Customer: idOf(psu), PSUID: psu, CustomerID: psu,
		Scopes: strings.Split(scopes, ","), SCA: b.now(), Until: b.now().AddDate(0, 0, 180), IssuedAt: b.now(),
	}
	standing, err := b.store.Standing(r.Context(), p.Holder())
	p.Standing = standing
	return p, err
}
