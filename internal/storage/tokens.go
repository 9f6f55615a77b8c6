package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/tokens"
)

var _ tokens.Store = (*DB)(nil)

// tokenRow is a token of the bank as it is stored.
type tokenRow struct {
	ID        uuid.UUID `gorm:"primaryKey"`
	Name      string
	Role      string
	MAC       []byte `gorm:"column:mac"`
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

// AddToken implements tokens.Store.
func (d *DB) AddToken(ctx context.Context, t tokens.Token, mac []byte, e consent.Entry) error {
	row := tokenRow{
		ID: t.ID, Name: t.Name, Role: string(t.Role), MAC: mac,
		CreatedAt: instantOf(t.CreatedAt), ExpiresAt: instantOf(t.ExpiresAt), RevokedAt: instantOf(t.RevokedAt),
	}
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
		return fmt.Errorf("add token %s: %w", t.ID, err)
	}
	return nil
}

// TokenByMAC implements tokens.Store.
func (d *DB) TokenByMAC(ctx context.Context, mac []byte) (tokens.Token, error) {
	var row tokenRow
	if err := d.gorm.WithContext(ctx).Where("mac = ?", mac).Take(&row).Error; err != nil {
		return tokens.Token{}, translate(err)
	}
	return row.domain(), nil
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
func (d *DB) ChangeToken(ctx context.Context, id uuid.UUID, change func(*tokens.Token) (*consent.Entry, error)) (tokens.Token, error) {
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
		t = row.domain()
		entry, err := change(&t)
		if err != nil {
			return err
		}
		if entry == nil {
			return errNothing
		}
		// Nothing else of a token ever changes.
		if err := one(tx.Model(&tokenRow{}).Where("id = ?", id).Updates(map[string]any{"revoked_at": instantOf(t.RevokedAt)})); err != nil {
			return err
		}
		return d.lengthen(tx, end, *entry)
	})
	if err != nil && !errors.Is(err, errNothing) {
		return tokens.Token{}, fmt.Errorf("change token %s: %w", id, err)
	}
	return t, nil
}
