// Package consents holds the use cases of a consent itself: a TPP creates it,
// reads it and ends it, starts an authorisation, and time expires it.
package consents

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
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
}

// Runs opens the walk of a PSU through authentication.
type Runs interface {
	// New makes a run that is not written yet, and the secret handle by which a
	// browser reaches it.
	New(purpose consent.Purpose, hint service.Hint, now time.Time) (*consent.Run, string, error)
}

// Consents are the use cases.
type Consents struct {
	Store  Store
	Runs   Runs
	Policy consent.Policy
	Now    func() time.Time
}

// Started is an authorisation that the PSU can begin.
type Started struct {
	Authorisation uuid.UUID
	Status        consent.ScaStatus
	Handle        string // the secret part of the redirect link, known to nobody else
}

// Wish says how a TPP would like the authorisation to be.
type Wish struct {
	Explicit bool // start none now: the TPP will
	Hint     service.Hint
}

// Create makes a consent of a draft, and unless the TPP wishes to start it
// itself an authorisation in the redirect approach. Fails with CodeFormat.
func (s *Consents) Create(ctx context.Context, d consent.Draft, wish Wish) (*consent.Consent, *Started, error) {
	now := s.Now()
	id, err := uuid.NewV7()
	if err != nil {
		return nil, nil, fmt.Errorf("consent id: %w", err)
	}
	c, err := s.Policy.New(id, d, now)
	if err != nil {
		return nil, nil, err
	}
	explain.Note(ctx, "consent %s: valid until %s (asked: %s), %d accesses a day (asked: %d)",
		c.ID, c.ValidUntil, d.ValidUntil, c.FrequencyPerDay, d.FrequencyPerDay)
	if wish.Explicit {
		return c, nil, s.Store.Create(ctx, c, nil)
	}
	run, started, err := s.start(c.ID, wish, now)
	if err != nil {
		return nil, nil, err
	}
	if err := c.Start(authorisationOf(run)); err != nil {
		return nil, nil, err
	}
	return c, started, s.Store.Create(ctx, c, run)
}

// StartAuthorisation starts a further authorisation of a consent that waits
// for one. Fails with CodeNotFound, CodeStatusInvalid and CodeExpired.
func (s *Consents) StartAuthorisation(ctx context.Context, tpp string, id uuid.UUID, wish Wish) (*Started, error) {
	now := s.Now()
	run, started, err := s.start(id, wish, now)
	if err != nil {
		return nil, err
	}
	_, err = s.Store.AddRun(ctx, id, run, func(c *consent.Consent) error {
		if err := owned(c, tpp); err != nil {
			return err
		}
		c.Settle(now)
		return c.Start(authorisationOf(run))
	})
	if err != nil {
		return nil, err
	}
	return started, nil
}

// Get reads a consent of this TPP as it stands now. Fails with CodeNotFound,
// alike for an unknown one and for another TPP's.
func (s *Consents) Get(ctx context.Context, tpp string, id uuid.UUID) (*consent.Consent, error) {
	return s.read(ctx, s.Store.Get, tpp, id)
}

// Status is Get for the status alone. Fails with CodeNotFound.
func (s *Consents) Status(ctx context.Context, tpp string, id uuid.UUID) (consent.Status, consent.Ending, error) {
	c, err := s.read(ctx, s.Store.Status, tpp, id)
	if err != nil {
		return "", consent.Ending{}, err
	}
	return c.Status, c.Ending, nil
}

// Authorisation reads one authorisation of a consent of this TPP. Fails with
// CodeNotFound and CodeResourceUnknown.
func (s *Consents) Authorisation(ctx context.Context, tpp string, id, authorisation uuid.UUID) (*consent.Authorisation, error) {
	c, err := s.Get(ctx, tpp, id)
	if err != nil {
		return nil, err
	}
	return c.Authorisation(authorisation)
}

// Terminate ends a consent at its TPP's wish; one that has ended stays as it
// is. Fails with CodeNotFound.
func (s *Consents) Terminate(ctx context.Context, tpp string, id uuid.UUID) error {
	now := s.Now()
	var before consent.Status
	c, err := s.Store.Update(ctx, id, func(c *consent.Consent) error {
		if err := owned(c, tpp); err != nil {
			return err
		}
		c.Settle(now)
		before = c.Status
		return c.Terminate(now)
	})
	if err != nil {
		return err
	}
	explain.Note(ctx, "consent %s: was %s, is %s", id, before, c.Status)
	return nil
}

// Expire writes down what time has ended, at most limit consents, and reports
// how many it changed. Reads never wait for it. A consent that has begun is
// finished even when ctx ends; one that fails stands in nobody's way.
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
		_, err := s.Store.Update(context.WithoutCancel(ctx), id, func(c *consent.Consent) error {
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

func (s *Consents) read(ctx context.Context, get func(context.Context, uuid.UUID) (*consent.Consent, error), tpp string, id uuid.UUID) (*consent.Consent, error) {
	c, err := get(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := owned(c, tpp); err != nil {
		explain.Note(ctx, "consent %s: belongs to another TPP, answered as if unknown", id)
		return nil, err
	}
	if c.Settle(s.Now()) {
		explain.Note(ctx, "consent %s: time has made it %s", id, c.Status)
	}
	return c, nil
}

// owned hides other TPPs' consents: the error is the one of an unknown id.
func owned(c *consent.Consent, tpp string) error {
	if c.TPP != tpp {
		return ErrUnknown()
	}
	return nil
}

// ErrUnknown is the answer for an id that is unknown, malformed or another TPP's.
func ErrUnknown() error {
	return consent.E(consent.CodeNotFound, "the consent is not known to this TPP")
}

// start opens the run of a new authorisation of a consent.
func (s *Consents) start(c uuid.UUID, wish Wish, now time.Time) (*consent.Run, *Started, error) {
	run, handle, err := s.Runs.New(consent.ForConsent, wish.Hint, now)
	if err != nil {
		return nil, nil, err
	}
	if run.Authorisation, err = uuid.NewV7(); err != nil {
		return nil, nil, fmt.Errorf("authorisation id: %w", err)
	}
	run.Consent = c
	return run, &Started{Authorisation: run.Authorisation, Status: consent.ScaReceived, Handle: handle}, nil
}

// authorisationOf is the authorisation that a fresh run drives.
func authorisationOf(run *consent.Run) consent.Authorisation {
	return consent.Authorisation{
		ID:        run.Authorisation,
		RunID:     run.ID,
		Status:    consent.ScaReceived,
		Approach:  consent.Redirect,
		CreatedAt: run.CreatedAt,
		ChangedAt: run.CreatedAt,
		Deadline:  run.OpenBy,
	}
}
