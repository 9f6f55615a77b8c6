package overview

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service"
)

// Overview is what a customer sees of their consents. All of its methods fail with
// CodeNotFound for a viewer whom the bank does not know any more, and with
// CodeUnavailable where it does not say for whom they may act.
type Overview struct {
	Store    Store
	Accounts service.Accounts
	Signers  service.Signers
	Opener   Opener // nil where there is no key: then nobody is named
	Zone     *time.Location
	Now      func() time.Time
}

// Board is one page of the cards that a viewer wishes to see. A page that is not there
// is the last one.
func (o *Overview) Board(ctx context.Context, v Viewer, w Wish) (*Board, error) {
	l, err := o.look(ctx, v)
	if err != nil {
		return nil, err
	}
	all, err := l.load(ctx, uuid.Nil)
	if err != nil {
		return nil, err
	}
	board, shown := sortOut(all, w)
	l.brief = true
	if err := l.fill(ctx, shown); err != nil {
		return nil, err
	}
	of := linesOf(all)
	for _, c := range shown {
		board.Cards = append(board.Cards, l.card(c, of[c.GroupID]))
	}
	return board, nil
}

// Get is all there is to say of a consent. Fails with CodeNotFound, alike for an unknown
// one and one that is not in the viewer's sight.
func (o *Overview) Get(ctx context.Context, v Viewer, id uuid.UUID) (*Detail, error) {
	l, err := o.look(ctx, v)
	if err != nil {
		return nil, err
	}
	return l.detail(ctx, id)
}

// All are all consents of a viewer, the newest first, with all there is to say of each.
func (o *Overview) All(ctx context.Context, v Viewer) ([]Detail, error) {
	l, err := o.look(ctx, v)
	if err != nil {
		return nil, err
	}
	all, err := l.load(ctx, uuid.Nil)
	if err != nil {
		return nil, err
	}
	if err := l.fill(ctx, all); err != nil {
		return nil, err
	}
	details := make([]Detail, 0, len(all))
	for _, line := range linesOf(all) {
		ofLine, err := l.details(ctx, line)
		if err != nil {
			return nil, err
		}
		details = append(details, ofLine...)
	}
	slices.SortFunc(details, func(a, b Detail) int { return newestFirst(a.Consent, b.Consent) })
	return details, nil
}

// errUnknown is the answer for a consent that is unknown, and for one out of sight.
func errUnknown() *consent.Error { return consent.E(consent.CodeNotFound, "no such consent") }

// hidden gives whatever is not known the same words.
func hidden(err error) error {
	if consent.CodeOf(err) == consent.CodeNotFound {
		return errUnknown().Because(err)
	}
	return err
}
