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

// createConsent serves POST /v1/consents and /v2/consents/confirmation-of-funds.
func (h *Handler) createConsent(k *call) (*answer, error) {
	explain.Note(k.ctx(), "model: %s", k.draft.Access.Scope)
	wish := k.wish()
	wish.Approach = h.approach(k)
	k.draft.ByToken = h.byOAuth(k, wish.Approach)
	wish.Explicit = h.explicit(k, wish)
	var a *answer
	_, err := h.Consents.Create(k.ctx(), k.by(), *k.draft, wish, func(c *consent.Consent, started *consents.Started) *consent.Receipt {
		a = h.created(k, c, wish, started)
		return h.receipt(k, a)
	})
	return a, err
}

// created is the answer to the creation of a consent.
func (h *Handler) created(k *call, c *consent.Consent, wish consents.Wish, started *consents.Started) *answer {
	self := h.consentURL(k, c.ID)
	body := wire.ConsentsResponse{
		ConsentStatus: h.status(c),
		ConsentID:     c.ID.String(),
		TPPMessages:   k.hints,
		Links:         wire.Links{wire.LinkSelf: {Href: self}, wire.LinkStatus: {Href: self + "/status"}},
	}
	switch {
	case c.ByToken:
		h.linkOAuth(k, body.Links)
	case started == nil:
		h.linkStart(k, body.Links, c.ID, wish)
	default:
		h.linkStarted(k, body.Links, c.ID, started)
		body.ScaStatus, body.PSUMessage = wire.ScaStatus(started.Status), psuMessage(k, started)
	}
	a := reply(http.StatusCreated, body)
	a.set(echo.HeaderLocation, self)
	if started != nil || c.ByToken { // otherwise a start may prefer another one
		a.set(headerApproach, string(wireApproaches[wish.Approach]))
	}
	if h.Policy.MultipleConsents && c.Kind == consent.AccountAccess {
		a.set(headerMultiple, "true")
	}
	return a
}

// read loads the consent in the path.
func (h *Handler) read(k *call) (*consent.Consent, error) {
	id, err := k.consentID()
	if err != nil {
		return nil, err
	}
	return h.Consents.Get(k.ctx(), k.by(), id)
}

// getConsent serves GET /v1/consents/{consentId}.
func (h *Handler) getConsent(k *call) (*answer, error) {
	c, err := h.read(k)
	if err != nil {
		return nil, err
	}
	info := h.information(c)
	h.linkAccounts(k, c, &info)
	return reply(http.StatusOK, info), nil
}

// getFundsConsent serves GET /v2/consents/confirmation-of-funds/{consentId}.
func (h *Handler) getFundsConsent(k *call) (*answer, error) {
	c, err := h.read(k)
	if err != nil {
		return nil, err
	}
	return reply(http.StatusOK, h.fundsInformation(c)), nil
}

// getStatus serves GET …/{consentId}/status.
func (h *Handler) getStatus(k *call) (*answer, error) {
	id, err := k.consentID()
	if err != nil {
		return nil, err
	}
	c, err := h.Consents.Status(k.ctx(), k.by(), id)
	if err != nil {
		return nil, err
	}
	return reply(http.StatusOK, wire.ConsentStatusResponse{ConsentStatus: h.status(c)}), nil
}

// deleteConsent serves DELETE …/{consentId}.
func (h *Handler) deleteConsent(k *call) (*answer, error) {
	id, err := k.consentID()
	if err != nil {
		return nil, err
	}
	done := &answer{Status: http.StatusNoContent}
	return done, h.Consents.Terminate(k.ctx(), k.by(), id, func(*consent.Consent, *consents.Started) *consent.Receipt {
		return h.receipt(k, done)
	})
}

// status is the consent's status in the words of the standard, which knows no
// pause and no ending by the bank, and for the confirmation of funds no partial
// authorisation.
func (h *Handler) status(c *consent.Consent) wire.ConsentStatus {
	switch c.Status {
	case consent.Received:
		return wire.Received
	case consent.PartiallyAuthorised:
		if c.Kind == consent.FundsConfirmation {
			return wire.Received
		}
		return wire.PartiallyAuthorised
	case consent.Valid, consent.Suspended:
		return wire.Valid
	case consent.Rejected:
		return wire.Rejected
	case consent.Revoked:
		return h.revoked(c.Ending.By)
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
