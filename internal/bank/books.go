package bank

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"

	"consentd/internal/consent"
	"consentd/internal/service"
)

// money is an amount on the wire.
type money struct {
	Currency string `json:"currency"`
	Amount   string `json:"amount"`
}

// The forms of an amount and of its currency.
var (
	formAmount   = regexp.MustCompile(`^-?[0-9]{1,14}(\.[0-9]{1,3})?$`)
	formCurrency = regexp.MustCompile(`^[A-Z]{3}$`)
)

// errForm means that an answer has a member of another form than is described. It does
// not say what came.
var errForm = fmt.Errorf("%w: a member has another form", ErrNoAnswer)

func (m money) domain() (service.Amount, error) {
	if !formAmount.MatchString(m.Amount) || !formCurrency.MatchString(m.Currency) {
		return service.Amount{}, errForm
	}
	return service.Amount{Currency: m.Currency, Value: m.Amount}, nil
}

// dates reads days, some of which may not be there.
func dates(texts ...string) ([]consent.Date, error) {
	list := make([]consent.Date, len(texts))
	for i, text := range texts {
		if text == "" {
			continue
		}
		day, err := consent.ParseDate(text)
		if err != nil {
			return nil, errForm // the cause quotes it
		}
		list[i] = day
	}
	return list, nil
}

// kinds are those of balances, as the bank names them.
var kinds = map[service.BalanceKind]bool{
	service.BalanceClosingBooked: true, service.BalanceInstant: true,
	service.BalanceExpected: true, service.BalanceOther: true,
}

type balance struct {
	Kind          service.BalanceKind `json:"kind"`
	Name          string              `json:"name"`
	Amount        money               `json:"amount"`
	ReferenceDate string              `json:"referenceDate"`
	LastEntry     string              `json:"lastEntry"`
}

func (b balance) domain() (service.Balance, error) {
	if b.Name == "" || !kinds[b.Kind] {
		return service.Balance{}, errForm
	}
	amount, err := b.Amount.domain()
	if err != nil {
		return service.Balance{}, err
	}
	days, err := dates(b.ReferenceDate)
	if err != nil {
		return service.Balance{}, err
	}
	return service.Balance{Kind: b.Kind, Name: b.Name, Amount: amount, Reference: days[0], LastEntry: b.LastEntry}, nil
}

// Balances implements service.Books.
func (c *Client) Balances(ctx context.Context, account string) ([]service.Balance, error) {
	var answer struct {
		Balances []balance `json:"balances"`
	}
	if _, err := c.get(ctx, &answer, "accounts", account, "balances"); err != nil {
		return nil, ofAccount(err)
	}
	list := make([]service.Balance, len(answer.Balances))
	for i, b := range answer.Balances {
		var err error
		if list[i], err = b.domain(); err != nil {
			return nil, fmt.Errorf("bank GET balances: %w", err)
		}
	}
	return list, nil
}

// ofAccount says what an error of the bank's means for an account.
func ofAccount(err error) error {
	switch {
	case errors.Is(err, ErrUnknown):
		return fmt.Errorf("%w: %w", service.ErrNoAccount, err)
	case errors.Is(err, errNoPage):
		return fmt.Errorf("%w: %w", service.ErrNoPage, err)
	default:
		return err
	}
}

type entry struct {
	Entry           string   `json:"entry"`
	Reference       string   `json:"reference"`
	Booked          *bool    `json:"booked"`
	Amount          money    `json:"amount"`
	BookingDate     string   `json:"bookingDate"`
	ValueDate       string   `json:"valueDate"`
	TransactionDate string   `json:"transactionDate"`
	Remittance      []string `json:"remittance"`
	Counterparty    struct {
		Name string `json:"name"`
		IBAN string `json:"iban"`
	} `json:"counterparty"`
	BankCode string `json:"bankCode"`
}

func (e entry) domain() (service.Entry, error) {
	if e.Entry == "" || e.Booked == nil {
		return service.Entry{}, errForm
	}
	amount, err := e.Amount.domain()
	if err != nil {
		return service.Entry{}, err
	}
	days, err := dates(e.BookingDate, e.ValueDate, e.TransactionDate)
	if err != nil {
		return service.Entry{}, err
	}
	return service.Entry{
		ID: e.Entry, Reference: e.Reference, Booked: *e.Booked, Amount: amount,
		Booking: days[0], Value: days[1], Transaction: days[2], Remittance: e.Remittance,
		CounterpartyName: e.Counterparty.Name, CounterpartyIBAN: e.Counterparty.IBAN, BankCode: e.BankCode,
	}, nil
}

// Transactions implements service.Books.
func (c *Client) Transactions(ctx context.Context, account string, q service.Span) (service.Statement, error) {
	var answer struct {
		Entries []entry `json:"entries"`
		Next    string  `json:"next"`
	}
	if _, err := c.look(ctx, &answer, spanOf(q), "accounts", account, "transactions"); err != nil {
		return service.Statement{}, ofAccount(err)
	}
	s := service.Statement{Entries: make([]service.Entry, len(answer.Entries)), Next: answer.Next}
	for i, e := range answer.Entries {
		var err error
		if s.Entries[i], err = e.domain(); err != nil {
			return service.Statement{}, fmt.Errorf("bank GET transactions: %w", err)
		}
	}
	return s, nil
}

// spanOf writes a span; what it leaves open is left out.
func spanOf(q service.Span) url.Values {
	values := url.Values{}
	for name, day := range map[string]consent.Date{"from": q.From, "to": q.To} {
		if day != (consent.Date{}) {
			values.Set(name, day.String())
		}
	}
	if q.After != "" {
		values.Set("after", q.After)
	}
	if q.Limit > 0 {
		values.Set("limit", strconv.Itoa(min(q.Limit, service.MaxEntries)))
	}
	return values
}

// Identity implements service.Books. A bank that names nobody has not answered.
func (c *Client) Identity(ctx context.Context, psu, customer string) (service.Identity, error) {
	var answer struct {
		FullName       string `json:"fullName"`
		FirstName      string `json:"firstName"`
		LastName       string `json:"lastName"`
		OrganisationID string `json:"organisationId"`
	}
	_, err := c.look(ctx, &answer, url.Values{"customer": {customer}}, "psus", psu, "identity")
	switch {
	case errors.Is(err, ErrUnknown):
		return service.Identity{}, fmt.Errorf("%w: %w", service.ErrUnknownPSU, err)
	case err != nil:
		return service.Identity{}, err
	case answer.OrganisationID != "":
		return service.Identity{OrganisationID: answer.OrganisationID}, nil // no names of a person then
	case answer.FullName == "":
		return service.Identity{}, fmt.Errorf("bank GET identity: %w: nobody", ErrNoAnswer)
	}
	return service.Identity(answer), nil
}
