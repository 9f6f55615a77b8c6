package client_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/pkg/client"
	"consentd/pkg/httpsig"
	"consentd/pkg/stet"
)

// french is a client of b, in the STET dialect.
func french(t *testing.T, b *bank, opts ...client.Option) *client.STET {
	t.Helper()
	if b.header == nil {
		b.header = map[string]string{"Content-Type": "application/hal+json;charset=utf-8"}
	}
	c, err := client.NewSTET(serve(t, b)+stet.BasePath, append([]client.Option{ownConnections(t)}, opts...)...)
	require.NoError(t, err)
	return c
}

func TestPutConsents(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		access stet.Access
		body   string
	}{
		"some": {
			http.StatusCreated,
			stet.Access{Balances: []stet.AccountReference{{IBAN: "FR76"}}, PSUIdentity: true},
			`{"balances":[{"iban":"FR76"}],"transactions":[],"trustedBeneficiaries":false,"psuIdentity":true}`,
		},
		"nothing": {http.StatusCreated, stet.Access{}, `{"balances":[],"transactions":[],"trustedBeneficiaries":false,"psuIdentity":false}`},
		"a bank that answers 200": {
			http.StatusOK,
			stet.Access{Transactions: []stet.AccountReference{{Other: &stet.GenericIdentification{Identification: "1", SchemeName: stet.SchemeMaskedPAN}, Currency: "EUR"}}},
			`{"balances":[],"transactions":[{"other":{"identification":"1","schemeName":"MPAN"},"currency":"EUR"}],"trustedBeneficiaries":false,"psuIdentity":false}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &bank{status: c.status}
			meta, err := french(t, b).PutConsents(t.Context(), "t1", c.access, client.CallOptions{PSUIPAddress: "192.0.2.7", RequestID: "r-1"})
			require.NoError(t, err)
			assert.Equal(t, c.status, meta.Status)
			assert.Equal(t, "PUT /stet/psd2/v1.4.2/consents", b.got.Method+" "+b.got.URL.Path)
			assert.JSONEq(t, c.body, b.gotBody)
			assert.Equal(t, "Bearer t1", b.got.Header.Get("Authorization"))
			assert.Equal(t, "application/json", b.got.Header.Get("Content-Type"))
			assert.Equal(t, "192.0.2.7", b.got.Header.Get("PSU-IP-Address"))
			assert.Equal(t, []string{"r-1", "r-1"}, []string{b.got.Header.Get("X-Request-ID"), meta.RequestID})
		})
	}
}

func TestSTETReads(t *testing.T) {
	t.Parallel()
	b := &bank{status: http.StatusOK}
	c := french(t, b)
	b.body = `{"accounts":[{"resourceId":"r/1","accountId":{"iban":"FR76"},"name":"Compte","cashAccountType":"CACC","currency":"EUR","_links":{"balances":{"href":"/x"}}}],"_links":{"next":{"href":"/stet/psd2/v1.4.2/accounts?page=2"}}}`
	accounts, _, err := c.Accounts(t.Context(), "t1")
	require.NoError(t, err)
	require.Len(t, accounts.Accounts, 1)
	assert.Contains(t, b.got.Header.Get("Accept"), "application/hal+json")
	assert.Regexp(t, uuid4, b.got.Header.Get("X-Request-ID"))
	b.body = `{"accounts":[],"_links":{}}`
	second, _, err := c.NextAccounts(t.Context(), "t1", accounts)
	require.NoError(t, err)
	assert.Equal(t, "/stet/psd2/v1.4.2/accounts?page=2", b.got.URL.RequestURI())
	_, _, err = c.NextAccounts(t.Context(), "t1", second)
	require.ErrorIs(t, err, client.ErrLastPage)

	b.body = `{"balances":[{"name":"Solde","balanceAmount":{"currency":"EUR","amount":"-140.00"},"balanceType":"CLBD"}],"_links":{}}`
	balances, _, err := c.Balances(t.Context(), "t1", "r/1")
	require.NoError(t, err)
	assert.Equal(t, "/stet/psd2/v1.4.2/accounts/r%2F1/balances", b.got.URL.EscapedPath())
	assert.Equal(t, "-140.00", balances.Balances[0].BalanceAmount.Amount)

	b.body = `{"connectedPsu":"LEA SANDBOXA","_links":{}}`
	who, _, err := c.EndUserIdentity(t.Context(), "t1")
	require.NoError(t, err)
	assert.Equal(t, "/stet/psd2/v1.4.2/end-user-identity", b.got.URL.Path)
	assert.Equal(t, "LEA SANDBOXA", who.ConnectedPSU)
}

func TestSTETTransactions(t *testing.T) {
	t.Parallel()
	b := &bank{status: http.StatusOK, body: `{"transactions":[],"_links":{"next":{"href":"/stet/psd2/v1.4.2/accounts/r1/transactions?cursor=a%2Bb"}}}`}
	c := french(t, b)
	page, _, err := c.Transactions(t.Context(), "t1", "r1", client.Period{DateFrom: "2026-01-01", DateTo: "2026-02-01"})
	require.NoError(t, err)
	assert.Equal(t, "/stet/psd2/v1.4.2/accounts/r1/transactions?dateFrom=2026-01-01&dateTo=2026-02-01", b.got.URL.RequestURI())
	_, _, err = c.NextTransactions(t.Context(), "t1", page)
	require.NoError(t, err)
	assert.Equal(t, "/stet/psd2/v1.4.2/accounts/r1/transactions?cursor=a%2Bb", b.got.URL.RequestURI())
	_, _, err = c.Transactions(t.Context(), "t1", "r1", client.Period{})
	require.NoError(t, err)
	assert.Equal(t, "/stet/psd2/v1.4.2/accounts/r1/transactions", b.got.URL.RequestURI())

	calls := b.calls
	page.Links[stet.LinkNext] = stet.Link{Href: "https://evil.example/stet/psd2/v1.4.2/accounts"}
	_, _, err = c.NextTransactions(t.Context(), "t1", page)
	require.ErrorIs(t, err, client.ErrForeignLink)
	page.Links[stet.LinkNext] = stet.Link{Href: "/stet/psd2/v1.4.2/accounts{?page}", Templated: true}
	_, _, err = c.NextTransactions(t.Context(), "t1", page)
	require.ErrorContains(t, err, "parameters to fill in")
	assert.Equal(t, calls, b.calls, "nothing is sent there, least of all a token")
}

// No account is no error, where the bank says so by 204.
func TestSTETNoContent(t *testing.T) {
	t.Parallel()
	b := &bank{status: http.StatusNoContent}
	accounts, meta, err := french(t, b).Accounts(t.Context(), "t1")
	require.NoError(t, err)
	assert.Equal(t, http.StatusNoContent, meta.Status)
	assert.Empty(t, accounts.Accounts)
}

func TestSTETErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status              int
		media, body         string
		code, message, text string
	}{
		"a code":            {http.StatusForbidden, "application/hal+json;charset=utf-8", `{"status":403,"message":"NGAC","error":"Forbidden"}`, stet.MessageNotGranted, "NGAC", "stet answered 403 (request r-1): NGAC: Forbidden"},
		"a code with words": {http.StatusNotFound, "application/json", `{"status":404,"message":"AC01: no such account"}`, stet.MessageIncorrectAccount, "AC01: no such account", "stet answered 404 (request r-1): AC01: no such account"},
		"words":             {http.StatusTooManyRequests, "application/json", `{"message":"Limite dépassée"}`, "", "Limite dépassée", "stet answered 429 (request r-1): Limite dépassée"},
		"a gateway's form":  {http.StatusUnauthorized, "application/json", `{"errorMessage":"Invalid token"}`, "", "", "stet answered 401 (request r-1)"},
		"a page":            {http.StatusBadGateway, "text/html", `<h1>NGAC</h1>`, "", "", "stet answered 502 (request r-1)"},
		"half a body":       {http.StatusForbidden, "application/json", `{"message":"NGAC"`, "", "", "stet answered 403 (request r-1)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &bank{status: c.status, body: c.body, header: map[string]string{"Content-Type": c.media, "Retry-After": "9"}}
			_, meta, err := french(t, b).Balances(t.Context(), "s3cret", "r1", client.CallOptions{RequestID: "r-1"})
			refused, ok := errors.AsType[*client.STETError](err)
			require.True(t, ok, err)
			assert.Equal(t, []any{c.status, c.code, c.message}, []any{refused.Status, refused.Code(), refused.Model.Message})
			assert.Equal(t, 9*time.Second, refused.RetryAfter)
			assert.Equal(t, c.status, meta.Status)
			require.EqualError(t, err, c.text)
		})
	}
}

// A bank that asks to come back is asked again, by reads alone.
func TestSTETRetries(t *testing.T) {
	t.Parallel()
	b := &bank{status: http.StatusServiceUnavailable, header: map[string]string{"Retry-After": "1"}}
	c := french(t, b, client.WithRetry(client.Retry{Times: 1, MaxWait: time.Second}))
	_, _, err := c.Accounts(t.Context(), "t1")
	require.Error(t, err)
	assert.Equal(t, 2, b.calls)
	_, err = c.PutConsents(t.Context(), "t1", stet.Access{})
	require.Error(t, err)
	assert.Equal(t, 3, b.calls)
}

// A kit signs as STET has it, and names the seal by where it lies.
func TestSTETKit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kit, err := client.LoadKit(w.kit(t))
	require.NoError(t, err)
	assert.Equal(t, "PSDXX-TEST-ACME", kit.ClientID())
	assert.Empty(t, (&client.Kit{}).ClientID())
	b := &bank{status: http.StatusCreated}
	c, err := client.NewSTET(serve(t, b), append(kit.STETOptions("https://tpp.example/seal"), client.WithHTTPClient(&http.Client{}))...)
	require.NoError(t, err)
	_, err = c.PutConsents(t.Context(), "t1", stet.Access{}, client.CallOptions{PSUIPAddress: "192.0.2.7"})
	require.NoError(t, err)
	signature, err := httpsig.STETStrictProfile().Verify(httpsig.Of(b.got), kit.Seal)
	require.NoError(t, err)
	assert.Equal(t, httpsig.STETKeyID("https://tpp.example/seal", kit.Seal), signature.KeyID)
	assert.Subset(t, signature.Headers, []string{"(request-target)", "digest", "x-request-id", "content-type", "psu-ip-address"})
	require.NoError(t, httpsig.CheckDigest(b.got.Header.Get("Digest"), []byte(b.gotBody)))
}
