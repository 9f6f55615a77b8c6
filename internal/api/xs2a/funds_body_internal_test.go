package xs2a

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"consentd/internal/consent"
	"consentd/internal/service"
)

const fundsIBAN = "FR7617515000920400430518020"

// bodyOf makes an object of good members and others that replace them; "-" takes
// a member away.
func bodyOf(good, changed map[string]string) []byte {
	all := maps.Clone(good)
	maps.Copy(all, changed)
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name] != "-" {
			parts = append(parts, quoted(name)+":"+all[name])
		}
	}
	return []byte("{" + strings.Join(parts, ",") + "}")
}

// goodFunds and goodQuestion are what the standard requires, and no more.
var (
	goodFunds    = map[string]string{"account": `{"iban":"` + fundsIBAN + `"}`}
	goodQuestion = map[string]string{"account": `{"iban":"` + fundsIBAN + `"}`, "instructedAmount": `{"currency":"EUR","amount":"12.50"}`}
)

// memberCase is a value of a member, and the fault that it gives; none where it
// is right.
type memberCase struct{ member, value, want string }

// textCases are those of an optional text.
func textCases(member string, limit int) []memberCase {
	var cases []memberCase
	for _, wrong := range []string{`null`, `5`, `false`, `[]`, `{}`, `""`, `"   "`, `"a\tb"`, `"\ud800"`, quoted(of(limit + 1))} {
		cases = append(cases, memberCase{member, wrong, "format " + member})
	}
	return append(cases, memberCase{member, "-", ""}, memberCase{member, `"x"`, ""}, memberCase{member, quoted(of(limit)), ""})
}

// accountCases are the rules of every account: the same as in a consent.
func accountCases() []memberCase {
	return []memberCase{
		{"account", "-", "format account"},
		{"account", "null", "format account"},
		{"account", "[]", "format account"},
		{"account", quoted(fundsIBAN), "format account"},
		{"account", "{}", "format account"},
		{"account", `{"currency":"EUR"}`, "format account"},
		{"account", `{"iban":"` + fundsIBAN + `","pan":"1"}`, "format account"},
		{"account", `{"iban":"FR7617515000920400430518021"}`, "format account.iban"},
		{"account", `{"iban":null}`, "format account.iban"},
		{"account", `{"iban":"` + fundsIBAN + `","currency":"eur"}`, "format account.currency"},
		{"account", `{"iban":"` + fundsIBAN + `","cashAccountType":"x"}`, "format account.cashAccountType"},
		{"account", `{"bban":"12-3"}`, "format account.bban"},
		{"account", `{"pan":"` + strings.Repeat("1", 36) + `"}`, "format account.pan"},
		{"account", `{"msisdn":5}`, "format account.msisdn"},
		{"account", `{"other":{}}`, "format account.other.identification"},
		{"account", `{"maskedPan":"525412******3241"}`, "not_supported account.maskedPan"},
		{"account", `{"pan":"` + strings.Repeat("1", 35) + `"}`, ""},
		{"account", `{"iban":"` + fundsIBAN + `","currency":"EUR","cashAccountType":"CACC"}`, ""},
		{"account", `{"other":{"identification":"X-1","issuer":"We"}}`, ""},
		{"somethingElse", `{"a":[null]}`, ""},
	}
}

// judge runs the cases of one body.
func judge(t *testing.T, good map[string]string, cases []memberCase, read func([]byte) consent.Faults) {
	t.Helper()
	for _, c := range cases {
		faults := read(bodyOf(good, map[string]string{c.member: c.value}))
		if c.want == "" {
			assert.Empty(t, faults, "%s: %.60s", c.member, c.value)
			continue
		}
		assert.Equal(t, []string{c.want}, said(faults), "%s: %.60s", c.member, c.value)
	}
	for _, body := range []string{``, ` `, `null`, `[]`, `{`, `{}{}`, "\xff", `"x"`} {
		assert.Equal(t, []string{"format body"}, said(read([]byte(body))), "%q", body)
	}
}

// choosy is a handler of a bank that takes no masked card numbers.
func choosy() *Handler {
	o := DefaultOptions()
	o.AccountKinds = slices.DeleteFunc(o.AccountKinds, func(kind string) bool { return kind == kindMaskedPAN })
	return &Handler{Options: o}
}

func TestFundsConsentMembers(t *testing.T) {
	t.Parallel()
	h := choosy()
	cases := slices.Concat(accountCases(), textCases("cardNumber", 35), textCases("cardInformation", 140), textCases("registrationInformation", 140))
	for value, ok := range map[string]bool{
		"-": true, `"2027-01-31"`: true, `"2028-02-29"`: true, `"9999-12-31"`: true, `"1999-01-01"`: true, // a card that ran out decides nothing
		`"2027-02-29"`: false, `"2027-1-31"`: false, `"01/27"`: false, `"2027-01"`: false, `"2027-01-31T00:00:00Z"`: false,
		`""`: false, `null`: false, `20270131`: false, `["2027-01-31"]`: false, `"10000-01-01"`: false,
	} {
		want := ""
		if !ok {
			want = "format cardExpiryDate"
		}
		cases = append(cases, memberCase{"cardExpiryDate", value, want})
	}
	judge(t, goodFunds, cases, func(body []byte) consent.Faults {
		_, faults := h.fundsDraft(body)
		return faults
	})
}

func TestFundsQuestionMembers(t *testing.T) {
	t.Parallel()
	h := choosy()
	cases := slices.Concat(accountCases(), textCases("cardNumber", 35), textCases("payee", 70))
	for value, want := range map[string]string{
		"-": "", "null": "", "[]": "", `"12.50"`: "", "12.5": "",
		`{"amount":"12.50"}`:                            ".currency",
		`{"currency":"EUR"}`:                            ".amount",
		`{"currency":null,"amount":"1"}`:                ".currency",
		`{"currency":978,"amount":"1"}`:                 ".currency",
		`{"currency":"","amount":"1"}`:                  ".currency",
		`{"currency":"eur","amount":"1"}`:               ".currency",
		`{"currency":"EU","amount":"1"}`:                ".currency",
		`{"currency":"EURO","amount":"1"}`:              ".currency",
		`{"currency":"EUR","amount":null}`:              ".amount",
		`{"currency":"EUR","amount":12.5}`:              ".amount",
		`{"currency":"EUR","amount":""}`:                ".amount",
		`{"currency":"EUR","amount":"0"}`:               ".amount",
		`{"currency":"EUR","amount":"0.000"}`:           ".amount",
		`{"currency":"EUR","amount":"-1"}`:              ".amount",
		`{"currency":"EUR","amount":"-0"}`:              ".amount",
		`{"currency":"EUR","amount":"+1"}`:              ".amount",
		`{"currency":"EUR","amount":"1,50"}`:            ".amount",
		`{"currency":"EUR","amount":"1."}`:              ".amount",
		`{"currency":"EUR","amount":".5"}`:              ".amount",
		`{"currency":"EUR","amount":"1.2345"}`:          ".amount",
		`{"currency":"EUR","amount":"1e3"}`:             ".amount",
		`{"currency":"EUR","amount":" 1"}`:              ".amount",
		`{"currency":"EUR","amount":"1 000"}`:           ".amount",
		`{"currency":"EUR","amount":"٣"}`:               ".amount",
		`{"currency":"EUR","amount":"123456789012345"}`: ".amount",
	} {
		cases = append(cases, memberCase{"instructedAmount", value, "format instructedAmount" + want})
	}
	for _, amount := range []string{"1", "12.5", "12.50", "0.001", "00001", "99999999999999.999"} {
		cases = append(cases, memberCase{"instructedAmount", `{"currency":"XXX","amount":"` + amount + `","x":1}`, ""})
	}
	judge(t, goodQuestion, cases, func(body []byte) consent.Faults {
		_, faults := h.fundsQuestion(body)
		return faults
	})
}

// What is read is what is meant.
func TestFundsDraft(t *testing.T) {
	t.Parallel()
	h := choosy()
	d, faults := h.fundsDraft(bodyOf(goodFunds, map[string]string{
		"account":    `{"iban":"` + fundsIBAN + `","currency":"EUR","cashAccountType":"CACC"}`,
		"cardNumber": `"5409050000000000"`, "cardExpiryDate": `"2027-01-31"`, "cardInformation": `"Our card"`, "registrationInformation": `"Contract 1"`,
	}))
	assert.Empty(t, faults)
	assert.Equal(t, consent.Draft{
		Kind: consent.FundsConfirmation, Rail: consent.RailXS2A,
		Access: consent.Access{Scope: consent.ScopeDedicated, Asked: []consent.Asked{
			{Reference: consent.Reference{IBAN: fundsIBAN, Currency: "EUR", CashAccountType: "CACC"}, Rights: consent.RightFunds},
		}},
		Card: consent.Card{
			Number: "5409050000000000", Expiry: consent.Date{Year: 2027, Month: time.January, Day: 31}, Information: "Our card", Registration: "Contract 1",
		},
	}, d)

	d, faults = h.fundsDraft(bodyOf(goodFunds, nil))
	assert.Empty(t, faults)
	assert.Zero(t, d.Card)

	h.Options.LenientDates = true
	d, faults = h.fundsDraft(bodyOf(goodFunds, map[string]string{"cardExpiryDate": `"2027-01-31T23:30:00Z"`}))
	assert.Empty(t, faults)
	assert.Equal(t, "2027-01-31", d.Card.Expiry.String())
}

func TestFundsQuestion(t *testing.T) {
	t.Parallel()
	q, faults := choosy().fundsQuestion(bodyOf(goodQuestion, map[string]string{"cardNumber": `"1"`, "payee": `"Corner shop"`}))
	assert.Empty(t, faults)
	assert.Equal(t, question{account: consent.Reference{IBAN: fundsIBAN}, amount: service.Amount{Currency: "EUR", Value: "12.50"}}, q)
}

// All faults come together, in one order.
func TestFundsFaultsTogether(t *testing.T) {
	t.Parallel()
	_, faults := choosy().fundsDraft([]byte(`{"account":{"iban":"x","maskedPan":"y"},"cardNumber":1,"cardExpiryDate":"x","cardInformation":"","registrationInformation":null}`))
	assert.Equal(t, []string{
		"format account.iban", "not_supported account.maskedPan", "format account", "format cardNumber",
		"format cardExpiryDate", "format cardInformation", "format registrationInformation",
	}, said(faults))
	_, faults = choosy().fundsQuestion([]byte(`{"instructedAmount":{"currency":"x","amount":"x"},"payee":1,"cardNumber":[]}`))
	assert.Equal(t, []string{
		"format cardNumber", "format account", "format payee", "format instructedAmount.currency", "format instructedAmount.amount",
	}, said(faults))
}
