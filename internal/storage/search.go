package storage

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"consentd/internal/consent"
	"consentd/internal/service/consents"
)

var _ consents.Archive = (*DB)(nil)

// statusAt is the status of a consent at an instant, as Settle computes it; its two
// parameters are both that instant.
const statusAt = `CASE
 WHEN consents.status NOT IN ('received', 'partiallyAuthorised', 'valid', 'suspended') THEN consents.status
 WHEN consents.status IN ('received', 'partiallyAuthorised') AND consents.authorise_by < consents.ends_at AND consents.authorise_by <= ? THEN 'rejected'
 WHEN consents.ends_at <= ? THEN 'expired'
 ELSE consents.status END`

const (
	// grantsAccount is the condition that a consent grants an account of a bank's id.
	grantsAccount = `consents.id IN (SELECT g.consent_id FROM consent_grants g
 JOIN accounts a ON a.id = g.account_id WHERE a.bank_id = ?)`
	// opensAccount is the condition that it opens all accounts of an owner of that
	// account, of those who are named and those who have shared it. It is one list, so
	// that PostgreSQL looks each up in the index of customers.
	opensAccount = `consents.scope IN ? AND consents.customer_id IN (SELECT n.id FROM customers n WHERE n.id IN ?
 UNION SELECT o.customer_id FROM accounts o WHERE o.bank_id = ?)`

	ofCustomers = `consents.customer_id IN ?`
	// begunBy is the condition that a consent is no customer's yet, and that a PSU
	// has begun an authorisation of it. One that was granted has made it a customer's:
	// the index leaves them out, which are most of what a PSU has begun.
	begunBy = `consents.customer_id IS NULL AND consents.id IN (SELECT b.consent_id FROM authorisations b
 WHERE b.psu_id = ? AND b.status NOT IN ('finalised', 'exempted'))`
)

// condition is a piece of SQL with its parameters.
type condition struct {
	sql  string
	args []any
}

// Find implements consents.Archive. Each way to a consent is a query of its own,
// so that each begins with its index; no consent is found by two of them. All
// queries see one state of the database.
func (d *DB) Find(ctx context.Context, q consents.Query) ([]*consent.Consent, error) {
	ways, also := waysTo(q), filtersOf(q)
	if len(ways) == 0 {
		return nil, nil
	}
	selects := make([]string, len(ways))
	var args []any
	for i, way := range ways {
		all := append([]condition{way}, also...)
		parts := make([]string, len(all))
		for j, c := range all {
			parts[j] = "(" + c.sql + ")"
			args = append(args, c.args...)
		}
		selects[i] = "SELECT id FROM (SELECT consents.id FROM consents WHERE " + strings.Join(parts, " AND ") +
			" ORDER BY consents.id DESC LIMIT ?) AS w"
		args = append(args, q.Limit)
	}
	var list []*consent.Consent
	err := d.gorm.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var rows []consentRow
		found := tx.Where("id "+d.engine.among(strings.Join(selects, " UNION ALL ")), args...)
		if err := found.Order("id DESC").Limit(q.Limit).Find(&rows).Error; err != nil {
			return err
		}
		var err error
		list, err = fillAll(tx, rows)
		return err
	}, d.engine.snapshot())
	if err != nil {
		return nil, fmt.Errorf("find consents: %w", translate(err))
	}
	return list, nil
}

// waysTo are the conditions of which a consent must meet one; no consent meets two.
func waysTo(q consents.Query) []condition {
	if q.Sight == nil {
		if q.Account == "" {
			return nil // all consents there are is nobody's question
		}
		return []condition{granting(q.Account), opening(q.Account, q.Owners)}
	}
	var ways []condition
	if len(q.Sight.Customers) > 0 {
		ways = append(ways, condition{ofCustomers, []any{q.Sight.Customers}})
	}
	if q.Sight.PSU != uuid.Nil {
		ways = append(ways, condition{begunBy, []any{q.Sight.PSU}})
	}
	return ways
}

// filtersOf are the conditions that a consent must meet besides.
func filtersOf(q consents.Query) []condition {
	var all []condition
	if q.Sight != nil && q.Account != "" {
		grants, opens := granting(q.Account), opening(q.Account, q.Owners)
		all = append(all, condition{"(" + grants.sql + ") OR (" + opens.sql + ")", append(grants.args, opens.args...)})
	}
	if q.Status != "" {
		now := instantOf(q.Now)
		all = append(all, condition{statusAt + " = ?", []any{now, now, string(q.Status)}})
	}
	if q.TPP != "" {
		all = append(all, condition{"consents.tpp = ?", []any{q.TPP}})
	}
	if q.After != uuid.Nil {
		all = append(all, condition{"consents.id < ?", []any{q.After}})
	}
	return all
}

func granting(account string) condition { return condition{grantsAccount, []any{account}} }

// opening is about the scopes that grant no account by name.
func opening(account string, owners []uuid.UUID) condition {
	open := []string{string(consent.ScopeAllPSD2), string(consent.ScopeAvailable), string(consent.ScopeAvailableBalances)}
	return condition{opensAccount, []any{open, owners, account}}
}

// fillAll reads what belongs to consents: two queries, however many there are, and a
// third for those that a hub has staged.
func fillAll(tx *gorm.DB, rows []consentRow) ([]*consent.Consent, error) {
	list, err := domains(rows)
	if err != nil || len(rows) == 0 {
		return list, err
	}
	ids, byID := make([]uuid.UUID, len(list)), map[uuid.UUID]*consent.Consent{}
	for i, c := range list {
		ids[i], byID[c.ID] = c.ID, c
	}
	var authorisations []authorisationRow
	if err := tx.Where("consent_id IN ?", ids).Order("created_at, id").Find(&authorisations).Error; err != nil {
		return nil, fmt.Errorf("authorisations: %w", err)
	}
	for i := range authorisations {
		c := byID[authorisations[i].ConsentID]
		c.Authorisations = append(c.Authorisations, authorisations[i].domain())
	}
	if err := fillGrants(tx, ids, byID); err != nil {
		return nil, err
	}
	return list, fillAllStaged(tx, list)
}

func fillGrants(tx *gorm.DB, ids []uuid.UUID, byID map[uuid.UUID]*consent.Consent) error {
	var rows []struct {
		ConsentID uuid.UUID
		AccountID uuid.UUID
		Rights    int
		Reference document
	}
	err := tx.Table("consent_grants").
		Select("consent_grants.consent_id, consent_grants.account_id, consent_grants.rights, accounts.reference").
		Joins("JOIN accounts ON accounts.id = consent_grants.account_id").
		Where("consent_grants.consent_id IN ?", ids).Order("consent_grants.position").Scan(&rows).Error
	if err != nil {
		return fmt.Errorf("grants: %w", err)
	}
	for _, r := range rows {
		g := consent.Grant{AccountID: r.AccountID, Rights: consent.Rights(r.Rights)} //nolint:gosec // written from a consent.Rights
		if err := r.Reference.into(&g.Reference); err != nil {
			return err
		}
		c := byID[r.ConsentID]
		c.Access.Grants = append(c.Access.Grants, g)
	}
	return nil
}

// Sight implements consents.Archive.
func (d *DB) Sight(ctx context.Context, psu string, customers []string) (consents.Sight, error) {
	var s consents.Sight
	var psus []uuid.UUID
	db := d.gorm.WithContext(ctx)
	if psu != "" {
		if err := db.Table("psus").Where("bank_id = ?", psu).Pluck("id", &psus).Error; err != nil {
			return s, fmt.Errorf("id of a PSU: %w", translate(err))
		}
	}
	if len(psus) == 1 {
		s.PSU = psus[0]
	}
	if len(customers) == 0 {
		return s, nil
	}
	if err := db.Table("customers").Where("bank_id IN ?", customers).Order("id").Pluck("id", &s.Customers).Error; err != nil {
		return s, fmt.Errorf("ids of customers: %w", translate(err))
	}
	return s, nil
}

// BankIDs implements consents.Archive. Our ids are random, so no two of the tables
// share one.
func (d *DB) BankIDs(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	known := map[uuid.UUID]string{}
	if len(ids) == 0 {
		return known, nil
	}
	var rows []struct {
		ID     uuid.UUID
		BankID string
	}
	err := d.gorm.WithContext(ctx).Raw(`SELECT id, bank_id FROM psus WHERE id IN @ids
 UNION ALL SELECT id, bank_id FROM customers WHERE id IN @ids
 UNION ALL SELECT id, bank_id FROM accounts WHERE id IN @ids`, map[string]any{"ids": ids}).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("ids of the bank: %w", translate(err))
	}
	for _, r := range rows {
		known[r.ID] = r.BankID
	}
	return known, nil
}
