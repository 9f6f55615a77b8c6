package idp_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/stretchr/testify/require"

	"consentd/internal/sandbox/idp"
)

const (
	origin   = "http://localhost:8080"
	redirect = origin + "/back-office/callback"
	verifier = "a-verifier-that-is-at-least-43-characters-long-x"
)

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// world is a provider with its clock.
type world struct {
	*idp.Provider

	t   *testing.T
	now *time.Time
}

func setup(t *testing.T, public string) world {
	t.Helper()
	now := noon
	p, err := idp.New(public, func() time.Time { return now }, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return world{p, t, &now}
}

func (w world) call(method, target string, form url.Values, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(w.t.Context(), method, origin+target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, f := range change {
		f(r)
	}
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	return rec
}

// asked is a good request for authentication, with changes.
func asked(changes ...string) url.Values {
	digest := sha256.Sum256([]byte(verifier))
	v := url.Values{
		"client_id": {idp.ClientID}, "redirect_uri": {redirect}, "response_type": {"code"}, "scope": {"openid"}, "state": {`s"><b>`}, "nonce": {"n"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(digest[:])}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(changes); i += 2 {
		v.Set(changes[i], changes[i+1])
	}
	return v
}

// code logs somebody in.
func (w world) code(person string) string {
	rec := w.call(http.MethodPost, idp.Path+"/authorize", asked("person", person))
	require.Equal(w.t, http.StatusSeeOther, rec.Code)
	back, err := url.Parse(rec.Header().Get("Location"))
	require.NoError(w.t, err)
	require.Equal(w.t, origin+idp.Path, back.Query().Get("iss"))
	require.Equal(w.t, `s"><b>`, back.Query().Get("state"))
	require.NotEmpty(w.t, back.Query().Get("code"))
	return back.Query().Get("code")
}

func exchange(code string, changes ...string) url.Values {
	v := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirect}, "code_verifier": {verifier}}
	for i := 0; i < len(changes); i += 2 {
		v.Set(changes[i], changes[i+1])
	}
	return v
}

func client(r *http.Request) { r.SetBasicAuth(idp.ClientID, idp.ClientSecret) }

func TestTokens(t *testing.T) {
	t.Parallel()
	w := setup(t, "")
	ctx := oidc.ClientContext(t.Context(), w.Client())
	provider, err := oidc.NewProvider(ctx, origin+idp.Path)
	require.NoError(t, err)
	for person, group := range map[string]string{"mia": "care", "sam": "supervisors", "ada": "auditors"} {
		rec := w.call(http.MethodPost, idp.Path+"/token", exchange(w.code(person)), client)
		require.Equal(t, http.StatusOK, rec.Code)
		var body struct {
			ID string `json:"id_token"`
		}
		require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &body))
		token, err := provider.Verifier(&oidc.Config{ClientID: idp.ClientID, Now: func() time.Time { return noon }}).Verify(ctx, body.ID)
		require.NoError(t, err)
		var claims struct {
			Name   string   `json:"name"`
			Groups []string `json:"groups"`
		}
		require.NoError(t, token.Claims(&claims))
		require.Equal(t, person, token.Subject)
		require.Equal(t, "n", token.Nonce)
		require.Equal(t, []string{group}, claims.Groups)
		require.True(t, strings.HasPrefix(claims.Name, strings.ToUpper(person[:1])+person[1:]))
	}
}

func TestExchangesThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		changes []string
		who     func(*http.Request)
		later   time.Duration
		want    string
	}{
		"another code":        {[]string{"code", "x"}, client, 0, "invalid_grant"},
		"another verifier":    {[]string{"code_verifier", "x"}, client, 0, "invalid_grant"},
		"another address":     {[]string{"redirect_uri", "https://evil.example"}, client, 0, "invalid_grant"},
		"another grant":       {[]string{"grant_type", "password"}, client, 0, "unsupported_grant_type"},
		"too late":            {nil, client, time.Minute, "invalid_grant"},
		"no client":           {nil, func(*http.Request) {}, 0, "invalid_client"},
		"another password":    {nil, func(r *http.Request) { r.SetBasicAuth(idp.ClientID, "x") }, 0, "invalid_client"},
		"under another issue": {nil, func(r *http.Request) { client(r); r.Host = "127.0.0.1:8080" }, 0, "invalid_grant"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, "")
			form := exchange(w.code("mia"), c.changes...)
			*w.now = noon.Add(c.later)
			rec := w.call(http.MethodPost, idp.Path+"/token", form, c.who)
			require.GreaterOrEqual(t, rec.Code, http.StatusBadRequest)
			require.JSONEq(t, `{"error":"`+c.want+`"}`, rec.Body.String())
		})
	}
	w := setup(t, "")
	code := w.code("mia")
	require.Equal(t, http.StatusOK, w.call(http.MethodPost, idp.Path+"/token", exchange(code), client).Code)
	require.Equal(t, http.StatusBadRequest, w.call(http.MethodPost, idp.Path+"/token", exchange(code), client).Code, "a code works once")
}

func TestRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := setup(t, "")
	for name, v := range map[string]url.Values{
		"another client":  asked("client_id", "other"),
		"another address": asked("redirect_uri", "https://evil.example/back-office/callback"),
		"no address":      asked("redirect_uri", ""),
	} {
		for _, rec := range []*httptest.ResponseRecorder{
			w.call(http.MethodGet, idp.Path+"/authorize?"+v.Encode(), nil), w.call(http.MethodPost, idp.Path+"/authorize", v),
		} {
			require.Equal(t, http.StatusBadRequest, rec.Code, name)
			require.Empty(t, rec.Header().Get("Location"), "nobody is sent to where nobody knows")
		}
	}
	for want, v := range map[string]url.Values{
		"unsupported_response_type": asked("response_type", "token"),
		"invalid_scope":             asked("scope", "profile"),
		"invalid_request":           asked("code_challenge_method", "plain"),
	} {
		rec := w.call(http.MethodGet, idp.Path+"/authorize?"+v.Encode(), nil)
		require.Equal(t, http.StatusSeeOther, rec.Code)
		require.Contains(t, rec.Header().Get("Location"), "error="+want)
	}
	rec := w.call(http.MethodPost, idp.Path+"/authorize", asked("person", "eve"))
	require.Contains(t, rec.Header().Get("Location"), "error=access_denied")
}

func TestPage(t *testing.T) {
	t.Parallel()
	w := setup(t, "")
	rec := w.call(http.MethodGet, idp.Path+"/authorize?"+asked().Encode(), nil)
	require.Equal(t, http.StatusOK, rec.Code)
	for _, p := range idp.People() {
		require.Contains(t, rec.Body.String(), p.Name)
	}
	require.Contains(t, rec.Body.String(), "s&#34;&gt;&lt;b&gt;", "what came is escaped")
	require.Contains(t, rec.Header().Get("Content-Security-Policy"), "default-src 'none'")
	require.Equal(t, http.StatusOK, w.call(http.MethodGet, idp.Path+"/style.css", nil).Code)
}

func TestWhere(t *testing.T) {
	t.Parallel()
	w := setup(t, "https://sandbox.example/")
	issuer, back := w.Here(httptest.NewRequestWithContext(t.Context(), http.MethodGet, origin, http.NoBody))
	require.Equal(t, "https://sandbox.example/sandbox/idp", issuer)
	require.Equal(t, "https://sandbox.example/back-office/callback", back)
	provider, err := oidc.NewProvider(oidc.ClientContext(t.Context(), w.Client()), issuer)
	require.NoError(t, err, "no network is needed")
	require.Equal(t, issuer+"/token", provider.Endpoint().TokenURL)

	_, err = w.Client().Get(origin + "/back-office") //nolint:bodyclose // there is no answer
	require.ErrorContains(t, err, "no page")
}
