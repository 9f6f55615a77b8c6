package storage_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service"
	"consentd/internal/service/access"
	"consentd/internal/service/office"
	"consentd/internal/service/register"
	"consentd/internal/storage"
	"consentd/internal/storage/storagetest"
	"consentd/test/dbtest"
	"consentd/test/pgtest"
)

func open(t *testing.T, url string, log *slog.Logger) *storage.DB {
	t.Helper()
	return openWith(t, url, log, newKeys(t))
}

func newKeys(t *testing.T) *secret.Keys {
	t.Helper()
	keys, err := secret.New(secret.NewMaster())
	require.NoError(t, err)
	return keys
}

func openWith(t *testing.T, url string, log *slog.Logger, keys *secret.Keys) *storage.DB {
	t.Helper()
	db, err := storage.Open(t.Context(), storage.Options{
		URL: url, MaxConnections: 16, Keys: keys, Now: func() time.Time { return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) }, Log: log,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestConformance(t *testing.T) {
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			storagetest.Run(t, func(t *testing.T) storagetest.Opened {
				t.Helper()
				address, keys := dbtest.URL(t, engine), newKeys(t)
				db := openWith(t, address, slog.New(slog.DiscardHandler), keys)
				_, err := db.Migrate(t.Context())
				require.NoError(t, err)
				o := storagetest.Opened{Store: db, Keys: keys, Exec: func(t *testing.T, statement string, args ...any) {
					t.Helper()
					execute(t, address, statement, args...)
				}, Replica: func(t *testing.T) storagetest.Store {
					t.Helper()
					return openWith(t, address, slog.New(slog.DiscardHandler), keys)
				}}
				if engine == pgtest.Postgres {
					o.Hold = func(t *testing.T, statement string, args ...any) func() {
						t.Helper()
						return hold(t, address, statement, args...)
					}
				}
				return o
			})
		})
	}
}

func TestMigrations(t *testing.T) {
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			db := open(t, dbtest.URL(t, engine), slog.New(slog.DiscardHandler))
			behind, err := db.Behind(t.Context())
			require.NoError(t, err)
			require.True(t, behind, "an empty database")
			steps, err := db.Migrate(t.Context())
			require.NoError(t, err)
			require.NotEmpty(t, steps)
			behind, err = db.Behind(t.Context())
			require.NoError(t, err)
			require.False(t, behind)
			steps, err = db.Migrate(t.Context())
			require.NoError(t, err)
			require.Empty(t, steps, "a second time")
			steps, err = db.Migrations(t.Context())
			require.NoError(t, err)
			for _, s := range steps {
				require.True(t, s.Applied, s.Name)
			}
		})
	}
}

// TestSchemasAgree compares what the two engines' migrations make: the same
// tables, columns and NULLs.
func TestSchemasAgree(t *testing.T) {
	schemas := map[string][]string{}
	for engine, query := range map[string]string{
		"postgres": `SELECT table_name || '.' || column_name || CASE is_nullable WHEN 'YES' THEN '?' ELSE '' END
			FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'goose_db_version' ORDER BY 1`,
		"sqlite": `SELECT m.name || '.' || c.name || CASE WHEN c."notnull" = 0 AND c.pk = 0 THEN '?' ELSE '' END
			FROM sqlite_master m JOIN pragma_table_info(m.name) c
			WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name <> 'goose_db_version' ORDER BY 1`,
	} {
		address := dbtest.URL(t, engine)
		db := open(t, address, slog.New(slog.DiscardHandler))
		_, err := db.Migrate(t.Context())
		require.NoError(t, err)
		schemas[engine] = column(t, address, query)
	}
	require.ElementsMatch(t, schemas["postgres"], schemas["sqlite"])
	require.Greater(t, len(schemas["sqlite"]), 50)
}

func TestLogsCarryNoParameters(t *testing.T) {
	var out strings.Builder
	db := open(t, dbtest.URL(t, "sqlite"), slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	_, err := db.PSU(t.Context(), "MARKER-IBAN") // no schema yet: fails and logs
	require.Error(t, err)
	require.NotContains(t, out.String(), "MARKER-IBAN")
	require.NotContains(t, err.Error(), "MARKER-IBAN")
}

// TestDatabaseAway ends the database under an open store: what failed is worth
// another try, and is said to be.
func TestDatabaseAway(t *testing.T) {
	server, err := pgtest.Start(t.Context(), pgtest.Options{})
	require.NoError(t, err)
	db := open(t, server.DSN("postgres"), slog.New(slog.DiscardHandler))
	_, err = db.Migrate(t.Context())
	require.NoError(t, err)
	server.Stop()
	for name, call := range map[string]func() error{
		"status": func() error { _, err := db.Status(t.Context(), uuid.New()); return err },
		"get":    func() error { _, err := db.Get(t.Context(), uuid.New()); return err },
		"update": func() error {
			_, err := db.Update(t.Context(), uuid.New(), func(*consent.Consent) error { return nil })
			return err
		},
		"run": func() error { _, err := db.RunByID(t.Context(), uuid.New()); return err },
		"try": func() error { _, err := db.CountTry(t.Context(), uuid.New(), 0, 3); return err },
		"psu": func() error { _, err := db.PSU(t.Context(), "x"); return err },
		"admit": func() error {
			r := &register.Register{Store: db, Now: func() time.Time { return begun }, Log: slog.New(slog.DiscardHandler)}
			return r.Admit(t.Context(), register.TPP{ID: "A"}, "")
		},
		"change of a TPP": func() error {
			_, err := db.ChangeTPP(t.Context(), "A", func(*register.TPP) (*consent.Entry, error) { return &consent.Entry{}, nil })
			return err
		},
		"tpps":    func() error { _, err := db.TPPs(t.Context(), register.Filter{Limit: 1}, begun); return err },
		"clients": func() error { _, err := db.Clients(t.Context(), "A"); return err },
		"doomed":  func() error { _, err := db.Doomed(t.Context(), "A", uuid.Nil, 1); return err },
		"enders":  func() error { _, err := db.Enders(t.Context()); return err },
		"token":   func() error { _, err := db.TokenByMAC(t.Context(), []byte{1}); return err },
		"grounds": func() error { _, err := db.Grounds(t.Context(), uuid.New(), begun); return err },
		"count":   func() error { _, _, err := db.Count(t.Context(), access.Counted{At: begun}, 4); return err },
		"spend":   func() error { err := db.Spend(t.Context(), access.Counted{At: begun}, nil); return err },
		"last":    func() error { _, err := db.Follow(t.Context(), access.Counted{At: begun}, begun, 1); return err },
		"note":    func() error { return db.NoteShared(t.Context(), map[uuid.UUID]time.Time{uuid.New(): begun}) },
		"shared":  func() error { _, err := db.LastShared(t.Context(), []uuid.UUID{uuid.New()}); return err },
		"list":    func() error { _, err := db.ListConsents(t.Context(), service.Listing{}); return err },
		"staged":  func() error { _, err := db.Staged(t.Context(), "A", "1"); return err },
		"names":   func() error { _, err := db.References(t.Context(), []uuid.UUID{uuid.New()}); return err },
		"amend":   func() error { _, err := db.Amend(t.Context(), uuid.New(), nil); return err },
		"entries": func() error { _, err := db.Entries(t.Context(), uuid.New()); return err },
		"pay":     func() error { return db.Pay(t.Context(), uuid.New(), nil) },
		"payment": func() error { return db.FollowPayment(t.Context(), uuid.New(), nil) },
		"paid":    func() error { _, err := db.Payments(t.Context(), []uuid.UUID{uuid.New()}); return err },
		"propose": func() error { return db.Propose(t.Context(), office.Proposal{ID: uuid.New()}) },
		"open":    func() error { _, err := db.Proposals(t.Context(), 1); return err },
		"decide":  func() error { _, err := db.Decide(t.Context(), uuid.New(), nil); return err },
		"look":    func() error { return db.Look(t.Context(), consent.Entry{Chain: "looked/x/2026-03-01", At: begun}) },
		"forget":  func() error { _, err := db.ForgetCounts(t.Context(), consent.DateOf(begun, time.UTC), 1); return err },
	} {
		for range 3 { // the first may meet a connection that does not know yet
			err := call()
			require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err), "%s: %v", name, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, bad := range []string{"", "mysql://x", "/tmp/x.db"} {
		_, err := storage.Open(t.Context(), storage.Options{URL: bad, Log: slog.New(slog.DiscardHandler)})
		require.Error(t, err, bad)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err := storage.Open(ctx, storage.Options{URL: "postgres://127.0.0.1:1/x", Log: slog.New(slog.DiscardHandler)})
	require.Error(t, err)
	require.Equal(t, consent.CodeInternal, consent.CodeOf(err))
}
