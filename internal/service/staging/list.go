package staging

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service"
)

// Filter says which consents are listed, and which page of them. What is zero does not
// count; what is there, must all be met.
type Filter struct {
	User  string // our id of a PSU: what is in their sight
	Group string // our id of the consent that began a line, or the TPP's name for it
	// Account is the bank's id of an account that they open, also because they open all
	// accounts of its owner.
	Account  string
	TPP      string
	Kinds    []consent.Kind
	Statuses []consent.Status // as they are now
	// ChangedAfter is before their last change, MadeFrom and MadeTo (which is not in it)
	// are about their making.
	ChangedAfter, MadeFrom, MadeTo time.Time

	Changed    bool // ordered by their last change, the longest ago first; else the newest first
	Page, Size int  // counted from 1; 25 to a page, where nothing is said
	After      *service.Cursor
}

// defaultSize is how many consents a page has where nothing is said.
const defaultSize = 25

// Records is a page. Total is of all pages; Next is where the next one begins, nil on
// the last.
type Records struct {
	List  []Record
	Total int
	Next  *service.Cursor
}

// List lists consents as they stand now. Those of a user, a line or an account that
// are not known are none. Fails with CodeForbidden for another user than the viewer,
// CodeServiceInvalid for a group that several TPPs name so, and CodeUnavailable when the
// bank does not answer. In the order of changes what time has ended stands where it
// belongs, as far as it could be written down at once.
func (s *Staging) List(ctx context.Context, v Viewer, f Filter) (*Records, error) {
	user, ok, err := f.user(v)
	if err != nil || !ok {
		return &Records{}, err
	}
	l := service.Listing{
		Account: f.Account, TPP: f.TPP, Kinds: kinds(f.Kinds), Statuses: f.Statuses,
		ChangedAfter: f.ChangedAfter, MadeFrom: f.MadeFrom, MadeTo: f.MadeTo,
		Page: max(f.Page, 1), Size: cmp.Or(f.Size, defaultSize), Cursor: f.After, Now: s.Now(),
	}
	if f.Changed {
		l.Order = service.Changed
	}
	if len(l.Kinds) == 0 {
		return &Records{}, nil
	}
	if ok, err = s.narrow(ctx, &l, f.Group, user); err != nil || !ok {
		return &Records{}, err
	}
	if f.Changed {
		s.writeEnded(ctx)
	}
	found, err := s.Lists.ListConsents(ctx, l)
	if err != nil {
		return nil, err
	}
	rows, err := s.records(ctx, found.Consents, user)
	return &Records{List: rows, Total: found.Total, Next: found.Next}, err
}

// writeEnded writes down what time has ended: storage orders by what is written. What
// fails, or is more than a page or two, is left to the worker, who comes soon.
func (s *Staging) writeEnded(ctx context.Context) {
	const atOnce = 100
	if _, err := s.Expire(ctx, atOnce); err != nil {
		explain.Note(ctx, "not all that time has ended could be written down: %v", err)
	}
}

// user is whose consents are listed, zero for whosever; ok is false for nobody's.
func (f Filter) user(v Viewer) (user uuid.UUID, ok bool, err error) {
	if f.User == "" {
		return v.User, true, nil
	}
	user, ok = parse(f.User)
	if v.User != uuid.Nil && user != v.User {
		return uuid.Nil, false, consent.At(consent.CodeForbidden, "userId", "is not the user for whom the call is made")
	}
	return user, ok, nil
}

// kinds are those that are asked for, of the ones that are known here.
func kinds(wanted []consent.Kind) []consent.Kind {
	if len(wanted) == 0 {
		return Kinds()
	}
	return slices.DeleteFunc(Kinds(), func(k consent.Kind) bool { return !slices.Contains(wanted, k) })
}

// narrow lets a listing be of a line, and of what a user may see; ok is false where
// that is nothing.
func (s *Staging) narrow(ctx context.Context, l *service.Listing, group string, user uuid.UUID) (ok bool, err error) {
	if group != "" {
		l.Group, err = s.group(ctx, Viewer{User: user}, group)
		if consent.CodeOf(err) == consent.CodeNotFound {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	if user != uuid.Nil {
		people, err := s.people(ctx, user)
		if err != nil || people == nil {
			return false, err
		}
		l.Sight = &people.sight
	}
	l.Owners, err = service.OwnersOf(ctx, s.Owners, s.Sights, l.Account)
	return err == nil, err
}

// group is the line that a reference names. Fails with CodeNotFound, and with
// CodeServiceInvalid for a name that several TPPs use for what the viewer sees.
func (s *Staging) group(ctx context.Context, v Viewer, ref string) (uuid.UUID, error) {
	c, err := s.find(ctx, v, ref)
	switch {
	case consent.CodeOf(err) == consent.CodeServiceInvalid:
		return uuid.Nil, consent.E(consent.CodeServiceInvalid, "the id names several groups").Because(err)
	case err != nil:
		return uuid.Nil, err
	default: // where it goes on with another, no line begins with it
		return c.ID, nil
	}
}
