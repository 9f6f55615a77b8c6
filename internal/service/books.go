package service

import (
	"context"
	"errors"

	"consentd/internal/consent"
)

// What a bank may say instead of account data.
var (
	ErrNoAccount = errors.New("the bank knows no such account")
	// ErrNoPage is about a cursor that the bank did not give, or no longer serves: the
	// statement has to be read from its beginning.
	ErrNoPage = errors.New("the statement has no such page")
)

// Books are what the bank knows of its accounts and of who uses them. Only dialects
// that consentd serves whole, data included, read them; who may see what of them is
// decided before (package access).
type Books interface {
	// Balances are those of an account (the bank's id). Fails with ErrNoAccount.
	Balances(ctx context.Context, account string) ([]Balance, error)
	// Transactions are those of an account (the bank's id): what is pending first, and
	// of either the newest first. Fails with ErrNoAccount and ErrNoPage.
	Transactions(ctx context.Context, account string, q Span) (Statement, error)
	// Identity says who a PSU is who acts for a customer (both the bank's ids). Fails
	// with ErrUnknownPSU, also where the PSU does not act for the customer.
	Identity(ctx context.Context, psu, customer string) (Identity, error)
}

// BalanceKind says what a balance counts.
type BalanceKind string

// The kinds of balances.
const (
	BalanceClosingBooked BalanceKind = "closingBooked" // all that was booked until the end of the reference day
	BalanceInstant       BalanceKind = "instant"       // what there is to spend now
	BalanceExpected      BalanceKind = "expected"      // with what is pending
	BalanceOther         BalanceKind = "other"         // what Name says
)

// Balance is what an account comes to. An amount below zero is owed to the bank.
type Balance struct {
	Kind      BalanceKind
	Name      string // the bank's label; never empty
	Amount    Amount
	Reference consent.Date // the day that it is of; zero where unknown
	LastEntry string       // Entry.Reference of the newest entry that it counts; empty where unknown
}

// MaxEntries is how many entries a Statement has at most.
const MaxEntries = 500

// Span is what part of an account's entries is asked for.
type Span struct {
	// From is the first day, To the one after the last; zero leaves an end open. What
	// is booked is found by the day of booking, what is pending by that of the
	// transaction.
	From, To consent.Date
	After    string // a Statement.Next of the same account and days; empty from the newest on
	Limit    int    // at most so many entries, and never more than MaxEntries; 0 leaves it to the bank
}

// Entry is one transaction on an account.
type Entry struct {
	ID        string // the same while it is pending and when it is booked
	Reference string // what the bank gave it when it was booked; may be empty
	Booked    bool   // false while it is pending
	Amount    Amount // below zero: a debit
	// The days of booking, of value and of the transaction itself; zero where unknown.
	Booking, Value, Transaction consent.Date
	Remittance                  []string // what for, in lines
	CounterpartyName            string   // who is on the other side; may be empty
	CounterpartyIBAN            string   // and from or to which account; may be empty, and is never logged
	// BankCode says what kind of transaction it is, by ISO 20022 (domain, family and
	// sub-family, as PMNT-RCDT-SALA) or in the bank's own words; may be empty.
	BankCode string
}

// Statement is one page of an account's entries.
type Statement struct {
	Entries []Entry
	Next    string // cursor of the next page, opaque; empty on the last one
}

// Identity is who somebody is, as a TPP may be told.
type Identity struct {
	FullName string
	// FirstName and LastName may both be empty.
	FirstName, LastName string
	// OrganisationID is that of a company, with the register that it is of, as
	// "SIREN 852126789"; there are no names of a person then.
	OrganisationID string
}
