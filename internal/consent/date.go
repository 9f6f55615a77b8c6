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
