package main

import (
	"context"
	"fmt"
)

// copies write the bank's consents: of three in four kinds, one every 25 seconds of
// the last month, of 20 TPPs, each the copy of one that was made by an interface. In
// most lines of data sharing a consent is followed by others of the same customer;
// two in three are in force, and what came to nothing is no customer's.
//
// bench_rows says what differs of each; its parameters are the ids of the three.
var copies = []string{
	`INSERT INTO customers (id, bank_id, created_at)
 SELECT lpad(to_hex(n), 32, '0')::uuid, 'C' || n, now() FROM generate_series(1, $1::int) AS g(n)`,
	`INSERT INTO psus (id, bank_id, created_at)
 SELECT lpad(to_hex(1000000 + n), 32, '0')::uuid, 'C' || n, now() FROM generate_series(1, $1::int) AS g(n)`,
	`INSERT INTO accounts (id, customer_id, bank_id, reference, created_at)
 SELECT lpad(to_hex(x * 10000000 + n), 32, '0')::uuid, lpad(to_hex(n), 32, '0')::uuid, 'C' || n || '-' || x,
  '{"iban": "FR7617515000920400430518020", "currency": "EUR"}', now()
 FROM generate_series(1, $1::int) AS g(n), generate_series(1, 2) AS h(x)`,
}

// rowsOf makes bench_rows. Ids begin with the time, as the program's do.
const rowsOf = `CREATE UNLOGGED TABLE bench_rows AS
 WITH n AS (
  SELECT n, (n - 1) %% %[2]d + 1 AS owner, n * 7919 %% 1000 AS lot, now() - interval '30 days' + n * interval '25 seconds' AS made
  FROM generate_series(1, %[1]d) AS g(n)
 ), r AS (
  SELECT n, owner, made, lpad(to_hex((extract(epoch FROM made) * 1000)::bigint), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0') AS id,
   CASE n %% 4 WHEN 0 THEN '%[4]s' WHEN 1 THEN '%[5]s' ELSE '%[3]s' END::uuid AS template,
   CASE WHEN lot < 10 THEN 'suspended' WHEN lot < 160 THEN 'revoked' WHEN lot < 250 THEN 'received' WHEN lot < 280 THEN 'rejected'
    WHEN lot < 340 THEN CASE n %% 4 WHEN 0 THEN 'consumed' ELSE 'expired' END ELSE 'valid' END AS status
  FROM n
 )
 SELECT r.n, r.id::uuid, CASE WHEN r.n %% 8 IN (1, 2, 3) THEN root.id ELSE r.id END::uuid AS root, r.template, 'T' || r.n / 4 %% 20 AS tpp, r.status, r.made,
  r.made + interval '40 seconds' AS changed, CASE WHEN r.n %% 3 = 0 THEN r.made + interval '90 seconds' END AS updated,
  CASE WHEN r.status NOT IN ('received', 'rejected') THEN lpad(to_hex(r.owner), 32, '0')::uuid END AS customer,
  CASE WHEN r.status <> 'received' THEN lpad(to_hex(1000000 + r.owner), 32, '0')::uuid END AS psu, 'C' || r.owner AS psu_name, r.owner
 FROM r JOIN r AS root ON root.n = r.owner`

// ofRows insert what bench_rows says; after them it is as if the bank had worked for a
// month.
var ofRows = []string{
	"ANALYZE bench_rows",
	`INSERT INTO consents SELECT made.* FROM bench_rows r JOIN consents t ON t.id = r.template,
 LATERAL jsonb_populate_record(t, jsonb_build_object('id', r.id, 'group_id', r.root, 'tpp', r.tpp, 'tpp_name', 'TPP ' || r.tpp,
  'customer_id', r.customer, 'given_by', CASE t.rail WHEN 'manager' THEN r.psu END, 'status', r.status, 'status_changed_at', r.changed,
  'updated_at', r.updated, 'created_at', r.made, 'suspend_reason', CASE r.status WHEN 'suspended' THEN 'suspectedFraud' END,
  'ended_by', CASE r.status WHEN 'revoked' THEN 'psu' END, 'end_reason', CASE r.status WHEN 'revoked' THEN 'withdrawn' END,
  'due_at', CASE WHEN r.status = 'received' THEN least(t.authorise_by, t.ends_at) WHEN r.status IN ('valid', 'suspended') THEN t.ends_at END)) AS made`,
	`INSERT INTO authorisations SELECT made.* FROM bench_rows r JOIN authorisations t ON t.consent_id = r.template,
 LATERAL jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid(), 'consent_id', r.id, 'psu_id', r.psu,
  'status', CASE r.status WHEN 'received' THEN 'received' WHEN 'rejected' THEN 'failed' ELSE 'finalised' END)) AS made`,
	`INSERT INTO staged_consents SELECT made.* FROM bench_rows r JOIN staged_consents t ON t.consent_id = r.template,
 LATERAL jsonb_populate_record(t, jsonb_build_object('consent_id', r.id, 'tpp', r.tpp, 'reference', 'R' || r.n, 'channel', 'App')) AS made`,
	`INSERT INTO consent_grants (consent_id, account_id, position, rights)
 SELECT r.id, lpad(to_hex(x * 10000000 + r.owner), 32, '0')::uuid, x - 1, c.rights FROM bench_rows r JOIN consents c ON c.id = r.id, generate_series(1, 2) AS h(x)
 WHERE r.customer IS NOT NULL AND (x = 1 OR c.kind <> 'payment')`,
	`INSERT INTO payments SELECT made.* FROM bench_rows r JOIN payments t ON t.consent_id = r.template, generate_series(1, 2) AS h(x),
 LATERAL jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid(), 'consent_id', r.id, 'key', 'K' || x,
  'created_at', r.changed + x * interval '1 hour', 'changed_at', r.changed + x * interval '1 hour')) AS made WHERE r.status = 'valid'`,
	`INSERT INTO consent_uses (consent_id, last_shared_at) SELECT id, changed FROM bench_rows WHERE status = 'valid'`,
	"VACUUM ANALYZE",
	"CHECKPOINT",
}

// copy copies three consents.
func (k *bank) copy(ctx context.Context, shared, paying, born string) error {
	for _, statement := range copies {
		if _, err := k.db.ExecContext(ctx, statement, managedCustomers); err != nil {
			return fmt.Errorf("customers of a bank: %w", err)
		}
	}
	rows := fmt.Sprintf(rowsOf, managedConsents, managedCustomers, shared, paying, born)
	for _, statement := range append([]string{rows}, ofRows...) {
		if _, err := k.db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("consents of a bank: %w\n%s", err, statement)
		}
	}
	return nil
}
