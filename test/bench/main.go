package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"consentd/test/pgtest"
)

// settings are what can be varied; the defaults are those of the published figures.
type settings struct {
	consentd string // the program to measure
	floor    string // the Echo floor
	verify   string // the tests of internal/tpp, whose benchmark says what verification costs
	script   string // of wrk
	dir      string // for everything that is written
	rounds   int
	seconds  int // of each measurement
	clients  int // connections of each client and of pgbench
	pool     int // connections of each server to the database
	starts   int
	full     bool // compare a small table with a large one instead
	lists    bool // measure the lists alone
}

func main() {
	var s settings
	flag.StringVar(&s.consentd, "consentd", "bin/consentd", "program to measure")
	flag.StringVar(&s.floor, "floor", "", "Echo floor, built of test/bench/floor")
	flag.StringVar(&s.verify, "verify", "", "tests of internal/tpp, built by go test -c")
	flag.StringVar(&s.script, "script", "test/bench/load.lua", "script of wrk")
	flag.StringVar(&s.dir, "dir", "", "folder for everything that is written; the caller removes it")
	flag.IntVar(&s.rounds, "rounds", 5, "interleaved rounds")
	flag.IntVar(&s.seconds, "seconds", 4, "length of each measurement")
	flag.IntVar(&s.clients, "clients", 16, "connections of each client and of pgbench")
	flag.IntVar(&s.pool, "pool", 16, "connections of each server to the database")
	flag.IntVar(&s.starts, "starts", 5, "starts to time")
	flag.BoolVar(&s.full, "full", false, "compare a table of 10,000 consents with one of a million, and nothing else")
	flag.BoolVar(&s.lists, "lists", false, "measure the lists of a bank's consents, and nothing else")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, s); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // stop has run
	}
}

// run starts all that is needed, measures, prints, and ends what it has started.
func run(ctx context.Context, s settings) (err error) {
	pg, err := pgtest.Start(ctx, pgtest.Options{Durable: true})
	if err != nil {
		return err
	}
	defer pg.Stop()
	trust, err := newTrust(ctx, s.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, trust.close()) }()
	b, err := prepare(ctx, s, trust, pg.DSN)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.db.Close()) }()
	switch {
	case s.full:
		return b.full(ctx)
	case s.lists:
		return b.lists(ctx)
	}
	var r report
	if err := b.fill(ctx, &r); err != nil {
		return err
	}
	text, err := r.text(ctx, b)
	if err != nil {
		return err
	}
	fmt.Print(text)
	return b.lists(ctx)
}

// fill measures everything, with the servers that it starts and ends.
func (b *bench) fill(ctx context.Context, r *report) (err error) {
	if r.starts, err = b.timeStarts(ctx); err != nil {
		return err
	}
	insecure, err := b.startServer(ctx, b.insecure)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, insecure.stop()) }()
	verifying, err := b.startServer(ctx, b.verifying)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, verifying.stop()) }()
	floor, err := b.startFloor(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, floor.kill()) }()

	// The seed comes first: it wants the database to be as it left it.
	if err := b.seed(ctx); err != nil {
		return err
	}
	if err := b.seedAccess(ctx); err != nil {
		return err
	}
	if err := b.checkVerifying(ctx); err != nil {
		return err
	}
	ofInsecure, ofVerifying := watchMemory(ctx, insecure.cmd.Process.Pid), watchMemory(ctx, verifying.cmd.Process.Pid)
	err = b.measure(ctx, r)
	r.insecure, r.verifying = ofInsecure(), ofVerifying()
	return err
}

// measure runs the rounds, after one short round that warms everything up.
func (b *bench) measure(ctx context.Context, r *report) error {
	if err := b.round(ctx, &report{}, time.Second); err != nil {
		return fmt.Errorf("warming up: %w", err)
	}
	for i := range b.rounds {
		fmt.Fprintf(os.Stderr, "round %d of %d\n", i+1, b.rounds)
		if err := b.round(ctx, r, time.Duration(b.seconds)*time.Second); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) round(ctx context.Context, r *report, length time.Duration) error {
	steps := []struct {
		into *[]result
		run  func(context.Context, time.Duration) (result, error)
	}{
		{&r.create.floor, b.insertByPgbench},
		{&r.create.ours, b.createByWrk},
		{&r.status.floor, b.statusOfFloor},
		{&r.status.ours, b.statusByWrk},
		{&r.attended.floor, b.decideByFloor},
		{&r.attended.ours, b.attended},
		{&r.counted.floor, b.upsertByPgbench},
		{&r.counted.ours, b.counted},
		{&r.mixed, b.mixed},
		{&r.trust.floor, b.createBy(b.plainly())},
		{&r.trust.ours, b.createBy(b.trusted())},
	}
	for _, step := range steps {
		got, err := step.run(ctx, length)
		if err != nil {
			return err
		}
		*step.into = append(*step.into, got)
	}
	took, err := b.verifyAlone(ctx)
	r.verify = append(r.verify, took)
	return err
}
