package stet

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/service/consents"
	wire "consentd/pkg/stet"
)

// maxReferences bounds the accounts of a document, those of both lists together: each
// is looked up at the bank.
const maxReferences = 500

// The limits of the members of other (STET part II, GenericIdentification).
const (
	maxIdentification = 70
	maxSchemeName     = 70
	maxIssuer         = 35
)

// The patterns of the official description, which have no anchors there. The check
// digits of an IBAN are not computed: sandboxes of banks publish IBANs that fail.
var (
	patternIBAN     = regexp.MustCompile(`^[A-Z]{2}[0-9]{2}[a-zA-Z0-9]{1,30}$`)
	patternCurrency = regexp.MustCompile(`^[A-Z]{3}$`)
)

// members are those of a document.
const (
	memberBalances      = "balances"
	memberTransactions  = "transactions"
	memberBeneficiaries = "trustedBeneficiaries"
	memberIdentity      = "psuIdentity"
)

// readDocument reads the body of PUT /consents, and whether its media type is right. No
// body grants nothing. Blanks are a body, and no document: who sends them did not mean
// to take everything back.
func (h *Handler) readDocument(k *call) consent.Faults {
	body := k.body
	if len(body) > 0 && !edge.IsJSON(k.req.Header["Content-Type"]) {
		return consent.Faults{consent.At(consent.CodeMediaType, "Header.Content-Type", "must be application/json")}
	}
	if len(body) == 0 {
		body = []byte("{}")
	}
	var faults consent.Faults
	k.document, faults = h.document(body)
	k.document.Print = fmt.Sprintf("%s %s sha-256=%x", k.ep.method, k.ep.path, sha256.Sum256(k.body))
	return faults
}

// document reads what a TPP forwards. What is not there, empty or null is not granted:
// in this dialect a list without accounts means none, never all.
func (h *Handler) document(body []byte) (consents.Document, consent.Faults) {
	var d consents.Document
	o, wrong := edge.ParseObject(body)
	if wrong != nil {
		return d, consent.Faults{wrong}
	}
	r := &reader{strict: h.Options.MissingMembers == Refuse}
	d.Asked = r.accounts(o, memberBalances, consent.RightBalances, nil)
	d.Asked = r.accounts(o, memberTransactions, consent.RightTransactions, d.Asked)
	if r.flag(o, memberBeneficiaries) {
		d.Rights |= consent.RightTrustedBeneficiaries
	}
	if r.flag(o, memberIdentity) {
		d.Rights |= consent.RightIdentity
	}
	return d, r.faults
}

// reader takes members out of objects and collects what is wrong with them.
type reader struct {
	faults consent.Faults
	strict bool // a member that is missing, or null, is a fault
	read   int  // references so far
}

func (r *reader) fault(path, text string) {
	r.faults = append(r.faults, &consent.Error{Code: consent.CodeFormat, Path: path, Text: text})
}

// member finds a member of the document; nil where it grants nothing.
func (r *reader) member(o map[string]any, name string) any {
	v := o[name]
	if v == nil && r.strict {
		r.fault(name, "is required")
	}
	return v
}

// flag reads a member that is true or false.
func (r *reader) flag(o map[string]any, name string) bool {
	v := r.member(o, name)
	b, ok := v.(bool)
	if v != nil && !ok {
		r.fault(name, "must be true or false, not a string or a number")
	}
	return b
}

// accounts reads a list of accounts and adds the right on them to those that were
// named before.
func (r *reader) accounts(o map[string]any, name string, right consent.Rights, asked []consents.Named) []consents.Named {
	v := r.member(o, name)
	if v == nil {
		return asked
	}
	list, ok := v.([]any)
	if !ok {
		r.fault(name, "must be an array")
		return asked
	}
	if r.read += len(list); r.read > maxReferences {
		r.fault(name, "must not name more than "+strconv.Itoa(maxReferences)+" accounts, together with the lists before")
		return asked
	}
	for i, v := range list {
		path := edge.Element(name, i)
		ref, ok := r.reference(path, v)
		if !ok {
			continue
		}
		at := slices.IndexFunc(asked, func(n consents.Named) bool { return n.Reference == ref })
		if at < 0 {
			at, asked = len(asked), append(asked, consents.Named{Asked: consent.Asked{Reference: ref}, Path: path})
		}
		asked[at].Rights |= right
	}
	return asked
}

// reference reads one account (AccountIdentification), which iban or other names.
func (r *reader) reference(path string, v any) (consent.Reference, bool) {
	var ref consent.Reference
	o, ok := v.(map[string]any)
	if !ok {
		r.fault(path, "must be an object")
		return ref, false
	}
	before := len(r.faults)
	iban, other := o["iban"], o["other"]
	switch {
	case (iban == nil) == (other == nil):
		r.fault(path, "must name the account by either iban or other")
	case iban != nil:
		ref.IBAN = r.matching(path+".iban", iban, patternIBAN, "must be an IBAN: two capital letters, two digits, up to 30 letters and digits, no spaces")
	default:
		r.other(path+".other", other, &ref)
	}
	if c := o["currency"]; c != nil {
		ref.Currency = r.matching(path+".currency", c, patternCurrency, "must be a currency code of three capital letters")
	}
	return ref, len(r.faults) == before
}

// other reads a number that is no IBAN (GenericIdentification).
func (r *reader) other(path string, v any, ref *consent.Reference) {
	o, ok := v.(map[string]any)
	if !ok {
		r.fault(path, "must be an object")
		return
	}
	number := r.text(path+".identification", o["identification"], maxIdentification, true)
	scheme := r.text(path+".schemeName", o["schemeName"], maxSchemeName, true)
	issuer := r.text(path+".issuer", o["issuer"], maxIssuer, false)
	switch scheme {
	case wire.SchemeCardPAN:
		ref.PAN = number
	case wire.SchemeMaskedPAN:
		ref.MaskedPAN = number
	default:
		ref.Other = consent.Other{Identification: number, SchemeName: scheme, Issuer: issuer}
	}
}

// text reads a string that holds something, of at most limit characters.
func (r *reader) text(path string, v any, limit int, must bool) string {
	s, ok := v.(string)
	switch {
	case v == nil && !must:
	case v == nil:
		r.fault(path, "is required")
	case !ok:
		r.fault(path, "must be a string")
	case strings.TrimSpace(s) == "":
		r.fault(path, "must not be empty")
	case strings.ContainsFunc(s, unsafe):
		r.fault(path, "must not hold control characters")
	case utf8.RuneCountInString(s) > limit:
		r.fault(path, "must not be longer than "+strconv.Itoa(limit)+" characters")
	default:
		return s
	}
	return ""
}

// matching reads a string with a pattern.
func (r *reader) matching(path string, v any, pattern *regexp.Regexp, wrong string) string {
	s, ok := v.(string)
	switch {
	case !ok:
		r.fault(path, "must be a string")
	case !pattern.MatchString(s):
		r.fault(path, wrong)
	default:
		return s
	}
	return ""
}

// unsafe tells what changes how the text around it is read: control characters, marks
// that turn the direction of writing, and that for a lone surrogate.
func unsafe(r rune) bool {
	return r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}
