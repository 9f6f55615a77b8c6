package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"
)

// The sizes of the table that are compared, in consents, and how much slower the
// larger may be.
const (
	smallTable  = 10_000
	largeTable  = 1_000_000
	slowerBy    = 1.3
	fullSampled = 50_000 // consents that are asked about
)

// sized is what was measured at each size, path by path.
type sized map[string]pair

// full measures the hot paths over a small table, lets it grow, and measures them
// again.
func (b *bench) full(ctx context.Context) (err error) {
	server, err := b.startServer(ctx, b.insecure)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	if err := b.seed(ctx); err != nil {
		return err
	}
	if b.token, err = b.newToken(ctx, b.insecure, "resource-server"); err != nil {
		return err
	}
	measured := sized{}
	for _, size := range []int{smallTable, largeTable} {
		if err := b.fillTo(ctx, size); err != nil {
			return err
		}
		for round := range b.rounds + 1 {
			for name, run := range b.hotPaths() {
				got, err := run(ctx, time.Duration(b.seconds)*time.Second)
				if err != nil {
					return err
				}
				if round > 0 { // the first one warms up
					measured.note(name, size, got)
				}
			}
		}
	}
	return measured.print()
}

func (b *bench) hotPaths() map[string]func(context.Context, time.Duration) (result, error) {
	return map[string]func(context.Context, time.Duration) (result, error){
		"create": b.createByWrk, "status": b.statusByWrk, "decision, PSU present": b.attended, "decision, counted": b.counted,
	}
}

func (s sized) note(name string, size int, got result) {
	p := s[name]
	if size == smallTable {
		p.floor = append(p.floor, got)
	} else {
		p.ours = append(p.ours, got)
	}
	s[name] = p
}

// fillTo makes the table so large, of authorised consents, and writes requests
// about many of them.
func (b *bench) fillTo(ctx context.Context, size int) error {
	there, err := b.count(ctx, "consents")
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "filling up to %d consents\n", size)
	const atOnce = 50_000
	for missing := size - there; missing > 0; missing -= atOnce {
		if err := b.grow(ctx, min(missing, atOnce)); err != nil {
			return err
		}
	}
	if err := b.authorise(ctx, nil); err != nil {
		return err
	}
	if _, err := b.db.ExecContext(ctx, `VACUUM ANALYZE`); err != nil {
		return err
	}
	if b.valid, err = b.sample(ctx); err != nil {
		return err
	}
	return errors.Join(
		b.writeRequests(ctx, b.valid),
		b.writeChecks(ctx, attendedFile, b.valid, "192.0.2.17"),
		b.writeChecks(ctx, countedFile, b.valid, ""),
	)
}

func (b *bench) sample(ctx context.Context) ([]string, error) {
	var list string
	err := b.db.QueryRowContext(ctx, `SELECT string_agg(id::text, ' ') FROM
		(SELECT id FROM consents WHERE status = 'valid' ORDER BY random() LIMIT $1) sampled`, fullSampled).Scan(&list)
	return strings.Fields(list), err
}

func (s sized) print() error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "path\t%d consents/s\t%d consents/s\tslower by\tbudget\tp99\t\n", smallTable, largeTable)
	for _, name := range []string{"create", "status", "decision, PSU present", "decision, counted"} {
		p := s[name]
		small, large := median(each(p.floor, result.speed)), median(each(p.ours, result.speed))
		fmt.Fprintf(table, "%s\t%.0f\t%.0f\t%.2f\t≤ %.1f\t%s%s\t\n", name, small, large, small/large, slowerBy,
			milliseconds(median(each(p.ours, func(r result) time.Duration { return r.p99 }))), verdict(small/large <= slowerBy))
	}
	return table.Flush()
}
