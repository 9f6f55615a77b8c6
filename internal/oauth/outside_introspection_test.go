package oauth_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/oauth"
	"consentd/internal/service/connections"
)

const outsideOpaque = "opaque-token_1~2+3/4=="

// byAsking judges by asking the server, which answers with sound claims but for change.
func (b *outsideBundle) byAsking(t *testing.T, change map[string]any) *oauth.Outside {
	t.Helper()
	b.options.Introspection = &oauth.OutsideIntrospection{
		URL: b.server.URL + "/introspect", ClientID: "consentd:1", ClientSecret: "our-secret %+", Keep: oauth.DefaultOutsideKeep,
	}
	b.says(t, change)
	return b.outside(t)
}

func (b *outsideBundle) says(t *testing.T, change map[string]any) {
	t.Helper()
	b.saysText(string(outsideMust(json.Marshal(outsideChanged(outsideChanged(outsideSound(), map[string]any{"active": true, "token_type": "Bearer"}), change)))))
}

func (b *outsideBundle) saysText(body string) {
	b.answers(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
}

func TestOutsideIntrospection(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	o := b.byAsking(t, map[string]any{"customer": "sarl", "cnf": map[string]any{"x5t#S256": outsideThumbprint(outsideCert())}, "nbf": nil})
	answer := b.answer
	b.answers(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, http.MethodPost, r.Method)
		assert.Equal(t, "/introspect", r.URL.Path)
		assert.Empty(t, r.URL.RawQuery)
		assert.Equal(t, "application/x-www-form-urlencoded", r.Header.Get("Content-Type"))
		id, secret, _ := r.BasicAuth()
		assert.Equal(t, [2]string{"consentd%3A1", "our-secret+%25%2B"}, [2]string{id, secret}, "RFC 6749 §2.3.1")
		assert.Equal(t, outsideOpaque, r.PostFormValue("token"))
		assert.Equal(t, "access_token", r.PostFormValue("token_type_hint"))
		answer(w, r)
	})
	_, err := o.Bearer(outsideRequest(outsideOpaque), outsideCaller())
	require.NoError(t, err)
	require.Equal(t, connections.Claims{
		TPP: outsideTPP, PSU: "lea", Customer: "sarl", Scopes: []string{"aisp", "extended_transaction_history"},
		IssuedAt: outsideStart.Add(-time.Minute), Certificate: outsideThumbprint(outsideCert()), Call: outsideCall(),
	}, b.told(t))
}

// TestOutsideIntrospectionAlone: nothing is asked of iss and aud, where that is enough.
func TestOutsideIntrospectionAlone(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	b.options.Issuer, b.options.Audience = "", nil
	b.options.PSUClaim = "username"
	b.options.Introspection = &oauth.OutsideIntrospection{URL: b.server.URL, ClientID: "c", ClientSecret: "s"}
	b.answers(func(w http.ResponseWriter, _ *http.Request) {
		assert.NoError(t, json.NewEncoder(w).Encode(outsideChanged(outsideSound(), map[string]any{
			"active": true, "iss": nil, "aud": nil, "username": "enzo",
		})))
	})
	_, err := b.outside(t).Bearer(outsideRequest(outsideOpaque), outsideCaller())
	require.NoError(t, err)
	require.Equal(t, "enzo", b.told(t).PSU)
}

func TestOutsideIntrospectionRefusals(t *testing.T) {
	t.Parallel()
	invalid, unavailable := consent.CodeTokenInvalid, consent.CodeUnavailable
	sound := func(change map[string]any) string {
		return string(outsideMust(json.Marshal(outsideChanged(outsideChanged(outsideSound(), map[string]any{"active": true}), change))))
	}
	for name, c := range map[string]struct {
		status int
		body   string
		code   consent.Code
		why    string
	}{
		"not active":         {200, `{"active":false}`, invalid, "is not active"},
		"not active, though": {200, sound(map[string]any{"active": false}), invalid, "is not active"},
		"active as text":     {200, sound(map[string]any{"active": "true"}), unavailable, "does not say whether"},
		"no word":            {200, `{}`, unavailable, "does not say whether"},
		"no JSON":            {200, `<html>`, unavailable, "not a JSON object"},
		"a list":             {200, `[]`, unavailable, "not a JSON object"},
		"nothing":            {200, ``, unavailable, "not a JSON object"},
		"huge":               {200, sound(map[string]any{"x": strings.Repeat("x", 64<<10)}), unavailable, "more than 65536 bytes"},
		"our secret":         {401, `{"error":"invalid_client"}`, unavailable, "status 401"},
		"broken":             {500, ``, unavailable, "status 500"},
		"created":            {201, sound(nil), unavailable, "status 201"},
		"another issuer":     {200, sound(map[string]any{"iss": "https://evil.example"}), invalid, "another issuer"},
		"another audience":   {200, sound(map[string]any{"aud": "x"}), invalid, "another audience"},
		"another TPP":        {200, sound(map[string]any{"client_id": "beta"}), invalid, "another TPP"},
		"another's binding":  {200, sound(map[string]any{"cnf": map[string]any{"x5t#S256": outsideThumbprint(outsideOther())}}), invalid, "another certificate"},
		"proof of a key":     {200, sound(map[string]any{"token_type": "DPoP"}), invalid, "no access token by its token_type"},
		"a refresh token":    {200, sound(map[string]any{"typ": "Refresh"}), invalid, "no access token by its typ"},
		"no exp":             {200, sound(map[string]any{"exp": nil}), invalid, "lacks exp"},
		"no iat":             {200, sound(map[string]any{"iat": nil}), invalid, "lacks iat"},
		"no client":          {200, sound(map[string]any{"client_id": nil}), invalid, "lacks client_id"},
		"expired":            {200, sound(map[string]any{"exp": outsideStart.Add(-time.Minute).Unix()}), consent.CodeTokenExpired, "has expired"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := outsideSetup(t)
			o := b.byAsking(t, nil)
			b.answers(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			})
			_, err := o.Bearer(outsideRequest(outsideOpaque), outsideCaller())
			outsideRefused(t, b, err, c.code, c.why)
		})
	}
}

// TestOutsideKeep: that a token is good counts for a time, that it is not for none.
func TestOutsideKeep(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	o := b.byAsking(t, nil)
	try := func(token string) consent.Code {
		if _, err := o.Bearer(outsideRequest(token), outsideCaller()); err != nil {
			return consent.CodeOf(err)
		}
		return ""
	}
	require.Empty(t, try(outsideOpaque))
	b.clock.advance(4999 * time.Millisecond)
	require.Empty(t, try(outsideOpaque))
	require.Equal(t, 1, b.calls())
	b.clock.advance(time.Millisecond)
	require.Empty(t, try(outsideOpaque))
	require.Equal(t, 2, b.calls())

	b.saysText(`{"active":false}`)
	require.Empty(t, try(outsideOpaque), "kept")
	require.Equal(t, consent.CodeTokenInvalid, try("another"))
	require.Equal(t, consent.CodeTokenInvalid, try("another"))
	require.Equal(t, 4, b.calls())
	b.clock.advance(5 * time.Second)
	require.Equal(t, consent.CodeTokenInvalid, try(outsideOpaque))
	require.Equal(t, consent.CodeTokenInvalid, try(outsideOpaque))
	require.Equal(t, 6, b.calls())
	b.clock.advance(-time.Second)
	require.Equal(t, consent.CodeTokenInvalid, try(outsideOpaque), "the clock goes back, and what was kept is gone")

	b.says(t, nil)
	require.Empty(t, try("earlier"))
	b.clock.advance(-time.Second)
	b.saysText(`{"active":false}`)
	require.Equal(t, consent.CodeTokenInvalid, try("earlier"), "what was learnt later does not count")

	b.says(t, map[string]any{"exp": b.clock.now().Add(2 * time.Second).Unix()})
	require.Empty(t, try("short"))
	b.clock.advance(1999 * time.Millisecond)
	before := b.calls()
	require.Empty(t, try("short"))
	require.Equal(t, before, b.calls())
	b.clock.advance(time.Millisecond)
	require.Empty(t, try("short"), "within the leeway")
	require.Equal(t, before+1, b.calls(), "never kept for longer than the token lives")
}

// TestOutsideKeepOfOthers: what is kept is held against each caller.
func TestOutsideKeepOfOthers(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	o := b.byAsking(t, nil)
	_, err := o.Bearer(outsideRequest(outsideOpaque), outsideCaller())
	require.NoError(t, err)
	other := outsideCaller()
	other.ID, other.Certificate = "FR-ACPR:PSDFR-ACPR-1", nil
	_, err = o.Bearer(outsideRequest(outsideOpaque), other)
	require.ErrorContains(t, err, "another TPP")
	require.Equal(t, 1, b.calls())
}

// TestOutsideKeepBounds: nothing is kept where nothing shall be, and no more than
// there is room for.
func TestOutsideKeepBounds(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	ask := func(o *oauth.Outside, token string) int {
		before := b.calls()
		_, err := o.Bearer(outsideRequest(token), outsideCaller())
		require.NoError(t, err)
		return b.calls() - before
	}
	b.byAsking(t, nil)
	b.options.Introspection.Keep = 0
	o := b.outside(t)
	require.Equal(t, 1, ask(o, "a"))
	require.Equal(t, 1, ask(o, "a"))

	b.options.Introspection.Keep, b.options.Introspection.Size = time.Minute, 2
	o = b.outside(t)
	require.Equal(t, []int{1, 1, 0, 1, 0, 1}, []int{ask(o, "a"), ask(o, "b"), ask(o, "a"), ask(o, "c"), ask(o, "a"), ask(o, "b")})
}

// TestOutsideIntrospectionShared: calls with one token at one time ask once; with
// others, for each.
func TestOutsideIntrospectionShared(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	o := b.byAsking(t, nil)
	answer, open := b.answer, make(chan struct{})
	b.answers(func(w http.ResponseWriter, r *http.Request) {
		<-open
		answer(w, r)
	})
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			_, err := o.Bearer(outsideRequest(string("abc"[i%3])), outsideCaller())
			assert.NoError(t, err)
		})
	}
	require.Eventually(t, func() bool { return b.calls() == 3 }, 5*time.Second, time.Millisecond, "each is under way")
	close(open)
	all.Wait()
	require.Equal(t, 3, b.calls())
	require.Len(t, b.gate.claims, 60)
}

// TestOutsideIntrospectionLeft: who goes away spoils it for nobody else, and waits no
// longer.
func TestOutsideIntrospectionLeft(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	o := b.byAsking(t, nil)
	answer, open := b.answer, make(chan struct{})
	b.answers(func(w http.ResponseWriter, r *http.Request) {
		<-open
		answer(w, r)
	})
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := o.Bearer(outsideRequest(outsideOpaque).WithContext(ctx), outsideCaller())
		left <- err
	}()
	require.Eventually(t, func() bool { return b.calls() == 1 }, 5*time.Second, time.Millisecond)
	stays := make(chan error, 1)
	go func() {
		_, err := o.Bearer(outsideRequest(outsideOpaque), outsideCaller())
		stays <- err
	}()
	leave()
	require.ErrorIs(t, <-left, context.Canceled)
	close(open)
	require.NoError(t, <-stays)
}

// TestOutsideIntrospectionSlow: the wait is bounded, and nobody gets in.
func TestOutsideIntrospectionSlow(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	b.options.Timeout = 50 * time.Millisecond
	o := b.byAsking(t, nil)
	b.answers(func(_ http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm() // with the body unread, the server does not notice that the client has left
		<-r.Context().Done()
	})
	_, err := o.Bearer(outsideRequest(outsideOpaque), outsideCaller())
	outsideRefused(t, b, err, consent.CodeUnavailable, "deadline exceeded")
}

// TestOutsideIntrospectionAway: tokens and our secret go to no other address.
func TestOutsideIntrospectionAway(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	o := b.byAsking(t, nil)
	b.answers(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, b.server.URL+"/else", http.StatusTemporaryRedirect)
	})
	_, err := o.Bearer(outsideRequest(outsideOpaque), outsideCaller())
	outsideRefused(t, b, err, consent.CodeUnavailable, "status 307")
	require.Equal(t, 1, b.calls())
	b.server.Close()
	_, err = o.Bearer(outsideRequest(outsideOpaque), outsideCaller())
	outsideRefused(t, b, err, consent.CodeUnavailable, "refused")
}
