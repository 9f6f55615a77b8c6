package connections

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"consentd/internal/service"
)

// memory is what a process remembers of those in whose names TPPs call by tokens of
// the bank's own server, so that not each of these calls asks the bank and the
// database again. It is bounded.
type memory struct {
	once    sync.Once
	ids     *lru.Cache[identity, uuid.UUID] // ours, which never change
	answers *lru.Cache[question, answer]    // the bank's
}

const (
	// remembered bounds each list.
	remembered = 10_000
	// defaultKeep is Keep where nobody says.
	defaultKeep = time.Minute
)

// identity is one of the bank's.
type identity struct {
	kind   kind
	bankID string
}

type kind byte

const (
	ofPSU kind = iota
	ofCustomer
)

// question is for whom a PSU acts, by the bank's ids; an empty customer is the PSU's own.
type question struct{ psu, customer string }

// answer is for whom.
type answer struct {
	customer string
	at       time.Time // when the bank was asked
}

func (m *memory) open() *memory {
	m.once.Do(func() { // lru fails for sizes below one only
		m.ids, _ = lru.New[identity, uuid.UUID](remembered)
		m.answers, _ = lru.New[question, answer](remembered)
	})
	return m
}

// ours is our id of one of the bank's; find looks it up, or makes one.
func (s *Connections) ours(ctx context.Context, of identity, find func(context.Context, string) (uuid.UUID, error)) (uuid.UUID, error) {
	ids := s.memory.open().ids
	if id, ok := ids.Get(of); ok {
		return id, nil
	}
	id, err := find(ctx, of.bankID)
	if err == nil {
		ids.Add(of, id)
	}
	return id, err
}

// actsFor is the customer for whom a PSU acts: the one that is named, else the PSU's
// own, which the bank puts first. Empty where the PSU does not act for them, or not
// alone; that is not remembered. Fails with ErrUnknownPSU.
func (s *Connections) actsFor(ctx context.Context, psu, customer string) (string, error) {
	answers, asked, now := s.memory.open().answers, question{psu, customer}, s.Now()
	if a, ok := answers.Get(asked); ok {
		if age := now.Sub(a.at); age >= 0 && age < cmp.Or(s.Keep, defaultKeep) { // the clock may go back
			return a.customer, nil
		}
	}
	answers.Remove(asked)
	found, err := s.Signers.Customers(ctx, psu)
	if err != nil {
		return "", fmt.Errorf("customers of a PSU: %w", err)
	}
	i := slices.IndexFunc(found, func(x service.Customer) bool { return customer == "" || x.ID == customer })
	if i < 0 {
		return "", nil
	}
	signers, err := s.Signers.Signers(ctx, found[i].ID)
	if err != nil {
		return "", fmt.Errorf("signers of a customer: %w", err)
	}
	if !service.ActsAlone(psu, signers) {
		return "", nil
	}
	answers.Add(asked, answer{customer: found[i].ID, at: now})
	return found[i].ID, nil
}
