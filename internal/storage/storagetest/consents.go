package storagetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
)

func testConsents(t *testing.T, open Open) {
	t.Run("what is created is read back whole", func(t *testing.T) {
		b := setup(t, open)
		for name, d := range map[string]consent.Draft{
			"dedicated": draft(),
			"one-off": draft(func(d *consent.Draft) {
				d.Recurring, d.FrequencyPerDay, d.NokRedirectURI = false, 1, ""
			}),
			"global": draft(func(d *consent.Draft) {
				d.Access = consent.Access{
					Scope: consent.ScopeAllPSD2, OwnerName: true, Only: []string{"CACC", "SVGS"},
					Rights: consent.RightAccounts | consent.RightTransactions,
				}
			}),
			"other scheme": draft(func(d *consent.Draft) {
				d.Access.Asked[0].Reference = consent.Reference{Other: consent.Other{Identification: "x-ü", Issuer: "i"}}
			}),
		} {
			c, _ := b.create(d)
			require.Equal(t, c, b.get(c.ID), name)
		}
	})
	t.Run("a consent without an authorisation", func(t *testing.T) {
		b := setup(t, open)
		c, _ := newConsent(t, draft())
		c.Authorisations = nil
		require.NoError(t, b.Create(b.ctx, c, nil))
		require.Equal(t, c, b.get(c.ID))
	})
	t.Run("unknown ids", func(t *testing.T) {
		b := setup(t, open)
		_, err := b.Get(b.ctx, uuid.New())
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
		_, err = b.Status(b.ctx, uuid.New())
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
		_, err = b.Update(b.ctx, uuid.New(), func(*consent.Consent) error { return nil })
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
	})
	t.Run("status reads what the hot path needs", func(t *testing.T) {
		b := setup(t, open)
		c, _ := b.create(draft())
		_, err := b.Update(b.ctx, c.ID, func(c *consent.Consent) error { return c.Terminate(start.Add(time.Hour)) })
		require.NoError(t, err)
		whole := b.get(c.ID)
		s, err := b.Status(b.ctx, c.ID)
		require.NoError(t, err)
		require.Equal(t, []any{whole.TPP, consent.Revoked, whole.Ending, whole.StatusChangedAt, whole.EndsAt, whole.AuthoriseBy},
			[]any{s.TPP, s.Status, s.Ending, s.StatusChangedAt, s.EndsAt, s.AuthoriseBy})
	})
	t.Run("an update saves everything or nothing", func(t *testing.T) {
		b := setup(t, open)
		c, _ := b.create(draft())
		broken := errors.New("no")
		_, err := b.Update(b.ctx, c.ID, func(c *consent.Consent) error {
			require.NoError(t, c.Terminate(start))
			return broken
		})
		require.ErrorIs(t, err, broken)
		require.Equal(t, c, b.get(c.ID))
		got, err := b.Update(b.ctx, c.ID, func(c *consent.Consent) error { return c.Terminate(start.Add(time.Second)) })
		require.NoError(t, err)
		require.Equal(t, got, b.get(c.ID))
		require.Equal(t, 2, got.Version)
		require.Equal(t, consent.ScaFailed, got.Authorisations[0].Status)
	})
	t.Run("an update that changes nothing writes nothing", func(t *testing.T) {
		b := setup(t, open)
		c, _ := b.create(draft())
		_, err := b.Update(b.ctx, c.ID, func(*consent.Consent) error { return nil })
		require.NoError(t, err)
		require.Equal(t, 1, b.get(c.ID).Version)
	})
	t.Run("a further authorisation comes with its run", func(t *testing.T) {
		b := setup(t, open)
		c, _ := b.create(draft())
		run := newRun(c.ID)
		got, err := b.AddRun(b.ctx, c.ID, run, func(c *consent.Consent) error { return c.Start(authorisation(run)) })
		require.NoError(t, err)
		require.Len(t, b.get(c.ID).Authorisations, 2)
		require.Equal(t, got, b.get(c.ID))
		stored, err := b.Run(b.ctx, run.Handle)
		require.NoError(t, err)
		require.Equal(t, run, stored)
	})
	t.Run("a refused further authorisation leaves no run", func(t *testing.T) {
		b := setup(t, open)
		c, _ := b.create(draft())
		run := newRun(c.ID)
		_, err := b.AddRun(b.ctx, c.ID, run, func(*consent.Consent) error { return consent.E(consent.CodeStatusInvalid, "no") })
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err))
		_, err = b.Run(b.ctx, run.Handle)
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
	})
	t.Run("due lists what time has ended, longest overdue first", func(t *testing.T) { testDue(t, open) })
	t.Run("instants keep their microseconds and sort across zones", func(t *testing.T) { testTimes(t, open) })
	t.Run("recent lists the newest first", func(t *testing.T) {
		b := setup(t, open)
		first, _ := b.create(draft())
		second, _ := newConsent(t, draft())
		second.CreatedAt = start.Add(time.Second)
		require.NoError(t, b.Create(b.ctx, second, nil))
		list, err := b.Recent(b.ctx, 1)
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, second.ID, list[0].ID)
		list, err = b.Recent(b.ctx, 9)
		require.NoError(t, err)
		require.Equal(t, first.ID, list[1].ID)
	})
}

func testDue(t *testing.T, open Open) {
	b := setup(t, open)
	late, _ := b.create(draft())
	early, run := newConsent(t, draft())
	early.Authorisations[0].Deadline = start.Add(time.Minute)
	require.NoError(t, b.Create(b.ctx, early, run))
	ended, _ := b.create(draft())
	_, err := b.Update(b.ctx, ended.ID, func(c *consent.Consent) error { return c.Terminate(start) })
	require.NoError(t, err)

	for _, x := range []struct {
		at    time.Time
		limit int
		want  []uuid.UUID
	}{
		{start, 9, nil},
		{start.Add(time.Minute), 9, []uuid.UUID{early.ID}},
		{start.Add(time.Hour), 9, []uuid.UUID{early.ID, late.ID}},
		{start.Add(time.Hour), 1, []uuid.UUID{early.ID}},
		{start.AddDate(1, 0, 0), 9, []uuid.UUID{early.ID, late.ID}},
	} {
		ids, err := b.Due(b.ctx, x.at, x.limit)
		require.NoError(t, err)
		require.ElementsMatch(t, x.want, ids, x.at)
		if len(ids) > 0 {
			require.Equal(t, x.want[0], ids[0])
		}
	}
}

func testTimes(t *testing.T, open Open) {
	b := setup(t, open)
	zone := time.FixedZone("far", 11*3600)
	c, run := newConsent(t, draft())
	c.CreatedAt = time.Date(2026, 3, 2, 0, 0, 0, 999999999, zone) // the day before in UTC
	c.Authorisations[0].Deadline = start.Add(5 * time.Minute).In(zone)
	require.NoError(t, b.Create(b.ctx, c, run))
	got := b.get(c.ID)
	require.Equal(t, "2026-03-01T13:00:00.999999Z", got.CreatedAt.Format(time.RFC3339Nano))
	ids, err := b.Due(b.ctx, start.Add(5*time.Minute).In(time.FixedZone("west", -9*3600)), 9)
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{c.ID}, ids)
	ids, err = b.Due(b.ctx, start.Add(5*time.Minute-time.Microsecond), 9)
	require.NoError(t, err)
	require.Empty(t, ids)
}
