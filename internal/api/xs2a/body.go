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
	k.keep(d)
	return faults
}

// readFundsConsent does the same for POST /v2/consents/confirmation-of-funds.
func (h *Handler) readFundsConsent(k *call) consent.Faults {
	d, faults := h.fundsDraft(k.body)
	k.keep(d)
	return faults
}

// keep adds to a draft what the headers say, whichever consent it is for.
func (k *call) keep(d consent.Draft) {
	d.RedirectURI = k.req.Header.Get(keyRedirectURI)
	d.NokRedirectURI = k.req.Header.Get(keyNokRedirectURI)
	k.draft = &d
}

// readUpdate reads the body of POST …/authorisations.
func (h *Handler) readUpdate(k *call) (faults consent.Faults) {
	k.update, faults = readUpdate(k.body)
	return faults
}

// readPut reads the body of PUT …/authorisations/{authorisationId}. One that
// holds nothing identifies the PSU, which only a header can.
func (h *Handler) readPut(k *call) consent.Faults {
	faults := h.readUpdate(k)
	if len(faults) == 0 && k.update.kind == updateIdentification && len(k.req.Header[keyPSU]) == 0 {
		faults = append(faults, fault("Header.PSU-ID", "is required where the body holds nothing"))
	}
	return faults
}

// readQuestion reads the body of POST /v1/funds-confirmations.
func (h *Handler) readQuestion(k *call) consent.Faults {
	q, faults := h.fundsQuestion(k.body)
	k.question = &q
	return faults
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
		d.ValidUntil = r.date(m, h.Options.LenientDates)
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
func (r *reader) date(m member, lenient bool) consent.Date {
	s, ok := r.text(m, 0)
	if !ok {
		return consent.Date{}
	}
	if lenient && timestamp.MatchString(s) {
		if _, err := time.Parse(time.RFC3339, s); err == nil {
			s = s[:len(time.DateOnly)]
		}
	}
	d, err := consent.ParseDate(s)
	if err != nil {
		r.fault(m.path, "must be a date, YYYY-MM-DD")
	}
	return d
}
