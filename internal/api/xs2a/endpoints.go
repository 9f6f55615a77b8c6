package xs2a

import (
	"net/http"

	"consentd/internal/consent"
	"consentd/pkg/eidas"
)

// endpoint is one operation: what it takes and who serves it.
type endpoint struct {
	method, path string
	kind         consent.Kind
	root         string   // where the consents of this kind lie
	place        place    // which headers it takes
	body         bodyRule // whether it takes a body
	// parse reads the body into the call; its faults are reported together with
	// those of the headers.
	parse func(*Handler, *call) consent.Faults
	serve func(*Handler, *call) (*answer, error)
	// once says that a call which is repeated is answered as it was.
	once bool
	// operation is what a read of account data reads; empty elsewhere.
	operation consent.Operation
}

// role is what a TPP must be licensed for.
func (ep *endpoint) role() eidas.Role {
	if ep.kind == consent.FundsConfirmation {
		return eidas.RoleIC
	}
	return eidas.RoleAI
}

// bodyRule says whether an operation takes a body.
type bodyRule int

const (
	bodyIgnored bodyRule = iota
	bodyOptional
	bodyRequired
)

const (
	pathConsents      = "/v1/consents"
	pathFundsConsents = "/v2/consents/confirmation-of-funds"
	pathFunds         = "/v1/funds-confirmations"

	subConsent        = "/:consentId"
	subStatus         = subConsent + "/status"
	subAuthorisations = subConsent + "/authorisations"
	subAuthorisation  = subAuthorisations + "/:authorisationId"
)

// endpoints lists every operation. The two kinds of consent have the same eight.
func endpoints() []endpoint {
	all := []endpoint{{
		method: http.MethodPost, path: pathFunds, kind: consent.FundsConfirmation, place: onFundsCheck, body: bodyRequired,
		parse: (*Handler).readQuestion, serve: (*Handler).confirmFunds,
	}}
	for _, family := range []struct {
		root          string
		kind          consent.Kind
		create, start place
		parse         func(*Handler, *call) consent.Faults
		get           func(*Handler, *call) (*answer, error)
	}{
		{pathConsents, consent.AccountAccess, onCreate, onStart, (*Handler).readConsent, (*Handler).getConsent},
		{pathFundsConsents, consent.FundsConfirmation, onFundsCreate, onFundsStart, (*Handler).readFundsConsent, (*Handler).getFundsConsent},
	} {
		for _, ep := range []endpoint{
			{method: http.MethodPost, place: family.create, body: bodyRequired, parse: family.parse, serve: (*Handler).createConsent, once: true},
			{method: http.MethodGet, path: subConsent, place: onRead, serve: family.get},
			{method: http.MethodDelete, path: subConsent, place: onRead, serve: (*Handler).deleteConsent, once: true},
			{method: http.MethodGet, path: subStatus, place: onRead, serve: (*Handler).getStatus},
			{method: http.MethodPost, path: subAuthorisations, place: family.start, body: bodyOptional, parse: (*Handler).readUpdate, serve: (*Handler).startAuthorisation, once: true},
			{method: http.MethodGet, path: subAuthorisations, place: onRead, serve: (*Handler).listAuthorisations},
			{method: http.MethodGet, path: subAuthorisation, place: onRead, serve: (*Handler).getAuthorisation},
			{method: http.MethodPut, path: subAuthorisation, place: onPut, body: bodyOptional, parse: (*Handler).readPut, serve: (*Handler).updateAuthorisation, once: true},
		} {
			ep.root, ep.path, ep.kind = family.root, family.root+ep.path, family.kind
			all = append(all, ep)
		}
	}
	return all
}
