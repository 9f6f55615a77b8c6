package sca_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	flow "consentd/pkg/sca"
)

// slowApp answers nobody before as many ask at the same time as shall.
type slowApp struct {
	*toyApp

	arrived chan struct{}
	release chan struct{}
}

func (f *slowApp) Continue(ctx context.Context, req flow.Request, state []byte, in flow.Input) (flow.Step, error) {
	f.arrived <- struct{}{}
	<-f.release
	return f.toyApp.Continue(ctx, req, state, in)
}

// TestPollsSideBySide asks after eight runs at a time, and no more: what takes its
// time holds up nobody else, and another replica asks nothing twice meanwhile.
func TestPollsSideBySide(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		const runs, lanes = 20, 8
		for range runs {
			b.decoupled(dedicated("DE00ANNA"), "anna")
		}
		n, err := b.walks.Poll(b.ctx, 5)
		require.NoError(t, err)
		require.Equal(t, 5, n, "as many as it may")
		n, err = b.walks.Poll(b.ctx, 200)
		require.NoError(t, err)
		require.Equal(t, runs-5, n, "everybody is asked")
		require.EqualValues(t, runs, b.app.asked.Load())

		slow := &slowApp{toyApp: b.app, arrived: make(chan struct{}, runs), release: make(chan struct{})}
		b.walks.Flows["app"] = slow
		b.advance(time.Second)
		asked := make(chan int, 1)
		go func() { n, _ := b.walks.Poll(b.ctx, 200); asked <- n }()
		for range lanes {
			<-slow.arrived
		}
		b.advance(40 * time.Second) // longer than an answer may take
		due, err := b.db.Claim(b.ctx, b.walks.Now(), b.walks.Now(), 200)
		require.NoError(t, err)
		require.LessOrEqual(t, len(due), runs-lanes, "those that are being asked after are leased")
		require.Empty(t, slow.arrived, "and those only")
		close(slow.release)
		<-asked
	})
}

// TestWaitsQuietly looks many times at a run that waits: nothing but the time of
// the next look is written, and each look is a call of its own for the flow.
func TestWaitsQuietly(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, _ := b.decoupled(dedicated("DE00ANNA"), "anna")
		require.NoError(t, b.work(1))
		before := b.get(id)
		run, err := b.db.RunByID(b.ctx, before.Authorisations[0].RunID)
		require.NoError(t, err)
		for range 3 {
			require.NoError(t, b.work(1))
			r, err := b.db.RunByID(b.ctx, run.ID)
			require.NoError(t, err)
			require.Equal(t, b.walks.Now().Add(time.Second), r.PollAt.UTC())
			r.PollAt = run.PollAt
			require.Equal(t, run, r)
			require.Equal(t, before, b.get(id))
		}
		require.Equal(t, 3, b.app.looks(), "with three keys")
	})
}
