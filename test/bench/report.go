package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// pair is a path's measurements beside its floor's, round by round. The floor of
// a signed create is the unsigned one, by the same client.
type pair struct{ floor, ours []result }

// memory is what a process had resident under load, in KiB.
type memory struct{ resident, peak int }

// report is all that was measured.
type report struct {
	create, status, trust pair
	attended, counted     pair // decisions
	mixed                 []result
	starts                []time.Duration
	verify                []time.Duration // a signed call, verification alone
	insecure, verifying   memory          // of the servers
}

// The budgets: at least so much of the floor, at most so much time and memory.
const (
	createBudget   = 0.45
	statusBudget   = 0.35
	attendedBudget = 0.35
	countedBudget  = 0.5
	startBudget    = 150 * time.Millisecond
	verifyBudget   = 200 * time.Microsecond
	mixedBudget    = 20 * time.Millisecond // p99
	memoryBudget   = 80 * 1024             // KiB
)

// text is the figures, each beside its budget.
func (r *report) text(ctx context.Context, b *bench) (string, error) {
	var version, fsync, commit string
	err := b.db.QueryRowContext(ctx, `SELECT split_part(version(), ' ', 2), current_setting('fsync'), current_setting('synchronous_commit')`).
		Scan(&version, &fsync, &commit)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	fmt.Fprintf(&out, "\n%d cores shared by client, server and database; %s, PostgreSQL %s (fsync %s, synchronous_commit %s);\n",
		runtime.NumCPU(), runtime.Version(), version, fsync, commit)
	fmt.Fprintf(&out, "%d connections, medians of %d interleaved rounds of %d s\n\n", b.clients, b.rounds, b.seconds)
	table := tabwriter.NewWriter(&out, 0, 0, 3, ' ', tabwriter.AlignRight)
	_, err = table.Write([]byte("path\tfloor/s\tours/s\tratio\tbudget\tp50\tp99\terrors\t\t\n" +
		r.create.line("create", createBudget) + r.status.line("status", statusBudget) +
		r.attended.line("decision, PSU present", attendedBudget) + r.counted.line("decision, counted", countedBudget)))
	if err := errors.Join(err, table.Flush(), r.trustText(&out)); err != nil {
		return "", err
	}
	p99 := median(each(r.mixed, func(m result) time.Duration { return m.p99 }))
	fmt.Fprintf(&out, "\nmixed, %d requests a second: p50 %s, p99 %s, budget < %s%s\n", mixedRate,
		milliseconds(median(each(r.mixed, func(m result) time.Duration { return m.p50 }))), milliseconds(p99), mixedBudget, verdict(p99 < mixedBudget))
	start := median(r.starts)
	fmt.Fprintf(&out, "\nstart to ready: %s of %d starts, budget < %s%s\n", milliseconds(start), len(r.starts), startBudget, verdict(start < startBudget))
	fmt.Fprint(&out, r.insecure.line("resident under load"), r.verifying.line("resident under load, verifying TPPs"))
	return out.String(), nil
}

// trustText is what it costs to verify TPPs.
func (r *report) trustText(out io.Writer) error {
	fmt.Fprint(out, "\nby a client whose requests are prepared, and signed, before:\n\n")
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', tabwriter.AlignRight)
	_, err := table.Write([]byte("path\tours/s\tof unsigned\tp50\tp99\terrors\t\n" +
		trustLine("create, unsigned, over plain HTTP", r.trust.floor, "") +
		trustLine("create, signed, over mutual TLS", r.trust.ours, fmt.Sprintf("%.0f %%", 100*r.trust.ratio()))))
	if err := errors.Join(err, table.Flush()); err != nil {
		return err
	}
	alone := median(r.verify)
	fmt.Fprintf(out, "\nverifying a signed call, alone: %d µs, budget < %d µs%s\n",
		alone.Microseconds(), verifyBudget.Microseconds(), verdict(alone < verifyBudget))
	return nil
}

func trustLine(name string, results []result, ofUnsigned string) string {
	return fmt.Sprintf("%s\t%.0f\t%s\t%s\t\n", name, median(each(results, result.speed)), ofUnsigned, times(results))
}

func (m memory) line(name string) string {
	return fmt.Sprintf("%s: %.1f MB, at its peak %.1f MB, budget < %d MB%s\n", name,
		float64(m.resident)/1024, float64(m.peak)/1024, memoryBudget/1024, verdict(m.peak < memoryBudget))
}

// line is a row of the table.
func (p pair) line(name string, budget float64) string {
	return fmt.Sprintf("%s\t%.0f\t%.0f\t%.2f\t≥ %.2f\t%s\t%s\t\n", name,
		median(each(p.floor, result.speed)), median(each(p.ours, result.speed)), p.ratio(), budget, times(p.ours), verdict(p.ratio() >= budget))
}

// ratio is the median of each round's own.
func (p pair) ratio() float64 {
	ratios := make([]float64, len(p.ours))
	for i := range p.ours {
		ratios[i] = p.ours[i].perSecond / p.floor[i].perSecond
	}
	return median(ratios)
}

// times are the columns p50, p99 and errors.
func times(results []result) string {
	failures := 0
	for _, r := range results {
		failures += r.errors
	}
	return fmt.Sprintf("%s\t%s\t%d", milliseconds(median(each(results, func(r result) time.Duration { return r.p50 }))),
		milliseconds(median(each(results, func(r result) time.Duration { return r.p99 }))), failures)
}

func verdict(kept bool) string {
	if kept {
		return ""
	}
	return " NOT KEPT"
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

func each[T any](results []result, of func(result) T) []T {
	all := make([]T, len(results))
	for i, r := range results {
		all[i] = of(r)
	}
	return all
}

// median is the middle value, of an even number the higher of the two; zero of none.
func median[T cmp.Ordered](values []T) T {
	if len(values) == 0 {
		return *new(T)
	}
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

// watchMemory looks at a process's memory until the function that it returns is
// called, which tells the largest resident set that was seen, and the peak as
// the system has it.
func watchMemory(ctx context.Context, pid int) func() memory {
	ctx, cancel := context.WithCancel(ctx)
	largest := 0
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				largest = max(largest, memoryOf(pid, "VmRSS:"))
			}
		}
	})
	return func() memory {
		cancel()
		done.Wait()
		return memory{resident: largest, peak: memoryOf(pid, "VmHWM:")}
	}
}

// memoryOf reads one of a process's figures in KiB; 0 where the system has no /proc.
func memoryOf(pid int, field string) int {
	content, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(content)) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == field {
			kib, err := strconv.Atoi(words[1])
			if err != nil {
				return 0
			}
			return kib
		}
	}
	return 0
}
