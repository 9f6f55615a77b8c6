package storage_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/register"
	"consentd/internal/service/tokens"
	"consentd/internal/storage"
	"consentd/test/pgtest"
)

// TestWaitsForLocksOnlySoLong lets another transaction hold what a call needs:
// the call waits, then says that it is worth another try.
func TestWaitsForLocksOnlySoLong(t *testing.T) {
	address := pgtest.DSN(t)
	db := open(t, address+"&lock_timeout=50ms", slog.New(slog.DiscardHandler))
	_, err := db.Migrate(t.Context())
	require.NoError(t, err)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	made := func(r *consent.Receipt) (*consent.Consent, *consent.Run) {
		c, err := consent.DefaultPolicy().New(uuid.Must(uuid.NewV7()), consent.Draft{
			Kind: consent.AccountAccess, Rail: consent.RailXS2A, TPP: "A", FrequencyPerDay: 1, ValidUntil: consent.DateOf(now, time.UTC),
		}, consent.Cause{By: consent.ByTPP, Who: "A"}, now)
		require.NoError(t, err)
		run := &consent.Run{ID: uuid.New(), Consent: c.ID, Authorisation: uuid.New(), Handle: r.Key, CreatedAt: now, OpenBy: now}
		require.NoError(t, c.Start(consent.Authorisation{
			ID: run.Authorisation, RunID: run.ID, Status: consent.ScaReceived, CreatedAt: now, ChangedAt: now, Deadline: now.Add(time.Hour),
		}))
		c.Answered(r)
		return c, run
	}
	receipt := func(key byte) *consent.Receipt {
		return &consent.Receipt{Key: consent.Digest{key}, Fingerprint: consent.Digest{1}, Answer: []byte{1}, Expires: now}
	}
	c, run := made(receipt(1))
	require.NoError(t, db.Create(t.Context(), c, run))
	refusal := consent.Entry{Chain: "refused/A", At: now}
	require.NoError(t, db.Refuse(t.Context(), refusal, nil))

	require.NoError(t, callOfTPP(t, db))
	token := tokens.Token{ID: uuid.New(), Role: service.Hub, CreatedAt: now}
	require.NoError(t, db.AddToken(t.Context(), tokens.Record{Token: token, MAC: []byte{1}, Seal: []byte{1}}, consent.Entry{Chain: tokens.Chain(token.ID), At: now}))

	for name, x := range map[string]struct {
		held string
		call func() error
	}{
		"a TPP that somebody changes": {
			held: `SELECT 1 FROM tpps FOR SHARE`,
			call: func() error { return callOfTPP(t, db) },
		},
		"a TPP behind another change": {
			held: `SELECT 1 FROM audit_chains FOR UPDATE`,
			call: func() error { return callOfTPP(t, db) },
		},
		"a token behind another change": {
			held: `SELECT 1 FROM audit_chains FOR UPDATE`,
			call: func() error {
				_, err := db.ChangeToken(t.Context(), token.ID, func(*tokens.Record) (*consent.Entry, error) { return &consent.Entry{At: now}, nil })
				return err
			},
		},
		"a consent of a blocked TPP, whose block somebody changes": {
			held: `SELECT 1 FROM tpps FOR UPDATE`,
			call: func() error {
				return db.Doom(t.Context(), register.Doomed{Consent: c.ID, TPP: "A"}, true, func(*consent.Consent, *register.Block) error { return nil })
			},
		},
		"the twin of a create": {
			held: `INSERT INTO receipts VALUES (decode(rpad('02', 64, '0'), 'hex'), decode(rpad('01', 64, '0'), 'hex'), '', now())`,
			call: func() error {
				c, run := made(receipt(2))
				return db.Create(t.Context(), c, run)
			},
		},
		"the twin of a change": {
			held: `INSERT INTO receipts VALUES (decode(rpad('02', 64, '0'), 'hex'), decode(rpad('01', 64, '0'), 'hex'), '', now())`,
			call: func() error {
				_, err := db.Update(t.Context(), c.ID, func(c *consent.Consent) error { c.Answered(receipt(2)); return nil })
				return err
			},
		},
		"the twin of a refusal": {
			held: `INSERT INTO receipts VALUES (decode(rpad('02', 64, '0'), 'hex'), decode(rpad('01', 64, '0'), 'hex'), '', now())`,
			call: func() error { return db.Refuse(t.Context(), refusal, receipt(2)) },
		},
		"a change of a consent that somebody changes": {
			held: `SELECT 1 FROM consents FOR UPDATE`,
			call: func() error {
				_, err := db.Update(t.Context(), c.ID, func(c *consent.Consent) error { return c.Terminate(now) })
				return err
			},
		},
		"a step of a run that somebody changes": {
			held: `SELECT 1 FROM flow_runs FOR UPDATE`,
			call: func() error {
				return db.Change(t.Context(), run.ID, func(*consent.Run, *consent.Consent) error { return nil })
			},
		},
		"a refusal behind another": {
			held: `SELECT 1 FROM audit_chains FOR UPDATE`,
			call: func() error { return db.Refuse(t.Context(), refusal, nil) },
		},
	} {
		release := hold(t, address, x.held)
		err := x.call()
		require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err), "%s: %v", name, err)
		release()
		require.NoError(t, x.call(), "%s, once it is free", name)
		execute(t, address, `DELETE FROM receipts WHERE key = decode(rpad('02', 64, '0'), 'hex')`)
	}
}

// callOfTPP changes a TPP, each time.
func callOfTPP(t *testing.T, db *storage.DB) error {
	t.Helper()
	_, err := db.ChangeTPP(t.Context(), "A", func(row *register.TPP) (*consent.Entry, error) {
		row.Block = &register.Block{At: begun, EndsConsents: true}
		return &consent.Entry{At: begun}, nil
	})
	return err
}

// TestFirstCallsLeaveConnections has a new TPP call very often while its chain is
// busy: nobody else waits for a connection meanwhile.
func TestFirstCallsLeaveConnections(t *testing.T) {
	db, err := storage.Open(t.Context(), storage.Options{
		URL: pgtest.DSN(t) + "&lock_timeout=30s", MaxConnections: 5, Keys: newKeys(t), Now: func() time.Time { return begun },
		Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	_, err = db.Migrate(t.Context())
	require.NoError(t, err)
	gate, holding, held := make(chan struct{}), make(chan struct{}), make(chan error)
	for _, id := range []string{"A", "B"} {
		go func() {
			_, err := db.ChangeTPP(t.Context(), id, func(*register.TPP) (*consent.Entry, error) {
				holding <- struct{}{}
				<-gate
				return nil, nil
			})
			held <- err
		}()
		<-holding
	}
	r := &register.Register{Store: db, Now: func() time.Time { return begun }, Log: slog.New(slog.DiscardHandler)}
	const n = 50
	done := make(chan error, n)
	for range n {
		go func() { done <- r.Admit(t.Context(), register.TPP{ID: "A"}, "") }()
	}
	for range 100 {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err := db.Status(ctx, uuid.New())
		cancel()
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err), "%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = db.ChangeTPP(ctx, "A", func(*register.TPP) (*consent.Entry, error) { return nil, nil })
	require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err), "who does not wait is told so")
	close(gate)
	require.NoError(t, <-held)
	require.NoError(t, <-held)
	for range n {
		require.NoError(t, <-done)
	}
	require.Zero(t, db.Stats().WaitCount, "nobody waited for a connection")
	entries, err := db.History(t.Context(), register.Chain("A"))
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

// TestRefusalsLeaveConnections has one TPP refused very often while its chain is
// busy: nobody else waits for a connection meanwhile.
func TestRefusalsLeaveConnections(t *testing.T) {
	address := pgtest.DSN(t) + "&lock_timeout=30s"
	db, err := storage.Open(t.Context(), storage.Options{
		URL: address, MaxConnections: 3, Keys: newKeys(t), Now: func() time.Time { return begun }, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	_, err = db.Migrate(t.Context())
	require.NoError(t, err)
	refusal := consent.Entry{Chain: "refused/A", At: begun}
	require.NoError(t, db.Refuse(t.Context(), refusal, nil))
	release := hold(t, address, `SELECT 1 FROM audit_chains FOR UPDATE`)
	const n = 50
	done := make(chan error, n)
	for range n {
		go func() { done <- db.Refuse(t.Context(), refusal, nil) }()
	}
	require.Eventually(t, func() bool { return db.Stats().InUse >= 2 }, 10*time.Second, time.Millisecond)
	for range 100 {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err := db.Status(ctx, uuid.New())
		cancel()
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err), "%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, consent.CodeUnavailable, consent.CodeOf(db.Refuse(ctx, refusal, nil)), "who does not wait is told so")
	release()
	for range n {
		require.NoError(t, <-done)
	}
	require.Zero(t, db.Stats().WaitCount, "nobody waited for a connection")
	entries, err := db.History(t.Context(), refusal.Chain)
	require.NoError(t, err)
	require.Len(t, entries, n+1)
}
