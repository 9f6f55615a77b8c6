package bankauth

import (
	"context"
	"net/http"
	"regexp"
	"strings"

	"consentd/internal/consent"
	"consentd/internal/service/tokens"
)

// Tokens knows the tokens that the bank has given out.
type Tokens interface {
	// Check returns the token with that secret. Fails with CodeUnauthenticated for
	// one that is unknown, past its end or revoked.
	Check(ctx context.Context, secret string) (tokens.Token, error)
}

// Bearer knows callers by the tokens that they send.
type Bearer struct{ Tokens Tokens }

var _ Authenticator = Bearer{}

// Authenticate implements Authenticator.
func (b Bearer) Authenticate(r *http.Request) (Caller, error) {
	secret, err := secretOf(r)
	if err != nil {
		return Caller{}, err
	}
	t, err := b.Tokens.Check(r.Context(), secret)
	switch {
	case consent.CodeOf(err) == consent.CodeUnauthenticated:
		return Caller{}, wrongToken().Because(err)
	case err != nil:
		return Caller{}, err
	}
	return Caller{ID: "token/" + t.ID.String(), Name: t.Name, Role: t.Role}, nil
}

// Fixed are tokens that never change, and who sends them: a sandbox's, which are
// no secret.
type Fixed map[string]Caller

var _ Authenticator = Fixed{}

// Authenticate implements Authenticator.
func (f Fixed) Authenticate(r *http.Request) (Caller, error) {
	secret, err := secretOf(r)
	if err != nil {
		return Caller{}, err
	}
	caller, ok := f[secret]
	if !ok {
		return Caller{}, wrongToken()
	}
	return caller, nil
}

// One text for every token that is none, so that nothing can be learnt of tokens.
func wrongToken() *consent.Error {
	return consent.At(consent.CodeUnauthenticated, pathAuthorization, "the bearer token is unknown, past its end or revoked")
}

const (
	pathAuthorization = "Header.Authorization"
	// maxSecret is the length of a token above which it is none of ours.
	maxSecret = 512
)

// token68 is the form of credentials (RFC 7235 §2.1, RFC 6750 §2.1).
var token68 = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// secretOf reads the bearer token of a request. It counts in the header only: a
// URL ends up in logs (RFC 6750 §5.3).
func secretOf(r *http.Request) (string, error) {
	lines := r.Header["Authorization"]
	if len(lines) == 0 {
		return "", nothingShown()
	}
	if len(lines) > 1 {
		return "", consent.At(consent.CodeUnauthenticated, pathAuthorization, "must be there once")
	}
	scheme, secret, _ := strings.Cut(lines[0], " ")
	secret = strings.TrimLeft(secret, " ")
	if !strings.EqualFold(scheme, "Bearer") || len(secret) > maxSecret || !token68.MatchString(secret) {
		return "", consent.At(consent.CodeUnauthenticated, pathAuthorization, "must be Bearer and a token")
	}
	return secret, nil
}
