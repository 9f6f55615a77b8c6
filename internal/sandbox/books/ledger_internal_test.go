package books

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

// opened is an account, with its documented balance.
type opened struct{ id, balance string }

func (o opened) open(today, anchor consent.Date) Ledger { return Open(o.id, o.balance, today, anchor) }

// account is one of the bank's.
func account(id string) opened {
	all := accounts()
	return all[slices.IndexFunc(all, func(o opened) bool { return o.id == id })]
}

// accounts are those for which there is a plan.
func accounts() []opened {
	return []opened{
		{"r1", "-140.00"},
		{"r2", "1250.00"},
		{"r9", "10.00"},
		{"r21", "48310.55"},
		{"r22", "9120.00"},
		{"r31", "2310.18"},
		{"r32", "640.00"},
		{"r33", "815.40"},
		{"r34", "-73.25"},
		{"r41", "15400.00"},
		{"r51", "100.00"},
		{"r52", "100.00"},
		{"r53", "100.00"},
	}
}

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
			assert.Equal(t, a.balance, a.open(day, day).Balance())
		}
	}
}

// Between any two times the balance moves by what was booked, and each entry tells
// the balance that it led to.
func TestLedgerAddsUp(t *testing.T) {
	t.Parallel()
	for _, a := range accounts() {
		t.Run(a.id, func(t *testing.T) {
			t.Parallel()
			dice := chance()
			for range 12 {
				anchor := theDay.AddDays(dice.IntN(1000))
				from := anchor.AddDays(dice.IntN(1800) - 730)
				to := from.AddDays(dice.IntN(700))
				earlier, later := a.open(from, anchor), a.open(to, anchor)
				balance := rat(t, earlier.Balance())
				for _, m := range later.Within(from, to) { // what was booked since then
					balance.Add(balance, rat(t, m.Amount.String()))
					require.Zero(t, balance.Cmp(rat(t, m.After)), "%s %s", m.Reference, m.After)
				}
				require.Zero(t, balance.Cmp(rat(t, later.Balance())), "from %s to %s", from, to)
				for _, m := range later.Pending(later.Oldest(), to) {
					balance.Add(balance, rat(t, m.Amount.String()))
				}
				require.Zero(t, balance.Cmp(rat(t, later.Expected())))
			}
		})
	}
}

// No account drifts away, from two years before to three years after, and none
// stands still.
func TestLedgerStaysInBounds(t *testing.T) {
	t.Parallel()
	for id, most := range map[string]Money{
		"r1": 160000, "r2": 190000, "r9": 160000, "r21": 4800000, "r22": 1300000, "r31": 360000, "r32": 130000, "r33": 130000,
		"r34": 30000, "r41": 2600000, "r51": 160000, "r52": 160000, "r53": 160000,
	} {
		l := Open(id, "0", theDay.AddDays(1095), theDay)
		low, high, ends := Money(0), Money(0), map[Money]bool{}
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
// amount.
func TestOwnTransfersHaveBothSides(t *testing.T) {
	t.Parallel()
	pairs := map[string]int{}
	for _, a := range accounts() {
		l := a.open(theDay.AddDays(1095), theDay)
		others := map[string]Ledger{}
		for _, m := range l.Within(l.Oldest(), l.today) {
			if m.Order.Own == "" {
				continue
			}
			pairs[a.id+" "+m.Order.Own]++
			if _, known := others[m.Order.Own]; !known {
				others[m.Order.Own] = account(m.Order.Own).open(l.today, theDay)
			}
			found := 0
			for _, x := range others[m.Order.Own].Within(m.Booked, m.Booked) {
				if x.Order.Own == a.id && x.Amount == -m.Amount {
					found++
				}
			}
			assert.Equal(t, 1, found, "%s %s", a.id, m.Reference)
		}
	}
	for _, pair := range []string{"r1 r2", "r2 r1", "r31 r34", "r34 r31", "r31 r32", "r32 r31", "r21 r22", "r22 r21"} {
		assert.InDelta(t, 24, pairs[pair], 1, pair)
	}
	assert.Len(t, pairs, 8)
}

// The settlement of a card is what was booked on it in the month before.
func TestCardIsSettled(t *testing.T) {
	t.Parallel()
	l := account("r34").open(theDay, theDay)
	spent := map[string]Money{}
	for _, m := range l.Within(l.Oldest(), l.today) {
		if m.Order.Code == CodeCard {
			spent[m.Booked.String()[:7]] += m.Amount
			continue
		}
		before := l.begins(m.Booked, -1)
		if l.Oldest().Before(before) {
			assert.Equal(t, -spent[before.String()[:7]], m.Amount, m.Booked.String())
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
			before, later := a.open(day, theDay), a.open(day.AddDays(maxDelay+1), theDay)
			from := later.Oldest()
			if days == 0 {
				list := before.Within(from, day)
				assert.Equal(t, list, later.Within(from, before.Closed()), a.id)
				assert.Equal(t, list, a.open(day, theDay).Within(from, day), "made anew")
				assert.Equal(t, entries(list), entries(a.open(day, day.AddDays(90)).Within(from, day)), "on another day")
			}
			for _, m := range before.Pending(from, day) {
				list := later.Within(m.Booked, m.Booked)
				i := slices.IndexFunc(list, func(x Movement) bool { return x.ID == m.ID })
				require.GreaterOrEqual(t, i, 0, m.ID)
				now := list[i]
				assert.NotEmpty(t, now.Reference)
				now.Reference, now.After = "", ""
				assert.Equal(t, m, now)
			}
		}
	}
}

// entries are movements without the balances that they led to.
func entries(list []Movement) []Movement {
	bare := append([]Movement(nil), list...)
	for i := range bare {
		bare[i].After = ""
	}
	return bare
}

// A day is pending until its night, and booked from then on.
func TestLedgerBooksAtNight(t *testing.T) {
	t.Parallel()
	pay := consent.Date{Year: 2026, Month: 4, Day: 22}
	a := account("r1")
	today := a.open(pay, pay)
	assert.Empty(t, today.Within(pay, pay))
	var codes []string
	for _, m := range today.Pending(pay, pay) {
		codes = append(codes, m.Order.Code)
	}
	assert.Subset(t, codes, []string{CodeSalary, codeStanding, codeSent})
	assert.NotEmpty(t, a.open(pay.AddDays(1), pay).Within(pay, pay))
}

// The entries of some days, letter by letter: another version of the generator
// would change what integrators have seen.
func TestLedgerStaysTheSame(t *testing.T) {
	t.Parallel()
	l := account("r1").open(theDay, theDay)
	var got []string
	for _, m := range l.Within(consent.Date{Year: 2026, Month: 4, Day: 22}, consent.Date{Year: 2026, Month: 4, Day: 27}) {
		got = append(got, strings.Join([]string{m.Reference, m.ID, m.Amount.String(), m.After, m.Text}, "|"))
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
	iban := regexp.MustCompile(`^(FR[0-9]{25}|DE[0-9]{20}|AE[0-9]{21})$`)
	for _, a := range accounts() {
		l := a.open(theDay, theDay)
		assert.Equal(t, consent.Date{Year: 2024, Month: 5, Day: 4}, l.Oldest())
		all := l.Within(consent.Date{Year: 1900, Month: 1, Day: 1}, consent.Date{Year: 2999, Month: 1, Day: 1})
		require.Greater(t, len(all), 40, "two years are plenty")
		assert.Less(t, all[0].Booked.String(), "2024-06-30", "%s begins two years ago", a.id)
		assert.GreaterOrEqual(t, all[0].Booked.String(), "2024-05-04")
		assert.Less(t, "2026-04-14", all[len(all)-1].Booked.String(), "%s goes on until today", a.id)
		ids, references, closings := map[string]bool{}, map[string]bool{}, map[string]bool{}
		for _, m := range append(all, l.Pending(l.Oldest(), theDay)...) {
			assert.False(t, ids[m.ID], "%s twice", m.ID)
			ids[m.ID] = true
			if m.Reference != "" {
				assert.False(t, references[m.Reference], "%s twice", m.Reference)
				references[m.Reference], closings[m.After] = true, true
			}
			assert.False(t, m.Booked.Before(m.Entered))
			assert.False(t, weekend(m.Booked))
			assert.Equal(t, m.Order.Code == CodeCard, m.Entered != m.Booked)
			assert.Equal(t, strings.Contains(m.Order.Code, "-RCDT-"), m.Amount > 0, "%s %s", m.Order.Code, m.Amount)
			assert.NotZero(t, m.Amount)
			assert.LessOrEqual(t, len(m.Text), 140)
			assert.LessOrEqual(t, len(m.Order.Who), 70)
			other := IBAN(a.id, m.Order)
			assert.Regexp(t, iban, other)
			assert.Equal(t, 1, remainder(other[4:]+other[:4]), "check digits of %s", other)
		}
		assert.Greater(t, len(closings), 40, "the balance varies")
	}
}

// Salaries and rents come once a month, on a working day, whatever the month.
func TestMonthlyOrders(t *testing.T) {
	t.Parallel()
	l := account("r1").open(theDay, theDay)
	salaries := map[string]int{}
	rents := 0
	for _, m := range l.Within(l.Oldest(), l.today) {
		switch m.Order.Code {
		case CodeSalary:
			salaries[m.Booked.String()[:7]]++
		case codeStanding:
			rents++
			assert.Equal(t, Money(-78500), m.Amount)
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
	l := Open("r99", "12.345", theDay.AddDays(90), theDay)
	assert.Empty(t, l.Within(l.Oldest(), l.today))
	assert.Empty(t, l.Pending(l.Oldest(), l.today))
	assert.Equal(t, "12.345", l.Balance())
	assert.Equal(t, "12.345", l.Expected())
	assert.Empty(t, l.Last(theDay))
}

func TestOldestOfALeapDay(t *testing.T) {
	t.Parallel()
	leap := consent.Date{Year: 2028, Month: 2, Day: 29}
	assert.Equal(t, "2026-03-01", account("r1").open(leap, leap).Oldest().String())
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
		l, single := Open(id, "", theDay, theDay), 0
		l.plan = p
		for months := range 36 {
			first := l.begins(theDay, -months)
			sum, open := Money(0), 0
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
	a := account("r31")
	for b.Loop() {
		l := a.open(theDay.AddDays(60000), theDay)
		require.NotEmpty(b, l.Within(l.Oldest(), l.today))
	}
}
