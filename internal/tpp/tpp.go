package tpp

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"consentd/pkg/eidas"
)

// TPP is a caller, as it is known to consents and to people.
type TPP struct {
	ID   string
	Name string
	// Certificate is what the caller showed; nil where callers are told apart by
	// something else.
	Certificate *eidas.Certificate
	// Roles are what the caller is licensed for.
	Roles []eidas.Role
}

// May reports whether the caller is licensed for a role.
func (t TPP) May(role eidas.Role) bool { return slices.Contains(t.Roles, role) }

// Licences says for what the caller is licensed, for people to read.
func (t TPP) Licences() fmt.Stringer { return licences(t.Roles) }

type licences []eidas.Role

// String implements fmt.Stringer: nobody is charged for it unless somebody reads.
func (l licences) String() string {
	if len(l) == 0 {
		return "no role"
	}
	texts := make([]string, len(l))
	for i, role := range l {
		texts[i] = string(role)
	}
	return strings.Join(texts, ", ")
}

// Fingerprint names the certificate of the caller in the audit; empty where it
// showed none.
func (t TPP) Fingerprint() string {
	if t.Certificate == nil {
		return ""
	}
	return t.Certificate.Fingerprint
}

// Covers reports whether a host lies in a domain that the caller's certificate
// secures. A caller without certificate has none to be measured by: true.
func (t TPP) Covers(host string) bool { return t.Certificate == nil || t.Certificate.Covers(host) }

// Identifier tells which TPP sent a request. Where the error says that somebody
// in particular was refused, such as one who is shut out, the TPP comes with it.
// Fails with consent.CodeCertificateMissing, CodeCertificateInvalid,
// CodeCertificateExpired, CodeCertificateRevoked, CodeCertificateBlocked, and
// CodeUnavailable where it cannot be told now.
type Identifier interface {
	Identify(r *http.Request) (TPP, error)
}

// Unverified takes every caller for the same TPP, with every role. It is for
// servers that only their own machine can reach.
type Unverified struct{ As TPP }

// Identify implements Identifier.
func (u Unverified) Identify(*http.Request) (TPP, error) {
	u.As.Roles = allRoles
	return u.As, nil
}

var allRoles = []eidas.Role{eidas.RoleAS, eidas.RolePI, eidas.RoleAI, eidas.RoleIC}

// Roles lists every role of PSD2.
func Roles() []eidas.Role { return slices.Clone(allRoles) }
