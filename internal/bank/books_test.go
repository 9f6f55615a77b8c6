package bank_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/bank"
	"consentd/internal/consent"
	"consentd/internal/service"
)

// TestBooksSameAsDirect: asked over HTTP, a bank's books say what they say when
// asked directly.
func TestBooksSameAsDirect(t *testing.T) {
	t.Parallel()
	client, systems := setup(t)
	for psu, customer := range map[string]string{"lea": "lea", "anna": "anna", "noa": "noa", "sarl": "sarl", "sarl-ceo": "sarl", "omar": "omar"} {
		want, err := systems.Identity(t.Context(), psu, customer)
		require.NoError(t, err)
		got, err := client.Identity(t.Context(), psu, customer)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	for _, account := range []string{"r1", "r2", "r21", "r22", "r33", "r34", "r41"} {
		balances, err := systems.Balances(t.Context(), account)
		require.NoError(t, err)
		got, err := client.Balances(t.Context(), account)
		require.NoError(t, err)
		assert.Equal(t, balances, got)
		for _, q := range []service.Span{
			{}, {Limit: 500}, {From: consent.Date{Year: 2026, Month: 4, Day: 1}, To: consent.Date{Year: 2026, Month: 5, Day: 1}, Limit: 2},
		} {
			for range 3 {
				want, err := systems.Transactions(t.Context(), account, q)
				require.NoError(t, err)
				got, err := client.Transactions(t.Context(), account, q)
				require.NoError(t, err)
				require.Equal(t, want, got)
				require.NotEmpty(t, got.Entries)
				if q.After = got.Next; q.After == "" {
					break
				}
			}
		}
	}
}

func TestBooksRefuse(t *testing.T) {
	t.Parallel()
	client, _ := setup(t)
	_, err := client.Balances(t.Context(), "r0")
	require.ErrorIs(t, err, service.ErrNoAccount)
	require.ErrorIs(t, err, bank.ErrUnknown)
	_, err = client.Transactions(t.Context(), "r0", service.Span{})
	require.ErrorIs(t, err, service.ErrNoAccount)
	_, err = client.Transactions(t.Context(), "r1", service.Span{After: "2026-05-04.100000"})
	require.ErrorIs(t, err, service.ErrNoPage)
	require.NotErrorIs(t, err, service.ErrNoAccount)
	_, err = client.Identity(t.Context(), "lea", "enzo")
	require.ErrorIs(t, err, service.ErrUnknownPSU)
	for _, id := range []string{"", ".", "..", "r1/balances", "r1?x"} {
		_, err = client.Balances(t.Context(), id)
		require.ErrorIs(t, err, service.ErrNoAccount, id)
	}
}

// TestBooksOfAnotherForm: an answer with a member of another form than is described
// is none, and what came stays out of the error.
func TestBooksOfAnotherForm(t *testing.T) {
	t.Parallel()
	const amount = `"amount":{"currency":"EUR","amount":"1.00"}`
	for name, body := range map[string]string{
		"a balance of no kind":   `{"balances":[{"name":"private",` + amount + `}]}`,
		"a balance of another":   `{"balances":[{"kind":"private","name":"x",` + amount + `}]}`,
		"a balance without name": `{"balances":[{"kind":"other",` + amount + `}]}`,
		"a balance of nothing":   `{"balances":[{"kind":"other","name":"private"}]}`,
		"a balance of no day":    `{"balances":[{"kind":"other","name":"x","referenceDate":"private",` + amount + `}]}`,
		"no number":              `{"balances":[{"kind":"other","name":"x","amount":{"currency":"EUR","amount":"private"}}]}`,
		"a float":                `{"balances":[{"kind":"other","name":"x","amount":{"currency":"EUR","amount":1.5}}]}`,
		"no currency":            `{"balances":[{"kind":"other","name":"x","amount":{"currency":"private","amount":"1"}}]}`,
		"an entry without id":    `{"entries":[{"booked":true,` + amount + `}]}`,
		"neither booked nor not": `{"entries":[{"entry":"private",` + amount + `}]}`,
		"an entry of nothing":    `{"entries":[{"entry":"private","booked":true}]}`,
		"an entry of no day":     `{"entries":[{"entry":"x","booked":true,"valueDate":"private",` + amount + `}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := toy(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
			_, balances := client.Balances(t.Context(), "a")
			_, entries := client.Transactions(t.Context(), "a", service.Span{})
			err := balances
			if err == nil {
				err = entries
			}
			require.ErrorIs(t, err, bank.ErrNoAnswer)
			assert.NotContains(t, err.Error(), "private")
		})
	}
	client := toy(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"firstName":"private"}`) })
	_, err := client.Identity(t.Context(), "a", "a")
	require.ErrorIs(t, err, bank.ErrNoAnswer, "nobody")
	assert.NotContains(t, err.Error(), "private")
}

// TestIdentityOfACompany: a company has no names of a person, whatever the bank says.
func TestIdentityOfACompany(t *testing.T) {
	t.Parallel()
	client := toy(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"fullName":"A B","firstName":"A","lastName":"B","organisationId":"SIREN 1"}`)
	})
	got, err := client.Identity(t.Context(), "a", "b")
	require.NoError(t, err)
	assert.Equal(t, service.Identity{OrganisationID: "SIREN 1"}, got)
}

// TestSpanOnTheWire: what a span leaves open is not asked for, and nothing in it can
// change the rest of the query.
func TestSpanOnTheWire(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 1)
	client := toy(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.RawQuery
		_, _ = io.WriteString(w, `{"entries":[]}`)
	})
	for want, q := range map[string]service.Span{
		"":                   {},
		"from=2026-04-01":    {From: consent.Date{Year: 2026, Month: 4, Day: 1}},
		"after=a%26limit%3D": {After: "a&limit="},
		"limit=500":          {Limit: 10000},
		"after=x&from=2026-04-01&limit=5&to=2026-05-01": {
			From: consent.Date{Year: 2026, Month: 4, Day: 1}, To: consent.Date{Year: 2026, Month: 5, Day: 1}, After: "x", Limit: 5,
		},
	} {
		page, err := client.Transactions(t.Context(), "a", q)
		require.NoError(t, err)
		assert.Equal(t, want, <-asked)
		assert.Empty(t, page.Entries)
		assert.Empty(t, page.Next)
	}
}
