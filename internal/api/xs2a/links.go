package xs2a

import (
	"net/http"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service/consents"
	"consentd/internal/service/sca"
	wire "consentd/pkg/xs2a"
)

// base is what every link to this interface begins with.
func (h *Handler) base(r *http.Request) string {
	if h.Options.RelativeLinks {
		return h.Options.BasePath
	}
	return h.Links.BaseURL(r) + h.Options.BasePath
}

// consentURL is where a consent is found.
func (h *Handler) consentURL(k *call, id uuid.UUID) string {
	return h.base(k.req) + k.ep.root + "/" + id.String()
}

func (h *Handler) authorisationURL(k *call, c, authorisation uuid.UUID) string {
	return h.consentURL(k, c) + "/authorisations/" + authorisation.String()
}

// linkAccounts adds the link to the accounts of a consent that is in force.
func (h *Handler) linkAccounts(k *call, c *consent.Consent, info *wire.ConsentInformation) {
	if h.Links.Accounts == nil || c.Status != consent.Valid {
		return
	}
	if accounts := h.Links.Accounts(k.req); accounts != "" {
		info.Links = wire.Links{wire.LinkAccount: {Href: accounts}}
	}
}

// linkStarted adds the links of an authorisation that was started.
func (h *Handler) linkStarted(k *call, links wire.Links, c uuid.UUID, started *consents.Started) {
	self := h.authorisationURL(k, c, started.Authorisation)
	links[wire.LinkScaStatus] = wire.Link{Href: self}
	if started.Approach != consent.Redirect {
		linkNext(links, nextOf(started), self)
		return
	}
	links[wire.LinkScaRedirect] = wire.Link{Href: h.pageURL(k, started.Handle)}
	if h.Policy.Confirmation {
		links[wire.LinkConfirmation] = wire.Link{Href: self}
	}
}

// pageURL is where the browser of a PSU is sent.
func (h *Handler) pageURL(k *call, handle string) string {
	if h.Links.Page != nil {
		if own := h.Links.Page(handle); own != "" {
			return own
		}
	}
	browser := h.Links.BrowserURL
	if browser == nil {
		browser = h.Links.BaseURL
	}
	return browser(k.req) + "/sca/" + handle
}

// linkStart adds the link by which the TPP starts the authorisation itself.
func (h *Handler) linkStart(k *call, links wire.Links, c uuid.UUID, wish consents.Wish) {
	name := wire.LinkStartAuthorisation
	switch {
	case wish.Approach == consent.Embedded:
		name = wire.LinkStartAuthorisationWithPsuAuthentication
	case wish.Approach == consent.Decoupled && wish.Hint.PSU == "":
		name = wire.LinkStartAuthorisationWithPsuIdentification
	}
	links[name] = wire.Link{Href: h.consentURL(k, c) + "/authorisations"}
}

// nextOf is what an authorisation that has just been started waits for.
func nextOf(started *consents.Started) sca.Next {
	switch {
	case started.Status == consent.ScaReceived:
		return sca.NextIdentity
	case started.Approach == consent.Embedded:
		return sca.NextPassword
	default:
		return sca.NextNothing
	}
}

// linkNext adds the link for what an authorisation waits for.
func linkNext(links wire.Links, next sca.Next, authorisation string) {
	if name, ok := map[sca.Next]string{
		sca.NextIdentity: wire.LinkUpdatePsuIdentification,
		sca.NextPassword: wire.LinkUpdatePsuAuthentication,
		sca.NextMethod:   wire.LinkSelectAuthenticationMethod,
		sca.NextData:     wire.LinkAuthoriseTransaction,
	}[next]; ok {
		links[name] = wire.Link{Href: authorisation}
	}
}
