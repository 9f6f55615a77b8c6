package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"consentd/internal/consent"
	"consentd/internal/service/sca"
)

var _ sca.Store = (*DB)(nil)

// Run implements sca.Store.
func (d *DB) Run(ctx context.Context, handle consent.Digest) (*consent.Run, error) {
	return d.run(ctx, "handle = ? OR former_handle = ?", digest(handle), digest(handle))
}

// RunByID implements sca.Store.
func (d *DB) RunByID(ctx context.Context, id uuid.UUID) (*consent.Run, error) {
	return d.run(ctx, "id = ?", id)
}

// RunOf implements sca.Store.
func (d *DB) RunOf(ctx context.Context, authorisation uuid.UUID) (*consent.Run, error) {
	return d.run(ctx, "id = (SELECT run_id FROM authorisations WHERE id = ?)", authorisation)
}

func (d *DB) run(ctx context.Context, where string, args ...any) (*consent.Run, error) {
	var row runRow
	if err := d.gorm.WithContext(ctx).Where(where, args...).Take(&row).Error; err != nil {
		return nil, translate(err)
	}
	return row.domain(), nil
}

// Claim implements sca.Store.
func (d *DB) Claim(ctx context.Context, now, until time.Time, limit int) ([]uuid.UUID, error) {
	var ids []uuid.UUID
	err := d.transact(ctx, func(tx *gorm.DB) error {
		ids = nil
		err := tx.Model(&runRow{}).Clauses(skipLocked()).
			Where("poll_at <= ?", instantOf(now)).Order("poll_at").Limit(limit).Pluck("id", &ids).Error
		if err != nil || len(ids) == 0 {
			return err
		}
		return tx.Model(&runRow{}).Where("id IN ?", ids).Update("poll_at", instantOf(until)).Error
	})
	if err != nil {
		return nil, fmt.Errorf("claim waiting runs: %w", err)
	}
	return ids, nil
}

// Change implements sca.Store.
func (d *DB) Change(ctx context.Context, run uuid.UUID, change func(*consent.Run, *consent.Consent) error) error {
	return d.transact(ctx, func(tx *gorm.DB) error {
		of, err := ownerOf(tx, run)
		if err != nil {
			return err
		}
		if of.consent == uuid.Nil {
			return changeRun(tx, run, func(r *consent.Run) error { return change(r, r.Visit()) })
		}
		s, err := load(locked(tx), of.consent)
		if err != nil {
			return err
		}
		return changeRun(tx, run, func(r *consent.Run) error {
			if err := change(r, s.c); err != nil {
				return err
			}
			return d.save(tx, &s)
		})
	})
}

// Finish implements sca.Store. It locks in the order that every Finish keeps:
// the row of the TPP, that of current_consents, then the consents by id.
func (d *DB) Finish(ctx context.Context, run uuid.UUID, now time.Time, change func(*consent.Run, *consent.Consent, []*consent.Consent) error) error {
	return d.transact(ctx, func(tx *gorm.DB) error {
		of, err := ownerOf(tx, run)
		if err != nil {
			return err
		}
		if of.consent == uuid.Nil {
			return changeRun(tx, run, func(r *consent.Run) error { return change(r, r.Visit(), nil) })
		}
		all, err := lockWithFormer(tx, of, now)
		if err != nil {
			return err
		}
		own := all[0]
		former := make([]*consent.Consent, len(all)-1)
		for i := range former {
			former[i] = all[i+1].c
		}
		return changeRun(tx, run, func(r *consent.Run) error {
			if err := change(r, own.c, former); err != nil {
				return err
			}
			for i := range all {
				if err := d.save(tx, &all[i]); err != nil {
					return err
				}
			}
			return saveCurrent(tx, own.c)
		})
	})
}

// lockWithFormer locks a consent and those that it would replace if it became
// the customer's, and returns it first. Their TPP must not be blocked at now.
func lockWithFormer(tx *gorm.DB, of owner, now time.Time) ([]stored, error) {
	id := of.consent
	peek, err := load(tx, id) // whose TPP's and of which kind it is never changes
	if err != nil {
		return nil, err
	}
	if err := letIn(tx, peek.row.TPP, now); err != nil {
		return nil, err
	}
	if !peek.c.Replaces() || of.customer == uuid.Nil {
		s, err := load(locked(tx), id)
		return []stored{s}, err
	}
	row := currentRow{Rail: peek.row.Rail, TPP: peek.row.TPP, CustomerID: of.customer}
	err = tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "rail"}, {Name: "tpp"}, {Name: "customer_id"}},
		DoUpdates: clause.Assignments(map[string]any{"rail": row.Rail}), // changes nothing, locks the row
	}).Create(&row).Error
	if err != nil {
		return nil, fmt.Errorf("queue for the current consent: %w", err)
	}
	var rows []consentRow
	err = locked(tx).Where(
		"id = ? OR (customer_id = ? AND tpp = ? AND rail = ? AND kind = ? AND recurring AND status IN ?)",
		id, of.customer, peek.row.TPP, peek.row.Rail, string(consent.AccountAccess),
		[]string{string(consent.Valid), string(consent.Suspended)}).Order("id").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("former consents: %w", err)
	}
	all := make([]stored, 1, len(rows))
	for _, row := range rows {
		s, err := fill(tx, row)
		if err != nil {
			return nil, err
		}
		if row.ID == id {
			all[0] = s
			continue
		}
		all = append(all, s)
	}
	return all, nil
}

// currentRow names the recurring consent of a TPP for a customer.
type currentRow struct {
	Rail       string    `gorm:"primaryKey"`
	TPP        string    `gorm:"column:tpp;primaryKey"`
	CustomerID uuid.UUID `gorm:"primaryKey"`
	ConsentID  ref
}

// TableName implements gorm's Tabler.
func (currentRow) TableName() string { return "current_consents" }

func saveCurrent(tx *gorm.DB, c *consent.Consent) error {
	if !c.Replaces() || c.Status != consent.Valid {
		return nil
	}
	err := tx.Model(&currentRow{}).Where("rail = ? AND tpp = ? AND customer_id = ?", string(c.Rail), c.TPP, c.Customer).
		Update("consent_id", c.ID).Error
	if err != nil {
		return fmt.Errorf("name the current consent: %w", err)
	}
	return nil
}

// owner is whose a run is; no consent's, for one that visits. Its customer is written before anything is finished.
type owner struct{ consent, customer uuid.UUID }

func ownerOf(tx *gorm.DB, run uuid.UUID) (owner, error) {
	var row runRow
	if err := tx.Select("consent_id", "customer_id").Where("id = ?", run).Take(&row).Error; err != nil {
		return owner{}, err
	}
	return owner{consent: uuid.UUID(row.ConsentID), customer: uuid.UUID(row.CustomerID)}, nil
}

// changeRun locks a run, applies change and writes it.
func changeRun(tx *gorm.DB, id uuid.UUID, change func(*consent.Run) error) error {
	var row runRow
	if err := locked(tx).Where("id = ?", id).Take(&row).Error; err != nil {
		return err
	}
	r := row.domain()
	if err := change(r); err != nil {
		return err
	}
	row = runRowOf(r)
	err := one(tx.Model(&runRow{}).Where("id = ?", id).Select(
		"handle", "browser", "former_handle", "former_browser", "open_by", "stage", "approved", "returned", "psu_id", "customer_id", "seq", "tries", "memo",
		"finish_by", "poll_at", "ended_at", "outcome").Updates(&row))
	if err != nil {
		return fmt.Errorf("save run %s: %w", id, err)
	}
	return nil
}
