package xs2a

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service/consents"
	wire "consentd/pkg/xs2a"
)

const (
	headerApproach = "ASPSP-SCA-Approach"
	headerMultiple = "ASPSP-Multiple-Consent-Support"
)

// createConsent serves POST /v1/consents.
func (h *Handler) createConsent(k *call) error {
	explain.Note(k.ctx(), "model: %s", k.draft.Access.Scope)
	wish := wishOf(k.req.Header)
	wish.Explicit = h.explicit(k)
	c, started, err := h.Consents.Create(k.ctx(), k.draft, wish)
	if err != nil {
		return err
	}
	self := h.base(k.req) + pathConsents + "/" + c.ID.String()
	links := wire.Links{
		wire.LinkSelf:   {Href: self},
		wire.LinkStatus: {Href: self + "/status"},
	}
	header := k.echo.Response().Header()
	if started == nil {
		links[wire.LinkStartAuthorisation] = wire.Link{Href: self + "/authorisations"}
	} else {
		h.link(k.req, links, self, started)
		header.Set(headerApproach, chosenApproach(k))
	}
	if h.Policy.MultipleConsents {
		header.Set(headerMultiple, "true")
	}
	header.Set(echo.HeaderLocation, self)
	h.write(k.echo, http.StatusCreated, wire.MediaTypeJSON, wire.ConsentsResponse{
		ConsentStatus: h.status(c.Status, c.Ending),
		ConsentID:     c.ID.String(),
		Links:         links,
	})
	return nil
}

// explicit decides whether the TPP starts the authorisation itself.
func (h *Handler) explicit(k *call) bool {
	prefers := k.req.Header.Get(keyExplicitPreferred) == "true"
	explicit := h.Options.Start == StartExplicit || h.Options.Start == StartAuto && prefers
	explain.Note(k.ctx(), "start: explicit %t (mode %s, preferred by the TPP: %t)", explicit, h.Options.Start, prefers)
	return explicit
}

// getConsent serves GET /v1/consents/{consentId}.
func (h *Handler) getConsent(k *call) error {
	id, err := k.consentID()
	if err != nil {
		return err
	}
	c, err := h.Consents.Get(k.ctx(), k.caller.ID, id)
	if err != nil {
		return err
	}
	h.write(k.echo, http.StatusOK, wire.MediaTypeJSON, h.information(c))
	return nil
}

// getStatus serves GET /v1/consents/{consentId}/status.
func (h *Handler) getStatus(k *call) error {
	id, err := k.consentID()
	if err != nil {
		return err
	}
	status, ending, err := h.Consents.Status(k.ctx(), k.caller.ID, id)
	if err != nil {
		return err
	}
	h.write(k.echo, http.StatusOK, wire.MediaTypeJSON, wire.ConsentStatusResponse{ConsentStatus: h.status(status, ending)})
	return nil
}

// deleteConsent serves DELETE /v1/consents/{consentId}.
func (h *Handler) deleteConsent(k *call) error {
	id, err := k.consentID()
	if err != nil {
		return err
	}
	if err := h.Consents.Terminate(k.ctx(), k.caller.ID, id); err != nil {
		return err
	}
	k.echo.Response().WriteHeader(http.StatusNoContent)
	return nil
}

func (h *Handler) base(r *http.Request) string { return h.Links.BaseURL(r) }

// link adds where a started authorisation is read, and where the PSU's browser
// goes.
func (h *Handler) link(r *http.Request, links wire.Links, consent string, started *consents.Started) {
	browser := h.Links.BrowserURL
	if browser == nil {
		browser = h.Links.BaseURL
	}
	links[wire.LinkScaRedirect] = wire.Link{Href: browser(r) + "/sca/" + started.Handle}
	links[wire.LinkScaStatus] = wire.Link{Href: consent + "/authorisations/" + started.Authorisation.String()}
}

// status is the consent's status in the words of the standard, which knows no
// pause and no ending by the bank.
func (h *Handler) status(s consent.Status, e consent.Ending) wire.ConsentStatus {
	switch s {
	case consent.Received:
		return wire.Received
	case consent.PartiallyAuthorised:
		return wire.PartiallyAuthorised
	case consent.Valid, consent.Suspended:
		return wire.Valid
	case consent.Rejected:
		return wire.Rejected
	case consent.Revoked:
		return h.revoked(e.By)
	case consent.Expired, consent.Consumed:
		return wire.Expired
	default: // a status that this dialect was not told of opens nothing
		return wire.Expired
	}
}

func (h *Handler) revoked(by consent.Actor) wire.ConsentStatus {
	switch {
	case by == consent.ByPSU:
		return wire.RevokedByPsu
	case by == consent.ByTPP:
		return wire.TerminatedByTpp
	case h.Options.StrictStatus:
		return wire.Expired
	default:
		return wire.TerminatedByAspsp
	}
}
