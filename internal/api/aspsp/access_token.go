package aspsp

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"unicode/utf8"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service/access"
	"consentd/internal/service/connections"
	callers "consentd/internal/tpp"
)

// Tokens tells in whose name a TPP calls that shows an access token. Fails with
// consent.CodeTokenInvalid also for a token of another TPP or one that is bound to
// another certificate, CodeTokenExpired, and CodeUnavailable where it cannot be told
// now; a TokenError of package tpp among the causes says why.
type Tokens interface {
	Token(ctx context.Context, token string, by callers.Holder) (connections.Principal, error)
}

// maxToken is how many characters an access token has at most.
const maxToken = 16 << 10

// fingerprint is the thumbprint of a check (RFC 8705 §3.1, x5t#S256), which has one
// spelling, as the audit has it.
func (s *sent) fingerprint() (string, consent.Faults) {
	if !s.there[theThumbprint] {
		return "", nil
	}
	thumbprints := base64.RawURLEncoding.Strict()
	sum, err := thumbprints.DecodeString(s.text[theThumbprint])
	if err != nil || len(sum) != sha256.Size || len(s.text[theThumbprint]) != thumbprints.EncodedLen(sha256.Size) { // it skips line breaks
		return "", consent.Faults{fault(checkTexts[theThumbprint], "must be a SHA-256 in base64url without padding: 43 characters")}
	}
	return hex.EncodeToString(sum), nil
}

// issuedFor tells for which consent the token of a check was issued; nil without one.
func (h *Handler) issuedFor(ctx context.Context, q *check, requestID string) func() (uuid.UUID, error) {
	if h.Tokens == nil || q.token == "" {
		return nil
	}
	return func() (uuid.UUID, error) {
		if utf8.RuneCountInString(q.token) > maxToken {
			return uuid.Nil, &access.Denial{
				Err:    consent.At(consent.CodeTokenInvalid, "Header.Authorization", "the access token is not known, or has ended"),
				Reason: "the access token is malformed: it must be 1 to 16384 characters",
			}
		}
		p, err := h.Tokens.Token(ctx, q.token, callers.Holder{TPP: q.question.TPP, Fingerprint: q.fingerprint, RequestID: requestID})
		if why, ok := errors.AsType[callers.TokenError](err); ok {
			err = &access.Denial{Err: err, Reason: why.Error()}
		}
		return p.Consent, err
	}
}
