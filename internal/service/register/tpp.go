package register

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"consentd/internal/consent"
)

// TPP is what the bank knows of a third party.
type TPP struct {
	ID           string // NCAID:Organisation; of one that a hub brings, what the hub calls it
	Name         string // for people
	Organisation string // organizationIdentifier of its certificates
	NCAID        string // who licenses it
	NCAName      string
	Roles        []string // PSP_AI and the like, of the certificate last shown
	// Certificate is the fingerprint of the certificate that it showed last for
	// the first time; empty where none was shown.
	Certificate     string
	FirstSeen       time.Time // zero: on the stop list, has not been let in yet
	CertificateSeen time.Time // when Certificate was shown for the first time; zero without one
	Block           *Block    // nil: not blocked
	// RedirectURIs are where it may have a PSU's browser led in OAuth2, each to be
	// matched as it stands; Seals are certificates of its seals, as DER, for
	// signatures that come without one. Both as back office has set them.
	RedirectURIs []string
	Seals        [][]byte
}

// Block shuts a TPP out.
type Block struct {
	At, Until time.Time // zero Until: for ever
	By        string    // the id of the bank's caller
	Reason    string    // in the bank's words, 1 to 200 characters
	// EndsConsents says that all consents that the TPP had when the block began
	// are ended.
	EndsConsents bool
	RequestID    string // of the call by which it was put
}

// Blocked reports whether the TPP is shut out at now.
func (t *TPP) Blocked(now time.Time) bool { return t.Block.holds(now) }

func (b *Block) holds(now time.Time) bool {
	return b != nil && (b.Until.IsZero() || now.Before(b.Until))
}

// Ends reports whether the block ends a consent that was made at that time. One
// that was made after the block had run out is none of its business, even when
// others are still to be ended.
func (b *Block) Ends(made time.Time) bool {
	return b != nil && b.EndsConsents && (b.Until.IsZero() || made.Before(b.Until))
}

// says reports whether another block would change nothing.
func (b *Block) says(o Block) bool {
	return b != nil && b.Until.Equal(o.Until) && b.By == o.By && b.Reason == o.Reason && b.EndsConsents == o.EndsConsents
}

// cause is who ends the consents: whoever put the block, by the same call.
func (b *Block) cause() consent.Cause {
	return consent.Cause{By: consent.ByASPSP, Who: b.By, RequestID: b.RequestID}
}

// MaxReason is how many characters the reason of a block may have.
const MaxReason = 200

// check is whether a block can be put at now.
func (b *Block) check(now time.Time) error {
	switch {
	case strings.TrimSpace(b.Reason) == "" || !utf8.ValidString(b.Reason) || strings.ContainsRune(b.Reason, 0):
		return consent.At(consent.CodeFormat, "reason", "must be given, as text")
	case utf8.RuneCountInString(b.Reason) > MaxReason:
		return consent.At(consent.CodeFormat, "reason", "must not be longer than %d characters", MaxReason)
	case !b.Until.IsZero() && !now.Before(b.Until):
		return consent.At(consent.CodeFormat, "until", "must be in the future")
	}
	return nil
}

// The longest parts of an id.
const (
	maxNCA          = 40
	maxOrganisation = 200
)

// wellFormed reports whether an id can be that of a TPP with a certificate:
// the authority, a colon, and the organisation.
func wellFormed(id string) bool {
	nca, organisation, found := strings.Cut(id, ":")
	return found && nca != "" && len(nca) <= maxNCA && strings.TrimSpace(organisation) != "" &&
		utf8.RuneCountInString(organisation) <= maxOrganisation && storable(id) &&
		!strings.ContainsFunc(nca, func(r rune) bool { return !alphanumeric(r) && r != '-' }) &&
		!strings.ContainsFunc(organisation, func(r rune) bool { return !unicode.IsPrint(r) })
}

// maxID is how many characters the id of a TPP may have, whatever its form.
const maxID = 256

// nameable reports whether an id can be that of a TPP, in the form of a certificate or
// in any that a hub may use.
func nameable(id string) bool {
	return id != "" && storable(id) && id == strings.TrimSpace(id) && utf8.RuneCountInString(id) <= maxID &&
		!strings.ContainsFunc(id, func(r rune) bool { return !unicode.IsPrint(r) })
}

// storable reports whether a database takes a text.
func storable(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }

func alphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}
