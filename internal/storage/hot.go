package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"consentd/internal/consent"
)

// The statements below are on the paths that are called most. They are written
// by hand, one round trip each.

const (
	consentColumns = `id, group_id, kind, rail, tpp, tpp_name, status, status_changed_at, scope, owner_name, rights,
 asked, only_types, recurring, frequency_per_day, valid_until, ends_at, authorise_by, due_at, redirect_uri,
 nok_redirect_uri, approach, card, psu_named, corporate_named, created_at, version, by_token, audit_count, audit_head`
	authorisationColumns = `id, consent_id, run_id, status, approach, psu_named, corporate_named, redirect_uri, nok_redirect_uri,
 created_at, changed_at, deadline`
	runColumns = `id, purpose, consent_id, authorisation_id, flow, handle, browser, stage, approved, returned, seq,
 tries, memo, created_at, open_by, finish_by, poll_at`
	entryColumns = `chain, seq, at, actor, who, on_behalf, certificate, request_id, authorisation_id, from_status, to_status, reason,
 operation, mac`
)

// createStatement inserts a consent with the first entry of its audit, its
// authorisation and the run of it, and the receipt of the call where there is
// one. PostgreSQL checks foreign keys at the end of the statement.
func createStatement() string {
	var columns int
	values := func(list string) string {
		n := strings.Count(list, ",") + 1
		columns += n
		return fmt.Sprintf("(%s) VALUES (%s)", list, dollars(columns-n+1, n))
	}
	return `WITH c AS (INSERT INTO consents ` + values(consentColumns) + `),
 a AS (INSERT INTO authorisations ` + values(authorisationColumns) + `),
 e AS (INSERT INTO audit_entries ` + values(entryColumns) + `),
 r AS (INSERT INTO flow_runs ` + values(runColumns) + fmt.Sprintf(`)
 INSERT INTO receipts (key, fingerprint, answer, expires_at)
 SELECT $%[1]d::bytea, $%[2]d::bytea, $%[3]d::bytea, $%[4]d::timestamptz WHERE $%[1]d::bytea IS NOT NULL`,
		columns+1, columns+2, columns+3, columns+4)
}

// dollars lists n placeholders from the first.
func dollars(first, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = "$" + strconv.Itoa(first+i)
	}
	return strings.Join(list, ", ")
}

// Create implements consents.Store.
func (d *DB) Create(ctx context.Context, c *consent.Consent, run *consent.Run) error {
	made, err := d.creationOf(c, run)
	if err != nil {
		return err
	}
	if run == nil || !d.engine.oneStatement || len(made.audit.rows) != 1 || len(c.Authorisations) != 1 {
		return d.createEach(ctx, c, made)
	}
	row, a, e := made.row, authorisationRowOf(c.ID, c.Authorisations[0]), made.audit.rows[0]
	r, k := runRowOf(run), receiptRowOf(made.receipt)
	_, err = d.sql.ExecContext(ctx, d.createStatement,
		ref(row.ID), ref(row.GroupID), row.Kind, row.Rail, row.TPP, row.TPPName, row.Status, row.StatusChangedAt, row.Scope,
		row.OwnerName, row.Rights, string(row.Asked), string(row.OnlyTypes), row.Recurring, row.FrequencyPerDay, row.ValidUntil,
		row.EndsAt, row.AuthoriseBy, row.DueAt, row.RedirectURI, row.NokRedirectURI, row.Approach, string(row.Card), row.PSUNamed,
		row.CorporateNamed, row.CreatedAt, row.Version, row.ByToken, row.AuditCount, row.AuditHead,
		ref(a.ID), ref(a.ConsentID), ref(a.RunID), a.Status, a.Approach, a.PSUNamed, a.CorporateNamed, a.RedirectURI, a.NokRedirectURI,
		a.CreatedAt, a.ChangedAt, a.Deadline,
		e.Chain, e.Seq, e.At, e.Actor, e.Who, e.OnBehalf, e.Certificate, e.RequestID, e.AuthorisationID, e.FromStatus, e.ToStatus, e.Reason,
		e.Operation, e.MAC,
		ref(r.ID), r.Purpose, r.ConsentID, r.AuthorisationID, r.Flow, r.Handle, r.Browser, r.Stage, r.Approved, r.Returned, r.Seq,
		r.Tries, r.Memo, r.CreatedAt, r.OpenBy, r.FinishBy, r.PollAt,
		k.Key, k.Fingerprint, k.Answer, k.ExpiresAt)
	if err != nil {
		return fmt.Errorf("create consent %s: %w", c.ID, translate(err))
	}
	return nil
}

// creation is all that making a consent writes.
type creation struct {
	row     consentRow
	run     *consent.Run
	audit   link
	receipt *consent.Receipt
}

func (d *DB) creationOf(c *consent.Consent, run *consent.Run) (creation, error) {
	entries, receipt := c.TakePending()
	row, err := consentRowOf(c)
	if err != nil {
		return creation{}, err
	}
	audit := d.chain(&row, entries)
	row.AuditCount, row.AuditHead = audit.count, audit.head
	return creation{row: row, run: run, audit: audit, receipt: receipt}, nil
}

func (d *DB) createEach(ctx context.Context, c *consent.Consent, made creation) error {
	return d.transact(ctx, func(tx *gorm.DB) error { return insert(tx, c, made) })
}

// insert writes a new consent with all that belongs to it.
func insert(tx *gorm.DB, c *consent.Consent, made creation) error {
	if err := tx.Create(&made.row).Error; err != nil {
		return fmt.Errorf("create consent %s: %w", c.ID, err)
	}
	for _, a := range c.Authorisations {
		row := authorisationRowOf(c.ID, a)
		if err := tx.Create(&row).Error; err != nil {
			return fmt.Errorf("create authorisation %s: %w", a.ID, err)
		}
	}
	if err := addStaged(tx, c); err != nil {
		return err
	}
	if err := made.audit.save(tx); err != nil {
		return err
	}
	if made.run != nil {
		row := runRowOf(made.run)
		if err := tx.Create(&row).Error; err != nil {
			return fmt.Errorf("create run %s: %w", made.run.ID, err)
		}
	}
	if err := (&stored{c: c}).saveGrants(tx); err != nil {
		return err
	}
	return saveReceipt(tx, made.receipt)
}

// Status implements consents.Store.
func (d *DB) Status(ctx context.Context, id uuid.UUID) (*consent.Consent, error) {
	found, err := d.statuses.get(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("status of consent %s: %w", id, err)
	}
	if !found.ok {
		return nil, translate(sql.ErrNoRows)
	}
	return found.row.domain(id), nil
}

// statusRow is what a status is computed from.
type statusRow struct {
	TPP, Kind, Rail     string
	Status              string
	StatusChangedAt     instant
	EndedBy, EndReason  word
	EndsAt, AuthoriseBy instant
	ByToken             bool
}

func (r *statusRow) domain(id uuid.UUID) *consent.Consent {
	return &consent.Consent{
		ID: id, TPP: r.TPP, Kind: consent.Kind(r.Kind), Rail: consent.Rail(r.Rail),
		Status: consent.Status(r.Status), StatusChangedAt: r.StatusChangedAt.Time,
		Ending: consent.Ending{By: consent.Actor(r.EndedBy), Reason: consent.Reason(r.EndReason)},
		EndsAt: r.EndsAt.Time, AuthoriseBy: r.AuthoriseBy.Time, ByToken: r.ByToken,
	}
}

// selectStatuses lacks the condition that the id is one of a list.
const selectStatuses = `SELECT id, tpp, kind, rail, status, status_changed_at, ended_by, end_reason, ends_at, authorise_by, by_token
 FROM consents WHERE id `

// statusTurns is how many statements for statuses run at once: one that waits
// for the database while the other is being put together.
const statusTurns = 2

func (d *DB) fetchStatuses(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]statusRow, error) {
	statement := selectStatuses + d.engine.fewIDs
	return fetchRows(ctx, d.sql, statement, d.engine.list(ids), func(rows *sql.Rows) (uuid.UUID, statusRow, error) {
		var id ref
		var r statusRow
		err := rows.Scan(&id, &r.TPP, &r.Kind, &r.Rail, &r.Status, &r.StatusChangedAt, &r.EndedBy, &r.EndReason, &r.EndsAt, &r.AuthoriseBy, &r.ByToken)
		return uuid.UUID(id), r, err
	})
}

// ReturnTry implements sca.Store.
func (d *DB) ReturnTry(ctx context.Context, run uuid.UUID, seq int) error {
	_, err := d.sql.ExecContext(ctx, `UPDATE flow_runs SET tries = tries - 1 WHERE id = $1 AND seq = $2 AND tries > 0`, run, seq)
	if err != nil {
		return fmt.Errorf("return a try of run %s: %w", run, err)
	}
	return nil
}

// CountTry implements sca.Store: the database counts, so parallel answers
// cannot get more tries than there are.
func (d *DB) CountTry(ctx context.Context, run uuid.UUID, seq, limit int) (int, error) {
	var n int
	err := d.sql.QueryRowContext(ctx, `UPDATE flow_runs SET tries = tries + 1
 WHERE id = $1 AND seq = $2 AND tries < $3 AND ended_at IS NULL RETURNING tries`, run, seq, limit).Scan(&n)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("count a try of run %s: %w", run, translate(err))
	}
	return n, nil
}
