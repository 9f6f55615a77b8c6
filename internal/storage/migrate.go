package storage

import (
	"context"
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
// and returns the steps that it took.
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
	for i, r := range results {
		steps[i] = Migration{Version: r.Source.Version, Name: r.Source.Path, Applied: true}
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
		options = append(options, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(d.engine.dialect, d.sql, files, options...)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return p, nil
}
