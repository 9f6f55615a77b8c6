package aspsp

import (
	"net/http"
	"net/url"

	"consentd/internal/edge"
	"consentd/internal/service"
)

const (
	prefix     = "/aspsp/v1"
	pathTPPs   = prefix + "/tpps"
	pathTPP    = pathTPPs + "/:" + paramTPP
	pathBlock  = pathTPP + "/block"
	pathClient = pathTPP + "/client"

	pathAuthorisations = prefix + "/authorisations"
	pathLookups        = pathAuthorisations + "/lookups"
	pathAuthorisation  = pathAuthorisations + "/:" + paramAuthorisation
	pathCallback       = PathCallbacks + "/:" + paramToken

	paramTPP           = "tppId"
	paramAuthorisation = "authorisationId"
	paramToken         = "token"
)

// PathCallbacks is where the bank's backend reports what a flow waits for, with
// the run's own token behind it.
const PathCallbacks = prefix + "/sca-callbacks"

// endpoint is one operation: who may call it, what it takes, and who serves it.
type endpoint struct {
	method, path string
	roles        []service.Role
	body         bodyRule
	query        []string // the parameters that it takes
	counts       bool     // it takes care itself of what it counts
	serve        func(*Handler, *call) (any, error)
}

// bodyRule says whether an operation takes a body.
type bodyRule int

const (
	noBody bodyRule = iota
	aBody
	maybeBody // it may be left out
)

// changes reports whether the operation changes something that has to be carried
// through for it.
func (ep *endpoint) changes() bool { return ep.method != http.MethodGet && !ep.counts }

// endpoints lists every operation. What is served is answered 200, and 204 where
// there is nothing to say.
func endpoints() []endpoint {
	backOffice, pages := []service.Role{service.BackOffice}, []service.Role{service.SCA}
	resources := []service.Role{service.ResourceServer}
	return []endpoint{
		{method: http.MethodPost, path: pathAccessChecks, roles: resources, body: aBody, counts: true, serve: (*Handler).checkAccess},
		{method: http.MethodPost, path: pathAccessBatch, roles: resources, body: aBody, counts: true, serve: (*Handler).checkAccesses},

		{
			method: http.MethodGet, path: pathTPPs, roles: backOffice,
			query: []string{queryBlocked, queryText, queryLimit, queryAfter}, serve: (*Handler).listTPPs,
		},
		{method: http.MethodGet, path: pathTPP, roles: backOffice, serve: (*Handler).getTPP},
		{method: http.MethodPut, path: pathBlock, roles: backOffice, body: aBody, serve: (*Handler).blockTPP},
		{method: http.MethodDelete, path: pathBlock, roles: backOffice, serve: (*Handler).unblockTPP},
		{method: http.MethodPut, path: pathClient, roles: backOffice, body: aBody, serve: (*Handler).setClient},

		{
			method: http.MethodGet, path: pathConsents, roles: consentRoles(),
			query: []string{queryPSU, queryStatus, queryTPP, queryAccount, queryLimit, queryAfter}, serve: (*Handler).listConsents,
		},
		{method: http.MethodGet, path: pathConsent, roles: consentRoles(), serve: (*Handler).getConsent},
		{method: http.MethodPut, path: pathRevocation, roles: consentRoles(), body: aBody, serve: (*Handler).revokeConsent},

		{method: http.MethodPost, path: pathLookups, roles: pages, body: aBody, serve: (*Handler).lookUp},
		{method: http.MethodGet, path: pathAuthorisation, roles: pages, serve: (*Handler).getAuthorisation},
		{method: http.MethodPut, path: pathAuthorisation + "/psu", roles: pages, body: aBody, serve: (*Handler).putPSU},
		{method: http.MethodPut, path: pathAuthorisation + "/status", roles: pages, body: aBody, serve: (*Handler).putStatus},
		{method: http.MethodPut, path: pathAuthorisation + "/accounts", roles: pages, body: aBody, serve: (*Handler).putAccounts},
		{method: http.MethodPut, path: pathAuthorisation + "/result", roles: pages, body: aBody, serve: (*Handler).putResult},
		{method: http.MethodPost, path: pathCallback, roles: []service.Role{service.SCA, service.App}, body: maybeBody, serve: (*Handler).callBack},
	}
}

// matches compares the path of a request with an endpoint's, as it came: an id may
// hold a slash, which is %2F there. id is the one in the path, decoded.
func (ep *endpoint) matches(r *http.Request) (id string, ok bool) {
	ids, ok := edge.MatchPath(ep.path, r.URL.EscapedPath())
	id, err := url.PathUnescape(ids[0])
	return id, ok && err == nil
}
