package storagetest

import (
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
)

// together runs the calls at the same instant and returns their errors.
func together(calls ...func() error) []error {
	errs := make([]error, len(calls))
	gate := make(chan struct{})
	var wg sync.WaitGroup
	for i, call := range calls {
		wg.Go(func() {
			<-gate
			errs[i] = call()
		})
	}
	close(gate)
	wg.Wait()
	return errs
}

func testRaces(t *testing.T, open Open) {
	runAll(t, open, map[string]func(*testing.T, *bundle){
		"two recurring consents authorised at the same instant leave one": raceOfReplacing,
		"revoke and expire never resurrect":                               raceOfEndings,
		"DELETE against authorise has one winner":                         raceOfDelete,
		"parallel answers get no more tries than there are":               raceOfTries,
		"two workers claim each waiting run once":                         raceOfWorkers,
		"a run is bound to one browser and finished once":                 raceOfBrowsers,
		"the same identity seen twice at once is one":                     raceOfIdentities,
		"the same call at many replicas makes one consent":                raceOfReceipts,
		"two sweepers end each consent once":                              raceOfSweepers,
		"authorise, revoke and expire leave chains that are legal":        raceOfChains,
		"refusals at the same instant leave no gaps":                      raceOfRefusals,
		"an audit that is being written verifies":                         raceOfVerifying,
		"receipts are forgotten once":                                     raceOfForgetting,
	})
}

func raceOfReplacing(t *testing.T, b *bundle) {
	t.Helper()
	psu, customer, grants := b.person("lea")
	var previous uuid.UUID
	for range 50 {
		one, runOne := b.identified(draft(), psu, customer)
		two, runTwo := b.identified(draft(), psu, customer)
		for _, err := range together(
			func() error { return b.finish(b.ctx, runOne, psu, grants, start.Add(time.Second)) },
			func() error { return b.finish(b.ctx, runTwo, psu, grants, start.Add(time.Second)) },
		) {
			require.NoError(t, err)
		}
		winner, loser := b.get(one.ID), b.get(two.ID)
		if winner.Status != consent.Valid {
			winner, loser = loser, winner
		}
		require.Equal(t, consent.Valid, winner.Status)
		require.Equal(t, consent.Expired, loser.Status)
		require.Equal(t, winner.ID, loser.ReplacedBy)
		if previous != uuid.Nil {
			require.Equal(t, consent.Expired, b.get(previous).Status)
		}
		previous = winner.ID
	}
}

func raceOfEndings(t *testing.T, b *bundle) {
	t.Helper()
	psu, customer, grants := b.person("lea")
	for range 25 {
		c, run := b.identified(draft(), psu, customer)
		require.NoError(t, b.finish(b.ctx, run, psu, grants, start))
		end := c.EndsAt
		update := func(change func(*consent.Consent) error) func() error {
			return func() error {
				_, err := b.Update(b.ctx, c.ID, change)
				return err
			}
		}
		errs := together(
			update(func(c *consent.Consent) error { return c.Terminate(end.Add(-time.Second)) }),
			update(func(c *consent.Consent) error { c.Settle(end); return nil }),
			update(func(c *consent.Consent) error { c.Settle(end); return nil }),
			update(func(c *consent.Consent) error { return c.Withdraw(end.Add(-time.Second)) }),
		)
		for _, err := range errs {
			require.NoError(t, err)
		}
		got := b.get(c.ID)
		require.True(t, got.Status.Final())
		require.Equal(t, 4, got.Version, "made, identified, authorised, ended: once")
		before := *got
		_, err := b.Update(b.ctx, c.ID, func(c *consent.Consent) error { c.Settle(end.AddDate(1, 0, 0)); return c.Terminate(end) })
		require.NoError(t, err)
		require.Equal(t, &before, b.get(c.ID))
	}
}

func raceOfDelete(t *testing.T, b *bundle) {
	t.Helper()
	psu, customer, grants := b.person("lea")
	for range 25 {
		c, run := b.identified(draft(), psu, customer)
		errs := together(
			func() error { return b.finish(b.ctx, run, psu, grants, start) },
			func() error {
				_, err := b.Update(b.ctx, c.ID, func(c *consent.Consent) error { return c.Terminate(start) })
				return err
			},
		)
		require.NoError(t, errs[1])
		got := b.get(c.ID)
		require.Equal(t, consent.Revoked, got.Status, "a consent that the TPP ended stays ended")
		switch got.Authorisations[0].Status {
		case consent.ScaFinalised:
			require.NoError(t, errs[0], "authorised, then ended")
		default:
			require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(errs[0]), "ended, hence not to authorise")
			require.Empty(t, got.Access.Grants)
		}
	}
}

func raceOfTries(t *testing.T, b *bundle) {
	t.Helper()
	_, run := b.create(draft())
	var mu sync.Mutex
	var judged []int
	calls := make([]func() error, 60)
	for i := range calls {
		calls[i] = func() error {
			n, err := b.CountTry(b.ctx, run.ID, 0, 3)
			if n > 0 {
				mu.Lock()
				defer mu.Unlock()
				judged = append(judged, n)
			}
			return err
		}
	}
	for _, err := range together(calls...) {
		require.NoError(t, err)
	}
	require.ElementsMatch(t, []int{1, 2, 3}, judged)
}

func raceOfBrowsers(t *testing.T, b *bundle) {
	t.Helper()
	psu, customer, grants := b.person("lea")
	for range 10 {
		_, run := b.identified(draft(), psu, customer)
		bind := func(browser byte) func() error {
			return func() error {
				return b.Change(b.ctx, run.ID, func(r *consent.Run, _ *consent.Consent) error {
					return r.Bind(consent.Digest{browser}, time.Hour, start)
				})
			}
		}
		require.ElementsMatch(t, []bool{true, false}, succeeded(together(bind(1), bind(2))))
		finish := func() error { return b.finish(b.ctx, run, psu, grants, start) }
		require.ElementsMatch(t, []bool{true, false, false}, succeeded(together(finish, finish, finish)))
	}
}

func raceOfIdentities(t *testing.T, b *bundle) {
	t.Helper()
	ids := make([]uuid.UUID, 8)
	calls := make([]func() error, len(ids))
	for i := range calls {
		calls[i] = func() (err error) {
			ids[i], err = b.PSU(b.ctx, "new")
			return err
		}
	}
	for _, err := range together(calls...) {
		require.NoError(t, err)
	}
	for _, id := range ids {
		require.Equal(t, ids[0], id)
	}
}

func succeeded(errs []error) []bool {
	ok := make([]bool, len(errs))
	for i, err := range errs {
		ok[i] = err == nil
	}
	return ok
}

func raceOfWorkers(t *testing.T, b *bundle) {
	const many = 30
	for range many {
		_, run := b.create(draft())
		require.NoError(t, b.Change(b.ctx, run.ID, func(r *consent.Run, _ *consent.Consent) error {
			r.PollAt = start
			return nil
		}))
	}
	var mu sync.Mutex
	claimed := map[uuid.UUID]int{}
	work := func() error {
		for {
			ids, err := b.Claim(b.ctx, start, start.Add(time.Minute), 4)
			if err != nil || len(ids) == 0 {
				return err
			}
			mu.Lock()
			for _, id := range ids {
				claimed[id]++
			}
			mu.Unlock()
		}
	}
	for _, err := range together(work, work, work) {
		require.NoError(t, err)
	}
	require.Len(t, claimed, many)
	for _, times := range claimed {
		require.Equal(t, 1, times)
	}
}
