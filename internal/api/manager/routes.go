package manager

import (
	"net/http"

	"consentd/internal/edge"
	"consentd/internal/service"
	"consentd/internal/service/office"
	wire "consentd/pkg/manager"
)

const prefix = wire.BasePath

// The query parameters.
const (
	queryUpdated  = "updatedAt"
	queryType     = "consentType"
	queryStatus   = "status"
	queryPage     = "page"
	queryPageSize = "pageSize"
	queryAfter    = "after"
	queryUser     = "userId"
	queryAccount  = "accountId"
	queryTPP      = "tppId"
	queryFrom     = "createdFrom"
	queryTo       = "createdTo"
	queryConsent  = "consentId"
	queryPSU      = "psu"
)

// endpoint is one operation: who may call it, what it takes, and who serves it.
type endpoint struct {
	method, path string
	roles        []service.Role
	body         bool
	query        []string // the parameters that it takes
	serve        func(*Handler, *call) (said, error)
}

// endpoints lists every operation.
func endpoints() []endpoint {
	readers := []service.Role{service.Hub, service.Dashboard, service.BackOffice}
	bank := []service.Role{service.Hub, service.BackOffice}
	hub, staff := []service.Role{service.Hub}, []service.Role{service.BackOffice}
	listed := []string{queryType, queryStatus, queryPage, queryPageSize, queryAfter}
	found := append([]string{queryUpdated, queryUser, queryAccount, queryTPP, queryFrom, queryTo}, listed...)
	return []endpoint{
		{method: http.MethodPost, path: "/consents", roles: hub, body: true, serve: (*Handler).stage},
		{method: http.MethodGet, path: "/consents", roles: readers, query: found, serve: (*Handler).listConsents},
		{method: http.MethodPost, path: "/consents/action/revoke", roles: staff, body: true, serve: actOnMany(office.Revoke)},
		{method: http.MethodPost, path: "/consents/action/suspend", roles: staff, body: true, serve: actOnMany(office.Suspend)},
		{method: http.MethodPost, path: "/consents/action/resume", roles: staff, body: true, serve: actOnMany(office.Resume)},
		{method: http.MethodGet, path: "/consents/:id", roles: readers, serve: (*Handler).getConsent},
		{method: http.MethodPatch, path: "/consents/:id", roles: bank, body: true, serve: (*Handler).patch},
		{method: http.MethodGet, path: "/consents/:id/audit", roles: readers, serve: (*Handler).audit},
		{method: http.MethodPost, path: "/consents/:id/action/revoke", roles: readers, body: true, serve: (*Handler).revoke},
		{method: http.MethodGet, path: "/consent-groups/:id/consents", roles: readers, query: listed, serve: (*Handler).listGroup},
		{method: http.MethodPost, path: "/consent-groups/:id/consents/action/revoke", roles: readers, body: true, serve: (*Handler).revokeGroup},
		{method: http.MethodGet, path: "/psu/:id/consents", roles: readers, query: listed, serve: (*Handler).listPSU},
		{method: http.MethodGet, path: "/accounts/:id/consents", roles: readers, query: listed, serve: (*Handler).listAccount},

		{method: http.MethodGet, path: "/payment-log", roles: readers, query: []string{queryConsent}, serve: (*Handler).listPayments},
		{method: http.MethodPost, path: "/payment-log", roles: hub, body: true, serve: (*Handler).recordPayment},
		{method: http.MethodPatch, path: "/payment-log/:id", roles: hub, body: true, serve: (*Handler).followPayment},

		{method: http.MethodGet, path: "/users", roles: bank, query: []string{queryPSU}, serve: (*Handler).user},
		{method: http.MethodGet, path: "/approvals", roles: staff, serve: (*Handler).listApprovals},
		{method: http.MethodPost, path: "/approvals/:id/action/:action", roles: staff, serve: (*Handler).decide},
	}
}

// matches compares the path of a request with an endpoint's, segment by segment. The
// ids are as they were sent.
func (ep *endpoint) matches(r *http.Request) (edge.PathIDs, bool) {
	return edge.MatchPath(prefix+ep.path, r.URL.EscapedPath())
}
