package staff_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/secret"
	"consentd/internal/staff"
)

func TestLogIn(t *testing.T) {
	t.Parallel()
	w := setup(t)
	_, err := w.who()
	require.ErrorIs(t, err, staff.ErrNobody)

	asked := w.begin()
	require.Equal(t, "code", asked.Get("response_type"))
	require.Equal(t, "openid", asked.Get("scope"))
	require.Equal(t, "S256", asked.Get("code_challenge_method"))
	require.Equal(t, callback, asked.Get("redirect_uri"))
	require.Len(t, asked.Get("state"), 43)
	require.Len(t, asked.Get("nonce"), 43)
	back, err := w.finish(returned(asked))
	require.NoError(t, err)
	require.Equal(t, "/back-office/bulk", back)
	digest := sha256.Sum256([]byte(w.provider.form.Get("code_verifier")))
	require.Equal(t, asked.Get("code_challenge"), base64.RawURLEncoding.EncodeToString(digest[:]))

	session, err := w.who()
	require.NoError(t, err)
	require.Equal(t, staff.Person{Subject: "sam", Name: "Sam Supervisor", Roles: []staff.Role{staff.Supervisor}}, session.Person)
	require.Equal(t, "staff/sam", session.Who())
	require.True(t, session.Moves())
	require.True(t, session.Supervises())

	require.Len(t, w.jar, 1, "the trip is over")
	c := w.jar["__Host-consentd-staff"]
	require.NotNil(t, c)
	require.True(t, c.HttpOnly)
	require.True(t, c.Secure)
	require.Equal(t, http.SameSiteLaxMode, c.SameSite)
	require.Equal(t, "/", c.Path)
	sealed, err := base64.RawURLEncoding.DecodeString(c.Value)
	require.NoError(t, err)
	require.NotContains(t, string(sealed), "Sam Supervisor")

	_, err = w.finish(returned(asked))
	require.ErrorIs(t, err, staff.ErrReturn, "a return works once")
}

func TestReturnsThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(w world, fields url.Values)
		want   error
	}{
		"another state":                  {func(_ world, f url.Values) { f.Set("state", secret.Handle()) }, staff.ErrReturn},
		"no state":                       {func(_ world, f url.Values) { f.Del("state") }, staff.ErrReturn},
		"another issuer":                 {func(_ world, f url.Values) { f.Set("iss", "https://evil.example") }, staff.ErrReturn},
		"no issuer, which was promised":  {func(_ world, f url.Values) { f.Del("iss") }, staff.ErrReturn},
		"no code":                        {func(_ world, f url.Values) { f.Del("code") }, staff.ErrReturn},
		"another browser":                {func(w world, _ url.Values) { clear(w.jar) }, staff.ErrReturn},
		"a cookie of one's own making":   {func(w world, _ url.Values) { w.jar["__Host-consentd-staff-login"].Value = "e30" }, staff.ErrReturn},
		"too late":                       {func(w world, _ url.Values) { *w.now = noon.Add(10 * time.Minute) }, staff.ErrReturn},
		"a code that is spent":           {func(w world, _ url.Values) { w.provider.fault = "invalid_grant" }, staff.ErrReturn},
		"our client is not known":        {func(w world, _ url.Values) { w.provider.fault = "invalid_client" }, staff.ErrRequest},
		"the token endpoint breaks":      {func(w world, _ url.Values) { w.provider.status = http.StatusBadGateway }, staff.ErrProvider},
		"the provider goes down":         {func(w world, _ url.Values) { w.provider.down = true }, staff.ErrProvider},
		"the person has said no":         {func(_ world, f url.Values) { f.Set("error", "access_denied") }, staff.ErrDenied},
		"the provider wants another way": {func(_ world, f url.Values) { f.Set("error", "login_required") }, staff.ErrDenied},
		"the provider refuses us":        {func(_ world, f url.Values) { f.Set("error", "unauthorized_client") }, staff.ErrRequest},
		"the provider says it is down":   {func(_ world, f url.Values) { f.Set("error", "temporarily_unavailable") }, staff.ErrProvider},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			fields := returned(w.begin())
			c.change(w, fields)
			_, err := w.finish(fields)
			require.ErrorIs(t, err, c.want)
			_, err = w.who()
			require.ErrorIs(t, err, staff.ErrNobody)
		})
	}
}

func TestTokensThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(t *testing.T, w world)
		want   error
	}{
		"another nonce":          {claim("nonce", "n"), staff.ErrToken},
		"no nonce":               {claim("nonce", ""), staff.ErrToken},
		"another audience":       {claim("aud", "other"), staff.ErrToken},
		"another issuer":         {claim("iss", "https://evil.example"), staff.ErrToken},
		"expired":                {claim("exp", noon.Add(-time.Second).Unix()), staff.ErrToken},
		"issued in the future":   {claim("iat", noon.Add(time.Hour).Unix()), staff.ErrToken},
		"several audiences":      {claim("aud", []string{"office", "other"}), staff.ErrToken},
		"for another party":      {claim("azp", "other"), staff.ErrToken},
		"no subject":             {claim("sub", ""), staff.ErrToken},
		"a long subject":         {claim("sub", strings.Repeat("x", 256)), staff.ErrToken},
		"a subject of two words": {claim("sub", "sam x"), staff.ErrToken},
		"another key":            {func(t *testing.T, w world) { t.Helper(); w.provider.signer = newKey(t) }, staff.ErrToken},
		"no group":               {claim("groups", []string{}), staff.ErrNoRole},
		"groups without a role":  {claim("groups", []string{"others"}), staff.ErrNoRole},
		"groups of another kind": {claim("groups", map[string]bool{"supervisors": true}), staff.ErrNoRole},
		"no claim of groups":     {claim("groups", nil), staff.ErrNoRole},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			fields := returned(w.begin())
			c.change(t, w)
			_, err := w.finish(fields)
			require.ErrorIs(t, err, c.want)
			_, err = w.who()
			require.ErrorIs(t, err, staff.ErrNobody)
		})
	}
}

func claim(name string, value any) func(*testing.T, world) {
	return func(_ *testing.T, w world) { w.provider.claims[name] = value }
}

func TestRoles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		groups any
		want   []staff.Role
	}{
		"one":             {[]string{"branch"}, []staff.Role{staff.Care}},
		"one as text":     {"audit", []staff.Role{staff.Auditor}},
		"several":         {[]string{"audit", "care"}, []staff.Role{staff.Care, staff.Auditor}},
		"the same twice":  {[]string{"care", "branch"}, []staff.Role{staff.Care}},
		"among many":      {append(make([]string, 500), "audit"), []staff.Role{staff.Auditor}},
		"in other letter": {[]string{"care", "AUDIT"}, []staff.Role{staff.Care}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			fields := returned(w.begin())
			w.provider.claims["groups"] = c.groups
			_, err := w.finish(fields)
			require.NoError(t, err)
			session, err := w.who()
			require.NoError(t, err)
			require.Equal(t, c.want, session.Roles)
		})
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	w := setup(t)
	_, err := w.finish(returned(w.begin()))
	require.NoError(t, err)
	*w.now = noon.Add(14 * time.Minute)
	_, err = w.who()
	require.NoError(t, err)
	*w.now = noon.Add(28 * time.Minute)
	_, err = w.who()
	require.NoError(t, err, "what is used goes on")
	*w.now = noon.Add(43 * time.Minute)
	_, err = w.who()
	require.ErrorIs(t, err, staff.ErrNobody, "idle")
	require.Empty(t, w.jar)

	*w.now = noon
	_, err = w.finish(returned(w.begin()))
	require.NoError(t, err)
	for at := time.Duration(0); at < 8*time.Hour; at += 14 * time.Minute {
		*w.now = noon.Add(at)
		_, err = w.who()
		require.NoError(t, err, at)
	}
	*w.now = noon.Add(8 * time.Hour)
	_, err = w.who()
	require.ErrorIs(t, err, staff.ErrNobody, "no session is longer")
}

func TestLeaveAndTell(t *testing.T) {
	t.Parallel()
	w := setup(t)
	_, err := w.finish(returned(w.begin()))
	require.NoError(t, err)
	session, err := w.who()
	require.NoError(t, err)
	rec := httptest.NewRecorder()
	require.NoError(t, w.Tell(rec, w.request("/"), session, "done"))
	w.keep(rec)
	for _, want := range []string{"done", ""} {
		session, err = w.who()
		require.NoError(t, err)
		require.Equal(t, want, session.Notice, "once")
	}
	rec = httptest.NewRecorder()
	w.Leave(rec, w.request("/"))
	w.keep(rec)
	_, err = w.who()
	require.ErrorIs(t, err, staff.ErrNobody)
}

func TestTokensOfForms(t *testing.T) {
	t.Parallel()
	w := setup(t)
	_, err := w.finish(returned(w.begin()))
	require.NoError(t, err)
	one, err := w.who()
	require.NoError(t, err)
	_, err = w.finish(returned(w.begin()))
	require.NoError(t, err)
	other, err := w.who()
	require.NoError(t, err)
	require.True(t, w.Genuine(one, w.Token(one)))
	require.False(t, w.Genuine(one, w.Token(other)), "of another session of the same person")
	require.False(t, w.Genuine(one, ""))
}

// A session does not open as a trip, nor a trip as a session.
func TestCookiesAreForOneThing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	asked := w.begin()
	w.jar["__Host-consentd-staff"] = &http.Cookie{Name: "__Host-consentd-staff", Value: w.jar["__Host-consentd-staff-login"].Value}
	_, err := w.who()
	require.ErrorIs(t, err, staff.ErrNobody)
	_, err = w.finish(returned(asked))
	require.NoError(t, err)
}

func TestProvider(t *testing.T) {
	t.Parallel()
	for name, meta := range map[string]map[string]any{
		"another issuer":       {"issuer": "https://other.example"},
		"an open endpoint":     {"token_endpoint": "http://login.bank.example/token"},
		"keys over http":       {"jwks_uri": "http://elsewhere.example/jwks"},
		"no secret is taken":   {"token_endpoint_auth_methods_supported": []string{"private_key_jwt"}},
		"members of odd types": {"token_endpoint_auth_methods_supported": 7},
	} {
		w := setup(t)
		w.provider.meta = meta
		_, err := w.Begin(httptest.NewRecorder(), w.request("/"), "/")
		require.ErrorIs(t, err, staff.ErrProvider, name)
	}

	w := setup(t)
	w.provider.down = true
	_, err := w.Begin(httptest.NewRecorder(), w.request("/"), "/")
	require.ErrorIs(t, err, staff.ErrProvider)
	require.NotContains(t, err.Error(), "login.bank.example")
	w.provider.down = false
	w.begin()
	w.begin()
	require.Len(t, w.provider.asked, 2, "a failure is not kept, a success for an hour")
	*w.now, w.provider.down = noon.Add(time.Hour), true
	w.begin()
	require.Len(t, w.provider.asked, 3, "it was looked up anew, and the former one does")
}

func TestConfigurationsThatAreWrong(t *testing.T) {
	t.Parallel()
	keys, err := secret.New(secret.NewMaster())
	require.NoError(t, err)
	for name, c := range map[string]struct {
		change func(*staff.Config)
		says   string
	}{
		"issuer over http":  {func(c *staff.Config) { c.Issuer = "http://login.bank.example" }, "issuer"},
		"issuer with query": {func(c *staff.Config) { c.Issuer = issuer + "?a=b" }, "issuer"},
		"no redirect URL":   {func(c *staff.Config) { c.RedirectURL = "" }, "redirect URL"},
		"no client":         {func(c *staff.Config) { c.ClientID = "" }, "client"},
		"no secret":         {func(c *staff.Config) { c.ClientSecret = "" }, "client"},
		"no keys":           {func(c *staff.Config) { c.Keys = nil }, "keys"},
		"no groups":         {func(c *staff.Config) { c.Groups = nil }, "no group"},
		"an unknown role":   {func(c *staff.Config) { c.Groups = map[staff.Role][]string{"boss": {"x"}} }, "boss"},
	} {
		cfg := staff.Config{
			Issuer: issuer, ClientID: "office", ClientSecret: "hidden", RedirectURL: callback,
			Groups: map[staff.Role][]string{staff.Care: {"care"}}, Keys: keys, Now: func() time.Time { return noon },
		}
		_, err := staff.New(cfg)
		require.NoError(t, err)
		c.change(&cfg)
		_, err = staff.New(cfg)
		require.ErrorContains(t, err, c.says, name)
	}
}
