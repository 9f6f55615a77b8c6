package xs2a_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/access"
)

// A query that can be read as two pages is none: who serves the data could take the
// one that was not judged.
func TestAmbiguousPaging(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"page=2&page=3":            "FORMAT_ERROR Query.page",
		"page=2&page=2":            "FORMAT_ERROR Query.page",
		"page=2&page=":             "FORMAT_ERROR Query.page",
		"page=&page":               "FORMAT_ERROR Query.page",
		"p%61ge=2&page=1":          "FORMAT_ERROR Query.page",
		"page=2&cursor=x":          "FORMAT_ERROR Query.cursor",
		"cursor=x&page=":           "FORMAT_ERROR Query.cursor",
		"page=2&cursor=x&cursor=y": "FORMAT_ERROR Query.cursor",
	} {
		w := newWorld()
		w.handler.Options.PageParameters = []string{"page", "cursor"}
		refusal := w.refused(t, http.MethodGet, "/v1/accounts/r1/transactions?"+query, nil)
		require.Equal(t, http.StatusBadRequest, refusal.Status, query)
		require.Equal(t, []string{want}, messagesOf(t, refusal), query)
		require.Equal(t, "must be there once", refusal.Text)
		refusal = w.refused(t, http.MethodGet, "/v1/accounts?"+query, with{"PSU-IP-Address": "no"})
		require.Equal(t, []string{"FORMAT_ERROR Header.PSU-IP-Address", want}, messagesOf(t, refusal), "with the faults of headers")
		require.Empty(t, w.reads.asked)
		require.Empty(t, w.store.refused)
	}
}

// Who has the data judges the query after the headers and before the decision.
func TestSoundness(t *testing.T) {
	t.Parallel()
	w := newWorld()
	var heard []consent.Operation
	var wrong error = consent.Faults{consent.At(consent.CodeFormat, "Query.dateFrom", "is required"), consent.At(consent.CodeNotSupported, "Query.deltaList", "is not supported")}
	w.sound = func(op consent.Operation) error {
		heard = append(heard, op)
		return wrong
	}
	w.reads.err = &access.Denial{Err: consent.E(consent.CodeTooOften, "no more today"), Reason: "4 of 4"}
	const target = "/v1/accounts/r1/transactions"
	w.refused(t, http.MethodGet, target, with{"Consent-ID": "-"})
	w.refused(t, http.MethodGet, target, with{"Accept": "application/xml"})
	require.Empty(t, heard)

	refusal := w.refused(t, http.MethodGet, target, nil)
	require.Equal(t, http.StatusBadRequest, refusal.Status)
	require.Equal(t, []string{"FORMAT_ERROR Query.dateFrom", "PARAMETER_NOT_SUPPORTED Query.deltaList"}, messagesOf(t, refusal))
	require.Equal(t, requestID, refusal.Header.Get("X-Request-ID"))
	problem := w.refused(t, http.MethodGet, target, with{"Accept": "application/problem+json"})
	require.Equal(t, "application/problem+json", problem.Header.Get("Content-Type"))
	require.Equal(t, []consent.Operation{consent.OpTransactions, consent.OpTransactions}, heard)
	require.Empty(t, w.reads.asked, "nothing is counted")
	require.Empty(t, w.store.refused)

	wrong = nil
	require.Equal(t, http.StatusTooManyRequests, w.refused(t, http.MethodGet, target, nil).Status)
	require.Len(t, w.reads.asked, 1)
}

// A bank may offer lists of transactions in other formats, which only it knows.
func TestFormatsOfTransactions(t *testing.T) {
	t.Parallel()
	lists := []string{"/v1/accounts/r1/transactions", "/v1/card-accounts/r1/transactions"}
	for _, accept := range []string{"application/xml", "text/plain", "application/vnd.bank.camt.053+xml;q=0.5", "application/json"} {
		w := newWorld()
		for _, target := range lists {
			d, _, _ := w.read(t, http.MethodGet, target, with{"Accept": accept})
			require.NotNil(t, d, accept)
		}
		refusal := w.refused(t, http.MethodGet, lists[0], with{"Accept": accept, "Consent-ID": "-"})
		require.Equal(t, "application/json", refusal.Header.Get("Content-Type"))
	}
	for _, target := range []string{"/v1/accounts", "/v1/accounts/r1", "/v1/accounts/r1/balances", "/v1/accounts/r1/transactions/t1", "/v1/card-accounts/c1/balances", "/v1/trusted-beneficiaries"} {
		w := newWorld()
		require.Equal(t, http.StatusNotAcceptable, w.refused(t, http.MethodGet, target, with{"Accept": "application/xml"}).Status, target)
	}
	w := newWorld()
	w.sound = func(consent.Operation) error { return nil }
	for _, target := range lists {
		require.Equal(t, http.StatusNotAcceptable, w.refused(t, http.MethodGet, target, with{"Accept": "application/xml"}).Status, "who has the data has JSON")
	}
}

// Retry-After says when the quota allows more, rounded up, where that is known. Other
// reasons for 429 say nothing.
func TestWhenToRetry(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for wait, want := range map[time.Duration]string{
		8*time.Hour + 30*time.Minute: "30600", 1500 * time.Millisecond: "2", 2 * time.Second: "2", time.Microsecond: "1", 0: "1", -time.Minute: "1",
	} {
		w.reads.err = fmt.Errorf("balances: %w", &access.Denial{Err: consent.E(consent.CodeTooOften, "no more today"), Reason: "4 of 4", Until: w.clock.Add(wait)})
		for _, accept := range []string{"application/json", "application/problem+json"} {
			refusal := w.refused(t, http.MethodGet, "/v1/accounts", with{"Accept": accept})
			require.Equal(t, http.StatusTooManyRequests, refusal.Status)
			require.Equal(t, []string{want}, refusal.Header.Values("Retry-After"), wait)
		}
	}
	for _, err := range []error{&access.Denial{Err: consent.E(consent.CodeTooOften, "used"), Reason: "read once before"}, consent.E(consent.CodeTooOften, "no more")} {
		w.reads.err = err
		refusal := w.refused(t, http.MethodGet, "/v1/accounts", nil)
		require.Equal(t, http.StatusTooManyRequests, refusal.Status)
		require.NotContains(t, refusal.Header, "Retry-After")
	}
}
