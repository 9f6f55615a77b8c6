// Package explain collects notes on why a call was answered as it was. Code
// that decides writes one line at each decision; unless someone listens that
// costs one look into the context. The notes are made for integrators: ids,
// header names and rules, never secrets or personal data.
package explain

import (
	"context"
	"fmt"
	"strings"
	"sync"
)

// Notes are the lines of one call, in the order of the decisions.
type Notes struct {
	mu    sync.Mutex
	lines []string
	// open says that the last line decides against the call, and waits for the
	// code with which it is answered.
	open bool
}

type key struct{}

// Listen returns a context whose notes are kept.
func Listen(ctx context.Context) (context.Context, *Notes) {
	n := &Notes{}
	return context.WithValue(ctx, key{}, n), n
}

// Note writes one line, if anyone listens.
func Note(ctx context.Context, format string, args ...any) {
	if n := listening(ctx); n != nil {
		n.add(fmt.Sprintf(format, args...), false)
	}
}

// Refuse writes the line that decides against a call. Whoever answers the call ends
// it with the code of their dialect, by Conclude.
func Refuse(ctx context.Context, format string, args ...any) {
	if n := listening(ctx); n != nil {
		n.add(fmt.Sprintf(format, args...), true)
	}
}

// arrow stands before the code that a call was answered with.
const arrow = " → "

// Conclude ends the line that decided against a call with the code that it is
// answered with. Where nobody has written such a line, text is it.
func Conclude(ctx context.Context, code, text string) {
	n := listening(ctx)
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	last := len(n.lines) - 1
	switch {
	case n.open:
		n.lines[last] += arrow + code
	case last < 0 || !strings.HasSuffix(n.lines[last], arrow+code):
		n.lines = append(n.lines, text+arrow+code)
	}
	n.open = false
}

func listening(ctx context.Context) *Notes {
	n, _ := ctx.Value(key{}).(*Notes)
	return n
}

func (n *Notes) add(line string, open bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines, n.open = append(n.lines, line), open
}

// Lines returns what was noted so far.
func (n *Notes) Lines() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.lines...)
}
