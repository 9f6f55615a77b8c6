package bankauth

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"consentd/internal/consent"
	"consentd/internal/service"
)

// Holder is who shows a certificate: exactly one of Fingerprint and Subject says
// which one that is.
type Holder struct {
	Name string // of the system; no two have the same
	Role service.Role
	// Fingerprint is the SHA-256 of the certificate's DER, 64 lower-case
	// hexadecimal digits: this certificate, and no other.
	Fingerprint string
	// Subject is the whole subject as RFC 2253 writes it, every attribute in its
	// place, the last one first: any certificate with that name of an issuer that
	// the bank trusts. The keywords are those of pkix.RDNSequence, where it has
	// one for a type.
	Subject string
}

// Certificates knows callers by the certificates that [Verify] has verified.
// One that was merely shown counts for nothing.
type Certificates struct {
	byFingerprint, bySubject map[string]Caller
}

var _ Authenticator = (*Certificates)(nil)

var fingerprint = regexp.MustCompile(`^[0-9a-f]{64}$`)

// NewCertificates fails, with all that is wrong, for holders that are not told
// from one another or not named as they must.
func NewCertificates(holders ...Holder) (*Certificates, error) {
	c := &Certificates{byFingerprint: map[string]Caller{}, bySubject: map[string]Caller{}}
	var wrong []error
	names := map[string]bool{}
	for i, h := range holders {
		if err := c.add(h); err != nil {
			wrong = append(wrong, fmt.Errorf("certificate %d: %w", i+1, err))
		}
		if names[h.Name] {
			wrong = append(wrong, fmt.Errorf("certificate %d: the name is another's too", i+1))
		}
		names[h.Name] = true
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Certificates) add(h Holder) error {
	switch {
	case h.Name == "":
		return errors.New("a name is required")
	case !h.Role.Known():
		return fmt.Errorf("there is no role %q", h.Role)
	case (h.Fingerprint == "") == (h.Subject == ""):
		return errors.New("either a fingerprint or a subject is required")
	case h.Fingerprint != "" && !fingerprint.MatchString(h.Fingerprint):
		return errors.New("the fingerprint must be the SHA-256 in 64 lower-case hexadecimal digits")
	}
	table, key := c.byFingerprint, h.Fingerprint
	if key == "" {
		table, key = c.bySubject, h.Subject
	}
	if _, twice := table[key]; twice {
		return errors.New("the certificate is another's too")
	}
	table[key] = Caller{ID: "certificate/" + h.Name, Name: h.Name, Role: h.Role}
	return nil
}

// Authenticate implements Authenticator. The fingerprint, which says more, goes
// before the subject.
func (c *Certificates) Authenticate(r *http.Request) (Caller, error) {
	seen := shown(r)
	if seen == "" {
		return Caller{}, nothingShown()
	}
	if caller, ok := c.byFingerprint[seen]; ok {
		return caller, nil
	}
	if caller, ok := c.bySubject[subjectOf(r.TLS.VerifiedChains[0][0])]; ok {
		return caller, nil
	}
	return Caller{}, consent.E(consent.CodeUnauthenticated, "the client certificate is not known")
}

// subjectOf is the whole subject of a certificate as RFC 2253 writes it. Its
// Subject would not do: that keeps one common name of several, and no order, so
// that who may choose a part of a name could be taken for somebody else.
func subjectOf(c *x509.Certificate) string {
	var name pkix.RDNSequence
	if rest, err := asn1.Unmarshal(c.RawSubject, &name); err != nil || len(rest) > 0 {
		return "" // nobody's
	}
	return name.String()
}
