package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"

	"consentd/pkg/httpsig"
)

// seal puts a signature on a request that is about to be sent.
type seal func(r *http.Request, body []byte) error

// mutual is what a connection with certificates on both sides needs.
type mutual struct {
	certificate tls.Certificate
	roots       *x509.CertPool
}

// WithSigner signs every request, each try anew, as the signature profile of XS2A
// has it (IG 1.3.x §12): Digest, Signature and TPP-Signature-Certificate are set,
// whatever a call's own headers say. The signer's certificate is the seal (QSEAL).
func WithSigner(s *httpsig.Signer) Option {
	return func(to *Client) {
		to.seals = append(to.seals, func(r *http.Request, body []byte) error {
			_, err := s.Sign(r, body)
			return err //nolint:wrapcheck // send says what was to be signed
		})
	}
}

// WithJWSSigner is the same for banks that want a detached JWS: Digest and
// x-jws-signature are set.
func WithJWSSigner(s *httpsig.JWSSigner) Option {
	return func(to *Client) { to.seals = append(to.seals, s.SignRequest) }
}

// WithCertificate shows a client certificate (QWAC) to the bank, whose own one
// must be issued by one of roots; nil for those that the system trusts. With
// [WithHTTPClient], in whichever order, the connections are otherwise as that
// client has them; its Transport must then be nil or an [*http.Transport], of
// which a copy is used.
func WithCertificate(certificate tls.Certificate, roots *x509.CertPool) Option {
	return func(to *Client) { to.mutual = &mutual{certificate, roots} }
}

// over is a copy of c whose connections show the certificate.
func (m *mutual) over(c http.Client) (*http.Client, error) {
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	given, ok := c.Transport.(*http.Transport)
	if !ok {
		return nil, errors.New("WithCertificate: the transport of the HTTP client is none of net/http")
	}
	own := given.Clone()
	if own.TLSClientConfig == nil {
		own.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	own.TLSClientConfig.Certificates = []tls.Certificate{m.certificate}
	if m.roots != nil {
		own.TLSClientConfig.RootCAs = m.roots
	}
	c.Transport = own
	return &c, nil
}

// sign puts every signature on a request that was asked for.
func (c *Client) sign(r *http.Request, body []byte) error {
	for _, s := range c.seals {
		if err := s(r, body); err != nil {
			return fmt.Errorf("sign the request: %w", err)
		}
	}
	return nil
}
