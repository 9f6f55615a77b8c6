package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service/funds"
)

var _ funds.Store = (*DB)(nil)

// fundsConsents are the consents by which a TPP may ask.
const fundsConsents = "consents.tpp = ? AND consents.kind = 'fundsConfirmation' AND consents.status = 'valid'"

// Covered implements funds.Store. The consents that name the account in either
// way are looked up first, by their indexes: a TPP may have very many.
func (d *DB) Covered(ctx context.Context, tpp string, ref consent.Reference) ([]funds.Covered, error) {
	name := identifierOf(ref)
	if name == (consent.Reference{}) {
		return nil, nil
	}
	matches, value, err := d.engine.names(name)
	if err != nil {
		return nil, err
	}
	byBank, byWords := fmt.Sprintf(matches, "accounts.reference"), fmt.Sprintf(matches, "consents.asked->0->'reference'")
	var rows []struct {
		ID         uuid.UUID
		Rail       string
		CustomerID uuid.UUID
		BankID     string
	}
	q := d.gorm.WithContext(ctx).Table("consents").Select("consents.id, consents.rail, accounts.customer_id, accounts.bank_id").
		Joins("JOIN consent_grants ON consent_grants.consent_id = consents.id").
		Joins("JOIN accounts ON accounts.id = consent_grants.account_id").
		Where("consents.id "+d.engine.among("SELECT consents.id FROM consents WHERE "+fundsConsents+" AND "+byWords+
			" UNION SELECT consent_id FROM consent_grants WHERE account_id "+
			d.engine.among("SELECT accounts.id FROM accounts WHERE "+byBank)), tpp, value, value).
		Where(fundsConsents, tpp).Where("("+byBank+" OR "+byWords+")", value, value).
		Order("consents.id, consent_grants.position")
	if ref.Currency != "" {
		q = q.Where("accounts.reference->>'currency' = ?", ref.Currency)
	}
	if err := q.Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("consents to confirmation of funds: %w", translate(err))
	}
	covered := make([]funds.Covered, len(rows))
	for i, r := range rows {
		covered[i] = funds.Covered{Consent: r.ID, Rail: consent.Rail(r.Rail), Customer: r.CustomerID, Account: r.BankID}
	}
	return covered, nil
}

// identifierOf is a reference with nothing but the one identifier by which it
// names an account, of an other with its scheme; empty for one that has none.
func identifierOf(ref consent.Reference) consent.Reference {
	for _, name := range []consent.Reference{
		{IBAN: ref.IBAN}, {BBAN: ref.BBAN}, {PAN: ref.PAN}, {MaskedPAN: ref.MaskedPAN}, {MSISDN: ref.MSISDN},
	} {
		if name != (consent.Reference{}) {
			return name
		}
	}
	return consent.Reference{Other: ref.Other}
}

// amongFew makes PostgreSQL find the rows of a query first, and then what has one
// of their ids by its index. It takes them for many otherwise: it keeps no
// statistics of what is inside a reference.
func amongFew(query string) string { return "= ANY (ARRAY(" + query + "))" }

// holds is the condition, and its parameter, that a stored reference has this
// identifier. PostgreSQL finds it by the indexes on whole references.
func holds(name consent.Reference) (condition string, value any, err error) {
	reference, err := documentOf(name)
	condition = "%[1]s @> CAST(? AS jsonb)"
	if name.Other == (consent.Other{}) {
		return condition, string(reference), err
	}
	// What the one does not say, the other may not say either.
	for _, x := range []struct{ field, value string }{
		{"schemeNameCode", name.Other.SchemeCode}, {"schemeNameProprietary", name.Other.SchemeName}, {"issuer", name.Other.Issuer},
	} {
		if x.value == "" {
			condition += " AND %[1]s->'other'->'" + x.field + "' IS NULL"
		}
	}
	return condition, string(reference), err
}

// equals is the same for SQLite, which has no such operator and few consents.
func equals(name consent.Reference) (condition string, value any, err error) {
	for _, x := range []struct{ condition, value string }{
		{"%s->>'iban' = ?", name.IBAN},
		{"%s->>'bban' = ?", name.BBAN},
		{"%s->>'pan' = ?", name.PAN},
		{"%s->>'maskedPan' = ?", name.MaskedPAN},
		{"%s->>'msisdn' = ?", name.MSISDN},
	} {
		if x.value != "" {
			return x.condition, x.value, nil
		}
	}
	other, err := documentOf(name.Other)
	return "%s->'other' = json(?)", string(other), err
}
