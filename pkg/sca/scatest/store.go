package scatest

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"consentd/pkg/sca"
)

// Store is a [sca.Store] in memory, for the test of a flow that keeps something
// of its PSUs. Its zero value is empty. The instances of a [Bench] share one, as
// the replicas of consentd share theirs.
type Store struct {
	mu     sync.Mutex
	values map[[2]string][]byte
}

var _ sca.Store = (*Store)(nil)

// Get implements sca.Store.
func (s *Store) Get(ctx context.Context, psu, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.values[[2]string{psu, key}]), ended(ctx)
}

// Put implements sca.Store.
func (s *Store) Put(ctx context.Context, psu, key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ended(ctx); err != nil {
		return err
	}
	s.put([2]string{psu, key}, value)
	return nil
}

// Swap implements sca.Store.
func (s *Store) Swap(ctx context.Context, psu, key string, old, value []byte) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ended(ctx); err != nil {
		return false, err
	}
	at := [2]string{psu, key}
	there, put := s.values[at]
	if put != (old != nil) || !bytes.Equal(there, old) {
		return false, nil
	}
	s.put(at, value)
	return true, nil
}

// put keeps a copy, which is never nil: what was put is there.
func (s *Store) put(at [2]string, value []byte) {
	if s.values == nil {
		s.values = map[[2]string][]byte{}
	}
	s.values[at] = append([]byte{}, value...)
}

func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}
