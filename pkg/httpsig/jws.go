package httpsig

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"
)

// HeaderJWS carries a detached JWS over headers.
const HeaderJWS = "x-jws-signature"

// mechanism is the one of ETSI TS 119 182-1 §5.2.8.2: what is signed are headers
// of the HTTP message, by name.
const mechanism = "http://uri.etsi.org/19182/HttpHeaders"

// What a [JWSProfile] allows where it does not say.
const (
	defaultMaxAge   = time.Minute
	defaultMaxAhead = 2 * time.Second
)

// jwsAlgorithms are those that a JWS may name (RFC 7518 §3.3 to §3.5): never none,
// nor one with a shared secret.
var jwsAlgorithms = map[string]jwa.SignatureAlgorithm{
	"RS256": jwa.RS256(), "RS384": jwa.RS384(), "RS512": jwa.RS512(),
	"PS256": jwa.PS256(), "PS384": jwa.PS384(), "PS512": jwa.PS512(),
	"ES256": jwa.ES256(), "ES384": jwa.ES384(), "ES512": jwa.ES512(),
}

// curveAlgorithms are those of the curves (RFC 7518 §3.4), which jwx does not
// hold each to its own.
var curveAlgorithms = map[string]string{"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}

// JWSProfile says what a JWS covers, and how old it may be.
type JWSProfile struct {
	// Required must be covered, in lower case; (request-target) stands for the
	// method and the target. Where it is empty it is that of [DefaultJWSProfile],
	// and so is IfPresent where that is empty too.
	Required []string
	// IfPresent must be covered where the message has them.
	IfPresent []string
	// MaxAge and MaxAhead say how long ago, and how far ahead of Now, the JWS may
	// have been made by its own word; where zero, one minute and two seconds.
	MaxAge, MaxAhead time.Duration
	Now              func() time.Time
}

// DefaultJWSProfile asks for the request id and the digest, and for who the PSU is
// and where it goes back to where the request tells. More may be covered.
func DefaultJWSProfile(now func() time.Time) JWSProfile {
	return JWSProfile{
		Required:  []string{"x-request-id", "digest"},
		IfPresent: []string{"psu-id", "psu-corporate-id", "tpp-redirect-uri"},
		MaxAge:    defaultMaxAge,
		MaxAhead:  defaultMaxAhead,
		Now:       now,
	}
}

// JWS is an x-jws-signature that has been read and not verified.
type JWS struct {
	Algorithm    string
	Certificates [][]byte  // x5c: DER, that of the signer first; may be empty
	Thumbprint   []byte    // x5t#S256: of the signer's; nil where there is none
	Pars         []string  // the names that are covered, lower case, in their order
	SignedAt     time.Time // sigT: when it was made, by its own word

	compact string // as it came
}

// Verify judges a JWS over the headers of m against the key of cert: that cert is
// the one it names, the algorithm, the time, what is covered, and the signature.
// Whether cert is to be trusted, and whether Digest is the hash of the body, is
// for the caller to judge. Fails with an [*Error], [Invalid]; with another error
// where p has no clock.
func (j *JWS) Verify(p JWSProfile, m Message, cert *x509.Certificate) error {
	if p.Now == nil {
		return errors.New("httpsig: a JWSProfile needs its Now")
	}
	if err := j.checkCertificate(cert); err != nil {
		return err
	}
	if err := p.checkTime(j.SignedAt); err != nil {
		return err
	}
	byDefault := DefaultJWSProfile(p.Now)
	c := coverage{p.Required, p.IfPresent, []string{anyRest}}.or(byDefault.Required, byDefault.IfPresent)
	return covering(j.verify(c, m, cert), j.Pars)
}

// VerifyResponse judges the answer to a request: the JWS like [JWS.Verify], but
// over x-request-id, digest and, where there is one, content-type; and the digest
// over body. The answer names the certificate of the signer ([ParseJWS]), which
// the caller has judged. Fails with an [*Error].
func (p JWSProfile) VerifyResponse(h http.Header, body []byte, cert *x509.Certificate) error {
	values := h[http.CanonicalHeaderKey(HeaderJWS)]
	if len(values) == 0 {
		return &Error{Reason: Missing, Header: HeaderJWS, Text: "is required"}
	}
	if len(values) > 1 {
		return malformedJWS("must be sent once")
	}
	j, err := ParseJWS(values[0])
	if err != nil {
		return err
	}
	m := Message{Header: h}
	p.Required, p.IfPresent = []string{"x-request-id", "digest"}, []string{"content-type"}
	if err := j.Verify(p, m, cert); err != nil {
		return err
	}
	digest, _ := m.value("digest")
	return CheckDigest(digest, body)
}

// checkCertificate compares what the JWS says of its signer with a certificate.
func (j *JWS) checkCertificate(cert *x509.Certificate) error {
	if len(j.Certificates) > 0 && !bytes.Equal(j.Certificates[0], cert.Raw) {
		return invalidJWS("must have the certificate of the signer as the first of x5c")
	}
	if sum := sha256.Sum256(cert.Raw); j.Thumbprint != nil && !bytes.Equal(j.Thumbprint, sum[:]) {
		return invalidJWS("must have the thumbprint of the signer's certificate as x5t#S256")
	}
	if !fitsJWS(j.Algorithm, cert.PublicKey) {
		return invalidJWS("must use an algorithm for the key of the certificate")
	}
	return nil
}

// fitsJWS reports whether an algorithm is one for a key.
func fitsJWS(algorithm string, key crypto.PublicKey) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return algorithm[:1] != "E"
	case *ecdsa.PublicKey:
		return curveAlgorithms[key.Params().Name] == algorithm
	}
	return false
}

func (p JWSProfile) checkTime(signed time.Time) error {
	age := p.Now().Sub(signed)
	maxAge, maxAhead := p.MaxAge, p.MaxAhead
	if maxAge == 0 {
		maxAge = defaultMaxAge
	}
	if maxAhead == 0 {
		maxAhead = defaultMaxAhead
	}
	switch {
	case age > maxAge:
		return invalidJWS(fmt.Sprintf("must not be older than %s by its sigT", maxAge))
	case -age > maxAhead:
		return invalidJWS(fmt.Sprintf("must not be ahead of time by more than %s by its sigT", maxAhead))
	}
	return nil
}

// verify judges what is covered and the signature over it.
func (j *JWS) verify(c coverage, m Message, cert *x509.Certificate) error {
	if wrong, missing := c.check(m, j.Pars); wrong != "" {
		return &Error{Reason: Invalid, Header: HeaderJWS, Text: wrong, Uncovered: missing}
	}
	text, absent := m.textFor(j.Pars)
	if absent != "" {
		return invalidJWS("must not cover " + absent + ", which the message does not have")
	}
	_, err := jws.Verify([]byte(j.compact),
		jws.WithKey(jwsAlgorithms[j.Algorithm], cert.PublicKey),
		jws.WithDetachedPayload([]byte(text)),
		// Critical members are ours to understand: ParseJWS and Verify have.
		jws.WithCritValidation(true),
		jws.WithCritExtension("sigT", "sigD"),
		jws.WithCompact())
	if err != nil {
		return invalidJWS("is not the signature of what it covers by the key of the certificate")
	}
	return nil
}

func malformedJWS(text string) *Error {
	return &Error{Reason: Malformed, Header: HeaderJWS, Text: text}
}

func invalidJWS(text string) *Error { return &Error{Reason: Invalid, Header: HeaderJWS, Text: text} }
