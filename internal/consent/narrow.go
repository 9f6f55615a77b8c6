package consent

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// ReasonNarrowed stands in the audit beside the end of an authorisation whose PSU
// has agreed to less than the TPP had asked for.
const ReasonNarrowed Reason = "narrowed"

// Terms are for how long and how often a consent may be used.
type Terms struct {
	ValidUntil      Date
	EndsAt          time.Time // the instant at which ValidUntil is over
	FrequencyPerDay int
	Recurring       bool
}

// Narrowing is what a PSU draws closer than the TPP has asked. What is zero stays
// as it was asked for.
type Narrowing struct {
	ValidUntil      Date
	FrequencyPerDay int
	Recurring       *bool // false makes a one-off consent of a recurring one
}

// Terms are those of the consent as it stands.
func (c *Consent) Terms() Terms {
	return Terms{ValidUntil: c.ValidUntil, EndsAt: c.EndsAt, FrequencyPerDay: c.FrequencyPerDay, Recurring: c.Recurring}
}

// Narrow makes the terms that a PSU agrees to, and changes nothing. Fails with
// Faults of CodeFormat for what is not narrower than the consent is, or lies in
// the past, and with CodeServiceInvalid for a consent that has no terms, or whose
// terms a former signer has decided on.
func (p Policy) Narrow(c *Consent, n Narrowing, now time.Time) (Terms, error) {
	terms := c.Terms()
	if n == (Narrowing{}) {
		return terms, nil
	}
	if c.Kind != AccountAccess {
		return terms, E(CodeServiceInvalid, "such a consent has neither a date nor a frequency")
	}
	if err := p.checkNarrowing(c, n, now).Err(); err != nil {
		return terms, err
	}
	if n.ValidUntil != (Date{}) {
		terms.ValidUntil, terms.EndsAt = n.ValidUntil, n.ValidUntil.End(p.Zone)
	}
	if n.FrequencyPerDay != 0 {
		terms.FrequencyPerDay = n.FrequencyPerDay
	}
	if n.Recurring != nil && !*n.Recurring {
		terms.Recurring, terms.FrequencyPerDay = false, 1
	}
	if len(c.signed()) > 0 && !c.Terms().Same(terms) {
		return terms, E(CodeServiceInvalid, "another signer has decided on the terms of the consent")
	}
	return terms, nil
}

func (p Policy) checkNarrowing(c *Consent, n Narrowing, now time.Time) Faults {
	var faults Faults
	switch {
	case n.ValidUntil == (Date{}):
	case n.ValidUntil.Before(DateOf(now, p.Zone)):
		faults = append(faults, At(CodeFormat, "validUntil", "must not be in the past"))
	case c.ValidUntil.Before(n.ValidUntil):
		faults = append(faults, At(CodeFormat, "validUntil", "must not be later than %s", c.ValidUntil))
	}
	oneOff := n.Recurring != nil && !*n.Recurring
	switch {
	case n.FrequencyPerDay < 0:
		faults = append(faults, At(CodeFormat, "frequencyPerDay", "must be at least 1"))
	case n.FrequencyPerDay > c.FrequencyPerDay:
		faults = append(faults, At(CodeFormat, "frequencyPerDay", "must not be more than %d", c.FrequencyPerDay))
	case oneOff && n.FrequencyPerDay > 1:
		faults = append(faults, At(CodeFormat, "frequencyPerDay", "must be 1 for a one-off consent"))
	}
	if n.Recurring != nil && *n.Recurring && !c.Recurring {
		faults = append(faults, At(CodeFormat, "recurringIndicator", "must be false: the consent is a one-off"))
	}
	return faults
}

// Same compares what terms say; when a day ends follows from the day.
func (t Terms) Same(other Terms) bool {
	return t.ValidUntil == other.ValidUntil && t.FrequencyPerDay == other.FrequencyPerDay && t.Recurring == other.Recurring
}

// covers reports whether who has agreed to t has agreed to other too.
func (t Terms) covers(other Terms) bool {
	return !t.ValidUntil.Before(other.ValidUntil) && t.FrequencyPerDay >= other.FrequencyPerDay && (t.Recurring || !other.Recurring)
}

// agreeTo tells whether a PSU who agrees to terms, nil for whatever stands, agrees
// to the consent. The first signer may narrow it; those after them agree to what
// the first has left, or to nothing: a consent that one of them found too wide is
// not to become valid. Fails with CodeStale.
func (c *Consent) agreeTo(terms *Terms) error {
	switch {
	case terms == nil:
		return nil
	case len(c.signed()) == 0 && !c.Terms().covers(*terms):
		return E(CodeStale, "the terms are wider than those that were asked for")
	case len(c.signed()) > 0 && !terms.covers(c.Terms()):
		return E(CodeStale, "another signer has agreed to wider terms meanwhile")
	}
	return nil
}

// narrow gives the consent the terms that its first signer agrees to. Fails with
// CodeStale when they are over by now.
func (c *Consent) narrow(terms *Terms, now time.Time) (narrowed bool, err error) {
	if terms == nil || c.Terms().Same(*terms) {
		return false, nil
	}
	if !now.Before(terms.EndsAt) {
		return false, E(CodeStale, "the day until which the consent was to be valid is over")
	}
	c.ValidUntil, c.EndsAt = terms.ValidUntil, terms.EndsAt
	c.FrequencyPerDay, c.Recurring = terms.FrequencyPerDay, terms.Recurring
	return true, nil
}

// markNarrowed says in the audit that an authorisation, which has just ended, has
// narrowed the consent.
func (c *Consent) markNarrowed(authorisation uuid.UUID) {
	for i := range slices.Backward(c.pending.entries) {
		if e := &c.pending.entries[i]; e.Authorisation == authorisation {
			e.Reason = string(ReasonNarrowed)
			return
		}
	}
}
