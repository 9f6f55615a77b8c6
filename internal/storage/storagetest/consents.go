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
	runAll(t, open, map[string]func(*testing.T, *bundle){
		"due lists what time has ended, longest overdue first":   dueIsLongestOverdueFirst,
		"instants keep their microseconds and sort across zones": timesAreExact,
		"what is created is read back whole":                     createdIsReadBack,
		"a consent without an authorisation":                     withoutAuthorisation,
		"a consent with more than one authorisation":             withSeveral,
		"random commands keep the invariants":                    randomCommands,
		"unknown ids":                                            unknownIDs,
		"status reads what the hot path needs":                   statusReads,
		"status finds a consent by its id alone":                 statusByAnyID,
		"an update saves everything or nothing":                  updateIsAtomic,
		"an update that changes nothing writes nothing":          updateOfNothing,
		"a further authorisation comes with its run":             furtherAuthorisation,
		"a refused further authorisation leaves no run":          refusedAuthorisation,
		"a consent that nobody changes is updated, another left": freeUpdates,
		"recent lists the newest first":                          recentIsNewestFirst,
	})
}

func createdIsReadBack(t *testing.T, b *bundle) {
	t.Helper()
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
		"funds confirmation": draft(func(d *consent.Draft) {
			d.Kind = consent.FundsConfirmation
			d.Card = consent.Card{
				Number: "1234****5678", Expiry: consent.Date{Year: 2028, Month: time.May, Day: 31},
				Information: "loyalty \"card\"", Registration: "ü",
			}
		}),
		"for a PSU of a company": draft(func(d *consent.Draft) { d.PSU, d.Corporate = consent.Digest{1}, consent.Digest{2} }),
		"other scheme": draft(func(d *consent.Draft) {
			d.Access.Asked[0].Reference = consent.Reference{Other: consent.Other{Identification: "x-ü", Issuer: "i"}}
		}),
	} {
		c, _ := b.create(d)
		require.Equal(t, c, b.get(c.ID), name)
	}
}

// statusByAnyID reads by ids that are no numbers in any reading, and that are zero.
func statusByAnyID(t *testing.T, b *bundle) {
	t.Helper()
	for _, first := range []byte{0x00, 0x0a, 0xff, 0x01} {
		c, _ := newConsent(t, draft())
		c.ID[0], c.Authorisations = first, nil
		c.GroupID = c.ID
		require.NoError(t, b.Create(b.ctx, c, nil))
		got, err := b.Status(b.ctx, c.ID)
		require.NoError(t, err, "%x", first)
		require.Equal(t, []any{c.ID, c.TPP}, []any{got.ID, got.TPP})
		require.Equal(t, c.ID, b.grounds(c.ID).Consent.ID)
	}
}

func withoutAuthorisation(t *testing.T, b *bundle) {
	t.Helper()
	c, _ := newConsent(t, draft())
	c.Authorisations = nil
	require.NoError(t, b.Create(b.ctx, c, nil))
	require.Equal(t, c, b.get(c.ID))
}

func withSeveral(t *testing.T, b *bundle) {
	t.Helper()
	c, run := newConsent(t, draft())
	require.NoError(t, c.Start(authorisation(newRun(c.ID))))
	require.NoError(t, b.Create(b.ctx, c, run))
	require.Len(t, b.get(c.ID).Authorisations, 2)
	require.Len(t, b.history(c.ID.String()), 2)
	require.Empty(t, b.faults())
}

func unknownIDs(t *testing.T, b *bundle) {
	t.Helper()
	_, err := b.Get(b.ctx, uuid.New())
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
	_, err = b.Status(b.ctx, uuid.New())
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
	_, err = b.Update(b.ctx, uuid.New(), func(*consent.Consent) error { return nil })
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
}

func statusReads(t *testing.T, b *bundle) {
	t.Helper()
	c, _ := b.create(draft())
	_, err := b.Update(b.ctx, c.ID, func(c *consent.Consent) error { return c.Terminate(start.Add(time.Hour)) })
	require.NoError(t, err)
	whole := b.get(c.ID)
	s, err := b.Status(b.ctx, c.ID)
	require.NoError(t, err)
	require.Equal(t, &consent.Consent{
		ID: c.ID, TPP: whole.TPP, Kind: whole.Kind, Rail: whole.Rail, Status: consent.Revoked, Ending: whole.Ending,
		StatusChangedAt: whole.StatusChangedAt, EndsAt: whole.EndsAt, AuthoriseBy: whole.AuthoriseBy,
	}, s)
	other, _ := b.create(draft(func(d *consent.Draft) { d.Kind, d.Rail = consent.FundsConfirmation, consent.RailSTET }))
	s, err = b.Status(b.ctx, other.ID)
	require.NoError(t, err)
	require.Equal(t, []any{consent.FundsConfirmation, consent.RailSTET}, []any{s.Kind, s.Rail})
}

func updateIsAtomic(t *testing.T, b *bundle) {
	t.Helper()
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
}

func updateOfNothing(t *testing.T, b *bundle) {
	t.Helper()
	c, _ := b.create(draft())
	_, err := b.Update(b.ctx, c.ID, func(*consent.Consent) error { return nil })
	require.NoError(t, err)
	require.Equal(t, 1, b.get(c.ID).Version)
}

func furtherAuthorisation(t *testing.T, b *bundle) {
	t.Helper()
	c, _ := b.create(draft())
	run := newRun(c.ID)
	got, err := b.AddRun(b.ctx, c.ID, run, func(c *consent.Consent) error { return c.Start(authorisation(run)) })
	require.NoError(t, err)
	require.Len(t, b.get(c.ID).Authorisations, 2)
	require.Equal(t, got, b.get(c.ID))
	stored, err := b.Run(b.ctx, run.Handle)
	require.NoError(t, err)
	require.Equal(t, run, stored)
}

func refusedAuthorisation(t *testing.T, b *bundle) {
	t.Helper()
	c, _ := b.create(draft())
	run := newRun(c.ID)
	_, err := b.AddRun(b.ctx, c.ID, run, func(*consent.Consent) error { return consent.E(consent.CodeStatusInvalid, "no") })
	require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err))
	_, err = b.Run(b.ctx, run.Handle)
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
}

func recentIsNewestFirst(t *testing.T, b *bundle) {
	t.Helper()
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
}

func dueIsLongestOverdueFirst(t *testing.T, b *bundle) {
	t.Helper()
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

func timesAreExact(t *testing.T, b *bundle) {
	t.Helper()
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

// freeUpdates has the consent changed unless somebody else holds it.
func freeUpdates(t *testing.T, b *bundle) {
	t.Helper()
	c, _ := b.create(draft())
	end := func(c *consent.Consent) error { return c.Terminate(start) }
	if b.Hold != nil {
		release := b.Hold(t, `SELECT 1 FROM consents WHERE id = $1 FOR UPDATE`, c.ID.String())
		require.NoError(t, b.UpdateFree(b.ctx, c.ID, func(*consent.Consent) error {
			require.Fail(t, "somebody else is changing it")
			return nil
		}))
		release()
	}
	require.Equal(t, consent.Received, b.get(c.ID).Status)
	broken := errors.New("no")
	require.ErrorIs(t, b.UpdateFree(b.ctx, c.ID, func(c *consent.Consent) error { return errors.Join(end(c), broken) }), broken)
	require.Equal(t, consent.Received, b.get(c.ID).Status)
	require.NoError(t, b.UpdateFree(b.ctx, c.ID, end))
	require.Equal(t, consent.Revoked, b.get(c.ID).Status)
	require.Empty(t, b.faults())
	require.NoError(t, b.UpdateFree(b.ctx, uuid.New(), end), "gone")
}
