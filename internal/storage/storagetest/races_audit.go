package storagetest

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/consents"
	"consentd/internal/service/ledger"
)

func raceOfReceipts(t *testing.T, b *bundle) {
	t.Helper()
	for round := range byte(10) {
		made := make([]uuid.UUID, 16)
		creates := make([]func() error, len(made))
		for i := range creates {
			c, run := newConsent(t, draft())
			c.Answered(receipt(round))
			made[i] = c.ID
			creates[i] = func() error { return b.Create(b.ctx, c, run) }
		}
		created := 0
		for i, err := range together(creates...) {
			_, unknown := b.Get(b.ctx, made[i])
			if err == nil {
				created++
				require.NoError(t, unknown)
				continue
			}
			require.Equal(t, consent.CodeRepeated, consent.CodeOf(err), err)
			require.Equal(t, consent.CodeNotFound, consent.CodeOf(unknown))
			require.Empty(t, b.history(made[i].String()))
		}
		require.Equal(t, 1, created)
	}
	require.Empty(t, b.faults())
}

// sweeper is the use case that writes down what time has ended.
func (b *bundle) sweeper(now time.Time) *consents.Consents {
	return &consents.Consents{Store: b, Now: func() time.Time { return now }}
}

// endings are the entries of a chain that end its consent.
func (b *bundle) endings(c uuid.UUID) (last []consent.Entry) {
	b.t.Helper()
	for _, e := range b.history(c.String()) {
		if e.Authorisation == uuid.Nil && consent.Status(e.To).Final() {
			last = append(last, e)
		}
	}
	return last
}

func raceOfSweepers(t *testing.T, b *bundle) {
	t.Helper()
	psu, customer, grants := b.person("lea")
	var all []*consent.Consent
	for range 20 {
		pending, _ := b.create(draft())
		valid, run := b.identified(draft(func(d *consent.Draft) { d.Recurring, d.FrequencyPerDay = false, 1 }), psu, customer)
		require.NoError(t, b.finish(b.ctx, run, psu, grants, start))
		all = append(all, pending, valid)
	}
	settled := make([]int, 4)
	sweeps := make([]func() error, len(settled))
	for i := range sweeps {
		sweeps[i] = func() (err error) {
			for range 20 { // what another one holds is left for the next turn
				n, err := b.sweeper(start.AddDate(1, 0, 0)).Expire(b.ctx, 7)
				settled[i] += n
				if err != nil {
					return err
				}
			}
			return nil
		}
	}
	for _, err := range together(sweeps...) {
		require.NoError(t, err)
	}
	require.Equal(t, len(all), settled[0]+settled[1]+settled[2]+settled[3], "each once, whoever did it")
	for _, c := range all {
		require.True(t, b.get(c.ID).Status.Final())
		last := b.endings(c.ID)
		require.Len(t, last, 1)
		require.Equal(t, consent.BySystem, last[0].By)
	}
	require.Empty(t, b.faults())
}

// raceOfChains lets a PSU authorise, the TPP end and time end a consent at the
// same instant, in a hundred rounds.
func raceOfChains(t *testing.T, b *bundle) {
	t.Helper()
	psu, customer, grants := b.person("lea")
	ended := map[string]int{}
	for range 100 {
		c, run := b.identified(draft(), psu, customer)
		errs := together(
			func() error { return b.finish(b.ctx, run, psu, grants, start) },
			func() error {
				_, err := b.Update(b.ctx, c.ID, func(c *consent.Consent) error {
					c.Because(consent.Cause{By: consent.ByTPP, Who: c.TPP})
					return c.Terminate(start)
				})
				return err
			},
			func() error { _, err := b.sweeper(start.AddDate(0, 0, 2)).Expire(b.ctx, 200); return err },
			func() error { _, err := b.sweeper(start.AddDate(1, 0, 0)).Expire(b.ctx, 200); return err },
		)
		for i, err := range errs {
			if i != 0 || err != nil && consent.CodeOf(err) != consent.CodeStatusInvalid {
				require.NoError(t, err)
			}
		}
		got := b.get(c.ID)
		last := b.endings(c.ID)
		require.Len(t, last, 1, "ended once")
		require.Equal(t, []string{string(got.Status), string(got.Ending.By), string(got.Ending.Reason)},
			[]string{last[0].To, string(last[0].By), last[0].Reason})
		ended[last[0].From+">"+last[0].To]++
	}
	t.Logf("ended as %v", ended)
	require.Empty(t, b.faults())
}

func raceOfRefusals(t *testing.T, b *bundle) {
	t.Helper()
	calls := make([]func() error, 32)
	for i := range calls {
		calls[i] = func() error { return b.Refuse(b.ctx, refusal("A", start.Add(time.Duration(i)*time.Second)), nil) }
	}
	for _, err := range together(calls...) {
		require.NoError(t, err)
	}
	entries := b.history(consent.RefusedChain("A", consent.DateOf(start, time.UTC)))
	require.Len(t, entries, len(calls))
	seen := map[time.Time]bool{}
	for i, e := range entries {
		require.Equal(t, i+1, e.Seq)
		seen[e.At] = true
	}
	require.Len(t, seen, len(calls))
	require.Empty(t, b.faults())
}

// raceOfVerifying verifies again and again while consents are made, ended and
// refused: what is half way is no fault.
func raceOfVerifying(t *testing.T, b *bundle) {
	t.Helper()
	psu, customer, grants := b.person("lea")
	write := func() error {
		for range 15 {
			c, run := newConsent(t, draft())
			if err := b.Create(b.ctx, c, run); err != nil {
				return err
			}
			err := b.Change(b.ctx, run.ID, func(r *consent.Run, c *consent.Consent) error {
				r.PSU, r.Customer = psu, customer
				return c.Identify(run.Authorisation, psu, customer, start)
			})
			if err != nil {
				return err
			}
			if err := b.finish(b.ctx, run, psu, grants, start); err != nil {
				return err
			}
			if err := b.Refuse(b.ctx, refusal("A", start), nil); err != nil {
				return err
			}
		}
		return nil
	}
	var faults []string
	verify := func() error {
		for range 10 {
			if _, err := b.ledger().Verify(b.ctx, func(f ledger.Fault) { faults = append(faults, f.String()) }); err != nil {
				return err
			}
		}
		return nil
	}
	for _, err := range together(write, write, write, verify) {
		require.NoError(t, err)
	}
	require.Empty(t, faults)
	require.Len(t, b.history(consent.RefusedChain("A", consent.DateOf(start, time.UTC))), 45)
}

func raceOfForgetting(t *testing.T, b *bundle) {
	t.Helper()
	const many = 60
	for i := range byte(many) {
		require.NoError(t, b.Refuse(b.ctx, refusal("A", start), receipt(i)))
	}
	forgotten := make([]int, 4)
	calls := make([]func() error, len(forgotten))
	for i := range calls {
		calls[i] = func() error {
			for range many {
				n, err := b.ForgetReceipts(b.ctx, start.AddDate(0, 0, 2), 5)
				if err != nil {
					return err
				}
				forgotten[i] += n
			}
			return nil
		}
	}
	for _, err := range together(calls...) {
		require.NoError(t, err)
	}
	require.Equal(t, many, forgotten[0]+forgotten[1]+forgotten[2]+forgotten[3])
}
