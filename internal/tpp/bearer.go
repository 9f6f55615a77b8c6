package tpp

import (
	"net/http"
	"strings"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/service/connections"
)

// Bearers tells in whose name a TPP calls, by the access token of its request. Fails
// with consent.CodeTokenMissing, CodeTokenInvalid also for a token of another TPP or
// one that is bound to another certificate, CodeTokenExpired, CodeBlocked, and
// CodeUnavailable where it cannot be told now.
type Bearers interface {
	Bearer(r *http.Request, caller TPP) (connections.Principal, error)
}

// Holder is who shows an access token.
type Holder struct {
	TPP string // as it is known to consents
	// Fingerprint is that of the certificate which the TPP showed, as
	// [TPP.Fingerprint] has it; empty for none.
	Fingerprint string
	RequestID   string // of the call, for the audit; empty for none
}

// HolderOf is who shows the access token of a request.
func HolderOf(r *http.Request, caller TPP) Holder {
	return Holder{TPP: caller.ID, Fingerprint: caller.Fingerprint(), RequestID: edge.SentRequestID(r)}
}

// TokenError is what keeps an access token from being accepted: what it is, or lacks.
// It is the hidden cause of a refusal, for the bank; who sent the token is told less.
type TokenError string

// Error implements error.
func (f TokenError) Error() string { return "the access token " + string(f) }

// TokenOf is the access token of a request (RFC 6750 §2.1); empty where there is none.
func TokenOf(r *http.Request) string {
	values := r.Header["Authorization"]
	if len(values) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// ErrNoToken is the answer to a call without an access token that takes one.
func ErrNoToken() error {
	return consent.At(consent.CodeTokenMissing, "Header.Authorization", "must bring an access token")
}
