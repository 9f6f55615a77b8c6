package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"consentd/internal/config"
	"consentd/internal/secret"
	"consentd/internal/service/ledger"
)

// ErrAudit says that the audit is not as it was written.
var ErrAudit = errors.New("the audit is not as it was written")

// VerifyAudit looks at the whole audit of the database that a configuration
// names, and writes to out a line for each fault, one with what was looked at,
// and one with a digest of it, to be kept elsewhere. Fails with ErrAudit when
// there was a fault.
func VerifyAudit(ctx context.Context, cfg *config.Config, log *slog.Logger, out io.Writer) error {
	return withDatabase(ctx, cfg, log, func(p parts) error {
		seen, err := p.ledger().Verify(ctx, func(f ledger.Fault) { fmt.Fprintln(out, f) })
		if err != nil {
			return err //nolint:wrapcheck // it says what is wrong
		}
		fmt.Fprintf(out, "%d chains, %d entries, %d faults\ndigest %x\n", seen.Chains, seen.Entries, seen.Faults, seen.Digest)
		if seen.Faults > 0 {
			return ErrAudit
		}
		return nil
	})
}

// withDatabase lets a command work on the database that a configuration names, if
// its schema is the program's.
func withDatabase(ctx context.Context, cfg *config.Config, log *slog.Logger, use func(parts) error) (err error) {
	keys, err := secret.New([]byte(cfg.MasterKey.Reveal()))
	if err != nil {
		return err
	}
	db, err := OpenDatabase(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := ready(ctx, db); err != nil {
		return err
	}
	return use(parts{db: db, keys: keys, policy: policy(cfg), now: Now})
}
