package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"
)

// gather merges the calls of one kind that wait at the same moment into one
// statement. Under load, when callers would queue for connections, one round
// trip answers many of them; a lone call is a statement of its own.
//
// No answer is older than its question: a call only joins a statement that has
// not begun. There is no goroutine and no timer: the first caller of a batch
// waits for its turn, closes the batch and runs the statement for all.
type gather[K, V any] struct {
	fetch func(ctx context.Context, keys []K) ([]V, error) // answers by position
	most  int                                              // calls in one statement
	turns chan struct{}                                    // statements under way

	mu   sync.Mutex
	open *batch[K, V] // may still be joined; nil when the next caller leads
}

type batch[K, V any] struct {
	keys    []K
	done    chan struct{}
	answers []V
	err     error
}

const (
	// gatherTimeout bounds a statement that is run for many callers, and so cannot
	// be ended by any one of them.
	gatherTimeout = 10 * time.Second
	// gatherMost keeps statements short: who comes later begins another.
	gatherMost = 500
)

// newGather runs at most turns statements at once.
func newGather[K, V any](turns int, fetch func(context.Context, []K) ([]V, error)) *gather[K, V] {
	return &gather[K, V]{fetch: fetch, most: gatherMost, turns: make(chan struct{}, turns)}
}

// found is what a look-up found; ok is false when there is no such row.
type found[V any] struct {
	row V
	ok  bool
}

// newLookUps gathers look-ups of rows by their keys. Those of the same key share
// what is found.
func newLookUps[K comparable, V any](turns int, fetch func(context.Context, []K) (map[K]V, error)) *gather[K, found[V]] {
	return newGather(turns, func(ctx context.Context, keys []K) ([]found[V], error) {
		rows, err := fetch(ctx, keys)
		if err != nil {
			return nil, err
		}
		answers := make([]found[V], len(keys))
		for i, k := range keys {
			answers[i].row, answers[i].ok = rows[k]
		}
		return answers, nil
	})
}

// errUnanswered says that the statement broke off without saying why.
var errUnanswered = errors.New("the statement has no answer for this call")

// get makes a call. It is made for whoever has joined, even if they leave before
// it is answered.
func (g *gather[K, V]) get(ctx context.Context, key K) (answer V, err error) {
	if ctx.Err() != nil {
		return answer, fmt.Errorf("before a statement: %w", context.Cause(ctx))
	}
	b, at := g.join(key)
	if at == 0 {
		g.lead(ctx, b)
	}
	select {
	case <-b.done:
	case <-ctx.Done():
		return answer, fmt.Errorf("wait for a statement: %w", context.Cause(ctx))
	}
	switch {
	case b.err != nil:
		return answer, b.err
	case at >= len(b.answers):
		return answer, errUnanswered
	}
	return b.answers[at], nil
}

// join returns the caller's place in a batch; who has the first leads it.
func (g *gather[K, V]) join(key K) (b *batch[K, V], at int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open == nil {
		g.open = &batch[K, V]{done: make(chan struct{})}
	}
	b, at = g.open, len(g.open.keys)
	b.keys = append(b.keys, key)
	if len(b.keys) == g.most {
		g.open = nil
	}
	return b, at
}

func (g *gather[K, V]) lead(ctx context.Context, b *batch[K, V]) {
	g.turns <- struct{}{} // bounded: whoever has a turn ends within gatherTimeout
	defer func() { <-g.turns }()
	g.mu.Lock()
	if g.open == b {
		g.open = nil
	}
	g.mu.Unlock()
	defer close(b.done)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), gatherTimeout)
	defer cancel()
	b.answers, b.err = g.fetch(ctx, b.keys)
}

// fetchRows runs a statement whose only parameter is a list of keys, and reads
// the rows that it finds, one for each key.
func fetchRows[K comparable, V any](ctx context.Context, db *sql.DB, statement string, list any, scan func(*sql.Rows) (K, V, error)) (map[K]V, error) {
	rows := map[K]V{}
	err := eachRow(ctx, db, query{statement, []any{list}}, func(r *sql.Rows) error {
		key, value, err := scan(r)
		rows[key] = value
		return err
	})
	return rows, err
}

// query is a statement with its parameters.
type query struct {
	sql  string
	args []any
}

// eachRow runs a statement and has each row read that it returns.
func eachRow(ctx context.Context, db *sql.DB, q query, scan func(*sql.Rows) error) error {
	rows, err := db.QueryContext(ctx, q.sql, q.args...)
	if err != nil {
		return fmt.Errorf("query: %w", translate(err))
	}
	defer func() { _ = rows.Close() }() // rows.Err tells what went wrong
	for rows.Next() {
		if err := scan(rows); err != nil {
			return fmt.Errorf("scan: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read: %w", translate(err))
	}
	return nil
}
