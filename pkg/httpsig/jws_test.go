package httpsig_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/pkg/httpsig"
)

func atNoon() time.Time { return noon }

// protected is the header of an x-jws-signature.
func protected(tb testing.TB, value string) map[string]any {
	tb.Helper()
	encoded, _, ok := strings.Cut(value, "..")
	require.True(tb, ok)
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	require.NoError(tb, err)
	var header map[string]any
	require.NoError(tb, json.Unmarshal(raw, &header))
	return header
}

func TestJWSSignRequest(t *testing.T) {
	t.Parallel()
	rsa := rsaKey(t)
	for name, test := range map[string]struct {
		key       crypto.Signer
		algorithm string
	}{
		"RSA":             {rsa, "RS256"},
		"RSA in a device": {opaque{rsa}, "RS256"},
		"P-256":           {ecKey(t, elliptic.P256()), "ES256"},
		"P-384":           {ecKey(t, elliptic.P384()), "ES384"},
		"P-521":           {ecKey(t, elliptic.P521()), "ES512"},
		"P-256 in device": {opaque{ecKey(t, elliptic.P256())}, "ES256"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cert, above := seal(t, test.key), seal(t, ecKey(t, elliptic.P256()))
			signer := &httpsig.JWSSigner{Certificate: cert, Chain: []*x509.Certificate{above}, Key: test.key, Now: atNoon}
			r := post(t)
			r.Header.Set("PSU-ID", "anna")
			r.Header.Set("PSU-IP-Address", "192.0.2.7")
			r.Header.Set("TPP-Redirect-URI", "https://tpp.example/back")
			require.NoError(t, signer.SignRequest(r, []byte(consent)))
			require.NoError(t, httpsig.CheckDigest(r.Header.Get("Digest"), []byte(consent)))

			j, err := httpsig.ParseJWS(r.Header.Get(httpsig.HeaderJWS))
			require.NoError(t, err)
			require.Equal(t, test.algorithm, j.Algorithm)
			require.Equal(t, [][]byte{cert.Raw, above.Raw}, j.Certificates)
			sum := sha256.Sum256(cert.Raw)
			require.Equal(t, sum[:], j.Thumbprint)
			require.Equal(t, noon, j.SignedAt)
			require.Equal(t, []string{
				"(request-target)", "host", "x-request-id", "digest",
				"content-type", "tpp-redirect-uri", "psu-id", "psu-ip-address",
			}, j.Pars)
			require.NoError(t, j.Verify(httpsig.DefaultJWSProfile(atNoon), httpsig.Of(r), cert))
		})
	}
}

// The members of the header are those of the standard, and of its types.
func TestJWSHeader(t *testing.T) {
	t.Parallel()
	key := ecKey(t, elliptic.P256())
	r := post(t)
	require.NoError(t, (&httpsig.JWSSigner{Certificate: seal(t, key), Key: key, Now: atNoon}).SignRequest(r, nil))
	header := protected(t, r.Header.Get(httpsig.HeaderJWS))
	require.Len(t, header, 7)
	require.Equal(t, "ES256", header["alg"])
	require.Equal(t, false, header["b64"])
	require.Equal(t, []any{"sigT", "sigD", "b64"}, header["crit"])
	require.Equal(t, "2026-10-02T12:00:00Z", header["sigT"])
	require.Equal(t, map[string]any{
		"mId":  "http://uri.etsi.org/19182/HttpHeaders",
		"pars": []any{"(request-target)", "host", "x-request-id", "digest", "content-type"},
	}, header["sigD"])
	require.Len(t, header["x5c"], 1)
	require.Len(t, header["x5t#S256"], 43)
}

func TestJWSSignRefuses(t *testing.T) {
	t.Parallel()
	key, small := ecKey(t, elliptic.P256()), ecKey(t, elliptic.P224())
	cert := seal(t, key)
	r := post(t)
	r.Header.Del("X-Request-ID")
	require.ErrorContains(t, (&httpsig.JWSSigner{Certificate: cert, Key: key, Now: atNoon}).SignRequest(r, nil), "no x-request-id")
	require.ErrorContains(t, (&httpsig.JWSSigner{Certificate: cert, Key: small, Now: atNoon}).SignRequest(post(t), nil), "not that of the certificate")
	require.ErrorContains(t, (&httpsig.JWSSigner{Certificate: seal(t, small), Key: small, Now: atNoon}).SignRequest(post(t), nil), "no algorithm")
	require.Empty(t, r.Header.Get(httpsig.HeaderJWS))
}

func TestJWSResponse(t *testing.T) {
	t.Parallel()
	key := ecKey(t, elliptic.P256())
	cert := seal(t, key)
	signer := &httpsig.JWSSigner{Certificate: cert, Key: key, Now: atNoon}
	profile := httpsig.DefaultJWSProfile(atNoon)
	body := []byte(`{"consentStatus":"received"}`)
	for name, test := range map[string]struct {
		change func(http.Header)
		reason httpsig.Reason
		header string
		text   string
	}{
		"as signed":             {},
		"with another header":   {change: func(h http.Header) { h.Set("Location", "/") }},
		"not signed":            {func(h http.Header) { h.Del(httpsig.HeaderJWS) }, httpsig.Missing, httpsig.HeaderJWS, "required"},
		"signed twice":          {func(h http.Header) { h.Add(httpsig.HeaderJWS, h.Get(httpsig.HeaderJWS)) }, httpsig.Malformed, httpsig.HeaderJWS, "once"},
		"nonsense":              {func(h http.Header) { h.Set(httpsig.HeaderJWS, "a.b.c") }, httpsig.Malformed, httpsig.HeaderJWS, "detached"},
		"of another request":    {func(h http.Header) { h.Set("X-Request-ID", "2") }, httpsig.Invalid, httpsig.HeaderJWS, "is not the signature"},
		"of another type":       {func(h http.Header) { h.Set("Content-Type", "text/html") }, httpsig.Invalid, httpsig.HeaderJWS, "is not the signature"},
		"without digest":        {func(h http.Header) { h.Del("Digest") }, httpsig.Invalid, httpsig.HeaderJWS, "must not cover digest"},
		"with two digests":      {func(h http.Header) { h.Add("Digest", nothing256) }, httpsig.Invalid, httpsig.HeaderJWS, "is not the signature"},
		"with another's digest": {func(h http.Header) { h.Set("Digest", nothing256) }, httpsig.Invalid, httpsig.HeaderJWS, "is not the signature"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{"X-Request-Id": {"1"}, "Content-Type": {"application/json"}}
			require.NoError(t, signer.SignResponse(h, body))
			if test.change != nil {
				test.change(h)
			}
			err := profile.VerifyResponse(h, body, cert)
			if test.reason == "" {
				require.NoError(t, err)
				return
			}
			requireFault(t, err, test.reason, test.header, test.text)
		})
	}

	h := http.Header{"X-Request-Id": {"1"}}
	require.NoError(t, signer.SignResponse(h, nil))
	require.NoError(t, profile.VerifyResponse(h, nil, cert))
	requireFault(t, profile.VerifyResponse(h, body, cert), httpsig.Invalid, "Digest", "is not the hash")
	h.Set("Content-Type", "application/json")
	requireFault(t, profile.VerifyResponse(h, nil, cert), httpsig.Invalid, httpsig.HeaderJWS, "must cover content-type")
	require.Error(t, signer.SignResponse(http.Header{}, nil))
}

// forge makes an x-jws-signature of any header over any text, as another's
// library would: with no part of ours or of jwx.
func forge(tb testing.TB, key crypto.Signer, header, text string) string {
	tb.Helper()
	encoded := base64.RawURLEncoding.EncodeToString([]byte(header))
	sum := sha256.Sum256([]byte(encoded + "." + text))
	var value []byte
	switch key := key.(type) {
	case *rsa.PrivateKey:
		var err error
		if strings.Contains(header, `"PS256"`) {
			value, err = rsa.SignPSS(rand.Reader, key, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			value, err = rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
		}
		require.NoError(tb, err)
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
		require.NoError(tb, err)
		value = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	}
	return encoded + ".." + base64.RawURLEncoding.EncodeToString(value)
}

// headerFor is the header of the example of the v2 standard, for a certificate.
func headerFor(cert *x509.Certificate, algorithm string) string {
	sum := sha256.Sum256(cert.Raw)
	return `{"b64":false,"x5t#S256":"` + base64.RawURLEncoding.EncodeToString(sum[:]) + `","crit":["sigT","sigD","b64"],` +
		`"sigT":"2026-10-02T12:00:00Z","sigD":{"pars":["x-request-id","digest"],"mId":"http://uri.etsi.org/19182/HttpHeaders"},"alg":"` + algorithm + `"}`
}

const jwsText = "x-request-id: 99391c7e-ad88-49ec-a2ad-99ddcb1f7721\ndigest: " + nothing256

// posted is a request with the headers that jwsText has.
func posted(tb testing.TB) httpsig.Message {
	tb.Helper()
	r := post(tb)
	r.Header.Set("Digest", nothing256)
	return httpsig.Of(r)
}

func TestJWSOfOthers(t *testing.T) {
	t.Parallel()
	rsa, ec := rsaKey(t), ecKey(t, elliptic.P256())
	x5c := func(header string, cert *x509.Certificate) string {
		return strings.Replace(header, `{`, `{"x5c":["`+base64.StdEncoding.EncodeToString(cert.Raw)+`"],`, 1)
	}
	for name, test := range map[string]struct {
		key    crypto.Signer
		change func(header string, cert *x509.Certificate) string
		alg    string
	}{
		"RS256":    {key: rsa, alg: "RS256"},
		"PS256":    {key: rsa, alg: "PS256"},
		"ES256":    {key: ec, alg: "ES256"},
		"with x5c": {key: ec, alg: "ES256", change: x5c},
		"more members": {key: ec, alg: "ES256", change: func(h string, _ *x509.Certificate) string {
			return strings.Replace(h, "{", `{ "kid":"a","typ":"JOSE" , `, 1)
		}},
		"crit, other order": {key: ec, alg: "ES256", change: func(h string, _ *x509.Certificate) string {
			return strings.Replace(h, `"sigT","sigD","b64"`, `"b64","sigD","sigT"`, 1)
		}},
		"another zone": {key: ec, alg: "ES256", change: func(h string, _ *x509.Certificate) string {
			return strings.Replace(h, "T12:00:00Z", "T16:00:00+04:00", 1)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cert := seal(t, test.key)
			header := headerFor(cert, test.alg)
			if test.change != nil {
				header = test.change(header, cert)
			}
			j, err := httpsig.ParseJWS(forge(t, test.key, header, jwsText))
			require.NoError(t, err)
			require.NoError(t, j.Verify(httpsig.DefaultJWSProfile(atNoon), posted(t), cert))
		})
	}
}

func TestJWSVerifyRefuses(t *testing.T) {
	t.Parallel()
	key, other := ecKey(t, elliptic.P256()), rsaKey(t)
	cert, again := seal(t, key), seal(t, key)
	at := func(d time.Duration) func() time.Time { return func() time.Time { return noon.Add(d) } }
	for name, test := range map[string]struct {
		header, text string
		change       func(http.Header)
		now          func() time.Time
		by           *x509.Certificate
		fault        string // empty: none
	}{
		"good":                        {},
		"a minute old":                {now: at(time.Minute)},
		"older":                       {now: at(time.Minute + 1), fault: "older than 1m0s"},
		"two seconds ahead":           {now: at(-2 * time.Second)},
		"further ahead":               {now: at(-2*time.Second - 1), fault: "ahead of time by more than 2s"},
		"a year ago":                  {now: at(365 * 24 * time.Hour), fault: "older"},
		"another certificate":         {by: again, fault: "thumbprint"},
		"another key":                 {by: seal(t, other), fault: "thumbprint"},
		"an algorithm for RSA":        {header: headerFor(cert, "RS256"), fault: "for the key of the certificate"},
		"of another curve":            {header: headerFor(cert, "ES384"), fault: "for the key of the certificate"},
		"another id":                  {change: func(h http.Header) { h.Set("X-Request-ID", "1") }, fault: "is not the signature"},
		"another digest":              {change: func(h http.Header) { h.Set("Digest", nothing512) }, fault: "is not the signature"},
		"a PSU that is not covered":   {change: func(h http.Header) { h.Set("PSU-ID", "anna") }, fault: "must cover psu-id, which"},
		"a URI that is not covered":   {change: func(h http.Header) { h.Set("TPP-Redirect-URI", "https://a") }, fault: "must cover tpp-redirect-uri, which"},
		"a company that is not":       {change: func(h http.Header) { h.Set("PSU-Corporate-ID", "a") }, fault: "must cover psu-corporate-id, which"},
		"no digest":                   {header: strings.Replace(headerFor(cert, "ES256"), `,"digest"`, "", 1), fault: "must cover digest"},
		"no id":                       {header: strings.Replace(headerFor(cert, "ES256"), `"x-request-id",`, "", 1), fault: "must cover x-request-id"},
		"covers what is not there":    {header: strings.Replace(headerFor(cert, "ES256"), `"digest"`, `"digest","date"`, 1), fault: "must not cover date, which"},
		"another order":               {header: strings.Replace(headerFor(cert, "ES256"), `"x-request-id","digest"`, `"digest","x-request-id"`, 1), fault: "is not the signature"},
		"a line break at the end":     {text: jwsText + "\n", fault: "is not the signature"},
		"what b64 would make of it":   {text: base64.RawURLEncoding.EncodeToString([]byte(jwsText)), fault: "is not the signature"},
		"covers the target":           {header: strings.Replace(headerFor(cert, "ES256"), `"x-request-id"`, `"(request-target)","host","x-request-id"`, 1), text: "(request-target): post /v1/consents?x=1%20y\nhost: xs2a.bank.example\n" + jwsText},
		"covers the target elsewhere": {header: strings.Replace(headerFor(cert, "ES256"), `"x-request-id"`, `"(request-target)","x-request-id"`, 1), text: "(request-target): post /v1/consents\n" + jwsText, fault: "is not the signature"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.header == "" {
				test.header = headerFor(cert, "ES256")
			}
			if test.text == "" {
				test.text = jwsText
			}
			if test.now == nil {
				test.now = atNoon
			}
			if test.by == nil {
				test.by = cert
			}
			m := posted(t)
			if test.change != nil {
				test.change(m.Header)
			}
			j, err := httpsig.ParseJWS(forge(t, key, test.header, test.text))
			require.NoError(t, err)
			err = j.Verify(httpsig.DefaultJWSProfile(test.now), m, test.by)
			if test.fault == "" {
				require.NoError(t, err)
				return
			}
			requireFault(t, err, httpsig.Invalid, httpsig.HeaderJWS, test.fault)
			require.Error(t, j.Verify(httpsig.JWSProfile{Now: test.now}, m, test.by), "a profile that does not say")
		})
	}
}

func TestJWSVerifyNeedsAClock(t *testing.T) {
	t.Parallel()
	key := ecKey(t, elliptic.P256())
	cert := seal(t, key)
	j, err := httpsig.ParseJWS(forge(t, key, headerFor(cert, "ES256"), jwsText))
	require.NoError(t, err)
	err = j.Verify(httpsig.JWSProfile{}, posted(t), cert)
	require.ErrorContains(t, err, "needs its Now")
	_, ok := httpsig.As(err)
	require.False(t, ok, "the fault is ours, not the caller's")
}

func BenchmarkVerifyJWS(b *testing.B) {
	for name, key := range map[string]crypto.Signer{"RSA-2048": rsaKey(b), "P-256": ecKey(b, elliptic.P256())} {
		b.Run(name, func(b *testing.B) {
			r, cert := post(b), seal(b, key)
			require.NoError(b, (&httpsig.JWSSigner{Certificate: cert, Key: key, Now: atNoon}).SignRequest(r, []byte(consent)))
			profile, m, value := httpsig.DefaultJWSProfile(atNoon), httpsig.Of(r), r.Header.Get(httpsig.HeaderJWS)
			b.ReportAllocs()
			for b.Loop() {
				j, err := httpsig.ParseJWS(value)
				if err != nil {
					b.Fatal(err)
				}
				if err := j.Verify(profile, m, cert); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
