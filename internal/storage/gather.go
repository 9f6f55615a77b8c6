package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// gather merges the calls of one kind that wait at the same moment into one
// statement. Under load, when callers would queue for connections, one round
// trip answers many of them; a lone call is a statement of its own.
//
// No answer is older than its question: a call only joins a statement that has
// not begun. A caller who leaves before the statement begins is left out of it, so
// that nothing is counted for nobody; who leaves after that is not told what came
// of it. Nobody waits longer than their own context lets them.
type gather[K, V any] struct {
	fetch func(ctx context.Context, keys []K) ([]V, error) // answers by position
	most  int                                              // calls in one statement
	turns chan struct{}                                    // statements under way

	mu   sync.Mutex
	open *batch[K, V] // may still be joined; nil when the next caller leads
}

type batch[K, V any] struct {
	keys    []K
	left    []<-chan struct{} // of each caller: closed when they have left
	done    chan struct{}
	answers []V // by the callers' places; those who left have none
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

// get makes a call.
func (g *gather[K, V]) get(ctx context.Context, key K) (answer V, err error) {
	if ctx.Err() != nil {
		return answer, fmt.Errorf("before a statement: %w", context.Cause(ctx))
	}
	b, at := g.join(key, ctx.Done())
	if at == 0 {
		go g.lead(context.WithoutCancel(ctx), b)
	}
	select {
	case <-b.done:
	case <-ctx.Done():
		return answer, fmt.Errorf("wait for a statement: %w", context.Cause(ctx))
	}
	switch {
	case ctx.Err() != nil: // it may have been left out
		return answer, fmt.Errorf("after a statement: %w", context.Cause(ctx))
	case b.err != nil:
		return answer, b.err
	case at >= len(b.answers):
		return answer, errUnanswered
	}
	return b.answers[at], nil
}

// join returns the caller's place in a batch; who has the first has it led.
func (g *gather[K, V]) join(key K, left <-chan struct{}) (b *batch[K, V], at int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open == nil {
		g.open = &batch[K, V]{done: make(chan struct{})}
	}
	b, at = g.open, len(g.open.keys)
	b.keys, b.left = append(b.keys, key), append(b.left, left)
	if len(b.keys) == g.most {
		g.open = nil
	}
	return b, at
}

// lead waits for a turn, closes the batch and runs the statement for all who wait.
func (g *gather[K, V]) lead(ctx context.Context, b *batch[K, V]) {
	g.turns <- struct{}{} // bounded: whoever has a turn ends within gatherTimeout
	defer func() { <-g.turns }()
	g.mu.Lock()
	if g.open == b {
		g.open = nil
	}
	g.mu.Unlock()
	defer close(b.done)
	defer b.recover()
	keys, places := b.waiting()
	if len(keys) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, gatherTimeout)
	defer cancel()
	answers, err := g.fetch(ctx, keys)
	if err == nil && len(answers) != len(keys) {
		err = errUnanswered
	}
	if b.answers, b.err = answers, err; err != nil || places == nil {
		return
	}
	b.answers = make([]V, len(b.keys))
	for i := range places {
		b.answers[places[i]] = answers[i]
	}
}

// recover tells who waits that the statement broke off. It runs for all of them, in
// none of their goroutines.
func (b *batch[K, V]) recover() {
	if p := recover(); p != nil { // the value may hold anything; where it happened is enough
		b.answers, b.err = nil, fmt.Errorf("panic (%T) in a statement: %s", p, debug.Stack())
	}
}

// waiting are the keys of those who still wait, and their places; no places where
// everybody does.
func (b *batch[K, V]) waiting() (keys []K, places []int) {
	for at, left := range b.left {
		select {
		case <-left:
			if places == nil {
				keys, places = append(keys, b.keys[:at]...), upTo(at)
			}
		default:
			if places != nil {
				keys, places = append(keys, b.keys[at]), append(places, at)
			}
		}
	}
	if places == nil {
		return b.keys, nil
	}
	return keys, places
}

// upTo lists 0 to n-1; empty, but not nil, for none.
func upTo(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
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
