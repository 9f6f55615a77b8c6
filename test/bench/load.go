package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// result is one measurement.
type result struct {
	perSecond float64
	p50, p99  time.Duration
	errors    int
}

func (r result) speed() float64 { return r.perSecond }

// insertFile holds the statement that pgbench runs.
const insertFile = "create.sql"

// createByWrk posts consents and wants each that was answered to be stored.
func (b *bench) createByWrk(ctx context.Context, length time.Duration) (result, error) {
	before, err := b.count(ctx, "consents")
	if err != nil {
		return result{}, err
	}
	got, requests, err := b.wrk(ctx, length, createFile, b.insecure.tpp)
	if err != nil {
		return result{}, fmt.Errorf("create: %w", err)
	}
	after, err := b.count(ctx, "consents")
	if err != nil {
		return result{}, err
	}
	// What was under way when wrk stopped is stored but not counted.
	if stored := after - before; stored < requests || stored > requests+b.clients {
		return result{}, fmt.Errorf("create: %d answers, but %d consents stored", requests, stored)
	}
	return got, nil
}

func (b *bench) statusByWrk(ctx context.Context, length time.Duration) (result, error) {
	got, _, err := b.wrk(ctx, length, statusFile, b.insecure.tpp)
	if err != nil {
		return result{}, fmt.Errorf("status: %w", err)
	}
	return got, nil
}

func (b *bench) statusOfFloor(ctx context.Context, length time.Duration) (result, error) {
	got, _, err := b.wrk(ctx, length, statusFile, b.floorAddress)
	if err != nil {
		return result{}, fmt.Errorf("floor of status: %w", err)
	}
	return got, nil
}

// wrk sends the requests of a file to an address. An error of any kind, an answer of 400 and more
// among them, fails the benchmark: what isn't right isn't fast.
func (b *bench) wrk(ctx context.Context, length time.Duration, requests, address string) (result, int, error) {
	threads := min(2, b.clients)
	out, err := exec.CommandContext(ctx, "wrk",
		"--threads", strconv.Itoa(threads), "--connections", strconv.Itoa(b.clients),
		"--duration", strconv.Itoa(int(length.Seconds()))+"s", "--timeout", "10s",
		"--script", b.script, "http://"+address, "--", filepath.Join(b.dir, requests)).CombinedOutput()
	if err != nil {
		return result{}, 0, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	_, line, ok := strings.Cut(string(out), "RESULT ")
	if !ok {
		return result{}, 0, fmt.Errorf("wrk has no result\n%s", out)
	}
	var r struct{ Requests, Micros, Errors, P50, P99 int }
	if err := json.NewDecoder(strings.NewReader(line)).Decode(&r); err != nil {
		return result{}, 0, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	if r.Errors > 0 || r.Requests == 0 {
		return result{}, 0, fmt.Errorf("%d of %d calls failed\n%s", r.Errors, r.Requests, out)
	}
	return result{
		perSecond: float64(r.Requests) / (float64(r.Micros) / 1e6),
		p50:       time.Duration(r.P50) * time.Microsecond,
		p99:       time.Duration(r.P99) * time.Microsecond,
		errors:    r.Errors,
	}, r.Requests, nil
}

// tps and failed are the lines of pgbench that count.
var (
	tps    = regexp.MustCompile(`(?m)^tps = ([0-9.]+)`)
	failed = regexp.MustCompile(`(?m)^number of failed transactions: ([0-9]+)`)
)

// insertByPgbench inserts what create inserts, in one statement.
func (b *bench) insertByPgbench(ctx context.Context, length time.Duration) (result, error) {
	return b.pgbench(ctx, length, insertFile)
}

// pgbench runs the statement of a file.
func (b *bench) pgbench(ctx context.Context, length time.Duration, file string) (result, error) {
	program, err := findPgbench()
	if err != nil {
		return result{}, err
	}
	out, err := exec.CommandContext(ctx, program,
		"--no-vacuum", "--protocol=prepared", "--jobs=2",
		"--client="+strconv.Itoa(b.clients), "--time="+strconv.Itoa(int(length.Seconds())),
		"--file="+filepath.Join(b.dir, file), b.dsn).CombinedOutput()
	if err != nil {
		return result{}, fmt.Errorf("pgbench: %w\n%s", err, out)
	}
	speed := tps.FindSubmatch(out)
	if speed == nil {
		return result{}, fmt.Errorf("pgbench has no result\n%s", out)
	}
	if bad := failed.FindSubmatch(out); bad != nil && string(bad[1]) != "0" {
		return result{}, fmt.Errorf("pgbench: transactions failed\n%s", out)
	}
	perSecond, err := strconv.ParseFloat(string(speed[1]), 64)
	return result{perSecond: perSecond}, err
}

// findPgbench looks on PATH, then where Debian and Alpine keep PostgreSQL's programs.
func findPgbench() (string, error) {
	if path, err := exec.LookPath("pgbench"); err == nil {
		return path, nil
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/pgbench", "/usr/libexec/postgresql*/pgbench"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return "", err
		}
		if len(found) > 0 {
			return slices.Max(found), nil
		}
	}
	return "", errors.New("pgbench is missing: run test/prerequisites.sh bench")
}
