package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
)

// consents is how many consents the status is read of.
const consents = 300

// tables are those that one POST /v1/consents writes one row to, in the order
// of their references.
var tables = []string{"consents", "authorisations", "audit_entries", "receipts", "flow_runs"}

// seed creates the consents whose status is read, and makes of the first one
// the statement that pgbench runs.
func (b *bench) seed(ctx context.Context) error {
	before, err := b.counts(ctx)
	if err != nil {
		return err
	}
	first, err := b.create(ctx)
	if err != nil {
		return err
	}
	after, err := b.counts(ctx)
	if err != nil {
		return err
	}
	if err := checkRows(before, after); err != nil {
		return err
	}
	if err := b.writeInsert(ctx, first); err != nil {
		return err
	}
	ids := []string{first}
	for len(ids) < consents {
		id, err := b.create(ctx)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	return b.writeRequests(ctx, ids)
}

// checkRows wants the floor to write what create writes, no less and no more.
func checkRows(before, after map[string]int) error {
	want := maps.Clone(before)
	for _, table := range tables {
		want[table]++
	}
	for table, rows := range after {
		if rows != want[table] {
			return fmt.Errorf("create wrote %d rows of %s, and the floor doesn't: bring seed.go up to date", rows-before[table], table)
		}
	}
	return nil
}

// counts counts the rows of every table.
func (b *bench) counts(ctx context.Context) (counts map[string]int, err error) {
	rows, err := b.db.QueryContext(ctx, `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	counts = map[string]int{}
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			return nil, err
		}
		if counts[table], err = b.count(ctx, table); err != nil {
			return nil, err
		}
	}
	return counts, rows.Err()
}

func (b *bench) count(ctx context.Context, table string) (n int, err error) {
	return n, b.db.QueryRowContext(ctx, `SELECT count(*) FROM "`+table+`"`).Scan(&n)
}

// rowOf says where the row of the consent $1 is in a table. There is one receipt
// only: nobody else has called.
var rowOf = map[string]string{
	"consents": "id::text = $1", "authorisations": "consent_id::text = $1", "flow_runs": "consent_id::text = $1",
	"audit_entries": "chain = $1", "receipts": "$1 <> ''",
}

// writeInsert writes the statement that inserts copies of a consent's rows under
// fresh ids. gen_random_uuid costs the least of what PostgreSQL has for ids.
func (b *bench) writeInsert(ctx context.Context, consent string) error {
	var authorisation, run, handle, receipt string
	err := b.db.QueryRowContext(ctx, `SELECT authorisation_id::text, id::text, handle::text, (SELECT key::text FROM receipts)
		FROM flow_runs WHERE consent_id = $1::text::uuid`, consent).Scan(&authorisation, &run, &handle, &receipt)
	if err != nil {
		return fmt.Errorf("the run and the receipt of the first consent: %w", err)
	}
	fresh := map[string]string{
		consent: "fresh.consent", authorisation: "fresh.authorisation", run: "fresh.run",
		handle: "sha256(uuid_send(fresh.run))", receipt: "sha256(uuid_send(fresh.consent))",
	}
	inserts := make([]string, len(tables))
	for i, table := range tables {
		insert, err := b.copyOf(ctx, table, consent, fresh)
		if err != nil {
			return err
		}
		if inserts[i] = insert; i < len(tables)-1 {
			inserts[i] = "copy_of_" + table + " AS (" + insert + ")"
		}
	}
	last := len(inserts) - 1
	b.copies = strings.Join(inserts[:last], ",\n") + "\n" + inserts[last]
	return os.WriteFile(filepath.Join(b.dir, insertFile), []byte(freshIDs+"),\n"+b.copies+";\n"), 0o600)
}

// freshIDs lacks what it selects from, when that is more than one row, and its
// bracket.
const freshIDs = "WITH fresh AS MATERIALIZED (SELECT gen_random_uuid() AS consent, gen_random_uuid() AS authorisation, gen_random_uuid() AS run"

// grow inserts n copies of the first consent, with all that belongs to each.
func (b *bench) grow(ctx context.Context, n int) error {
	_, err := b.db.ExecContext(ctx, fmt.Sprintf("%s FROM generate_series(1, %d)),\n%s", freshIDs, n, b.copies))
	if err != nil {
		return fmt.Errorf("grow by %d consents: %w", n, err)
	}
	return nil
}

// copyOf is the statement that inserts a consent's row of a table anew, with the
// values in fresh replaced by what stands for them there.
func (b *bench) copyOf(ctx context.Context, table, consent string, fresh map[string]string) (string, error) {
	names, kinds, err := b.columns(ctx, table)
	if err != nil {
		return "", err
	}
	// An array of all values is one thing to scan, however many columns there are.
	row := "SELECT to_json(ARRAY[" + strings.Join(names, "::text, ") + "::text]) FROM " + table + " WHERE " + rowOf[table]
	var encoded []byte
	if err := b.db.QueryRowContext(ctx, row, consent).Scan(&encoded); err != nil {
		return "", fmt.Errorf("the row of %s: %w", table, err)
	}
	var values []*string
	if err := json.Unmarshal(encoded, &values); err != nil {
		return "", err
	}
	expressions := make([]string, len(values))
	for i, value := range values {
		expressions[i] = expression(kinds[i], value, fresh)
	}
	return "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ")\n  SELECT " + strings.Join(expressions, ", ") + " FROM fresh", nil
}

// columns lists the names and types of a table's columns.
func (b *bench) columns(ctx context.Context, table string) (names, kinds []string, err error) {
	rows, err := b.db.QueryContext(ctx, `SELECT quote_ident(attname), format_type(atttypid, atttypmod) FROM pg_attribute
		WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`, table)
	if err != nil {
		return nil, nil, fmt.Errorf("columns of %s: %w", table, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var name, kind string
		if err := rows.Scan(&name, &kind); err != nil {
			return nil, nil, err
		}
		names, kinds = append(names, name), append(kinds, kind)
	}
	return names, kinds, rows.Err()
}

// expression is a value in SQL: a fresh one, or the same again.
func expression(kind string, value *string, fresh map[string]string) string {
	if value == nil {
		return "NULL::" + kind
	}
	if replaced, ok := fresh[*value]; ok {
		return replaced + "::" + kind
	}
	return "'" + strings.ReplaceAll(*value, "'", "''") + "'::" + kind
}
