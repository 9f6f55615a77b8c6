package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"consentd/internal/consent"
	"consentd/internal/service/consents"
)

var _ consents.Store = (*DB)(nil)

// Get implements the ports. The queries see one state of the database.
func (d *DB) Get(ctx context.Context, id uuid.UUID) (*consent.Consent, error) {
	var c *consent.Consent
	err := d.gorm.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		s, err := load(tx, id)
		c = s.c
		return err
	}, d.engine.snapshot())
	return c, translate(err)
}

// snapshot are the options of a transaction that reads one state.
func (e engine) snapshot() *sql.TxOptions {
	if e.name == "sqlite" {
		return nil // one connection: nobody writes meanwhile
	}
	return &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
}

// Recent lists the consents that were made last, by the time in their ids, without their accounts and
// authorisations.
func (d *DB) Recent(ctx context.Context, limit int) ([]*consent.Consent, error) {
	var rows []consentRow
	if err := d.gorm.WithContext(ctx).Order("id DESC").Limit(limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("recent consents: %w", err)
	}
	return domains(rows)
}

// Update implements consents.Store.
func (d *DB) Update(ctx context.Context, id uuid.UUID, change func(*consent.Consent) error) (*consent.Consent, error) {
	return d.update(ctx, id, nil, change)
}

// AddRun implements consents.Store.
func (d *DB) AddRun(ctx context.Context, id uuid.UUID, run *consent.Run, change func(*consent.Consent) error) (*consent.Consent, error) {
	return d.update(ctx, id, run, change)
}

func (d *DB) update(ctx context.Context, id uuid.UUID, run *consent.Run, change func(*consent.Consent) error) (*consent.Consent, error) {
	var c *consent.Consent
	err := d.transact(ctx, func(tx *gorm.DB) error {
		all, err := lockWithKin(tx, id, waits())
		if err != nil {
			return err
		}
		c = all[0].c
		if err := change(c); err != nil {
			return err
		}
		if err := d.saveWithKin(tx, all); err != nil || run == nil {
			return err
		}
		row := runRowOf(run)
		return tx.Create(&row).Error
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// UpdateFree implements consents.Store.
func (d *DB) UpdateFree(ctx context.Context, id uuid.UUID, change func(*consent.Consent) error) error {
	err := d.transact(ctx, func(tx *gorm.DB) error {
		all, err := lockWithKin(tx, id, skipLocked())
		switch {
		case errors.Is(err, gorm.ErrRecordNotFound):
			return nil
		case err != nil:
			return err
		}
		if err := change(all[0].c); err != nil {
			return err
		}
		return d.saveWithKin(tx, all)
	})
	if errors.Is(err, errStale) {
		return nil // somebody is changing what goes with it
	}
	return err
}

// skipLocked passes over rows that somebody else has locked.
func skipLocked() clause.Locking {
	return clause.Locking{Strength: clause.LockingStrengthUpdate, Options: clause.LockingOptionsSkipLocked}
}

// Due implements consents.Store.
func (d *DB) Due(ctx context.Context, now time.Time, limit int) ([]uuid.UUID, error) {
	var ids []uuid.UUID
	err := d.gorm.WithContext(ctx).Model(&consentRow{}).Where("due_at <= ?", instantOf(now)).
		Order("due_at").Limit(limit).Pluck("id", &ids).Error
	if err != nil {
		return nil, fmt.Errorf("due consents: %w", err)
	}
	return ids, nil
}

// locked makes the next read of rows lock them until the transaction ends.
func locked(tx *gorm.DB) *gorm.DB { return tx.Clauses(waits()) }

// waits waits for rows that somebody else has locked.
func waits() clause.Locking { return clause.Locking{Strength: clause.LockingStrengthUpdate} }

// stored is a consent beside the rows from which it was read.
type stored struct {
	c              *consent.Consent
	row            consentRow
	authorisations []authorisationRow
	grants         int
	staged         stagedChanges
}

// load reads a consent with what belongs to it. tx may lock: the consent's row
// is what serialises changes, so it alone is read through it.
func load(tx *gorm.DB, id uuid.UUID) (stored, error) {
	var row consentRow
	if err := tx.Where("id = ?", id).Take(&row).Error; err != nil {
		return stored{}, err
	}
	return fill(tx.Session(&gorm.Session{NewDB: true}), row)
}

func fill(tx *gorm.DB, row consentRow) (stored, error) {
	c, err := row.domain()
	if err != nil {
		return stored{}, err
	}
	s := stored{c: c, row: row}
	if err := tx.Where("consent_id = ?", row.ID).Order("created_at, id").Find(&s.authorisations).Error; err != nil {
		return stored{}, fmt.Errorf("authorisations of consent %s: %w", row.ID, err)
	}
	for i := range s.authorisations {
		c.Authorisations = append(c.Authorisations, s.authorisations[i].domain())
	}
	if c.Access.Grants, err = grantsOf(tx, row.ID); err != nil {
		return stored{}, err
	}
	s.grants = len(c.Access.Grants)
	return s, s.fillStaged(tx)
}

func grantsOf(tx *gorm.DB, id uuid.UUID) ([]consent.Grant, error) {
	var rows []struct {
		AccountID uuid.UUID
		Rights    int
		Reference document
	}
	err := tx.Table("consent_grants").Select("consent_grants.account_id, consent_grants.rights, accounts.reference").
		Joins("JOIN accounts ON accounts.id = consent_grants.account_id").
		Where("consent_grants.consent_id = ?", id).Order("consent_grants.position").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("grants of consent %s: %w", id, err)
	}
	var grants []consent.Grant
	for _, r := range rows {
		g := consent.Grant{AccountID: r.AccountID, Rights: consent.Rights(r.Rights)} //nolint:gosec // written from a consent.Rights
		if err := r.Reference.into(&g.Reference); err != nil {
			return nil, err
		}
		grants = append(grants, g)
	}
	return grants, nil
}

// save writes what changed since load, with its audit, and the receipt of the
// call that changed it; or nothing.
func (d *DB) save(tx *gorm.DB, s *stored) error {
	entries, receipt := s.c.TakePending()
	if err := s.saveConsent(tx, d.chain(&s.row, entries)); err != nil {
		return err
	}
	return saveReceipt(tx, receipt)
}

func (s *stored) saveConsent(tx *gorm.DB, audit link) error {
	row, err := consentRowOf(s.c)
	if err != nil {
		return err
	}
	row.AuditCount, row.AuditHead = audit.count, audit.head
	// These never change; PostgreSQL only spells them its own way.
	row.Asked, row.OnlyTypes, row.Card = s.row.Asked, s.row.OnlyTypes, s.row.Card
	row.UpdatedAt = s.row.UpdatedAt // it follows from the rest
	staged, err := stagedChangesOf(s.c.Staged)
	if err != nil {
		return err
	}
	authorisations := make([]authorisationRow, len(s.c.Authorisations))
	changed := row != s.row || staged != s.staged || len(s.c.Access.Grants) != s.grants || len(authorisations) != len(s.authorisations)
	for i, a := range s.c.Authorisations {
		authorisations[i] = authorisationRowOf(s.c.ID, a)
		changed = changed || authorisations[i] != s.authorisations[i]
	}
	if !changed {
		return nil
	}
	row.Version, row.UpdatedAt = s.row.Version+1, instantOf(s.c.UpdatedAt())
	if err := one(tx.Model(&consentRow{}).Where("id = ? AND version = ?", row.ID, s.row.Version).
		Select(consentChanges[0], tail(consentChanges[1:])...).Updates(&row)); err != nil {
		return fmt.Errorf("save consent %s: %w", row.ID, err)
	}
	s.c.Version = row.Version
	if err := audit.save(tx); err != nil {
		return err
	}
	if err := s.forgetTokens(tx); err != nil {
		return err
	}
	if err := s.saveAuthorisations(tx, authorisations); err != nil {
		return err
	}
	if err := s.saveStaged(tx, staged); err != nil {
		return err
	}
	return s.saveGrants(tx)
}

func (s *stored) saveAuthorisations(tx *gorm.DB, rows []authorisationRow) error {
	for i := range rows {
		if i >= len(s.authorisations) {
			if err := tx.Create(&rows[i]).Error; err != nil {
				return fmt.Errorf("add authorisation %s: %w", rows[i].ID, err)
			}
			continue
		}
		if rows[i] == s.authorisations[i] {
			continue
		}
		if err := one(tx.Model(&authorisationRow{}).Where("id = ?", rows[i].ID).
			Select("status", "psu_id", "psu_named", "corporate_named", "changed_at", "deadline").Updates(&rows[i])); err != nil {
			return fmt.Errorf("save authorisation %s: %w", rows[i].ID, err)
		}
		if err := s.forget(tx, i); err != nil {
			return err
		}
	}
	return nil
}

// forget wipes what a run remembers of its PSU once its authorisation has ended,
// by whatever: nobody can go on with it. One whose flow waits is left to a worker,
// who tells the flow that it waits in vain, and wipes it then.
func (s *stored) forget(tx *gorm.DB, i int) error {
	a := s.c.Authorisations[i]
	if !a.Status.Final() {
		return nil
	}
	err := tx.Model(&runRow{}).Where("id = ? AND poll_at IS NULL", a.RunID).Update("memo", nil).Error
	if err == nil {
		err = tx.Model(&runRow{}).Where("id = ? AND poll_at IS NOT NULL", a.RunID).Update("poll_at", instantOf(a.ChangedAt)).Error
	}
	if err != nil {
		return fmt.Errorf("wipe memory of run %s: %w", a.RunID, err)
	}
	return nil
}

// saveGrants writes the accounts once: what is granted never changes.
func (s *stored) saveGrants(tx *gorm.DB) error {
	if s.grants == len(s.c.Access.Grants) {
		return nil
	}
	rows := make([]grantRow, len(s.c.Access.Grants))
	for i, g := range s.c.Access.Grants {
		rows[i] = grantRow{ConsentID: s.c.ID, AccountID: g.AccountID, Position: i, Rights: int(g.Rights)}
	}
	if err := tx.Create(&rows).Error; err != nil {
		return fmt.Errorf("save grants of consent %s: %w", s.c.ID, err)
	}
	return nil
}

// one checks that a conditional write met exactly one row.
func one(res *gorm.DB) error {
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected != 1 {
		return errStale
	}
	return nil
}

func tail(columns []string) []any {
	rest := make([]any, len(columns))
	for i, c := range columns {
		rest[i] = c
	}
	return rest
}

func domains(rows []consentRow) ([]*consent.Consent, error) {
	list := make([]*consent.Consent, len(rows))
	for i := range rows {
		c, err := rows[i].domain()
		if err != nil {
			return nil, err
		}
		list[i] = c
	}
	return list, nil
}
