package office

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service"
)

// Office are the use cases of the bank's staff. They see the consents of all TPPs,
// kinds and rails.
type Office struct {
	Store   Store
	Signers service.Signers
	Owners  service.Owners
	// FourEyes makes each act a proposal, which another person has to confirm.
	FourEyes bool
	Zone     *time.Location // in which the days and periods of payments are reckoned; nil: UTC
	Now      func() time.Time
	Log      *slog.Logger // of what was confirmed and could not be done at once
}

// Outcome is what became of an act: it was done, or it was proposed.
type Outcome struct {
	Count    int       // how many consents it has moved
	Proposal uuid.UUID // waits for another person; zero where it was done
}

// page is how many consents are looked up at once.
const page = 100

// Do does an act, or proposes it where four eyes are asked for. A single consent that
// has ended already is no error when it is to be ended: it stays as it is and does not
// count. Of several, and of all of a TPP or an account, those that cannot be so moved
// are passed over; what fails stands in nobody's way, and is reported beside the count
// of those that were moved: the same call again goes on with them. All entries that
// it makes have one cause; one that changes nothing is written down as a look is.
//
// Fails with CodeFormat for an act that is not well formed; with CodeNotFound for a
// consent that it names; with CodeStatusInvalid for a single one that cannot be so
// moved; with CodeTooOften while too many proposals are open, of all or of the caller.
// Where four eyes are asked for it fails with CodeForbidden for a caller who is no
// person, see IsPerson.
func (o *Office) Do(ctx context.Context, cause consent.Cause, a Act) (Outcome, error) {
	a, err := a.checked()
	if err != nil {
		return Outcome{}, err
	}
	if o.FourEyes && !IsPerson(cause.Who) {
		return Outcome{}, errNobody()
	}
	out, err := o.do(ctx, cause, a)
	if out == (Outcome{}) {
		if looked := o.Looked(context.WithoutCancel(ctx), cause, "in vain: "+a.words()); looked != nil {
			return out, looked
		}
	}
	return out, err
}

func (o *Office) do(ctx context.Context, cause consent.Cause, a Act) (Outcome, error) {
	if err := o.known(ctx, a); err != nil {
		return Outcome{}, err
	}
	if o.FourEyes {
		id, err := o.propose(ctx, cause, a)
		return Outcome{Proposal: id}, err
	}
	cause.By, cause.Note = consent.ByASPSP, a.Note
	n, err := o.carry(ctx, errand{act: a, cause: cause})
	return Outcome{Count: n}, err
}

// FourEyesOn reports whether each act is a proposal, which another person has to
// confirm.
func (o *Office) FourEyesOn() bool { return o.FourEyes }

// Preview is how many consents an act would move if it were done now. Fails with
// CodeFormat and CodeNotFound.
func (o *Office) Preview(ctx context.Context, cause consent.Cause, a Act) (int, error) {
	a, err := a.checked()
	if err != nil {
		return 0, err
	}
	if err := o.Looked(ctx, cause, "preview "+a.words()); err != nil {
		return 0, err
	}
	if len(a.Consents) > 0 {
		return len(a.Consents), o.known(ctx, a)
	}
	l, err := o.listing(ctx, a)
	if err != nil {
		return 0, err
	}
	l.Size = 1
	found, err := o.Store.ListConsents(ctx, l)
	return found.Total, err
}

// known fails with CodeNotFound where an act names a consent that there is not, and
// with CodeStatusInvalid where it names a single one that it cannot move.
func (o *Office) known(ctx context.Context, a Act) error {
	now := o.Now()
	for _, id := range a.Consents {
		c, err := o.Store.Get(ctx, id)
		if err != nil {
			return missing(id, err)
		}
		if len(a.Consents) > 1 {
			continue
		}
		c.Settle(now)
		if err := a.apply(c, nil, o.Zone, now); err != nil {
			return err
		}
	}
	return nil
}

// missing names the consent that there is not.
func missing(id uuid.UUID, err error) error {
	if consent.CodeOf(err) == consent.CodeNotFound {
		return consent.At(consent.CodeNotFound, "consentIds", "there is no consent %s", id).Because(err)
	}
	return err
}

// errand is an act that is done.
type errand struct {
	act   Act
	cause consent.Cause
	// saved, unless it is nil, is told of each page how many consents were moved.
	saved func(n int) error
}

// carry does an act, and returns how many consents it has moved, also beside an error:
// the first that was met.
func (o *Office) carry(ctx context.Context, e errand) (int, error) {
	moved, failed := 0, error(nil)
	err := o.targets(ctx, e.act, func(ids []uuid.UUID) error {
		n, err := o.moveAll(ctx, e, ids)
		moved += n
		if failed == nil {
			failed = err
		}
		if e.saved == nil || n == 0 {
			return ctx.Err()
		}
		return e.saved(n)
	})
	if failed != nil {
		return moved, failed
	}
	return moved, err
}

// targets hands over the ids of the consents that an act is about, page by page.
func (o *Office) targets(ctx context.Context, a Act, visit func([]uuid.UUID) error) error {
	if len(a.Consents) > 0 {
		return visit(a.Consents)
	}
	l, err := o.listing(ctx, a)
	if err != nil {
		return err
	}
	for {
		found, err := o.Store.ListConsents(ctx, l)
		if err != nil {
			return err
		}
		ids := make([]uuid.UUID, len(found.Consents))
		for i, c := range found.Consents {
			ids[i] = c.ID
		}
		if err := visit(ids); err != nil || found.Next == nil {
			return err
		}
		l.Cursor = found.Next
	}
}

// moveAll moves some consents, and goes on after one that fails: the error is the
// first. Only a single consent that cannot be so moved is a failure.
func (o *Office) moveAll(ctx context.Context, e errand, ids []uuid.UUID) (int, error) {
	moved, first := 0, error(nil)
	for _, id := range ids {
		did, err := o.move(ctx, e, id)
		if did {
			moved++
		}
		if err != nil && len(e.act.Consents) != 1 && passed(err) {
			explain.Note(ctx, "consent %s: is passed over: %s", id, consent.CodeOf(err))
			continue
		}
		if err != nil && first == nil {
			first = fmt.Errorf("%s consent %s: %w", e.act.Verb, id, err)
		}
	}
	return moved, first
}

// passed tells whether a consent is one that has nothing to do with an act any more.
func passed(err error) bool {
	code := consent.CodeOf(err)
	return code == consent.CodeStatusInvalid || code == consent.CodeNotFound
}

// move moves one consent, and reports whether it did.
func (o *Office) move(ctx context.Context, e errand, id uuid.UUID) (bool, error) {
	now, moved := o.Now(), false
	_, err := o.Store.Amend(ctx, id, func(c *consent.Consent, _ *consent.Holder, log []consent.Payment) error {
		c.Because(e.cause)
		c.Settle(now)
		before := c.Status
		err := e.act.apply(c, log, o.Zone, now)
		moved = c.Status != before
		return err
	})
	return moved && err == nil, err
}
