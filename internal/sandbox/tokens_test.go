package sandbox_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/sandbox"
	"consentd/internal/tpp"
)

// minter stands in for the OAuth2 server.
type minter struct {
	asked []string
	ended []string
	fails error
}

func (m *minter) Mint(_ context.Context, client tpp.TPP, psu string, scopes []string) (sandbox.Minted, error) {
	m.asked = append(m.asked, client.ID+" "+psu+" "+strings.Join(scopes, "+"))
	return sandbox.Minted{AccessToken: "ACCESS", RefreshToken: "REFRESH", ExpiresIn: 10 * time.Minute, Scope: strings.Join(scopes, " ")}, m.fails
}

func (m *minter) End(_ context.Context, token string) error {
	if token != "ACCESS" && token != "REFRESH" {
		return consent.E(consent.CodeNotFound, "no token %s", token)
	}
	m.ended = append(m.ended, token)
	return m.fails
}

func (m *minter) Owner(_ context.Context, token string) (string, error) {
	switch token {
	case "OF-ACME":
		return "XX-SANDBOX:PSDXX-SANDBOX-ACME", m.fails
	case "OF-ELSEWHERE":
		return "DE-BAFIN:PSDDE-BAFIN-125314", m.fails
	case "OLD":
		return "", consent.E(consent.CodeTokenExpired, "expired")
	default:
		return "", consent.E(consent.CodeTokenInvalid, "unknown")
	}
}

func withTokens(m *minter) func(*sandbox.Sandbox) { return func(s *sandbox.Sandbox) { s.Tokens = m } }

func TestMintTokens(t *testing.T) {
	t.Parallel()
	m := &minter{}
	b := setup(t, withTokens(m))
	const acme, demo = "XX-SANDBOX:PSDXX-SANDBOX-ACME", "XX-SANDBOX:PSDXX-SANDBOX-DEMO"
	for _, x := range []struct{ body, want string }{
		{`{"psu":"lea","tpp":"acme"}`, acme + " lea aisp"},
		{`{"psu":"lea","tpp":"` + acme + `","scope":""}`, acme + " lea aisp"},
		{`{"psu":"sarl","tpp":"PSDXX-SANDBOX-ACME","scope":"pisp"}`, acme + " sarl pisp"},
		{`{"psu":"noa","scope":" aisp  extended_transaction_history"}`, demo + " noa aisp+extended_transaction_history"},
		{`{"psu":"slow","tpp":"demo","scope":"cbpii"}`, demo + " slow cbpii"},
	} {
		m.asked = nil
		got := b.call(t, http.MethodPost, "/sandbox/tokens", x.body)
		require.Equal(t, http.StatusCreated, got.status, got.body)
		require.Equal(t, []string{x.want}, m.asked)
		require.Equal(t, "no-store", got.header.Get("Cache-Control"))
	}
	got := b.call(t, http.MethodPost, "/sandbox/tokens", `{"psu":"lea","tpp":"acme","scope":"aisp cbpii"}`)
	require.JSONEq(t, `{"access_token":"ACCESS","token_type":"Bearer","expires_in":600,"refresh_token":"REFRESH","scope":"aisp cbpii"}`, got.body)
}

func TestMintTokensRefuses(t *testing.T) {
	t.Parallel()
	m := &minter{}
	b := setup(t, withTokens(m))
	for body, want := range map[string]struct {
		status int
		path   string
	}{
		`{}`:                                        {400, "psu"},
		`{"psu":"LEA","tpp":"acme"}`:                {404, "psu"},
		`{"psu":"mallory","tpp":"acme"}`:            {404, "psu"},
		`{"psu":"blocked","tpp":"acme"}`:            {403, "psu"},
		`{"psu":"reject","tpp":"acme"}`:             {403, "psu"},
		`{"psu":"lea","tpp":"mallory"}`:             {404, "tpp"},
		`{"psu":"lea","tpp":"PSDDE-BAFIN-125314"}`:  {404, "tpp"},
		`{"psu":"lea","scope":"AISP"}`:              {400, "scope"},
		`{"psu":"lea","scope":"aisp,cbpii"}`:        {400, "scope"},
		`{"psu":"lea","scope":"aisp aisp"}`:         {400, "scope"},
		`{"psu":"lea","scope":["aisp"]}`:            {400, "scope"},
		`{"psu":"lea","tpp":"acme","password":"x"}`: {400, "password"},
		`[]`: {400, ""},
	} {
		got := b.call(t, http.MethodPost, "/sandbox/tokens", body)
		assert.Equal(t, want.status, got.status, body)
		var fault struct{ Error, Path string }
		got.json(t, &fault)
		assert.Equal(t, want.path, fault.Path, body)
		assert.NotEmpty(t, fault.Error, body)
	}

	for code, status := range map[consent.Code]int{
		consent.CodeCertificateBlocked: 403, consent.CodeRole: 403, consent.CodeScope: 403, consent.CodeUnavailable: 503, consent.CodeInternal: 500,
	} {
		m.fails = consent.E(code, "so it is")
		got := b.call(t, http.MethodPost, "/sandbox/tokens", `{"psu":"lea","tpp":"acme"}`)
		assert.Equal(t, status, got.status, code)
		assert.NotContains(t, got.body, "ACCESS", code)
	}
}

func TestEndTokens(t *testing.T) {
	t.Parallel()
	m := &minter{}
	b := setup(t, withTokens(m))
	for _, token := range []string{"ACCESS", "REFRESH"} {
		got := b.call(t, http.MethodDelete, "/sandbox/tokens/"+token, "")
		require.Equal(t, http.StatusNoContent, got.status, got.body)
		require.Empty(t, got.body)
	}
	require.Equal(t, []string{"ACCESS", "REFRESH"}, m.ended)
	got := b.call(t, http.MethodDelete, "/sandbox/tokens/mine", "")
	require.Equal(t, http.StatusNotFound, got.status)
	require.NotContains(t, got.body, "mine", "tokens are not repeated")
	m.fails = consent.E(consent.CodeUnavailable, "the database does not answer")
	require.Equal(t, http.StatusServiceUnavailable, b.call(t, http.MethodDelete, "/sandbox/tokens/ACCESS", "").status)
}

func TestNoTokens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, got := range []answer{
		b.call(t, http.MethodPost, "/sandbox/tokens", `{"psu":"lea"}`), b.call(t, http.MethodDelete, "/sandbox/tokens/ACCESS", ""),
	} {
		require.Equal(t, http.StatusNotFound, got.status)
		require.Contains(t, got.body, "issues no access tokens")
	}
}

// TestCallerByToken: over plain http the header decides, else the token that is alive.
func TestCallerByToken(t *testing.T) {
	t.Parallel()
	_, clock := newBank()
	m := &minter{}
	callers := sandbox.Callers{TPPs: newTPPs(t, clock), Register: &door{}, Owner: m.Owner}
	for name, x := range map[string]struct{ header, authorization, want string }{
		"neither":                  {"", "", "DEMO"},
		"the header":               {"beta", "Bearer OF-ACME", "BETA"},
		"the token":                {"", "Bearer OF-ACME", "ACME"},
		"in whatever capitals":     {"", "bearer OF-ACME", "ACME"},
		"an unknown token":         {"", "Bearer WHOSE", "DEMO"},
		"an old token":             {"", "Bearer OLD", "DEMO"},
		"of nobody in the sandbox": {"", "Bearer OF-ELSEWHERE", "DEMO"},
		"a token of the bank":      {"", "Bearer sandbox-sca", "DEMO"},
		"no token":                 {"", "Basic T0YtQUNNRTo=", "DEMO"},
	} {
		r := named(x.header)
		if x.authorization != "" {
			r.Header.Set("Authorization", x.authorization)
		}
		got, err := callers.Identify(r)
		require.NoError(t, err, name)
		assert.Equal(t, "XX-SANDBOX:PSDXX-SANDBOX-"+x.want, got.ID, name)
	}
	r := named("")
	r.Header.Set("Authorization", "Bearer OF-ACME")
	m.fails = consent.E(consent.CodeUnavailable, "the database does not answer")
	_, err := callers.Identify(r)
	require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err), "nobody is taken for another")
	callers.Owner = nil
	got, err := callers.Identify(r)
	require.NoError(t, err)
	require.Equal(t, "XX-SANDBOX:PSDXX-SANDBOX-DEMO", got.ID)
}
