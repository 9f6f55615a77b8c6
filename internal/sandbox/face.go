package sandbox

import (
	"cmp"
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/sandbox/pages"
	"consentd/internal/service"
)

// BankToken is the bearer token for the bank's HTTP face (openapi/bank.yaml).
const BankToken = "sandbox-bank"

// TokenOf is the bearer token of the bank's own systems in a role. It is no secret.
func TokenOf(role service.Role) string { return "sandbox-" + string(role) }

// isPublic tells the tokens of the bank's own systems, which everybody may read in
// the documentation: a command that has one works when pasted.
func isPublic(credential string) bool {
	return credential == BankToken || slices.ContainsFunc(service.Roles(), func(r service.Role) bool { return credential == TokenOf(r) })
}

// bearer lets nobody in without BankToken.
func bearer(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		token, _ := strings.CutPrefix(c.Request().Header.Get(echo.HeaderAuthorization), "Bearer ")
		if subtle.ConstantTimeCompare([]byte(token), []byte(BankToken)) != 1 {
			c.Response().Header().Set(echo.HeaderWWWAuthenticate, `Bearer realm="sandbox bank"`)
			return c.JSON(http.StatusUnauthorized, pages.Fault{Error: "unknown token"})
		}
		return next(c)
	}
}

// refusal is the body of 403: the bank refuses the person.
type refusal struct {
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

// denial is the body of a 401, 404 or 410 that is about a person, an id or a page.
type denial struct {
	Code  string `json:"code"`
	Error string `json:"error"`
}

// The codes that tell such an answer from one of something on the way.
const (
	codeWrong   = "wrongCredentials"
	codeRefused = "refused"
	codeUnknown = "unknown"
	codeNoPage  = "noPage"
)

// answer writes what the bank says to a call: a body, or why not.
func (s *Sandbox) answer(c echo.Context, status int, body any, err error) error {
	switch {
	case err == nil:
		return c.JSON(status, body)
	case errors.Is(err, service.ErrWrongCredentials):
		return c.JSON(http.StatusUnauthorized, denial{Code: codeWrong, Error: "wrong login or password"})
	case errors.Is(err, service.ErrUnknownPSU), errors.Is(err, service.ErrNoAccount), errors.Is(err, pages.ErrUnknown):
		return c.JSON(http.StatusNotFound, denial{Code: codeUnknown, Error: "the sandbox has no such id"})
	case errors.Is(err, service.ErrNoPage):
		return c.JSON(http.StatusGone, denial{Code: codeNoPage, Error: "the statement has no such page"})
	case errors.Is(err, service.ErrBlocked):
		return c.JSON(http.StatusForbidden, refusal{Code: codeRefused, Reason: "online banking is blocked"})
	case errors.Is(err, service.ErrRefused):
		return c.JSON(http.StatusForbidden, refusal{Code: codeRefused, Reason: "no code is sent to this person"})
	default:
		return s.fail(c, err)
	}
}

type credentials struct {
	Login    string `json:"login"`
	Password string `json:"password"`
}

func (s *Sandbox) authenticatePSU(c echo.Context) error {
	var body credentials
	if err := pages.Decode(c.Request(), &body); err != nil {
		return s.fail(c, err)
	}
	psu, name, err := s.Bank.Authenticate(c.Request().Context(), body.Login, body.Password)
	return s.answer(c, http.StatusOK, map[string]string{"psu": psu, "name": name}, err)
}

type oneTimeCode struct {
	PSU      string `json:"psu"`
	Method   string `json:"method"`
	Key      string `json:"key"`
	Code     string `json:"code"`
	Text     string `json:"text"`
	Language string `json:"language"`
}

func (s *Sandbox) sendOneTimeCode(c echo.Context) error {
	var body oneTimeCode
	if err := pages.Decode(c.Request(), &body); err != nil {
		return s.fail(c, err)
	}
	to, err := s.Bank.SendCode(c.Request().Context(), service.CodeMessage(body))
	method := cmp.Or(body.Method, methodSMS) // ids are types in this bank
	return s.answer(c, http.StatusAccepted, map[string]string{"to": to, "method": method}, err)
}

type methodFace struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Name string `json:"name"`
}

func (s *Sandbox) listMethods(c echo.Context) error {
	list, err := s.Bank.Methods(c.Request().Context(), c.Param("psu"))
	faces := make([]methodFace, len(list))
	for i, m := range list {
		faces[i] = methodFace(m)
	}
	return s.answer(c, http.StatusOK, map[string]any{"methods": faces}, err)
}

type question struct {
	Login    string `json:"login"`
	Key      string `json:"key"`
	Text     string `json:"text"`
	Language string `json:"language"`
	Number   string `json:"number"`
	Choose   bool   `json:"chooseAccounts"`
	Callback string `json:"callbackUrl"`
}

func (s *Sandbox) askApproval(c echo.Context) error {
	var body question
	if err := pages.Decode(c.Request(), &body); err != nil {
		return s.fail(c, err)
	}
	id, psu, err := s.Bank.Ask(c.Request().Context(), service.Approval{
		Login: body.Login, Key: body.Key, Text: body.Text, Language: body.Language,
		Number: body.Number, Choose: body.Choose, CallbackURL: body.Callback,
	})
	return s.answer(c, http.StatusAccepted, map[string]string{"approval": id, "psu": psu}, err)
}

type answerFace struct {
	State    service.ApprovalState `json:"state"`
	Accounts []string              `json:"accounts,omitempty"`
	Number   string                `json:"number,omitempty"`
}

func (s *Sandbox) readApproval(c echo.Context) error {
	answer, err := s.Bank.Answer(c.Request().Context(), c.Param("approval"))
	return s.answer(c, http.StatusOK, answerFace(answer), err)
}

func (s *Sandbox) withdrawApproval(c echo.Context) error {
	if err := s.Bank.Withdraw(c.Request().Context(), c.Param("approval")); err != nil {
		return s.fail(c, err)
	}
	return c.NoContent(http.StatusNoContent)
}

type customerFace struct {
	Customer       string `json:"customer"`
	Name           string `json:"name"`
	OrganisationID string `json:"organisationId,omitempty"`
}

func (s *Sandbox) listCustomers(c echo.Context) error {
	list, err := s.Bank.Customers(c.Request().Context(), c.Param("psu"))
	faces := make([]customerFace, len(list))
	for i, x := range list {
		faces[i] = customerFace{Customer: x.ID, Name: x.Name, OrganisationID: x.OrganisationID}
	}
	return s.answer(c, http.StatusOK, map[string]any{"customers": faces}, err)
}

func (s *Sandbox) listSigners(c echo.Context) error {
	signers, err := s.Bank.Signers(c.Request().Context(), c.Param("customer"))
	return s.answer(c, http.StatusOK, map[string]any{"signers": signers}, err)
}

func (s *Sandbox) listOwners(c echo.Context) error {
	owners, err := s.Bank.Owners(c.Request().Context(), c.Param("account"))
	if err == nil && len(owners) == 0 {
		err = pages.ErrUnknown
	}
	return s.answer(c, http.StatusOK, map[string]any{"owners": owners}, err)
}

// referenceFace has the members that the sandbox's accounts use, and reads the
// others.
type referenceFace struct {
	IBAN            string     `json:"iban,omitempty"`
	BBAN            string     `json:"bban,omitempty"`
	PAN             string     `json:"pan,omitempty"`
	MaskedPAN       string     `json:"maskedPan,omitempty"`
	MSISDN          string     `json:"msisdn,omitempty"`
	Other           *otherFace `json:"other,omitempty"`
	Currency        string     `json:"currency,omitempty"`
	CashAccountType string     `json:"cashAccountType,omitempty"`
}

type otherFace struct {
	Identification string `json:"identification"`
	SchemeCode     string `json:"schemeNameCode,omitempty"`
	SchemeName     string `json:"schemeNameProprietary,omitempty"`
	Issuer         string `json:"issuer,omitempty"`
}

func (r referenceFace) reference() consent.Reference {
	ref := consent.Reference{
		IBAN: r.IBAN, BBAN: r.BBAN, PAN: r.PAN, MaskedPAN: r.MaskedPAN, MSISDN: r.MSISDN,
		Currency: r.Currency, CashAccountType: r.CashAccountType,
	}
	if r.Other != nil {
		ref.Other = consent.Other(*r.Other)
	}
	return ref
}

type accountFace struct {
	Account         string        `json:"account"`
	Reference       referenceFace `json:"reference"`
	Name            string        `json:"name"`
	CashAccountType string        `json:"cashAccountType,omitempty"`
	Owner           string        `json:"owner,omitempty"`
}

func facesOf(list []service.Account) map[string]any {
	faces := make([]accountFace, len(list))
	for i, a := range list {
		faces[i] = accountFace{
			Account: a.ID, Name: a.Name, Owner: a.Owner, CashAccountType: a.Reference.CashAccountType,
			Reference: referenceFace{IBAN: a.Reference.IBAN, MaskedPAN: a.Reference.MaskedPAN, Currency: a.Reference.Currency},
		}
	}
	return map[string]any{"accounts": faces}
}

func (s *Sandbox) listAccounts(c echo.Context) error {
	list, err := s.Bank.List(c.Request().Context(), c.Param("customer"))
	return s.answer(c, http.StatusOK, facesOf(list), err)
}

func (s *Sandbox) resolveAccount(c echo.Context) error {
	var body struct {
		Reference referenceFace `json:"reference"`
	}
	if err := pages.Decode(c.Request(), &body); err != nil {
		return s.fail(c, err)
	}
	list, err := s.Bank.Resolve(c.Request().Context(), c.Param("customer"), body.Reference.reference())
	return s.answer(c, http.StatusOK, facesOf(list), err)
}

func (s *Sandbox) checkFunds(c echo.Context) error {
	var body struct {
		Account string `json:"account"`
		Amount  struct {
			Currency string `json:"currency"`
			Amount   string `json:"amount"`
		} `json:"amount"`
	}
	if err := pages.Decode(c.Request(), &body); err != nil {
		return s.fail(c, err)
	}
	available, err := s.Bank.Available(c.Request().Context(), body.Account, service.Amount{Currency: body.Amount.Currency, Value: body.Amount.Amount})
	return s.answer(c, http.StatusOK, map[string]bool{"available": available}, err)
}
