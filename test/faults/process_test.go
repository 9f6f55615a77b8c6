package faults

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/points"
)

// patience is how long one thing may take on a busy machine, and tick how often
// a test looks for what another process does.
const (
	patience = 30 * time.Second
	tick     = 5 * time.Millisecond
)

// process is a running program.
type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	errors *bytes.Buffer // whole once it is dead
	dead   chan struct{}

	mu      sync.Mutex
	address string
	armed   int // how often
	trace   []points.Point
}

// spawn starts a program, and waits until it is ready.
func spawn(t *testing.T, o order) *process {
	t.Helper()
	text, err := json.Marshal(o)
	require.NoError(t, err)
	p := &process{cmd: exec.Command(os.Args[0]), errors: &bytes.Buffer{}, dead: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	p.cmd.Stderr = p.errors
	p.in, err = p.cmd.StdinPipe()
	require.NoError(t, err)
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	go p.read(out)
	require.Eventually(t, func() bool { return p.is(func() bool { return p.address != "" }) || p.over() }, patience, tick, "not ready")
	require.False(t, p.over(), "ended before it was ready: %s", p.errors)
	return p
}

// read takes down what the program says, until its end.
func (p *process) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line := lines.Text()
		p.mu.Lock()
		switch address, ready := strings.CutPrefix(line, saidReady); {
		case ready:
			p.address = address
		case line == saidArmed:
			p.armed++
			p.trace = nil
		default:
			p.trace = append(p.trace, points.Point(line))
		}
		p.mu.Unlock()
	}
	_ = p.cmd.Wait() // how it ended is asked for later
	close(p.dead)
}

func (p *process) is(what func() bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return what()
}

func (p *process) over() bool {
	select {
	case <-p.dead:
		return true
	default:
		return false
	}
}

// arm has the program die when it reaches a point for the n-th time from now; an
// empty point is never reached. What was reached before is forgotten.
func (p *process) arm(t *testing.T, at points.Point, n int) {
	t.Helper()
	var before int
	p.is(func() bool { before = p.armed; return true })
	_, err := fmt.Fprintf(p.in, "%s %d\n", at, n)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return p.is(func() bool { return p.armed > before }) }, patience, tick)
}

// reached counts the points since the program was armed.
func (p *process) reached() map[points.Point]int {
	counts := map[points.Point]int{}
	p.is(func() bool {
		for _, at := range p.trace {
			counts[at]++
		}
		return true
	})
	return counts
}

// killed waits for the end of the program and asserts that it was SIGKILL, and
// where.
func (p *process) killed(t *testing.T, at points.Point) {
	t.Helper()
	select {
	case <-p.dead:
	case <-time.After(patience):
		require.Fail(t, "still alive", "%s; reached %v", at, slices.Sorted(maps.Keys(p.reached())))
	}
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	require.True(t, ok)
	require.True(t, status.Signaled() && status.Signal() == syscall.SIGKILL, "%v: %s", p.cmd.ProcessState, p.errors)
	require.Equal(t, at, p.trace[len(p.trace)-1], "the last that it said")
}

// stop ends the program as an operator does.
func (p *process) stop(t *testing.T) {
	t.Helper()
	require.NoError(t, p.in.Close())
	select {
	case <-p.dead:
		require.True(t, p.cmd.ProcessState.Success(), "%v: %s", p.cmd.ProcessState, p.errors)
	case <-time.After(patience):
		require.NoError(t, p.cmd.Process.Kill())
		require.Fail(t, "does not stop")
	}
}
