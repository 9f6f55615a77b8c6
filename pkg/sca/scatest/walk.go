package scatest

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"consentd/pkg/sca"
)

// maxSteps is more than any flow needs; one that takes more goes in circles.
const maxSteps = 24

// walk plays consentd for one run.
type walk struct {
	t     testing.TB
	bench Bench
	paged bool
	run   string
	lang  string
	psu   string
	seq   int
	step  sca.Step // where the run stands
	done  bool
	// trace holds every step up to here, the first from Start.
	trace []sca.Step
}

func newWalk(t testing.TB, h Harness, run string) *walk {
	t.Helper()
	return walkOn(t, h, h.New(t), run)
}

// walkOn is a walk on a bench that others may share.
func walkOn(t testing.TB, h Harness, b Bench, run string) *walk {
	t.Helper()
	return &walk{t: t, bench: b, paged: !h.Pageless, run: run, lang: "en"}
}

// request is the call that the walk is about to make; try tells apart several
// answers to one step.
func (w *walk) request(try int) sca.Request {
	req := sca.Request{
		RunID:       w.run,
		StepKey:     fmt.Sprintf("%s/%d/%d", w.run, w.seq, try),
		Purpose:     sca.ForConsent,
		Hint:        w.bench.Hint,
		PSU:         w.psu,
		Summary:     "Example TPP",
		CallbackURL: "https://bank.example/aspsp/v1/sca-callbacks/" + w.run,
		Language:    w.lang,
		Paged:       w.paged,
	}
	if w.paged {
		req.ReturnURL, req.ReturnState = "https://bank.example/sca/return", "state of "+w.run
	}
	return req
}

// call makes one call on a fresh instance. It does not move the walk.
func (w *walk) call(req sca.Request, in sca.Input) (sca.Step, error) {
	return w.callIn(w.t.Context(), req, in)
}

func (w *walk) callIn(ctx context.Context, req sca.Request, in sca.Input) (sca.Step, error) {
	if w.seq == 0 {
		return w.bench.Flow().Start(ctx, req)
	}
	return w.bench.Flow().Continue(ctx, req, w.step.State, in)
}

// must is call for an input that the flow has to take.
func (w *walk) must(req sca.Request, in sca.Input) sca.Step {
	w.t.Helper()
	step, err := w.call(req, in)
	if err != nil {
		w.t.Fatalf("after %s: %q failed: %v", w.where(), in.Kind, err)
	}
	return step
}

// next is the input that takes the walk on.
func (w *walk) next() sca.Input {
	switch {
	case w.seq == 0:
		return sca.Input{}
	case w.step.Outcome == sca.Identified:
		return sca.Input{Kind: sca.Approved}
	default:
		return w.bench.Right(w.request(0), w.step)
	}
}

// move stands the walk at a step, as if it had been stored and read again.
func (w *walk) move(step sca.Step) {
	w.t.Helper()
	w.step = stored(w.t, step)
	w.seq++
	w.trace = append(w.trace, w.step)
	if step.Outcome == sca.Identified {
		w.psu = step.PSU
	}
	w.done = step.Outcome == sca.Done
}

// advance makes the right call and moves on. It reports false at the end.
func (w *walk) advance() bool {
	w.t.Helper()
	if w.done {
		return false
	}
	if w.seq >= maxSteps {
		w.t.Fatalf("no end after %d steps; now after %s", maxSteps, w.where())
	}
	step := w.must(w.request(0), w.next())
	if step.Wrong || step.Outcome == sca.Denied {
		w.t.Fatalf("after %s: the right answer was refused (%s)", w.where(), describe(step))
	}
	w.move(step)
	return true
}

// finish walks to the end.
func (w *walk) finish() {
	w.t.Helper()
	for w.advance() {
	}
	if w.step.PSU != w.bench.PSU {
		w.t.Fatalf("Done for the PSU %q, not %q", w.step.PSU, w.bench.PSU)
	}
}

func (w *walk) where() string {
	if w.seq == 0 {
		return "nothing"
	}
	return fmt.Sprintf("step %d (%s)", w.seq, w.step.Outcome)
}

func (w *walk) effects() int {
	if w.bench.Effects == nil {
		return 0
	}
	return w.bench.Effects()
}

// through reports whether a step lets somebody pass who should not.
func through(step sca.Step) bool {
	return step.Outcome == sca.Done || step.Outcome == sca.Identified
}

// stored is a step as it comes back from storage.
func stored(t testing.TB, step sca.Step) sca.Step {
	t.Helper()
	b, err := json.Marshal(step)
	if err != nil {
		t.Fatalf("the step cannot be stored: %v", err)
	}
	var back sca.Step
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatalf("the step cannot be read again: %v", err)
	}
	return back
}

// same reports whether two steps ask the same of the PSU; their State is the
// flow's own business.
func same(a, b sca.Step) bool {
	a.State, b.State = nil, nil
	return reflect.DeepEqual(a, b)
}

func describe(step sca.Step) string {
	return fmt.Sprintf("outcome %q, PSU %q, wrong %t, %d fields", step.Outcome, step.PSU, step.Wrong, len(step.Fields))
}
