package xs2a

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/edge"
)

// fuzzed is a handler for what needs no store.
func fuzzed() *Handler {
	return &Handler{
		Policy:  consent.DefaultPolicy(),
		Now:     func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) },
		Options: DefaultOptions(),
	}
}

// checkFaults holds what every refusal must be: placed, worded, and known to the
// one table.
func checkFaults(t *testing.T, faults consent.Faults) {
	t.Helper()
	for _, f := range faults {
		require.NotEmpty(t, f.Path)
		require.NotEmpty(t, f.Text)
		require.True(t, utf8.ValidString(f.Path+f.Text))
		require.Equal(t, http.StatusBadRequest, messages[f.Code].status)
	}
}

// FuzzBody: nothing panics; what is refused says where; what is accepted is shown
// by GET as it was asked for, so that asking for what is shown gives the same.
func FuzzBody(f *testing.F) {
	for _, access := range []string{
		`{}`, `null`, `[]`, `{"balances":[]}`, `{"allPsd2":"allAccountsWithOwnerName","restrictedTo":["CACC"]}`,
		`{"availableAccounts":"allAccounts"}`, `{"availableAccountsWithBalance":"allAccounts"}`,
		`{"accounts":[{"iban":"FR7617515000920400430518020","currency":"EUR"}],"transactions":[{"bban":"1"},{"pan":"2"},{"maskedPan":"3"},{"msisdn":"4"},{"other":{"identification":"5","issuer":"6"}}]}`,
		`{"balances":[{"iban":"DE40100100103307118608"}],"additionalInformation":{"ownerName":[{"iban":"DE40100100103307118608"}]}}`,
		`{"accounts":[],"additionalInformation":{"trustedBeneficiaries":[]}}`,
		`{"accounts":[{}],"balances":[1,null,"x"]}`,
	} {
		f.Add([]byte(`{"access":` + access + `,"recurringIndicator":true,"validUntil":"2026-04-01","frequencyPerDay":4}`))
	}
	for _, body := range []string{
		``, `{`, `{}`, `{"a":1,"a":2}`, `{"access":{},"recurringIndicator":"true","validUntil":1,"frequencyPerDay":"4","combinedServiceIndicator":true}`,
		`{"access":{"balances":[]},"recurringIndicator":false,"validUntil":"9999-12-31","frequencyPerDay":1}`, "\xff", `[[[[[[[[[[[[[[[[[[`,
	} {
		f.Add([]byte(body))
	}
	h := fuzzed()
	f.Fuzz(func(t *testing.T, body []byte) {
		d, faults := h.draft(body)
		checkFaults(t, faults)
		if len(faults) > 0 {
			return
		}
		require.NotEmpty(t, d.Access.Scope)
		require.NotZero(t, d.Access.AllRights())
		shown, err := json.Marshal(wireAccess(d.Access))
		require.NoError(t, err)
		again, faults := h.draft([]byte(`{"access":` + string(shown) + `,"recurringIndicator":true,"validUntil":"2026-04-01","frequencyPerDay":4}`))
		require.Empty(t, faults)
		shownAgain, err := json.Marshal(wireAccess(again.Access))
		require.NoError(t, err)
		require.JSONEq(t, string(shown), string(shownAgain))
		require.Equal(t, d.Access.Scope, again.Access.Scope)
		require.ElementsMatch(t, d.Access.Asked, again.Access.Asked)
	})
}

// FuzzHeaders: nothing panics; what is refused says which header; a redirect URI
// that is accepted is one that Go and a browser read alike.
func FuzzHeaders(f *testing.F) {
	for i, r := range rules {
		for _, v := range []string{
			"", "true", "x", "::1", "1.2.3.4", "https://tpp.example/cb?a=b", "http://localhost:1/", "app:x", "https://a@b/#c", "status=SCA, LAST",
			"GEO:52.506931;13.144558", "65535", "GET", "99391c7e-ad88-49ec-a2ad-99ddcb1f7721", "\xff", strings.Repeat("x", 501), r.name,
		} {
			f.Add(uint8(i), v, false)
		}
	}
	o := DefaultOptions()
	f.Fuzz(func(t *testing.T, which uint8, value string, twice bool) {
		r := rules[int(which)%len(rules)]
		header := http.Header{r.key: {value}}
		if twice {
			header.Add(r.key, value)
		}
		for _, at := range []place{onCreate, onStart, onRead} {
			faults := checkHeaders(o, header, at)
			checkFaults(t, faults)
			for _, fault := range faults {
				require.Truef(t, strings.HasPrefix(fault.Path, "Header."), "%s", fault.Path)
			}
		}
		_ = wishOf(header)
		_ = acceptable([]string{value})
		_ = edge.IsJSON([]string{value})
		if checkRedirectURI(o, value) == "" && r.max == 500 {
			u, err := url.Parse(value)
			require.NoError(t, err)
			require.NotEmpty(t, u.Hostname())
			require.Nil(t, u.User)
			require.NotContains(t, value, "#")
			addr, _ := netip.ParseAddr(u.Hostname())
			require.True(t, u.Scheme == "https" || addr.IsLoopback() || strings.EqualFold(u.Hostname(), "localhost"))
			_, err = consent.ParseRedirectURI(value, o.AppSchemes)
			require.NoError(t, err, "the pages follow it")
		}
	})
}

// BenchmarkChecks is what the dialect itself adds to a read.
func BenchmarkChecks(b *testing.B) {
	header := http.Header{edge.KeyRequestID: {"99391c7e-ad88-49ec-a2ad-99ddcb1f7721"}, "Accept": {"application/json"}, "Psu-Ip-Address": {"192.0.2.7"}}
	o := DefaultOptions()
	b.ReportAllocs()
	for b.Loop() {
		if !acceptable(header["Accept"]) || len(checkHeaders(o, header, onRead)) > 0 {
			b.Fatal("refused")
		}
	}
}
