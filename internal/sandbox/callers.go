package sandbox

import (
	"net/http"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/service/register"
	"consentd/internal/tpp"
	"consentd/pkg/eidas"
)

// HeaderTPP chooses who a caller without a certificate is.
const HeaderTPP = "X-Sandbox-TPP"

// defaultTPP is who a caller is who says nothing.
const defaultTPP = "demo"

// Callers tells TPPs apart: over TLS by their certificates, over plain http by a
// header that anybody can send. Either way a TPP has the same id.
type Callers struct {
	TLS      tpp.Identifier
	TPPs     *TPPs
	Register tpp.Register
}

var _ tpp.Identifier = Callers{}

// Identify implements tpp.Identifier. Fails over plain http with
// consent.CodeCertificateInvalid for a name that the sandbox does not have, and
// like tpp.Register.
func (c Callers) Identify(r *http.Request) (tpp.TPP, error) {
	if r.TLS != nil {
		return c.TLS.Identify(r)
	}
	name := r.Header.Get(HeaderTPP)
	if name == "" {
		name = defaultTPP
	}
	caller, known := c.TPPs.find(name)
	if !known {
		return tpp.TPP{}, consent.At(consent.CodeCertificateInvalid, "Header."+HeaderTPP, "the sandbox has no such TPP; it has demo, acme and beta, and those that were made by POST /sandbox/tpps")
	}
	return caller, c.Register.Admit(r.Context(), entered(caller, name), edge.SentRequestID(r))
}

// entered is what the register keeps of a caller.
func entered(t tpp.TPP, name string) register.TPP {
	return register.TPP{
		ID: t.ID, Name: t.Name, Organisation: organisationOf(name), NCAID: authorityID, NCAName: authorityName, Roles: textsOf(t.Roles),
	}
}

func textsOf(roles []eidas.Role) []string {
	texts := make([]string, len(roles))
	for i, role := range roles {
		texts[i] = string(role)
	}
	return texts
}
