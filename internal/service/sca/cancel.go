package sca

import (
	"context"
	"errors"
	"time"

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
	_, err := s.ask(ctx, w, flow.Input{Kind: flow.Cancel})
	ended := w.run.EndedAt
	if ended.IsZero() {
		ended = w.run.Deadline()
	}
	if err != nil && s.Now().Before(ended.Add(perseverance)) {
		return errors.Join(err, s.pollAt(ctx, w, s.Now().Add(pause)))
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

// withdrawal is what an ended run remembers until its flow has been told; nil for
// a run whose flow knows, since it said so, or has never been asked.
func (s *Dispatcher) withdrawal(w *walk) ([]byte, error) {
	if w.heard || w.memo.Step.State == nil {
		return nil, nil
	}
	return s.seal(w.run, memo{
		Hint: w.memo.Hint, PSU: w.memo.PSU, Step: flow.Step{Outcome: w.memo.Step.Outcome, State: w.memo.Step.State},
	})
}
