package stet_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/api/stet"
	"consentd/internal/consent"
	"consentd/internal/service"
)

// there is what a TPP sends while the PSU is there, so that nothing is counted.
var there = headers{"PSU-IP-Address": "192.0.2.7"}

func TestListOfAccounts(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.put(t, "lea", document(ibanA1, ibanA2, false))
	a := w.get(t, "lea", "/accounts", there)
	require.Equal(t, "application/hal+json;charset=utf-8", a.header.Get("Content-Type"))
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	at := "https://bank.example" + base
	require.JSONEq(t, `{"accounts":[{
		"resourceId":"r1","accountId":{"iban":"`+ibanA1+`","currency":"EUR"},"name":"Compte courant","cashAccountType":"CACC","currency":"EUR",
		"balances":[{"name":"Booked balance","balanceAmount":{"currency":"EUR","amount":"-140.00"},"balanceType":"CLBD","referenceDate":"2026-05-03","lastCommittedTransaction":"20260503-001"}],
		"_links":{"balances":{"href":"`+at+`/accounts/r1/balances"}}
	},{
		"resourceId":"r2","accountId":{"iban":"`+ibanA2+`","currency":"EUR"},"name":"Payment account","cashAccountType":"CACC","currency":"EUR",
		"_links":{"transactions":{"href":"`+at+`/accounts/r2/transactions"}}
	}],"_links":{"self":{"href":"`+at+`/accounts"},"consents":{"href":"`+at+`/consents"}}}`, a.body)

	bare := w.get(t, "anna", "/accounts", there)
	require.JSONEq(t, `{"accounts":[
		{"accountId":{"iban":"DE40100100103307118608","currency":"EUR"},"name":"Girokonto","cashAccountType":"CACC","currency":"EUR","_links":{}},
		{"accountId":{"other":{"schemeName":"MPAN","identification":"525412******3241"},"currency":"EUR"},"name":"Card","cashAccountType":"CARD","currency":"EUR","_links":{}}
	],"_links":{"self":{"href":"`+at+`/accounts"},"consents":{"href":"`+at+`/consents"}}}`, bare.body)
	require.NotContains(t, bare.body, "SANDBOX", "nobody has consented to a name")
}

// An account that the bank has closed is shown no more, and has no balances.
func TestClosedAccounts(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.put(t, "lea", document(ibanA1+" "+ibanA2, "", false))
	delete(w.bank.balances, "r1")
	require.Contains(t, w.get(t, "lea", "/accounts/r1/balances", there).fault(t, http.StatusNotFound), "AC01")
	require.Equal(t, ibanA1+"(balances) "+ibanA2+"(balances)", w.list(t, "lea"))
	w.bank.accounts["lea"] = w.bank.accounts["lea"][1:]
	require.Equal(t, ibanA2+"(balances)", w.list(t, "lea"))
	w.bank.accounts["lea"] = nil
	require.Equal(t, http.StatusNoContent, w.get(t, "lea", "/accounts", there).status)
}

func TestNoAccounts(t *testing.T) {
	t.Parallel()
	w := setup(t)
	a := w.get(t, "noa", "/accounts", there)
	require.Equal(t, http.StatusNoContent, a.status)
	require.Empty(t, a.body)
	w = setup(t, func(h *stet.Handler) { h.Options.NoAccounts = stet.NotFound })
	require.Contains(t, w.get(t, "noa", "/accounts", there).fault(t, http.StatusNotFound), "NAAC: ")
	require.Empty(t, w.store.refused)
	require.Equal(t, "list: there is no account → NAAC", w.lines()[len(w.lines())-1])
}

// One's own account that is not granted is 403, any other 404, with and without a consent.
func TestOwnAndUnknownAccounts(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, before := range []string{"", document(ibanA2, "", true), document("", "", true), ""} {
		w.put(t, "lea", before)
		for path, want := range map[string]int{
			"/accounts/r1/balances": 403, "/accounts/r1/transactions": 403, "/accounts/r2/transactions": 403,
			"/accounts/r9/balances": 404, "/accounts/nope/transactions": 404, "/accounts/%2E%2E/balances": 404, "/accounts/%20/balances": 404,
		} {
			text := w.get(t, "lea", path, there).fault(t, want)
			require.Contains(t, text, map[int]string{403: "NGAC: the consent does not open this", 404: "AC01: there is no such account"}[want], path)
		}
	}
	w.put(t, "anna", `{"transactions":[{"other":{"identification":"c1","schemeName":"BANK"}}]}`)
	require.Equal(t, http.StatusOK, w.get(t, "anna", "/accounts/c1/transactions", there).status)
	require.Contains(t, w.get(t, "anna", "/accounts/c1/balances", there).fault(t, 403), "NGAC")
	require.Contains(t, w.get(t, "anna", "/accounts/d%2F1/balances", there).fault(t, 403), "NGAC")
	w.put(t, "anna", `{"balances":[{"other":{"identification":"c1","schemeName":"BANK"}},{"other":{"identification":"d/1","schemeName":"BANK"}}]}`)
	require.Equal(t, http.StatusNoContent, w.get(t, "anna", "/accounts/c1/balances", there).status, "the bank has no balance of the card")
	require.Equal(t, http.StatusOK, w.get(t, "anna", "/accounts/d%2F1/balances", there).status)
}

func TestBalances(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.put(t, "lea", document(ibanA1, ibanA1, false))
	at := "https://bank.example" + base
	require.JSONEq(t, `{"balances":[
		{"name":"Booked balance","balanceAmount":{"currency":"EUR","amount":"-140.00"},"balanceType":"CLBD","referenceDate":"2026-05-03","lastCommittedTransaction":"20260503-001"},
		{"name":"Available balance","balanceAmount":{"currency":"EUR","amount":"-140.00"},"balanceType":"XPCD"}
	],"_links":{"self":{"href":"`+at+`/accounts/r1/balances"},"parent-list":{"href":"`+at+`/accounts"},"transactions":{"href":"`+at+`/accounts/r1/transactions"}}}`,
		w.get(t, "lea", "/accounts/r1/balances", there).body)
}

func TestTransactions(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.put(t, "lea", document("", ibanA1+" "+ibanA2, false))
	at := "https://bank.example" + base + "/accounts"
	first := w.get(t, "lea", "/accounts/r1/transactions?dateFrom=2026-05-01&dateTo=2026-05-05&dateType=x", there)
	require.JSONEq(t, `{"transactions":[{
		"resourceId":"e1","transactionAmount":{"currency":"EUR","amount":"6.60"},"creditDebitIndicator":"DBIT","status":"PDNG","transactionDate":"2026-05-02",
		"bankTransactionCode":{"domain":"PMNT","family":"CCRD","subFamily":"POSD"},"relatedParties":{"creditor":{"name":"PHARMACIE"}},"remittanceInformation":["CARD"]
	},{
		"resourceId":"e2","entryReference":"20260502-001","transactionAmount":{"currency":"EUR","amount":"2219.67"},"creditDebitIndicator":"CRDT","status":"BOOK",
		"bookingDate":"2026-05-02","valueDate":"2026-05-02","relatedParties":{"debtor":{"name":"ATELIERS"},"debtorAccount":{"iban":"`+ibanB1+`"}},"remittanceInformation":[]
	}],"_links":{
		"self":{"href":"`+at+`/r1/transactions?dateFrom=2026-05-01&dateTo=2026-05-05"},"parent-list":{"href":"`+at+`"},
		"next":{"href":"`+at+`/r1/transactions?dateFrom=2026-05-01&dateTo=2026-05-05&page=2"}
	}}`, first.body)
	last := w.get(t, "lea", "/accounts/r1/transactions?dateFrom=2026-05-01&dateTo=2026-05-05&page=2", there)
	require.Contains(t, last.body, `"`+strings.Repeat("ü", 140)+`"`)
	require.NotContains(t, last.body, `"next"`)
	none := w.get(t, "lea", "/accounts/r2/transactions", there)
	require.Contains(t, none.body, `"transactions":[]`, "nothing moved")
	require.Contains(t, w.get(t, "lea", "/accounts/r1/transactions?page=7", there).fault(t, http.StatusBadRequest), "IPGN: there is no such page")
}

// The days that are asked for, and those that a token sees.
func TestPeriods(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.put(t, "lea", document("", ibanA1, false))
	date := func(month time.Month, day int) consent.Date { return consent.Date{Year: 2026, Month: month, Day: day} }
	for _, c := range []struct {
		token, query string
		want         []service.Span
	}{
		{"lea", "", []service.Span{{From: date(time.February, 3)}}},
		{"lea", "?dateFrom=2020-01-01&dateTo=2026-05-04", []service.Span{{From: date(time.February, 3), To: date(time.May, 4)}}},
		{"lea", "?dateFrom=2026-02-04", []service.Span{{From: date(time.February, 4)}}},
		{"lea", "?dateFrom=2025-01-01&dateTo=2026-02-03", nil},
		{"lea", "?dateFrom=2026-05-01&dateTo=2026-05-01", nil},
		{"lea:aisp,extended_transaction_history", "", []service.Span{{}}},
		{"lea:aisp,extended_transaction_history", "?dateFrom=2024-02-29", []service.Span{{From: consent.Date{Year: 2024, Month: time.February, Day: 29}}}},
	} {
		w.bank.asked = nil
		a := w.get(t, c.token, "/accounts/r1/transactions"+c.query, there)
		require.Equal(t, http.StatusOK, a.status, a.body)
		require.Equal(t, c.want, w.bank.asked, c.query)
	}
	w.http = http.DefaultClient // the description does not know these
	for query, want := range map[string]string{
		"?dateFrom=01.05.2026":                       "Query.dateFrom: must be a date, YYYY-MM-DD",
		"?dateTo=2026-02-30":                         "Query.dateTo: must be a date, YYYY-MM-DD",
		"?dateTo=2026-05-04T00:00:00Z":               "Query.dateTo: must be a date, YYYY-MM-DD",
		"?dateFrom=2026-05-01&dateFrom=2026-05-02":   "Query.dateFrom: must be there once",
		"?dateFrom=2026-05-02&dateTo=2026-05-01":     "Query.dateTo: must not be before dateFrom",
		"?page=1&page=2":                             "Query.page: must be there once",
		"?page=" + strings.Repeat("x", 141):          "IPGN: there is no such page",
		"?page=a%00b":                                "IPGN: there is no such page",
		"?dateFrom=x&dateTo=y&page=" + "%E2%80%AE12": "Query.dateFrom: must be a date, YYYY-MM-DD (and 2 more)",
	} {
		require.Equal(t, want, w.get(t, "lea", "/accounts/r1/transactions"+query).fault(t, http.StatusBadRequest), query)
	}
	require.Empty(t, w.store.counts, "what is malformed costs nothing")
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	w := setup(t)
	require.Contains(t, w.get(t, "lea", "/end-user-identity").fault(t, http.StatusForbidden), "NGAC")
	w.put(t, "lea", document(ibanA1, "", true))
	at := "https://bank.example" + base
	require.JSONEq(t, `{"connectedPsu":"LEA SANDBOXA","_links":{"self":{"href":"`+at+`/end-user-identity"},"parent-list":{"href":"`+at+`/accounts"}}}`,
		w.get(t, "lea", "/end-user-identity", there).body)
	w.put(t, "lea", document(ibanA1, "", false))
	require.Contains(t, w.get(t, "lea", "/end-user-identity").fault(t, http.StatusForbidden), "NGAC")
	w.put(t, "sarl", document("", "", true))
	require.Contains(t, w.get(t, "sarl", "/end-user-identity", there).body, `"connectedPsu":"SIREN 852126789"`)
}

// Reads without the PSU are counted by the day, for customer, TPP, account and
// operation; another document does not begin the count anew, and what is refused or
// forwarded is not counted.
func TestQuota(t *testing.T) {
	t.Parallel()
	w := setup(t)
	paths := []string{"/accounts", "/accounts/r1/balances", "/accounts/r1/transactions", "/end-user-identity"}
	w.put(t, "lea", document(ibanA1, ibanA1, true))
	for i := range 4 {
		w.put(t, "lea", document(ibanA1, ibanA1, true))
		require.Contains(t, w.get(t, "lea", "/accounts/r2/balances").fault(t, 403), "NGAC")
		for _, path := range paths {
			require.Equal(t, http.StatusOK, w.get(t, "lea", path).status, "%s, time %d", path, i)
		}
	}
	for _, path := range paths {
		a := w.get(t, "lea", path)
		require.Contains(t, a.fault(t, http.StatusTooManyRequests), "TMRQ: ", path)
		require.Equal(t, "49470", a.header.Get("Retry-After"), "until midnight")
		require.Equal(t, http.StatusOK, w.get(t, "lea", path, there).status, "the PSU is there")
		require.Equal(t, http.StatusBadRequest, w.get(t, "lea", path, headers{"PSU-IP-Address": "nowhere"}).status, "that says neither")
	}
	w.put(t, "lea", "")
	require.Contains(t, w.get(t, "lea", "/accounts").fault(t, http.StatusTooManyRequests), "TMRQ", "bare or not")
	require.Equal(t, http.StatusOK, w.get(t, "lea", "/accounts", headers{"X-Test-TPP": "beta"}).status, "another TPP")
	require.Equal(t, http.StatusOK, w.get(t, "enzo", "/accounts").status, "another customer")
	require.Equal(t, "too_often", w.store.refused[len(w.store.refused)-1].Reason)
}

// The further pages of a list are one read with the first.
func TestWalkCountsOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.put(t, "lea", document("", ibanA1, false))
	for range 4 {
		require.Equal(t, http.StatusOK, w.get(t, "lea", "/accounts/r1/transactions").status)
		require.Equal(t, http.StatusOK, w.get(t, "lea", "/accounts/r1/transactions?page=2&dateFrom=2026-02-03").status)
	}
	require.Equal(t, http.StatusTooManyRequests, w.get(t, "lea", "/accounts/r1/transactions").status)
	require.Equal(t, http.StatusOK, w.get(t, "lea", "/accounts/r1/transactions?page=2").status)
}

// A read whose consent is replaced while it looks sees the next one, whole.
func TestReplacedMeanwhile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, after, path string
		status              int
		has                 string
	}{
		"still granted":    {document(ibanA1, "", false), document(ibanA1, "", false), "/accounts/r1/balances", 200, "-140.00"},
		"granted by next":  {document(ibanA2, "", false), document(ibanA1, "", false), "/accounts/r1/balances", 200, "-140.00"},
		"revoked":          {document(ibanA1, "", false), "", "/accounts/r1/balances", 403, "NGAC"},
		"list of the next": {document(ibanA1, "", true), document(ibanA2, "", false), "/accounts", 200, `"resourceId":"r2"`},
		"bare":             {document(ibanA1, "", true), "", "/accounts", 200, `"name":"Payment account"`},
		"identity":         {document(ibanA1, "", false), document(ibanA1, "", true), "/end-user-identity", 200, "LEA SANDBOXA"},
		"no identity":      {document(ibanA1, "", true), document(ibanA1, "", false), "/end-user-identity", 403, "NGAC"},
	} {
		w := setup(t)
		w.put(t, "lea", c.before)
		w.store.between = func() { w.put(t, "lea", c.after) }
		a := w.get(t, "lea", c.path, there)
		require.Equal(t, c.status, a.status, name)
		require.Contains(t, a.body, c.has, name)
		if c.path == "/accounts" {
			require.NotContains(t, a.body, "endUserIdentity", name)
			require.NotContains(t, a.body, `"resourceId":"r1"`, name)
			require.True(t, json.Valid([]byte(a.body)))
		}
	}
}

// Where documents follow one another without end a read gives up, and says try again.
func TestReplacedForEver(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.put(t, "lea", document(ibanA1, "", false))
	var again func()
	again = func() {
		w.put(t, "lea", document(ibanA1, "", false))
		w.store.between = again
	}
	w.store.between = again
	a := w.get(t, "lea", "/accounts/r1/balances", there)
	require.Equal(t, "the bank cannot answer now", a.fault(t, http.StatusServiceUnavailable))
}

// A TPP that the bank has blocked reads nothing.
func TestBlocked(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.put(t, "lea", document(ibanA1, "", false))
	w.store.shut["acme"] = true
	require.Contains(t, w.get(t, "lea", "/accounts/r1/balances", there).fault(t, http.StatusUnauthorized), "BE05")
}
