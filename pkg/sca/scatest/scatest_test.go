package scatest_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/pkg/sca"
	"consentd/pkg/sca/scatest"
)

func TestRightFlowsPass(t *testing.T) {
	t.Parallel()
	t.Run("password, code, wait", func(t *testing.T) {
		t.Parallel()
		scatest.Run(t, harness(nil))
	})
	t.Run("single trip", func(t *testing.T) {
		t.Parallel()
		scatest.Run(t, scatest.Harness{SingleTrip: true, New: func(testing.TB) scatest.Bench {
			return scatest.Bench{PSU: toyPSU, Flow: func() sca.Flow { return trip{} }, Right: (&toyBank{}).right}
		}})
	})
	t.Run("in the bank's app", func(t *testing.T) {
		t.Parallel()
		scatest.Run(t, appHarness("name of psu-1"))
	})
}

// TestUnnamedPSUFails: a flow that only the TPP can tell whom to ask needs the
// Hint of the Bench.
func TestUnnamedPSUFails(t *testing.T) {
	t.Parallel()
	assert.Contains(t, failing(t, appHarness(""))["walks to the end"], "refused")
}

// recorder is a testing.TB that keeps what it is told, and stops as a failed
// test does.
type recorder struct {
	testing.TB

	mu   sync.Mutex
	said []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// failing names the checks that a harness fails, with what they said.
func failing(t *testing.T, h scatest.Harness) map[string]string {
	t.Helper()
	failed := map[string]string{}
	for _, c := range scatest.Checks() {
		rec := &recorder{TB: t}
		var group sync.WaitGroup
		group.Go(func() { c.Run(rec, h) })
		group.Wait()
		if len(rec.said) > 0 {
			failed[c.Name] = strings.Join(rec.said, "\n")
		}
	}
	return failed
}

// after overrides what a toy answers in one stage.
func after(stage string, kind sca.Kind, answer func(f *toy, req sca.Request, state string, in sca.Input, right sca.Step) (sca.Step, error)) func(f *toy) {
	return func(f *toy) {
		f.next = func(f *toy, req sca.Request, state string, in sca.Input) (sca.Step, error) {
			right, err := f.step(req, state, in)
			if !strings.HasPrefix(state, stage) || (kind != "" && in.Kind != kind) {
				return right, err
			}
			step, fault := answer(f, req, state, in, right)
			if fault == nil && step.Outcome == "" {
				return right, err
			}
			return step, fault
		}
	}
}

// changed overrides one thing in a toy's right answer.
func changed(stage string, change func(step *sca.Step)) func(f *toy) {
	return after(stage, "", func(f *toy, req sca.Request, state string, in sca.Input, right sca.Step) (sca.Step, error) {
		if right.Outcome != "" {
			change(&right)
		}
		return right, nil
	})
}

func starting(step sca.Step) func(f *toy) {
	return func(f *toy) {
		f.start = func(*toy, sca.Request) (sca.Step, error) { return step, nil }
	}
}

// TestMutantsFail breaks the toy, one rule at a time: the check that guards the
// rule must fail, in the words of a developer who looks for the fault.
func TestMutantsFail(t *testing.T) {
	t.Parallel()
	fields := []sca.Field{{Name: "secret", Kind: sca.Password}}
	done := sca.Step{Outcome: sca.Done, PSU: toyPSU}
	for name, m := range map[string]struct {
		mutate func(f *toy)
		check  string
		says   string
	}{
		"is done at once":          {starting(done), "starts by asking", "want Prompt"},
		"knows everybody at once":  {starting(sca.Step{Outcome: sca.Identified, PSU: toyPSU, State: []byte("known;")}), "starts by asking", "want Prompt"},
		"starts with a reproach":   {starting(sca.Step{Outcome: sca.Prompt, Wrong: true, Fields: fields}), "starts by asking", "nothing was answered yet"},
		"asks nothing":             {starting(sca.Step{Outcome: sca.Prompt, State: []byte("login;")}), "starts by asking", "asks for nothing"},
		"asks a nameless thing":    {starting(sca.Step{Outcome: sca.Prompt, Fields: []sca.Field{{Kind: sca.Text}}}), "starts by asking", "without name"},
		"sends nowhere":            {starting(sca.Step{Outcome: sca.Redirect}), "starts by asking", "without URL"},
		"invents an outcome":       {starting(sca.Step{Outcome: "perhaps"}), "starts by asking", "perhaps"},
		"waits without a pause":    {changed("code", func(s *sca.Step) { s.PollAfter = 0 }), "walks to the end", "PollAfter"},
		"identifies another":       {changed("login", func(s *sca.Step) { s.PSU = "psu-2" }), "walks to the end", "psu-2"},
		"identifies nobody":        {changed("login", func(s *sca.Step) { s.PSU = "" }), "walks to the end", "without PSU"},
		"ends for another":         {changed("wait", func(s *sca.Step) { s.PSU = "psu-2" }), "walks to the end", "psu-2"},
		"skips the review":         {after("login", sca.Form, skipReview), "walks to the end", "Identified 0 times"},
		"skips the code":           {after("known", sca.Approved, func(*toy, sca.Request, string, sca.Input, sca.Step) (sca.Step, error) { return done, nil }), "walks to the end", "1 prompts; want 2"},
		"refuses the right answer": {changed("code", func(s *sca.Step) { s.Wrong = true }), "walks to the end", "refused"},
		"goes in circles": {after("known", sca.Approved, func(_ *toy, req sca.Request, _ string, _ sca.Input, _ sca.Step) (sca.Step, error) {
			return toyStart(req), nil
		}), "walks to the end", "no end after"},
		"remembers in memory":      {remembers, "walks to the end", "failed"},
		"sends twice":              {func(f *toy) { f.again = true }, "repeats take effect once", "took effect again"},
		"answers a repeat anew":    {changed("known", func(s *sca.Step) { s.Message = fmt.Sprintf("at %p", s) }), "repeats take effect once", "repeated call answered"},
		"uses up what it finds":    {usesUp, "looks without an effect", "the next look found"},
		"fails on a wrong answer":  {after("code", sca.Form, failsOnWrong), "refuses wrong answers", "failed"},
		"denies a wrong answer":    {after("login", sca.Form, deniesWrong), "refuses wrong answers", "want a Prompt with Wrong"},
		"takes any answer":         {after("login", sca.Form, takesAny), "refuses wrong answers", "want a Prompt with Wrong"},
		"voids the code":           {after("code", sca.Form, voidsCode), "refuses wrong answers", "refused"},
		"takes an empty code":      {after("code", sca.Form, takesEmpty), "finishes by answers alone", "0 fields"},
		"is done when approved":    {after("code", sca.Approved, func(*toy, sca.Request, string, sca.Input, sca.Step) (sca.Step, error) { return done, nil }), "finishes by answers alone", "approved"},
		"is done when polled":      {after("known", sca.Poll, func(*toy, sca.Request, string, sca.Input, sca.Step) (sca.Step, error) { return done, nil }), "finishes by answers alone", "poll"},
		"takes garbage for state":  {after("garbage", "", func(*toy, sca.Request, string, sca.Input, sca.Step) (sca.Step, error) { return done, nil }), "refuses broken state", "garbage"},
		"starts again from naught": {takesEmptyState, "refuses broken state", "taken for the flow's own"},
		"is deaf to its context":   {func(f *toy) { f.deaf = true }, "stops with its context", "ended context"},
		"cannot be cancelled":      {after("code", sca.Cancel, func(*toy, sca.Request, string, sca.Input, sca.Step) (sca.Step, error) { return sca.Step{}, errToy }), "takes a cancel anywhere", "cancel failed"},
		"is cancelled once":        {cancelsOnce, "takes a cancel anywhere", "cancel failed"},
		"is done when cancelled":   {after("wait", sca.Cancel, func(*toy, sca.Request, string, sca.Input, sca.Step) (sca.Step, error) { return done, nil }), "takes a cancel anywhere", "cancel gave"},
		"speaks one language":      {monoglot, "speaks the language", "same texts"},
		"trips over a language":    {tripsOver, "speaks the language", "failed"},
		"has no word to say":       {mute, "speaks the language", "no text"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failed := failing(t, harness(m.mutate))
			require.Contains(t, failed, m.check)
			assert.Contains(t, failed[m.check], m.says)
		})
	}
}

// TestMixedUpRunsFail: an instance that serves one run at a time is found out
// by runs in parallel, since it hands one run's code to another.
func TestMixedUpRunsFail(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var last string
	h := harness(after("known", sca.Approved, func(_ *toy, req sca.Request, _ string, _ sca.Input, right sca.Step) (sca.Step, error) {
		mu.Lock()
		defer mu.Unlock()
		defer func() { last = req.RunID }()
		if last != "" && last != req.RunID {
			return sca.Step{Outcome: sca.Denied}, nil
		}
		return right, nil
	}))
	assert.Contains(t, failing(t, h)["serves runs in parallel"], "the right answer was refused")
}

func skipReview(f *toy, req sca.Request, state string, in sca.Input, right sca.Step) (sca.Step, error) {
	if right.Outcome != sca.Identified {
		return right, nil
	}
	return f.step(req, "known;", sca.Input{Kind: sca.Approved})
}

// usesUp finds the PSU's answer for one look alone.
func usesUp(f *toy) {
	f.next = func(f *toy, req sca.Request, state string, in sca.Input) (sca.Step, error) {
		step, err := f.step(req, state, in)
		if step.Outcome == sca.Done && !f.bank.first(req) {
			return sca.Step{Outcome: sca.Denied}, nil
		}
		return step, err
	}
}

func remembers(f *toy) {
	f.start = func(f *toy, req sca.Request) (sca.Step, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.kept = req.RunID
		return toyStart(req), nil
	}
	f.next = func(f *toy, req sca.Request, state string, in sca.Input) (sca.Step, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.kept != req.RunID {
			return sca.Step{}, errToy
		}
		return f.step(req, state, in)
	}
}

func failsOnWrong(_ *toy, _ sca.Request, _ string, _ sca.Input, right sca.Step) (sca.Step, error) {
	if right.Wrong {
		return sca.Step{}, errToy
	}
	return right, nil
}

func deniesWrong(_ *toy, _ sca.Request, _ string, _ sca.Input, right sca.Step) (sca.Step, error) {
	if right.Wrong {
		return sca.Step{Outcome: sca.Denied}, nil
	}
	return right, nil
}

func takesAny(f *toy, req sca.Request, state string, in sca.Input, _ sca.Step) (sca.Step, error) {
	return f.step(req, state, sca.Input{Kind: in.Kind, Fields: map[string]string{"secret": "right"}})
}

func voidsCode(f *toy, _ sca.Request, state string, _ sca.Input, right sca.Step) (sca.Step, error) {
	if right.Wrong {
		f.bank.forget(strings.TrimSuffix(strings.TrimPrefix(state, "code;"), "."))
	}
	return right, nil
}

func takesEmpty(_ *toy, _ sca.Request, _ string, in sca.Input, right sca.Step) (sca.Step, error) {
	if in.Fields["otp"] == "" {
		return sca.Step{Outcome: sca.Done, PSU: toyPSU}, nil
	}
	return right, nil
}

func takesEmptyState(f *toy) {
	f.next = func(f *toy, req sca.Request, state string, in sca.Input) (sca.Step, error) {
		if state == "" {
			return toyStart(req), nil
		}
		return f.step(req, state, in)
	}
}

func cancelsOnce(f *toy) {
	f.next = func(f *toy, req sca.Request, state string, in sca.Input) (sca.Step, error) {
		if in.Kind == sca.Cancel && !f.bank.cancel(req.RunID) {
			return sca.Step{}, errToy
		}
		return f.step(req, state, in)
	}
}

func monoglot(f *toy) {
	f.start = func(_ *toy, req sca.Request) (sca.Step, error) {
		req.Language = "en"
		return toyStart(req), nil
	}
	f.next = func(f *toy, req sca.Request, state string, in sca.Input) (sca.Step, error) {
		req.Language = "en"
		return f.step(req, state, in)
	}
}

func tripsOver(f *toy) {
	f.start = func(_ *toy, req sca.Request) (sca.Step, error) {
		if req.Language == "zu" {
			return sca.Step{}, errToy
		}
		return toyStart(req), nil
	}
}

func mute(f *toy) {
	f.start = func(_ *toy, req sca.Request) (sca.Step, error) {
		step := toyStart(req)
		step.Fields[0].Label = ""
		return step, nil
	}
	f.next = func(f *toy, req sca.Request, state string, in sca.Input) (sca.Step, error) {
		step, err := f.step(req, state, in)
		step.Message = ""
		return step, err
	}
}
