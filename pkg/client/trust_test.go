package client_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/pkg/client"
	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
	"consentd/pkg/httpsig"
	"consentd/pkg/xs2a"
)

// world is an authority with one TPP, made once: keys take time.
type world struct {
	ca          *issue.Authority
	qwac, qseal *issue.Issued
}

var theWorld = sync.OnceValues(func() (*world, error) {
	from, to := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	ca, err := issue.New("Test CA", from, to)
	if err != nil {
		return nil, err
	}
	w := &world{ca: ca}
	order := issue.Order{
		Type: eidas.Web, Name: "Acme", Organisation: "PSDXX-TEST-ACME", NCAName: "Test", NCAID: "XX-TEST",
		Roles: []eidas.Role{eidas.RoleAI}, NotBefore: from, NotAfter: to,
	}
	if w.qwac, err = ca.Issue(order); err != nil {
		return nil, err
	}
	order.Type = eidas.Seal
	w.qseal, err = ca.Issue(order)
	return w, err
})

func newWorld(t *testing.T) *world {
	t.Helper()
	w, err := theWorld()
	require.NoError(t, err)
	return w
}

func (w *world) signer() *httpsig.Signer {
	return &httpsig.Signer{Certificate: w.qseal.Certificate, Key: w.qseal.Key, Profile: httpsig.DefaultProfile()}
}

// kit is a folder of the test with the TPP's files.
func (w *world) kit(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, w.write(dir))
	return dir
}

// write writes the files of a kit.
func (w *world) write(dir string) error {
	files := map[string][]byte{"qwac.pem": w.qwac.CertificatePEM(), "qseal.pem": w.qseal.CertificatePEM(), "ca.pem": w.ca.CertificatePEM()}
	var errs [2]error
	files["qwac.key"], errs[0] = w.qwac.KeyPEM()
	files["qseal.key"], errs[1] = w.qseal.KeyPEM()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return err
		}
	}
	return errors.Join(errs[:]...)
}

// secure is a bank that asks for a certificate.
func (w *world) secure(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s, err := w.serve(h)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func (w *world) serve(h http.Handler) (*httptest.Server, error) {
	issued, err := w.ca.Server([]string{"127.0.0.1"}, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err != nil {
		return nil, err
	}
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{issued.TLS()}, ClientAuth: tls.RequestClientCert}
	s.StartTLS()
	return s, nil
}

// signedTry is what came with one try.
type signedTry struct {
	message httpsig.Message
	body    []byte
}

// tries keeps what came, and breaks the connection of all but the last.
type tries struct {
	all  []signedTry
	last int
}

func (s *tries) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s.all = append(s.all, signedTry{httpsig.Of(r), body})
	if len(s.all) < s.last {
		return nil, io.EOF
	}
	return &http.Response{StatusCode: http.StatusCreated, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
}

// TestSigner: every try carries a signature of its own that holds, over what the
// call itself said.
func TestSigner(t *testing.T) {
	t.Parallel()
	w, bank := newWorld(t), &tries{last: 2}
	c, err := client.New("https://bank.example/xs2a",
		client.WithHTTPClient(&http.Client{Transport: bank}), client.WithSigner(w.signer()),
		client.WithRetry(client.Retry{Times: 1, MaxWait: time.Microsecond, Writes: true}))
	require.NoError(t, err)
	_, _, err = c.CreateConsent(t.Context(), xs2a.ConsentsRequest{ValidUntil: "2026-12-31"}, client.CreateOptions{
		RedirectURI: "https://tpp.example/back", PSUID: "lea", Header: http.Header{"Digest": {"SHA-256=of something else"}},
	})
	require.ErrorContains(t, err, "decode the answer") // there is none
	require.Len(t, bank.all, 2)
	for _, one := range bank.all {
		require.NoError(t, httpsig.CheckDigest(one.message.Header.Get("Digest"), one.body))
		der, err := httpsig.DecodeCertificate(one.message.Header.Get("TPP-Signature-Certificate"))
		require.NoError(t, err)
		assert.Equal(t, w.qseal.Certificate.Raw, der)
		signature, err := httpsig.DefaultProfile().Verify(one.message, w.qseal.Certificate)
		require.NoError(t, err)
		assert.ElementsMatch(t, []string{"digest", "x-request-id", "psu-id", "tpp-redirect-uri"}, signature.Headers)
	}
}

// TestSignerOfNothing: a call without a body signs that there is none.
func TestSignerOfNothing(t *testing.T) {
	t.Parallel()
	w, bank := newWorld(t), &tries{}
	c, err := client.New("https://bank.example", client.WithHTTPClient(&http.Client{Transport: bank}), client.WithSigner(w.signer()))
	require.NoError(t, err)
	_, err = c.DeleteConsent(t.Context(), "c1")
	require.Error(t, err)
	require.Len(t, bank.all, 1)
	assert.Empty(t, bank.all[0].body)
	assert.Equal(t, "SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", bank.all[0].message.Header.Get("Digest"))
	_, err = httpsig.DefaultProfile().Verify(bank.all[0].message, w.qseal.Certificate)
	require.NoError(t, err)
}

func TestJWSSigner(t *testing.T) {
	t.Parallel()
	w, bank := newWorld(t), &tries{}
	c, err := client.New("https://bank.example", client.WithHTTPClient(&http.Client{Transport: bank}),
		client.WithJWSSigner(&httpsig.JWSSigner{Certificate: w.qseal.Certificate, Key: w.qseal.Key, Now: time.Now}))
	require.NoError(t, err)
	_, _, err = c.ConsentStatus(t.Context(), "c1")
	require.Error(t, err)
	require.Len(t, bank.all, 1)
	jws, err := httpsig.ParseJWS(bank.all[0].message.Header.Get(httpsig.HeaderJWS))
	require.NoError(t, err)
	require.NoError(t, jws.Verify(httpsig.DefaultJWSProfile(time.Now), bank.all[0].message, w.qseal.Certificate))
}

// TestSignerFails: what cannot be signed is not sent.
func TestSignerFails(t *testing.T) {
	t.Parallel()
	w, bank := newWorld(t), &tries{}
	wrong := w.signer()
	wrong.Key = w.qwac.Key
	c, err := client.New("https://bank.example", client.WithHTTPClient(&http.Client{Transport: bank}), client.WithSigner(wrong))
	require.NoError(t, err)
	_, _, err = c.Consent(t.Context(), "c1")
	require.ErrorContains(t, err, "GET /v1/consents/c1: sign the request")
	assert.Empty(t, bank.all)
}

func TestCertificate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var shown []*x509.Certificate
	server := w.secure(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { shown = r.TLS.PeerCertificates }))
	roots := x509.NewCertPool()
	roots.AddCert(w.ca.Certificate())
	given := &http.Transport{}
	t.Cleanup(given.CloseIdleConnections)
	for name, options := range map[string][]client.Option{
		"alone":               {client.WithCertificate(w.qwac.TLS(), roots)},
		"before a client":     {client.WithCertificate(w.qwac.TLS(), roots), client.WithHTTPClient(&http.Client{Transport: given})},
		"after another":       {client.WithHTTPClient(&http.Client{Transport: given}), client.WithCertificate(w.qwac.TLS(), roots)},
		"with nothing of its": {client.WithHTTPClient(&http.Client{}), client.WithCertificate(w.qwac.TLS(), roots)},
	} {
		shown = nil
		c, err := client.New(server.URL, options...)
		require.NoError(t, err)
		_, meta, err := c.ConsentStatus(t.Context(), "c1")
		require.ErrorContains(t, err, "decode the answer", name)
		require.Equal(t, http.StatusOK, meta.Status)
		require.NotEmpty(t, shown, name)
		assert.Equal(t, w.qwac.Certificate.Raw, shown[0].Raw, name)
	}
	if given.TLSClientConfig != nil { // copying a transport makes one
		assert.Empty(t, given.TLSClientConfig.Certificates, "the caller's transport shows none")
		assert.Nil(t, given.TLSClientConfig.RootCAs)
	}

	c, err := client.New(server.URL, client.WithCertificate(w.qwac.TLS(), nil), client.WithRetry(client.Retry{}))
	require.NoError(t, err)
	_, _, err = c.ConsentStatus(t.Context(), "c1")
	var unknown x509.UnknownAuthorityError
	require.ErrorAs(t, err, &unknown, "the system does not trust this bank")

	_, err = client.New(server.URL, client.WithCertificate(w.qwac.TLS(), roots), client.WithHTTPClient(&http.Client{Transport: &tries{}}))
	require.ErrorContains(t, err, "WithCertificate")
}

func TestKit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kit, err := client.LoadKit(w.kit(t))
	require.NoError(t, err)
	var got *http.Request
	server := w.secure(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r }))
	c, err := client.New(server.URL, kit.Options()...)
	require.NoError(t, err)
	_, meta, err := c.ConsentStatus(t.Context(), "c1")
	require.ErrorContains(t, err, "decode the answer")
	require.Equal(t, http.StatusOK, meta.Status)
	assert.Equal(t, w.qwac.Certificate.Raw, got.TLS.PeerCertificates[0].Raw)
	_, err = httpsig.DefaultProfile().Verify(httpsig.Of(got), w.qseal.Certificate)
	require.NoError(t, err)

	signer := kit.JWSSigner(time.Now)
	assert.Equal(t, w.qseal.Certificate.Raw, signer.Certificate.Raw)
	assert.Equal(t, kit.SealKey, signer.Key)
}

// TestKitFaults: an error names the file, and shows nothing of a key.
func TestKitFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		file  string
		spoil func(path, dir string) error
		want  string
	}{
		"no QWAC":          {"qwac.pem", func(path, _ string) error { return os.Remove(path) }, "no such file"},
		"no key":           {"qseal.key", func(path, _ string) error { return os.Remove(path) }, "no such file"},
		"key of another":   {"qwac.key", func(path, dir string) error { return os.Rename(filepath.Join(dir, "qseal.key"), path) }, "does not match"},
		"no certificate":   {"qseal.pem", func(path, _ string) error { return os.WriteFile(path, []byte("secret"), 0o600) }, "PEM"},
		"no authority":     {"ca.pem", func(path, _ string) error { return os.WriteFile(path, []byte("secret"), 0o600) }, "no certificate"},
		"unreadable chain": {"qseal.pem", appended("-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----\n"), "x509"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := w.kit(t)
			require.NoError(t, c.spoil(filepath.Join(dir, c.file), dir))
			_, err := client.LoadKit(dir)
			require.ErrorContains(t, err, c.file)
			require.ErrorContains(t, err, c.want)
			assert.NotContains(t, err.Error(), "secret")
		})
	}
	dir := w.kit(t)
	require.NoError(t, os.Remove(filepath.Join(dir, "ca.pem")))
	kit, err := client.LoadKit(dir)
	require.NoError(t, err)
	assert.Nil(t, kit.Roots, "the system's")
}

func appended(text string) func(path, dir string) error {
	return func(path, _ string) error {
		before, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, append(before, text...), 0o600)
	}
}
