package issue_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
)

func TestQWAC(t *testing.T) {
	b := setup(t)
	b.order.Domains = []string{"acme.example", "*.acme.example"}
	b.order.IPs = []net.IP{net.IPv4(192, 0, 2, 7)}
	b.order.OCSP = []string{"http://ca.example/ocsp"}
	b.order.CRL = []string{"http://ca.example/ca.crl"}
	issued, err := b.authority.Issue(b.order)
	require.NoError(t, err)
	c := issued.Certificate

	require.Equal(t, "CN=acme.example,O=Acme,C=DE", c.Subject.ToRDNSequence()[:3].String())
	require.Equal(t, "PSDDE-BAFIN-125314", c.Subject.Names[3].Value)
	require.Equal(t, []string{"acme.example", "*.acme.example"}, c.DNSNames)
	require.True(t, c.IPAddresses[0].Equal(b.order.IPs[0]))
	require.Equal(t, b.order.OCSP, c.OCSPServer)
	require.Equal(t, b.order.CRL, c.CRLDistributionPoints)
	require.Equal(t, x509.KeyUsageDigitalSignature, c.KeyUsage)
	require.Equal(t, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}, c.ExtKeyUsage)
	require.Equal(t, x509.ECDSAWithSHA256, c.SignatureAlgorithm)
	require.Equal(t, b.authority.Certificate().SubjectKeyId, c.AuthorityKeyId)
	require.Len(t, c.SubjectKeyId, 20)
	require.False(t, c.IsCA)
	require.True(t, c.NotBefore.Equal(b.from))
	require.True(t, c.NotAfter.Equal(b.until))
	require.Empty(t, c.UnhandledCriticalExtensions)
	require.Empty(t, issued.Chain, "the root is not sent along")
	b.verifies(t, issued)

	again, err := b.authority.Issue(b.order)
	require.NoError(t, err)
	require.NotEqual(t, c.SerialNumber, again.Certificate.SerialNumber)
	require.Greater(t, c.SerialNumber.BitLen()+again.Certificate.SerialNumber.BitLen(), 128, "128 random bits each")
	require.LessOrEqual(t, c.SerialNumber.BitLen(), 128)
}

func TestQSEAL(t *testing.T) {
	b := setup(t)
	b.order.Type = eidas.Seal
	b.order.Organisation, b.order.NCAID = "PSDXX-SANDBOX-ACME", "XX-SANDBOX"
	b.order.Key = nil
	issued, err := b.authority.Issue(b.order)
	require.NoError(t, err)
	require.Equal(t, x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment, issued.Certificate.KeyUsage)
	require.Empty(t, issued.Certificate.ExtKeyUsage)
	require.Equal(t, "Acme", issued.Certificate.Subject.CommonName)
	require.Equal(t, []string{"XX"}, issued.Certificate.Subject.Country)
	key, ok := issued.Key.(*rsa.PrivateKey)
	require.True(t, ok)
	require.Equal(t, 2048, key.N.BitLen())
	b.verifies(t, issued)
}

func TestOrders(t *testing.T) {
	b := setup(t)
	parse := func(t *testing.T, o issue.Order) (*eidas.Certificate, error) {
		t.Helper()
		issued, err := b.authority.Issue(o)
		require.NoError(t, err)
		return eidas.Parse(issued.Certificate)
	}
	t.Run("no statement, yet qualified", func(t *testing.T) {
		for _, encoding := range []issue.Encoding{issue.Standard, issue.Bare} {
			o := b.order
			o.NoStatement, o.Encoding = true, encoding
			_, err := parse(t, o)
			require.Equal(t, eidas.NoStatement, eidas.ReasonOf(err))
		}
	})
	t.Run("what is empty is lacking", func(t *testing.T) {
		o := b.order
		o.Name, o.Organisation, o.Domains = "", "", nil
		issued, err := b.authority.Issue(o)
		require.NoError(t, err)
		require.Equal(t, "C=XX", issued.Certificate.Subject.String())
		o = b.order
		o.Roles = nil
		_, err = parse(t, o)
		require.Equal(t, eidas.Malformed, eidas.ReasonOf(err))
	})
	t.Run("the last word", func(t *testing.T) {
		o := b.order
		o.Change = func(c *x509.Certificate) { c.ExtraExtensions[0].Critical = true }
		c, err := parse(t, o)
		require.NoError(t, err)
		require.Len(t, c.X509.UnhandledCriticalExtensions, 1)
	})
	t.Run("what nobody knows", func(t *testing.T) {
		o := b.order
		o.Roles = []eidas.Role{"PSP_XX"}
		_, err := b.authority.Issue(o)
		require.ErrorContains(t, err, "PSP_XX")
		o = b.order
		o.Type = "paper"
		_, err = b.authority.Issue(o)
		require.ErrorContains(t, err, "paper")
		o = b.order
		o.Domains = []string{"münchen.example"}
		_, err = b.authority.Issue(o)
		require.ErrorContains(t, err, "issue certificate of")
	})
}

func TestSubordinate(t *testing.T) {
	b := setup(t)
	middle, err := b.authority.Subordinate("Middle CA", b.from, b.until, func(c *x509.Certificate) {
		c.CRLDistributionPoints = []string{"http://ca.example/root.crl"}
	})
	require.NoError(t, err)
	low, err := middle.Subordinate("Low CA", b.from, b.until)
	require.NoError(t, err)
	require.Equal(t, []string{"http://ca.example/root.crl"}, middle.Certificate().CRLDistributionPoints)

	issued, err := low.Issue(b.order)
	require.NoError(t, err)
	require.Equal(t, []*x509.Certificate{low.Certificate(), middle.Certificate()}, issued.Chain)
	require.Equal(t, "CN=Low CA,O=Low CA", issued.Certificate.Issuer.String())
	b.verifies(t, issued)

	var sent int
	for block, rest := pem.Decode(issued.CertificatePEM()); block != nil; block, rest = pem.Decode(rest) {
		require.Equal(t, issued.TLS().Certificate[sent], block.Bytes)
		sent++
	}
	require.Equal(t, 3, sent, "the certificate and the authorities below the root")
}

func TestAuthorityStored(t *testing.T) {
	b := setup(t)
	middle, err := b.authority.Subordinate("Middle CA", b.from, b.until)
	require.NoError(t, err)
	rootKey, err := b.authority.KeyPEM()
	require.NoError(t, err)
	middleKey, err := middle.KeyPEM()
	require.NoError(t, err)

	t.Run("a root", func(t *testing.T) {
		loaded, err := issue.Load(b.authority.CertificatePEM(), rootKey)
		require.NoError(t, err)
		require.Equal(t, b.authority.Certificate().Raw, loaded.Certificate().Raw)
		issued, err := loaded.Issue(b.order)
		require.NoError(t, err)
		require.Empty(t, issued.Chain)
		b.verifies(t, issued)
	})
	t.Run("one below, with what is above", func(t *testing.T) {
		loaded, err := issue.Load(append(middle.CertificatePEM(), b.authority.CertificatePEM()...), middleKey)
		require.NoError(t, err)
		issued, err := loaded.Issue(b.order)
		require.NoError(t, err)
		require.Len(t, issued.Chain, 1)
		b.verifies(t, issued)
	})
	t.Run("with an RSA key", func(t *testing.T) {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		require.NoError(t, err)
		o := b.order
		o.Key = key
		o.Change = func(c *x509.Certificate) {
			c.IsCA, c.KeyUsage, c.ExtKeyUsage, c.Subject.CommonName = true, x509.KeyUsageCertSign, nil, "RSA CA"
		}
		made, err := b.authority.Issue(o)
		require.NoError(t, err)
		keyPEM, err := made.KeyPEM()
		require.NoError(t, err)
		loaded, err := issue.Load(made.CertificatePEM(), keyPEM)
		require.NoError(t, err)
		issued, err := loaded.Issue(b.order)
		require.NoError(t, err)
		require.Equal(t, x509.SHA256WithRSA, issued.Certificate.SignatureAlgorithm)
		b.verifies(t, issued)
	})

	leaf, err := b.authority.Issue(b.order)
	require.NoError(t, err)
	leafKey, err := leaf.KeyPEM()
	require.NoError(t, err)
	for title, c := range map[string]struct{ cert, key []byte }{
		"nothing":             {nil, nil},
		"no certificate":      {[]byte("x"), rootKey},
		"no key":              {b.authority.CertificatePEM(), nil},
		"a key for both":      {rootKey, rootKey},
		"a certificate twice": {b.authority.CertificatePEM(), b.authority.CertificatePEM()},
		"another's key":       {b.authority.CertificatePEM(), middleKey},
		"no authority":        {leaf.CertificatePEM(), leafKey},
		"a broken certificate": {
			pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte{0x30, 0}}), rootKey,
		},
		"a broken key": {
			b.authority.CertificatePEM(), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte{0x30, 0}}),
		},
	} {
		t.Run(title, func(t *testing.T) {
			_, err := issue.Load(c.cert, c.key)
			require.Error(t, err)
		})
	}

	_, err = issue.New("", b.from, b.until)
	require.Error(t, err)
}

// A server and a client of the authority meet over TLS.
func TestServer(t *testing.T) {
	b := setup(t)
	server, err := b.authority.Server([]string{"bank.example", "127.0.0.1", "::1"}, b.from, b.until)
	require.NoError(t, err)
	require.Equal(t, []string{"bank.example"}, server.Certificate.DNSNames)
	require.Len(t, server.Certificate.IPAddresses, 2)
	require.IsType(t, &ecdsa.PrivateKey{}, server.Key)
	tpp, err := b.authority.Issue(b.order)
	require.NoError(t, err)

	bank := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(r.TLS.PeerCertificates[0].Subject.CommonName))
	}))
	now := func() time.Time { return b.from.AddDate(0, 6, 0) }
	bank.TLS = &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{server.TLS()},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: b.roots(), Time: now,
	}
	bank.StartTLS()
	defer bank.Close()
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{tpp.TLS()}, RootCAs: b.roots(), Time: now,
	}}}
	defer client.CloseIdleConnections()
	answer, err := client.Get(bank.URL)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusOK, answer.StatusCode)
	caller, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, "acme.example", string(caller))
}

type bundle struct {
	authority   *issue.Authority
	order       issue.Order
	from, until time.Time
}

func setup(t *testing.T) *bundle {
	t.Helper()
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	b := &bundle{from: from, until: from.AddDate(2, 0, 0)}
	var err error
	b.authority, err = issue.New("Test CA", b.from, b.until)
	require.NoError(t, err)
	b.order = issue.Order{
		Type: eidas.Web, Name: "Acme", Organisation: "PSDDE-BAFIN-125314", NCAName: "Authority", NCAID: "DE-BAFIN",
		Roles: []eidas.Role{eidas.RoleAI}, Domains: []string{"acme.example"}, NotBefore: b.from, NotAfter: b.until, Key: newKey(t),
	}
	return b
}

func newKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func (b *bundle) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(b.authority.Certificate())
	return pool
}

// verifies asserts that what was issued leads to the root, by what is sent along
// alone.
func (b *bundle) verifies(t *testing.T, issued *issue.Issued) {
	t.Helper()
	between := x509.NewCertPool()
	for _, c := range issued.Chain {
		between.AddCert(c)
	}
	_, err := issued.Certificate.Verify(x509.VerifyOptions{
		Roots: b.roots(), Intermediates: between, CurrentTime: b.from.AddDate(1, 0, 0),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	require.NoError(t, err)
}
