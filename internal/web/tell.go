package web

import (
	"strings"
	"time"

	"consentd/internal/consent"
)

// teller words what a page says, and keeps the first fault until the end, so that
// a page of many words is not half made of checks. Brand and TPP fill their places.
type teller struct {
	*speech

	brand, tpp string
	zone       *time.Location
	err        error
}

// say is a message; its places for the bank and the TPP are filled.
func (t *teller) say(id string, pairs ...any) string {
	if t.err != nil || id == "" {
		return ""
	}
	text, err := t.Say(id, append([]any{"Brand", t.brand, "TPP", t.tpp}, pairs...)...)
	t.err = err
	return text
}

// day is a date in words; empty for none.
func (t *teller) day(d consent.Date) string {
	if t.err != nil || d == (consent.Date{}) {
		return ""
	}
	text, err := t.Date(d)
	t.err = err
	return text
}

// on is the day of an instant, where the bank is; empty for none.
func (t *teller) on(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return t.day(consent.DateOf(at, t.zone))
}

// at is an instant to the minute, where the bank is; empty for none.
func (t *teller) at(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return t.say("date.time", "Date", t.on(at), "Time", at.In(t.zone).Format("15:04"))
}

// money is an amount as the language writes it.
func (t *teller) money(m consent.Money) string { return t.Money(m) }

// commas are the languages that write a comma before the hundredths.
const commas = "fr de es it"

// Money is an amount with its currency: before it in English, behind it elsewhere.
func (s *speech) Money(m consent.Money) string {
	const hundred = 100
	minor, sign := m.Minor, ""
	if minor < 0 {
		minor, sign = -minor, "−"
	}
	point := "."
	if strings.Contains(commas, s.Tag) {
		point = ","
	}
	cents := minor % hundred
	amount := sign + s.numbers.Sprintf("%d", minor/hundred) + point + string(rune('0'+cents/10)) + string(rune('0'+cents%10))
	switch {
	case m.Currency == "":
		return amount
	case s.Tag == "en":
		return m.Currency + "\u00a0" + amount
	default:
		return amount + "\u00a0" + m.Currency
	}
}

// endless is the year by which a consent has no end in truth.
const endless = 9999

// until is the day on which a consent ends, in words.
func (t *teller) until(d consent.Date) string {
	if d.Year >= endless {
		return t.say("card.endless")
	}
	return t.day(d)
}
