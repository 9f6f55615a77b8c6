package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/register"
	"consentd/internal/service/sca"
	"consentd/internal/service/staging"
)

var _ staging.Store = (*DB)(nil)

// groupRow is whom a line of staged consents belongs to. It is made with the first of
// them and locked before any of them is changed.
type groupRow struct {
	ID    uuid.UUID `gorm:"primaryKey"`
	PSUID ref       `gorm:"column:psu_id"`
}

// TableName implements gorm's Tabler.
func (groupRow) TableName() string { return "consent_groups" }

// Stage implements staging.Store. The TPP, which may never call itself, is entered in the
// register first, so that the bank finds it there and can block it.
func (d *DB) Stage(ctx context.Context, c *consent.Consent) error {
	made, err := d.creationOf(c, nil)
	if err != nil {
		return err
	}
	if err := d.enter(ctx, c, made.audit.rows[0].domain().Cause); err != nil {
		return err
	}
	return d.transact(ctx, func(tx *gorm.DB) error {
		if err := letIn(tx, c.TPP, d.now()); err != nil {
			return err
		}
		if err := misleads(tx, c.Staged.Reference); err != nil {
			return err
		}
		if err := insert(tx, c, made); err != nil || c.GroupID != c.ID {
			return err
		}
		if err := tx.Create(&groupRow{ID: c.ID}).Error; err != nil {
			return fmt.Errorf("begin the line of consent %s: %w", c.ID, err)
		}
		return nil
	})
}

// enter enters the TPP of a consent that a hub stages.
func (d *DB) enter(ctx context.Context, c *consent.Consent, cause consent.Cause) error {
	known, err := d.Standing(ctx, c.TPP)
	if err != nil || !known.FirstSeen.IsZero() {
		return err
	}
	_, err = d.ChangeTPP(ctx, c.TPP, func(t *register.TPP) (*consent.Entry, error) { return t.Enter(c.TPPName, cause, c.CreatedAt) })
	return err
}

// misleads refuses a reference that is the id of a consent, whose name a TPP must not
// take: all who name a consent mean the id first.
func misleads(tx *gorm.DB, reference string) error {
	id, err := uuid.Parse(reference)
	if err != nil {
		return nil //nolint:nilerr // a name that no id can be
	}
	var taken []uuid.UUID
	if err := tx.Model(&consentRow{}).Where("id = ?", id).Limit(1).Pluck("id", &taken).Error; err != nil {
		return fmt.Errorf("name of a staged consent: %w", err)
	}
	if len(taken) > 0 {
		return consent.At(consent.CodeServiceInvalid, "consent.ConsentId", "cannot be the name of the consent: it is the id of another")
	}
	return nil
}

// Staged implements staging.Store.
func (d *DB) Staged(ctx context.Context, tpp, reference string) (*consent.Consent, error) {
	return d.staged(ctx, reference, func(q *gorm.DB) *gorm.DB {
		if tpp == "" {
			return q
		}
		return q.Where("tpp = ?", tpp)
	})
}

// StagedInSight implements staging.Store. What was staged is seen by its customer alone.
func (d *DB) StagedInSight(ctx context.Context, reference string, sight service.Sight) (*consent.Consent, error) {
	return d.staged(ctx, reference, func(q *gorm.DB) *gorm.DB {
		return q.Where("EXISTS (SELECT 1 FROM consents WHERE consents.id = staged_consents.consent_id AND consents.customer_id IN ?)", sight.Customers)
	})
}

// staged reads the one consent of a reference, of those that narrow leaves.
func (d *DB) staged(ctx context.Context, reference string, narrow func(*gorm.DB) *gorm.DB) (*consent.Consent, error) {
	var c *consent.Consent
	err := d.gorm.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		const several = 2
		var rows []stagedRow
		if err := narrow(tx.Where("reference = ?", reference)).Select("consent_id").Limit(several).Find(&rows).Error; err != nil {
			return fmt.Errorf("staged consent: %w", err)
		}
		switch len(rows) {
		case 0:
			return gorm.ErrRecordNotFound
		case several:
			return consent.E(consent.CodeServiceInvalid, "several TPPs have a consent of this reference")
		}
		s, err := load(tx, rows[0].ConsentID)
		c = s.c
		return err
	}, d.engine.snapshot())
	if err != nil {
		return nil, translate(err)
	}
	return c, nil
}

// Amend implements staging.Store.
func (d *DB) Amend(
	ctx context.Context, id uuid.UUID, change func(c *consent.Consent, h *consent.Holder, log []consent.Payment) error,
) (*consent.Consent, error) {
	var c *consent.Consent
	err := d.transact(ctx, func(tx *gorm.DB) error {
		line, blocked, err := lockLine(tx, id, d.now())
		if err != nil {
			return err
		}
		all, err := lockWithKin(tx, id, waits())
		if err != nil {
			return err
		}
		var log []consent.Payment
		c = all[0].c
		if c.Kind == consent.Payments {
			if log, err = paymentsOf(inBrief(tx), id); err != nil {
				return err
			}
		}
		h, pending := consent.Holder{PSU: uuid.UUID(line.PSUID)}, c.Status.Pending()
		if err := change(c, &h, log); err != nil {
			return err
		}
		if blocked && pending && c.Status.Live() {
			return sca.ErrShut()
		}
		if err := d.saveWithKin(tx, all); err != nil {
			return err
		}
		return line.hand(tx, h)
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// lockLine locks the row of the line to which a consent belongs, which never changes for
// one that was staged, and tells whether its TPP is blocked at now, which nobody can
// change before the transaction ends. Both are zero for all others.
func lockLine(tx *gorm.DB, id uuid.UUID, now time.Time) (groupRow, bool, error) {
	var peek consentRow // what is read of it here never changes
	if err := tx.Select("rail", "tpp", "group_id").Where("id = ?", id).Take(&peek).Error; err != nil {
		return groupRow{}, false, err
	}
	if peek.Rail != string(consent.RailManager) {
		return groupRow{}, false, nil
	}
	blocked, err := shut(tx, peek.TPP, now)
	if err != nil {
		return groupRow{}, false, err
	}
	var line groupRow
	if err := locked(tx).Where("id = ?", peek.GroupID).Take(&line).Error; err != nil {
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return groupRow{}, false, fmt.Errorf("consent %s belongs to no line", id)
		}
		return groupRow{}, false, fmt.Errorf("line of consent %s: %w", id, err)
	}
	return line, blocked, nil
}

// hand gives a line to its holder.
func (g groupRow) hand(tx *gorm.DB, to consent.Holder) error {
	if g.ID == uuid.Nil || g.PSUID == ref(to.PSU) {
		return nil
	}
	if err := one(tx.Model(&groupRow{}).Where("id = ?", g.ID).Update("psu_id", ref(to.PSU))); err != nil {
		return fmt.Errorf("give line %s to its holder: %w", g.ID, err)
	}
	return nil
}

// Entries implements staging.Store and office.Store.
func (d *DB) Entries(ctx context.Context, id uuid.UUID) ([]consent.Entry, error) {
	return d.History(ctx, id.String())
}

// References implements staging.Store.
func (d *DB) References(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	known := make(map[uuid.UUID]string, len(ids))
	for some := range slices.Chunk(ids, idsAtOnce) {
		var rows []stagedRow
		if err := d.gorm.WithContext(ctx).Select("consent_id", "reference").Where("consent_id IN ?", some).Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("names of staged consents: %w", translate(err))
		}
		for i := range rows {
			known[rows[i].ConsentID] = rows[i].Reference
		}
	}
	return known, nil
}
