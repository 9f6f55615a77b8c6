package sandbox

import (
	"fmt"
	"slices"
	"strings"

	"consentd/internal/consent"
)

// years is how far back the data reach.
const years = 2

// maxDelay is how many days a card payment takes to be booked, at most: two, and
// over a weekend four.
const maxDelay = 4

// ledger makes up the entries of an account, of the account and the dates alone:
// so an entry is the same whenever it is looked at, on every run, and wherever the
// clock stands.
//
// A day is booked in the night after it; until then its orders are pending. On the
// day to which the clock is not turned the account has its documented balance,
// and on any other the one to which the entries lead from there.
type ledger struct {
	account account
	plan    plan
	today   consent.Date
	anchor  consent.Date // on which the account has its documented balance
	// These are made once for each ledger: periods by their first day, what was paid
	// by the day, and other accounts by their resourceId.
	periods map[consent.Date]period
	paid    map[consent.Date][]movement
	others  map[string]ledger
}

// newLedger makes a ledger for one reader.
func newLedger(a account, today, anchor consent.Date) ledger {
	p, _ := planOf(a.ResourceID)
	return ledger{
		account: a, plan: p, today: today, anchor: anchor,
		periods: map[consent.Date]period{}, paid: map[consent.Date][]movement{}, others: map[string]ledger{},
	}
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

// closed is the last day that is booked.
func (l ledger) closed() consent.Date { return l.today.AddDays(-1) }

// within lists the entries that were booked from one day to another, both
// included, the oldest first.
func (l ledger) within(from, to consent.Date) []movement {
	if from.Before(l.oldest()) {
		from = l.oldest()
	}
	if l.closed().Before(to) {
		to = l.closed()
	}
	if to.Before(from) {
		return nil
	}
	sum := l.moved(from.AddDays(-1))
	var list []movement
	for day := from; !to.Before(day); day = day.AddDays(1) {
		for _, e := range l.bookings(day) {
			sum += e.amount
			e.after = sum.plus(l.account.Balance)
			list = append(list, e)
		}
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
		for _, e := range slices.Concat(l.orders(day), l.payments(day)) {
			if !e.booked.Before(l.today) {
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
	list := slices.Concat(l.orders(day), l.settled(day))
	for i := range list {
		list[i].reference = fmt.Sprintf("%s-%03d", compact(day), i+1)
	}
	return list
}

// settled are the card payments that are booked on a day.
func (l ledger) settled(day consent.Date) []movement {
	var list []movement
	for d := day.AddDays(-maxDelay); d.Before(day); d = d.AddDays(1) {
		for _, e := range l.payments(d) {
			if e.booked == day {
				list = append(list, e)
			}
		}
	}
	return list
}

// compact writes a day as YYYYMMDD.
func compact(day consent.Date) string { return strings.ReplaceAll(day.String(), "-", "") }

// balance is what the account has: all that is booked.
func (l ledger) balance() string { return l.moved(l.closed()).plus(l.account.Balance) }

// expected is the balance with what is pending.
func (l ledger) expected() string {
	sum := l.moved(l.closed())
	for _, e := range l.pending(l.oldest(), l.today) {
		sum += e.amount
	}
	return sum.plus(l.account.Balance)
}

// moved is by how much the balance at the end of a day differs from the
// documented one.
func (l ledger) moved(day consent.Date) money {
	if from := l.anchor.AddDays(-1); day != from {
		return l.standing(day) - l.standing(from)
	}
	return 0
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
