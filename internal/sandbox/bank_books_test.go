package sandbox_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/sandbox"
	"consentd/internal/service"
	"consentd/pkg/xs2a"
)

func day(t *testing.T, text string) consent.Date {
	t.Helper()
	d, err := consent.ParseDate(text)
	require.NoError(t, err)
	return d
}

func TestBooksBalances(t *testing.T) {
	t.Parallel()
	bank, _ := newBank()
	list, err := bank.Balances(t.Context(), "r1")
	require.NoError(t, err)
	require.Len(t, list, 3)
	assert.Equal(t, service.Balance{
		Kind: service.BalanceClosingBooked, Name: "Booked balance", Amount: service.Amount{Currency: "EUR", Value: "-140.00"},
		Reference: day(t, "2026-05-03"), LastEntry: list[0].LastEntry,
	}, list[0])
	assert.NotEmpty(t, list[0].LastEntry)
	assert.Equal(t, service.Balance{
		Kind: service.BalanceInstant, Name: "Available balance", Amount: service.Amount{Currency: "EUR", Value: "-140.00"}, Reference: day(t, "2026-05-04"),
	}, list[1])
	assert.Equal(t, service.BalanceExpected, list[2].Kind)

	list, err = bank.Balances(t.Context(), "r34")
	require.NoError(t, err)
	require.Len(t, list, 2, "a card has nothing to spend")
	assert.Equal(t, []service.BalanceKind{service.BalanceClosingBooked, service.BalanceExpected}, []service.BalanceKind{list[0].Kind, list[1].Kind})
}

// TestBooksAgreeWithData: whichever interface is asked, the balances and the entries
// are the same.
func TestBooksAgreeWithData(t *testing.T) {
	t.Parallel()
	s := serving(t, "lea", may("r1", all))
	s.data.PageSize = 10000
	balances, err := s.bank.Balances(t.Context(), "r1")
	require.NoError(t, err)
	shown := get[xs2a.BalancesResponse](s, "/v1/accounts/r1/balances").Balances
	require.Len(t, shown, len(balances))
	for i, b := range balances {
		assert.Equal(t, xs2a.Amount{Currency: b.Amount.Currency, Amount: b.Amount.Value}, shown[i].BalanceAmount)
		assert.Equal(t, b.Reference.String(), shown[i].ReferenceDate)
		assert.Equal(t, b.LastEntry, shown[i].LastCommittedTransaction)
	}

	report := get[xs2a.TransactionsResponse](s, "/v1/accounts/r1/transactions?bookingStatus=both&dateFrom=2025-05-04").Transactions
	entries := read(t, s.bank, "r1", service.Span{From: day(t, "2025-05-04"), Limit: 10000})
	require.NotEmpty(t, report.Pending)
	require.Len(t, entries, len(report.Pending)+len(report.Booked))
	for i, want := range append(report.Pending, report.Booked...) {
		e := entries[i]
		assert.Equal(t, want.TransactionID, e.ID)
		assert.Equal(t, want.EntryReference, e.Reference)
		assert.Equal(t, i >= len(report.Pending), e.Booked)
		assert.Equal(t, want.Amount, xs2a.Amount{Currency: e.Amount.Currency, Amount: e.Amount.Value})
		assert.Equal(t, want.ValueDate, e.Value.String())
		assert.Equal(t, want.BankTransactionCode, e.BankCode)
		assert.Equal(t, []string{want.RemittanceInformationUnstructured}, e.Remittance)
		if e.Booked {
			assert.Equal(t, want.BookingDate, e.Booking.String())
		} else {
			assert.Zero(t, e.Booking, "nobody says yet when it is booked")
		}
		name, other := want.DebtorName, want.DebtorAccount
		if strings.HasPrefix(e.Amount.Value, "-") {
			name, other = want.CreditorName, want.CreditorAccount
		}
		assert.Equal(t, name, e.CounterpartyName)
		if other == nil {
			assert.Empty(t, e.CounterpartyIBAN, "a shop's account is not known")
			continue
		}
		assert.Equal(t, other.IBAN, e.CounterpartyIBAN)
	}
}

// read walks over all pages of a statement.
func read(t *testing.T, bank *sandbox.Bank, account string, q service.Span) []service.Entry {
	t.Helper()
	var list []service.Entry
	for {
		page, err := bank.Transactions(t.Context(), account, q)
		require.NoError(t, err)
		list = append(list, page.Entries...)
		if page.Next == "" {
			return list
		}
		require.NotEmpty(t, page.Entries, "a walk comes to an end")
		q.After = page.Next
	}
}

func TestBooksSpan(t *testing.T) {
	t.Parallel()
	bank, _ := newBank()
	entries := read(t, bank, "r1", service.Span{From: day(t, "2026-04-22"), To: day(t, "2026-04-27")})
	require.Len(t, entries, 6)
	assert.Equal(t, "2026-04-23", entries[0].Booking.String(), "To is not included")
	assert.Equal(t, service.Entry{
		ID: "a82886b2ba6284465b3fed6e", Reference: "20260422-001", Booked: true, Amount: service.Amount{Currency: "EUR", Value: "2219.67"},
		Booking: day(t, "2026-04-22"), Value: day(t, "2026-04-22"), Transaction: day(t, "2026-04-22"), Remittance: []string{"SALAIRE 202604"},
		CounterpartyName: "ATELIERS LUMEN SAS", CounterpartyIBAN: entries[5].CounterpartyIBAN, BankCode: "PMNT-RCDT-SALA",
	}, entries[5], "From is included")
	assert.NotEmpty(t, entries[5].CounterpartyIBAN)

	assert.Empty(t, read(t, bank, "r1", service.Span{From: day(t, "2026-04-22"), To: day(t, "2026-04-22")}))
	assert.Empty(t, read(t, bank, "r1", service.Span{From: day(t, "2026-05-05")}), "the days to come")
	open := read(t, bank, "r1", service.Span{})
	assert.False(t, open[0].Booked, "what is pending comes first")
	assert.Less(t, open[len(open)-1].Booking.String(), "2024-06-01", "two years")
	whole := read(t, bank, "r1", service.Span{From: day(t, "1900-01-01"), To: day(t, "2999-01-01"), Limit: 7})
	assert.Equal(t, open, whole)
}

// TestBooksPages: pages end where Limit says, and stay as they are while a night falls.
func TestBooksPages(t *testing.T) {
	t.Parallel()
	bank, clock := newBank()
	spring := service.Span{From: day(t, "2026-04-01")}
	want := read(t, bank, "r1", spring)
	q := service.Span{From: spring.From, Limit: 3}
	page, err := bank.Transactions(t.Context(), "r1", q)
	require.NoError(t, err)
	assert.Equal(t, want[:3], page.Entries)
	require.NoError(t, clock.Advance(24*time.Hour))
	require.NotEqual(t, want[:3], read(t, bank, "r1", spring)[:3], "the day is another one")
	first := page.Next
	q.After = first
	assert.Equal(t, want[3:], read(t, bank, "r1", q))
	page, err = bank.Transactions(t.Context(), "r1", service.Span{Limit: 10000})
	require.NoError(t, err)
	assert.Len(t, page.Entries, service.MaxEntries)

	require.NoError(t, clock.Advance(24*time.Hour))
	for name, cursor := range map[string]string{
		"two days old": first, "of tomorrow": "2026-05-07.3", "no day": "3", "no number": "2026-05-06", "a sign": "2026-05-06.+3",
		"the beginning": "2026-05-06.0", "before it": "2026-05-06.-1", "after the end": "2026-05-06.100000", "another's": "abc",
	} {
		_, err := bank.Transactions(t.Context(), "r1", service.Span{After: cursor})
		assert.ErrorIs(t, err, service.ErrNoPage, name)
	}
}

func TestBooksOfANewAccount(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := b.call(t, http.MethodPost, "/sandbox/psus/lea/accounts", `{"iban":"FR7617515000920400430518214","currency":"EUR","name":"Livret","resourceId":"r3","balance":"7.5"}`)
	require.Equal(t, http.StatusCreated, got.status, got.body)
	balances, err := b.bank.Balances(t.Context(), "r3")
	require.NoError(t, err)
	assert.Equal(t, "7.5", balances[0].Amount.Value)
	assert.Empty(t, balances[0].LastEntry)
	assert.Empty(t, read(t, b.bank, "r3", service.Span{}))
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	bank, _ := newBank()
	company := service.Identity{OrganisationID: "SIREN 852126789"}
	for name, c := range map[string]struct {
		psu, customer string
		want          service.Identity
		err           error
	}{
		"a person":                   {"lea", "lea", service.Identity{FullName: "LEA SANDBOXA", FirstName: "LEA", LastName: "SANDBOXA"}, nil},
		"a company":                  {"sarl", "sarl", company, nil},
		"a company, by a signer":     {"sarl-ceo", "sarl", company, nil},
		"unknown":                    {"eve", "eve", service.Identity{}, service.ErrUnknownPSU},
		"for somebody else":          {"lea", "enzo", service.Identity{}, service.ErrUnknownPSU},
		"a signer, not for themself": {"sarl-ceo", "sarl-ceo", service.Identity{}, service.ErrUnknownPSU},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := bank.Identity(t.Context(), c.psu, c.customer)
			require.ErrorIs(t, err, c.err)
			assert.Equal(t, c.want, got)
		})
	}
}

func TestBooksUnknown(t *testing.T) {
	t.Parallel()
	bank, _ := newBank()
	_, err := bank.Balances(t.Context(), "r0")
	require.ErrorIs(t, err, service.ErrNoAccount)
	_, err = bank.Transactions(t.Context(), "r0", service.Span{})
	require.ErrorIs(t, err, service.ErrNoAccount)
	down := &sandbox.Bank{Store: brokenStore{}, Now: start}
	_, err = down.Balances(t.Context(), "r1")
	require.ErrorIs(t, err, errDown)
	_, err = down.Transactions(t.Context(), "r1", service.Span{})
	require.ErrorIs(t, err, errDown)
}

// TestBooksFace: what the client of package bank never asks.
func TestBooksFace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for path, want := range map[string]int{
		"/accounts/r1/balances":                                     http.StatusOK,
		"/accounts/r1/transactions?from=2026-04-01&to=2026-05-01":   http.StatusOK,
		"/accounts/r1/transactions?from=yesterday":                  http.StatusBadRequest,
		"/accounts/r1/transactions?to=2026-02-30":                   http.StatusBadRequest,
		"/accounts/r1/transactions?limit=0":                         http.StatusBadRequest,
		"/accounts/r1/transactions?limit=501":                       http.StatusBadRequest,
		"/accounts/r1/transactions?limit=ten":                       http.StatusBadRequest,
		"/accounts/r1/transactions?after=2026-05-04.100000&limit=1": http.StatusGone,
		"/accounts/r0/balances":                                     http.StatusNotFound,
		"/accounts/r0/transactions":                                 http.StatusNotFound,
		"/psus/lea/identity?customer=lea":                           http.StatusOK,
		"/psus/lea/identity":                                        http.StatusNotFound,
		"/psus/lea/identity?customer=FR7617515000920400430518020":   http.StatusNotFound,
	} {
		got := b.call(t, http.MethodGet, "/sandbox/bank"+path, "", "Authorization", "Bearer "+sandbox.BankToken)
		assert.Equal(t, want, got.status, "%s %s", path, got.body)
		got = b.call(t, http.MethodGet, "/sandbox/bank"+path, "")
		assert.Equal(t, http.StatusUnauthorized, got.status, path)
	}
}
