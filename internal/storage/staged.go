package storage

import (
	"fmt"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"consentd/internal/consent"
)

// stagedRow is what a hub has staged of a consent. TPP is the consent's, so that a key
// keeps two of a TPP from having the same reference.
type stagedRow struct {
	ConsentID uuid.UUID `gorm:"primaryKey"`
	TPP       string    `gorm:"column:tpp"`
	Reference string
	// What travels to the byte.
	Request, Origin []byte
	Permissions     document
	OnBehalfOf      string
	Terms           document
	Extra           []byte
	Channel         string
	Approvals       document
	Required        int
	Token           []byte
	ChangedAt       instant
}

// TableName implements gorm's Tabler.
func (stagedRow) TableName() string { return "staged_consents" }

// stagedChanges is what may change of it, comparable: equal ones need no write.
type stagedChanges struct {
	extra, channel, token string
	approvals             document
	required              int
	at                    instant
}

// stagedChangesOf is zero where nothing was staged.
func stagedChangesOf(s *consent.Staged) (stagedChanges, error) {
	if s == nil {
		return stagedChanges{}, nil
	}
	approvals, err := documentOf(s.Approvals)
	if err != nil {
		return stagedChanges{}, err
	}
	return stagedChanges{
		extra: string(s.Extra), channel: s.Channel, token: string(s.Token), approvals: approvals,
		required: s.Required, at: instantOf(s.ChangedAt),
	}, nil
}

func stagedRowOf(c *consent.Consent) (stagedRow, error) {
	s := c.Staged
	row := stagedRow{
		ConsentID: c.ID, TPP: c.TPP, Reference: s.Reference, Request: orEmpty(s.Request), Origin: orEmpty(s.Origin), Extra: s.Extra,
		OnBehalfOf: s.OnBehalfOf, Channel: s.Channel, Required: s.Required, Token: s.Token, ChangedAt: instantOf(s.ChangedAt),
	}
	var err error
	if row.Permissions, err = documentOf(s.Permissions); err != nil {
		return stagedRow{}, err
	}
	if row.Approvals, err = documentOf(s.Approvals); err != nil {
		return stagedRow{}, err
	}
	if s.Payment != nil {
		row.Terms, err = documentOf(s.Payment)
	}
	return row, err
}

// orEmpty are bytes that must be there.
func orEmpty(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func (r *stagedRow) domain() (*consent.Staged, error) {
	s := &consent.Staged{
		Reference: r.Reference, Request: r.Request, Origin: r.Origin, Extra: r.Extra, OnBehalfOf: r.OnBehalfOf,
		Channel: r.Channel, Required: r.Required, Token: r.Token, ChangedAt: r.ChangedAt.Time,
	}
	if err := r.Permissions.into(&s.Permissions); err != nil {
		return nil, err
	}
	if err := r.Approvals.into(&s.Approvals); err != nil {
		return nil, err
	}
	if r.Terms == "" {
		return s, nil
	}
	s.Payment = &consent.PaymentTerms{}
	return s, r.Terms.into(s.Payment)
}

// fillStaged reads what was staged of a consent that a hub has staged.
func (s *stored) fillStaged(tx *gorm.DB) error {
	if err := fillAllStaged(tx, []*consent.Consent{s.c}); err != nil {
		return err
	}
	var err error
	s.staged, err = stagedChangesOf(s.c.Staged)
	return err
}

// fillAllStaged does so for those of a list: one query, or none.
func fillAllStaged(tx *gorm.DB, list []*consent.Consent) error {
	byID := map[uuid.UUID]*consent.Consent{}
	var ids []uuid.UUID
	for _, c := range list {
		if c.Rail == consent.RailManager {
			ids, byID[c.ID] = append(ids, c.ID), c
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var rows []stagedRow
	if err := tx.Where("consent_id IN ?", ids).Find(&rows).Error; err != nil {
		return fmt.Errorf("what was staged: %w", err)
	}
	if len(rows) != len(byID) {
		return fmt.Errorf("of %d consents that were staged, %d say what was", len(byID), len(rows))
	}
	for i := range rows {
		staged, err := rows[i].domain()
		if err != nil {
			return err
		}
		byID[rows[i].ConsentID].Staged = staged
	}
	return nil
}

// addStaged writes what a hub has staged of a new consent, or says that the TPP has one
// of that reference. Of two at once the second waits for the first.
func addStaged(tx *gorm.DB, c *consent.Consent) error {
	if c.Staged == nil {
		return nil
	}
	row, err := stagedRowOf(c)
	if err != nil {
		return err
	}
	res := tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "tpp"}, {Name: "reference"}}, DoNothing: true}).Create(&row)
	switch {
	case res.Error != nil:
		return fmt.Errorf("keep what was staged of consent %s: %w", c.ID, res.Error)
	case res.RowsAffected == 0:
		return consent.E(consent.CodeRepeated, "the TPP has a consent of this reference")
	}
	return nil
}

// saveStaged writes what changed of it.
func (s *stored) saveStaged(tx *gorm.DB, to stagedChanges) error {
	if to == s.staged {
		return nil
	}
	row, err := stagedRowOf(s.c)
	if err == nil {
		err = one(tx.Model(&stagedRow{}).Where("consent_id = ?", s.c.ID).
			Select("extra", "channel", "approvals", "required", "token", "changed_at").Updates(&row))
	}
	if err != nil {
		return fmt.Errorf("save what was staged of consent %s: %w", s.c.ID, err)
	}
	return nil
}
