package xs2a_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/api/xs2a"
	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/explain"
	"consentd/internal/service/access"
	"consentd/internal/tpp"
	"consentd/pkg/eidas"
	wire "consentd/pkg/xs2a"
)

const readConsent = "0198c2f4-0000-7000-8000-000000000001"

// read hands a request for account data to Admit. Its headers are right but for
// those given.
func (w *world) read(t *testing.T, method, target string, headers with) (*access.Decision, *edge.Refusal, []string) {
	t.Helper()
	ctx, notes := explain.Listen(t.Context())
	req := httptest.NewRequestWithContext(ctx, method, target, nil)
	all := with{"X-Request-ID": requestID, "Consent-ID": readConsent}
	maps.Copy(all, headers)
	for name, value := range all {
		if value != "-" {
			req.Header.Set(name, value)
		}
	}
	d, refusal := w.handler.Admit(req, w.sound)
	require.NotEqual(t, d == nil, refusal == nil, "one of them")
	return d, refusal, notes.Lines()
}

// refused is how a read is answered that is refused.
func (w *world) refused(t *testing.T, method, target string, headers with) *edge.Refusal {
	t.Helper()
	_, refusal, _ := w.read(t, method, target, headers)
	require.NotNil(t, refusal, target)
	return refusal
}

// messagesOf are the faults that a refusal tells, as "CODE path".
func messagesOf(t *testing.T, r *edge.Refusal) []string {
	t.Helper()
	return answer{body: string(r.Body)}.messages(t)
}

// named is how the list of a target without paging is named.
func named(target string) string {
	if strings.Contains(target, "?") {
		return target
	}
	return target + "?"
}

// All pages of a list have one name, whatever the order of their parameters; other
// lists have others.
func TestListsAreNamed(t *testing.T) {
	t.Parallel()
	const list = "/v1/accounts/r1/transactions?"
	names := map[string]bool{}
	for _, query := range []string{"a=1&b=2", "b=2&a=1", "a=1&page=7&b=2", "a=1&b=2&page=8%40x"} {
		w := newWorld()
		_, refusal, _ := w.read(t, http.MethodGet, list+query, nil)
		require.Nil(t, refusal)
		names[w.reads.asked[0].List] = true
	}
	require.Len(t, names, 1)
	for _, query := range []string{"a=1", "a=2&b=2", "a=1&b=2&c=3", "a=1&a=1&b=2"} {
		w := newWorld()
		_, refusal, _ := w.read(t, http.MethodGet, list+query, nil)
		require.Nil(t, refusal)
		require.NotContains(t, names, w.reads.asked[0].List, query)
	}
}

// Each path is a question, whatever the interface lies below.
func TestReadsAreQuestions(t *testing.T) {
	t.Parallel()
	ask := func(op consent.Operation, ids ...string) access.Question {
		q := access.Question{TPP: "demo", Rail: consent.RailXS2A, Consent: uuid.MustParse(readConsent), Operation: op}
		if len(ids) > 0 {
			q.Account = ids[0]
		}
		return q
	}
	long := strings.Repeat("ü", 100)
	asked := map[consent.Operation]bool{}
	for target, want := range map[string]access.Question{
		"/v1/accounts":                                   ask(consent.OpAccounts),
		"/v1/accounts?withBalance=true":                  ask(consent.OpAccounts),
		"/v1/accounts/r1":                                ask(consent.OpAccount, "r1"),
		"/v1/accounts/r1/balances":                       ask(consent.OpBalances, "r1"),
		"/v1/accounts/r1/transactions?bookingStatus=all": ask(consent.OpTransactions, "r1"),
		"/v1/accounts/r1/transactions/t1":                ask(consent.OpTransaction, "r1"),
		"/v1/accounts/a%2Fb/transactions/c%2Fd%20%C3%BC": ask(consent.OpTransaction, "a/b"),
		"/v1/accounts/a%252Fb":                           ask(consent.OpAccount, "a%2Fb"),
		"/v1/accounts/a+b":                               ask(consent.OpAccount, "a+b"),
		"/v1/accounts/...":                               ask(consent.OpAccount, "..."),
		"/v1/accounts/balances":                          ask(consent.OpAccount, "balances"),
		"/v1/accounts/" + long:                           ask(consent.OpAccount, long),
		"/v1/card-accounts":                              ask(consent.OpCardAccounts),
		"/v1/card-accounts/c1":                           ask(consent.OpCardAccount, "c1"),
		"/v1/card-accounts/c1/balances":                  ask(consent.OpCardBalances, "c1"),
		"/v1/card-accounts/c1/transactions":              ask(consent.OpCardTransactions, "c1"),
		"/v1/trusted-beneficiaries":                      ask(consent.OpTrustedBeneficiaries),
	} {
		for _, base := range []string{"", "/psd2"} {
			w := newWorld()
			w.handler.Options.BasePath = base
			w.reads.decision = access.Decision{Customer: "lea"}
			d, refusal, _ := w.read(t, http.MethodGet, base+target, nil)
			require.Nil(t, refusal, target)
			require.Equal(t, "lea", d.Customer)
			if want.Operation.Paged() {
				want.List = named(base + target)
			}
			require.Equal(t, []access.Question{want}, w.reads.asked, target)
			require.Empty(t, w.store.refused)
		}
		asked[want.Operation] = true
	}
	require.Len(t, asked, len(consent.Operations()), "all there are")
}

// What is no path of account data leads nowhere, not even to a certificate.
func TestReadsOfNothing(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.handler.Options.BasePath = "/psd2"
	w.handler.Callers = panicking{"nobody is to be asked"}
	for _, target := range []string{
		"/", "/v1", "/v1/", "/v1/accounts/", "/v1/accounts//balances", "/v1//accounts", "/v1/accounts/r1/", "/v1/accounts/r1/balances/",
		"/v1/accounts/r1/transactions/", "/v1/accounts/r1/transactions/t1/x", "/v1/accounts/r1/owner", "/v1/Accounts", "/v1/%61ccounts",
		"/v1/accounts%2Fr1", "/v1/card-accounts/c1/transactions/t1", "/v1/trusted-beneficiaries/b1", "/v2/accounts", "/v1/consents",
		"/v1/accounts/%00", "/v1/accounts/%20", "/v1/accounts/a%0Ab", "/v1/accounts/%FF", "/v1/accounts/" + strings.Repeat("x", 101),
		// Whoever serves the data could take these for other paths than were judged.
		"/v1/accounts/..", "/v1/accounts/%2E%2E/balances", "/v1/accounts/./balances", "/v1/accounts/r1/transactions/..",
		"/v1/accounts/r1/transactions/..%2F..%2Fr2%2Fbalances", "/v1/accounts/r1/transactions/x%2F..%2F..", "/v1/accounts/r1/transactions/..%5C..%5Cr2",
	} {
		refusal := w.refused(t, http.MethodGet, "/psd2"+target, nil)
		require.Equal(t, http.StatusNotFound, refusal.Status, target)
		require.Equal(t, []string{"RESOURCE_UNKNOWN"}, messagesOf(t, refusal))
	}
	for _, target := range []string{"/v1/accounts", "/psd2x/v1/accounts", "/psd2v1/accounts", "/x/psd2/v1/accounts"} {
		require.Equal(t, http.StatusNotFound, w.refused(t, http.MethodGet, target, nil).Status, target)
	}
	require.Empty(t, w.store.refused)
}

func TestReadsAreGETs(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for _, target := range []string{
		"/v1/accounts", "/v1/accounts/r1", "/v1/accounts/r1/balances", "/v1/accounts/r1/transactions", "/v1/accounts/r1/transactions/t1",
		"/v1/card-accounts", "/v1/card-accounts/c1", "/v1/card-accounts/c1/balances", "/v1/card-accounts/c1/transactions", "/v1/trusted-beneficiaries",
	} {
		for _, method := range []string{http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, "get"} {
			refusal := w.refused(t, method, target, with{"Accept": "text/html"})
			require.Equal(t, http.StatusMethodNotAllowed, refusal.Status, method+target)
			require.Equal(t, "GET", refusal.Header.Get("Allow"))
			require.Equal(t, "SERVICE_INVALID", refusal.Code)
		}
	}
	require.Empty(t, w.reads.asked)
}

// Each case mends what the one before was refused for.
func TestOrderOfChecksOfReads(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.handler.Signatures.Required = true
	w.reads.err = &access.Denial{Err: consent.E(consent.CodeTooOften, "no more today"), Reason: "4 of 4"}
	sum := sha256.Sum256(nil)
	right := "SHA-256=" + base64.StdEncoding.EncodeToString(sum[:])
	headers := with{"Accept": "text/html", "X-Request-ID": "no", "Consent-ID": "-", "PSU-IP-Address": "no", "PSU-IP-Port": "0"}
	callers := func(c caller) func() { return func() { w.handler.Callers = c } }
	method, target := http.MethodPost, "/v1/account"
	for _, step := range []struct {
		mend   func()
		status int
		want   []string
	}{
		{callers(caller{err: consent.E(consent.CodeCertificateMissing, "none")}), http.StatusNotFound, []string{"RESOURCE_UNKNOWN"}},
		{func() { target = "/v1/accounts" }, http.StatusMethodNotAllowed, []string{"SERVICE_INVALID"}},
		{func() { method = http.MethodGet }, http.StatusNotAcceptable, []string{"REQUESTED_FORMATS_INVALID Header.Accept"}},
		{func() { headers["Accept"] = "application/json" }, http.StatusUnauthorized, []string{"CERTIFICATE_MISSING"}},
		{callers(caller{TPP: tpp.TPP{ID: "pays", Roles: []eidas.Role{eidas.RolePI}}}), http.StatusUnauthorized, []string{"SIGNATURE_MISSING Header.Signature"}},
		{func() { headers["Signature"] = "x" }, http.StatusBadRequest, []string{"FORMAT_ERROR Header.Digest"}},
		{func() { headers["Digest"] = "SHA-256=AAAA" }, http.StatusUnauthorized, []string{"CERTIFICATE_MISSING Header.TPP-Signature-Certificate"}},
		{func() { headers["TPP-Signature-Certificate"] = "TUlJ" }, http.StatusUnauthorized, []string{"SIGNATURE_INVALID Header.Digest"}},
		{func() { headers["Digest"] = right }, http.StatusUnauthorized, []string{"ROLE_INVALID"}},
		{callers(caller{TPP: tpp.TPP{ID: "informs", Roles: []eidas.Role{eidas.RoleAI}}}), http.StatusBadRequest, []string{
			"FORMAT_ERROR Header.X-Request-ID", "FORMAT_ERROR Header.Consent-ID", "FORMAT_ERROR Header.PSU-IP-Address", "FORMAT_ERROR Header.PSU-IP-Port",
		}},
		{func() { headers["Consent-ID"] = "DE89" }, http.StatusBadRequest, []string{
			"FORMAT_ERROR Header.X-Request-ID", "FORMAT_ERROR Header.PSU-IP-Address", "FORMAT_ERROR Header.PSU-IP-Port",
		}},
		{func() {
			headers["X-Request-ID"], headers["PSU-IP-Address"], headers["PSU-IP-Port"] = requestID, "192.0.2.7", "443"
		}, http.StatusBadRequest, []string{"CONSENT_UNKNOWN Header.Consent-ID"}},
		{func() { headers["Consent-ID"] = readConsent }, http.StatusTooManyRequests, []string{"ACCESS_EXCEEDED"}},
	} {
		step.mend()
		require.Empty(t, w.reads.asked)
		refusal := w.refused(t, method, target, headers)
		require.Equal(t, step.want, messagesOf(t, refusal))
		require.Equal(t, step.status, refusal.Status)
		code, path, _ := strings.Cut(step.want[0], " ")
		require.Equal(t, []string{code, path}, []string{refusal.Code, refusal.Path}, "the first fault")
		require.NotEmpty(t, refusal.Text)
	}
	require.Len(t, w.reads.asked, 1)
}

// What of the headers is asked for, and what they say.
func TestHeadersOfReads(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for consentID, want := range map[string]string{
		" ": "FORMAT_ERROR Header.Consent-ID", "": "FORMAT_ERROR Header.Consent-ID", "x\x01": "FORMAT_ERROR Header.Consent-ID",
		strings.ToUpper(readConsent): "CONSENT_UNKNOWN Header.Consent-ID", "{" + readConsent + "}": "CONSENT_UNKNOWN Header.Consent-ID",
		strings.ReplaceAll(readConsent, "-", ""): "CONSENT_UNKNOWN Header.Consent-ID", "../..": "CONSENT_UNKNOWN Header.Consent-ID",
	} {
		refusal := w.refused(t, http.MethodGet, "/v1/accounts", with{"Consent-ID": consentID})
		require.Equal(t, []string{want}, messagesOf(t, refusal), "%q", consentID)
		require.Equal(t, http.StatusBadRequest, refusal.Status)
	}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/accounts", nil)
	req.Header = http.Header{"X-Request-Id": {requestID}, "Consent-Id": {readConsent, readConsent}, "Psu-Ip-Address": {"192.0.2.7", "192.0.2.7"}}
	_, refusal := w.handler.Admit(req, nil)
	require.Equal(t, []string{"FORMAT_ERROR Header.Consent-ID", "FORMAT_ERROR Header.PSU-IP-Address"}, messagesOf(t, refusal))
	require.Empty(t, w.reads.asked)

	// What other operations take is not looked at.
	d, _, _ := w.read(t, http.MethodGet, "/v1/accounts", with{
		"TPP-Redirect-URI": "no", "PSU-ID": strings.Repeat("x", 51), "TPP-Redirect-Preferred": "no", "Content-Type": "text/plain",
	})
	require.NotNil(t, d)
}

// PSU-IP-Address says that the PSU is there; a parameter of the bank's paging, that
// a list goes on.
func TestAttendedAndFollowing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		target              string
		address             string
		attended, following bool
	}{
		{"/v1/accounts", "-", false, false},
		{"/v1/accounts", "192.0.2.7", true, false},
		{"/v1/accounts", "2001:db8::1", true, false},
		{"/v1/accounts?page=2", "-", false, true},
		{"/v1/accounts?x=1&cursor=abc", "192.0.2.7", true, true},
		{"/v1/accounts?pages=2&Page=3&x=page", "-", false, false},
		{"/v1/accounts/r1/transactions?dateFrom=2026-01-01&page=2", "-", false, true},
		{"/v1/card-accounts/r1/transactions?page=2", "-", false, true},
		{"/v1/card-accounts?page=2", "-", false, true},
		{"/v1/trusted-beneficiaries?page=2", "-", false, true},
		{"/v1/accounts?page=", "-", false, false},
		{"/v1/accounts?page", "-", false, false},
		{"/v1/accounts?page=%zz", "-", false, false},
		{"/v1/accounts/r1/balances?page=2", "-", false, true}, // package access knows what has pages
	} {
		w := newWorld()
		w.handler.Options.PageParameters = []string{"page", "cursor"}
		_, refusal, _ := w.read(t, http.MethodGet, c.target, with{"PSU-IP-Address": c.address})
		require.Nil(t, refusal)
		require.Equal(t, c.attended, w.reads.asked[0].Attended, c)
		require.Equal(t, c.following, w.reads.asked[0].Following, c)
	}
	require.Equal(t, []string{"page"}, xs2a.DefaultOptions().PageParameters)
}

// Each denial has its status and code, in the form that the TPP prefers, and those
// that matter are written down.
func TestDenials(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code    consent.Code
		status  int
		want    string
		written bool
	}{
		{consent.CodeReferenceUnknown, http.StatusBadRequest, "CONSENT_UNKNOWN", true},
		{consent.CodeCertificateBlocked, http.StatusUnauthorized, "CERTIFICATE_BLOCKED", true},
		{consent.CodeNotUsable, http.StatusUnauthorized, "CONSENT_INVALID", true},
		{consent.CodeExpired, http.StatusUnauthorized, "CONSENT_EXPIRED", true},
		{consent.CodeBlocked, http.StatusForbidden, "SERVICE_BLOCKED", true},
		{consent.CodeAccountUnknown, http.StatusNotFound, "RESOURCE_UNKNOWN", true},
		{consent.CodeTooOften, http.StatusTooManyRequests, "ACCESS_EXCEEDED", true},
		{consent.CodeUnavailable, http.StatusServiceUnavailable, "", false},
	} {
		w := newWorld()
		denial := &access.Denial{Err: consent.At(c.code, "Header.X", "what the TPP may know"), Reason: "what the bank may know"}
		w.reads.err = denial
		refusal := w.refused(t, http.MethodGet, "/v1/accounts/r1/balances", nil)
		require.Equal(t, c.status, refusal.Status, c.code)
		require.Equal(t, []string{c.want, "Header.X", "what the TPP may know"}, []string{refusal.Code, refusal.Path, refusal.Text})
		require.Equal(t, requestID, refusal.Header.Get("X-Request-ID"))
		require.Equal(t, "no-store", refusal.Header.Get("Cache-Control"))
		require.NotContains(t, string(refusal.Body), "the bank may know")
		problem := w.refused(t, http.MethodGet, "/v1/accounts/r1/balances", with{"Accept": "application/problem+json"})
		require.Equal(t, c.status, problem.Status)
		if c.want == "" {
			require.Empty(t, refusal.Body)
			require.Equal(t, "1", refusal.Header.Get("Retry-After"))
			require.NotContains(t, refusal.Header, "Content-Type")
		} else {
			require.Equal(t, "application/json", refusal.Header.Get("Content-Type"))
			require.Equal(t, []string{c.want + " Header.X"}, messagesOf(t, refusal))
			require.Equal(t, "application/problem+json", problem.Header.Get("Content-Type"))
			var p wire.Problem
			require.NoError(t, json.Unmarshal(problem.Body, &p))
			require.Equal(t, wire.Code(c.want), p.Code)
		}
		worded := w.handler.RefusalOf(denial, []string{"application/problem+json"})
		require.NotContains(t, worded.Header, "X-Request-Id")
		worded.Header.Set("X-Request-ID", requestID)
		require.Equal(t, problem, worded, "worded alike for whoever asks in other words")

		require.Equal(t, c.written, len(w.store.refused) == 2, c.code)
		if c.written {
			e := w.store.refused[0]
			require.Equal(t, "GET /v1/accounts/:accountId/balances", e.Operation)
			require.Equal(t, string(c.code), e.Reason)
			require.Equal(t, []string{"demo", requestID}, []string{e.Who, e.RequestID})
		}
	}
}

// An id that is missing or malformed is answered with a fresh one.
func TestRequestIDOfReads(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for sent, kept := range map[string]bool{"-": false, "no": false, requestID: true, strings.ReplaceAll(requestID, "-", ""): true} {
		answered := w.refused(t, http.MethodPost, "/v1/accounts", with{"X-Request-ID": sent}).Header.Get("X-Request-ID")
		require.Equal(t, kept, answered == sent, sent)
		require.True(t, edge.IsRequestID(answered))
	}
}

// What is our own fault is logged, and nothing of it is told.
func TestOwnFaultsOfReads(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		status int
	}{
		{errors.New("pq: a secret"), http.StatusInternalServerError},
		{consent.E(consent.CodeInternal, "a secret"), http.StatusInternalServerError},
		{fmt.Errorf("a secret: %w", context.DeadlineExceeded), http.StatusServiceUnavailable},
	} {
		w := newWorld()
		w.reads.err = c.err
		_, refusal, notes := w.read(t, http.MethodGet, "/v1/accounts", nil)
		assert.Equal(t, c.status, refusal.Status)
		assert.Empty(t, refusal.Body)
		assert.NotContains(t, refusal.Text, "secret")
		assert.NotContains(t, strings.Join(notes, "\n"), "secret")
		assert.Contains(t, w.log.String(), "a secret")
		assert.Contains(t, w.log.String(), requestID)
		assert.Empty(t, w.store.refused)
	}
	w := newWorld()
	refusal := w.handler.RefusalOf(consent.E(consent.CodeNotFound, "the store's own words"), nil)
	require.Equal(t, "the consent is not known to this TPP", refusal.Text)
}

// The program itself serves no account data outside of the sandbox.
func TestAccountsAreTheBanks(t *testing.T) {
	t.Parallel()
	w := setup(t)
	a := w.send(t, http.MethodGet, "/v1/accounts", "", with{"Consent-ID": readConsent})
	require.Equal(t, http.StatusNotFound, a.status)
	require.Empty(t, w.reads.asked)
}
