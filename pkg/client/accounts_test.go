package client_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// Every read goes where the standard has it, with what it asks for.
func TestReadsOfAccountData(t *testing.T) {
	t.Parallel()
	b := &bank{status: http.StatusOK, body: `{}`}
	c := setup(t, b)
	ctx := t.Context()
	o := client.ReadOptions{
		ConsentID: "c1", RequestID: "r1", PSUIPAddress: "192.0.2.7", WithBalance: true, Header: http.Header{"Psu-User-Agent": {"ours"}},
	}
	list := client.TransactionOptions{ReadOptions: o, DateFrom: "2026-01-01", DateTo: "2026-02-01", BookingStatus: xs2a.StatusBoth}
	for want, call := range map[string]func() error{
		"/v1/accounts?withBalance=true":       func() error { _, _, err := c.Accounts(ctx, o); return err },
		"/v1/accounts/a%2F1?withBalance=true": func() error { _, _, err := c.Account(ctx, "a/1", o); return err },
		"/v1/accounts/a1/balances":            func() error { _, _, err := c.Balances(ctx, "a1", o); return err },
		"/v1/accounts/a1/transactions?bookingStatus=both&dateFrom=2026-01-01&dateTo=2026-02-01&withBalance=true": func() error {
			_, _, err := c.Transactions(ctx, "a1", list)
			return err
		},
		"/v1/accounts/a1/transactions/t%3F1": func() error { _, _, err := c.Transaction(ctx, "a1", "t?1", o); return err },
		"/v1/card-accounts":                  func() error { _, _, err := c.CardAccounts(ctx, o); return err },
		"/v1/card-accounts/a1":               func() error { _, _, err := c.CardAccount(ctx, "a1", o); return err },
		"/v1/card-accounts/a1/balances":      func() error { _, _, err := c.CardBalances(ctx, "a1", o); return err },
		"/v1/card-accounts/a1/transactions?bookingStatus=both&dateFrom=2026-01-01&dateTo=2026-02-01": func() error {
			_, _, err := c.CardTransactions(ctx, "a1", list)
			return err
		},
		"/v1/trusted-beneficiaries": func() error { _, _, err := c.TrustedBeneficiaries(ctx, o); return err },
	} {
		require.NoError(t, call())
		assert.Equal(t, "GET /xs2a"+want, b.got.Method+" "+b.got.URL.RequestURI())
		assertHeaders(t, b, map[string]string{"X-Request-ID": "r1", "Consent-ID": "c1", "PSU-IP-Address": "192.0.2.7", "PSU-User-Agent": "ours"})
	}
}

func TestReadsSayNoMoreThanTheyAreTold(t *testing.T) {
	t.Parallel()
	b := &bank{status: http.StatusOK, body: `{}`}
	c := setup(t, b)
	_, meta, err := c.Transactions(t.Context(), "a1", client.TransactionOptions{ReadOptions: client.ReadOptions{ConsentID: "c1"}})
	require.NoError(t, err)
	assert.Equal(t, "bookingStatus=booked", b.got.URL.RawQuery)
	assertHeaders(t, b, map[string]string{"X-Request-ID": meta.RequestID, "Consent-ID": "c1"})
}

// A page is read under the same consent, wherever below the interface its link
// leads, whole or as a path.
func TestNextPages(t *testing.T) {
	t.Parallel()
	b := &bank{status: http.StatusOK, body: `{"transactions":{"booked":[],"_links":{"account":{"href":"/xs2a/v1/accounts/a1"}}},"cardTransactions":{"_links":{}}}`}
	c := setup(t, b)
	o := client.ReadOptions{ConsentID: "c1", RequestID: "r1", WithBalance: true}
	_, _, err := c.Accounts(t.Context(), o)
	require.NoError(t, err)
	own := "http://" + b.got.Host
	const list = "/xs2a/v1/accounts/a%2F1/transactions?dateFrom=2026-01-01&page=2"
	for _, href := range []string{list, own + list, strings.ToUpper(own[:4]) + own[4:] + list, "v1/accounts/a%2F1/transactions?dateFrom=2026-01-01&page=2"} {
		page := &xs2a.TransactionsResponse{Transactions: &xs2a.AccountReport{Links: xs2a.Links{"next": {Href: href}}}}
		next, _, err := c.NextTransactions(t.Context(), page, o)
		require.NoError(t, err, href)
		assert.Equal(t, list, b.got.URL.RequestURI())
		assertHeaders(t, b, map[string]string{"X-Request-ID": "r1", "Consent-ID": "c1"})
		_, meta, err := c.NextTransactions(t.Context(), next, o)
		require.ErrorIs(t, err, client.ErrLastPage)
		assert.Nil(t, meta)

		cards := &xs2a.CardTransactionsResponse{CardTransactions: &xs2a.CardAccountReport{Links: xs2a.Links{"next": {Href: href}}}}
		more, _, err := c.NextCardTransactions(t.Context(), cards, o)
		require.NoError(t, err, href)
		_, _, err = c.NextCardTransactions(t.Context(), more, o)
		require.ErrorIs(t, err, client.ErrLastPage)
	}
	_, _, err = c.NextTransactions(t.Context(), &xs2a.TransactionsResponse{}, o)
	require.ErrorIs(t, err, client.ErrLastPage)
	_, _, err = c.NextCardTransactions(t.Context(), &xs2a.CardTransactionsResponse{}, o)
	require.ErrorIs(t, err, client.ErrLastPage)
}

// The consent's id, and whatever else the calls carry, goes to the bank only.
func TestNextPagesStayAtTheBank(t *testing.T) {
	t.Parallel()
	b := &bank{status: http.StatusOK, body: `{}`}
	c := setup(t, b)
	o := client.ReadOptions{ConsentID: "c1"}
	_, _, err := c.Accounts(t.Context(), o)
	require.NoError(t, err)
	host := b.got.Host
	for _, href := range []string{
		"https://elsewhere.example/xs2a/v1/accounts/a1/transactions?page=2", "//elsewhere.example/xs2a/v1/accounts", "https://" + host + "/xs2a/v1/accounts",
		"http://elsewhere.example:8080/xs2a/v1/accounts", "http://" + host + "@elsewhere.example/xs2a/v1/accounts",
		"http://user@" + host + "/xs2a/v1/accounts", "/v1/accounts", "/xs2a/../admin", "http://" + host + "/xs2a/v1/../../admin", "/xs2abc/v1", "javascript:alert(1)",
	} {
		page := &xs2a.TransactionsResponse{Transactions: &xs2a.AccountReport{Links: xs2a.Links{"next": {Href: href}}}}
		_, meta, err := c.NextTransactions(t.Context(), page, o)
		require.ErrorIs(t, err, client.ErrForeignLink, href)
		assert.Nil(t, meta)
	}
	page := &xs2a.TransactionsResponse{Transactions: &xs2a.AccountReport{Links: xs2a.Links{"next": {Href: "http://[::1"}}}}
	_, _, err = c.NextTransactions(t.Context(), page, o)
	var broken *url.Error
	require.ErrorAs(t, err, &broken)
	assert.Equal(t, 1, b.calls, "nothing was sent")
}

// Reads are sent again as other GETs are.
func TestReadsAreRepeated(t *testing.T) {
	t.Parallel()
	b := &bank{status: http.StatusOK, body: `{`, header: map[string]string{"Content-Length": "5"}}
	c := setup(t, b, client.WithRetry(client.Retry{Times: 2, MaxWait: 1}))
	_, _, err := c.Balances(t.Context(), "a1", client.ReadOptions{ConsentID: "c1"})
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.Equal(t, 3, b.calls)
}
