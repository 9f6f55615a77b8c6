package storagetest

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func testGuesses(t *testing.T, open Open) {
	runAll(t, open, map[string]func(*testing.T, *bundle){
		"count up to the limit":                    guessesCount,
		"are given back and forgiven":              guessesReturn,
		"are forgotten in time":                    guessesForget,
		"in parallel are no more than are allowed": guessesRace,
	})
}

// guess counts one at an instant, of at most three.
func (b *bundle) guess(psu string, at time.Time) bool {
	b.t.Helper()
	ok, err := b.CountGuess(b.ctx, []byte(psu), 3, at, at.Add(time.Minute))
	require.NoError(b.t, err)
	return ok
}

func guessesCount(t *testing.T, b *bundle) {
	t.Helper()
	locked := func(at time.Time) bool {
		yes, err := b.Locked(b.ctx, []byte("anna"), 3, at)
		require.NoError(t, err)
		return yes
	}
	for range 3 {
		require.False(t, locked(start))
		require.True(t, b.guess("anna", start))
	}
	require.False(t, b.guess("anna", start))
	require.Equal(t, []bool{true, true, false}, []bool{locked(start), locked(start.Add(59 * time.Second)), locked(start.Add(time.Minute))})
	require.True(t, b.guess("enzo", start))
	require.False(t, b.guess("anna", start.Add(time.Minute-time.Microsecond)), "what is refused prolongs nothing")
	require.True(t, b.guess("anna", start.Add(time.Minute)))
	require.True(t, b.guess("anna", start.Add(time.Minute)))
	require.True(t, b.guess("anna", start.Add(2*time.Minute-time.Second)), "each counts from the last")
	require.False(t, b.guess("anna", start.Add(3*time.Minute-2*time.Second)))
}

func guessesReturn(t *testing.T, b *bundle) {
	t.Helper()
	for range 3 {
		require.True(t, b.guess("anna", start))
	}
	require.NoError(t, b.ReturnGuess(b.ctx, []byte("anna")))
	require.True(t, b.guess("anna", start))
	require.False(t, b.guess("anna", start))
	require.NoError(t, b.ForgiveGuesses(b.ctx, []byte("anna")))
	require.NoError(t, b.ReturnGuess(b.ctx, []byte("anna")), "one that was forgiven meanwhile")
	for range 3 {
		require.True(t, b.guess("anna", start))
	}
	require.False(t, b.guess("anna", start))
}

func guessesForget(t *testing.T, b *bundle) {
	t.Helper()
	for _, psu := range []string{"anna", "enzo", "lea"} {
		require.True(t, b.guess(psu, start))
	}
	require.True(t, b.guess("noa", start.Add(time.Second)))
	for i, want := range []int{2, 1, 0} {
		n, err := b.ForgetGuesses(b.ctx, start.Add(time.Minute), 2)
		require.NoError(t, err)
		require.Equal(t, want, n, i)
	}
}

func guessesRace(t *testing.T, b *bundle) {
	t.Helper()
	for round := range 20 {
		var counted atomic.Int32
		at := start.Add(time.Duration(round) * time.Hour)
		var calls []func() error
		for range 24 {
			calls = append(calls, func() error {
				ok, err := b.CountGuess(b.ctx, []byte("anna"), 5, at, at.Add(time.Minute))
				if ok {
					counted.Add(1)
				}
				return err
			})
		}
		for _, err := range together(calls...) {
			require.NoError(t, err)
		}
		require.EqualValues(t, 5, counted.Load())
	}
}
