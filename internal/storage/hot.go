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
 nok_redirect_uri, created_at, version`
	authorisationColumns = `id, consent_id, run_id, status, approach, created_at, changed_at, deadline`
	runColumns           = `id, purpose, consent_id, authorisation_id, flow, handle, stage, approved, returned, seq,
 tries, memo, created_at, open_by`
)

// createStatement inserts a consent, its authorisation and the run of it.
// PostgreSQL checks foreign keys at the end of the statement.
func createStatement() string {
	return fmt.Sprintf(`WITH c AS (INSERT INTO consents (%s) VALUES (%s)),
 a AS (INSERT INTO authorisations (%s) VALUES (%s))
 INSERT INTO flow_runs (%s) VALUES (%s)`,
		consentColumns, dollars(1, 23), authorisationColumns, dollars(24, 8), runColumns, dollars(32, 14))
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
	row, err := consentRowOf(c)
	if err != nil {
		return err
	}
	if run == nil || !d.engine.oneStatement {
		return d.createEach(ctx, c, row, run)
	}
	a, r := authorisationRowOf(c.ID, c.Authorisations[0]), runRowOf(run)
	_, err = d.sql.ExecContext(ctx, d.createStatement,
		ref(row.ID), ref(row.GroupID), row.Kind, row.Rail, row.TPP, row.TPPName, row.Status, row.StatusChangedAt, row.Scope,
		row.OwnerName, row.Rights, string(row.Asked), string(row.OnlyTypes), row.Recurring, row.FrequencyPerDay, row.ValidUntil,
		row.EndsAt, row.AuthoriseBy, row.DueAt, row.RedirectURI, row.NokRedirectURI, row.CreatedAt, row.Version,
		ref(a.ID), ref(a.ConsentID), ref(a.RunID), a.Status, a.Approach, a.CreatedAt, a.ChangedAt, a.Deadline,
		ref(r.ID), r.Purpose, r.ConsentID, r.AuthorisationID, r.Flow, r.Handle, r.Stage, r.Approved, r.Returned, r.Seq,
		r.Tries, r.Memo, r.CreatedAt, r.OpenBy)
	if err != nil {
		return fmt.Errorf("create consent %s: %w", c.ID, translate(err))
	}
	return nil
}

func (d *DB) createEach(ctx context.Context, c *consent.Consent, row consentRow, run *consent.Run) error {
	return d.transact(ctx, func(tx *gorm.DB) error {
		if err := tx.Create(&row).Error; err != nil {
			return fmt.Errorf("create consent %s: %w", c.ID, err)
		}
		for _, a := range c.Authorisations {
			arow := authorisationRowOf(c.ID, a)
			if err := tx.Create(&arow).Error; err != nil {
				return fmt.Errorf("create authorisation %s: %w", a.ID, err)
			}
		}
		if run == nil {
			return nil
		}
		rrow := runRowOf(run)
		if err := tx.Create(&rrow).Error; err != nil {
			return fmt.Errorf("create run %s: %w", run.ID, err)
		}
		return nil
	})
}

// Status implements consents.Store.
func (d *DB) Status(ctx context.Context, id uuid.UUID) (*consent.Consent, error) {
	row, found, err := d.statuses.get(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("status of consent %s: %w", id, err)
	}
	if !found {
		return nil, translate(sql.ErrNoRows)
	}
	return &consent.Consent{
		ID: id, TPP: row.TPP, Status: consent.Status(row.Status), StatusChangedAt: row.StatusChangedAt.Time,
		Ending: consent.Ending{By: consent.Actor(row.EndedBy), Reason: consent.Reason(row.EndReason)},
		EndsAt: row.EndsAt.Time, AuthoriseBy: row.AuthoriseBy.Time,
	}, nil
}

// statusRow is what a status is computed from.
type statusRow struct {
	TPP, Status         string
	StatusChangedAt     instant
	EndedBy, EndReason  word
	EndsAt, AuthoriseBy instant
}

// selectStatuses takes the ids as one parameter, a list in the engine's form.
const (
	selectStatuses = `SELECT id, tpp, status, status_changed_at, ended_by, end_reason, ends_at, authorise_by
 FROM consents WHERE id `
	selectStatusesPostgres = selectStatuses + `= ANY($1)`
	selectStatusesSQLite   = selectStatuses + `IN (SELECT value FROM json_each($1))`
)

// statusTurns is how many statements for statuses run at once: one that waits
// for the database while the other is being put together.
const statusTurns = 2

func (d *DB) fetchStatuses(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]statusRow, error) {
	rows, err := d.sql.QueryContext(ctx, d.engine.statuses, d.engine.list(ids))
	if err != nil {
		return nil, fmt.Errorf("query: %w", translate(err))
	}
	defer func() { _ = rows.Close() }() // rows.Err tells what went wrong
	found := make(map[uuid.UUID]statusRow, len(ids))
	for rows.Next() {
		var id ref
		var r statusRow
		if err := rows.Scan(&id, &r.TPP, &r.Status, &r.StatusChangedAt, &r.EndedBy, &r.EndReason, &r.EndsAt, &r.AuthoriseBy); err != nil {
			return nil, fmt.Errorf("scan: %w", err)
		}
		found[uuid.UUID(id)] = r
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read: %w", translate(err))
	}
	return found, nil
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
