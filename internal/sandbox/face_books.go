package sandbox

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/service"
)

type moneyFace struct {
	Currency string `json:"currency"`
	Amount   string `json:"amount"`
}

func moneyOf(a service.Amount) moneyFace { return moneyFace{Currency: a.Currency, Amount: a.Value} }

// dayOf writes a day; empty for none.
func dayOf(day consent.Date) string {
	if day == (consent.Date{}) {
		return ""
	}
	return day.String()
}

type balanceFace struct {
	Kind          service.BalanceKind `json:"kind"`
	Name          string              `json:"name"`
	Amount        moneyFace           `json:"amount"`
	ReferenceDate string              `json:"referenceDate,omitempty"`
	LastEntry     string              `json:"lastEntry,omitempty"`
}

func (s *Sandbox) listBalances(c echo.Context) error {
	list, err := s.Bank.Balances(c.Request().Context(), c.Param("account"))
	faces := make([]balanceFace, len(list))
	for i, b := range list {
		faces[i] = balanceFace{
			Kind: b.Kind, Name: b.Name, Amount: moneyOf(b.Amount), ReferenceDate: dayOf(b.Reference), LastEntry: b.LastEntry,
		}
	}
	return s.answer(c, http.StatusOK, map[string]any{"balances": faces}, err)
}

type entryFace struct {
	Entry           string            `json:"entry"`
	Reference       string            `json:"reference,omitempty"`
	Booked          bool              `json:"booked"`
	Amount          moneyFace         `json:"amount"`
	BookingDate     string            `json:"bookingDate,omitempty"`
	ValueDate       string            `json:"valueDate,omitempty"`
	TransactionDate string            `json:"transactionDate,omitempty"`
	Remittance      []string          `json:"remittance,omitempty"`
	Counterparty    *counterpartyFace `json:"counterparty,omitempty"`
	BankCode        string            `json:"bankCode,omitempty"`
}

type counterpartyFace struct {
	Name string `json:"name,omitempty"`
	IBAN string `json:"iban,omitempty"`
}

func faceOf(e service.Entry) entryFace {
	return entryFace{
		Entry: e.ID, Reference: e.Reference, Booked: e.Booked, Amount: moneyOf(e.Amount),
		BookingDate: dayOf(e.Booking), ValueDate: dayOf(e.Value), TransactionDate: dayOf(e.Transaction),
		Remittance: e.Remittance, Counterparty: &counterpartyFace{Name: e.CounterpartyName, IBAN: e.CounterpartyIBAN}, BankCode: e.BankCode,
	}
}

type statementFace struct {
	Entries []entryFace `json:"entries"`
	Next    string      `json:"next,omitempty"`
}

func (s *Sandbox) listTransactions(c echo.Context) error {
	q, err := spanOf(c)
	if err != nil {
		return s.fail(c, err)
	}
	statement, err := s.Bank.Transactions(c.Request().Context(), c.Param("account"), q)
	body := statementFace{Entries: make([]entryFace, len(statement.Entries)), Next: statement.Next}
	for i, e := range statement.Entries {
		body.Entries[i] = faceOf(e)
	}
	return s.answer(c, http.StatusOK, body, err)
}

// spanOf reads which part of a statement is asked for. Fails with CodeFormat.
func spanOf(c echo.Context) (service.Span, error) {
	q := service.Span{After: c.QueryParam("after")}
	for name, into := range map[string]*consent.Date{"from": &q.From, "to": &q.To} {
		text := c.QueryParam(name)
		if text == "" {
			continue
		}
		day, err := consent.ParseDate(text)
		if err != nil {
			return q, consent.At(consent.CodeFormat, name, "%s must be a date, as YYYY-MM-DD", name)
		}
		*into = day
	}
	if text := c.QueryParam("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > service.MaxEntries {
			return q, consent.At(consent.CodeFormat, "limit", "limit must be a number from 1 to %d", service.MaxEntries)
		}
		q.Limit = n
	}
	return q, nil
}

type identityFace struct {
	FullName       string `json:"fullName,omitempty"`
	FirstName      string `json:"firstName,omitempty"`
	LastName       string `json:"lastName,omitempty"`
	OrganisationID string `json:"organisationId,omitempty"`
}

func (s *Sandbox) readIdentity(c echo.Context) error {
	identity, err := s.Bank.Identity(c.Request().Context(), c.Param("psu"), c.QueryParam("customer"))
	return s.answer(c, http.StatusOK, identityFace(identity), err)
}
