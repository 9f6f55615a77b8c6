package e2e

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/pkg/client"
	"consentd/pkg/xs2a"
	"consentd/test/pgtest"
)

// TestAccountData reads all that a consent opens, as a TPP does.
func TestAccountData(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		ctx, id := t.Context(), p.annas()
		there := client.ReadOptions{ConsentID: id, PSUIPAddress: "192.0.2.7"}

		info, _, err := p.tpp.Consent(ctx, id)
		require.NoError(t, err)
		require.Equal(t, p.base+"/v1/accounts", info.Links[xs2a.LinkAccount].Href)
		list, meta, err := p.tpp.Accounts(ctx, there)
		require.NoError(t, err)
		require.Equal(t, meta.RequestID, meta.Header.Get("X-Request-ID"))
		require.Len(t, list.Accounts, 2, "what anna chose, no more")
		require.Equal(t, []string{"r31", "r33"}, []string{list.Accounts[0].ResourceID, list.Accounts[1].ResourceID})
		for _, a := range list.Accounts {
			require.Contains(t, a.Links, xs2a.LinkBalances)
			require.Contains(t, a.Links, xs2a.LinkTransactions)
			require.Empty(t, a.Balances, "not asked for")
			require.Empty(t, a.OwnerName, "not granted")
		}
		with := there
		with.WithBalance = true
		list, _, err = p.tpp.Accounts(ctx, with)
		require.NoError(t, err)
		require.NotEmpty(t, list.Accounts[0].Balances)

		details, _, err := p.tpp.Account(ctx, "r31", there)
		require.NoError(t, err)
		require.Equal(t, "DE40100100103307118608", details.Account.IBAN)
		balances, _, err := p.tpp.Balances(ctx, "r31", there)
		require.NoError(t, err)
		require.Equal(t, xs2a.Amount{Currency: "EUR", Amount: "2310.18"}, balances.Balances[0].BalanceAmount)

		for path, c := range map[string]struct {
			status int
			code   xs2a.Code
		}{
			"r32": {http.StatusUnauthorized, xs2a.ConsentInvalid}, // anna's, and not shared
			"r34": {http.StatusNotFound, xs2a.ResourceUnknown},    // a card, which is no account here
			"r1":  {http.StatusNotFound, xs2a.ResourceUnknown},    // lea's
		} {
			_, _, err := p.tpp.Balances(ctx, path, there)
			requireCode(t, err, c.status, c.code)
		}
		cards, _, err := p.tpp.CardAccounts(ctx, there)
		require.NoError(t, err)
		require.Empty(t, cards.CardAccounts, "the accounts of the consent are no cards")
		_, _, err = p.tpp.TrustedBeneficiaries(ctx, there)
		requireCode(t, err, http.StatusUnauthorized, xs2a.ConsentInvalid)
		_, _, err = p.as("acme").Balances(ctx, "r31", there)
		requireCode(t, err, http.StatusBadRequest, xs2a.ConsentUnknown)
	})
}

// TestPagesOfTransactions walks two years of transactions while the PSU is away:
// each comes once, and the whole walk counts once.
func TestPagesOfTransactions(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		ctx, id := t.Context(), p.annas()
		away := client.ReadOptions{ConsentID: id}
		o := client.TransactionOptions{ReadOptions: away, DateFrom: p.today(-730), BookingStatus: xs2a.StatusBooked}
		for walk := range 4 {
			seen := map[string]bool{}
			page, _, err := p.tpp.Transactions(ctx, "r31", o)
			pages := 1
			for {
				require.NoError(t, err, "walk %d, page %d", walk, pages)
				for _, x := range page.Transactions.Booked {
					require.False(t, seen[x.TransactionID], "twice")
					seen[x.TransactionID] = true
				}
				if _, more := page.Transactions.Links[xs2a.LinkNext]; !more {
					break
				}
				page, _, err = p.tpp.NextTransactions(ctx, page, away)
				pages++
			}
			require.Greater(t, pages, 3)
			require.Greater(t, len(seen), 200)
		}
		_, _, err := p.tpp.Transactions(ctx, "r31", o)
		requireCode(t, err, http.StatusTooManyRequests, xs2a.AccessExceeded)
		o.PSUIPAddress = "192.0.2.7"
		_, _, err = p.tpp.Transactions(ctx, "r31", o)
		require.NoError(t, err)
		p.advance("24h")
		o.PSUIPAddress = ""
		_, _, err = p.tpp.Transactions(ctx, "r31", o)
		require.NoError(t, err, "the next day")
	})
}

// TestOneOffIsUsedUp reads each thing once; then the consent is over.
func TestOneOffIsUsedUp(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		ctx, body := t.Context(), p.offered()
		body.RecurringIndicator, body.FrequencyPerDay = false, 1
		id, link := p.create(p.tpp, body)
		p.authorise(link, "anna", "DE40100100103307118608")
		o := client.ReadOptions{ConsentID: id, PSUIPAddress: "192.0.2.7"}
		_, _, err := p.tpp.Accounts(ctx, o)
		require.NoError(t, err)
		_, _, err = p.tpp.Balances(ctx, "r31", o)
		require.NoError(t, err)
		_, _, err = p.tpp.Balances(ctx, "r31", o)
		requireCode(t, err, http.StatusTooManyRequests, xs2a.AccessExceeded)
		require.Equal(t, "valid", p.status(p.tpp, id))
		page, _, err := p.tpp.Transactions(ctx, "r31", client.TransactionOptions{ReadOptions: o, DateFrom: p.today(-365), BookingStatus: xs2a.StatusBooked})
		require.NoError(t, err)
		require.Equal(t, "expired", p.status(p.tpp, id))
		_, _, err = p.tpp.NextTransactions(ctx, page, o)
		require.NoError(t, err, "the walk that was begun")
		_, _, err = p.tpp.Account(ctx, "r31", o)
		requireCode(t, err, http.StatusUnauthorized, xs2a.ConsentExpired)
	})
}

// TestFaultsCostNothing: a query with faults is told before anything is counted, and
// nobody gets a page for nothing.
func TestFaultsCostNothing(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		ctx, body := t.Context(), p.offered()
		body.RecurringIndicator, body.FrequencyPerDay = false, 1
		id, link := p.create(p.tpp, body)
		p.authorise(link, "anna", "DE40100100103307118608")
		o := client.TransactionOptions{ReadOptions: client.ReadOptions{ConsentID: id}, DateFrom: p.today(-365), BookingStatus: xs2a.StatusBooked}
		refused := func(query string) {
			t.Helper()
			link := xs2a.Link{Href: p.base + "/v1/accounts/r31/transactions?dateFrom=" + o.DateFrom + query}
			page := &xs2a.TransactionsResponse{Transactions: &xs2a.AccountReport{Links: xs2a.Links{xs2a.LinkNext: link}}}
			_, _, err := p.tpp.NextTransactions(ctx, page, o.ReadOptions)
			requireCode(t, err, http.StatusBadRequest, xs2a.FormatError)
		}
		refused("") // without bookingStatus
		for range 50 {
			refused("&bookingStatus=booked&page=1")
		}
		page, _, err := p.tpp.Transactions(ctx, "r31", o)
		require.NoError(t, err, "what was refused has cost nothing")
		require.NotEmpty(t, page.Transactions.Links[xs2a.LinkFirst].Href)
		require.NotContains(t, page.Transactions.Links[xs2a.LinkFirst].Href, "page=")
		for range 50 {
			refused("&bookingStatus=booked&page=1")
		}
		_, _, err = p.tpp.Transactions(ctx, "r31", o)
		requireCode(t, err, http.StatusTooManyRequests, xs2a.AccessExceeded)
	})
}

// TestLastSharedSurvivesAStop: what was shared is written when the program stops.
func TestLastSharedSurvivesAStop(t *testing.T) {
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			o := app.SandboxOptions{Listen: "127.0.0.1:0", TLSListen: "off", Data: t.TempDir()}
			if engine == "postgres" {
				o.Database = pgtest.DSN(t)
			}
			ctx, cancel := context.WithCancel(t.Context())
			a, err := app.NewSandbox(ctx, o, slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			ended := make(chan error, 1)
			go func() { ended <- a.Run(ctx) }()
			p := &program{t: t, base: a.URL("sandbox"), http: &http.Client{CheckRedirect: noRedirect}}
			p.tpp = p.as("demo")
			id := p.annas()
			require.Empty(t, p.sharedAt(id))
			_, _, err = p.tpp.Accounts(ctx, client.ReadOptions{ConsentID: id, PSUIPAddress: "192.0.2.7"})
			require.NoError(t, err)
			cancel()
			require.NoError(t, <-ended)

			again := start(t, "", func(fresh *app.SandboxOptions) { fresh.Data, fresh.Database = o.Data, o.Database })
			at, err := time.Parse(time.RFC3339, again.sharedAt(id))
			require.NoError(t, err)
			require.WithinDuration(t, time.Now(), at, time.Minute)
		})
	}
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// sharedAt is when the bank says that data was last shared by a consent.
func (p *program) sharedAt(id string) string {
	p.t.Helper()
	var shown struct {
		At string `json:"lastDataSharedAt"`
	}
	require.NoError(p.t, json.Unmarshal(p.asBank("sandbox-sca", http.MethodGet, "/aspsp/v1/consents/"+id, ""), &shown))
	return shown.At
}
