package aspsp_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"consentd/internal/consent"
	"consentd/internal/service/register"
)

func TestGet(t *testing.T) {
	t.Parallel()
	w := setup(t)
	a := w.send(t, http.MethodGet, "/aspsp/v1/tpps/"+acme, "", nil)
	assert.Equal(t, http.StatusOK, a.status)
	assert.Equal(t, requestID, a.header.Get("X-Request-ID"))
	assert.Equal(t, "no-store", a.header.Get("Cache-Control"))
	assert.Equal(t, "application/json", a.header.Get("Content-Type"))
	assert.JSONEq(t, `{
		"id": "DE-BAFIN:PSDDE-BAFIN-125314", "name": "TPP DE-BAFIN:PSDDE-BAFIN-125314", "organisationId": "PSDDE-BAFIN-125314",
		"nca": {"id": "DE-BAFIN", "name": "NCA DE-BAFIN"}, "roles": ["PSP_AI"],
		"certificate": {"fingerprint": "`+strings.Repeat("0a", 32)+`", "firstShownAt": "2026-03-01T11:59:00Z"},
		"firstSeenAt": "2026-03-01T11:00:00Z"
	}`, a.body)
}

// An id may hold anything; it travels percent-encoded, in more than one way.
func TestIDsInThePath(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, path := range []string{url.PathEscape(slashed), "FR-ACPR%3APSDFR-ACPR-12%2f34%255%20%C3%A9"} {
		a := w.send(t, http.MethodGet, "/aspsp/v1/tpps/"+path, "", nil)
		assert.Equal(t, http.StatusOK, a.status, path)
		assert.Contains(t, a.body, `"id":"`+slashed+`"`)
		a = w.send(t, http.MethodPut, "/aspsp/v1/tpps/"+path+"/block", `{"reason":"r"}`, nil)
		assert.Equal(t, http.StatusOK, a.status, path)
	}
	for _, path := range []string{"DE-BAFIN:none", "%00", "a%0Ab", "%FF", "%20", url.PathEscape(strings.Repeat("ü", 301)), "%E2%80%AE"} {
		for _, call := range []struct{ method, path, body string }{
			{http.MethodGet, "", ""}, {http.MethodDelete, "/block", ""},
		} {
			a := w.send(t, call.method, "/aspsp/v1/tpps/"+path+call.path, call.body, nil)
			assert.Equal(t, http.StatusNotFound, a.status, path)
			assert.Equal(t, "not_found", a.code(t), path)
		}
	}
	a := w.send(t, http.MethodPut, "/aspsp/v1/tpps/a%0Ab/block", `{"reason":"r"}`, nil)
	assert.Equal(t, http.StatusNotFound, a.status)
	assert.Len(t, w.register.blocks, 2)
}

func TestList(t *testing.T) {
	t.Parallel()
	w := setup(t)
	a := w.send(t, http.MethodGet, "/aspsp/v1/tpps", "", nil)
	assert.Equal(t, http.StatusOK, a.status)
	assert.Equal(t, 3, strings.Count(a.body, `"organisationId"`))
	assert.NotContains(t, a.body, `"next"`)
	assert.Equal(t, register.Filter{Limit: 51}, w.register.filters[0], "one more than is shown")

	first := w.send(t, http.MethodGet, "/aspsp/v1/tpps?limit=2", "", nil)
	assert.Contains(t, first.body, `"next":"`+slashed+`"`)
	assert.Equal(t, 2, strings.Count(first.body, `"organisationId"`))
	second := w.send(t, http.MethodGet, "/aspsp/v1/tpps?limit=2&after="+url.QueryEscape(slashed), "", nil)
	assert.Contains(t, second.body, `"id":"LT-BL:PSDLT-BL-7"`)
	assert.Equal(t, 1, strings.Count(second.body, `"organisationId"`))
	assert.NotContains(t, second.body, `"next"`)

	w.send(t, http.MethodGet, "/aspsp/v1/tpps?blocked=true&text=Acm%C3%A9&limit=200&after=x", "", nil)
	yes, no := true, false
	assert.Equal(t, register.Filter{Blocked: &yes, Text: "Acmé", After: "x", Limit: 201}, w.register.filters[3])
	none := w.send(t, http.MethodGet, "/aspsp/v1/tpps?blocked=true", "", nil)
	assert.JSONEq(t, `{"tpps":[]}`, none.body)
	w.send(t, http.MethodGet, "/aspsp/v1/tpps?blocked=false", "", nil)
	assert.Equal(t, &no, w.register.filters[5].Blocked)
}

func TestQueriesThatAreWrong(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for query, want := range map[string]string{
		"limit=0":                           "Query.limit: must be a number from 1 to 200",
		"limit=201":                         "Query.limit: must be a number from 1 to 200",
		"limit=":                            "Query.limit: must be a number from 1 to 200",
		"limit=1e2":                         "Query.limit: must be a number from 1 to 200",
		"limit=99999999999999999999":        "Query.limit: must be a number from 1 to 200",
		"limit=1&limit=2":                   "Query.limit: must be there once",
		"blocked=1":                         "Query.blocked: must be true or false",
		"blocked":                           "Query.blocked: must be true or false",
		"Blocked=true":                      "Query.Blocked: is not known here",
		"block=true":                        "Query.block: is not known here",
		"%3Cscript%3E=1":                    "Query.?: is not known here",
		"text=%00":                          "Query.text: must not hold control characters",
		"text=%FF":                          "Query.text: must not hold control characters",
		"text=%20":                          "Query.text: must not be empty",
		"text=" + strings.Repeat("a", 101):  "Query.text: must not be longer than 100 characters",
		"after=" + strings.Repeat("a", 301): "Query.after: must not be longer than 300 characters",
		"a=%zz":                             "Query: must be a query string",
		"a=1;b=2":                           "Query: must be a query string",
	} {
		a := w.send(t, http.MethodGet, "/aspsp/v1/tpps?"+query, "", nil)
		assert.Equal(t, http.StatusBadRequest, a.status, query)
		assert.Equal(t, []string{want}, a.places(t), query)
	}
	assert.Empty(t, w.register.filters)

	a := w.send(t, http.MethodGet, "/aspsp/v1/tpps?limit=0&blocked=x&y=1", "", with{"X-Request-ID": "x"})
	assert.Equal(t, []string{
		"Header.X-Request-ID: must be a UUID", "Query.y: is not known here",
		"Query.blocked: must be true or false", "Query.limit: must be a number from 1 to 200",
	}, a.places(t), "all of them together")

	for _, call := range []struct{ method, path string }{
		{http.MethodGet, ""}, {http.MethodDelete, "/block"}, {http.MethodPut, "/block"},
	} {
		a := w.send(t, call.method, "/aspsp/v1/tpps/"+acme+call.path+"?limit=1", `{"reason":"r"}`, nil)
		assert.Equal(t, []string{"Query.limit: is not known here"}, a.places(t), call.method)
	}
	assert.Empty(t, w.register.causes)
}

func TestBlock(t *testing.T) {
	t.Parallel()
	w := setup(t)
	a := w.send(t, http.MethodPut, "/aspsp/v1/tpps/"+acme+"/block", `{"reason":"floods us ☔","until":"2026-03-02T01:00:00.1234567+02:00","endConsents":true}`, nil)
	assert.Equal(t, http.StatusOK, a.status, a.body)
	assert.Contains(t, a.body, `"id":"`+acme+`"`)
	assert.Contains(t, a.body, `"block":{"at":"2026-03-01T12:00:00Z","until":"2026-03-01T23:00:00.123456Z","by":"token/1","reason":"floods us ☔","endsConsents":true}`)
	assert.Contains(t, a.body, `"endedConsents":3`)
	assert.Equal(t, register.Block{Reason: "floods us ☔", Until: time.Date(2026, time.March, 1, 23, 0, 0, 123456000, time.UTC), EndsConsents: true}, w.register.blocks[0])
	assert.Equal(t, consent.Cause{By: consent.ByASPSP, Who: "token/1", RequestID: requestID}, w.register.causes[0])

	// The least; a TPP that never called; an id of ours for the call.
	a = w.send(t, http.MethodPut, "/aspsp/v1/tpps/XX-NCA:NEW/block", `{"reason":"r"}`, with{"X-Request-ID": "-", "Content-Type": "application/json; charset=UTF-8"})
	assert.Equal(t, http.StatusOK, a.status, a.body)
	assert.JSONEq(t, `{
		"id": "XX-NCA:NEW", "name": "", "organisationId": "", "nca": {"id": "", "name": ""}, "roles": [],
		"block": {"at": "2026-03-01T12:00:00Z", "by": "token/1", "reason": "r", "endsConsents": false}, "endedConsents": 3
	}`, a.body)
	assert.Equal(t, register.Block{Reason: "r"}, w.register.blocks[1])
	assert.Equal(t, a.header.Get("X-Request-ID"), w.register.causes[1].RequestID)
	assert.NotEmpty(t, w.register.causes[1].RequestID)

	for range 2 {
		a = w.send(t, http.MethodDelete, "/aspsp/v1/tpps/"+acme+"/block", "", nil)
		assert.Equal(t, http.StatusOK, a.status)
		assert.NotContains(t, a.body, `"block"`)
	}
	assert.Equal(t, "token/1", w.register.causes[3].Who)
}

// Four eyes are not walked around by a block: it shuts out, and ends nothing.
func TestBlockUnderFourEyes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.handler.FourEyes = true
	path := "/aspsp/v1/tpps/" + acme + "/block"
	a := w.send(t, http.MethodPut, path, `{"reason":"r","endConsents":true}`, nil)
	assert.Equal(t, http.StatusBadRequest, a.status)
	assert.Equal(t, "service_invalid", a.code(t))
	assert.Equal(t, []string{"endConsents: cannot be true: another person has to confirm the end of consents; block alone, then propose to end them"}, a.places(t))
	assert.Empty(t, w.register.blocks)
	for _, body := range []string{`{"reason":"r","endConsents":false}`, `{"reason":"r"}`} {
		assert.Equal(t, http.StatusOK, w.send(t, http.MethodPut, path, body, nil).status, body)
	}
	w.handler.FourEyes = false
	assert.Equal(t, http.StatusOK, w.send(t, http.MethodPut, path, `{"reason":"r","endConsents":true}`, nil).status)
	assert.Len(t, w.register.blocks, 3)
}

func TestBodiesThatAreWrong(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const untilForm = "until: must be a time with its zone, like 2026-12-31T23:59:59Z"
	for body, want := range map[string]string{
		`{}`:                    "reason: is required",
		`{"reason":null}`:       "reason: must be a string",
		`{"reason":1}`:          "reason: must be a string",
		`{"reason":""}`:         "reason: must not be empty",
		`{"reason":" \u00a0"}`:  "reason: must not be empty",
		`{"reason":"a\u0000b"}`: "reason: must not hold control characters",
		`{"reason":"a\nb"}`:     "reason: must not hold control characters",
		`{"reason":"a\u202eb"}`: "reason: must not hold control characters",
		`{"reason":"a\ud800b"}`: "reason: must not hold control characters",
		`{"reason":"` + strings.Repeat("ü", 201) + `"}`:         "reason: must not be longer than 200 characters",
		`{"reason":"r","until":null}`:                           untilForm,
		`{"reason":"r","until":""}`:                             untilForm,
		`{"reason":"r","until":1780000000}`:                     untilForm,
		`{"reason":"r","until":"2026-04-01"}`:                   untilForm,
		`{"reason":"r","until":"2026-04-01T00:00:00"}`:          untilForm,
		`{"reason":"r","until":"2026-04-01 00:00:00Z"}`:         untilForm,
		`{"reason":"r","until":"2026-04-01T1:00:00Z"}`:          untilForm,
		`{"reason":"r","until":"2026-02-30T00:00:00Z"}`:         untilForm,
		`{"reason":"r","until":"2026-04-01T00:00:00+24:00"}`:    untilForm,
		`{"reason":"r","until":"2026-04-01T00:00:00,5Z"}`:       untilForm,
		`{"reason":"r","until":"2026-03-01T12:00:00Z"}`:         "until: must be in the future",
		`{"reason":"r","until":"2026-03-01T12:00:00.0000009Z"}`: "until: must be in the future",
		`{"reason":"r","until":"2026-03-01T13:30:00+02:00"}`:    "until: must be in the future",
		`{"reason":"r","until":"9999-12-31T23:59:59-01:00"}`:    "until: must be within the years 1 to 9999",
		`{"reason":"r","endConsents":null}`:                     "endConsents: must be true or false",
		`{"reason":"r","endConsents":"true"}`:                   "endConsents: must be true or false",
		`{"reason":"r","endConsents":1}`:                        "endConsents: must be true or false",
		`{"reason":"r","endsConsents":true}`:                    "endsConsents: is not known here",
		`{"reason":"r","Until":"2026-04-01T00:00:00Z"}`:         "Until: is not known here",
		`{"reason":"r","<b>":1}`:                                "?: is not known here",
		`{"reason":"r","reason":"s"}`:                           "reason: must not be there twice",
		`{"reason":"r"} x`:                                      "body: must be one JSON object; it breaks at byte 16",
		`{"reason":"r"}{"reason":"r"}`:                          "body: must be one JSON object; it breaks at byte 15",
		`{"reason":"r",}`:                                       "body: must be one JSON object; it breaks at byte 15",
		`{"reason"`:                                             "body: must be one JSON object; it breaks at byte 9",
		`{"reason":"r"`:                                         "body: must be one JSON object; it breaks at byte 13",
		`[]`:                                                    "body: must be a JSON object",
		`null`:                                                  "body: must be a JSON object",
		`"r"`:                                                   "body: must be a JSON object",
		` `:                                                     "body: must be one JSON object; it breaks at byte 1",
		"{\"reason\":\"\xff\"}":                                 "body: must be UTF-8",
	} {
		a := w.send(t, http.MethodPut, "/aspsp/v1/tpps/"+acme+"/block", body, nil)
		assert.Equal(t, http.StatusBadRequest, a.status, body)
		assert.Equal(t, "format", a.code(t), body)
		assert.Equal(t, []string{want}, a.places(t), body)
	}
	assert.Empty(t, w.register.blocks)

	a := w.send(t, http.MethodPut, "/aspsp/v1/tpps/"+acme+"/block", `{"x":1,"until":"2020-01-01T00:00:00Z","endConsents":0}`, with{"X-Request-ID": "x"})
	assert.Equal(t, []string{
		"Header.X-Request-ID: must be a UUID", "x: is not known here", "reason: is required",
		"until: must be in the future", "endConsents: must be true or false",
	}, a.places(t), "all of them together")
	assert.Contains(t, a.body, `"detail":"Header.X-Request-ID must be a UUID"`)
}

func TestMediaTypeAndSize(t *testing.T) {
	t.Parallel()
	w := setup(t)
	path := "/aspsp/v1/tpps/" + acme + "/block"
	for _, kind := range []string{"-", "text/plain", "application/xml", "application/json; charset=latin1", "application/json, application/json", "application/problem+json"} {
		a := w.send(t, http.MethodPut, path, `{"reason":"r"}`, with{"Content-Type": kind})
		assert.Equal(t, http.StatusUnsupportedMediaType, a.status, kind)
		assert.Equal(t, "application/json", a.header.Get("Accept"))
		assert.Equal(t, "media_type", a.code(t))
	}
	fits := `{"reason":"r"}` + strings.Repeat(" ", 64<<10-14)
	assert.Equal(t, http.StatusOK, w.send(t, http.MethodPut, path, fits, nil).status)
	a := w.send(t, http.MethodPut, path, fits+" ", nil)
	assert.Equal(t, http.StatusRequestEntityTooLarge, a.status)
	assert.Equal(t, "too_large", a.code(t))

	// What takes no body does not read one.
	assert.Equal(t, http.StatusOK, w.send(t, http.MethodDelete, path, fits+"x", with{"Content-Type": "text/plain"}).status)
	assert.Equal(t, http.StatusOK, w.send(t, http.MethodGet, "/aspsp/v1/tpps", "", with{"Accept": "text/html"}).status, "Accept is not judged")
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, good := range []string{requestID, strings.ToUpper(requestID), strings.ReplaceAll(requestID, "-", "")} {
		a := w.send(t, http.MethodGet, "/aspsp/v1/tpps", "", with{"X-Request-ID": good})
		assert.Equal(t, http.StatusOK, a.status)
		assert.Equal(t, good, a.header.Get("X-Request-ID"))
	}
	for _, bad := range []string{"x", requestID + "0", "{" + requestID + "}", "urn:uuid:" + requestID} {
		a := w.send(t, http.MethodGet, "/aspsp/v1/tpps/"+acme, "", with{"X-Request-ID": bad})
		assert.Equal(t, http.StatusBadRequest, a.status)
		assert.Equal(t, []string{"Header.X-Request-ID: must be a UUID"}, a.places(t))
		assert.NotEqual(t, bad, a.header.Get("X-Request-ID"))
		a = w.send(t, http.MethodDelete, "/aspsp/v1/tpps/"+acme+"/block", "", with{"X-Request-ID": bad})
		assert.Equal(t, http.StatusBadRequest, a.status)
	}
	assert.Empty(t, w.register.causes)
}

func TestStrangersLearnNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, path := range []string{"/aspsp/v1", "/aspsp/v1/", "/aspsp/v1/none", "/aspsp/v1/tpps", "/aspsp/v1/tpps/" + acme} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodOptions} {
			a := w.send(t, method, path, "", with{"Authorization": "-"})
			assert.Equal(t, http.StatusUnauthorized, a.status, "%s %s", method, path)
			assert.Equal(t, "Bearer", a.header.Get("WWW-Authenticate"))
			assert.Equal(t, "unauthenticated", a.code(t))
			assert.Equal(t, "no-store", a.header.Get("Cache-Control"))
			assert.Equal(t, requestID, a.header.Get("X-Request-ID"))
		}
	}
	a := w.send(t, http.MethodGet, "/aspsp/v1/tpps", "", with{"Authorization": "Bearer none"})
	assert.Equal(t, http.StatusUnauthorized, a.status)
	assert.Equal(t, `Bearer error="invalid_token"`, a.header.Get("WWW-Authenticate"))
	assert.Equal(t, []string{"Header.Authorization: the bearer token is unknown, past its end or revoked"}, a.places(t))
	a = w.send(t, http.MethodGet, "/aspsp/v1/tpps?x=1", "", with{"Authorization": "Bearer board"})
	assert.Equal(t, http.StatusForbidden, a.status, "the role comes before the query")
	assert.Equal(t, "role", a.code(t))
}

func TestPathsAndMethods(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, path := range []string{
		"/aspsp/v1", "/aspsp/v1/", "/aspsp/v1/none", "/aspsp/v1/tpps/", "/aspsp/v1/tpps//block", "/aspsp/v1/tpps/a/b", "/aspsp/v1/tpps/a/block/", "/aspsp/v1/TPPS",
	} {
		a := w.send(t, http.MethodGet, path, "", nil)
		assert.Equal(t, http.StatusNotFound, a.status, path)
		assert.Equal(t, "path_unknown", a.code(t), path)
	}
	for path, allow := range map[string]string{
		"/aspsp/v1/tpps": "GET", "/aspsp/v1/tpps/" + acme: "GET", "/aspsp/v1/tpps/" + acme + "/block": "PUT, DELETE",
		"/aspsp/v1/tpps/block": "GET", // an id like any other
	} {
		for _, method := range []string{http.MethodPost, http.MethodPatch, http.MethodOptions} {
			a := w.send(t, method, path, "", with{"Authorization": "Bearer board"})
			assert.Equal(t, http.StatusMethodNotAllowed, a.status, "%s %s", method, path)
			assert.Equal(t, allow, a.header.Get("Allow"), path)
		}
	}
}

func TestOurOwnFaults(t *testing.T) {
	t.Parallel()
	w := setup(t)
	get := func() answer { return w.send(t, http.MethodGet, "/aspsp/v1/tpps/"+acme, "", nil) }

	w.register.fails = errors.New("secret of the database")
	a := get()
	assert.Equal(t, http.StatusInternalServerError, a.status)
	assert.Equal(t, "internal", a.code(t))
	assert.NotContains(t, a.body, "secret")
	assert.Contains(t, w.log.String(), "secret of the database")
	assert.Contains(t, w.log.String(), requestID)

	w.register.fails = consent.E(consent.CodeUnavailable, "later")
	a = get()
	assert.Equal(t, http.StatusServiceUnavailable, a.status)
	assert.Equal(t, "1", a.header.Get("Retry-After"))
	assert.Equal(t, "unavailable", a.code(t))

	w.register.fails, w.register.panics = nil, true
	a = get()
	assert.Equal(t, http.StatusInternalServerError, a.status)
	assert.Equal(t, "internal", a.code(t))
	assert.Contains(t, w.log.String(), "panic=string")
	assert.NotContains(t, w.log.String(), `panic("secret")`)
}

// What middleware refuses, Echo's and the sandbox's, is answered in the same form.
func TestErrorsOfTheRouter(t *testing.T) {
	t.Parallel()
	w := setup(t)
	a := w.send(t, http.MethodPut, "/aspsp/v1/tpps/"+acme+"/block", `{"reason":"r"}`, with{"X-Test-Fail": strconv.Itoa(http.StatusRequestEntityTooLarge)})
	assert.Equal(t, http.StatusRequestEntityTooLarge, a.status)
	assert.Equal(t, "too_large", a.code(t))
	assert.Equal(t, requestID, a.header.Get("X-Request-ID"))
	a = w.send(t, http.MethodGet, "/aspsp/v1/tpps", "", with{"X-Test-Fail": "guard"})
	assert.Equal(t, http.StatusForbidden, a.status)
	assert.Equal(t, "blocked", a.code(t))
}

// Hanging up does not stop a block half-way.
func TestBlockIsCarriedToItsEnd(t *testing.T) {
	t.Parallel()
	w := setup(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	req := httptest.NewRequestWithContext(gone, http.MethodPut, "/aspsp/v1/tpps/"+acme+"/block", strings.NewReader(`{"reason":"r"}`))
	req.Header.Set("Authorization", "Bearer desk")
	req.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	w.echo.ServeHTTP(rec, req)
	assert.Equal(t, http.StatusOK, rec.Code)
	assert.Len(t, w.register.blocks, 1)
	assert.NoError(t, w.register.ended)
}
