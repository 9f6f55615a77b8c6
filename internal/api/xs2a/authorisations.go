package xs2a

import (
	"encoding/json"
	"net/http"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/service/consents"
	"consentd/internal/service/sca"
	flow "consentd/pkg/sca"
	wire "consentd/pkg/xs2a"
)

// startAuthorisation serves POST …/{consentId}/authorisations, with the PSU's
// password in the embedded approach.
func (h *Handler) startAuthorisation(k *call) (*answer, error) {
	id, err := k.consentID()
	if err != nil {
		return nil, err
	}
	wish := k.wish()
	wish.RedirectURI, wish.NokRedirectURI = k.req.Header.Get(keyRedirectURI), k.req.Header.Get(keyNokRedirectURI)
	if wish.Approach, err = h.startApproach(k, id); err != nil {
		return nil, err
	}
	switch {
	case k.update.kind == updatePassword && wish.Approach == consent.Embedded:
		return h.startWithPassword(k, id, wish)
	case k.update.kind != updateIdentification:
		return nil, consent.At(consent.CodeServiceInvalid, edge.PathBody, "cannot start an authorisation in the %s approach", wish.Approach)
	}
	var a *answer
	_, err = h.Consents.StartAuthorisation(k.ctx(), k.by(), id, wish, func(c *consent.Consent, started *consents.Started) *consent.Receipt {
		a = h.started(k, c.ID, started)
		return h.receipt(k, a)
	})
	return a, err
}

// started is the answer to the start of an authorisation.
func (h *Handler) started(k *call, c uuid.UUID, started *consents.Started) *answer {
	body := wire.StartAuthorisationResponse{
		ScaStatus: wire.ScaStatus(started.Status), AuthorisationID: started.Authorisation.String(),
		Links: wire.Links{}, PSUMessage: psuMessage(k, started), TPPMessages: k.hints,
	}
	h.linkStarted(k, body.Links, c, started)
	a := reply(http.StatusCreated, body)
	a.set(headerApproach, string(wireApproaches[started.Approach]))
	return a
}

// startWithPassword starts an authorisation and carries it on in one call, which
// are two transactions. So the receipt is looked for first, and the start leaves
// a claim: a call that is repeated in between carries the same authorisation on.
// One of this PSU that still waits for its password is taken up instead, so that
// its tries are counted on.
func (h *Handler) startWithPassword(k *call, id uuid.UUID, wish consents.Wish) (*answer, error) {
	if a, err := h.recall(k); a != nil || err != nil {
		return a, err
	}
	if wish.Hint.PSU == "" {
		return nil, fault("Header.PSU-ID", "is required with a password")
	}
	started, found, err := h.Consents.Waiting(k.ctx(), k.by(), id, wish)
	if err != nil {
		return nil, err
	}
	if !found {
		if started, err = h.claim(k, id, wish); err != nil {
			return nil, err
		}
	}
	at := sca.Target{Consent: id, Authorisation: started.Authorisation}
	answerOf := func(st sca.Standing) *answer {
		u := h.updated(k, at, st)
		a := reply(http.StatusCreated, wire.StartAuthorisationResponse{
			ScaStatus: u.ScaStatus, AuthorisationID: started.Authorisation.String(), Links: u.Links, ScaMethods: u.ScaMethods,
			ChosenScaMethod: u.ChosenScaMethod, ChallengeData: u.ChallengeData, PSUMessage: u.PSUMessage, TPPMessages: k.hints,
		})
		a.set(headerApproach, string(wireApproaches[started.Approach]))
		return a
	}
	return h.carryOn(k, at, sca.Update{Kind: sca.Password, Hint: wish.Hint, Value: k.update.password}, answerOf)
}

// claim starts an authorisation, or finds the one that this call has started
// before.
func (h *Handler) claim(k *call, id uuid.UUID, wish consents.Wish) (*consents.Started, error) {
	claim := h.ledgerCall(k)
	claim.Method += " started"
	started, err := h.Consents.StartAuthorisation(k.ctx(), k.by(), id, wish, func(_ *consent.Consent, started *consents.Started) *consent.Receipt {
		return h.Ledger.Receipt(claim, []byte(started.Authorisation.String()))
	})
	if consent.CodeOf(err) != consent.CodeRepeated {
		return started, err
	}
	stored, err := h.find(k, claim)
	if err != nil {
		return nil, err
	}
	authorisation, err := uuid.ParseBytes(stored)
	if err != nil { // it has expired, and is gone now: the next try starts anew
		return nil, consent.E(consent.CodeRepeated, "the call was made before, too long ago").Because(err)
	}
	return &consents.Started{Authorisation: authorisation, Approach: wish.Approach}, nil
}

// updateAuthorisation serves PUT …/authorisations/{authorisationId}.
func (h *Handler) updateAuthorisation(k *call) (*answer, error) {
	id, err := k.consentID()
	if err != nil {
		return nil, err
	}
	// An update may take several transactions, and only the last one would find
	// the receipt in its way.
	if a, err := h.recall(k); a != nil || err != nil {
		return a, err
	}
	at := sca.Target{Consent: id, Authorisation: k.authorisationID()}
	u := sca.Update{Hint: wishOf(k.req.Header).Hint}
	switch k.update.kind {
	case updateIdentification:
		u.Kind = sca.Identification
	case updatePassword:
		u.Kind, u.Value = sca.Password, k.update.password
	case updateMethod:
		u.Kind, u.Value = sca.Method, k.update.method
	case updateData:
		u.Kind, u.Value = sca.Data, k.update.data
	case updateConfirmation:
		u.Kind, u.Value = sca.Confirmation, k.update.code
	}
	return h.carryOn(k, at, u, func(st sca.Standing) *answer { return reply(http.StatusOK, h.updated(k, at, st)) })
}

// carryOn applies an update and keeps its answer.
func (h *Handler) carryOn(k *call, at sca.Target, u sca.Update, answerOf func(sca.Standing) *answer) (*answer, error) {
	st, err := h.Walks.Update(k.ctx(), k.by(), at, u, func(st sca.Standing) *consent.Receipt {
		return h.receipt(k, answerOf(st))
	})
	if err != nil {
		return nil, err
	}
	return answerOf(st), nil
}

// updated is where an authorisation stands after an update.
func (h *Handler) updated(k *call, at sca.Target, st sca.Standing) wire.UpdateResponse {
	self := h.authorisationURL(k, at.Consent, at.Authorisation)
	body := wire.UpdateResponse{
		ScaStatus: wire.ScaStatus(st.Status), Links: wire.Links{wire.LinkScaStatus: {Href: self}}, PSUMessage: shorten(st.Message),
	}
	linkNext(body.Links, st.Next, self)
	switch {
	case st.Next == sca.NextMethod:
		body.ScaMethods = methods(st.Methods)
	case st.Next == sca.NextData && len(st.Methods) == 1:
		body.ChosenScaMethod = &methods(st.Methods)[0]
	}
	if len(st.Challenge) > 0 {
		body.ChallengeData = &wire.ChallengeData{}
		if err := json.Unmarshal(st.Challenge, body.ChallengeData); err != nil {
			h.Log.ErrorContext(k.ctx(), "a flow's challenge is none of the standard's", "requestId", k.id, "error", err)
			body.ChallengeData = nil
		}
	}
	if st.Approach == consent.Decoupled && st.Status == consent.ScaPSUIdentified {
		body.PSUMessage = told(k, st.Message)
	}
	return body
}

func methods(list []flow.Method) []wire.AuthenticationObject {
	all := make([]wire.AuthenticationObject, len(list))
	for i, m := range list {
		all[i] = wire.AuthenticationObject{AuthenticationType: wire.AuthenticationType(m.Type), AuthenticationMethodID: m.ID, Name: m.Name}
	}
	return all
}

// listAuthorisations serves GET …/{consentId}/authorisations.
func (h *Handler) listAuthorisations(k *call) (*answer, error) {
	c, err := h.read(k)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(c.Authorisations))
	for i, a := range c.Authorisations {
		ids[i] = a.ID.String()
	}
	return reply(http.StatusOK, wire.Authorisations{AuthorisationIDs: ids}), nil
}

// getAuthorisation serves GET …/authorisations/{authorisationId}. The domain's
// states of an authorisation are the standard's, word for word; a test holds it.
func (h *Handler) getAuthorisation(k *call) (*answer, error) {
	id, err := k.consentID()
	if err != nil {
		return nil, err
	}
	a, err := h.Consents.Authorisation(k.ctx(), k.by(), id, k.authorisationID())
	if err != nil {
		return nil, err
	}
	body := wire.ScaStatusResponse{ScaStatus: wire.ScaStatus(a.Status)}
	if a.Status == consent.ScaStarted && a.Approach != consent.Redirect {
		message, err := h.Walks.Message(k.ctx(), k.by(), sca.Target{Consent: id, Authorisation: a.ID})
		if err != nil {
			return nil, err
		}
		body.PSUMessage = shorten(message)
	}
	return reply(http.StatusOK, body), nil
}
