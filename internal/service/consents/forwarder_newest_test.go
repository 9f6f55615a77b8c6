package consents_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/consents"
)

// TestForwardByAnOlderConnection: a token of an older connection does not take back
// what a newer authentication has dated anew.
func TestForwardByAnOlderConnection(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		older, _ := b.connected(t, "ceo", "firm")
		b.now.Add(int64(100 * 24 * time.Hour / time.Second))
		newer, _ := b.connected(t, "ceo", "firm")
		forwarder := consents.Forwarder{Store: b.db, Accounts: &toyBank{}, Identities: b.db, Policy: consent.DefaultPolicy(), Now: b.Now}
		c, err := forwarder.Forward(t.Context(), caller(), consents.Giver{
			PSU: older.GivenBy, Customer: older.Customer, CustomerID: "firm", Connection: older.ID, SCA: older.LastSCA, Until: older.EndsAt, IssuedAt: b.Now(),
		}, consents.Document{Rights: consent.RightIdentity})
		require.NoError(t, err)
		require.Equal(t, []any{newer.ID, newer.LastSCA, newer.EndsAt}, []any{c.Connection, c.LastSCA, c.EndsAt})

		require.NoError(t, b.db.UpdateFree(t.Context(), newer.ID, func(c *consent.Consent) error { return c.Withdraw(b.Now()) }))
		ended, err := b.db.Get(t.Context(), c.ID)
		require.NoError(t, err)
		require.Equal(t, consent.Revoked, ended.Status, "it rests on that one now")
		require.NotEqual(t, uuid.Nil, ended.Connection)
	})
}
