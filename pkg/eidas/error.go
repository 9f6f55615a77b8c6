package eidas

import "errors"

// Reason says why a certificate is not accepted.
type Reason string

// The reasons.
const (
	Malformed   Reason = "malformed"      // it cannot be read, or contradicts itself
	NoStatement Reason = "no_statement"   // it has no PSD2 statement: it is no PSD2 certificate
	Unusable    Reason = "unusable"       // its type or key usage does not fit the use
	NotYetValid Reason = "not_yet_valid"  // its time has not come
	Expired     Reason = "expired"        // its time is over
	Untrusted   Reason = "untrusted"      // its chain does not end in an anchor, or is too weak
	Revoked     Reason = "revoked"        // it, or an authority of its chain, was revoked
	Blocked     Reason = "issuer_blocked" // an authority of its chain is blocked here
	Unknown     Reason = "unknown"        // whether it was revoked cannot be told now
)

// Error says why a certificate is not accepted. Its Text may be shown to whoever
// sent the certificate; its cause is for the log alone.
type Error struct {
	Reason Reason
	Text   string // safe to show, in English
	cause  error
}

// fault builds an Error; cause may be nil.
func fault(reason Reason, text string, cause error) *Error {
	return &Error{Reason: reason, Text: text, cause: cause}
}

func (e *Error) Error() string {
	s := "certificate " + string(e.Reason) + ": " + e.Text
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

// Unwrap is the hidden cause.
func (e *Error) Unwrap() error { return e.cause }

// ReasonOf is the reason of the first [*Error] in the chain of err, and "" where
// there is none.
func ReasonOf(err error) Reason {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	return ""
}
