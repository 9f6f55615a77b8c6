package storagetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/access"
)

func testSpending(t *testing.T, open Open) {
	runAll(t, open, map[string]func(*testing.T, *bundle){
		"counts each use once, for good":                spendsOnce,
		"hands over all uses so far":                    spendsWithAll,
		"ends the consent with its audit":               spendsUp,
		"is undone by an error":                         spendsNothing,
		"the same at many callers is one":               raceOfSpending,
		"different ones at once end the consent once":   raceOfUsingUp,
		"is refused by a consent that is ended at once": raceOfSpendingAndEnding,
	})
}

// keeps judges that the consent goes on.
func keeps(*consent.Consent, []consent.Use, bool) error { return nil }

// judge is what Spend asks.
type judge = func(c *consent.Consent, used []consent.Use, again bool) error

// oneOff is a valid one-off consent.
func (b *bundle) oneOff() uuid.UUID {
	b.t.Helper()
	psu, customer, grants := b.person("lea")
	return b.agreed(psu, customer, grants)
}

// once is a use of a one-off consent.
func once(id uuid.UUID, use consent.Use) access.Counted {
	return access.Counted{Consent: id, Use: use, At: start}
}

// spend tells whether the access was made before.
func (b *bundle) spend(a access.Counted, judge judge) (again bool) {
	b.t.Helper()
	require.NoError(b.t, b.Spend(b.ctx, a, func(c *consent.Consent, used []consent.Use, before bool) error {
		again = before
		return judge(c, used, before)
	}))
	return again
}

func spendsOnce(t *testing.T, b *bundle) {
	t.Helper()
	id, other := b.oneOff(), b.oneOff()
	account := uuid.UUID{15: 1}
	for _, use := range []consent.Use{
		{Operation: consent.OpAccounts},
		{Account: account, Operation: consent.OpBalances},
		{Account: uuid.UUID{15: 2}, Operation: consent.OpBalances},
		{Account: account, Operation: consent.OpTransaction},
	} {
		require.False(t, b.spend(once(id, use), keeps))
		later := once(id, use)
		later.At = start.AddDate(0, 0, 3)
		require.True(t, b.spend(later, keeps), "on a later day")
		require.True(t, b.follows(later, walk-1, 1))
		require.False(t, b.follows(later, walk, 9), "its time is that of the first")
		require.False(t, b.spend(once(other, use), keeps), "another consent")
	}
	err := b.Spend(b.ctx, once(uuid.New(), consent.Use{Operation: consent.OpAccounts}), keeps)
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
}

func spendsWithAll(t *testing.T, b *bundle) {
	t.Helper()
	id, account := b.oneOff(), uuid.UUID{15: 1}
	var want []consent.Use
	for _, use := range []consent.Use{
		{Operation: consent.OpAccounts},
		{Account: account, Operation: consent.OpTransactions},
		{Account: account, Operation: consent.OpTransaction},
	} {
		want = append(want, use)
		require.False(t, b.spend(once(id, use), func(c *consent.Consent, used []consent.Use, _ bool) error {
			require.Equal(t, consent.Valid, c.Status)
			require.Len(t, c.Access.Grants, 1)
			require.ElementsMatch(t, want, used)
			return nil
		}))
	}
}

// usedUp ends a consent as soon as both of these have been read.
func usedUp(needs ...consent.Use) judge {
	return func(c *consent.Consent, used []consent.Use, _ bool) error {
		if c.Status != consent.Valid {
			return consent.E(consent.CodeExpired, "the consent has expired")
		}
		_, err := c.Spend(needs, used, start.Add(time.Minute))
		return err
	}
}

func spendsUp(t *testing.T, b *bundle) {
	t.Helper()
	id := b.oneOff()
	list, balances := consent.Use{Operation: consent.OpAccounts}, consent.Use{Account: uuid.UUID{1}, Operation: consent.OpBalances}
	version := b.get(id).Version
	require.False(t, b.spend(once(id, list), usedUp(list, balances)))
	require.Equal(t, []any{consent.Valid, version}, []any{b.get(id).Status, b.get(id).Version})
	require.False(t, b.spend(once(id, balances), usedUp(list, balances)))
	c := b.get(id)
	require.Equal(t, []any{consent.Expired, consent.ReasonUsedUp, version + 1}, []any{c.Status, c.Ending.Reason, c.Version})
	require.Len(t, b.endings(id), 1)
	for _, op := range []consent.Operation{consent.OpAccounts, consent.OpTransactions} {
		err := b.Spend(b.ctx, once(id, consent.Use{Operation: op}), usedUp(list, balances))
		require.Equal(t, consent.CodeExpired, consent.CodeOf(err))
	}
	require.Empty(t, b.faults())
}

func spendsNothing(t *testing.T, b *bundle) {
	t.Helper()
	id, broken := b.oneOff(), errors.New("no")
	use := consent.Use{Operation: consent.OpAccounts}
	before := b.get(id)
	err := b.Spend(b.ctx, once(id, use), func(c *consent.Consent, used []consent.Use, again bool) error {
		require.False(t, again)
		require.Equal(t, []consent.Use{use}, used)
		require.NoError(t, c.Terminate(start))
		return broken
	})
	require.Same(t, broken, err)
	require.Equal(t, before, b.get(id))
	require.False(t, b.spend(once(id, use), keeps), "it was not counted")
}

// spending tells how many of the calls were the first of their kind.
func spending(s access.Store, b *bundle, a access.Counted, judge judge, fresh *atomic.Int32) func() error {
	return func() error {
		first := false
		err := s.Spend(b.ctx, a, func(c *consent.Consent, used []consent.Use, again bool) error {
			if first = !again; again {
				return nil
			}
			return judge(c, used, again)
		})
		if err == nil && first {
			fresh.Add(1)
		}
		return err
	}
}

func raceOfSpending(t *testing.T, b *bundle) {
	t.Helper()
	replica := b.Replica(t)
	for round := range 5 {
		id, use := b.oneOff(), consent.Use{Account: uuid.UUID{1}, Operation: consent.OpBalances}
		var fresh atomic.Int32
		var calls []func() error
		for range 15 {
			calls = append(calls, spending(b, b, once(id, use), keeps, &fresh), spending(replica, b, once(id, use), keeps, &fresh))
		}
		for _, err := range together(calls...) {
			require.NoError(t, err)
		}
		require.EqualValues(t, 1, fresh.Load(), round)
	}
}

func raceOfUsingUp(t *testing.T, b *bundle) {
	t.Helper()
	replica := b.Replica(t)
	for range 5 {
		id := b.oneOff()
		var needs []consent.Use
		for i := range 8 {
			needs = append(needs, consent.Use{Account: uuid.UUID{byte(i)}, Operation: consent.OpTransactions})
		}
		var fresh atomic.Int32
		var calls []func() error
		for _, use := range needs {
			calls = append(calls,
				spending(b, b, once(id, use), usedUp(needs...), &fresh), spending(replica, b, once(id, use), usedUp(needs...), &fresh))
		}
		for _, err := range together(calls...) {
			require.NoError(t, err)
		}
		require.EqualValues(t, len(needs), fresh.Load())
		require.Equal(t, consent.Expired, b.get(id).Status)
		require.Len(t, b.endings(id), 1, fmt.Sprint(id))
	}
	require.Empty(t, b.faults())
}

func raceOfSpendingAndEnding(t *testing.T, b *bundle) {
	t.Helper()
	for range 10 {
		id := b.oneOff()
		use := consent.Use{Operation: consent.OpAccounts}
		errs := together(
			func() error { return b.Spend(b.ctx, once(id, use), usedUp(use)) },
			func() error {
				_, err := b.Update(b.ctx, id, func(c *consent.Consent) error { return c.Terminate(start) })
				return err
			},
		)
		require.NoError(t, errs[1])
		counted := b.follows(once(id, use), 0, 1)
		if errs[0] != nil {
			require.Equal(t, consent.CodeExpired, consent.CodeOf(errs[0]))
			require.Equal(t, []any{consent.Revoked, false}, []any{b.get(id).Status, counted}, "not read, not counted")
			continue
		}
		require.Equal(t, []any{consent.Expired, true}, []any{b.get(id).Status, counted})
	}
}
