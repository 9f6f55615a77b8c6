package oidc_test

import (
	"bytes"
	"context"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/flows/oidc"
	"consentd/pkg/sca"
	"consentd/test/idp"
)

const (
	psu       = "psu-lea"
	returnURL = "https://bank.example/sca/return"
)

// store is the memory of a flow, shared by its instances.
type store struct {
	mu    sync.Mutex
	kept  map[string][]byte
	fails error
}

func (s *store) Get(ctx context.Context, psu, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails != nil {
		return nil, s.fails
	}
	return s.kept[psu+"/"+key], ctx.Err()
}

func (s *store) Put(ctx context.Context, psu, key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept == nil {
		s.kept = map[string][]byte{}
	}
	s.kept[psu+"/"+key] = value
	return ctx.Err()
}

func (s *store) Swap(ctx context.Context, psu, key string, old, value []byte) (bool, error) {
	now, err := s.Get(ctx, psu, key)
	if err != nil || !bytes.Equal(now, old) {
		return false, err
	}
	return true, s.Put(ctx, psu, key, value)
}

// bench is a provider with the flow's settings for it.
type bench struct {
	*idp.Provider
	cfg oidc.Config
}

func setup(t testing.TB, change ...func(*idp.Options)) bench {
	t.Helper()
	options := idp.Options{RedirectURIs: []string{returnURL}}
	for _, c := range change {
		c(&options)
	}
	p := idp.Start(t, options)
	return bench{p, oidc.Config{
		Issuer: p.Issuer, ClientID: p.ClientID, ClientSecret: p.ClientSecret,
		Scopes: []string{"openid"}, ACRValues: []string{idp.Strong}, MaxAge: 5 * time.Minute, PSUClaim: "sub", Prompt: "login",
		Key: bytes.Repeat([]byte("k"), 32), Store: &store{}, Now: time.Now,
	}}
}

// flow makes an instance; the instances share the store.
func (b bench) flow(t testing.TB) *oidc.Flow {
	t.Helper()
	f, err := oidc.New(b.cfg)
	require.NoError(t, err)
	return f
}

func request() sca.Request {
	return sca.Request{
		RunID: "run", StepKey: "run/0", Hint: "lea", Language: "de-CH", Paged: true,
		ReturnURL: returnURL, ReturnState: "state of run",
	}
}

// another is the next call of a run.
func another(step string) sca.Request {
	req := request()
	req.StepKey = "run/" + step
	return req
}

// away is a run whose browser is at the provider.
func (b bench) away(t testing.TB, f *oidc.Flow) sca.Step {
	t.Helper()
	step, err := f.Start(t.Context(), request())
	require.NoError(t, err)
	require.Equal(t, sca.Redirect, step.Outcome)
	return step
}

// loggedIn is what the browser brings back after a log-in.
func (b bench) loggedIn(t testing.TB, step sca.Step) sca.Input {
	t.Helper()
	fields, err := b.LogIn(t.Context(), step.URL, "lea", "sandbox")
	require.NoError(t, err)
	require.NotEmpty(t, fields["code"])
	return sca.Input{Kind: sca.Returned, Fields: fields}
}

// query is what a step sends the browser with.
func query(t testing.TB, step sca.Step) url.Values {
	t.Helper()
	u, err := url.Parse(step.URL)
	require.NoError(t, err)
	return u.Query()
}
