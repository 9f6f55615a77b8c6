package storage

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"consentd/internal/consent"
	"consentd/internal/service/ledger"
	"consentd/internal/service/register"
	"consentd/internal/service/tokens"
)

// chainBatch is how many chains are read at once, and pieceSize how many entries
// of one are handed over at once: a TPP may be refused a lot in a day.
const (
	chainBatch = 200
	pieceSize  = 1000
)

// Chains implements ledger.Store: first those of consents, then those of what
// was refused and looked at, of TPPs and of tokens, then what belongs to none, then TPPs and
// tokens that have none, each sort in the order of the names.
// Each batch is one state of the database, so that what is being changed shows no
// fault.
func (d *DB) Chains(ctx context.Context, visit func(ledger.Chain) error) error {
	for _, read := range []func(*gorm.DB, string) ([]ledger.Chain, error){
		consentChains, d.otherChains, lostChains,
		bare(tppRow{}.TableName(), register.Chain("")), bare(tokenRow{}.TableName(), tokens.ChainPrefix),
	} {
		after, more := "", true
		for more {
			err := d.gorm.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
				chains, err := read(tx, after)
				if err != nil {
					return err
				}
				if more = len(chains) == chainBatch; more {
					after = chains[chainBatch-1].Name
				}
				return handOver(tx, chains, visit)
			}, d.engine.snapshot())
			if err != nil {
				return fmt.Errorf("read the audit: %w", translate(err))
			}
		}
	}
	return nil
}

func consentChains(tx *gorm.DB, after string) ([]ledger.Chain, error) {
	var rows []struct {
		ID         uuid.UUID
		Status     string
		AuditCount int
		AuditHead  []byte // as it is: one of another length is a fault to report
	}
	q := tx.Model(&consentRow{}).Select("id", "status", "audit_count", "audit_head").Order("id").Limit(chainBatch)
	if after != "" {
		q = q.Where("id > ?", after)
	}
	if err := q.Scan(&rows).Error; err != nil {
		return nil, err
	}
	chains := make([]ledger.Chain, len(rows))
	for i, r := range rows {
		chains[i] = ledger.Chain{
			Name: r.ID.String(), Count: r.AuditCount, Head: r.AuditHead, Consent: consent.Status(r.Status),
		}
	}
	return chains, nil
}

func (d *DB) otherChains(tx *gorm.DB, after string) ([]ledger.Chain, error) {
	var rows []chainRow
	if err := tx.Where("chain > ?", after).Order("chain").Limit(chainBatch).Find(&rows).Error; err != nil {
		return nil, err
	}
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = r.Chain
	}
	told, err := d.rowsOf(tx, names)
	if err != nil {
		return nil, err
	}
	chains := make([]ledger.Chain, len(rows))
	for i, r := range rows {
		chains[i] = ledger.Chain{Name: r.Chain, Count: r.Count, Head: r.Head, Row: told[r.Chain]}
	}
	return chains, nil
}

// handOver hands chains to visit with their entries, which are read as they are
// needed: both come in the order of the names.
func handOver(tx *gorm.DB, chains []ledger.Chain, visit func(ledger.Chain) error) error {
	names := make([]string, len(chains))
	for i, c := range chains {
		names[i] = c.Name
	}
	var piece []consent.Entry // of the first chain
	next := func(more bool) error {
		c := chains[0]
		c.Entries, c.More = piece, more
		piece = nil
		if !more {
			chains = chains[1:]
		}
		return visit(c)
	}
	for e, err := range entriesOf(tx, names) {
		if err != nil {
			return err
		}
		for len(chains) > 0 && chains[0].Name != e.Chain {
			if err := next(false); err != nil {
				return err
			}
		}
		if len(chains) == 0 {
			return errOrder
		}
		if len(piece) == pieceSize {
			if err := next(true); err != nil {
				return err
			}
		}
		piece = append(piece, e)
	}
	for len(chains) > 0 {
		if err := next(false); err != nil {
			return err
		}
	}
	return nil
}

// errOrder says that the database compares names otherwise than by their bytes.
var errOrder = errors.New("the chains and their entries are in different orders")

// entriesOf reads the entries of chains one after another.
func entriesOf(tx *gorm.DB, chains []string) iter.Seq2[consent.Entry, error] {
	return func(yield func(consent.Entry, error) bool) {
		rows, err := tx.Model(&entryRow{}).Where("chain IN ?", chains).Order("chain, seq").Rows()
		if err != nil {
			yield(consent.Entry{}, err)
			return
		}
		defer func() { _ = rows.Close() }() // rows.Err tells what went wrong
		for rows.Next() {
			var r entryRow
			if err := tx.ScanRows(rows, &r); !yield(r.domain(), err) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(consent.Entry{}, err)
		}
	}
}

// lostChains finds entries that belong to nothing.
func lostChains(tx *gorm.DB, after string) ([]ledger.Chain, error) {
	var names []string
	err := tx.Model(&entryRow{}).Distinct("chain").Where("chain > ?", after).
		Where("NOT EXISTS (SELECT 1 FROM consents WHERE CAST(consents.id AS text) = audit_entries.chain)").
		Where("NOT EXISTS (SELECT 1 FROM audit_chains WHERE audit_chains.chain = audit_entries.chain)").
		Order("chain").Limit(chainBatch).Pluck("chain", &names).Error
	if err != nil {
		return nil, err
	}
	chains := make([]ledger.Chain, len(names))
	for i, name := range names {
		chains[i] = ledger.Chain{Name: name, Lost: true}
	}
	return chains, nil
}
