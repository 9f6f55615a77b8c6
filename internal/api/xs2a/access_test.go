package xs2a_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/api/xs2a"
	"consentd/internal/consent"
)

const (
	accountsRight     = consent.RightAccounts
	balancesRight     = consent.RightBalances
	transactionsRight = consent.RightTransactions
	ownerRight        = consent.RightOwnerName
	trustedRight      = consent.RightTrustedBeneficiaries
)

// What an access object means, and how GET shows it again: as it was asked for,
// unless shown says otherwise.
func TestModels(t *testing.T) {
	t.Parallel()
	leaRef, annaRef := consent.Reference{IBAN: ibanLea}, consent.Reference{IBAN: ibanAnna, Currency: "EUR"}
	annaEUR := `{"iban":"` + ibanAnna + `","currency":"EUR"}`
	for name, c := range map[string]struct {
		access string
		want   consent.Access
		shown  string
	}{
		"dedicated, one list": {
			`{"balances":[` + lea + `]}`,
			consent.Access{Scope: consent.ScopeDedicated, Asked: []consent.Asked{{Reference: leaRef, Rights: balancesRight}}},
			"",
		},
		"dedicated, rights of several lists join": {
			`{"accounts":[` + annaEUR + `,` + lea + `],"balances":[` + lea + `],"transactions":[` + lea + `,` + lea + `]}`,
			consent.Access{Scope: consent.ScopeDedicated, Asked: []consent.Asked{
				{Reference: annaRef, Rights: accountsRight},
				{Reference: leaRef, Rights: accountsRight | balancesRight | transactionsRight},
			}},
			`{"accounts":[` + annaEUR + `,` + lea + `],"balances":[` + lea + `],"transactions":[` + lea + `]}`,
		},
		"dedicated, with additional information": {
			`{"balances":[` + anna + `],"additionalInformation":{"ownerName":[` + anna + `],"trustedBeneficiaries":[` + anna + `]}}`,
			consent.Access{Scope: consent.ScopeDedicated, Asked: []consent.Asked{
				{Reference: consent.Reference{IBAN: ibanAnna}, Rights: balancesRight | ownerRight | trustedRight},
			}},
			"",
		},
		"dedicated, a sub-account is covered by its account": {
			`{"balances":[` + anna + `],"additionalInformation":{"ownerName":[` + annaEUR + `]}}`,
			consent.Access{Scope: consent.ScopeDedicated, Asked: []consent.Asked{
				{Reference: consent.Reference{IBAN: ibanAnna}, Rights: balancesRight},
				{Reference: annaRef, Rights: ownerRight},
			}},
			"",
		},
		"bank-offered": {
			`{"balances":[],"transactions":[]}`,
			consent.Access{Scope: consent.ScopeBankOffered, Rights: balancesRight | transactionsRight},
			"",
		},
		"bank-offered, with all there is": {
			`{"accounts":[],"balances":[],"transactions":[],"additionalInformation":{"ownerName":[],"trustedBeneficiaries":[]},"restrictedTo":["CACC","SVGS"]}`,
			consent.Access{
				Scope: consent.ScopeBankOffered, Only: []string{"CACC", "SVGS"},
				Rights: accountsRight | balancesRight | transactionsRight | ownerRight | trustedRight,
			},
			"",
		},
		"bank-offered, empty additional information": {
			`{"accounts":[],"additionalInformation":{}}`,
			consent.Access{Scope: consent.ScopeBankOffered, Rights: accountsRight},
			`{"accounts":[]}`,
		},
		"global": {
			`{"allPsd2":"allAccounts"}`,
			consent.Access{Scope: consent.ScopeAllPSD2, Rights: accountsRight | balancesRight | transactionsRight | trustedRight},
			"",
		},
		"global, with owner name, restricted": {
			`{"allPsd2":"allAccountsWithOwnerName","restrictedTo":["CACC"]}`,
			consent.Access{
				Scope: consent.ScopeAllPSD2, OwnerName: true, Only: []string{"CACC"},
				Rights: accountsRight | balancesRight | transactionsRight | ownerRight | trustedRight,
			},
			"",
		},
		"available accounts": {
			`{"availableAccounts":"allAccounts"}`,
			consent.Access{Scope: consent.ScopeAvailable, Rights: accountsRight},
			"",
		},
		"available accounts with owner name": {
			`{"availableAccounts":"allAccountsWithOwnerName"}`,
			consent.Access{Scope: consent.ScopeAvailable, OwnerName: true, Rights: accountsRight | ownerRight},
			"",
		},
		"available accounts with balance": {
			`{"availableAccountsWithBalance":"allAccounts","restrictedTo":["LOAN"]}`,
			consent.Access{Scope: consent.ScopeAvailableBalances, Rights: accountsRight | balancesRight, Only: []string{"LOAN"}},
			"",
		},
		"a member of a later version is ignored": {
			`{"balances":[],"statements":[` + lea + `]}`,
			consent.Access{Scope: consent.ScopeBankOffered, Rights: balancesRight},
			`{"balances":[]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			a := w.create(t, consentBody(c.access), nil)
			require.Equal(t, http.StatusCreated, a.status, a.body)
			assert.Equal(t, c.want, w.stored(t).Access)
			shown, err := json.Marshal(w.get(t, a).Access)
			require.NoError(t, err)
			if c.shown == "" {
				c.shown = c.access
			}
			assert.JSONEq(t, c.shown, string(shown))
		})
	}
}

func TestAccessThatCannotBeMeant(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for access, want := range map[string]string{
		`{}`:                        "FORMAT_ERROR access",
		`{"statements":[]}`:         "FORMAT_ERROR access",
		`{"restrictedTo":["CACC"]}`: "FORMAT_ERROR access",
		`{"allPsd2":"allAccounts","availableAccounts":"allAccounts"}`:                      "FORMAT_ERROR access.availableAccounts",
		`{"availableAccounts":"allAccounts","availableAccountsWithBalance":"allAccounts"}`: "FORMAT_ERROR access.availableAccountsWithBalance",
		`{"allPsd2":"allAccounts","accounts":[` + lea + `]}`:                               "FORMAT_ERROR access.allPsd2",
		`{"allPsd2":"allAccounts","balances":[]}`:                                          "FORMAT_ERROR access.allPsd2",
		`{"availableAccountsWithBalance":"allAccounts","transactions":[]}`:                 "FORMAT_ERROR access.availableAccountsWithBalance",
		`{"availableAccounts":"allAccounts","additionalInformation":{"ownerName":[]}}`:     "FORMAT_ERROR access.availableAccounts",
		`{"allPsd2":"ALL"}`:                            "FORMAT_ERROR access.allPsd2",
		`{"allPsd2":""}`:                               "FORMAT_ERROR access.allPsd2",
		`{"allPsd2":true}`:                             "FORMAT_ERROR access.allPsd2",
		`{"allPsd2":null}`:                             "FORMAT_ERROR access.allPsd2",
		`{"accounts":null}`:                            "FORMAT_ERROR access.accounts",
		`{"balances":{}}`:                              "FORMAT_ERROR access.balances",
		`{"transactions":"all"}`:                       "FORMAT_ERROR access.transactions",
		`{"accounts":[` + lea + `],"balances":[]}`:     "FORMAT_ERROR access.balances",
		`{"accounts":[],"transactions":[` + lea + `]}`: "FORMAT_ERROR access.transactions",
		`{"balances":[` + lea + `],"additionalInformation":{"ownerName":[]}}`:                                                         "FORMAT_ERROR access.additionalInformation.ownerName",
		`{"balances":[],"additionalInformation":{"ownerName":[` + lea + `]}}`:                                                         "FORMAT_ERROR access.additionalInformation.ownerName",
		`{"additionalInformation":{"ownerName":[` + lea + `]}}`:                                                                       "FORMAT_ERROR access.additionalInformation",
		`{"additionalInformation":{}}`:                                                                                                "FORMAT_ERROR access.additionalInformation",
		`{"balances":[],"additionalInformation":[]}`:                                                                                  "FORMAT_ERROR access.additionalInformation",
		`{"balances":[],"additionalInformation":null}`:                                                                                "FORMAT_ERROR access.additionalInformation",
		`{"balances":[` + lea + `],"additionalInformation":{"ownerName":[` + anna + `]}}`:                                             "FORMAT_ERROR access.additionalInformation.ownerName[0]",
		`{"balances":[{"iban":"` + ibanAnna + `","currency":"EUR"}],"additionalInformation":{"trustedBeneficiaries":[` + anna + `]}}`: "FORMAT_ERROR access.additionalInformation.trustedBeneficiaries[0]",
		`{"balances":[` + lea + `],"restrictedTo":["CACC"]}`:                                                                          "FORMAT_ERROR access.restrictedTo",
		`{"balances":[],"restrictedTo":[]}`:                                                                                           "FORMAT_ERROR access.restrictedTo",
		`{"balances":[],"restrictedTo":"CACC"}`:                                                                                       "FORMAT_ERROR access.restrictedTo",
		`{"balances":[],"restrictedTo":["CACC",1]}`:                                                                                   "FORMAT_ERROR access.restrictedTo[1]",
		`{"balances":[],"restrictedTo":["CACCX"]}`:                                                                                    "FORMAT_ERROR access.restrictedTo[0]",
	} {
		a := w.create(t, consentBody(access), nil)
		assert.Equal(t, http.StatusBadRequest, a.status, access)
		assert.Equal(t, []string{want}, a.messages(t), access)
	}
}

// The rules of an account are the same whichever list it stands in.
func TestAccountReferences(t *testing.T) {
	t.Parallel()
	w := setup(t)
	long := strings.Repeat("9", 35)
	for ref, want := range map[string]string{
		lea:                                 "",
		`{"iban":"DE40100100103307118608"}`: "",
		`{"iban":"MT84MALT011000012345MTLCAST001S"}`: "",
		`{"iban":"MT84malt011000012345mtlcast001s"}`: "", // lower case is for the part after the check digits
		`{"bban":"BARC12345612345678"}`:              "",
		`{"pan":"` + long + `"}`:                     "",
		`{"maskedPan":"525412******3241"}`:           "",
		`{"msisdn":"+49 170 1234567"}`:               "",
		`{"other":{"identification":"X-1","schemeNameCode":"BANK","schemeNameProprietary":"Ours","issuer":"We"}}`: "",
		`{"iban":"` + ibanLea + `","currency":"EUR","cashAccountType":"CACC"}`:                                    "",
		`{"iban":"` + ibanLea + `","resourceId":"r1"}`:                                                            "",

		`{}`: " ",
		`5`:  " ", `null`: " ", `"` + ibanLea + `"`: " ", `[]`: " ",
		`{"currency":"EUR"}`:                                  " ",
		`{"iban":"` + ibanLea + `","bban":"1"}`:               " ",
		`{"pan":"1","maskedPan":"2","msisdn":"3"}`:            " ",
		`{"iban":null}`:                                       ".iban",
		`{"iban":5}`:                                          ".iban",
		`{"iban":""}`:                                         ".iban",
		`{"iban":"DE4"}`:                                      ".iban",
		`{"iban":"DE41100100103307118608"}`:                   ".iban", // check digits
		`{"iban":"DE40100100103307118680"}`:                   ".iban", // two digits swapped
		`{"iban":"de40100100103307118608"}`:                   ".iban",
		`{"iban":"DE40 1001 0010 3307 1186 08"}`:              ".iban",
		`{"iban":" DE40100100103307118608"}`:                  ".iban",
		`{"iban":"DE40100100103307118608\n"}`:                 ".iban",
		`{"iban":"DE40100100103307118608\u0000"}`:             ".iban",
		`{"iban":"xDE40100100103307118608"}`:                  ".iban",
		`{"iban":"DE40` + strings.Repeat("1", 31) + `"}`:      ".iban",
		`{"bban":"12-34"}`:                                    ".bban",
		`{"bban":"` + long + `"}`:                             ".bban",
		`{"pan":"` + long + `9"}`:                             ".pan",
		`{"pan":" "}`:                                         ".pan",
		`{"pan":"12\u0000"}`:                                  ".pan",
		`{"maskedPan":"12\t34"}`:                              ".maskedPan",
		`{"maskedPan":"\ud800"}`:                              ".maskedPan",
		`{"msisdn":"` + long + `9"}`:                          ".msisdn",
		`{"msisdn":12}`:                                       ".msisdn",
		`{"other":"x"}`:                                       ".other",
		`{"other":{}}`:                                        ".other.identification",
		`{"other":{"identification":""}}`:                     ".other.identification",
		`{"other":{"identification":"` + long + `9"}}`:        ".other.identification",
		`{"other":{"identification":"1","schemeNameCode":1}}`: ".other.schemeNameCode",
		`{"other":{"identification":"1","schemeNameProprietary":"\u0007"}}`: ".other.schemeNameProprietary",
		`{"other":{"identification":"1","issuer":"` + long + `9"}}`:         ".other.issuer",
		`{"iban":"` + ibanLea + `","currency":"eur"}`:                       ".currency",
		`{"iban":"` + ibanLea + `","currency":"EURO"}`:                      ".currency",
		`{"iban":"` + ibanLea + `","currency":978}`:                         ".currency",
		`{"iban":"` + ibanLea + `","currency":null}`:                        ".currency",
		`{"iban":"` + ibanLea + `","cashAccountType":"CAC"}`:                ".cashAccountType",
		`{"iban":"` + ibanLea + `","cashAccountType":"cacc"}`:               ".cashAccountType",
	} {
		for _, list := range []string{"accounts", "balances", "transactions", "ownerName", "trustedBeneficiaries"} {
			access, path := `{"`+list+`":[`+ref+`]}`, "access."+list+"[0]"
			if strings.HasSuffix(list, "e") || strings.HasPrefix(list, "trusted") {
				access = `{"accounts":[` + lea + `],"additionalInformation":{"` + list + `":[` + ref + `]}}`
				path = "access.additionalInformation." + list + "[0]"
				if want == "" { // what is right must be covered as well
					access = strings.Replace(access, lea, ref, 1)
				}
			}
			a := w.create(t, consentBody(access), nil)
			if want == "" {
				require.Equal(t, http.StatusCreated, a.status, "%s: %s", access, a.body)
				continue
			}
			require.Equal(t, http.StatusBadRequest, a.status, access)
			require.Equal(t, []string{"FORMAT_ERROR " + path + strings.TrimSpace(want)}, a.messages(t), access)
		}
	}
}

func TestWhatTheBankDoesNotOffer(t *testing.T) {
	t.Parallel()
	w := setup(t, func(h *xs2a.Handler) {
		h.Options.Scopes = []consent.Scope{consent.ScopeDedicated, consent.ScopeBankOffered, consent.ScopeAvailable}
		h.Options.AccountKinds = []string{"iban"}
		h.Options.OwnerName, h.Options.TrustedBeneficiaries = false, false
	})
	for access, want := range map[string]string{
		`{"allPsd2":"allAccounts"}`:                        "SERVICE_INVALID access",
		`{"availableAccountsWithBalance":"allAccounts"}`:   "SERVICE_INVALID access",
		`{"availableAccounts":"allAccountsWithOwnerName"}`: "PARAMETER_NOT_SUPPORTED access.availableAccounts",
		`{"balances":[{"pan":"1"}]}`:                       "PARAMETER_NOT_SUPPORTED access.balances[0].pan",
	} {
		a := w.create(t, consentBody(access), nil)
		assert.Equal(t, http.StatusBadRequest, a.status, access)
		assert.Equal(t, []string{want}, a.messages(t), access)
	}
	for access, shown := range map[string]string{
		`{"balances":[` + lea + `],"additionalInformation":{"ownerName":[` + lea + `]}}`: `{"balances":[` + lea + `]}`,
		`{"balances":[],"additionalInformation":{"trustedBeneficiaries":[]}}`:            `{"balances":[]}`,
	} {
		a := w.create(t, consentBody(access), nil)
		require.Equal(t, http.StatusCreated, a.status, a.body)
		got, err := json.Marshal(w.get(t, a).Access)
		require.NoError(t, err)
		assert.JSONEq(t, shown, string(got), "left out")
	}
}
