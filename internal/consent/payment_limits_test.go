package consent_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
)

// step is a payment that is tried, at so many days after noon, and how it ends.
type step struct {
	day   int
	minor int64
	code  consent.Code          // for which it is refused; empty: it is taken
	then  consent.PaymentStatus // what the bank reports next; empty: nothing
	after consent.Status        // of the consent; empty: valid
	// rejects is the former payment, the first is 1, that is rejected now; then nothing is
	// paid.
	rejects int
}

// TestSchedules walks through the limits of each schedule. noon is 1 March 2026, a
// Sunday.
func TestSchedules(t *testing.T) {
	const settled, rejected = consent.PaymentCredited, consent.PaymentRejected
	const often = consent.CodeTooOften
	for name, test := range map[string]struct {
		terms consent.PaymentTerms
		steps []step
	}{
		"single, at once": {
			consent.PaymentTerms{Schedule: consent.SingleInstant, Amount: aed(100)},
			[]step{
				{minor: 101, code: often},
				{minor: 99, code: often},
				{minor: 100, after: consent.Consumed},
				{minor: 100, code: consent.CodeNotUsable, after: consent.Consumed},
			},
		},
		"single, rejected": {
			consent.PaymentTerms{Schedule: consent.SingleInstant, Amount: aed(100)},
			[]step{
				{minor: 100, then: rejected, after: consent.Consumed},
				{minor: 100, code: consent.CodeNotUsable, after: consent.Consumed},
			},
		},
		"single, on a day": {
			consent.PaymentTerms{Schedule: consent.SingleDated, Amount: aed(100), On: on(3, 20)},
			[]step{{minor: 100, after: consent.Consumed}},
		},
		"fixed amounts on days": {
			consent.PaymentTerms{Schedule: consent.FixedDefined, Dates: []consent.Due{{on(3, 1), aed(100)}, {on(3, 5), aed(200)}}},
			[]step{
				{minor: 101, code: often},
				{minor: 100, then: settled},
				{minor: 200, code: often},
				{day: 3, minor: 200, code: often},
				{day: 4, minor: 199, code: often},
				{day: 4, minor: 200, after: consent.Valid},
				{day: 5, minor: 200, code: often},
			},
		},
		"fixed amounts, all settled": {
			consent.PaymentTerms{Schedule: consent.FixedDefined, Dates: []consent.Due{{on(3, 1), aed(100)}, {on(3, 2), aed(200)}}},
			[]step{
				{minor: 100, then: rejected},
				{minor: 100, then: settled},
				{day: 9, minor: 200, then: settled, after: consent.Consumed},
			},
		},
		"fixed amounts, of which one is rejected late": {
			consent.PaymentTerms{Schedule: consent.FixedDefined, Dates: []consent.Due{{on(3, 1), aed(100)}, {on(3, 2), aed(200)}}},
			[]step{
				{minor: 100},
				{day: 1, minor: 200, then: settled},
				{day: 1, rejects: 1},
				{day: 1, minor: 200, code: often},
				{day: 1, minor: 100, then: settled, after: consent.Consumed},
			},
		},
		"amounts up to a limit, of which one is rejected late": {
			consent.PaymentTerms{Schedule: consent.VariableDefined, Dates: []consent.Due{{on(3, 1), aed(100)}, {on(3, 2), aed(200)}, {on(3, 3), aed(50)}}},
			[]step{
				{minor: 60},
				{day: 1, minor: 101, then: settled},
				{day: 1, rejects: 1},
				{day: 2, minor: 50},
				{day: 2, minor: 101, code: often},
				{day: 2, minor: 100},
				{day: 2, minor: 1, code: often},
			},
		},
		"amounts up to a limit, the least that fits first": {
			consent.PaymentTerms{Schedule: consent.VariableDefined, Dates: []consent.Due{{on(3, 1), aed(100)}, {on(3, 2), aed(50)}}},
			[]step{{day: 1, minor: 40}, {day: 1, minor: 51}, {day: 9, minor: 1, code: often}},
		},
		"the last may be rejected yet": {
			consent.PaymentTerms{Schedule: consent.VariableOnDemand, Count: 1},
			[]step{
				{minor: 1, then: consent.PaymentSettled},
				{minor: 1, code: often},
				{rejects: 1},
				{minor: 1, then: settled, after: consent.Consumed},
			},
		},
		"amounts up to a limit on days": {
			consent.PaymentTerms{Schedule: consent.VariableDefined, Dates: []consent.Due{{on(3, 1), aed(100)}, {on(3, 2), aed(50)}}},
			[]step{
				{minor: 101, code: often},
				{minor: 1, then: settled},
				{day: 1, minor: 51, code: often},
				{day: 1, minor: 50, then: consent.PaymentNotPosted, after: consent.Consumed},
			},
		},
		"the same each month": {
			consent.PaymentTerms{Schedule: consent.FixedPeriodic, Period: consent.PeriodMonth, From: on(3, 2), Amount: aed(100)},
			[]step{
				{minor: 100, code: often}, // before the first period
				{day: 1, minor: 100},
				{day: 31, minor: 100, code: often}, // 1 April
				{day: 32, minor: 100},              // 2 April
				{day: 61, minor: 100, code: often}, // 1 May
				{day: 65, minor: 90, code: often},
				{day: 65, minor: 100},
			},
		},
		"an amount each week, up to a limit": {
			consent.PaymentTerms{Schedule: consent.VariablePeriodic, Period: consent.PeriodWeek, From: on(3, 1), MaxEach: aed(100)},
			[]step{
				{minor: 101, code: often},
				{day: 6, minor: 100},               // Saturday
				{day: 6, minor: 1, code: often},    // one each week
				{day: 7, minor: 1, then: rejected}, // the next Sunday
				{day: 8, minor: 2},
				{day: 13, minor: 1, code: often},
				{day: 14, minor: 1},
			},
		},
		"the same on demand": {
			consent.PaymentTerms{Schedule: consent.FixedOnDemand, Period: consent.PeriodDay, Amount: aed(100), CountPerPeriod: 2, Count: 4},
			[]step{
				{minor: 50, code: often},
				{minor: 100, then: settled},
				{minor: 100, then: rejected},
				{minor: 100, then: settled},
				{minor: 100, code: often},
				{day: 1, minor: 100, then: settled},
				{day: 1, minor: 100, then: settled, after: consent.Consumed},
				{day: 2, minor: 100, code: consent.CodeNotUsable, after: consent.Consumed},
			},
		},
		"any amount on demand": {
			consent.PaymentTerms{
				Schedule: consent.VariableOnDemand, Period: consent.PeriodMonth, MaxEach: aed(100), MaxPerPeriod: aed(150), MaxTotal: aed(300),
			},
			[]step{
				{minor: 101, code: often},
				{minor: 100},
				{day: 1, minor: 51, code: often},
				{day: 1, minor: 50},
				{day: 30, minor: 1, code: often},
				{day: 31, minor: 100},
				{day: 31, minor: 50, code: ""}, // all is spent, but pending
				{day: 61, minor: 1, code: often},
			},
		},
		"any amount, all settled": {
			consent.PaymentTerms{Schedule: consent.VariableOnDemand, Period: consent.PeriodYear, MaxTotal: aed(300), MaxPerPeriod: aed(300)},
			[]step{
				{minor: 299, then: settled},
				{minor: 2, code: often},
				{minor: 1, then: settled, after: consent.Consumed},
			},
		},
		"the same on demand, and not enough left": {
			consent.PaymentTerms{Schedule: consent.FixedOnDemand, Period: consent.PeriodDay, Amount: aed(100), MaxTotal: aed(250)},
			[]step{
				{minor: 100, then: settled},
				{minor: 100, then: settled, after: consent.Consumed},
			},
		},
		"no limits": {
			consent.PaymentTerms{Schedule: consent.VariableOnDemand, Period: consent.PeriodDay},
			[]step{
				{minor: 0, code: consent.CodeServiceInvalid},
				{minor: -1, code: consent.CodeServiceInvalid},
				{minor: math.MaxInt64 - 1},
				{minor: 2, code: often}, // could not be added up any more
				{minor: 1},
			},
		},
		"a week that begins nowhere": {
			consent.PaymentTerms{Schedule: consent.VariableOnDemand, Period: consent.PeriodWeek, CountPerPeriod: 1},
			[]step{{minor: 1}, {minor: 1, code: often}, {day: 7, minor: 1}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := paying(t, test.terms)
			var log []consent.Payment
			for i, s := range test.steps {
				now := noon.AddDate(0, 0, s.day)
				if s.rejects > 0 {
					require.NoError(t, c.FollowPayment(&log[s.rejects-1], rejected, log, time.UTC, now), "step %d", i)
					require.Equal(t, consent.Valid, c.Status, "step %d", i)
					continue
				}
				p := consent.Payment{ID: uuid.New(), Amount: aed(s.minor)}
				latest := slices.Clone(log)
				slices.Reverse(latest) // a log may come in any order
				err := c.Pay(&p, latest, time.UTC, now)
				if s.code != "" {
					require.Equal(t, s.code, consent.CodeOf(err), "step %d: %v", i, err)
				} else {
					require.NoError(t, err, "step %d", i)
					require.Equal(t, []any{consent.PaymentPending, now, c.ID}, []any{p.Status, p.CreatedAt, p.Consent})
					log = append(log, p)
				}
				if s.then != "" {
					require.NoError(t, c.FollowPayment(&log[len(log)-1], s.then, log, time.UTC, now), "step %d", i)
				}
				want := s.after
				if want == "" {
					want = consent.Valid
				}
				require.Equal(t, want, c.Status, "step %d", i)
			}
		})
	}
}

// TestPeriods: to which period a payment belongs, in the bank's zone.
func TestPeriods(t *testing.T) {
	dubai, err := time.LoadLocation("Asia/Dubai")
	require.NoError(t, err)
	at := func(month time.Month, day, hour, minute int) time.Time {
		return time.Date(2026, month, day, hour, minute, 0, 0, dubai)
	}
	for name, test := range map[string]struct {
		period     consent.Period
		from       consent.Date
		paid, then time.Time
		same       bool
	}{
		"one day":                      {consent.PeriodDay, on(1, 1), at(3, 31, 0, 0), at(3, 31, 23, 59), true},
		"midnight":                     {consent.PeriodDay, on(1, 1), at(3, 31, 23, 59), at(4, 1, 0, 0), false},
		"midnight in London is not it": {consent.PeriodDay, on(1, 1), at(3, 31, 3, 59), at(3, 31, 4, 1), true},
		"one month":                    {consent.PeriodMonth, on(1, 15), at(3, 1, 0, 0), at(3, 31, 23, 59), true},
		"the month's end":              {consent.PeriodMonth, on(1, 15), at(3, 31, 23, 59), at(4, 1, 0, 0), false},
		"a month of 28 days":           {consent.PeriodMonth, on(1, 31), at(2, 28, 23, 0), at(3, 1, 1, 0), false},
		"one week, from a Wednesday":   {consent.PeriodWeek, on(3, 4), at(3, 11, 0, 0), at(3, 17, 23, 59), true},
		"the week's end":               {consent.PeriodWeek, on(3, 4), at(3, 10, 23, 59), at(3, 11, 0, 0), false},
		"a week before the first":      {consent.PeriodWeek, on(3, 4), at(2, 25, 0, 0), at(3, 3, 23, 59), true},
		"one year":                     {consent.PeriodYear, on(3, 4), at(3, 4, 0, 0), at(12+3, 3, 23, 59), true},
		"the year's end":               {consent.PeriodYear, on(3, 4), at(12+3, 3, 23, 59), at(12+3, 4, 0, 0), false},
		"a year before the first":      {consent.PeriodYear, on(3, 4), at(3-12, 4, 0, 0), at(3, 3, 23, 59), true},
		"a year from nowhere":          {consent.PeriodYear, consent.Date{}, at(1, 1, 0, 0), at(12, 31, 23, 59), true},
		"the end of that year":         {consent.PeriodYear, consent.Date{}, at(12, 31, 23, 59), at(12+1, 1, 0, 0), false},
		"none":                         {"", on(3, 4), at(3, 4, 0, 0), at(3, 4, 0, 0), false},
	} {
		t.Run(name, func(t *testing.T) {
			terms := consent.PaymentTerms{Currency: "AED", Period: test.period, From: test.from}
			log := []consent.Payment{{Amount: aed(7), Status: consent.PaymentPending, CreatedAt: test.paid}}
			sum := terms.Consumed(log, test.then, dubai)
			require.Equal(t, test.same, sum.CountInPeriod == 1)
			require.Equal(t, test.same, sum.ValueInPeriod.Minor == 7)
			require.Equal(t, []any{1, int64(7)}, []any{sum.Count, sum.Value.Minor})
		})
	}
}

// TestPeriodsOfSchedules: the same each month comes with the day on which it began, or the
// last of a shorter month.
func TestPeriodsOfSchedules(t *testing.T) {
	terms := consent.PaymentTerms{Currency: "AED", Schedule: consent.FixedPeriodic, Period: consent.PeriodMonth, From: on(1, 31), Amount: aed(1)}
	for day, periods := range map[consent.Date]int{
		on(1, 31): 0, on(2, 1): 0, on(2, 27): 0, on(2, 28): 1, on(3, 30): 1, on(3, 31): 2, on(4, 29): 2, on(4, 30): 3, on(12, 31): 11,
	} {
		at := func(d consent.Date) time.Time { return time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, time.UTC) }
		for n := range 12 {
			first := time.Date(2026, time.January+time.Month(n)+1, 0, 12, 0, 0, 0, time.UTC) // the last of a month
			log := []consent.Payment{{Amount: aed(1), Status: consent.PaymentPending, CreatedAt: first}}
			require.Equal(t, n == periods, terms.Consumed(log, at(day), time.UTC).CountInPeriod == 1, "%s, period %d", day, n)
		}
	}
}
