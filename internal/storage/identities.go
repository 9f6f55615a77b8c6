package storage

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/sca"
)

var _ sca.Identities = (*DB)(nil)

// identityRow is a PSU or a customer: an opaque id and the bank's.
type identityRow struct {
	ID        uuid.UUID `gorm:"primaryKey"`
	BankID    string
	CreatedAt instant
}

// accountRow is an account of a customer.
type accountRow struct {
	ID         uuid.UUID `gorm:"primaryKey"`
	CustomerID uuid.UUID
	BankID     string
	Reference  document
	CreatedAt  instant
}

// TableName implements gorm's Tabler.
func (accountRow) TableName() string { return "accounts" }

// PSU implements sca.Identities.
func (d *DB) PSU(ctx context.Context, bankID string) (uuid.UUID, error) {
	return d.identity(ctx, "psus", bankID)
}

// Customer implements sca.Identities.
func (d *DB) Customer(ctx context.Context, bankID string) (uuid.UUID, error) {
	return d.identity(ctx, "customers", bankID)
}

// identity finds the id, as a rule by one statement, and makes one where there is none.
func (d *DB) identity(ctx context.Context, table, bankID string) (uuid.UUID, error) {
	var known []uuid.UUID
	err := d.gorm.WithContext(ctx).Table(table).Where("bank_id = ?", bankID).Pluck("id", &known).Error
	if err != nil {
		return uuid.Nil, fmt.Errorf("identity in %s: %w", table, translate(err))
	}
	if len(known) == 1 {
		return known[0], nil
	}
	row := identityRow{ID: uuid.New(), BankID: bankID, CreatedAt: instantOf(d.now())}
	err = d.transact(ctx, func(tx *gorm.DB) error {
		return ensure(tx.Table(table), &row, tx.Table(table).Where("bank_id = ?", bankID))
	})
	if err != nil {
		return uuid.Nil, fmt.Errorf("identity in %s: %w", table, err)
	}
	return row.ID, nil
}

// Accounts implements sca.Identities. An account's reference is brought up to
// date, since a bank may give it another one. As a rule all are known, and nothing
// is written.
func (d *DB) Accounts(ctx context.Context, customer uuid.UUID, accounts []service.Account) ([]uuid.UUID, error) {
	known, err := accountsOf(d.gorm.WithContext(ctx), customer, accounts)
	if err != nil {
		return nil, fmt.Errorf("account ids: %w", translate(err))
	}
	fresh := slices.DeleteFunc(slices.Clone(accounts), func(a service.Account) bool {
		k, ok := known[a.ID]
		return ok && k.Reference == a.Reference
	})
	// In one order, whatever the bank's is, so that no two calls wait for each other.
	slices.SortFunc(fresh, func(a, b service.Account) int { return strings.Compare(a.ID, b.ID) })
	if len(fresh) > 0 {
		err = d.transact(ctx, func(tx *gorm.DB) error {
			for _, a := range fresh {
				id, err := d.saveAccount(tx, customer, a)
				if err != nil {
					return err
				}
				known[a.ID] = namedAccount{ID: id, Reference: a.Reference}
			}
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("account ids: %w", err)
	}
	ids := make([]uuid.UUID, len(accounts))
	for i, a := range accounts {
		ids[i] = known[a.ID].ID
	}
	return ids, nil
}

// namedAccount is an account's id, and what it is called.
type namedAccount struct {
	ID        uuid.UUID
	Reference consent.Reference
}

// accountsOf finds those of a customer's accounts that are known, by the bank's ids.
func accountsOf(db *gorm.DB, customer uuid.UUID, accounts []service.Account) (map[string]namedAccount, error) {
	ids := make([]string, len(accounts))
	for i, a := range accounts {
		ids[i] = a.ID
	}
	var rows []accountRow
	if err := db.Where("customer_id = ? AND bank_id IN ?", customer, ids).Find(&rows).Error; err != nil {
		return nil, err
	}
	known := make(map[string]namedAccount, len(rows))
	for _, r := range rows {
		a := namedAccount{ID: r.ID}
		if err := r.Reference.into(&a.Reference); err != nil {
			return nil, err
		}
		known[r.BankID] = a
	}
	return known, nil
}

// saveAccount writes an account that is new, or its reference where that has changed.
func (d *DB) saveAccount(tx *gorm.DB, customer uuid.UUID, a service.Account) (uuid.UUID, error) {
	reference, err := documentOf(a.Reference)
	if err != nil {
		return uuid.Nil, err
	}
	row := accountRow{ID: uuid.New(), CustomerID: customer, BankID: a.ID, Reference: reference, CreatedAt: instantOf(d.now())}
	if err := ensure(tx, &row, tx.Where("customer_id = ? AND bank_id = ?", customer, a.ID)); err != nil {
		return uuid.Nil, err
	}
	var known consent.Reference
	if err := row.Reference.into(&known); err != nil || known == a.Reference {
		return row.ID, err
	}
	return row.ID, tx.Model(&accountRow{}).Where("id = ?", row.ID).Update("reference", reference).Error
}

// ensure inserts row unless it is there, and reads what is there by find.
func ensure[R any](tx *gorm.DB, row *R, find *gorm.DB) error {
	res := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(row)
	if res.Error != nil || res.RowsAffected == 1 {
		return res.Error
	}
	var existing R
	if err := find.Take(&existing).Error; err != nil {
		return err
	}
	*row = existing
	return nil
}

// FlowStore is the memory of one flow, per PSU and sealed.
func (d *DB) FlowStore(name string) FlowStore { return FlowStore{db: d, flow: name} }

// FlowStore implements the Store of the flow contract.
type FlowStore struct {
	db   *DB
	flow string
}

type flowRow struct {
	Flow  string `gorm:"primaryKey"`
	PSU   string `gorm:"column:psu;primaryKey"`
	Key   string `gorm:"primaryKey"`
	Value []byte
}

// TableName implements gorm's Tabler.
func (flowRow) TableName() string { return "flow_store" }

func (s FlowStore) purpose(psu, key string) string {
	return fmt.Sprintf("flow %q %q %q", s.flow, psu, key)
}

// whose names a PSU in this table alone, so that the bank's id does not stand
// in it.
func (s FlowStore) whose(psu string) string {
	return base64.RawURLEncoding.EncodeToString(s.db.keys.MAC("psu of a flow store", []byte(s.flow), []byte(psu)))
}

// Get implements the flow contract.
func (s FlowStore) Get(ctx context.Context, psu, key string) ([]byte, error) {
	var rows []flowRow
	err := s.db.gorm.WithContext(ctx).Where("flow = ? AND psu = ? AND key = ?", s.flow, s.whose(psu), key).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	value, err := s.db.keys.Open(s.purpose(psu, key), rows[0].Value)
	if err != nil {
		return nil, fmt.Errorf("memory of flow %s: %w", s.flow, err)
	}
	return value, nil
}

// Put implements the flow contract.
func (s FlowStore) Put(ctx context.Context, psu, key string, value []byte) error {
	row := flowRow{Flow: s.flow, PSU: s.whose(psu), Key: key, Value: s.db.keys.Seal(s.purpose(psu, key), value)}
	err := s.db.gorm.WithContext(ctx).Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error
	if err != nil {
		return fmt.Errorf("memory of flow %s: %w", s.flow, err)
	}
	return nil
}

// Swap implements the flow contract. The row is locked while what is in it is
// looked at; two who would both be first are told apart by its key.
func (s FlowStore) Swap(ctx context.Context, psu, key string, old, value []byte) (bool, error) {
	row := flowRow{Flow: s.flow, PSU: s.whose(psu), Key: key, Value: s.db.keys.Seal(s.purpose(psu, key), value)}
	swapped := false
	err := s.db.transact(ctx, func(tx *gorm.DB) error {
		swapped = false
		if old == nil {
			res := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row)
			swapped = res.RowsAffected == 1
			return res.Error
		}
		var rows []flowRow
		err := locked(tx).Where("flow = ? AND psu = ? AND key = ?", row.Flow, row.PSU, key).Find(&rows).Error
		if err != nil || len(rows) == 0 {
			return err
		}
		there, err := s.db.keys.Open(s.purpose(psu, key), rows[0].Value)
		if err != nil || !bytes.Equal(there, old) {
			return err
		}
		swapped = true
		return one(tx.Model(&flowRow{}).Where("flow = ? AND psu = ? AND key = ?", row.Flow, row.PSU, key).Update("value", row.Value))
	})
	if err != nil {
		return false, fmt.Errorf("memory of flow %s: %w", s.flow, err)
	}
	return swapped, nil
}
