package sandbox

import (
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
)

var theDay = consent.Date{Year: 2026, Month: 5, Day: 4}

func rat(t *testing.T, text string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(text)
	require.True(t, ok, text)
	return r
}

// The list adds up to the balance of the persona, on whatever day it is read.
func TestLedgerAddsUp(t *testing.T) {
	t.Parallel()
	for _, a := range accounts() {
		t.Run(a.ResourceID, func(t *testing.T) {
			t.Parallel()
			for _, days := range []int{0, 1, 2, 3, 4, 5, 6, 7, 30, 365, 60000} {
				l := newLedger(a, theDay.AddDays(days))
				list := l.within(l.oldest(), l.today)
				require.Greater(t, len(list), 40, "two years are plenty")
				balance := rat(t, a.Balance) // of the day before the oldest
				for _, m := range list {
					balance.Add(balance, rat(t, m.amount.String()))
					require.Zero(t, balance.Cmp(rat(t, m.after)), "%s %s", m.reference, m.after)
				}
				assert.Zero(t, balance.Cmp(rat(t, a.Balance)), "after %d days", days)
				expected := rat(t, a.Balance)
				for _, m := range l.pending(l.oldest(), l.today) {
					require.Negative(t, m.amount, "only debits are ever pending")
					expected.Add(expected, rat(t, m.amount.String()))
				}
				assert.Zero(t, expected.Cmp(rat(t, l.expected())))
			}
		})
	}
}

// What was booked stays when the clock moves on, and what was pending is booked
// under the same id within four days.
func TestLedgerIsStable(t *testing.T) {
	t.Parallel()
	for _, a := range accounts() {
		before := newLedger(a, theDay)
		later := newLedger(a, theDay.AddDays(maxDelay))
		from := later.oldest()
		list := before.within(from, theDay)
		assert.Equal(t, list, later.within(from, theDay), a.ResourceID)
		assert.Greater(t, len(later.within(from, later.today)), len(list)-1, a.ResourceID)
		assert.Equal(t, list, newLedger(a, theDay).within(from, theDay), "made anew")
		for _, m := range before.pending(from, theDay) {
			now, ok := later.find(m.id)
			require.True(t, ok, m.id)
			assert.NotEmpty(t, now.reference)
			assert.Equal(t, m.amount, now.amount)
			assert.Equal(t, m.booked, now.booked)
		}
	}
}

// The entries of some days, letter by letter: another version of the generator
// would change what integrators have seen.
func TestLedgerStaysTheSame(t *testing.T) {
	t.Parallel()
	l := newLedger(accounts()[0], theDay)
	var got []string
	for _, m := range l.within(consent.Date{Year: 2026, Month: 4, Day: 24}, consent.Date{Year: 2026, Month: 4, Day: 29}) {
		got = append(got, strings.Join([]string{m.reference, m.id, m.amount.String(), m.after, m.text}, "|"))
	}
	assert.Equal(t, []string{
		"20260427-001|49f4339d8413ab172825d30b|2214.75|2074.75|SALAIRE 202604",
		"20260427-002|1ea3ba4bf48fa75c38299568|-42.14|2032.61|CARTE 23.04 SUPERMARCHE BELLEVUE",
		"20260427-003|77ed6b8faede9605e0c8bc2f|-21.64|2010.97|CARTE 23.04 BISTROT LE PHARE",
		"20260427-004|71bef41269cc035e7547ef77|-67.08|1943.89|CARTE 24.04 TRAINS DU SUD",
		"20260427-005|6f128ca2c10ca8991be4a10d|-5.31|1938.58|CARTE 25.04 BOULANGERIE DU COIN",
		"20260427-006|2d53774baf755fb9540345d6|-8.59|1929.99|CARTE 25.04 BOULANGERIE DU COIN",
		"20260427-007|38057937458dbe5be8565e74|-34.23|1895.76|CARTE 26.04 SUPERMARCHE BELLEVUE",
		"20260427-008|c3d653ff38939f00834ae2a4|-2035.76|-140.00|VIREMENT VERS MON LIVRET",
		"20260428-001|221f768012fec4de469d8cb3|-29.27|-169.27|CARTE 26.04 LIBRAIRIE LA PLUME",
		"20260428-002|24361e23620d69953490a255|29.27|-140.00|VIREMENT DEPUIS MON LIVRET",
		"20260429-001|79d0921f569c606735fd1dea|47.50|-92.50|REMBOURSEMENT RESTAURANT 2026-3606",
		"20260429-002|45e36b1d1d98f40d2429416b|-47.50|-140.00|VIREMENT VERS MON LIVRET",
	}, got)
}

func TestLedgerIsPlausible(t *testing.T) {
	t.Parallel()
	iban := regexp.MustCompile(`^(FR[0-9]{25}|DE[0-9]{20}|AE[0-9]{21})$`)
	for _, a := range accounts() {
		l := newLedger(a, theDay)
		assert.Equal(t, consent.Date{Year: 2024, Month: 5, Day: 4}, l.oldest())
		all := l.within(consent.Date{Year: 1900, Month: 1, Day: 1}, consent.Date{Year: 2999, Month: 1, Day: 1})
		assert.Less(t, all[0].booked.String(), "2024-06-30", "%s begins two years ago", a.ResourceID)
		assert.GreaterOrEqual(t, all[0].booked.String(), "2024-05-04")
		assert.Less(t, "2026-04-20", all[len(all)-1].booked.String(), "%s goes on until today", a.ResourceID)
		ids, references := map[string]bool{}, map[string]bool{}
		for _, m := range append(all, l.pending(l.oldest(), theDay)...) {
			assert.False(t, ids[m.id], "%s twice", m.id)
			ids[m.id] = true
			if m.reference != "" {
				assert.False(t, references[m.reference], "%s twice", m.reference)
				references[m.reference] = true
				assert.False(t, m.booked.Before(m.entered))
			}
			assert.False(t, weekend(m.booked) && m.order.code != codeCard && m.entered != m.booked)
			assert.NotZero(t, m.amount)
			assert.LessOrEqual(t, len(m.text), 140)
			assert.LessOrEqual(t, len(m.order.who), 70)
			if other := m.other(a); other != nil {
				assert.Regexp(t, iban, other.IBAN)
				assert.Equal(t, 1, remainder(other.IBAN[4:]+other.IBAN[:4]), "check digits of %s", other.IBAN)
			}
		}
	}
}

// Salaries and rents come once a month, on a working day, whatever the month.
func TestMonthlyOrders(t *testing.T) {
	t.Parallel()
	l := newLedger(accounts()[0], theDay)
	salaries := map[string]int{}
	rents := 0
	for _, m := range l.within(l.oldest(), l.today) {
		switch m.order.code {
		case codeSalary:
			salaries[m.booked.String()[:7]]++
			assert.Positive(t, m.amount)
			assert.False(t, weekend(m.booked))
		case codeStanding:
			rents++
			assert.Equal(t, money(-78500), m.amount)
		}
	}
	assert.Len(t, salaries, 24)
	assert.Equal(t, 24, rents)
	for month, n := range salaries {
		assert.Equal(t, 1, n, month)
	}
}

func TestOpenedAccountsHaveNoEntries(t *testing.T) {
	t.Parallel()
	l := newLedger(account{ResourceID: "r99", Currency: "KWD", Balance: "12.345"}, theDay)
	assert.Empty(t, l.within(l.oldest(), l.today))
	assert.Empty(t, l.pending(l.oldest(), l.today))
	assert.Equal(t, "12.345", l.expected())
	assert.Empty(t, l.last(theDay))
}

func TestOldestOfALeapDay(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "2026-03-01", newLedger(accounts()[0], consent.Date{Year: 2028, Month: 2, Day: 29}).oldest().String())
}

func TestMoney(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]money{"0.00": 0, "0.05": 5, "-0.05": -5, "-140.00": -14000, "48310.55": 4831055} {
		assert.Equal(t, want, m.String())
	}
	for _, c := range []struct {
		m          money
		text, want string
	}{
		{0, "5", "5"},
		{5, "5", "5.05"},
		{-14000, "140.00", "0.00"},
		{-1, "99999999999999.995", "99999999999999.985"},
		{25, "-0.10", "0.15"},
	} {
		assert.Equal(t, c.want, c.m.plus(c.text))
	}
}

// The published example of the IBAN's own standard.
func TestRemainder(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 1, remainder("WEST12345698765432GB82"))
	assert.NotEqual(t, 1, remainder("WEST12345698765432GB83"))
	assert.NotEqual(t, ibanOf("FR", "A"), ibanOf("FR", "B"))
	assert.Equal(t, "DE13999999994308956781", ibanOf("DE", "A"))
}
