package sca

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service"
	flow "consentd/pkg/sca"
)

// fieldLogin is the well-known name of the field for what a PSU logs in as.
const fieldLogin = "psuId"

// judge counts a try, then lets the flow judge the answer.
func (s *Dispatcher) judge(ctx context.Context, w *walk, a Answer) result {
	if w.memo.Step.Outcome != flow.Prompt { // a wait is not answered here; show it again
		w.leave = a.Approve && w.memo.Step.Outcome == flow.Redirect
		return result{w: w}
	}
	if a = meant(w.memo.Step, a); a.Method != "" {
		return s.choose(ctx, w, a)
	}
	n, err := s.Store.CountTry(ctx, w.run.ID, w.run.Seq, s.Policy.MaxTries)
	if err != nil {
		return result{w: w, err: err}
	}
	if n == 0 {
		return result{w: w, err: errMoved}
	}
	w.run.Tries = n
	w.memo.Login = cmp.Or(loginIn(w.memo.Step, a), w.memo.Login)
	guess, err := s.guess(ctx, w)
	if err != nil {
		return result{w: w, err: errors.Join(err, s.Store.ReturnTry(ctx, w.run.ID, w.run.Seq))}
	}
	step, err := s.ask(ctx, w, flow.Input{Kind: flow.Form, Fields: a.Fields})
	if err != nil { // nobody has judged it: the try is given back
		return result{w: w, err: errors.Join(err, guess.unjudged(ctx), s.Store.ReturnTry(ctx, w.run.ID, w.run.Seq))}
	}
	if !step.Wrong {
		if !proves(step) { // what asks on, such as for a password after a name, has judged nothing
			s.noted(ctx, w, "take a count of answers back", guess.unjudged(ctx))
		}
		w.memo.Proved = w.memo.Proved || secretive(w.memo.Step, a)
		return s.accept(ctx, w, step)
	}
	explain.Note(ctx, "wrong answer, try %d of %d", n, s.Policy.MaxTries)
	if n < s.Policy.MaxTries {
		return result{w: w, wrong: true, message: step.Message, err: consent.E(consent.CodeCredentials, "wrong answer")}
	}
	return s.fail(ctx, w, consent.RunLocked, consent.E(consent.CodeLocked, "too many wrong answers"))
}

// choose takes the PSU's choice of a method. It is no guess and costs no try; a
// method that cannot be had leaves the run where it was.
func (s *Dispatcher) choose(ctx context.Context, w *walk, a Answer) result {
	if w.run.PSU != uuid.Nil {
		if err := s.mayConfirm(ctx, w, w.run.PSU); err != nil {
			return result{w: w, err: err}
		}
	}
	step, err := s.ask(ctx, w, flow.Input{Kind: flow.Form, MethodID: a.Method})
	if err != nil {
		return result{w: w, err: err}
	}
	if step.Wrong {
		explain.Note(ctx, "the method cannot be had")
		return result{w: w, refused: true, message: step.Message}
	}
	return s.apply(ctx, w, step)
}

// meant is an answer as the flow may take it: one of the methods that were offered,
// or what was typed, and never both. A choice is no guess.
func meant(form flow.Step, a Answer) Answer {
	if slices.ContainsFunc(form.Methods, func(m flow.Method) bool { return m.ID == a.Method }) {
		a.Fields = nil
		return a
	}
	a.Method = ""
	for _, f := range form.Fields {
		if typed, ok := a.Fields[f.Name]; ok && f.Kind == flow.Code {
			a.Fields = maps.Clone(a.Fields)
			a.Fields[f.Name] = service.Digits(typed)
		}
	}
	return a
}

// proves reports whether a step follows from a factor that was right.
func proves(step flow.Step) bool { return step.Outcome == flow.Identified || step.Outcome == flow.Done }

// secretive reports whether an answer says more than who somebody is.
func secretive(form flow.Step, a Answer) bool {
	return slices.ContainsFunc(form.Fields, func(f flow.Field) bool { return f.Kind != flow.Text && a.Fields[f.Name] != "" })
}

// loginIn is the name that an answer to a form logs in with, if it asks for one.
func loginIn(form flow.Step, a Answer) string {
	for _, f := range form.Fields {
		if f.Name == fieldLogin {
			return a.Fields[f.Name]
		}
	}
	return ""
}

// accept goes on after an answer that was right. What fails then, the bank for
// instance, costs no try.
func (s *Dispatcher) accept(ctx context.Context, w *walk, step flow.Step) result {
	run, seq := w.run.ID, w.run.Seq
	w.right = true
	res := s.apply(ctx, w, step)
	if res.err != nil {
		res.err = errors.Join(res.err, s.Store.ReturnTry(ctx, run, seq))
	}
	return res
}

// apply saves what a step of the flow means, if the run still stands there.
func (s *Dispatcher) apply(ctx context.Context, w *walk, step flow.Step) result {
	if step.Wrong {
		return result{w: w, err: fmt.Errorf("flow %q calls wrong what nobody answered: %w", w.run.Flow, errors.ErrUnsupported)}
	}
	if err := away(w, step); err != nil {
		return result{w: w, err: err}
	}
	known := step.Outcome == flow.Identified || step.Outcome == flow.Done
	if known && (step.PSU == "" || (w.memo.PSU != "" && step.PSU != w.memo.PSU) || (w.memo.Only != "" && step.PSU != w.memo.Only)) {
		explain.Note(ctx, "the flow authenticated another PSU than the one who logged in")
		return s.fail(ctx, w, consent.RunFailed, consent.E(consent.CodeForbidden, "another PSU than the one who logged in"))
	}
	if proves(step) {
		s.noted(ctx, w, "forgive wrong answers", s.forgive(ctx, w))
	}
	switch step.Outcome {
	case flow.Prompt, flow.Wait, flow.Redirect:
		return s.show(ctx, w, step)
	case flow.Identified:
		w.memo.Step = step
		return s.identify(ctx, w, step.PSU)
	case flow.Done:
		w.memo.Authenticated, w.memo.Step = true, flow.Step{Outcome: flow.Done}
		if w.run.Approved {
			return s.finish(ctx, w)
		}
		w.memo.Chosen = step.Accounts
		return s.identify(ctx, w, step.PSU)
	case flow.Denied:
		return s.deny(ctx, w, step)
	default:
		return result{w: w, err: fmt.Errorf("flow %q answered %q: %w", w.run.Flow, step.Outcome, errors.ErrUnsupported)}
	}
}

// deny ends a run at the flow's no: the PSU's own, where they were asked in the
// bank's app, and else the bank's.
func (s *Dispatcher) deny(ctx context.Context, w *walk, step flow.Step) result {
	w.heard = true
	if step.Blocked {
		return s.fail(ctx, w, consent.RunFailed, consent.E(consent.CodeBlocked, "the PSU is blocked"))
	}
	explain.Note(ctx, "the flow denied")
	by := consent.ByASPSP
	if w.approach() == consent.Decoupled || w.memo.Step.Outcome == flow.Wait {
		by = consent.ByPSU
	}
	return s.refuse(ctx, w, by, consent.ReasonRefused, nil)
}

// show keeps the flow's page for the PSU.
func (s *Dispatcher) show(ctx context.Context, w *walk, step flow.Step) result {
	w.memo.Step, w.memo.Spoken = step, w.language
	run, now := w.run.ID, s.Now()
	res := s.change(ctx, w, func(r *consent.Run, c *consent.Consent, sealed []byte) error {
		if w.run.Approved && !r.Approved {
			r.Progress(consent.StageFlow, sealed)
		} else {
			r.Step(consent.StageFlow, sealed)
		}
		if w.right {
			r.Tries = max(r.Tries-1, 0)
		}
		if step.Outcome == flow.Wait {
			r.PollAt = now.Add(step.PollAfter)
		}
		r.Approved = w.run.Approved
		return reach(c, r, step, now)
	})
	if res.err != nil {
		s.noted(ctx, w, "call off what was not kept", s.abandon(ctx, run, w, errors.Is(res.err, errMoved)))
	}
	return res
}

// reach moves the authorisation to where a page, a challenge or a wait brings it.
func reach(c *consent.Consent, r *consent.Run, step flow.Step, now time.Time) error {
	a, err := c.Authorisation(r.Authorisation)
	if err != nil {
		return err
	}
	switch {
	case step.Outcome == flow.Wait && a.Approach == consent.Decoupled, r.Approved && asks(step) && a.Approach != consent.Embedded:
		return c.Advance(a.ID, consent.ScaStarted, now)
	case r.Approved && asks(step):
		return c.Advance(a.ID, consent.ScaMethodSelected, now)
	default:
		return nil
	}
}

// asks reports whether a step asks for the factor itself, not for a method only.
func asks(step flow.Step) bool {
	return len(step.Fields) > 0 || step.Outcome != flow.Prompt
}

// ask calls the flow, outside any transaction.
func (s *Dispatcher) ask(ctx context.Context, w *walk, in flow.Input) (flow.Step, error) {
	f, ok := s.Flows[w.run.Flow]
	if !ok {
		return flow.Step{}, fmt.Errorf("no flow %q: %w", w.run.Flow, errors.ErrUnsupported)
	}
	req := flow.Request{
		RunID:    w.run.ID.String(),
		StepKey:  s.stepKey(w.run, in),
		Purpose:  flow.Purpose(w.run.Purpose),
		Hint:     w.memo.Hint.PSU,
		PSU:      w.memo.PSU,
		Summary:  summary(w),
		Language: w.language,
		Paged:    w.approach() == consent.Redirect,
		Choose:   w.c.Access.Chosen() && len(w.c.Access.Grants) == 0,
	}
	s.place(w, &req)
	if in.Kind == flow.Cancel { // of one run there may be several to call off
		req.StepKey += "/" + hex.EncodeToString(s.Keys.MAC("state called off", w.memo.Step.State)[:8])
	}
	var step flow.Step
	var err error
	if in.Kind == "" {
		step, err = f.Start(ctx, req)
	} else {
		step, err = f.Continue(ctx, req, w.memo.Step.State, in)
	}
	if err != nil {
		return step, consent.E(consent.CodeUnavailable, "the authentication does not answer").
			Because(fmt.Errorf("flow %q, step %s: %w", w.run.Flow, req.StepKey, err))
	}
	return step, nil
}

// stepKey names a call of the flow: by the step, and by the answer. The same answer
// to the same step is the same call, however often it comes, after a crash for
// instance.
func (s *Dispatcher) stepKey(r *consent.Run, in flow.Input) string {
	key := fmt.Sprintf("%s/%d/%s", r.ID, r.Seq, cmp.Or(in.Kind, "start"))
	if in.Kind == flow.Poll || in.Kind == flow.Callback { // each look is a call of its own, though the run stays where it is
		key = fmt.Sprintf("%s/%d", key, r.PollAt.UnixMilli())
	}
	if in.MethodID == "" && len(in.Fields) == 0 {
		return key
	}
	parts := [][]byte{[]byte(key), []byte(in.MethodID)} // the key is logged: the same answer is to look different elsewhere
	for _, name := range slices.Sorted(maps.Keys(in.Fields)) {
		parts = append(parts, []byte(name), []byte(in.Fields[name]))
	}
	return key + "/" + hex.EncodeToString(s.Keys.MAC("step key", parts...)[:8])
}
