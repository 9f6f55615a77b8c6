package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"consentd/internal/consent"
	"consentd/internal/service/consents"
)

var _ consents.Forwards = (*DB)(nil)

// Forward implements consents.Forwards. It locks in the order that doc.go tells.
func (d *DB) Forward(ctx context.Context, f consents.Forwarding, change func(consents.Stands) (*consent.Consent, error)) error {
	return d.transact(ctx, func(tx *gorm.DB) error {
		if err := letIn(tx, f.TPP, f.Now); err != nil {
			return err
		}
		row := currentRow{Rail: string(consent.RailSTET), TPP: f.TPP, CustomerID: f.Customer, PSUID: f.PSU}
		if err := lockCurrent(tx, row); err != nil {
			return err
		}
		if err := tx.Where(ofKey, row.key()...).Take(&row).Error; err != nil {
			return fmt.Errorf("what stands of a TPP: %w", err)
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
		row.ConsentID = ref(uuid.Nil)
		if next != nil {
			row.ConsentID = ref(next.ID)
		}
		if err := d.add(tx, next); err != nil {
			return err
		}
		return nameCurrent(tx, row)
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
