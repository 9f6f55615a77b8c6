package remote

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
)

// maxHeader is the most that is read of an answer's headers, in bytes.
const maxHeader = 64 << 10

// TLS is how the flow shows who it is, and whom it believes. Both are optional.
type TLS struct {
	// CertificateFile and KeyFile are the flow's own, as PEM. They are read again
	// with every new connection, so a renewed certificate needs no restart.
	CertificateFile, KeyFile string
	// CAFile holds the authorities that issue the server's certificate, as PEM.
	// Empty: those that the machine trusts.
	CAFile string
}

// mutual tells whether the flow shows a certificate.
func (t TLS) mutual() bool { return t.CertificateFile != "" }

// transport makes what sends the calls.
func (t TLS) transport() (*http.Transport, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.mutual() {
		if _, err := t.certificate(nil); err != nil {
			return nil, err
		}
		c.GetClientCertificate = t.certificate
	}
	if t.CAFile != "" {
		text, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("tls.caFile: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, errors.New("tls.caFile: holds no certificate")
		}
	}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: c, ForceAttemptHTTP2: true,
		MaxIdleConnsPerHost: 32, IdleConnTimeout: 90 * time.Second, MaxResponseHeaderBytes: maxHeader,
		// What is signed is what comes over the wire.
		DisableCompression: true,
	}, nil
}

func (t TLS) certificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	own, err := tls.LoadX509KeyPair(t.CertificateFile, t.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return &own, nil
}
