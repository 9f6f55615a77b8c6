package ledger

import "consentd/internal/consent"

// Matters reports whether a call that was refused with a code is written down, by
// whatever dialect: a caller was refused for who it is, or for the state of what it
// asked for. Requests that were merely malformed, or of a kind that is not there,
// say nothing about a caller, and what is our own fault nothing either.
func Matters(code consent.Code) bool {
	switch code {
	case consent.CodeFormat, consent.CodeTooLarge, consent.CodeNotSupported, consent.CodeSessions, consent.CodeMediaType, consent.CodeNotAcceptable,
		consent.CodeTimeout, consent.CodePathUnknown, consent.CodeMethodNotAllowed,
		consent.CodeInternal, consent.CodeUnavailable, consent.CodeRepeated:
		return false
	default:
		return true
	}
}
