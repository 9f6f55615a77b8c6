package storage

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"consentd/internal/consent"
	"consentd/internal/service/access"
)

// countRow is how often something was read on a day.
type countRow struct {
	Day       day       `gorm:"primaryKey"`
	ConsentID uuid.UUID `gorm:"primaryKey"`
	AccountID uuid.UUID `gorm:"primaryKey"`
	Operation string    `gorm:"primaryKey"`
	N         int
	Former    int
	Allowed   int
	Walked    int
	Lists     string
	At        instant
}

// TableName implements gorm's Tabler.
func (countRow) TableName() string { return "access_counts" }

// Spend implements access.Store.
func (d *DB) Spend(ctx context.Context, a access.Counted, judge func(c *consent.Consent, used []consent.Use, again bool) error) error {
	a.Day = forGood().Date
	k := keyOf(&a)
	return d.transact(ctx, func(tx *gorm.DB) error {
		s, err := load(locked(tx), a.Consent)
		if err != nil {
			return err
		}
		res := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&countRow{
			Day: day{k.day}, ConsentID: k.consent, AccountID: k.account, Operation: k.operation,
			N: 1, Former: 0, Allowed: 1, At: instantOf(a.At), Lists: a.List,
		})
		if res.Error != nil {
			return res.Error
		}
		used, err := usesOf(tx, a.Consent)
		if err != nil {
			return err
		}
		if err := judge(s.c, used, res.RowsAffected == 0); err != nil {
			return err
		}
		return d.save(tx, &s)
	})
}

// usesOf reads what a one-off consent was used for.
func usesOf(tx *gorm.DB, id uuid.UUID) ([]consent.Use, error) {
	var rows []countRow
	err := tx.Select("account_id", "operation").Where("day = ? AND consent_id = ?", forGood(), id).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("uses of consent %s: %w", id, err)
	}
	used := make([]consent.Use, len(rows))
	for i, r := range rows {
		used[i] = consent.Use{Account: r.AccountID, Operation: consent.Operation(r.Operation)}
	}
	return used, nil
}

// ahead is by how much the clock of another replica may be before ours.
const ahead = time.Minute

// follow goes on with an access. Two of one walk, before and after midnight, are
// both of it, each with pages of its own.
const follow = `UPDATE access_counts SET walked = walked + 1
 WHERE day IN ($1, $2) AND consent_id = $3 AND account_id = $4 AND operation = $5 AND at > $6 AND at <= $7 AND walked < $8
  AND lists LIKE '%' || $9 || '%'`

// Follow implements access.Store.
func (d *DB) Follow(ctx context.Context, a access.Counted, since time.Time, limit int) (bool, error) {
	k := keyOf(&a)
	before := k.day
	if a.Day != (consent.Date{}) {
		before = k.day.AddDays(-1)
	}
	var n int64
	err := persist(func() error {
		res, err := d.sql.ExecContext(ctx, follow, day{k.day}, day{before}, k.consent, k.account, k.operation,
			instantOf(since), instantOf(a.At.Add(ahead)), limit, a.List)
		if err == nil {
			n, err = res.RowsAffected()
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("go on with an access of consent %s: %w", a.Consent, translate(err))
	}
	return n > 0, nil
}

// useRow is when data was last shared by a consent.
type useRow struct {
	ConsentID    uuid.UUID `gorm:"primaryKey"`
	LastSharedAt instant
}

// TableName implements gorm's Tabler.
func (useRow) TableName() string { return "consent_uses" }

// notedAtOnce is how many consents one statement notes.
const notedAtOnce = 500

// NoteShared implements access.Store. The rows are locked in the order of their
// ids, at every replica. What was noted before a failure stays noted.
func (d *DB) NoteShared(ctx context.Context, at map[uuid.UUID]time.Time) error {
	ids := slices.SortedFunc(maps.Keys(at), func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	for some := range slices.Chunk(ids, notedAtOnce) {
		rows := make([]useRow, len(some))
		for i, id := range some {
			rows[i] = useRow{ConsentID: id, LastSharedAt: instantOf(at[id])}
		}
		err := persist(func() error {
			return d.gorm.WithContext(ctx).Clauses(clause.OnConflict{
				Columns:   []clause.Column{{Name: "consent_id"}},
				DoUpdates: clause.AssignmentColumns([]string{"last_shared_at"}),
				Where:     clause.Where{Exprs: []clause.Expression{clause.Expr{SQL: "consent_uses.last_shared_at < excluded.last_shared_at"}}},
			}).Create(&rows).Error
		})
		if err != nil {
			return fmt.Errorf("note when data was shared: %w", err)
		}
	}
	return nil
}

// LastShared implements consents.Archive.
func (d *DB) LastShared(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]time.Time, error) {
	at := make(map[uuid.UUID]time.Time, len(ids))
	for some := range slices.Chunk(ids, notedAtOnce) {
		var rows []useRow
		if err := d.gorm.WithContext(ctx).Where("consent_id IN ?", some).Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("when data was shared: %w", translate(err))
		}
		for _, r := range rows {
			at[r.ConsentID] = r.LastSharedAt.Time
		}
	}
	return at, nil
}

// oldCount is the condition that a count is of days before one, and not of those
// that count for good.
const oldCount = "day > ? AND day < ?"

// ForgetCounts implements access.Store. The rows are met by where they lie, once
// the index has found them, in the order of their days: PostgreSQL would read all
// there are otherwise. Replicas that meet the same rows wait for one another, and
// the second finds them gone.
func (d *DB) ForgetCounts(ctx context.Context, before consent.Date, limit int) (int, error) {
	oldest := d.engine.among("SELECT " + d.engine.place + " FROM access_counts WHERE " + oldCount +
		" ORDER BY day, consent_id, account_id, operation LIMIT ?")
	var n int64
	err := persist(func() error {
		res := d.gorm.WithContext(ctx).Exec("DELETE FROM access_counts WHERE "+d.engine.place+" "+oldest+" AND "+oldCount,
			forGood(), day{before}, limit, forGood(), day{before})
		n = res.RowsAffected
		return res.Error
	})
	if err != nil {
		return 0, fmt.Errorf("forget counts: %w", err)
	}
	return int(n), nil
}
