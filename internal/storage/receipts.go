package storage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"consentd/internal/consent"
)

// receiptRow is what a caller was told.
type receiptRow struct {
	Key         digest `gorm:"primaryKey"`
	Fingerprint digest
	Answer      []byte
	ExpiresAt   instant
}

// TableName implements gorm's Tabler.
func (receiptRow) TableName() string { return "receipts" }

func receiptRowOf(r *consent.Receipt) receiptRow {
	if r == nil {
		return receiptRow{}
	}
	return receiptRow{Key: digest(r.Key), Fingerprint: digest(r.Fingerprint), Answer: r.Answer, ExpiresAt: instantOf(r.Expires)}
}

// saveReceipt writes the receipt of a call, or says that the call has been
// answered before. Of two at once the second waits for the first.
func saveReceipt(tx *gorm.DB, r *consent.Receipt) error {
	if r == nil {
		return nil
	}
	row := receiptRowOf(r)
	res := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row)
	switch {
	case res.Error != nil:
		return fmt.Errorf("keep the answer: %w", res.Error)
	case res.RowsAffected == 0:
		return errRepeated()
	}
	return nil
}

func errRepeated() error {
	return consent.E(consent.CodeRepeated, "the call has been answered before")
}

// repeated tells the violation of the receipts' key from all others.
func repeated(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == "23505" && strings.HasPrefix(pg.ConstraintName, "receipts")
}

// Receipt implements ledger.Store.
func (d *DB) Receipt(ctx context.Context, key consent.Digest) (*consent.Receipt, error) {
	var row receiptRow
	if err := d.gorm.WithContext(ctx).Where("key = ?", digest(key)).Take(&row).Error; err != nil {
		return nil, translate(err)
	}
	return &consent.Receipt{
		Key: key, Fingerprint: consent.Digest(row.Fingerprint), Answer: row.Answer, Expires: row.ExpiresAt.Time,
	}, nil
}

// ForgetReceipts implements ledger.Store. Replicas that do so at once pass over
// each other's rows instead of waiting for them.
func (d *DB) ForgetReceipts(ctx context.Context, now time.Time, limit int) (int, error) {
	res := d.gorm.WithContext(ctx).Where("key IN (?)",
		d.gorm.Model(&receiptRow{}).Clauses(skipLocked()).Select("key").Where("expires_at <= ?", instantOf(now)).Limit(limit)).
		Delete(&receiptRow{})
	if res.Error != nil {
		return 0, fmt.Errorf("forget answers: %w", translate(res.Error))
	}
	return int(res.RowsAffected), nil
}

// ForgetReceipt implements ledger.Store.
func (d *DB) ForgetReceipt(ctx context.Context, key consent.Digest, now time.Time) error {
	err := d.gorm.WithContext(ctx).Where("key = ? AND expires_at <= ?", digest(key), instantOf(now)).Delete(&receiptRow{}).Error
	if err != nil {
		return fmt.Errorf("forget an answer: %w", translate(err))
	}
	return nil
}
