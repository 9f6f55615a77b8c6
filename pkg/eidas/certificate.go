package eidas

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
)

// Role is what a competent authority allows a third party to do
// (ETSI TS 119 495 §4.2).
type Role string

// The roles.
const (
	RoleAS Role = "PSP_AS" // account servicing
	RolePI Role = "PSP_PI" // payment initiation
	RoleAI Role = "PSP_AI" // account information
	RoleIC Role = "PSP_IC" // issuing of card-based payment instruments
)

// ParseRole is the role of that name, such as "PSP_AI". The names of roles in
// certificates are not read: see [Parse].
func ParseRole(s string) (Role, error) {
	switch r := Role(s); r {
	case RoleAS, RolePI, RoleAI, RoleIC:
		return r, nil
	default:
		return "", fmt.Errorf("unknown role %q: want PSP_AS, PSP_PI, PSP_AI or PSP_IC", s)
	}
}

// Type is what a qualified certificate is for (ETSI EN 319 412-5 §4.2.3). A type
// without a name here is its object identifier, in dots.
type Type string

// The types.
const (
	Web   Type = "web"   // website authentication: a QWAC
	Seal  Type = "seal"  // electronic seals: a QSEAL
	Esign Type = "esign" // electronic signatures of persons
)

// Certificate is what a certificate says under PSD2. Only what a [Verifier]
// returned is to be believed.
type Certificate struct {
	X509         *x509.Certificate
	Fingerprint  string // SHA-256 of the DER: 64 lower-case hexadecimal digits
	Organisation string // organizationIdentifier (2.5.4.97), such as PSDDE-BAFIN-125314
	Name         string // organizationName, else commonName; may be empty
	NCAName      string // the competent authority's name; may be empty
	NCAID        string // the competent authority, such as DE-BAFIN
	Roles        []Role // one at least, each once, in the order of the certificate
	Types        []Type // of QcType; empty where the certificate has none
	Compliant    bool   // whether it states that it is qualified (QcCompliance)
}

// Parse reads what a certificate says. It does not ask whether that is true.
// Fails with an [*Error]: [NoStatement] where there is no PSD2 statement, and
// [Malformed] where there is one, or a subject, that cannot be read whole.
func Parse(cert *x509.Certificate) (*Certificate, error) {
	extension, err := qcStatements(cert)
	if err != nil {
		return nil, err
	}
	stated, err := readStatements(extension)
	if err != nil {
		return nil, err
	}
	organisation, err := organisationOf(cert)
	if err != nil {
		return nil, err
	}
	if err := checkIdentity(organisation, stated.ncaID); err != nil {
		return nil, err
	}
	name, err := holderOf(cert)
	if err != nil {
		return nil, err
	}
	return &Certificate{
		X509:         cert,
		Fingerprint:  fingerprint(cert.Raw),
		Organisation: organisation,
		Name:         name,
		NCAName:      stated.ncaName,
		NCAID:        stated.ncaID,
		Roles:        stated.roles,
		Types:        stated.types,
		Compliant:    stated.compliant,
	}, nil
}

// ID names the third party: NCAID, a colon, Organisation. What stands before the
// first colon is the NCAID, which cannot hold one; so two third parties never
// have the same id.
func (c *Certificate) ID() string { return c.NCAID + ":" + c.Organisation }

// Has says whether the certificate states the role.
func (c *Certificate) Has(r Role) bool { return slices.Contains(c.Roles, r) }

// fingerprint is the SHA-256 of a DER, in lower-case hexadecimal digits.
func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}
