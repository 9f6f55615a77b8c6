package sca

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	flow "consentd/pkg/sca"
)

// perseverance is for how long after its end a flow that does not answer is told
// that a run is over.
const perseverance = time.Hour

// unheard reports whether a run is over whose flow still has something out in the
// world, or may have.
func (s *Dispatcher) unheard(w *walk) bool {
	if w.memo.Step.State == nil {
		return false
	}
	return w.run.Stage == consent.StageEnded ||
		w.memo.Step.Outcome == flow.Wait && s.usable(w, w.run.Browser) != nil
}

// goesOn reports whether a run has time, and something to authorise.
func (s *Dispatcher) goesOn(r *consent.Run, c *consent.Consent) bool {
	a, err := c.Authorisation(r.Authorisation)
	return err == nil && r.Stage != consent.StageEnded && s.Now().Before(r.Deadline()) && c.Status.Pending() && !a.Status.Final()
}

// cancel tells a flow that a run is over, until it has heard it; then what the run
// kept for that is wiped. Whatever the flow answers changes nothing.
func (s *Dispatcher) cancel(ctx context.Context, w *walk) error {
	if s.Flows[w.run.Flow] == nil { // it went with an update of the program
		return s.wipe(ctx, w)
	}
	var errs []error
	for _, state := range append([][]byte{w.memo.Step.State}, w.memo.Left...) {
		errs = append(errs, s.callOffState(ctx, w, state))
	}
	err := errors.Join(errs...)
	ended := w.run.EndedAt
	if ended.IsZero() {
		ended = w.run.Deadline()
	}
	if now := s.Now(); err != nil && now.Before(ended.Add(perseverance)) {
		return errors.Join(err, s.pollAt(ctx, w, now.Add(max(pause, now.Sub(ended))))) // less and less often
	}
	return errors.Join(err, s.wipe(ctx, w))
}

// callOffState tells a flow that nothing comes of a state any more.
func (s *Dispatcher) callOffState(ctx context.Context, w *walk, state []byte) error {
	at := *w
	at.memo.Step.State = state
	_, err := s.ask(ctx, &at, flow.Input{Kind: flow.Cancel})
	return err
}

// wipe forgets all that a run remembers, which nobody needs any more.
func (s *Dispatcher) wipe(ctx context.Context, w *walk) error {
	stands := w.stands()
	return s.Store.Change(ctx, w.run.ID, func(r *consent.Run, _ *consent.Consent) error {
		if stands(r) {
			r.Memo, r.PollAt = nil, time.Time{}
		}
		return nil
	})
}

// abandon deals with what a flow has just put out in the world for a step that was
// not kept. For a run that is over by then a worker tells the flow. One that goes on
// from another step, since it was overtaken, needs it no more: the flow is told at
// once, if it has another state.
func (s *Dispatcher) abandon(ctx context.Context, run uuid.UUID, w *walk, overtaken bool) error {
	state := w.memo.Step.State
	if state == nil {
		return nil
	}
	ctx, now, goesOn := context.WithoutCancel(ctx), s.Now(), false
	var current []byte
	err := s.Store.Change(ctx, run, func(r *consent.Run, c *consent.Consent) error {
		kept, err := s.open(r)
		if err != nil {
			return err
		}
		if goesOn, current = s.goesOn(r, c), kept.Step.State; goesOn {
			return nil
		}
		m := leftover(w.memo)
		if m.Left = kept.Left; current != nil && !bytes.Equal(current, state) {
			m.Left = append(m.Left, current)
		}
		left, err := s.seal(r, m)
		if err != nil {
			return err
		}
		r.Withdraw(left, now)
		return nil
	})
	if err != nil || !goesOn || !overtaken || bytes.Equal(current, state) {
		return err
	}
	return s.callOffState(ctx, w, state)
}

// leftover is what of a memory a flow needs to take back what it has out in the world.
func leftover(m memo) memo {
	return memo{Hint: m.Hint, PSU: m.PSU, Step: flow.Step{Outcome: flow.Wait, State: m.Step.State}, Left: m.Left}
}

// withdrawal is what an ended run remembers until its flow has been told; nil for
// a run whose flow knows, since it said so, or has never been asked.
func (s *Dispatcher) withdrawal(w *walk) ([]byte, error) {
	if w.heard || w.memo.Step.State == nil {
		return nil, nil
	}
	return s.seal(w.run, leftover(w.memo))
}
