package sandbox

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
)

// The stand-ins that the demo TPP sends where requests must be signed. They
// have the form of XS2A IG 1.3.x §12, and nobody signed anything: package tpp
// checks that the headers come together, their form and the digest, and
// verifies no signature yet.
const (
	standInSignature   = `keyId="SN=1,CA=CN=sandbox",algorithm="rsa-sha256",headers="digest x-request-id",signature="c3RhbmQtaW4="`
	standInCertificate = "c3RhbmQtaW4="
)

// header is one header of a request.
type header struct{ Name, Value string }

// signed is what a strict sandbox wants with a body; nothing for any other.
func (s *Sandbox) signed(body []byte) []header {
	if !s.Strict {
		return nil
	}
	sum := sha256.Sum256(body)
	return []header{
		{"Digest", "SHA-256=" + base64.StdEncoding.EncodeToString(sum[:])},
		{"Signature", standInSignature},
		{"TPP-Signature-Certificate", standInCertificate},
	}
}

// caller is what the demo TPP calls this server with.
func (s *Sandbox) caller() *http.Client {
	c := *s.HTTP
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	c.Transport = signer{sandbox: s, next: c.Transport}
	return &c
}

// signer adds to each request what a strict sandbox wants.
type signer struct {
	sandbox *Sandbox
	next    http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t signer) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := copyBody(r)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	for _, h := range t.sandbox.signed(body) {
		r.Header.Set(h.Name, h.Value)
	}
	return t.next.RoundTrip(r) //nolint:wrapcheck // the transport's own error
}

// copyBody reads a body and leaves the request's own to be sent.
func copyBody(r *http.Request) ([]byte, error) {
	if r.GetBody == nil {
		return nil, nil
	}
	b, err := r.GetBody()
	if err != nil {
		return nil, fmt.Errorf("body of the demo request: %w", err)
	}
	defer func() { _ = b.Close() }()
	raw, err := io.ReadAll(b)
	if err != nil {
		return nil, fmt.Errorf("body of the demo request: %w", err)
	}
	return raw, nil
}
