package register

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
)

// Ender ends the consents of blocked TPPs.
type Ender interface {
	// Enders lists the ids of all TPPs whose block ends consents, those too whose
	// block has run out.
	Enders(ctx context.Context) ([]string, error)
	// Doomed lists consents of a TPP that have not ended and that its block ends:
	// at most limit, in the order of their ids, those that follow one.
	Doomed(ctx context.Context, tpp string, after uuid.UUID, limit int) ([]uuid.UUID, error)
	// Doom applies end to a consent in one transaction, in which its TPP's block
	// cannot be changed; not if there is none, or if it does not end this consent.
	// Unless it shall wait, it passes over what somebody else is changing. end may
	// run more than once; nothing is written when it fails.
	Doom(ctx context.Context, d Doomed, wait bool, end func(*consent.Consent, *Block) error) error
}

// Doomed is a consent that is to be ended with the block of its TPP.
type Doomed struct {
	TPP     string
	Consent uuid.UUID
}

// page is how many consents are looked up at once.
const page = 200

// Block shuts a TPP out, until a time or for ever, and ends its consents if the
// block says so; ended is how many it was. At and By are taken from the clock and
// the cause. It replaces a block that is there; one that says the same leaves that
// as it is, and goes on with the consents. A TPP that has not called yet, and that no
// hub has brought, may be blocked too, if its id has the form of one. When it fails after the block was
// written, the block stands, and Finish ends the consents that are left; or the
// same call again.
//
// Fails with CodeFormat, CodeNotFound and CodeUnavailable.
func (r *Register) Block(ctx context.Context, cause consent.Cause, id string, b Block) (t *TPP, ended int, err error) {
	now := r.Now()
	b.At, b.By, b.RequestID = now, cause.Who, cause.RequestID
	b.Until = b.Until.UTC().Truncate(time.Microsecond) // as it is stored; a zero time stays one
	if err := b.check(now); err != nil {
		return nil, 0, err
	}
	if !storable(id) {
		return nil, 0, errUnknown()
	}
	t, err = r.Store.ChangeTPP(ctx, id, func(t *TPP) (*consent.Entry, error) {
		if t.Block == nil && t.FirstSeen.IsZero() && !nameable(id) {
			return nil, errUnknown()
		}
		if t.Blocked(now) && t.Block.says(b) {
			return nil, nil //nolint:nilnil // no entry, nothing to write
		}
		from := t.State()
		t.Block = &b
		return &consent.Entry{At: now, Cause: cause, From: from, To: t.State(), Reason: b.Reason}, nil
	})
	if err != nil || !b.EndsConsents {
		return t, 0, err
	}
	ended, err = r.end(ctx, sweep{tpp: id, wait: true, limit: math.MaxInt})
	r.Log.InfoContext(ctx, "ended the consents of a blocked TPP", "tpp", id, "ended", ended)
	return t, ended, errors.Join(err, context.Cause(ctx))
}

// State is where a TPP stands, as the entries of its chain say it: "known",
// "blocked for ever" or "blocked until" and the time, each of the last two with
// ", consents end" where the block ends them; empty for one that was on the stop
// list and is not any more. A block that has run out is one until it is lifted.
func (t *TPP) State() string {
	switch {
	case t.Block != nil:
		return stateBlocked + t.Block.terms()
	case t.FirstSeen.IsZero():
		return ""
	default:
		return stateKnown
	}
}

func (b *Block) terms() string {
	terms := " for ever"
	if !b.Until.IsZero() {
		terms = " until " + b.Until.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
	}
	if b.EndsConsents {
		terms += ", consents end"
	}
	return terms
}

// Unblock lets a TPP in again. One that is not blocked stays as it is. Consents
// that a block has not ended yet are left alone from now on. Fails with
// CodeNotFound and CodeUnavailable.
func (r *Register) Unblock(ctx context.Context, cause consent.Cause, id string) (*TPP, error) {
	if _, err := r.Get(ctx, id); err != nil { // rows are never removed
		return nil, err
	}
	now := r.Now()
	return r.Store.ChangeTPP(ctx, id, func(t *TPP) (*consent.Entry, error) {
		if t.Block == nil {
			return nil, nil //nolint:nilnil // no entry, nothing to write
		}
		from := t.State()
		t.Block = nil
		return &consent.Entry{At: now, Cause: cause, From: from, To: t.State(), Reason: reasonUnblocked}, nil
	})
}

// Finish ends consents that blocks were to end and have not: what a crash left,
// and what was made by a call that had been let in before the block. It ends at
// most limit, and returns how many it was. Any number of replicas may do it at
// once: each leaves alone what another one, or a caller, is changing. A consent
// that has begun is finished even when ctx ends; one that fails stands in
// nobody's way. Fails with CodeUnavailable.
func (r *Register) Finish(ctx context.Context, limit int) (int, error) {
	ids, err := r.Store.Enders(ctx)
	if err != nil {
		return 0, err
	}
	ended := 0
	var errs []error
	for _, id := range ids {
		if ctx.Err() != nil || ended >= limit {
			break
		}
		n, err := r.end(ctx, sweep{tpp: id, limit: limit - ended})
		ended += n
		errs = append(errs, err)
	}
	return ended, errors.Join(errs...)
}

// sweep says which consents are ended.
type sweep struct {
	tpp   string
	wait  bool // for consents that somebody is changing
	limit int
}

// end ends the consents of a blocked TPP until ctx ends.
func (r *Register) end(ctx context.Context, s sweep) (int, error) {
	ended, after := 0, uuid.Nil
	var errs []error
	for more := true; more && ctx.Err() == nil; {
		ids, err := r.Store.Doomed(ctx, s.tpp, after, page)
		if err != nil {
			return ended, errors.Join(append(errs, err)...)
		}
		if more = len(ids) == page; more {
			after = ids[page-1]
		}
		for _, id := range ids {
			if ctx.Err() != nil || ended >= s.limit {
				return ended, errors.Join(errs...)
			}
			done, err := r.endOne(ctx, Doomed{TPP: s.tpp, Consent: id}, s.wait)
			if err != nil {
				errs = append(errs, fmt.Errorf("end consent %s of a blocked TPP: %w", id, err))
			}
			if done {
				ended++
			}
		}
	}
	return ended, errors.Join(errs...)
}

// endOne reports whether it has ended the consent.
func (r *Register) endOne(ctx context.Context, d Doomed, wait bool) (done bool, err error) {
	now := r.Now()
	err = r.Store.Doom(context.WithoutCancel(ctx), d, wait, func(c *consent.Consent, b *Block) error {
		c.Because(b.cause())
		c.Settle(now)
		done = !c.Status.Final()
		return c.Revoke(consent.ReasonTPPBlocked, now)
	})
	return done && err == nil, err
}
