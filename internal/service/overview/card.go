package overview

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service"
)

// card is a consent of a line, which has the newest first.
func (l *look) card(c *consent.Consent, line []*consent.Consent) Card {
	card := Card{
		Consent: c, Type: typeOf(c), Customer: l.customerName(c), Accounts: l.accounts(c), All: c.Access.Open(),
		LastUsed: l.lastUsed(c), Since: line[len(line)-1].CreatedAt, Renewed: c.CreatedAt, Members: len(line),
	}
	if terms := termsOf(c); terms != nil {
		card.Sum = terms.Consumed(l.payments[c.ID], l.now, l.Zone)
	}
	for _, p := range l.payments[c.ID] {
		if p.Status != consent.PaymentRejected && p.CreatedAt.After(card.PaidAt) {
			card.PaidAt = p.CreatedAt
		}
	}
	return card
}

// typeOf is what a consent is to its customer.
func typeOf(c *consent.Consent) Type {
	switch c.Kind {
	case consent.Payments:
		if terms := termsOf(c); terms != nil && terms.Schedule.Single() {
			return SinglePayment
		}
		return FlexiPay
	case consent.FundsConfirmation:
		return Funds
	case consent.Connection:
		return Connected
	default:
		return DataSharing
	}
}

// termsOf says which payments a consent allows; nil for one to anything else.
func termsOf(c *consent.Consent) *consent.PaymentTerms {
	if c.Staged == nil {
		return nil
	}
	return c.Staged.Payment
}

// customerName is whose accounts a consent opens, where that is not plain.
func (l *look) customerName(c *consent.Consent) string {
	if len(l.customers) < 2 || c.Customer == uuid.Nil {
		return ""
	}
	i := slices.IndexFunc(l.customers, func(x service.Customer) bool { return x.ID == l.bankIDs[c.Customer] })
	if i < 0 {
		return ""
	}
	return l.customers[i].Name
}

func (l *look) lastUsed(c *consent.Consent) time.Time {
	at := l.shared[c.ID]
	for _, p := range l.payments[c.ID] {
		if p.CreatedAt.After(at) {
			at = p.CreatedAt
		}
	}
	return at
}

// accounts are those that a consent opens: all that the customer has today, or those
// that were granted, or as long as none are, those that are asked for.
func (l *look) accounts(c *consent.Consent) []Account {
	owned := l.owned[l.bankIDs[c.Customer]]
	var list []Account
	switch {
	case c.Access.Open():
		for _, a := range owned {
			if c.Access.Allows(a.Reference.CashAccountType) {
				list = append(list, Account{ID: a.ID, Name: a.Name, Owner: a.Owner, Reference: a.Reference, Rights: c.Access.Rights})
			}
		}
	case len(c.Access.Grants) > 0:
		for _, g := range c.Access.Grants {
			list = append(list, l.granted(g, owned))
		}
	default:
		for _, a := range c.Access.Asked {
			list = append(list, Account{Reference: a.Reference, Rights: a.Rights})
		}
	}
	return list
}

// granted is an account that was granted, with what the bank knows of it.
func (l *look) granted(g consent.Grant, owned []service.Account) Account {
	a := Account{ID: l.bankIDs[g.AccountID], Reference: g.Reference, Rights: g.Rights}
	if a.ID == "" {
		return a
	}
	if i := slices.IndexFunc(owned, func(o service.Account) bool { return o.ID == a.ID }); i >= 0 {
		a.Name, a.Owner = owned[i].Name, owned[i].Owner
	}
	return a
}
