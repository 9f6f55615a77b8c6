package tpp

import (
	"cmp"
	"context"
	"crypto/x509"
	"net/http"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/explain"
	"consentd/internal/service/register"
	"consentd/pkg/eidas"
)

// Verifier judges certificates; *eidas.Verifier does.
type Verifier interface {
	Verify(ctx context.Context, want eidas.Type, leaf []byte, intermediates ...[]byte) (*eidas.Certificate, error)
}

// Register knows who may call; *register.Register does.
type Register interface {
	Admit(ctx context.Context, t register.TPP, requestID string) error
}

// Certificates tells callers by their QWAC.
type Certificates struct {
	Verifier Verifier
	Register Register
	// Proxy hands on what it was shown; nil where callers connect themselves.
	Proxy *Proxy
}

var _ Identifier = (*Certificates)(nil)

// Identify implements Identifier.
func (c *Certificates) Identify(r *http.Request) (TPP, error) {
	ctx := r.Context()
	chain, where, err := c.shown(r)
	if err != nil {
		explain.Refuse(ctx, "certificate: what came by %s cannot be read", where)
		return TPP{}, err
	}
	if len(chain) == 0 {
		explain.Refuse(ctx, "certificate: none by %s", where)
		return TPP{}, consent.E(consent.CodeCertificateMissing, "a client certificate is required")
	}
	cert, err := c.Verifier.Verify(ctx, eidas.Web, chain[0], chain[1:]...)
	if err != nil {
		who := refusedTPP(err, chain[0])
		explain.Refuse(ctx, "certificate: %s by %s, and %s", cmp.Or(who.ID, "one"), where, textOf(err))
		return who, refusedCertificate(err, "", "the client certificate")
	}
	who := of(cert)
	explain.Note(ctx, "certificate: %s by %s, roles %s", who.ID, where, who.Licences())
	return who, c.Register.Admit(ctx, entry(cert), edge.SentRequestID(r))
}

func of(cert *eidas.Certificate) TPP {
	return TPP{ID: cert.ID(), Name: cert.Name, Certificate: cert, Roles: cert.Roles}
}

// refusedTPP names who was refused with a certificate whose issuer is trusted, so
// that it can be written down; nobody where the certificate proves nothing.
func refusedTPP(err error, leaf []byte) TPP {
	switch eidas.ReasonOf(err) {
	case eidas.Expired, eidas.Revoked, eidas.Unknown:
	default:
		return TPP{}
	}
	parsed, err := x509.ParseCertificate(leaf)
	if err != nil {
		return TPP{}
	}
	cert, err := eidas.Parse(parsed)
	if err != nil {
		return TPP{}
	}
	return of(cert)
}

// shown is the chain that the caller showed, the leaf first, and by which way.
func (c *Certificates) shown(r *http.Request) (chain [][]byte, where string, err error) {
	if c.Proxy.sent(r) {
		chain, err = c.Proxy.read(r)
		return chain, "the proxy's header", err
	}
	if r.TLS == nil {
		return nil, "the connection", nil
	}
	chain = make([][]byte, len(r.TLS.PeerCertificates))
	for i, cert := range r.TLS.PeerCertificates {
		chain[i] = cert.Raw
	}
	return chain, "the connection", nil
}

// entry is what the register keeps of a certificate.
func entry(c *eidas.Certificate) register.TPP {
	roles := make([]string, len(c.Roles))
	for i, role := range c.Roles {
		roles[i] = string(role)
	}
	return register.TPP{
		ID: c.ID(), Name: c.Name, Organisation: c.Organisation, NCAID: c.NCAID, NCAName: c.NCAName,
		Roles: roles, Certificate: c.Fingerprint,
	}
}
