package aspsp_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service/access"
	"consentd/internal/service/connections"
	"consentd/internal/tpp"
)

const (
	// The digest of nothing, as tokens name certificates, and as the audit does.
	thumbprint   = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
	fingerprint  = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	noThumbprint = "certificateThumbprint: must be a SHA-256 in base64url without padding: 43 characters"
)

// shown judges tokens: one is for consentID, the others are what they are called. It
// remembers what it was asked.
type shown struct {
	tokens []string
	by     []tpp.Holder
}

func (s *shown) Token(_ context.Context, token string, by tpp.Holder) (connections.Principal, error) {
	s.tokens, s.by = append(s.tokens, token), append(s.by, by)
	invalid := consent.At(consent.CodeTokenInvalid, "Header.Authorization", "said to the TPP")
	switch token {
	case "TOKEN-good":
		return connections.Principal{Consent: uuid.MustParse(consentID)}, nil
	case "TOKEN-foreign":
		return connections.Principal{}, invalid.Because(tpp.TokenError("is another TPP's"))
	case "TOKEN-expired":
		return connections.Principal{}, consent.At(consent.CodeTokenExpired, "Header.Authorization", "it has expired")
	case "TOKEN-later":
		return connections.Principal{}, consent.E(consent.CodeUnavailable, "later")
	default:
		return connections.Principal{}, invalid
	}
}

// byToken is the use case, of a consent that takes its token.
func byToken(q access.Question) (access.Decision, error) {
	if q.Token == nil {
		return access.Decision{}, denied(consent.CodeTokenInvalid, "")
	}
	issued, err := q.Token()
	if err != nil {
		return access.Decision{}, err
	}
	if issued != q.Consent {
		return access.Decision{}, denied(consent.CodeNotUsable, "")
	}
	return allowed(q)
}

// TestAccessByToken shows who is said to hold the token of a check, and when that is asked.
func TestAccessByToken(t *testing.T) {
	t.Parallel()
	const own = "0198f2c4-5a3e-7c61-9b0e-3f1d7a52c9e4"
	for name, c := range map[string]struct {
		members []string
		by      tpp.Holder
	}{
		"with a certificate":    {[]string{"certificateThumbprint", `"` + thumbprint + `"`}, tpp.Holder{TPP: acme, Fingerprint: fingerprint, RequestID: requestID}},
		"without":               {nil, tpp.Holder{TPP: acme, RequestID: requestID}},
		"by the TPP's own name": {[]string{"requestId", `"` + own + `"`}, tpp.Holder{TPP: acme, RequestID: own}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.decider.decide = byToken
			check := checkOf(append(c.members, "accessToken", `"TOKEN-good"`)...)
			a := w.send(t, http.MethodPost, checksPath, check, core())
			require.Equal(t, http.StatusOK, a.status, a.body)
			require.Contains(t, a.body, `"decision":"allow"`)
			require.Equal(t, []string{"TOKEN-good"}, w.tokens.tokens)
			require.Equal(t, []tpp.Holder{c.by}, w.tokens.by)

			w.decider.decide = allowed // by the use case, of a consent that takes none
			require.Contains(t, w.send(t, http.MethodPost, checksPath, check, core()).body, `"decision":"allow"`)
			require.Len(t, w.tokens.tokens, 1, "nobody has asked for it")
		})
	}
}

// TestAccessDeniedByToken shows what is answered for a token that is not good, and that
// it stands nowhere afterwards.
func TestAccessDeniedByToken(t *testing.T) {
	t.Parallel()
	const unknown = `"error":{"status":401,"code":"TOKEN_UNKNOWN","path":"Header.Authorization","text":`
	for name, c := range map[string]struct{ token, want string }{
		"unknown":  {"TOKEN-dead", `"reason":"Authorization: said to the TPP",` + unknown + `"said to the TPP"}`},
		"foreign":  {"TOKEN-foreign", `"reason":"the access token is another TPP's",` + unknown + `"said to the TPP"}`},
		"expired":  {"TOKEN-expired", `"reason":"Authorization: it has expired","error":{"status":401,"code":"TOKEN_EXPIRED","path":"Header.Authorization","text":"it has expired"}`},
		"later":    {"TOKEN-later", `"reason":"it cannot be told now","error":{"status":503,"retryAfter":1}`},
		"none":     {"", `"reason":"known to the bank","error":{"status":401,"code":"TOKEN_UNKNOWN","text":"said to the TPP"}`},
		"the most": {"TOKEN-" + strings.Repeat("ü", 4090), `"reason":"Authorization: said to the TPP",` + unknown + `"said to the TPP"}`},
		"too long": {
			"TOKEN-" + strings.Repeat("a", 16<<10),
			`"reason":"the access token is malformed: it must be 1 to 16384 characters",` + unknown + `"the access token is not known, or has ended"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.decider.decide = byToken
			ctx, notes := explain.Listen(t.Context())
			check := checkOf("accessToken", strconv.Quote(c.token))
			a := w.send(t, http.MethodPost, checksPath, check, core())
			require.Equal(t, http.StatusOK, a.status, a.body)
			require.JSONEq(t, `{"decision":"deny",`+c.want+`}`, a.body)
			w.serve(ctx, http.MethodPost, checksPath, check)
			require.NotEmpty(t, notes.Lines())
			require.NotContains(t, w.log.String()+strings.Join(notes.Lines(), ""), "TOKEN-")
			if c.token != "TOKEN-later" {
				require.Len(t, w.ledger.refused, 2)
				require.Equal(t, consent.Cause{By: consent.ByTPP, Who: acme, RequestID: requestID}, w.ledger.refused[0].Cause)
			}
		})
	}
}

// TestAccessBatchByToken: each check brings its own.
func TestAccessBatchByToken(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.decider.decide = byToken
	good := checkOf("accessToken", `"TOKEN-good"`, "certificateThumbprint", `"`+thumbprint+`"`)
	body := `{"checks":[` + good + `,` + checkOf("accessToken", `"TOKEN-foreign"`) + `,` + checkOf() + `]}`
	a := w.send(t, http.MethodPost, checksPath+"/batch", body, core())
	require.Equal(t, http.StatusOK, a.status, a.body)
	require.Equal(t, []int{1, 2}, []int{strings.Count(a.body, `"allow"`), strings.Count(a.body, `"deny"`)}, a.body)
	require.Equal(t, []string{"TOKEN-good", "TOKEN-foreign"}, w.tokens.tokens)
	require.Equal(t, []tpp.Holder{{TPP: acme, Fingerprint: fingerprint, RequestID: requestID}, {TPP: acme, RequestID: requestID}}, w.tokens.by)

	a = w.send(t, http.MethodPost, checksPath+"/batch", `{"checks":[`+good+`,`+checkOf("certificateThumbprint", `"x"`)+`]}`, core())
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Equal(t, []string{"checks[1]." + noThumbprint}, a.places(t))
}

// TestAccessWithoutTokens: where nobody issues tokens, none is taken for one.
func TestAccessWithoutTokens(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.handler.Tokens, w.decider.decide = nil, byToken
	a := w.send(t, http.MethodPost, checksPath, checkOf("accessToken", `"TOKEN-good"`), core())
	require.Contains(t, a.body, `"code":"TOKEN_UNKNOWN"`)
	require.Nil(t, w.decider.asked[0].Token)
}
