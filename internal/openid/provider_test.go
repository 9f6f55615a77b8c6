package openid_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/openid"
)

// provider describes itself, and counts how often it was asked to.
type provider struct {
	*httptest.Server

	asked atomic.Int32
	down  atomic.Bool
}

func start(t *testing.T) *provider {
	t.Helper()
	p := &provider{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.asked.Add(1)
		if p.down.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		assert.NoError(t, json.NewEncoder(w).Encode(map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/a", "token_endpoint": p.URL + "/t", "jwks_uri": p.URL + "/k",
		}))
	}))
	t.Cleanup(p.Close)
	return p
}

// gate is a way to a provider on which nothing arrives before it opens.
type gate struct {
	asked  atomic.Int32
	opened chan struct{}
}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	g.asked.Add(1)
	<-g.opened
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json")
	const issuer = "https://id.bank.example"
	err := json.NewEncoder(w).Encode(map[string]any{
		"issuer": issuer, "authorization_endpoint": issuer + "/a", "token_endpoint": issuer + "/t", "jwks_uri": issuer + "/k",
	})
	res := w.Result()
	res.Request = r
	return res, err
}

// TestLookupOnce: a provider is looked up once for all who wait for it.
func TestLookupOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &gate{opened: make(chan struct{})}
		l := &openid.Lookup{Client: openid.Bounded(&http.Client{Transport: g}), Now: time.Now}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				p, err := l.Get(t.Context(), "https://id.bank.example")
				if assert.NoError(t, err) {
					assert.Equal(t, "https://id.bank.example/t", p.Endpoint.TokenURL)
				}
			})
		}
		synctest.Wait()
		assert.EqualValues(t, 1, g.asked.Load())
		close(g.opened)
		all.Wait()
	})
}

// TestLookupInTurn: who comes while a look-up ends starts no second one.
func TestLookupInTurn(t *testing.T) {
	t.Parallel()
	for range 300 {
		g := &gate{opened: make(chan struct{})}
		close(g.opened)
		l := &openid.Lookup{Client: openid.Bounded(&http.Client{Transport: g}), Now: time.Now}
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				_, err := l.Get(t.Context(), "https://id.bank.example")
				assert.NoError(t, err)
			})
		}
		all.Wait()
		require.EqualValues(t, 1, g.asked.Load())
	}
}

// TestLookup: a provider is looked up again after an hour, and stays known while it does
// not answer.
func TestLookup(t *testing.T) {
	t.Parallel()
	one, two := start(t), start(t)
	var now atomic.Int64
	l := &openid.Lookup{Client: openid.Bounded(nil), Now: func() time.Time { return time.Unix(now.Load(), 0) }}
	first, err := l.Get(t.Context(), one.URL)
	require.NoError(t, err)
	require.Equal(t, one.URL+"/t", first.Endpoint.TokenURL)
	known, err := l.Get(t.Context(), one.URL)
	require.NoError(t, err)
	require.Same(t, first, known)
	require.EqualValues(t, 1, one.asked.Load())

	now.Add(3600)
	one.down.Store(true)
	again, err := l.Get(t.Context(), one.URL)
	require.NoError(t, err)
	require.Same(t, first, again)
	require.EqualValues(t, 2, one.asked.Load(), "an hour later it is asked")
	one.down.Store(false)
	again, err = l.Get(t.Context(), one.URL)
	require.NoError(t, err)
	require.NotSame(t, first, again)

	other, err := l.Get(t.Context(), two.URL)
	require.NoError(t, err)
	require.Equal(t, two.URL+"/t", other.Endpoint.TokenURL)
	one.down.Store(true)
	_, err = l.Get(t.Context(), one.URL)
	require.ErrorIs(t, err, openid.ErrProvider, "the last alone is remembered")
	require.NotContains(t, err.Error(), one.URL)
}
