package xs2a_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/api/xs2a"
	wire "consentd/pkg/xs2a"
)

// Each case mends what the one before was refused for: the order of the checks.
func TestOrderOfChecks(t *testing.T) {
	t.Parallel()
	w := setup(t, func(h *xs2a.Handler) { h.Signatures.Required = true })
	const certificate = "TUlJSEFEQ0NCT2lnQXdJQkFnSUVa"
	big := bankOffered + strings.Repeat(" ", 64<<10)
	digest := sha256.Sum256([]byte(`{"access":{}}`))
	right := "SHA-256=" + base64.StdEncoding.EncodeToString(digest[:])
	headers := with{
		"X-Sandbox-TPP": "nobody", "Accept": "text/html", "Content-Type": "text/plain", "X-Request-ID": "no",
		"PSU-IP-Address": "no",
	}
	method, path, body := http.MethodPatch, "/v1/consents", big
	for _, step := range []struct {
		mend   func()
		status int
		want   []string
	}{
		{func() {}, http.StatusMethodNotAllowed, []string{"SERVICE_INVALID"}},
		{func() { method = http.MethodPost }, http.StatusNotAcceptable, []string{"REQUESTED_FORMATS_INVALID Header.Accept"}},
		{func() { headers["Accept"] = "application/json" }, http.StatusUnauthorized, []string{"CERTIFICATE_MISSING"}},
		{func() { headers["X-Sandbox-TPP"] = "demo" }, http.StatusUnauthorized, []string{"SIGNATURE_MISSING Header.Signature"}},
		{func() { headers["Digest"] = "SHA-256=AAAA" }, http.StatusBadRequest, []string{"FORMAT_ERROR Header.Signature"}},
		{func() { headers["Signature"] = "x" }, http.StatusUnauthorized, []string{"CERTIFICATE_MISSING Header.TPP-Signature-Certificate"}},
		{func() { headers["TPP-Signature-Certificate"] = certificate }, http.StatusUnsupportedMediaType, nil},
		{func() { headers["Content-Type"] = "application/json" }, http.StatusBadRequest, []string{"FORMAT_ERROR body"}},
		{func() { body = `{"access":{}}` }, http.StatusUnauthorized, []string{"SIGNATURE_INVALID Header.Digest"}},
		{func() { headers["Digest"] = right }, http.StatusBadRequest, []string{
			"FORMAT_ERROR Header.X-Request-ID", "FORMAT_ERROR Header.PSU-IP-Address", "FORMAT_ERROR Header.TPP-Redirect-URI",
			"FORMAT_ERROR access", "FORMAT_ERROR recurringIndicator", "FORMAT_ERROR validUntil", "FORMAT_ERROR frequencyPerDay",
		}},
	} {
		step.mend()
		a := w.send(t, method, path, body, headers)
		require.Equal(t, step.status, a.status, "%v: %s", step.want, a.body)
		if step.want == nil {
			require.Empty(t, a.body)
			continue
		}
		require.Equal(t, step.want, a.messages(t))
		require.NoError(t, uuid.Validate(a.header.Get("X-Request-ID")), "a fresh id for a malformed one")
	}
	a := w.send(t, http.MethodGet, "/v1/consents/x", "", with{
		"X-Request-ID": "no", "Digest": right, "Signature": "x", "TPP-Signature-Certificate": certificate,
	})
	require.Equal(t, []string{"SIGNATURE_INVALID Header.Digest"}, a.messages(t), "the digest is of no bytes there")
}

func TestHeadersAreJudgedBeforeOwnership(t *testing.T) {
	t.Parallel()
	a := setup(t).send(t, http.MethodGet, "/v1/consents/x/status", "", with{"PSU-IP-Address": "no"})
	assert.Equal(t, []string{"FORMAT_ERROR Header.PSU-IP-Address"}, a.messages(t))
}

func TestMethods(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for path, allow := range map[string]string{
		"/v1/consents":                    "POST",
		"/v1/consents/x":                  "GET, DELETE",
		"/v1/consents/x/status":           "GET",
		"/v1/consents/x/authorisations":   "POST, GET",
		"/v1/consents/x/authorisations/y": "GET, PUT",
		"/v1/funds-confirmations":         "POST",

		"/v2/consents/confirmation-of-funds":                    "POST",
		"/v2/consents/confirmation-of-funds/x":                  "GET, DELETE",
		"/v2/consents/confirmation-of-funds/x/status":           "GET",
		"/v2/consents/confirmation-of-funds/x/authorisations":   "POST, GET",
		"/v2/consents/confirmation-of-funds/x/authorisations/y": "GET, PUT",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"} {
			if strings.Contains(allow, method) {
				continue
			}
			a := w.send(t, method, path, "", nil)
			require.Equal(t, http.StatusMethodNotAllowed, a.status, "%s %s", method, path)
			require.Equal(t, allow, a.header.Get("Allow"))
			require.Equal(t, requestID, a.header.Get("X-Request-ID"))
			if method != http.MethodHead {
				require.Equal(t, []string{"SERVICE_INVALID"}, a.messages(t))
			}
		}
	}
}

func TestUnknownPaths(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, path := range []string{
		"/v1", "/v1/", "/v1/consent", "/v1/consents/", "/v1/consents//status", "/v1/consents/x/", "/v1/consents/x/nothing",
		"/v1/consents/x/status/", "/v1/consents/x/authorisations/", "/v1/consents/x/authorisations/y/z", "/v1//consents", "/v1/accounts",
		"/v2", "/v2/consents", "/v2/consents/account-access", "/v1/funds-confirmations/x",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodOptions, "FOO"} {
			a := w.send(t, method, path, "", nil)
			require.Equal(t, http.StatusNotFound, a.status, "%s %s: %s", method, path, a.body)
			require.Equal(t, []string{"RESOURCE_UNKNOWN"}, a.messages(t))
			require.Equal(t, requestID, a.header.Get("X-Request-ID"))
		}
	}
}

// Other surfaces on the same Echo answer as they like.
func TestOthersAreLeftAlone(t *testing.T) {
	t.Parallel()
	h := &xs2a.Handler{}
	for path, want := range map[string]bool{
		"/v1": true, "/v1/": true, "/v1/consents": true, "/v1x": false, "/": false, "/v2/consents": true, "/v2": true, "/v3/consents": false, "/sca/v1/": false,
	} {
		assert.Equal(t, want, h.Owns(path), path)
	}
	w := setup(t)
	a := w.send(t, http.MethodGet, "/elsewhere", "", nil)
	assert.Equal(t, http.StatusNotFound, a.status)
	assert.NotContains(t, a.body, "tppMessages")
}

func TestAccept(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const plain, problem = wire.MediaTypeJSON, wire.MediaTypeProblem
	for accept, want := range map[string]string{
		"-":                           plain, // no header
		"":                            plain,
		"*/*":                         plain,
		"application/*":               plain,
		plain:                         plain,
		plain + ";charset=utf-8":      plain,
		"text/html, */*;q=0.1":        plain,
		problem:                       problem,
		plain + ", " + problem:        plain,
		problem + ", " + plain:        plain,
		problem + ", */*":             problem,
		problem + ";q=0.9, " + plain:  plain,
		plain + ";q=0.8, " + problem:  problem,
		"*/*;q=0.5, " + problem:       problem,
		plain + ";q=0, */*":           problem,
		"*/*, " + problem + ";q=0":    plain,
		"APPLICATION/JSON":            plain,
		"text/html":                   "",
		"application/xml, text/*":     "",
		plain + ";q=0":                "",
		"*/*;q=0":                     "",
		plain + ";q=2":                "",
		plain + ";q=x":                "",
		plain + ";q=0.0001":           "",
		"application/json+ld":         "",
		"json":                        "",
		"application/problem+xml;q=1": "",
	} {
		a := w.send(t, http.MethodGet, "/v1/consents/x", "", with{"Accept": accept})
		if want == "" {
			require.Equal(t, http.StatusNotAcceptable, a.status, accept)
			require.Equal(t, []string{"REQUESTED_FORMATS_INVALID Header.Accept"}, a.messages(t))
			continue
		}
		require.Equal(t, http.StatusForbidden, a.status, accept)
		require.Equal(t, want, a.header.Get("Content-Type"), accept)
		require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	}
}

func TestProblemDocument(t *testing.T) {
	t.Parallel()
	a := setup(t).create(t, `{}`, with{"Accept": "application/problem+json", "PSU-IP-Address": "-"})
	assert.Equal(t, http.StatusBadRequest, a.status)
	var p wire.Problem
	require.NoError(t, json.Unmarshal([]byte(a.body), &p))
	assert.Equal(t, wire.Problem{
		Type: "about:blank", Title: "Bad Request", Detail: "Header.PSU-IP-Address: is required", Code: wire.FormatError,
		AdditionalErrors: []wire.ProblemError{
			{Detail: "access: is required", Code: wire.FormatError},
			{Detail: "recurringIndicator: is required", Code: wire.FormatError},
			{Detail: "validUntil: is required", Code: wire.FormatError},
			{Detail: "frequencyPerDay: is required", Code: wire.FormatError},
		},
	}, p)
}

func TestContentType(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for value, ok := range map[string]bool{
		"application/json": true, "Application/JSON": true, "application/json; charset=utf-8": true, `application/json;charset="UTF-8"`: true,
		"-": false, "text/json": false, "application/problem+json": false, "application/json; charset=latin1": false, "application/": false,
		"application/x-www-form-urlencoded": false, "application/json, text/html": false,
	} {
		a := w.create(t, bankOffered, with{"Content-Type": value})
		if ok {
			assert.Equal(t, http.StatusCreated, a.status, "%s: %s", value, a.body)
			continue
		}
		assert.Equal(t, http.StatusUnsupportedMediaType, a.status, value)
		assert.Empty(t, a.body)
		assert.Equal(t, "application/json", a.header.Get("Accept"))
		assert.Equal(t, requestID, a.header.Get("X-Request-ID"))
	}
	assert.Equal(t, http.StatusUnsupportedMediaType, w.create(t, "", nil).status, "a body is required")
}

func TestSizes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const limit = 64 << 10
	fits := bankOffered + strings.Repeat(" ", limit-len(bankOffered))
	assert.Equal(t, http.StatusCreated, w.create(t, fits, nil).status)
	a := w.create(t, fits+" ", nil)
	assert.Equal(t, http.StatusBadRequest, a.status)
	assert.Equal(t, []string{"FORMAT_ERROR body"}, a.messages(t))
	assert.Contains(t, a.body, "65536")
	a = w.send(t, http.MethodPost, "/v1/consents/x/authorisations", fits+" ", nil)
	assert.Equal(t, []string{"FORMAT_ERROR body"}, a.messages(t))
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for id, ok := range map[string]bool{
		requestID:                                       true,
		"0198f2c4-5a3e-7c61-9b0e-3f1d7a52c9e4":          true, // version 7
		"00000000-0000-0000-0000-000000000000":          true,
		"FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF":          true,
		"99391c7ead8849eca2ad99ddcb1f7721":              true,
		"-":                                             false,
		"99391c7e-ad88-49ec-a2ad-99ddcb1f772":           false,
		"{99391c7e-ad88-49ec-a2ad-99ddcb1f7721}":        false,
		"urn:uuid:99391c7e-ad88-49ec-a2ad-99ddcb1f7721": false,
		"99391c7e-ad88-49ec-a2ad-99ddcb1f772g":          false,
		"99391c7e0ad88049ec0a2ad099ddcb1f7721":          false,
		"99391c7eé-ad88-49ec-a2ad-99ddcb1f77":           false,
	} {
		a := w.create(t, bankOffered, with{"X-Request-ID": id})
		if ok {
			assert.Equal(t, http.StatusCreated, a.status, "%s: %s", id, a.body)
			assert.Equal(t, id, a.header.Get("X-Request-ID"), "as it was sent")
			continue
		}
		assert.Equal(t, []string{"FORMAT_ERROR Header.X-Request-ID"}, a.messages(t), id)
		require.NoError(t, uuid.Validate(a.header.Get("X-Request-ID")), id)
		assert.NotEqual(t, id, a.header.Get("X-Request-ID"))
	}
}

func TestRepeatedRequestID(t *testing.T) {
	t.Parallel()
	w := setup(t)
	e := echo.New()
	w.handler.Mount(e)
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/consents/x", nil)
	req.Header["X-Request-Id"] = []string{requestID, requestID}
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, req)
	assert.Equal(t, []string{"FORMAT_ERROR Header.X-Request-ID"}, answer{body: rec.Body.String()}.messages(t))
	require.NoError(t, uuid.Validate(rec.Header().Get("X-Request-ID")))
	assert.NotEqual(t, requestID, rec.Header().Get("X-Request-ID"))
}

func TestRequestIDOnEveryAnswer(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id := w.created(t, `{"balances":[]}`)
	for want, a := range map[int]answer{
		http.StatusOK:                  w.send(t, http.MethodGet, "/v1/consents/"+id, "", nil),
		http.StatusNoContent:           w.send(t, http.MethodDelete, "/v1/consents/"+id, "", nil),
		http.StatusUnauthorized:        w.send(t, http.MethodGet, "/v1/consents/"+id, "", with{"X-Sandbox-TPP": "nobody"}),
		http.StatusConflict:            w.send(t, http.MethodPost, "/v1/consents/"+id+"/authorisations", "", nil),
		http.StatusInternalServerError: w.failing(t, errors.New("boom")),
	} {
		assert.Equal(t, want, a.status, a.body)
		assert.Equal(t, requestID, a.header.Get("X-Request-ID"))
	}
}
