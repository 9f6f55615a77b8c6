// Package jobs runs what nobody calls for: it writes down what time has ended
// and asks the flows that a PSU waits for. Reads never depend on it, and any
// number of replicas may run it: every change is made under the row's lock and
// finds nothing to do the second time.
package jobs

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"
)

// batch bounds how much one turn of a job takes on.
const batch = 200

// Job is one kind of work.
type Job struct {
	Name  string
	Every time.Duration
	// Work does at most limit pieces and returns how many it did. When ctx ends
	// it finishes the piece that it has begun, and no more.
	Work func(ctx context.Context, limit int) (int, error)
}

// Runner runs jobs until its context ends.
type Runner struct {
	Jobs []Job
	Log  *slog.Logger
}

// Run returns when ctx has ended and the work under way is finished.
func (r *Runner) Run(ctx context.Context) error {
	var g errgroup.Group
	for _, job := range r.Jobs {
		g.Go(func() error {
			r.loop(ctx, job)
			return nil
		})
	}
	return g.Wait() //nolint:wrapcheck // always nil
}

func (r *Runner) loop(ctx context.Context, job Job) {
	tick := time.NewTicker(job.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.turn(ctx, job)
		}
	}
}

// turn works until nothing is left, or the program stops.
func (r *Runner) turn(ctx context.Context, job Job) {
	for ctx.Err() == nil {
		n, err := job.Work(ctx, batch)
		if err != nil {
			r.Log.ErrorContext(ctx, "job failed", "job", job.Name, "error", err)
			return
		}
		if n < batch {
			return
		}
	}
}
