package faults

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/stretchr/testify/require"
)

// pathAuthorize is where authorization requests go, and under it those come back
// whose PSU has answered.
const pathAuthorize = "/oauth2/authorize"

// The TPP that connects: its client_id and its redirect_uri.
const (
	clientID   = "PSDXX-SANDBOX-CONNECTOR"
	clientBack = "https://tpp.example/cb"
)

// onward is where the button of a page leads.
var onward = regexp.MustCompile(`href="([^"]+/oauth2/authorize/[^"]+)"`)

// client is a TPP that connects LEA by OAuth2.
type client struct {
	*world

	verifier, code  string
	access, refresh string
}

// connected is a PSU who connects a TPP, which refreshes its access token, uses it and
// gives it back; and one for whose code somebody brings the wrong verifier. What a crash has come between may have to begin anew, once.
func connected(w *world) {
	w.t.Helper()
	c := &client{world: w}
	got := w.tell(http.MethodPost, "/sandbox/tpps", map[string]any{"name": "connector", "redirectUris": []string{clientBack}})
	require.Less(w.t, got.status, 300, got.body)
	c.insists(func() bool { return c.asks() && c.redeems() })
	require.NotEmpty(w.t, c.access)
	require.Equal(w.t, bare(), (&holder{world: w, token: c.access}).list())

	former := c.access
	require.True(w.t, c.takes("grant_type", "refresh_token", "refresh_token", c.refresh))
	require.NotEqual(w.t, former, c.access)
	require.Equal(w.t, bare(), (&holder{world: w, token: c.access}).list())

	got = c.post("/oauth2/revoke", "token", c.refresh)
	require.Equal(w.t, http.StatusOK, got.status, got.body)
	r, _ := (&holder{world: w, token: c.access}).call(http.MethodGet, "/accounts", "")
	require.Equal(w.t, http.StatusUnauthorized, w.send(w.http, r, "").status)

	c.insists(c.asks)
	right := c.verifier
	c.verifier = rand.Text() + rand.Text()
	require.False(w.t, c.redeems())
	c.verifier = right
	require.False(w.t, c.redeems(), "a wrong guess uses the code up")
}

// insists begins anew, once, what a crash has come between.
func (c *client) insists(on func() bool) {
	c.t.Helper()
	for range 2 {
		before := c.deaths
		if on() {
			return
		}
		require.Greater(c.t, c.deaths, before, "in vain, without a crash")
	}
}

// asks sends the PSU's browser, which is to bring a code, and reports whether it does.
func (c *client) asks() bool {
	c.t.Helper()
	c.verifier = rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(c.verifier))
	u := c.open(public+pathAuthorize+"?"+url.Values{
		"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {clientBack}, "scope": {"aisp"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}.Encode(), "lea", leaIBAN)
	u.back = public + pathAuthorize + "/"
	require.True(c.t, strings.HasPrefix(u.to, public+"/sca/"), "%d %s", u.status, u.body)
	u.follows()
	u.goes("")
	if u.page == "problem" { // with a way back, as goes asserts
		u.to = html.UnescapeString(onward.FindStringSubmatch(u.body)[1])
	}
	u.follows()
	_, query, _ := strings.Cut(u.to, "?")
	said, err := url.ParseQuery(query)
	require.NoError(c.t, err)
	c.code = said.Get("code")
	return c.code != ""
}

// follows goes where the last answer led.
func (u *psu) follows() {
	u.t.Helper()
	u.link = u.to
	u.look()
}

// redeems changes the code for tokens.
func (c *client) redeems() bool {
	c.t.Helper()
	return c.takes("grant_type", "authorization_code", "code", c.code, "redirect_uri", clientBack, "code_verifier", c.verifier)
}

// takes asks for tokens, and reports whether there are some. Nothing but that the code
// was used or is gone may be said against it.
func (c *client) takes(params ...string) bool {
	c.t.Helper()
	got := c.post("/oauth2/token", params...)
	var said struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Error   string `json:"error"`
	}
	got.into(c.t, &said)
	if got.status != http.StatusOK {
		require.Equal(c.t, []any{http.StatusBadRequest, "invalid_grant"}, []any{got.status, said.Error})
		return false
	}
	c.access = said.Access
	if said.Refresh != "" {
		c.refresh = said.Refresh
	}
	return true
}

// post sends a form.
func (c *client) post(path string, params ...string) answer {
	c.t.Helper()
	form := url.Values{"client_id": {clientID}}
	for i := 0; i < len(params); i += 2 {
		form.Set(params[i], params[i+1])
	}
	return c.call(http.MethodPost, path, form.Encode(), http.Header{
		"Content-Type": {"application/x-www-form-urlencoded"}, "X-Sandbox-Tpp": {"connector"},
	})
}
