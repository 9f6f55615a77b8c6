// Package dbtest gives a test a store of its own, migrated, on either engine.
package dbtest

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/secret"
	"consentd/internal/storage"
	"consentd/test/pgtest"
)

// connections are enough for every race that a test runs at once.
const connections = 16

// Open opens a fresh store of an engine, one of [pgtest.Engines], which ends with the
// test, and returns the keys by which it seals.
func Open(t testing.TB, engine string, now func() time.Time) (*storage.DB, *secret.Keys) {
	t.Helper()
	keys, err := secret.New(secret.NewMaster())
	require.NoError(t, err)
	return At(t, URL(t, engine), keys, now), keys
}

// URL is the address of a fresh, empty database of an engine.
func URL(t testing.TB, engine string) string {
	t.Helper()
	if engine == pgtest.Postgres {
		return pgtest.DSN(t)
	}
	return "sqlite:" + filepath.Join(t.TempDir(), "test.db")
}

// At opens the store at an address, as another replica does.
func At(t testing.TB, url string, keys *secret.Keys, now func() time.Time) *storage.DB {
	t.Helper()
	db, err := storage.Open(t.Context(), storage.Options{
		URL: url, MaxConnections: connections, Keys: keys, Now: now, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err = db.Migrate(t.Context())
	require.NoError(t, err)
	return db
}
