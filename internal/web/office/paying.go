package office

import (
	"fmt"
	"strconv"

	"consentd/internal/consent"
)

// pays are the facts about the payments that a consent allows, each of its limits with
// them. Who is paid stands in what only the customer's page opens.
func pays(t *consent.PaymentTerms) []fact {
	list := []fact{{Term: "Payments", Text: word(scheduleWords, t.Schedule) + ", " + t.Currency}}
	add := func(there bool, term, text string) {
		if there {
			list = append(list, fact{Term: term, Text: text})
		}
	}
	each := " each " + string(t.Period)
	add(t.Amount.Minor > 0, "Amount", money(t.Amount))
	add(t.On != consent.Date{}, "On", t.On.String())
	for _, due := range t.Dates {
		add(true, "On "+due.On.String(), money(due.Amount))
	}
	add(t.From != consent.Date{}, "From", t.From.String())
	add(t.Period != "", "Period", string(t.Period))
	add(t.MaxEach.Minor > 0, "At most for one payment", money(t.MaxEach))
	add(t.MaxPerPeriod.Minor > 0, "At most"+each, money(t.MaxPerPeriod))
	add(t.CountPerPeriod > 0, "Payments at most"+each, strconv.Itoa(t.CountPerPeriod))
	add(t.MaxTotal.Minor > 0, "At most in all", money(t.MaxTotal))
	add(t.Count > 0, "Payments at most in all", strconv.Itoa(t.Count))
	return list
}

// money is an amount as staff read it.
func money(m consent.Money) string {
	const hundredths = 100
	return fmt.Sprintf("%s %d.%02d", m.Currency, m.Minor/hundredths, m.Minor%hundredths)
}
