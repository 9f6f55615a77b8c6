package client_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/pkg/client"
)

// serve has a bank answer somewhere.
func serve(t *testing.T, b *bank) string {
	t.Helper()
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	return server.URL
}

// ownConnections is a connection pool of the test's own: closing a test server
// empties the shared one.
func ownConnections(t *testing.T) client.Option {
	t.Helper()
	own := &http.Transport{}
	t.Cleanup(own.CloseIdleConnections)
	return client.WithHTTPClient(&http.Client{Transport: own})
}

// authorizing is a client of b as an authorization server, and what it says of
// itself.
func authorizing(t *testing.T, b *bank, opts ...client.Option) (*client.OAuth2, *client.AuthorizationServer) {
	t.Helper()
	at := serve(t, b)
	if b.header == nil {
		b.header = map[string]string{"Content-Type": "application/json"}
	}
	c, err := client.NewOAuth2("PSDFR-ACPR-13807", append([]client.Option{ownConnections(t)}, opts...)...)
	require.NoError(t, err)
	return c, &client.AuthorizationServer{
		Issuer: at, AuthorizationEndpoint: at + "/oauth2/authorize?a=1", TokenEndpoint: at + "/oauth2/token",
		RevocationEndpoint: at + "/oauth2/revoke", IntrospectionEndpoint: at + "/oauth2/introspect",
	}
}

func TestDiscover(t *testing.T) {
	t.Parallel()
	b := &bank{status: http.StatusOK}
	c, server := authorizing(t, b)
	said := func(s client.AuthorizationServer) {
		body, err := json.Marshal(s)
		require.NoError(t, err)
		b.body = string(body)
	}
	said(*server)
	found, meta, err := c.Discover(t.Context(), server.Issuer)
	require.NoError(t, err)
	assert.Equal(t, server, found)
	assert.Equal(t, "/.well-known/oauth-authorization-server", b.got.URL.Path)
	assert.Equal(t, http.StatusOK, meta.Status)

	below := *server
	below.Issuer += "/a/b"
	said(below)
	_, _, err = c.Discover(t.Context(), below.Issuer)
	require.NoError(t, err)
	assert.Equal(t, "/.well-known/oauth-authorization-server/a/b", b.got.URL.Path)
	_, _, err = c.Discover(t.Context(), server.Issuer)
	require.ErrorIs(t, err, client.ErrWrongIssuer)
	_, _, err = c.ReadMetadata(t.Context(), server.Issuer+"/anywhere")
	require.NoError(t, err, "the bank itself has said where")

	for _, wrong := range []string{"", "bank.example", "ftp://bank.example", "https://bank.example?a=1", "https://bank.example#a"} {
		_, _, err := c.Discover(t.Context(), wrong)
		require.Error(t, err, wrong)
	}
	_, err = client.NewOAuth2("")
	require.Error(t, err)
}

// Addresses that are missing or not safe are not used.
func TestMetadataAreChecked(t *testing.T) {
	t.Parallel()
	b := &bank{status: http.StatusOK, header: map[string]string{"Content-Type": "application/json"}}
	secured := httptest.NewTLSServer(b)
	t.Cleanup(secured.Close)
	c, err := client.NewOAuth2("x", client.WithHTTPClient(secured.Client()))
	require.NoError(t, err)
	const good = `"authorization_endpoint":"http://localhost/a","token_endpoint":"https://bank.example/t"`
	for body, want := range map[string]string{
		`{` + good + `}`: "",
		`{"authorization_endpoint":"/a","token_endpoint":"https://bank.example/t"}`:                    "authorization_endpoint: must be http or https",
		`{"authorization_endpoint":"https://bank.example/a"}`:                                          "token_endpoint: must be http or https",
		`{"authorization_endpoint":"https://bank.example/a","token_endpoint":"http://bank.example/t"}`: "token_endpoint: must be https",
		`{` + good + `,"revocation_endpoint":"http://bank.example/r"}`:                                 "revocation_endpoint: must be https",
		`{` + good + `,"mtls_endpoint_aliases":{"introspection_endpoint":"http://bank.example/i"}}`:    "introspection_endpoint: must be https",
		`{"authorization_endpoint":"https://bank.example/%zz"}`:                                        "authorization_endpoint: ",
	} {
		b.body = body
		_, _, err := c.ReadMetadata(t.Context(), secured.URL+"/m")
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, want, body)
	}
}

func TestAuthorizeURL(t *testing.T) {
	t.Parallel()
	c, server := authorizing(t, &bank{})
	server.IssuerParameter = true
	r, err := c.AuthorizeURL(server, "", "aisp extended_transaction_history", "https://tpp.example/cb?x=1")
	require.NoError(t, err)
	u, err := url.Parse(r.URL)
	require.NoError(t, err)
	sum := sha256.Sum256([]byte(r.Verifier))
	assert.Equal(t, url.Values{
		"a": {"1"}, "response_type": {"code"}, "client_id": {"PSDFR-ACPR-13807"}, "redirect_uri": {"https://tpp.example/cb?x=1"},
		"scope": {"aisp extended_transaction_history"}, "state": {r.State},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}, u.Query())
	assert.Regexp(t, `^[A-Za-z0-9_-]{43}$`, r.Verifier)
	assert.GreaterOrEqual(t, len(r.State), 26)
	again, err := c.AuthorizeURL(server, "mine", "aisp", "https://tpp.example/cb")
	require.NoError(t, err)
	assert.Equal(t, "mine", again.State)
	assert.NotEqual(t, r.Verifier, again.Verifier)
	_, err = c.AuthorizeURL(&client.AuthorizationServer{}, "", "aisp", "https://tpp.example/cb")
	require.Error(t, err)
}

func TestWhatTheBrowserBrings(t *testing.T) {
	t.Parallel()
	const issuer = "https://bank.example"
	for name, c := range map[string]struct {
		query, issuer string
		code          string
		want          error
		oauth         string
	}{
		"a code":                     {"state=s&code=c", "", "c", nil, ""},
		"a code and its issuer":      {"state=s&code=c&iss=" + issuer, issuer, "c", nil, ""},
		"another issuer":             {"state=s&code=c&iss=https://evil.example", issuer, "", client.ErrWrongIssuer, ""},
		"no issuer where it says it": {"state=s&code=c", issuer, "", client.ErrWrongIssuer, ""},
		"another request's":          {"state=t&code=c", "", "", client.ErrWrongState, ""},
		"no state":                   {"code=c", "", "", client.ErrWrongState, ""},
		"an error":                   {"state=s&error=access_denied&error_description=no", "", "", nil, "access_denied"},
		"an error of another":        {"state=t&error=access_denied", "", "", client.ErrWrongState, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			query, err := url.ParseQuery(c.query)
			require.NoError(t, err)
			r := client.AuthorizationRequest{State: "s", Issuer: c.issuer}
			code, err := r.Code(query)
			assert.Equal(t, c.code, code)
			if c.oauth != "" {
				refused, ok := errors.AsType[*client.OAuth2Error](err)
				require.True(t, ok)
				assert.Equal(t, c.oauth, refused.Code)
				require.EqualError(t, err, "the browser came back with an error: access_denied: no")
				return
			}
			require.ErrorIs(t, err, c.want)
		})
	}
	_, err := (&client.AuthorizationRequest{State: "s"}).Code(url.Values{"state": {"s"}})
	require.ErrorContains(t, err, "neither a code nor an error")
}

func TestTokenCalls(t *testing.T) {
	t.Parallel()
	b := &bank{status: http.StatusOK, body: `{"access_token":"a","token_type":"bearer","expires_in":600,"refresh_token":"r","scope":"aisp"}`}
	c, server := authorizing(t, b)
	got := func(path string) url.Values {
		t.Helper()
		require.Equal(t, "POST "+path, b.got.Method+" "+b.got.URL.Path)
		require.Equal(t, "application/x-www-form-urlencoded", b.got.Header.Get("Content-Type"))
		require.Regexp(t, uuid4, b.got.Header.Get("X-Request-ID"))
		form, err := url.ParseQuery(b.gotBody)
		require.NoError(t, err)
		return form
	}
	tokens, _, err := c.Exchange(t.Context(), server, &client.AuthorizationRequest{Verifier: "v", RedirectURI: "https://tpp.example/cb"}, "c+/")
	require.NoError(t, err)
	assert.Equal(t, &client.Tokens{AccessToken: "a", TokenType: "bearer", ExpiresIn: 600, RefreshToken: "r", Scope: "aisp"}, tokens)
	assert.Equal(t, `tokens for "aisp" tokens for "aisp"`, fmt.Sprintf("%v %#v", tokens, *tokens), "for logs")
	assert.Equal(t, url.Values{
		"grant_type": {"authorization_code"}, "client_id": {"PSDFR-ACPR-13807"}, "code": {"c+/"}, "code_verifier": {"v"}, "redirect_uri": {"https://tpp.example/cb"},
	}, got("/oauth2/token"))

	_, _, err = c.Refresh(t.Context(), server, "r", "")
	require.NoError(t, err)
	assert.Equal(t, url.Values{"grant_type": {"refresh_token"}, "client_id": {"PSDFR-ACPR-13807"}, "refresh_token": {"r"}}, got("/oauth2/token"))
	_, _, err = c.Refresh(t.Context(), server, "r", "aisp")
	require.NoError(t, err)
	assert.Equal(t, []string{"aisp"}, got("/oauth2/token")["scope"])

	b.body = `{"active":true,"scope":"aisp","exp":1777890630,"cnf":{"x5t#S256":"h"}}`
	state, _, err := c.Introspect(t.Context(), server, "a")
	require.NoError(t, err)
	assert.Equal(t, &client.TokenState{Active: true, Scope: "aisp", ExpiresAt: 1777890630, Confirmation: &client.TokenBinding{Certificate: "h"}}, state)
	assert.Equal(t, url.Values{"token": {"a"}, "client_id": {"PSDFR-ACPR-13807"}}, got("/oauth2/introspect"))

	b.body = ""
	_, err = c.Revoke(t.Context(), server, "r")
	require.NoError(t, err)
	assert.Equal(t, url.Values{"token": {"r"}, "client_id": {"PSDFR-ACPR-13807"}}, got("/oauth2/revoke"))

	// Certificates are shown elsewhere, where the server says so.
	server.Aliases = &client.ServerEndpoints{Revocation: server.Issuer + "/mtls/revoke"}
	_, err = c.Revoke(t.Context(), server, "r")
	require.NoError(t, err)
	got("/mtls/revoke")

	calls := b.calls
	_, err = c.Revoke(t.Context(), &client.AuthorizationServer{}, "r")
	require.ErrorIs(t, err, client.ErrNoEndpoint)
	_, _, err = c.Introspect(t.Context(), &client.AuthorizationServer{}, "r")
	require.ErrorIs(t, err, client.ErrNoEndpoint)
	assert.Equal(t, calls, b.calls)
}

func TestTokensThatAreNone(t *testing.T) {
	t.Parallel()
	b := &bank{status: http.StatusOK}
	c, server := authorizing(t, b)
	for _, body := range []string{`{}`, `{"access_token":"s3cret","token_type":"mac"}`, `{"token_type":"Bearer"}`} {
		b.body = body
		_, _, err := c.Refresh(t.Context(), server, "r", "")
		require.ErrorContains(t, err, "no bearer token")
		require.NotContains(t, err.Error(), "s3cret")
	}
}

// A refusal has its code, nothing of what was sent, and is never asked for twice: a
// code that comes again may end what was given for it.
func TestTokenErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status      int
		media, body string
		code, text  string
	}{
		"a code":  {http.StatusBadRequest, "application/json", `{"error":"invalid_grant","error_description":"it is used up"}`, "invalid_grant", "oauth2 answered 400 (request r-1): invalid_grant: it is used up"},
		"a page":  {http.StatusBadGateway, "text/html", `<h1>no</h1>`, "", "oauth2 answered 502 (request r-1)"},
		"nothing": {http.StatusServiceUnavailable, "application/json", ``, "", "oauth2 answered 503 (request r-1)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &bank{status: c.status, body: c.body, header: map[string]string{"Content-Type": c.media, "Retry-After": "1"}}
			oauth, server := authorizing(t, b, client.WithRetry(client.Retry{Times: 3, MaxWait: time.Second, Writes: true}))
			_, meta, err := oauth.Exchange(t.Context(), server, &client.AuthorizationRequest{Verifier: "s3cret"}, "s3cret", client.CallOptions{RequestID: "r-1"})
			refused, ok := errors.AsType[*client.OAuth2Error](err)
			require.True(t, ok, err)
			assert.Equal(t, []any{c.status, c.code, time.Second}, []any{refused.Status, refused.Code, refused.RetryAfter})
			assert.Equal(t, c.status, meta.Status)
			require.EqualError(t, err, c.text)
			assert.Equal(t, 1, b.calls)
		})
	}
}
