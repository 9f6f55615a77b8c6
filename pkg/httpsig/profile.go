package httpsig

import "crypto/x509"

// Profile says which headers a signature covers, and how its keyId names the
// certificate. Names are in lower case; (request-target) stands for the method and
// the target. Banks differ in Required and Others: many ask for date or
// (request-target).
type Profile struct {
	// Required must be covered, hence be in the message. Where it is empty it is
	// that of [DefaultProfile], and so is IfPresent where that is empty too: a
	// signature that need not cover the digest says nothing of the body.
	Required []string
	// IfPresent must be covered where the message has them. A name that ends in *
	// is every header that begins so: "psu-*".
	IfPresent []string
	// Others may be covered besides, with * likewise; "*" alone is every header.
	Others []string
	// KeyID is how keyId names the certificate; [KeyIDXS2A] where it is not said.
	KeyID KeyIDRule
}

// DefaultProfile is that of the standard (XS2A IG 1.3.x §12), which allows no
// other headers than it requires; date and (request-target), which the standard's
// own example and many clients cover, may be.
func DefaultProfile() Profile {
	return Profile{
		Required:  []string{"digest", "x-request-id"},
		IfPresent: []string{"psu-id", "psu-corporate-id", "tpp-redirect-uri"},
		Others:    []string{"date", requestTarget},
	}
}

func (p Profile) coverage() coverage {
	byDefault := DefaultProfile()
	return coverage{p.Required, p.IfPresent, p.Others}.or(byDefault.Required, byDefault.IfPresent)
}

// Verify judges the Signature header of a message against the key of cert: the
// keyId, the algorithm, what is covered, and the signature. Whether cert is to be
// trusted, and whether Digest is the hash of the body ([CheckDigest]), is for the
// caller to judge. Fails with an [*Error] of the header Signature: [Missing],
// [Malformed] for one that cannot be read, [Invalid] for one that does not hold.
func (p Profile) Verify(m Message, cert *x509.Certificate) (*Signature, error) {
	s, err := m.signature()
	if err != nil {
		return nil, err
	}
	if err := p.judge(s, m, cert); err != nil {
		return nil, covering(err, s.Headers)
	}
	return s, nil
}

// Named are those certificates that the keyId of a message's Signature header
// names, in the order given: for receivers that have the certificates of a sender
// and must find the one. A keyId that is a client id names all of that client.
// What the keyId says is only compared, never fetched, and proves nothing: that is
// for [Profile.Verify]. Fails as that does where there is no Signature that can be
// read.
func (p Profile) Named(m Message, candidates []*x509.Certificate) ([]*x509.Certificate, error) {
	s, err := m.signature()
	if err != nil {
		return nil, err
	}
	var named []*x509.Certificate
	for _, cert := range candidates {
		if p.KeyID.check(s.KeyID, cert) == nil {
			named = append(named, cert)
		}
	}
	return named, nil
}

// signature reads the Signature header.
func (m Message) signature() (*Signature, error) {
	switch values := m.Header[HeaderSignature]; len(values) {
	case 0:
		return nil, &Error{Reason: Missing, Header: HeaderSignature, Text: "is required"}
	case 1:
		return parseSignature(values[0])
	}
	return nil, malformed("must be sent once")
}

func (p Profile) judge(s *Signature, m Message, cert *x509.Certificate) error {
	if err := p.KeyID.check(s.KeyID, cert); err != nil {
		return err
	}
	if _, ok := algorithms[s.Algorithm]; !ok {
		return invalid("must use rsa-sha256, rsa-sha512, ecdsa-sha256 or ecdsa-sha512")
	}
	if !fits(s.Algorithm, cert.PublicKey) {
		return invalid("must use an algorithm for the key of the certificate")
	}
	if wrong, missing := p.coverage().check(m, s.Headers); wrong != "" {
		return &Error{Reason: Invalid, Header: HeaderSignature, Text: wrong, Uncovered: missing}
	}
	var absent string
	if s.String, absent = m.textFor(s.Headers); absent != "" {
		return invalid("must not cover " + absent + ", which the message does not have")
	}
	if !verify(s.Algorithm, cert.PublicKey, s.String, s.Value) {
		return invalid("is not the signature of what it covers by the key of the certificate")
	}
	return nil
}
