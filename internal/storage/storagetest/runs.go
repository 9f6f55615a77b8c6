package storagetest

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
)

func testRuns(t *testing.T, open Open) {
	runAll(t, open, map[string]func(*testing.T, *bundle){
		"finishing replaces what it should and nothing else": finishReplaces,
		"a run is found by its handle and by its id":         runIsFound,
		"a change of run and consent is saved whole":         changeIsWhole,
		"a refused change saves neither":                     refusedChange,
		"tries are counted to the limit, per step":           triesAreCounted,
		"waiting runs are claimed by one":                    waitingRuns,
		"an ending wipes the run's memory":                   endingWipesMemory,
	})
}

func runIsFound(t *testing.T, b *bundle) {
	t.Helper()
	_, run := b.create(draft())
	got, err := b.Run(b.ctx, run.Handle)
	require.NoError(t, err)
	require.Equal(t, run, got)
	got, err = b.RunByID(b.ctx, run.ID)
	require.NoError(t, err)
	require.Equal(t, run, got)
	got, err = b.RunOf(b.ctx, run.Authorisation)
	require.NoError(t, err)
	require.Equal(t, run, got)
	_, err = b.RunOf(b.ctx, run.ID)
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
	_, err = b.Run(b.ctx, consent.Digest{1})
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
}

func changeIsWhole(t *testing.T, b *bundle) {
	t.Helper()
	psu, customer, _ := b.person("p")
	c, run := b.create(draft())
	var want consent.Run
	require.NoError(t, b.Change(b.ctx, run.ID, func(r *consent.Run, c *consent.Consent) error {
		require.NoError(t, r.Bind(consent.Digest{7}, time.Hour, start))
		r.PSU, r.Customer, r.Approved = psu, customer, true
		r.Step(consent.StageFlow, []byte("x"))
		r.PollAt = start.Add(time.Second)
		want = *r
		return c.Identify(run.Authorisation, psu, customer, start)
	}))
	got, err := b.RunByID(b.ctx, run.ID)
	require.NoError(t, err)
	require.Equal(t, &want, got)
	require.Equal(t, uuid.Nil, b.get(c.ID).Customer, "nobody has signed yet")
	require.Equal(t, psu, b.get(c.ID).Authorisations[0].PSU)
}

func refusedChange(t *testing.T, b *bundle) {
	t.Helper()
	c, run := b.create(draft())
	err := b.Change(b.ctx, run.ID, func(r *consent.Run, c *consent.Consent) error {
		r.End(consent.RunFailed, start)
		require.NoError(t, c.Terminate(start))
		return consent.E(consent.CodeForbidden, "no")
	})
	require.Equal(t, consent.CodeForbidden, consent.CodeOf(err))
	got, err := b.RunByID(b.ctx, run.ID)
	require.NoError(t, err)
	require.Equal(t, run, got)
	require.Equal(t, c, b.get(c.ID))
}

func triesAreCounted(t *testing.T, b *bundle) {
	_, run := b.create(draft())
	count := func(seq int) int {
		n, err := b.CountTry(b.ctx, run.ID, seq, 3)
		require.NoError(t, err)
		return n
	}
	step := func(change func(*consent.Run)) {
		require.NoError(t, b.Change(b.ctx, run.ID, func(r *consent.Run, _ *consent.Consent) error {
			change(r)
			return nil
		}))
	}
	require.Equal(t, []int{1, 2, 3, 0, 0}, []int{count(0), count(0), count(0), count(0), count(0)})
	require.Zero(t, count(1), "a step that is not there yet")
	require.NoError(t, b.ReturnTry(b.ctx, run.ID, 1))
	require.Zero(t, count(0), "returned to another step")
	require.NoError(t, b.ReturnTry(b.ctx, run.ID, 0))
	require.Equal(t, []int{3, 0}, []int{count(0), count(0)})
	step(func(r *consent.Run) { r.Step(consent.StageFlow, nil) })
	require.Zero(t, count(1), "another page is no reason to begin anew")
	step(func(r *consent.Run) { r.Progress(consent.StageFlow, nil) })
	require.Equal(t, 1, count(2))
	step(func(r *consent.Run) { r.End(consent.RunRefused, start) })
	require.Zero(t, count(3), "an ended run")
}

func waitingRuns(t *testing.T, b *bundle) {
	_, run := b.create(draft())
	b.create(draft())
	due := start.Add(time.Minute)
	require.NoError(t, b.Change(b.ctx, run.ID, func(r *consent.Run, _ *consent.Consent) error {
		r.PollAt = due
		return nil
	}))
	claim := func(now time.Time) []uuid.UUID {
		ids, err := b.Claim(b.ctx, now, now.Add(10*time.Second), 9)
		require.NoError(t, err)
		return ids
	}
	require.Empty(t, claim(start))
	require.Equal(t, []uuid.UUID{run.ID}, claim(due))
	require.Empty(t, claim(due.Add(9*time.Second)), "claimed by another")
	require.Equal(t, []uuid.UUID{run.ID}, claim(due.Add(10*time.Second)), "the lease is over")
}

// endingWipesMemory ends an authorisation without its run: nobody can go on
// with the run, and what it remembers of the PSU is gone.
func endingWipesMemory(t *testing.T, b *bundle) {
	for name, end := range map[string]func(*consent.Consent) error{
		"the TPP ends it": func(c *consent.Consent) error { return c.Terminate(start) },
		"time is over":    func(c *consent.Consent) error { c.Settle(start.Add(time.Hour)); return nil },
	} {
		for _, waits := range []bool{false, true} {
			c, run := b.create(draft())
			require.NoError(t, b.Change(b.ctx, run.ID, func(r *consent.Run, _ *consent.Consent) error {
				if waits {
					r.PollAt = start.Add(24 * time.Hour)
				}
				return nil
			}))
			_, err := b.Update(b.ctx, c.ID, end)
			require.NoError(t, err)
			got, err := b.RunByID(b.ctx, run.ID)
			require.NoError(t, err)
			require.Equal(t, consent.StageStart, got.Stage, name)
			if !waits {
				require.Nil(t, got.Memo, name)
				require.True(t, got.PollAt.IsZero(), name)
				continue
			}
			require.Equal(t, run.Memo, got.Memo, "%s: the flow that waits is told first", name)
			require.False(t, got.PollAt.After(start.Add(time.Hour)), "%s: at once", name)
		}
	}
}

// testReplace authorises a recurring consent beside every kind of neighbour.
func finishReplaces(t *testing.T, b *bundle) {
	t.Helper()
	psu, customer, grants := b.person("lea")
	otherPSU, other, otherGrants := b.person("enzo")
	valid := func(d consent.Draft, psu, customer uuid.UUID, g []consent.Grant) uuid.UUID {
		c, run := b.identified(d, psu, customer)
		require.NoError(t, b.finish(b.ctx, run, psu, g, start))
		return c.ID
	}
	untouched := map[string]uuid.UUID{
		"one-off":            valid(draft(func(d *consent.Draft) { d.Recurring, d.FrequencyPerDay = false, 1 }), psu, customer, grants),
		"another TPP's":      valid(draft(func(d *consent.Draft) { d.TPP = "PSDXX-TEST-B" }), psu, customer, grants),
		"another rail's":     valid(draft(func(d *consent.Draft) { d.Rail = consent.RailSTET }), psu, customer, grants),
		"another customer's": valid(draft(), otherPSU, other, otherGrants),
		"funds confirmation": valid(draft(func(d *consent.Draft) { d.Kind = consent.FundsConfirmation }), psu, customer, grants),
	}
	former := valid(draft(), psu, customer, grants)
	_, err := b.Update(b.ctx, former, func(c *consent.Consent) error { return c.Suspend(consent.ReasonBank, start) })
	require.NoError(t, err)
	pending, _ := b.identified(draft(), psu, customer)

	newest := valid(draft(), psu, customer, grants)

	got := b.get(former)
	require.Equal(t, consent.Expired, got.Status)
	require.Equal(t, newest, got.ReplacedBy)
	require.Equal(t, consent.Ending{By: consent.BySystem, Reason: consent.ReasonReplaced}, got.Ending)
	require.Equal(t, consent.Received, b.get(pending.ID).Status)
	require.Equal(t, []any{consent.Valid, customer}, []any{b.get(newest).Status, b.get(newest).Customer})
	require.Equal(t, grants, b.get(newest).Access.Grants)
	for name, id := range untouched {
		require.Equal(t, consent.Valid, b.get(id).Status, name)
	}
	// a one-off never replaces
	oneOff := valid(draft(func(d *consent.Draft) { d.Recurring, d.FrequencyPerDay = false, 1 }), psu, customer, grants)
	require.Equal(t, consent.Valid, b.get(oneOff).Status)
	require.Equal(t, consent.Valid, b.get(newest).Status)
}

func testIdentities(t *testing.T, open Open) {
	runAll(t, open, map[string]func(*testing.T, *bundle){
		"the same bank id has the same opaque id, in its own register": identitiesAreStable,
		"accounts belong to their customer":                            accountsBelong,
		"a new reference shows in the consents that grant the account": newReference,
	})
}

func identitiesAreStable(t *testing.T, b *bundle) {
	t.Helper()
	psu, err := b.PSU(b.ctx, "x")
	require.NoError(t, err)
	again, err := b.PSU(b.ctx, "x")
	require.NoError(t, err)
	require.Equal(t, psu, again)
	customer, err := b.Customer(b.ctx, "x")
	require.NoError(t, err)
	require.NotEqual(t, psu, customer)
	ids := make([]uuid.UUID, 8)
	var finds []func() error
	for i := range ids {
		finds = append(finds, func() (err error) {
			ids[i], err = b.PSU(b.ctx, "y")
			return err
		})
	}
	for _, err := range together(finds...) {
		require.NoError(t, err)
	}
	require.Len(t, slices.Compact(ids), 1, "who comes first makes the id for all")
	if b.Hold != nil { // nobody may write
		defer b.Hold(t, "LOCK TABLE psus, customers IN EXCLUSIVE MODE")()
		for _, find := range []func(context.Context, string) (uuid.UUID, error){b.PSU, b.Customer} {
			_, err = find(b.ctx, "x")
			require.NoError(t, err, "who is known is only looked up")
		}
	}
}

func accountsBelong(t *testing.T, b *bundle) {
	t.Helper()
	_, lea, _ := b.person("lea")
	_, enzo, _ := b.person("enzo")
	list := []service.Account{
		{ID: "a1", Reference: consent.Reference{IBAN: "DE1"}},
		{ID: "a2", Reference: consent.Reference{MaskedPAN: "1******4"}},
	}
	ids, err := b.Accounts(b.ctx, lea, list)
	require.NoError(t, err)
	again, err := b.Accounts(b.ctx, lea, []service.Account{list[1], list[0]})
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{ids[1], ids[0]}, again)
	others, err := b.Accounts(b.ctx, enzo, list)
	require.NoError(t, err)
	require.NotEqual(t, ids, others)
}

func newReference(t *testing.T, b *bundle) {
	t.Helper()
	psu, customer, grants := b.person("lea")
	c, run := b.identified(draft(), psu, customer)
	require.NoError(t, b.finish(b.ctx, run, psu, grants, start))
	ref := consent.Reference{IBAN: "DE02100100109307118603"}
	_, err := b.Accounts(b.ctx, customer, []service.Account{{ID: "lea-1", Reference: ref}})
	require.NoError(t, err)
	require.Equal(t, ref, b.get(c.ID).Access.Grants[0].Reference)
}

func testFlowStore(t *testing.T, open Open) {
	b := setup(t, open)
	s := b.FlowStore("otp")
	got, err := s.Get(b.ctx, "psu", "k")
	require.NoError(t, err)
	require.Nil(t, got)
	require.NoError(t, s.Put(b.ctx, "psu", "k", []byte("one")))
	require.NoError(t, s.Put(b.ctx, "psu", "k", []byte("two")))
	got, err = s.Get(b.ctx, "psu", "k")
	require.NoError(t, err)
	require.Equal(t, "two", string(got))
	for _, other := range []struct{ flow, psu, key string }{{"x", "psu", "k"}, {"otp", "x", "k"}, {"otp", "psu", "x"}} {
		got, err = b.FlowStore(other.flow).Get(b.ctx, other.psu, other.key)
		require.NoError(t, err)
		require.Nil(t, got)
	}
}

// testSwap changes a flow's memory only where it is what the caller has seen.
func testSwap(t *testing.T, open Open) {
	b := setup(t, open)
	s := b.FlowStore("totp")
	swap := func(old, value []byte) bool {
		ok, err := s.Swap(b.ctx, "psu", "k", old, value)
		require.NoError(t, err)
		return ok
	}
	require.False(t, swap([]byte("one"), []byte("two")), "there is nothing")
	require.True(t, swap(nil, []byte("one")))
	require.False(t, swap(nil, []byte("two")), "there is something")
	require.False(t, swap([]byte("two"), []byte("three")))
	require.True(t, swap([]byte("one"), []byte{}))
	require.True(t, swap([]byte{}, []byte("three")), "something empty is something")
	got, err := s.Get(b.ctx, "psu", "k")
	require.NoError(t, err)
	require.Equal(t, "three", string(got))
	for _, old := range [][]byte{[]byte("three"), nil} {
		who, won := fmt.Sprint("psu", old == nil), atomic.Int32{}
		if old != nil {
			require.NoError(t, s.Put(b.ctx, who, "k", old))
		}
		var calls []func() error
		for i := range 16 {
			calls = append(calls, func() error {
				ok, err := s.Swap(b.ctx, who, "k", old, []byte(fmt.Sprint(i)))
				if ok {
					won.Add(1)
				}
				return err
			})
		}
		for _, err := range together(calls...) {
			require.NoError(t, err)
		}
		require.EqualValues(t, 1, won.Load(), "of several at once one")
	}
}
