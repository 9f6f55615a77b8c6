package overview

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"consentd/internal/consent"
)

// events are what happened in a line, whose newest card comes first; so does the newest
// event.
func (l *look) events(ctx context.Context, cards []Card) ([]Event, error) {
	var t timeline
	for _, card := range slices.Backward(cards) {
		entries, err := l.entries(ctx, card.Consent)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			t.add(card, e)
		}
	}
	slices.SortStableFunc(t.events, func(a, b Event) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(turn(a.Kind), turn(b.Kind))) })
	slices.Reverse(t.events)
	return t.events, nil
}

// turn orders what happened at one instant: what was replaced has made room for the new.
func turn(k EventKind) int {
	if k == EventReplaced {
		return -1
	}
	return 0
}

// entries are those of the audit that are about a consent itself, with what time has
// done to it and nobody has written yet.
func (l *look) entries(ctx context.Context, c *consent.Consent) ([]consent.Entry, error) {
	all, err := l.Store.Entries(ctx, c.ID)
	if err != nil {
		return nil, fmt.Errorf("history of consent %s: %w", c.ID, err)
	}
	// The first one names the authorisation that was started with the consent.
	own := slices.DeleteFunc(all, func(e consent.Entry) bool { return e.Seq != 1 && e.Authorisation != uuid.Nil || e.Aside() })
	if n := len(own); n > 0 && consent.Status(own[n-1].To).Final() {
		return own, nil // it was written since it was read
	}
	for _, e := range l.due[c.ID] {
		if e.Authorisation == uuid.Nil {
			own = append(own, e)
		}
	}
	return own, nil
}

// timeline is what happened in a line, told from its beginning.
type timeline struct {
	events []Event
	given  *Card // the last that the customer has agreed to
}

func (t *timeline) add(card Card, e consent.Entry) {
	if e.Reason == consent.ReasonAdopted {
		t.adopt(card, consent.Status(e.To))
		return
	}
	kind, told := kindOf(e)
	if !told {
		return
	}
	event := Event{At: e.At, Kind: kind, Consent: card.ID, By: e.By, Reason: consent.Reason(e.Reason)}
	if event.Reason == consent.ReasonWithdrawn {
		event.By = consent.ByPSU // whoever has brought it
	}
	if kind == EventGiven {
		t.agreed(card, &event)
	}
	t.events = append(t.events, event)
}

// agreed tells the first agreement of a line from those that go on with it, and what
// these have changed.
func (t *timeline) agreed(card Card, event *Event) {
	if t.given != nil {
		event.Kind = EventRenewed
		event.Former = t.given.ID
		event.Added, event.Removed = changed(*t.given, card)
	}
	t.given = &card
}

// adopt tells of a consent that is older than the audit, which says only in which state
// it was found.
func (t *timeline) adopt(card Card, found consent.Status) {
	c := card.Consent
	t.add(card, consent.Entry{At: c.CreatedAt, To: string(consent.Received), Cause: consent.Cause{By: consent.ByTPP}})
	if found.Live() || !c.LastSCA.IsZero() {
		at := c.CreatedAt
		if !c.LastSCA.IsZero() {
			at = c.LastSCA
		}
		t.add(card, consent.Entry{At: at, From: string(consent.Received), To: string(consent.Valid), Cause: consent.Cause{By: consent.ByPSU}})
	}
	if found.Final() {
		t.add(card, consent.Entry{At: c.StatusChangedAt, To: string(found), Reason: string(c.Ending.Reason), Cause: consent.Cause{By: c.Ending.By}})
	}
}

// kindOf is what an entry tells the customer; not all do.
func kindOf(e consent.Entry) (EventKind, bool) {
	switch consent.Status(e.To) {
	case consent.Received:
		return EventAsked, true
	case consent.Valid:
		return begun(consent.Status(e.From)), true
	case consent.Suspended:
		return EventSuspended, true
	case consent.Rejected:
		return EventRefused, true
	case consent.Revoked:
		return EventStopped, true
	case consent.Consumed:
		return EventConsumed, true
	case consent.Expired:
		if consent.Reason(e.Reason) == consent.ReasonReplaced {
			return EventReplaced, true
		}
		return EventExpired, true
	default: // one of several has agreed, or a call was refused
		return "", false
	}
}

// begun is how a consent came to be in force.
func begun(from consent.Status) EventKind {
	switch from {
	case consent.Suspended:
		return EventResumed
	case consent.Valid: // it goes on as it is, on a newer authentication
		return EventRenewed
	default:
		return EventGiven
	}
}
