package web

import (
	"slices"

	"consentd/internal/consent"
	"consentd/internal/service/overview"
)

// event is one line of a history.
type event struct {
	When, Text, Why string
	Tone            string
	Added, Removed  []string
	Other           string // the address of the consent it is about, where that is another one
	OtherID         string
}

// eventWords are what happened.
var eventWords = map[overview.EventKind]struct{ id, tone string }{
	overview.EventAsked:     {"event.asked", "waits"},
	overview.EventGiven:     {"event.given", "good"},
	overview.EventRenewed:   {"event.renewed", "good"},
	overview.EventSuspended: {"event.suspended", "stops"},
	overview.EventResumed:   {"event.resumed", "good"},
	overview.EventRefused:   {"event.refused", "over"},
	overview.EventStopped:   {"event.stopped", "over"},
	overview.EventExpired:   {"event.expired", "over"},
	overview.EventConsumed:  {"event.consumed", "over"},
	overview.EventReplaced:  {"event.replaced", "over"},
}

// endEvents are the kinds by which a consent ends, with the state it is in then.
var endEvents = map[overview.EventKind]consent.Status{
	overview.EventRefused:  consent.Rejected,
	overview.EventStopped:  consent.Revoked,
	overview.EventExpired:  consent.Expired,
	overview.EventConsumed: consent.Consumed,
}

func (t *teller) event(d *overview.Detail, e overview.Event) event {
	w := eventWords[e.Kind]
	x := event{When: t.at(e.At), Text: t.say(w.id), Tone: w.tone}
	if to, ok := endEvents[e.Kind]; ok {
		f := finish{Ending: consent.Ending{By: e.By, Reason: e.Reason}, to: to, shared: d.Signers > 1}
		if c := memberOf(d, e.Consent); c != nil {
			f.staged, f.failed = c.Staged != nil, failed(c)
		}
		x.Why = t.ended(f)
	}
	if e.Kind == overview.EventSuspended {
		x.Why = t.say(pausedFor(e.Reason).why)
	}
	x.Added, x.Removed = t.change(e.Added), t.change(e.Removed)
	if former, c := memberOf(d, e.Former), memberOf(d, e.Consent); former != nil && c != nil {
		if c.ValidUntil != former.ValidUntil {
			x.Added = append(x.Added, t.say(untilWords(c.Type))+" "+t.until(c.ValidUntil))
		}
		x.Added, x.Removed = append(x.Added, t.paysBeyond(c, former)...), append(x.Removed, t.paysBeyond(former, c)...)
	}
	if e.Consent != d.ID {
		x.Other, x.OtherID = boardPath+"/"+e.Consent.String(), short(e.Consent.String())
	}
	return x
}

// paysBeyond is what a consent says of payments and another one does not.
func (t *teller) paysBeyond(c, other *overview.Card) []string {
	known := t.pays(other)
	return slices.DeleteFunc(t.pays(c), func(text string) bool { return slices.Contains(known, text) })
}

func (t *teller) pays(c *overview.Card) []string {
	terms := termsOf(c.Consent)
	if terms == nil {
		return nil
	}
	all := t.rules(terms)
	for _, due := range t.due(terms) {
		all = append(all, due.Label+" "+due.Value)
	}
	return all
}

// change is what came, or went, with a renewal.
func (t *teller) change(c overview.Change) []string {
	var all []string
	if len(c.Permissions) > 0 {
		for _, cluster := range t.clusters(c.Permissions) {
			for _, item := range cluster.Items {
				all = append(all, item.Text)
			}
		}
	} else {
		all = append(all, t.data(c.Rights)...)
	}
	for _, a := range c.Accounts {
		name := straight(a.Name)
		if number := masked(a.Reference); number != "" {
			name = t.say("event.account", "Name", name, "Number", number)
		}
		all = append(all, name)
	}
	return all
}
