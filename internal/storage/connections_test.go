package storage_test

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service/connections"
	"consentd/internal/service/consents"
	"consentd/internal/storage"
	"consentd/test/dbtest"
	"consentd/test/pgtest"
)

// currentBefore7 is how replicas that know no connections queue for the current consent
// of a customer.
const currentBefore7 = `INSERT INTO current_consents (rail, tpp, customer_id, consent_id) VALUES ('xs2a', 'A', $1, $2)
 ON CONFLICT (rail, tpp, customer_id) DO UPDATE SET rail = 'xs2a'`

// TestDataOfVersion6 begins with a database that knows no connections: what stands for
// a customer stands, beside what a TPP forwards for a PSU of the same customer, and a
// replica of before goes on.
func TestDataOfVersion6(t *testing.T) {
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			address := dbtest.URL(t, engine)
			migrateTo(t, engine, address, 6)
			id, _ := consentAt1(t, address, consent.Valid, consent.ScaFinalised)
			customer := uuid.New()
			execute(t, address, "INSERT INTO customers (id, bank_id, created_at) VALUES ($1, 'lea', '2026-02-01T00:00:00.000000Z')", customer.String())
			execute(t, address, currentBefore7, customer.String(), id.String())
			db := open(t, address, slog.New(slog.DiscardHandler))
			steps, err := db.Migrate(t.Context())
			require.NoError(t, err)
			require.Len(t, steps, 2)
			c, err := db.Get(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, []any{uuid.Nil, uuid.Nil, false}, []any{c.GivenBy, c.Connection, c.ByToken})
			psu, err := db.PSU(t.Context(), "lea")
			require.NoError(t, err)
			require.NoError(t, forward(t, db, holderOf(psu, customer)))

			later, _ := consentAt1(t, address, consent.Valid, consent.ScaFinalised)
			execute(t, address, currentBefore7, customer.String(), later.String())
			c, err = db.Get(t.Context(), later)
			require.NoError(t, err)
			require.Equal(t, []any{uuid.Nil, uuid.Nil, false}, []any{c.GivenBy, c.Connection, c.ByToken})
			const texts = ` || ' ' || tpp || ' ' || CAST(customer_id AS text) || ' ' || COALESCE(CAST(consent_id AS text), '') FROM `
			require.Equal(t, []string{"xs2a A " + customer.String() + " " + id.String()}, column(t, address, "SELECT rail"+texts+"current_consents"))
			require.Equal(t, []string{psu.String() + " A " + customer.String() + " "},
				column(t, address, "SELECT CAST(psu_id AS text)"+texts+"forwarded_consents"))
		})
	}
}

func holderOf(psu, customer uuid.UUID) consents.Forwarding {
	return consents.Forwarding{TPP: "A", PSU: psu, Customer: customer, Now: begun}
}

// forward takes back what a TPP has forwarded: nothing.
func forward(t *testing.T, db *storage.DB, f consents.Forwarding) error {
	t.Helper()
	return db.Forward(t.Context(), f, func(s consents.Stands) (*consent.Consent, error) {
		require.Nil(t, s.Former)
		return nil, nil //nolint:nilnil // nothing is forwarded
	})
}

// TestConnectionsAway calls what needs the database once it is gone.
func TestConnectionsAway(t *testing.T) {
	server, err := pgtest.Start(t.Context(), pgtest.Options{})
	require.NoError(t, err)
	db := open(t, server.DSN("postgres"), slog.New(slog.DiscardHandler))
	_, err = db.Migrate(t.Context())
	require.NoError(t, err)
	server.Stop()
	for name, call := range map[string]func() error{
		"forward":      func() error { return forward(t, db, holderOf(uuid.New(), uuid.New())) },
		"save request": func() error { return db.SaveRequest(t.Context(), connections.Request{ID: "1", Expires: begun}) },
		"request":      func() error { _, err := db.RequestByCode(t.Context(), consent.Digest{1}); return err },
		"take":         func() error { return db.TakeRequest(t.Context(), "1") },
		"issue":        func() error { return db.Issue(t.Context(), connections.Pair{Consent: uuid.New()}, nil) },
		"exchange":     func() error { return db.Exchange(t.Context(), connections.Pair{}) },
		"pair":         func() error { _, _, err := db.PairByAccess(t.Context(), consent.Digest{1}); return err },
		"end":          func() error { return db.EndPair(t.Context(), "1", nil) },
		"forget":       func() error { _, err := db.ForgetOAuth(t.Context(), begun, 1); return err },
		"bearer":       func() error { _, err := db.Bearers().Bearer(t.Context(), consent.Digest{1}); return err },
		"standing":     func() error { _, err := db.Bearers().Standing(t.Context(), connections.Holder{}); return err },
	} {
		for range 3 { // the first may meet a connection that does not know yet
			err := call()
			require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err), "%s: %v", name, err)
		}
	}
}

// TestForwardWaitsOnlySoLong holds what forwarding needs.
func TestForwardWaitsOnlySoLong(t *testing.T) {
	address := pgtest.DSN(t)
	db := open(t, address+"&lock_timeout=50ms", slog.New(slog.DiscardHandler))
	_, err := db.Migrate(t.Context())
	require.NoError(t, err)
	psu, err := db.PSU(t.Context(), "lea")
	require.NoError(t, err)
	customer, err := db.Customer(t.Context(), "lea")
	require.NoError(t, err)
	execute(t, address, `INSERT INTO tpps (id, name, organisation, nca_id, nca_name, roles, certificate, search) VALUES ('A', '', '', '', '', '', '', '')`)
	f := holderOf(psu, customer)
	require.NoError(t, forward(t, db, f))
	for _, held := range []string{"SELECT 1 FROM tpps FOR UPDATE", "SELECT 1 FROM forwarded_consents FOR UPDATE"} {
		release := hold(t, address, held)
		err := forward(t, db, f)
		require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err), "%s: %v", held, err)
		release()
		require.NoError(t, forward(t, db, f), held)
	}
}

// connect fills a PostgreSQL database with connections, each with a forwarded consent
// and tokens, whose access tokens are the SHA-256 of 1 to n.
func connect(t testing.TB, address string, n int) {
	t.Helper()
	other := raw(t, address)
	defer func() { require.NoError(t, other.Close()) }()
	const columns = `id, group_id, kind, rail, tpp, tpp_name, status, status_changed_at, scope, owner_name, rights, asked, only_types, recurring,
 frequency_per_day, valid_until, ends_at, authorise_by, due_at, redirect_uri, nok_redirect_uri, created_at, version, customer_id, given_by`
	const values = `, 'stet', 'A', 'A', 'valid', now(), 'dedicated', false, 1, '[]', 'null', true, 4, '2026-12-31', now(), now(), now(), '', '', now(), 1, `
	for _, statement := range []string{
		`INSERT INTO psus (id, bank_id, created_at) SELECT gen_random_uuid(), 'P' || n, now() FROM generate_series(1, $1::int) AS g(n)`,
		`INSERT INTO customers (id, bank_id, created_at) SELECT id, bank_id, created_at FROM psus LIMIT $1::int`,
		`INSERT INTO consents (` + columns + `) SELECT id, id, 'connection'` + values + `id, id FROM psus LIMIT $1::int`,
		`INSERT INTO consents (` + columns + `, connection_id) SELECT gen_random_uuid(), id, 'accountAccess'` + values + `id, id, id FROM psus LIMIT $1::int`,
		`INSERT INTO forwarded_consents (tpp, psu_id, customer_id, consent_id) SELECT 'A', given_by, given_by, id
 FROM consents WHERE kind = 'accountAccess' LIMIT $1::int`,
		`INSERT INTO oauth_pairs (id, consent_id, tpp, psu_id, scopes, active, access, access_until, issued_at, certificate, sealed, version, forget_at)
 SELECT n, id, 'A', id, 'aisp', 'aisp', sha256(CAST(CAST(n AS text) AS bytea)), now(), now(), '', '', 1, now() + n * interval '1 second'
 FROM (SELECT id, row_number() OVER () AS n FROM psus) AS p LIMIT $1::int`,
	} {
		_, err := other.ExecContext(t.Context(), statement, n)
		require.NoError(t, err)
	}
	_, err := other.ExecContext(t.Context(), "ANALYZE")
	require.NoError(t, err)
}

// TestConnectionsByIndex asks PostgreSQL how it finds what it needs among very many.
func TestConnectionsByIndex(t *testing.T) {
	address := pgtest.DSN(t)
	db := open(t, address, slog.New(slog.DiscardHandler))
	_, err := db.Migrate(t.Context())
	require.NoError(t, err)
	connect(t, address, many)
	for name, statement := range map[string]string{
		"kin": `SELECT id FROM consents WHERE id = '%[1]s' OR (rail = 'stet' AND status IN ('valid', 'suspended')
 AND tpp = 'A' AND given_by = '%[1]s') ORDER BY id FOR UPDATE`,
		"what was forwarded": `SELECT customer_id FROM forwarded_consents WHERE tpp = 'A' AND psu_id = '%[1]s' ORDER BY customer_id FOR UPDATE`,
		"tokens to forget":   `SELECT id FROM oauth_pairs WHERE forget_at <= now() ORDER BY forget_at LIMIT 100 FOR UPDATE SKIP LOCKED`,
	} {
		if strings.Contains(statement, "%") {
			statement = fmt.Sprintf(statement, uuid.NewString())
		}
		plan := strings.Join(column(t, address, "EXPLAIN "+statement), "\n")
		require.NotContains(t, plan, "Seq Scan", "%s: %s", name, plan)
	}
}

func BenchmarkBearer(b *testing.B) {
	address := pgtest.DSN(b)
	db, err := storage.Open(b.Context(), storage.Options{
		URL: address, MaxConnections: 8, Keys: nil, Now: func() time.Time { return begun }, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	_, err = db.Migrate(b.Context())
	require.NoError(b, err)
	connect(b, address, many)
	sixteen(b, func(n int) error {
		_, err := db.Bearers().Bearer(b.Context(), secret.Digest(strconv.Itoa(n%1000+1)))
		return err
	})
}
