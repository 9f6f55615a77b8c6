package storage

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGatherMerges holds the first statement back until many have asked: they
// are answered by one more.
func TestGatherMerges(t *testing.T) {
	const many = 50
	var statements atomic.Int32
	begun, release := make(chan struct{}), make(chan struct{})
	g := newLookUps(1, func(_ context.Context, keys []int) (map[int]int, error) {
		if statements.Add(1) == 1 {
			close(begun)
			<-release
		}
		found := map[int]int{}
		for _, k := range keys {
			if k != 13 {
				found[k] = k * k
			}
		}
		return found, nil
	})
	var wg sync.WaitGroup
	ask := func(k int) {
		wg.Go(func() {
			v, err := g.get(t.Context(), k)
			if err != nil || v.ok != (k != 13) || (v.ok && v.row != k*k) {
				t.Errorf("%d: %v, %v", k, v, err)
			}
		})
	}
	ask(0)
	<-begun
	for k := range many {
		ask(k)
	}
	waitFor(g, many)
	close(release)
	wg.Wait()
	require.EqualValues(t, 2, statements.Load())
}

// waitFor returns once so many have joined the batch that waits.
func waitFor[K, V any](g *gather[K, V], many int) {
	for joined := 0; joined < many; {
		g.mu.Lock()
		if g.open != nil {
			joined = len(g.open.keys)
		}
		g.mu.Unlock()
	}
}

// TestGatherAnswersEach has the same asked by many at once: each is a call of its
// own, answered by its place.
func TestGatherAnswersEach(t *testing.T) {
	const many = 50
	begun, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	g := newGather(1, func(_ context.Context, keys []string) ([]int, error) {
		once.Do(func() {
			close(begun)
			<-release
		})
		places := make([]int, len(keys))
		for i := range places {
			places[i] = i
		}
		return places, nil
	})
	var wg sync.WaitGroup
	var mu sync.Mutex
	var got []int
	ask := func() {
		wg.Go(func() {
			place, err := g.get(t.Context(), "x")
			mu.Lock()
			defer mu.Unlock()
			got = append(got, place)
			if err != nil {
				t.Error(err)
			}
		})
	}
	ask()
	<-begun
	for range many {
		ask()
	}
	waitFor(g, many)
	close(release)
	wg.Wait()
	want := []int{0}
	for i := range many {
		want = append(want, i)
	}
	require.ElementsMatch(t, want, got)
}

// TestGatherIsBounded holds the first statement back while more wait than one
// statement may answer.
func TestGatherIsBounded(t *testing.T) {
	const most, many = 4, 18
	begun, release := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex
	var sizes []int
	g := newGather(1, func(_ context.Context, keys []int) ([]int, error) {
		mu.Lock()
		sizes = append(sizes, len(keys))
		first := len(sizes) == 1
		mu.Unlock()
		if first {
			close(begun)
			<-release
		}
		return keys, nil
	})
	g.most = most
	var wg sync.WaitGroup
	var joined atomic.Int32
	ask := func(k int) {
		wg.Go(func() {
			joined.Add(1)
			if got, err := g.get(t.Context(), k); err != nil || got != k {
				t.Errorf("%d: %d, %v", k, got, err)
			}
		})
	}
	ask(-1)
	<-begun
	for k := range many {
		ask(k)
	}
	for joined.Load() < many+1 {
		runtime.Gosched()
	}
	close(release)
	wg.Wait()
	total := 0
	for _, n := range sizes {
		require.LessOrEqual(t, n, most)
		total += n
	}
	require.Equal(t, many+1, total)
}

// TestGatherBreaksOff has a statement panic: who waits for it is told so, and not
// that anything was done.
func TestGatherBreaksOff(t *testing.T) {
	g := newGather(1, func(context.Context, []int) ([]int, error) { panic("broken") })
	for range 2 {
		_, err := g.get(t.Context(), 1)
		require.ErrorContains(t, err, "panic (string) in a statement")
		require.NotContains(t, err.Error(), "broken:", "the value may hold anything")
	}
	g = newGather(1, func(context.Context, []int) ([]int, error) { return nil, nil })
	_, err := g.get(t.Context(), 1)
	require.ErrorIs(t, err, errUnanswered)
}

// TestGatherLeavesOut has callers leave before their statement begins: they are
// told so at once, nothing is done for them, and the others have their own answers.
func TestGatherLeavesOut(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	var asked atomic.Value
	g := newGather(1, func(_ context.Context, keys []int) ([]int, error) {
		if keys[0] == 0 {
			close(begun)
			<-release
			return keys, nil
		}
		asked.Store(slices.Sorted(slices.Values(keys)))
		squares := make([]int, len(keys))
		for i, k := range keys {
			squares[i] = k * k
		}
		return squares, nil
	})
	gone, cancel := context.WithCancel(t.Context())
	var stay, leave sync.WaitGroup
	ask := func(wg *sync.WaitGroup, ctx context.Context, k int) {
		wg.Go(func() {
			got, err := g.get(ctx, k)
			if ctx == gone && !errors.Is(err, context.Canceled) || ctx != gone && (err != nil || got != k*k) {
				t.Errorf("%d: %d, %v", k, got, err)
			}
		})
	}
	ask(&stay, t.Context(), 0)
	<-begun
	for k := range 6 {
		if k%2 == 0 {
			ask(&stay, t.Context(), k+1)
		} else {
			ask(&leave, gone, k+1)
		}
	}
	waitFor(g, 6)
	cancel()
	leave.Wait() // nobody waits for the statement that is under way
	close(release)
	stay.Wait()
	require.Equal(t, []int{1, 3, 5}, asked.Load())
	_, err := g.get(gone, 9)
	require.ErrorIs(t, err, context.Canceled, "nothing is begun for who has left")
}

// TestGatherIsNeverStale asks while a value grows: no answer is older than what
// was there when it was asked for.
func TestGatherIsNeverStale(t *testing.T) {
	var value atomic.Int64
	g := newLookUps(2, func(_ context.Context, keys []string) (map[string]int64, error) {
		now := value.Load()
		found := map[string]int64{}
		for _, k := range keys {
			found[k] = now
		}
		return found, nil
	})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 2000 {
				least := value.Add(1)
				got, err := g.get(t.Context(), "x")
				if err != nil || got.row < least {
					t.Errorf("got %d, older than %d: %v", got.row, least, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestGatherErrors shows that all who asked learn of a failure, and that one
// who gives up takes nobody along.
func TestGatherErrors(t *testing.T) {
	broken := errors.New("connection lost")
	release := make(chan struct{})
	g := newLookUps(1, func(ctx context.Context, keys []int) (map[int]int, error) {
		<-release
		if slices.Contains(keys, 7) {
			return nil, broken
		}
		return map[int]int{1: 1}, ctx.Err()
	})
	gone, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { // leads, and its caller goes away
		_, err := g.get(gone, 1)
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	cancel()
	close(release)
	wg.Wait()
	got, err := g.get(t.Context(), 1)
	require.NoError(t, err)
	require.True(t, got.ok)
	_, err = g.get(t.Context(), 7)
	require.ErrorIs(t, err, broken)
}
