package stet_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"consentd/internal/api/stet"
	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/tpp"
	"consentd/pkg/httpsig"
)

// A method that a path does not have comes before everything: token, caller, headers.
func TestMethods(t *testing.T) {
	t.Parallel()
	w := setup(t)
	worst := headers{"Authorization": "", "X-Test-TPP": "nobody", "X-Request-ID": "", "Accept": "text/html"}
	for path, right := range map[string]string{
		"/consents": http.MethodPut, "/accounts": http.MethodGet, "/accounts/r1/balances": http.MethodGet,
		"/accounts/r1/transactions": http.MethodGet, "/end-user-identity": http.MethodGet, "/trusted-beneficiaries": http.MethodGet,
	} {
		for _, method := range []string{
			http.MethodGet, http.MethodPut, http.MethodPost, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions, "LOCK",
		} {
			if method == right {
				continue
			}
			a := w.call(t, "lea", method, path, "", worst)
			require.Equal(t, http.StatusMethodNotAllowed, a.status, "%s %s", method, path)
			require.Equal(t, right, a.header.Get("Allow"), "%s %s", method, path)
			require.NoError(t, uuid.Validate(a.header.Get("X-Request-ID")))
			if method != http.MethodHead {
				require.Contains(t, a.fault(t, http.StatusMethodNotAllowed), "NIMP: ")
			}
		}
	}
	require.Empty(t, w.store.refused)
}

func TestPaths(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, path := range []string{"", "/", "/consent", "/consents/", "/consents/1", "/accounts/", "/accounts/r1", "/accounts//balances", "/accounts/r1/balances/", "/accounts/a/b/balances", "/accounts/r1/owners"} {
		a := w.get(t, "lea", path, headers{"Authorization": ""})
		require.Equal(t, "no such resource", a.fault(t, http.StatusNotFound), path)
		require.Equal(t, "call_no._1/a", a.header.Get("X-Request-ID"))
		require.Contains(t, a.body, `"path":"`+base+path+`"`)
	}
	long := w.get(t, "lea", "/"+strings.Repeat("x", 200))
	require.Contains(t, long.body, `"path":"`+base+"/"+strings.Repeat("x", 140-len(base)-1)+`"`)
}

func TestOwns(t *testing.T) {
	t.Parallel()
	h := &stet.Handler{Options: stet.DefaultOptions()}
	for path, owned := range map[string]bool{
		base: true, base + "/": true, base + "/accounts": true, base + "x": false, "/v1/consents": false, "/stet/psd2": false, "": false,
	} {
		require.Equal(t, owned, h.Owns(path), path)
	}
}

// Each step of the order refuses what all later ones would refuse as well.
func TestOrder(t *testing.T) {
	t.Parallel()
	w := setup(t, func(h *stet.Handler) { h.Signatures.Required = true })
	broken := headers{
		"X-Request-ID": "", "X-Test-TPP": "nobody", "Signature": "keyId=", "Digest": "SHA-256=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"Authorization": "", "Accept": "text/html", "Content-Type": "text/plain", "PSU-IP-Address": "here",
	}
	for _, step := range []struct {
		status int
		says   string
		mend   headers
	}{
		{400, "X-Request-ID: is required", headers{"X-Request-ID": "1"}},
		{401, "BE05: a client certificate is required", headers{"X-Test-TPP": "payer"}},
		{403, "the certificate has not the role PSP_AI", headers{"X-Test-TPP": ""}},
		{401, "Digest: ", headers{"Digest": digestOfX}},
		{401, "Authorization: must bring an access token", headers{"Authorization": "Bearer dead"}},
		{401, "Authorization: the access token is not known, or has ended", headers{"Authorization": "Bearer old"}},
		{401, "Authorization: the access token has expired", headers{"Authorization": "Bearer lea:cbpii,extended_transaction_history"}},
		{403, "BADS: the token has not the scope aisp", headers{"Authorization": "Bearer lea"}},
		{406, "Accept: only JSON is offered", headers{"Accept": ""}},
		{400, "PSU-IP-Address: must be an IP address, version 4 or 6, and be sent once (and 1 more)", headers{"PSU-IP-Address": "2001:db8::1"}},
		{400, "Content-Type: must be application/json", headers{"Content-Type": "application/json"}},
		{400, "body: must be JSON; it breaks at byte 1", nil},
	} {
		a := w.call(t, "lea", http.MethodPut, "/consents", "x", broken)
		require.Contains(t, a.fault(t, step.status), step.says)
		maps.Copy(broken, step.mend)
	}
	require.Contains(t, w.call(t, "lea", http.MethodPut, "/consents", "", headers{"Authorization": ""}).fault(t, 400), "must be signed",
		"without a signature before everything about the caller")
	require.Contains(t, w.call(t, "lea", http.MethodPut, "/consents", strings.Repeat(" ", edge.MaxBody)+"x", headers{"Signature": "keyId=", "Digest": digestOfX, "Accept": "text/html"}).fault(t, 406), "JSON")
	require.Contains(t, w.call(t, "lea", http.MethodPut, "/consents", strings.Repeat(" ", edge.MaxBody)+"x", headers{"Signature": "keyId=", "Digest": digestOfX}).fault(t, 400), "must not be larger than 65536 bytes")
}

var digestOfX = digestOf("x")

func digestOf(body string) string { return httpsig.Digest(httpsig.SHA256, []byte(body)) }

// X-Request-ID is any visible text, and comes back as it was sent.
func TestRequestIDs(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, id := range []string{"1", uuid.NewString(), strings.Repeat("x", 70), `!"#$%&'()*+,-./:;<=>?@[\]^_{|}~`} {
		a := w.get(t, "lea", "/accounts", headers{"X-Request-ID": id})
		require.Equal(t, http.StatusOK, a.status, id)
		require.Equal(t, id, a.header.Get("X-Request-ID"))
		require.Equal(t, id, w.get(t, "dead", "/accounts", headers{"X-Request-ID": id}).header.Get("X-Request-ID"))
		w.store.counts = nil
		w.store.counts = newStore().counts
	}
	for _, id := range []string{strings.Repeat("x", 71), "a b", "é", "a\tb"} {
		a := w.get(t, "lea", "/accounts", headers{"X-Request-ID": id})
		require.Equal(t, "X-Request-ID: must be 1 to 70 visible characters", a.fault(t, http.StatusBadRequest), id)
		require.NoError(t, uuid.Validate(a.header.Get("X-Request-ID")))
	}
	require.Contains(t, w.get(t, "lea", "/accounts", headers{"X-Request-ID": ""}).fault(t, http.StatusBadRequest), "X-Request-ID: is required")
	lax := setup(t, func(h *stet.Handler) { h.Options.RequireRequestID = false })
	require.Contains(t, lax.get(t, "lea", "/accounts", headers{"X-Request-ID": "a b"}).fault(t, http.StatusBadRequest), "visible")
}

// A bank may do without X-Request-ID; the description does not say so.
func TestWithoutRequestID(t *testing.T) {
	t.Parallel()
	w := setup(t, func(h *stet.Handler) { h.Options.RequireRequestID = false })
	w.http = http.DefaultClient
	a := w.get(t, "lea", "/accounts", headers{"X-Request-ID": ""})
	require.Equal(t, http.StatusOK, a.status, a.body)
	require.NoError(t, uuid.Validate(a.header.Get("X-Request-ID")))
}

func TestAccept(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for accept, taken := range map[string]bool{
		"": true, "*/*": true, "application/*": true, "application/json": true, "application/hal+json": true, "application/hal+json;charset=utf-8": true,
		"text/html, application/json;q=0.1": true, "text/html": false, "application/xml, text/*": false, "*/*;q=0": false, "application/json;q=0": false,
	} {
		for method, path := range map[string]string{http.MethodGet: "/end-user-identity", http.MethodPut: "/consents"} {
			a := w.call(t, "lea", method, path, "", headers{"Accept": accept})
			require.Equal(t, !taken, a.status == http.StatusNotAcceptable, "%s %q: %d", method, accept, a.status)
		}
	}
}

// The challenge says what is wrong with the token, and nothing where it is not that.
func TestChallenges(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for name, c := range map[string]struct {
		token  string
		change headers
		want   string
	}{
		"missing":     {"", headers{"Authorization": ""}, `Bearer realm="stet"`},
		"basic":       {"", headers{"Authorization": "Basic bGVh"}, `Bearer realm="stet"`},
		"dead":        {"dead", nil, `Bearer realm="stet", error="invalid_token"`},
		"old":         {"old", nil, `Bearer realm="stet", error="invalid_token"`},
		"scope":       {"lea:pisp", nil, `Bearer realm="stet", error="insufficient_scope", scope="aisp"`},
		"certificate": {"lea", headers{"X-Test-TPP": "nobody"}, ""},
	} {
		a := w.get(t, c.token, "/accounts", c.change)
		require.Equal(t, c.want, a.header.Get("WWW-Authenticate"), name)
		require.Equal(t, "application/hal+json;charset=utf-8", a.header.Get("Content-Type"), name)
		require.Equal(t, "no-store", a.header.Get("Cache-Control"), name)
	}
}

// The list of trusted beneficiaries is not offered, to whoever might ask for it.
func TestTrustedBeneficiaries(t *testing.T) {
	t.Parallel()
	w := setup(t)
	require.Contains(t, w.get(t, "lea", "/trusted-beneficiaries").fault(t, http.StatusNotImplemented), "NIMP: ")
	w.put(t, "lea", `{"trustedBeneficiaries":true,"balances":[{"iban":"`+ibanA1+`"}]}`)
	require.Contains(t, w.get(t, "lea", "/trusted-beneficiaries").fault(t, http.StatusNotImplemented), "NIMP: ")
	require.Contains(t, w.get(t, "lea:pisp", "/trusted-beneficiaries").fault(t, http.StatusForbidden), "BADS: ")
	require.Contains(t, w.get(t, "dead", "/trusted-beneficiaries").fault(t, http.StatusUnauthorized), "ended")
	require.Equal(t, ibanA1+"(balances)", w.list(t, "lea"))
	require.NotContains(t, w.log.String(), "request failed", "that is no fault of ours")
}

// What fails inside tells nobody why.
func TestInternalErrors(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.store.err = consent.E(consent.CodeInternal, "disk 7 is full")
	for _, a := range []answer{w.get(t, "lea", "/accounts"), w.call(t, "lea", http.MethodPut, "/consents", "{}")} {
		require.Equal(t, "INTE: internal error", a.fault(t, http.StatusInternalServerError))
		require.NotContains(t, a.body, "disk")
	}
	require.Contains(t, w.log.String(), "disk 7 is full")
	w.store.err, w.bank.err = nil, http.ErrHandlerTimeout
	for _, a := range []answer{w.get(t, "lea", "/accounts"), w.call(t, "lea", http.MethodPut, "/consents", document(ibanA1, "", false))} {
		require.Equal(t, "the bank cannot answer now", a.fault(t, http.StatusServiceUnavailable))
		require.Equal(t, "1", a.header.Get("Retry-After"))
	}
}

// A panic is an error like others, and its place is in the log.
func TestPanics(t *testing.T) {
	t.Parallel()
	w := setup(t, func(h *stet.Handler) { h.Callers = panics{} })
	require.Equal(t, "INTE: internal error", w.get(t, "lea", "/accounts").fault(t, http.StatusInternalServerError))
	require.NotContains(t, w.log.String(), "secret")
	require.Contains(t, w.log.String(), "protocol_test.go")
}

type panics struct{}

func (panics) Identify(*http.Request) (tpp.TPP, error) { panic("secret") }

// What Echo and its middleware say comes in the dialect's form.
func TestHTTPError(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for status, want := range map[int]int{404: 404, 405: 405, 413: 400, 415: 400, 408: 408, 503: 503, 418: 500} {
		rec := httptest.NewRecorder()
		c := echo.New().NewContext(httptest.NewRequest(http.MethodPut, base+"/consents", nil), rec)
		w.handler.HTTPError(echo.NewHTTPError(status), c)
		a := answer{status: rec.Code, header: rec.Header(), body: rec.Body.String()}
		require.NotEmpty(t, a.fault(t, want))
		require.NoError(t, uuid.Validate(a.header.Get("X-Request-ID")))
		w.handler.HTTPError(echo.NewHTTPError(status), c)
		require.Equal(t, a.body, rec.Body.String(), "an answer that was sent stays as it is")
	}
}
