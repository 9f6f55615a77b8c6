package overview

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
)

// Stop ends a consent at the viewer's wish, and those With it; no access is given by them
// from then on. cause says by which call. Of one that was replaced, perhaps at this very
// moment, that is ended which stands in its place: what the viewer wants gone must not
// live on under another id. Fails with CodeNotFound like Get, and with CodeStatusInvalid
// for a consent that has ended already; how it has, the detail says that comes with the
// error. What fails half-way is ended by the same call again.
func (o *Overview) Stop(ctx context.Context, v Viewer, cause consent.Cause, id uuid.UUID) (*Detail, error) {
	l, err := o.look(ctx, v)
	if err != nil {
		return nil, err
	}
	psu := v.PSU.String()
	cause.By, cause.Who, cause.For = consent.ByPSU, psu, psu
	some, err := l.stopWith(ctx, cause, id)
	if err != nil {
		return nil, err
	}
	ended, refused := l.stop(ctx, cause, id)
	if consent.CodeOf(refused) == consent.CodeStatusInvalid && some {
		refused = nil // it was replaced this moment, by what is ended now
	}
	if refused != nil && (ended.Consent == nil || consent.CodeOf(refused) != consent.CodeStatusInvalid) {
		return nil, refused
	}
	if refused == nil && ended.shared && ended.ID != id { // likewise
		if _, err := l.stopOthers(ctx, cause, ended.Consent); err != nil {
			return nil, err
		}
	}
	d, err := l.detail(ctx, ended.ID)
	if err != nil {
		return nil, err
	}
	return d, refused
}

// stopWith ends what ends with a consent, before it: as long as that stands, the viewer
// can say again that they want it all gone.
func (l *look) stopWith(ctx context.Context, cause consent.Cause, id uuid.UUID) (some bool, err error) {
	c, err := l.Store.Get(ctx, id)
	switch {
	case err != nil:
		return false, hidden(err)
	case !l.sight.Sees(c) || !shares(l.settled(c)): // stop says what is wrong, if anything is
		return false, nil
	}
	return l.stopOthers(ctx, cause, c)
}

// stopped is a consent that a viewer has stopped; nil for one that is not in sight.
type stopped struct {
	*consent.Consent

	shared bool // data was shared by it
}

// shares reports whether data is shared by a consent.
func shares(c *consent.Consent) bool { return c.Kind == consent.AccountAccess && c.Status.Live() }

// alongside are the others of a line that end with a consent when it is stopped: who stops
// sharing data means all that is in force of the line. A request, and a permission to pay,
// is stopped by itself.
func alongside(c *consent.Consent, line []*consent.Consent) []uuid.UUID {
	if !shares(c) {
		return nil
	}
	var others []uuid.UUID
	for _, x := range line {
		if x.ID != c.ID && shares(x) {
			others = append(others, x.ID)
		}
	}
	return others
}

// stop ends a consent, or where it was replaced, what stands in its place as far as the
// viewer sees it, and returns which.
func (l *look) stop(ctx context.Context, cause consent.Cause, id uuid.UUID) (stopped, error) {
	c, shared, err := l.withdraw(ctx, cause, id)
	if c == nil {
		return stopped{}, hidden(err)
	}
	for err != nil && c.Heir(l.now) != uuid.Nil {
		next, did, failed := l.withdraw(ctx, cause, c.Heir(l.now))
		switch {
		case next != nil:
			explain.Note(ctx, "consent %s: stands in its place", next.ID)
			c, shared, err = next, did, failed
			continue
		case consent.CodeOf(failed) != consent.CodeNotFound: // else somebody else's, or erased
			err = failed
		}
		break
	}
	return stopped{c, shared}, err
}

// withdraw ends a consent that is in sight, and says whether data was shared by it. With
// CodeStatusInvalid it returns the one that has ended already, as it is.
func (l *look) withdraw(ctx context.Context, cause consent.Cause, id uuid.UUID) (ended *consent.Consent, shared bool, err error) {
	var over *consent.Consent
	c, err := l.Store.Update(ctx, id, func(c *consent.Consent) error {
		if over, shared = nil, false; !l.sight.Sees(c) {
			return errUnknown()
		}
		c.Because(cause)
		c.Settle(l.now)
		if c.Status.Final() {
			over = c
			return consent.E(consent.CodeStatusInvalid, "the consent is %s already", c.Status)
		}
		shared = shares(c)
		return c.Withdraw(l.now)
	})
	if err != nil {
		return over, false, err
	}
	return c, shared, nil
}

// stopOthers ends what is shared by the line of a consent besides it, and reports whether
// it has ended any. What has ended meanwhile, or is gone, is no error.
func (l *look) stopOthers(ctx context.Context, cause consent.Cause, c *consent.Consent) (some bool, err error) {
	line, err := l.load(ctx, c.GroupID)
	if err != nil {
		return false, err
	}
	for _, x := range line {
		if x.ID == c.ID || !shares(x) {
			continue
		}
		_, err := l.stop(ctx, cause, x.ID)
		switch code := consent.CodeOf(err); {
		case err == nil:
			some = true
		case code != consent.CodeStatusInvalid && code != consent.CodeNotFound:
			return some, fmt.Errorf("stop consent %s with its line: %w", x.ID, err)
		}
	}
	return some, nil
}
