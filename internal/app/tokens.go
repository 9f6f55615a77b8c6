package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"consentd/internal/config"
	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/tokens"
)

// TokenOrder is a token that is to be made.
type TokenOrder struct {
	Role, Name string
	TTL        time.Duration // 0: it never ends
}

// Roles are those that a token may have.
func Roles() []string {
	var names []string
	for _, role := range service.Roles() {
		names = append(names, string(role))
	}
	return names
}

// NewToken makes a token for one of the bank's own systems and writes it to out:
// it is not kept, so nobody can see it again. What is to be known of it goes to
// notes.
func NewToken(ctx context.Context, cfg *config.Config, log *slog.Logger, o TokenOrder, out, notes io.Writer) error {
	return withTokens(ctx, cfg, log, func(t *tokens.Tokens) error {
		text, made, err := t.New(ctx, service.Role(o.Role), o.Name, o.TTL)
		if err != nil {
			return plainly(err)
		}
		fmt.Fprintln(out, text)
		fmt.Fprintf(notes, "token %s of %s, role %s, %s. It is shown this once.\n", made.ID, made.Name, made.Role, until(made.ExpiresAt))
		return nil
	})
}

// ListTokens writes every token there was to out, one in a line.
func ListTokens(ctx context.Context, cfg *config.Config, log *slog.Logger, out io.Writer) error {
	return withTokens(ctx, cfg, log, func(t *tokens.Tokens) error {
		list, err := t.List(ctx)
		if err != nil {
			return plainly(err)
		}
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tROLE\tNAME\tMADE\tSTATE")
		for _, k := range list {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", k.ID, k.Role, k.Name, k.CreatedAt.Format(time.DateOnly), stateOf(k, Now()))
		}
		return table.Flush() //nolint:wrapcheck // of the terminal
	})
}

// RevokeToken ends a token at once; one that has ended stays as it is.
func RevokeToken(ctx context.Context, cfg *config.Config, log *slog.Logger, id string, out io.Writer) error {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return fmt.Errorf("%q is not the id of a token: see consentd token list", id)
	}
	return withTokens(ctx, cfg, log, func(t *tokens.Tokens) error {
		k, err := t.Revoke(ctx, parsed)
		if err != nil {
			return plainly(err)
		}
		fmt.Fprintf(out, "token %s of %s is %s\n", k.ID, k.Name, stateOf(k, Now()))
		return nil
	})
}

// plainly is an error in words for whoever typed the command.
func plainly(err error) error {
	e, ok := errors.AsType[*consent.Error](err)
	if !ok || e.Code == consent.CodeInternal || e.Code == consent.CodeUnavailable {
		return err
	}
	return errors.New(strings.TrimSpace(e.Path + " " + e.Text))
}

func stateOf(k tokens.Token, now time.Time) string {
	switch {
	case !k.RevokedAt.IsZero():
		return "revoked " + k.RevokedAt.Format(time.DateOnly)
	case !k.Good(now):
		return "expired " + k.ExpiresAt.Format(time.DateOnly)
	default:
		return "good " + until(k.ExpiresAt)
	}
}

func until(end time.Time) string {
	if end.IsZero() {
		return "without end"
	}
	return "until " + end.Format(time.RFC3339)
}

func withTokens(ctx context.Context, cfg *config.Config, log *slog.Logger, use func(*tokens.Tokens) error) error {
	return withDatabase(ctx, cfg, log, func(p parts) error { return use(p.tokens()) })
}
