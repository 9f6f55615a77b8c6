package books

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"consentd/internal/consent"
)

// period is what is entered on an account in a month, or in half a year. Whoever
// owns the account lives on what comes in: what the plan leaves to chance is made
// to fit, so that at the end of each period the account stands at a level that
// moves within the plan's swing. So it wanders from day to day and from month to
// month, and never drifts away.
type period struct {
	orders, payments map[consent.Date][]Movement
}

// orders are the transfers and debits of a day, which are booked on the same.
func (l Ledger) orders(day consent.Date) []Movement { return slices.Clone(l.period(day).orders[day]) }

// payments are those by card on a day, whenever they are booked.
func (l Ledger) payments(day consent.Date) []Movement { return l.period(day).payments[day] }

// begins is the first day of the period of a day, or of one that many periods away.
func (l Ledger) begins(day consent.Date, away int) consent.Date {
	n := max(1, l.plan.months)
	month := (int(day.Month)-1)/n*n + 1 + away*n
	return consent.DateOf(time.Date(day.Year, time.Month(month), 1, 0, 0, 0, 0, time.UTC), time.UTC)
}

// period is that of a day.
func (l Ledger) period(day consent.Date) period {
	first := l.begins(day, 0)
	p, known := l.periods[first]
	if !known {
		p = l.live(first)
		l.periods[first] = p
	}
	return p
}

// live makes a period up from its first day.
func (l Ledger) live(first consent.Date) period {
	p := period{orders: map[consent.Date][]Movement{}, payments: map[consent.Date][]Movement{}}
	if l.plan.country == "" {
		return p
	}
	var open []*Movement
	var sum Money
	for day, end := first, l.begins(first, 1); day.Before(end); day = day.AddDays(1) {
		orders, payments := l.transfers(day), slices.Clone(l.pay(day))
		p.orders[day], p.payments[day] = orders, payments
		open = append(open, l.fitting(orders)...)
		open = append(open, l.fitting(payments)...)
		sum += total(orders) + total(payments)
	}
	if l.plan.fits == fitNone {
		return p
	}
	if len(open) == 0 {
		open = l.fitting(l.one(p, first.AddDays(14)))
	}
	fit(open, l.level(first)-l.level(l.begins(first, -1))-sum)
	return p
}

// one adds an entry of the kind that is made to fit to a period that has none,
// with no amount yet.
func (l Ledger) one(p period, day consent.Date) []Movement {
	for weekend(day) {
		day = day.AddDays(1)
	}
	d := roll(l.account, "one", day.String())
	if l.plan.fits == fitPayments {
		p.payments[day] = number([]Movement{l.payment(day, d)})
		p.payments[day][0].Amount = 0
		return p.payments[day]
	}
	o := l.plan.chances[0]
	p.orders[day] = append(p.orders[day], number([]Movement{l.raw(day, o, 0, fmt.Sprintf("%s %d-%04d", o.text, day.Year, d.below(10000)))})...)
	return p.orders[day][len(p.orders[day])-1:]
}

// fitting picks the entries that are made to fit.
func (l Ledger) fitting(list []Movement) []*Movement {
	var open []*Movement
	for i := range list {
		o := list[i].Order
		if l.plan.fits == fitPayments && o.Code == CodeCard || l.plan.fits == fitReceipts && o.percent > 0 && o.from > 0 || o.lead == leadFitting {
			open = append(open, &list[i])
		}
	}
	return open
}

// fit changes amounts by the same factor, so that more is added to their sum. The
// last takes what rounding leaves.
func fit(open []*Movement, more Money) {
	var was Money
	for _, e := range open {
		was += e.Amount
	}
	left := was + more
	want := left
	for i, e := range open {
		if i == len(open)-1 {
			e.Amount = left
			return
		}
		e.Amount = e.Amount * want / was
		left -= e.Amount
	}
}

func total(list []Movement) Money {
	var sum Money
	for _, e := range list {
		sum += e.Amount
	}
	return sum
}

// level is where the account stands at the end of the period that begins on a day,
// once all that was entered is booked.
func (l Ledger) level(first consent.Date) Money {
	return roll(l.account, "level", first.String()).between(0, l.plan.swing)
}

// standing is what the entries booked until the end of a day come to, counted from
// a level that is the same for all days.
func (l Ledger) standing(day consent.Date) Money {
	if l.plan.country == "" {
		return 0
	}
	if l.plan.fits == fitNone {
		return l.owing(day)
	}
	sum := l.level(l.begins(day, -1))
	for d := l.begins(day, 0); !day.Before(d); d = d.AddDays(1) {
		sum += total(l.orders(d)) + total(l.payments(d))
	}
	for d := day.AddDays(-maxDelay); !day.Before(d); d = d.AddDays(1) {
		for _, e := range l.payments(d) {
			if day.Before(e.Booked) {
				sum -= e.Amount
			}
		}
	}
	return sum
}

// owing is what was paid by a card and is not settled yet: that of the month, and
// before the settlement that of the month before too.
func (l Ledger) owing(day consent.Date) Money {
	first := l.begins(day, 0)
	sum := l.spent(l.begins(day, -1), first)
	for d := first; !day.Before(d); d = d.AddDays(1) {
		sum += total(l.orders(d))
	}
	return sum + l.spent(first, day.AddDays(1))
}

// spent is the sum of the card payments booked from a day until before another.
func (l Ledger) spent(from, until consent.Date) Money {
	var sum Money
	for day := from.AddDays(-maxDelay); day.Before(until); day = day.AddDays(1) {
		for _, e := range l.pay(day) {
			if !e.Booked.Before(from) && e.Booked.Before(until) {
				sum += e.Amount
			}
		}
	}
	return sum
}

// transfers are the orders and the chances of a working day.
func (l Ledger) transfers(day consent.Date) []Movement {
	if weekend(day) {
		return nil
	}
	d := roll(l.account, "transfers", day.String())
	var list []Movement
	for _, o := range l.plan.monthly {
		if amount, ok := l.carried(o, day, d); ok {
			list = append(list, l.raw(day, o, amount, o.text+" "+compact(day)[:6]))
		}
	}
	for _, o := range l.plan.chances {
		if d.happens(o.percent) {
			text := fmt.Sprintf("%s %d-%04d", o.text, day.Year, d.below(10000))
			list = append(list, l.raw(day, o, d.between(o.from, o.to), text))
		}
	}
	return number(list)
}

// carried is the amount of a monthly order; ok is false on days on which it is not
// carried out. A transfer from or to another account of the customer is made up by
// one of both, and the other follows.
func (l Ledger) carried(o Order, day consent.Date, d *dice) (amount Money, ok bool) {
	switch {
	case !due(o, day):
		return 0, false
	case o.lead == leadOther:
		for _, e := range l.other(o.Own).orders(day) {
			if e.Order.Own == l.account {
				return -e.Amount, true
			}
		}
		return 0, false
	case o.lead == leadSettles:
		amount = -l.spent(l.begins(day, -1), l.begins(day, 0))
		return amount, amount != 0
	default:
		return d.between(o.from, o.to), true
	}
}

// other is the ledger of another account of the bank.
func (l Ledger) other(resource string) Ledger {
	found, known := l.others[resource]
	if !known {
		found = Open(resource, "", l.today, l.anchor)
		l.others[resource] = found
	}
	return found
}

// pay are the card payments of a day, before they are made to fit.
func (l Ledger) pay(day consent.Date) []Movement {
	list, known := l.paid[day]
	if known {
		return list
	}
	d := roll(l.account, "payments", day.String())
	if len(l.plan.shops) > 0 && d.happens(l.plan.busy) {
		for range 1 + d.below(2) {
			list = append(list, l.payment(day, d))
		}
	}
	list = number(list)
	l.paid[day] = list
	return list
}

// payment is one by card.
func (l Ledger) payment(day consent.Date, d *dice) Movement {
	o := l.plan.shops[d.below(len(l.plan.shops))]
	o.Code = CodeCard
	e := l.raw(day, o, d.between(o.from, o.to), fmt.Sprintf("%s %02d.%02d %s", l.plan.card, day.Day, int(day.Month), o.Who))
	e.Booked = day.AddDays(1 + d.below(2))
	for weekend(e.Booked) {
		e.Booked = e.Booked.AddDays(1)
	}
	return e
}

func (l Ledger) raw(day consent.Date, o Order, amount Money, text string) Movement {
	return Movement{
		ID: strings.Join([]string{l.account, day.String(), o.Code, o.Who}, "\x00"), Entered: day, Booked: day,
		Order: o, Amount: amount, Text: text,
	}
}

// number makes ids of what tells the entries of a day apart, and their place.
func number(list []Movement) []Movement {
	for i := range list {
		sum := sha256.Sum256([]byte(list[i].ID + strconv.Itoa(i)))
		list[i].ID = hex.EncodeToString(sum[:12])
	}
	return list
}

// due tells whether a monthly order is carried out on a working day: on its own
// day, or on the Monday after it.
func due(o Order, day consent.Date) bool {
	for back := range 3 {
		on := day.AddDays(-back)
		if back > 0 && !weekend(on) {
			return false
		}
		if on.Day == o.day && (!o.quarterly || on.Month%3 == 0) {
			return true
		}
	}
	return false
}

func weekend(day consent.Date) bool {
	w := time.Date(day.Year, day.Month, day.Day, 0, 0, 0, 0, time.UTC).Weekday()
	return w == time.Saturday || w == time.Sunday
}
