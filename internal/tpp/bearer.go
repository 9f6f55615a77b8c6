package tpp

import (
	"net/http"
	"strings"

	"consentd/internal/consent"
	"consentd/internal/service/connections"
)

// Bearers tells in whose name a TPP calls, by the access token of its request. Fails
// with consent.CodeTokenMissing, CodeTokenInvalid also for a token of another TPP or
// one that is bound to another certificate, CodeTokenExpired, CodeBlocked, and
// CodeUnavailable where it cannot be told now.
type Bearers interface {
	Bearer(r *http.Request, caller TPP) (connections.Principal, error)
}

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
