package storage

import (
	"context"
	"database/sql"
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

// fetchRows runs a statement whose only parameter is a list of keys, and reads
// the rows that it finds.
func fetchRows[K comparable, V any](ctx context.Context, db *sql.DB, statement string, list any, scan func(*sql.Rows) (K, V, error)) (map[K]V, error) {
	rows, err := db.QueryContext(ctx, statement, list)
	if err != nil {
		return nil, fmt.Errorf("query: %w", translate(err))
	}
	defer func() { _ = rows.Close() }() // rows.Err tells what went wrong
	found := map[K]V{}
	for rows.Next() {
		key, value, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("scan: %w", err)
		}
		found[key] = value
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read: %w", translate(err))
	}
	return found, nil
}
