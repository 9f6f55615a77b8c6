package web

import (
	"strings"

	"consentd/internal/consent"
	"consentd/internal/service/overview"
	"consentd/internal/web/mandated"
)

// permit is a consent as a card shows it, in words.
type permit struct {
	Href      string
	Name      string // whom the customer knows: the TPP, or on whose behalf it asks
	Through   string // the TPP, where Name is another's
	Type      string
	Badge     badge
	Customer  string // whose accounts they are, where that is to be said
	Connected string // how many accounts; empty where that is not what it is about
	Numbers   []string
	Rows      []row
}

// numbersOf are the masked numbers of accounts; with the currency, where it tells apart
// those that have one number.
func numbersOf(accounts []overview.Account) []string {
	count := map[string]int{}
	for _, a := range accounts {
		count[masked(a.Reference)]++
	}
	var all []string
	for _, a := range accounts {
		number := masked(a.Reference)
		if count[number] > 1 && a.Reference.Currency != "" {
			number += " " + a.Reference.Currency
		}
		all = append(all, number)
	}
	return all
}

// row is a label with its value.
type row struct {
	Label, Value string
	Amount       bool // the value is read from left to right
}

// badge is a status as people read it. Its tone is a class of the style.
type badge struct{ Text, Tone string }

// typeWords are the types as customers read them.
var typeWords = map[overview.Type]string{
	overview.DataSharing:   "type.dataSharing",
	overview.SinglePayment: "type.singlePayment",
	overview.FlexiPay:      "type.flexiPay",
	overview.Funds:         "type.funds",
	overview.Connected:     "type.connection",
}

// statusWords are the states as customers read them: the label guide's table.
var statusWords = map[consent.Status]struct{ id, tone string }{
	consent.Received:            {"status.awaiting", "waits"},
	consent.PartiallyAuthorised: {"status.awaiting", "waits"},
	consent.Valid:               {"status.active", "good"},
	consent.Suspended:           {"status.suspended", "stops"},
	consent.Revoked:             {"status.cancelled", "over"},
	consent.Rejected:            {"status.rejected", "over"},
	consent.Expired:             {"status.expired", "over"},
	consent.Consumed:            {"status.consumed", "over"},
}

// endWords label the day on which a consent ended.
var endWords = map[consent.Status]string{
	consent.Revoked:  "card.cancelled",
	consent.Rejected: "card.rejected",
	consent.Expired:  "card.expired",
	consent.Consumed: "card.consumed",
}

// status is the badge of a state; one that we have no words for is split into its own.
func (t *teller) status(s consent.Status) badge {
	w, ok := statusWords[s]
	if !ok {
		return badge{Text: mandated.Label(string(s)), Tone: "over"}
	}
	return badge{Text: t.say(w.id), Tone: w.tone}
}

// names are whom the customer knows, and the TPP behind them; of texts that a TPP
// has made, nothing may turn what stands around them.
func names(c *consent.Consent) (name, through string) {
	tpp := straight(first(c.TPPName, c.TPP))
	if c.Staged != nil && strings.TrimSpace(c.Staged.OnBehalfOf) != "" {
		if behalf := straight(c.Staged.OnBehalfOf); behalf != tpp {
			return behalf, tpp
		}
	}
	return tpp, ""
}

// permit words a card.
func (t *teller) permit(c *overview.Card) permit {
	p := permit{Href: boardPath + "/" + c.ID.String(), Type: t.say(typeWords[c.Type]), Badge: t.status(c.Status), Customer: c.Customer}
	p.Name, p.Through = names(c.Consent)
	if !c.Status.Pending() || !c.Type.Payment() {
		p.Numbers = numbersOf(c.Accounts)
	}
	switch {
	case c.Type.Payment(), c.Status == consent.Rejected, c.Status.Pending(): // nothing is connected
	case c.All:
		p.Connected = t.say("card.all")
	default:
		p.Connected = t.say("card.accounts", "Count", len(c.Accounts))
	}
	p.Rows = t.rows(c)
	return p
}

// rows are what a card says of its type, the instants and amounts of it.
func (t *teller) rows(c *overview.Card) []row {
	rows := t.uses(c)
	if c.Status.Final() {
		return append(rows, row{Label: t.say(first(endWords[c.Status], "card.ended")), Value: t.on(c.StatusChangedAt)})
	}
	if c.Type != overview.SinglePayment {
		rows = append(rows, row{Label: t.say("card.expires"), Value: t.until(c.ValidUntil)})
	}
	return rows
}

// uses are what has come of a consent: of one that was rejected, nothing.
func (t *teller) uses(c *overview.Card) []row {
	var rows []row
	refused := c.Status == consent.Rejected
	switch {
	case c.Type == overview.SinglePayment:
		switch {
		case refused:
		case failed(c):
			rows = append(rows, row{Label: t.say("card.payment"), Value: t.say("paid.failed")})
		default:
			rows = append(rows, row{Label: t.say("card.payDate"), Value: first(t.payDay(c), t.say("card.none"))})
		}
		return append(rows, row{Label: t.say("card.amount"), Value: t.money(amountOf(c)), Amount: true})
	case refused:
	case c.Type == overview.FlexiPay:
		rows = append(rows, row{Label: t.say("card.paid"), Value: t.money(c.Sum.Paid), Amount: true})
		if c.Sum.Pending.Minor != 0 {
			rows = append(rows, row{Label: t.say("card.pending"), Value: t.money(c.Sum.Pending), Amount: true})
		}
	case c.Type == overview.DataSharing:
		rows = append(rows, row{Label: t.say("card.last"), Value: first(t.on(c.LastUsed), t.say("card.never"))})
	default:
		rows = append(rows, row{Label: t.say("card.used"), Value: first(t.on(c.LastUsed), t.say("card.never"))})
	}
	return rows
}

// payDay is when the one payment was made, or will be; empty where that is open.
func (t *teller) payDay(c *overview.Card) string {
	if !c.PaidAt.IsZero() {
		return t.on(c.PaidAt)
	}
	if terms := termsOf(c.Consent); terms != nil {
		return t.day(terms.On)
	}
	return ""
}

// amountOf is that of the one payment: nothing is paid before somebody has agreed.
func amountOf(c *overview.Card) consent.Money {
	terms := termsOf(c.Consent)
	switch {
	case terms == nil:
		return c.Sum.Value
	case c.Status.Pending():
		return consent.Money{Currency: terms.Currency}
	case c.Sum.Count > 0:
		return c.Sum.Value
	default:
		return terms.Amount
	}
}

// termsOf are which payments a consent allows; nil where it is not about any.
func termsOf(c *consent.Consent) *consent.PaymentTerms {
	if c.Staged == nil {
		return nil
	}
	return c.Staged.Payment
}

// shown is how many characters at each end of an account number are left.
const shown = 4

// masked identifies an account to those who know it: its first and last characters.
func masked(r consent.Reference) string {
	text := []rune(strings.ReplaceAll(first(r.IBAN, r.BBAN, r.MaskedPAN, r.PAN, r.MSISDN, r.Other.Identification), " ", ""))
	switch {
	case len(text) == 0:
		return ""
	case r.IBAN != "" && len(text) > 2*shown:
		return string(text[:shown]) + " •••• " + string(text[len(text)-shown:])
	case len(text) > shown:
		return "•••• " + string(text[len(text)-shown:])
	default:
		return "••••"
	}
}
