package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"consentd/internal/service/sca"
)

var _ sca.Guesses = (*DB)(nil)

// CountGuess implements sca.Guesses: the database counts, in one statement, so
// parallel guesses cannot get more than there are.
func (d *DB) CountGuess(ctx context.Context, psu []byte, limit int, now, until time.Time) (bool, error) {
	var n int
	err := d.sql.QueryRowContext(ctx, `INSERT INTO psu_failures (psu, failures, until) VALUES ($1, 1, $4)
 ON CONFLICT (psu) DO UPDATE SET until = excluded.until,
  failures = CASE WHEN psu_failures.until <= $3 THEN 1 ELSE psu_failures.failures + 1 END
 WHERE psu_failures.until <= $3 OR psu_failures.failures < $2 RETURNING failures`,
		psu, limit, instantOf(now), instantOf(until)).Scan(&n)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("count a guess: %w", translate(err))
	}
	return true, nil
}

// Locked implements sca.Guesses.
func (d *DB) Locked(ctx context.Context, psu []byte, limit int, now time.Time) (bool, error) {
	var n int
	err := d.sql.QueryRowContext(ctx, `SELECT count(*) FROM psu_failures WHERE psu = $1 AND failures >= $2 AND until > $3`,
		psu, limit, instantOf(now)).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look for a lock: %w", translate(err))
	}
	return n > 0, nil
}

// ReturnGuess implements sca.Guesses.
func (d *DB) ReturnGuess(ctx context.Context, psu []byte) error {
	_, err := d.sql.ExecContext(ctx, `UPDATE psu_failures SET failures = failures - 1 WHERE psu = $1 AND failures > 0`, psu)
	if err != nil {
		return fmt.Errorf("return a guess: %w", translate(err))
	}
	return nil
}

// ForgiveGuesses implements sca.Guesses.
func (d *DB) ForgiveGuesses(ctx context.Context, psu []byte) error {
	if _, err := d.sql.ExecContext(ctx, `DELETE FROM psu_failures WHERE psu = $1`, psu); err != nil {
		return fmt.Errorf("forgive guesses: %w", translate(err))
	}
	return nil
}

// ForgetGuesses implements sca.Guesses.
func (d *DB) ForgetGuesses(ctx context.Context, now time.Time, limit int) (int, error) {
	res, err := d.sql.ExecContext(ctx,
		`DELETE FROM psu_failures WHERE psu IN (SELECT psu FROM psu_failures WHERE until <= $1 LIMIT $2) AND until <= $1`, instantOf(now), limit)
	if err != nil {
		return 0, fmt.Errorf("forget guesses: %w", translate(err))
	}
	n, err := res.RowsAffected()
	return int(n), err
}
