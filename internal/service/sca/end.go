package sca

import (
	"context"
	"errors"

	"consentd/internal/consent"
	"consentd/internal/explain"
)

// refuse ends the run and rejects the consent. cause is what the PSU is told,
// nil for a refusal of their own.
func (s *Dispatcher) refuse(ctx context.Context, w *walk, by consent.Actor, why consent.Reason, cause error) result {
	now := s.Now()
	return s.end(ctx, w, consent.RunRefused, cause, func(r *consent.Run, c *consent.Consent) error {
		return c.Refuse(r.Authorisation, by, why, now)
	})
}

// fail ends the run and its authorisation; the consent stays and may be
// authorised anew.
func (s *Dispatcher) fail(ctx context.Context, w *walk, how consent.RunOutcome, cause error) result {
	now := s.Now()
	return s.end(ctx, w, how, cause, func(r *consent.Run, c *consent.Consent) error {
		return c.Fail(r.Authorisation, now)
	})
}

func (s *Dispatcher) end(ctx context.Context, w *walk, how consent.RunOutcome, cause error, act func(*consent.Run, *consent.Consent) error) result {
	explain.Note(ctx, "the run ends: %s", how)
	now := s.Now()
	if cause != nil {
		w.tell = nil // an error is the caller's to keep, or not
	}
	kept, err := s.withdrawal(w)
	if err != nil {
		return result{w: w, err: err}
	}
	res := s.change(ctx, w, func(r *consent.Run, c *consent.Consent, _ []byte) error {
		if r.End(how, now); kept != nil {
			r.Withdraw(kept, now)
		}
		r.Returned = !w.byWorker
		return act(r, c)
	})
	if res.err == nil {
		res.err = cause
		s.seen(ctx, w)
	}
	return res
}

// collect serves the browser that was waiting when a worker ended its run: once,
// it is sent on to the TPP. Every later look finds the run used.
func (s *Dispatcher) collect(ctx context.Context, w *walk, browser consent.Digest) (*View, bool) {
	if w.run.Stage != consent.StageEnded || w.run.Returned || w.run.Browser != browser {
		return nil, false
	}
	err := s.Store.Change(ctx, w.run.ID, func(r *consent.Run, _ *consent.Consent) error {
		if r.Returned {
			return errMoved
		}
		r.Returned = true
		return nil
	})
	if err != nil {
		if !errors.Is(err, errMoved) {
			s.Log.ErrorContext(ctx, "mark run as returned", "run", w.run.ID, "error", err)
		}
		return nil, false
	}
	return s.view(w), true
}
