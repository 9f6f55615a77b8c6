package sandbox

import (
	"cmp"
	"context"
	"net/http"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/explain"
	"consentd/internal/service/register"
	"consentd/internal/tpp"
	"consentd/pkg/eidas"
)

// HeaderTPP chooses who a caller without a certificate is.
const HeaderTPP = "X-Sandbox-TPP"

// defaultTPP is who a caller is who says nothing.
const defaultTPP = "demo"

// Callers tells TPPs apart: over TLS by their certificates, over plain http by a
// header that anybody can send, else by the access token that they bring. Either way
// a TPP has the same id.
type Callers struct {
	TLS      tpp.Identifier
	TPPs     *TPPs
	Register tpp.Register
	// Owner is the id of the TPP that an access token was issued to; nil where there
	// are none. Whether the token is good for a call is not for the one who tells
	// callers apart. Fails for one that is not known.
	Owner func(ctx context.Context, token string) (tppID string, err error)
}

var _ tpp.Identifier = Callers{}

// Identify implements tpp.Identifier. Fails over plain http with
// consent.CodeCertificateInvalid for a name that the sandbox does not have, and
// like tpp.Register.
func (c Callers) Identify(r *http.Request) (tpp.TPP, error) {
	if r.TLS != nil {
		return c.TLS.Identify(r)
	}
	name, err := c.name(r)
	if err != nil {
		return tpp.TPP{}, err
	}
	caller, known := c.TPPs.find(name)
	if !known {
		return tpp.TPP{}, consent.At(consent.CodeCertificateInvalid, "Header."+HeaderTPP, "the sandbox has no such TPP; it has demo, acme and beta, and those that were made by POST /sandbox/tpps")
	}
	return caller, c.Register.Admit(r.Context(), entered(caller, name), edge.SentRequestID(r))
}

// name is by which name a caller without a certificate goes. A token that opens
// nothing says nothing: whoever wants one refuses it. Fails with
// consent.CodeUnavailable where nobody can tell now whose it is.
func (c Callers) name(r *http.Request) (string, error) {
	if name := r.Header.Get(HeaderTPP); name != "" {
		return name, nil
	}
	token := tpp.TokenOf(r)
	if c.Owner == nil || token == "" || isPublic(token) {
		return defaultTPP, nil
	}
	id, err := c.Owner(r.Context(), token)
	if err == nil {
		return cmp.Or(c.TPPs.nameOf(id), defaultTPP), nil
	}
	if code := consent.CodeOf(err); code == consent.CodeUnavailable || code == consent.CodeInternal {
		return "", err
	}
	explain.Note(r.Context(), "sandbox: the access token does not tell who calls")
	return defaultTPP, nil
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
