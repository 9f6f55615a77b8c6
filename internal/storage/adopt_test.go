package storage_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/ledger"
	"consentd/internal/storage"
	"consentd/internal/storage/migrations"
	"consentd/test/dbtest"
	"consentd/test/pgtest"
)

// migrateTo moves an empty database to a version of the schema.
func migrateTo(t *testing.T, engine, address string, version int64) {
	t.Helper()
	files, err := migrations.For(engine)
	require.NoError(t, err)
	db := raw(t, address)
	defer func() { require.NoError(t, db.Close()) }()
	dialect := map[string]goose.Dialect{"postgres": goose.DialectPostgres, "sqlite": goose.DialectSQLite3}[engine]
	p, err := goose.NewProvider(dialect, db, files)
	require.NoError(t, err)
	_, err = p.UpTo(t.Context(), version)
	require.NoError(t, err)
}

// consentAt1 inserts a consent as the first version of the schema has them, with
// an authorisation in a state.
func consentAt1(t *testing.T, address string, status consent.Status, sca consent.ScaStatus) (id, authorisation uuid.UUID) {
	t.Helper()
	id, authorisation = uuid.New(), uuid.New()
	const at = "2026-02-01T00:00:00.000000Z"
	execute(t, address, `INSERT INTO consents (id, group_id, kind, rail, tpp, tpp_name, status, status_changed_at, scope, owner_name,
 rights, asked, only_types, recurring, frequency_per_day, valid_until, ends_at, authorise_by, redirect_uri, nok_redirect_uri,
 created_at, version) VALUES ($1, $1, 'accountAccess', 'xs2a', 'A', 'A', $2, $3, 'allPSD2', false, 1, '[]', 'null', true, 4, '2026-12-31',
 '2027-01-01T00:00:00.000000Z', '2026-12-31T00:00:00.000000Z', 'https://tpp.example', '', $3, 1)`, id.String(), string(status), at)
	execute(t, address, `INSERT INTO authorisations (id, consent_id, run_id, status, approach, created_at, changed_at, deadline)
 VALUES ($1, $2, $1, $3, 'redirect', $4, $4, '2026-12-31T00:00:00.000000Z')`, authorisation.String(), id.String(), string(sca), at)
	return id, authorisation
}

// TestAdoption begins with a database that is older than the audit.
func TestAdoption(t *testing.T) {
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			address, keys := dbtest.URL(t, engine), newKeys(t)
			migrateTo(t, engine, address, 1)
			states := map[uuid.UUID]consent.Status{}
			for status := range consent.Transitions() {
				id, _ := consentAt1(t, address, status, consent.ScaFailed)
				states[id] = status
			}
			open, authorisation := consentAt1(t, address, consent.Received, consent.ScaStarted)
			db := openWith(t, address, slog.New(slog.DiscardHandler), keys)
			_, err := db.Migrate(t.Context())
			require.NoError(t, err)
			for id, status := range states {
				entries, err := db.History(t.Context(), id.String())
				require.NoError(t, err)
				require.Len(t, entries, 1)
				require.Equal(t, consent.Entry{
					Chain: id.String(), Seq: 1, At: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Cause: consent.Cause{By: consent.BySystem},
					To: string(status), Reason: "adopted", MAC: entries[0].MAC,
				}, entries[0])
			}
			l := &ledger.Ledger{Store: db, Keys: keys}
			require.Empty(t, faults(t, l))
			_, err = db.Update(t.Context(), open, func(c *consent.Consent) error {
				require.NoError(t, c.Fail(authorisation, begun))
				return c.Terminate(begun)
			})
			require.NoError(t, err)
			require.Empty(t, faults(t, l), "an authorisation that is older than the audit goes on")

			execute(t, address, "DELETE FROM audit_entries WHERE chain = $1", open.String())
			execute(t, address, "UPDATE consents SET audit_count = 0, audit_head = NULL WHERE id = $1", open.String())
			_, err = db.Migrate(t.Context())
			require.NoError(t, err)
			require.Contains(t, faults(t, l), open.String()+": has no entries: nothing is kept without one", "it is adopted only once")
		})
	}
}

// TestAdoptionOfMany has more consents than are adopted by one transaction.
func TestAdoptionOfMany(t *testing.T) {
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			address, keys := dbtest.URL(t, engine), newKeys(t)
			migrateTo(t, engine, address, 1)
			first, _ := consentAt1(t, address, consent.Valid, consent.ScaFinalised)
			const more = 1200
			columns := `kind, rail, tpp, tpp_name, status, status_changed_at, scope, owner_name, rights, asked, only_types, recurring,
 frequency_per_day, valid_until, ends_at, authorise_by, redirect_uri, nok_redirect_uri, created_at, version`
			copies := map[string]string{
				"postgres": "FROM consents, generate_series(1, %d) AS g(n)",
				"sqlite":   "FROM consents, (WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < %d) SELECT n FROM g)",
			}[engine]
			id := map[string]string{
				"postgres": "('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid",
				"sqlite":   "printf('00000000-0000-4000-8000-%012d', n)",
			}[engine]
			execute(t, address, "INSERT INTO consents (id, group_id, "+columns+") SELECT "+id+", "+id+", "+columns+" "+
				fmt.Sprintf(copies, more)+" WHERE id = $1", first.String())
			db := openWith(t, address, slog.New(slog.DiscardHandler), keys)
			_, err := db.Migrate(t.Context())
			require.NoError(t, err)
			l := &ledger.Ledger{Store: db, Keys: keys}
			v, err := l.Verify(t.Context(), func(f ledger.Fault) { require.Fail(t, f.String()) })
			require.NoError(t, err)
			require.Equal(t, ledger.Verified{Chains: more + 1, Entries: more + 1, Digest: v.Digest}, v)
		})
	}
}

// begun is after what consentAt1 made.
var begun = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func faults(t *testing.T, l *ledger.Ledger) (list []string) {
	t.Helper()
	_, err := l.Verify(t.Context(), func(f ledger.Fault) { list = append(list, f.String()) })
	require.NoError(t, err)
	return list
}

// TestLockTimeout asks PostgreSQL how long who waits for a lock: migrations as
// long as it takes, the calls that follow on the same connection not, and all as
// the operator has set it.
func TestLockTimeout(t *testing.T) {
	for setting, want := range map[string]struct{ migrations, calls string }{
		"":                 {"0", "3s"},
		"&lock_timeout=7s": {"7s", "7s"},
		"&options=-c%20lock_timeout%3D7s%20-c%20work_mem%3D8MB": {"7s", "7s"},
		"&options=--lock-timeout%3D7s":                          {"7s", "7s"},
		"&options=-c%20deadlock_timeout%3D7s":                   {"0", "3s"},
	} {
		t.Run(setting, func(t *testing.T) {
			address := pgtest.DSN(t)
			migrateTo(t, "postgres", address, 1)
			consentAt1(t, address, consent.Valid, consent.ScaFinalised)
			for _, s := range []string{
				"CREATE TABLE seen (what text, setting text)",
				"CREATE FUNCTION see() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO seen VALUES (tg_tag, current_setting(''lock_timeout'')); END'",
				"CREATE FUNCTION see_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO seen VALUES (tg_op, current_setting(''lock_timeout'')); RETURN NEW; END'",
				"CREATE TRIGGER see_row BEFORE UPDATE ON consents FOR EACH ROW EXECUTE FUNCTION see_row()",
				"CREATE EVENT TRIGGER see ON ddl_command_start EXECUTE FUNCTION see()",
			} {
				execute(t, address, s)
			}
			db, err := storage.Open(t.Context(), storage.Options{
				URL: address + setting, MaxConnections: 1, Keys: newKeys(t), Now: func() time.Time { return begun }, Log: slog.New(slog.DiscardHandler),
			})
			require.NoError(t, err)
			defer func() { require.NoError(t, db.Close()) }()
			_, err = db.Migrate(t.Context())
			require.NoError(t, err)
			require.Equal(t, []string{"ALTER TABLE", "CREATE INDEX", "CREATE TABLE", "UPDATE"}, column(t, address, "SELECT DISTINCT what FROM seen ORDER BY 1"))
			require.Equal(t, []string{want.migrations}, column(t, address, "SELECT DISTINCT setting FROM seen"))
			execute(t, address, "DROP EVENT TRIGGER see")
			execute(t, address, "DELETE FROM seen")
			require.NoError(t, db.UpdateFree(t.Context(), theOne(t, address), func(c *consent.Consent) error { return c.Terminate(begun) }))
			require.Equal(t, []string{want.calls}, column(t, address, "SELECT DISTINCT setting FROM seen"))
		})
	}
}

// theOne is the only consent there is.
func theOne(t *testing.T, address string) uuid.UUID {
	t.Helper()
	ids := column(t, address, "SELECT id::text FROM consents")
	require.Len(t, ids, 1)
	return uuid.MustParse(ids[0])
}
