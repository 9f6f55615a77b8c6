package storage

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// gather merges the look-ups of one kind that wait at the same moment into one
// statement. Under load, when callers would queue for connections, one round
// trip answers many of them; a lone look-up is a statement of its own.
//
// No answer is older than its question: a look-up only joins a statement that
// has not begun. There is no goroutine and no timer: the first caller of a batch
// waits for its turn, closes the batch and runs the statement for all.
type gather[K comparable, V any] struct {
	fetch func(ctx context.Context, keys []K) (map[K]V, error)
	turns chan struct{} // statements under way

	mu   sync.Mutex
	open *batch[K, V] // may still be joined; nil when the next caller leads
}

type batch[K comparable, V any] struct {
	keys  []K
	done  chan struct{}
	found map[K]V
	err   error
}

// gatherTimeout bounds a statement that is run for many callers, and so cannot
// be ended by any one of them.
const gatherTimeout = 10 * time.Second

// newGather runs at most turns statements at once.
func newGather[K comparable, V any](turns int, fetch func(context.Context, []K) (map[K]V, error)) *gather[K, V] {
	return &gather[K, V]{fetch: fetch, turns: make(chan struct{}, turns)}
}

// get looks a key up. found is false when there is no such row.
func (g *gather[K, V]) get(ctx context.Context, key K) (value V, found bool, err error) {
	b, leads := g.join(key)
	if leads {
		g.lead(ctx, b)
	}
	select {
	case <-b.done:
		value, found = b.found[key]
		return value, found, b.err
	case <-ctx.Done():
		return value, false, fmt.Errorf("look-up: %w", context.Cause(ctx))
	}
}

func (g *gather[K, V]) join(key K) (b *batch[K, V], leads bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open == nil {
		g.open, leads = &batch[K, V]{done: make(chan struct{})}, true
	}
	g.open.keys = append(g.open.keys, key)
	return g.open, leads
}

func (g *gather[K, V]) lead(ctx context.Context, b *batch[K, V]) {
	g.turns <- struct{}{} // bounded: whoever has a turn ends within gatherTimeout
	defer func() { <-g.turns }()
	g.mu.Lock()
	g.open = nil
	g.mu.Unlock()
	defer close(b.done)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), gatherTimeout)
	defer cancel()
	b.found, b.err = g.fetch(ctx, b.keys)
}
