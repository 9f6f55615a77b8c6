package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service/sessions"
)

var _ sessions.Store = (*DB)(nil)

// AddVisit implements sessions.Store.
func (d *DB) AddVisit(ctx context.Context, run *consent.Run) error {
	row := runRowOf(run)
	if err := d.gorm.WithContext(ctx).Create(&row).Error; err != nil {
		return fmt.Errorf("add visit %s: %w", run.ID, translate(err))
	}
	return nil
}

// AddSession implements sessions.Store. The database lets a run open one session,
// whoever else tries at the same time.
func (d *DB) AddSession(ctx context.Context, s sessions.Session) error {
	n, err := d.affect(ctx, `INSERT INTO psu_sessions (key, run_id, psu_id, created_at, seen_at, ends_at)
 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (run_id) DO NOTHING`,
		digest(s.Key), ref(s.Run), ref(s.PSU), instantOf(s.CreatedAt), instantOf(s.SeenAt), instantOf(s.EndsAt))
	if err == nil && n == 0 {
		return consent.E(consent.CodeUsed, "this log-in has opened a session")
	}
	return err
}

// Session implements sessions.Store.
func (d *DB) Session(ctx context.Context, key consent.Digest) (*sessions.Session, error) {
	var run, psu ref
	var created, seen, ends instant
	err := d.sql.QueryRowContext(ctx, `SELECT run_id, psu_id, created_at, seen_at, ends_at FROM psu_sessions WHERE key = $1`, digest(key)).
		Scan(&run, &psu, &created, &seen, &ends)
	if err != nil {
		return nil, fmt.Errorf("session: %w", translate(err))
	}
	return &sessions.Session{
		Key: key, Run: uuid.UUID(run), PSU: uuid.UUID(psu), CreatedAt: created.Time, SeenAt: seen.Time, EndsAt: ends.Time,
	}, nil
}

// SeeSession implements sessions.Store.
func (d *DB) SeeSession(ctx context.Context, key consent.Digest, at time.Time) error {
	_, err := d.affect(ctx, `UPDATE psu_sessions SET seen_at = $2 WHERE key = $1 AND seen_at < $2`, digest(key), instantOf(at))
	return err
}

// EndSession implements sessions.Store.
func (d *DB) EndSession(ctx context.Context, key consent.Digest, at time.Time) error {
	_, err := d.affect(ctx, `UPDATE psu_sessions SET ends_at = $2 WHERE key = $1 AND ends_at > $2`, digest(key), instantOf(at))
	return err
}

// ForgetSessions implements sessions.Store.
func (d *DB) ForgetSessions(ctx context.Context, by time.Time, limit int) (int, error) {
	return d.affect(ctx, `DELETE FROM psu_sessions WHERE key IN (SELECT key FROM psu_sessions WHERE ends_at <= $1 LIMIT $2)`,
		instantOf(by), limit)
}

// ForgetVisits implements sessions.Store.
func (d *DB) ForgetVisits(ctx context.Context, by time.Time, limit int) (int, error) {
	return d.affect(ctx, `DELETE FROM flow_runs WHERE id IN (SELECT id FROM flow_runs
 WHERE consent_id IS NULL AND poll_at IS NULL AND COALESCE(ended_at, finish_by, open_by) <= $1 LIMIT $2)`, instantOf(by), limit)
}

// affect runs a statement, and tells how many rows it met.
func (d *DB) affect(ctx context.Context, statement string, args ...any) (int, error) {
	res, err := d.sql.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, fmt.Errorf("sessions: %w", translate(err))
	}
	n, err := res.RowsAffected()
	return int(n), err
}
