package httpsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v3/cert"
	"github.com/lestrrat-go/jwx/v3/jws"
)

// JWSSigner signs requests or answers by JWS. It may be used by several
// goroutines, as its key may.
type JWSSigner struct {
	Certificate *x509.Certificate
	Chain       []*x509.Certificate // what x5c has after Certificate; may be empty
	// Key is that of Certificate: RSA, which signs by RS256, or ECDSA on P-256,
	// P-384 or P-521, which signs by the algorithm of the curve.
	Key crypto.Signer
	Now func() time.Time
}

// SignRequest sets Digest and x-jws-signature of a request whose other headers are
// complete, X-Request-ID among them; body is what it will send, empty for none. It
// covers method and target, host, request id, digest, all that is told of the PSU,
// and TPP-Redirect-URI, Content-Type and Content-Length where the headers have
// them. Fails where the key is not that of the certificate, and where there is no
// X-Request-ID; the request is then not to be sent.
func (s *JWSSigner) SignRequest(r *http.Request, body []byte) error {
	r.Header.Set(HeaderDigest, Digest(SHA256, body))
	ifPresent := []string{"content-type", "content-length", "tpp-redirect-uri"}
	for _, key := range slices.Sorted(maps.Keys(r.Header)) {
		if name := strings.ToLower(key); strings.HasPrefix(name, "psu-") {
			ifPresent = append(ifPresent, name)
		}
	}
	c := coverage{required: []string{requestTarget, "host", "x-request-id", "digest"}, ifPresent: ifPresent}
	return s.sign(Of(r), c)
}

// SignResponse sets Digest and x-jws-signature of an answer whose other headers
// are complete, X-Request-ID among them; body is what it will send. It covers
// request id, digest and, where there is one, Content-Type. Fails like
// [JWSSigner.SignRequest].
func (s *JWSSigner) SignResponse(h http.Header, body []byte) error {
	h.Set(HeaderDigest, Digest(SHA256, body))
	c := coverage{required: []string{"x-request-id", "digest"}, ifPresent: []string{"content-type"}}
	return s.sign(Message{Header: h}, c)
}

// sign sets the JWS over what of m is to be covered.
func (s *JWSSigner) sign(m Message, c coverage) error {
	pars := c.names(m)
	text, absent := m.textFor(pars)
	if absent != "" {
		return fmt.Errorf("httpsig: sign: the message has no %s", absent)
	}
	algorithm, err := s.algorithm()
	if err != nil {
		return err
	}
	header, err := s.header(pars)
	if err != nil {
		return err
	}
	value, err := jws.Sign(nil,
		jws.WithKey(jwsAlgorithms[algorithm], s.Key, jws.WithProtectedHeaders(header)),
		jws.WithDetachedPayload([]byte(text)))
	if err != nil {
		return fmt.Errorf("httpsig: sign: %w", err)
	}
	m.Header.Set(HeaderJWS, string(value))
	return nil
}

func (s *JWSSigner) algorithm() (string, error) {
	if !samePublic(s.Key.Public(), s.Certificate.PublicKey) {
		return "", errKey
	}
	switch key := s.Key.Public().(type) {
	case *rsa.PublicKey:
		return "RS256", nil
	case *ecdsa.PublicKey:
		if algorithm, ok := curveAlgorithms[key.Params().Name]; ok {
			return algorithm, nil
		}
	}
	return "", errors.New("httpsig: sign: no algorithm for the key")
}

// header is the protected header, but for alg, which jwx adds.
func (s *JWSSigner) header(pars []string) (jws.Headers, error) {
	chain := &cert.Chain{}
	for _, c := range append([]*x509.Certificate{s.Certificate}, s.Chain...) {
		if err := chain.AddString(base64.StdEncoding.EncodeToString(c.Raw)); err != nil {
			return nil, fmt.Errorf("httpsig: sign: x5c: %w", err)
		}
	}
	sum := sha256.Sum256(s.Certificate.Raw)
	header := jws.NewHeaders()
	for name, value := range map[string]any{
		jws.B64Key:                    false,
		jws.CriticalKey:               []string{"sigT", "sigD", "b64"},
		jws.X509CertChainKey:          chain,
		jws.X509CertThumbprintS256Key: base64.RawURLEncoding.EncodeToString(sum[:]),
		"sigT":                        s.Now().UTC().Format(time.RFC3339),
		"sigD":                        map[string]any{"pars": pars, "mId": mechanism},
	} {
		if err := header.Set(name, value); err != nil {
			return nil, fmt.Errorf("httpsig: sign: %s: %w", name, err)
		}
	}
	return header, nil
}
