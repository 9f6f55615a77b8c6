package stet

import (
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
)

// Whatever is sent is read without harm: a document has as many accounts as it may, each
// named and with a right, and what is wrong is a 400 that names a place.
func FuzzDocument(f *testing.F) {
	for _, body := range []string{
		`{}`, `{"balances":[{"iban":"` + iban + `"}],"transactions":null,"psuIdentity":true}`,
		`{"balances":[{"iban":null,"other":{"identification":"r1","schemeName":"BANK"}}]}`,
		`{"transactions":[{"other":{"identification":"5254","schemeName":"CPAN","issuer":"B"},"currency":"EUR"}]}`,
		`{"psuIdentity":"true"}`, `{"balances":{}}`, `[`, `{"a":1,"a":2}`,
	} {
		f.Add([]byte(body))
	}
	h := &Handler{Options: DefaultOptions()}
	f.Fuzz(func(t *testing.T, body []byte) {
		d, faults := h.document(body)
		for _, x := range faults {
			require.Equal(t, consent.CodeFormat, x.Code)
			require.NotEmpty(t, x.Path)
			require.NotEmpty(t, x.Text)
		}
		if len(faults) > 0 {
			return
		}
		require.LessOrEqual(t, len(d.Asked), maxReferences)
		for _, x := range d.Asked {
			require.NotEqual(t, consent.Reference{}, x.Reference)
			require.NotZero(t, x.Rights&(consent.RightBalances|consent.RightTransactions))
			require.NotEmpty(t, x.Path)
		}
	})
}
