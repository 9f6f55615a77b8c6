package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"consentd/internal/service/office"
)

var _ office.Store = (*DB)(nil)

// proposalRow is a proposal as it is stored.
type proposalRow struct {
	ID         uuid.UUID `gorm:"primaryKey"`
	Act        document
	ProposedBy string
	ProposedAt instant
	DecidedBy  string
	DecidedAt  instant
	State      string
	Done       int
}

// TableName implements gorm's Tabler.
func (proposalRow) TableName() string { return "proposals" }

func proposalRowOf(p *office.Proposal) (proposalRow, error) {
	act, err := documentOf(p.Act)
	return proposalRow{
		ID: p.ID, Act: act, ProposedBy: p.ProposedBy, ProposedAt: instantOf(p.ProposedAt),
		DecidedBy: p.DecidedBy, DecidedAt: instantOf(p.DecidedAt), State: string(p.State), Done: p.Done,
	}, err
}

func (r *proposalRow) domain() (office.Proposal, error) {
	p := office.Proposal{
		ID: r.ID, ProposedBy: r.ProposedBy, ProposedAt: r.ProposedAt.Time, DecidedBy: r.DecidedBy, DecidedAt: r.DecidedAt.Time,
		State: office.State(r.State), Done: r.Done,
	}
	return p, r.Act.into(&p.Act)
}

// Propose implements office.Store.
func (d *DB) Propose(ctx context.Context, p office.Proposal) error {
	row, err := proposalRowOf(&p)
	if err == nil {
		err = d.gorm.WithContext(ctx).Create(&row).Error
	}
	if err != nil {
		return fmt.Errorf("keep a proposal: %w", translate(err))
	}
	return nil
}

// Proposals implements office.Store.
func (d *DB) Proposals(ctx context.Context, limit int) ([]office.Proposal, error) {
	var rows []proposalRow
	// The state stands in the statement, so that PostgreSQL knows the index by it.
	err := d.gorm.WithContext(ctx).Where("state = 'open'").Order("proposed_at, id").Limit(limit).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("open proposals: %w", translate(err))
	}
	list := make([]office.Proposal, len(rows))
	for i := range rows {
		if list[i], err = rows[i].domain(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Proposal implements office.Store.
func (d *DB) Proposal(ctx context.Context, id uuid.UUID) (*office.Proposal, error) {
	p, err := proposal(d.gorm.WithContext(ctx), id)
	if err != nil {
		return nil, fmt.Errorf("proposal %s: %w", id, translate(err))
	}
	return p, nil
}

func proposal(tx *gorm.DB, id uuid.UUID) (*office.Proposal, error) {
	var row proposalRow
	if err := tx.Where("id = ?", id).Take(&row).Error; err != nil {
		return nil, err
	}
	p, err := row.domain()
	return &p, err
}

// Decide implements office.Store.
func (d *DB) Decide(ctx context.Context, id uuid.UUID, change func(*office.Proposal) error) (*office.Proposal, error) {
	var p *office.Proposal
	err := d.transact(ctx, func(tx *gorm.DB) error {
		var err error
		if p, err = proposal(locked(tx), id); err != nil {
			return err
		}
		if err := change(p); err != nil {
			return err
		}
		row, err := proposalRowOf(p)
		if err != nil {
			return err
		}
		return one(tx.Model(&proposalRow{}).Where("id = ?", id).Select("decided_by", "decided_at", "state", "done").Updates(&row))
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}
