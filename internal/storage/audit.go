package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"consentd/internal/consent"
	"consentd/internal/service/ledger"
)

var _ ledger.Store = (*DB)(nil)

// entryRow is one line of the audit.
type entryRow struct {
	Chain           string `gorm:"primaryKey"`
	Seq             int    `gorm:"primaryKey"`
	At              instant
	Actor           string
	Who             string
	OnBehalf        string
	Certificate     string
	RequestID       string
	AuthorisationID ref
	FromStatus      string
	ToStatus        string
	Reason          string
	Operation       string
	MAC             []byte `gorm:"column:mac"`
}

// TableName implements gorm's Tabler.
func (entryRow) TableName() string { return "audit_entries" }

func entryRowOf(e consent.Entry) entryRow {
	return entryRow{
		Chain: e.Chain, Seq: e.Seq, At: instantOf(e.At), Actor: string(e.By), Who: e.Who, OnBehalf: e.For,
		Certificate: e.Certificate, RequestID: e.RequestID, AuthorisationID: ref(e.Authorisation), FromStatus: e.From, ToStatus: e.To, Reason: e.Reason,
		Operation: e.Operation, MAC: e.MAC,
	}
}

func (r *entryRow) domain() consent.Entry {
	return consent.Entry{
		Chain: r.Chain, Seq: r.Seq, At: r.At.Time,
		Cause: consent.Cause{
			By: consent.Actor(r.Actor), Who: r.Who, For: r.OnBehalf, Certificate: r.Certificate, RequestID: r.RequestID,
		},
		Authorisation: uuid.UUID(r.AuthorisationID), From: r.FromStatus, To: r.ToStatus, Reason: r.Reason,
		Operation: r.Operation, MAC: r.MAC,
	}
}

// link is what is added to a chain, and where the chain stands then.
type link struct {
	rows  []entryRow
	count int
	head  digest
}

// chain gives entries their places after those of a consent, and signs them.
func (d *DB) chain(row *consentRow, entries []consent.Entry) link {
	return d.extend(link{count: row.AuditCount, head: row.AuditHead}, entries)
}

// extend adds entries to a chain. A signature covers all that came before it, so
// that nothing can be changed, taken out or put in between unseen.
func (d *DB) extend(l link, entries []consent.Entry) link {
	for _, e := range entries {
		l.count++
		e.Seq, e.At = l.count, instantOf(e.At).Time
		e.MAC = e.Sign(d.keys, l.head.bytes())
		copy(l.head[:], e.Head(d.keys))
		l.rows = append(l.rows, entryRowOf(e))
	}
	return l
}

func (l *link) save(tx *gorm.DB) error {
	if len(l.rows) == 0 {
		return nil
	}
	if err := tx.Create(&l.rows).Error; err != nil {
		return fmt.Errorf("audit of %s: %w", l.rows[0].Chain, err)
	}
	return nil
}

// chainRow is where a chain stands that is no consent's: what a TPP was refused, or
// somebody of the bank's own has looked at, on a day, or what became of a TPP or a token.
type chainRow struct {
	Chain string `gorm:"primaryKey"`
	Count int
	Head  []byte
}

// TableName implements gorm's Tabler.
func (chainRow) TableName() string { return "audit_chains" }

// refusalsAtOnce is how many refusals and looks a process writes down at the same moment.
// Those of one caller queue for one row anyway; let in, they would do so with all
// connections of the pool in their hands.
const refusalsAtOnce = 2

// Refuse implements ledger.Store.
func (d *DB) Refuse(ctx context.Context, e consent.Entry, r *consent.Receipt) error {
	if err := d.write(ctx, e, r); err != nil {
		return fmt.Errorf("write down a refusal: %w", err)
	}
	return nil
}

// Look implements office.Store. Looks queue like refusals, and for the same reason.
func (d *DB) Look(ctx context.Context, e consent.Entry) error {
	if err := d.write(ctx, e, nil); err != nil {
		return fmt.Errorf("write down who has looked: %w", err)
	}
	return nil
}

// write adds an entry to a chain that is no consent's.
func (d *DB) write(ctx context.Context, e consent.Entry, r *consent.Receipt) error {
	select {
	case d.refusals <- struct{}{}:
		defer func() { <-d.refusals }()
	case <-ctx.Done():
		return consent.E(consent.CodeUnavailable, "too much is written down at once").Because(ctx.Err())
	}
	return d.transact(ctx, func(tx *gorm.DB) error {
		end, err := lockChain(tx, e.Chain)
		if err != nil {
			return err
		}
		if err := d.lengthen(tx, end, e); err != nil {
			return err
		}
		return saveReceipt(tx, r)
	})
}

// lockChain finds where a chain ends that is no consent's, or begins it, and
// keeps others from it until the transaction ends. A chain without entries is a
// fault: who adds none must not commit.
func lockChain(tx *gorm.DB, name string) (chainRow, error) {
	row := chainRow{Chain: name, Head: []byte{}}
	err := tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "chain"}},
		DoUpdates: clause.Assignments(map[string]any{"chain": name}), // changes nothing, locks the row
	}).Create(&row).Error
	if err != nil {
		return row, fmt.Errorf("lock the audit of %s: %w", name, err)
	}
	if err := tx.Where("chain = ?", name).Take(&row).Error; err != nil {
		return row, fmt.Errorf("end of the audit of %s: %w", name, err)
	}
	return row, nil
}

// lengthen adds an entry to a chain that lockChain has found.
func (d *DB) lengthen(tx *gorm.DB, end chainRow, e consent.Entry) error {
	e.Chain = end.Chain
	l := link{count: end.Count}
	copy(l.head[:], end.Head)
	l = d.extend(l, []consent.Entry{e})
	if err := l.save(tx); err != nil {
		return err
	}
	return one(tx.Model(&chainRow{}).Where("chain = ? AND count = ?", end.Chain, end.Count).
		Updates(map[string]any{"count": l.count, "head": l.head.bytes()}))
}

// History implements ledger.Store.
func (d *DB) History(ctx context.Context, chain string) ([]consent.Entry, error) {
	var rows []entryRow
	if err := d.gorm.WithContext(ctx).Where("chain = ?", chain).Order("seq").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("audit of %s: %w", chain, translate(err))
	}
	entries := make([]consent.Entry, len(rows))
	for i := range rows {
		entries[i] = rows[i].domain()
	}
	return entries, nil
}
