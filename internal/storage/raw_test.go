package storage_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// raw is a connection to a database beside the store's.
func raw(t testing.TB, url string) *sql.DB {
	t.Helper()
	driver, dsn := "pgx", url
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, dsn = "sqlite", path
	}
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	return db
}

func execute(t *testing.T, url, statement string, args ...any) {
	t.Helper()
	db := raw(t, url)
	defer func() { require.NoError(t, db.Close()) }()
	_, err := db.ExecContext(t.Context(), statement, args...)
	require.NoError(t, err)
}

// hold runs a statement in a transaction that ends when release is called.
func hold(t *testing.T, url, statement string, args ...any) (release func()) {
	t.Helper()
	db := raw(t, url)
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), statement, args...)
	require.NoError(t, err)
	return func() {
		require.NoError(t, tx.Rollback())
		require.NoError(t, db.Close())
	}
}

// column reads the texts that a query returns.
func column(t *testing.T, url, query string) []string {
	t.Helper()
	db := raw(t, url)
	defer func() { require.NoError(t, db.Close()) }()
	rows, err := db.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer rows.Close()
	var list []string
	for rows.Next() {
		var s string
		require.NoError(t, rows.Scan(&s))
		list = append(list, s)
	}
	require.NoError(t, rows.Err())
	return list
}
