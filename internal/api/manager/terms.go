package manager

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"consentd/internal/consent"
	wire "consentd/pkg/manager"
)

const (
	maxPayments = 1_000_000
	periodTypes = "Day Week Month Year"
	periodWord  = "PeriodType"
	mostEach    = "MaximumIndividualAmount"
)

// The shapes of schedules, as the standard names them.
var schedules = map[string]consent.Schedule{
	"SingleInstantPayment":     consent.SingleInstant,
	"SingleFutureDatedPayment": consent.SingleDated,
	"FixedDefinedSchedule":     consent.FixedDefined,
	"VariableDefinedSchedule":  consent.VariableDefined,
	"FixedPeriodicSchedule":    consent.FixedPeriodic,
	"VariablePeriodicSchedule": consent.VariablePeriodic,
	"FixedOnDemand":            consent.FixedOnDemand,
	"VariableOnDemand":         consent.VariableOnDemand,
}

var periods = map[string]consent.Period{
	"Day": consent.PeriodDay, "Week": consent.PeriodWeek, "Month": consent.PeriodMonth, "Year": consent.PeriodYear,
}

// scheduleRules judge each shape.
func scheduleRules() map[string]rule {
	single := map[string]rule{"Type": anything, "Amount": amount}
	dated := map[string]rule{"Type": anything, "Amount": amount, "RequestedExecutionDate": day}
	defined := func(name string) rule {
		return object("Type Schedule", map[string]rule{"Type": anything, "Schedule": list(1, maxSchedule, object(
			"PaymentExecutionDate "+name, map[string]rule{"PaymentExecutionDate": day, name: amount},
		))})
	}
	periodic := func(required string, more map[string]rule) rule {
		more["Type"], more[periodWord], more["PeriodStartDate"] = anything, oneOf(periodTypes), day
		return object("Type PeriodType PeriodStartDate "+required, more)
	}
	controls := func(names ...string) rule {
		members := map[string]rule{"MaximumCumulativeNumberOfPaymentsPerPeriod": count(1, maxPayments)}
		for _, name := range append(names, "MaximumCumulativeValueOfPaymentsPerPeriod") {
			members[name] = amount
		}
		return notEmpty(object("", members))
	}
	return map[string]rule{
		"SingleInstantPayment":     object("Type Amount", single),
		"SingleFutureDatedPayment": object("Type Amount RequestedExecutionDate", dated),
		"FixedDefinedSchedule":     defined("Amount"),
		"VariableDefinedSchedule":  defined(mostEach),
		"FixedPeriodicSchedule":    periodic("Amount", map[string]rule{"Amount": amount}),
		"VariablePeriodicSchedule": periodic(mostEach, map[string]rule{mostEach: amount}),
		"FixedOnDemand":            periodic("Amount Controls", map[string]rule{"Amount": amount, "Controls": controls()}),
		"VariableOnDemand":         periodic("Controls", map[string]rule{"Controls": controls(mostEach)}),
	}
}

func anything(string, any) consent.Faults { return nil }

func notEmpty(r rule) rule {
	return func(path string, v any) consent.Faults {
		if o, ok := v.(map[string]any); ok && len(o) == 0 {
			return wrong(path, "must hold one limit at least")
		}
		return r(path, v)
	}
}

// typed judges a schedule by the shape that it names.
func typed(single bool) rule {
	return func(path string, v any) consent.Faults {
		o, _ := v.(map[string]any)
		name, _ := o["Type"].(string)
		shape, known := schedules[name]
		if !known || shape.Single() != single {
			return wrong(below(path, "Type"), "must name a schedule of this kind")
		}
		return scheduleRules()[name](path, v)
	}
}

// scheduleRule judges a ConsentSchedule, which holds one of three.
func scheduleRule(path string, v any) consent.Faults {
	o, _ := v.(map[string]any)
	if len(o) != 1 {
		return wrong(path, "must be one of SinglePayment, MultiPayment and FilePayment")
	}
	return object("", map[string]rule{
		"SinglePayment": object("Type", map[string]rule{"Type": anything, "Amount": anything, "RequestedExecutionDate": anything}).and(typed(true)),
		"MultiPayment": object("PeriodicSchedule", map[string]rule{
			"MaximumCumulativeValueOfPayments": amount, "MaximumCumulativeNumberOfPayments": count(1, maxPayments), "PeriodicSchedule": typed(false),
		}),
		"FilePayment": fileRule(),
	})(path, v)
}

// and judges by a second rule where the first finds nothing.
func (r rule) and(next rule) rule {
	return func(path string, v any) consent.Faults {
		if faults := r(path, v); len(faults) > 0 {
			return faults
		}
		return next(path, v)
	}
}

// fileRule judges a file of payments.
func fileRule() rule {
	return object("FileType FileHash NumberOfTransactions ControlSum", map[string]rule{
		"FileType": text(40), "FileHash": text(44), "FileReference": text(35), "NumberOfTransactions": count(1, maxPayments),
		"ControlSum": like(amountForm, "must be an amount with two decimals, like 120.05"), "RequestedExecutionDate": day,
	})
}

// termsPath is where the terms of a payment consent stand.
const termsPath = "consent.ControlParameters.ConsentSchedule"

// money reads amounts into minor units. All must be of one currency, which the first
// of them says.
type money struct {
	currency string
	faults   consent.Faults
}

// in reads the amount that is a member of o; zero for none.
func (m *money) in(o map[string]any, name string) consent.Money {
	a := objectIn(o, name)
	if a == nil {
		return consent.Money{}
	}
	return m.read(textIn(a, "Amount"), textIn(a, "Currency"))
}

func (m *money) read(amount, currency string) consent.Money {
	m.currency = cmp.Or(m.currency, currency)
	if currency != m.currency {
		m.faults = append(m.faults, fault(termsPath, "must be of one currency"))
	}
	minor, ok := minorOf(amount)
	if !ok || minor == 0 {
		m.faults = append(m.faults, fault(termsPath, "must hold amounts above zero, which can be counted"))
	}
	return consent.Money{Minor: minor, Currency: currency}
}

// minorOf reads an amount with two decimals into hundredths. The longest has 18 digits.
func minorOf(s string) (int64, bool) {
	if !amountForm.MatchString(s) {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.Replace(s, ".", "", 1), 10, 64)
	return n, err == nil
}

// amountOf writes hundredths as an amount with two decimals.
func amountOf(m consent.Money) wire.Amount {
	const hundred = 100
	digits := strconv.FormatInt(m.Minor%hundred+hundred, 10)[1:]
	return wire.Amount{Amount: strconv.FormatInt(m.Minor/hundred, 10) + "." + digits, Currency: m.Currency}
}

// terms reads what may be paid out of ControlParameters.
func terms(control map[string]any) (*consent.PaymentTerms, consent.Faults) {
	if faults := scheduleRule(termsPath, control["ConsentSchedule"]); len(faults) > 0 {
		return nil, faults
	}
	var m money
	t := m.terms(objectIn(control, "ConsentSchedule"))
	t.Currency = cmp.Or(m.currency, dirham) // that of the scheme, where only numbers are limited
	return t, m.faults
}

// dirham is the currency of the scheme.
const dirham = "AED"

// terms reads a ConsentSchedule, which holds one of three.
func (m *money) terms(o map[string]any) *consent.PaymentTerms {
	if single := objectIn(o, "SinglePayment"); single != nil {
		return m.schedule(single)
	}
	if file := objectIn(o, "FilePayment"); file != nil {
		// A file has no currency of its own: the payments of the scheme are in dirhams.
		return &consent.PaymentTerms{
			Schedule: consent.FilePayment, On: dateIn(file, "RequestedExecutionDate"), Amount: m.read(textIn(file, "ControlSum"), dirham),
		}
	}
	several := objectIn(o, "MultiPayment")
	t := m.schedule(objectIn(several, "PeriodicSchedule"))
	t.MaxTotal, t.Count = m.in(several, "MaximumCumulativeValueOfPayments"), countIn(several, "MaximumCumulativeNumberOfPayments")
	return t
}

func (m *money) schedule(s map[string]any) *consent.PaymentTerms {
	controls := objectIn(s, "Controls")
	t := &consent.PaymentTerms{
		Schedule: schedules[textIn(s, "Type")], Amount: m.in(s, "Amount"), On: dateIn(s, "RequestedExecutionDate"),
		Period: periods[textIn(s, periodWord)], From: dateIn(s, "PeriodStartDate"),
		MaxPerPeriod: m.in(controls, "MaximumCumulativeValueOfPaymentsPerPeriod"), CountPerPeriod: countIn(controls, "MaximumCumulativeNumberOfPaymentsPerPeriod"),
	}
	t.MaxEach = m.in(s, mostEach)
	if t.Schedule == consent.VariableOnDemand {
		t.MaxEach = m.in(controls, mostEach)
	}
	dates, _ := s["Schedule"].([]any)
	for _, x := range dates {
		o, _ := x.(map[string]any)
		due := consent.Due{On: dateIn(o, "PaymentExecutionDate"), Amount: m.in(o, "Amount")}
		if t.Schedule == consent.VariableDefined {
			due.Amount = m.in(o, mostEach)
		}
		t.Dates = append(t.Dates, due)
	}
	slices.SortStableFunc(t.Dates, func(a, b consent.Due) int { return strings.Compare(a.On.String(), b.On.String()) })
	return t
}

// dateIn is a member that is a date, once it was judged; zero for none.
func dateIn(o map[string]any, name string) consent.Date {
	d, err := consent.ParseDate(textIn(o, name))
	if err != nil {
		return consent.Date{}
	}
	return d
}
