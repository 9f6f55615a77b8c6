package storagetest

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/funds"
)

func testFunds(t *testing.T, open Open) {
	runAll(t, open, map[string]func(*testing.T, *bundle){
		"an account is covered by each kind of reference": coveredByReference,
		"what does not cover an account":                  notCovered,
		"several accounts and consents, in their order":   coveredInOrder,
		"the same reference of several customers":         coveredOfSeveral,
		"other identifications are told by their scheme":  coveredByScheme,
	})
}

// fundsConsent stores a valid consent to the confirmation of funds of an account.
func (b *bundle) fundsConsent(asked consent.Reference, accounts []service.Account, edit ...func(*consent.Draft)) uuid.UUID {
	b.t.Helper()
	return b.fundsConsentOf("lea", asked, accounts, edit...)
}

func (b *bundle) fundsConsentOf(who string, asked consent.Reference, accounts []service.Account, edit ...func(*consent.Draft)) uuid.UUID {
	b.t.Helper()
	psu, customer, _ := b.person(who)
	ids, err := b.Accounts(b.ctx, customer, accounts)
	require.NoError(b.t, err)
	var grants []consent.Grant
	for i, a := range accounts {
		grants = append(grants, consent.Grant{AccountID: ids[i], Rights: consent.RightFunds, Reference: a.Reference})
	}
	c, run := b.identified(draft(append([]func(*consent.Draft){func(d *consent.Draft) {
		d.Kind = consent.FundsConfirmation
		d.Access = consent.Access{Scope: consent.ScopeDedicated, Asked: []consent.Asked{{Reference: asked, Rights: consent.RightFunds}}}
	}}, edit...)...), psu, customer)
	require.NoError(b.t, b.finish(b.ctx, run, psu, grants, start))
	return c.ID
}

func (b *bundle) covered(ref consent.Reference) []funds.Covered {
	b.t.Helper()
	list, err := b.Covered(b.ctx, draft().TPP, ref)
	require.NoError(b.t, err)
	return list
}

// on is an account of somebody in a consent.
func (b *bundle) on(c uuid.UUID, account, who string) funds.Covered {
	b.t.Helper()
	customer, err := b.Customer(b.ctx, who)
	require.NoError(b.t, err)
	return funds.Covered{Consent: c, Rail: consent.RailXS2A, Customer: customer, Account: account}
}

func coveredByReference(t *testing.T, b *bundle) {
	t.Helper()
	for name, ref := range map[string]consent.Reference{
		"iban": {IBAN: "DE40100100103307118608"}, "bban": {BBAN: "BARC12345612345678"}, "pan": {PAN: "5409050000000000"},
		"maskedPan": {MaskedPAN: "123456xxxxxx1234"}, "msisdn": {MSISDN: "+49 170 1234567"},
		"other": {Other: consent.Other{Identification: "ü-'7\"", SchemeCode: "CUST"}},
	} {
		register := ref
		register.Currency = "EUR"
		known := b.fundsConsent(ref, []service.Account{{ID: name + "-1", Reference: register}})
		want := []funds.Covered{b.on(known, name+"-1", "lea")}
		require.Equal(t, want, b.covered(ref), name)
		require.Equal(t, want, b.covered(register), "%s, with its currency", name)
		other := ref
		other.Currency = "USD"
		require.Empty(t, b.covered(other), "%s, in another currency", name)
	}
	b.fundsConsent(consent.Reference{PAN: "4000"}, []service.Account{{ID: "card", Reference: consent.Reference{IBAN: "DE1"}}})
	require.Len(t, b.covered(consent.Reference{PAN: "4000"}), 1, "in the words of the consent")
	require.Len(t, b.covered(consent.Reference{IBAN: "DE1"}), 1, "in the words of the bank")
}

func notCovered(t *testing.T, b *bundle) {
	t.Helper()
	ref := consent.Reference{IBAN: "DE40100100103307118608"}
	account := []service.Account{{ID: "a", Reference: ref}}
	for name, change := range map[string]func(*consent.Consent) error{
		"ended":     func(c *consent.Consent) error { return c.Terminate(start) },
		"suspended": func(c *consent.Consent) error { return c.Suspend(consent.ReasonBank, start) },
	} {
		_, err := b.Update(b.ctx, b.fundsConsent(ref, account), change)
		require.NoError(t, err, name)
	}
	b.fundsConsent(ref, account, func(d *consent.Draft) { d.Kind = consent.AccountAccess })
	b.fundsConsent(ref, account, func(d *consent.Draft) { d.TPP = "PSDXX-TEST-B" })
	b.create(draft(func(d *consent.Draft) { d.Kind = consent.FundsConfirmation }))
	require.Empty(t, b.covered(ref))
	b.fundsConsent(ref, account)
	require.Len(t, b.covered(ref), 1)
	for name, other := range map[string]consent.Reference{
		"another account": {IBAN: "DE02100100109307118603"}, "the same text as another kind": {BBAN: ref.IBAN},
		"as an other": {Other: consent.Other{Identification: ref.IBAN}}, "none": {},
	} {
		require.Empty(t, b.covered(other), name)
	}
}

func coveredInOrder(t *testing.T, b *bundle) {
	t.Helper()
	ref := consent.Reference{IBAN: "DE40100100103307118608"}
	in := func(currency string) consent.Reference { r := ref; r.Currency = currency; return r }
	first := b.fundsConsent(ref, []service.Account{{ID: "z", Reference: in("EUR")}, {ID: "a", Reference: in("USD")}})
	second := b.fundsConsent(ref, []service.Account{{ID: "a", Reference: in("USD")}}, func(d *consent.Draft) { d.Rail = consent.RailSTET })
	ofSTET := b.on(second, "a", "lea")
	ofSTET.Rail = consent.RailSTET
	require.Equal(t, []funds.Covered{b.on(first, "z", "lea"), b.on(first, "a", "lea"), ofSTET}, b.covered(ref))
	require.Equal(t, []funds.Covered{b.on(first, "a", "lea"), ofSTET}, b.covered(in("USD")))
}

// coveredOfSeveral has two customers with the same masked card number.
func coveredOfSeveral(t *testing.T, b *bundle) {
	t.Helper()
	ref := consent.Reference{MaskedPAN: "525412******3241", Currency: "EUR"}
	lea := b.fundsConsentOf("lea", ref, []service.Account{{ID: "card of lea", Reference: ref}})
	ben := b.fundsConsentOf("ben", ref, []service.Account{{ID: "card of ben", Reference: ref}})
	require.Equal(t, []funds.Covered{b.on(lea, "card of lea", "lea"), b.on(ben, "card of ben", "ben")}, b.covered(ref))
}

// coveredByScheme has one identification in many schemes: each is another account.
func coveredByScheme(t *testing.T, b *bundle) {
	t.Helper()
	schemes := []consent.Other{
		{},
		{SchemeCode: "CUST"},
		{SchemeCode: "BANK"},
		{SchemeName: "CUST"},
		{Issuer: "CUST"},
		{SchemeCode: "CUST", Issuer: "X"},
		{SchemeCode: "CUST", SchemeName: "Y", Issuer: "X"},
	}
	known := map[consent.Other]funds.Covered{}
	for i, o := range schemes {
		o.Identification = "47<11>"
		account, ref := fmt.Sprintf("a%d", i), consent.Reference{Other: o, CashAccountType: "CACC"}
		known[o] = b.on(b.fundsConsent(ref, []service.Account{{ID: account, Reference: consent.Reference{Other: o, Currency: "EUR"}}}), account, "lea")
	}
	for o, want := range known {
		require.Equal(t, []funds.Covered{want}, b.covered(consent.Reference{Other: o}), "%+v", o)
	}
	require.Empty(t, b.covered(consent.Reference{Other: consent.Other{Identification: "47<11>", Issuer: "Z"}}))
}
