package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/pkg/client"
	"consentd/pkg/httpsig"
)

const (
	stetBase   = "/stet/psd2/v1.4.2"
	forwarding = `{"balances":[{"iban":"FR7617515000920400430518020"}],"psuIdentity":true}`
)

// tokenOf is an access token that a sandbox hands out for LEA.
func tokenOf(t *testing.T, plain, tpp string) string {
	t.Helper()
	res, err := http.Post(plain+"/sandbox/tokens", "application/json", strings.NewReader(`{"psu":"lea","tpp":"`+tpp+`"}`))
	require.NoError(t, err)
	defer func() { require.NoError(t, res.Body.Close()) }()
	var answer struct {
		Token string `json:"access_token"`
	}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&answer))
	require.NotEmpty(t, answer.Token)
	return answer.Token
}

// TestTPPSTET calls a strict sandbox over mutual TLS, signed as STET asks.
func TestTPPSTET(t *testing.T) {
	plain, secure := running(t)
	dir := filepath.Join(t.TempDir(), "acme")
	_, err := run(t, "tpp", "new", "--name", "acme", "--roles", "PSP_AI", "--out", dir, "--sandbox", plain)
	require.NoError(t, err)
	token := tokenOf(t, plain, "acme")
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte(token+"\n"), 0o600))
	kit, err := client.LoadKit(dir)
	require.NoError(t, err)
	keyID := httpsig.STETKeyID("https://acme.example/qseal", kit.Seal)

	for _, c := range []struct {
		name, method, path, about, body string
		more                            []string
		answer, says                    string
	}{
		{
			name: "bare list", method: "GET", path: "/accounts", about: "(request-target) digest x-request-id",
			answer: "200 OK", says: `"_links":{}`,
		},
		{
			name: "forward", method: "PUT", path: "/consents", about: "(request-target) digest x-request-id content-type psu-ip-address psu-user-agent", body: forwarding,
			more: []string{"-H", "PSU-IP-Address: 192.0.2.7", "-H", "PSU-User-Agent: Mozilla/5.0"}, answer: "201 Created",
		},
		{
			name: "query", method: "GET", path: "/accounts/r1/balances?page=1", about: "(request-target) digest x-request-id psu-ip-address",
			more: []string{"-H", "PSU-IP-Address: 192.0.2.7"}, answer: "200 OK", says: `"balances"`,
		},
		{name: "take back", method: "PUT", path: "/consents", about: "(request-target) digest x-request-id", answer: "201 Created"},
	} {
		args := append([]string{"tpp", "call", c.method, secure + stetBase + c.path, "--tpp", dir, "--profile", "stet", "--token", "@" + file, "--body", c.body, "-H", "X-Request-ID: call-1"}, c.more...)
		out, err := run(t, args...)
		require.NoError(t, err, c.name+out)
		require.NotContains(t, out, token, c.name)
		titles, text := parts(t, out)
		require.Equal(t, []string{"Request", "Signed", "Answer"}, titles)
		require.Contains(t, text["Request"], "\nAuthorization: Bearer [hidden]\n", c.name)
		require.NotContains(t, text["Request"], "Tpp-Signature-Certificate", c.name)
		digest := httpsig.Digest(httpsig.SHA256, []byte(c.body))
		require.Contains(t, text["Request"], "\nDigest: "+digest+"\n", c.name)
		about, signed, _ := strings.Cut(text["Signed"], "\n\n")
		require.Equal(t, "keyId      "+keyID+"\nalgorithm  rsa-sha256\nheaders    "+c.about, about, c.name)
		want := "(request-target): " + strings.ToLower(c.method) + " " + stetBase + c.path + `\n` + "\ndigest: " + digest + `\n` + "\nx-request-id: call-1"
		require.True(t, strings.HasPrefix(signed, want), "%s: %s", c.name, signed)
		require.Contains(t, text["Answer"], "HTTP/1.1 "+c.answer+"\n", c.name)
		require.Contains(t, text["Answer"], c.says, c.name)
	}

	out, err := run(t, "tpp", "call", "GET", secure+stetBase+"/accounts", "--tpp", dir, "--token", token)
	require.EqualError(t, err, "the answer is 401 Unauthorized")
	assert.Contains(t, out, "Signature: must cover (request-target)", "the other dialect's signature is not this one's")
	assert.NotContains(t, out, token)
}

// TestTPPToken: credentials are sent, wherever they come from, and shown nowhere.
func TestTPPToken(t *testing.T) {
	dir := kitOf(t)
	var got []string
	bank := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header["Authorization"] }))
	defer bank.Close()
	call := func(more ...string) (string, error) {
		return run(t, append([]string{"tpp", "call", "GET", bank.URL, "--tpp", dir}, more...)...)
	}
	for name, c := range map[string]struct {
		more []string
		sent []string
		want string
	}{
		"none":         {nil, nil, `(?s)^# Request.*`},
		"the flag":     {[]string{"--token", "topsecret"}, []string{"Bearer topsecret"}, `\nAuthorization: Bearer \[hidden\]\n`},
		"a header":     {[]string{"-H", "Authorization: Basic topsecret"}, []string{"Basic topsecret"}, `\nAuthorization: Basic \[hidden\]\n`},
		"one of two":   {[]string{"-H", "Authorization: Bearer topsecret", "-H", "authorization: Bearer topsecret"}, []string{"Bearer topsecret", "Bearer topsecret"}, `\nAuthorization: Bearer \[hidden\]\n`},
		"a bare value": {[]string{"-H", "Authorization: topsecret"}, []string{"topsecret"}, `\nAuthorization: \[hidden\]\n`},
	} {
		out, err := call(c.more...)
		require.NoError(t, err, name)
		require.Equal(t, c.sent, got, name)
		require.Regexp(t, c.want, out, name)
		require.NotContains(t, out, "topsecret", name)
	}
	for name, c := range map[string]struct {
		more []string
		want string
	}{
		"twice":        {[]string{"--token", "topsecret", "-H", "Authorization: Bearer topsecret"}, "Authorization is among the headers already"},
		"no such file": {[]string{"--token", "@" + filepath.Join(dir, "none")}, "no such file"},
		"empty":        {[]string{"--token", " "}, "there is none in it"},
		"both of it":   {[]string{"--token", "-", "--body", "-"}, "reads standard input already"},
		"no header":    {[]string{"--token", "top\nsecret"}, "Authorization"},
		"profile":      {[]string{"--profile", "STET"}, `--profile "STET": must be xs2a or stet`},
		"jws":          {[]string{"--profile", "stet", "--jws"}, "STET has no x-jws-signature"},
	} {
		out, err := call(c.more...)
		require.ErrorContains(t, err, c.want, name)
		require.NotRegexp(t, `top\s?secret`, out+err.Error(), name)
	}
}
