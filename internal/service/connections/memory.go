package connections

import (
	"cmp"
	"context"
	"fmt"
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
	answers *lru.Cache[string, answer]      // the bank's, by its id of the PSU
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

// answer is for which customers a PSU acts, by the bank's ids in its order.
type answer struct {
	customers []string
	at        time.Time // when the bank was asked
}

func (m *memory) open() *memory {
	m.once.Do(func() { // lru fails for sizes below one only
		m.ids, _ = lru.New[identity, uuid.UUID](remembered)
		m.answers, _ = lru.New[string, answer](remembered)
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

// customers are those for whom a PSU acts alone, the PSU's own first. That there are
// none is not remembered.
func (s *Connections) customers(ctx context.Context, psu string) ([]string, error) {
	answers, now := s.memory.open().answers, s.Now()
	if a, ok := answers.Get(psu); ok {
		if age := now.Sub(a.at); age >= 0 && age < cmp.Or(s.Keep, defaultKeep) { // the clock may go back
			return a.customers, nil
		}
	}
	found, err := s.Signers.Customers(ctx, psu)
	if err != nil || len(found) == 0 {
		answers.Remove(psu)
		return nil, err
	}
	a := answer{at: now}
	for _, x := range found {
		signers, err := s.Signers.Signers(ctx, x.ID)
		if err != nil {
			return nil, fmt.Errorf("signers of a customer: %w", err)
		}
		if service.ActsAlone(psu, signers) {
			a.customers = append(a.customers, x.ID)
		}
	}
	if len(a.customers) > 0 {
		answers.Add(psu, a)
	}
	return a.customers, nil
}
