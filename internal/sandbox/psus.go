package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"regexp"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/sandbox/pages"
)

// psuView is a persona on the wire.
type psuView struct {
	PSU      string        `json:"psu"`
	UserID   string        `json:"userId"`
	Name     string        `json:"name"`
	Accounts []accountView `json:"accounts"`
}

// accountView is an account on the wire.
type accountView struct {
	AccountID  string `json:"accountId"`
	ResourceID string `json:"resourceId"`
	IBAN       string `json:"iban,omitempty"`
	MaskedPAN  string `json:"maskedPan,omitempty"`
	Currency   string `json:"currency"`
	Name       string `json:"name"`
	Balance    string `json:"balance"`
}

func viewOf(a account) accountView {
	return accountView{
		AccountID: a.id(), ResourceID: a.ResourceID, IBAN: a.IBAN, MaskedPAN: a.MaskedPAN,
		Currency: a.Currency, Name: a.Name, Balance: a.Balance,
	}
}

func (s *Sandbox) view(ctx context.Context, p persona) (psuView, error) {
	id, err := s.Users.UserID(ctx, p.ID)
	if err != nil {
		return psuView{}, fmt.Errorf("user id: %w", err)
	}
	owned, err := s.Bank.holdings(ctx, p.Customer)
	if err != nil {
		return psuView{}, err
	}
	v := psuView{PSU: p.ID, UserID: id, Name: p.Name, Accounts: make([]accountView, len(owned))}
	for i, a := range owned {
		v.Accounts[i] = viewOf(a)
	}
	return v, nil
}

// listPSUs shows everybody, to people or to programs.
func (s *Sandbox) listPSUs(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderVary, echo.HeaderAccept)
	if pages.WantsHTML(c.Request()) {
		return s.peoplePage(c)
	}
	var views []psuView
	for _, p := range personas() {
		v, err := s.view(c.Request().Context(), p)
		if err != nil {
			return s.fail(c, err)
		}
		views = append(views, v)
	}
	return c.JSON(http.StatusOK, views)
}

// readPSU shows one of them, to people or to programs.
func (s *Sandbox) readPSU(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderVary, echo.HeaderAccept)
	p, err := personaOf(c.Param("psu"))
	switch {
	case pages.WantsHTML(c.Request()) && err != nil:
		return s.problem(c, err)
	case pages.WantsHTML(c.Request()):
		blank, err := s.blank(c.Request().Context())
		if err != nil {
			return s.problem(c, err)
		}
		return s.personPage(c, p, http.StatusOK, personPage{Tried: blank})
	case err != nil:
		return s.fail(c, err)
	}
	v, err := s.view(c.Request().Context(), p)
	if err != nil {
		return s.fail(c, err)
	}
	return c.JSON(http.StatusOK, v)
}

// newAccount is the body of POST /sandbox/psus/{psu}/accounts.
type newAccount struct {
	IBAN       string `json:"iban"`
	Currency   string `json:"currency"`
	Name       string `json:"name"`
	ResourceID string `json:"resourceId"`
	Balance    string `json:"balance"` // "0.00" when absent
}

// The forms of an account's members. Whether an IBAN's check digits are right
// is not looked at: published test data would not pass.
var (
	formIBAN     = regexp.MustCompile(`^[A-Z]{2}[0-9]{2}[A-Z0-9]{1,30}$`)
	formCurrency = regexp.MustCompile(`^[A-Z]{3}$`)
	formName     = regexp.MustCompile(`^.{1,70}$`)
	formResource = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,70}$`)
	formBalance  = regexp.MustCompile(`^-?[0-9]{1,14}(\.[0-9]{1,3})?$`)
)

func (n newAccount) check() error {
	for _, m := range []struct {
		path, value string
		form        *regexp.Regexp
		text        string
	}{
		{"iban", n.IBAN, formIBAN, "iban must be an IBAN in capitals, without spaces"},
		{"currency", n.Currency, formCurrency, "currency must be three capital letters"},
		{"name", n.Name, formName, "name must have 1 to 70 characters"},
		{"resourceId", n.ResourceID, formResource, "resourceId must have 1 to 70 letters, digits, or . _ ~ -"},
		{"balance", n.Balance, formBalance, "balance must be a decimal number as a string"},
	} {
		if !m.form.MatchString(m.value) {
			return consent.At(consent.CodeFormat, m.path, "%s", m.text)
		}
	}
	return nil
}

// openAccount opens an account, for a page's form or for a program.
func (s *Sandbox) openAccount(c echo.Context) error {
	p, err := personaOf(c.Param("psu"))
	form := isForm(c.Request())
	switch {
	case err != nil && form:
		return s.problem(c, err)
	case err != nil:
		return s.fail(c, err)
	case form:
		return s.openByForm(c, p)
	}
	body := newAccount{Balance: "0.00"}
	if err := pages.Decode(c.Request(), &body); err != nil {
		return s.fail(c, err)
	}
	a, err := s.open(c.Request().Context(), p, body)
	if err != nil {
		return s.fail(c, err)
	}
	return c.JSON(http.StatusCreated, viewOf(a))
}

// open opens an account for a persona. Fails with CodeFormat, and with
// CodeStatusInvalid where the bank has it already.
func (s *Sandbox) open(ctx context.Context, p persona, n newAccount) (account, error) {
	if err := n.check(); err != nil {
		return account{}, err
	}
	a := account{
		Customer: p.Customer, ResourceID: n.ResourceID, IBAN: n.IBAN,
		Currency: n.Currency, Name: n.Name, Balance: n.Balance,
	}
	return a, s.Bank.Open(ctx, a)
}
