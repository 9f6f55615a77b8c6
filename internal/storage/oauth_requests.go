package storage

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"consentd/internal/consent"
	"consentd/internal/service/connections"
)

var _ connections.Store = (*DB)(nil)

// requestRow is an authorization request under way.
type requestRow struct {
	ID        string `gorm:"primaryKey"`
	Callback  digest
	Code      digest
	Sealed    []byte
	ExpiresAt instant
}

// TableName implements gorm's Tabler.
func (requestRow) TableName() string { return "oauth_requests" }

// SaveRequest implements connections.Store.
func (d *DB) SaveRequest(ctx context.Context, r connections.Request) error {
	row := requestRow{
		ID: r.ID, Callback: digest(r.Callback), Code: digest(r.Code), Sealed: sealed(r.Sealed), ExpiresAt: instantOf(r.Expires),
	}
	if err := d.gorm.WithContext(ctx).Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error; err != nil {
		return fmt.Errorf("save an authorization request: %w", translate(err))
	}
	return nil
}

// sealed is what stands for nothing, since its columns hold something always.
func sealed(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// RequestByCallback implements connections.Store.
func (d *DB) RequestByCallback(ctx context.Context, callback consent.Digest) (*connections.Request, error) {
	return d.request(ctx, "callback = ?", callback)
}

// RequestByCode implements connections.Store.
func (d *DB) RequestByCode(ctx context.Context, code consent.Digest) (*connections.Request, error) {
	return d.request(ctx, "code = ?", code)
}

func (d *DB) request(ctx context.Context, where string, by consent.Digest) (*connections.Request, error) {
	var row requestRow
	if err := d.gorm.WithContext(ctx).Where(where, digest(by)).Take(&row).Error; err != nil {
		return nil, fmt.Errorf("authorization request: %w", translate(err))
	}
	return &connections.Request{
		ID: row.ID, Callback: consent.Digest(row.Callback), Code: consent.Digest(row.Code), Sealed: row.Sealed, Expires: row.ExpiresAt.Time,
	}, nil
}

// TakeRequest implements connections.Store.
func (d *DB) TakeRequest(ctx context.Context, id string) error {
	res := d.gorm.WithContext(ctx).Where("id = ?", id).Delete(&requestRow{})
	if res.Error == nil && res.RowsAffected == 0 {
		res.Error = gorm.ErrRecordNotFound
	}
	if res.Error != nil {
		return fmt.Errorf("take an authorization request: %w", translate(res.Error))
	}
	return nil
}

// ForgetOAuth implements connections.Store. Replicas that do so at once pass over each
// other's rows instead of waiting for them.
func (d *DB) ForgetOAuth(ctx context.Context, now time.Time, limit int) (int, error) {
	n := 0
	for _, old := range []struct {
		row   any
		until string
	}{{&requestRow{}, "expires_at"}, {&pairRow{}, "forget_at"}} {
		if n == limit {
			break
		}
		some := d.gorm.Model(old.row).Clauses(skipLocked()).Select("id").Where(old.until+" <= ?", instantOf(now)).Order(old.until).Limit(limit - n)
		res := d.gorm.WithContext(ctx).Where("id IN (?)", some).Delete(old.row)
		if res.Error != nil {
			return n, fmt.Errorf("forget requests and tokens: %w", translate(res.Error))
		}
		n += int(res.RowsAffected)
	}
	return n, nil
}
