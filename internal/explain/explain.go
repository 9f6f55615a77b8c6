// Package explain collects notes on why a call was answered as it was. Code
// that decides writes one line at each decision; unless someone listens that
// costs one look into the context. The notes are made for integrators: ids,
// header names and rules, never secrets or personal data.
package explain

import (
	"context"
	"fmt"
	"sync"
)

// Notes are the lines of one call, in the order of the decisions.
type Notes struct {
	mu    sync.Mutex
	lines []string
}

type key struct{}

// Listen returns a context whose notes are kept.
func Listen(ctx context.Context) (context.Context, *Notes) {
	n := &Notes{}
	return context.WithValue(ctx, key{}, n), n
}

// Note writes one line, if anyone listens.
func Note(ctx context.Context, format string, args ...any) {
	n, ok := ctx.Value(key{}).(*Notes)
	if !ok {
		return
	}
	line := fmt.Sprintf(format, args...)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, line)
}

// Lines returns what was noted so far.
func (n *Notes) Lines() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.lines...)
}
