package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"consentd/internal/consent"
	"consentd/internal/service/ledger"
	"consentd/internal/service/register"
	"consentd/internal/service/sca"
)

var _ register.Store = (*DB)(nil)

// tppRow is a TPP as it is stored.
type tppRow struct {
	ID                string `gorm:"primaryKey"`
	Name              string
	Organisation      string
	NCAID             string `gorm:"column:nca_id"`
	NCAName           string `gorm:"column:nca_name"`
	Roles             string
	Certificate       string
	FirstSeenAt       instant
	CertificateSeenAt instant
	BlockedAt         instant
	BlockedUntil      instant
	BlockedBy         string
	BlockReason       string
	EndsConsents      bool
	EndRequestID      string
	Search            string
	RedirectURIs      string `gorm:"column:redirect_uris"` // one a line
	Seals             string // base64, one a line
}

// TableName implements gorm's Tabler.
func (tppRow) TableName() string { return "tpps" }

func tppRowOf(t *register.TPP) tppRow {
	row := tppRow{
		ID: t.ID, Name: t.Name, Organisation: t.Organisation, NCAID: t.NCAID, NCAName: t.NCAName,
		Roles: strings.Join(t.Roles, " "), Certificate: t.Certificate,
		FirstSeenAt: instantOf(t.FirstSeen), CertificateSeenAt: instantOf(t.CertificateSeen),
		Search: strings.ToLower(t.ID + "\n" + t.Name), RedirectURIs: strings.Join(t.RedirectURIs, "\n"), Seals: sealLines(t.Seals),
	}
	if b := t.Block; b != nil {
		row.BlockedAt, row.BlockedUntil, row.BlockedBy = instantOf(b.At), instantOf(b.Until), b.By
		row.BlockReason, row.EndsConsents, row.EndRequestID = b.Reason, b.EndsConsents, b.RequestID
	}
	return row
}

func (r *tppRow) domain() *register.TPP {
	t := &register.TPP{
		ID: r.ID, Name: r.Name, Organisation: r.Organisation, NCAID: r.NCAID, NCAName: r.NCAName,
		Roles: strings.Fields(r.Roles), Certificate: r.Certificate,
		FirstSeen: r.FirstSeenAt.Time, CertificateSeen: r.CertificateSeenAt.Time, Block: r.block(), Seals: sealsIn(r.Seals),
	}
	if r.RedirectURIs != "" {
		t.RedirectURIs = strings.Split(r.RedirectURIs, "\n")
	}
	return t
}

func (r *tppRow) block() *register.Block {
	if r.BlockedAt.IsZero() {
		return nil
	}
	return &register.Block{
		At: r.BlockedAt.Time, Until: r.BlockedUntil.Time, By: r.BlockedBy, Reason: r.BlockReason,
		EndsConsents: r.EndsConsents, RequestID: r.EndRequestID,
	}
}

// standingRow is what admitting a TPP needs of its row.
type standingRow struct {
	Certificate                          string
	FirstSeenAt, BlockedAt, BlockedUntil instant
}

const selectStandings = `SELECT id, certificate, first_seen_at, blocked_at, blocked_until FROM tpps WHERE id `

// Standing implements register.Store.
func (d *DB) Standing(ctx context.Context, id string) (*register.TPP, error) {
	found, err := d.standings.get(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("standing of a TPP: %w", err)
	}
	row := &found.row
	t := &register.TPP{ID: id, Certificate: row.Certificate, FirstSeen: row.FirstSeenAt.Time}
	if !row.BlockedAt.IsZero() {
		t.Block = &register.Block{At: row.BlockedAt.Time, Until: row.BlockedUntil.Time}
	}
	return t, nil
}

func (d *DB) fetchStandings(ctx context.Context, ids []string) (map[string]standingRow, error) {
	statement := selectStandings + d.engine.listed
	return fetchRows(ctx, d.sql, statement, d.engine.words(ids), func(rows *sql.Rows) (id string, r standingRow, err error) {
		err = rows.Scan(&id, &r.Certificate, &r.FirstSeenAt, &r.BlockedAt, &r.BlockedUntil)
		return id, r, err
	})
}

// Blocked implements sca.Store.
func (d *DB) Blocked(ctx context.Context, tpp string, now time.Time) (bool, error) {
	t, err := d.Standing(ctx, tpp)
	if err != nil {
		return false, err
	}
	return t.Blocked(now), nil
}

// letIn fails when a TPP is blocked at now, and shares the lock of its row, so
// that nobody can block it before the transaction ends. One without a row is not
// blocked; it has never called since there is a register.
func letIn(tx *gorm.DB, tpp string, now time.Time) error {
	blocked, err := shut(tx, tpp, now)
	if err == nil && blocked {
		err = sca.ErrShut()
	}
	return err
}

// shut tells whether a TPP is blocked at now, and shares the lock of its row likewise.
func shut(tx *gorm.DB, tpp string, now time.Time) (bool, error) {
	var rows []tppRow
	err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthShare}).
		Select("blocked_at", "blocked_until").Where("id = ?", tpp).Find(&rows).Error
	if err != nil {
		return false, fmt.Errorf("standing of a TPP: %w", err)
	}
	return len(rows) > 0 && rows[0].domain().Blocked(now), nil
}

// TPP implements register.Store.
func (d *DB) TPP(ctx context.Context, id string) (*register.TPP, error) {
	var row tppRow
	if err := d.gorm.WithContext(ctx).Where("id = ?", id).Take(&row).Error; err != nil {
		return nil, translate(err)
	}
	return row.domain(), nil
}

// blockedNow is the condition that a TPP is blocked at a time.
const blockedNow = "blocked_at IS NOT NULL AND (blocked_until IS NULL OR blocked_until > ?)"

// TPPs implements register.Store.
func (d *DB) TPPs(ctx context.Context, f register.Filter, now time.Time) ([]register.TPP, error) {
	q := d.gorm.WithContext(ctx).Where("id > ?", f.After)
	if f.Blocked != nil {
		condition := map[bool]string{true: blockedNow, false: "NOT (" + blockedNow + ")"}[*f.Blocked]
		q = q.Where(condition, instantOf(now))
	}
	if f.Text != "" {
		q = q.Where(`search LIKE ? ESCAPE '\'`, "%"+escapeLike(strings.ToLower(f.Text))+"%")
	}
	var rows []tppRow
	if err := q.Order("id").Limit(f.Limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list TPPs: %w", translate(err))
	}
	list := make([]register.TPP, len(rows))
	for i := range rows {
		list[i] = *rows[i].domain()
	}
	return list, nil
}

// escapeLike makes a pattern that matches a text and nothing else.
func escapeLike(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
}

// errNothing ends a transaction that has nothing to write.
var errNothing = errors.New("nothing to write")

// ChangeTPP implements register.Store. The chain is locked before the row, since
// a TPP that is new has no row to lock.
func (d *DB) ChangeTPP(ctx context.Context, id string, change func(*register.TPP) (*consent.Entry, error)) (*register.TPP, error) {
	// Bounded like refusals: the calls of a new TPP come all at once.
	select {
	case d.entrances <- struct{}{}:
		defer func() { <-d.entrances }()
	case <-ctx.Done():
		return nil, consent.E(consent.CodeUnavailable, "too many changes of TPPs at once").Because(ctx.Err())
	}
	var t *register.TPP
	err := d.transact(ctx, func(tx *gorm.DB) error {
		end, err := lockChain(tx, register.Chain(id))
		if err != nil {
			return err
		}
		var before string
		if t, before, err = d.tppOrNew(tx, id); err != nil {
			return err
		}
		entry, err := change(t)
		if err != nil {
			return err
		}
		if entry == nil {
			return errNothing
		}
		row := tppRowOf(t)
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error; err != nil {
			return fmt.Errorf("save TPP: %w", err)
		}
		entry.Operation = ledger.Step(before, row.printed(d.keys))
		return d.lengthen(tx, end, *entry)
	})
	if err != nil && !errors.Is(err, errNothing) {
		return nil, err
	}
	return t, nil
}

// tppOrNew reads a TPP, with a print of its row, which is empty when there is none.
func (d *DB) tppOrNew(tx *gorm.DB, id string) (t *register.TPP, before string, err error) {
	var rows []tppRow
	if err := tx.Where("id = ?", id).Find(&rows).Error; err != nil {
		return nil, "", fmt.Errorf("read TPP: %w", err)
	}
	if len(rows) == 0 {
		return &register.TPP{ID: id}, "", nil
	}
	return rows[0].domain(), rows[0].printed(d.keys), nil
}

// Enders implements register.Store.
func (d *DB) Enders(ctx context.Context) ([]string, error) {
	var ids []string
	err := d.gorm.WithContext(ctx).Model(&tppRow{}).Where("ends_consents").Order("id").Pluck("id", &ids).Error
	if err != nil {
		return nil, fmt.Errorf("list blocked TPPs: %w", translate(err))
	}
	return ids, nil
}

// selectDoomed lacks its last conditions. What stands for tpp = ? keeps
// PostgreSQL from reading all consents there are in the order of their ids, in
// the hope of soon meeting some of this TPP.
const selectDoomed = "(tpp, id) > (?, ?) AND tpp <= ? AND due_at IS NOT NULL"

// Doomed implements register.Store.
func (d *DB) Doomed(ctx context.Context, tpp string, after uuid.UUID, limit int) ([]uuid.UUID, error) {
	var blocked []tppRow
	if err := d.gorm.WithContext(ctx).Where("id = ? AND ends_consents", tpp).Find(&blocked).Error; err != nil {
		return nil, fmt.Errorf("block of a TPP: %w", translate(err))
	}
	if len(blocked) == 0 {
		return nil, nil
	}
	q := d.gorm.WithContext(ctx).Model(&consentRow{}).Where(selectDoomed, tpp, after, tpp)
	if until := blocked[0].BlockedUntil; !until.IsZero() {
		q = q.Where("created_at < ?", until)
	}
	var ids []uuid.UUID
	if err := q.Order("tpp, id").Limit(limit).Pluck("id", &ids).Error; err != nil {
		return nil, fmt.Errorf("consents of a blocked TPP: %w", translate(err))
	}
	return ids, nil
}

// Doom implements register.Store. The TPP is locked before the consent, and what goes
// with that ends with it.
func (d *DB) Doom(ctx context.Context, doomed register.Doomed, wait bool, end func(*consent.Consent, *register.Block) error) error {
	options, free := clause.LockingOptionsSkipLocked, skipLocked()
	if wait {
		options, free = "", waits()
	}
	err := d.transact(ctx, func(tx *gorm.DB) error {
		var row tppRow
		err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthShare, Options: options}).
			Where("id = ? AND ends_consents", doomed.TPP).Take(&row).Error
		if err != nil {
			return err
		}
		all, err := lockWithKin(tx, doomed.Consent, free)
		if err != nil {
			return err
		}
		s, block := all[0], row.block()
		if s.c.TPP != doomed.TPP || s.c.Status.Final() || !block.Ends(s.c.CreatedAt) {
			return nil
		}
		if err := end(s.c, block); err != nil {
			return err
		}
		return d.saveWithKin(tx, all)
	})
	if consent.CodeOf(err) == consent.CodeNotFound || errors.Is(err, errStale) && !wait {
		return nil // lifted meanwhile, or somebody is changing one of them
	}
	return err
}
