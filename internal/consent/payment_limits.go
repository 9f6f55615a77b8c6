package consent

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// period is the one that holds an instant: from its first day to the one after its
// last. Days are those of the calendar, and so are months while payments are made on
// demand. All else is counted from where the schedule begins; where that is not said, weeks
// from Monday and years from January.
func (t *PaymentTerms) period(at time.Time, zone *time.Location) (from, to Date) {
	day := DateOf(at, zone)
	switch t.Period {
	case PeriodDay:
		return day, day.AddDays(1)
	case PeriodWeek:
		const week, aDay = 7, 24 * 60 * 60
		begin := cmp.Or(t.From, Date{1970, time.January, 5}) // a Monday
		days := int((day.midnight(time.UTC).Unix() - begin.midnight(time.UTC).Unix()) / aDay)
		if days < 0 {
			days -= week - 1
		}
		from = begin.AddDays(days / week * week)
		return from, from.AddDays(week)
	case PeriodMonth:
		begin := Date{day.Year, day.Month, 1}
		if t.onePerPeriod() {
			begin = cmp.Or(t.From, begin)
		}
		return day.within(begin, 1)
	case PeriodYear:
		const year = 12
		return day.within(cmp.Or(t.From, Date{day.Year, time.January, 1}), year)
	default:
		return Date{}, Date{}
	}
}

// spent reports whether no payment is left. A single one counts as soon as it is
// recorded; of several none may be open, since one that is rejected in the end leaves
// room for another.
func (t *PaymentTerms) spent(sum Consumption) bool {
	if t.Schedule.Single() {
		return sum.Count > 0
	}
	if sum.Open > 0 {
		return false
	}
	least := cmp.Or(t.Amount.Minor, 1)
	switch {
	case t.Count > 0 && sum.Count >= t.Count, len(t.Dates) > 0 && sum.Count >= len(t.Dates):
		return true
	default:
		return t.MaxTotal.Minor > 0 && sum.Value.Minor+least > t.MaxTotal.Minor
	}
}

// allows holds a payment against the limits.
func (t *PaymentTerms) allows(p *Payment, log []Payment, zone *time.Location, now time.Time) error {
	const path = "requestBody.Data.Instruction.Amount"
	sum, today := t.Consumed(log, now, zone), DateOf(now, zone)
	exceeded := func(limit string) error { return At(CodeTooOften, path, "exceeds %s of the consent", limit) }
	switch {
	case p.File != (t.Schedule == FilePayment):
		return At(CodeServiceInvalid, "paymentType", "does not go with the schedule of the consent")
	case p.Amount.Currency != t.Currency:
		return At(CodeServiceInvalid, path+".Currency", "must be %s", t.Currency)
	case p.Amount.Minor <= 0:
		return At(CodeServiceInvalid, path+".Amount", "must be more than zero")
	case t.Amount.Minor > 0 && p.Amount.Minor != t.Amount.Minor:
		return At(CodeTooOften, path+".Amount", "is not the amount that was agreed to")
	case t.Schedule.Single() && sum.Count > 0:
		return exceeded("the one payment")
	case t.MaxEach.Minor > 0 && p.Amount.Minor > t.MaxEach.Minor:
		return exceeded("MaximumIndividualAmount")
	case t.Count > 0 && sum.Count >= t.Count:
		return exceeded("MaximumCumulativeNumberOfPayments")
	case p.Amount.Minor > math.MaxInt64-sum.Value.Minor:
		return exceeded("the largest sum that can be counted, which is a limit")
	case t.MaxTotal.Minor > 0 && sum.Value.Minor+p.Amount.Minor > t.MaxTotal.Minor:
		return exceeded("MaximumCumulativeValueOfPayments")
	case t.CountPerPeriod > 0 && sum.CountInPeriod >= t.CountPerPeriod:
		return exceeded("MaximumCumulativeNumberOfPaymentsPerPeriod")
	case t.MaxPerPeriod.Minor > 0 && sum.ValueInPeriod.Minor+p.Amount.Minor > t.MaxPerPeriod.Minor:
		return exceeded("MaximumCumulativeValueOfPaymentsPerPeriod")
	case t.onePerPeriod() && sum.CountInPeriod > 0:
		return exceeded("the one payment of the period")
	case t.From != (Date{}) && today.Before(t.From):
		return At(CodeTooOften, path, "comes before PeriodStartDate of the consent")
	}
	return t.onADay(p, log, zone, today)
}

// onePerPeriod tells the schedules that pay once in each period.
func (t *PaymentTerms) onePerPeriod() bool {
	return t.Schedule == FixedPeriodic || t.Schedule == VariablePeriodic
}

// onADay holds a payment against the days of a schedule that names them: each is paid
// once, on the day or after it.
func (t *PaymentTerms) onADay(p *Payment, log []Payment, zone *time.Location, today Date) error {
	if len(t.Dates) == 0 {
		return nil
	}
	const path = "requestBody.Data.Instruction.Amount"
	left := t.unpaid(log, zone)
	if !slices.ContainsFunc(left, func(d Due) bool { return !today.Before(d.On) }) {
		return At(CodeTooOften, path, "is not due on any day of the schedule of the consent")
	}
	if t.dueFor(p, today, left) < 0 {
		return At(CodeTooOften, path, "is not the amount of that day of the schedule")
	}
	return nil
}

// unpaid are the days of a schedule for which nothing was paid, or only what was rejected.
func (t *PaymentTerms) unpaid(log []Payment, zone *time.Location) []Due {
	paid := slices.Clone(log)
	slices.SortStableFunc(paid, func(a, b Payment) int { return a.CreatedAt.Compare(b.CreatedAt) })
	left := slices.Clone(t.Dates)
	for _, p := range paid {
		if p.Status == PaymentRejected {
			continue
		}
		if i := t.dueFor(&p, DateOf(p.CreatedAt, zone), left); i >= 0 {
			left = slices.Delete(left, i, i+1)
		}
	}
	return left
}

// dueFor picks the day of a schedule that a payment is for: of those that have come, the one
// whose amount it is, and where that is a limit, the least that it keeps, so that as much
// as possible stays for the payments after it. -1 for none.
func (t *PaymentTerms) dueFor(p *Payment, day Date, left []Due) int {
	found := -1
	for i, d := range left {
		switch {
		case day.Before(d.On), t.Schedule == FixedDefined && p.Amount.Minor != d.Amount.Minor, p.Amount.Minor > d.Amount.Minor:
		case found < 0, d.Amount.Minor < left[found].Amount.Minor:
			found = i
		}
	}
	return found
}
