package oauth_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/connections"
	"consentd/internal/tpp"
)

func TestOutsideJWT(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	o := b.byKeys(t, outsidePublic(t, "a", outsideRSA(), nil))
	got, err := o.Bearer(outsideRequest(outsideSign(t, outsideByRSA(), outsideChanged(outsideSound(), map[string]any{
		"auth_time": outsideStart.AddDate(0, 0, -20).Unix(), "customer": "sarl", "cnf": map[string]any{"x5t#S256": outsideThumbprint(outsideCert())},
	}))), outsideCaller())
	require.NoError(t, err)
	require.Equal(t, connections.Principal{TPP: outsideTPP, PSUID: "lea"}, got)
	require.Equal(t, connections.Claims{
		TPP: outsideTPP, PSU: "lea", Customer: "sarl", Scopes: []string{"aisp", "extended_transaction_history"},
		IssuedAt: outsideStart.Add(-time.Minute), SCA: outsideStart.AddDate(0, 0, -20),
		Certificate: outsideThumbprint(outsideCert()), Call: outsideCall(),
	}, b.told(t))
}

// TestOutsideForms: what servers do in different ways.
func TestOutsideForms(t *testing.T) {
	t.Parallel()
	sound := connections.Claims{
		TPP: outsideTPP, PSU: "lea", Scopes: []string{"aisp", "extended_transaction_history"},
		IssuedAt: outsideStart.Add(-time.Minute), Call: outsideCall(),
	}
	for name, c := range map[string]struct {
		claims map[string]any
		want   func(*connections.Claims)
	}{
		"as RFC 9068 has it": {},
		"audiences":          {claims: map[string]any{"aud": []any{"https://other.example", outsideAudience}}},
		"scopes in a list":   {claims: map[string]any{"scope": []any{"extended_transaction_history", "aisp", "aisp"}}},
		"no scope":           {claims: map[string]any{"scope": nil}, want: func(c *connections.Claims) { c.Scopes = nil }},
		"azp for client_id":  {claims: map[string]any{"client_id": nil, "azp": outsideOrg}},
		"our id":             {claims: map[string]any{"client_id": outsideTPP}},
		"typ of Keycloak":    {claims: map[string]any{"typ": "Bearer"}},
		"a clock ahead": {
			// What is dated in the future counts as of now.
			claims: map[string]any{"iat": outsideStart.Add(30 * time.Second).Unix(), "auth_time": outsideStart.Add(29 * time.Second).Unix(), "nbf": outsideStart.Add(30 * time.Second).Unix()},
			want:   func(c *connections.Claims) { c.IssuedAt, c.SCA = outsideStart, outsideStart },
		},
		"a clock behind": {claims: map[string]any{"exp": outsideStart.Add(-29 * time.Second).Unix()}},
		"fractions of seconds": {
			claims: map[string]any{"iat": json.Number("1777895999.25")},
			want:   func(c *connections.Claims) { c.IssuedAt = outsideStart.Add(-750 * time.Millisecond) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := outsideSetup(t)
			o := b.byKeys(t, outsidePublic(t, "a", outsideRSA(), nil))
			_, err := o.Bearer(outsideRequest(outsideSign(t, outsideByRSA(), outsideChanged(outsideSound(), c.claims))), outsideCaller())
			require.NoError(t, err)
			want := sound
			if c.want != nil {
				c.want(&want)
			}
			got := b.told(t)
			if len(got.Scopes) == 0 {
				got.Scopes = nil
			}
			require.Equal(t, want, got)
		})
	}
}

func TestOutsideAlgorithms(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	o := b.byKeys(t, outsidePublic(t, "r", outsideRSA(), nil), outsidePublic(t, "e", outsideEC(), nil), outsidePublic(t, "f", outsideEC384(), nil))
	for _, c := range []struct {
		algorithm jwa.SignatureAlgorithm
		id        string
		key       any
	}{
		{jwa.RS256(), "r", outsideRSA()},
		{jwa.RS384(), "r", outsideRSA()},
		{jwa.RS512(), "r", outsideRSA()},
		{jwa.PS256(), "r", outsideRSA()},
		{jwa.PS384(), "r", outsideRSA()},
		{jwa.PS512(), "r", outsideRSA()},
		{jwa.ES256(), "e", outsideEC()},
		{jwa.ES384(), "f", outsideEC384()},
	} {
		for _, typ := range []string{"at+jwt", "application/at+JWT", "JWT"} {
			token := outsideSign(t, outsideSigning{c.algorithm, c.key, map[string]any{"kid": c.id, "typ": typ}}, outsideSound())
			_, err := o.Bearer(outsideRequest(token), outsideCaller())
			require.NoError(t, err, "%s %s", c.algorithm, typ)
		}
		token := outsideSign(t, outsideSigning{c.algorithm, c.key, map[string]any{"typ": "at+jwt"}}, outsideSound())
		_, err := o.Bearer(outsideRequest(token), outsideCaller())
		require.NoError(t, err, "%s without kid", c.algorithm)
	}
	require.Equal(t, 1, b.calls())
}

// outsideRefused asserts that a token gets nobody in, and why; and that the answer and
// the log have nothing of it.
func outsideRefused(t *testing.T, b *outsideBundle, err error, code consent.Code, why string) {
	t.Helper()
	require.Equal(t, code, consent.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, why)
	require.Empty(t, b.gate.claims)
	for _, secret := range []string{"lea", "eyJ", "opaque", "our-secret"} {
		assert.NotContains(t, err.Error(), secret)
	}
}

// TestOutsideClaimRefusals: each thing that can be wrong with what a token says, when
// its signature is right.
func TestOutsideClaimRefusals(t *testing.T) {
	t.Parallel()
	invalid, at := consent.CodeTokenInvalid, func(d time.Duration) int64 { return outsideStart.Add(d).Unix() }
	for name, c := range map[string]struct {
		claims map[string]any
		code   consent.Code
		why    string
	}{
		"another issuer":         {map[string]any{"iss": "https://evil.example"}, invalid, "is of another issuer"},
		"no issuer":              {map[string]any{"iss": nil}, invalid, "is of another issuer"},
		"another audience":       {map[string]any{"aud": "https://other.example"}, invalid, "is for another audience"},
		"no audience":            {map[string]any{"aud": nil}, invalid, "is for another audience"},
		"an odd audience":        {map[string]any{"aud": []any{outsideAudience, 3}}, invalid, "aud that is neither"},
		"no client":              {map[string]any{"client_id": nil}, invalid, "lacks client_id"},
		"another TPP":            {map[string]any{"client_id": "PSDFR-ACPR-13808"}, invalid, "is of another TPP"},
		"azp of another TPP":     {map[string]any{"client_id": nil, "azp": "beta"}, invalid, "is of another TPP"},
		"an authority for a TPP": {map[string]any{"client_id": "FR-ACPR"}, invalid, "is of another TPP"},
		"no PSU":                 {map[string]any{"sub": nil}, invalid, "lacks sub"},
		"an empty PSU":           {map[string]any{"sub": ""}, invalid, "lacks sub"},
		"a number for a PSU":     {map[string]any{"sub": 3}, invalid, "sub that is no text"},
		"a PSU of two lines":     {map[string]any{"sub": "a\nb"}, invalid, "sub that is no text"},
		"an endless PSU":         {map[string]any{"sub": strings.Repeat("x", 513)}, invalid, "sub that is no text"},
		"client credentials":     {map[string]any{"sub": outsideOrg}, invalid, "in the name of no PSU"},
		"an odd customer":        {map[string]any{"customer": []any{"a"}}, invalid, "customer that is no text"},
		"an odd scope":           {map[string]any{"scope": map[string]any{}}, invalid, "scope that is neither"},
		"no iat":                 {map[string]any{"iat": nil}, invalid, "lacks iat"},
		"iat as text":            {map[string]any{"iat": "1777895999"}, invalid, "iat that is no date"},
		"iat in the future":      {map[string]any{"iat": at(31 * time.Second)}, invalid, "issued in the future"},
		"no exp":                 {map[string]any{"exp": nil}, invalid, "lacks exp"},
		"exp beyond all times":   {map[string]any{"exp": json.Number("1e300")}, invalid, "exp that is no date"},
		"exp before all times":   {map[string]any{"exp": -1}, invalid, "exp that is no date"},
		"expired":                {map[string]any{"exp": at(-30 * time.Second)}, consent.CodeTokenExpired, "has expired"},
		"expired, of another":    {map[string]any{"exp": at(-time.Hour), "client_id": "beta"}, invalid, "is of another TPP"},
		"not yet":                {map[string]any{"nbf": at(31 * time.Second)}, invalid, "not yet good"},
		"an odd nbf":             {map[string]any{"nbf": true}, invalid, "nbf that is no date"},
		"auth_time in the future": {
			map[string]any{"auth_time": at(31 * time.Second)}, invalid, "auth_time in the future",
		},
		"an ID token":          {map[string]any{"typ": "ID"}, invalid, "no access token by its typ"},
		"a refresh token":      {map[string]any{"token_use": "refresh_token"}, invalid, "no access token by its token_use"},
		"bound to a key":       {map[string]any{"cnf": map[string]any{"jkt": "x"}}, invalid, "bound to something else"},
		"bound to nothing":     {map[string]any{"cnf": "x"}, invalid, "bound to something else"},
		"bound to another":     {map[string]any{"cnf": map[string]any{"x5t#S256": outsideThumbprint(outsideOther())}}, invalid, "another certificate"},
		"bound by what is odd": {map[string]any{"cnf": map[string]any{"x5t#S256": "?"}}, invalid, "another certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := outsideSetup(t)
			o := b.byKeys(t, outsidePublic(t, "a", outsideRSA(), nil))
			_, err := o.Bearer(outsideRequest(outsideSign(t, outsideByRSA(), outsideChanged(outsideSound(), c.claims))), outsideCaller())
			outsideRefused(t, b, err, c.code, c.why)
		})
	}
}

// TestOutsideCallers: whose a token is, where callers are told apart otherwise.
func TestOutsideCallers(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	o := b.byKeys(t, outsidePublic(t, "a", outsideRSA(), nil))
	token := func(change map[string]any) *http.Request {
		return outsideRequest(outsideSign(t, outsideByRSA(), outsideChanged(outsideSound(), change)))
	}

	_, err := o.Bearer(token(map[string]any{"cnf": map[string]any{"x5t#S256": outsideThumbprint(outsideCert())}}), tpp.TPP{ID: outsideTPP})
	outsideRefused(t, b, err, consent.CodeTokenInvalid, "another certificate")
	_, err = o.Bearer(token(nil), tpp.TPP{ID: "FR-ACPR:PSDFR-ACPR-1"})
	outsideRefused(t, b, err, consent.CodeTokenInvalid, "another TPP")
	_, err = o.Bearer(token(nil), tpp.TPP{})
	outsideRefused(t, b, err, consent.CodeTokenInvalid, "another TPP")

	_, err = o.Bearer(token(nil), tpp.TPP{ID: outsideTPP})
	require.NoError(t, err, "by what follows the colon")
	_, err = o.Bearer(token(map[string]any{"client_id": "acme"}), tpp.TPP{ID: "acme"})
	require.NoError(t, err, "by its id")
	require.Equal(t, "acme", b.told(t).TPP)
}

// TestOutsideForgeries: each thing that can be wrong with a token's form, header and
// signature.
func TestOutsideForgeries(t *testing.T) {
	t.Parallel()
	text := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	claims, err := json.Marshal(outsideSound())
	require.NoError(t, err)
	header := func(change map[string]any) map[string]any { return outsideChanged(outsideByRSA().header, change) }
	public, err := json.Marshal(outsidePublic(t, "a", outsideRSA(), nil))
	require.NoError(t, err)
	good := outsideSign(t, outsideByRSA(), outsideSound())
	parts := strings.Split(good, ".")
	for name, c := range map[string]struct{ token, why string }{
		"opaque":               {"opaque-token", "is no JWT"},
		"encrypted":            {"a.b.c.d.e", "is no JWT"},
		"header no base64":     {"=." + parts[1] + "." + parts[2], "is no token by its form"},
		"header odd base64":    {parts[0] + "A." + parts[1] + "." + parts[2], "is no JWT"},
		"header no JSON":       {text("nothing") + "." + parts[1] + "." + parts[2], "is no JWT"},
		"header with more":     {text(`{"alg":"RS256"}{}`) + "." + parts[1] + "." + parts[2], "is no JWT"},
		"too long":             {good + strings.Repeat("A", 16<<10), "is no token by its form"},
		"none":                 {text(`{"alg":"none","typ":"at+jwt"}`) + "." + parts[1] + ".", "algorithm that is not allowed"},
		"no algorithm":         {text(`{"typ":"at+jwt","kid":"a"}`) + "." + parts[1] + "." + parts[2], "algorithm that is not allowed"},
		"a shared secret":      {outsideSign(t, outsideSigning{jwa.HS256(), public, header(nil)}, outsideSound()), "algorithm that is not allowed"},
		"no type":              {outsideSign(t, outsideSigning{jwa.RS256(), outsideRSA(), header(map[string]any{"typ": nil})}, outsideSound()), "is not of the type at+jwt"},
		"another type":         {outsideSign(t, outsideSigning{jwa.RS256(), outsideRSA(), header(map[string]any{"typ": "dpop+jwt"})}, outsideSound()), "is not of the type at+jwt"},
		"critical members":     {outsideSign(t, outsideSigning{jwa.RS256(), outsideRSA(), header(map[string]any{"crit": []string{"x"}, "x": 1})}, outsideSound()), "critical members"},
		"other claims":         {parts[0] + "." + text(`{"sub":"enzo"}`) + "." + parts[2], "has a wrong signature"},
		"no signature":         {parts[0] + "." + parts[1] + ".", "has a wrong signature"},
		"another's key":        {outsideSign(t, outsideSigning{jwa.RS256(), outsideStranger(), header(nil)}, outsideSound()), "has a wrong signature"},
		"a key of its own":     {outsideSign(t, outsideSigning{jwa.ES256(), outsideEC(), header(map[string]any{"jwk": outsideJWKOf(outsideEC())})}, outsideSound()), "is not signed by a key"},
		"an unknown key":       {outsideSign(t, outsideSigning{jwa.RS256(), outsideRSA(), header(map[string]any{"kid": "z"})}, outsideSound()), "is not signed by a key"},
		"a stranger, no kid":   {outsideSign(t, outsideSigning{jwa.RS256(), outsideStranger(), header(map[string]any{"kid": nil})}, outsideSound()), "is not signed by a key"},
		"claims no JSON":       {outsideSignText(t, outsideByRSA(), []byte("nothing")), "claims that are no JSON object"},
		"claims a list":        {outsideSignText(t, outsideByRSA(), []byte("[]")), "claims that are no JSON object"},
		"claims null":          {outsideSignText(t, outsideByRSA(), []byte("null")), "claims that are no JSON object"},
		"claims and more":      {outsideSignText(t, outsideByRSA(), append(claims, "{}"...)), "claims that are no JSON object"},
		"blank in the middle":  {"a b", "is no token by its form"},
		"RSA key under ES256":  {text(`{"alg":"ES256","typ":"at+jwt","kid":"a"}`) + "." + parts[1] + "." + parts[2], "is not signed by a key"},
		"unencoded, not said":  {text(`{"alg":"RS256","typ":"at+jwt","kid":"a","b64":false}`) + "." + parts[1] + "." + parts[2], "has a wrong signature"},
		"kid that is no text":  {text(`{"alg":"RS256","typ":"at+jwt","kid":3}`) + "." + parts[1] + "." + parts[2], "kid that is no text"},
		"signature of another": {parts[0] + "." + parts[1] + "." + strings.Split(outsideSign(t, outsideByRSA(), outsideChanged(outsideSound(), map[string]any{"jti": "2"})), ".")[2], "has a wrong signature"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := outsideSetup(t)
			o := b.byKeys(t, outsidePublic(t, "a", outsideRSA(), nil))
			_, err := o.Bearer(outsideRequest(c.token), outsideCaller())
			outsideRefused(t, b, err, consent.CodeTokenInvalid, c.why)
			require.LessOrEqual(t, b.calls(), 1)
		})
	}
}

// TestOutsideWithoutToken: as RFC 6750 §2.1 has it, or not at all.
func TestOutsideWithoutToken(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	o := b.byKeys(t, outsidePublic(t, "a", outsideRSA(), nil))
	good := outsideSign(t, outsideByRSA(), outsideSound())
	for name, lines := range map[string][]string{
		"none": nil, "empty": {""}, "Basic": {"Basic " + good}, "DPoP": {"DPoP " + good}, "no token": {"Bearer "}, "two": {"Bearer " + good, "Bearer " + good},
	} {
		r := outsideRequest(good)
		r.Header["Authorization"] = lines
		_, err := o.Bearer(r, outsideCaller())
		require.Equal(t, consent.CodeTokenMissing, consent.CodeOf(err), name)
	}
	require.Zero(t, b.calls())
}

// TestOutsideGateDecides: what Connections says of a good token is the answer.
func TestOutsideGateDecides(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	o := b.byKeys(t, outsidePublic(t, "a", outsideRSA(), nil))
	b.gate.err = consent.E(consent.CodeTokenInvalid, "the access was ended later")
	_, err := o.Bearer(outsideRequest(outsideSign(t, outsideByRSA(), outsideSound())), outsideCaller())
	require.ErrorIs(t, err, b.gate.err)
}
