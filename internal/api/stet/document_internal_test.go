package stet

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/consents"
)

const iban = "FR7617515000920400430518020"

// said are the faults, as "path text".
func said(faults consent.Faults) []string {
	list := []string{}
	for _, f := range faults {
		list = append(list, string(f.Code)+" "+f.Path)
	}
	return list
}

// The same body asks the Berlin Group's dialect for all accounts; here it is none.
func TestEmptyListsAreNone(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"balances":[],"transactions":[]}`, `{}`, `{"balances":null}`} {
		d, faults := (&Handler{Options: DefaultOptions()}).document([]byte(body))
		require.Empty(t, faults)
		require.Equal(t, consents.Document{}, d, "%s: nothing is granted", body)
	}
}

// Several mentions of an account are one, with the rights of all.
func TestDocument(t *testing.T) {
	t.Parallel()
	body := `{"balances":[{"iban":"` + iban + `"},{"iban":null,"other":{"schemeName":"CPAN","identification":"5254"},"currency":"EUR"}],
		"transactions":[{"other":{"schemeName":"MPAN","identification":"52**"}},{"iban":"` + iban + `","area":{"x":1}},{"other":{"schemeName":"TPAN","identification":"9","issuer":"B"}}],
		"psuIdentity":true,"trustedBeneficiaries":true,"owners":"whatever"}`
	d, faults := (&Handler{Options: DefaultOptions()}).document([]byte(body))
	require.Empty(t, faults)
	named := func(path string, rights consent.Rights, ref consent.Reference) consents.Named {
		return consents.Named{Asked: consent.Asked{Reference: ref, Rights: rights}, Path: path}
	}
	require.Equal(t, consents.Document{
		Rights: consent.RightIdentity | consent.RightTrustedBeneficiaries,
		Asked: []consents.Named{
			named("balances[0]", consent.RightBalances|consent.RightTransactions, consent.Reference{IBAN: iban}),
			named("balances[1]", consent.RightBalances, consent.Reference{PAN: "5254", Currency: "EUR"}),
			named("transactions[0]", consent.RightTransactions, consent.Reference{MaskedPAN: "52**"}),
			named("transactions[2]", consent.RightTransactions, consent.Reference{Other: consent.Other{Identification: "9", SchemeName: "TPAN", Issuer: "B"}}),
		},
	}, d)
}

func TestDocumentFaults(t *testing.T) {
	t.Parallel()
	many := "[" + strings.TrimSuffix(strings.Repeat(`{"iban":"`+iban+`"},`, maxReferences+1), ",") + "]"
	half := "[" + strings.TrimSuffix(strings.Repeat(`{"iban":"`+iban+`"},`, maxReferences/2+1), ",") + "]"
	for body, want := range map[string]string{
		`null`: "body", `[]`: "body", `{`: "body", `{} x`: "body", "\xff": "body", `"x"`: "body",
		strings.Repeat(`{"a":`, 17) + "1" + strings.Repeat("}", 17): "body",
		`{"psuIdentity":true,"psuIdentity":false}`:                  "psuIdentity",
		`{"psuIdentity":"true"}`:                                    "psuIdentity",
		`{"psuIdentity":1}`:                                         "psuIdentity",
		`{"trustedBeneficiaries":[{"access":"true"}]}`:              "trustedBeneficiaries",
		`{"balances":{}}`:                                           "balances",
		`{"balances":"x"}`:                                          "balances",
		`{"balances":[null]}`:                                       "balances[0]",
		`{"balances":["` + iban + `"]}`:                             "balances[0]",
		`{"balances":[{}]}`:                                         "balances[0]",
		`{"balances":[{"iban":null}]}`:                              "balances[0]",
		`{"balances":[{"iban":"` + iban + `","other":{"identification":"1","schemeName":"BANK"}}]}`: "balances[0]",
		`{"balances":[{"iban":1}]}`:                                                                         "balances[0].iban",
		`{"balances":[{"iban":""}]}`:                                                                        "balances[0].iban",
		`{"balances":[{"iban":"FR76 1751 5000 9204"}]}`:                                                     "balances[0].iban",
		`{"balances":[{"iban":"fr7617515000920400430518020"}]}`:                                             "balances[0].iban",
		`{"balances":[{"iban":"FR76` + strings.Repeat("1", 31) + `"}]}`:                                     "balances[0].iban",
		`{"balances":[{"iban":"` + iban + `\n"}]}`:                                                          "balances[0].iban",
		`{"transactions":[{"iban":"` + iban + `"},{"iban":"` + iban + `","currency":"eur"}]}`:               "transactions[1].currency",
		`{"balances":[{"other":"x"}]}`:                                                                      "balances[0].other",
		`{"balances":[{"other":{"schemeName":"BANK"}}]}`:                                                    "balances[0].other.identification",
		`{"balances":[{"other":{"identification":"1"}}]}`:                                                   "balances[0].other.schemeName",
		`{"balances":[{"other":{"identification":"1\u0000","schemeName":"BANK"}}]}`:                         "balances[0].other.identification",
		`{"balances":[{"other":{"identification":"1","schemeName":" "}}]}`:                                  "balances[0].other.schemeName",
		`{"balances":[{"other":{"identification":"` + strings.Repeat("1", 71) + `","schemeName":"BANK"}}]}`: "balances[0].other.identification",
		`{"balances":[{"other":{"identification":"1","schemeName":"BANK","issuer":7}}]}`:                    "balances[0].other.issuer",
		`{"balances":` + many + `}`:                                                                         "balances",
		`{"balances":` + half + `,"transactions":` + half + `}`:                                             "transactions",
	} {
		_, faults := (&Handler{Options: DefaultOptions()}).document([]byte(body))
		require.Equal(t, []string{"format " + want}, said(faults), "%.80s", body)
		require.NotContains(t, faults.Error(), "FR76")
	}
	_, faults := (&Handler{Options: DefaultOptions()}).document([]byte(`{"balances":[{"iban":"FR90X"}]}`))
	require.Empty(t, faults, "check digits are not computed")
}

// A strict bank wants every member, and null is none.
func TestStrictDocument(t *testing.T) {
	t.Parallel()
	strict := &Handler{Options: Options{MissingMembers: Refuse}}
	for body, want := range map[string][]string{
		`{}`: {"format balances", "format transactions", "format trustedBeneficiaries", "format psuIdentity"},
		`{"balances":[],"transactions":null,"trustedBeneficiaries":false,"psuIdentity":false}`: {"format transactions"},
		`{"balances":[],"transactions":[],"trustedBeneficiaries":false}`:                       {"format psuIdentity"},
		`{"balances":[],"transactions":[],"trustedBeneficiaries":false,"psuIdentity":false}`:   {},
	} {
		_, faults := strict.document([]byte(body))
		require.Equal(t, want, said(faults), body)
	}
}
