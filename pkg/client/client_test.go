package client_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// bank answers one prepared answer and keeps the last request.
type bank struct {
	status int
	header map[string]string
	body   string

	got     *http.Request
	gotBody string
	calls   int
}

func (b *bank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	read, _ := io.ReadAll(r.Body)
	b.got, b.gotBody = r, string(read)
	b.calls++
	for name, value := range b.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(b.status)
	_, _ = io.WriteString(w, b.body)
}

func setup(t *testing.T, b *bank, opts ...client.Option) *client.Client {
	t.Helper()
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	if b.header == nil {
		b.header = map[string]string{"Content-Type": "application/json"}
	}
	c, err := client.New(server.URL+"/xs2a/", opts...)
	require.NoError(t, err)
	return c
}

var uuid4 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestCreateSendsEverything(t *testing.T) {
	t.Parallel()
	b := &bank{status: http.StatusCreated, body: `{"consentStatus":"received","consentId":"c1","_links":{"self":{"href":"/v1/consents/c1"}}}`}
	b.header = map[string]string{"Content-Type": "application/json", "Location": "/v1/consents/c1", "ASPSP-SCA-Approach": "REDIRECT"}
	c := setup(t, b, client.WithSandboxTPP("acme"), client.WithHeader("PSU-User-Agent", "ours"))
	yes, no := true, false
	created, meta, err := c.CreateConsent(t.Context(), xs2a.ConsentsRequest{
		Access: xs2a.AccountAccess{Balances: []xs2a.AccountReference{}}, RecurringIndicator: true, ValidUntil: "2026-12-31", FrequencyPerDay: 4,
	}, client.CreateOptions{
		PSUIPAddress: "2001:db8::1", RedirectURI: "https://tpp.example/ok", NokRedirectURI: "https://tpp.example/nok",
		ExplicitAuthorisation: true, PSUID: "lea", PSUCorporateID: "852126789", PSULanguage: "fr",
		RedirectPreferred: &no, DecoupledPreferred: &yes,
		Header: http.Header{"Psu-User-Agent": {"this call's"}, "Accept": {"application/problem+json"}},
	})
	require.NoError(t, err)
	assert.Equal(t, "c1", created.ConsentID)
	assert.Equal(t, "/v1/consents/c1", meta.Location())
	assert.Equal(t, "REDIRECT", meta.Approach())
	assert.Equal(t, http.StatusCreated, meta.Status)
	assert.Equal(t, "POST /xs2a/v1/consents", b.got.Method+" "+b.got.URL.Path)
	assert.JSONEq(t, `{"access":{"balances":[]},"recurringIndicator":true,"validUntil":"2026-12-31","frequencyPerDay":4,"combinedServiceIndicator":false}`, b.gotBody)
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Accept": "application/problem+json", "X-Sandbox-TPP": "acme", "PSU-User-Agent": "this call's",
		"PSU-IP-Address": "2001:db8::1", "TPP-Redirect-URI": "https://tpp.example/ok", "TPP-Nok-Redirect-URI": "https://tpp.example/nok",
		"TPP-Explicit-Authorisation-Preferred": "true", "PSU-ID": "lea", "PSU-Corporate-ID": "852126789", "PSU-Accept-Language": "fr",
		"TPP-Redirect-Preferred": "false", "TPP-Decoupled-Preferred": "true",
	} {
		assert.Equal(t, want, b.got.Header.Get(name), name)
	}
	assert.Regexp(t, uuid4, b.got.Header.Get("X-Request-ID"))
	assert.Equal(t, b.got.Header.Get("X-Request-ID"), meta.RequestID)
}

// What is not said is not sent: an empty header would be refused.
func TestNothingSaidNothingSent(t *testing.T) {
	t.Parallel()
	b := &bank{status: http.StatusCreated, body: `{}`}
	c := setup(t, b)
	_, first, err := c.CreateConsent(t.Context(), xs2a.ConsentsRequest{}, client.CreateOptions{})
	require.NoError(t, err)
	for name := range b.got.Header {
		assert.Contains(t, []string{"Accept", "Accept-Encoding", "Content-Length", "Content-Type", "User-Agent", "X-Request-Id"}, name)
	}
	_, second, err := c.StartAuthorisation(t.Context(), "c1", client.StartOptions{})
	require.NoError(t, err)
	assert.JSONEq(t, `{}`, b.gotBody)
	assert.NotEqual(t, first.RequestID, second.RequestID, "fresh for each call")
	_, third, err := c.StartAuthorisation(t.Context(), "c1", client.StartOptions{RequestID: first.RequestID})
	require.NoError(t, err)
	assert.Equal(t, first.RequestID, third.RequestID)
}

func TestPaths(t *testing.T) {
	t.Parallel()
	b := &bank{status: http.StatusOK, body: `{}`}
	c := setup(t, b)
	for want, call := range map[string]func() error{
		"GET /xs2a/v1/consents/c%2F1":                func() error { _, _, err := c.Consent(t.Context(), "c/1"); return err },
		"GET /xs2a/v1/consents/c1/status":            func() error { _, _, err := c.ConsentStatus(t.Context(), "c1"); return err },
		"GET /xs2a/v1/consents/c1/authorisations":    func() error { _, _, err := c.Authorisations(t.Context(), "c1"); return err },
		"GET /xs2a/v1/consents/c1/authorisations/a1": func() error { _, _, err := c.AuthorisationStatus(t.Context(), "c1", "a1"); return err },
	} {
		require.NoError(t, call())
		assert.Equal(t, want, b.got.Method+" "+b.got.URL.EscapedPath())
		assert.Empty(t, b.got.Header.Get("Content-Type"))
	}
	b.status, b.body = http.StatusNoContent, ""
	_, err := c.DeleteConsent(t.Context(), "c1", client.CallOptions{RequestID: "r1", PSUIPAddress: "192.0.2.7"})
	require.NoError(t, err)
	assert.Equal(t, "DELETE /xs2a/v1/consents/c1", b.got.Method+" "+b.got.URL.Path)
	assert.Equal(t, "r1", b.got.Header.Get("X-Request-ID"))
	assert.Equal(t, "192.0.2.7", b.got.Header.Get("PSU-IP-Address"))
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		bank bank
		want client.Error
		text string
	}{
		"tppMessages": {
			bank{status: 400, body: `{"tppMessages":[{"category":"ERROR","code":"FORMAT_ERROR","path":"access","text":"is required"},{"category":"ERROR","code":"SESSIONS_NOT_SUPPORTED"}]}`},
			client.Error{Status: 400, Messages: []xs2a.TPPMessage{
				{Category: "ERROR", Code: "FORMAT_ERROR", Path: "access", Text: "is required"},
				{Category: "ERROR", Code: "SESSIONS_NOT_SUPPORTED"},
			}},
			": FORMAT_ERROR access is required; SESSIONS_NOT_SUPPORTED",
		},
		"problem": {
			bank{status: 403, header: map[string]string{"Content-Type": "application/problem+json; charset=utf-8"}, body: `{"type":"about:blank","title":"Forbidden","detail":"no such consent","code":"CONSENT_UNKNOWN","additionalErrors":[{"code":"X","detail":"y"}]}`},
			client.Error{Status: 403, Messages: []xs2a.TPPMessage{
				{Category: "ERROR", Code: "CONSENT_UNKNOWN", Text: "no such consent"}, {Category: "ERROR", Code: "X", Text: "y"},
			}},
			": CONSENT_UNKNOWN no such consent; X y",
		},
		"no body":         {bank{status: 503, header: map[string]string{"Retry-After": "7"}}, client.Error{Status: 503, RetryAfter: 7 * time.Second}, ""},
		"date to retry":   {bank{status: 503, header: map[string]string{"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}}, client.Error{Status: 503}, ""},
		"not JSON":        {bank{status: 502, body: `<html>`}, client.Error{Status: 502}, ""},
		"a proxy's page":  {bank{status: 502, header: map[string]string{"Content-Type": "text/html"}, body: `<html>`}, client.Error{Status: 502}, ""},
		"another success": {bank{status: 202, body: `{}`}, client.Error{Status: 202}, ""},
		"a redirect":      {bank{status: 302, header: map[string]string{"Location": "/elsewhere"}}, client.Error{Status: 302}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, meta, err := setup(t, &c.bank).Consent(t.Context(), "c1")
			var got *client.Error
			require.ErrorAs(t, err, &got)
			require.Equal(t, meta.RequestID, got.RequestID)
			require.Equal(t, c.want.Status, meta.Status)
			c.want.RequestID = got.RequestID
			assert.Equal(t, &c.want, got)
			assert.Equal(t, 1, c.bank.calls, "never repeated, never redirected")
			assert.True(t, strings.HasSuffix(err.Error(), "(request "+got.RequestID+")"+c.text), err.Error())
			assert.Equal(t, len(c.want.Messages) > 0, got.Has(firstCode(c.want)))
			assert.False(t, got.Has("ANOTHER"))
		})
	}
}

func firstCode(e client.Error) xs2a.Code {
	if len(e.Messages) == 0 {
		return xs2a.FormatError
	}
	return e.Messages[0].Code
}

func TestAnswersThatCannotBeRead(t *testing.T) {
	t.Parallel()
	_, meta, err := setup(t, &bank{status: http.StatusOK, body: `{"consentStatus":5}`}).ConsentStatus(t.Context(), "c1")
	var wrongType *json.UnmarshalTypeError
	require.ErrorAs(t, err, &wrongType)
	assert.Equal(t, http.StatusOK, meta.Status)

	_, _, err = setup(t, &bank{status: http.StatusOK, body: strings.Repeat(" ", 1<<20+1)}).ConsentStatus(t.Context(), "c1")
	require.ErrorContains(t, err, "larger")

	_, meta, err = setup(t, &bank{status: http.StatusOK, body: `{`, header: map[string]string{"Content-Length": "5"}}).ConsentStatus(t.Context(), "c1")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.Equal(t, http.StatusOK, meta.Status)
}

type refusing struct{ err error }

func (r refusing) RoundTrip(*http.Request) (*http.Response, error) { return nil, r.err }

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	c, err := client.New("https://bank.example", client.WithHTTPClient(&http.Client{Transport: refusing{down}}))
	require.NoError(t, err)
	_, meta, err := c.Consent(t.Context(), "c1")
	require.ErrorIs(t, err, down)
	assert.Nil(t, meta)
	var answered *client.Error
	assert.NotErrorAs(t, err, &answered)
}

func TestNewRefusesBadAddresses(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "bank.example", "ftp://bank.example", "https://", "https://bank.example?a=b", "https://bank.example#x", "://"} {
		_, err := client.New(base)
		require.Error(t, err, base)
	}
}
