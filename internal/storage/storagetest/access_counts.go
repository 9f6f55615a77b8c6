package storagetest

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/access"
)

func testCounts(t *testing.T, open Open) {
	runAll(t, open, map[string]func(*testing.T, *bundle){
		"go up to the limit":                           countsUpTo,
		"are kept apart":                               countsApart,
		"obey a limit that changed":                    countsOfOtherLimits,
		"are gone on with for a while, so often":       countsFollowed,
		"of lists are gone on with list by list":       countsLists,
		"of many lists at once keep those in time":     raceOfLists,
		"are gone on with so often in parallel":        raceOfFollowing,
		"are forgotten, oldest first, but not for all": countsForgotten,
		"in parallel are exactly the limit":            raceOfCounts,
		"are handed out once each":                     raceOfLeft,
		"of many keys at once, at two replicas":        raceOfReplicas,
		"are forgotten once":                           raceOfForgettingCounts,
		"of sharing never go back":                     sharedLast,
		"of sharing come by the thousand":              sharedMany,
	})
}

// today is the day on which the suite counts.
func today() consent.Date { return consent.DateOf(start, time.UTC) }

func counted(id uuid.UUID, edit ...func(*access.Counted)) access.Counted {
	a := access.Counted{
		Consent: id, Use: consent.Use{Account: uuid.UUID{15: 1}, Operation: consent.OpBalances}, Day: today(), At: start,
	}
	for _, e := range edit {
		e(&a)
	}
	return a
}

// count counts an access; left is -1 if there was none left.
func (b *bundle) count(a access.Counted, limit int) (left int) {
	b.t.Helper()
	left, ok, err := b.Count(b.ctx, a, limit)
	require.NoError(b.t, err)
	if !ok {
		require.Zero(b.t, left)
		return -1
	}
	return left
}

func countsUpTo(t *testing.T, b *bundle) {
	t.Helper()
	for _, limit := range []int{1, 2, 4} {
		a := counted(uuid.New())
		for left := limit - 1; left >= 0; left-- {
			require.Equal(t, left, b.count(a, limit))
		}
		for range 3 {
			require.Equal(t, -1, b.count(a, limit))
		}
	}
	for _, limit := range []int{0, -1} {
		a := counted(uuid.New())
		require.Equal(t, -1, b.count(a, limit))
		require.Equal(t, 3, b.count(a, 4), "nothing was counted")
	}
}

func countsApart(t *testing.T, b *bundle) {
	t.Helper()
	id := uuid.New()
	all := []access.Counted{
		counted(id),
		counted(uuid.New()),
		counted(id, func(a *access.Counted) { a.Use.Account = uuid.UUID{15: 2} }),
		counted(id, func(a *access.Counted) { a.Use.Account = uuid.Nil }),
		counted(id, func(a *access.Counted) { a.Use.Operation = consent.OpTransactions }),
		counted(id, func(a *access.Counted) { a.Use.Operation = consent.OpTransaction }),
		counted(id, func(a *access.Counted) { a.Day = today().AddDays(1) }),
		counted(id, func(a *access.Counted) { a.Day = today().AddDays(-1) }),
	}
	for _, left := range []int{1, 0, -1} {
		for i, a := range all {
			require.Equal(t, left, b.count(a, 2), i)
		}
	}
}

func countsOfOtherLimits(t *testing.T, b *bundle) {
	t.Helper()
	a := counted(uuid.New())
	require.Equal(t, 3, b.count(a, 4))
	require.Equal(t, 2, b.count(a, 4))
	require.Equal(t, -1, b.count(a, 1), "lowered below what was used")
	require.Equal(t, -1, b.count(a, 2), "lowered to what was used")
	require.Equal(t, 0, b.count(a, 3))
	require.Equal(t, -1, b.count(a, 3))
	require.Equal(t, 1, b.count(a, 5), "raised")
	require.Equal(t, 0, b.count(a, 5))
	require.Equal(t, -1, b.count(a, 5))
}

func countsForgotten(t *testing.T, b *bundle) {
	t.Helper()
	id := b.oneOff()
	require.False(t, b.spend(counted(id, func(a *access.Counted) { a.Day = consent.Date{} }), keeps))
	for back := range 4 { // three counts a day, today and on the three days before
		for i := range 3 {
			b.count(counted(uuid.UUID{byte(i)}, func(a *access.Counted) { a.Day = today().AddDays(-back) }), 2)
		}
	}
	forget := func(before consent.Date, limit int) int {
		n, err := b.ForgetCounts(b.ctx, before, limit)
		require.NoError(t, err)
		return n
	}
	require.Zero(t, forget(today().AddDays(-3), 10))
	require.Equal(t, 2, forget(today().AddDays(-1), 2))
	oldest := func(back int) int {
		return b.count(counted(uuid.UUID{2}, func(a *access.Counted) { a.Day = today().AddDays(-back) }), 2)
	}
	require.Equal(t, 0, oldest(3), "the last in the order of the keys is there still")
	require.Equal(t, []int{4, 0}, []int{forget(today().AddDays(-1), 10), forget(today().AddDays(-1), 10)})
	require.Equal(t, []int{1, 1, 0, 0}, []int{oldest(3), oldest(2), oldest(1), oldest(0)})
	require.True(t, b.spend(counted(id, func(a *access.Counted) { a.Day = consent.Date{} }), keeps), "what counts for good is never forgotten")
	require.Equal(t, 8, forget(today().AddDays(99), 100))
}

// granted counts the calls that were let through.
func granted(s access.Store, b *bundle, a access.Counted, n *atomic.Int32) func() error {
	return func() error {
		_, ok, err := s.Count(b.ctx, a, 4)
		if ok {
			n.Add(1)
		}
		return err
	}
}

func raceOfCounts(t *testing.T, b *bundle) {
	t.Helper()
	for range 5 {
		var n atomic.Int32
		a := counted(uuid.New())
		var calls []func() error
		for range 200 {
			calls = append(calls, granted(b, b, a, &n))
		}
		for _, err := range together(calls...) {
			require.NoError(t, err)
		}
		require.EqualValues(t, 4, n.Load())
		require.Equal(t, -1, b.count(a, 4))
		require.Equal(t, 0, b.count(a, 5), "four were counted, not more")
	}
}

// raceOfLeft tells each of the callers that come together another number.
func raceOfLeft(t *testing.T, b *bundle) {
	t.Helper()
	const limit = 60
	a := counted(uuid.New())
	told := make([]int, limit+40)
	calls := make([]func() error, len(told))
	for i := range calls {
		calls[i] = func() error {
			left, ok, err := b.Count(b.ctx, a, limit)
			if told[i] = left; !ok {
				told[i] = -1
			}
			return err
		}
	}
	for _, err := range together(calls...) {
		require.NoError(t, err)
	}
	var want []int
	for i := range told {
		want = append(want, max(limit-1-i, -1))
	}
	require.ElementsMatch(t, want, told)
}

func raceOfReplicas(t *testing.T, b *bundle) {
	t.Helper()
	const keys, each = 12, 25
	replica := b.Replica(t)
	for range 3 {
		id := uuid.New()
		grants := make([]atomic.Int32, keys)
		var calls []func() error
		for i := range keys * each {
			k := i * 7 % keys // in another order each time
			a := counted(id, func(a *access.Counted) {
				a.Use.Account = uuid.UUID{byte(k % 3)} //nolint:gosec // three accounts
				a.Use.Operation = consent.Operations()[k/3]
			})
			calls = append(calls, granted(b, b, a, &grants[k]), granted(replica, b, a, &grants[k]))
		}
		for _, err := range together(calls...) {
			require.NoError(t, err)
		}
		for k := range grants {
			require.EqualValues(t, 4, grants[k].Load(), k)
		}
	}
}

func raceOfForgettingCounts(t *testing.T, b *bundle) {
	t.Helper()
	const many = 300
	for i := range many {
		b.count(counted(uuid.New(), func(a *access.Counted) { a.Day = today().AddDays(-i % 5) }), 4)
	}
	replica := b.Replica(t)
	var n atomic.Int32
	forget := func(s access.Store) func() error {
		return func() error {
			for {
				some, err := s.ForgetCounts(b.ctx, today().AddDays(1), 20)
				n.Add(int32(some)) //nolint:gosec // at most twenty
				if err != nil || some == 0 {
					return err
				}
			}
		}
	}
	for _, err := range together(forget(b), forget(replica), forget(b), forget(replica)) {
		require.NoError(t, err)
	}
	for { // a replica that lost all of its rows to the others may have stopped early
		some, err := b.ForgetCounts(b.ctx, today().AddDays(1), 20)
		require.NoError(t, err)
		if n.Add(int32(some)); some == 0 { //nolint:gosec // at most twenty
			break
		}
	}
	require.EqualValues(t, many, n.Load(), "each is removed by one of them")
}

func (b *bundle) lastShared(ids ...uuid.UUID) map[uuid.UUID]time.Time {
	b.t.Helper()
	at, err := b.LastShared(b.ctx, ids)
	require.NoError(b.t, err)
	return at
}

func sharedLast(t *testing.T, b *bundle) {
	t.Helper()
	one, two, none := uuid.New(), uuid.New(), uuid.New()
	note := func(at map[uuid.UUID]time.Time) { require.NoError(t, b.NoteShared(b.ctx, at)) }
	note(nil)
	require.Empty(t, b.lastShared())
	require.Empty(t, b.lastShared(one, two))
	note(map[uuid.UUID]time.Time{one: start, two: start})
	note(map[uuid.UUID]time.Time{one: start.Add(time.Second), two: start.Add(-time.Second)})
	want := map[uuid.UUID]time.Time{one: start.Add(time.Second), two: start}
	require.Equal(t, want, b.lastShared(one, two, none))
	require.Equal(t, map[uuid.UUID]time.Time{two: start}, b.lastShared(two))
	var calls []func() error
	for i := range 40 { // all at once, in any order: the last remains
		at := start.Add(time.Duration(i*17%40) * time.Minute)
		calls = append(calls, func() error { return b.NoteShared(b.ctx, map[uuid.UUID]time.Time{one: at, two: at, none: at}) })
	}
	for _, err := range together(calls...) {
		require.NoError(t, err)
	}
	for id, at := range b.lastShared(one, two, none) {
		require.Equal(t, start.Add(39*time.Minute), at, fmt.Sprint(id))
	}
}

func sharedMany(t *testing.T, b *bundle) {
	t.Helper()
	at := map[uuid.UUID]time.Time{}
	var ids []uuid.UUID
	for i := range 1234 {
		id := uuid.New()
		ids, at[id] = append(ids, id), start.Add(time.Duration(i)*time.Millisecond)
	}
	for range 2 {
		require.NoError(t, b.NoteShared(b.ctx, at))
		require.Equal(t, at, b.lastShared(ids...))
	}
}
