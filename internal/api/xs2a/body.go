package xs2a

import (
	"regexp"
	"slices"
	"time"

	"consentd/internal/consent"
)

// The members of a consents object (NextGenPSD2 1.3.x §6.3.1.1).
const (
	memberAccess    = "access"
	memberRecurring = "recurringIndicator"
	memberUntil     = "validUntil"
	memberFrequency = "frequencyPerDay"
	memberCombined  = "combinedServiceIndicator"
)

// readConsent reads the body of POST /v1/consents into the call's draft and
// collects all that is wrong with it, what the bank's policy says among it.
func (h *Handler) readConsent(k *call) consent.Faults {
	d, faults := h.draft(k.body)
	d.TPP, d.TPPName = k.caller.ID, k.caller.Name
	d.RedirectURI = k.req.Header.Get(keyRedirectURI)
	d.NokRedirectURI = k.req.Header.Get(keyNokRedirectURI)
	k.draft = d
	return faults
}

// readStart reads the body of POST …/authorisations, of which the redirect
// approach needs nothing: it may be absent or any object.
func (h *Handler) readStart(k *call) consent.Faults {
	if len(k.body) == 0 {
		return nil
	}
	if _, wrong := parseObject(k.body); wrong != nil {
		return consent.Faults{wrong}
	}
	return nil
}

// draft reads a consents object. Members that it does not know are ignored.
func (h *Handler) draft(raw []byte) (consent.Draft, consent.Faults) {
	d := consent.Draft{Kind: consent.AccountAccess, Rail: consent.RailXS2A}
	body, wrong := parseObject(raw)
	if wrong != nil {
		return d, consent.Faults{wrong}
	}
	r := &reader{}
	if m := body.at("", memberAccess); r.must(m) {
		if o, ok := r.object(m); ok {
			d.Access = r.access(h.Options, m.path, o)
		}
	}
	if m := body.at("", memberRecurring); r.must(m) {
		d.Recurring, _ = r.boolean(m)
	}
	if m := body.at("", memberUntil); r.must(m) {
		d.ValidUntil, _ = r.date(m, h.Options.LenientDates)
	}
	if m := body.at("", memberFrequency); r.must(m) {
		d.FrequencyPerDay, _ = r.integer(m)
	}
	if m := body.at("", memberCombined); m.present {
		if combined, _ := r.boolean(m); combined && !h.Options.Sessions {
			r.faults = append(r.faults, consent.At(consent.CodeSessions, m.path, "a payment in the same session is not supported"))
		}
	}
	return d, append(r.faults, h.policyFaults(d, r)...)
}

// policyFaults is what the bank's policy refuses of the members that could be
// read; the others have their fault already.
func (h *Handler) policyFaults(d consent.Draft, r *reader) consent.Faults {
	if r.faulty(memberRecurring) {
		d.Recurring = true // the judgement that depends on it is left out
	}
	return slices.DeleteFunc(h.Policy.Check(d, h.Now()), func(f *consent.Error) bool { return r.faulty(f.Path) })
}

func (r *reader) faulty(path string) bool {
	return slices.ContainsFunc(r.faults, func(f *consent.Error) bool { return f.Path == path })
}

var timestamp = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]`)

// date reads YYYY-MM-DD. Where the bank is lenient a timestamp (RFC 3339) counts
// as the date that it is written with, in whatever zone that is.
func (r *reader) date(m member, lenient bool) (consent.Date, bool) {
	s, ok := r.text(m, 0)
	if !ok {
		return consent.Date{}, false
	}
	if lenient && timestamp.MatchString(s) {
		if _, err := time.Parse(time.RFC3339, s); err == nil {
			s = s[:len(time.DateOnly)]
		}
	}
	d, err := consent.ParseDate(s)
	if err != nil {
		r.fault(m.path, "must be a date, YYYY-MM-DD")
		return consent.Date{}, false
	}
	return d, true
}
