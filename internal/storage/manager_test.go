package storage_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/test/dbtest"
	"consentd/test/pgtest"
)

// TestDataOfVersion7 begins with a database in which nothing says when a consent was
// changed last, or why it was paused, and has a replica of before go on.
func TestDataOfVersion7(t *testing.T) {
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			address := dbtest.URL(t, engine)
			migrateTo(t, engine, address, 7)
			paused, _ := consentAt1(t, address, consent.Suspended, consent.ScaFinalised)
			valid, _ := consentAt1(t, address, consent.Valid, consent.ScaFinalised)
			db := open(t, address, slog.New(slog.DiscardHandler))
			steps, err := db.Migrate(t.Context())
			require.NoError(t, err)
			require.Len(t, steps, 1)
			listed := func(after time.Time) (ids []uuid.UUID) {
				t.Helper()
				l, err := db.ListConsents(t.Context(), service.Listing{Order: service.Changed, ChangedAfter: after, Page: 1, Size: 10, Now: begun})
				require.NoError(t, err)
				for _, c := range l.Consents {
					ids = append(ids, c.ID)
				}
				return ids
			}
			made := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
			require.ElementsMatch(t, []uuid.UUID{paused, valid}, listed(made.Add(-time.Second)))
			require.Empty(t, listed(made))
			c, err := db.Update(t.Context(), paused, func(c *consent.Consent) error {
				require.Zero(t, c.Suspension)
				return c.Resume(made.Add(time.Hour))
			})
			require.NoError(t, err)
			require.Equal(t, made.Add(time.Hour), c.UpdatedAt())
			require.Equal(t, []uuid.UUID{paused}, listed(made))
			_, err = db.Update(t.Context(), valid, func(c *consent.Consent) error { return c.Suspend(consent.ReasonFraud, made.Add(2*time.Hour)) })
			require.NoError(t, err)
			require.Equal(t, []uuid.UUID{paused, valid}, listed(made))
			execute(t, address, `UPDATE consents SET status = 'revoked', status_changed_at = '2026-02-01T03:00:00.000000Z', due_at = NULL,
 ended_by = 'tpp', end_reason = 'terminated', version = version + 1 WHERE id = $1`, paused.String())
			require.Equal(t, []uuid.UUID{valid, paused}, listed(made), "as a replica of before has ended it")
		})
	}
}
