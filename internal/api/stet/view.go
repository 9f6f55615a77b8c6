package stet

import (
	"cmp"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"consentd/internal/consent"
	"consentd/internal/service"
	wire "consentd/pkg/stet"
)

// link leads to a path below the base path.
func (h *Handler) link(k *call, path string) wire.Link {
	return wire.Link{Href: h.BaseURL(k.req) + h.Options.BasePath + path}
}

// linksOf are those of an account: one for each operation that is granted on it.
func (h *Handler) linksOf(k *call, id string, rights consent.Rights) wire.Links {
	links := wire.Links{}
	if rights.Has(consent.RightBalances) {
		links[wire.LinkBalances] = h.link(k, accountPath(id, memberBalances))
	}
	if rights.Has(consent.RightTransactions) {
		links[wire.LinkTransactions] = h.link(k, accountPath(id, memberTransactions))
	}
	return links
}

// accountPath is where an operation on an account lies.
func accountPath(id, operation string) string {
	return pathAccounts + "/" + url.PathEscape(id) + "/" + operation
}

// schemes that name accounts by what this dialect has no field for.
const schemeBBAN = "BBAN"

// referenceOf shows one number of an account, its IBAN where it has one, and of a card
// the number with digits hidden.
func referenceOf(ref consent.Reference) wire.AccountReference {
	w := wire.AccountReference{IBAN: ref.IBAN, Currency: ref.Currency}
	switch {
	case ref.IBAN != "" && !ref.Card():
		return w
	case ref.MaskedPAN != "":
		w.IBAN, w.Other = "", &wire.GenericIdentification{SchemeName: wire.SchemeMaskedPAN, Identification: ref.MaskedPAN}
	case ref.PAN != "":
		w.IBAN, w.Other = "", &wire.GenericIdentification{SchemeName: wire.SchemeCardPAN, Identification: ref.PAN}
	case ref.IBAN != "":
	case ref.BBAN != "":
		w.Other = &wire.GenericIdentification{SchemeName: schemeBBAN, Identification: ref.BBAN}
	default:
		scheme := cmp.Or(ref.Other.SchemeName, ref.Other.SchemeCode, wire.SchemeBank)
		w.Other = &wire.GenericIdentification{SchemeName: scheme, Identification: ref.Other.Identification, Issuer: ref.Other.Issuer}
	}
	return w
}

// noCurrency stands where an account has none (ISO 4217).
const noCurrency = "XXX"

func currencyOf(ref consent.Reference) string { return cmp.Or(ref.Currency, noCurrency) }

// maxName is the length of an account's label, in characters.
const maxName = 70

// label is what the bank calls the account. The standard wants one with every account,
// also before anybody has consented to anything, so it must not tell who the holder is:
// where the bank's label has a word of the holder's name, the label is one of ours.
func label(x service.Account) string {
	if name := strings.TrimSpace(x.Name); name != "" && !tells(name, x.Owner) {
		return cut(name, maxName)
	}
	if x.Reference.Card() {
		return "Card"
	}
	return "Payment account"
}

// shortest is how many letters a word must have to tell somebody.
const shortest = 3

// tells reports whether a label has a word of a name, whatever its accents and capitals.
func tells(label, name string) bool {
	words := map[string]bool{}
	for _, w := range wordsOf(name) {
		words[w] = utf8.RuneCountInString(w) >= shortest
	}
	for _, w := range wordsOf(label) {
		if words[w] {
			return true
		}
	}
	return name != "" && strings.Contains(strings.Join(wordsOf(label), ""), strings.Join(wordsOf(name), ""))
}

// wordsOf are the words of a text in small letters without accents.
func wordsOf(s string) []string {
	folded := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(s))
	return strings.FieldsFunc(folded, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
}

// balanceTypes are the standard's; it calls the instant balance XPCD.
var balanceTypes = map[service.BalanceKind]wire.BalanceType{
	service.BalanceClosingBooked: wire.BalanceClosingBooked,
	service.BalanceInstant:       wire.BalanceExpected,
	service.BalanceExpected:      wire.BalanceOther,
	service.BalanceOther:         wire.BalanceOther,
}

func balanceOf(b service.Balance) wire.Balance {
	return wire.Balance{
		Name: cut(b.Name, maxName), BalanceAmount: wire.Amount{Currency: b.Amount.Currency, Amount: b.Amount.Value},
		BalanceType: cmp.Or(balanceTypes[b.Kind], wire.BalanceOther), ReferenceDate: dateOf(b.Reference),
		LastCommittedTransaction: fitting(b.LastEntry, maxEntryReference),
	}
}

// dateOf writes a day; empty where it is not known.
func dateOf(d consent.Date) string {
	if d == (consent.Date{}) {
		return ""
	}
	return d.String()
}

// fitting leaves out an id that is longer than the standard allows: half of it would be
// another one.
func fitting(id string, limit int) string {
	if utf8.RuneCountInString(id) > limit {
		return ""
	}
	return id
}

// cut cuts a text after so many characters.
func cut(s string, limit int) string {
	for i := range s {
		if limit == 0 {
			return s[:i]
		}
		limit--
	}
	return s
}
