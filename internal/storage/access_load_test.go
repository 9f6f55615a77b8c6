package storage_test

import (
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service/access"
	"consentd/internal/storage"
	"consentd/test/pgtest"
)

// many is among how many consents is looked for one; every tenth is looked up.
const many = 10_000

// filled is a PostgreSQL database with many consents, each with two accounts.
func filled(b *testing.B) (*storage.DB, []uuid.UUID) {
	b.Helper()
	address := pgtest.DSN(b)
	keys, err := secret.New(secret.NewMaster())
	require.NoError(b, err)
	db, err := storage.Open(b.Context(), storage.Options{
		URL: address, MaxConnections: 8, Keys: keys, Now: func() time.Time { return begun }, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	_, err = db.Migrate(b.Context())
	require.NoError(b, err)
	other := raw(b, address)
	defer func() { require.NoError(b, other.Close()) }()
	for _, statement := range []string{
		`INSERT INTO customers (id, bank_id, created_at) SELECT gen_random_uuid(), 'C' || n, now() FROM generate_series(1, $1::int) AS g(n)`,
		`INSERT INTO accounts (id, customer_id, bank_id, reference, created_at) SELECT gen_random_uuid(), id, bank_id || '-' || n,
 '{"iban": "DE40100100103307118608", "currency": "EUR"}', now() FROM customers, generate_series(1, least(2, $1::int)) AS g(n)`,
		`INSERT INTO consents (id, group_id, kind, rail, tpp, tpp_name, status, status_changed_at, scope, owner_name,
 rights, asked, only_types, recurring, frequency_per_day, valid_until, ends_at, authorise_by, due_at, redirect_uri, nok_redirect_uri,
 created_at, version, customer_id) SELECT id, id, 'accountAccess', 'xs2a', 'A', 'A', 'valid', now(), 'dedicated', false, 1, '[]', 'null', true, 4,
 '2026-12-31', now(), now(), now(), '', '', now(), 1, id FROM customers LIMIT $1::int`,
		`INSERT INTO consent_grants (consent_id, account_id, position, rights) SELECT customer_id, id, 0, 7 FROM accounts LIMIT 2 * $1::int`,
	} {
		_, err = other.ExecContext(b.Context(), statement, many)
		require.NoError(b, err)
	}
	_, err = other.ExecContext(b.Context(), "ANALYZE")
	require.NoError(b, err)
	rows, err := other.QueryContext(b.Context(), "SELECT id FROM consents LIMIT 1000")
	require.NoError(b, err)
	defer func() { require.NoError(b, rows.Close()) }()
	var ids []uuid.UUID
	for rows.Next() {
		var id uuid.UUID
		require.NoError(b, rows.Scan(&id))
		ids = append(ids, id)
	}
	require.NoError(b, rows.Err())
	return db, ids
}

// sixteen runs op from sixteen goroutines on two cores.
func sixteen(b *testing.B, op func(n int) error) {
	b.Helper()
	var n atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if err := op(int(n.Add(1))); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

func BenchmarkGrounds(b *testing.B) {
	db, ids := filled(b)
	sixteen(b, func(n int) error {
		_, err := db.Grounds(b.Context(), ids[n%len(ids)], begun)
		return err
	})
}

func BenchmarkStatus(b *testing.B) {
	db, ids := filled(b)
	sixteen(b, func(n int) error {
		_, err := db.Status(b.Context(), ids[n%len(ids)])
		return err
	})
}

func BenchmarkCount(b *testing.B) {
	db, ids := filled(b)
	for name, keys := range map[string]int{"one": 1, "thousand": len(ids)} {
		b.Run(name, func(b *testing.B) {
			sixteen(b, func(n int) error {
				_, _, err := db.Count(b.Context(), access.Counted{
					Consent: ids[n%keys], Use: consent.Use{Account: ids[0], Operation: consent.OpBalances},
					Day: consent.DateOf(begun, time.UTC), At: begun,
				}, 1<<30)
				return err
			})
		})
	}
}

// TestForgetsByIndex asks PostgreSQL how it finds the counts that are forgotten
// among very many.
func TestForgetsByIndex(t *testing.T) {
	address := pgtest.DSN(t)
	db := open(t, address, slog.New(slog.DiscardHandler))
	_, err := db.Migrate(t.Context())
	require.NoError(t, err)
	execute(t, address, `INSERT INTO access_counts (day, consent_id, account_id, operation, n, former, allowed, at)
 SELECT CASE n % 3 WHEN 0 THEN date '0001-01-01' ELSE date '2026-03-01' - n % 10 END, gen_random_uuid(), gen_random_uuid(), 'balances', 1, 0, 4, now()
 FROM generate_series(1, 30000) AS g(n)`)
	execute(t, address, "ANALYZE")
	plan := strings.Join(column(t, address, `EXPLAIN DELETE FROM access_counts WHERE ctid = ANY (ARRAY(SELECT ctid FROM access_counts
 WHERE day > '0001-01-01' AND day < '2026-02-28' ORDER BY day, consent_id, account_id, operation LIMIT 500))
 AND day > '0001-01-01' AND day < '2026-02-28'`), "\n")
	require.NotContains(t, plan, "Seq Scan", plan)
	n, err := db.ForgetCounts(t.Context(), consent.DateOf(begun, time.UTC).AddDays(-1), 500)
	require.NoError(t, err)
	require.Equal(t, 500, n)
}
