package oidc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/flows/oidc"
)

// TestDiscovery: what a discovery document may say, and what it may not.
func TestDiscovery(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		member string
		value  any
		want   string // the error; none if empty
	}{
		"as usual":                      {"claims_supported", []string{"sub"}, ""},
		"another issuer":                {"issuer", "https://another.example", "did not match"},
		"an authorization page in http": {"authorization_endpoint", "http://login.bank.example/a", "authorization_endpoint is not https"},
		"a token endpoint in http":      {"token_endpoint", "http://login.bank.example/t", "token_endpoint is not https"},
		"keys in http":                  {"jwks_uri", "http://login.bank.example/k", "jwks_uri is not https"},
		"no token endpoint":             {"token_endpoint", "", "token_endpoint is not https"},
		"a script for a page":           {"authorization_endpoint", "javascript:alert(1)", "authorization_endpoint is not https"},
		"no secrets taken":              {"token_endpoint_auth_methods_supported", []string{"private_key_jwt"}, "takes no client secret"},
		"methods that are no list":      {"token_endpoint_auth_methods_supported", "all", "not the members that the standard names"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			document := map[string]any{}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				assert.NoError(t, json.NewEncoder(w).Encode(document))
			}))
			t.Cleanup(server.Close)
			maps.Copy(document, map[string]any{
				"issuer": server.URL, "authorization_endpoint": server.URL + "/a", "token_endpoint": server.URL + "/t", "jwks_uri": server.URL + "/k",
			})
			document[c.member] = c.value
			f, err := oidc.New(oidc.Config{
				Issuer: server.URL, ClientID: "consentd", ClientSecret: "s", Scopes: []string{"openid"},
				PSUClaim: "sub", Key: bytes.Repeat([]byte("k"), 32), Store: &store{}, Now: time.Now,
			})
			require.NoError(t, err)
			_, err = f.Start(t.Context(), request())
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, oidc.ErrProvider)
			require.ErrorContains(t, err, c.want)
		})
	}
}

// slow is a way to the provider on which nothing arrives before it is closed.
type slow struct {
	begun func()
	end   chan struct{}
}

func (s slow) RoundTrip(*http.Request) (*http.Response, error) {
	s.begun()
	<-s.end
	return nil, errors.New("the way is closed")
}

// TestImpatientCaller: who does not wait gets no answer, and spoils it for nobody.
func TestImpatientCaller(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	way := slow{begun: cancel, end: make(chan struct{})}
	b.cfg.HTTP = &http.Client{Transport: way}
	f := b.flow(t)
	_, err := f.Start(ctx, request())
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, oidc.ErrProvider)
	close(way.end)
	_, err = f.Start(t.Context(), request())
	require.ErrorIs(t, err, oidc.ErrProvider)
	require.NotErrorIs(t, err, context.Canceled, "who left first did not end it for the other")
}
