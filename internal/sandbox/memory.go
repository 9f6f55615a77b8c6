package sandbox

import (
	"bytes"
	"context"
	"sync"

	"consentd/pkg/sca"
)

// Memory is a sca.Store that forgets when the program ends.
type Memory struct {
	mu     sync.Mutex
	values map[[2]string][]byte
}

var _ sca.Store = (*Memory)(nil)

// Get implements sca.Store.
func (m *Memory) Get(_ context.Context, psu, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values[[2]string{psu, key}], nil
}

// Put implements sca.Store.
func (m *Memory) Put(_ context.Context, psu, key string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.values == nil {
		m.values = map[[2]string][]byte{}
	}
	m.values[[2]string{psu, key}] = value
	return nil
}

// Swap implements sca.Store.
func (m *Memory) Swap(_ context.Context, psu, key string, old, value []byte) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := [2]string{psu, key}
	if there, ok := m.values[at]; ok != (old != nil) || !bytes.Equal(there, old) {
		return false, nil
	}
	if m.values == nil {
		m.values = map[[2]string][]byte{}
	}
	m.values[at] = value
	return true, nil
}
