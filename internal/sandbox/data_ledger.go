package sandbox

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

// years is how far back the data reach.
const years = 2

// maxDelay is how many days a card payment takes to be booked, at most: two, and
// over a weekend four.
const maxDelay = 4

// ledger makes up the entries of an account. Each day is made by itself, of the
// account and the date alone: so a day is the same whenever it is looked at, on
// every run, and wherever the clock stands.
//
// What a day's bookings take or bring is moved from or to another account of the
// customer at the end of that day. So an account has its documented balance at
// the end of every day, and the list adds up to it.
type ledger struct {
	account account
	plan    plan
	today   consent.Date
	// paid are the payments of the days that were looked at, since each belongs to
	// the bookings of one of several days.
	paid map[consent.Date][]movement
}

// newLedger makes a ledger for one reader.
func newLedger(a account, today consent.Date) ledger {
	p, _ := planOf(a.ResourceID)
	return ledger{account: a, plan: p, today: today, paid: map[consent.Date][]movement{}}
}

// movement is one entry on an account.
type movement struct {
	id      string       // the same while it is pending and when it is booked
	entered consent.Date // when it came to be known
	booked  consent.Date // when it is booked, or will be
	order   order
	amount  money
	text    string
	// reference and after are those of booked entries.
	reference string
	after     string // the balance right after it
}

// oldest is the first day of which there are data.
func (l ledger) oldest() consent.Date {
	return consent.Date{Year: l.today.Year - years, Month: l.today.Month, Day: l.today.Day}.AddDays(0) // 29 February
}

// within lists the entries that were booked from one day to another, both
// included, the oldest first.
func (l ledger) within(from, to consent.Date) []movement {
	if from.Before(l.oldest()) {
		from = l.oldest()
	}
	if l.today.Before(to) {
		to = l.today
	}
	var list []movement
	for day := from; !to.Before(day); day = day.AddDays(1) {
		list = append(list, l.bookings(day)...)
	}
	return list
}

// pending lists what was entered from one day to another and is not booked yet,
// the oldest first.
func (l ledger) pending(from, to consent.Date) []movement {
	if recent := l.today.AddDays(-maxDelay); from.Before(recent) {
		from = recent
	}
	if l.today.Before(to) {
		to = l.today
	}
	var list []movement
	for day := from; !to.Before(day); day = day.AddDays(1) {
		for _, e := range l.payments(day) {
			if l.today.Before(e.booked) {
				list = append(list, e)
			}
		}
	}
	return list
}

// find looks for an entry of the last two years, pending or booked.
func (l ledger) find(id string) (movement, bool) {
	all := append(l.pending(l.oldest(), l.today), l.within(l.oldest(), l.today)...)
	i := slices.IndexFunc(all, func(e movement) bool { return e.id == id })
	if i < 0 {
		return movement{}, false
	}
	return all[i], true
}

// bookings are what is booked on a day, in their order.
func (l ledger) bookings(day consent.Date) []movement {
	list := l.transfers(day)
	for d := day.AddDays(-maxDelay); d.Before(day); d = d.AddDays(1) {
		for _, e := range l.payments(d) {
			if e.booked == day {
				list = append(list, e)
			}
		}
	}
	var sum money
	for _, e := range list {
		sum += e.amount
	}
	if sum != 0 {
		list = append(list, l.levelling(day, -sum))
	}
	sum = 0
	for i := range list {
		sum += list[i].amount
		list[i].reference = fmt.Sprintf("%s-%03d", compact(day), i+1)
		list[i].after = sum.plus(l.account.Balance)
	}
	return list
}

// transfers are the orders and the chances of a working day.
func (l ledger) transfers(day consent.Date) []movement {
	if weekend(day) {
		return nil
	}
	d := roll(l.account.ResourceID, "transfers", day.String())
	var list []movement
	for _, o := range l.plan.monthly {
		if due(o, day) {
			list = append(list, l.raw(day, o, d.between(o.from, o.to), o.text+" "+compact(day)[:6]))
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

// payments are those by card on a day, whenever they are booked.
func (l ledger) payments(day consent.Date) []movement {
	list, known := l.paid[day]
	if !known {
		list = l.pay(day)
		l.paid[day] = list
	}
	return list
}

func (l ledger) pay(day consent.Date) []movement {
	d := roll(l.account.ResourceID, "payments", day.String())
	if len(l.plan.shops) == 0 || !d.happens(l.plan.busy) {
		return nil
	}
	list := make([]movement, 0, 2)
	for range 1 + d.below(2) {
		o := l.plan.shops[d.below(len(l.plan.shops))]
		o.code = codeCard
		e := l.raw(day, o, d.between(o.from, o.to), fmt.Sprintf("%s %02d.%02d %s", l.plan.card, day.Day, int(day.Month), o.who))
		e.booked = day.AddDays(1 + d.below(2))
		for weekend(e.booked) {
			e.booked = e.booked.AddDays(1)
		}
		list = append(list, e)
	}
	return number(list)
}

// levelling is the transfer that brings an account back to its balance.
func (l ledger) levelling(day consent.Date, amount money) movement {
	o := order{who: l.plan.level[0], text: l.plan.level[1], code: codeReceived}
	if amount < 0 {
		o.text, o.code = l.plan.level[2], codeSent
	}
	return number([]movement{l.raw(day, o, amount, o.text)})[0]
}

func (l ledger) raw(day consent.Date, o order, amount money, text string) movement {
	return movement{
		id: strings.Join([]string{l.account.ResourceID, day.String(), o.code, o.who}, "\x00"), entered: day, booked: day,
		order: o, amount: amount, text: text,
	}
}

// number makes ids of what tells the entries of a day apart, and their place.
func number(list []movement) []movement {
	for i := range list {
		sum := sha256.Sum256([]byte(list[i].id + strconv.Itoa(i)))
		list[i].id = hex.EncodeToString(sum[:12])
	}
	return list
}

// due tells whether a monthly order is carried out on a working day: on its own
// day, or on the Monday after it.
func due(o order, day consent.Date) bool {
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

// compact writes a day as YYYYMMDD.
func compact(day consent.Date) string { return strings.ReplaceAll(day.String(), "-", "") }

// expected is the balance with what is pending.
func (l ledger) expected() string {
	var sum money
	for _, e := range l.pending(l.oldest(), l.today) {
		sum += e.amount
	}
	return sum.plus(l.account.Balance)
}

// last is the reference of the newest booking up to a day; empty where there is
// none.
func (l ledger) last(day consent.Date) string {
	if l.plan.country == "" {
		return ""
	}
	for ; !day.Before(l.oldest()); day = day.AddDays(-1) {
		if list := l.bookings(day); len(list) > 0 {
			return list[len(list)-1].reference
		}
	}
	return ""
}
