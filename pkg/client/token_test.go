package client_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// A token goes with every call of the client that bears it, and of no other one.
func TestTokens(t *testing.T) {
	t.Parallel()
	b := &bank{status: http.StatusOK, body: `{"consentStatus":"valid"}`}
	plain := setup(t, b)
	sent := func(c *client.Client, o ...client.CallOptions) []string {
		_, _, err := c.ConsentStatus(t.Context(), "c1", o...)
		require.NoError(t, err)
		return b.got.Header["Authorization"]
	}
	require.Empty(t, sent(plain))
	bearing := plain.Bearing("t1")
	require.Equal(t, []string{"Bearer t1"}, sent(bearing))
	require.Equal(t, []string{"Bearer t2"}, sent(bearing.Bearing("t2")))
	require.Equal(t, []string{"Bearer t1"}, sent(bearing), "unchanged")
	require.Empty(t, sent(plain), "unchanged")
	require.Empty(t, sent(bearing.Bearing("")))
	require.Equal(t, []string{"Bearer t3"}, sent(bearing, client.CallOptions{Header: http.Header{"Authorization": {"Bearer t3"}}}))

	all := setup(t, b, client.WithToken("t4"))
	require.Equal(t, []string{"Bearer t4"}, sent(all))
	_, _, err := all.Accounts(t.Context(), client.ReadOptions{ConsentID: "c1"})
	require.NoError(t, err)
	require.Equal(t, "Bearer t4", b.got.Header.Get("Authorization"))
}

// A refusal for the token tells its code, and nothing of the token.
func TestTokenRefused(t *testing.T) {
	t.Parallel()
	b := &bank{status: http.StatusUnauthorized, body: `{"tppMessages":[{"category":"ERROR","code":"TOKEN_EXPIRED","text":"the access token has expired"}]}`}
	_, meta, err := setup(t, b).Bearing("s3cret").Balances(t.Context(), "r1", client.ReadOptions{ConsentID: "c1"})
	refused, ok := errors.AsType[*client.Error](err)
	require.True(t, ok)
	require.True(t, refused.Has(xs2a.TokenExpired))
	require.Equal(t, http.StatusUnauthorized, meta.Status)
	require.NotContains(t, err.Error(), "s3cret")
}
