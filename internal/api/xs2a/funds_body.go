package xs2a

import (
	"regexp"
	"strings"

	"consentd/internal/consent"
	"consentd/internal/service"
)

// The members of the bodies that are about the confirmation of funds.
const (
	memberAccount      = "account"
	memberCardNumber   = "cardNumber"
	memberCardExpiry   = "cardExpiryDate"
	memberCardInfo     = "cardInformation"
	memberRegistration = "registrationInformation"
	memberPayee        = "payee"
	memberAmount       = "instructedAmount"
)

// The lengths that the official descriptions give, in characters.
const (
	maxCardNumber = 35
	maxCardText   = 140
	maxPayee      = 70
)

// patternAmount is the official one, with anchors.
var patternAmount = regexp.MustCompile(`^-?[0-9]{1,14}(\.[0-9]{1,3})?$`)

// question asks whether an account covers an amount.
type question struct {
	account consent.Reference
	amount  service.Amount
}

// fundsDraft reads the body of POST /v2/consents/confirmation-of-funds
// (confirmation of funds consent 2.0). Members that it does not know are ignored.
func (h *Handler) fundsDraft(raw []byte) (consent.Draft, consent.Faults) {
	d := consent.Draft{Kind: consent.FundsConfirmation, Rail: consent.RailXS2A}
	body, wrong := parseObject(raw)
	if wrong != nil {
		return d, consent.Faults{wrong}
	}
	r := &reader{}
	account := r.account(h.Options, body)
	d.Access = consent.Access{Scope: consent.ScopeDedicated, Asked: []consent.Asked{{Reference: account, Rights: consent.RightFunds}}}
	d.Card.Number = r.optional(body.at("", memberCardNumber), maxCardNumber)
	if m := body.at("", memberCardExpiry); m.present {
		d.Card.Expiry = r.date(m, h.Options.LenientDates)
	}
	d.Card.Information = r.optional(body.at("", memberCardInfo), maxCardText)
	d.Card.Registration = r.optional(body.at("", memberRegistration), maxCardText)
	return d, r.faults
}

// fundsQuestion reads the body of POST /v1/funds-confirmations (NextGenPSD2
// 1.3.x §10). Card and payee are judged and not used: nothing depends on them.
func (h *Handler) fundsQuestion(raw []byte) (question, consent.Faults) {
	body, wrong := parseObject(raw)
	if wrong != nil {
		return question{}, consent.Faults{wrong}
	}
	r := &reader{}
	_ = r.optional(body.at("", memberCardNumber), maxCardNumber)
	q := question{account: r.account(h.Options, body)}
	_ = r.optional(body.at("", memberPayee), maxPayee)
	if m := body.at("", memberAmount); r.must(m) {
		q.amount = r.amount(m)
	}
	return q, r.faults
}

// account reads the one account that a body names, by the rules of every other.
func (r *reader) account(o Options, body object) consent.Reference {
	m := body.at("", memberAccount)
	if !r.must(m) {
		return consent.Reference{}
	}
	return referenceOf(r.reference(o, m))
}

// amount reads money that is more than nothing: the standard's pattern has a
// sign, but no purchase does.
func (r *reader) amount(m member) service.Amount {
	var a service.Amount
	o, ok := r.object(m)
	if !ok {
		return a
	}
	if c := o.at(m.path, "currency"); r.must(c) {
		a.Currency, _ = r.matching(c, patternCurrency, wrongCurrency)
	}
	if v := o.at(m.path, "amount"); r.must(v) {
		a.Value, ok = r.matching(v, patternAmount, "must be up to 14 digits, and up to 3 after a dot")
		if ok && (a.Value[0] == '-' || !strings.ContainsAny(a.Value, "123456789")) {
			r.fault(v.path, "must be more than zero")
		}
	}
	return a
}
