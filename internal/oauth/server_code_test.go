package oauth_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/oauth"
)

// TestCodeFlow goes from the browser to a token that opens something, and to its
// successor.
func TestCodeFlow(t *testing.T) {
	eachEngine(t, func(t *testing.T, b *bench) {
		got := b.tokens("lea", "scope", "aisp extended_transaction_history")
		require.Equal(t, []any{"Bearer", 600, "aisp extended_transaction_history"}, []any{got.Type, got.Expires, got.Scope})
		require.Len(t, got.Refresh, 99, "the library tells refresh tokens by their length")

		p, err := b.use(b.acme, got.Access)
		require.NoError(t, err)
		require.Equal(t, []any{"FR-ACPR:" + acmeOrg, "lea", "lea", thumbprintOf(b.acme)}, []any{p.TPP, p.PSUID, p.CustomerID, p.Certificate})
		require.Equal(t, []string{"aisp", "extended_transaction_history"}, p.Scopes)
		require.Equal(t, []time.Time{begin, begin.AddDate(0, 0, 180)}, []time.Time{p.IssuedAt, p.Until})

		c := b.get(p.Grant)
		require.Equal(t, []any{consent.Connection, consent.RailSTET, consent.Valid, "Acme Money"}, []any{c.Kind, c.Rail, c.Status, c.TPPName})
		require.Equal(t, []any{redirect, consent.RightAccounts | consent.RightLongHistory}, []any{c.RedirectURI, c.Access.Rights})

		b.advance(10 * time.Minute)
		_, err = b.use(b.acme, got.Access)
		require.Equal(t, consent.CodeTokenExpired, consent.CodeOf(err))
		again := b.call(b.acme, oauth.PathToken, byRefresh(got.Refresh))
		require.Equal(t, http.StatusOK, again.status, again.Text)
		require.Equal(t, []any{"aisp extended_transaction_history", "", 600}, []any{again.Scope, again.Refresh, again.Expires}, "the refresh token stays")
		_, err = b.use(b.acme, again.Access)
		require.NoError(t, err)
		_, err = b.use(b.acme, got.Access)
		require.Equal(t, consent.CodeTokenInvalid, consent.CodeOf(err), "one access token at a time")
	})
}
