package storage

import (
	"fmt"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// currentRow names the consent that stands: of the rail stet, what a TPP has forwarded
// for a PSU of a customer; of others, the recurring consent of a TPP for a customer, and
// no PSU.
type currentRow struct {
	Rail        string    `gorm:"primaryKey"`
	TPP         string    `gorm:"column:tpp;primaryKey"`
	CustomerID  uuid.UUID `gorm:"primaryKey"`
	PSUID       uuid.UUID `gorm:"column:psu_id;primaryKey"`
	ConsentID   ref
	TokensAfter instant
}

// TableName implements gorm's Tabler.
func (currentRow) TableName() string { return "current_consents" }

// ofKey is the condition that a row is this one; its parameters are those of key.
const ofKey = "rail = ? AND tpp = ? AND customer_id = ? AND psu_id = ?"

func (r *currentRow) key() []any { return []any{r.Rail, r.TPP, r.CustomerID, r.PSUID} }

// lockCurrent has the transaction wait for whoever was before, and keeps others from
// the row, which it makes where there is none.
func lockCurrent(tx *gorm.DB, row currentRow) error {
	err := tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "rail"}, {Name: "tpp"}, {Name: "customer_id"}, {Name: "psu_id"}},
		DoUpdates: clause.Assignments(map[string]any{"rail": row.Rail}), // changes nothing, locks the row
	}).Create(&row).Error
	if err != nil {
		return fmt.Errorf("queue for the current consent: %w", err)
	}
	return nil
}

// nameCurrent writes which consent stands, in a row that is locked.
func nameCurrent(tx *gorm.DB, row currentRow) error {
	if err := one(tx.Model(&currentRow{}).Where(ofKey, row.key()...).Update("consent_id", row.ConsentID)); err != nil {
		return fmt.Errorf("name the current consent: %w", err)
	}
	return nil
}
