package storage

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service/access"
	"consentd/internal/service/register"
)

var _ access.Store = (*DB)(nil)

// selectGrounds lacks the list of ids.
const selectGrounds = `SELECT c.id, c.tpp, c.kind, c.rail, c.status, c.status_changed_at, c.ended_by, c.end_reason, c.ends_at, c.authorise_by,
 c.by_token, c.scope, c.owner_name, c.rights, c.only_types, c.recurring, c.frequency_per_day, c.customer_id, c.version, t.blocked_at, t.blocked_until
 FROM consents c LEFT JOIN tpps t ON t.id = c.tpp WHERE c.id `

// groundsTurns is how many of these statements run at once.
const groundsTurns = 1

// groundsRow is what a decision rests on besides the accounts. It may be shared by
// several callers, who make what they keep of it themselves.
type groundsRow struct {
	statusRow

	Scope                   string
	OwnerName               bool
	Rights                  int
	OnlyTypes               document
	Recurring               bool
	FrequencyPerDay         int
	CustomerID              ref
	Version                 int
	BlockedAt, BlockedUntil instant
}

// Grounds implements access.Store. What changes is read each time, what a consent
// grants is remembered: see grants.
func (d *DB) Grounds(ctx context.Context, id uuid.UUID, now time.Time) (*access.Grounds, error) {
	found, err := d.grounds.get(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("grounds of a decision on consent %s: %w", id, err)
	}
	if !found.ok {
		return nil, translate(sql.ErrNoRows)
	}
	g, err := found.row.domain(id, now)
	if err != nil || uuid.UUID(found.row.CustomerID) == uuid.Nil {
		return g, err
	}
	granted, err := d.grants.of(ctx, id, found.row.Version)
	if err != nil {
		return nil, fmt.Errorf("grants of consent %s: %w", id, err)
	}
	g.Customer, g.Accounts = granted.customer, slices.Clone(granted.accounts)
	return g, nil
}

func (d *DB) fetchGrounds(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]groundsRow, error) {
	statement := selectGrounds + d.engine.fewIDs
	return fetchRows(ctx, d.sql, statement, d.engine.list(ids), func(rows *sql.Rows) (uuid.UUID, groundsRow, error) {
		var id ref
		var r groundsRow
		err := rows.Scan(&id, &r.TPP, &r.Kind, &r.Rail, &r.Status, &r.StatusChangedAt, &r.EndedBy, &r.EndReason, &r.EndsAt, &r.AuthoriseBy,
			&r.ByToken, &r.Scope, &r.OwnerName, &r.Rights, &r.OnlyTypes, &r.Recurring, &r.FrequencyPerDay, &r.CustomerID, &r.Version,
			&r.BlockedAt, &r.BlockedUntil)
		return uuid.UUID(id), r, err
	})
}

func (r *groundsRow) domain(id uuid.UUID, now time.Time) (*access.Grounds, error) {
	c := r.statusRow.domain(id)
	c.Customer, c.Recurring, c.FrequencyPerDay = uuid.UUID(r.CustomerID), r.Recurring, r.FrequencyPerDay
	c.Access = consent.Access{
		Scope: consent.Scope(r.Scope), OwnerName: r.OwnerName,
		Rights: consent.Rights(r.Rights), //nolint:gosec // written from a consent.Rights
	}
	if r.OnlyTypes != "null" && r.OnlyTypes != "[]" {
		if err := r.OnlyTypes.into(&c.Access.Only); err != nil {
			return nil, err
		}
	}
	tpp := tppRow{BlockedAt: r.BlockedAt, BlockedUntil: r.BlockedUntil}
	return &access.Grounds{Consent: c, Shut: (&register.TPP{Block: tpp.block()}).Blocked(now)}, nil
}
