package sca

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"consentd/internal/consent"
	flow "consentd/pkg/sca"
)

const (
	// lanes is how many runs a worker asks after at the same time.
	lanes = 8
	// lease is for how long a worker has a waiting run to itself: until a lane is
	// free, and while it asks.
	lease = 2*patience + pause
	// pause is how long a run rests whose flow failed to answer, or whose TPP is blocked.
	pause = 10 * time.Second
)

// Poll asks the flows of waiting runs, at most limit, whether their wait is
// over, and returns how many it asked. Any number of replicas may poll: each
// run is leased to one of them. A flow that fails, or takes its time, stands in
// nobody's way.
func (s *Dispatcher) Poll(ctx context.Context, limit int) (int, error) {
	var group errgroup.Group
	group.SetLimit(lanes)
	var faults faults
	asked, now := 0, s.Now()
	for asked < limit && ctx.Err() == nil {
		ids, err := s.Store.Claim(ctx, now, s.Now().Add(lease), min(lanes, limit-asked))
		faults.add(err)
		for _, id := range ids {
			group.Go(func() error { // waits for a free lane
				if err := s.poll(ctx, id); err != nil {
					faults.add(fmt.Errorf("poll run %s: %w", id, err))
				}
				return nil
			})
		}
		asked += len(ids)
		if len(ids) < lanes {
			break
		}
	}
	return asked, errors.Join(group.Wait(), faults.err())
}

// faults collects errors of parallel calls.
type faults struct {
	mu   sync.Mutex
	list []error
}

func (f *faults) add(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, err)
}

func (f *faults) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return errors.Join(f.list...)
}

func (s *Dispatcher) poll(ctx context.Context, id uuid.UUID) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	w, err := s.waiting(ctx, id)
	if err != nil {
		return err
	}
	if s.Flows[w.run.Flow] == nil && s.goesOn(w.run, w.c) { // another replica may have it
		return s.pollAt(ctx, w, s.Now().Add(pause))
	}
	if s.unheard(w) {
		return s.cancel(ctx, w)
	}
	if s.usable(w, w.run.Browser) != nil {
		return s.wipe(ctx, w) // nobody can go on with it
	}
	input, ok := pollInput(w)
	if !ok {
		return s.pollAt(ctx, w, time.Time{}) // it waits for nothing any more
	}
	if err := s.shut(ctx, w); err != nil {
		return s.rest(ctx, w, err)
	}
	return s.look(ctx, w, input)
}

// waiting loads a run for who is no browser.
func (s *Dispatcher) waiting(ctx context.Context, id uuid.UUID) (*walk, error) {
	r, err := s.Store.RunByID(ctx, id)
	if err != nil {
		return nil, err
	}
	w, err := s.walk(ctx, r, Visitor{})
	if err != nil {
		return nil, err
	}
	w.byWorker = true
	if r.PSU == uuid.Nil {
		w.cause.By = consent.BySystem // it is not known yet whose answer it is
	}
	return w, nil
}

// look asks the flow of a run whether its wait is over, and goes on from there.
func (s *Dispatcher) look(ctx context.Context, w *walk, input flow.Input) error {
	res := result{w: w}
	if w.run.Stage == consent.StageStart || w.run.Stage == consent.StageFlow {
		step, err := s.ask(ctx, w, input)
		if err != nil {
			return s.rest(ctx, w, err)
		}
		if sameWait(step, w.memo.Step) {
			return s.pollAt(ctx, w, s.Now().Add(step.PollAfter))
		}
		res = s.apply(ctx, w, step)
	}
	if err := s.polled(ctx, w, res); err != nil {
		return s.rest(ctx, w, err)
	}
	return nil
}

// rest puts off a run that cannot go on now. That its TPP is blocked is no
// failure: should the block be lifted in time, the run goes on.
func (s *Dispatcher) rest(ctx context.Context, w *walk, err error) error {
	if consent.CodeOf(err) == consent.CodeCertificateBlocked {
		err = nil
	}
	return errors.Join(err, s.pollAt(ctx, w, s.Now().Add(pause)))
}

// sameWait reports whether a flow waits on as it did, so that nothing is to be kept.
func sameWait(a, b flow.Step) bool {
	return a.Outcome == flow.Wait && b.Outcome == flow.Wait && bytes.Equal(a.State, b.State) && a.Message == b.Message
}

// polled goes on from a flow's answer where no page of ours does.
func (s *Dispatcher) polled(ctx context.Context, w *walk, res result) error {
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

// pollAt puts the next look at a run off, if it still is as it was; zero for none.
func (s *Dispatcher) pollAt(ctx context.Context, w *walk, at time.Time) error {
	stands := w.stands()
	return s.Store.Change(ctx, w.run.ID, func(r *consent.Run, _ *consent.Consent) error {
		if stands(r) {
			r.PollAt = at
		}
		return nil
	})
}
