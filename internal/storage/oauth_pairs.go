package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"consentd/internal/consent"
	"consentd/internal/service/connections"
)

// pairRow is an access token with its refresh token as they are stored.
type pairRow struct {
	ID          string `gorm:"primaryKey"`
	ConsentID   uuid.UUID
	TPP         string `gorm:"column:tpp"`
	PSUID       ref    `gorm:"column:psu_id"`
	Scopes      string
	Active      string
	Access      digest
	Refresh     digest
	Code        digest
	AccessUntil instant
	IssuedAt    instant
	Certificate string
	Sealed      []byte
	Version     int
	ForgetAt    instant
}

// TableName implements gorm's Tabler.
func (pairRow) TableName() string { return "oauth_pairs" }

// pairChanges are the columns that change after a pair was issued.
var pairChanges = [...]string{
	"scopes", "active", "access", "refresh", "access_until", "issued_at", "certificate", "sealed", "version",
}

func pairRowOf(p *connections.Pair) pairRow {
	return pairRow{
		ID: p.ID, ConsentID: p.Consent, TPP: p.TPP, PSUID: ref(p.PSU), Scopes: p.Scopes, Active: p.Active,
		Access: digest(p.Access), Refresh: digest(p.Refresh), Code: digest(p.Code),
		AccessUntil: instantOf(p.AccessUntil), IssuedAt: instantOf(p.IssuedAt), Certificate: p.Certificate,
		Sealed: sealed(p.Sealed), Version: p.Version,
	}
}

func (r *pairRow) domain() connections.Pair {
	return connections.Pair{
		ID: r.ID, Consent: r.ConsentID, TPP: r.TPP, PSU: uuid.UUID(r.PSUID), Scopes: r.Scopes, Active: r.Active,
		Access: consent.Digest(r.Access), Refresh: consent.Digest(r.Refresh), Code: consent.Digest(r.Code),
		AccessUntil: r.AccessUntil.Time, IssuedAt: r.IssuedAt.Time, Certificate: r.Certificate,
		Sealed: r.Sealed, Version: r.Version,
	}
}

// Issue implements connections.Store.
func (d *DB) Issue(ctx context.Context, p connections.Pair, judge connections.Judge) error {
	return d.transact(ctx, func(tx *gorm.DB) error {
		all, err := lockWithKin(tx, p.Consent, waits())
		if err != nil {
			return err
		}
		if err := takeCode(tx, p.Code); err != nil {
			return err
		}
		grant := all[0].c
		row := pairRowOf(&p)
		row.Version, row.ForgetAt = 1, instantOf(grant.EndsAt)
		res := tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "code"}}, DoNothing: true}).Create(&row)
		switch {
		case res.Error != nil:
			return fmt.Errorf("issue tokens: %w", res.Error)
		case res.RowsAffected == 0:
			return errUsed()
		}
		if err := judge(grant, sameCustomer(grant, all[1:])); err != nil {
			return err
		}
		return d.saveWithKin(tx, all)
	})
}

// takeCode removes the request of a code, where there is a code: none was asked for
// tokens that came without a browser.
func takeCode(tx *gorm.DB, code consent.Digest) error {
	if code == (consent.Digest{}) {
		return nil
	}
	res := tx.Where("code = ?", digest(code)).Delete(&requestRow{})
	switch {
	case res.Error != nil:
		return fmt.Errorf("take the request of a code: %w", res.Error)
	case res.RowsAffected == 0:
		return errUsed()
	}
	return nil
}

func errUsed() error { return consent.E(consent.CodeUsed, "the code has been used") }

// sameCustomer are those of the kin of a grant that are for its customer.
func sameCustomer(grant *consent.Consent, kin []stored) []*consent.Consent {
	var list []*consent.Consent
	for _, k := range kin {
		if k.c.Customer == grant.Customer {
			list = append(list, k.c)
		}
	}
	return list
}

// Exchange implements connections.Store.
func (d *DB) Exchange(ctx context.Context, p connections.Pair) error {
	row := pairRowOf(&p)
	row.Version++
	res := d.gorm.WithContext(ctx).Model(&pairRow{}).Where("id = ? AND version = ?", p.ID, p.Version).
		Select(pairChanges[0], tail(pairChanges[1:])...).Updates(&row)
	switch {
	case res.Error != nil:
		return fmt.Errorf("exchange tokens: %w", translate(res.Error))
	case res.RowsAffected == 0:
		return consent.E(consent.CodeStale, "the tokens have been exchanged already")
	}
	return nil
}

// PairByAccess implements connections.Store.
func (d *DB) PairByAccess(ctx context.Context, access consent.Digest) (*connections.Pair, *consent.Consent, error) {
	return d.pair(ctx, "access = ?", access)
}

// PairByRefresh implements connections.Store.
func (d *DB) PairByRefresh(ctx context.Context, refresh consent.Digest) (*connections.Pair, *consent.Consent, error) {
	return d.pair(ctx, "refresh = ?", refresh)
}

// PairByCode implements connections.Store.
func (d *DB) PairByCode(ctx context.Context, code consent.Digest) (*connections.Pair, *consent.Consent, error) {
	return d.pair(ctx, "code = ?", code)
}

func (d *DB) pair(ctx context.Context, where string, by consent.Digest) (*connections.Pair, *consent.Consent, error) {
	var row pairRow
	var granted consentRow
	err := d.gorm.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Where(where, digest(by)).Take(&row).Error; err != nil {
			return err
		}
		return tx.Where("id = ?", row.ConsentID).Take(&granted).Error
	}, d.engine.snapshot())
	if err != nil {
		return nil, nil, fmt.Errorf("tokens: %w", translate(err))
	}
	p := row.domain()
	c, err := granted.domain()
	return &p, c, err
}

// EndPair implements connections.Store.
func (d *DB) EndPair(ctx context.Context, id string, end func(connection *consent.Consent) error) error {
	return d.transact(ctx, func(tx *gorm.DB) error {
		var row pairRow // whose it is never changes
		err := tx.Select("consent_id").Where("id = ?", id).Take(&row).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("tokens to end: %w", err)
		}
		all, err := lockWithKin(tx, row.ConsentID, waits())
		if err != nil {
			return err
		}
		if err := tx.Where("id = ?", id).Delete(&pairRow{}).Error; err != nil {
			return fmt.Errorf("end tokens: %w", err)
		}
		if end == nil || all[0].c.Kind != consent.Connection {
			return nil
		}
		if err := end(all[0].c); err != nil {
			return err
		}
		return d.saveWithKin(tx, all)
	})
}

// forgetTokens has the tokens of a consent that has ended be forgotten soon.
func (s *stored) forgetTokens(tx *gorm.DB) error {
	if !s.ended() || s.c.Kind != consent.Connection && !s.c.ByToken {
		return nil
	}
	err := tx.Model(&pairRow{}).Where("consent_id = ?", s.c.ID).Update("forget_at", instantOf(s.c.StatusChangedAt)).Error
	if err != nil {
		return fmt.Errorf("forget tokens of consent %s: %w", s.c.ID, err)
	}
	return nil
}
