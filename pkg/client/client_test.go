package client_test

import (
	"context"
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
	// A connection pool of its own: closing a test server empties the shared one.
	own := &http.Transport{}
	t.Cleanup(own.CloseIdleConnections)
	c, err := client.New(server.URL+"/xs2a/", append([]client.Option{client.WithHTTPClient(&http.Client{Transport: own})}, opts...)...)
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

// Every call goes where the standard has it; ids cannot lead elsewhere.
func TestPaths(t *testing.T) {
	t.Parallel()
	b := &bank{status: http.StatusOK, body: `{}`}
	c := setup(t, b)
	ctx := t.Context()
	for want, call := range map[string]func() error{
		"GET /v1/consents/c%2F1":                func() error { _, _, err := c.Consent(ctx, "c/1"); return err },
		"GET /v1/consents/c1/status":            func() error { _, _, err := c.ConsentStatus(ctx, "c1"); return err },
		"GET /v1/consents/c1/authorisations":    func() error { _, _, err := c.Authorisations(ctx, "c1"); return err },
		"GET /v1/consents/c1/authorisations/a1": func() error { _, _, err := c.AuthorisationStatus(ctx, "c1", "a1"); return err },
		"PUT /v1/consents/c1/authorisations/a%3F1": func() error {
			_, _, err := c.UpdateAuthorisation(ctx, "c1", "a?1", client.Identification(), client.UpdateOptions{})
			return err
		},
		"GET /v2/consents/confirmation-of-funds/c%2F1":                func() error { _, _, err := c.FundsConsent(ctx, "c/1"); return err },
		"GET /v2/consents/confirmation-of-funds/c1/status":            func() error { _, _, err := c.FundsConsentStatus(ctx, "c1"); return err },
		"GET /v2/consents/confirmation-of-funds/c1/authorisations":    func() error { _, _, err := c.FundsAuthorisations(ctx, "c1"); return err },
		"GET /v2/consents/confirmation-of-funds/c1/authorisations/a1": func() error { _, _, err := c.FundsAuthorisationStatus(ctx, "c1", "a1"); return err },
		"PUT /v2/consents/confirmation-of-funds/c1/authorisations/a%2F1": func() error {
			_, _, err := c.UpdateFundsAuthorisation(ctx, "c1", "a/1", client.Identification(), client.UpdateOptions{})
			return err
		},
		"POST /v1/funds-confirmations": func() error {
			_, _, err := c.ConfirmFunds(ctx, xs2a.FundsConfirmationRequest{}, client.ConfirmOptions{})
			return err
		},
	} {
		require.NoError(t, call())
		method, path, _ := strings.Cut(want, " ")
		assert.Equal(t, method+" /xs2a"+path, b.got.Method+" "+b.got.URL.EscapedPath())
		assert.Equal(t, method == http.MethodGet, b.got.Header.Get("Content-Type") == "", want)
	}
	b.status = http.StatusCreated
	for want, call := range map[string]func() error{
		"/v1/consents": func() error {
			_, _, err := c.CreateConsent(ctx, xs2a.ConsentsRequest{}, client.CreateOptions{})
			return err
		},
		"/v1/consents/c1/authorisations": func() error { _, _, err := c.StartAuthorisation(ctx, "c1", client.StartOptions{}); return err },
		"/v2/consents/confirmation-of-funds": func() error {
			_, _, err := c.CreateFundsConsent(ctx, xs2a.FundsConsentRequest{}, client.CreateOptions{})
			return err
		},
		"/v2/consents/confirmation-of-funds/c1/authorisations": func() error { _, _, err := c.StartFundsAuthorisation(ctx, "c1", client.StartOptions{}); return err },
	} {
		require.NoError(t, call())
		assert.Equal(t, "POST /xs2a"+want, b.got.Method+" "+b.got.URL.EscapedPath())
	}
}

func TestDeletes(t *testing.T) {
	t.Parallel()
	b := &bank{status: http.StatusNoContent}
	c := setup(t, b)
	for want, end := range map[string]func(context.Context, string, ...client.CallOptions) (*client.Meta, error){
		"DELETE /xs2a/v1/consents/c1":                       c.DeleteConsent,
		"DELETE /xs2a/v2/consents/confirmation-of-funds/c1": c.DeleteFundsConsent,
	} {
		meta, err := end(t.Context(), "c1", client.CallOptions{RequestID: "r1", PSUIPAddress: "192.0.2.7"})
		require.NoError(t, err)
		assert.Equal(t, http.StatusNoContent, meta.Status)
		assert.Equal(t, want, b.got.Method+" "+b.got.URL.Path)
		assert.Equal(t, "r1", b.got.Header.Get("X-Request-ID"))
		assert.Equal(t, "192.0.2.7", b.got.Header.Get("PSU-IP-Address"))
		assert.Empty(t, b.gotBody)
	}
}

// What a start says, to either kind of consent.
func TestStartSendsEverything(t *testing.T) {
	t.Parallel()
	b := &bank{status: http.StatusCreated, body: `{"scaStatus":"psuAuthenticated","authorisationId":"a1","scaMethods":[{"authenticationType":"SMS_OTP","authenticationMethodId":"m1"}]}`}
	c := setup(t, b)
	yes := true
	for _, start := range []func(context.Context, string, client.StartOptions) (*xs2a.StartAuthorisationResponse, *client.Meta, error){
		c.StartAuthorisation, c.StartFundsAuthorisation,
	} {
		started, _, err := start(t.Context(), "c1", client.StartOptions{
			RequestID: "r1", PSUIPAddress: "192.0.2.7", PSUID: "anna", PSUCorporateID: "852126789", PSULanguage: "de",
			RedirectPreferred: &yes, DecoupledPreferred: &yes, Password: "sandbox",
			Header: http.Header{"Psu-Device-Id": {"99435c7e-ad88-49ec-a2ad-99ddcb1f5555"}},
		})
		require.NoError(t, err)
		assert.Equal(t, []xs2a.AuthenticationObject{{AuthenticationType: xs2a.SMSOTP, AuthenticationMethodID: "m1"}}, started.ScaMethods)
		assert.JSONEq(t, `{"psuData":{"password":"sandbox"}}`, b.gotBody)
		assertHeaders(t, b, map[string]string{
			"X-Request-ID": "r1", "PSU-IP-Address": "192.0.2.7", "PSU-ID": "anna", "PSU-Corporate-ID": "852126789", "PSU-Accept-Language": "de",
			"TPP-Redirect-Preferred": "true", "TPP-Decoupled-Preferred": "true", "PSU-Device-ID": "99435c7e-ad88-49ec-a2ad-99ddcb1f5555",
		})
	}
}

// Each kind of update holds its one member, whichever consent it is for.
func TestUpdates(t *testing.T) {
	t.Parallel()
	b := &bank{status: http.StatusOK, body: `{"scaStatus":"started","chosenScaMethod":{"authenticationType":"SMS_OTP","authenticationMethodId":"m1"},"challengeData":{"otpMaxLength":6}}`}
	c := setup(t, b)
	for want, body := range map[string]xs2a.UpdateRequest{
		`{}`:                                 client.Identification(),
		`{"psuData":{"password":"sandbox"}}`: client.Password("sandbox"),
		`{"authenticationMethodId":"m1"}`:    client.Method("m1"),
		`{"scaAuthenticationData":"123456"}`: client.Answer("123456"),
		`{"confirmationCode":"2f77"}`:        client.Confirmation("2f77"),
	} {
		for _, update := range []func(context.Context, string, string, xs2a.UpdateRequest, client.UpdateOptions) (*xs2a.UpdateResponse, *client.Meta, error){
			c.UpdateAuthorisation, c.UpdateFundsAuthorisation,
		} {
			updated, _, err := update(t.Context(), "c1", "a1", body, client.UpdateOptions{
				RequestID: "r1", PSUIPAddress: "192.0.2.7", PSUID: "anna", PSUCorporateID: "852126789", PSULanguage: "de",
				Header: http.Header{"Psu-Id-Type": {"login"}},
			})
			require.NoError(t, err)
			assert.Equal(t, 6, updated.ChallengeData.OTPMaxLength)
			assert.JSONEq(t, want, b.gotBody)
			assertHeaders(t, b, map[string]string{
				"X-Request-ID": "r1", "PSU-IP-Address": "192.0.2.7", "PSU-ID": "anna", "PSU-Corporate-ID": "852126789", "PSU-Accept-Language": "de", "PSU-ID-Type": "login",
			})
		}
	}
}

func TestFundsCallsSendEverything(t *testing.T) {
	t.Parallel()
	b := &bank{status: http.StatusCreated, body: `{"consentStatus":"received","consentId":"c1","scaStatus":"received"}`}
	c := setup(t, b)
	account := xs2a.AccountReference{IBAN: "FR7617515000920400430518020"}
	created, _, err := c.CreateFundsConsent(t.Context(), xs2a.FundsConsentRequest{Account: account, CardExpiryDate: "2027-01-31"},
		client.CreateOptions{RequestID: "r1", RedirectURI: "https://tpp.example/ok", ExplicitAuthorisation: true, PSUID: "lea"})
	require.NoError(t, err)
	assert.Equal(t, xs2a.ScaReceived, created.ScaStatus)
	assert.JSONEq(t, `{"account":{"iban":"FR7617515000920400430518020"},"cardExpiryDate":"2027-01-31"}`, b.gotBody)
	assertHeaders(t, b, map[string]string{
		"X-Request-ID": "r1", "TPP-Redirect-URI": "https://tpp.example/ok", "TPP-Explicit-Authorisation-Preferred": "true", "PSU-ID": "lea",
	})

	b.status, b.body = http.StatusOK, `{"fundsAvailable":true}`
	answer, _, err := c.ConfirmFunds(t.Context(), xs2a.FundsConfirmationRequest{Account: account, InstructedAmount: xs2a.Amount{Currency: "EUR", Amount: "12.50"}},
		client.ConfirmOptions{RequestID: "r2", ConsentID: "c1", Header: http.Header{"Authorization": {"Bearer t"}}})
	require.NoError(t, err)
	assert.True(t, answer.FundsAvailable)
	assert.JSONEq(t, `{"account":{"iban":"FR7617515000920400430518020"},"instructedAmount":{"currency":"EUR","amount":"12.50"}}`, b.gotBody)
	assertHeaders(t, b, map[string]string{"X-Request-ID": "r2", "Consent-ID": "c1", "Authorization": "Bearer t"})
}

// assertHeaders says what was sent, besides what every call has.
func assertHeaders(t *testing.T, b *bank, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for name := range b.got.Header {
		switch name {
		case "Accept", "Accept-Encoding", "Content-Length", "Content-Type", "User-Agent":
		default:
			got[name] = b.got.Header.Get(name)
		}
	}
	canonical := map[string]string{}
	for name, value := range want {
		canonical[http.CanonicalHeaderKey(name)] = value
	}
	assert.Equal(t, canonical, got)
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

	_, meta, err = setup(t, &bank{status: http.StatusOK, body: `{`, header: map[string]string{"Content-Length": "5"}}, client.WithRetry(client.Retry{})).ConsentStatus(t.Context(), "c1")
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
