package storage

import (
	"context"
	"errors"
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
	g := newGather(1, func(_ context.Context, keys []int) (map[int]int, error) {
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
			v, found, err := g.get(t.Context(), k)
			if err != nil || found != (k != 13) || (found && v != k*k) {
				t.Errorf("%d: %d, %v, %v", k, v, found, err)
			}
		})
	}
	ask(0)
	<-begun
	for k := range many {
		ask(k)
	}
	for joined := 0; joined < many; { // until all have joined the batch that waits
		g.mu.Lock()
		if g.open != nil {
			joined = len(g.open.keys)
		}
		g.mu.Unlock()
	}
	close(release)
	wg.Wait()
	require.EqualValues(t, 2, statements.Load())
}

// TestGatherIsNeverStale asks while a value grows: no answer is older than what
// was there when it was asked for.
func TestGatherIsNeverStale(t *testing.T) {
	var value atomic.Int64
	g := newGather(2, func(_ context.Context, keys []string) (map[string]int64, error) {
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
				got, _, err := g.get(t.Context(), "x")
				if err != nil || got < least {
					t.Errorf("got %d, older than %d: %v", got, least, err)
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
	g := newGather(1, func(ctx context.Context, keys []int) (map[int]int, error) {
		<-release
		if slices.Contains(keys, 7) {
			return nil, broken
		}
		return map[int]int{1: 1}, ctx.Err()
	})
	gone, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { // leads, and its caller goes away
		_, _, err := g.get(gone, 1)
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	cancel()
	close(release)
	wg.Wait()
	_, found, err := g.get(t.Context(), 1)
	require.NoError(t, err)
	require.True(t, found)
	_, _, err = g.get(t.Context(), 7)
	require.ErrorIs(t, err, broken)
}
