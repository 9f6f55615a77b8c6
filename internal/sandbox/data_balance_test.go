package sandbox_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/service"
	"consentd/pkg/xs2a"
)

// Wherever the clock stands, everybody tells the same balance: the bank's interface,
// the funds check, the sandbox's calls and its pages. It moves by what is booked,
// and comes back with the clock.
func TestDataBalancesAgree(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.bank.Anchor = b.clock.Real
	s := serving(t, "lea", may("r2", all))
	s.data.Bank = b.bank
	told := func() string {
		balances := get[xs2a.BalancesResponse](s, "/v1/accounts/r2/balances").Balances
		amount := balances[0].BalanceAmount.Amount
		assert.Equal(t, amount, balances[1].BalanceAmount.Amount)
		var person struct{ Accounts []struct{ Balance string } }
		b.call(t, http.MethodGet, "/sandbox/psus/lea", "").json(t, &person)
		assert.Equal(t, amount, person.Accounts[1].Balance)
		for _, page := range []string{"/sandbox/psus", "/sandbox/psus/lea"} {
			assert.Contains(t, b.page(t, page).body, strings.Replace(amount, "-", "−", 1)+" EUR", page)
		}
		if !strings.HasPrefix(amount, "-") {
			there, err := b.bank.Available(t.Context(), "r2", service.Amount{Currency: "EUR", Value: amount})
			require.NoError(t, err)
			assert.True(t, there)
			there, err = b.bank.Available(t.Context(), "r2", service.Amount{Currency: "EUR", Value: amount + "1"})
			require.NoError(t, err)
			assert.False(t, there)
		}
		return amount
	}
	assert.Equal(t, "1250.00", told())
	seen := map[string]bool{}
	for _, by := range []time.Duration{26 * time.Hour, 5 * 24 * time.Hour, 300 * 24 * time.Hour, -700 * 24 * time.Hour, 90 * 24 * time.Hour} {
		require.NoError(t, b.clock.Advance(by))
		seen[told()] = true
	}
	assert.Len(t, seen, 5)
	b.clock.Reset()
	assert.Equal(t, "1250.00", told())
}
