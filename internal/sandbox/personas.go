package sandbox

import (
	"slices"

	"consentd/internal/consent"
	"consentd/internal/sandbox/books"
	"consentd/internal/service"
)

// Password is every persona's.
const Password = "sandbox"

// The personas that steer what happens.
const (
	personaReject  = "reject"  // SCA is refused
	personaBlocked = "blocked" // the bank has blocked them
	personaSlow    = "slow"    // the bank takes slowness after the right code
)

const (
	company     = "sarl"
	personaOmar = "omar" // has every method that there is
)

// The types of authentication that the bank has (XS2A, authenticationType), by
// which it names the methods too.
const (
	methodSMS = "SMS_OTP"
	methodApp = "PUSH_OTP"
	// These need no way to the phone: consentd keeps what they take.
	methodTOTP    = "TOTP"
	methodPasskey = "PASSKEY"
)

// ISO 20022 account types (ExternalCashAccountType1Code).
const (
	typeCurrent = "CACC"
	typeCard    = "CARD"
)

// persona is somebody who can log in. Its id is the login name.
type persona struct {
	ID       string
	Name     string
	About    string // for the start page
	Phone    string // masked
	Customer string // for whom they act: themselves, or the company
}

// personas lists who there is, in the order in which they are shown.
func personas() []persona {
	return []persona{
		{ID: "lea", Name: "LEA SANDBOXA", About: "Two accounts, one overdrawn", Phone: "+33 ••• 42", Customer: "lea"},
		{ID: "enzo", Name: "ENZO SANDBOXB", About: "One current account", Phone: "+33 ••• 17", Customer: "enzo"},
		{ID: "anna", Name: "ANNA SANDBOXD", About: "Two accounts, one in two currencies, and a card", Phone: "+49 ••• 08", Customer: "anna"},
		{ID: personaOmar, Name: "OMAR SANDBOXE", About: "One account in dirhams; confirms by SMS, app, authenticator or passkey", Phone: "+971 ••• 56", Customer: personaOmar},
		{ID: "noa", Name: "NOA SANDBOXC", About: "No account that can be shared", Phone: "+33 ••• 63", Customer: "noa"},
		{ID: "sarl-ceo", Name: "CLAIRE SANDBOXI", About: "Signs for the company, with sarl-cfo", Phone: "+33 ••• 01", Customer: company},
		{ID: "sarl-cfo", Name: "DAVID SANDBOXJ", About: "Signs for the company, with sarl-ceo", Phone: "+33 ••• 02", Customer: company},
		{ID: company, Name: "SARL SANDBOX", About: "The company: logs in, signs nothing", Phone: "+33 ••• 00", Customer: company},
		{ID: personaReject, Name: "REMY SANDBOXF", About: "The bank refuses to send a code", Phone: "+33 ••• 91", Customer: personaReject},
		{ID: personaBlocked, Name: "BLANCHE SANDBOXG", About: "Blocked at the bank", Phone: "+33 ••• 92", Customer: personaBlocked},
		{ID: personaSlow, Name: "SIMON SANDBOXH", About: "The bank answers after 30 seconds", Phone: "+33 ••• 93", Customer: personaSlow},
	}
}

// methods are the ways in which a persona confirms, the usual one first. The
// names read the same in every language that the pages have.
func (p persona) methods() []service.Method {
	list := []service.Method{{ID: methodSMS, Type: methodSMS, Name: "SMS: " + p.Phone}}
	if p.ID != personaOmar {
		return list
	}
	return append(list,
		service.Method{ID: methodApp, Type: methodApp, Name: "Sandbox Bank App: " + p.Phone},
		service.Method{ID: methodTOTP, Type: methodTOTP, Name: "Authenticator (TOTP)"},
		service.Method{ID: methodPasskey, Type: methodPasskey, Name: "Passkey"},
	)
}

// reachable reports whether a code reaches a persona by a method.
func (p persona) reachable(method string) bool {
	return (method == methodSMS || method == methodApp) &&
		slices.ContainsFunc(p.methods(), func(m service.Method) bool { return m.ID == method })
}

// customerOf describes a customer; personas that act for themselves are their own.
func customerOf(p persona) service.Customer {
	if p.Customer == company {
		return service.Customer{ID: company, Name: "SARL SANDBOX", OrganisationID: "852126789"}
	}
	return service.Customer{ID: p.ID, Name: p.Name}
}

// signersOf names who must sign for a customer.
func signersOf(customer string) []string {
	if customer == company {
		return []string{"sarl-ceo", "sarl-cfo"}
	}
	return []string{customer}
}

// account is an account with what only the sandbox knows of it.
type account struct {
	Customer   string `json:"customer"`
	ResourceID string `json:"resourceId"`
	IBAN       string `json:"iban,omitempty"`
	MaskedPAN  string `json:"maskedPan,omitempty"`
	Currency   string `json:"currency"`
	Name       string `json:"name"`
	Balance    string `json:"balance"` // a decimal number
}

// id is the bank's stable id of the account, under which its interface serves
// the account too.
func (a account) id() string { return a.ResourceID }

// ledger is that of the account on a day, by the one on which it has its documented
// balance.
func (a account) ledger(today, anchor consent.Date) books.Ledger {
	return books.Open(a.ResourceID, a.Balance, today, anchor)
}

func (a account) service(owner string) service.Account {
	kind := typeCurrent
	if a.MaskedPAN != "" {
		kind = typeCard
	}
	return service.Account{
		ID: a.id(),
		Reference: consent.Reference{
			IBAN: a.IBAN, MaskedPAN: a.MaskedPAN, Currency: a.Currency, CashAccountType: kind,
		},
		Name:  a.Name,
		Owner: owner,
	}
}

// accounts lists what the personas own from the start.
func accounts() []account {
	return []account{
		{Customer: "lea", ResourceID: "r1", IBAN: "FR7617515000920400430518020", Currency: "EUR", Name: "Compte courant", Balance: "-140.00"},
		{Customer: "lea", ResourceID: "r2", IBAN: "FR7617515000920400430518117", Currency: "EUR", Name: "Compte joint", Balance: "1250.00"},
		{Customer: "enzo", ResourceID: "r9", IBAN: "FR7617515900000400430518379", Currency: "EUR", Name: "Compte courant", Balance: "10.00"},
		{Customer: company, ResourceID: "r21", IBAN: "FR7617515000930000085212187", Currency: "EUR", Name: "Compte professionnel", Balance: "48310.55"},
		{Customer: company, ResourceID: "r22", IBAN: "FR7617515000930000085212284", Currency: "EUR", Name: "Compte de paie", Balance: "9120.00"},
		{Customer: "anna", ResourceID: "r31", IBAN: "DE40100100103307118608", Currency: "EUR", Name: "Girokonto", Balance: "2310.18"},
		{Customer: "anna", ResourceID: "r32", IBAN: "DE02100100109307118603", Currency: "EUR", Name: "Reisekonto", Balance: "640.00"},
		{Customer: "anna", ResourceID: "r33", IBAN: "DE02100100109307118603", Currency: "USD", Name: "Reisekonto", Balance: "815.40"},
		{Customer: "anna", ResourceID: "r34", MaskedPAN: "525412******3241", Currency: "EUR", Name: "Kreditkarte", Balance: "-73.25"},
		{Customer: personaOmar, ResourceID: "r41", IBAN: "AE070331234567890123456", Currency: "AED", Name: "Current account", Balance: "15400.00"},
		{Customer: personaReject, ResourceID: "r51", IBAN: "FR7617515000940000000005141", Currency: "EUR", Name: "Compte courant", Balance: "100.00"},
		{Customer: personaBlocked, ResourceID: "r52", IBAN: "FR7617515000940000000005238", Currency: "EUR", Name: "Compte courant", Balance: "100.00"},
		{Customer: personaSlow, ResourceID: "r53", IBAN: "FR7617515000940000000005335", Currency: "EUR", Name: "Compte courant", Balance: "100.00"},
	}
}
