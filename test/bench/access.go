package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"consentd/internal/consent"
)

// The files of decisions, and the statement of their floor.
const (
	attendedFile = "attended.http"
	countedFile  = "counted.http"
	upsertFile   = "upsert.sql"
)

// unverified is the TPP whose consents these are; every caller of the insecure
// server is taken for it.
const unverified = "UNVERIFIED"

// perDay is how often each consent may be read a day while the PSU is away: more
// often than the benchmark does.
const perDay = 10_000

// seedAccess authorises consents, and writes the questions about them.
func (b *bench) seedAccess(ctx context.Context) error {
	var ids []string
	for len(ids) < consents {
		id, err := b.create(ctx)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	if err := b.authorise(ctx, ids); err != nil {
		return err
	}
	var err error
	// What autovacuum does in a minute: the database's plans are of tables that were empty.
	if _, err = b.db.ExecContext(ctx, "ANALYZE"); err != nil {
		return err
	}
	if b.token, err = b.newToken(ctx, b.insecure, "resource-server"); err != nil {
		return err
	}
	b.valid = ids
	return errors.Join(
		b.writeChecks(ctx, attendedFile, ids, "192.0.2.17"),
		b.writeChecks(ctx, countedFile, ids, ""),
		b.writeUpsert(ctx, ids),
	)
}

// authorise lets a customer with one account have agreed to each of the consents;
// nil means all that wait for it.
func (b *bench) authorise(ctx context.Context, ids []string) error {
	rights := int(consent.RightBalances | consent.RightTransactions)
	const which = ` c.status = 'received' AND ($1::uuid[] IS NULL OR c.id = ANY($1::uuid[]))`
	for _, statement := range []string{
		`INSERT INTO customers (id, bank_id, created_at) SELECT gen_random_uuid(), 'customer-' || c.id, now() FROM consents c WHERE` + which,
		`INSERT INTO accounts (id, customer_id, bank_id, reference, created_at) SELECT gen_random_uuid(), u.id, 'r1',
			'{"iban":"FR7617515000920400430518020","currency":"EUR","cashAccountType":"CACC"}', now()
			FROM consents c JOIN customers u ON u.bank_id = 'customer-' || c.id WHERE` + which,
		fmt.Sprintf(`INSERT INTO consent_grants (consent_id, account_id, position, rights) SELECT c.id, a.id, 0, %d
			FROM consents c JOIN customers u ON u.bank_id = 'customer-' || c.id JOIN accounts a ON a.customer_id = u.id WHERE`, rights) + which,
		fmt.Sprintf(`UPDATE consents c SET status = 'valid', frequency_per_day = %d, due_at = ends_at, customer_id = u.id
			FROM customers u WHERE u.bank_id = 'customer-' || c.id AND`, perDay) + which,
	} {
		var list any
		if ids != nil {
			list = "{" + strings.Join(ids, ",") + "}"
		}
		if _, err := b.db.ExecContext(ctx, statement, list); err != nil {
			return fmt.Errorf("authorise consents: %w", err)
		}
	}
	return nil
}

// newToken makes a token of a server, for a system of that role.
func (b *bench) newToken(ctx context.Context, s server, role string) (string, error) {
	made := exec.CommandContext(ctx, b.consentd, "token", "new", "--config", s.config, "--role", role, "--name", "benchmark")
	var said bytes.Buffer
	made.Stderr = &said
	out, err := made.Output()
	if err != nil {
		return "", fmt.Errorf("consentd token new: %w\n%s", err, said.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
}

// writeChecks writes what a resource server asks when a TPP reads balances, with
// the PSU there or away.
func (b *bench) writeChecks(ctx context.Context, file string, ids []string, ip string) error {
	requests := make([]*http.Request, len(ids))
	for i, id := range ids {
		var err error
		if requests[i], err = b.check(ctx, id, ip, placeholder); err != nil {
			return err
		}
	}
	return b.writeWire(file, requests...)
}

// check is the question of one read.
func (b *bench) check(ctx context.Context, id, ip, requestID string) (*http.Request, error) {
	question := map[string]string{"consentId": id, "tpp": unverified, "operation": "balances", "account": "r1"}
	if ip != "" {
		question["psuIpAddress"] = ip
	}
	body, err := json.Marshal(question)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+b.insecure.bank+"/aspsp/v1/access-checks", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+b.token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "resource-server/1.0")
	r.Header.Set("X-Request-ID", requestID)
	return r, nil
}

// writeUpsert writes the statement that counts one access in a table like the
// program's own, of as many consents.
func (b *bench) writeUpsert(ctx context.Context, ids []string) error {
	if _, err := b.db.ExecContext(ctx, `CREATE TABLE bench_counts (LIKE access_counts INCLUDING ALL)`); err != nil {
		return fmt.Errorf("floor of counted decisions: %w", err)
	}
	// Ids are computed, not looked up: the floor is the upsert and nothing else.
	upsert := fmt.Sprintf(`\set i random(1, %d)
INSERT INTO bench_counts (day, consent_id, account_id, operation, n, former, allowed, at)
 VALUES ('2026-03-01', ('00000000-0000-4000-8000-' || lpad(:i::text, 12, '0'))::uuid, '00000000-0000-4000-8000-000000000000', 'balances', 1, 0, 1000000000, now())
 ON CONFLICT (day, consent_id, account_id, operation) DO UPDATE SET n = bench_counts.n + 1, at = excluded.at
 WHERE bench_counts.n < excluded.allowed RETURNING n;
`, len(ids))
	return os.WriteFile(filepath.Join(b.dir, upsertFile), []byte(upsert), 0o600)
}

// attended asks while the PSU is there: nothing is written.
func (b *bench) attended(ctx context.Context, length time.Duration) (result, error) {
	return b.decide(ctx, length, attendedFile, 0)
}

// counted asks while the PSU is away: every decision is counted.
func (b *bench) counted(ctx context.Context, length time.Duration) (result, error) {
	return b.decide(ctx, length, countedFile, 1)
}

// decide has wrk ask, and wants each decision to have been counted so often.
func (b *bench) decide(ctx context.Context, length time.Duration, file string, each int) (result, error) {
	before, err := b.accesses(ctx)
	if err != nil {
		return result{}, err
	}
	got, requests, err := b.wrk(ctx, length, file, b.insecure.bank)
	if err != nil {
		return result{}, fmt.Errorf("decisions of %s: %w", file, err)
	}
	after, err := b.accesses(ctx)
	if err != nil {
		return result{}, err
	}
	// What was under way when wrk stopped is counted and not answered; a denial, which
	// wrk does not tell from the rest, is not counted.
	if n := after - before; n < each*requests || n > each*(requests+b.clients) {
		return result{}, fmt.Errorf("decisions of %s: %d answers, but %d accesses counted", file, requests, n)
	}
	return got, nil
}

func (b *bench) accesses(ctx context.Context) (n int, err error) {
	return n, b.db.QueryRowContext(ctx, `SELECT coalesce(sum(n), 0) FROM access_counts`).Scan(&n)
}

// decideByFloor has wrk send the same questions to the Echo floor.
func (b *bench) decideByFloor(ctx context.Context, length time.Duration) (result, error) {
	got, _, err := b.wrk(ctx, length, attendedFile, b.floorAddress)
	if err != nil {
		return result{}, fmt.Errorf("floor of decisions: %w", err)
	}
	return got, nil
}

// upsertByPgbench counts, and does nothing else.
func (b *bench) upsertByPgbench(ctx context.Context, length time.Duration) (result, error) {
	return b.pgbench(ctx, length, upsertFile)
}
