package issue

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net"
	"slices"
	"time"

	"consentd/pkg/eidas"
)

// Encoding is one of the ways in which a PSD2 statement is met: see package eidas.
type Encoding int

// The encodings.
const (
	Standard  Encoding = iota // as ETSI TS 119 495 says
	Flat                      // rolesOfPSP is OIDs and names by turns
	Unwrapped                 // without the SEQUENCE around rolesOfPSP, nCAName and nCAId
	Bare                      // qcStatements is the PSD2 statement alone, without the SEQUENCE OF: no QcCompliance, no QcType
)

// Order is what a certificate shall say. What is empty, the certificate lacks.
type Order struct {
	Type         eidas.Type // Web, Seal or Esign: key usage and QcType follow
	Name         string     // O, and CN where there are no Domains
	Organisation string     // organizationIdentifier; C is taken from it, else XX
	NCAName      string
	NCAID        string
	Roles        []eidas.Role
	Encoding     Encoding
	NoStatement  bool // no PSD2 statement, though the certificate is qualified
	// Domains and IPs are subjectAltName. The first domain is the CN of a Web
	// certificate.
	Domains   []string
	IPs       []net.IP
	NotBefore time.Time
	NotAfter  time.Time
	OCSP      []string // where to ask whether it was revoked
	CRL       []string // where the list of revoked ones is
	// Key is the holder's; nil makes a fresh one (RSA, 2048 bits), which takes a
	// tenth of a second or more.
	Key crypto.Signer
	// Change has the last word on the template, for what no field can say. The
	// statements are in its ExtraExtensions.
	Change func(*x509.Certificate)
}

// Issued is a certificate with the holder's key.
type Issued struct {
	Certificate *x509.Certificate
	Key         crypto.Signer
	// Chain is what the holder sends along: the certificates of the authorities
	// above, without the root. Empty where the root issued.
	Chain []*x509.Certificate
}

// CertificatePEM is the certificate, followed by its chain.
func (i *Issued) CertificatePEM() []byte {
	return certificatesPEM(append([]*x509.Certificate{i.Certificate}, i.Chain...)...)
}

// KeyPEM is the holder's key (PKCS#8). It is not encrypted.
func (i *Issued) KeyPEM() ([]byte, error) { return keyPEM(i.Key) }

// TLS is the certificate, its chain and key as crypto/tls takes them.
func (i *Issued) TLS() tls.Certificate {
	out := tls.Certificate{Certificate: [][]byte{i.Certificate.Raw}, PrivateKey: i.Key, Leaf: i.Certificate}
	for _, c := range i.Chain {
		out.Certificate = append(out.Certificate, c.Raw)
	}
	return out
}

// Issue issues a qualified certificate for PSD2, or one that resembles it. It
// fails for a type or role that is not known, and for what cannot be encoded.
func (a *Authority) Issue(o Order) (*Issued, error) {
	if o.Key == nil {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, fmt.Errorf("make key: %w", err)
		}
		o.Key = key
	}
	template, err := o.template()
	if err != nil {
		return nil, err
	}
	if o.Change != nil {
		o.Change(template)
	}
	cert, err := a.sign(template, o.Key.Public())
	if err != nil {
		return nil, err
	}
	return &Issued{Certificate: cert, Key: o.Key, Chain: slices.Clone(a.chain)}, nil
}

// Server issues a certificate for a TLS server, which says nothing of PSD2, with
// a key on P-256. A host is a name or an IP address.
func (a *Authority) Server(hosts []string, notBefore, notAfter time.Time) (*Issued, error) {
	key, err := newECDSAKey()
	if err != nil {
		return nil, err
	}
	template, err := newTemplate(key.Public(), notBefore, notAfter)
	if err != nil {
		return nil, err
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
			continue
		}
		template.DNSNames = append(template.DNSNames, host)
	}
	if len(hosts) > 0 {
		template.Subject.CommonName = hosts[0]
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	cert, err := a.sign(template, key.Public())
	if err != nil {
		return nil, err
	}
	return &Issued{Certificate: cert, Key: key, Chain: slices.Clone(a.chain)}, nil
}

func (o *Order) template() (*x509.Certificate, error) {
	template, err := newTemplate(o.Key.Public(), o.NotBefore, o.NotAfter)
	if err != nil {
		return nil, err
	}
	statements, err := o.statements()
	if err != nil {
		return nil, err
	}
	template.Subject = o.subject()
	template.DNSNames = o.Domains
	template.IPAddresses = o.IPs
	template.OCSPServer = o.OCSP
	template.CRLDistributionPoints = o.CRL
	template.BasicConstraintsValid = true
	template.ExtraExtensions = []pkix.Extension{{Id: oidQcStatements, Value: statements}}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	if o.Type == eidas.Web {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	} else {
		template.KeyUsage |= x509.KeyUsageContentCommitment
	}
	return template, nil
}

func (o *Order) subject() pkix.Name {
	name := pkix.Name{Country: []string{o.country()}, CommonName: o.Name}
	if o.Name != "" {
		name.Organization = []string{o.Name}
	}
	if o.Type == eidas.Web && len(o.Domains) > 0 {
		name.CommonName = o.Domains[0]
	}
	if o.Organisation != "" {
		name.ExtraNames = []pkix.AttributeTypeAndValue{
			{Type: asn1.ObjectIdentifier{2, 5, 4, 97}, Value: o.Organisation},
		}
	}
	return name
}

// country is the cc of PSDcc-NCA-id.
func (o *Order) country() string {
	if id := o.Organisation; len(id) > 6 && id[:3] == "PSD" && id[5] == '-' {
		return id[3:5]
	}
	return "XX"
}
