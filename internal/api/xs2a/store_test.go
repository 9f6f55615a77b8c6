package xs2a_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/access"
	"consentd/internal/service/funds"
	"consentd/internal/service/ledger"
	"consentd/internal/service/sca"
)

// runs mints runs whose handles are easy to recognise.
type runs struct{ opened service.Opening }

func (r *runs) New(o service.Opening) (service.Opened, error) {
	r.opened = o
	run := &consent.Run{ID: uuid.New(), Purpose: o.Purpose, CreatedAt: o.At, OpenBy: o.At.Add(10 * time.Minute)}
	return service.Opened{Run: run, Handle: "secret-handle"}, nil
}

// walks answers updates as it is told, and remembers them.
type walks struct {
	store    *store
	standing sca.Standing
	err      error
	updates  []sca.Update
}

func (w *walks) Update(_ context.Context, _ service.Call, _ sca.Target, u sca.Update, tell sca.Tell) (sca.Standing, error) {
	w.updates = append(w.updates, u)
	if w.err != nil {
		return sca.Standing{}, w.err
	}
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	return w.standing, w.store.keep(tell(w.standing))
}

func (w *walks) Message(context.Context, service.Call, sca.Target) (string, error) {
	return "Repeat 42 in your app.", w.err
}

// reads decides as it is told, and remembers what it was asked.
type reads struct {
	asked    []access.Question
	decision access.Decision
	err      error
}

func (r *reads) Decide(_ context.Context, q access.Question) (access.Decision, error) {
	r.asked = append(r.asked, q)
	return r.decision, r.err
}

// store keeps consents in a map. Err, when set, is what every call answers.
type store struct {
	mu   sync.Mutex
	byID map[uuid.UUID]consent.Consent
	// receipts are kept where a test is about repeated calls; the others send one
	// request id all the time.
	receipts map[consent.Digest]consent.Receipt
	refused  []consent.Entry
	covered  []funds.Covered
	rich     bool // whether the bank says yes to amounts
	err      error
}

func newStore() *store {
	return &store{byID: map[uuid.UUID]consent.Consent{}}
}

func (s *store) Create(_ context.Context, c *consent.Consent, _ *consent.Run) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, r := c.TakePending()
	if err := s.keep(r); err != nil {
		return err
	}
	s.byID[c.ID] = clone(*c)
	return s.err
}

// keep stores a receipt, under the lock.
func (s *store) keep(r *consent.Receipt) error {
	if r == nil || s.receipts == nil {
		return nil
	}
	if _, there := s.receipts[r.Key]; there {
		return consent.E(consent.CodeRepeated, "repeated")
	}
	s.receipts[r.Key] = *r
	return nil
}

func (s *store) Get(_ context.Context, id uuid.UUID) (*consent.Consent, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.byID[id]
	switch {
	case s.err != nil:
		return nil, s.err
	case !ok:
		return nil, consent.E(consent.CodeNotFound, "the store's own words")
	}
	c = clone(c)
	return &c, nil
}

func (s *store) Status(ctx context.Context, id uuid.UUID) (*consent.Consent, error) {
	return s.Get(ctx, id)
}

func (s *store) Update(ctx context.Context, id uuid.UUID, change func(*consent.Consent) error) (*consent.Consent, error) {
	c, err := s.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := change(c); err != nil {
		return nil, err
	}
	return c, s.Create(ctx, c, nil)
}

func (s *store) AddRun(ctx context.Context, id uuid.UUID, _ *consent.Run, change func(*consent.Consent) error) (*consent.Consent, error) {
	return s.Update(ctx, id, change)
}

func (s *store) UpdateFree(ctx context.Context, id uuid.UUID, change func(*consent.Consent) error) error {
	_, err := s.Update(ctx, id, change)
	return err
}

func (s *store) Due(context.Context, time.Time, int) ([]uuid.UUID, error) { return nil, s.err }

func (s *store) Receipt(_ context.Context, key consent.Digest) (*consent.Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.receipts[key]
	if !ok {
		return nil, consent.E(consent.CodeNotFound, "no receipt")
	}
	return &r, nil
}

func (s *store) ForgetReceipt(_ context.Context, key consent.Digest, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.receipts[key]; ok && !now.Before(r.Expires) {
		delete(s.receipts, key)
	}
	return nil
}

func (s *store) ForgetReceipts(context.Context, time.Time, int) (int, error) { return 0, s.err }

func (s *store) Refuse(ctx context.Context, e consent.Entry, r *consent.Receipt) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := cmp.Or(s.err, ctx.Err()); err != nil {
		return err
	}
	if err := s.keep(r); err != nil {
		return err
	}
	s.refused = append(s.refused, e)
	return nil
}

func (s *store) History(context.Context, string) ([]consent.Entry, error) {
	return nil, errors.ErrUnsupported
}

func (s *store) Chains(context.Context, func(ledger.Chain) error) error { return errors.ErrUnsupported }

func (s *store) Covered(context.Context, string, consent.Reference) ([]funds.Covered, error) {
	return s.covered, s.err
}

func (s *store) Available(context.Context, string, service.Amount) (bool, error) {
	return s.rich, s.err
}

func clone(c consent.Consent) consent.Consent {
	c.Authorisations = slices.Clone(c.Authorisations)
	c.Access.Asked = slices.Clone(c.Access.Asked)
	c.Access.Grants = slices.Clone(c.Access.Grants)
	return c
}
