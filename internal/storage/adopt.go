package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"consentd/internal/consent"
)

// auditVersion is the migration that brings the audit.
const auditVersion = 2

// adoptBatch is how many consents are adopted by one transaction.
const adoptBatch = 500

// adopt begins the chain of every consent that has none, with an entry that says
// in which state it was found.
func (d *DB) adopt(ctx context.Context) error {
	after, more := uuid.Nil, true
	for more {
		var batch []consentRow
		err := d.transact(ctx, func(tx *gorm.DB) error {
			var err error
			batch, err = d.adoptAfter(tx, after)
			return err
		})
		if err != nil {
			return fmt.Errorf("begin the audit of consents: %w", err)
		}
		if more = len(batch) == adoptBatch; more {
			after = batch[adoptBatch-1].ID
		}
	}
	return nil
}

// adoptAfter adopts one batch, in the order of ids, and returns it.
func (d *DB) adoptAfter(tx *gorm.DB, after uuid.UUID) ([]consentRow, error) {
	if d.engine.hurried {
		if err := tx.Exec("SET LOCAL lock_timeout = 0").Error; err != nil {
			return nil, err
		}
	}
	var rows []consentRow
	err := locked(tx).Select("id", "status").Where("audit_count = 0 AND id > ?", after).
		Order("id").Limit(adoptBatch).Find(&rows).Error
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if err := d.adoptOne(tx, r.ID, r.Status); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func (d *DB) adoptOne(tx *gorm.DB, id uuid.UUID, status string) error {
	l := d.extend(link{}, []consent.Entry{{
		Chain: id.String(), At: d.now(), Cause: consent.Cause{By: consent.BySystem}, To: status, Reason: consent.ReasonAdopted,
	}})
	if err := l.save(tx); err != nil {
		return err
	}
	return one(tx.Model(&consentRow{}).Where("id = ?", id).
		Updates(map[string]any{"audit_count": l.count, "audit_head": l.head.bytes()}))
}
