package storage_test

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/storage"
	"consentd/test/pgtest"
)

// listedMany is how many consents a bank has whose lists are measured.
const listedMany = 100_000

// fillLists writes them: a second apart, of 20 TPPs and 50,000 customers, each with an
// account; most are valid, some were staged, some have ended, and the last few hundred
// should have expired, which no worker has written yet.
func fillLists(tb testing.TB) *storage.DB {
	tb.Helper()
	address := pgtest.DSN(tb)
	db, err := storage.Open(tb.Context(), storage.Options{
		URL: address, MaxConnections: 8, Keys: nil, Now: func() time.Time { return begun }, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, db.Close()) })
	_, err = db.Migrate(tb.Context())
	require.NoError(tb, err)
	other := raw(tb, address)
	defer func() { require.NoError(tb, other.Close()) }()
	for _, statement := range []string{
		`INSERT INTO customers (id, bank_id, created_at) SELECT lpad(to_hex(n), 32, '0')::uuid, 'C' || n, now() FROM generate_series(1, 50000) AS g(n)`,
		`INSERT INTO accounts (id, customer_id, bank_id, reference, created_at)
 SELECT id, id, bank_id || '-1', '{"iban": "DE40100100103307118608", "currency": "EUR"}', now() FROM customers`,
		`INSERT INTO consents (id, group_id, kind, rail, tpp, tpp_name, status, status_changed_at, scope, owner_name, rights, asked, only_types,
 recurring, frequency_per_day, valid_until, ends_at, authorise_by, due_at, redirect_uri, nok_redirect_uri, created_at, version, customer_id, updated_at)
 SELECT id, id, CASE WHEN n % 4 = 0 THEN 'payment' WHEN n % 10 = 9 THEN 'fundsConfirmation' ELSE 'accountAccess' END,
 CASE WHEN n % 4 = 0 THEN 'manager' ELSE 'xs2a' END, 'T' || n % 20, 'A bank''s customer knows it by this name', status, at, 'dedicated', false, 15,
 '[{"rights": 15, "reference": {"iban": "DE40100100103307118608", "currency": "EUR"}}]', 'null', true, 4, '2026-12-31', ends, ends,
 CASE WHEN status IN ('valid', 'received', 'suspended') THEN ends END, 'https://tpp.example/redirect/ok', 'https://tpp.example/redirect/nok',
 at, 3, lpad(to_hex(n % 50000 + 1), 32, '0')::uuid, CASE WHEN n % 3 = 0 THEN at + interval '1 second' END
 FROM (SELECT n, timestamptz '2026-01-01' + n * interval '1 second' AS at, lpad(to_hex(1000000 + n), 32, '0')::uuid AS id,
  CASE WHEN n % 1000 = 3 THEN 'suspended' WHEN n % 5 = 1 THEN 'revoked' WHEN n % 7 = 2 THEN 'received' ELSE 'valid' END AS status,
  timestamptz '2026-02-01' + CASE WHEN n > 99000 THEN interval '0' ELSE interval '1 year' END AS ends
  FROM generate_series(1, $1::int) AS g(n)) AS s`,
		`INSERT INTO staged_consents (consent_id, tpp, reference, request, origin, permissions, on_behalf_of, channel, approvals, required)
 SELECT id, tpp, id::text, '\x7b7d', '\x7b7d', '[]', '', 'App', 'null', 0 FROM consents WHERE rail = 'manager'`,
		`INSERT INTO consent_grants (consent_id, account_id, position, rights) SELECT id, customer_id, 0, 7 FROM consents`,
	} {
		if statement[:20] != "INSERT INTO consents" {
			_, err = other.ExecContext(tb.Context(), statement)
		} else {
			_, err = other.ExecContext(tb.Context(), statement, listedMany)
		}
		require.NoError(tb, err)
	}
	_, err = other.ExecContext(tb.Context(), "VACUUM ANALYZE")
	require.NoError(tb, err)
	return db
}

// BenchmarkLists prints how long a page takes, its count included: the median, and the
// longest.
func BenchmarkLists(b *testing.B) {
	db := fillLists(b)
	manager := []consent.Kind{consent.AccountAccess, consent.Payments}
	now := begun
	cursor := &service.Cursor{ID: uuid.UUID{15: 1}, Changed: time.Date(2026, 1, 1, 20, 0, 0, 0, time.UTC)}
	at := func(edit func(*service.Listing)) service.Listing {
		l := service.Listing{Kinds: manager, Order: service.Changed, Size: 25, Page: 1, Now: now}
		edit(&l)
		return l
	}
	for _, x := range []struct {
		name string
		l    service.Listing
	}{
		{"all", at(func(*service.Listing) {})},
		{"all, deep", at(func(l *service.Listing) { l.Page = 3500 })},
		{"all, after a cursor", at(func(l *service.Listing) { l.Cursor = cursor })},
		{"all, 100 of them", at(func(l *service.Listing) { l.Size = 100 })},
		{"authorised", at(func(l *service.Listing) { l.Statuses = []consent.Status{consent.Valid} })},
		{"authorised, deep", at(func(l *service.Listing) { l.Statuses, l.Page = []consent.Status{consent.Valid}, 2000 })},
		{"awaiting, deep", at(func(l *service.Listing) {
			l.Statuses, l.Page = []consent.Status{consent.Received, consent.PartiallyAuthorised}, 300
		})},
		{"suspended", at(func(l *service.Listing) { l.Statuses = []consent.Status{consent.Suspended} })},
		{"expired", at(func(l *service.Listing) { l.Statuses = []consent.Status{consent.Expired} })},
		{"changed of late", at(func(l *service.Listing) { l.ChangedAfter = time.Date(2026, 1, 2, 3, 45, 0, 0, time.UTC) })},
		{"changed long ago", at(func(l *service.Listing) { l.ChangedAfter = time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC) })},
		{"of a TPP", at(func(l *service.Listing) { l.TPP = "T1" })},
		{"of a TPP, authorised", at(func(l *service.Listing) { l.TPP, l.Statuses = "T2", []consent.Status{consent.Valid} })},
		{"made in a period", at(func(l *service.Listing) {
			l.MadeFrom, l.MadeTo = time.Date(2026, 1, 1, 5, 0, 0, 0, time.UTC), time.Date(2026, 1, 1, 6, 0, 0, 0, time.UTC)
		})},
		{"newest", at(func(l *service.Listing) { l.Order = service.Newest })},
		{"newest, deep", at(func(l *service.Listing) { l.Order, l.Page = service.Newest, 3500 })},
		{"newest, suspended", at(func(l *service.Listing) { l.Order, l.Statuses = service.Newest, []consent.Status{consent.Suspended} })},
		{"of a customer", at(func(l *service.Listing) {
			l.Order, l.Sight = service.Newest, &service.Sight{Customers: []uuid.UUID{{15: 77}}, PSU: uuid.UUID{15: 9}}
		})},
		{"of an account", at(func(l *service.Listing) { l.Order, l.Account = service.Newest, "C77-1" })},
		{"of a group", at(func(l *service.Listing) { l.Order, l.Group = service.Newest, uuid.UUID{13: 15, 14: 70, 15: 77} })},
	} {
		b.Run(x.name, func(b *testing.B) {
			var took []time.Duration
			var listed service.Listed
			for b.Loop() {
				from := time.Now()
				var err error
				listed, err = db.ListConsents(b.Context(), x.l)
				require.NoError(b, err)
				took = append(took, time.Since(from))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/median")
			b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "ms/max")
			b.ReportMetric(float64(listed.Total), "listed")
			b.ReportMetric(0, "ns/op")
		})
	}
}
