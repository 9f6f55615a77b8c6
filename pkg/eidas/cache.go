package eidas

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// memory keeps values for a time, the newest used within a bound. Time is what its
// callers say it is, and may go back: a value counts from the instant at which it
// was learnt until its end, and outside is as good as absent.
type memory[K comparable, V any] struct {
	entries *lru.Cache[K, kept[V]]
}

type kept[V any] struct {
	value       V
	from, until time.Time
}

// newMemory makes a memory of a size above zero.
func newMemory[K comparable, V any](size int) *memory[K, V] {
	entries, err := lru.New[K, kept[V]](size)
	if err != nil {
		panic(err) // only for a size that is not above zero, and sizes are constants
	}
	return &memory[K, V]{entries: entries}
}

// get is what was put for that key and counts at now.
func (m *memory[K, V]) get(key K, now time.Time) (V, bool) {
	entry, ok := m.entries.Get(key)
	if !ok || now.Before(entry.from) || !now.Before(entry.until) {
		var none V
		return none, false
	}
	return entry.value, true
}

func (m *memory[K, V]) put(key K, value V, from, until time.Time) {
	m.entries.Add(key, kept[V]{value: value, from: from, until: until})
}

// earliest is the first of some instants.
func earliest(t time.Time, others ...time.Time) time.Time {
	for _, o := range others {
		if o.Before(t) {
			t = o
		}
	}
	return t
}
