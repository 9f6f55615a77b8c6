package consents_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/secret"
	"consentd/internal/service/consents"
	"consentd/internal/service/sca"
	"consentd/internal/storage"
	"consentd/test/pgtest"
)

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// bundle is the use cases over a fresh store, with a clock to turn.
type bundle struct {
	*consents.Consents
	db  *storage.DB
	now atomic.Int64 // seconds since begin
}

func each(t *testing.T, test func(t *testing.T, b *bundle)) {
	t.Helper()
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) { test(t, setup(t, engine)) })
	}
}

func setup(t *testing.T, engine string) *bundle {
	t.Helper()
	b := &bundle{}
	now := func() time.Time { return begin.Add(time.Duration(b.now.Load()) * time.Second) }
	keys, err := secret.New(secret.NewMaster())
	require.NoError(t, err)
	url := "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	if engine == "postgres" {
		url = pgtest.DSN(t)
	}
	b.db, err = storage.Open(t.Context(), storage.Options{
		URL: url, MaxConnections: 16, Keys: keys, Now: now, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.db.Close()) })
	_, err = b.db.Migrate(t.Context())
	require.NoError(t, err)
	policy := consent.DefaultPolicy()
	b.Consents = &consents.Consents{
		Store: b.db, Policy: policy, Now: now,
		Runs: &sca.Dispatcher{Keys: keys, Policy: policy, Flow: "none"},
	}
	return b
}

func draft() consent.Draft {
	return consent.Draft{
		Kind: consent.AccountAccess, Rail: consent.RailXS2A, TPP: "A", TPPName: "A", Recurring: true, FrequencyPerDay: 9,
		ValidUntil: consent.Date{Year: 9999, Month: 12, Day: 31}, RedirectURI: "https://tpp.example/ok",
		Access: consent.Access{Scope: consent.ScopeAllPSD2, Rights: consent.RightBalances},
	}
}

func TestCreate(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		ctx, notes := explain.Listen(t.Context())
		c, started, err := b.Create(ctx, draft(), consents.Wish{})
		require.NoError(t, err)
		require.Contains(t, notes.Lines(), "consent "+c.ID.String()+": valid until 2026-05-30 (asked: 9999-12-31), 4 accesses a day (asked: 9)")
		stored, err := b.Get(ctx, "A", c.ID)
		require.NoError(t, err)
		require.Equal(t, c, stored)
		require.Equal(t, []any{"2026-05-30", 4, consent.Received}, []any{stored.ValidUntil.String(), stored.FrequencyPerDay, stored.Status})
		a, err := b.Authorisation(ctx, "A", c.ID, started.Authorisation)
		require.NoError(t, err)
		require.Equal(t, begin.Add(10*time.Minute), a.Deadline)
		run, err := b.db.Run(ctx, secret.Digest(started.Handle))
		require.NoError(t, err)
		require.Equal(t, []any{c.ID, a.ID, a.RunID}, []any{run.Consent, run.Authorisation, run.ID})

		explicit, none, err := b.Create(ctx, draft(), consents.Wish{Explicit: true})
		require.NoError(t, err)
		require.Nil(t, none)
		require.Empty(t, explicit.Authorisations)

		past := draft()
		past.ValidUntil = consent.Date{Year: 2026, Month: 2, Day: 28}
		_, _, err = b.Create(ctx, past, consents.Wish{})
		require.Equal(t, consent.CodeFormat, consent.CodeOf(err))
	})
}

// TestForeign answers alike for what is unknown and what is another TPP's, and
// changes nothing.
func TestForeign(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c, started, err := b.Create(t.Context(), draft(), consents.Wish{})
		require.NoError(t, err)
		for name, call := range map[string]func(tpp string, id uuid.UUID) error{
			"get":    func(tpp string, id uuid.UUID) error { _, err := b.Get(t.Context(), tpp, id); return err },
			"status": func(tpp string, id uuid.UUID) error { _, _, err := b.Status(t.Context(), tpp, id); return err },
			"sca": func(tpp string, id uuid.UUID) error {
				_, err := b.Authorisation(t.Context(), tpp, id, started.Authorisation)
				return err
			},
			"start": func(tpp string, id uuid.UUID) error {
				_, err := b.StartAuthorisation(t.Context(), tpp, id, consents.Wish{})
				return err
			},
			"terminate": func(tpp string, id uuid.UUID) error { return b.Terminate(t.Context(), tpp, id) },
		} {
			require.Equal(t, consent.CodeNotFound, consent.CodeOf(call("B", c.ID)), name)
			require.Equal(t, consent.CodeNotFound, consent.CodeOf(call("A", uuid.New())), name)
		}
		stored, err := b.Get(t.Context(), "A", c.ID)
		require.NoError(t, err)
		require.Equal(t, c, stored)
	})
}

// TestExpire shows that reads never wait for the worker, and that the worker
// writes what reads have said.
func TestExpire(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		ctx := t.Context()
		c, _, err := b.Create(ctx, draft(), consents.Wish{})
		require.NoError(t, err)
		b.now.Store(int64((24 * time.Hour).Seconds()) + 100)
		status, ending, err := b.Status(ctx, "A", c.ID)
		require.NoError(t, err)
		require.Equal(t, []any{consent.Rejected, consent.ReasonNotAuthorised}, []any{status, ending.Reason})
		read, err := b.Get(ctx, "A", c.ID)
		require.NoError(t, err)
		require.Equal(t, begin.Add(24*time.Hour), read.StatusChangedAt, "dated by the deadline")
		stored, err := b.db.Get(ctx, c.ID)
		require.NoError(t, err)
		require.Equal(t, consent.Received, stored.Status, "a read writes nothing")

		_, err = b.StartAuthorisation(ctx, "A", c.ID, consents.Wish{})
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err))

		n, err := b.Expire(ctx, 10)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		stored, err = b.db.Get(ctx, c.ID)
		require.NoError(t, err)
		require.Equal(t, read.StatusChangedAt, stored.StatusChangedAt)
		n, err = b.Expire(ctx, 10)
		require.NoError(t, err)
		require.Zero(t, n)
	})
}

// TestTwoSweepers lets two workers loose on the same consents: each is settled once.
func TestTwoSweepers(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		const many = 40
		for range many {
			_, _, err := b.Create(t.Context(), draft(), consents.Wish{})
			require.NoError(t, err)
		}
		b.now.Store(int64((25 * time.Hour).Seconds()))
		var total atomic.Int64
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				n, err := b.Expire(context.WithoutCancel(t.Context()), many)
				if err != nil {
					t.Error(err)
				}
				total.Add(int64(n))
			})
		}
		wg.Wait()
		require.EqualValues(t, many, total.Load())
	})
}

func TestTerminate(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c, _, err := b.Create(t.Context(), draft(), consents.Wish{})
		require.NoError(t, err)
		require.NoError(t, b.Terminate(t.Context(), "A", c.ID))
		first, err := b.Get(t.Context(), "A", c.ID)
		require.NoError(t, err)
		require.Equal(t, consent.Revoked, first.Status)
		b.now.Store(60)
		require.NoError(t, b.Terminate(t.Context(), "A", c.ID), "again")
		second, err := b.Get(t.Context(), "A", c.ID)
		require.NoError(t, err)
		require.Equal(t, first, second)
	})
}
