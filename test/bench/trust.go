package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
	"consentd/pkg/httpsig"
)

// verifies is what the configuration of the server that verifies TPPs says besides.
const verifies = `tls: {tpp: {certificateFile: tpp.crt, keyFile: tpp.key}}
tpps: {anchors: [anchors.pem], revocation: required}
signature: {required: true}
`

// trust is an authority, and a TPP that it has certified. The authority's list of
// revoked certificates is served on loopback until close.
type trust struct {
	listAddress string
	list        http.Server
	asked       atomic.Int64 // how often the list was fetched

	client *tls.Config // shows the TPP's QWAC
	signer *httpsig.Signer
}

// newTrust makes the certificates, and writes the files that verifies names.
func newTrust(ctx context.Context, dir string) (*trust, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &trust{listAddress: "http://" + listener.Addr().String() + "/ca.crl"}
	if err := t.prepare(dir, time.Now().Add(-time.Hour)); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	go t.list.Serve(listener) //nolint:errcheck // it says that it was closed
	return t, nil
}

// prepare makes everything, good from then on.
func (t *trust) prepare(dir string, from time.Time) error {
	ca, err := issue.New("Benchmark Trust Services", from, from.AddDate(1, 0, 0))
	if err != nil {
		return err
	}
	return errors.Join(t.certify(ca, from), t.prepareList(ca, from), writeServerFiles(ca, from, dir))
}

// certify gives the TPP its certificates.
func (t *trust) certify(ca *issue.Authority, from time.Time) error {
	order := issue.Order{
		Type: eidas.Web, Name: "Benchmark TPP", Organisation: "PSDXX-BENCH-1", NCAID: "XX-BENCH", NCAName: "Benchmark Authority",
		Roles: []eidas.Role{eidas.RoleAI}, Domains: []string{"tpp.example"}, CRL: []string{t.listAddress},
		NotBefore: from, NotAfter: from.AddDate(0, 1, 0),
	}
	qwac, err := ca.Issue(order)
	if err != nil {
		return err
	}
	order.Type = eidas.Seal
	qseal, err := ca.Issue(order)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate())
	t.client = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, ServerName: "127.0.0.1", Certificates: []tls.Certificate{qwac.TLS()}}
	t.signer = &httpsig.Signer{Certificate: qseal.Certificate, Key: qseal.Key, Profile: httpsig.DefaultProfile()}
	return nil
}

// prepareList makes the list of revoked certificates, which names none.
func (t *trust) prepareList(ca *issue.Authority, from time.Time) error {
	der, err := ca.RevocationList(1, from, from.AddDate(0, 0, 7), nil)
	if err != nil {
		return err
	}
	t.list.ReadHeaderTimeout = startTimeout
	t.list.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		t.asked.Add(1)
		w.Header().Set("Content-Type", "application/pkix-crl")
		_, _ = w.Write(der) // who went away comes again
	})
	return nil
}

func (t *trust) close() error { return t.list.Close() }

// writeServerFiles writes the server's own certificate, and whom it trusts.
func writeServerFiles(ca *issue.Authority, from time.Time, dir string) error {
	server, err := ca.Server([]string{"127.0.0.1"}, from, from.AddDate(0, 1, 0))
	if err != nil {
		return err
	}
	key, err := server.KeyPEM()
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"anchors.pem": ca.CertificatePEM(), "tpp.crt": server.CertificatePEM(), "tpp.key": key} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}
