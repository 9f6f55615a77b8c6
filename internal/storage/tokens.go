package storage

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/ledger"
	"consentd/internal/service/tokens"
)

var _ tokens.Store = (*DB)(nil)

// tokenRow is a token of the bank as it is stored.
type tokenRow struct {
	ID        uuid.UUID `gorm:"primaryKey"`
	Name      string
	Role      string
	MAC       []byte `gorm:"column:mac"`
	Seal      []byte
	CreatedAt instant
	ExpiresAt instant
	RevokedAt instant
}

// TableName implements gorm's Tabler.
func (tokenRow) TableName() string { return "bank_tokens" }

func (r *tokenRow) domain() tokens.Token {
	return tokens.Token{
		ID: r.ID, Name: r.Name, Role: service.Role(r.Role),
		CreatedAt: r.CreatedAt.Time, ExpiresAt: r.ExpiresAt.Time, RevokedAt: r.RevokedAt.Time,
	}
}

func tokenRowOf(r *tokens.Record) tokenRow {
	return tokenRow{
		ID: r.ID, Name: r.Name, Role: string(r.Role), MAC: r.MAC, Seal: r.Seal,
		CreatedAt: instantOf(r.CreatedAt), ExpiresAt: instantOf(r.ExpiresAt), RevokedAt: instantOf(r.RevokedAt),
	}
}

func (r *tokenRow) record() tokens.Record {
	return tokens.Record{Token: r.domain(), MAC: r.MAC, Seal: r.Seal}
}

// AddToken implements tokens.Store.
func (d *DB) AddToken(ctx context.Context, r tokens.Record, e consent.Entry) error {
	row := tokenRowOf(&r)
	e.Operation = ledger.Step("", row.printed(d.keys))
	err := d.transact(ctx, func(tx *gorm.DB) error {
		end, err := lockChain(tx, e.Chain)
		if err != nil {
			return err
		}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		return d.lengthen(tx, end, e)
	})
	if err != nil {
		return fmt.Errorf("add token %s: %w", r.ID, err)
	}
	return nil
}

// TokenByMAC implements tokens.Store.
func (d *DB) TokenByMAC(ctx context.Context, mac []byte) (tokens.Record, error) {
	found, err := d.tokens.get(ctx, hex.EncodeToString(mac))
	if err != nil {
		return tokens.Record{}, fmt.Errorf("token: %w", err)
	}
	if !found.ok {
		return tokens.Record{}, translate(sql.ErrNoRows)
	}
	return found.row.record(), nil
}

// selectBearers lacks the condition that the MAC is one of a list. Every call of the
// bank's own begins with it.
const selectBearers = `SELECT id, name, role, mac, seal, created_at, expires_at, revoked_at FROM bank_tokens WHERE mac ` //nolint:gosec // it selects tokens, and is none

// tokenTurns is how many of these statements run at once. The calls of one system
// have one token: the more of them share a statement, the better.
const tokenTurns = 1

func (d *DB) fetchTokens(ctx context.Context, macs []string) (map[string]tokenRow, error) {
	statement := selectBearers + d.engine.listedBytes
	return fetchRows(ctx, d.sql, statement, d.engine.words(slices.Compact(slices.Sorted(slices.Values(macs)))), func(rows *sql.Rows) (mac string, r tokenRow, err error) {
		err = rows.Scan(&r.ID, &r.Name, &r.Role, &r.MAC, &r.Seal, &r.CreatedAt, &r.ExpiresAt, &r.RevokedAt)
		return hex.EncodeToString(r.MAC), r, err
	})
}

// Tokens implements tokens.Store. The ids tell when they were made.
func (d *DB) Tokens(ctx context.Context) ([]tokens.Token, error) {
	var rows []tokenRow
	if err := d.gorm.WithContext(ctx).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list tokens: %w", translate(err))
	}
	list := make([]tokens.Token, len(rows))
	for i := range rows {
		list[i] = rows[i].domain()
	}
	return list, nil
}

// ChangeToken implements tokens.Store.
func (d *DB) ChangeToken(ctx context.Context, id uuid.UUID, change func(*tokens.Record) (*consent.Entry, error)) (tokens.Token, error) {
	var t tokens.Token
	err := d.transact(ctx, func(tx *gorm.DB) error {
		end, err := lockChain(tx, tokens.Chain(id))
		if err != nil {
			return err
		}
		var row tokenRow
		if err := tx.Where("id = ?", id).Take(&row).Error; err != nil {
			return err
		}
		r := row.record()
		entry, err := change(&r)
		t = r.Token
		if err != nil {
			return err
		}
		if entry == nil {
			return errNothing
		}
		// Nothing else of a token ever changes.
		before := row.printed(d.keys)
		row.RevokedAt, row.Seal = instantOf(r.RevokedAt), r.Seal
		if err := one(tx.Model(&tokenRow{}).Where("id = ?", id).Updates(map[string]any{"revoked_at": row.RevokedAt, "seal": row.Seal})); err != nil {
			return err
		}
		entry.Operation = ledger.Step(before, row.printed(d.keys))
		return d.lengthen(tx, end, *entry)
	})
	if err != nil && !errors.Is(err, errNothing) {
		return tokens.Token{}, fmt.Errorf("change token %s: %w", id, err)
	}
	return t, nil
}
