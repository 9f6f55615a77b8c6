package mandated_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"consentd/internal/web/mandated"
)

// shape is the clusters without their texts.
func shape(clusters []mandated.Cluster) map[string][]string {
	codes := map[string][]string{}
	for _, c := range clusters {
		for _, i := range c.Items {
			codes[c.Heading] = append(codes[c.Heading], i.Code)
		}
	}
	return codes
}

func TestClusters(t *testing.T) {
	const (
		account      = "Your Account Details"
		regular      = "Your Regular Payments"
		transactions = "Your Account Transactions"
		other        = "Other data"
	)
	for name, c := range map[string]struct {
		codes []string
		want  map[string][]string
	}{
		"none": {nil, map[string][]string{}},
		"in the order of the table": {
			[]string{"ReadBalances", "ReadAccountsBasic"},
			map[string][]string{account: {"ReadAccountsBasic", "ReadBalances"}},
		},
		"Detail contains Basic": {
			[]string{"ReadAccountsBasic", "ReadAccountsDetail", "ReadTransactionsDetail", "ReadTransactionsBasic"},
			map[string][]string{account: {"ReadAccountsDetail"}, transactions: {"ReadTransactionsDetail"}},
		},
		"each once": {
			[]string{"ReadBalances", "ReadBalances", "ReadX", "ReadX"},
			map[string][]string{account: {"ReadBalances"}, other: {"ReadX"}},
		},
		"currency exchange is a transaction": {
			[]string{"ReadFXTransactionsBasic", "ReadTransactionsBasic"},
			map[string][]string{transactions: {"ReadTransactionsBasic", "ReadFXTransactionsBasic"}},
		},
		"currency exchange, Detail contains Basic": {
			[]string{"ReadFXTransactionsBasic", "ReadFXTransactionsDetail"},
			map[string][]string{transactions: {"ReadFXTransactionsDetail"}},
		},
		"the TPP's own consents are hidden": {
			[]string{"ReadConsents", "ReadDirectDebits"},
			map[string][]string{regular: {"ReadDirectDebits"}},
		},
		"unknown ones are not dropped": {
			[]string{"ReadQIBCards", "ReadRefundAccount", "ReadNewThingBasic"},
			map[string][]string{other: {"ReadRefundAccount", "ReadQIBCards", "ReadNewThingBasic"}},
		},
		"nothing is no permission": {[]string{""}, map[string][]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, shape(mandated.Clusters(c.codes, "en")))
		})
	}
}

func TestClustersStandInTheOrderOfTheTable(t *testing.T) {
	var headings []string
	for _, c := range mandated.Clusters([]string{
		"ReadWhatever", "ReadProductFinanceRates", "ReadParty", "ReadProduct", "ReadStatements", "ReadTransactionsBasic", "ReadDirectDebits", "ReadBalances",
	}, "en") {
		headings = append(headings, c.Heading)
	}
	require.Equal(t, []string{
		"Your Account Details", "Your Regular Payments", "Your Account Transactions", "Your Account Statements",
		"Your Product Information", "Contact and Party Details", "Your Finance Rates", "Other data",
	}, headings)
}

func TestClustersSayTheMandatedWords(t *testing.T) {
	require.Equal(t, []mandated.Cluster{
		{Heading: "Your Account Details", Items: []mandated.Item{{
			Code: "ReadBalances",
			Text: "Your current account balances (available balance, booked balance, credit limit/overdraft if any, and when the balance was last updated)",
		}}},
		{Heading: "Other data", Items: []mandated.Item{{Code: "ReadQIBCards", Text: "Read QIB Cards"}}},
	}, mandated.Clusters([]string{"ReadBalances", "ReadQIBCards"}, "en"))
}

func TestClustersInTheLanguageAskedFor(t *testing.T) {
	german := mandated.Clusters([]string{"ReadParty"}, "de")
	require.Equal(t, "Kontakt- und Personendaten", german[0].Heading)
	require.Equal(t, german, mandated.Clusters([]string{"ReadParty"}, "de-AT"))
	require.Equal(t, mandated.Clusters([]string{"ReadParty"}, "en"), mandated.Clusters([]string{"ReadParty"}, "nl"))
}

// Whatever a consent names is shown once, in some cluster, but for what the rules
// leave out.
func TestNoPermissionIsLost(t *testing.T) {
	pool := []string{
		"ReadAccountsBasic", "ReadAccountsDetail", "ReadBalances", "ReadFXTransactionsBasic", "ReadFXTransactionsDetail",
		"ReadParty", "ReadRefundAccount", "ReadConsents", "ReadXBasic", "ReadXDetail", "Strange",
	}
	rapid.Check(t, func(t *rapid.T) {
		codes := rapid.SliceOf(rapid.SampledFrom(pool)).Draw(t, "codes")
		var seen []string
		for _, c := range mandated.Clusters(codes, "fr") {
			require.NotEmpty(t, c.Heading)
			require.NotEmpty(t, c.Items)
			for _, i := range c.Items {
				require.NotEmpty(t, i.Text, i.Code)
				seen = append(seen, i.Code)
			}
		}
		var want []string
		for _, code := range pool {
			covered := map[string]string{
				"ReadAccountsBasic": "ReadAccountsDetail", "ReadFXTransactionsBasic": "ReadFXTransactionsDetail", "ReadXBasic": "ReadXDetail",
			}[code]
			if slices.Contains(codes, code) && code != "ReadConsents" && !slices.Contains(codes, covered) {
				want = append(want, code)
			}
		}
		require.ElementsMatch(t, want, seen)
	})
}

func TestPaymentPermissionsSpeakOfTheAccountThatPays(t *testing.T) {
	require.Equal(t, []mandated.Item{
		{Code: "ReadAccountsBasic", Text: "The account you pay from (account number, type, currency and account holder name)"},
		{Code: "ReadBalances", Text: "The balance of the account you pay from"},
		{Code: "ReadRefundAccount", Text: "The account into which a refund can be paid (account number and account holder name)"},
		{Code: "ReadNewThing", Text: "Read New Thing"},
	}, mandated.Payment([]string{"ReadNewThing", "ReadRefundAccount", "ReadBalances", "ReadAccountsBasic"}, "en"))
}
