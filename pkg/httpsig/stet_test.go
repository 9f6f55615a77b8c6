package httpsig_test

import (
	"crypto"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/pkg/httpsig"
)

const (
	aisp    = "PSDFR-ACPR-12345"
	keyBase = "https://aisp.example/keys/seal.pem"
)

// sealOf is a certificate for key of an organisation.
func sealOf(tb testing.TB, key crypto.Signer, organisation string) *x509.Certificate {
	tb.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0x51),
		Subject: pkix.Name{
			CommonName: "Seal of an AISP",
			ExtraNames: []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{2, 5, 4, 97}, Value: organisation}},
		},
		NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(1, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, &x509.Certificate{Subject: issuer}, key.Public(), ecKey(tb, elliptic.P256()))
	require.NoError(tb, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(tb, err)
	return cert
}

// put is what an AISP sends, before it is signed.
func put(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPut, "https://bank.example/stet/psd2/v1.4.2/consents", strings.NewReader(body))
	for name, value := range map[string]string{
		"X-Request-ID": "not a UUID", "Content-Type": "application/json", "PSU-IP-Address": "192.0.2.7", "PSU-User-Agent": "Lynx",
	} {
		r.Header.Set(name, value)
	}
	return r
}

// What a STET client of ours signs is good by both profiles, and covers all that
// STET lists.
func TestSTETSigner(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]crypto.Signer{"RSA": rsaKey(t), "ECDSA": ecKey(t, elliptic.P256())} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cert := sealOf(t, key, aisp)
			r := put(`{"balances":[]}`)
			signed, err := httpsig.NewSTETSigner(cert, key, keyBase).Sign(r, []byte(`{"balances":[]}`))
			require.NoError(t, err)
			require.Equal(t, []string{"(request-target)", "digest", "x-request-id", "content-type", "psu-ip-address", "psu-user-agent"}, signed.Headers)
			require.True(t, strings.HasPrefix(signed.String, "(request-target): put /stet/psd2/v1.4.2/consents\ndigest: SHA-256="), signed.String)
			require.Equal(t, httpsig.STETKeyID(keyBase, cert), signed.KeyID)
			require.Empty(t, r.Header.Get("TPP-Signature-Certificate"))
			for _, p := range []httpsig.Profile{httpsig.STETProfile(), httpsig.STETStrictProfile()} {
				_, err = p.Verify(httpsig.Of(r), cert)
				require.NoError(t, err)
			}
		})
	}
}

// What must be covered, by each of the two profiles.
func TestSTETCoverage(t *testing.T) {
	t.Parallel()
	key := ecKey(t, elliptic.P256())
	cert := sealOf(t, key, aisp)
	for name, c := range map[string]struct {
		covers        []string
		loose, strict string // empty: good
		without       []string
		changeAfter   func(*http.Request)
	}{
		"the least":         {covers: []string{"(request-target)"}, without: []string{"Date", "Digest", "Content-Type", "PSU-IP-Address", "PSU-User-Agent"}},
		"as Tink signs":     {covers: []string{"(request-target)", "x-request-id"}, without: []string{"Date", "Digest"}, strict: "must cover content-type, which the message has"},
		"date and all":      {covers: []string{"date", "digest", "(request-target)", "host", "content-type", "psu-ip-address", "psu-user-agent"}},
		"no target":         {covers: []string{"digest", "x-request-id"}, loose: "must cover (request-target)", strict: "must cover (request-target)"},
		"digest left out":   {covers: []string{"(request-target)"}, loose: "must cover digest, which the message has", strict: "must cover digest, which the message has"},
		"date left out":     {covers: []string{"(request-target)", "digest", "content-type", "psu-ip-address", "psu-user-agent"}, strict: "must cover date, which the message has"},
		"one of PSU's left": {covers: []string{"(request-target)", "digest", "content-type", "date", "psu-user-agent"}, strict: "must cover psu-ip-address, which the message has"},
		"another target": {
			covers: []string{"(request-target)", "digest", "date", "content-type", "psu-ip-address", "psu-user-agent"}, loose: "is not the signature", strict: "is not the signature",
			changeAfter: func(r *http.Request) { r.URL.Path += "/x" },
		},
		"another method": {
			covers: []string{"(request-target)", "digest", "date", "content-type", "psu-ip-address", "psu-user-agent"}, loose: "is not the signature", strict: "is not the signature",
			changeAfter: func(r *http.Request) { r.Method = http.MethodPost },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := put("{}")
			r.Header.Set("Date", "Fri, 02 Oct 2026 12:00:00 GMT")
			signer := httpsig.Signer{
				Certificate: cert, Key: key, KeyID: httpsig.STETKeyID(keyBase, cert),
				Profile: httpsig.Profile{Required: c.covers, KeyID: httpsig.KeyIDSTET},
			}
			_, err := signer.Sign(r, []byte("{}"))
			require.NoError(t, err)
			for _, header := range c.without {
				r.Header.Del(header)
			}
			if c.changeAfter != nil {
				c.changeAfter(r)
			}
			for profile, want := range map[string]string{"loose": c.loose, "strict": c.strict} {
				p := map[string]httpsig.Profile{"loose": httpsig.STETProfile(), "strict": httpsig.STETStrictProfile()}[profile]
				_, err := p.Verify(httpsig.Of(r), cert)
				if want == "" {
					require.NoError(t, err, profile)
					continue
				}
				requireFault(t, err, httpsig.Invalid, "Signature", want)
			}
		})
	}
}

// A profile names headers by how they begin, among those that it allows too.
func TestProfileOfBeginnings(t *testing.T) {
	t.Parallel()
	key := ecKey(t, elliptic.P256())
	cert := sealOf(t, key, aisp)
	p := httpsig.Profile{Required: []string{"digest"}, IfPresent: []string{"psu-*"}, Others: []string{"x-*"}}
	signer := httpsig.Signer{Certificate: cert, Key: key, Profile: p}
	r := put("")
	signed, err := signer.Sign(r, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"digest", "psu-ip-address", "psu-user-agent"}, signed.Headers)
	r.Header.Set("PSU-Device-ID", "1")
	_, err = p.Verify(httpsig.Of(r), cert)
	fault, ok := httpsig.As(err)
	require.True(t, ok)
	require.Equal(t, []string{"psu-device-id"}, fault.Uncovered)

	signer.Profile.Required = []string{"digest", "x-request-id"}
	_, err = signer.Sign(r, nil)
	require.NoError(t, err)
	_, err = p.Verify(httpsig.Of(r), cert)
	require.NoError(t, err)
	signer.Profile.Required = []string{"digest", "content-type"}
	_, err = signer.Sign(r, nil)
	require.NoError(t, err)
	_, err = p.Verify(httpsig.Of(r), cert)
	requireFault(t, err, httpsig.Invalid, "Signature", "must not cover content-type")
}

// keyIDs are names of a certificate by STET's rule, and whether they are.
func keyIDs(cert *x509.Certificate) map[string]bool {
	short, long := sha1.Sum(cert.Raw), sha256.Sum256(cert.Raw)
	s, l := hex.EncodeToString(short[:]), hex.EncodeToString(long[:])
	other := strings.Repeat("ab", 32)
	return map[string]bool{
		"https://path.to/myQsealCertificate_" + s:          true,
		"https://path.to/myQsealCertificate_" + l:          true,
		"HTTPS://path.to/x_" + strings.ToUpper(l):          true,
		"http://path.to/a_b?c=_" + s:                       true,
		"https://api.bank.example/jwk/certificate_" + l:    true,
		"certificate_" + l:                                 true,
		"/keys/Certificate_" + l:                           true,
		aisp:                                               true,
		"FR-ACPR:" + aisp:                                  true,
		"SN=51,CA=" + cert.Issuer.String():                 true,
		"https://path.to/myQsealCertificate_" + other:      false,
		"https://path.to/myQsealCertificate_" + other[:40]: false,
		"https://path.to/myQsealCertificate_" + l[:40]:     false,
		"https://path.to/myQsealCertificate_" + l + ".pem": false,
		"https://path.to/myQsealCertificate" + l:           false,
		"https://" + aisp:                                  false,
		"ftp://path.to/x_" + l:                             false,
		"mycertificate_" + l:                               false,
		l:                                                  false,
		"_" + l:                                            false,
		"DE-BAFIN:" + aisp:                                 false, // the number says who gave it
		":" + aisp:                                         false,
		"FR/ACPR:" + aisp:                                  false,
		strings.ToLower(aisp):                              false,
		"SN=52,CA=" + cert.Issuer.String():                 false,
		"Seal of an AISP":                                  false,
	}
}

func TestSTETKeyIDs(t *testing.T) {
	t.Parallel()
	key := ecKey(t, elliptic.P256())
	cert := sealOf(t, key, aisp)
	for keyID, good := range keyIDs(cert) {
		t.Run(keyID, func(t *testing.T) {
			t.Parallel()
			r := put("")
			signer := httpsig.NewSTETSigner(cert, key, keyBase)
			_, err := signer.Sign(r, nil)
			require.NoError(t, err)
			r.Header.Set("Signature", strings.Replace(r.Header.Get("Signature"), signer.KeyID, strings.ReplaceAll(keyID, `\`, `\\`), 1))
			_, err = httpsig.STETProfile().Verify(httpsig.Of(r), cert)
			named, namedErr := httpsig.STETProfile().Named(httpsig.Of(r), []*x509.Certificate{cert})
			require.NoError(t, namedErr)
			if good {
				require.NoError(t, err)
				require.Equal(t, []*x509.Certificate{cert}, named)
				return
			}
			requireFault(t, err, httpsig.Invalid, "Signature", "")
			require.Empty(t, named)
			strict := httpsig.STETProfile()
			strict.KeyID = httpsig.KeyIDXS2A
			_, err = strict.Verify(httpsig.Of(r), cert)
			requireFault(t, err, httpsig.Invalid, "Signature", "")
		})
	}

	// An id without an authority in it may have any before it.
	foreign := sealOf(t, key, "VATFR-123")
	signer := httpsig.Signer{Certificate: foreign, Key: key, Profile: httpsig.STETProfile(), KeyID: "FR-ACPR:VATFR-123"}
	_, err := signer.Sign(put(""), nil)
	require.NoError(t, err)
}

// Of several certificates the keyId names the one, or all of a client; that another
// one is named too lets nobody in.
func TestNamed(t *testing.T) {
	t.Parallel()
	key := ecKey(t, elliptic.P256())
	first, second, foreign := sealOf(t, key, aisp), sealOf(t, key, aisp), sealOf(t, key, "PSDFR-ACPR-1")
	all := []*x509.Certificate{foreign, second, first}
	named := func(keyID string) []*x509.Certificate {
		r := put("")
		r.Header.Set("Signature", fmt.Sprintf(`keyId="%s",algorithm="ecdsa-sha256",headers="date",signature="AAAA"`, keyID))
		found, err := httpsig.STETProfile().Named(httpsig.Of(r), all)
		require.NoError(t, err)
		return found
	}
	require.Equal(t, []*x509.Certificate{first}, named(httpsig.STETKeyID(keyBase, first)))
	require.Equal(t, []*x509.Certificate{second, first}, named(aisp))
	require.Empty(t, named("https://aisp.example/x"))

	r := put("")
	_, err := httpsig.STETProfile().Named(httpsig.Of(r), all)
	requireFault(t, err, httpsig.Missing, "Signature", "is required")
	r.Header.Set("Signature", "nonsense")
	_, err = httpsig.STETProfile().Named(httpsig.Of(r), all)
	requireFault(t, err, httpsig.Malformed, "Signature", "list of")
}

// A signer does not send a keyId that names another certificate, or breaks the
// header.
func TestSignerRefusesKeyIDs(t *testing.T) {
	t.Parallel()
	key := ecKey(t, elliptic.P256())
	cert, other := sealOf(t, key, aisp), sealOf(t, key, aisp)
	for _, keyID := range []string{httpsig.STETKeyID(keyBase, other), "x", httpsig.STETKeyID(`https://x/"`, cert)} {
		signer := httpsig.Signer{Certificate: cert, Key: key, Profile: httpsig.STETProfile(), KeyID: keyID}
		r := put("")
		_, err := signer.Sign(r, nil)
		require.ErrorContains(t, err, "does not name the certificate", keyID)
		require.Empty(t, r.Header.Get("Signature"))
	}
}
