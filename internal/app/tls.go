package app

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"consentd/internal/config"
)

// pair is the certificate of a listener and its key, which are read again when
// their files change: connections from then on see the new one.
type pair struct {
	files   config.KeyPair
	current atomic.Pointer[tls.Certificate]
	stamp   string // of the files as they were read; the reload job's alone
}

func loadPair(files config.KeyPair) (*pair, error) {
	p := &pair{files: files}
	_, err := p.Reload()
	return p, err
}

// Reload reads the files if they are not as they were, and reports that. What was
// read before stays in use when it fails.
func (p *pair) Reload() (bool, error) {
	stamp, err := stampOf(p.files.CertificateFile, p.files.KeyFile)
	if err != nil {
		return false, err
	}
	if stamp == p.stamp {
		return false, nil
	}
	certificate, err := tls.LoadX509KeyPair(p.files.CertificateFile, p.files.KeyFile)
	if err != nil {
		return false, fmt.Errorf("certificate %s: %w", p.files.CertificateFile, err)
	}
	p.current.Store(&certificate)
	p.stamp = stamp
	return true, nil
}

// stampOf changes when a file does.
func stampOf(files ...string) (string, error) {
	var b strings.Builder
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			return "", fmt.Errorf("certificate: %w", err)
		}
		fmt.Fprintf(&b, "%s %d %s\n", name, info.Size(), info.ModTime().Format(time.RFC3339Nano))
	}
	return b.String(), nil
}

func (p *pair) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return p.current.Load(), nil
}

// serverTLS is how a listener speaks TLS. A certificate of the client is asked for
// at most: each call is judged by itself, so that each kind of refusal is answered.
func serverTLS(get func(*tls.ClientHelloInfo) (*tls.Certificate, error), ask tls.ClientAuthType) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, GetCertificate: get, ClientAuth: ask,
		NextProtos: []string{"h2", "http/1.1"},
	}
}

// poolOf reads a PEM file of authorities.
func poolOf(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file) //nolint:gosec // the operator's configuration names it
	if err != nil {
		return nil, fmt.Errorf("authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("authorities: %s holds no certificate", file)
	}
	return pool, nil
}
