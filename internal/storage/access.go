package storage

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service/access"
	"consentd/internal/service/register"
)

var _ access.Store = (*DB)(nil)

// selectGrounds lacks the list of ids. A consent comes once for each account that
// it grants, and once if it grants none.
const selectGrounds = `SELECT c.id, c.tpp, c.kind, c.rail, c.status, c.status_changed_at, c.ended_by, c.end_reason, c.scope,
 c.owner_name, c.rights, c.only_types, c.recurring, c.frequency_per_day, c.ends_at, c.authorise_by, c.customer_id,
 u.bank_id, t.blocked_at, t.blocked_until, g.account_id, COALESCE(g.rights, 0), a.bank_id, a.reference
 FROM consents c LEFT JOIN customers u ON u.id = c.customer_id LEFT JOIN tpps t ON t.id = c.tpp
 LEFT JOIN consent_grants g ON g.consent_id = c.id LEFT JOIN accounts a ON a.id = g.account_id
 WHERE c.id %s ORDER BY g.position`

// groundsRow is what a decision rests on. It may be shared by several callers, who
// make what they keep of it themselves.
type groundsRow struct {
	statusRow

	Scope                   string
	OwnerName               bool
	Rights                  int
	OnlyTypes               document
	Recurring               bool
	FrequencyPerDay         int
	CustomerID              ref
	Customer                word
	BlockedAt, BlockedUntil instant
	Accounts                []grantedRow
}

// grantedRow is an account that was granted.
type grantedRow struct {
	ID        ref
	Rights    int
	BankID    word
	Reference document
}

// Grounds implements access.Store.
func (d *DB) Grounds(ctx context.Context, id uuid.UUID, now time.Time) (*access.Grounds, error) {
	found, err := d.grounds.get(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("grounds of a decision on consent %s: %w", id, err)
	}
	if !found.ok {
		return nil, translate(sql.ErrNoRows)
	}
	return found.row.domain(id, now)
}

func (d *DB) fetchGrounds(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]*groundsRow, error) {
	all := make(map[uuid.UUID]*groundsRow, len(ids))
	q := query{fmt.Sprintf(selectGrounds, d.engine.fewIDs), []any{d.engine.list(ids)}}
	err := eachRow(ctx, d.sql, q, func(rows *sql.Rows) error {
		var id ref
		var r groundsRow
		var g grantedRow
		err := rows.Scan(&id, &r.TPP, &r.Kind, &r.Rail, &r.Status, &r.StatusChangedAt, &r.EndedBy, &r.EndReason, &r.Scope,
			&r.OwnerName, &r.Rights, &r.OnlyTypes, &r.Recurring, &r.FrequencyPerDay, &r.EndsAt, &r.AuthoriseBy, &r.CustomerID,
			&r.Customer, &r.BlockedAt, &r.BlockedUntil, &g.ID, &g.Rights, &g.BankID, &g.Reference)
		if err != nil {
			return err
		}
		known := all[uuid.UUID(id)]
		if known == nil {
			known = &r
			all[uuid.UUID(id)] = known
		}
		if uuid.UUID(g.ID) != uuid.Nil {
			known.Accounts = append(known.Accounts, g)
		}
		return nil
	})
	return all, err
}

func (r *groundsRow) domain(id uuid.UUID, now time.Time) (*access.Grounds, error) {
	c := r.statusRow.domain(id)
	c.Customer, c.Recurring, c.FrequencyPerDay = uuid.UUID(r.CustomerID), r.Recurring, r.FrequencyPerDay
	c.Access = consent.Access{
		Scope: consent.Scope(r.Scope), OwnerName: r.OwnerName,
		Rights: consent.Rights(r.Rights), //nolint:gosec // written from a consent.Rights
	}
	if r.OnlyTypes != "null" && r.OnlyTypes != "[]" {
		if err := r.OnlyTypes.into(&c.Access.Only); err != nil {
			return nil, err
		}
	}
	accounts, err := r.accounts()
	if err != nil {
		return nil, err
	}
	tpp := tppRow{BlockedAt: r.BlockedAt, BlockedUntil: r.BlockedUntil}
	return &access.Grounds{
		Consent: c, Customer: string(r.Customer), Accounts: accounts,
		Shut: (&register.TPP{Block: tpp.block()}).Blocked(now),
	}, nil
}

func (r *groundsRow) accounts() ([]access.Account, error) {
	if len(r.Accounts) == 0 {
		return nil, nil
	}
	accounts := make([]access.Account, len(r.Accounts))
	for i, g := range r.Accounts {
		reference, err := g.Reference.reference()
		if err != nil {
			return nil, err
		}
		accounts[i] = access.Account{
			Key: uuid.UUID(g.ID), ID: string(g.BankID), Reference: reference,
			Rights: consent.Rights(g.Rights), //nolint:gosec // written from a consent.Rights
		}
	}
	return accounts, nil
}

// reference reads an account's reference.
func (d document) reference() (consent.Reference, error) {
	var r consent.Reference
	if d.plain(&r) {
		return r, nil
	}
	r = consent.Reference{}
	return r, d.into(&r)
}

// plain reads what nearly all references are, names and texts without escapes, and
// copies nothing. It reports false for all others, which take a real parser.
func (d document) plain(r *consent.Reference) bool {
	rest, ok := strings.CutPrefix(string(d), "{")
	for ok {
		var name, text string
		if name, rest, ok = quoted(rest); !ok {
			return false
		}
		if rest, ok = strings.CutPrefix(rest, ":"); !ok {
			return false
		}
		if text, rest, ok = quoted(rest); !ok || !assign(r, name, text) {
			return false
		}
		if rest == "}" {
			return true
		}
		rest, ok = strings.CutPrefix(rest, ",")
	}
	return false
}

// quoted takes a text without escapes off the beginning of s.
func quoted(s string) (text, rest string, ok bool) {
	s, ok = strings.CutPrefix(strings.TrimLeft(s, " "), `"`)
	if !ok {
		return "", "", false
	}
	end := strings.IndexAny(s, `"\`)
	if end < 0 || s[end] == '\\' {
		return "", "", false
	}
	return s[:end], s[end+1:], true
}

// assign sets the field of a reference that JSON has under this name.
func assign(r *consent.Reference, name, text string) bool {
	switch name {
	case "iban":
		r.IBAN = text
	case "bban":
		r.BBAN = text
	case "pan":
		r.PAN = text
	case "maskedPan":
		r.MaskedPAN = text
	case "msisdn":
		r.MSISDN = text
	case "currency":
		r.Currency = text
	case "cashAccountType":
		r.CashAccountType = text
	default:
		return false
	}
	return true
}
