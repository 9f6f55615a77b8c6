package stet_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
)

const (
	bareLea = ibanA1 + "(bare) " + ibanA2 + "(bare)"
	both    = "(balances,transactions)"
)

// A forwarded document takes the place of the former one, whole, for one PSU and TPP.
func TestReplacement(t *testing.T) {
	t.Parallel()
	w := setup(t)
	require.Equal(t, bareLea, w.list(t, "lea"), "before any")
	w.put(t, "lea", document(ibanA1, ibanA1, false))
	require.Equal(t, ibanA1+both, w.list(t, "lea"))
	w.put(t, "lea", document(ibanA2, ibanA2, false))
	require.Equal(t, ibanA2+both, w.list(t, "lea"), "replaced, not merged")
	w.put(t, "lea", document(ibanA1, ibanA2, false))
	require.Equal(t, ibanA1+"(balances) "+ibanA2+"(transactions)", w.list(t, "lea"))
	w.put(t, "enzo", document("", "", false))
	w.put(t, "lea", document(ibanA2, "", true), headers{"X-Test-TPP": "beta"})
	require.Equal(t, ibanA1+"(balances) "+ibanA2+"(transactions)", w.list(t, "lea"), "another PSU's and another TPP's are apart")
	require.Equal(t, ibanA2+"(balances) +endUserIdentity", w.list(t, "lea", headers{"X-Test-TPP": "beta"}))
	w.put(t, "lea", document("", "", true))
	require.Equal(t, bareLea+" +endUserIdentity", w.list(t, "lea"), "identity alone")
	w.put(t, "lea", document("", "", false))
	require.Equal(t, bareLea, w.list(t, "lea"))
	w.put(t, "lea", document(ibanA1, "", false))
	require.Equal(t, ibanA1+"(balances)", w.list(t, "lea"), "after a revocation")
}

// What grants nothing revokes all, however it is said.
func TestNothingIsGranted(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"", "{}", `{"balances":[],"transactions":[]}`, `{"balances":null,"transactions":null,"trustedBeneficiaries":null,"psuIdentity":null}`,
		`{"trustedBeneficiaries":true}`, `{"owners":[{"iban":"` + ibanA1 + `"}],"overdrafts":"x"}`,
	} {
		w := setup(t)
		w.put(t, "lea", document(ibanA1, ibanA1, true))
		w.put(t, "lea", body)
		require.Equal(t, bareLea, w.list(t, "lea"), "%q", body)
		require.Contains(t, w.get(t, "lea", "/accounts/r1/balances").fault(t, http.StatusForbidden), "NGAC")
	}
}

// Blanks are no document, and no way to say nothing: what stands is not taken back.
func TestBlanksAreNoDocument(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.put(t, "lea", document(ibanA1, "", false))
	w.http = http.DefaultClient // the description does not know these
	for _, body := range []string{" ", "\n", "\r\n", "\t ", " \u00a0"} {
		a := w.call(t, "lea", http.MethodPut, "/consents", body)
		require.Regexp(t, `^body: must be JSON; it breaks at byte \d+$`, a.fault(t, http.StatusBadRequest), "%q", body)
		a = w.call(t, "lea", http.MethodPut, "/consents", body, headers{"Content-Type": ""})
		require.Equal(t, "Content-Type: must be application/json", a.fault(t, http.StatusBadRequest), "%q", body)
	}
	require.Equal(t, ibanA1+"(balances)", w.list(t, "lea"))
	w.put(t, "lea", " {}\n")
	require.Equal(t, bareLea, w.list(t, "lea"), "blanks around a document are nothing")
}

// The answer tells nothing: there is no id to refer to.
func TestCreated(t *testing.T) {
	t.Parallel()
	w := setup(t)
	a := w.call(t, "lea", http.MethodPut, "/consents", document(ibanA1, "", false))
	require.Equal(t, http.StatusCreated, a.status)
	require.Empty(t, a.body)
	require.Equal(t, "0", a.header.Get("Content-Length"))
	require.Empty(t, a.header.Get("Location"))
	require.Empty(t, a.header.Get("Content-Type"))
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	require.Equal(t, "call_no._1/a", a.header.Get("X-Request-ID"))
}

// An account may be named otherwise than by its IBAN.
func TestOtherReferences(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ token, ref, want string }{
		"resourceId":              {"lea", `{"other":{"identification":"r2","schemeName":"BANK","issuer":"CEPAFRPP751"}}`, ibanA2 + "(balances)"},
		"resourceId and currency": {"lea", `{"other":{"identification":"r2","schemeName":"BANK"},"currency":"EUR"}`, ibanA2 + "(balances)"},
		"iban and currency":       {"lea", `{"iban":"` + ibanA1 + `","currency":"EUR"}`, ibanA1 + "(balances)"},
		"masked card":             {"anna", `{"iban":null,"other":{"identification":"525412******3241","schemeName":"MPAN"}}`, "(balances)"},
		"card":                    {"anna", `{"other":{"identification":"5254120000003241","schemeName":"CPAN","issuer":null},"currency":null}`, "(balances)"},
	} {
		w := setup(t)
		w.put(t, c.token, `{"balances":[`+c.ref+`]}`)
		require.Equal(t, c.want, w.list(t, c.token), name)
	}
}

// Unknown and foreign accounts are refused alike, and the former consent stands.
func TestUnknownAccounts(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.put(t, "lea", document(ibanA1, "", false))
	var said []string
	for _, ref := range []string{
		`{"iban":"` + ibanB1 + `"}`, `{"iban":"FR7600000000000000000000000"}`, `{"iban":"` + ibanA1 + `","currency":"USD"}`,
		`{"other":{"identification":"r9","schemeName":"BANK"}}`, `{"other":{"identification":"r1","schemeName":"BANK"},"currency":"USD"}`,
		`{"other":{"identification":"r1","schemeName":"WORD"}}`,
	} {
		a := w.call(t, "lea", http.MethodPut, "/consents", `{"transactions":[{"iban":"`+ibanA1+`"},`+ref+`]}`)
		said = append(said, a.fault(t, http.StatusBadRequest))
		require.Equal(t, "application/json", a.header.Get("Content-Type"))
		require.NotContains(t, a.body, "FR76")
	}
	for _, text := range said {
		require.Equal(t, "AC01: transactions[1]: names no account of the PSU", text)
	}
	require.Equal(t, ibanA1+"(balances)", w.list(t, "lea"))
	require.Len(t, w.store.refused, len(said), "each is written down")
	require.Equal(t, "account_unknown", w.store.refused[0].Reason)
	require.Equal(t, "PUT /consents", w.store.refused[0].Operation)
}

// A consent that the bank has suspended is not gone around by another one.
func TestSuspended(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.put(t, "lea", document(ibanA1, "", true))
	require.NoError(t, w.store.edit(func(c *consent.Consent) error { return c.Suspend(consent.ReasonBank, w.clock) }))
	for _, path := range []string{"/accounts", "/accounts/r1/balances", "/end-user-identity"} {
		require.Contains(t, w.get(t, "lea", path).fault(t, http.StatusForbidden), "NGAC: the bank has suspended", path)
	}
	require.Contains(t, w.call(t, "lea", http.MethodPut, "/consents", "").fault(t, http.StatusForbidden), "suspended")
}
