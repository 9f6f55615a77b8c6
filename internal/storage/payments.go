package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"consentd/internal/consent"
	"consentd/internal/service/payments"
	"consentd/internal/service/sca"
)

var _ payments.Store = (*DB)(nil)

// paymentRow is a payment as it is stored.
type paymentRow struct {
	ID            uuid.UUID `gorm:"primaryKey"`
	ConsentID     uuid.UUID
	Key           string
	File          bool
	Minor         int64
	Currency      string
	Status        string
	CreatedAt     instant
	ChangedAt     instant
	TransactionID string
	Rejections    document
	Purpose       string
	Reference     string
	Parties       string
	Request       []byte
	Origin        []byte
}

// TableName implements gorm's Tabler.
func (paymentRow) TableName() string { return "payments" }

// paymentChanges are the columns that change after a payment was made.
var paymentChanges = [...]string{"status", "changed_at", "transaction_id", "rejections", "origin"}

func paymentRowOf(p *consent.Payment) (paymentRow, error) {
	rejections, err := documentOf(p.Rejections)
	return paymentRow{
		ID: p.ID, ConsentID: p.Consent, Key: p.Key, File: p.File, Minor: p.Amount.Minor, Currency: p.Amount.Currency,
		Status: string(p.Status), CreatedAt: instantOf(p.CreatedAt), ChangedAt: instantOf(p.ChangedAt), TransactionID: p.TransactionID,
		Rejections: rejections, Purpose: p.Purpose, Reference: p.Reference, Parties: p.Parties,
		Request: orEmpty(p.Request), Origin: orEmpty(p.Origin),
	}, err
}

func (r *paymentRow) domain() (consent.Payment, error) {
	p := consent.Payment{
		ID: r.ID, Consent: r.ConsentID, Key: r.Key, File: r.File, Amount: consent.Money{Minor: r.Minor, Currency: r.Currency},
		Status: consent.PaymentStatus(r.Status), CreatedAt: r.CreatedAt.Time, ChangedAt: r.ChangedAt.Time, TransactionID: r.TransactionID,
		Purpose: r.Purpose, Reference: r.Reference, Parties: r.Parties, Request: r.Request, Origin: r.Origin,
	}
	return p, r.Rejections.into(&p.Rejections)
}

// inBrief has the payments that are read lack what is long, and what nobody adds up.
func inBrief(tx *gorm.DB) *gorm.DB {
	return tx.Select("id", "consent_id", "key", "file", "minor", "currency", "status", "created_at", "changed_at", "transaction_id", "rejections")
}

// paymentsOf reads the payments that were made by a consent, the oldest first.
func paymentsOf(tx *gorm.DB, id uuid.UUID) ([]consent.Payment, error) {
	of, err := paymentsOfEach(tx, []uuid.UUID{id})
	return of[id], err
}

func paymentsOfEach(tx *gorm.DB, ids []uuid.UUID) (map[uuid.UUID][]consent.Payment, error) {
	of := make(map[uuid.UUID][]consent.Payment, len(ids))
	var rows []paymentRow
	if err := tx.Where("consent_id IN ?", ids).Order("created_at, id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("payments: %w", err)
	}
	for i := range rows {
		p, err := rows[i].domain()
		if err != nil {
			return nil, err
		}
		of[p.Consent] = append(of[p.Consent], p)
	}
	return of, nil
}

// Payments implements payments.Store.
func (d *DB) Payments(ctx context.Context, consents []uuid.UUID) (map[uuid.UUID][]consent.Payment, error) {
	return d.payments(ctx, consents, func(tx *gorm.DB) *gorm.DB { return tx })
}

// PaymentsInBrief implements staging.Uses.
func (d *DB) PaymentsInBrief(ctx context.Context, consents []uuid.UUID) (map[uuid.UUID][]consent.Payment, error) {
	return d.payments(ctx, consents, inBrief)
}

func (d *DB) payments(ctx context.Context, consents []uuid.UUID, of func(*gorm.DB) *gorm.DB) (map[uuid.UUID][]consent.Payment, error) {
	all := make(map[uuid.UUID][]consent.Payment, len(consents))
	err := d.gorm.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		for some := range slices.Chunk(consents, idsAtOnce) {
			some, err := paymentsOfEach(of(tx), some)
			if err != nil {
				return err
			}
			maps.Copy(all, some)
		}
		return nil
	}, d.engine.snapshot())
	if err != nil {
		return nil, translate(err)
	}
	return all, nil
}

// idsAtOnce is how many ids one statement takes.
const idsAtOnce = 500

// Pay implements payments.Store.
func (d *DB) Pay(ctx context.Context, id uuid.UUID, judge func(c *consent.Consent, log []consent.Payment) (*consent.Payment, error)) error {
	return d.transact(ctx, func(tx *gorm.DB) error {
		var peek consentRow // whose it is never changes
		if err := tx.Select("tpp").Where("id = ?", id).Take(&peek).Error; err != nil {
			return err
		}
		blocked, err := shut(tx, peek.TPP, d.now())
		if err != nil {
			return err
		}
		s, log, err := lockPaying(tx, id)
		if err != nil {
			return err
		}
		p, err := judge(s.c, log)
		switch {
		case err != nil || p == nil:
			return err
		case blocked:
			return sca.ErrShut()
		}
		if err := addPayment(tx, p); err != nil {
			return err
		}
		return d.save(tx, &s)
	})
}

// lockPaying locks a consent and reads the payments that were made by it: all who make
// one, or follow one, lock the consent first.
func lockPaying(tx *gorm.DB, id uuid.UUID) (stored, []consent.Payment, error) {
	s, err := load(locked(tx), id)
	if err != nil {
		return stored{}, nil, err
	}
	log, err := paymentsOf(tx, id)
	return s, log, err
}

func addPayment(tx *gorm.DB, p *consent.Payment) error {
	row, err := paymentRowOf(p)
	if err != nil {
		return err
	}
	res := tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "consent_id"}, {Name: "key"}}, DoNothing: true}).Create(&row)
	switch {
	case res.Error != nil:
		return fmt.Errorf("keep payment %s: %w", p.ID, res.Error)
	case res.RowsAffected == 0:
		return consent.E(consent.CodeRepeated, "a payment of this key was made by the consent")
	}
	return nil
}

// FollowPayment implements payments.Store.
func (d *DB) FollowPayment(
	ctx context.Context, id uuid.UUID, change func(c *consent.Consent, p *consent.Payment, log []consent.Payment) error,
) error {
	err := d.transact(ctx, func(tx *gorm.DB) error {
		var row paymentRow // by which consent it was made never changes
		if err := tx.Select("consent_id").Where("id = ?", id).Take(&row).Error; err != nil {
			if errors.Is(err, gorm.ErrRecordNotFound) {
				return consent.E(consent.CodeResourceUnknown, "no such payment")
			}
			return fmt.Errorf("payment %s: %w", id, err)
		}
		s, log, err := lockPaying(tx, row.ConsentID)
		if err != nil {
			return err
		}
		p := log[slices.IndexFunc(log, func(p consent.Payment) bool { return p.ID == id })]
		before, err := paymentRowOf(&p)
		if err != nil {
			return err
		}
		if err := change(s.c, &p, log); err != nil {
			return err
		}
		if err := savePayment(tx, before, &p); err != nil {
			return err
		}
		return d.save(tx, &s)
	})
	return err
}

// savePayment writes what changed of a payment, or nothing.
func savePayment(tx *gorm.DB, before paymentRow, p *consent.Payment) error {
	row, err := paymentRowOf(p)
	if err != nil {
		return err
	}
	if row.Status == before.Status && row.ChangedAt == before.ChangedAt && row.TransactionID == before.TransactionID &&
		row.Rejections == before.Rejections && bytes.Equal(row.Origin, before.Origin) {
		return nil
	}
	err = one(tx.Model(&paymentRow{}).Where("id = ?", before.ID).Select(paymentChanges[0], tail(paymentChanges[1:])...).Updates(&row))
	if err != nil {
		return fmt.Errorf("save payment %s: %w", before.ID, err)
	}
	return nil
}
