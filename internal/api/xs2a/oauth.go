package xs2a

import (
	"net/http"
	"strings"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service/connections"
	"consentd/internal/service/consents"
	"consentd/internal/tpp"
	wire "consentd/pkg/xs2a"
)

// OAuthMode says what OAuth2 is used for (NextGenPSD2 1.3.x §13).
type OAuthMode string

// The modes.
const (
	OAuthOff OAuthMode = ""
	// OAuthIntegrated authorises consents at the OAuth2 server where they would be
	// authorised by redirect, and reads of them take the token that came of it.
	OAuthIntegrated OAuthMode = "integrated"
	// OAuthPreStep has every call about account information bring a token, for which
	// the PSU was authenticated before; consents are authorised as ever.
	OAuthPreStep OAuthMode = "preStep"
)

const (
	headerChallenge = "WWW-Authenticate"
	consentScope    = connections.ScopeConsent + "<consentId>"
)

// byOAuth reports whether what is authorised in this approach is authorised at the
// OAuth2 server.
func (h *Handler) byOAuth(k *call, approach consent.Approach) bool {
	return h.Options.OAuth == OAuthIntegrated && approach == consent.Redirect && k.ep.kind == consent.AccountAccess
}

// errByOAuth is the answer to a start of what the OAuth2 server starts.
func errByOAuth() error {
	return consent.E(consent.CodeServiceInvalid, "the consent is authorised at the OAuth2 server that scaOAuth names, by scope %s", consentScope)
}

// authorise judges the access token of a call that takes one before anything else
// is known of it.
func (h *Handler) authorise(k *call) error {
	if h.Options.OAuth != OAuthPreStep || k.ep.kind != consent.AccountAccess {
		return nil
	}
	p, err := h.Bearers.Bearer(k.req, k.caller)
	if err != nil {
		return err
	}
	if !p.May(connections.ScopeAISP) && !k.readsBy(p) {
		explain.Refuse(k.ctx(), "token: scope %s needed, it has %s", connections.ScopeAISP, strings.Join(p.Scopes, " "))
		return consent.At(consent.CodeScope, "Header.Authorization", "the access token has not the scope %s", connections.ScopeAISP)
	}
	k.principal = &p
	return nil
}

// readsBy tells a read with the token of the consent that it names: of one that was
// authorised at the OAuth2 server before the bank chose the other mode.
func (k *call) readsBy(p connections.Principal) bool {
	return k.ep.operation != "" && p.Consent != uuid.Nil && k.req.Header.Get(keyConsentID) == p.Consent.String()
}

// token tells for which consent the token of a read was issued; nil without one.
func (h *Handler) token(k *call) func() (uuid.UUID, error) {
	switch {
	case k.principal != nil:
		return func() (uuid.UUID, error) { return k.principal.Consent, nil }
	case h.Bearers == nil || tpp.TokenOf(k.req) == "":
		return nil
	}
	return func() (uuid.UUID, error) {
		p, err := h.Bearers.Bearer(k.req, k.caller)
		return p.Consent, err
	}
}

// wish is how the TPP would like the authorisation to be. Whom it does not name is
// taken for the PSU in whose name it calls.
func (k *call) wish() consents.Wish {
	w := wishOf(k.req.Header)
	if w.Hint.PSU == "" && k.principal != nil {
		w.Hint.PSU = k.principal.PSUID
	}
	return w
}

// linkOAuth adds the link to the OAuth2 server.
func (h *Handler) linkOAuth(k *call, links wire.Links) {
	links[wire.LinkScaOAuth] = wire.Link{Href: h.Links.Metadata(k.req)}
}

// challenges are how refusals for an access token ask for a good one (RFC 6750 §3).
var challenges = map[consent.Code]string{
	consent.CodeTokenMissing: `Bearer realm="xs2a"`,
	consent.CodeTokenInvalid: `Bearer realm="xs2a", error="invalid_token"`,
	consent.CodeTokenExpired: `Bearer realm="xs2a", error="invalid_token"`,
	consent.CodeScope:        `Bearer realm="xs2a", error="insufficient_scope"`,
}

// directed adds to a challenge where the OAuth2 server is described that has tokens;
// what is none stays empty.
func (h *Handler) directed(challenge string, r *http.Request) string {
	if challenge == "" || h.Links.Metadata == nil {
		return challenge
	}
	return challenge + `, metadata="` + h.Links.Metadata(r) + `"`
}
