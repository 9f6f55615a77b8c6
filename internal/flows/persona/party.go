package persona

import (
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"consentd/pkg/sca"
)

// challengeTTL is how long a passkey may take to answer.
const challengeTTL = 5 * time.Minute

// party is what a passkey is bound to: the host of the pages, and their origin.
type party struct{ id, origin string }

// partyOf finds the party of a run; the empty one where browsers have no passkeys:
// without a page, on an address without a name, or without TLS, but for localhost.
func partyOf(req sca.Request) party {
	u, err := url.Parse(req.ReturnURL)
	if err != nil || !req.Paged {
		return party{}
	}
	host := strings.ToLower(u.Hostname())
	local := host == "localhost" || strings.HasSuffix(host, ".localhost")
	secure := u.Scheme == "https" || u.Scheme == "http" && local
	if !secure || net.ParseIP(host) != nil || protocol.ValidateRPID(host) != nil {
		return party{}
	}
	return party{id: host, origin: u.Scheme + "://" + strings.ToLower(u.Host)}
}

func hasParty(req sca.Request) bool { return partyOf(req).id != "" }

// relyingParty makes what speaks WebAuthn for the pages of a run. The PSU must be
// verified by the authenticator (fingerprint, face, PIN), since that is what makes
// a passkey two factors in one. Who made the authenticator is not asked.
func (f *Flow) relyingParty(p party) (*webauthn.WebAuthn, error) {
	timeout := webauthn.TimeoutConfig{Timeout: challengeTTL, TimeoutUVD: challengeTTL} // held to by our own clock
	return webauthn.New(&webauthn.Config{
		RPID: p.id, RPDisplayName: f.c.Issuer, RPOrigins: []string{p.origin},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey:        protocol.ResidentKeyRequirementPreferred,
			RequireResidentKey: protocol.ResidentKeyNotRequired(),
			UserVerification:   protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{Login: timeout, Registration: timeout},
		// Some password managers add outputs that nobody asked for. None is used.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
}

// owner is a PSU as passkeys know them.
type owner struct {
	id            []byte
	account, name string
	keys          []webauthn.Credential
}

var _ webauthn.User = owner{}

// WebAuthnID implements webauthn.User.
func (o owner) WebAuthnID() []byte { return o.id }

// WebAuthnName implements webauthn.User.
func (o owner) WebAuthnName() string { return o.account }

// WebAuthnDisplayName implements webauthn.User.
func (o owner) WebAuthnDisplayName() string { return o.name }

// WebAuthnCredentials implements webauthn.User.
func (o owner) WebAuthnCredentials() []webauthn.Credential { return o.keys }
