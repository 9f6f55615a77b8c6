package consent

import (
	"errors"
	"fmt"
	"strings"
)

// Code says what went wrong in words that every dialect can translate.
type Code string

// The codes. Each dialect has exactly one table from these to its own.
const (
	CodeInternal           Code = "internal"            // our fault; nothing about it leaves the process
	CodeUnavailable        Code = "unavailable"         // a system that we need does not answer; worth another try
	CodeFormat             Code = "format"              // the request is malformed
	CodeNotSupported       Code = "not_supported"       // an optional parameter that this bank does not support
	CodeServiceInvalid     Code = "service_invalid"     // well formed, but not for this resource or this bank
	CodeSessions           Code = "sessions"            // combined AIS and PIS sessions are not supported
	CodeNotFound           Code = "not_found"           // the consent is unknown to this TPP
	CodeResourceUnknown    Code = "resource_unknown"    // a resource below the consent is unknown
	CodeStale              Code = "stale"               // decided on what has changed meanwhile
	CodeStatusInvalid      Code = "status_invalid"      // the state forbids it
	CodeExpired            Code = "expired"             // the consent or the run is past its end
	CodeBlocked            Code = "blocked"             // the PSU or the consent is blocked at the bank
	CodeCredentials        Code = "credentials"         // PSU unknown, or password or code wrong
	CodeForbidden          Code = "forbidden"           // known, but not for this caller or browser
	CodeUsed               Code = "used"                // single use, and used up
	CodeLocked             Code = "locked"              // the tries are used up
	CodePSULocked          Code = "psu_locked"          // too many failures of this PSU: for a time, no answer is judged
	CodeCertificateMissing Code = "certificate_missing" // a signature without its certificate
	CodeCertificateInvalid Code = "certificate_invalid" // the caller cannot be told
	CodeCertificateExpired Code = "certificate_expired" // it was good, and is past its end
	CodeCertificateRevoked Code = "certificate_revoked" // its issuer has taken it back
	CodeCertificateBlocked Code = "certificate_blocked" // the bank has shut the caller, or the issuer, out
	CodeRole               Code = "role"                // the caller is not licensed for the service
	CodeUnauthenticated    Code = "unauthenticated"     // a caller of the bank's own that shows nothing we know
	CodeSignatureMissing   Code = "signature_missing"   // a signature is required
	CodeSignatureInvalid   Code = "signature_invalid"   // the signature or the digest is wrong
	CodeMethodNotAllowed   Code = "method_not_allowed"  // no such method here
	CodePathUnknown        Code = "path_unknown"        // no such path
	CodeNotAcceptable      Code = "not_acceptable"      // none of the formats that are asked for
	CodeMediaType          Code = "media_type"          // the body is not JSON
	CodeTooLarge           Code = "too_large"           // the body is over the limit
	CodeTimeout            Code = "timeout"             // the request did not come in time
	CodeRepeated           Code = "repeated"            // a call that was answered before; its answer is to be found
	CodeTooOften           Code = "too_often"           // more often than is allowed
	CodeTimeOver           Code = "time_over"           // a resource below the consent is past its time
	CodeCorporate          Code = "corporate"           // not the company that the PSU acts for, or that was named before
	CodeMethodUnknown      Code = "method_unknown"      // no such method of authentication
	CodeNotConfirmable     Code = "not_confirmable"     // a confirmation of what failed
	CodeReferenceUnknown   Code = "reference_unknown"   // a consent that is named in a header or a body is unknown to this TPP
	CodeNotUsable          Code = "not_usable"          // the consent does not allow it: not in force, or for something else
	CodeAccountUnknown     Code = "account_unknown"     // no account of this customer has the id
	CodeNoFundsConsent     Code = "no_funds_consent"    // no consent covers this confirmation of funds
	CodeTokenMissing       Code = "token_missing"       // the call takes an access token
	CodeTokenInvalid       Code = "token_invalid"       // it is not known, has ended, or is somebody else's
	CodeTokenExpired       Code = "token_expired"       // it was good, and is past its end
	CodeScope              Code = "scope"               // the token is not for this
)

// Codes lists every code; each dialect's table is tested against it.
func Codes() []Code {
	return []Code{
		CodeInternal, CodeUnavailable, CodeFormat, CodeNotSupported, CodeServiceInvalid, CodeSessions,
		CodeNotFound, CodeResourceUnknown, CodeStale, CodeStatusInvalid, CodeExpired, CodeBlocked, CodeCredentials,
		CodeForbidden, CodeUsed, CodeLocked, CodePSULocked, CodeCertificateMissing, CodeCertificateInvalid,
		CodeCertificateExpired, CodeCertificateRevoked, CodeCertificateBlocked, CodeRole, CodeUnauthenticated,
		CodeSignatureMissing, CodeSignatureInvalid, CodeMethodNotAllowed, CodePathUnknown,
		CodeNotAcceptable, CodeMediaType, CodeTooLarge, CodeTimeout, CodeRepeated, CodeTooOften, CodeTimeOver,
		CodeCorporate, CodeMethodUnknown, CodeNotConfirmable, CodeReferenceUnknown, CodeNotUsable, CodeNoFundsConsent,
		CodeAccountUnknown, CodeTokenMissing, CodeTokenInvalid, CodeTokenExpired, CodeScope,
	}
}

// Error is the only error whose words may reach a client.
type Error struct {
	Code Code
	Path string // where the fault lies: a JSON path, or Header.<Name>; empty if nowhere in particular
	Text string // safe to show, in English
	// cause is for the log alone.
	cause error
}

// E builds an Error without a place.
func E(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Text: fmt.Sprintf(format, args...)}
}

// At builds an Error that names the faulty field.
func At(code Code, path, format string, args ...any) *Error {
	return &Error{Code: code, Path: path, Text: fmt.Sprintf(format, args...)}
}

// Because attaches the hidden cause.
func (e *Error) Because(cause error) *Error {
	return &Error{Code: e.Code, Path: e.Path, Text: e.Text, cause: cause}
}

func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Text
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.cause }

// Faults are several errors of one request, reported together. They share the
// code of the first.
//
//nolint:errname // they are faults of one request, which is the word that the standards' reports use
type Faults []*Error

func (f Faults) Error() string {
	texts := make([]string, len(f))
	for i, e := range f {
		texts[i] = e.Path + " " + e.Error()
	}
	return strings.Join(texts, "; ")
}

// Err is nil when there is no fault.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// CodeOf is the code of the first domain error in err's chain, CodeInternal
// for anything else.
func CodeOf(err error) Code {
	if f, ok := errors.AsType[Faults](err); ok && len(f) > 0 {
		return f[0].Code
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}
