package contract_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/test/contract"
)

// recorder is a testing.TB that keeps what it is told, to prove that wrong
// answers would fail a test.
type recorder struct {
	testing.TB

	mu   sync.Mutex
	said []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

// bundle is a toy server that gives one answer, and a client whose exchanges
// are checked.
type bundle struct {
	client   *http.Client
	url      string
	recorder *recorder
	received *string
}

// loaded are the validators that all tests share: to load one takes longer than
// most tests.
var loaded struct {
	once       sync.Once
	validators []*contract.Validator
}

func described(t *testing.T) []*contract.Validator {
	t.Helper()
	loaded.once.Do(func() {
		loaded.validators = []*contract.Validator{contract.Load(t, "aspsp"), contract.Load(t, "bank"), contract.Load(t, "xs2a")}
	})
	return loaded.validators
}

func setup(t *testing.T, answer exchange) bundle {
	t.Helper()
	var received string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		received = string(body)
		for name, value := range answer.headers() {
			w.Header().Set(name, value)
		}
		w.WriteHeader(answer.status)
		_, _ = io.WriteString(w, answer.body)
	}))
	t.Cleanup(server.Close)
	rec := &recorder{TB: t}
	transport := &contract.Transport{
		Base:       server.Client().Transport,
		Validators: described(t),
		T:          rec,
	}
	return bundle{client: &http.Client{Transport: transport}, url: server.URL, recorder: rec, received: &received}
}

func (b bundle) do(t *testing.T, e exchange) string {
	t.Helper()
	method, path, _ := strings.Cut(e.call, " ")
	req, err := http.NewRequestWithContext(t.Context(), method, b.url+path, strings.NewReader(e.request))
	require.NoError(t, err)
	req.Header.Set("X-Request-ID", id)
	req.Header.Set("PSU-IP-Address", "2001:db8::7")
	if e.request != "" {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("TPP-Redirect-URI", "https://tpp.example/cb")
	}
	for name, value := range e.sent {
		req.Header.Set(name, value)
	}
	res, err := b.client.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	assert.Equal(t, e.request, *b.received, "the server must get the body whole")
	return string(body)
}

// exchange is a call, the answer that the toy server gives, and what the
// recorder must hear of it; nothing when want is empty.
type exchange struct {
	call, request string
	sent          map[string]string
	status        int
	kind          string
	answered      map[string]string
	body          string
	want          string
}

const (
	id      = "99391c7e-ad88-49ec-a2ad-99ddcb1f7721"
	request = `{"access":{"balances":[]},"recurringIndicator":true,"validUntil":"2026-12-31","frequencyPerDay":4,"more":1}`
	created = `{"consentStatus":"received","consentId":"c1","_links":{"scaRedirect":{"href":"https://b.example/sca/x"},` +
		`"self":{"href":"/v1/consents/c1"},"status":{"href":"/v1/consents/c1/status"},"scaStatus":{"href":"/a"}}}`
	unknown = `{"tppMessages":[{"category":"ERROR","code":"CONSENT_UNKNOWN","text":"no such consent"}]}`
	listed  = `{"id":"A:B/C","name":"","organisationId":"B/C","nca":{"id":"A","name":""},"roles":[]}`
	missing = `{"tppMessages":[{"category":"ERROR","code":"RESOURCE_UNKNOWN"}]}`
)

func (e exchange) headers() map[string]string {
	headers := map[string]string{"X-Request-ID": id}
	switch {
	case e.kind != "":
		headers["Content-Type"] = e.kind
	case e.body != "":
		headers["Content-Type"] = "application/json; charset=UTF-8"
	}
	if e.status == http.StatusCreated {
		headers["Location"] = "/v1/consents/c1"
		headers["ASPSP-SCA-Approach"] = "REDIRECT"
	}
	maps.Copy(headers, e.answered)
	return headers
}

func TestRightAnswers(t *testing.T) {
	t.Parallel()
	post := "POST /v1/consents"
	for name, e := range map[string]exchange{
		"created":            {call: post, request: request, status: 201, body: created},
		"created, explicit":  {call: post, request: request, status: 201, body: strings.Replace(strings.Replace(created, `,"scaStatus":{"href":"/a"}`, "", 1), "scaRedirect", "startAuthorisation", 1)},
		"id in 32 digits":    {call: "GET /v1/consents/c1/status", sent: map[string]string{"X-Request-ID": strings.ReplaceAll(id, "-", "")}, answered: map[string]string{"X-Request-ID": strings.ReplaceAll(id, "-", "")}, status: 200, body: `{"consentStatus":"terminatedByAspsp"}`},
		"no content":         {call: "DELETE /v1/consents/c1", status: 204},
		"wrong request":      {call: post, request: `{}`, status: 400, body: `{"tppMessages":[{"category":"ERROR","code":"FORMAT_ERROR","path":"access"}]}`},
		"problem":            {call: "GET /v1/consents/c2", status: 403, kind: "application/problem+json", body: `{"type":"about:blank","code":"CONSENT_UNKNOWN"}`},
		"error":              {call: "GET /v1/consents/c2", status: 403, body: unknown},
		"no body":            {call: "GET /v1/consents/c2", status: 503, answered: map[string]string{"Retry-After": "1"}},
		"empty start":        {call: "POST /v1/consents/c1/authorisations", status: 201, body: `{"scaStatus":"received","authorisationId":"a","_links":{"scaRedirect":{"href":"/r"},"scaStatus":{"href":"/a"}}}`},
		"undeclared method":  {call: "PATCH /v1/consents/c1", status: 405, answered: map[string]string{"Allow": "DELETE, GET"}, body: `{"tppMessages":[{"category":"ERROR","code":"SERVICE_INVALID"}]}`},
		"undeclared path":    {call: "GET /v1/nothing/here", status: 404, body: missing},
		"another prefix":     {call: "GET /healthz", status: 418, body: "short and stout"},
		"bank":               {call: "GET /psus/p1/customers", status: 200, body: `{"customers":[{"customer":"c","name":"C","since":1999}]}`},
		"bank's own":         {call: "GET /aspsp/v1/tpps/A:B", answered: map[string]string{"Cache-Control": "no-store"}, status: 200, body: listed},
		"slash in an id":     {call: "GET /aspsp/v1/tpps/A%3AB%2FC", answered: map[string]string{"Cache-Control": "no-store"}, status: 200, body: listed},
		"fresh id for a bad": {call: "GET /v1/consents/c1", sent: map[string]string{"X-Request-ID": "42"}, status: 400, body: `{"tppMessages":[{"category":"ERROR","code":"FORMAT_ERROR"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, e)
			assert.Equal(t, e.body, b.do(t, e), "the client must get the body whole")
			assert.Empty(t, b.recorder.said)
		})
	}
}

func TestWrongAnswers(t *testing.T) {
	t.Parallel()
	post, status := "POST /v1/consents", "GET /v1/consents/c1/status"
	stray := strings.Replace(created, `"consentId"`, `"extra":1,"consentId"`, 1)
	for name, e := range map[string]exchange{
		"undeclared status":        {call: status, status: 418, body: `{}`, want: "status is not supported"},
		"stray member":             {call: post, request: request, status: 201, body: stray, want: "extra"},
		"stray link":               {call: post, request: request, status: 201, body: strings.Replace(created, `"self"`, `"selfie"`, 1), want: "selfie"},
		"missing member":           {call: status, status: 200, body: `{}`, want: "consentStatus"},
		"undeclared value":         {call: status, status: 200, body: `{"consentStatus":"accepted"}`, want: "accepted"},
		"no request id":            {call: status, status: 200, answered: map[string]string{"X-Request-ID": ""}, body: `{"consentStatus":"valid"}`, want: `"X-Request-ID"`},
		"another request id":       {call: status, status: 200, answered: map[string]string{"X-Request-ID": strings.ToUpper(id)}, body: `{"consentStatus":"valid"}`, want: "came back for"},
		"no Location":              {call: post, request: request, status: 201, answered: map[string]string{"Location": ""}, body: created, want: `"Location"`},
		"wrong approach":           {call: post, request: request, status: 201, answered: map[string]string{"ASPSP-SCA-Approach": "PIGEON"}, body: created, want: "ASPSP-SCA-Approach"},
		"wrong content type":       {call: status, status: 200, kind: "text/html", body: `{"consentStatus":"valid"}`, want: "text/html"},
		"not JSON":                 {call: status, status: 200, body: `valid`, want: "decode"},
		"missing body":             {call: status, status: 403, want: "Content-Type"},
		"unwanted body":            {call: status, status: 500, body: `{"stack":"…"}`, want: "no body is described"},
		"code of another status":   {call: status, status: 403, body: strings.Replace(unknown, "CONSENT_UNKNOWN", "FORMAT_ERROR", 1), want: "FORMAT_ERROR"},
		"stray member in error":    {call: status, status: 403, body: strings.Replace(unknown, `"text"`, `"detail"`, 1), want: "detail"},
		"wrong request accepted":   {call: post, request: strings.Replace(request, "4", "0", 1), status: 201, body: created, want: "the request was accepted, though"},
		"bad address, accepted":    {call: post, request: request, sent: map[string]string{"PSU-IP-Address": "10.0.0.256"}, status: 201, body: created, want: "PSU-IP-Address"},
		"two uses a day, one-off":  {call: post, request: strings.Replace(request, "true", "false", 1), status: 201, body: created, want: "the request was accepted, though"},
		"mixed access, accepted":   {call: post, request: strings.Replace(request, `[]`, `[],"allPsd2":"allAccounts"`, 1), status: 201, body: created, want: "the request was accepted, though"},
		"undeclared path accepted": {call: "GET /v1/nothing/here", status: 200, body: `{}`, want: "the path is not described"},
		"undeclared method":        {call: "PUT /v1/consents/c1", status: 200, body: `{}`, want: "the method is not described"},
		"405 without Allow":        {call: "PUT /v1/consents/c1", status: 405, body: `{"tppMessages":[{"category":"ERROR","code":"SERVICE_INVALID"}]}`, want: `"Allow"`},
		"404 in another shape":     {call: "GET /v1/nothing/here", status: 404, body: `{"message":"Not Found"}`, want: "message"},
		"slash in a path":          {call: "GET /aspsp/v1/tpps/A:B/C", answered: map[string]string{"Cache-Control": "no-store"}, status: 200, body: listed, want: "the path is not described"},
		"bank's own, kept":         {call: "GET /aspsp/v1/tpps/A:B", status: 200, body: listed, want: `"Cache-Control"`},
		"bank's own, stray member": {call: "GET /aspsp/v1/tpps/A:B", answered: map[string]string{"Cache-Control": "no-store"}, status: 200, body: strings.Replace(listed, `"roles"`, `"iban":"","roles"`, 1), want: "iban"},
		"bank without a name":      {call: "GET /psus/p1/customers", status: 200, body: `{"customers":[{"customer":"c"}]}`, want: "name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, e)
			b.do(t, e)
			require.NotEmpty(t, b.recorder.said, "must be reported")
			said := strings.Join(b.recorder.said, "\n")
			assert.Contains(t, said, e.want)
			assert.True(t, strings.HasPrefix(said, fmt.Sprintf("%s answered %d: ", e.call, e.status)), said)
		})
	}
}

func TestLaxRequestsAndBasePath(t *testing.T) {
	t.Parallel()
	e := exchange{call: "POST /v1/consents", request: `{}`, status: 201, body: created}
	b := setup(t, e)
	v := contract.Load(t, "xs2a")
	v.LaxRequests = true
	v.BasePath = "/bank/"
	b.client.Transport.(*contract.Transport).Validators = []*contract.Validator{v}

	b.do(t, e)
	assert.False(t, v.Owns("/v1/consents"), "lies outside the base path")
	assert.True(t, v.Owns("/bank/v1/whatever"))

	e.call = "POST /bank/v1/consents"
	b.do(t, e)
	assert.Empty(t, b.recorder.said)
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		contract.Load(b, "xs2a")
	}
}

func BenchmarkExchange(b *testing.B) {
	v := contract.Load(b, "xs2a")
	req := httptest.NewRequest(http.MethodPost, "/v1/consents", nil)
	for name, value := range map[string]string{
		"X-Request-ID": id, "PSU-IP-Address": "10.0.0.7", "TPP-Redirect-URI": "https://tpp.example/cb", "Content-Type": "application/json",
	} {
		req.Header.Set(name, value)
	}
	rec := httptest.NewRecorder()
	for name, value := range (exchange{status: 201, body: created}).headers() {
		rec.Header().Set(name, value)
	}
	rec.WriteHeader(http.StatusCreated)
	for b.Loop() {
		v.Exchange(b, req, []byte(request), rec.Result(), []byte(created))
	}
}

func TestErrorsOfTheBaseTransport(t *testing.T) {
	t.Parallel()
	b := setup(t, exchange{status: 200})
	ctx := t.Context()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:1/v1/consents/c1", http.NoBody)
	require.NoError(t, err)
	res, err := b.client.Do(req)
	if err == nil {
		_ = res.Body.Close()
	}
	require.Error(t, err, "a failed call has no answer to check")
	assert.Empty(t, b.recorder.said)
}
