package httpsig

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Signer signs requests with the key of a QSEAL. It may be used by several
// goroutines, as its key may.
type Signer struct {
	Certificate *x509.Certificate
	Key         crypto.Signer // that of Certificate, RSA or ECDSA
	// Profile says what to cover: its Required, in their order, and those of its
	// IfPresent that the request has.
	Profile Profile
	// Algorithm is rsa-sha256, rsa-sha512, ecdsa-sha256 or ecdsa-sha512; empty for
	// the one with SHA-256 that fits the key.
	Algorithm string
	// KeyID is the keyId of every signature; empty for that of XS2A, which is made
	// of Certificate. It must be one that the Profile's rule allows.
	KeyID string
	// WithoutCertificate leaves TPP-Signature-Certificate out, for receivers that
	// have the certificate and find it by keyId.
	WithoutCertificate bool
}

// Sign sets Digest, TPP-Signature-Certificate (but see WithoutCertificate) and
// Signature of a request whose other headers are complete, X-Request-ID among them; body is what it will send,
// empty for none. Content-Length, where the profile requires it, is set too, since
// net/http would add it only later. Fails where the key is not that of the
// certificate or not for the algorithm, where KeyID does not name the certificate,
// and where the request lacks a header that must be covered; the request is then
// not to be sent.
func (s *Signer) Sign(r *http.Request, body []byte) (*Signature, error) {
	algorithm, err := s.algorithm()
	if err != nil {
		return nil, err
	}
	keyID, err := s.keyID()
	if err != nil {
		return nil, err
	}
	hash := SHA256
	if algorithms[algorithm] == crypto.SHA512 {
		hash = SHA512
	}
	r.Header.Set(HeaderDigest, Digest(hash, body))
	if !s.WithoutCertificate {
		r.Header.Set(HeaderCertificate, base64.StdEncoding.EncodeToString(s.Certificate.Raw))
	}
	names := s.names(r, body)
	text, absent := Of(r).textFor(names)
	if absent != "" {
		return nil, fmt.Errorf("httpsig: sign: the request has no %s", absent)
	}
	value, err := sign(algorithm, s.Key, text)
	if err != nil {
		return nil, err
	}
	signature := &Signature{KeyID: keyID, Algorithm: algorithm, Headers: names, String: text, Value: value}
	r.Header.Set(HeaderSignature, signature.header())
	return signature, nil
}

// names are those that the signature of r covers.
func (s *Signer) names(r *http.Request, body []byte) []string {
	names := s.Profile.coverage().names(Of(r))
	for _, name := range names {
		if name == "content-length" {
			r.Header.Set("Content-Length", strconv.Itoa(len(body)))
		}
	}
	return names
}

func (s *Signer) keyID() (string, error) {
	if s.KeyID == "" {
		return keyIDOf(s.Certificate), nil
	}
	if strings.ContainsAny(s.KeyID, `"\`) || s.Profile.KeyID.check(s.KeyID, s.Certificate) != nil {
		return "", errKeyID
	}
	return s.KeyID, nil
}

func (s *Signer) algorithm() (string, error) {
	if !samePublic(s.Key.Public(), s.Certificate.PublicKey) {
		return "", errKey
	}
	algorithm := s.Algorithm
	if algorithm == "" {
		algorithm = "ecdsa-sha256"
		if _, ok := s.Key.Public().(*rsa.PublicKey); ok {
			algorithm = "rsa-sha256"
		}
	}
	if _, ok := algorithms[algorithm]; !ok || !fits(algorithm, s.Key.Public()) {
		return "", fmt.Errorf("httpsig: sign: %q is not an algorithm for the key", algorithm)
	}
	return algorithm, nil
}

// header is the value of the Signature header.
func (s *Signature) header() string {
	return fmt.Sprintf(`keyId="%s",algorithm="%s",headers="%s",signature="%s"`,
		s.KeyID, s.Algorithm, strings.Join(s.Headers, " "), base64.StdEncoding.EncodeToString(s.Value))
}
