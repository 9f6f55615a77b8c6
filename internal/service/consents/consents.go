// Package consents holds the use cases of a consent itself: a TPP creates it,
// reads it and ends it, starts an authorisation, and time expires it; a page of
// the bank's own lists what a PSU may see, and ends it for them (Desk).
package consents

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/secret"
	"consentd/internal/service"
)

// Store is what these use cases need of storage. Implementations pass storagetest.
type Store interface {
	// Create writes a consent with its authorisations, and the run of the one
	// that was started with it, if any, in one transaction.
	Create(ctx context.Context, c *consent.Consent, run *consent.Run) error
	// Get reads a consent whole, as stored. Fails with CodeNotFound.
	Get(ctx context.Context, id uuid.UUID) (*consent.Consent, error)
	// Status reads what the hot path needs, in one statement: the consent
	// without its accounts and authorisations. Fails with CodeNotFound.
	Status(ctx context.Context, id uuid.UUID) (*consent.Consent, error)
	// Update loads a consent, applies change and saves it in one transaction.
	// change may run more than once, so it must have no other effect; its error
	// is returned as it is and nothing is saved.
	Update(ctx context.Context, id uuid.UUID, change func(*consent.Consent) error) (*consent.Consent, error)
	// AddRun is Update for a change that starts an authorisation: the run is
	// written in the same transaction.
	AddRun(ctx context.Context, id uuid.UUID, run *consent.Run, change func(*consent.Consent) error) (*consent.Consent, error)
	// Due lists consents that have something to settle at now: at most limit,
	// the longest overdue first.
	Due(ctx context.Context, now time.Time, limit int) ([]uuid.UUID, error)
	// UpdateFree is Update unless somebody else is changing the consent at this
	// moment, or it is gone: then nothing happens, and that is no error.
	UpdateFree(ctx context.Context, id uuid.UUID, change func(*consent.Consent) error) error
}

// Runs opens the walk of a PSU through authentication.
type Runs interface {
	// New makes a run that is not written yet.
	New(o service.Opening) (service.Opened, error)
}

// Consents are the use cases.
type Consents struct {
	Store  Store
	Runs   Runs
	Keys   *secret.Keys
	Policy consent.Policy
	Now    func() time.Time
}

// Started is an authorisation that the PSU can begin.
type Started struct {
	Authorisation uuid.UUID
	Approach      consent.Approach
	Status        consent.ScaStatus
	Handle        string // the secret part of the redirect link, known to nobody else
	Message       string // what the PSU is told away from any page, if that is known already
}

// Wish says how a TPP would like the authorisation to be.
type Wish struct {
	Explicit bool // start none now: the TPP will
	Approach consent.Approach
	Hint     service.Hint
	// RedirectURI and NokRedirectURI are for this authorisation alone; empty for
	// the consent's.
	RedirectURI, NokRedirectURI string
}

// Tell says what the caller is told of a result: it makes the receipt, which is
// written in the same transaction. It runs before that has succeeded, perhaps
// more than once. Started is nil where no authorisation was. A nil Tell, or one
// that returns nil, keeps nothing.
type Tell func(*consent.Consent, *Started) *consent.Receipt

func (t Tell) answered(c *consent.Consent, started *Started) {
	if t != nil {
		c.Answered(t(c, started))
	}
}

// Create makes a consent of a draft, and an authorisation with it unless the TPP
// wishes to start that itself. Fails with CodeFormat, and with CodeRepeated when
// the receipt is there already.
func (s *Consents) Create(ctx context.Context, call service.Call, d consent.Draft, wish Wish, tell Tell) (*consent.Consent, error) {
	now := s.Now()
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("consent id: %w", err)
	}
	d.Kind, d.Rail, d.TPP, d.TPPName = call.Kind, call.Rail, call.TPP, call.Name
	d.PSU, d.Corporate = s.named(wish.Hint)
	d.Approach = wish.Approach
	c, err := s.Policy.New(id, d, call.Cause(), now)
	if err != nil {
		return nil, err
	}
	explain.Note(ctx, "consent %s: valid until %s (asked: %s), %d accesses a day (asked: %d)",
		c.ID, c.ValidUntil, d.ValidUntil, c.FrequencyPerDay, d.FrequencyPerDay)
	var run *consent.Run
	var started *Started
	if !wish.Explicit {
		if run, started, err = s.start(c.ID, wish, now); err != nil {
			return nil, err
		}
		if err := c.Start(s.authorisationOf(run, wish, started)); err != nil {
			return nil, err
		}
	}
	tell.answered(c, started)
	return c, s.Store.Create(ctx, c, run)
}

// StartAuthorisation starts a further authorisation of a consent that waits
// for one. Fails with CodeNotFound, CodeRepeated, and like [consent.Consent.Start].
func (s *Consents) StartAuthorisation(ctx context.Context, call service.Call, id uuid.UUID, wish Wish, tell Tell) (*Started, error) {
	now := s.Now()
	run, started, err := s.start(id, wish, now)
	if err != nil {
		return nil, err
	}
	_, err = s.Store.AddRun(ctx, id, run, func(c *consent.Consent) error {
		if err := call.Owns(c); err != nil {
			return err
		}
		c.Because(call.Cause())
		c.Settle(now)
		if err := c.Start(s.authorisationOf(run, wish, started)); err != nil {
			return err
		}
		tell.answered(c, started)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return started, nil
}

// Waiting finds an authorisation that was started as wish says and still waits
// for its PSU's password, if there is one. Fails with CodeNotFound.
func (s *Consents) Waiting(ctx context.Context, call service.Call, id uuid.UUID, wish Wish) (started *Started, found bool, err error) {
	c, err := s.Get(ctx, call, id)
	if err != nil {
		return nil, false, err
	}
	psu, _ := s.named(wish.Hint)
	for _, a := range c.Authorisations {
		if a.Approach == wish.Approach && a.Status == consent.ScaPSUIdentified && a.Named == psu {
			return &Started{Authorisation: a.ID, Approach: a.Approach, Status: a.Status}, true, nil
		}
	}
	return nil, false, nil
}

// Get reads a consent of this TPP as it stands now. Fails with CodeNotFound,
// alike for an unknown one and for another TPP's.
func (s *Consents) Get(ctx context.Context, call service.Call, id uuid.UUID) (*consent.Consent, error) {
	return s.read(ctx, s.Store.Get, call, id)
}

// Status is Get for what the status is told by, without accounts and
// authorisations. Fails with CodeNotFound.
func (s *Consents) Status(ctx context.Context, call service.Call, id uuid.UUID) (*consent.Consent, error) {
	return s.read(ctx, s.Store.Status, call, id)
}

// Authorisation reads one authorisation of a consent of this TPP. Fails with
// CodeNotFound and CodeResourceUnknown.
func (s *Consents) Authorisation(ctx context.Context, call service.Call, id, authorisation uuid.UUID) (*consent.Authorisation, error) {
	c, err := s.Get(ctx, call, id)
	if err != nil {
		return nil, err
	}
	return c.Authorisation(authorisation)
}

// Terminate ends a consent at its TPP's wish; one that has ended stays as it
// is. Fails with CodeNotFound and CodeRepeated.
func (s *Consents) Terminate(ctx context.Context, call service.Call, id uuid.UUID, tell Tell) error {
	now := s.Now()
	var before consent.Status
	c, err := s.Store.Update(ctx, id, func(c *consent.Consent) error {
		if err := call.Owns(c); err != nil {
			return err
		}
		c.Because(call.Cause())
		c.Settle(now)
		before = c.Status
		tell.answered(c, nil)
		return c.Terminate(now)
	})
	if err != nil {
		return err
	}
	explain.Note(ctx, "consent %s: was %s, is %s", id, before, c.Status)
	return nil
}

// Expire writes down what time has ended, at most limit consents, and reports
// how many it changed. Reads never wait for it. Any number of replicas may do it
// at once: each leaves alone what another one, or a caller, is changing. A
// consent that has begun is finished even when ctx ends; one that fails stands
// in nobody's way.
func (s *Consents) Expire(ctx context.Context, limit int) (int, error) {
	now := s.Now()
	ids, err := s.Store.Due(ctx, now, limit)
	if err != nil {
		return 0, err
	}
	settled := 0
	var errs []error
	for _, id := range ids {
		if ctx.Err() != nil {
			break
		}
		changed := false
		err := s.Store.UpdateFree(context.WithoutCancel(ctx), id, func(c *consent.Consent) error {
			changed = c.Settle(now)
			return nil
		})
		if err != nil {
			errs = append(errs, fmt.Errorf("settle consent %s: %w", id, err))
		}
		if changed {
			settled++
		}
	}
	return settled, errors.Join(errs...)
}

func (s *Consents) read(ctx context.Context, get func(context.Context, uuid.UUID) (*consent.Consent, error), call service.Call, id uuid.UUID) (*consent.Consent, error) {
	c, err := get(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := call.Owns(c); err != nil {
		explain.Note(ctx, "consent %s: belongs to another TPP, or is of another kind, answered as if unknown", id)
		return nil, err
	}
	if c.Settle(s.Now()) {
		c.TakePending() // a read writes nothing
		explain.Note(ctx, "consent %s: time has made it %s", id, c.Status)
	}
	return c, nil
}

// start opens the run of a new authorisation of a consent.
func (s *Consents) start(c uuid.UUID, wish Wish, now time.Time) (*consent.Run, *Started, error) {
	opened, err := s.Runs.New(service.Opening{
		Purpose: consent.ForConsent, Approach: wish.Approach, Hint: wish.Hint, At: now,
	})
	if err != nil {
		return nil, nil, err
	}
	run := opened.Run
	if run.Authorisation, err = uuid.NewV7(); err != nil {
		return nil, nil, fmt.Errorf("authorisation id: %w", err)
	}
	run.Consent = c
	started := &Started{Authorisation: run.Authorisation, Approach: wish.Approach, Status: consent.ScaReceived, Handle: opened.Handle, Message: opened.Message}
	if wish.Approach != consent.Redirect && wish.Hint.PSU != "" {
		started.Status = consent.ScaPSUIdentified
	}
	return run, started, nil
}

// authorisationOf is the authorisation that a fresh run drives.
func (s *Consents) authorisationOf(run *consent.Run, wish Wish, started *Started) consent.Authorisation {
	a := consent.Authorisation{
		ID:        run.Authorisation,
		RunID:     run.ID,
		Status:    started.Status,
		Approach:  wish.Approach,
		CreatedAt: run.CreatedAt,
		ChangedAt: run.CreatedAt,

		RedirectURI: wish.RedirectURI, NokRedirectURI: wish.NokRedirectURI,
		Deadline: run.Deadline(),
	}
	a.Named, a.Corporate = s.named(wish.Hint)
	return a
}

// named are the digests by which a PSU and a company are told from others, so
// that nobody's name is kept.
func (s *Consents) named(h service.Hint) (psu, corporate consent.Digest) {
	return h.Digests(s.Keys)
}
