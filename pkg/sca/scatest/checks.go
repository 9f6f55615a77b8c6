package scatest

import (
	"bytes"
	"context"
	"testing"

	"consentd/pkg/sca"
)

// checkStart: Start knows nobody yet, so it can only ask, send away or wait.
func checkStart(t testing.TB, h Harness) {
	t.Helper()
	w := newWalk(t, h, "run-start")
	step := w.must(w.request(0), sca.Input{})
	switch step.Outcome {
	case sca.Prompt, sca.Redirect, sca.Wait:
	default:
		t.Fatalf("Start answered %s; want Prompt, Redirect or Wait", describe(step))
	}
	if step.Wrong || step.PSU != "" {
		t.Fatalf("Start answered %s: nothing was answered yet, nobody is known", describe(step))
	}
	wellFormed(t, step)
}

// checkWalk: the right answers lead to Done, by way of Identified, whichever
// instance serves a call.
func checkWalk(t testing.TB, h Harness) {
	t.Helper()
	w := newWalk(t, h, "run-walk")
	prompts, identified := 0, 0
	for w.advance() {
		wellFormed(t, w.step)
		switch w.step.Outcome {
		case sca.Prompt:
			prompts++
		case sca.Identified:
			identified++
			if w.step.PSU != w.bench.PSU {
				t.Fatalf("Identified the PSU %q, not %q", w.step.PSU, w.bench.PSU)
			}
		default: // the others are not counted
		}
	}
	w.finish()
	if prompts != h.Prompts {
		t.Fatalf("Done after %d prompts; want %d", prompts, h.Prompts)
	}
	if want := btoi(!h.SingleTrip); identified != want {
		t.Fatalf("Identified %d times; want %d", identified, want)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// checkRepeat: a call that is made again with the same StepKey answers the same
// and does nothing more, and the run goes on from either answer.
func checkRepeat(t testing.TB, h Harness) {
	t.Helper()
	for _, keepFirst := range []bool{true, false} {
		w := newWalk(t, h, "run-repeat")
		for !w.done && w.seq < maxSteps {
			req, in := w.request(0), w.next()
			first := w.must(req, in)
			before := w.effects()
			second := w.must(req, in)
			if !same(first, second) {
				t.Fatalf("after %s: the repeated call answered %s, not %s", w.where(), describe(second), describe(first))
			}
			if after := w.effects(); after != before {
				t.Fatalf("after %s: the repeated call took effect again (%d effects, before %d)", w.where(), after, before)
			}
			if keepFirst {
				second = first
			}
			if second.Wrong {
				t.Fatalf("after %s: the right answer is refused since the last call was repeated", w.where())
			}
			w.move(second)
		}
		w.finish()
	}
}

// checkLooks: a Poll and a Callback only look. Where the answer to one gets lost,
// the next has a StepKey of its own and finds the same.
func checkLooks(t testing.TB, h Harness) {
	t.Helper()
	w := newWalk(t, h, "run-looks")
	for !w.done && w.seq < maxSteps {
		in := w.next()
		first := w.must(w.request(0), in)
		if in.Kind == sca.Poll || in.Kind == sca.Callback {
			before := w.effects()
			if second := w.must(w.request(1), in); !same(first, second) {
				t.Fatalf("after %s: the next look found %s, not %s", w.where(), describe(second), describe(first))
			}
			if after := w.effects(); after != before {
				t.Fatalf("after %s: a look took effect (%d effects, before %d)", w.where(), after, before)
			}
		}
		w.move(first)
	}
	w.finish()
}

// checkWrong: a wrong answer is a Prompt with Wrong, and leaves the run where
// it was.
func checkWrong(t testing.TB, h Harness) {
	t.Helper()
	w := newWalk(t, h, "run-wrong")
	seen := 0
	for w.advance() {
		if w.step.Outcome != sca.Prompt {
			continue
		}
		seen++
		for try := 1; try <= 2; try++ {
			req := w.request(try)
			step := w.must(req, w.bench.Wrong(req, w.step))
			if !step.Wrong || step.Outcome != sca.Prompt {
				t.Fatalf("after %s: a wrong answer gave %s; want a Prompt with Wrong", w.where(), describe(step))
			}
		}
	}
	w.finish()
	if seen != h.Prompts {
		t.Fatalf("%d prompts; want %d", seen, h.Prompts)
	}
}

// checkOrder: nothing but the answer that a step waits for takes the run
// further: no empty form, no approval out of turn.
func checkOrder(t testing.TB, h Harness) {
	t.Helper()
	w := newWalk(t, h, "run-order")
	var last sca.Input
	for w.advance() {
		if w.done {
			break
		}
		inputs := []sca.Input{{Kind: sca.Form}, {Kind: sca.Form, Fields: map[string]string{}}, {Kind: "unheard-of"}, {}}
		if w.step.Outcome != sca.Identified {
			inputs = append(inputs, sca.Input{Kind: sca.Approved})
		}
		if w.step.Outcome == sca.Prompt || w.step.Outcome == sca.Identified {
			inputs = append(inputs, sca.Input{Kind: sca.Poll}, sca.Input{Kind: sca.Callback}, sca.Input{Kind: sca.Returned})
		}
		if last.Kind == sca.Form {
			inputs = append(inputs, last) // the answer to the step before
		}
		for i, in := range inputs {
			if step, err := w.call(w.request(i+1), in); err == nil && through(step) {
				t.Fatalf("after %s: %q with %d fields gave %s", w.where(), in.Kind, len(in.Fields), describe(step))
			}
		}
		last = w.next()
	}
	w.finish()
}

// checkState: what is not the flow's own state is an error, and never lets
// anybody through.
func checkState(t testing.TB, h Harness) {
	t.Helper()
	w := newWalk(t, h, "run-state")
	for w.advance() {
		if w.done {
			break
		}
		whole := w.step.State
		for i, state := range broken(whole) {
			w.step.State = state
			step, err := w.call(w.request(i+1), w.next())
			w.step.State = whole
			if err == nil {
				t.Fatalf("after %s: the state %q was taken for the flow's own and gave %s", w.where(), state, describe(step))
			}
		}
	}
	w.finish()
}

// broken lists states that no flow has written, given one that it has.
func broken(whole []byte) [][]byte {
	states := [][]byte{[]byte("garbage"), {0, 0xff, 0xfe}, []byte("{}"), []byte("[]"), []byte("null"), []byte(`{"stage":"done"}`)}
	if len(whole) > 0 {
		states = append(states, nil, whole[:len(whole)/2], append(bytes.Clone(whole), "garbage"...))
	}
	return states
}

// checkContext: a call whose context has ended does nothing and fails.
func checkContext(t testing.TB, h Harness) {
	t.Helper()
	w := newWalk(t, h, "run-context")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for !w.done {
		before := w.effects()
		step, err := w.callIn(ended, w.request(1), w.next())
		if err == nil {
			t.Fatalf("after %s: a call with an ended context gave %s", w.where(), describe(step))
		}
		if w.effects() != before {
			t.Fatalf("after %s: a call with an ended context took effect", w.where())
		}
		w.advance()
	}
	w.finish()
}

// checkCancel: giving up is possible at every step, more than once, and lets
// nobody through. Each time another run gives up, since a flow may take back
// with it what it asked of the world.
func checkCancel(t testing.TB, h Harness) {
	t.Helper()
	for steps := 1; cancelAfter(t, h, steps); steps++ {
	}
}

// cancelAfter gives up after so many steps. It reports false when the run is
// through by then.
func cancelAfter(t testing.TB, h Harness, steps int) bool {
	t.Helper()
	w := newWalk(t, h, "run-cancel")
	for range steps {
		w.advance()
	}
	if w.done {
		return false
	}
	for range 2 {
		step, err := w.call(w.request(1), sca.Input{Kind: sca.Cancel})
		if err != nil {
			t.Fatalf("after %s: cancel failed: %v", w.where(), err)
		}
		if through(step) {
			t.Fatalf("after %s: cancel gave %s", w.where(), describe(step))
		}
	}
	return true
}
