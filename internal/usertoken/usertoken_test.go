package usertoken_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/usertoken"
)

var now = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

type people map[string]string

func (p people) User(_ context.Context, psu string) (string, error) {
	if psu == "down" {
		return "", consent.E(consent.CodeUnavailable, "the bank does not answer")
	}
	if id, known := p[psu]; known {
		return id, nil
	}
	return "", consent.E(consent.CodeNotFound, "no such PSU")
}

// session signs for users.
type session struct {
	t         *testing.T
	key       jwk.Key
	algorithm jwa.SignatureAlgorithm
}

func newSession(t *testing.T, id string) session {
	t.Helper()
	raw, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return sessionBy(t, id, raw, jwa.ES256())
}

func sessionBy(t *testing.T, id string, raw any, algorithm jwa.SignatureAlgorithm) session {
	t.Helper()
	key, err := jwk.Import(raw)
	require.NoError(t, err)
	if id != "" {
		require.NoError(t, key.Set(jwk.KeyIDKey, id))
	}
	return session{t, key, algorithm}
}

func (s session) jwks() []byte {
	s.t.Helper()
	public, err := s.key.PublicKey()
	require.NoError(s.t, err)
	set := jwk.NewSet()
	require.NoError(s.t, set.AddKey(public))
	raw, err := json.Marshal(set)
	require.NoError(s.t, err)
	return raw
}

func (s session) sign(claims map[string]any) string {
	s.t.Helper()
	token := jwt.New()
	for name, value := range claims {
		require.NoError(s.t, token.Set(name, value))
	}
	signed, err := jwt.Sign(token, jwt.WithKey(s.algorithm, s.key))
	require.NoError(s.t, err)
	return string(signed)
}

func claims(more map[string]any) map[string]any {
	all := map[string]any{"aud": "consentd", "exp": now.Add(5 * time.Minute).Unix(), "sub": "u-1"}
	for name, value := range more {
		if value == nil {
			delete(all, name)
		} else {
			all[name] = value
		}
	}
	return all
}

func request(headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func TestUserOfAToken(t *testing.T) {
	t.Parallel()
	for _, kid := range []string{"k1", ""} {
		bank, other := newSession(t, kid), newSession(t, kid)
		users, err := usertoken.New(usertoken.Options{JWKS: bank.jwks()}, people{"omar": "u-omar", "": "u-nobody"}, func() time.Time { return now })
		require.NoError(t, err)
		for name, c := range map[string]struct {
			token string
			want  string
			code  consent.Code
		}{
			"our id":              {token: bank.sign(claims(nil)), want: "u-1"},
			"the bank's id":       {token: bank.sign(claims(map[string]any{"psu": "omar"})), want: "u-omar"},
			"unknown to the bank": {token: bank.sign(claims(map[string]any{"psu": "nobody"})), code: consent.CodeUnauthenticated},
			"psu is no text":      {token: bank.sign(claims(map[string]any{"psu": 1})), code: consent.CodeUnauthenticated},
			"psu is empty":        {token: bank.sign(claims(map[string]any{"psu": ""})), code: consent.CodeUnauthenticated},
			"the bank is silent":  {token: bank.sign(claims(map[string]any{"psu": "down"})), code: consent.CodeUnavailable},
			"nobody":              {token: bank.sign(claims(map[string]any{"sub": nil})), code: consent.CodeUnauthenticated},
			"past its end":        {token: bank.sign(claims(map[string]any{"exp": now.Add(-time.Minute).Unix()})), code: consent.CodeUnauthenticated},
			"without an end":      {token: bank.sign(claims(map[string]any{"exp": nil})), code: consent.CodeUnauthenticated},
			"good for a day":      {token: bank.sign(claims(map[string]any{"exp": now.Add(24 * time.Hour).Unix()})), code: consent.CodeUnauthenticated},
			"for somebody else":   {token: bank.sign(claims(map[string]any{"aud": "other"})), code: consent.CodeUnauthenticated},
			"for nobody":          {token: bank.sign(claims(map[string]any{"aud": nil})), code: consent.CodeUnauthenticated},
			"by another key":      {token: other.sign(claims(nil)), code: consent.CodeUnauthenticated},
			"not signed":          {token: "eyJhbGciOiJub25lIn0.eyJhdWQiOiJjb25zZW50ZCIsInN1YiI6InUtMSIsImV4cCI6MTc3MjM2NjcwMH0.", code: consent.CodeUnauthenticated},
			"no token":            {token: "x", code: consent.CodeUnauthenticated},
		} {
			got, err := users.User(request(usertoken.HeaderToken, c.token, usertoken.HeaderUser, "u-2"))
			if c.code != "" {
				require.Equal(t, c.code, consent.CodeOf(err), name)
				require.NotContains(t, err.Error(), c.token+".", name)
				continue
			}
			require.NoError(t, err, name)
			require.Equal(t, c.want, got, name)
		}
		_, err = users.User(request(usertoken.HeaderUser, "u-2"))
		require.Equal(t, consent.CodeUnauthenticated, consent.CodeOf(err), "an id alone is not trusted")
		_, err = users.User(request(usertoken.HeaderToken, bank.sign(claims(nil)), usertoken.HeaderToken, "x"))
		require.Equal(t, consent.CodeUnauthenticated, consent.CodeOf(err), "two tokens")
	}
}

// TestKinds: a bank's session signs with any of the usual kinds of key.
func TestKinds(t *testing.T) {
	t.Parallel()
	byRSA, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	_, byEd, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	for name, bank := range map[string]session{"RSA": sessionBy(t, "k", byRSA, jwa.PS256()), "OKP": sessionBy(t, "k", byEd, jwa.EdDSA())} {
		users, err := usertoken.New(usertoken.Options{JWKS: bank.jwks()}, people{}, func() time.Time { return now })
		require.NoError(t, err, name)
		got, err := users.User(request(usertoken.HeaderToken, bank.sign(claims(nil))))
		require.NoError(t, err, name)
		require.Equal(t, "u-1", got, name)
	}
}

func TestUserOfATrustedDashboard(t *testing.T) {
	t.Parallel()
	users, err := usertoken.New(usertoken.Options{Trust: true}, people{}, func() time.Time { return now })
	require.NoError(t, err)
	got, err := users.User(request(usertoken.HeaderUser, "u-2"))
	require.NoError(t, err)
	require.Equal(t, "u-2", got)
	for _, headers := range [][]string{nil, {usertoken.HeaderUser, "u-1", usertoken.HeaderUser, "u-2"}, {usertoken.HeaderToken, "x", usertoken.HeaderUser, "u-2"}} {
		_, err := users.User(request(headers...))
		require.Equal(t, consent.CodeUnauthenticated, consent.CodeOf(err), headers)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	one := strings.TrimSuffix(strings.TrimPrefix(string(newSession(t, "").jwks()), `{"keys":[`), `]}`)
	for name, jwks := range map[string]string{
		"too many": `{"keys":[` + strings.Repeat(one+",", 100) + one + `]}`,
		"no JSON":  "x", "none": `{"keys":[]}`, "shared": `{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`,
	} {
		_, err := usertoken.New(usertoken.Options{JWKS: []byte(jwks)}, people{}, func() time.Time { return now })
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "c2VjcmV0")
		require.NotErrorIs(t, err, errors.ErrUnsupported)
	}
}
