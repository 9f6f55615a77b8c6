package sandbox_test

import (
	"fmt"
	"html"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/sandbox"
	"consentd/internal/sandbox/faults"
	"consentd/internal/sandbox/inspector"
)

// inspectedCall is a call as the inspector shows it to programs.
type inspectedCall struct {
	ID             int
	At             string
	Method, Target string
	Protocol       string
	Status         int
	DurationMs     float64
	RequestID      string
	Request        struct {
		Headers http.Header
		Body    string
	}
	Response struct {
		Headers http.Header
		Body    string
	}
	Path    []string
	Curl    string
	Checks  int
	Denials []struct {
		Number, Status int
		Code, Reason   string
	}
}

// requests are the last calls, as a query filters them.
func (b *bundle) requests(t *testing.T, query string) []inspectedCall {
	t.Helper()
	got := b.call(t, http.MethodGet, "/sandbox/requests"+query, "")
	require.Equal(t, http.StatusOK, got.status, got.body)
	var list struct{ Requests []inspectedCall }
	got.json(t, &list)
	assert.NotNil(t, list.Requests)
	return list.Requests
}

func TestRequests(t *testing.T) {
	t.Parallel()
	b := setup(t)
	assert.Empty(t, b.requests(t, ""))
	const id = "99391c7e-ad88-49ec-a2ad-99ddcb1f7721"
	b.call(t, http.MethodPost, "/v1/consents?x=1", `{"recurringIndicator":true}`, "X-Request-ID", id, "PSU-ID", "anna")
	b.call(t, http.MethodGet, "/v1/consents/unknown", "")
	b.call(t, http.MethodGet, "/v1/consents/other", "", "Origin", "https://evil.example")
	b.call(t, http.MethodGet, "/sandbox/clock", "")
	b.call(t, http.MethodGet, "/sca/handle", "")

	list := b.requests(t, "")
	require.Len(t, list, 3, "neither the sandbox's own calls nor pages of the PSU")
	created := list[2]
	assert.Equal(t, []int{3, 2, 1}, []int{list[0].ID, list[1].ID, created.ID}, "the newest first")
	assert.Equal(t, "2026-05-04T12:00:00.123456Z", created.At)
	assert.Equal(t, []any{"POST", "/v1/consents?x=1", "HTTP/1.1", http.StatusCreated}, []any{created.Method, created.Target, created.Protocol, created.Status})
	assert.Equal(t, "anna", created.Request.Headers.Get("PSU-ID"))
	assert.JSONEq(t, `{"recurringIndicator":true}`, created.Request.Body)
	assert.Contains(t, created.Response.Body, consentID)
	assert.Contains(t, created.Response.Headers.Get("Content-Type"), "application/json")
	assert.Contains(t, created.Curl, "curl -i -X POST '"+b.url+"/v1/consents?x=1' \\\n")
	assert.Contains(t, created.Curl, "-H 'X-Request-ID: "+id+"'")
	assert.Contains(t, created.Curl, "-H 'PSU-ID: anna'")
	assert.Empty(t, created.Path)
	assert.NotNil(t, created.Path)
	assert.Equal(t, http.StatusTeapot, list[0].Status, "what the guard refused, as it was answered")

	assert.Len(t, b.requests(t, "?limit=1"), 1)
	assert.Len(t, b.requests(t, "?status=4xx"), 2)
	assert.Len(t, b.requests(t, "?status=403"), 1)
	assert.Len(t, b.requests(t, "?path=unknown&status=4xx"), 1)
	assert.Empty(t, b.requests(t, "?status=5xx"))
	for query, path := range map[string]string{"limit=0": "Query.limit", "limit=201": "Query.limit", "limit=x": "Query.limit", "status=bad": "Query.status", "status=9xx": "Query.status", "status=99": "Query.status"} {
		got := b.call(t, http.MethodGet, "/sandbox/requests?"+query, "")
		assert.Equal(t, http.StatusBadRequest, got.status, query)
		assert.Contains(t, got.body, path)
		assert.Equal(t, http.StatusBadRequest, b.page(t, "/sandbox/requests?"+query).status)
	}

	var one inspectedCall
	b.call(t, http.MethodGet, "/sandbox/requests/1", "").json(t, &one)
	assert.Equal(t, created, one)
	assert.Equal(t, http.StatusNotFound, b.call(t, http.MethodGet, "/sandbox/requests/7", "").status)
	assert.Equal(t, http.StatusNotFound, b.call(t, http.MethodGet, "/sandbox/requests/x", "").status)

	require.Equal(t, http.StatusNoContent, b.call(t, http.MethodDelete, "/sandbox/requests", "").status)
	assert.Empty(t, b.requests(t, ""))
	b.call(t, http.MethodGet, "/v1/consents/x", "")
	assert.Equal(t, 4, b.requests(t, "")[0].ID, "numbers are not used again")
}

// TestRequestsByID: each call is found by its X-Request-ID.
func TestRequestsByID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const id = "99391c7e-ad88-49ec-a2ad-99ddcb1f7721"
	b.call(t, http.MethodGet, "/v1/consents/a", "", "X-Request-ID", id)
	b.call(t, http.MethodGet, "/v1/consents/b", "", "X-Request-ID", "2f77a125-aa7a-45c0-b414-cea25a116035")
	list := b.requests(t, "?requestId="+strings.ToUpper(id))
	require.Len(t, list, 1)
	assert.Equal(t, "/v1/consents/a", list[0].Target)
	assert.Empty(t, b.requests(t, "?requestId=none"))
	assert.Equal(t, "/sandbox/requests/1", b.page(t, "/sandbox/requests?requestId="+id).header.Get("Location"), "there is one only")
	b.call(t, http.MethodGet, "/v1/consents/a", "", "X-Request-ID", id)
	got := b.page(t, "/sandbox/requests?requestId="+id)
	assert.Equal(t, http.StatusOK, got.status)
	assert.Equal(t, 2, strings.Count(got.body, "/v1/consents/a</a>"))
	assert.NotContains(t, got.body, "/v1/consents/b")
	assert.Contains(t, got.body, "Only those with the X-Request-ID <code>"+id)
	assert.Contains(t, b.page(t, "/sandbox/requests/1").body, `href="/sandbox/requests?requestId=`+id)
}

// TestDenialsAreSeen: an answer that says deny is a 200, and found by the status that
// it has for the TPP.
func TestDenialsAreSeen(t *testing.T) {
	t.Parallel()
	const (
		denied  = `{"decision":"deny","reason":"4 of 4 used","error":{"status":429,"code":"ACCESS_EXCEEDED","text":"too often"}}`
		allowed = `{"decision":"allow"}`
	)
	answers := map[string]string{
		"/aspsp/v1/access-checks": denied, "/aspsp/v1/access-checks/batch": `{"decisions":[` + denied + `,` + allowed + `,` + strings.Replace(denied, "429", "401", 1) + `]}`,
		"/aspsp/v1/access-checks/": `{"decision":"deny"}`, "/aspsp/v1/consents": denied,
	}
	b := setup(t, func(s *sandbox.Sandbox) {
		s.Owns = func(path string) bool { return strings.HasPrefix(path, "/aspsp/") }
		s.Inspector = &inspector.Inspector{}
	})
	b.answers(answers)
	for _, path := range []string{"/aspsp/v1/access-checks", "/aspsp/v1/access-checks/batch", "/aspsp/v1/consents", "/aspsp/v1/forward-auth/v1/accounts", "/aspsp/v1/forward-auth"} {
		b.call(t, http.MethodPost, path, "{}", "Authorization", "Bearer sandbox-resource-server")
	}
	list := b.requests(t, "?status=429")
	require.Len(t, list, 4)
	for i, want := range []string{"/aspsp/v1/forward-auth", "/aspsp/v1/forward-auth/v1/accounts", "/aspsp/v1/access-checks/batch", "/aspsp/v1/access-checks"} {
		assert.Equal(t, want, list[i].Target)
		require.NotEmpty(t, list[i].Denials)
		assert.Equal(t, []any{429, "ACCESS_EXCEEDED"}, []any{list[i].Denials[0].Status, list[i].Denials[0].Code})
	}
	assert.Equal(t, []int{3, 2}, []int{list[2].Checks, len(list[2].Denials)})
	assert.Equal(t, 3, list[2].Denials[1].Number)
	assert.Len(t, b.requests(t, "?status=401"), 1)
	assert.Len(t, b.requests(t, "?status=4xx"), 4)
	assert.Len(t, b.requests(t, "?status=2xx"), 3)
	assert.Contains(t, list[3].Curl, "Bearer sandbox-resource-server", "it is no secret, and the command works")

	page := b.page(t, "/sandbox/requests").body
	assert.Equal(t, 3, strings.Count(page, `<span class="badge s4">deny 429 ACCESS_EXCEEDED</span>`))
	assert.Equal(t, 1, strings.Count(page, `<span class="badge s4">2 of 3 denied</span>`))
	assert.Contains(t, page, `<span class="why">4 of 4 used</span>`)
	assert.Contains(t, b.page(t, "/sandbox/requests/2").body, "Check 3: 401 ACCESS_EXCEEDED, 4 of 4 used")
}

func TestRequestsAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 205 {
		b.call(t, http.MethodGet, fmt.Sprintf("/v1/consents/%d", i), "")
	}
	list := b.requests(t, "")
	require.Len(t, list, 200)
	assert.Equal(t, 205, list[0].ID)
	assert.Equal(t, 6, list[199].ID)
}

func TestRequestsPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := b.page(t, "/sandbox/requests")
	assert.Contains(t, got.body, "No calls yet")
	assert.Equal(t, "3", got.header.Get("Refresh"))
	b.call(t, http.MethodGet, "/v1/consents/unknown?q=<b>", "")

	got = b.page(t, "/sandbox/requests?status=4xx")
	assert.Contains(t, got.body, `<main data-page="requests">`)
	assert.Contains(t, got.body, `href="/sandbox/requests/1"`)
	assert.Contains(t, got.body, "/v1/consents/unknown?q=&lt;b&gt;")
	assert.Contains(t, got.body, `href="/sandbox/requests?status=4xx" aria-current="true"`)
	assert.Contains(t, got.body, `href="/sandbox/requests?status=4xx&amp;still=1">Pause`)
	assert.NotContains(t, got.body, "<script")
	assert.Contains(t, b.page(t, "/sandbox/requests?status=5xx").body, "None of the last calls")

	paused := b.page(t, "/sandbox/requests?still=1")
	assert.Empty(t, paused.header.Get("Refresh"))
	assert.Contains(t, paused.body, "Go on")

	require.Equal(t, http.StatusSeeOther, b.call(t, http.MethodPost, "/sandbox/requests", "", "Content-Type", "application/x-www-form-urlencoded").status)
	assert.Contains(t, b.page(t, "/sandbox/requests").body, "No calls yet")
}

func TestRequestPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.call(t, http.MethodPut, "/sandbox/faults", `{"match":"POST /v1/consents","status":503}`)
	b.call(t, http.MethodPost, "/v1/consents", `{"psuData":{"password":"sandbox"}}`, "TPP-Redirect-URI", "https://a.example/?x=<i>")
	got := b.page(t, "/sandbox/requests/1")
	require.Equal(t, http.StatusOK, got.status)
	text := html.UnescapeString(got.body)
	assert.Contains(t, text, `<main data-page="request">`)
	assert.Contains(t, got.body, `<li class="decides">fault: injected status 503, by POST /v1/consents <strong class="badge s4">decided it</strong></li>`)
	assert.Contains(t, got.body, "https://a.example/?x=&lt;i&gt;")
	assert.Contains(t, text, `"password": "****"`)
	assert.Contains(t, text, `--data-raw '{"psuData":{"password":"****"}}'`)
	assert.Contains(t, got.body, `<button type="button" data-copy="curl" hidden>`, "only where the script shows it")
	assert.Equal(t, 1, strings.Count(got.body, "<script"))
	assert.Contains(t, got.header.Get("Content-Security-Policy"), "; script-src 'self'")
	assert.NotContains(t, b.page(t, "/sandbox/requests").header.Get("Content-Security-Policy"), "script-src")
	assert.Empty(t, got.header.Get("Refresh"))

	script := b.call(t, http.MethodGet, "/sandbox/copy.js", "")
	assert.Equal(t, http.StatusOK, script.status)
	assert.Equal(t, "text/javascript; charset=utf-8", script.header.Get("Content-Type"))
	assert.Equal(t, "text/css; charset=utf-8", b.call(t, http.MethodGet, "/sandbox/tools.css", "").header.Get("Content-Type"))

	gone := b.page(t, "/sandbox/requests/9")
	assert.Equal(t, http.StatusNotFound, gone.status)
	assert.Contains(t, gone.body, "not kept any more")
}

// TestToolsAreGuarded: no web page from elsewhere sees or sets anything.
func TestToolsAreGuarded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, route := range []string{
		"GET /sandbox/requests", "GET /sandbox/requests/1", "DELETE /sandbox/requests", "POST /sandbox/requests",
		"GET /sandbox/faults", "PUT /sandbox/faults", "POST /sandbox/faults", "DELETE /sandbox/faults", "GET /sandbox/copy.js",
	} {
		method, path, _ := strings.Cut(route, " ")
		assert.Equal(t, http.StatusForbidden, b.call(t, method, path, "", "Host", "evil.example").status, route)
		assert.Equal(t, http.StatusForbidden, b.call(t, method, path, "", "Origin", "https://evil.example").status, route)
	}
}

// TestToolsMayBeGiven: what the program knows of them stays.
func TestToolsMayBeGiven(t *testing.T) {
	t.Parallel()
	given := &faults.Faults{}
	b := setup(t, func(s *sandbox.Sandbox) { s.Faults, s.BasePath = given, "/psd2" })
	assert.Equal(t, "/psd2", given.BasePath)
	assert.True(t, given.Owns("/v1"))
	assert.Empty(t, b.requests(t, ""))
}
