package consents_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/consents"
)

// Resolve knows each customer's first account by its IBAN.
func (b *toyBank) Resolve(_ context.Context, customer string, ref consent.Reference) ([]service.Account, error) {
	if ref.IBAN != "DE00"+customer {
		return nil, nil
	}
	return []service.Account{{ID: customer + "-1", Reference: ref}}, nil
}

// connected makes a connection of a PSU with a TPP, and what that has forwarded by it.
func (b *bundle) connected(t *testing.T, psu, customer string) (connection, forwarded *consent.Consent) {
	t.Helper()
	psuID, err := b.db.PSU(t.Context(), psu)
	require.NoError(t, err)
	customerID, err := b.db.Customer(t.Context(), customer)
	require.NoError(t, err)
	id, err := uuid.NewV7()
	require.NoError(t, err)
	connection, err = consent.DefaultPolicy().Connect(id, consent.Draft{
		Kind: consent.Connection, Rail: consent.RailSTET, TPP: "A", TPPName: "The TPP", Access: consent.Access{Rights: consent.RightAccounts},
	}, psuID, customerID, caller().Cause(), b.Now())
	require.NoError(t, err)
	require.NoError(t, b.db.Create(t.Context(), connection, nil))
	forwarder := consents.Forwarder{Store: b.db, Accounts: &toyBank{}, Identities: b.db, Policy: consent.DefaultPolicy(), Now: b.Now}
	asked := consent.Asked{Reference: consent.Reference{IBAN: "DE00" + customer}, Rights: consent.RightBalances}
	forwarded, err = forwarder.Forward(t.Context(), caller(), consents.Giver{
		PSU: psuID, Customer: customerID, CustomerID: customer, Connection: connection.ID, SCA: connection.LastSCA, Until: connection.EndsAt, IssuedAt: b.Now(),
	}, consents.Document{Asked: []consents.Named{{Asked: asked, Path: "balances[0]"}}, Rights: consent.RightIdentity})
	require.NoError(t, err)
	return connection, forwarded
}

// TestListOfConnections: connections are listed like all else, and what was forwarded
// by them too, with whoever has given them.
func TestListOfConnections(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		desk := b.desk(&toyBank{})
		connection, forwarded := b.connected(t, "ceo", "firm")
		both := []uuid.UUID{forwarded.ID, connection.ID}
		for name, x := range map[string]struct {
			filter consents.Filter
			want   []uuid.UUID
		}{
			"of who has given them":        {consents.Filter{PSU: "ceo"}, both},
			"of who acts for the customer": {consents.Filter{PSU: "cfo"}, both},
			"of somebody else":             {consents.Filter{PSU: "lea"}, []uuid.UUID{}},
			"of the TPP":                   {consents.Filter{PSU: "ceo", TPP: "A", Status: consent.Valid}, both},
			"of another TPP":               {consents.Filter{PSU: "ceo", TPP: "B"}, []uuid.UUID{}},
			"by account":                   {consents.Filter{Account: "firm-1"}, []uuid.UUID{forwarded.ID}},
			"by account of a PSU's":        {consents.Filter{PSU: "ceo", Account: "firm-1"}, []uuid.UUID{forwarded.ID}},
		} {
			require.Equal(t, x.want, listed(t, desk, x.filter), name)
		}
		s, err := desk.Get(t.Context(), forwarded.ID)
		require.NoError(t, err)
		require.Equal(t, []any{"ceo", "firm", connection.ID}, []any{s.BankIDs[s.GivenBy], s.BankIDs[s.Customer], s.Connection})
	})
}

// TestRevokeConnected ends a TPP's access at the bank: by whichever of the two the PSU
// ends, the other ends with it, for the same reason. Other PSUs' access stays.
func TestRevokeConnected(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		desk := b.desk(&toyBank{})
		theirs, _ := b.connected(t, "lea", "lea")
		for name, pick := range map[string]func(connection, forwarded *consent.Consent) *consent.Consent{
			"the connection":     func(connection, _ *consent.Consent) *consent.Consent { return connection },
			"what was forwarded": func(_, forwarded *consent.Consent) *consent.Consent { return forwarded },
		} {
			connection, forwarded := b.connected(t, "ceo", "firm")
			b.now.Add(60)
			s, err := desk.Revoke(t.Context(), page(), pick(connection, forwarded).ID, "ceo")
			require.NoError(t, err, name)
			require.Equal(t, consent.Revoked, s.Status, name)
			for _, id := range []uuid.UUID{connection.ID, forwarded.ID} {
				got, err := desk.Get(t.Context(), id)
				require.NoError(t, err, name)
				require.Equal(t, []any{consent.Revoked, consent.Ending{By: consent.ByPSU, Reason: consent.ReasonWithdrawn}, b.Now()},
					[]any{got.Status, got.Ending, got.StatusChangedAt}, name)
				entries, err := b.db.History(t.Context(), id.String())
				require.NoError(t, err, name)
				last := entries[len(entries)-1]
				require.Equal(t, []string{"token/1", "request-9", connection.GivenBy.String()}, []string{last.Who, last.RequestID, last.For}, name)
			}
			again, err := desk.Revoke(t.Context(), page(), connection.ID, "ceo")
			require.NoError(t, err, name)
			require.Equal(t, consent.Revoked, again.Status, name)
		}
		stays, err := desk.Get(t.Context(), theirs.ID)
		require.NoError(t, err)
		require.Equal(t, consent.Valid, stays.Status)
	})
}

// TestRevokeReplaced: a PSU who ends what the TPP has just replaced ends what stands.
func TestRevokeReplaced(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		desk := b.desk(&toyBank{})
		connection, first := b.connected(t, "ceo", "firm")
		_, second := b.connected(t, "ceo", "firm")
		former, err := desk.Get(t.Context(), first.ID)
		require.NoError(t, err)
		require.Equal(t, second.ID, former.ReplacedBy)
		seen, err := desk.Revoke(t.Context(), page(), first.ID, "ceo")
		require.NoError(t, err)
		require.Equal(t, []any{second.ID, consent.Revoked, consent.ByPSU}, []any{seen.ID, seen.Status, seen.Ending.By})
		ended, err := desk.Get(t.Context(), connection.ID)
		require.NoError(t, err)
		require.Equal(t, consent.Revoked, ended.Status)
	})
}
