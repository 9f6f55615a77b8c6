package faults

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"consentd/internal/app"
	"consentd/internal/config"
	"consentd/internal/points"
)

// childVariable makes this binary the program that is to be killed: it holds an
// order.
const childVariable = "CONSENTD_FAULTS_CHILD"

// public is how the program is called from outside, whichever port it has.
const public = "http://sandbox.test"

// What the program says on its standard output, besides the points it reaches.
const (
	saidReady = "ready "
	saidArmed = "armed"
)

// order is what a program is started with.
type order struct {
	Database, Data string
	Now            time.Time // at which the clock stands still until it is turned
	Approaches     []string
	Start          string
	Confirmation   bool
	// Remote is the section of the flow that takes redirects; nil: the usual one.
	Remote json.RawMessage `json:",omitempty"`
}

func TestMain(m *testing.M) {
	if text := os.Getenv(childVariable); text != "" {
		if err := serve(text, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serve is the program that is killed. It ends by itself with its input.
func serve(text string, in io.Reader, out io.Writer) error {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	bomb := &bomb{out: out}
	a, err := app.NewSandbox(ctx, app.SandboxOptions{
		Listen: "127.0.0.1:0", TLSListen: "off", Database: o.Database, Data: o.Data, PublicURL: public,
		Approaches: o.Approaches, Start: o.Start, Confirmation: o.Confirmation,
		Now: func() time.Time { return o.Now }, Reached: bomb.reached, Configure: o.configure,
	}, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	fmt.Fprintln(out, saidReady+a.Address("sandbox"))
	go func() {
		bomb.listen(in)
		cancel()
	}()
	return a.Run(ctx)
}

// configure changes the flow of redirects.
func (o order) configure(cfg *config.Config) {
	if o.Remote != nil {
		cfg.SCA.Redirect, cfg.SCA.Flows["remote"] = "remote", o.Remote
	}
}

// bomb tells of every point that is reached, and kills the process at one.
type bomb struct {
	mu     sync.Mutex
	out    io.Writer
	target points.Point
	left   int
}

func (b *bomb) reached(p points.Point) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fmt.Fprintln(b.out, p)
	if p != b.target {
		return
	}
	if b.left--; b.left == 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // until it has come
	}
}

// listen takes lines of a point and a number: at that occurrence of it, counted
// from now, the process dies.
func (b *bomb) listen(in io.Reader) {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		target, number, _ := strings.Cut(lines.Text(), " ")
		b.mu.Lock()
		b.target = points.Point(target)
		b.left, _ = strconv.Atoi(number)
		fmt.Fprintln(b.out, saidArmed)
		b.mu.Unlock()
	}
}
