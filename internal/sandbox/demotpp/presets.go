package demotpp

import (
	"slices"
	"strings"
	"time"
)

// preset fills the form.
type preset struct {
	Name, Title, About string
	psu                string // whom it is about, unless the visitor says otherwise
	fill               func(d draft, p Person, now time.Time)
}

const (
	// address is the visitor's, as the bank is told: one of those for examples.
	address = "192.0.2.7"
	// days is for how long the presets ask.
	days = 90
	// company acts through two signers.
	companySigner = "sarl-ceo"
)

// presets are what the form can be filled with; the first is what it begins with.
var presets = []preset{
	{"usual", "Recurring", "The customer chooses the accounts at the bank", "anna", func(draft, Person, time.Time) {}},
	{"named", "Named accounts", "The TPP knows the accounts already", "lea", func(d draft, p Person, _ time.Time) {
		named(d, p, rights[:3])
	}},
	{"once", "One-off", "Each right may be used once", "enzo", func(d draft, _ Person, now time.Time) {
		once(d, now)
	}},
	{"list", "List of accounts", "Which accounts there are, nothing else", "anna", func(d draft, _ Person, now time.Time) {
		once(d, now)
		set(d, fieldModel, modelList)
		delete(d, fieldRights)
	}},
	{"everything", "Everything", "All accounts, with the owner's name", "lea", func(d draft, _ Person, _ time.Time) {
		set(d, fieldModel, modelAll)
		set(d, fieldOwner, yes)
		delete(d, fieldRights)
	}},
	{"decoupled", "In the app", "Decoupled: the customer approves on the phone", "lea", func(d draft, p Person, _ time.Time) {
		set(d, fieldRedirect, no)
		named(d, p, rights[:3])
	}},
	{"embedded", "Embedded", "The customer gives password and code to the TPP, where the bank offers it", "enzo", func(d draft, p Person, _ time.Time) {
		set(d, fieldRedirect, no)
		set(d, fieldDecoupled, no)
		named(d, p, rights[:3])
	}},
	{"signers", "Two signers", "A company: an authorisation for each signer, one after the other", companySigner, func(d draft, p Person, _ time.Time) {
		set(d, fieldExplicit, yes)
		named(d, p, rights[:3])
	}},
	{"funds", "Confirmation of funds", "Is an amount available?", "lea", func(d draft, p Person, _ time.Time) {
		set(d, fieldKind, kindFunds)
		if len(p.Accounts) > 0 {
			set(d, fieldAccount, p.Accounts[0])
		}
		set(d, fieldCardInfo, "Demo TPP card")
	}},
	{"wrong", "Wrong on purpose", "Too old, too often for a one-off, without an address: what does the bank say?", "anna", func(d draft, _ Person, now time.Time) {
		set(d, fieldUntil, now.AddDate(0, 0, -30).Format(time.DateOnly))
		set(d, fieldRecurring, no)
		set(d, fieldFrequency, "99")
		delete(d, fieldAddress)
	}},
}

// filled is the form as a preset has it, for somebody: an unknown preset is the
// first, and an unknown login stays as it was typed.
func (a *App) filled(name, login string) draft {
	i := max(0, slices.IndexFunc(presets, func(p preset) bool { return p.Name == name }))
	chosen, now := presets[i], a.Now()
	if login == "" {
		login = chosen.psu
	}
	person := a.person(login)
	d := draft{
		fieldKind: {kindAccounts}, fieldPSU: {login}, fieldAddress: {address}, fieldModel: {modelOffered},
		fieldRights: slices.Clone(rights[:3]), fieldRecurring: {yes}, fieldFrequency: {"4"}, fieldNok: {yes},
		fieldUntil: {now.AddDate(0, 0, days).Format(time.DateOnly)},
	}
	if person.CorporateID != "" {
		set(d, fieldCorporate, person.CorporateID)
	}
	chosen.fill(d, person, now)
	return d
}

// person is whom a login belongs to; somebody without accounts where nobody knows.
func (a *App) person(login string) Person {
	for _, p := range a.People {
		if p.Login == login {
			return p
		}
	}
	return Person{Login: login}
}

func set(d draft, field, value string) { d[field] = []string{value} }

// named has the TPP name what somebody has.
func named(d draft, p Person, lists []string) {
	set(d, fieldModel, modelDedicated)
	d[fieldRights] = slices.Clone(lists)
	for _, right := range lists {
		set(d, "list."+right, strings.Join(p.Accounts, "\n"))
	}
}

func once(d draft, now time.Time) {
	set(d, fieldRecurring, no)
	set(d, fieldFrequency, "1")
	set(d, fieldUntil, now.Format(time.DateOnly))
}
