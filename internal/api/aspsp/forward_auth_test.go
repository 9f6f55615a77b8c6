package aspsp_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/explain"
	"consentd/internal/service/access"
)

const forwardPath = "/aspsp/v1/forward-auth"

// granting lets every read through.
func (w *world) granting(t *testing.T) {
	t.Helper()
	d, err := allowed(w.question())
	require.NoError(t, err)
	w.dialect.decision = &d
}

func (w *world) question() access.Question {
	return access.Question{TPP: acme, Consent: uuid.MustParse(consentID), Operation: consent.OpAccounts}
}

// asked is how nginx asks.
func asked(more ...string) with {
	h := with{"Authorization": "Bearer core", "X-Original-URI": "/v1/accounts", "X-Original-Method": "GET", "Consent-ID": consentID}
	for i := 0; i < len(more); i += 2 {
		h[more[i]] = more[i+1]
	}
	return h
}

func TestForwardAuthAllows(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.granting(t)
	a := w.send(t, http.MethodGet, forwardPath+"?denials=403", "", asked())
	require.Equal(t, http.StatusOK, a.status, a.body)
	assert.Empty(t, a.body)
	for name, want := range map[string]string{
		"X-Consent-Id": consentID, "X-Consent-Tpp": acme, "X-Consent-Customer": "firm", "X-Consent-Operation": "accounts",
		"X-Consent-Accounts":   `[{"accountId":"r1","rights":["accounts","balances"]},{"accountId":"k\u00e4rt/2","rights":["accounts","ownerName"]}]`,
		"X-Consent-Owner-Name": "true", "X-Request-Id": requestID, "Cache-Control": "no-store",
	} {
		assert.Equal(t, []string{want}, a.header.Values(name), name)
	}

	// Whatever a TPP may have sent is replaced, so nothing is left out.
	w.dialect.decision = &access.Decision{Question: access.Question{TPP: "FR-ACPR:PSDFR-ACPR-12/3 é", Consent: uuid.MustParse(consentID), Operation: consent.OpTrustedBeneficiaries}, Customer: "a%b\nß"}
	a = w.send(t, http.MethodGet, forwardPath, "", asked())
	require.Equal(t, http.StatusOK, a.status)
	for name, want := range map[string]string{
		"X-Consent-Tpp": "FR-ACPR:PSDFR-ACPR-12%2F3%20%C3%A9", "X-Consent-Customer": "a%25b%0A%C3%9F", "X-Consent-Accounts": "[]", "X-Consent-Owner-Name": "false",
	} {
		assert.Equal(t, want, a.header.Get(name), name)
	}
}

// reading is what a gateway says of a GET, with more headers.
func reading(uri string, more ...string) http.Header {
	h := http.Header{"X-Original-Uri": {uri}, "X-Original-Method": {"GET"}}
	for i := 0; i < len(more); i += 2 {
		h.Add(more[i], more[i+1])
	}
	return h
}

// bare sends a gateway's request as it stands, and returns what came of it.
func (w *world) bare(t *testing.T, method, target string, headers http.Header) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader("a body"))
	r.Header = headers
	r.Header.Set("Authorization", "Bearer core")
	rec := httptest.NewRecorder()
	w.echo.ServeHTTP(rec, r)
	return rec
}

// TestOriginalRequests says what the dialect gets to judge of what gateways send.
func TestOriginalRequests(t *testing.T) {
	t.Parallel()
	const nginx = forwardPath
	for name, c := range map[string]struct {
		method, target string
		headers        http.Header
		want           string // method and target; empty: nothing is judged
	}{
		"nginx":                         {"GET", nginx + "?denials=403", http.Header{"X-Original-Uri": {"/v1/accounts?page=2"}, "X-Original-Method": {"GET"}}, "GET /v1/accounts?page=2"},
		"Traefik":                       {"GET", nginx, http.Header{"X-Forwarded-Uri": {"/v1/accounts"}, "X-Forwarded-Method": {"HEAD"}}, "HEAD /v1/accounts"},
		"Envoy":                         {"GET", nginx + "/v1/accounts/r1?a=b", http.Header{}, "GET /v1/accounts/r1?a=b"},
		"Envoy, another method":         {"DELETE", nginx + "/v1/accounts", http.Header{}, "DELETE /v1/accounts"},
		"Envoy, a method made up":       {"BREW", nginx + "/v1/accounts", http.Header{}, "BREW /v1/accounts"},
		"Envoy, with the TPP's query":   {"GET", nginx + "/v1/accounts?denials=403&x=1", http.Header{}, "GET /v1/accounts?denials=403&x=1"},
		"all agree":                     {"GET", nginx + "/v1/a?b", http.Header{"X-Original-Uri": {"/v1/a?b"}, "X-Forwarded-Uri": {"/v1/a?b"}, "X-Original-Method": {"GET"}}, "GET /v1/a?b"},
		"below a path of the bank's":    {"GET", nginx, reading("/open/bank/v1/a"), "GET /open/bank/v1/a"},
		"harmless encodings":            {"GET", nginx, reading("/v1/%C3%A4%20b@1"), "GET /v1/%C3%A4%20b@1"},
		"an empty query":                {"GET", nginx, reading("/v1/a?"), "GET /v1/a?"},
		"a query with a query":          {"GET", nginx, reading("/v1/a?b=c?d/../e"), "GET /v1/a?b=c?d/../e"},
		"the bare path by POST":         {"POST", nginx, http.Header{"X-Original-Uri": {"/v1/a"}, "X-Forwarded-Method": {"POST"}}, "POST /v1/a"},
		"no method is said":             {"GET", nginx, http.Header{"X-Original-Uri": {"/v1/a"}}, ""},
		"none by POST":                  {"POST", nginx, http.Header{"X-Original-Uri": {"/v1/a"}}, ""},
		"no URI":                        {"GET", nginx, http.Header{"X-Original-Method": {"GET"}}, ""},
		"two URIs":                      {"GET", nginx, reading("/v1/a", "X-Forwarded-Uri", "/v1/b"), ""},
		"the query differs":             {"GET", nginx, reading("/v1/a", "X-Forwarded-Uri", "/v1/a?page=1"), ""},
		"one header twice":              {"GET", nginx, reading("/v1/a", "X-Original-Uri", "/v1/b"), ""},
		"two in one":                    {"GET", nginx, reading("/v1/a, /v1/b"), ""},
		"the path differs":              {"GET", nginx + "/v1/b", http.Header{"X-Original-Uri": {"/v1/a"}}, ""},
		"an empty one beside the path":  {"GET", nginx + "/v1/b", http.Header{"X-Original-Uri": {""}}, ""},
		"a slash behind":                {"GET", nginx + "/", http.Header{"X-Original-Uri": {"/v1/a"}}, ""},
		"two methods":                   {"GET", nginx, http.Header{"X-Original-Uri": {"/v1/a"}, "X-Original-Method": {"POST"}, "X-Forwarded-Method": {"GET"}}, ""},
		"a method beside the request's": {"POST", nginx + "/v1/a", http.Header{"X-Original-Method": {"GET"}}, ""},
		"the same on the bare path":     {"POST", nginx, http.Header{"X-Original-Uri": {"/v1/a"}, "X-Original-Method": {"GET"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.granting(t)
			rec := w.bare(t, c.method, c.target, c.headers)
			if c.want == "" {
				assert.Contains(t, []int{400, 404}, rec.Code)
				assert.Empty(t, w.dialect.admitted)
				assert.Empty(t, rec.Header().Get("X-Consent-Id"))
				return
			}
			require.Equal(t, 200, rec.Code, rec.Body)
			require.Len(t, w.dialect.admitted, 1)
			got := w.dialect.admitted[0]
			assert.Equal(t, c.want, got.Method+" "+got.RequestURI)
			assert.Equal(t, c.want, got.Method+" "+got.URL.RequestURI())
		})
	}
}

// TestPathsThatAreNotPlain are those which a gateway, consentd and a resource
// server could each take for another one.
func TestPathsThatAreNotPlain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.granting(t)
	for _, uri := range []string{
		"", "/", "v1/accounts", "//v1/accounts", "/v1//accounts", "/v1/accounts/", "/v1/./accounts", "/v1/x/../accounts", "/v1/accounts/..", "/v1/accounts/.",
		"/v1/%2e%2e/accounts", "/v1/%2E/accounts", "/v1/accounts%2Fr1", "/v1/accounts%2fr1", "/v1/accounts/r1%5Cx", `/v1/accounts\r1`, "/v1/accounts/%252e%252e", "/v1/accounts/r1;a=b", "/v1/accounts;/r1",
		"/v1/accounts/r1%3Bx", "/v1/accounts/r1%3Fx", "/v1/accounts/r1%23x", "/v1/accounts/r1%00", "/v1/accounts/r1%0A", "/v1/accounts/r1%7F", "/v1/accounts/%", "/v1/accounts/%4", "/v1/accounts/%zz",
		"/v1/accounts/%FF", "/v1/accounts/ä", "/v1/accounts r1", "/v1/accounts#x", "/v1/accounts?a#b", "/v1/accounts?a=%zz", "/v1/accounts?a=1;b=2", "/v1/accounts?a=%00", "/v1/accounts?ä", "/v1/accounts?a b",
		"http://bank.example/v1/accounts", "https://bank.example/v1/accounts", "//bank.example/v1/accounts", "*", "?/v1/accounts", `/v1/accounts?a=\`, "/v1/<accounts>", `/v1/"accounts"`, "/v1/{accounts}",
	} {
		rec := w.bare(t, http.MethodGet, forwardPath, reading(uri))
		assert.Equal(t, http.StatusNotFound, rec.Code, uri)
		assert.Contains(t, rec.Body.String(), "RESOURCE_UNKNOWN", uri)
	}
	for _, target := range []string{"/v1//accounts", "/v1/x/%2e%2e/accounts", "/v1/accounts%2Fr1", "/v1/accounts;x", "//v1/accounts"} {
		rec := w.bare(t, http.MethodGet, forwardPath+target, http.Header{})
		assert.Equal(t, http.StatusNotFound, rec.Code, target)
	}
	for _, target := range []string{"/aspsp/v1/forward-authx", "/aspsp/v1/forward%2Dauth", "/aspsp/v1/forward%2Dauth/v1/accounts", "/aspsp/v1/x/../forward-auth"} {
		rec := w.bare(t, http.MethodGet, target, http.Header{"X-Original-Uri": {"/v1/accounts"}})
		assert.NotEqual(t, http.StatusOK, rec.Code, target)
	}
	assert.Empty(t, w.dialect.admitted)
}

// TestOriginalHeaders hands on what is the TPP's, and nothing that is the gateway's
// but the certificate.
func TestOriginalHeaders(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.granting(t)
	rec := w.bare(t, http.MethodGet, forwardPath, http.Header{
		"X-Original-Uri": {"/v1/accounts"}, "X-Original-Method": {"GET"}, "X-Forwarded-Method": {"GET"}, "X-Forwarded-Uri": {"/v1/accounts"},
		"X-Original-Authorization": {"Bearer tpp"}, "Content-Length": {"6"}, "Content-Type": {"text/plain"}, "Ssl-Client-Cert": {"%2Dthe gateway's"},
		"X-Forwarded-Client-Cert": {"the TPP's"}, "X-Forwarded-Tls-Client-Cert": {"the TPP's"}, "X-Client-Cert": {"the TPP's"},
		"Consent-Id": {consentID, "another"}, "Psu-Ip-Address": {"192.0.2.7"}, "X-Request-Id": {requestID}, "Accept": {"application/json"}, "Digest": {"d"}, "Signature": {"s"},
	})
	require.Equal(t, 200, rec.Code, rec.Body)
	got := w.dialect.admitted[0]
	assert.Equal(t, http.Header{
		"Authorization": {"Bearer tpp"}, "Content-Type": {"text/plain"}, "Ssl-Client-Cert": {"%2Dthe gateway's"}, "Consent-Id": {consentID, "another"},
		"Psu-Ip-Address": {"192.0.2.7"}, "X-Request-Id": {requestID}, "Accept": {"application/json"}, "Digest": {"d"}, "Signature": {"s"},
	}, got.Header, "what came twice is for the dialect to refuse")
	assert.Nil(t, got.TLS)
	assert.Zero(t, got.ContentLength)
	assert.Equal(t, http.NoBody, got.Body)

	w.bare(t, http.MethodGet, forwardPath, reading("/v1/accounts"))
	assert.Empty(t, w.dialect.admitted[1].Header, "the gateway's token goes no further")
}

// refusals are what the dialect refuses with, as different as can be.
var refusals = map[string]*edge.Refusal{
	"400": {Status: 400, Code: "FORMAT_ERROR", Header: http.Header{"Content-Type": {"application/json"}, "X-Request-ID": {requestID}}, Body: []byte("{\n\t\"text\": \"schön \\\"𝄞\\\"\\n\"\n}\n")},
	"401": {Status: 401, Code: "CONSENT_EXPIRED", Header: http.Header{"Content-Type": {"application/problem+json"}}, Body: []byte(`{"code":"CONSENT_EXPIRED"}`)},
	"403": {Status: 403, Code: "SERVICE_BLOCKED", Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"code":"SERVICE_BLOCKED"}`)},
	"404": {Status: 404, Code: "RESOURCE_UNKNOWN", Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"code":"RESOURCE_UNKNOWN"}`)},
	"405": {Status: 405, Code: "SERVICE_INVALID", Header: http.Header{"Allow": {"GET"}, "Content-Type": {"application/json"}}, Body: []byte(`{}`)},
	"429": {Status: 429, Code: "ACCESS_EXCEEDED", Header: http.Header{"Content-Type": {"application/json"}, "Retry-After": {"60"}}, Body: []byte(`{"code":"ACCESS_EXCEEDED"}`)},
	"500": {Status: 500, Header: http.Header{"Content-Type": nil}},
	"503": {Status: 503, Header: http.Header{"Retry-After": {"1"}}},
}

func TestForwardAuthDenies(t *testing.T) {
	t.Parallel()
	for name, r := range refusals {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.dialect.refusal = r
			a := w.send(t, http.MethodGet, forwardPath, "", asked())
			require.Equal(t, r.Status, a.status)
			assert.Equal(t, string(r.Body), a.body)
			for _, name := range []string{"Content-Type", "Retry-After", "Allow"} {
				assert.Equal(t, r.Header.Get(name), a.header.Get(name), name)
			}
			assert.Equal(t, []string{requestID}, a.header.Values("X-Request-Id"))
			assert.Equal(t, "no-store", a.header.Get("Cache-Control"))
			assert.Empty(t, a.header.Get("X-Denial-Status"))

			a = w.send(t, http.MethodGet, forwardPath+"?denials=403", "", asked())
			require.Equal(t, http.StatusForbidden, a.status)
			assert.Equal(t, strconv.Itoa(r.Status), a.header.Get("X-Denial-Status"))
			assert.Equal(t, r.Header.Get("Content-Type"), a.header.Get("X-Denial-Content-Type"))
			assert.Equal(t, r.Header.Get("Retry-After"), a.header.Get("X-Denial-Retry-After"))
			assert.Equal(t, requestID, a.header.Get("X-Denial-Request-Id"))
			assert.Equal(t, r.Header.Get("Allow"), a.header.Get("X-Denial-Allow"))
			assert.Empty(t, a.header.Get("Retry-After"))
			assert.Empty(t, a.header.Get("Allow"))
			body := a.header.Get("X-Denial-Body")
			if len(r.Body) == 0 {
				assert.Empty(t, body)
				assert.Equal(t, "{}", a.body)
				return
			}
			assert.Equal(t, string(r.Body), a.body)
			assert.JSONEq(t, string(r.Body), body)
			assert.NotRegexp(t, `[^ -~]`, body)
			assert.Empty(t, w.ledger.refused, "the dialect has written it down")
		})
	}
}

// TestForwardAuthRefusesItself is about requests that nobody can tell the meaning
// of: the TPP is told so in both forms.
func TestForwardAuthRefusesItself(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.granting(t)
	ctx, notes := explain.Listen(t.Context())
	w.serve(ctx, http.MethodGet, forwardPath, "")
	require.Contains(t, strings.Join(notes.Lines(), "\n"), "what the TPP asked for cannot be told: Header.X-Original-URI is required, from the gateway → FORMAT_ERROR")
	for _, c := range []struct{ name, value, want string }{
		{"X-Forwarded-Uri", "/v1/accounts/r2", `{"code":"FORMAT_ERROR","path":"Header.X-Forwarded-Uri","text":"differs from X-Original-URI: one of them is not the gateway's"}`},
		{"X-Forwarded-Method", "POST", `{"code":"FORMAT_ERROR","path":"Header.X-Forwarded-Method","text":"differs from X-Original-Method: one of them is not the gateway's"}`},
		{"X-Original-URI", "-", `{"code":"FORMAT_ERROR","path":"Header.X-Original-URI","text":"is required, from the gateway"}`},
		{"X-Original-Method", "-", `{"code":"FORMAT_ERROR","path":"Header.X-Original-Method","text":"is required, from the gateway"}`},
	} {
		a := w.send(t, http.MethodGet, forwardPath, "", asked(c.name, c.value, "Accept", "application/problem+json"))
		require.Equal(t, 400, a.status, c.name)
		require.JSONEq(t, c.want, a.body)
		require.Equal(t, "application/problem+json", a.header.Get("Content-Type"), "as the TPP likes it")
		require.Equal(t, requestID, a.header.Get("X-Request-Id"))
		a = w.send(t, http.MethodGet, forwardPath+"?denials=403", "", asked(c.name, c.value))
		require.Equal(t, 403, a.status, c.name)
		require.Equal(t, "400", a.header.Get("X-Denial-Status"))
		require.JSONEq(t, c.want, a.header.Get("X-Denial-Body"))
	}
	for target, want := range map[string]string{
		forwardPath:                  `{"code":"FORMAT_ERROR","path":"Header.X-Original-Method","text":"differs from the method: one of them is not the gateway's"}`,
		forwardPath + "/v1/accounts": `{"code":"FORMAT_ERROR","path":"Header.X-Original-URI","text":"differs from the path: one of them is not the gateway's"}`,
	} {
		rec := w.bare(t, http.MethodPost, target, reading("/v1/a"))
		require.Equal(t, 400, rec.Code, target)
		require.JSONEq(t, want, rec.Body.String(), "the fault is at a header")
	}
	for query, want := range map[string]string{
		"denial=403": "Query.denial: is not known here", "denials=401": "Query.denials: must be 403", "denials=403&denials=403": "Query.denials: must be 403",
		"denials": "Query.denials: must be 403", "denials=403&page=2": "Query.page: is not known here", "a=%zz": "Query: must be a query string",
	} {
		a := w.send(t, http.MethodGet, forwardPath+"?"+query, "", asked())
		require.Equal(t, 400, a.status, query)
		require.Equal(t, []string{want}, a.places(t), query)
	}
	require.Empty(t, w.dialect.admitted)
}

// A dialect that says nothing, or something that is no refusal, lets nobody in.
func TestForwardAuthDeniesInDoubt(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*edge.Refusal{"nothing": nil, "no status": {}, "no refusal": {Status: 200}} {
		w := setup(t)
		w.dialect.refusal = r
		require.Equal(t, 500, w.send(t, http.MethodGet, forwardPath, "", asked()).status, name)
		a := w.send(t, http.MethodGet, forwardPath+"?denials=403", "", asked())
		require.Equal(t, []any{403, "500"}, []any{a.status, a.header.Get("X-Denial-Status")}, name)
		w.granting(t)
		if w.dialect.refusal = r; r != nil {
			require.Equal(t, 500, w.send(t, http.MethodGet, forwardPath, "", asked()).status, "%s, and a decision", name)
		}
	}
}

// Nobody but a resource server may ask, and by whatever method.
func TestForwardAuthRoles(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.granting(t)
	for token, want := range map[string]int{"desk": 403, "page": 403, "board": 403, "nobody": 401} {
		a := w.send(t, http.MethodGet, forwardPath, "", asked("Authorization", "Bearer "+token))
		require.Equal(t, want, a.status, token)
		require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
		require.Empty(t, a.header.Get("X-Denial-Status"), "this is none of the TPP's business")
		for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS", "TRACE", "CONNECT", "BREW"} {
			for _, path := range []string{forwardPath, forwardPath + "/v1/accounts"} {
				r := httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody)
				r.Header.Set("Authorization", "Bearer "+token)
				r.Header.Set("X-Original-Uri", "/v1/accounts")
				rec := httptest.NewRecorder()
				w.echo.ServeHTTP(rec, r)
				require.Equal(t, want, rec.Code, "%s %s as %s", method, path, token)
			}
		}
	}
	require.Empty(t, w.dialect.admitted)
}

// FuzzTarget holds that what is admitted is one path, whoever reads it.
func FuzzTarget(f *testing.F) {
	for _, seed := range []string{"/v1/accounts", "/v1/accounts/r1?page=2", "/v1/%2e%2e/a", "//a", "/a%2Fb", "/%C3%A4", "/a;b", "/a/./b", "/%41"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		w := quiet()
		rec := w.bare(t, http.MethodGet, forwardPath, reading(uri))
		if rec.Code != http.StatusOK {
			return
		}
		got := w.dialect.admitted[0]
		path, _, _ := strings.Cut(uri, "?")
		clean := got.URL.JoinPath() // without dots and empty segments
		if got.URL.RequestURI() != uri || clean.EscapedPath() != path || strings.Count(got.URL.Path, "/") != strings.Count(path, "/") || strings.ContainsAny(got.URL.Path, `\;?#%`) {
			t.Fatalf("%q was taken as %q", uri, got.URL.Path)
		}
		if !json.Valid([]byte(rec.Header().Get("X-Consent-Accounts"))) {
			t.Fatal(rec.Header())
		}
	})
}
