package storage_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service/ledger"
	"consentd/internal/service/register"
	"consentd/test/dbtest"
	"consentd/test/pgtest"
)

// consentAt2 inserts a valid consent of the TPP A as the second version of the
// schema has them, and a refusal.
func consentAt2(t *testing.T, address string, keys *secret.Keys, day string) uuid.UUID {
	t.Helper()
	id, _ := consentAt1(t, address, consent.Valid, consent.ScaFinalised)
	at := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	entry := func(e consent.Entry) (head []byte) {
		e.Seq, e.At = 1, at
		e.MAC = e.Sign(keys, nil)
		execute(t, address, `INSERT INTO audit_entries (chain, seq, at, actor, who, on_behalf, certificate, request_id, from_status, to_status,
 reason, operation, mac) VALUES ($1, 1, '2026-02-01T00:00:00.000000Z', $2, '', '', '', '', '', $3, $4, '', $5)`,
			e.Chain, string(e.By), e.To, e.Reason, e.MAC)
		return e.Head(keys)
	}
	head := entry(consent.Entry{
		Chain: id.String(), Cause: consent.Cause{By: consent.BySystem}, To: string(consent.Valid), Reason: consent.ReasonAdopted,
	})
	execute(t, address, "UPDATE consents SET audit_count = 1, audit_head = $2, due_at = ends_at WHERE id = $1", id.String(), head)
	head = entry(consent.Entry{Chain: day, Cause: consent.Cause{By: consent.ByTPP}, Reason: string(consent.CodeRole)})
	execute(t, address, "INSERT INTO audit_chains (chain, count, head) VALUES ($1, 1, $2)", day, head)
	return id
}

// TestDataOfVersion2 begins with a database that knows no TPPs: its consents and
// its audit are as they were, and a block ends what is there.
func TestDataOfVersion2(t *testing.T) {
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			address, keys := dbtest.URL(t, engine), newKeys(t)
			migrateTo(t, engine, address, 2)
			const day = "refused/A/2026-02-01"
			id := consentAt2(t, address, keys, day)
			db := openWith(t, address, slog.New(slog.DiscardHandler), keys)
			steps, err := db.Migrate(t.Context())
			require.NoError(t, err)
			require.Len(t, steps, 6)
			l := &ledger.Ledger{Store: db, Keys: keys}
			require.Empty(t, faults(t, l))
			c, err := db.Get(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, []any{consent.Valid, "A", 1}, []any{c.Status, c.TPP, c.Version})
			require.NoError(t, db.Refuse(t.Context(), consent.Entry{Chain: day, At: begun}, nil))
			entries, err := db.History(t.Context(), day)
			require.NoError(t, err)
			require.Len(t, entries, 2, "a chain of before goes on")

			r := &register.Register{Store: db, Now: func() time.Time { return begun }, Log: slog.New(slog.DiscardHandler)}
			require.NoError(t, r.Admit(t.Context(), register.TPP{ID: "A", Name: "A"}, ""))
			_, ended, err := r.Block(t.Context(), consent.Cause{By: consent.ByASPSP}, "A", register.Block{Reason: "x", EndsConsents: true})
			require.NoError(t, err)
			require.Equal(t, 1, ended)
			require.Empty(t, faults(t, l))
		})
	}
}

// TestBlockedByIndex asks PostgreSQL how it finds the consents that blocks end
// among very many.
func TestBlockedByIndex(t *testing.T) {
	address := pgtest.DSN(t)
	db := open(t, address, slog.New(slog.DiscardHandler))
	_, err := db.Migrate(t.Context())
	require.NoError(t, err)
	execute(t, address, `INSERT INTO consents (id, group_id, kind, rail, tpp, tpp_name, status, status_changed_at, scope, owner_name,
 rights, asked, only_types, recurring, frequency_per_day, valid_until, ends_at, authorise_by, due_at, redirect_uri, nok_redirect_uri,
 created_at, version) SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, '00000000-0000-4000-8000-000000000001',
 'accountAccess', 'xs2a', 'X:' || n % 5, 'A', 'valid', now(), 'allPSD2', false, 1, '[]', 'null', true, 4, '2026-12-31', now(), now(),
 CASE WHEN n % 5 = 1 THEN NULL ELSE now() END, '', '', now(), 1 FROM generate_series(1, 30000) AS g(n)`)
	execute(t, address, `INSERT INTO tpps (id, name, organisation, nca_id, nca_name, roles, certificate, search, blocked_at, ends_consents)
 SELECT 'X:' || n, '', '', '', '', '', '', '', now(), n < 3 FROM generate_series(1, 500) AS g(n)`)
	execute(t, address, "ANALYZE")
	plan := strings.Join(column(t, address, `EXPLAIN SELECT id FROM consents
 WHERE (tpp, id) > ('X:1', '00000000-0000-0000-0000-000000000000') AND tpp <= 'X:1' AND due_at IS NOT NULL ORDER BY tpp, id LIMIT 200`), "\n")
	require.Contains(t, plan, "consents_tpp", plan)
	require.NotContains(t, plan, "Sort", plan)
	for id, want := range map[string]int{"X:1": 0, "X:2": 200} {
		list, err := db.Doomed(t.Context(), id, uuid.Nil, 200)
		require.NoError(t, err)
		require.Len(t, list, want)
	}
}
