package demotpp

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// The fields of the form.
const (
	fieldKind      = "kind" // kindAccounts or kindFunds
	fieldPSU       = "psu"
	fieldCorporate = "corporate"
	fieldAddress   = "ip"
	fieldLanguage  = "language"
	fieldModel     = "model"
	fieldOwner     = "owner" // allAccountsWithOwnerName
	fieldRights    = "right" // as often as rights are asked for
	fieldRecurring = "recurring"
	fieldFrequency = "frequency"
	fieldUntil     = "until"
	fieldTypes     = "types" // restrictedTo, with commas
	fieldCombined  = "combined"
	fieldAccess    = "access" // JSON instead of what the fields above say
	fieldRedirect  = "redirect"
	fieldDecoupled = "decoupled"
	fieldExplicit  = "explicit"
	fieldNok       = "nok"
	fieldRequestID = "requestId"
	fieldHeaders   = "headers"
	fieldAccount   = "account" // of a consent to the confirmation of funds
	fieldCard      = "card"
	fieldCardUntil = "cardUntil"
	fieldCardInfo  = "cardInfo"
	fieldContract  = "contract"
	yes            = "true"
	no             = "false"
)

// The kinds of consent.
const (
	kindAccounts = "accounts"
	kindFunds    = "funds"
)

// The models of consent.
const (
	modelDedicated = "dedicated"
	modelOffered   = "offered"
	modelAll       = "allPsd2"
	modelList      = "availableAccounts"
	modelBalances  = "availableAccountsWithBalance"
)

// rights are the lists of a consent, in the order of the form.
var rights = []string{"accounts", "balances", "transactions", "ownerName", "trustedBeneficiaries"}

// draft is a form as it was filled in.
type draft url.Values

// Get is what a field says.
func (d draft) Get(field string) string { return url.Values(d).Get(field) }

// Has tells whether a field, which may be there several times, has a value.
func (d draft) Has(field, value string) bool { return slices.Contains(d[field], value) }

// List is the text of a right's list, one reference a line.
func (d draft) List(right string) string { return d.Get("list." + right) }

// flaw is what the form itself finds wrong.
type flaw struct {
	Text string
	hard bool // there is no way to send it
}

// flaws are all of them.
type flaws []flaw

func (f *flaws) add(text string) { *f = append(*f, flaw{Text: text}) }

func (f *flaws) stop(text string) { *f = append(*f, flaw{Text: text, hard: true}) }

// Hard tells whether something cannot be sent at all.
func (f flaws) Hard() bool {
	return slices.ContainsFunc(f, func(one flaw) bool { return one.hard })
}

// consent is the body that a draft asks for. now is the bank's day.
func (d draft) consent(now time.Time, found *flaws) xs2a.ConsentsRequest {
	frequency, err := strconv.Atoi(strings.TrimSpace(d.Get(fieldFrequency)))
	if err != nil {
		found.stop("frequencyPerDay must be a number: the client has no other type for it.")
	}
	body := xs2a.ConsentsRequest{
		Access: d.access(found), RecurringIndicator: d.Get(fieldRecurring) == yes, FrequencyPerDay: frequency,
		ValidUntil: strings.TrimSpace(d.Get(fieldUntil)), CombinedServiceIndicator: d.Get(fieldCombined) == yes,
	}
	if err == nil && frequency < 1 {
		found.add("frequencyPerDay should be 1 at least.")
	}
	if !body.RecurringIndicator && frequency > 1 {
		found.add("A one-off consent has frequencyPerDay 1.")
	}
	switch until, err := time.Parse(time.DateOnly, body.ValidUntil); {
	case err != nil:
		found.add("validUntil should be a day, as 2027-01-31.")
	case until.AddDate(0, 0, 2).Before(now):
		found.add("validUntil is over.")
	}
	if d.Get(fieldAddress) == "" {
		found.add("PSU-IP-Address is required.")
	}
	return body
}

func (d draft) access(found *flaws) xs2a.AccountAccess {
	var access xs2a.AccountAccess
	if text := strings.TrimSpace(d.Get(fieldAccess)); text != "" {
		if err := json.Unmarshal([]byte(text), &access); err != nil {
			found.stop("The access as JSON cannot be read: " + err.Error() + ".")
		}
		return access
	}
	all := xs2a.AllAccountsOnly
	if d.Get(fieldOwner) == yes {
		all = xs2a.AllAccountsWithOwnerName
	}
	switch d.Get(fieldModel) {
	case modelAll:
		access.AllPSD2 = all
	case modelList:
		access.AvailableAccounts = all
	case modelBalances:
		access.AvailableAccountsWithBalance = all
	default:
		d.lists(&access, found)
	}
	for part := range strings.SplitSeq(d.Get(fieldTypes), ",") {
		if part = strings.TrimSpace(part); part != "" {
			access.RestrictedTo = append(access.RestrictedTo, part)
		}
	}
	if len(access.RestrictedTo) > 0 && d.Get(fieldModel) == modelDedicated {
		found.add("restrictedTo is not for accounts that are named.")
	}
	return access
}

// lists are those of named accounts, or empty ones where the customer chooses.
func (d draft) lists(access *xs2a.AccountAccess, found *flaws) {
	more := &xs2a.AdditionalInformation{}
	for i, list := range []*[]xs2a.AccountReference{
		&access.Accounts, &access.Balances, &access.Transactions, &more.OwnerName, &more.TrustedBeneficiaries,
	} {
		right := rights[i]
		if !d.Has(fieldRights, right) {
			continue
		}
		*list = []xs2a.AccountReference{}
		if d.Get(fieldModel) != modelDedicated {
			continue
		}
		if *list = references(d.List(right), found); len(*list) == 0 {
			found.add("No account is named for " + right + ": an empty list asks the customer to choose.")
		}
	}
	if more.OwnerName != nil || more.TrustedBeneficiaries != nil {
		access.AdditionalInformation = more
	}
	if len(d[fieldRights]) == 0 {
		found.add("No right is asked for.")
	}
}

// references reads lines such as "FR76… EUR" and "maskedPan:525412******3241".
func references(text string, found *flaws) []xs2a.AccountReference {
	list := []xs2a.AccountReference{}
	for row := range strings.Lines(text) {
		words := strings.Fields(row)
		if len(words) == 0 {
			continue
		}
		list = append(list, referenceOf(words[0], found))
		if len(words) > 1 {
			list[len(list)-1].Currency = words[1]
		}
		if len(words) > 2 {
			found.stop("An account is an identification and a currency, such as FR7617515000920400430518020 EUR, one a line.")
		}
	}
	return list
}

func referenceOf(word string, found *flaws) (ref xs2a.AccountReference) {
	member, value, named := strings.Cut(word, ":")
	if !named {
		member, value = "iban", word
	}
	switch strings.ToLower(member) {
	case "iban":
		ref.IBAN = value
	case "bban":
		ref.BBAN = value
	case "pan":
		ref.PAN = value
	case "maskedpan":
		ref.MaskedPAN = value
	case "msisdn":
		ref.MSISDN = value
	case "other":
		ref.Other = &xs2a.GenericAccountIdentification{Identification: value}
	default:
		found.stop("An account is named by iban, bban, pan, maskedPan, msisdn or other, not by " + member + ".")
	}
	return ref
}

// funds is the body of a consent to the confirmation of funds.
func (d draft) funds(found *flaws) xs2a.FundsConsentRequest {
	body := xs2a.FundsConsentRequest{
		CardNumber: d.Get(fieldCard), CardExpiryDate: d.Get(fieldCardUntil),
		CardInformation: d.Get(fieldCardInfo), RegistrationInformation: d.Get(fieldContract),
	}
	list := references(d.Get(fieldAccount), found)
	if len(list) > 0 {
		body.Account = list[0]
	}
	if len(list) != 1 {
		found.add("A consent to the confirmation of funds names one account.")
	}
	return body
}

// options are the headers that a draft asks for; the PSU comes back to home with
// the deal's mark.
func (d draft) options(home, mark string, found *flaws) client.CreateOptions {
	o := client.CreateOptions{
		RequestID: strings.TrimSpace(d.Get(fieldRequestID)), PSUIPAddress: d.Get(fieldAddress),
		RedirectURI:           home + "/tpp/return?state=" + mark,
		ExplicitAuthorisation: d.Get(fieldExplicit) == yes,
		PSUID:                 d.Get(fieldPSU), PSUCorporateID: d.Get(fieldCorporate), PSULanguage: d.Get(fieldLanguage),
		RedirectPreferred: wished(d.Get(fieldRedirect)), DecoupledPreferred: wished(d.Get(fieldDecoupled)),
		Header: further(d.Get(fieldHeaders), found),
	}
	if d.Get(fieldNok) == yes {
		o.NokRedirectURI = home + "/tpp/return/nok?state=" + mark
	}
	if _, err := uuid.Parse(o.RequestID); o.RequestID != "" && err != nil {
		found.add("X-Request-ID should be a UUID; leave it empty for a fresh one.")
	}
	if _, err := netip.ParseAddr(o.PSUIPAddress); o.PSUIPAddress != "" && err != nil {
		found.add("PSU-IP-Address should be an address, as 192.0.2.7.")
	}
	return o
}

// wished is a wish for an approach, or against it; nil for none.
func wished(text string) *bool {
	if text != yes && text != no {
		return nil
	}
	wish := text == yes
	return &wish
}

// further are headers of the visitor's own, one a line.
func further(text string, found *flaws) http.Header {
	h := http.Header{}
	for row := range strings.Lines(text) {
		if row = strings.TrimSpace(row); row == "" {
			continue
		}
		name, value, ok := strings.Cut(row, ":")
		if !ok {
			found.stop("A further header is a name, a colon and a value, one a line.")
			continue
		}
		h.Set(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return h
}
