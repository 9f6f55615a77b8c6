package aspsp

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"consentd/internal/service"
)

const (
	prefix    = "/aspsp/v1"
	pathTPPs  = prefix + "/tpps"
	pathTPP   = pathTPPs + "/:tppId"
	pathBlock = pathTPP + "/block"

	paramTPP = ":tppId"
)

// endpoint is one operation: who may call it, what it takes, and who serves it.
type endpoint struct {
	method, path string
	roles        []service.Role
	body         bool     // it takes one
	query        []string // the parameters that it takes
	serve        func(*Handler, *call) (any, error)
}

// changes reports whether the operation changes something.
func (ep *endpoint) changes() bool { return ep.method != http.MethodGet }

// endpoints lists every operation. What is served is answered 200.
func endpoints() []endpoint {
	backOffice := []service.Role{service.BackOffice}
	return []endpoint{
		{
			method: http.MethodGet, path: pathTPPs, roles: backOffice,
			query: []string{queryBlocked, queryText, queryLimit, queryAfter}, serve: (*Handler).listTPPs,
		},
		{method: http.MethodGet, path: pathTPP, roles: backOffice, serve: (*Handler).getTPP},
		{method: http.MethodPut, path: pathBlock, roles: backOffice, body: true, serve: (*Handler).blockTPP},
		{method: http.MethodDelete, path: pathBlock, roles: backOffice, serve: (*Handler).unblockTPP},
	}
}

// matches compares the path of a request with an endpoint's, segment by segment,
// and returns what stands for the parameter. It reads the path as it came: an id
// may hold a slash, which is %2F there, and Echo's parameters swallow slashes.
func (ep *endpoint) matches(r *http.Request) (id string, ok bool) {
	got, want := strings.Split(r.URL.EscapedPath(), "/"), strings.Split(ep.path, "/")
	if len(got) != len(want) {
		return "", false
	}
	for i, segment := range want {
		if segment != paramTPP && segment != got[i] {
			return "", false
		}
	}
	at := slices.Index(want, paramTPP)
	if at < 0 {
		return "", true
	}
	id, err := url.PathUnescape(got[at])
	return id, err == nil && id != ""
}
