package books

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

// Ledger makes up the entries of an account, of the account and the dates alone:
// so an entry is the same whenever it is looked at, on every run, and wherever the
// clock stands.
//
// A day is booked in the night after it; until then its orders are pending. On the
// day to which the clock is not turned the account has its documented balance,
// and on any other the one to which the entries lead from there.
type Ledger struct {
	account    string // its resourceId
	documented string // its balance on the anchor, a decimal number
	plan       plan
	today      consent.Date
	anchor     consent.Date // on which the account has its documented balance
	// These are made once for each ledger: periods by their first day, what was paid
	// by the day, and other accounts by their resourceId.
	periods map[consent.Date]period
	paid    map[consent.Date][]Movement
	others  map[string]Ledger
}

// Open makes the ledger of an account for one reader, who must not share it: by the
// account's resourceId, its documented balance, a decimal number, today, and the day
// on which it has that balance. An account that no plan is for has no entries.
func Open(account, documented string, today, anchor consent.Date) Ledger {
	p, _ := planOf(account)
	return Ledger{
		account: account, documented: documented, plan: p, today: today, anchor: anchor,
		periods: map[consent.Date]period{}, paid: map[consent.Date][]Movement{}, others: map[string]Ledger{},
	}
}

// Movement is one entry on an account.
type Movement struct {
	ID      string       // the same while it is pending and when it is booked
	Entered consent.Date // when it came to be known
	Booked  consent.Date // when it is booked, or will be
	Order   Order
	Amount  Money
	Text    string
	// Reference and After are those of booked entries.
	Reference string
	After     string // the balance right after it
}

// Oldest is the first day of which there are data.
func (l Ledger) Oldest() consent.Date {
	return consent.Date{Year: l.today.Year - years, Month: l.today.Month, Day: l.today.Day}.AddDays(0) // 29 February
}

// Today is the day on which the books were opened.
func (l Ledger) Today() consent.Date { return l.today }

// Closed is the last day that is booked.
func (l Ledger) Closed() consent.Date { return l.today.AddDays(-1) }

// Within lists the entries that were booked from one day to another, both
// included, the oldest first.
func (l Ledger) Within(from, to consent.Date) []Movement {
	if from.Before(l.Oldest()) {
		from = l.Oldest()
	}
	if l.Closed().Before(to) {
		to = l.Closed()
	}
	if to.Before(from) {
		return nil
	}
	sum := l.moved(from.AddDays(-1))
	var list []Movement
	for day := from; !to.Before(day); day = day.AddDays(1) {
		for _, e := range l.bookings(day) {
			sum += e.Amount
			e.After = sum.plus(l.documented)
			list = append(list, e)
		}
	}
	return list
}

// Pending lists what was entered from one day to another and is not booked yet,
// the oldest first.
func (l Ledger) Pending(from, to consent.Date) []Movement {
	if recent := l.today.AddDays(-maxDelay); from.Before(recent) {
		from = recent
	}
	if l.today.Before(to) {
		to = l.today
	}
	var list []Movement
	for day := from; !to.Before(day); day = day.AddDays(1) {
		for _, e := range slices.Concat(l.orders(day), l.payments(day)) {
			if !e.Booked.Before(l.today) {
				list = append(list, e)
			}
		}
	}
	return list
}

// Find looks for an entry of the last two years, pending or booked.
func (l Ledger) Find(id string) (Movement, bool) {
	all := append(l.Pending(l.Oldest(), l.today), l.Within(l.Oldest(), l.today)...)
	i := slices.IndexFunc(all, func(e Movement) bool { return e.ID == id })
	if i < 0 {
		return Movement{}, false
	}
	return all[i], true
}

// bookings are what is booked on a day, in their order.
func (l Ledger) bookings(day consent.Date) []Movement {
	list := slices.Concat(l.orders(day), l.settled(day))
	for i := range list {
		list[i].Reference = fmt.Sprintf("%s-%03d", compact(day), i+1)
	}
	return list
}

// settled are the card payments that are booked on a day.
func (l Ledger) settled(day consent.Date) []Movement {
	var list []Movement
	for d := day.AddDays(-maxDelay); d.Before(day); d = d.AddDays(1) {
		for _, e := range l.payments(d) {
			if e.Booked == day {
				list = append(list, e)
			}
		}
	}
	return list
}

// compact writes a day as YYYYMMDD.
func compact(day consent.Date) string { return strings.ReplaceAll(day.String(), "-", "") }

// Balance is what the account has: all that is booked.
func (l Ledger) Balance() string { return l.moved(l.Closed()).plus(l.documented) }

// Expected is the balance with what is pending.
func (l Ledger) Expected() string {
	sum := l.moved(l.Closed())
	for _, e := range l.Pending(l.Oldest(), l.today) {
		sum += e.Amount
	}
	return sum.plus(l.documented)
}

// moved is by how much the balance at the end of a day differs from the
// documented one.
func (l Ledger) moved(day consent.Date) Money {
	if from := l.anchor.AddDays(-1); day != from {
		return l.standing(day) - l.standing(from)
	}
	return 0
}

// Last is the reference of the newest booking up to a day; empty where there is
// none.
func (l Ledger) Last(day consent.Date) string {
	if l.plan.country == "" {
		return ""
	}
	for ; !day.Before(l.Oldest()); day = day.AddDays(-1) {
		if list := l.bookings(day); len(list) > 0 {
			return list[len(list)-1].Reference
		}
	}
	return ""
}
