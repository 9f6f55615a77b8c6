package storage

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/access"
)

// TestGrantsAreRemembered reads what a consent grants again when the consent has
// changed, after a while, and when the clock was turned back.
func TestGrantsAreRemembered(t *testing.T) {
	known, err := lru.New[uuid.UUID, granted](2)
	require.NoError(t, err)
	now := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	id, account, reads := uuid.New(), uuid.New(), 0
	g := &grants{known: known, now: func() time.Time { return now }}
	g.rows = newLookUps(1, func(_ context.Context, ids []uuid.UUID) (map[uuid.UUID][]grantedRow, error) {
		reads++
		return map[uuid.UUID][]grantedRow{ids[0]: {
			{Customer: "lea", ID: ref(account), Rights: int(consent.RightBalances), BankID: "r1", Reference: `{"iban": "FR1", "currency": "EUR"}`},
		}}, nil
	})
	read := func(version int) (fresh bool) {
		before := reads
		got, err := g.of(t.Context(), id, version)
		require.NoError(t, err)
		require.Equal(t, "lea", got.customer)
		require.Equal(t, []access.Account{{
			Key: account, ID: "r1", Reference: consent.Reference{IBAN: "FR1", Currency: "EUR"}, Rights: consent.RightBalances,
		}}, got.accounts)
		return reads > before
	}
	require.True(t, read(1))
	require.False(t, read(1))
	require.True(t, read(2), "another version")
	now = now.Add(grantsAge - 1)
	require.False(t, read(2))
	now = now.Add(1)
	require.True(t, read(2), "too old")
	now = now.Add(-time.Hour)
	require.True(t, read(2), "of the future")
	for range 3 {
		_, err := g.of(t.Context(), uuid.New(), 1)
		require.NoError(t, err)
	}
	require.True(t, read(2), "others have taken its place")
}
