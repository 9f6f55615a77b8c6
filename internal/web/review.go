package web

import (
	"strings"

	"consentd/internal/consent"
	"consentd/internal/service/sca"
)

// account is one account as people read it.
type account struct {
	Key      string
	Name     string
	Number   string
	Currency string
	Data     []string // what is shared of it, where the accounts differ in that
}

// choice is the body of the page on which the PSU chooses accounts.
type choice struct {
	Customer string
	Accounts []account
	Data     []string // what will be shared of each
}

// agreement is the body of the page on which the PSU reads what they agree to.
type agreement struct {
	Customer  string
	All       string // in words, where no accounts are named
	Accounts  []account
	Data      []string // what is shared of each; empty where the accounts differ
	Until     string
	Recurring bool
	Frequency int  // accesses without the PSU, per day
	Last      bool // no factor follows
	Others    int  // who must agree as well
	Funds     *fundsAgreement
}

// fundsAgreement is what else a consent to the confirmation of funds says; nil
// for every other consent. It has neither an end nor a frequency.
type fundsAgreement struct {
	Card         *card  // nil where the TPP says nothing of one
	Registration string // in the TPP's words
}

// card is the card for which a TPP asks, as it describes it.
type card struct{ Number, Expiry, Information string }

func accounts(sh *sheet, v *sca.View) (choice, error) {
	list, data, err := describe(sh.speech, v)
	return choice{Customer: v.Customer, Accounts: list, Data: data}, err
}

func review(sh *sheet, v *sca.View) (agreement, error) {
	a := agreement{
		Customer:  v.Customer,
		Recurring: v.Consent.Recurring,
		Frequency: v.Consent.FrequencyPerDay,
		Last:      v.Authenticated,
		Others:    v.Others,
	}
	var err error
	if a.Accounts, a.Data, err = describe(sh.speech, v); err != nil {
		return a, err
	}
	if blind(v) {
		a.Accounts = nil
	}
	if id, ok := openScopes[v.Consent.Access.Scope]; ok && !blind(v) {
		if a.All, err = sh.Say(id); err != nil {
			return a, err
		}
	}
	if sh.Funds {
		a.Funds, err = funds(sh.speech, v.Consent.Card)
		return a, err
	}
	a.Until, err = sh.Date(v.Consent.ValidUntil)
	return a, err
}

func funds(sp *speech, c consent.Card) (*fundsAgreement, error) {
	f := &fundsAgreement{Registration: c.Registration}
	if c.Number == "" && c.Information == "" && c.Expiry == (consent.Date{}) {
		return f, nil
	}
	f.Card = &card{Number: fours(c.Number), Information: c.Information}
	if c.Expiry == (consent.Date{}) {
		return f, nil
	}
	var err error
	f.Card.Expiry, err = sp.Date(c.Expiry)
	return f, err
}

// openScopes words the scopes whose accounts are found anew at each access.
var openScopes = map[consent.Scope]string{
	consent.ScopeAllPSD2:           "consent.all",
	consent.ScopeAvailable:         "consent.list",
	consent.ScopeAvailableBalances: "consent.list",
}

// blind tells a connection by which a TPP does not even see the accounts.
func blind(v *sca.View) bool {
	return v.Consent.Kind == consent.Connection && !v.Consent.Access.Rights.Has(consent.RightAccounts)
}

// atLeast is what a scope means whatever rights it was stored with: the PSU is
// never told of less than the TPP may read.
var atLeast = map[consent.Scope]consent.Rights{
	consent.ScopeAllPSD2:           consent.RightAccounts | consent.RightBalances | consent.RightTransactions,
	consent.ScopeAvailable:         consent.RightAccounts,
	consent.ScopeAvailableBalances: consent.RightAccounts | consent.RightBalances,
}

// describe words the offered accounts and the data. Data that is the same for
// all accounts is told once, else beside each.
func describe(sp *speech, v *sca.View) ([]account, []string, error) {
	scope := v.Consent.Access.Scope
	common := atLeast[scope]
	if blind(v) {
		common = 0
	}
	if v.Consent.Access.OwnerName {
		common |= consent.RightOwnerName
	}
	same := true
	list := make([]account, len(v.Offers))
	for i, o := range v.Offers {
		list[i] = account{Key: o.Key, Name: o.Account.Name, Number: number(o.Account.Reference), Currency: o.Account.Reference.Currency}
		same = same && o.Rights == v.Offers[0].Rights
		var err error
		if list[i].Data, err = data(sp, (o.Rights | common).Implied()); err != nil {
			return nil, nil, err
		}
	}
	if !same {
		return list, nil, nil
	}
	rights := common | v.Consent.Access.Rights
	if len(v.Offers) > 0 {
		rights |= v.Offers[0].Rights
	}
	for i := range list {
		list[i].Data = nil
	}
	all, err := data(sp, rights.Implied())
	return list, all, err
}

// wording is one right in plain words.
type wording struct {
	right consent.Rights
	id    string
}

var wordings = []wording{
	{consent.RightAccounts, "data.accounts"},
	{consent.RightBalances, "data.balances"},
	{consent.RightTransactions, "data.transactions"},
	{consent.RightOwnerName, "data.ownerName"},
	{consent.RightTrustedBeneficiaries, "data.trustedBeneficiaries"},
	{consent.RightIdentity, "data.identity"},
	{consent.RightFunds, "data.funds"},
	{consent.RightPayments, "data.payments"},
	{consent.RightLongHistory, "data.history"},
}

func data(sp *speech, rights consent.Rights) ([]string, error) {
	var words []string
	for _, w := range wordings {
		if !rights.Has(w.right) {
			continue
		}
		word, err := sp.Say(w.id)
		if err != nil {
			return nil, err
		}
		words = append(words, word)
	}
	return words, nil
}

// number is what identifies an account, as it is printed: IBANs and card
// numbers in groups of four.
func number(r consent.Reference) string {
	switch {
	case r.IBAN != "":
		return fours(r.IBAN)
	case r.MaskedPAN != "":
		return fours(r.MaskedPAN)
	case r.PAN != "":
		return fours(r.PAN)
	default:
		return first(r.BBAN, r.MSISDN, r.Other.Identification)
	}
}

func fours(s string) string {
	var b strings.Builder
	for i, r := range []rune(strings.ReplaceAll(s, " ", "")) {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}
