package xs2a

import (
	"net/http"

	wire "consentd/pkg/xs2a"
)

// startAuthorisation serves POST /v1/consents/{consentId}/authorisations.
func (h *Handler) startAuthorisation(k *call) error {
	id, err := k.consentID()
	if err != nil {
		return err
	}
	started, err := h.Consents.StartAuthorisation(k.ctx(), k.caller.ID, id, wishOf(k.req.Header))
	if err != nil {
		return err
	}
	links := wire.Links{}
	h.link(k.req, links, h.base(k.req)+pathConsents+"/"+id.String(), started)
	k.echo.Response().Header().Set(headerApproach, chosenApproach(k))
	h.write(k.echo, http.StatusCreated, wire.MediaTypeJSON, wire.StartAuthorisationResponse{
		ScaStatus:       wire.ScaStatus(started.Status),
		AuthorisationID: started.Authorisation.String(),
		Links:           links,
	})
	return nil
}

// listAuthorisations serves GET /v1/consents/{consentId}/authorisations.
func (h *Handler) listAuthorisations(k *call) error {
	id, err := k.consentID()
	if err != nil {
		return err
	}
	c, err := h.Consents.Get(k.ctx(), k.caller.ID, id)
	if err != nil {
		return err
	}
	ids := make([]string, len(c.Authorisations))
	for i, a := range c.Authorisations {
		ids[i] = a.ID.String()
	}
	h.write(k.echo, http.StatusOK, wire.MediaTypeJSON, wire.Authorisations{AuthorisationIDs: ids})
	return nil
}

// getAuthorisation serves GET
// /v1/consents/{consentId}/authorisations/{authorisationId}. The domain's
// states of an authorisation are the standard's, word for word; a test holds it.
func (h *Handler) getAuthorisation(k *call) error {
	id, err := k.consentID()
	if err != nil {
		return err
	}
	a, err := h.Consents.Authorisation(k.ctx(), k.caller.ID, id, k.authorisationID())
	if err != nil {
		return err
	}
	h.write(k.echo, http.StatusOK, wire.MediaTypeJSON, wire.ScaStatusResponse{ScaStatus: wire.ScaStatus(a.Status)})
	return nil
}
