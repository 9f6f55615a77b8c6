package web

import (
	"consentd/internal/consent"
	"consentd/internal/service/overview"
	"consentd/internal/web/mandated"
)

// paying is what a consent says of payments.
type paying struct {
	Facts     []row // amount, reference, purpose
	From, To  *end
	Sealed    string // why nothing is said of whom the money goes to
	Rules     []string
	Due       []row // the days of a schedule with their amounts
	Sums      []row
	Made      []made
	None      string   // nothing was paid yet
	Knowledge []string // what else the TPP learns of the account
}

// end is one of the two who pay and are paid.
type end struct{ Name, Number, Bank string }

// made is one payment.
type made struct {
	When, Amount string
	Badge        badge
	Facts        []row
}

// paidWords are the states of a payment as customers read them.
var paidWords = map[consent.PaymentStatus]struct{ id, tone string }{
	consent.PaymentPending:   {"paid.pending", "waits"},
	consent.PaymentSettled:   {"paid.successful", "good"},
	consent.PaymentCredited:  {"paid.successful", "good"},
	consent.PaymentNotPosted: {"paid.successful", "good"},
	consent.PaymentRejected:  {"paid.failed", "stops"},
}

func (t *teller) paying(d *overview.Detail) *paying {
	p := &paying{}
	if terms := termsOf(d.Consent); terms != nil {
		p.Rules, p.Due = t.rules(terms), t.due(terms)
		p.Facts = t.facts(terms.CreditorReference, terms.DebtorReference, terms.Purpose)
		for _, item := range mandated.Payment(d.Staged.Permissions, t.Tag) {
			p.Knowledge = append(p.Knowledge, straight(item.Text))
		}
	}
	p.From, p.To = t.ends(d)
	if d.Sealed {
		p.Sealed = t.say("payment.sealed")
	}
	p.Sums = t.sums(d)
	for _, m := range d.Payments {
		p.Made = append(p.Made, t.made(m))
	}
	switch {
	case len(p.Made) > 0:
	case d.Status.Final():
		p.None = t.say("payment.noneMade")
	default:
		p.None = t.say("payment.none")
	}
	return p
}

// sums are what the payments come to; none where nothing could have been paid. Of a
// single payment, nothing else can be on its way.
func (t *teller) sums(d *overview.Detail) []row {
	if d.Status.Final() && never(d) {
		return nil
	}
	rows := []row{{Label: t.say("card.paid"), Value: t.money(d.Sum.Paid), Amount: true}}
	if d.Type != overview.SinglePayment || d.Sum.Pending.Minor != 0 {
		rows = append(rows, row{Label: t.say("card.pending"), Value: t.money(d.Sum.Pending), Amount: true})
	}
	return rows
}

// ends are who pays whom, as far as it is known.
func (t *teller) ends(d *overview.Detail) (from, to *end) {
	if len(d.Accounts) > 0 {
		a := d.Accounts[0]
		from = &end{Name: straight(first(a.Owner, a.Name)), Number: number(a.Reference), Bank: t.brand}
	}
	p := d.Parties
	if p == nil {
		return from, nil
	}
	if from == nil && first(p.DebtorName, p.DebtorIBAN) != "" {
		from = &end{Name: straight(p.DebtorName), Number: fours(straight(p.DebtorIBAN)), Bank: t.brand}
	}
	if first(p.CreditorName, p.CreditorIBAN) != "" {
		to = &end{Name: straight(p.CreditorName), Number: fours(straight(p.CreditorIBAN)), Bank: straight(p.CreditorAgent)}
	}
	return from, to
}

func (t *teller) facts(creditor, debtor, purpose string) []row {
	var rows []row
	for _, r := range []row{
		{Label: "payment.reference", Value: straight(creditor)},
		{Label: "payment.ownReference", Value: straight(debtor)},
		{Label: "payment.purpose", Value: purpose},
	} {
		if r.Value == "" {
			continue
		}
		if r.Label == "payment.purpose" {
			r.Value = mandated.Purpose(straight(purpose), t.Tag)
		}
		rows = append(rows, row{Label: t.say(r.Label), Value: r.Value})
	}
	return rows
}

func (t *teller) made(m overview.Payment) made {
	w, ok := paidWords[m.Status]
	one := made{When: t.at(m.CreatedAt), Amount: t.money(m.Amount), Badge: badge{Text: t.say(w.id), Tone: w.tone}}
	if !ok {
		one.Badge = badge{Text: mandated.Label(string(m.Status)), Tone: "over"}
	}
	if m.Parties != nil && first(m.Parties.CreditorName) != "" {
		one.Facts = append(one.Facts, row{Label: t.say("payment.to"), Value: straight(m.Parties.CreditorName)})
	}
	one.Facts = append(one.Facts, t.facts(m.Reference, "", m.Purpose)...)
	for _, r := range m.Rejections {
		one.Facts = append(one.Facts, row{Label: t.say("payment.why"), Value: straight(first(r.Message, r.Code))})
	}
	return one
}

// scheduleWords are what each shape of payments allows.
var scheduleWords = map[consent.Schedule]string{
	consent.SingleInstant:    "rules.singleInstant",
	consent.SingleDated:      "rules.singleDated",
	consent.FixedDefined:     "rules.fixedDefined",
	consent.VariableDefined:  "rules.variableDefined",
	consent.FixedPeriodic:    "rules.fixedPeriodic",
	consent.VariablePeriodic: "rules.variablePeriodic",
	consent.FixedOnDemand:    "rules.fixedOnDemand",
	consent.VariableOnDemand: "rules.variableOnDemand",
	consent.FilePayment:      "rules.file",
}

// periodWords are how often a schedule begins anew, and its limits for that time.
var periodWords = map[consent.Period]struct{ every, most, count string }{
	consent.PeriodDay:   {"rules.day", "rules.mostDay", "rules.countDay"},
	consent.PeriodWeek:  {"rules.week", "rules.mostWeek", "rules.countWeek"},
	consent.PeriodMonth: {"rules.month", "rules.mostMonth", "rules.countMonth"},
	consent.PeriodYear:  {"rules.year", "rules.mostYear", "rules.countYear"},
}

// rules are the limits of the payments, each a sentence.
func (t *teller) rules(p *consent.PaymentTerms) []string {
	var all []string
	add := func(applies bool, id string, pairs ...any) {
		if applies && id != "" {
			all = append(all, t.say(id, pairs...))
		}
	}
	none := consent.Money{}
	period := periodWords[p.Period]
	add(true, scheduleWords[p.Schedule], "Amount", t.money(p.Amount), "Date", t.day(p.On))
	add(p.Schedule == consent.FixedPeriodic || p.Schedule == consent.VariablePeriodic, period.every)
	add(p.From != consent.Date{}, "rules.from", "Date", t.day(p.From))
	add(p.Amount != none && !p.Schedule.Single(), "rules.each", "Amount", t.money(p.Amount))
	add(p.MaxEach != none, "rules.mostEach", "Amount", t.money(p.MaxEach))
	add(p.MaxPerPeriod != none, period.most, "Amount", t.money(p.MaxPerPeriod))
	add(p.CountPerPeriod > 0, period.count, "Count", p.CountPerPeriod)
	add(p.MaxTotal != none, "rules.mostTotal", "Amount", t.money(p.MaxTotal))
	add(p.Count > 0, "rules.countTotal", "Count", p.Count)
	return all
}

// due are the days of a schedule.
func (t *teller) due(p *consent.PaymentTerms) []row {
	var rows []row
	for _, d := range p.Dates {
		rows = append(rows, row{Label: t.day(d.On), Value: t.money(d.Amount), Amount: true})
	}
	return rows
}
