package office

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
)

const (
	// maxOpen is how many proposals may wait at a time: more than that nobody reads.
	maxOpen = 500
	// maxOwn is how many of them may be one person's, so that nobody keeps all others from
	// proposing.
	maxOwn = 50
	// grace is for how long whoever has confirmed a proposal is left to do it.
	grace = time.Minute
)

// propose keeps an act for another person to confirm.
func (o *Office) propose(ctx context.Context, cause consent.Cause, a Act) (uuid.UUID, error) {
	waiting, err := o.Store.Proposals(ctx, maxOpen)
	if err != nil {
		return uuid.Nil, err
	}
	if len(waiting) >= maxOpen {
		return uuid.Nil, consent.E(consent.CodeTooOften, "%d proposals wait already; decide on them first", maxOpen)
	}
	if owns(waiting, cause.Who) >= maxOwn {
		return uuid.Nil, consent.E(consent.CodeTooOften, "%d proposals of the same person wait already; have others decide on them first", maxOwn)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil, fmt.Errorf("make an id: %w", err)
	}
	if err := o.Looked(ctx, cause, "propose "+id.String()+": "+a.words()); err != nil {
		return uuid.Nil, err
	}
	return id, o.Store.Propose(ctx, Proposal{ID: id, Act: a, ProposedBy: cause.Who, ProposedAt: o.Now(), State: Open})
}

// owns counts the proposals of a person on which nobody has decided.
func owns(waiting []Proposal, who string) int {
	n := 0
	for i := range waiting {
		if waiting[i].DecidedBy == "" && same(waiting[i].ProposedBy, who) {
			n++
		}
	}
	return n
}

// people is how the name of a person begins, in the audit and in Cause.Who; see
// internal/staff.
const people = "staff/"

// IsPerson reports whether the audit's name of a caller is that of a person. A program
// of the bank that calls with nothing but its own credential is none, whoever sits
// before it.
func IsPerson(who string) bool { return len(who) > len(people) && strings.HasPrefix(who, people) }

// same reports whether two names may be one person's. Providers that ignore capitals
// are reckoned with: who is in doubt is not two.
func same(one, other string) bool { return strings.EqualFold(one, other) }

// errNobody is the answer to a caller who cannot be told from others.
func errNobody() error {
	return consent.E(consent.CodeForbidden, "four eyes are two persons, and the caller names none")
}

// Open lists the proposals on which nobody has decided, the oldest first.
func (o *Office) Open(ctx context.Context) ([]Proposal, error) {
	all, err := o.Store.Proposals(ctx, 2*maxOpen)
	open := make([]Proposal, 0, len(all))
	for _, p := range all {
		if p.DecidedBy == "" {
			open = append(open, p)
		}
	}
	return open, err
}

// Decide decides on a proposal: Confirmed and Refused are for another person than who
// has proposed it, Withdrawn for the same. One that is confirmed is done at once, as far
// as it goes: its State is Confirmed, and Done counts what was moved. What fails then,
// or is left by a crash, Finish does.
//
// Fails with CodeFormat for another decision, with CodeNotFound, with
// CodeStatusInvalid where somebody has decided already, and with CodeForbidden for the
// wrong person, or for who is none: see IsPerson.
func (o *Office) Decide(ctx context.Context, cause consent.Cause, id uuid.UUID, how State) (*Proposal, error) {
	if how != Confirmed && how != Refused && how != Withdrawn {
		return nil, consent.At(consent.CodeFormat, "action", "must be confirm, refuse or withdraw")
	}
	if !IsPerson(cause.Who) && (how != Withdrawn || cause.Who == "") {
		return nil, errNobody()
	}
	now := o.Now()
	p, err := o.Store.Decide(ctx, id, func(p *Proposal) error { return p.decide(cause.Who, how, now) })
	if err != nil {
		return nil, err
	}
	// It stands. That it could not be noted, or done, changes nothing about it.
	if err := o.Looked(ctx, cause, string(how)+" "+id.String()+": "+p.Act.words()); err != nil {
		o.Log.ErrorContext(ctx, "note a decision", "proposal", id, "error", err)
	}
	if how != Confirmed {
		return p, nil
	}
	done, err := o.fulfil(ctx, p)
	if err != nil {
		o.Log.WarnContext(ctx, "a confirmed proposal is not done yet", "proposal", id, "error", err)
		done = p
	}
	done.State = Confirmed
	return done, nil
}

// decide judges who decides how. What is confirmed stays open until it is done.
func (p *Proposal) decide(who string, how State, now time.Time) error {
	switch {
	case p.State != Open, p.DecidedBy != "":
		return consent.E(consent.CodeStatusInvalid, "somebody has decided on the proposal already")
	case how == Withdrawn && who != p.ProposedBy:
		return consent.E(consent.CodeForbidden, "only who has proposed it may withdraw it")
	case how != Withdrawn && same(who, p.ProposedBy):
		return consent.E(consent.CodeForbidden, "another person than who has proposed it must decide")
	}
	p.DecidedBy, p.DecidedAt = who, now
	if how != Confirmed {
		p.State = how
	}
	return nil
}

// fulfil does what was confirmed. It may be called again: what was moved before stays
// so, and counts once.
func (o *Office) fulfil(ctx context.Context, p *Proposal) (*Proposal, error) {
	e := errand{
		act: p.Act,
		// Every entry leads to the proposal, and names both.
		cause: consent.Cause{By: consent.ByASPSP, Who: p.ProposedBy, RequestID: p.ID.String(), Note: noteOf(p)},
		saved: func(n int) error {
			_, err := o.Store.Decide(ctx, p.ID, func(p *Proposal) error {
				p.Done += n
				return nil
			})
			return err
		},
	}
	if _, err := o.carry(ctx, e); err != nil && !passed(err) {
		return nil, err
	}
	return o.Store.Decide(ctx, p.ID, func(p *Proposal) error {
		p.State = Confirmed
		return nil
	})
}

// noteOf is what the audit says beside the reason of what two persons did.
func noteOf(p *Proposal) string {
	note := "confirmed by " + p.DecidedBy
	if p.Act.Note != "" {
		note = p.Act.Note + "; " + note
	}
	return note
}

// Finish does what was confirmed and is not done: what a crash has left, and what had
// failed. It returns how many proposals it has finished, at most limit. Any number of
// replicas may do it at once. One that fails again stands in nobody's way.
func (o *Office) Finish(ctx context.Context, limit int) (int, error) {
	all, err := o.Store.Proposals(ctx, 2*maxOpen)
	if err != nil {
		return 0, err
	}
	finished, now := 0, o.Now()
	var errs []error
	for i := range all {
		if ctx.Err() != nil || finished >= limit {
			break
		}
		if p := &all[i]; p.DecidedBy != "" && !now.Before(p.DecidedAt.Add(grace)) {
			_, err := o.fulfil(ctx, p)
			if err == nil {
				finished++
			}
			errs = append(errs, err)
		}
	}
	return finished, errors.Join(errs...)
}
