package storage

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"consentd/internal/consent"
)

// The kin of a consent of the rail stet are the live ones of the same TPP that the
// same PSU has given: connections, and what was forwarded by them. One may not outlive
// another; which one is for the domain to say.

// ofKin is the condition that a consent is one of them, as the index on them has it.
const ofKin = "rail = 'stet' AND status IN ('valid', 'suspended') AND tpp = ? AND given_by = ?"

// lockWithKin locks a consent with its kin, and returns it first. For all other rails,
// and for what no PSU has given yet, it is alone. lock says what to do about one that
// somebody else has locked; where that is to pass over it, and for one that does not
// exist, it fails with gorm.ErrRecordNotFound.
func lockWithKin(tx *gorm.DB, id uuid.UUID, lock clause.Locking) ([]stored, error) {
	s, err := load(tx.Clauses(lock).Where("rail <> ?", string(consent.RailSTET)), id)
	if !errors.Is(err, gorm.ErrRecordNotFound) {
		return []stored{s}, err
	}
	var peek consentRow // what is read of it here changes once at most
	err = tx.Select("tpp", "customer_id", "given_by").Where("id = ? AND rail = ?", id, string(consent.RailSTET)).Take(&peek).Error
	if err != nil {
		return nil, err
	}
	if uuid.UUID(peek.GivenBy) != uuid.Nil {
		return lockKin(tx, id, peek, lock)
	}
	s, err = load(tx.Clauses(lock), id)
	if err == nil && s.c.GivenBy != uuid.Nil {
		err = errStale // it was given meanwhile
	}
	return []stored{s}, err
}

func lockKin(tx *gorm.DB, id uuid.UUID, of consentRow, lock clause.Locking) ([]stored, error) {
	row := forwardedRow{TPP: of.TPP, PSUID: uuid.UUID(of.GivenBy), CustomerID: uuid.UUID(of.CustomerID)}
	if err := lockAllForwarded(tx, row, lock); err != nil {
		return nil, err
	}
	var rows []consentRow
	err := tx.Clauses(lock).Where("id = ? OR ("+ofKin+")", id, row.TPP, row.PSUID).Order("id").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("kin of consent %s: %w", id, err)
	}
	all, found := make([]stored, 1, len(rows)+1), false
	for _, row := range rows {
		s, err := fill(tx, row)
		switch {
		case err != nil:
			return nil, err
		case row.ID == id:
			all[0], found = s, true
		default:
			all = append(all, s)
		}
	}
	if !found {
		return nil, gorm.ErrRecordNotFound
	}
	return all, nil
}

// lockAllForwarded locks the rows of a TPP and a PSU, whose customers may be several, in
// the order of these; row is made where there is none.
func lockAllForwarded(tx *gorm.DB, row forwardedRow, lock clause.Locking) error {
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
		return fmt.Errorf("queue for what a TPP has forwarded: %w", err)
	}
	var rows []forwardedRow
	err := tx.Clauses(lock).Select("customer_id").Where("tpp = ? AND psu_id = ?", row.TPP, row.PSUID).Order("customer_id").Find(&rows).Error
	if err != nil {
		return fmt.Errorf("queue for all that a TPP has forwarded: %w", err)
	}
	for i := range rows {
		if rows[i].CustomerID == row.CustomerID {
			return nil
		}
	}
	return gorm.ErrRecordNotFound
}

// saveWithKin writes what changed of a consent that lockWithKin has locked. What
// cannot stand without it, now that it may have ended, ends with it.
func (d *DB) saveWithKin(tx *gorm.DB, all []stored) error {
	if err := endKin(tx, all); err != nil {
		return err
	}
	for i := range all {
		if err := all[i].cutOff(tx); err != nil {
			return err
		}
		if err := d.save(tx, &all[i]); err != nil {
			return err
		}
	}
	return nil
}

// endKin ends what goes with the first of them. What has joined them since they were
// locked is not held: then all begins anew.
func endKin(tx *gorm.DB, all []stored) error {
	own := all[0]
	if !own.ended() || own.c.Rail != consent.RailSTET || own.c.GivenBy == uuid.Nil {
		return nil
	}
	ids, kin := make([]uuid.UUID, len(all)), make([]*consent.Consent, len(all))
	for i, s := range all {
		ids[i], kin[i] = s.c.ID, s.c
	}
	var joined []uuid.UUID
	err := tx.Model(&consentRow{}).Where(ofKin, own.c.TPP, own.c.GivenBy).Where("id NOT IN ?", ids).Limit(1).Pluck("id", &joined).Error
	if err != nil {
		return fmt.Errorf("kin of consent %s: %w", own.c.ID, err)
	}
	if len(joined) > 0 {
		return errStale
	}
	return drag(own.c, kin)
}

// drag ends what cannot stand without a consent; and where that was forwarded, so that
// connections end with it, what rests on these.
func drag(c *consent.Consent, kin []*consent.Consent) error {
	live := slices.DeleteFunc(slices.Clone(kin), func(k *consent.Consent) bool { return k.Status.Final() })
	if err := c.Drag(live, c.StatusChangedAt); err != nil {
		return fmt.Errorf("end what goes with consent %s: %w", c.ID, err)
	}
	for _, k := range live {
		if k.Kind != consent.Connection || !k.Status.Final() {
			continue
		}
		if err := k.Drag(live, k.StatusChangedAt); err != nil {
			return fmt.Errorf("end what rests on connection %s: %w", k.ID, err)
		}
	}
	return nil
}

// ended reports whether the consent has ended since it was read.
func (s *stored) ended() bool { return s.c.Status.Final() && !consent.Status(s.row.Status).Final() }

// cutOff writes down that tokens of the bank's own server, which know nothing of what
// is here, open nothing any more: where a PSU or the bank has ended what was forwarded.
// What the TPP has replaced or taken back leaves them alone, and so does what time has
// ended, as they have a date of their own. The row is locked as a rule, and made by
// whoever forwards.
func (s *stored) cutOff(tx *gorm.DB) error {
	c := s.c
	if !s.ended() || c.Rail != consent.RailSTET || c.GivenBy == uuid.Nil || c.Kind != consent.AccountAccess ||
		c.Ending.By != consent.ByPSU && c.Ending.By != consent.ByASPSP {
		return nil
	}
	row, at := forwardedRow{TPP: c.TPP, PSUID: c.GivenBy, CustomerID: c.Customer}, instantOf(c.StatusChangedAt)
	err := tx.Model(&forwardedRow{}).Where(ofHolder, row.key()...).Where("tokens_after IS NULL OR tokens_after < ?", at).
		Update("tokens_after", at).Error
	if err != nil {
		return fmt.Errorf("end tokens of a TPP: %w", err)
	}
	return nil
}
