package sandbox_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/sandbox"
	"consentd/internal/sandbox/faults"
)

// spoil sets a fault.
func (b *bundle) spoil(t *testing.T, fault string) {
	t.Helper()
	got := b.call(t, http.MethodPut, "/sandbox/faults", fault)
	require.Equal(t, http.StatusOK, got.status, got.body)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	b := setup(t)
	empty := `{"faults":[]}`
	assert.JSONEq(t, empty, b.call(t, http.MethodGet, "/sandbox/faults", "").body)
	b.spoil(t, `{"match":"POST /v1/consents","status":503}`)
	b.spoil(t, `{"match":"GET /v1/consents/*","status":500,"delay":"1ms","rate":0.5,"times":3}`)
	b.spoil(t, `{"match":"POST /v1/consents","status":502}`)

	got := b.call(t, http.MethodPost, "/v1/consents", "{}", "X-Request-ID", "99391c7e-ad88-49ec-a2ad-99ddcb1f7721")
	assert.Equal(t, http.StatusBadGateway, got.status, "the later one replaced the former")
	assert.Equal(t, "true", got.header.Get("X-Sandbox-Fault"))
	assert.Equal(t, "99391c7e-ad88-49ec-a2ad-99ddcb1f7721", got.header.Get("X-Request-ID"))
	assert.Contains(t, got.body, "injected by the sandbox")
	assert.Equal(t, []string{"fault: injected status 502, by POST /v1/consents"}, b.requests(t, "")[0].Path)

	var statuses []int
	for range 8 {
		statuses = append(statuses, b.call(t, http.MethodGet, "/v1/consents/x", "").status)
	}
	assert.Equal(t, []int{200, 500, 200, 500, 200, 500, 200, 200}, statuses, "every second one, three times")
	assert.JSONEq(t, `{"faults":[{"match":"POST /v1/consents","status":502,"rate":1,"matched":1,"injected":1}]}`, b.call(t, http.MethodGet, "/sandbox/faults", "").body)

	b.spoil(t, `{"match":"* /v1/**","delay":"1ms"}`)
	late := b.call(t, http.MethodGet, "/v1/consents/x", "")
	assert.Equal(t, http.StatusOK, late.status, "delayed only")
	assert.Equal(t, "true", late.header.Get("X-Sandbox-Fault"))

	one := url.Values{"match": {"POST /v1/consents"}}.Encode()
	assert.Equal(t, http.StatusOK, b.call(t, http.MethodDelete, "/sandbox/faults?"+one, "").status)
	assert.Equal(t, http.StatusNotFound, b.call(t, http.MethodDelete, "/sandbox/faults?"+one, "").status)
	assert.Equal(t, http.StatusBadRequest, b.call(t, http.MethodDelete, "/sandbox/faults?match=x", "").status)
	assert.JSONEq(t, empty, b.call(t, http.MethodDelete, "/sandbox/faults", "").body)
	assert.Empty(t, b.call(t, http.MethodGet, "/v1/consents/x", "").header.Get("X-Sandbox-Fault"))
}

func TestFaultsAct(t *testing.T) {
	t.Parallel()
	for match, acts := range map[string]map[string]bool{
		"POST /v1/consents":         {"POST /v1/consents": true, "GET /v1/consents/x": false},
		"* /v1/consents":            {"POST /v1/consents": true, "GET /v1/consents/x": false},
		"GET /v1/consents/*":        {"GET /v1/consents/x": true, "GET /v1/consents/x/status": false, "POST /v1/consents": false},
		"* /v1/*/x/**":              {"GET /v1/consents/x": true, "GET /v1/consents/x/status": true, "POST /v1/consents": false},
		"* /**":                     {"GET /v1/consents/x": true, "GET /sca/handle": false, "GET /sandbox/clock": false, "GET /healthz": false, "GET /": false},
		"* /*/**":                   {"POST /v1/consents": true, "GET /sca/handle": false, "GET /sandbox/clock": false},
		"GET /sca/**":               {"GET /sca/handle": true, "POST /sca/handle": false, "GET /v1/consents/x": false},
		"* /v2/consents/**":         {"GET /v1/consents/x": false, "GET /v2/consents/confirmation-of-funds/x": false}, // not owned here
		"GET /healthz":              {"GET /healthz": false},
		"GET /v1/consents/x/status": {"GET /v1/consents/x/status": true, "GET /v1/consents/x": false},
	} {
		t.Run(match, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.spoil(t, `{"match":"`+match+`","status":599}`)
			for call, want := range acts {
				method, path, _ := strings.Cut(call, " ")
				got := b.call(t, method, path, "{}")
				assert.Equal(t, want, got.status == 599, "%s: %d", call, got.status)
				assert.Equal(t, want, got.header.Get("X-Sandbox-Fault") == "true", call)
			}
		})
	}
}

// TestFaultsBelowABasePath: patterns may leave it out.
func TestFaultsBelowABasePath(t *testing.T) {
	t.Parallel()
	for _, match := range []string{"GET /v1/x", "GET /psd2/v1/x"} {
		b := setup(t, func(s *sandbox.Sandbox) {
			s.BasePath, s.Owns = "/psd2", func(path string) bool { return strings.HasPrefix(path, "/psd2/") }
		})
		b.spoil(t, `{"match":"`+match+`","status":503}`)
		assert.Equal(t, http.StatusServiceUnavailable, b.call(t, http.MethodGet, "/psd2/v1/x", "").status)
	}
}

func TestFaultsRefuse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for body, path := range map[string]string{
		`{"status":503}`:                                    "match",
		`{"match":"/v1/consents","status":503}`:             "match",
		`{"match":"POST v1/consents","status":503}`:         "match",
		`{"match":"POST /v1/**/x","status":503}`:            "match",
		`{"match":"POST /v1/a*","status":503}`:              "match",
		`{"match":"POST ","status":503}`:                    "match",
		`{"match":"post /v1","status":503}`:                 "match",
		`{"match":"GET /v1?x=1","status":503}`:              "match",
		`{"match":"GET /sandbox/faults","status":503}`:      "match",
		`{"match":"* /sandbox/**","status":503}`:            "match",
		`{"match":7,"status":503}`:                          "match",
		`{"match":"* /v1"}`:                                 "status",
		`{"match":"* /v1","status":399}`:                    "status",
		`{"match":"* /v1","status":600}`:                    "status",
		`{"match":"* /v1","status":"503"}`:                  "status",
		`{"match":"* /v1","delay":"61s"}`:                   "delay",
		`{"match":"* /v1","delay":"-1s"}`:                   "delay",
		`{"match":"* /v1","delay":"2"}`:                     "delay",
		`{"match":"* /v1","delay":2}`:                       "delay",
		`{"match":"* /v1","status":503,"rate":1.1}`:         "rate",
		`{"match":"* /v1","status":503,"rate":-0.1}`:        "rate",
		`{"match":"* /v1","status":503,"times":0}`:          "times",
		`{"match":"* /v1","status":503,"colour":1}`:         "colour",
		`{"match":"* /v1","status":503}{}`:                  "",
		`{"match":"* /` + strings.Repeat("a", 500) + `"}`:   "match",
		`{"match":"POST /v1/x'; DROP <b>x</b>","status":5}`: "match",
	} {
		got := b.call(t, http.MethodPut, "/sandbox/faults", body)
		assert.Equal(t, http.StatusBadRequest, got.status, body)
		var fault struct{ Error, Path string }
		got.json(t, &fault)
		assert.Equal(t, path, fault.Path, body)
		assert.NotEmpty(t, fault.Error)
	}
	assert.JSONEq(t, `{"faults":[]}`, b.call(t, http.MethodGet, "/sandbox/faults", "").body)
}

// dialect has words for a quota that is used up, or for nothing.
type dialect struct {
	below string
	mute  bool
}

func (d dialect) Owns(path string) bool { return strings.HasPrefix(path, d.below) }

func (d dialect) RefusalOf(err error, accept []string) *edge.Refusal {
	switch {
	case d.mute:
		return nil
	case consent.CodeOf(err) != consent.CodeTooOften:
		return &edge.Refusal{Status: http.StatusTeapot}
	}
	return &edge.Refusal{
		Status: http.StatusTooManyRequests, Body: []byte("ACCESS_EXCEEDED " + strings.Join(accept, "")),
		Header: http.Header{"Content-Type": {"application/problem+json"}, "X-Request-Id": {"another"}},
	}
}

// TestFaultsInTheDialect: where the dialect has words for a status, they are said.
func TestFaultsInTheDialect(t *testing.T) {
	t.Parallel()
	b := setup(t, func(s *sandbox.Sandbox) {
		s.Faults = &faults.Faults{
			Dialects: []faults.Dialect{dialect{below: "/v1/"}},
		}
	})
	b.spoil(t, `{"match":"GET /v1/consents/*","status":429}`)
	got := b.call(t, http.MethodGet, "/v1/consents/x", "", "Accept", "text/x", "X-Request-ID", "99391c7e-ad88-49ec-a2ad-99ddcb1f7721")
	assert.Equal(t, []any{429, "ACCESS_EXCEEDED text/x", "application/problem+json"}, []any{got.status, got.body, got.header.Get("Content-Type")})
	assert.Equal(t, "99391c7e-ad88-49ec-a2ad-99ddcb1f7721", got.header.Get("X-Request-ID"))
	assert.Equal(t, "true", got.header.Get("X-Sandbox-Fault"))

	b.spoil(t, `{"match":"GET /v1/consents/*","status":503}`)
	got = b.call(t, http.MethodGet, "/v1/consents/x", "")
	assert.Equal(t, http.StatusServiceUnavailable, got.status, "a refusal of another status is none")
	assert.Contains(t, got.body, "injected by the sandbox")
	b.spoil(t, `{"match":"GET /v1/consents/*","status":418}`)
	assert.Contains(t, b.call(t, http.MethodGet, "/v1/consents/x", "").body, "injected by the sandbox", "a status that the dialect does not have")
}

// TestDelays end with the client, and with the program.
func TestDelays(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	b := setup(t, func(s *sandbox.Sandbox) { s.Faults = &faults.Faults{Stop: stop} })
	b.spoil(t, `{"match":"GET /v1/consents/*","delay":"60s"}`)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+"/v1/consents/gone", nil)
	require.NoError(t, err)
	_, err = b.client.Do(req) //nolint:bodyclose // there is none
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Eventually(t, func() bool { return len(b.requests(t, "?path=gone")) == 1 }, 10*time.Second, 10*time.Millisecond)
	assert.Equal(t, []string{"fault: injected a delay of 1m0s, by GET /v1/consents/*", "fault: the client went away meanwhile"}, b.requests(t, "?path=gone")[0].Path)

	require.NoError(t, b.clock.Advance(24*time.Hour))
	close(stop)
	assert.Equal(t, http.StatusOK, b.call(t, http.MethodGet, "/v1/consents/x", "").status)
}

// TestDelayIsReal: an injected delay passes before the answer.
func TestDelayIsReal(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.spoil(t, `{"match":"* /v1/**","status":503,"delay":"60ms"}`)
	begin := time.Now()
	assert.Equal(t, http.StatusServiceUnavailable, b.call(t, http.MethodGet, "/v1/consents/x", "").status)
	assert.GreaterOrEqual(t, time.Since(begin), 60*time.Millisecond)
}

func TestFaultsPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	send := func(form url.Values) answer {
		return b.call(t, http.MethodPost, "/sandbox/faults", form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html")
	}
	got := b.page(t, "/sandbox/faults")
	assert.Contains(t, got.body, `<main data-page="faults">`)
	assert.Contains(t, got.body, "None: every call is answered as it deserves.")
	assert.NotContains(t, got.body, "<script")

	require.Equal(t, http.StatusSeeOther, send(url.Values{"do": {"add"}, "match": {" POST /v1/consents "}, "status": {"503"}, "delay": {"2s"}, "rate": {"0.25"}, "times": {"4"}}).status)
	require.Equal(t, http.StatusSeeOther, send(url.Values{"match": {"* /v1/**"}, "status": {""}, "delay": {"250ms"}}).status)
	got = b.page(t, "/sandbox/faults")
	assert.Contains(t, got.body, `<code class="pattern">POST /v1/consents</code>`)
	assert.Contains(t, got.body, "status 503 after 2s · 25 % of the calls · 4 times")
	assert.Contains(t, got.body, "a delay of 250ms")
	assert.Contains(t, b.page(t, "/sandbox/requests").body, "2 faults are set")

	for field, value := range map[string]string{"match": "x", "status": "abc", "delay": "2", "rate": "half", "times": "-1"} {
		form := url.Values{"match": {"POST /v1/x"}, "status": {"500"}, "delay": {"1s"}, "rate": {"1"}, "times": {"1"}}
		form.Set(field, value)
		wrong := send(form)
		assert.Equal(t, http.StatusBadRequest, wrong.status, field)
		assert.Regexp(t, `name="`+field+`" value="`+value+`"[^>]* aria-invalid="true" autofocus`, wrong.body)
		assert.Equal(t, 1, strings.Count(wrong.body, `class="fault"`), "said once, at its field")
	}

	wrong := send(url.Values{"match": {"x"}, "status": {"abc"}, "delay": {"2"}, "rate": {"half"}, "times": {"-1"}}).body
	for _, field := range []string{"match", "status", "delay", "rate", "times"} {
		assert.Contains(t, wrong, `id="wrong-`+field+`"`, "all at once")
	}
	assert.Equal(t, 1, strings.Count(wrong, "autofocus"))

	require.Equal(t, http.StatusSeeOther, send(url.Values{"do": {"remove"}, "match": {"POST /v1/consents"}}).status)
	assert.NotContains(t, b.page(t, "/sandbox/faults").body, "status 503 after 2s")
	require.Equal(t, http.StatusSeeOther, send(url.Values{"do": {"clear"}}).status)
	assert.JSONEq(t, `{"faults":[]}`, b.call(t, http.MethodGet, "/sandbox/faults", "").body)
}

func TestFaultsAreToldTogether(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := b.call(t, http.MethodPut, "/sandbox/faults", `{"match":7,"status":"503","delay":"2","rate":2,"times":0,"colour":1}`)
	assert.Equal(t, http.StatusBadRequest, got.status)
	var body struct {
		Path   string
		Errors []struct{ Path, Error string }
	}
	got.json(t, &body)
	paths := make([]string, len(body.Errors))
	for i, e := range body.Errors {
		paths[i] = e.Path
		assert.NotEmpty(t, e.Error)
	}
	assert.ElementsMatch(t, []string{"match", "status", "delay", "rate", "times", "colour"}, paths, "each once")
	assert.Equal(t, paths[0], body.Path)
	assert.JSONEq(t, `{"faults":[]}`, b.call(t, http.MethodGet, "/sandbox/faults", "").body)
}

// TestFaultsOfTheBank: its systems read problems (RFC 9457).
func TestFaultsOfTheBank(t *testing.T) {
	t.Parallel()
	b := setup(t, func(s *sandbox.Sandbox) {
		s.Owns = func(path string) bool { return strings.HasPrefix(path, "/v1/") || strings.HasPrefix(path, "/aspsp/") }
		s.Faults = &faults.Faults{Dialects: []faults.Dialect{dialect{below: "/v1/", mute: true}}}
	})
	b.spoil(t, `{"match":"* /**","status":503}`)
	got := b.call(t, http.MethodPost, "/aspsp/v1/access-checks", "{}")
	assert.Equal(t, http.StatusServiceUnavailable, got.status)
	assert.Equal(t, "application/problem+json", got.header.Get("Content-Type"))
	assert.JSONEq(t, `{"type":"about:blank","title":"Service Unavailable","status":503,"code":"`+string(consent.CodeUnavailable)+`","detail":"injected by the sandbox, see /sandbox/faults"}`, got.body)
	assert.Contains(t, b.call(t, http.MethodGet, "/v1/x", "").header.Get("Content-Type"), "text/plain")
}

func TestFaultsAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 100 {
		b.spoil(t, `{"match":"GET /v1/`+strings.Repeat("a", i+1)+`","status":503}`)
	}
	got := b.call(t, http.MethodPut, "/sandbox/faults", `{"match":"GET /v1/b","status":503}`)
	assert.Equal(t, http.StatusBadRequest, got.status)
	b.spoil(t, `{"match":"GET /v1/a","status":500}`)
}
