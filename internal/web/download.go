package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/service/overview"
)

// copyOf is one consent as its customer takes it along. Times are RFC 3339 in UTC, days
// ISO 8601, amounts decimal numbers in text, states those that the Consent Manager has.
// Who is paid stands in full: it is the customer's own copy. Of a payment that does not
// say it, it is whom the consent names; it is left out where the bank cannot read it.
type copyOf struct {
	ID           string         `json:"id"`
	Line         string         `json:"line"`                // the id of the first of its line
	Reference    string         `json:"reference,omitempty"` // the TPP's own id
	Type         string         `json:"type"`                // dataSharing, singlePayment, flexiPay, funds or connection
	Status       string         `json:"status"`              // one of copyStatuses
	TPP          string         `json:"tpp"`
	TPPID        string         `json:"tppId"`
	OnBehalfOf   string         `json:"onBehalfOf,omitempty"`
	Customer     string         `json:"customer,omitempty"` // whose accounts, where one acts for several
	Accounts     []copyAccount  `json:"accounts"`
	AllAccounts  bool           `json:"allAccounts"` // also those opened later
	Permissions  []string       `json:"permissions,omitempty"`
	Recurring    bool           `json:"recurring"`
	PerDay       int            `json:"frequencyPerDay,omitempty"`
	CreatedAt    string         `json:"createdAt"`
	FirstGivenAt string         `json:"firstCreatedAt"` // when the first of its line was made
	ValidUntil   string         `json:"validUntil"`     // the last day
	LastUsedAt   string         `json:"lastUsedAt,omitempty"`
	StatusAt     string         `json:"statusChangedAt"`
	EndedBy      string         `json:"endedBy,omitempty"` // psu, tpp, aspsp or system; as on the page
	EndReason    string         `json:"endReason,omitempty"`
	PauseReason  string         `json:"suspensionReason,omitempty"`
	Payments     []copyPayment  `json:"payments,omitempty"`
	Paid         string         `json:"paid,omitempty"`
	Pending      string         `json:"pending,omitempty"`
	Currency     string         `json:"currency,omitempty"`
	History      []copyEvent    `json:"history"`
	Rules        *copyOfPayment `json:"paymentRules,omitempty"`
}

// copyOfPayment is which payments a consent allows; see consent.PaymentTerms.
type copyOfPayment struct {
	Schedule       string `json:"schedule"`
	Amount         string `json:"amount,omitempty"`
	MaxEach        string `json:"maxEach,omitempty"`
	Period         string `json:"period,omitempty"`
	MaxPerPeriod   string `json:"maxPerPeriod,omitempty"`
	CountPerPeriod int    `json:"countPerPeriod,omitempty"`
	MaxTotal       string `json:"maxTotal,omitempty"`
	Count          int    `json:"count,omitempty"`
	copyPayee
}

// copyPayee is who is paid.
type copyPayee struct {
	Payee        string `json:"payee,omitempty"`        // the name
	PayeeAccount string `json:"payeeAccount,omitempty"` // the IBAN
	PayeeBank    string `json:"payeeBank,omitempty"`
}

type copyAccount struct {
	Name     string   `json:"name,omitempty"`
	Number   string   `json:"number"` // in full: it is the customer's own copy
	Currency string   `json:"currency,omitempty"`
	Rights   []string `json:"rights"`
}

type copyPayment struct {
	At        string `json:"at"`
	Amount    string `json:"amount"`
	Currency  string `json:"currency"`
	Status    string `json:"status"` // one of copyPaid
	Reference string `json:"reference,omitempty"`
	Purpose   string `json:"purpose,omitempty"`
	// TransactionID is the payment system's.
	TransactionID string       `json:"transactionId,omitempty"`
	Rejections    []copyReason `json:"rejectReasons,omitempty"`
	copyPayee
}

// copyReason is why the payment system has rejected a payment.
type copyReason struct {
	Code    string `json:"code"`
	Message string `json:"message,omitempty"`
}

type copyEvent struct {
	At      string `json:"at"`
	Event   string `json:"event"`
	Consent string `json:"consent"`
	By      string `json:"by"`
	Reason  string `json:"reason,omitempty"`
}

// takeAway is all of it.
type takeAway struct {
	Bank      string   `json:"bank"`
	CreatedAt string   `json:"createdAt"`
	Consents  []copyOf `json:"consents"`
}

// rightNames are the words of the download for rights, by bit. They stay as they are.
var rightNames = []struct {
	right consent.Rights
	name  string
}{
	{consent.RightAccounts, "accounts"},
	{consent.RightBalances, "balances"},
	{consent.RightTransactions, "transactions"},
	{consent.RightOwnerName, "ownerName"},
	{consent.RightTrustedBeneficiaries, "trustedBeneficiaries"},
	{consent.RightIdentity, "identity"},
	{consent.RightFunds, "fundsConfirmation"},
	{consent.RightPayments, "payments"},
	{consent.RightLongHistory, "longHistory"},
}

// copyStatuses are the states of a consent in the words of the Consent Manager.
var copyStatuses = map[consent.Status]string{
	consent.Received:            "AwaitingAuthorization",
	consent.PartiallyAuthorised: "AwaitingAuthorization",
	consent.Valid:               "Authorized",
	consent.Suspended:           "Suspended",
	consent.Rejected:            "Rejected",
	consent.Revoked:             "Revoked",
	consent.Expired:             "Expired",
	consent.Consumed:            "Consumed",
}

// copyPaid are the states of a payment in its words.
var copyPaid = map[consent.PaymentStatus]string{
	consent.PaymentPending:   "Pending",
	consent.PaymentSettled:   "AcceptedSettlementCompleted",
	consent.PaymentCredited:  "AcceptedCreditSettlementCompleted",
	consent.PaymentNotPosted: "AcceptedWithoutPosting",
	consent.PaymentRejected:  "Rejected",
}

// downloadJSON hands out all consents of whoever is logged in.
func (d *Dashboard) downloadJSON(l *look) error {
	all, err := d.Consents.All(l.ctx(), l.viewer())
	if err != nil {
		return d.trouble(l, err)
	}
	out := takeAway{Bank: d.brand, CreatedAt: stamp(d.Now()), Consents: []copyOf{}}
	for i := range all {
		out.Consents = append(out.Consents, copied(&all[i]))
	}
	content, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return fmt.Errorf("copy of consents: %w", err)
	}
	return d.hand(l, "json", "application/json; charset=utf-8", content)
}

// hand sends a file.
func (d *Dashboard) hand(l *look, ext, kind string, content []byte) error {
	name := "consents-" + consent.DateOf(d.Now(), d.Zone).String() + "." + ext
	l.c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="`+name+`"`)
	if err := l.c.Blob(http.StatusOK, kind, content); err != nil {
		return fmt.Errorf("send copy of consents: %w", err)
	}
	return nil
}

func copied(d *overview.Detail) copyOf {
	c := copyOf{
		ID: d.ID.String(), Line: d.GroupID.String(), Type: string(d.Type), Status: first(copyStatuses[d.Status], string(d.Status)), TPP: d.TPPName, TPPID: d.TPP,
		Customer: d.Customer, AllAccounts: d.All, Accounts: []copyAccount{}, Recurring: d.Recurring, PerDay: d.FrequencyPerDay,
		CreatedAt: stamp(d.CreatedAt), FirstGivenAt: stamp(d.Since), ValidUntil: d.ValidUntil.String(), LastUsedAt: stamp(d.LastUsed),
		StatusAt: stamp(d.StatusChangedAt), EndedBy: string(d.Ending.By), EndReason: string(d.Ending.Reason),
		PauseReason: string(d.Suspension.Reason), History: []copyEvent{},
	}
	if s := d.Staged; s != nil {
		c.Reference, c.OnBehalfOf, c.Permissions = s.Reference, s.OnBehalfOf, s.Permissions
	}
	for _, a := range d.Accounts {
		c.Accounts = append(c.Accounts, copyAccount{Name: a.Name, Number: strings.ReplaceAll(number(a.Reference), " ", ""), Currency: a.Reference.Currency, Rights: rightsOf(a.Rights)})
	}
	for _, e := range d.Events {
		e = toldOf(d, e)
		c.History = append(c.History, copyEvent{At: stamp(e.At), Event: string(e.Kind), Consent: e.Consent.String(), By: string(e.By), Reason: string(e.Reason)})
	}
	if d.Type.Payment() {
		c.copyPayments(d)
	}
	return c
}

func (c *copyOf) copyPayments(d *overview.Detail) {
	c.Paid, c.Pending, c.Currency = decimal(d.Sum.Paid), decimal(d.Sum.Pending), d.Sum.Paid.Currency
	for _, p := range d.Payments {
		one := copyPayment{
			At: stamp(p.CreatedAt), Amount: decimal(p.Amount), Currency: p.Amount.Currency, Status: first(copyPaid[p.Status], string(p.Status)),
			Reference: p.Reference, Purpose: p.Purpose, TransactionID: p.TransactionID, copyPayee: payeeOf(p.Parties, d.Parties),
		}
		for _, r := range p.Rejections {
			one.Rejections = append(one.Rejections, copyReason{Code: r.Code, Message: r.Message})
		}
		c.Payments = append(c.Payments, one)
	}
	t := termsOf(d.Consent)
	if t == nil {
		return
	}
	c.Rules = &copyOfPayment{
		Schedule: string(t.Schedule), Amount: some(t.Amount), MaxEach: some(t.MaxEach), Period: string(t.Period), MaxPerPeriod: some(t.MaxPerPeriod),
		CountPerPeriod: t.CountPerPeriod, MaxTotal: some(t.MaxTotal), Count: t.Count,
		copyPayee: payeeOf(d.Parties),
	}
}

// payeeOf is who is paid, by the first that names somebody.
func payeeOf(all ...*overview.Parties) copyPayee {
	for _, p := range all {
		if p != nil && first(p.CreditorName, p.CreditorIBAN) != "" {
			return copyPayee{Payee: p.CreditorName, PayeeAccount: p.CreditorIBAN, PayeeBank: p.CreditorAgent}
		}
	}
	return copyPayee{}
}

func rightsOf(r consent.Rights) []string {
	names := []string{}
	for _, w := range rightNames {
		if r.Has(w.right) {
			names = append(names, w.name)
		}
	}
	return names
}

// stamp is an instant for machines; empty for none.
func stamp(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

// decimal is an amount for machines.
func decimal(m consent.Money) string {
	const hundred = 100
	sign, minor := "", m.Minor
	if minor < 0 {
		sign, minor = "-", -minor
	}
	return fmt.Sprintf("%s%d.%02d", sign, minor/hundred, minor%hundred)
}

func some(m consent.Money) string {
	if m == (consent.Money{}) {
		return ""
	}
	return decimal(m)
}
