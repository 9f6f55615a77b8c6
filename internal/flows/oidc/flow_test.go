package oidc_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/flows/oidc"
	"consentd/pkg/sca"
	"consentd/pkg/sca/scatest"
	"consentd/test/idp"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	scatest.Run(t, scatest.Harness{
		SingleTrip: true,
		New: func(t testing.TB) scatest.Bench {
			t.Helper()
			b := setup(t)
			return scatest.Bench{
				PSU: psu, Hint: "lea", Effects: b.Exchanges,
				Flow: func() sca.Flow { return b.flow(t) },
				Right: func(_ sca.Request, step sca.Step) sca.Input {
					fields, err := b.LogIn(context.Background(), step.URL, "lea", "sandbox")
					assert.NoError(t, err)
					return sca.Input{Kind: sca.Returned, Fields: fields}
				},
			}
		},
	})
}

func TestAsksTheProvider(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cfg.ACRValues = []string{idp.Strong, idp.Weak}
	got := query(t, b.away(t, b.flow(t)))
	for name, want := range map[string]string{
		"response_type": "code", "client_id": b.ClientID, "redirect_uri": returnURL, "scope": "openid", "state": "state of run",
		"code_challenge_method": "S256", "acr_values": idp.Strong + " " + idp.Weak, "max_age": "300", "prompt": "login",
		"login_hint": "lea", "ui_locales": "de-CH",
	} {
		assert.Equal(t, want, got.Get(name), name)
	}
	assert.Len(t, got.Get("nonce"), 43)
	assert.Len(t, got.Get("code_challenge"), 43)
	assert.Len(t, got, 13)
}

func TestAsksForNoMoreThanConfigured(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cfg.ACRValues, b.cfg.Prompt = nil, ""
	req := request()
	req.Hint, req.Language = " ", "not a language"
	step, err := b.flow(t).Start(t.Context(), req)
	require.NoError(t, err)
	got := query(t, step)
	for _, name := range []string{"acr_values", "prompt", "login_hint", "ui_locales"} {
		assert.False(t, got.Has(name), name)
	}
}

func TestApproaches(t *testing.T) {
	t.Parallel()
	b := setup(t)
	f := b.flow(t)
	assert.Equal(t, []sca.Approach{sca.InRedirect}, f.Approaches())
	for name, req := range map[string]sca.Request{
		"no address": {StepKey: "k", ReturnState: "s"}, "no state": {StepKey: "k", ReturnURL: returnURL},
	} {
		_, err := f.Start(t.Context(), req)
		require.ErrorIs(t, err, errors.ErrUnsupported, name)
	}
	for _, kind := range []sca.Kind{sca.Form, sca.Approved, sca.Poll, sca.Callback} {
		_, err := f.Continue(t.Context(), request(), b.away(t, f).State, sca.Input{Kind: kind})
		require.ErrorIs(t, err, errors.ErrUnsupported, kind)
	}
}

// TestIdentifies: each way in which a provider may rightly differ.
func TestIdentifies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options func(*idp.Options)
		config  func(*oidc.Config)
		answer  func(*idp.Provider)
		want    string
	}{
		"as usual":                    {want: psu},
		"by the second acr asked for": {config: func(c *oidc.Config) { c.ACRValues = []string{idp.Strong, idp.Weak} }, answer: func(p *idp.Provider) { p.Answer(idp.Weak, 0) }, want: psu},
		"by any acr":                  {config: func(c *oidc.Config) { c.ACRValues = nil }, answer: func(p *idp.Provider) { p.Answer("urn:other", 0) }, want: psu},
		"a while ago":                 {answer: func(p *idp.Provider) { p.Answer("", 4*time.Minute) }, want: psu},
		"just now, by another clock":  {answer: func(p *idp.Provider) { p.Answer("", -30*time.Second) }, want: psu},
		"without naming the issuer":   {options: func(o *idp.Options) { o.Anonymous = true }, want: psu},
		"with the secret in the body": {options: func(o *idp.Options) { o.SecretInBody = true }, want: psu},
		"by another claim": {
			options: func(o *idp.Options) {
				o.Users = map[string]idp.User{"lea": {Password: "sandbox", Subject: "x", Claims: map[string]any{"customer": "4711"}}}
			},
			config: func(c *oidc.Config) { c.PSUClaim = "customer" }, want: "4711",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nonNil(c.options))
			nonNil(c.config)(&b.cfg)
			nonNil(c.answer)(b.Provider)
			f := b.flow(t)
			away := b.away(t, f)
			got, err := f.Continue(t.Context(), another("1"), away.State, b.loggedIn(t, away))
			require.NoError(t, err)
			assert.Equal(t, sca.Step{Outcome: sca.Done, PSU: c.want}, got)
		})
	}
}

// nonNil is f, or a function that does nothing.
func nonNil[T any](f func(*T)) func(*T) {
	if f == nil {
		return func(*T) {}
	}
	return f
}

// TestRefusals: what the provider answers instead of a code.
func TestRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	f := b.flow(t)
	away := b.away(t, f)
	fields, err := b.Cancel(t.Context(), away.URL)
	require.NoError(t, err)
	require.Equal(t, "access_denied", fields["error"])
	got, err := f.Continue(t.Context(), another("1"), away.State, sca.Input{Kind: sca.Returned, Fields: fields})
	require.NoError(t, err)
	assert.Equal(t, sca.Step{Outcome: sca.Denied}, got)

	for _, code := range []string{"login_required", "temporarily_unavailable", "server_error", "unheard_of"} {
		fields["error"] = code
		got, err = f.Continue(t.Context(), another("1"), away.State, sca.Input{Kind: sca.Returned, Fields: fields})
		require.NoError(t, err, code)
		assert.Equal(t, sca.Redirect, got.Outcome, "%s: the PSU may try again", code)
		assert.NotEqual(t, query(t, away).Get("nonce"), query(t, got).Get("nonce"), code)
	}
	for _, code := range []string{"invalid_request", "unauthorized_client", "invalid_scope", "request_not_supported"} {
		fields["error"] = code
		_, err = f.Continue(t.Context(), another("1"), away.State, sca.Input{Kind: sca.Returned, Fields: fields})
		require.ErrorIs(t, err, oidc.ErrRequest, "%s: the operator has to learn of it", code)
	}
}

// TestSpentCode: a code that the provider no longer knows is another log-in,
// which then counts.
func TestSpentCode(t *testing.T) {
	t.Parallel()
	b := setup(t)
	f := b.flow(t)
	away := b.away(t, f)
	in := b.loggedIn(t, away)
	_, err := f.Continue(t.Context(), another("1"), away.State, in)
	require.NoError(t, err)
	again, err := f.Continue(t.Context(), another("2"), away.State, in)
	require.NoError(t, err)
	require.Equal(t, sca.Redirect, again.Outcome, "another call with a code that was used")
	got, err := f.Continue(t.Context(), another("3"), again.State, b.loggedIn(t, again))
	require.NoError(t, err)
	assert.Equal(t, sca.Step{Outcome: sca.Done, PSU: psu}, got)
}

// TestRepeatedCall: the same call, at another instance, finds what the first one
// did; the same step with another code does not.
func TestRepeatedCall(t *testing.T) {
	t.Parallel()
	b := setup(t)
	away := b.away(t, b.flow(t))
	in := b.loggedIn(t, away)
	for range 2 {
		got, err := b.flow(t).Continue(t.Context(), another("1"), away.State, in)
		require.NoError(t, err)
		assert.Equal(t, sca.Step{Outcome: sca.Done, PSU: psu}, got)
		assert.Equal(t, 1, b.Exchanges())
	}
	in.Fields["code"] = "another"
	got, err := b.flow(t).Continue(t.Context(), another("1"), away.State, in)
	require.NoError(t, err)
	assert.Equal(t, sca.Redirect, got.Outcome)

	in = b.loggedIn(t, away)
	b.cfg.Now = func() time.Time { return time.Now().Add(16 * time.Minute) }
	_, err = b.flow(t).Continue(t.Context(), another("1"), away.State, in)
	require.ErrorIs(t, err, oidc.ErrToken, "by then the note is forgotten and the token expired")
}

// TestSameCallAtOnce: a page that is loaded several times at once is one log-in.
func TestSameCallAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	away := b.away(t, b.flow(t))
	in := b.loggedIn(t, away)
	var group sync.WaitGroup
	for _, f := range []*oidc.Flow{b.flow(t), b.flow(t), b.flow(t), b.flow(t)} {
		group.Go(func() {
			got, err := f.Continue(t.Context(), another("1"), away.State, in)
			if assert.Equal(t, sca.Step{Outcome: sca.Done, PSU: psu}, got); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

// TestMixedUp: what belongs to one run gets nobody through another.
func TestMixedUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	f := b.flow(t)
	mine := b.away(t, f)
	req := request()
	req.RunID, req.StepKey, req.ReturnState = "other", "other/0", "state of other"
	other, err := f.Start(t.Context(), req)
	require.NoError(t, err)
	theirs := b.loggedIn(t, other)

	_, err = f.Continue(t.Context(), another("1"), mine.State, theirs)
	require.ErrorIs(t, err, oidc.ErrReturn, "the state of another run")

	theirs.Fields["state"] = "state of run"
	got, err := f.Continue(t.Context(), another("1"), mine.State, theirs)
	require.NoError(t, err)
	assert.Equal(t, sca.Redirect, got.Outcome, "the code of another run, which the verifier does not fit")

	for name, change := range map[string]func(map[string]string){
		"no state":       func(m map[string]string) { delete(m, "state") },
		"another state":  func(m map[string]string) { m["state"] += "x" },
		"no issuer":      func(m map[string]string) { delete(m, "iss") },
		"another issuer": func(m map[string]string) { m["iss"] = "https://another.example" },
		"no code":        func(m map[string]string) { delete(m, "code") },
	} {
		in := b.loggedIn(t, mine)
		change(in.Fields)
		_, err = f.Continue(t.Context(), another("1"), mine.State, in)
		require.ErrorIs(t, err, oidc.ErrReturn, name)
	}
	anonymous := setup(t, func(o *idp.Options) { o.Anonymous = true })
	f = anonymous.flow(t)
	away := anonymous.away(t, f)
	in := anonymous.loggedIn(t, away)
	in.Fields["iss"] = "https://another.example"
	_, err = f.Continue(t.Context(), another("1"), away.State, in)
	require.ErrorIs(t, err, oidc.ErrReturn, "an issuer that is named without promise, but is another")
}

// TestKeys: a flow with another key cannot finish what this one began.
func TestKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	away := b.away(t, b.flow(t))
	b.cfg.Key = []byte("another key of thirty-two bytes!")
	got, err := b.flow(t).Continue(t.Context(), another("1"), away.State, b.loggedIn(t, away))
	require.NoError(t, err)
	assert.Equal(t, sca.Redirect, got.Outcome)
}

// TestKeyRotation: the provider's new key is read when it is first met.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	f := b.flow(t)
	for range 3 {
		away := b.away(t, f)
		got, err := f.Continue(t.Context(), another("1"), away.State, b.loggedIn(t, away))
		require.NoError(t, err)
		assert.Equal(t, sca.Step{Outcome: sca.Done, PSU: psu}, got)
		b.Rotate(t)
	}
	assert.Equal(t, 1, b.LookUps())
}

// TestProviderComesLater: the flow is made without the provider, fails while it
// is down, and goes on when it is up, from where each run stands.
func TestProviderComesLater(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Set(idp.Down)
	f := b.flow(t)
	for range 2 {
		_, err := f.Start(t.Context(), request())
		require.ErrorIs(t, err, oidc.ErrProvider)
	}
	b.Set(idp.Sound)
	away := b.away(t, f)
	in := b.loggedIn(t, away)
	b.Set(idp.Down)
	_, err := f.Continue(t.Context(), another("1"), away.State, in)
	require.ErrorIs(t, err, oidc.ErrProvider)
	b.Set(idp.Sound)
	got, err := f.Continue(t.Context(), another("1"), away.State, in)
	require.NoError(t, err)
	assert.Equal(t, sca.Step{Outcome: sca.Done, PSU: psu}, got)
}

// TestLooksUpAgain: after an hour, and what was found before does while the
// provider is down.
func TestLooksUpAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var mu sync.Mutex
	now := time.Now()
	b.cfg.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	f := b.flow(t)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			_, err := f.Start(t.Context(), request())
			assert.NoError(t, err)
		})
	}
	group.Wait()
	assert.Equal(t, 1, b.LookUps(), "one look-up for all who wait")
	mu.Lock()
	now = now.Add(time.Hour)
	mu.Unlock()
	b.Set(idp.Down)
	b.away(t, f)
	b.Set(idp.Sound)
	b.away(t, f)
	b.away(t, f)
	assert.GreaterOrEqual(t, b.LookUps(), 3)
}

// broke is a store in which nothing is as it was put.
type broke struct{ *store }

func (broke) Get(context.Context, string, string) ([]byte, error) { return []byte("rubbish"), nil }

func TestBrokenStore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	broken := errors.New("broken")
	f := b.flow(t)
	away := b.away(t, f)
	in := b.loggedIn(t, away)
	b.cfg.Store.(*store).fails = broken
	_, err := f.Continue(t.Context(), another("1"), away.State, in)
	require.ErrorIs(t, err, broken)
	assert.Zero(t, b.Exchanges(), "the code is not spent")

	b.cfg.Store = broke{}
	_, err = b.flow(t).Continue(t.Context(), another("1"), away.State, in)
	require.ErrorContains(t, err, "not a note")
}

// FuzzState: no bytes that reach the flow as its state break it, and none but
// its own get anybody through.
func FuzzState(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"stage":"away"}`, `{"stage":"away","key":"k","return":"r","known":"x"}`} {
		f.Add([]byte(seed))
	}
	flow := setup(f).flow(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, err := flow.Continue(t.Context(), another("1"), raw, sca.Input{Kind: sca.Returned, Fields: map[string]string{"state": "s", "code": "c"}})
		require.Error(t, err, "no browser was sent away")
	})
}
