package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"consentd/internal/consent"
	"consentd/internal/service/ledger"
)

// chainBatch is how many chains are read at once.
const chainBatch = 200

// Chains implements ledger.Store: first those of consents, then those of what
// was refused, then what belongs to neither. Each batch is one state of the
// database, so that a consent that is being changed shows no fault.
func (d *DB) Chains(ctx context.Context, visit func(ledger.Chain) error) error {
	for _, read := range []func(*gorm.DB, string) ([]ledger.Chain, string, error){consentChains, refusedChains, lostChains} {
		after, more := "", true
		for more {
			var batch []ledger.Chain
			err := d.gorm.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
				var err error
				batch, after, err = read(tx, after)
				return err
			}, d.engine.snapshot())
			if err != nil {
				return fmt.Errorf("read the audit: %w", translate(err))
			}
			for _, c := range batch {
				if err := visit(c); err != nil {
					return err
				}
			}
			more = len(batch) == chainBatch
		}
	}
	return nil
}

func consentChains(tx *gorm.DB, after string) ([]ledger.Chain, string, error) {
	var rows []struct {
		ID         uuid.UUID
		Status     string
		AuditCount int
		AuditHead  digest
	}
	q := tx.Model(&consentRow{}).Select("id", "status", "audit_count", "audit_head").Order("id").Limit(chainBatch)
	if after != "" {
		q = q.Where("id > ?", after)
	}
	if err := q.Scan(&rows).Error; err != nil {
		return nil, "", err
	}
	chains := make([]ledger.Chain, len(rows))
	for i, r := range rows {
		after = r.ID.String()
		chains[i] = ledger.Chain{
			Name: after, Count: r.AuditCount, Head: r.AuditHead.bytes(), Consent: consent.Status(r.Status),
		}
	}
	return chains, after, fillChains(tx, chains)
}

func refusedChains(tx *gorm.DB, after string) ([]ledger.Chain, string, error) {
	var rows []chainRow
	if err := tx.Where("chain > ?", after).Order("chain").Limit(chainBatch).Find(&rows).Error; err != nil {
		return nil, "", err
	}
	chains := make([]ledger.Chain, len(rows))
	for i, r := range rows {
		after = r.Chain
		chains[i] = ledger.Chain{Name: r.Chain, Count: r.Count, Head: r.Head}
	}
	return chains, after, fillChains(tx, chains)
}

// fillChains reads the entries of chains.
func fillChains(tx *gorm.DB, chains []ledger.Chain) error {
	names := make([]string, len(chains))
	at := map[string]int{}
	for i, c := range chains {
		names[i], at[c.Name] = c.Name, i
	}
	var rows []entryRow
	if err := tx.Where("chain IN ?", names).Order("chain, seq").Find(&rows).Error; err != nil {
		return err
	}
	for i := range rows {
		c := &chains[at[rows[i].Chain]]
		c.Entries = append(c.Entries, rows[i].domain())
	}
	return nil
}

func lostChains(tx *gorm.DB, after string) ([]ledger.Chain, string, error) {
	var names []string
	err := tx.Model(&entryRow{}).Distinct("chain").Where("chain > ?", after).
		Where("NOT EXISTS (SELECT 1 FROM consents WHERE CAST(consents.id AS text) = audit_entries.chain)").
		Where("NOT EXISTS (SELECT 1 FROM audit_chains WHERE audit_chains.chain = audit_entries.chain)").
		Order("chain").Limit(chainBatch).Pluck("chain", &names).Error
	if err != nil {
		return nil, "", err
	}
	chains := make([]ledger.Chain, len(names))
	for i, name := range names {
		after = name
		chains[i] = ledger.Chain{Name: name, Lost: true}
	}
	return chains, after, nil
}
