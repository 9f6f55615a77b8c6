package storage_test

import (
	"encoding/base64"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service/ledger"
	"consentd/internal/service/register"
	"consentd/test/dbtest"
	"consentd/test/pgtest"
)

// tppAt5 inserts a TPP as the fifth version of the schema has them, with the chain
// that its first call began.
func tppAt5(t *testing.T, address string, keys *secret.Keys) (id string) {
	t.Helper()
	const at = "2026-02-01T00:00:00.000000Z"
	columns := []string{"DE-A:1", "One", "1", "DE-A", "NCA", "PSP_AI", "aa", at, at, "", "", "", "", "false", "", "de-a:1\none"}
	parts := make([][]byte, len(columns))
	for i, c := range columns {
		parts[i] = []byte(c)
	}
	execute(t, address, `INSERT INTO tpps (id, name, organisation, nca_id, nca_name, roles, certificate, first_seen_at, certificate_seen_at, search)
 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)`, columns[0], columns[1], columns[2], columns[3], columns[4], columns[5], columns[6], at, columns[15])
	e := consent.Entry{
		Chain: register.Chain(columns[0]), Seq: 1, At: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), Cause: consent.Cause{By: consent.ByTPP, Who: columns[0]},
		To: "known", Reason: "entered", Operation: ledger.Step("", base64.RawURLEncoding.EncodeToString(keys.MAC("print of tpps", parts...))),
	}
	e.MAC = e.Sign(keys, nil)
	execute(t, address, `INSERT INTO audit_entries (chain, seq, at, actor, who, on_behalf, certificate, request_id, from_status, to_status,
 reason, operation, mac) VALUES ($1, 1, $2, $3, $4, '', '', '', '', $5, $6, $7, $8)`, e.Chain, at, string(e.By), e.Who, e.To, e.Reason, e.Operation, e.MAC)
	execute(t, address, "INSERT INTO audit_chains (chain, count, head) VALUES ($1, 1, $2)", e.Chain, e.Head(keys))
	return columns[0]
}

// TestDataOfVersion5 begins with a database that knows TPPs and nothing of them as
// clients: their chains still tell of their rows, and go on.
func TestDataOfVersion5(t *testing.T) {
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			address, keys := dbtest.URL(t, engine), newKeys(t)
			migrateTo(t, engine, address, 5)
			id := tppAt5(t, address, keys)
			db := openWith(t, address, slog.New(slog.DiscardHandler), keys)
			_, err := db.Migrate(t.Context())
			require.NoError(t, err)
			l := &ledger.Ledger{Store: db, Keys: keys}
			require.Empty(t, faults(t, l))
			r := &register.Register{Store: db, Now: func() time.Time { return begun }, Log: slog.New(slog.DiscardHandler)}
			found, err := r.Client(t.Context(), "1")
			require.NoError(t, err)
			require.Equal(t, []any{id, 0, 0}, []any{found.ID, len(found.RedirectURIs), len(found.Seals)})
			for _, c := range []register.Client{{RedirectURIs: []string{"https://one.example/cb"}}, {}} {
				_, err = r.SetClient(t.Context(), consent.Cause{By: consent.ByASPSP}, id, c)
				require.NoError(t, err)
				require.Empty(t, faults(t, l))
			}
			entries, err := db.History(t.Context(), register.Chain(id))
			require.NoError(t, err)
			require.Len(t, entries, 3)
		})
	}
}
