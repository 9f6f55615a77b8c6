package xs2a

import (
	"regexp"
	"slices"
	"strings"

	"consentd/internal/consent"
	wire "consentd/pkg/xs2a"
)

// The identifiers of an account.
const (
	kindIBAN      = "iban"
	kindBBAN      = "bban"
	kindPAN       = "pan"
	kindMaskedPAN = "maskedPan"
	kindMSISDN    = "msisdn"
	kindOther     = "other"
)

var kinds = []string{kindIBAN, kindBBAN, kindPAN, kindMaskedPAN, kindMSISDN, kindOther}

// maxIdentifier is the length of an identifier without a pattern (Max35Text).
const maxIdentifier = 35

// The patterns of the official description, which have no anchors there.
var (
	patternIBAN     = regexp.MustCompile(`^[A-Z]{2}[0-9]{2}[a-zA-Z0-9]{1,30}$`)
	patternBBAN     = regexp.MustCompile(`^[a-zA-Z0-9]{1,30}$`)
	patternCurrency = regexp.MustCompile(`^[A-Z]{3}$`)
	patternCashType = regexp.MustCompile(`^[A-Z]{4}$`)
)

const wrongCurrency = "must be a currency code of three capital letters"

// references reads a list of accounts, whichever list it is: the rules are the
// same in all of them. A list that is there is never nil.
func (r *reader) references(o Options, m member) []wire.AccountReference {
	if !m.present {
		return nil
	}
	list, ok := r.list(m)
	if !ok {
		r.broken = true
		return nil
	}
	refs := make([]wire.AccountReference, 0, len(list))
	for i, v := range list {
		refs = append(refs, r.reference(o, member{path: index(m.path, i), value: v, present: true}))
	}
	return refs
}

// reference reads one account. What is wrong with it is collected.
func (r *reader) reference(o Options, m member) wire.AccountReference {
	var ref wire.AccountReference
	account, ok := r.object(m)
	if !ok {
		return ref
	}
	named := 0
	for _, kind := range kinds {
		id := account.at(m.path, kind)
		if !id.present {
			continue
		}
		named++
		if !slices.Contains(o.AccountKinds, kind) {
			r.faults = append(r.faults, consent.At(consent.CodeNotSupported, id.path, "is not supported by this bank"))
			continue
		}
		r.identifier(&ref, kind, id)
	}
	if named != 1 {
		r.fault(m.path, "must name the account by exactly one of "+strings.Join(kinds, ", "))
	}
	if c := account.at(m.path, "currency"); c.present {
		ref.Currency, _ = r.matching(c, patternCurrency, wrongCurrency)
	}
	if c := account.at(m.path, "cashAccountType"); c.present {
		ref.CashAccountType, _ = r.cashType(c)
	}
	return ref
}

func (r *reader) identifier(ref *wire.AccountReference, kind string, m member) {
	switch kind {
	case kindIBAN:
		ref.IBAN = r.iban(m)
	case kindBBAN:
		ref.BBAN, _ = r.matching(m, patternBBAN, "must be 1 to 30 letters and digits")
	case kindPAN:
		ref.PAN, _ = r.text(m, maxIdentifier)
	case kindMaskedPAN:
		ref.MaskedPAN, _ = r.text(m, maxIdentifier)
	case kindMSISDN:
		ref.MSISDN, _ = r.text(m, maxIdentifier)
	case kindOther:
		ref.Other = r.other(m)
	}
}

func (r *reader) iban(m member) string {
	s, ok := r.matching(m, patternIBAN, "must be an IBAN: two capital letters, two digits, up to 30 letters and digits, no spaces")
	if ok && !ibanAddsUp(s) {
		r.fault(m.path, "must be an IBAN: its check digits do not fit")
	}
	return s
}

// ibanAddsUp computes the check of ISO 13616: with the first four characters
// moved to the end and letters read as 10 to 35, the number leaves 1 when
// divided by 97.
func ibanAddsUp(iban string) bool {
	rest := 0
	for _, c := range []byte(iban[4:] + iban[:4]) {
		switch {
		case c >= 'a':
			rest = rest*100 + int(c-'a') + 10
		case c >= 'A':
			rest = rest*100 + int(c-'A') + 10
		default:
			rest = rest*10 + int(c-'0')
		}
		rest %= 97
	}
	return rest == 1
}

func (r *reader) other(m member) *wire.GenericAccountIdentification {
	o, ok := r.object(m)
	if !ok {
		return nil
	}
	var id wire.GenericAccountIdentification
	if i := o.at(m.path, "identification"); r.must(i) {
		id.Identification, _ = r.text(i, maxIdentifier)
	}
	for _, x := range []struct {
		name string
		into *string
	}{
		{"schemeNameCode", &id.SchemeNameCode},
		{"schemeNameProprietary", &id.SchemeNameProprietary},
		{"issuer", &id.Issuer},
	} {
		*x.into = r.optional(o.at(m.path, x.name), maxIdentifier)
	}
	return &id
}

// cashType reads a code of ExternalCashAccountType1Code. Which codes there are
// is ISO 20022's to extend, so only their form is checked.
func (r *reader) cashType(m member) (string, bool) {
	return r.matching(m, patternCashType, "must be an account type of four capital letters, like CACC")
}

func referenceOf(w wire.AccountReference) consent.Reference {
	ref := consent.Reference{
		IBAN: w.IBAN, BBAN: w.BBAN, PAN: w.PAN, MaskedPAN: w.MaskedPAN, MSISDN: w.MSISDN,
		Currency: w.Currency, CashAccountType: w.CashAccountType,
	}
	if o := w.Other; o != nil {
		ref.Other = consent.Other{
			Identification: o.Identification, SchemeCode: o.SchemeNameCode,
			SchemeName: o.SchemeNameProprietary, Issuer: o.Issuer,
		}
	}
	return ref
}

// wireReference shows one identifier, as the standard wants it, even where the
// bank's register knows several of an account.
func wireReference(ref consent.Reference) wire.AccountReference {
	w := wire.AccountReference{Currency: ref.Currency, CashAccountType: ref.CashAccountType}
	switch {
	case ref.IBAN != "":
		w.IBAN = ref.IBAN
	case ref.BBAN != "":
		w.BBAN = ref.BBAN
	case ref.MaskedPAN != "":
		w.MaskedPAN = ref.MaskedPAN
	case ref.PAN != "":
		w.PAN = ref.PAN
	case ref.MSISDN != "":
		w.MSISDN = ref.MSISDN
	case ref.Other != consent.Other{}:
		w.Other = &wire.GenericAccountIdentification{
			Identification: ref.Other.Identification, SchemeNameCode: ref.Other.SchemeCode,
			SchemeNameProprietary: ref.Other.SchemeName, Issuer: ref.Other.Issuer,
		}
	}
	return w
}
