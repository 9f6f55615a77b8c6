package oauth_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/explain"
	"consentd/internal/oauth"
)

func TestOutsideOptions(t *testing.T) {
	t.Parallel()
	keys := func(change func(*oauth.OutsideOptions)) oauth.OutsideOptions {
		o := oauth.OutsideOptions{
			Issuer: outsideIssuer, Audience: []string{outsideAudience}, JWKS: &oauth.OutsideJWKS{URL: "https://login.bank.example/jwks"},
		}
		change(&o)
		return o
	}
	asked := func(change func(*oauth.OutsideIntrospection)) oauth.OutsideOptions {
		o := oauth.OutsideOptions{Introspection: &oauth.OutsideIntrospection{
			URL: "http://127.0.0.1:9000/introspect", ClientID: "consentd", ClientSecret: "s",
		}}
		change(o.Introspection)
		return o
	}
	for name, c := range map[string]struct {
		options oauth.OutsideOptions
		want    string // empty: right
	}{
		"keys":          {keys(func(*oauth.OutsideOptions) {}), ""},
		"introspection": {asked(func(*oauth.OutsideIntrospection) {}), ""},
		"neither":       {keys(func(o *oauth.OutsideOptions) { o.JWKS = nil }), "set one of jwks, introspection"},
		"both": {keys(func(o *oauth.OutsideOptions) {
			o.Introspection = asked(func(*oauth.OutsideIntrospection) {}).Introspection
		}), "set one of jwks, introspection"},
		"no issuer":           {keys(func(o *oauth.OutsideOptions) { o.Issuer = "" }), "issuer: must be set"},
		"no audience":         {keys(func(o *oauth.OutsideOptions) { o.Audience = nil }), "audience: must be set"},
		"an empty audience":   {keys(func(o *oauth.OutsideOptions) { o.Audience = []string{""} }), "audience: must not have an empty one"},
		"leeway below zero":   {keys(func(o *oauth.OutsideOptions) { o.Leeway = -1 }), "leeway: must be"},
		"a leeway of an hour": {keys(func(o *oauth.OutsideOptions) { o.Leeway = time.Hour }), "leeway: must be"},
		"timeout below zero":  {keys(func(o *oauth.OutsideOptions) { o.Timeout = -1 }), "timeout: must not"},
		"keys over http":      {keys(func(o *oauth.OutsideOptions) { o.JWKS.URL = "http://login.bank.example/jwks" }), "jwks.url: must be an https address"},
		"keys with user":      {keys(func(o *oauth.OutsideOptions) { o.JWKS.URL = "https://a:b@login.bank.example" }), "jwks.url: must be an https address"},
		"keys nowhere":        {keys(func(o *oauth.OutsideOptions) { o.JWKS.URL = "" }), "jwks: set one of url, file"},
		"keys twice":          {keys(func(o *oauth.OutsideOptions) { o.JWKS.File = "f" }), "jwks: set one of url, file"},
		"no signature":        {keys(func(o *oauth.OutsideOptions) { o.JWKS.Algorithms = []string{"ES256", "none"} }), "jwks.algorithms: none is none of"},
		"a shared secret":     {keys(func(o *oauth.OutsideOptions) { o.JWKS.Algorithms = []string{"HS256"} }), "jwks.algorithms: HS256 is none of"},
		"interval below zero": {keys(func(o *oauth.OutsideOptions) { o.JWKS.Interval = -1 }), "jwks.interval: must not"},
		"asked over http":     {asked(func(i *oauth.OutsideIntrospection) { i.URL = "http://login.bank.example" }), "introspection.url: must be"},
		"asked at a fragment": {asked(func(i *oauth.OutsideIntrospection) { i.URL += "#a" }), "introspection.url: must be"},
		"nobody asks":         {asked(func(i *oauth.OutsideIntrospection) { i.ClientID, i.ClientSecret = "", "" }), "set clientId and clientSecret"},
		"a secret of nobody":  {asked(func(i *oauth.OutsideIntrospection) { i.ClientID = "" }), "set clientId and clientSecret"},
		"no secret":           {asked(func(i *oauth.OutsideIntrospection) { i.ClientSecret = "" }), "set clientId and clientSecret"},
		"keep below zero":     {asked(func(i *oauth.OutsideIntrospection) { i.Keep = -1 }), "introspection.keep: must be"},
		"keep for an hour":    {asked(func(i *oauth.OutsideIntrospection) { i.Keep = time.Hour }), "introspection.keep: must be"},
		"size below zero":     {asked(func(i *oauth.OutsideIntrospection) { i.Size = -1 }), "introspection.size: must not"},
	} {
		_, err := oauth.NewOutside(c.options, &outsideGate{}, time.Now)
		if c.want == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, c.want, name)
	}
	require.EqualError(t, oauth.OutsideOptions{JWKS: &oauth.OutsideJWKS{}, Leeway: -1}.Check(), `issuer: must be set where tokens are judged by their signature
audience: must be set where tokens are judged by their signature
leeway: must be from 0s to 5m
jwks: set one of url, file`, "all at once")
	_, err := oauth.NewOutside(keys(func(*oauth.OutsideOptions) {}), nil, time.Now)
	require.ErrorContains(t, err, "take connections and a clock")
	_, err = oauth.NewOutside(keys(func(*oauth.OutsideOptions) {}), &outsideGate{}, nil)
	require.ErrorContains(t, err, "take connections and a clock")
}

// TestOutsideExplains: integrators see why, and nothing of the token.
func TestOutsideExplains(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	o := b.byKeys(t, outsidePublic(t, "a", outsideRSA(), nil))
	r := outsideRequest(outsideSign(t, outsideByRSA(), outsideChanged(outsideSound(), map[string]any{"client_id": "beta"})))
	ctx, notes := explain.Listen(r.Context())
	_, err := o.Bearer(r.WithContext(ctx), outsideCaller())
	require.Error(t, err)
	require.Equal(t, []string{"token of the bank's own server: it is of another TPP"}, notes.Lines())
}
