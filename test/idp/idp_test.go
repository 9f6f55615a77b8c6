package idp_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/test/idp"
)

const (
	back     = "http://localhost:8080/sca/return"
	verifier = "a-verifier-of-at-least-forty-three-characters"
)

// address is where a client sends the browser.
func address(p *idp.Provider, acr string) string {
	challenge := sha256.Sum256([]byte(verifier))
	return p.Issuer + "/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {p.ClientID}, "redirect_uri": {back}, "scope": {"openid"},
		"state": {"s"}, "nonce": {"n"}, "acr_values": {acr}, "ui_locales": {"ar"}, "login_hint": {`"lea"`},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}.Encode()
}

// claims exchanges a code, and reads the token without judging it.
func claims(t *testing.T, p *idp.Provider, code string) map[string]any {
	t.Helper()
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {back}, "code_verifier": {verifier}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.Issuer+"/token", strings.NewReader(form.Encode()))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(p.ClientID, p.ClientSecret)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	var answer struct {
		IDToken string `json:"id_token"`
	}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&answer))
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(answer.IDToken, ".")[1])
	require.NoError(t, err)
	got := map[string]any{}
	require.NoError(t, json.Unmarshal(payload, &got))
	return got
}

func TestProvider(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{RedirectURIs: []string{back}})
	fields, err := p.LogIn(t.Context(), address(p, idp.Weak+" "+idp.Strong), "lea", "sandbox")
	require.NoError(t, err)
	assert.Equal(t, "s", fields["state"])
	assert.Equal(t, p.Issuer, fields["iss"])
	got := claims(t, p, fields["code"])
	for name, want := range map[string]any{"iss": p.Issuer, "aud": p.ClientID, "sub": "psu-lea", "nonce": "n", "acr": idp.Weak} {
		assert.Equal(t, want, got[name], name)
	}
	assert.InDelta(t, time.Now().Unix(), got["auth_time"], 10)
	assert.Equal(t, 1, p.Exchanges())

	p.Answer("gold", time.Hour)
	fields, err = p.LogIn(t.Context(), address(p, idp.Strong), "lea", "sandbox")
	require.NoError(t, err)
	got = claims(t, p, fields["code"])
	assert.Equal(t, "gold", got["acr"])
	assert.InDelta(t, time.Now().Add(-time.Hour).Unix(), got["auth_time"], 10)
}

func TestPage(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{RedirectURIs: []string{back}})
	_, err := p.LogIn(t.Context(), address(p, idp.Strong), "lea", "wrong")
	require.ErrorIs(t, err, idp.ErrShown)
	fields, err := p.Cancel(t.Context(), address(p, idp.Strong))
	require.NoError(t, err)
	assert.Equal(t, "access_denied", fields["error"])
	_, err = p.LogIn(t.Context(), strings.Replace(address(p, idp.Strong), "sca%2Freturn", "elsewhere", 1), "lea", "sandbox")
	require.Error(t, err, "the browser is sent nowhere but to registered addresses")
}
