package xs2a

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzUpdate: nothing panics; what is refused says where; what is accepted is
// one wish.
func FuzzUpdate(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `null`, `[]`, `{"psuData":{"password":"x"}}`, `{"psuData":{"encryptedPassword":"x"}}`, `{"authenticationMethodId":"m"}`,
		`{"scaAuthenticationData":"1"}`, `{"confirmationCode":"1"}`, `{"confirmationCode":"1","psuData":{}}`, `{"psuData":null}`, "\xff",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		u, faults := readUpdate(body)
		checkFaults(t, faults)
		if len(faults) > 0 {
			return
		}
		held := 0
		for kind, s := range map[updateKind]string{updatePassword: u.password, updateMethod: u.method, updateData: u.data, updateConfirmation: u.code} {
			if s != "" {
				held++
				require.Equal(t, kind, u.kind)
			}
		}
		require.Equal(t, u.kind != updateIdentification, held == 1)
	})
}

// FuzzFunds: nothing panics; what is refused says where; what is accepted names
// an account and money.
func FuzzFunds(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `{"account":{"iban":"FR7617515000920400430518020"}}`, `{"account":{"pan":"1"},"cardExpiryDate":"2027-01-31","cardNumber":"1"}`,
		`{"account":{"bban":"1"},"instructedAmount":{"currency":"EUR","amount":"12.50"},"payee":"x"}`,
		`{"account":{"msisdn":"1"},"instructedAmount":{"currency":"EUR","amount":"-0.0"}}`,
	} {
		f.Add([]byte(body))
	}
	h := fuzzed()
	f.Fuzz(func(t *testing.T, body []byte) {
		d, faults := h.fundsDraft(body)
		checkFaults(t, faults)
		if len(faults) == 0 {
			require.Len(t, d.Access.Asked, 1)
			require.NotZero(t, d.Access.Asked[0].Reference)
		}
		q, faults := h.fundsQuestion(body)
		checkFaults(t, faults)
		if len(faults) == 0 {
			require.NotZero(t, q.account)
			value, err := strconv.ParseFloat(q.amount.Value, 64)
			require.NoError(t, err)
			require.Positive(t, value)
		}
	})
}
