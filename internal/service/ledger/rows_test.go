package ledger_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service/ledger"
)

// TestVerifyRows holds rows against the entries that tell of them, and has what
// somebody with the key has written.
func TestVerifyRows(t *testing.T) {
	keys, err := secret.New(secret.NewMaster())
	require.NoError(t, err)
	step := func(from, to, operation string) consent.Entry {
		return consent.Entry{From: from, To: to, Operation: operation}
	}
	made, again := step("", "known", ledger.Step("", "a")), step("known", "blocked", ledger.Step("a", "b"))
	const changed = "the row had been changed since the entry before, or was not there"
	for name, x := range map[string]struct {
		is      ledger.Row
		entries []consent.Entry
		want    []string
	}{
		"made":                        {is: ledger.Row{State: "known", Print: "a"}, entries: []consent.Entry{made}},
		"made and changed":            {is: ledger.Row{State: "blocked", Print: "b"}, entries: []consent.Entry{made, again}},
		"on the stop list no longer":  {is: ledger.Row{Print: "a"}, entries: []consent.Entry{step("", "", ledger.Step("", "a"))}},
		"no row":                      {entries: []consent.Entry{made}, want: []string{"c: the row that it tells of is not there"}},
		"no row, by an entry of none": {entries: []consent.Entry{step("", "", "")}, want: []string{"c: the row that it tells of is not there"}},
		"another row in that state": {
			is: ledger.Row{State: "known", Print: "b"}, entries: []consent.Entry{made}, want: []string{"c: the row is not as the last entry left it"},
		},
		"a row in another state": {
			is: ledger.Row{State: "blocked", Print: "b"}, entries: []consent.Entry{made},
			want: []string{`c: ends as "known", and the row says "blocked"`, "c: the row is not as the last entry left it"},
		},
		"a row as it was before": {
			is: ledger.Row{State: "known", Print: "a"}, entries: []consent.Entry{made, again},
			want: []string{`c: ends as "blocked", and the row says "known"`, "c: the row is not as the last entry left it"},
		},
		"edited and changed": {
			is: ledger.Row{State: "blocked", Print: "b"}, entries: []consent.Entry{made, step("known", "blocked", ledger.Step("x", "b"))},
			want: []string{"c, entry 2: " + changed},
		},
		"from elsewhere": {
			is: ledger.Row{State: "blocked", Print: "b"}, entries: []consent.Entry{made, step("blocked", "blocked", ledger.Step("a", "b"))},
			want: []string{`c, entry 2: "blocked" cannot follow as "blocked"`},
		},
		"removed and made anew": {
			is: ledger.Row{State: "known", Print: "a"}, entries: []consent.Entry{made, made},
			want: []string{`c, entry 2: "" cannot follow as "known"`, "c, entry 2: " + changed},
		},
		"older than the audit": {
			is: ledger.Row{State: "blocked", Print: "b"}, entries: []consent.Entry{again},
			want: []string{`c, entry 1: "known" cannot follow as "blocked"`, "c, entry 1: " + changed},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for n := 1; n < 3; n++ {
				c := signedAs(keys, "c", x.entries...)
				c.Row = &x.is
				l := &ledger.Ledger{Keys: keys, Store: chains{list: pieces(c, n)}}
				var got []string
				_, err := l.Verify(t.Context(), func(f ledger.Fault) { got = append(got, f.String()) })
				require.NoError(t, err)
				require.Equal(t, x.want, got, "pieces of %d", n)
			}
		})
	}
}
