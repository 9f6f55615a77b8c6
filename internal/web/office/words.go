package office

import (
	"fmt"
	"strings"

	"github.com/google/uuid"

	"consentd/internal/consent"
	service "consentd/internal/service/office"
)

var statusWords = map[consent.Status]string{
	consent.Received: "Awaiting", consent.PartiallyAuthorised: "Partly authorised", consent.Valid: "Valid",
	consent.Suspended: "Suspended", consent.Rejected: "Rejected", consent.Revoked: "Revoked", consent.Expired: "Expired",
	consent.Consumed: "Consumed",
}

// statuses are all of them, in the order of a consent's life.
var statuses = []consent.Status{
	consent.Received, consent.PartiallyAuthorised, consent.Valid, consent.Suspended, consent.Rejected, consent.Revoked,
	consent.Expired, consent.Consumed,
}

var kindWords = map[consent.Kind]string{
	consent.AccountAccess: "Account information", consent.FundsConfirmation: "Confirmation of funds", consent.Payments: "Payments",
	consent.Connection: "Connection",
}

var railWords = map[consent.Rail]string{
	consent.RailXS2A: "Berlin Group", consent.RailSTET: "STET", consent.RailManager: "Consent Manager",
}

var actorWords = map[consent.Actor]string{
	consent.ByPSU: "Customer", consent.ByTPP: "TPP", consent.ByASPSP: "Bank", consent.BySystem: "System",
}

var reasonWords = map[consent.Reason]string{
	consent.ReasonDate: "its end date", consent.ReasonReplaced: "replaced by a newer one", consent.ReasonUsedUp: "used up",
	consent.ReasonRefused: "refused", consent.ReasonNotAuthorised: "not authorised in time", consent.ReasonNotEntitled: "accounts not the customer's",
	consent.ReasonTerminated: "ended by the TPP", consent.ReasonWithdrawn: "withdrawn by the customer", consent.ReasonBank: "the bank's decision",
	consent.ReasonTPPBlocked: "the TPP was blocked", consent.ReasonAtTPP: "withdrawn at the TPP", consent.ReasonIdentity: "identity document to be renewed",
	consent.ReasonFraud: "suspected fraud", consent.ReasonTPPTrouble: "incident at the TPP", consent.ReasonLegal: "law or authority",
	consent.ReasonAmended: "something was changed", consent.ReasonPayment: "a payment",
	consent.ReasonAsked: "the customer has asked for it", consent.ReasonForwarded: "brought by the TPP", consent.ReasonRenewed: "customer authenticated anew",
}

var verbWords = map[service.Verb]string{service.Revoke: "End", service.Suspend: "Suspend", service.Resume: "Resume"}

var doneWords = map[service.Verb]string{service.Revoke: "ended", service.Suspend: "suspended", service.Resume: "resumed"}

var scopeWords = map[consent.Scope]string{
	consent.ScopeDedicated: "The accounts below", consent.ScopeBankOffered: "Accounts that the customer chooses",
	consent.ScopeAllPSD2: "All payment accounts, also later ones", consent.ScopeAvailable: "The list of all accounts",
	consent.ScopeAvailableBalances: "The list of all accounts, with balances",
}

// rightWords are in the order in which they are shown.
var rightWords = []struct {
	right consent.Rights
	word  string
}{
	{consent.RightAccounts, "account details"},
	{consent.RightBalances, "balances"},
	{consent.RightTransactions, "transactions"},
	{consent.RightLongHistory, "transactions of more than 90 days"},
	{consent.RightOwnerName, "owner's name"},
	{consent.RightTrustedBeneficiaries, "trusted beneficiaries"},
	{consent.RightIdentity, "identity"},
	{consent.RightFunds, "whether an amount is available"},
	{consent.RightPayments, "starting payments"},
}

func rights(r consent.Rights) string {
	var words []string
	for _, w := range rightWords {
		if r.Has(w.right) {
			words = append(words, w.word)
		}
	}
	return strings.Join(words, ", ")
}

var scheduleWords = map[consent.Schedule]string{
	consent.SingleInstant: "One payment, at once", consent.SingleDated: "One payment, on a day", consent.FixedDefined: "Fixed amounts on fixed days",
	consent.VariableDefined: "Amounts up to a limit on fixed days", consent.FixedPeriodic: "The same amount each period",
	consent.VariablePeriodic: "An amount up to a limit each period", consent.FixedOnDemand: "The same amount on demand",
	consent.VariableOnDemand: "Any amount on demand, within limits", consent.FilePayment: "The payments of a file",
}

// word is that of a value; the value itself where it has none.
func word[K ~string](words map[K]string, k K) string {
	if w, ok := words[k]; ok {
		return w
	}
	return string(k)
}

// number masks an account: those who know it know it again, and nobody learns it.
func number(r consent.Reference) string {
	for _, n := range []string{r.IBAN, r.BBAN, r.PAN, r.MaskedPAN, r.MSISDN, r.Other.Identification} {
		if n = strings.ReplaceAll(n, " ", ""); n != "" {
			return strings.TrimSpace(hide([]rune(n)) + " " + r.Currency)
		}
	}
	return r.Currency
}

const (
	shownFirst = 4
	shownLast  = 4
)

// hide leaves the ends of a number, and of a short one only its last character.
func hide(n []rune) string {
	if len(n) < 2*(shownFirst+shownLast) {
		return "••••" + string(n[max(len(n)-2, len(n)/2):])
	}
	return string(n[:shownFirst]) + " •••• " + string(n[len(n)-shownLast:])
}

// sentence makes one of the text of an error.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

func consents(n int) string {
	if n == 1 {
		return "1 consent"
	}
	return fmt.Sprintf("%d consents", n)
}

// about says what an act is about.
func about(a service.Act) string {
	switch {
	case a.TPP != "":
		return "all consents of TPP " + a.TPP
	case a.Account != "":
		return "all consents on account " + a.Account
	case len(a.Consents) == 1:
		return "consent " + a.Consents[0].String()
	default:
		return consents(len(a.Consents))
	}
}

// short is an id by its beginning and end, for a table.
func short(id uuid.UUID) string {
	text := id.String()
	return text[:8] + "…" + text[len(text)-4:]
}
