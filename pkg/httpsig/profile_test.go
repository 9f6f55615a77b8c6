package httpsig_test

import (
	"crypto"
	"crypto/elliptic"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/pkg/httpsig"
)

func TestSignAndVerify(t *testing.T) {
	t.Parallel()
	rsa, ec := rsaKey(t), ecKey(t, elliptic.P256())
	for name, test := range map[string]struct {
		key             crypto.Signer
		algorithm, want string
		digest          string
	}{
		"RSA":             {rsa, "", "rsa-sha256", "SHA-256="},
		"RSA, 512":        {rsa, "rsa-sha512", "rsa-sha512", "SHA-512="},
		"RSA in a device": {opaque{rsa}, "", "rsa-sha256", "SHA-256="},
		"P-256":           {ec, "", "ecdsa-sha256", "SHA-256="},
		"P-256, 512":      {ec, "ecdsa-sha512", "ecdsa-sha512", "SHA-512="},
		"P-384":           {ecKey(t, elliptic.P384()), "", "ecdsa-sha256", "SHA-256="},
		"P-256 in device": {opaque{ec}, "", "ecdsa-sha256", "SHA-256="},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, cert := post(t), seal(t, test.key)
			signer := &httpsig.Signer{Certificate: cert, Key: test.key, Algorithm: test.algorithm}
			signed, err := signer.Sign(r, []byte(consent))
			require.NoError(t, err)
			require.Equal(t, test.want, signed.Algorithm)
			require.Equal(t, []string{"digest", "x-request-id"}, signed.Headers)
			require.Contains(t, r.Header.Get("Digest"), test.digest)

			der, err := httpsig.DecodeCertificate(r.Header.Get("TPP-Signature-Certificate"))
			require.NoError(t, err)
			require.Equal(t, cert.Raw, der)
			got, err := httpsig.DefaultProfile().Verify(httpsig.Of(r), cert)
			require.NoError(t, err)
			require.Equal(t, signed.String, got.String)
			require.NoError(t, httpsig.CheckDigest(r.Header.Get("Digest"), []byte(consent)))
		})
	}
}

func TestSignCoversWhatThereIs(t *testing.T) {
	t.Parallel()
	key := ecKey(t, elliptic.P256())
	signer := &httpsig.Signer{Certificate: seal(t, key), Key: key}
	r := post(t)
	r.Header.Set("TPP-Redirect-URI", "https://tpp.example/back")
	r.Header.Set("PSU-ID", "")
	r.Header.Add("PSU-Corporate-ID", " a ")
	r.Header.Add("PSU-Corporate-ID", "b")
	signed, err := signer.Sign(r, nil)
	require.NoError(t, err)
	require.Equal(t, "digest: "+nothing256+"\nx-request-id: 99391c7e-ad88-49ec-a2ad-99ddcb1f7721\n"+
		"psu-id: \npsu-corporate-id: a, b\ntpp-redirect-uri: https://tpp.example/back", signed.String)
	_, err = httpsig.DefaultProfile().Verify(httpsig.Of(r), signer.Certificate)
	require.NoError(t, err)
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	key := ecKey(t, elliptic.P256())
	cert := seal(t, key)
	for name, test := range map[string]struct {
		signer httpsig.Signer
		change func(http.Header)
		text   string
	}{
		"another key":              {signer: httpsig.Signer{Certificate: cert, Key: ecKey(t, elliptic.P256())}, text: "not that of the certificate"},
		"an algorithm for another": {signer: httpsig.Signer{Certificate: cert, Key: key, Algorithm: "rsa-sha256"}, text: "not an algorithm for the key"},
		"an unknown algorithm":     {signer: httpsig.Signer{Certificate: cert, Key: key, Algorithm: "hs2019"}, text: "not an algorithm for the key"},
		"no request id":            {signer: httpsig.Signer{Certificate: cert, Key: key}, change: func(h http.Header) { h.Del("X-Request-ID") }, text: "no x-request-id"},
		"two lines in one":         {signer: httpsig.Signer{Certificate: cert, Key: key}, change: func(h http.Header) { h.Set("X-Request-ID", "1\npsu-id: 2") }, text: "no x-request-id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := post(t)
			if test.change != nil {
				test.change(r.Header)
			}
			_, err := test.signer.Sign(r, nil)
			require.ErrorContains(t, err, test.text)
			require.Empty(t, r.Header.Get("Signature"))
		})
	}
}

// Through real servers: what net/http makes of host, target and length.
func TestVerifyOverTheWire(t *testing.T) {
	t.Parallel()
	key := ecKey(t, elliptic.P256())
	profile := httpsig.Profile{Required: []string{"(request-target)", "host", "digest", "x-request-id", "content-length", "content-type"}}
	signer := &httpsig.Signer{Certificate: seal(t, key), Key: key, Profile: profile}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := profile.Verify(httpsig.Of(r), signer.Certificate); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
		}
	}))
	t.Cleanup(server.Close)
	for name, target := range map[string]string{
		"plain": "/v1/consents", "escaped": "/v1/a%2Fb%20c/?x=1%20y&z", "none": "", "question": "/?", "odd": "//v1;a=b/./c",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := http.NewRequest(http.MethodPost, server.URL+target, strings.NewReader(consent))
			require.NoError(t, err)
			r.Header = post(t).Header
			_, err = signer.Sign(r, []byte(consent))
			require.NoError(t, err)
			answer, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			defer answer.Body.Close()
			body, err := io.ReadAll(answer.Body)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, answer.StatusCode, "%s", body)
		})
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	rsa := rsaKey(t)
	cert := seal(t, rsa)
	other := seal(t, rsaKey(t))
	ec := seal(t, ecKey(t, elliptic.P256()))
	replace := func(old, new string) func(http.Header) {
		return func(h http.Header) {
			require.Contains(t, h.Get("Signature"), old)
			h.Set("Signature", strings.Replace(h.Get("Signature"), old, new, 1))
		}
	}
	set := func(name, value string) func(http.Header) { return func(h http.Header) { h.Set(name, value) } }
	for name, test := range map[string]struct {
		change func(http.Header)
		by     httpsig.Profile
		reason httpsig.Reason
		text   string
	}{
		"no signature":            {change: func(h http.Header) { h.Del("Signature") }, reason: httpsig.Missing, text: "is required"},
		"two signatures":          {change: func(h http.Header) { h.Add("Signature", h.Get("Signature")) }, reason: httpsig.Malformed, text: "sent once"},
		"nonsense":                {change: set("Signature", "nonsense"), reason: httpsig.Malformed, text: "list of"},
		"another keyId":           {change: replace("SN=9FA1", "SN=9FA2"), reason: httpsig.Invalid, text: "serial number"},
		"another issuer":          {change: replace("CA=CN=S", "CA=CN=T"), reason: httpsig.Invalid, text: "issuer"},
		"hs2019":                  {change: replace("rsa-sha256", "hs2019"), reason: httpsig.Invalid, text: "must use rsa-sha256"},
		"rsa-sha1":                {change: replace("rsa-sha256", "rsa-sha1"), reason: httpsig.Invalid, text: "must use rsa-sha256"},
		"hmac":                    {change: replace("rsa-sha256", "hmac-sha256"), reason: httpsig.Invalid, text: "must use rsa-sha256"},
		"an algorithm for others": {change: replace("rsa-sha256", "ecdsa-sha256"), reason: httpsig.Invalid, text: "for the key of the certificate"},
		"another hash":            {change: replace("rsa-sha256", "rsa-sha512"), reason: httpsig.Invalid, text: "is not the signature"},
		"digest not covered":      {change: replace("digest x-request-id", "x-request-id"), reason: httpsig.Invalid, text: "must cover digest"},
		"id not covered":          {change: replace("digest x-request-id", "digest"), reason: httpsig.Invalid, text: "must cover x-request-id"},
		"PSU not covered":         {change: set("PSU-ID", "anna"), reason: httpsig.Invalid, text: "must cover psu-id, which"},
		"an empty one neither":    {change: set("TPP-Redirect-URI", ""), reason: httpsig.Invalid, text: "must cover tpp-redirect-uri, which"},
		"too much covered":        {change: replace("x-request-id", "x-request-id content-type"), reason: httpsig.Invalid, text: "must not cover content-type"},
		"what is not there":       {change: replace("x-request-id", "x-request-id date"), reason: httpsig.Invalid, text: "must not cover date, which"},
		"the other way round":     {change: replace("digest x-request-id", "x-request-id digest"), reason: httpsig.Invalid, text: "is not the signature"},
		"another id":              {change: set("X-Request-ID", "0b7a1f0e-0000-4000-8000-000000000000"), reason: httpsig.Invalid, text: "is not the signature"},
		"a second id":             {change: func(h http.Header) { h.Add("X-Request-ID", "") }, reason: httpsig.Invalid, text: "is not the signature"},
		"another digest":          {change: set("Digest", nothing256), reason: httpsig.Invalid, text: "is not the signature"},
		"more required":           {by: httpsig.Profile{Required: []string{"digest", "x-request-id", "date"}}, reason: httpsig.Invalid, text: "must cover date"},
		"nothing required":        {change: replace("digest x-request-id", "x-request-id"), by: httpsig.Profile{Others: []string{"*"}}, reason: httpsig.Invalid, text: "must cover digest"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := post(t)
			_, err := (&httpsig.Signer{Certificate: cert, Key: rsa}).Sign(r, []byte(consent))
			require.NoError(t, err)
			if test.by.Required == nil && test.by.Others == nil {
				test.by = httpsig.DefaultProfile()
			}
			if test.change != nil {
				test.change(r.Header)
			}
			_, err = test.by.Verify(httpsig.Of(r), cert)
			requireFault(t, err, test.reason, "Signature", test.text)
		})
	}

	r := post(t)
	_, err := (&httpsig.Signer{Certificate: cert, Key: rsa}).Sign(r, []byte(consent))
	require.NoError(t, err)
	_, err = httpsig.DefaultProfile().Verify(httpsig.Of(r), other)
	requireFault(t, err, httpsig.Invalid, "Signature", "is not the signature")
	_, err = httpsig.DefaultProfile().Verify(httpsig.Of(r), ec)
	requireFault(t, err, httpsig.Invalid, "Signature", "for the key of the certificate")
}

// Every bit of a signature counts.
func TestVerifyAnyBitTurned(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]crypto.Signer{"RSA": rsaKey(t), "ECDSA": ecKey(t, elliptic.P256())} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, cert := post(t), seal(t, key)
			signed, err := (&httpsig.Signer{Certificate: cert, Key: key}).Sign(r, nil)
			require.NoError(t, err)
			header := r.Header.Get("Signature")
			for i := range signed.Value {
				turned := append([]byte(nil), signed.Value...)
				turned[i] ^= 1 << (i % 8)
				r.Header.Set("Signature", strings.Replace(header,
					base64.StdEncoding.EncodeToString(signed.Value), base64.StdEncoding.EncodeToString(turned), 1))
				_, err := httpsig.DefaultProfile().Verify(httpsig.Of(r), cert)
				requireFault(t, err, httpsig.Invalid, "Signature", "is not the signature")
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	for name, key := range map[string]crypto.Signer{"RSA-2048": rsaKey(b), "P-256": ecKey(b, elliptic.P256())} {
		b.Run(name, func(b *testing.B) {
			r, cert := post(b), seal(b, key)
			_, err := (&httpsig.Signer{Certificate: cert, Key: key}).Sign(r, []byte(consent))
			require.NoError(b, err)
			profile, m := httpsig.DefaultProfile(), httpsig.Of(r)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := profile.Verify(m, cert); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A fault of what is covered names what is, and all that is not.
func TestVerifyTellsCoverage(t *testing.T) {
	t.Parallel()
	key := ecKey(t, elliptic.P256())
	cert := seal(t, key)
	r := post(t)
	signer := &httpsig.Signer{Certificate: cert, Key: key, Profile: httpsig.Profile{Required: []string{"digest", "date"}}}
	r.Header.Set("Date", "Mon, 04 May 2026 12:00:00 GMT")
	_, err := signer.Sign(r, []byte(consent))
	require.NoError(t, err)
	r.Header.Set("PSU-ID", "anna")
	_, err = httpsig.DefaultProfile().Verify(httpsig.Of(r), cert)
	fault, ok := httpsig.As(err)
	require.True(t, ok)
	require.Equal(t, []string{"digest", "date"}, fault.Covered)
	require.Equal(t, []string{"x-request-id", "psu-id"}, fault.Uncovered)
	require.Equal(t, "must cover x-request-id", fault.Text)

	_, err = httpsig.Profile{Required: []string{"digest"}, Others: []string{"date"}}.Verify(httpsig.Of(r), seal(t, ecKey(t, elliptic.P256())))
	fault, ok = httpsig.As(err)
	require.True(t, ok)
	require.Equal(t, []string{"digest", "date"}, fault.Covered)
	require.Empty(t, fault.Uncovered, "nothing is missing")
}
