package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"consentd/internal/storage/migrations"
)

// Migration is one step of the schema.
type Migration struct {
	Version int64
	Name    string
	Applied bool
}

// Migrate moves the schema to what this program needs, one process at a time,
// and returns the steps that it took. When it brings the audit, it begins a chain
// for each consent that is there: at no other time, or whoever takes a chain away
// would be given a new one.
func (d *DB) Migrate(ctx context.Context) ([]Migration, error) {
	p, err := d.provider()
	if err != nil {
		return nil, err
	}
	results, err := p.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	steps := make([]Migration, len(results))
	audited := false
	for i, r := range results {
		steps[i] = Migration{Version: r.Source.Version, Name: r.Source.Path, Applied: true}
		audited = audited || r.Source.Version == auditVersion
	}
	if audited {
		if err := d.adopt(ctx); err != nil {
			return nil, err
		}
	}
	return steps, nil
}

// Migrations lists the steps that this program knows.
func (d *DB) Migrations(ctx context.Context) ([]Migration, error) {
	p, err := d.provider()
	if err != nil {
		return nil, err
	}
	statuses, err := p.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("migration status: %w", err)
	}
	steps := make([]Migration, len(statuses))
	for i, s := range statuses {
		steps[i] = Migration{Version: s.Source.Version, Name: s.Source.Path, Applied: s.State == goose.StateApplied}
	}
	return steps, nil
}

// Behind reports whether the schema lacks a step that this program needs. It
// changes nothing.
func (d *DB) Behind(ctx context.Context) (bool, error) {
	p, err := d.provider()
	if err != nil {
		return false, err
	}
	// goose would make its table to look into it.
	var made bool
	if err := d.sql.QueryRowContext(ctx, d.engine.versioned).Scan(&made); err != nil {
		return false, fmt.Errorf("schema version: %w", err)
	}
	if !made {
		return true, nil
	}
	behind, err := p.HasPending(ctx)
	if err != nil {
		return false, fmt.Errorf("schema version: %w", err)
	}
	return behind, nil
}

func (d *DB) provider() (*goose.Provider, error) {
	files, err := migrations.For(d.engine.name)
	if err != nil {
		return nil, err
	}
	var options []goose.ProviderOption
	if d.engine.dialect == goose.DialectPostgres {
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return nil, fmt.Errorf("migration lock: %w", err)
		}
		if d.engine.hurried {
			locker = unhurried{locker}
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(d.engine.dialect, d.sql, files, options...)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return p, nil
}

// unhurried is a lock whose holder waits for others as long as it takes: a
// migration that gave up behind a long report would never get through.
type unhurried struct{ lock.SessionLocker }

// SessionLock implements lock.SessionLocker.
func (u unhurried) SessionLock(ctx context.Context, conn *sql.Conn) error {
	if _, err := conn.ExecContext(ctx, "SET lock_timeout = 0"); err != nil {
		return fmt.Errorf("wait for locks: %w", err)
	}
	return u.SessionLocker.SessionLock(ctx, conn)
}

// SessionUnlock implements lock.SessionLocker.
func (u unhurried) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	err := u.SessionLocker.SessionUnlock(ctx, conn)
	_, reset := conn.ExecContext(ctx, "RESET lock_timeout")
	return errors.Join(err, reset)
}
