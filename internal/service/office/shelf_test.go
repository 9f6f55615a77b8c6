package office_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/office"
)

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

var errDown = errors.New("the database is down")

// shelf is a store in memory.
type shelf struct {
	mu        sync.Mutex
	consents  map[uuid.UUID]*consent.Consent
	order     []uuid.UUID // the newest first
	entries   []consent.Entry
	looks     []consent.Entry
	proposals []*office.Proposal
	bankIDs   map[uuid.UUID]string
	payments  map[uuid.UUID][]consent.Payment
	// asked are the pages that were listed.
	asked []service.Listing
	// broken are consents whose change fails; crash, unless it is nil, is run before each.
	broken   map[uuid.UUID]bool
	crash    func(id uuid.UUID) error
	lookDown bool
}

var _ office.Store = (*shelf)(nil)

func (s *shelf) ListConsents(_ context.Context, l service.Listing) (service.Listed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, l)
	var fits []*consent.Consent
	for _, id := range s.order {
		c := s.clone(id)
		c.Settle(l.Now)
		switch {
		case l.TPP != "" && c.TPP != l.TPP,
			len(l.Statuses) > 0 && !slices.Contains(l.Statuses, c.Status),
			l.Account != "" && !slices.ContainsFunc(c.Access.Grants, func(g consent.Grant) bool { return s.bankIDs[g.AccountID] == l.Account }),
			l.Sight != nil && !l.Sight.Sees(c):
			continue
		}
		fits = append(fits, s.clone(id))
	}
	listed := service.Listed{Total: len(fits)}
	for _, c := range fits {
		if l.Cursor != nil && slices.Index(s.order, c.ID) <= slices.Index(s.order, l.Cursor.ID) {
			continue
		}
		if len(listed.Consents) == l.Size {
			listed.Next = &service.Cursor{ID: listed.Consents[l.Size-1].ID}
			break
		}
		listed.Consents = append(listed.Consents, c)
	}
	return listed, nil
}

func (s *shelf) clone(id uuid.UUID) *consent.Consent {
	c := *s.consents[id]
	return &c
}

func (s *shelf) Sight(_ context.Context, psu string, customers []string) (service.Sight, error) {
	sight := service.Sight{PSU: s.ours(psu)}
	for _, customer := range customers {
		if id := s.ours(customer); id != uuid.Nil {
			sight.Customers = append(sight.Customers, id)
		}
	}
	return sight, nil
}

func (s *shelf) PSU(_ context.Context, bankID string) (uuid.UUID, error) {
	if id := s.ours(bankID); id != uuid.Nil {
		return id, nil
	}
	id := uuid.New()
	s.bankIDs[id] = bankID
	return id, nil
}

func (s *shelf) ours(bankID string) uuid.UUID {
	for id, known := range s.bankIDs {
		if known == bankID {
			return id
		}
	}
	return uuid.Nil
}

func (s *shelf) Get(_ context.Context, id uuid.UUID) (*consent.Consent, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.consents[id] == nil {
		return nil, consent.E(consent.CodeNotFound, "no such consent")
	}
	return s.clone(id), nil
}

func (s *shelf) Amend(
	_ context.Context, id uuid.UUID, change func(c *consent.Consent, h *consent.Holder, log []consent.Payment) error,
) (*consent.Consent, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.crash != nil {
		if err := s.crash(id); err != nil {
			return nil, err
		}
	}
	if s.consents[id] == nil {
		return nil, consent.E(consent.CodeNotFound, "no such consent")
	}
	// As storage may, it runs the change twice.
	if err := change(s.clone(id), &consent.Holder{}, s.payments[id]); err != nil {
		return nil, err
	}
	c := s.clone(id)
	if err := change(c, &consent.Holder{}, s.payments[id]); err != nil {
		return nil, err
	}
	if s.broken[id] {
		return nil, errDown
	}
	entries, _ := c.TakePending()
	s.entries = append(s.entries, entries...)
	s.consents[id] = c
	return c, nil
}

func (s *shelf) Propose(_ context.Context, p office.Proposal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proposals = append(s.proposals, &p)
	return nil
}

func (s *shelf) Proposals(_ context.Context, limit int) ([]office.Proposal, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var open []office.Proposal
	for _, p := range s.proposals {
		if p.State == office.Open && len(open) < limit {
			open = append(open, *p)
		}
	}
	return open, nil
}

func (s *shelf) Proposal(_ context.Context, id uuid.UUID) (*office.Proposal, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.proposals {
		if p.ID == id {
			found := *p
			return &found, nil
		}
	}
	return nil, consent.E(consent.CodeNotFound, "no such proposal")
}

func (s *shelf) Decide(ctx context.Context, id uuid.UUID, change func(*office.Proposal) error) (*office.Proposal, error) {
	found, err := s.Proposal(ctx, id)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.proposals, func(p *office.Proposal) bool { return p.ID == id })
	*found = *s.proposals[i]
	if err := change(found); err != nil {
		return nil, err
	}
	kept := *found
	s.proposals[i] = &kept
	return found, nil
}

func (s *shelf) Entries(_ context.Context, id uuid.UUID) ([]consent.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var own []consent.Entry
	for _, e := range s.entries {
		if e.Chain == id.String() {
			own = append(own, e)
		}
	}
	return own, nil
}

func (s *shelf) Look(_ context.Context, e consent.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lookDown {
		return errDown
	}
	s.looks = append(s.looks, e)
	return nil
}

func (s *shelf) BankIDs(_ context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	known := map[uuid.UUID]string{}
	for _, id := range ids {
		if bankID, ok := s.bankIDs[id]; ok {
			known[id] = bankID
		}
	}
	return known, nil
}

// bank knows LEA, who has one account.
type bank struct{ down bool }

func (b bank) Customers(_ context.Context, psu string) ([]service.Customer, error) {
	switch {
	case b.down:
		return nil, errDown
	case psu != "psu-lea":
		return nil, service.ErrUnknownPSU
	}
	return []service.Customer{{ID: "customer-lea"}}, nil
}

func (bank) Signers(context.Context, string) ([]string, error) { return []string{"psu-lea"}, nil }

func (b bank) Owners(_ context.Context, account string) ([]string, error) {
	switch {
	case b.down:
		return nil, errDown
	case account != "r1":
		return nil, nil
	}
	return []string{"customer-lea"}, nil
}

// world is an office with what it stands on.
type world struct {
	*office.Office

	store *shelf
	now   *time.Time
	log   *bytes.Buffer
}

func setup(t *testing.T) world {
	t.Helper()
	now, log := noon, &bytes.Buffer{}
	store := &shelf{consents: map[uuid.UUID]*consent.Consent{}, bankIDs: map[uuid.UUID]string{}, broken: map[uuid.UUID]bool{}}
	return world{
		Office: &office.Office{
			Store: store, Signers: bank{}, Owners: bank{}, Zone: time.UTC,
			Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(log, nil)),
		},
		store: store, now: &now, log: log,
	}
}

// add puts a consent on the shelf.
func (w world) add(t *testing.T, tpp string, status consent.Status, change ...func(*consent.Consent)) uuid.UUID {
	t.Helper()
	id, err := uuid.NewV7()
	require.NoError(t, err)
	c := &consent.Consent{
		ID: id, GroupID: id, Kind: consent.AccountAccess, Rail: consent.RailXS2A, TPP: tpp, Status: status,
		CreatedAt: noon.Add(-time.Hour), StatusChangedAt: noon.Add(-time.Hour), EndsAt: noon.AddDate(0, 1, 0), AuthoriseBy: noon.AddDate(0, 1, 0),
	}
	for _, f := range change {
		f(c)
	}
	w.store.consents[id] = c
	w.store.order = slices.Insert(w.store.order, 0, id)
	return id
}

func (w world) status(id uuid.UUID) consent.Status { return w.store.consents[id].Status }

func by(who string) consent.Cause {
	return consent.Cause{By: consent.ByASPSP, Who: who, RequestID: "call-1"}
}
