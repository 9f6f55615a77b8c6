package httpsig_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/pkg/httpsig"
)

// issuer is a name with all that makes names hard to compare: a type without a
// name of its own, a comma, letters beyond ASCII.
var issuer = pkix.Name{
	Country: []string{"DE"}, Organization: []string{"Söder, Trust GmbH"}, CommonName: "SÖDER CA 2-1 2015",
	ExtraNames: []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{2, 5, 4, 97}, Value: "NTRDE-HRB74346"}},
}

// noon is when everything here happens.
var noon = time.Date(2026, 10, 2, 12, 0, 0, 0, time.UTC)

// seal is a certificate for key by issuer, with the serial number 0x9FA1.
func seal(tb testing.TB, key crypto.Signer) *x509.Certificate {
	tb.Helper()
	parent := &x509.Certificate{Subject: issuer}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0x9FA1),
		Subject:      pkix.Name{CommonName: "Seal of a TPP"},
		NotBefore:    noon.AddDate(-1, 0, 0),
		NotAfter:     noon.AddDate(1, 0, 0),
	}
	ca := ecKey(tb, elliptic.P256())
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), ca)
	require.NoError(tb, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(tb, err)
	return cert
}

func rsaKey(tb testing.TB) *rsa.PrivateKey {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(tb, err)
	return key
}

func ecKey(tb testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(tb, err)
	return key
}

const consent = `{"recurringIndicator":true}`

// post is a request to create a consent, not signed yet.
func post(tb testing.TB) *http.Request {
	tb.Helper()
	r, err := http.NewRequest(http.MethodPost, "https://xs2a.bank.example/v1/consents?x=1%20y", strings.NewReader(consent))
	require.NoError(tb, err)
	r.Header.Set("X-Request-ID", "99391c7e-ad88-49ec-a2ad-99ddcb1f7721")
	r.Header.Set("Content-Type", "application/json")
	return r
}

// requireFault asserts which fault err is.
func requireFault(tb testing.TB, err error, reason httpsig.Reason, header, text string) {
	tb.Helper()
	require.Error(tb, err)
	fault, ok := httpsig.As(err)
	require.True(tb, ok, "%v", err)
	require.Equal(tb, reason, fault.Reason, "%v", err)
	require.Equal(tb, header, fault.Header)
	require.Contains(tb, fault.Text, text)
}

// opaque is a key in a device: all that can be seen of it is that it signs.
type opaque struct{ key crypto.Signer }

func (o opaque) Public() crypto.PublicKey { return o.key.Public() }

func (o opaque) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return o.key.Sign(random, digest, opts)
}
