package openid_test

import (
	"context"
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
	select {
	case <-g.opened:
		return describes("https://id.bank.example", "https://id.bank.example/t")(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// way is one to a provider.
type way func(r *http.Request) (*http.Response, error)

func (w way) RoundTrip(r *http.Request) (*http.Response, error) { return w(r) }

// describes is a way to a provider that takes codes at some address.
func describes(issuer, tokens string) way {
	return func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		w.Header().Set("Content-Type", "application/json")
		err := json.NewEncoder(w).Encode(map[string]any{
			"issuer": issuer, "authorization_endpoint": issuer + "/a", "token_endpoint": tokens, "jwks_uri": issuer + "/k",
		})
		res := w.Result()
		res.Request = r
		return res, err
	}
}

// TestAddresses: no secret goes over a way that is less safe than the issuer's.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		issuer, tokens string
		safe           bool
	}{
		{"https://id.bank.example", "https://id.bank.example/t", true},
		{"https://id.bank.example", "https://tokens.bank.example/t", true},
		{"https://id.bank.example", "http://id.bank.example/t", false},
		{"https://id.bank.example", "http://127.0.0.1/t", false},
		{"https://id.bank.example", "https://somebody:secret@id.bank.example/t", false},
		{"http://127.0.0.1:9000", "http://127.0.0.1:9000/t", true},
		{"http://127.0.0.1:9000", "http://127.0.0.1:9001/t", true},
		{"http://127.0.0.1:9000", "https://tokens.bank.example/t", true},
		{"http://127.0.0.1:9000", "http://tokens.bank.example/t", false},
	} {
		l := &openid.Lookup{Client: openid.Bounded(&http.Client{Transport: describes(x.issuer, x.tokens)}), Now: time.Now}
		_, err := l.Get(t.Context(), x.issuer)
		require.Equal(t, x.safe, err == nil, "%s of %s: %v", x.tokens, x.issuer, err)
		if !x.safe {
			require.ErrorIs(t, err, openid.ErrProvider)
		}
	}
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

// TestLookupLeft: who goes away spoils it for nobody else.
func TestLookupLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &gate{opened: make(chan struct{})}
		l := &openid.Lookup{Client: openid.Bounded(&http.Client{Transport: g}), Now: time.Now}
		ctx, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			_, err := l.Get(ctx, "https://id.bank.example")
			assert.ErrorIs(t, err, context.Canceled)
		})
		synctest.Wait()
		all.Go(func() {
			_, err := l.Get(t.Context(), "https://id.bank.example")
			assert.NoError(t, err)
		})
		synctest.Wait()
		leave()
		synctest.Wait()
		close(g.opened)
		all.Wait()
		assert.EqualValues(t, 1, g.asked.Load())
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
