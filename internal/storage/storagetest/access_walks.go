package storagetest

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/access"
)

// walk is how long a walk may take in this suite.
const walk = 10 * time.Minute

// follows goes on with an access, at a time after start, at most limit times.
func (b *bundle) follows(a access.Counted, after time.Duration, limit int) bool {
	b.t.Helper()
	a.At = start.Add(after)
	ok, err := b.Follow(b.ctx, a, a.At.Add(-walk), limit)
	require.NoError(b.t, err)
	return ok
}

func countsFollowed(t *testing.T, b *bundle) {
	t.Helper()
	a := counted(uuid.New())
	require.False(t, b.follows(a, 0, 9), "nothing to go on with")
	b.count(a, 4)
	require.True(t, b.follows(a, 0, 9))
	require.True(t, b.follows(a, walk-time.Second, 9))
	require.False(t, b.follows(a, walk, 9), "too late")
	require.False(t, b.follows(a, -time.Hour, 9), "it was opened in the future")
	require.True(t, b.follows(a, -time.Second, 9), "by a clock that is a little ahead")
	require.False(t, b.follows(a, 0, 3), "three times already")
	require.Equal(t, 2, b.count(a, 4), "none of it was counted")
	require.True(t, b.follows(a, 0, 1), "a new access begins anew")
	for name, edit := range map[string]func(*access.Counted){
		"another consent":   func(a *access.Counted) { a.Consent = uuid.New() },
		"another account":   func(a *access.Counted) { a.Use.Account = uuid.Nil },
		"another operation": func(a *access.Counted) { a.Use.Operation = consent.OpTransactions },
		"the day before":    func(a *access.Counted) { a.Day = today().AddDays(-1) },
		"two days later":    func(a *access.Counted) { a.Day = today().AddDays(2) },
		"for good":          func(a *access.Counted) { a.Day = consent.Date{} },
	} {
		other := a
		edit(&other)
		require.False(t, b.follows(other, 0, 9), name)
	}
	a.Day = today().AddDays(1)
	require.True(t, b.follows(a, 0, 9), "over midnight")
}

// fingerprint is that of a list, as decisions make it.
func fingerprint(list int) string {
	sum := sha256.Sum256([]byte(strconv.Itoa(list)))
	return hex.EncodeToString(sum[:8])
}

// countsLists keeps the walks of different lists apart, of the last four.
func countsLists(t *testing.T, b *bundle) {
	t.Helper()
	list := func(a access.Counted, name int) access.Counted {
		a.List = fingerprint(name)
		return a
	}
	a := counted(uuid.New())
	for name := range 5 {
		require.False(t, b.follows(list(a, name), 0, 9))
		b.count(list(a, name), 9)
		require.True(t, b.follows(list(a, name), 0, 9))
	}
	require.False(t, b.follows(list(a, 0), 0, 9), "the fifth before")
	require.True(t, b.follows(list(a, 1), 0, 9))
	require.True(t, b.follows(a, 0, 9), "whichever")
	unnamed := counted(uuid.New())
	b.count(unnamed, 9)
	require.False(t, b.follows(list(unnamed, 1), 0, 9))
}

// raceOfLists counts more lists at once than there may be: those that were counted
// can be gone on with, and no other one.
func raceOfLists(t *testing.T, b *bundle) {
	t.Helper()
	for range 5 {
		a := counted(uuid.New())
		const many = 40
		list := func(i int) access.Counted {
			named := a
			named.List = fingerprint(i)
			return named
		}
		var let [many]bool
		calls := make([]func() error, many)
		for i := range calls {
			calls[i] = func() (err error) {
				_, let[i], err = b.Count(b.ctx, list(i), 4)
				return err
			}
		}
		for _, err := range together(calls...) {
			require.NoError(t, err)
		}
		n := 0
		for i, counted := range let {
			require.Equal(t, counted, b.follows(list(i), 0, 99), i)
			if counted {
				n++
			}
		}
		require.Equal(t, 4, n)
	}
}

func raceOfFollowing(t *testing.T, b *bundle) {
	t.Helper()
	replica := b.Replica(t)
	a := counted(uuid.New())
	b.count(a, 1)
	var n atomic.Int32
	var calls []func() error
	for i := range 60 {
		s := []access.Store{b, replica}[i%2]
		calls = append(calls, func() error {
			ok, err := s.Follow(b.ctx, a, start.Add(-walk), 7)
			if ok {
				n.Add(1)
			}
			return err
		})
	}
	for _, err := range together(calls...) {
		require.NoError(t, err)
	}
	require.EqualValues(t, 7, n.Load())
}
