package faults

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/points"
)

// unreached are the points that no walk of these tests comes to, and why.
var unreached = map[points.Point]string{
	"commit.guess-forget.before": forgetting, "commit.guess-forget.after": forgetting,
	"commit.forget-oauth.before": forgettingOAuth, "commit.forget-oauth.after": forgettingOAuth,
	"commit.memory-put.before": putting, "commit.memory-put.after": putting,
}

const (
	forgetting      = "a worker's housekeeping, once a minute: it removes counts that no longer count, and no walk waits for it"
	forgettingOAuth = "a worker's housekeeping, once a minute, of what opens nothing any more: no walk waits for it"
	putting         = "the flow oidc alone does it, whose tokens count by the provider's clock, which these tests cannot turn; its own tests do"
)

// restless are the points that a worker reaches all the time, whether or not
// there is anything to do: one death at them is as good as another.
var restless = []points.Point{"commit.claim.before"}

// TestCrash kills the program at every point of every walk.
func TestCrash(t *testing.T) {
	var mu sync.Mutex
	deaths := 0
	union := map[points.Point]int{}
	t.Run("walks", func(t *testing.T) {
		var wg sync.WaitGroup
		for name, k := range walks { // all at once: much of it is waiting
			wg.Go(func() {
				t.Run(name, func(t *testing.T) {
					reached, died := k.crash(t)
					mu.Lock()
					defer mu.Unlock()
					deaths += died
					for at, n := range reached {
						union[at] += n
					}
				})
			})
		}
		wg.Wait()
	})
	for _, at := range points.All() {
		t.Logf("%-30s %d", at, union[at])
		switch why, ok := unreached[at]; {
		case ok && union[at] > 0:
			t.Errorf("%s is reached: it needs no excuse (%s)", at, why)
		case !ok && union[at] == 0:
			t.Errorf("no walk comes to %s", at)
		}
	}
	t.Logf("killed %d times, at %d points", deaths, len(union))
}

// crash goes a walk once to learn the points on it, and then once for each of
// them. It returns how often the walk comes to each, and how often the program died.
func (k walk) crash(t *testing.T) (reached map[points.Point]int, deaths int) {
	var b *bank
	if k.elsewhere {
		b = newBank(t)
		k.order.Remote = b.section()
	}
	w := newWorld(t, k.order)
	w.nap, w.bank = k.nap, b
	w.begin("", 0)
	k.run(w)
	reached = w.program.reached()
	require.NotEmpty(t, reached)
	maps.DeleteFunc(reached, func(at points.Point, _ int) bool { return k.only != nil && !slices.Contains(k.only, at) })
	manners := []bool{false}
	if k.paged {
		manners = append(manners, true)
	}
	for _, at := range slices.Sorted(maps.Keys(reached)) {
		if slices.Contains(restless, at) {
			reached[at] = 1
		}
		for n := range reached[at] {
			for _, w.resends = range manners {
				if !k.die(w, at, n+1) {
					return reached, w.deaths
				}
			}
		}
	}
	w.verify()
	return reached, w.deaths
}

// die goes a walk on which the program is killed, and reports whether all was well.
func (k walk) die(w *world, at points.Point, n int) bool {
	t := w.t
	defer func() { w.t = t }()
	return t.Run(fmt.Sprintf("%s %d", at, n), func(t *testing.T) {
		w.t = t
		w.begin(at, n)
		k.run(w)
		w.dies()
		w.check()
	})
}
