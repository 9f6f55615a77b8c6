package consent

import (
	"time"

	"github.com/google/uuid"
)

// Policy is what the bank decides about consents. It is a value: each use case
// is handed the one it works by.
type Policy struct {
	MaxValidityDays     int            // validUntil is lowered to today plus this
	MaxFrequencyPerDay  int            // a recurring consent's frequencyPerDay is lowered to this
	ConnectionDays      int            // an authentication for a connection is worth as many days
	Zone                *time.Location // the bank's time zone: days begin there
	AuthorisationWindow time.Duration  // a consent that nobody authorises in this time is rejected
	OpenWithin          time.Duration  // a redirect link must be opened in this time
	FinishWithin        time.Duration  // and the PSU must be through in this time after
	MaxTries            int            // wrong passwords, or wrong codes, before an authorisation fails
	MaxFailures         int            // and in a row, over all authorisations of a PSU, before no answer of theirs is judged; 0 for no limit
	LockFor             time.Duration  // for this time after the last of them
	MultipleConsents    bool           // a new recurring consent leaves the former ones alone
	// Confirmation asks the TPP for the code that came back with the browser
	// before a consent that was authorised by redirect becomes valid.
	Confirmation bool
	// PageWalk is for how long after a list was opened its further pages belong to
	// the same access; 0: each page is one.
	PageWalk time.Duration
	MaxPages int // at most so many of them
	// ExemptAvailable lets a one-off consent to the list of available accounts do
	// without the last factor.
	ExemptAvailable bool
}

// DefaultPolicy is what the programs start from.
func DefaultPolicy() Policy {
	return Policy{
		MaxValidityDays:     90,
		MaxFrequencyPerDay:  4,
		ConnectionDays:      180,
		Zone:                time.UTC,
		AuthorisationWindow: 24 * time.Hour,
		OpenWithin:          10 * time.Minute,
		FinishWithin:        15 * time.Minute,
		MaxTries:            3,
		MaxFailures:         5,
		LockFor:             15 * time.Minute,
		PageWalk:            10 * time.Minute,
		MaxPages:            100,
	}
}

// Draft is a consent as a TPP asks for it, parsed from whatever dialect.
type Draft struct {
	Kind            Kind
	Rail            Rail
	TPP             string
	TPPName         string
	Access          Access
	Recurring       bool
	FrequencyPerDay int
	ValidUntil      Date
	RedirectURI     string
	NokRedirectURI  string
	Card            Card   // funds confirmation only
	PSU, Corporate  Digest // whom the TPP names, zero for nobody
	Approach        Approach
	ByToken         bool
}

// Check finds what the bank's policy does not allow in d at now.
func (p Policy) Check(d Draft, now time.Time) Faults {
	if d.Kind == FundsConfirmation || d.Kind == Connection { // has neither date nor frequency
		return nil
	}
	var faults Faults
	if d.ValidUntil.Before(DateOf(now, p.Zone)) {
		faults = append(faults, At(CodeFormat, "validUntil", "validUntil %s is in the past", d.ValidUntil))
	}
	switch {
	case d.FrequencyPerDay < 1:
		faults = append(faults, At(CodeFormat, "frequencyPerDay", "frequencyPerDay must be at least 1"))
	case !d.Recurring && d.FrequencyPerDay > 1:
		faults = append(faults, At(CodeFormat, "frequencyPerDay", "frequencyPerDay must be 1 for a one-off consent"))
	}
	return faults
}

// endless is the date of a consent that has none: a confirmation of funds may
// be asked for until one side ends it.
func endless() Date { return Date{Year: 9999, Month: time.December, Day: 30} }

// until is the last day of a consent to d.
func (p Policy) until(d Draft, now time.Time) Date {
	switch d.Kind {
	case FundsConfirmation:
		return endless()
	case Connection:
		return DateOf(now.AddDate(0, 0, p.ConnectionDays), p.Zone)
	default:
	}
	if limit := DateOf(now, p.Zone).AddDays(p.MaxValidityDays); limit.Before(d.ValidUntil) {
		return limit
	}
	return d.ValidUntil
}

// New makes a consent of a draft: its date and frequency are lowered to what
// the bank allows. Fails with the Faults of Check, and with CodeServiceInvalid
// for an access that the PSU cannot agree to in the draft's approach.
func (p Policy) New(id uuid.UUID, d Draft, cause Cause, now time.Time) (*Consent, error) {
	if err := p.Check(d, now).Err(); err != nil {
		return nil, err
	}
	if err := d.Access.reachable(d.Approach); err != nil {
		return nil, err
	}
	until := p.until(d, now)
	c := &Consent{
		ID:              id,
		GroupID:         id,
		Kind:            d.Kind,
		Rail:            d.Rail,
		TPP:             d.TPP,
		TPPName:         d.TPPName,
		Status:          Received,
		StatusChangedAt: now,
		Access:          d.Access,
		Recurring:       d.Recurring,
		FrequencyPerDay: min(d.FrequencyPerDay, p.MaxFrequencyPerDay),
		ValidUntil:      until,
		EndsAt:          until.End(p.Zone),
		AuthoriseBy:     now.Add(p.AuthorisationWindow),
		RedirectURI:     d.RedirectURI,
		NokRedirectURI:  d.NokRedirectURI,
		Card:            d.Card,
		PSU:             d.PSU,
		Corporate:       d.Corporate,
		Approach:        d.Approach,
		ByToken:         d.ByToken,
		CreatedAt:       now,
		Version:         1,
	}
	if d.Kind == Connection { // it ends to the second, as tokens do
		c.Recurring, c.FrequencyPerDay, c.EndsAt = true, p.MaxFrequencyPerDay, now.AddDate(0, 0, p.ConnectionDays)
	}
	c.Because(cause)
	c.record(Entry{At: now, To: string(Received)}, "")
	return c, nil
}
