package storage

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"consentd/internal/consent"
	"consentd/internal/service/access"
)

// grants remembers what consents grant, which is what costs most to read of them:
// whose accounts, which, and with which rights. None of it changes without the
// version of the consent, which is read with every decision. What the bank calls an
// account may change; it is at most grantsAge old.
type grants struct {
	known *lru.Cache[uuid.UUID, granted]
	rows  *gather[uuid.UUID, found[[]grantedRow]]
	now   func() time.Time
}

// granted is what a consent grants in a version. It is shared, and not changed.
type granted struct {
	version  int
	readAt   time.Time
	customer string
	accounts []access.Account
}

const (
	// grantsKnown is of how many consents it is remembered, within a few megabytes.
	grantsKnown = 4096
	grantsAge   = time.Minute
)

// of is what a consent grants in a version.
func (g *grants) of(ctx context.Context, id uuid.UUID, version int) (granted, error) {
	now := g.now()
	if known, ok := g.known.Get(id); ok && known.version == version && now.Before(known.readAt.Add(grantsAge)) && !now.Before(known.readAt) {
		return known, nil
	}
	read, err := g.rows.get(ctx, id)
	if err != nil {
		return granted{}, err
	}
	if !read.ok {
		return granted{}, translate(sql.ErrNoRows)
	}
	fresh := granted{version: version, readAt: now}
	for _, row := range read.row {
		fresh.customer = string(row.Customer)
		if uuid.UUID(row.ID) == uuid.Nil {
			continue
		}
		a := access.Account{
			Key: uuid.UUID(row.ID), ID: string(row.BankID),
			Rights: consent.Rights(row.Rights), //nolint:gosec // written from a consent.Rights
		}
		if err := row.Reference.into(&a.Reference); err != nil {
			return granted{}, err
		}
		fresh.accounts = append(fresh.accounts, a)
	}
	g.known.Add(id, fresh)
	return fresh, nil
}

// grantedRow is an account that was granted; without an account, the customer alone.
type grantedRow struct {
	Customer  word
	ID        ref
	Rights    int
	BankID    word
	Reference document
}

// selectGrants lacks the list of ids. A consent comes once for each account that it
// grants, and once if it grants none.
const selectGrants = `SELECT c.id, u.bank_id, g.account_id, COALESCE(g.rights, 0), a.bank_id, a.reference
 FROM consents c LEFT JOIN customers u ON u.id = c.customer_id
 LEFT JOIN consent_grants g ON g.consent_id = c.id LEFT JOIN accounts a ON a.id = g.account_id
 WHERE c.id %s ORDER BY g.position`

func (d *DB) fetchGrants(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID][]grantedRow, error) {
	all := make(map[uuid.UUID][]grantedRow, len(ids))
	q := query{fmt.Sprintf(selectGrants, d.engine.fewIDs), []any{d.engine.list(ids)}}
	err := eachRow(ctx, d.sql, q, func(rows *sql.Rows) error {
		var id ref
		var g grantedRow
		err := rows.Scan(&id, &g.Customer, &g.ID, &g.Rights, &g.BankID, &g.Reference)
		all[uuid.UUID(id)] = append(all[uuid.UUID(id)], g)
		return err
	})
	return all, err
}

func (d *DB) newGrants() *grants {
	known, _ := lru.New[uuid.UUID, granted](grantsKnown) // fails for sizes below one only
	return &grants{known: known, rows: newLookUps(statusTurns, d.fetchGrants), now: d.now}
}
