package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"consentd/internal/consent"
	"consentd/internal/sandbox/books"
	"consentd/internal/service"
)

// registerOfCompanies is what the company's number is of.
const registerOfCompanies = "SIREN"

// Balances implements service.Books.
func (b *Bank) Balances(ctx context.Context, id string) ([]service.Balance, error) {
	a, err := b.account(ctx, id)
	if err != nil {
		return nil, err
	}
	return a.balances(b.ledger(a)), nil
}

// balances are what the account came to at the end of yesterday, what it has to
// spend, which is the same, since nothing is booked by day and nothing is held
// back, and what it will have once everything that is pending is booked. A card has
// no disposable balance.
func (a account) balances(l books.Ledger) []service.Balance {
	booked := l.Balance()
	list := []service.Balance{{
		Kind: service.BalanceClosingBooked, Name: "Booked balance", Amount: a.amount(booked),
		Reference: l.Closed(), LastEntry: l.Last(l.Closed()),
	}}
	if a.MaskedPAN == "" {
		list = append(list, service.Balance{
			Kind: service.BalanceInstant, Name: "Available balance", Amount: a.amount(booked), Reference: l.Today(),
		})
	}
	return append(list, service.Balance{
		Kind: service.BalanceExpected, Name: "Expected balance", Amount: a.amount(l.Expected()), Reference: l.Today(),
	})
}

func (a account) amount(value string) service.Amount {
	return service.Amount{Currency: a.Currency, Value: value}
}

// Transactions implements service.Books. Further pages are of the ledger as the first
// one saw it, so that they stay as they are when a night falls during the walk.
func (b *Bank) Transactions(ctx context.Context, id string, q service.Span) (service.Statement, error) {
	a, err := b.account(ctx, id)
	if err != nil {
		return service.Statement{}, err
	}
	at, err := b.cursor(q.After)
	if err != nil {
		return service.Statement{}, err
	}
	l := a.ledger(at.day, b.anchor())
	from, last := q.From, l.Today()
	if from == (consent.Date{}) {
		from = l.Oldest()
	}
	if q.To != (consent.Date{}) {
		last = q.To.AddDays(-1)
	}
	list := slices.Concat(newest(l.Pending(from, last)), newest(l.Within(from, last)))
	if at.offset > 0 && at.offset >= len(list) {
		return service.Statement{}, fmt.Errorf("transactions: %w", service.ErrNoPage)
	}
	size, statement := len(list)-at.offset, service.Statement{Entries: []service.Entry{}}
	if limit := min(cmp.Or(q.Limit, defaultPageSize), service.MaxEntries); limit < size {
		size, statement.Next = limit, position{day: at.day, offset: at.offset + limit}.String()
	}
	for _, m := range list[at.offset : at.offset+size] {
		statement.Entries = append(statement.Entries, a.entry(m))
	}
	return statement, nil
}

// position is where a page begins: after so many entries of the ledger as it was on a day.
type position struct {
	day    consent.Date
	offset int
}

// String is the cursor, which cursor reads.
func (p position) String() string { return p.day.String() + "." + strconv.Itoa(p.offset) }

// cursor reads one that was given today or yesterday; without one the statement begins
// today. Fails with service.ErrNoPage.
func (b *Bank) cursor(text string) (position, error) {
	p := position{day: b.today()}
	if text == "" {
		return p, nil
	}
	day, offset, _ := strings.Cut(text, ".")
	given, err := consent.ParseDate(day)
	if err != nil || given != p.day && given != p.day.AddDays(-1) {
		return position{}, fmt.Errorf("cursor: %w", service.ErrNoPage)
	}
	n, err := strconv.Atoi(offset)
	if err != nil || n < 1 || offset != strconv.Itoa(n) {
		return position{}, fmt.Errorf("cursor: %w", service.ErrNoPage)
	}
	return position{day: given, offset: n}, nil
}

// entry is a movement on the account.
func (a account) entry(m books.Movement) service.Entry {
	e := service.Entry{
		ID: m.ID, Reference: m.Reference, Booked: m.Reference != "", Amount: a.amount(m.Amount.String()),
		Value: m.Booked, Transaction: m.Entered, Remittance: []string{m.Text},
		CounterpartyName: m.Order.Who, BankCode: m.Order.Code,
	}
	if e.Booked {
		e.Booking = m.Booked
	}
	if other := otherSide(a, m); other != nil {
		e.CounterpartyIBAN = other.IBAN
	}
	return e
}

// newest turns a list that begins with the oldest.
func newest(list []books.Movement) []books.Movement {
	slices.Reverse(list)
	return list
}

// otherSide is the account on the other side; nil for shops, which only the card's
// scheme knows.
func otherSide(a account, m books.Movement) *account {
	if m.Order.Code == books.CodeCard {
		return nil
	}
	return partner(a, m.Order)
}

// partner is the account on the other side of an account's order: the customer's own,
// or one that is made up.
func partner(a account, o books.Order) *account {
	if o.Own == "" {
		return &account{IBAN: books.IBAN(a.ResourceID, o)}
	}
	for _, own := range accounts() {
		if own.ResourceID == o.Own {
			return &own
		}
	}
	return nil
}

// Identity implements service.Books.
func (b *Bank) Identity(_ context.Context, psu, customer string) (service.Identity, error) {
	p, err := personaOf(psu)
	if err != nil || p.Customer != customer {
		return service.Identity{}, fmt.Errorf("identity: %w", service.ErrUnknownPSU)
	}
	if c := customerOf(p); c.OrganisationID != "" {
		return service.Identity{OrganisationID: registerOfCompanies + " " + c.OrganisationID}, nil
	}
	first, last, _ := strings.Cut(p.Name, " ")
	return service.Identity{FullName: p.Name, FirstName: first, LastName: last}, nil
}
