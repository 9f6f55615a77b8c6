package httpsig_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/pkg/httpsig"
)

// draftKey is the private key of draft-cavage-http-signatures-10 appendix C. It
// has 1024 bits, which Go takes only where it is told to.
const draftKey = `-----BEGIN RSA PRIVATE KEY-----
MIICXgIBAAKBgQDCFENGw33yGihy92pDjZQhl0C36rPJj+CvfSC8+q28hxA161QF
NUd13wuCTUcq0Qd2qsBe/2hFyc2DCJJg0h1L78+6Z4UMR7EOcpfdUE9Hf3m/hs+F
UR45uBJeDK1HSFHD8bHKD6kv8FPGfJTotc+2xjJwoYi+1hqp1fIekaxsyQIDAQAB
AoGBAJR8ZkCUvx5kzv+utdl7T5MnordT1TvoXXJGXK7ZZ+UuvMNUCdN2QPc4sBiA
QWvLw1cSKt5DsKZ8UETpYPy8pPYnnDEz2dDYiaew9+xEpubyeW2oH4Zx71wqBtOK
kqwrXa/pzdpiucRRjk6vE6YY7EBBs/g7uanVpGibOVAEsqH1AkEA7DkjVH28WDUg
f1nqvfn2Kj6CT7nIcE3jGJsZZ7zlZmBmHFDONMLUrXR/Zm3pR5m0tCmBqa5RK95u
412jt1dPIwJBANJT3v8pnkth48bQo/fKel6uEYyboRtA5/uHuHkZ6FQF7OUkGogc
mSJluOdc5t6hI1VsLn0QZEjQZMEOWr+wKSMCQQCC4kXJEsHAve77oP6HtG/IiEn7
kpyUXRNvFsDE0czpJJBvL/aRFUJxuRK91jhjC68sA7NsKMGg5OXb5I5Jj36xAkEA
gIT7aFOYBFwGgQAQkWNKLvySgKbAZRTeLBacpHMuQdl1DfdntvAyqpAZ0lY0RKmW
G6aFKaqQfOXKCyWoUiVknQJAXrlgySFci/2ueKlIE1QqIiLSZ8V8OlpFLRnb1pzI
7U1yQXnTAEFYM560yJlzUpOb1V4cScGd365tiSMvxLOvTA==
-----END RSA PRIVATE KEY-----`

// The examples of the draft, signed to the same bytes and verified: RSA with
// PKCS#1 v1.5 leaves nothing to chance. Of the draft's header only keyId is ours,
// and headers, which C.1 leaves out and XS2A does not.
func TestVectorsOfTheDraft(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0")
	block, _ := pem.Decode([]byte(draftKey))
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	require.NoError(t, err)
	cert := draftCertificate(t, key)
	const body = `{"hello": "world"}`
	for name, test := range map[string]struct{ headers, text, signature string }{
		"C.1 default test": {
			"date", "date: Sun, 05 Jan 2014 21:31:40 GMT",
			"SjWJWbWN7i0wzBvtPl8rbASWz5xQW6mcJmn+ibttBqtifLN7Sazz6m79cNfwwb8DMJ5cou1s7uEGKKCs+FLEEaDV5lp7q25WqS+lavg7T8hc0GppauB6hbgEKTwblDHYGEtbGmtdHgVCk9SuS13F0hZ8FD0k/5OxEPXe5WozsbM=",
		},
		"C.2 basic test": {
			"(request-target) host date",
			"(request-target): post /foo?param=value&pet=dog\nhost: example.com\ndate: Sun, 05 Jan 2014 21:31:40 GMT",
			"qdx+H7PHHDZgy4y/Ahn9Tny9V3GP6YgBPyUXMmoxWtLbHpUnXS2mg2+SbrQDMCJypxBLSPQR2aAjn7ndmw2iicw3HMbe8VfEdKFYRqzic+efkb3nndiv/x1xSHDJWeSWkx3ButlYSuBskLu6kd9Fswtemr3lgdDEmn04swr2Os0=",
		},
		"C.3 all headers test": {
			"(request-target) host date content-type digest content-length",
			"(request-target): post /foo?param=value&pet=dog\nhost: example.com\ndate: Sun, 05 Jan 2014 21:31:40 GMT\n" +
				"content-type: application/json\ndigest: SHA-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=\ncontent-length: 18",
			"vSdrb+dS3EceC9bcwHSo4MlyKS59iFIrhgYkz8+oVLEEzmYZZvRs8rgOp+63LEM3v+MFHB32NfpB2bEKBIvB1q52LaEUHFv120V01IL+TAD48XaERZFukWgHoBTLMhYS2Gb51gWxpeIq8knRmPnYePbF5MOkR0Zkly4zKH7s1dE=",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequest(http.MethodPost, "https://example.com/foo?param=value&pet=dog", strings.NewReader(body))
			require.NoError(t, err)
			r.Header.Set("Date", "Sun, 05 Jan 2014 21:31:40 GMT")
			r.Header.Set("Content-Type", "application/json")
			profile := httpsig.Profile{Required: strings.Fields(test.headers)}
			signed, err := (&httpsig.Signer{Certificate: cert, Key: key, Profile: profile}).Sign(r, []byte(body))
			require.NoError(t, err)
			require.Equal(t, test.text, signed.String)
			require.Equal(t, test.signature, base64.StdEncoding.EncodeToString(signed.Value))

			r.Header.Set("Signature", `keyId="SN=1,CA=CN=Test",algorithm="rsa-sha256",headers="`+test.headers+`",signature="`+test.signature+`"`)
			_, err = profile.Verify(httpsig.Of(r), cert)
			require.NoError(t, err)
			r.Header.Set("Date", "Sun, 05 Jan 2014 21:31:41 GMT")
			_, err = profile.Verify(httpsig.Of(r), cert)
			requireFault(t, err, httpsig.Invalid, "Signature", "is not the signature")
		})
	}
}

// draftCertificate is a certificate for the key of the draft, which has none.
func draftCertificate(t *testing.T, key *rsa.PrivateKey) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return cert
}
