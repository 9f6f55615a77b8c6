package sca

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	flow "consentd/pkg/sca"
)

// lease is for how long a worker has a waiting run to itself, and how long a
// run rests whose flow failed to answer.
const lease = 10 * time.Second

// Poll asks the flows of waiting runs, at most limit, whether their wait is
// over, and returns how many it asked. Any number of replicas may poll: each
// run is leased to one of them. A flow that fails stands in nobody's way.
func (s *Dispatcher) Poll(ctx context.Context, limit int) (int, error) {
	now := s.Now()
	ids, err := s.Store.Claim(ctx, now, now.Add(lease), limit)
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, id := range ids {
		if ctx.Err() != nil {
			break // the lease runs out by itself
		}
		if err := s.poll(ctx, id); err != nil {
			errs = append(errs, fmt.Errorf("poll run %s: %w", id, err))
		}
	}
	return len(ids), errors.Join(errs...)
}

func (s *Dispatcher) poll(ctx context.Context, id uuid.UUID) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	r, err := s.Store.RunByID(ctx, id)
	if err != nil {
		return err
	}
	w, err := s.walk(ctx, r, Visitor{})
	if err != nil {
		return err
	}
	w.byWorker, w.cause = true, consent.Cause{By: consent.BySystem}
	input, ok := pollInput(w)
	if !ok || s.usable(w, w.run.Browser) != nil {
		return s.rest(ctx, id)
	}
	res := result{w: w}
	if w.run.Stage == consent.StageStart || w.run.Stage == consent.StageFlow {
		step, err := s.ask(ctx, w, input, 0)
		if err != nil {
			return err
		}
		res = s.apply(ctx, w, step)
	}
	if w.approach() == consent.Decoupled {
		res = s.proceed(ctx, res)
	}
	var ending *consent.Error
	if errors.Is(res.err, errMoved) || (errors.As(res.err, &ending) && w.run.Stage == consent.StageEnded) {
		return nil // the PSU's page tells
	}
	return res.err
}

// pollInput is what a worker asks the flow; false where it has nothing to ask:
// then the PSU's page, or the TPP, goes on. Without a page the worker begins, and
// takes up what was left half done.
func pollInput(w *walk) (flow.Input, bool) {
	if w.run.Stage == consent.StageFlow && w.memo.Step.Outcome == flow.Wait {
		return flow.Input{Kind: flow.Poll}, true
	}
	return flow.Input{}, w.approach() == consent.Decoupled && w.run.Stage != consent.StageEnded && w.memo.Step.Outcome != flow.Prompt
}

// keepPolled lets another worker go on, should this one stop at a stage that no
// page of ours goes on from.
func (s *Dispatcher) keepPolled(w *walk, r *consent.Run) {
	if w.approach() == consent.Decoupled {
		r.PollAt = s.Now().Add(lease)
	}
}

// rest stops the polling of a run that waits for nothing any more.
func (s *Dispatcher) rest(ctx context.Context, id uuid.UUID) error {
	return s.Store.Change(ctx, id, func(r *consent.Run, _ *consent.Consent) error {
		r.PollAt = time.Time{}
		return nil
	})
}
