package tokens

import (
	"sync"
	"time"
)

// memory holds tokens that were good a moment ago, by the MACs of their secrets.
type memory struct {
	mu   sync.RWMutex
	good map[string]seen
}

// seen is a token as it was at a time.
type seen struct {
	token Token
	at    time.Time
}

// maxKnown is how many tokens are remembered: more than any bank has.
const maxKnown = 1000

// find returns a token that was good no longer ago than age. A clock that was
// turned back makes none younger.
func (m *memory) find(mac []byte, now time.Time, age time.Duration) (Token, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	s, ok := m.good[string(mac)]
	return s.token, ok && !now.Before(s.at) && now.Before(s.at.Add(age))
}

func (m *memory) keep(mac []byte, t Token, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.good == nil || len(m.good) >= maxKnown {
		m.good = map[string]seen{}
	}
	m.good[string(mac)] = seen{t, now}
}

// forget makes this process ask the database for every token again.
func (m *memory) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.good = nil
}
