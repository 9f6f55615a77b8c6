package service

import (
	"strings"
	"time"
	"unicode"

	"consentd/internal/consent"
	"consentd/internal/secret"
)

// Call is who calls, by which request, and which of their consents are meant.
type Call struct {
	TPP, Name   string // the caller's id, and name for people
	Certificate string // fingerprint of what the caller showed
	RequestID   string
	Rail        consent.Rail
	Kind        consent.Kind
	// Unproved says that a browser has brought the call, with the name of a TPP, and
	// nobody has proved to be that.
	Unproved bool
}

// Cause says in the audit who called: the system, where nobody has proved who.
func (c Call) Cause() consent.Cause {
	if c.Unproved {
		return consent.Cause{By: consent.BySystem, RequestID: c.RequestID}
	}
	return consent.Cause{By: consent.ByTPP, Who: c.TPP, Certificate: c.Certificate, RequestID: c.RequestID}
}

// Owns hides other TPPs' consents, and those of other kinds and dialects: the
// error is the one of an unknown id.
func (c Call) Owns(x *consent.Consent) error {
	if x.TPP != c.TPP || x.Kind != c.Kind || x.Rail != c.Rail {
		return ErrUnknown()
	}
	return nil
}

// ErrUnknown is the answer for an id that is unknown, malformed or another TPP's.
func ErrUnknown() error {
	return consent.E(consent.CodeNotFound, "the consent is not known to this TPP")
}

// Opening is what a run is opened for.
type Opening struct {
	Purpose  consent.Purpose
	Approach consent.Approach
	Hint     Hint
	At       time.Time
	// PSU is the only one who can go on with it, by the bank's id; empty for anybody.
	PSU string
	// What is confirmed, in words for the PSU, where there is no consent that says it.
	What string
}

// Opened is a run that is not written yet.
type Opened struct {
	Run     *consent.Run
	Handle  string // by which a browser reaches it, known to nobody else
	Message string // what the PSU is told away from any page, if that is known already
}

// Digests tell whom a TPP named from others without keeping the name; zero for
// who was not named. Who logs in is named in the same way.
func (h Hint) Digests(keys *secret.Keys) (psu, corporate consent.Digest) {
	if name := Plain(h.PSU); name != "" {
		psu = consent.Digest(keys.MAC("named psu", []byte(name)))
	}
	if name := Plain(h.Corporate); name != "" {
		corporate = consent.Digest(keys.MAC("named company", []byte(name)))
	}
	return psu, corporate
}

// Plain is a name as it is compared: spaces around it and capitals make no other.
func Plain(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// Digits is a code in the digits 0 to 9, whichever digits were typed, and without
// spaces; what is no number keeps its spaces.
func Digits(typed string) string {
	folded := strings.Map(func(r rune) rune {
		for _, block := range unicode.Nd.R16 { // each begins with its zero
			if lo := rune(block.Lo); lo <= r && r <= rune(block.Hi) {
				return '0' + (r-lo)%10
			}
		}
		return r
	}, typed)
	number := strings.Join(strings.Fields(folded), "")
	if strings.Trim(number, "0123456789") == "" {
		return number
	}
	return folded
}

// Clock tells the time.
type Clock = func() time.Time

// Unavailable marks a failing call to the bank as worth another try.
func Unavailable(err error) error {
	if consent.CodeOf(err) != consent.CodeInternal {
		return err
	}
	return consent.E(consent.CodeUnavailable, "the bank does not answer").Because(err)
}
