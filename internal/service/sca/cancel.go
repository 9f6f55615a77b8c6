package sca

import (
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

// over reports whether a run has ended whose flow still has something out in the
// world, or may have.
func (s *Dispatcher) over(w *walk) bool {
	if w.memo.Step.State == nil {
		return false
	}
	return w.run.Stage == consent.StageEnded ||
		w.memo.Step.Outcome == flow.Wait && s.usable(w, w.run.Browser) != nil
}

// cancel tells a flow that a run is over, until it has heard it; then what the run
// kept for that is wiped. Whatever the flow answers changes nothing.
func (s *Dispatcher) cancel(ctx context.Context, w *walk) error {
	if s.Flows[w.run.Flow] == nil { // it went with an update of the program
		return s.wipe(ctx, w)
	}
	_, err := s.ask(ctx, w, flow.Input{Kind: flow.Cancel})
	ended := w.run.EndedAt
	if ended.IsZero() {
		ended = w.run.Deadline()
	}
	if now := s.Now(); err != nil && now.Before(ended.Add(perseverance)) {
		return errors.Join(err, s.pollAt(ctx, w, now.Add(max(pause, now.Sub(ended))))) // less and less often
	}
	return errors.Join(err, s.wipe(ctx, w))
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

// abandon keeps, for a worker to tell the flow, what it has just put out in the
// world for a run that was over by then. One that goes on was overtaken by another
// answer, and stays as that has left it.
func (s *Dispatcher) abandon(ctx context.Context, run uuid.UUID, m memo) error {
	if m.Step.State == nil {
		return nil
	}
	now := s.Now()
	return s.Store.Change(context.WithoutCancel(ctx), run, func(r *consent.Run, c *consent.Consent) error {
		a, err := c.Authorisation(r.Authorisation)
		if err != nil {
			return err
		}
		if r.Stage != consent.StageEnded && now.Before(r.Deadline()) && c.Status.Pending() && !a.Status.Final() {
			return nil
		}
		kept, err := s.seal(r, leftover(m))
		r.Memo, r.PollAt = kept, now
		return err
	})
}

// leftover is what of a memory a flow needs to take back what it has out in the world.
func leftover(m memo) memo {
	return memo{Hint: m.Hint, PSU: m.PSU, Step: flow.Step{Outcome: flow.Wait, State: m.Step.State}}
}

// withdrawal is what an ended run remembers until its flow has been told; nil for
// a run whose flow knows, since it said so, or has never been asked.
func (s *Dispatcher) withdrawal(w *walk) ([]byte, error) {
	if w.heard || w.memo.Step.State == nil {
		return nil, nil
	}
	return s.seal(w.run, leftover(w.memo))
}
