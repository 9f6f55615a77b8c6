package sandbox

import (
	"net/http"

	"consentd/internal/consent"
	"consentd/internal/tpp"
)

// HeaderTPP chooses who a caller without a certificate is.
const HeaderTPP = "X-Sandbox-TPP"

// defaultTPP is who a caller is who says nothing.
const defaultTPP = "demo"

var callers = map[string]tpp.TPP{
	defaultTPP: {ID: "PSDXX-SANDBOX-DEMO", Name: "Demo TPP"},
	"acme":     {ID: "PSDXX-SANDBOX-ACME", Name: "Acme Money"},
	"beta":     {ID: "PSDXX-SANDBOX-BETA", Name: "Beta Budget"},
}

// Callers tells TPPs apart by a header that anybody can send.
type Callers struct{}

var _ tpp.Identifier = Callers{}

// Identify implements tpp.Identifier. Fails with consent.CodeCertificateInvalid
// for a name that the sandbox does not have.
func (Callers) Identify(r *http.Request) (tpp.TPP, error) {
	name := r.Header.Get(HeaderTPP)
	if name == "" {
		name = defaultTPP
	}
	caller, ok := callers[name]
	if !ok {
		return tpp.TPP{}, consent.At(consent.CodeCertificateInvalid, "Header."+HeaderTPP, "the sandbox has no such TPP; it has demo, acme and beta")
	}
	return caller, nil
}

// callerName is the name by which a TPP's id is chosen; empty for others.
func callerName(id string) string {
	for name, c := range callers {
		if c.ID == id {
			return name
		}
	}
	return ""
}
