package sandbox_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/service/access"
	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

func TestDataShowsWhatIsGranted(t *testing.T) {
	t.Parallel()
	s := serving(t, "anna", may("r31", all), may("r32", consent.RightAccounts|consent.RightTransactions), may("r33", consent.RightAccounts|consent.RightOwnerName), may("r1", all))
	list := get[xs2a.AccountList](s, "/v1/accounts?withBalance=true")
	require.Len(t, list.Accounts, 3, "another customer's account is not shown, whatever a decision says")
	first, second, third := list.Accounts[0], list.Accounts[1], list.Accounts[2]
	base := s.url + "/psd2/v1/accounts/"
	assert.Equal(t, xs2a.AccountDetails{
		ResourceID: "r31", IBAN: "DE40100100103307118608", Currency: "EUR", Name: "Girokonto", CashAccountType: "CACC",
		Status: xs2a.AccountEnabled, Usage: xs2a.UsagePrivate, Balances: first.Balances,
		Links: xs2a.Links{"balances": {Href: base + "r31/balances"}, "transactions": {Href: base + "r31/transactions"}},
	}, first)
	assert.Equal(t, []xs2a.BalanceType{xs2a.BalanceClosingBooked, xs2a.BalanceInterimAvailable, xs2a.BalanceExpected}, kinds(first.Balances))
	assert.Equal(t, "2310.18", first.Balances[0].BalanceAmount.Amount)
	assert.Empty(t, second.Balances, "not granted")
	assert.Equal(t, xs2a.Links{"transactions": {Href: base + "r32/transactions"}}, second.Links)
	assert.Equal(t, "ANNA SANDBOXD", third.OwnerName)
	assert.Empty(t, third.Links)

	for _, a := range get[xs2a.AccountList](s, "/v1/accounts").Accounts {
		assert.Empty(t, a.Balances, "only with withBalance")
	}
	assert.Empty(t, get[xs2a.AccountResponse](s, "/v1/accounts/r31?withBalance=false").Account.Balances)
	assert.Len(t, get[xs2a.AccountResponse](s, "/v1/accounts/r31?withBalance=true").Account.Balances, 3)
	assert.Empty(t, get[xs2a.AccountResponse](s, "/v1/accounts/r31").Account.OwnerName)
	s.admission.owner = true
	assert.Equal(t, "ANNA SANDBOXD", get[xs2a.AccountResponse](s, "/v1/accounts/r31").Account.OwnerName)
}

func kinds(balances []xs2a.Balance) []xs2a.BalanceType {
	list := make([]xs2a.BalanceType, len(balances))
	for i, b := range balances {
		list[i] = b.BalanceType
	}
	return list
}

func TestDataOfABusiness(t *testing.T) {
	t.Parallel()
	s := serving(t, "sarl", may("r21", all|consent.RightTrustedBeneficiaries), may("r22", all))
	s.admission.owner = true
	a := get[xs2a.AccountResponse](s, "/v1/accounts/r21").Account
	assert.Equal(t, "SARL SANDBOX", a.OwnerName)
	assert.Equal(t, xs2a.UsageOrganisation, a.Usage)
	list := get[xs2a.TrustedBeneficiaries](s, "/v1/trusted-beneficiaries").TrustedBeneficiaries
	require.NotEmpty(t, list)
	assert.Equal(t, "IMMOBILIERE DES QUAIS", list[0].CreditorName)
	assert.Equal(t, "r21-1", list[0].TrustedBeneficiaryID)
	assert.Equal(t, &xs2a.AccountReference{IBAN: "FR7617515000930000085212187", Currency: "EUR"}, list[0].DebtorAccount)
	assert.NotEmpty(t, list[0].CreditorAccount.IBAN)
}

func TestDataOfAnEmptyDecision(t *testing.T) {
	t.Parallel()
	s := serving(t, "noa")
	for path, want := range map[string]string{
		"/v1/accounts": `{"accounts":[]}`, "/v1/card-accounts": `{"cardAccounts":[]}`, "/v1/trusted-beneficiaries": `{"trustedBeneficiaries":[]}`,
	} {
		got := s.call(http.MethodGet, path)
		assert.Equal(t, http.StatusOK, got.status)
		assert.JSONEq(t, want, got.body)
	}
	got := s.call(http.MethodGet, "/v1/accounts/r1")
	assert.Equal(t, http.StatusNotFound, got.status)
}

func TestDataBalances(t *testing.T) {
	t.Parallel()
	s := serving(t, "anna", may("r31", all), may("r34", all))
	got := get[xs2a.BalancesResponse](s, "/v1/accounts/r31/balances")
	assert.Equal(t, &xs2a.AccountReference{IBAN: "DE40100100103307118608", Currency: "EUR"}, got.Account)
	assert.Equal(t, "2026-05-03", got.Balances[0].ReferenceDate)
	assert.Regexp(t, `^2026\d{4}-\d{3}$`, got.Balances[0].LastCommittedTransaction)
	assert.Equal(t, "2026-05-04", got.Balances[2].ReferenceDate)

	card := get[xs2a.CardBalancesResponse](s, "/v1/card-accounts/r34/balances")
	assert.Equal(t, &xs2a.AccountReference{MaskedPAN: "525412******3241", Currency: "EUR"}, card.CardAccount)
	assert.Equal(t, []xs2a.BalanceType{xs2a.BalanceClosingBooked, xs2a.BalanceExpected}, kinds(card.Balances))
	assert.Equal(t, "-73.25", card.Balances[0].BalanceAmount.Amount)
	require.NotNil(t, card.DebitAccounting)
	assert.False(t, *card.DebitAccounting, "debits are negative")
}

func TestDataOfOpenedAccounts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	opened := b.call(t, http.MethodPost, "/sandbox/psus/noa/accounts", `{"iban":"FR7617515000920400430518214","currency":"EUR","name":"Livret","resourceId":"new","balance":"12.5"}`)
	require.Equal(t, http.StatusCreated, opened.status, opened.body)
	s := serving(t, "noa", may("new", all))
	s.bank.Store = b.bank.Store
	got := get[xs2a.TransactionsResponse](s, "/v1/accounts/new/transactions?dateFrom=2020-01-01&bookingStatus=both&withBalance=true")
	assert.Empty(t, got.Transactions.Booked)
	assert.Empty(t, got.Transactions.Pending)
	for _, balance := range got.Balances {
		assert.Equal(t, "12.5", balance.BalanceAmount.Amount)
	}
}

// A walk by the links yields each entry exactly once, the newest first, and stays
// the same when the day ends on the way.
func TestDataPages(t *testing.T) {
	t.Parallel()
	s := serving(t, "lea", may("r1", all))
	path := "/v1/accounts/r1/transactions?dateFrom=2000-01-01&bookingStatus=booked&withBalance=true"
	page := get[xs2a.TransactionsResponse](s, path)
	first := page
	seen, last, turns := map[string]bool{}, "9999", 1
	for {
		require.NotEmpty(t, page.Transactions.Booked)
		require.Nil(t, page.Transactions.Pending)
		require.Len(t, page.Balances, 3)
		for _, x := range page.Transactions.Booked {
			require.False(t, seen[x.TransactionID], "twice")
			seen[x.TransactionID] = true
			require.Less(t, x.EntryReference, last)
			last = x.EntryReference
		}
		assert.Equal(t, s.url+"/psd2/v1/accounts/r1", page.Transactions.Links["account"].Href)
		next, more := page.Transactions.Links["next"]
		if !more {
			break
		}
		require.Len(t, page.Transactions.Booked, 50)
		turns++
		require.NoError(t, s.clock.Advance(2*time.Hour))
		page = get[xs2a.TransactionsResponse](s, strings.TrimPrefix(next.Href, s.url+"/psd2"))
	}
	assert.Greater(t, turns, 5)
	assert.Less(t, last, "20240701", "two years")
	assert.Contains(t, page.Transactions.Links, "previous")
	assert.NotContains(t, first.Transactions.Links, "previous")
	want := url.Values{"dateFrom": {"2000-01-01"}, "bookingStatus": {"booked"}, "withBalance": {"true"}, "page": {"2@2026-05-03"}}
	next, err := url.Parse(first.Transactions.Links["next"].Href)
	require.NoError(t, err)
	assert.Equal(t, want, next.Query())
	assert.NotContains(t, page.Transactions.Links["first"].Href, "page", "it is opened anew")
	assert.Len(t, get[xs2a.TransactionsResponse](s, strings.TrimPrefix(page.Transactions.Links["first"].Href, s.url+"/psd2")).Transactions.Booked, 50)
	assert.Equal(t, http.StatusNotFound, s.call(http.MethodGet, path+"&page=1000").status)
}

// What is pending comes before what is booked, on whatever page the border is.
func TestDataPagesOfBoth(t *testing.T) {
	t.Parallel()
	s := serving(t, "lea", may("r1", all))
	for range 12 {
		today := s.clock.Now().Format(time.DateOnly)
		pending := get[xs2a.TransactionsResponse](s, "/v1/accounts/r1/transactions?dateFrom=2000-01-01&bookingStatus=pending").Transactions
		assert.Nil(t, pending.Booked)
		yesterday := s.clock.Now().AddDate(0, 0, -1).Format(time.DateOnly)
		booked := get[xs2a.TransactionsResponse](s, "/v1/accounts/r1/transactions?dateFrom="+yesterday+"&bookingStatus=booked").Transactions
		both := get[xs2a.TransactionsResponse](s, "/v1/accounts/r1/transactions?dateFrom=2026-04-20&bookingStatus=both").Transactions
		assert.Equal(t, pending.Pending, both.Pending)
		for i, x := range booked.Booked {
			assert.Equal(t, yesterday, x.BookingDate)
			assert.Equal(t, x, both.Booked[i])
		}
		for _, x := range both.Pending {
			assert.Empty(t, x.BookingDate)
			assert.GreaterOrEqual(t, x.ValueDate, today, "booked tonight, or later")
			one := get[xs2a.TransactionResponse](s, "/v1/accounts/r1/transactions/"+x.TransactionID).TransactionsDetails
			x.Links = nil
			assert.Equal(t, x, one)
		}
		require.NoError(t, s.clock.Advance(24*time.Hour))
	}
}

func TestDataTransaction(t *testing.T) {
	t.Parallel()
	s := serving(t, "lea", may("r1", all))
	list := get[xs2a.TransactionsResponse](s, "/v1/accounts/r1/transactions?dateFrom=2026-02-22&dateTo=2026-02-23&bookingStatus=booked").Transactions
	salary := list.Booked[slices.IndexFunc(list.Booked, func(x xs2a.Transaction) bool { return x.PurposeCode == "SALA" })]
	assert.Equal(t, "ATELIERS LUMEN SAS", salary.DebtorName)
	assert.Equal(t, "2026-02-23", salary.BookingDate, "the 22nd was a Sunday")
	require.NotNil(t, salary.BalanceAfterTransaction)
	href := salary.Links["transactionDetails"].Href
	assert.Equal(t, s.url+"/psd2/v1/accounts/r1/transactions/"+salary.TransactionID, href)
	one := get[xs2a.TransactionResponse](s, strings.TrimPrefix(href, s.url+"/psd2")).TransactionsDetails
	salary.Links = nil
	assert.Equal(t, salary, one)

	s.admission.accounts = []access.Account{may("r1", consent.RightAccounts|consent.RightTransactions)}
	assert.Nil(t, get[xs2a.TransactionResponse](s, strings.TrimPrefix(href, s.url+"/psd2")).TransactionsDetails.BalanceAfterTransaction, "balances are not granted")
	got := s.call(http.MethodGet, "/v1/accounts/r1/transactions/none")
	assert.Equal(t, http.StatusNotFound, got.status)
	s.admission.accounts = []access.Account{may("r9", all)}
	s.admission.customer = "enzo"
	got = s.call(http.MethodGet, "/v1/accounts/r9/transactions/"+salary.TransactionID)
	assert.Equal(t, http.StatusNotFound, got.status, "of another account")
}

func TestDataOfCards(t *testing.T) {
	t.Parallel()
	s := serving(t, "anna", may("r34", all))
	s.data.PageSize = 20
	list := get[xs2a.CardAccountList](s, "/v1/card-accounts").CardAccounts
	require.Len(t, list, 1)
	assert.Equal(t, "525412******3241", list[0].MaskedPAN)
	assert.Equal(t, s.url+"/psd2/v1/card-accounts/r34/transactions", list[0].Links["transactions"].Href)
	assert.Equal(t, list[0], get[xs2a.CardAccountResponse](s, "/v1/card-accounts/r34").CardAccount)
	got := get[xs2a.CardTransactionsResponse](s, "/v1/card-accounts/r34/transactions?dateFrom=2026-01-01&dateTo=2026-05-04&bookingStatus=both")
	assert.Equal(t, s.url+"/psd2/v1/card-accounts/r34", got.CardTransactions.Links["cardAccount"].Href)
	assert.Contains(t, got.CardTransactions.Links["next"].Href, "/psd2/v1/card-accounts/r34/transactions?")
	shops := 0
	for _, x := range got.CardTransactions.Booked {
		assert.Equal(t, "525412******3241", x.MaskedPAN)
		assert.NotEmpty(t, x.BookingDate)
		assert.LessOrEqual(t, x.TransactionDate, x.BookingDate)
		if x.MerchantCategoryCode != "" {
			shops++
			assert.Len(t, x.CardAcceptorID, 15)
			assert.True(t, strings.HasPrefix(x.Amount.Amount, "-"))
		}
	}
	assert.Positive(t, shops)
}

// Faults of the query are told all at once, and only to whom the dialect asks for.
func TestDataQueries(t *testing.T) {
	t.Parallel()
	const list = "/v1/accounts/r1/transactions"
	for name, c := range map[string]struct {
		path string
		want []string
	}{
		"nothing":              {list, []string{"format Query.bookingStatus", "format Query.dateFrom"}},
		"no such status":       {list + "?dateFrom=2026-01-01&bookingStatus=some", []string{"format Query.bookingStatus"}},
		"information":          {list + "?dateFrom=2026-01-01&bookingStatus=information", []string{"not_supported Query.bookingStatus"}},
		"all":                  {list + "?dateFrom=2026-01-01&bookingStatus=all", []string{"not_supported Query.bookingStatus"}},
		"no dates":             {list + "?dateFrom=01.02.2026&dateTo=2026-02-30&bookingStatus=both", []string{"format Query.dateFrom", "format Query.dateTo"}},
		"backwards":            {list + "?dateFrom=2026-02-02&dateTo=2026-02-01&bookingStatus=both", []string{"format Query.dateTo"}},
		"delta":                {list + "?dateFrom=2026-02-02&bookingStatus=both&deltaList=true", []string{"not_supported Query.deltaList"}},
		"delta by reference":   {list + "?dateFrom=2026-02-02&bookingStatus=both&entryReferenceFrom=x", []string{"not_supported Query.entryReferenceFrom"}},
		"other pages":          {list + "?dateFrom=2026-02-02&bookingStatus=both&pageIndex=1&itemsPerPage=5", []string{"not_supported Query.pageIndex", "not_supported Query.itemsPerPage"}},
		"no page":              {list + "?dateFrom=2026-02-02&bookingStatus=both&page=", []string{"format Query.page"}},
		"page 1":               {list + "?dateFrom=2026-02-02&bookingStatus=both&page=1", []string{"format Query.page"}},
		"page 02":              {list + "?dateFrom=2026-02-02&bookingStatus=both&page=02", []string{"format Query.page"}},
		"pages of accounts":    {"/v1/accounts?page=2", []string{"not_supported Query.page"}},
		"pages of one":         {"/v1/accounts/r1?page=2", []string{"not_supported Query.page"}},
		"pages of balances":    {"/v1/accounts/r1/balances?page=2", []string{"not_supported Query.page"}},
		"pages of an entry":    {list + "/x?page=2", []string{"not_supported Query.page"}},
		"pages of cards":       {"/v1/card-accounts?page=2", []string{"not_supported Query.page"}},
		"pages of trusted":     {"/v1/trusted-beneficiaries?page=", []string{"not_supported Query.page"}},
		"page 0":               {list + "?dateFrom=2026-02-02&bookingStatus=both&page=0", []string{"format Query.page"}},
		"page one":             {list + "?dateFrom=2026-02-02&bookingStatus=both&page=one", []string{"format Query.page"}},
		"page +2":              {list + "?dateFrom=2026-02-02&bookingStatus=both&page=%2B2", []string{"format Query.page"}},
		"a page too far":       {list + "?dateFrom=2026-05-01&bookingStatus=pending&page=2", []string{"account_unknown Query.page"}},
		"twice":                {list + "?dateFrom=2026-02-02&dateFrom=2026-02-03&bookingStatus=both&bookingStatus=both", []string{"format Query.bookingStatus", "format Query.dateFrom"}},
		"withBalance":          {list + "?dateFrom=2026-02-02&bookingStatus=both&withBalance=yes", []string{"format Query.withBalance"}},
		"withBalance of lists": {"/v1/accounts?withBalance=1", []string{"format Query.withBalance"}},
		"withBalance of one":   {"/v1/accounts/r1?withBalance=", []string{"format Query.withBalance"}},
		"not a query":          {list + "?dateFrom=%zz", []string{"format "}},
		"cards":                {"/v1/card-accounts/r34/transactions?bookingStatus=booked", []string{"format Query.dateFrom"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serving(t, "lea", may("r1", all))
			if strings.Contains(c.path, "card") {
				s = serving(t, "anna", may("r34", all))
			}
			got := s.call(http.MethodGet, c.path)
			assert.Equal(t, request, got.header.Get("X-Request-ID"), "not the id of the refusal")
			var body xs2a.Error
			got.json(t, &body)
			var faults []string
			for _, m := range body.TPPMessages {
				faults = append(faults, string(m.Code)+" "+m.Path)
				assert.Equal(t, "application/json", m.Text, "what the client accepts")
			}
			assert.Equal(t, c.want, faults)
			s.admission.refuses = &edge.Refusal{Status: http.StatusUnauthorized}
			assert.Equal(t, http.StatusUnauthorized, s.call(http.MethodGet, c.path).status)
		})
	}
}

// What is not asked for the delta, or for other operations, does no harm.
func TestDataIgnoresOtherParameters(t *testing.T) {
	t.Parallel()
	s := serving(t, "lea", may("r1", all))
	for _, path := range []string{
		"/v1/accounts?dateFrom=y", "/v1/accounts/r1/balances?withBalance=maybe",
		"/v1/accounts/r1/transactions?dateFrom=2030-01-01&bookingStatus=booked&deltaList=false&other=1",
	} {
		assert.Equal(t, http.StatusOK, s.call(http.MethodGet, path).status, path)
	}
}

// Every method and every path below the roots is put before the dialect.
func TestDataLeavesPathsToTheDialect(t *testing.T) {
	t.Parallel()
	s := serving(t, "lea", may("r1", all))
	s.admission.refuses = &edge.Refusal{Status: http.StatusMethodNotAllowed, Header: http.Header{"Allow": {"GET"}}}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodGet} {
		for _, path := range []string{
			"/v1/accounts", "/v1/accounts/", "/v1/accounts/r1", "/v1/accounts/r1/transactions/x/y",
			"/v1/card-accounts", "/v1/card-accounts/r34/balances", "/v1/trusted-beneficiaries", "/v1/trusted-beneficiaries/1",
		} {
			got := s.call(method, path)
			assert.Equal(t, http.StatusMethodNotAllowed, got.status, "%s %s", method, path)
			assert.Equal(t, "GET", got.header.Get("Allow"))
		}
	}
	assert.Equal(t, http.StatusTeapot, s.call(http.MethodGet, "/v1/accountsx").status)
}

func TestDataWithoutItsStore(t *testing.T) {
	t.Parallel()
	s := serving(t, "lea", may("r1", all))
	s.bank.Store = brokenStore{}
	got := s.call(http.MethodGet, "/v1/accounts")
	assert.Equal(t, http.StatusInternalServerError, got.status)
	assert.Empty(t, got.body)
	assert.Equal(t, request, got.header.Get("X-Request-ID"))
}

// A TPP's client reads all of it, page by page.
func TestDataThroughTheClient(t *testing.T) {
	t.Parallel()
	s := serving(t, "anna", may("r31", all), may("r34", all))
	s.data.PageSize = 20
	s.data.Base = nil // links are paths
	tpp, err := client.New(s.url + "/psd2")
	require.NoError(t, err)
	o := client.TransactionOptions{ReadOptions: client.ReadOptions{ConsentID: consentID}, DateFrom: "2026-01-01", BookingStatus: xs2a.StatusBoth}
	ids := map[string]bool{}
	page, _, err := tpp.Transactions(t.Context(), "r31", o)
	for err == nil {
		assert.LessOrEqual(t, len(page.Transactions.Booked)+len(page.Transactions.Pending), 20)
		for _, x := range slices.Concat(page.Transactions.Pending, page.Transactions.Booked) {
			assert.False(t, ids[x.TransactionID], "twice")
			ids[x.TransactionID] = true
		}
		page, _, err = tpp.NextTransactions(t.Context(), page, o.ReadOptions)
	}
	require.ErrorIs(t, err, client.ErrLastPage)
	s.data.PageSize = 1000
	whole, _, err := tpp.Transactions(t.Context(), "r31", o)
	require.NoError(t, err)
	assert.Len(t, ids, len(whole.Transactions.Booked)+len(whole.Transactions.Pending))
	assert.Equal(t, xs2a.Links{"account": {Href: "/psd2/v1/accounts/r31"}}, whole.Transactions.Links, "one page needs no links to others")

	s.data.PageSize = 10
	cards, _, err := tpp.CardTransactions(t.Context(), "r34", o)
	for err == nil {
		assert.NotEmpty(t, slices.Concat(cards.CardTransactions.Pending, cards.CardTransactions.Booked))
		cards, _, err = tpp.NextCardTransactions(t.Context(), cards, o.ReadOptions)
	}
	require.ErrorIs(t, err, client.ErrLastPage)
}

// Days begin in the bank's time zone.
func TestDataInTheBanksZone(t *testing.T) {
	t.Parallel()
	s := serving(t, "lea", may("r1", all))
	require.NoError(t, s.clock.Advance(11*time.Hour)) // 23:00 in UTC
	assert.Equal(t, "2026-05-04", get[xs2a.BalancesResponse](s, "/v1/accounts/r1/balances").Balances[2].ReferenceDate)
	s.bank.Zone = time.FixedZone("Paris", 2*60*60)
	assert.Equal(t, "2026-05-05", get[xs2a.BalancesResponse](s, "/v1/accounts/r1/balances").Balances[2].ReferenceDate)
}
