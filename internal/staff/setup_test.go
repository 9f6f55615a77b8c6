package staff_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/stretchr/testify/require"

	"consentd/internal/secret"
	"consentd/internal/staff"
)

const (
	issuer   = "https://login.bank.example"
	callback = "https://bo.bank.example/back-office/callback"
)

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// forger is a provider that says whatever it is told to.
type forger struct {
	t      *testing.T
	key    jwk.Key
	signer jwk.Key        // another one than key, where a token is to be forged
	claims map[string]any // of the next ID token
	form   url.Values     // of the last exchange
	status int            // of the token endpoint; 0: 200
	fault  string         // error of the token endpoint
	down   bool
	meta   map[string]any // overrides the description
	asked  []string       // paths
}

func newKey(t *testing.T) jwk.Key {
	t.Helper()
	raw, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	key, err := jwk.Import(raw)
	require.NoError(t, err)
	require.NoError(t, key.Set(jwk.KeyIDKey, "k1"))
	require.NoError(t, key.Set(jwk.AlgorithmKey, jwa.ES256()))
	return key
}

// RoundTrip implements http.RoundTripper.
func (f *forger) RoundTrip(r *http.Request) (*http.Response, error) {
	f.asked = append(f.asked, r.URL.Path)
	if f.down {
		return nil, errors.New("connection refused")
	}
	status, body := http.StatusOK, any(nil)
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		meta := map[string]any{
			"issuer": issuer, "authorization_endpoint": issuer + "/authorize", "token_endpoint": issuer + "/token", "jwks_uri": issuer + "/jwks",
			"id_token_signing_alg_values_supported": []string{"ES256"}, "authorization_response_iss_parameter_supported": true,
		}
		maps.Copy(meta, f.meta)
		body = meta
	case "/jwks":
		public, err := jwk.PublicKeyOf(f.key)
		require.NoError(f.t, err)
		body = map[string]any{"keys": []any{public}}
	case "/token":
		raw, err := io.ReadAll(r.Body)
		require.NoError(f.t, err)
		f.form, err = url.ParseQuery(string(raw))
		require.NoError(f.t, err)
		id, password, _ := r.BasicAuth()
		require.Equal(f.t, "office", id)
		require.Equal(f.t, "hidden", password)
		if f.fault != "" || f.status != 0 {
			status, body = max(f.status, http.StatusBadRequest), map[string]string{"error": f.fault}
			break
		}
		payload, err := json.Marshal(f.claims)
		require.NoError(f.t, err)
		signer := f.signer
		if signer == nil {
			signer = f.key
		}
		signed, err := jws.Sign(payload, jws.WithKey(jwa.ES256(), signer))
		require.NoError(f.t, err)
		body = map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": string(signed)}
	default:
		status = http.StatusNotFound
	}
	text, err := json.Marshal(body)
	require.NoError(f.t, err)
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(text)), Request: r,
	}, nil
}

// world is a Staff, its provider and a browser.
type world struct {
	*staff.Staff

	provider *forger
	now      *time.Time
	jar      map[string]*http.Cookie
	t        *testing.T
}

func setup(t *testing.T) world {
	t.Helper()
	keys, err := secret.New(secret.NewMaster())
	require.NoError(t, err)
	now := noon
	f := &forger{t: t, key: newKey(t)}
	s, err := staff.New(staff.Config{
		Issuer: issuer, ClientID: "office", ClientSecret: "hidden", RedirectURL: callback,
		Groups: map[staff.Role][]string{staff.Care: {"care", "branch"}, staff.Supervisor: {"supervisors"}, staff.Auditor: {"audit"}},
		Keys:   keys, Now: func() time.Time { return now }, HTTP: &http.Client{Transport: f},
		Secure: func(*http.Request) bool { return true },
	})
	require.NoError(t, err)
	return world{Staff: s, provider: f, now: &now, jar: map[string]*http.Cookie{}, t: t}
}

// request is one of the browser's.
func (w world) request(target string) *http.Request {
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, target, http.NoBody)
	for _, c := range w.jar {
		r.AddCookie(c)
	}
	return r
}

// keep takes the cookies of an answer.
func (w world) keep(rec *httptest.ResponseRecorder) {
	for _, c := range rec.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(w.jar, c.Name)
			continue
		}
		w.jar[c.Name] = c
	}
}

// begin begins a log-in, and returns what was asked of the provider.
func (w world) begin() url.Values {
	rec := httptest.NewRecorder()
	address, err := w.Begin(rec, w.request("/back-office/login"), "/back-office/bulk")
	require.NoError(w.t, err)
	w.keep(rec)
	u, err := url.Parse(address)
	require.NoError(w.t, err)
	require.Equal(w.t, issuer+"/authorize", u.Scheme+"://"+u.Host+u.Path)
	asked := u.Query()
	w.provider.claims = map[string]any{
		"iss": issuer, "sub": "sam", "aud": "office", "iat": w.now.Unix(), "exp": w.now.Add(time.Minute).Unix(),
		"nonce": asked.Get("nonce"), "name": "Sam Supervisor", "groups": []string{"others", "supervisors"},
	}
	return asked
}

// finish returns from the provider.
func (w world) finish(fields url.Values) (string, error) {
	rec := httptest.NewRecorder()
	back, err := w.Finish(rec, w.request("/back-office/callback?"+fields.Encode()))
	w.keep(rec)
	return back, err
}

func returned(asked url.Values) url.Values {
	return url.Values{"code": {"c"}, "state": {asked.Get("state")}, "iss": {issuer}}
}

// who is the browser's session.
func (w world) who() (*staff.Session, error) {
	rec := httptest.NewRecorder()
	session, err := w.Who(rec, w.request("/back-office"))
	w.keep(rec)
	return session, err
}
