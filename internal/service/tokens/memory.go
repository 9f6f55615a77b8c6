package tokens

import (
	"crypto/sha256"
	"sync"
	"time"
)

// memory holds tokens that were good a moment ago, by digests of their secrets: a
// MAC with a key, which the database has, takes ten times as long.
type memory struct {
	mu   sync.RWMutex
	good map[digest]seen
}

// digest names a secret of 256 random bits in the memory of this process.
type digest [sha256.Size]byte

func digestOf(secret string) digest { return sha256.Sum256([]byte(secret)) }

// seen is a token as it was at a time.
type seen struct {
	token Token
	at    time.Time
}

// maxKnown is how many tokens are remembered: more than any bank has.
const maxKnown = 1000

// find returns a token that was good no longer ago than age. A clock that was
// turned back makes none younger.
func (m *memory) find(secret digest, now time.Time, age time.Duration) (Token, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	s, ok := m.good[secret]
	return s.token, ok && !now.Before(s.at) && now.Before(s.at.Add(age))
}

func (m *memory) keep(secret digest, t Token, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.good == nil || len(m.good) >= maxKnown {
		m.good = map[digest]seen{}
	}
	m.good[secret] = seen{t, now}
}

// forget makes this process ask the database for every token again.
func (m *memory) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.good = nil
}
