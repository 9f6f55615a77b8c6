package sandbox

import (
	"math/big"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
)

var theDay = consent.Date{Year: 2026, Month: 5, Day: 4}

// chance is the same on every run; each test has its own.
func chance() *rand.Rand { return rand.New(rand.NewPCG(6, 2026)) }

func rat(t *testing.T, text string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(text)
	require.True(t, ok, text)
	return r
}

// Whatever day it is, the account has its documented balance while the clock is not
// turned.
func TestLedgerAtTheAnchor(t *testing.T) {
	t.Parallel()
	for _, a := range accounts() {
		for days := range 400 {
			day := theDay.AddDays(days)
			assert.Equal(t, a.Balance, newLedger(a, day, day).balance())
		}
	}
}

// Between any two times the balance moves by what was booked, and each entry tells
// the balance that it led to.
func TestLedgerAddsUp(t *testing.T) {
	t.Parallel()
	for _, a := range accounts() {
		t.Run(a.ResourceID, func(t *testing.T) {
			t.Parallel()
			dice := chance()
			for range 12 {
				anchor := theDay.AddDays(dice.IntN(1000))
				from := anchor.AddDays(dice.IntN(1800) - 730)
				to := from.AddDays(dice.IntN(700))
				earlier, later := newLedger(a, from, anchor), newLedger(a, to, anchor)
				balance := rat(t, earlier.balance())
				for _, m := range later.within(from, to) { // what was booked since then
					balance.Add(balance, rat(t, m.amount.String()))
					require.Zero(t, balance.Cmp(rat(t, m.after)), "%s %s", m.reference, m.after)
				}
				require.Zero(t, balance.Cmp(rat(t, later.balance())), "from %s to %s", from, to)
				for _, m := range later.pending(later.oldest(), to) {
					balance.Add(balance, rat(t, m.amount.String()))
				}
				require.Zero(t, balance.Cmp(rat(t, later.expected())))
			}
		})
	}
}

// No account drifts away, from two years before to three years after, and none
// stands still.
func TestLedgerStaysInBounds(t *testing.T) {
	t.Parallel()
	for id, most := range map[string]money{
		"r1": 160000, "r2": 190000, "r9": 160000, "r21": 4800000, "r22": 1300000, "r31": 360000, "r32": 130000, "r33": 130000,
		"r34": 30000, "r41": 2600000, "r51": 160000, "r52": 160000, "r53": 160000,
	} {
		l := newLedger(account{ResourceID: id, Balance: "0"}, theDay.AddDays(1095), theDay)
		low, high, ends := money(0), money(0), map[money]bool{}
		for days := -730; days <= 1095; days++ {
			moved := l.moved(theDay.AddDays(days))
			low, high = min(low, moved), max(high, moved)
			ends[moved] = true
		}
		assert.Less(t, high-low, most, id)
		assert.Greater(t, len(ends), 100, id)
	}
}

// Transfers between accounts of a customer are on both, on the same day, by the same
// amount, and name each other.
func TestOwnTransfersHaveBothSides(t *testing.T) {
	t.Parallel()
	pairs := map[string]int{}
	for _, a := range accounts() {
		l := newLedger(a, theDay.AddDays(1095), theDay)
		others := map[string]ledger{}
		for _, m := range l.within(l.oldest(), l.today) {
			if m.order.own == "" {
				if other := m.other(a); other != nil {
					assert.NotContains(t, ownIBANs(), other.IBAN)
				}
				assert.NotEqual(t, ownerNamed(t, a), m.order.who, "%s %s", a.ResourceID, m.text)
				continue
			}
			pairs[a.ResourceID+" "+m.order.own]++
			there := accounts()[indexOf(m.order.own)]
			if _, known := others[there.ResourceID]; !known {
				others[there.ResourceID] = newLedger(there, l.today, theDay)
			}
			assert.Equal(t, a.Customer, there.Customer)
			assert.Equal(t, a.Currency, there.Currency)
			assert.Equal(t, there.IBAN+there.MaskedPAN, m.other(a).IBAN+m.other(a).MaskedPAN)
			found := 0
			for _, x := range others[there.ResourceID].within(m.booked, m.booked) {
				if x.order.own == a.ResourceID && x.amount == -m.amount {
					found++
				}
			}
			assert.Equal(t, 1, found, "%s %s", a.ResourceID, m.reference)
		}
	}
	for _, pair := range []string{"r1 r2", "r2 r1", "r31 r34", "r34 r31", "r31 r32", "r32 r31", "r21 r22", "r22 r21"} {
		assert.InDelta(t, 24, pairs[pair], 1, pair)
	}
	assert.Len(t, pairs, 8)
}

func ownIBANs() []string {
	var list []string
	for _, a := range accounts() {
		list = append(list, a.IBAN)
	}
	return list
}

func ownerNamed(t *testing.T, a account) string {
	t.Helper()
	name, err := ownerOf(a.Customer)
	require.NoError(t, err)
	return name
}

func indexOf(resource string) int {
	for i, a := range accounts() {
		if a.ResourceID == resource {
			return i
		}
	}
	return -1
}

// The settlement of a card is what was booked on it in the month before.
func TestCardIsSettled(t *testing.T) {
	t.Parallel()
	l := newLedger(accounts()[indexOf("r34")], theDay, theDay)
	spent := map[string]money{}
	for _, m := range l.within(l.oldest(), l.today) {
		if m.order.code == codeCard {
			spent[m.booked.String()[:7]] += m.amount
			continue
		}
		before := l.begins(m.booked, -1)
		if l.oldest().Before(before) {
			assert.Equal(t, -spent[before.String()[:7]], m.amount, m.booked.String())
		}
	}
	assert.Greater(t, len(spent), 20)
}

// What was booked stays when the clock moves on, and what was pending is booked
// under the same id within four days.
func TestLedgerIsStable(t *testing.T) {
	t.Parallel()
	for _, a := range accounts() {
		for days := range 30 {
			day := theDay.AddDays(days * 7)
			before, later := newLedger(a, day, theDay), newLedger(a, day.AddDays(maxDelay+1), theDay)
			from := later.oldest()
			if days == 0 {
				list := before.within(from, day)
				assert.Equal(t, list, later.within(from, before.closed()), a.ResourceID)
				assert.Equal(t, list, newLedger(a, day, theDay).within(from, day), "made anew")
				assert.Equal(t, entries(list), entries(newLedger(a, day, day.AddDays(90)).within(from, day)), "on another day")
			}
			for _, m := range before.pending(from, day) {
				list := later.within(m.booked, m.booked)
				i := slices.IndexFunc(list, func(x movement) bool { return x.id == m.id })
				require.GreaterOrEqual(t, i, 0, m.id)
				now := list[i]
				assert.NotEmpty(t, now.reference)
				now.reference, now.after = "", ""
				assert.Equal(t, m, now)
			}
		}
	}
}

// entries are movements without the balances that they led to.
func entries(list []movement) []movement {
	bare := append([]movement(nil), list...)
	for i := range bare {
		bare[i].after = ""
	}
	return bare
}

// A day is pending until its night, and booked from then on.
func TestLedgerBooksAtNight(t *testing.T) {
	t.Parallel()
	pay := consent.Date{Year: 2026, Month: 4, Day: 22}
	a := accounts()[0]
	today := newLedger(a, pay, pay)
	assert.Empty(t, today.within(pay, pay))
	var codes []string
	for _, m := range today.pending(pay, pay) {
		codes = append(codes, m.order.code)
	}
	assert.Subset(t, codes, []string{codeSalary, codeStanding, codeSent})
	assert.NotEmpty(t, newLedger(a, pay.AddDays(1), pay).within(pay, pay))
}

// The entries of some days, letter by letter: another version of the generator
// would change what integrators have seen.
func TestLedgerStaysTheSame(t *testing.T) {
	t.Parallel()
	l := newLedger(accounts()[0], theDay, theDay)
	var got []string
	for _, m := range l.within(consent.Date{Year: 2026, Month: 4, Day: 22}, consent.Date{Year: 2026, Month: 4, Day: 27}) {
		got = append(got, strings.Join([]string{m.reference, m.id, m.amount.String(), m.after, m.text}, "|"))
	}
	assert.Equal(t, []string{
		"20260422-001|a82886b2ba6284465b3fed6e|2219.67|1449.16|SALAIRE 202604",
		"20260422-002|ffa72fe279b8087aea66188f|-650.00|799.16|VERSEMENT COMPTE JOINT 202604",
		"20260422-003|b97c64d8d78385358c9d2776|-785.00|14.16|LOYER 202604",
		"20260422-004|452bb0c62999b5f99383db8d|-14.19|-0.03|CARTE 20.04 BISTROT LE PHARE",
		"20260423-001|159dcaff4b852ef400588399|-10.86|-10.89|CARTE 22.04 BISTROT LE PHARE",
		"20260423-002|372d27a5f80a4cc48ffd4087|-35.49|-46.38|CARTE 22.04 SUPERMARCHE BELLEVUE",
		"20260427-001|1ea3ba4bf48fa75c38299568|-25.43|-71.81|CARTE 23.04 SUPERMARCHE BELLEVUE",
		"20260427-002|77ed6b8faede9605e0c8bc2f|-13.05|-84.86|CARTE 23.04 BISTROT LE PHARE",
		"20260427-003|6f128ca2c10ca8991be4a10d|-5.08|-89.94|CARTE 25.04 BOULANGERIE DU COIN",
		"20260427-004|2d53774baf755fb9540345d6|-5.88|-95.82|CARTE 25.04 BOULANGERIE DU COIN",
	}, got)
}

func TestLedgerIsPlausible(t *testing.T) {
	t.Parallel()
	iban := regexp.MustCompile(`^(FR[0-9]{25}|DE[0-9]{20}|AE[0-9]{21})?$`)
	for _, a := range accounts() {
		l := newLedger(a, theDay, theDay)
		assert.Equal(t, consent.Date{Year: 2024, Month: 5, Day: 4}, l.oldest())
		all := l.within(consent.Date{Year: 1900, Month: 1, Day: 1}, consent.Date{Year: 2999, Month: 1, Day: 1})
		require.Greater(t, len(all), 40, "two years are plenty")
		assert.Less(t, all[0].booked.String(), "2024-06-30", "%s begins two years ago", a.ResourceID)
		assert.GreaterOrEqual(t, all[0].booked.String(), "2024-05-04")
		assert.Less(t, "2026-04-14", all[len(all)-1].booked.String(), "%s goes on until today", a.ResourceID)
		ids, references, closings := map[string]bool{}, map[string]bool{}, map[string]bool{}
		for _, m := range append(all, l.pending(l.oldest(), theDay)...) {
			assert.False(t, ids[m.id], "%s twice", m.id)
			ids[m.id] = true
			if m.reference != "" {
				assert.False(t, references[m.reference], "%s twice", m.reference)
				references[m.reference], closings[m.after] = true, true
			}
			assert.False(t, m.booked.Before(m.entered))
			assert.False(t, weekend(m.booked))
			assert.Equal(t, m.order.code == codeCard, m.entered != m.booked)
			assert.Equal(t, strings.Contains(m.order.code, "-RCDT-"), m.amount > 0, "%s %s", m.order.code, m.amount)
			assert.NotZero(t, m.amount)
			assert.LessOrEqual(t, len(m.text), 140)
			assert.LessOrEqual(t, len(m.order.who), 70)
			if other := m.other(a); other != nil && other.IBAN != "" {
				assert.Regexp(t, iban, other.IBAN)
				assert.Equal(t, 1, remainder(other.IBAN[4:]+other.IBAN[:4]), "check digits of %s", other.IBAN)
			}
		}
		assert.Greater(t, len(closings), 40, "the balance varies")
	}
}

// Salaries and rents come once a month, on a working day, whatever the month.
func TestMonthlyOrders(t *testing.T) {
	t.Parallel()
	l := newLedger(accounts()[0], theDay, theDay)
	salaries := map[string]int{}
	rents := 0
	for _, m := range l.within(l.oldest(), l.today) {
		switch m.order.code {
		case codeSalary:
			salaries[m.booked.String()[:7]]++
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
	l := newLedger(account{ResourceID: "r99", Currency: "KWD", Balance: "12.345"}, theDay.AddDays(90), theDay)
	assert.Empty(t, l.within(l.oldest(), l.today))
	assert.Empty(t, l.pending(l.oldest(), l.today))
	assert.Equal(t, "12.345", l.balance())
	assert.Equal(t, "12.345", l.expected())
	assert.Empty(t, l.last(theDay))
}

func TestOldestOfALeapDay(t *testing.T) {
	t.Parallel()
	leap := consent.Date{Year: 2028, Month: 2, Day: 29}
	assert.Equal(t, "2026-03-01", newLedger(accounts()[0], leap, leap).oldest().String())
}

// A period in which chance brings nothing that could be made to fit gets one entry,
// and comes out even too.
func TestPeriodsWithoutChances(t *testing.T) {
	t.Parallel()
	rarely := planCompany()
	rarely.chances[0].percent, rarely.chances[1].percent = 1, 1
	never := planFrench()
	never.busy = 0
	for id, p := range map[string]plan{"r21": rarely, "r9": never} {
		l, single := newLedger(account{ResourceID: id}, theDay, theDay), 0
		l.plan = p
		for months := range 36 {
			first := l.begins(theDay, -months)
			sum, open := money(0), 0
			for day := first; day.Before(l.begins(first, 1)); day = day.AddDays(1) {
				orders, payments := l.orders(day), l.payments(day)
				sum += total(orders) + total(payments)
				open += len(l.fitting(orders)) + len(l.fitting(payments))
			}
			assert.Equal(t, l.level(first)-l.level(l.begins(first, -1)), sum, "%s %s", id, first)
			require.Positive(t, open)
			if open == 1 {
				single++
			}
		}
		assert.Positive(t, single, id)
	}
}

// Two years of the busiest account, wherever the clock stands: what a list takes.
func BenchmarkTwoYears(b *testing.B) {
	a := accounts()[indexOf("r31")]
	for b.Loop() {
		l := newLedger(a, theDay.AddDays(60000), theDay)
		require.NotEmpty(b, l.within(l.oldest(), l.today))
	}
}
