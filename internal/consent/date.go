package consent

import (
	"fmt"
	"time"
)

// Date is a calendar day without time or zone, such as validUntil: the local
// date of the bank.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf is the day on which t falls in zone.
func DateOf(t time.Time, zone *time.Location) Date {
	y, m, d := t.In(zone).Date()
	return Date{y, m, d}
}

// ParseDate reads YYYY-MM-DD.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("not a date: %w", err)
	}
	return DateOf(t, time.UTC), nil
}

func (d Date) String() string {
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day)
}

// AddDays is the day n days later.
func (d Date) AddDays(n int) Date {
	return DateOf(time.Date(d.Year, d.Month, d.Day+n, 0, 0, 0, 0, time.UTC), time.UTC)
}

// addMonths is the same day n months later, or the last of a month that has no such day.
func (d Date) addMonths(n int) Date {
	last := time.Date(d.Year, d.Month+time.Month(n)+1, 0, 0, 0, 0, 0, time.UTC)
	return Date{last.Year(), last.Month(), min(d.Day, last.Day())}
}

// within is the period of so many months that holds a day, counted from one at which such
// a period begins: its first day, and the one after its last.
func (d Date) within(begin Date, months int) (from, to Date) {
	const year = 12
	n := ((d.Year-begin.Year)*year + int(d.Month-begin.Month)) / months * months
	for d.Before(begin.addMonths(n)) {
		n -= months
	}
	return begin.addMonths(n), begin.addMonths(n + months)
}

// Before compares two days.
func (d Date) Before(other Date) bool {
	return d.midnight(time.UTC).Before(other.midnight(time.UTC))
}

// End is the first instant after the day in zone: a consent that is valid
// until d, d included, ends there.
func (d Date) End(zone *time.Location) time.Time {
	return d.AddDays(1).midnight(zone).UTC()
}

// midnight is the day's first instant. Where summer time begins at midnight
// there is none: time.Date then gives an instant of the day before, and the day
// begins where the offset changes.
func (d Date) midnight(zone *time.Location) time.Time {
	t := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, zone)
	if y, m, day := t.Date(); (Date{y, m, day}) != d {
		_, t = t.ZoneBounds()
	}
	return t
}
