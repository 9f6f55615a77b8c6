package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"consentd/internal/consent"
	"consentd/internal/service/consents"
)

var _ consents.Forwards = (*DB)(nil)

// forwardedRow names what a TPP has forwarded last for a PSU of a customer.
type forwardedRow struct {
	TPP         string    `gorm:"column:tpp;primaryKey"`
	PSUID       uuid.UUID `gorm:"column:psu_id;primaryKey"`
	CustomerID  uuid.UUID `gorm:"primaryKey"`
	ConsentID   ref
	TokensAfter instant
}

// TableName implements gorm's Tabler.
func (forwardedRow) TableName() string { return "forwarded_consents" }

// ofHolder is the condition that a row is this one; its parameters are those of key.
const ofHolder = "tpp = ? AND psu_id = ? AND customer_id = ?"

func (r *forwardedRow) key() []any { return []any{r.TPP, r.PSUID, r.CustomerID} }

// lockForwarded has the transaction wait for whoever was before, keeps others from the
// row, which it makes where there is none, and reads it.
func lockForwarded(tx *gorm.DB, row forwardedRow) (forwardedRow, error) {
	err := tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "tpp"}, {Name: "psu_id"}, {Name: "customer_id"}},
		DoUpdates: clause.Assignments(map[string]any{"tpp": row.TPP}), // changes nothing, locks the row
	}).Create(&row).Error
	if err != nil {
		return row, fmt.Errorf("queue for what a TPP has forwarded: %w", err)
	}
	if err := tx.Where(ofHolder, row.key()...).Take(&row).Error; err != nil {
		return row, fmt.Errorf("what a TPP has forwarded: %w", err)
	}
	return row, nil
}

// nameForwarded writes which consent stands, nil for none, in a row that is locked.
func nameForwarded(tx *gorm.DB, row forwardedRow, c *consent.Consent) error {
	var id ref
	if c != nil {
		id = ref(c.ID)
	}
	if err := one(tx.Model(&forwardedRow{}).Where(ofHolder, row.key()...).Update("consent_id", id)); err != nil {
		return fmt.Errorf("name what a TPP has forwarded: %w", err)
	}
	return nil
}

// Forward implements consents.Forwards. It locks in the order that doc.go tells.
func (d *DB) Forward(ctx context.Context, f consents.Forwarding, change func(consents.Stands) (*consent.Consent, error)) error {
	return d.transact(ctx, func(tx *gorm.DB) error {
		if err := letIn(tx, f.TPP, f.Now); err != nil {
			return err
		}
		row, err := lockForwarded(tx, forwardedRow{TPP: f.TPP, PSUID: f.PSU, CustomerID: f.Customer})
		if err != nil {
			return err
		}
		held, err := lockEach(tx, uuid.UUID(row.ConsentID), f.Connection)
		if err != nil {
			return err
		}
		next, err := change(consents.Stands{
			Connection: held.of(f.Connection), Former: held.of(uuid.UUID(row.ConsentID)), After: row.TokensAfter.Time,
		})
		if err != nil {
			return err
		}
		for i := range held {
			if err := d.save(tx, &held[i]); err != nil {
				return err
			}
		}
		if err := d.add(tx, next); err != nil {
			return err
		}
		return nameForwarded(tx, row, next)
	})
}

// add writes a new consent that has no run; nil is none.
func (d *DB) add(tx *gorm.DB, c *consent.Consent) error {
	if c == nil {
		return nil
	}
	made, err := d.creationOf(c, nil)
	if err != nil {
		return err
	}
	return insert(tx, c, made)
}

// heldConsents are locked until the transaction ends.
type heldConsents []stored

// of is one of them by its id; nil for the nil id.
func (h heldConsents) of(id uuid.UUID) *consent.Consent {
	for i := range h {
		if h[i].c.ID == id {
			return h[i].c
		}
	}
	return nil
}

// lockEach locks consents by their ids, in the order of these. The nil id is none.
func lockEach(tx *gorm.DB, ids ...uuid.UUID) (heldConsents, error) {
	var rows []consentRow
	if err := locked(tx).Where("id IN ?", ids).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("lock consents: %w", err)
	}
	held := make(heldConsents, len(rows))
	for i, row := range rows {
		var err error
		if held[i], err = fill(tx, row); err != nil {
			return nil, err
		}
	}
	for _, id := range ids {
		if id != uuid.Nil && held.of(id) == nil {
			return nil, gorm.ErrRecordNotFound
		}
	}
	return held, nil
}
