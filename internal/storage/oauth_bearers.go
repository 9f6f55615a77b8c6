package storage

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"consentd/internal/consent"
	"consentd/internal/service/connections"
	"consentd/internal/service/register"
)

// Bearers implements connections.Bearers; the register has a Standing of its own.
type Bearers struct{ db *DB }

var _ connections.Bearers = Bearers{}

// Bearers reads what calls with access tokens rest on.
func (d *DB) Bearers() Bearers { return Bearers{db: d} }

// selectHolders lacks the condition that the access token is one of a list. Every call
// by a token begins with it.
const selectHolders = `SELECT p.access, p.id, p.consent_id, p.tpp, p.psu_id, p.scopes, p.active, p.refresh, p.code, p.access_until,
 p.issued_at, p.certificate, p.version, c.tpp, c.kind, c.rail, c.status, c.status_changed_at, c.ended_by, c.end_reason, c.ends_at,
 c.authorise_by, c.by_token, c.last_sca_at, c.customer_id, c.given_by, u.bank_id, k.bank_id, t.blocked_at, t.blocked_until, s.consent_id, s.tokens_after
 FROM oauth_pairs p JOIN consents c ON c.id = p.consent_id
 LEFT JOIN psus u ON u.id = p.psu_id LEFT JOIN customers k ON k.id = c.customer_id LEFT JOIN tpps t ON t.id = p.tpp
 LEFT JOIN forwarded_consents s ON c.rail = 'stet' AND s.tpp = p.tpp AND s.psu_id = p.psu_id AND s.customer_id = c.customer_id
 WHERE p.access `

// bearerTurns is how many of these statements run at once.
const bearerTurns = 1

// bearerRow is what a call by a token rests on. It may be shared by several callers,
// who make what they keep of it themselves.
type bearerRow struct {
	pair                    pairRow
	grant                   statusRow
	lastSCA                 instant
	customer, givenBy       ref
	psuID, customerID       word // the bank's
	blockedAt, blockedUntil instant
	current                 ref
	after                   instant
}

// Bearer implements connections.Bearers.
func (b Bearers) Bearer(ctx context.Context, access consent.Digest) (*connections.Bearer, error) {
	found, err := b.db.bearers.get(ctx, access)
	if err != nil {
		return nil, fmt.Errorf("what a token rests on: %w", err)
	}
	if !found.ok {
		return nil, translate(sql.ErrNoRows)
	}
	r := &found.row
	grant := r.grant.domain(r.pair.ConsentID)
	grant.LastSCA, grant.Customer, grant.GivenBy = r.lastSCA.Time, uuid.UUID(r.customer), uuid.UUID(r.givenBy)
	tpp := tppRow{BlockedAt: r.blockedAt, BlockedUntil: r.blockedUntil}
	return &connections.Bearer{
		Pair: r.pair.domain(), Grant: grant, PSU: string(r.psuID), Customer: string(r.customerID),
		Standing: connections.Standing{Consent: uuid.UUID(r.current), After: r.after.Time},
		Shut:     (&register.TPP{Block: tpp.block()}).Blocked(b.db.now()),
	}, nil
}

func (d *DB) fetchBearers(ctx context.Context, tokens []consent.Digest) (map[consent.Digest]bearerRow, error) {
	digits := make([]string, len(tokens))
	for i, t := range tokens {
		digits[i] = hex.EncodeToString(t[:])
	}
	return fetchRows(ctx, d.sql, selectHolders+d.engine.listedBytes, d.engine.words(digits), func(rows *sql.Rows) (consent.Digest, bearerRow, error) {
		var r bearerRow
		p, c, consentID := &r.pair, &r.grant, ref{}
		err := rows.Scan(&p.Access, &p.ID, &consentID, &p.TPP, &p.PSUID, &p.Scopes, &p.Active, &p.Refresh, &p.Code, &p.AccessUntil,
			&p.IssuedAt, &p.Certificate, &p.Version, &c.TPP, &c.Kind, &c.Rail, &c.Status, &c.StatusChangedAt, &c.EndedBy, &c.EndReason, &c.EndsAt,
			&c.AuthoriseBy, &c.ByToken, &r.lastSCA, &r.customer, &r.givenBy, &r.psuID, &r.customerID, &r.blockedAt, &r.blockedUntil, &r.current, &r.after)
		p.ConsentID = uuid.UUID(consentID)
		return consent.Digest(p.Access), r, err
	})
}

// selectForwarded lacks the conditions that TPP and PSU are of two lists. It may find
// more than was asked for, for other pairs of them. Every call by a token of the bank's
// own server begins with it.
const selectForwarded = `SELECT f.tpp, f.psu_id, f.customer_id, f.consent_id, f.tokens_after, c.last_sca_at
 FROM forwarded_consents f LEFT JOIN consents c ON c.id = f.consent_id AND c.status = 'valid'
 WHERE f.psu_id %s AND f.tpp %s`

// Standing implements connections.Bearers.
func (b Bearers) Standing(ctx context.Context, h connections.Holder) (connections.Standing, error) {
	found, err := b.db.forwarded.get(ctx, h)
	if err != nil {
		return connections.Standing{}, fmt.Errorf("what a TPP has forwarded: %w", err)
	}
	return found.row, nil
}

func (d *DB) fetchForwarded(ctx context.Context, holders []connections.Holder) (map[connections.Holder]connections.Standing, error) {
	tpps, psus := make([]string, len(holders)), make([]uuid.UUID, len(holders))
	for i, h := range holders {
		tpps[i], psus[i] = h.TPP, h.PSU
	}
	standings := make(map[connections.Holder]connections.Standing, len(holders))
	q := query{
		fmt.Sprintf(selectForwarded, d.engine.fewIDs, strings.ReplaceAll(d.engine.listed, "$1", "$2")),
		[]any{d.engine.list(psus), d.engine.words(tpps)},
	}
	err := eachRow(ctx, d.sql, q, func(rows *sql.Rows) error {
		var h connections.Holder
		var current ref
		var after, sca instant
		err := rows.Scan(&h.TPP, &h.PSU, &h.Customer, &current, &after, &sca)
		standings[h] = connections.Standing{Consent: uuid.UUID(current), After: after.Time, SCA: sca.Time}
		return err
	})
	return standings, err
}

// Renew implements connections.Bearers. What is replaced before its locks are held is
// no longer valid then, and is renewed with the next call.
func (b Bearers) Renew(ctx context.Context, h connections.Holder, renew func(forwarded *consent.Consent)) error {
	return b.db.transact(ctx, func(tx *gorm.DB) error {
		var row forwardedRow
		key := forwardedRow{TPP: h.TPP, PSUID: h.PSU, CustomerID: h.Customer}
		err := tx.Select("consent_id").Where(ofHolder, key.key()...).Take(&row).Error
		if errors.Is(err, gorm.ErrRecordNotFound) || err == nil && uuid.UUID(row.ConsentID) == uuid.Nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("what a TPP has forwarded: %w", err)
		}
		all, err := lockWithKin(tx, uuid.UUID(row.ConsentID), waits())
		if err != nil {
			return err
		}
		renew(all[0].c)
		return b.db.saveWithKin(tx, all)
	})
}
