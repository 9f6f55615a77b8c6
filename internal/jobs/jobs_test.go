package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"consentd/internal/jobs"
)

// TestRun has a job with more to do than one batch, and one that fails: both
// are turned to again, and a stop waits for what is under way.
func TestRun(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, cancel := context.WithCancel(t.Context())
	var left, failures atomic.Int32
	left.Store(450)
	var log bytes.Buffer
	done, third := make(chan struct{}), make(chan struct{})
	r := &jobs.Runner{Log: slog.New(slog.NewTextHandler(&log, nil)), Jobs: []jobs.Job{
		{Name: "much", Every: time.Millisecond, Work: func(_ context.Context, limit int) (int, error) {
			n := min(int(left.Load()), limit)
			if left.Add(int32(-n)) == 0 && n > 0 {
				close(done)
			}
			return n, nil
		}},
		{Name: "broken", Every: time.Millisecond, Work: func(context.Context, int) (int, error) {
			if failures.Add(1) == 3 {
				close(third)
			}
			return 0, errors.New("no luck")
		}},
	}}
	ended := make(chan error)
	go func() { ended <- r.Run(ctx) }()
	<-done
	<-third
	cancel()
	require.NoError(t, <-ended)
	require.Zero(t, left.Load())
	require.Contains(t, log.String(), `msg="job failed" job=broken error="no luck"`)
}
