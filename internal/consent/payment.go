package consent

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// Money is an amount in minor units, hundredths of its currency, so that it adds up
// exactly.
type Money struct {
	Minor    int64  `json:"minor"`
	Currency string `json:"currency"` // ISO 4217
}

// Schedule is the shape of the payments that a consent allows.
type Schedule string

// The schedules.
const (
	SingleInstant    Schedule = "singleInstant"
	SingleDated      Schedule = "singleDated"
	FixedDefined     Schedule = "fixedDefined"     // these amounts on these days
	VariableDefined  Schedule = "variableDefined"  // at most these amounts on these days
	FixedPeriodic    Schedule = "fixedPeriodic"    // the same amount each period
	VariablePeriodic Schedule = "variablePeriodic" // an amount each period, up to a limit
	FixedOnDemand    Schedule = "fixedOnDemand"    // the same amount whenever the TPP asks, within limits
	VariableOnDemand Schedule = "variableOnDemand" // any amount whenever the TPP asks, within limits
	FilePayment      Schedule = "file"             // the payments of a file
)

// Single reports whether one payment is all that is allowed.
func (s Schedule) Single() bool { return s == SingleInstant || s == SingleDated || s == FilePayment }

// Period is how often a schedule begins anew.
type Period string

// The periods.
const (
	PeriodDay   Period = "day"
	PeriodWeek  Period = "week"
	PeriodMonth Period = "month"
	PeriodYear  Period = "year"
)

// PaymentTerms say which payments a consent allows. What is zero is no limit.
type PaymentTerms struct {
	Schedule Schedule `json:"schedule"`
	Currency string   `json:"currency"`
	// Amount is that of each payment, where it is fixed; of a file, its sum.
	Amount Money  `json:"amount,omitzero"`
	On     Date   `json:"on,omitzero"` // the day of the single payment; zero for at once
	Dates  []Due  `json:"dates,omitempty"`
	Period Period `json:"period,omitempty"`
	From   Date   `json:"from,omitzero"` // where the first period begins

	MaxEach        Money `json:"maxEach,omitzero"`
	MaxPerPeriod   Money `json:"maxPerPeriod,omitzero"`
	CountPerPeriod int   `json:"countPerPeriod,omitempty"`
	MaxTotal       Money `json:"maxTotal,omitzero"`
	Count          int   `json:"count,omitempty"`

	DebtorReference   string `json:"debtorReference,omitempty"`
	CreditorReference string `json:"creditorReference,omitempty"`
	Purpose           string `json:"purpose,omitempty"` // a code of the payment system
	// Parties are who pays whom: a JWE which only the bank opens.
	Parties string `json:"parties,omitempty"`
}

// Due is a day of a schedule with its amount, or the most that it may be.
type Due struct {
	On     Date  `json:"on"`
	Amount Money `json:"amount"`
}

// PaymentStatus is how far a payment is, in the words of ISO 20022.
type PaymentStatus string

// The states of a payment.
const (
	PaymentPending   PaymentStatus = "pending"
	PaymentSettled   PaymentStatus = "acceptedSettlementCompleted" // debited; the creditor may still wait
	PaymentCredited  PaymentStatus = "acceptedCreditSettlementCompleted"
	PaymentNotPosted PaymentStatus = "acceptedWithoutPosting"
	PaymentRejected  PaymentStatus = "rejected"
)

// Final reports whether the state is never left again.
func (s PaymentStatus) Final() bool {
	return s == PaymentCredited || s == PaymentNotPosted || s == PaymentRejected
}

// Accepted reports whether the money is on its way, or there.
func (s PaymentStatus) Accepted() bool {
	return s == PaymentSettled || s == PaymentCredited || s == PaymentNotPosted
}

// Payment is one payment that was made by a consent.
type Payment struct {
	ID        uuid.UUID
	Consent   uuid.UUID
	Key       string // the TPP's: the same payment sent again has the same
	File      bool
	Amount    Money
	Status    PaymentStatus
	CreatedAt time.Time
	ChangedAt time.Time
	// TransactionID is the payment system's; written once.
	TransactionID string
	Rejections    []Rejection
	Purpose       string
	Reference     string // the creditor's
	Parties       string // who pays whom: a JWE which only the bank opens; may be empty
	Request       []byte // what the TPP sent: JSON of the dialect; never changes
	Origin        []byte // how it came: JSON of the dialect
}

// Rejection is a reason for which the payment system has rejected a payment.
type Rejection struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Consumption is what has been made use of a payment consent. The rejected payments
// count for nothing.
type Consumption struct {
	Count         int
	Value         Money
	CountInPeriod int   // in the period that holds the instant in question
	ValueInPeriod Money // likewise
	Paid, Pending Money // Value is both together
	Open          int   // of Count, those that may be rejected yet
}

// Consumed adds up the payments of a consent as at an instant.
func (t *PaymentTerms) Consumed(log []Payment, at time.Time, zone *time.Location) Consumption {
	zero := Money{Currency: t.Currency}
	sum := Consumption{Value: zero, ValueInPeriod: zero, Paid: zero, Pending: zero}
	from, to := t.period(at, zone)
	for _, p := range log {
		if p.Status == PaymentRejected {
			continue
		}
		sum.Count++
		sum.Value.Minor += p.Amount.Minor
		if !p.Status.Final() {
			sum.Open++
		}
		if day := DateOf(p.CreatedAt, zone); t.Period != "" && !day.Before(from) && day.Before(to) {
			sum.CountInPeriod++
			sum.ValueInPeriod.Minor += p.Amount.Minor
		}
		if p.Status == PaymentPending {
			sum.Pending.Minor += p.Amount.Minor
		} else {
			sum.Paid.Minor += p.Amount.Minor
		}
	}
	return sum
}

// Pay judges a payment that is to be made by the consent, of which log are the former
// ones. A single payment uses the consent up, and so does the last that its limits
// allow, once none can be rejected any more. Fails with CodeNotUsable where the consent is not in
// force, and with CodeTooOften, named with the limit, for more than it allows.
func (c *Consent) Pay(p *Payment, log []Payment, zone *time.Location, now time.Time) error {
	c.Settle(now)
	if c.Kind != Payments || c.Staged == nil || c.Staged.Payment == nil {
		return E(CodeServiceInvalid, "the consent is not one to payments")
	}
	if c.Status != Valid {
		return E(CodeNotUsable, "the consent is %s", c.Status)
	}
	if err := c.Staged.Payment.allows(p, log, zone, now); err != nil {
		return err
	}
	p.Consent, p.Status, p.CreatedAt, p.ChangedAt = c.ID, PaymentPending, now, now
	c.NotePayment(p, now)
	return c.useUp(append(slices.Clip(log), *p), zone, now)
}

// FollowPayment moves a payment on as the bank reports it, and the consent with it: the last
// one that is settled may use it up. The same again is no error. Fails with
// CodeStatusInvalid for a payment that is through.
func (c *Consent) FollowPayment(p *Payment, to PaymentStatus, log []Payment, zone *time.Location, now time.Time) error {
	c.Settle(now)
	switch {
	case p.Status == to:
		return nil
	case p.Status.Final(), to == PaymentPending:
		return E(CodeStatusInvalid, "a payment that is %s cannot become %s", p.Status, to)
	}
	p.Status, p.ChangedAt = to, later(now, p.ChangedAt)
	c.NotePayment(p, now)
	after := make([]Payment, len(log))
	for i, x := range log {
		if after[i] = x; x.ID == p.ID {
			after[i] = *p
		}
	}
	return c.useUp(after, zone, now)
}

// NotePayment writes down where a payment stands that was made by the consent. Pay and
// FollowPayment do so; it is for what has changed of one beside its status.
func (c *Consent) NotePayment(p *Payment, now time.Time) {
	c.aside(ReasonPayment, p.ID.String()+" "+string(p.Status), now)
}

// TakeUp resumes a suspended consent. One by which nothing more can be paid, because the
// last payment went through meanwhile, is used up at once. log are the payments that were
// made by it; none for a consent to data. Fails as Resume does.
func (c *Consent) TakeUp(log []Payment, zone *time.Location, now time.Time) error {
	if err := c.Resume(now); err != nil {
		return err
	}
	return c.useUp(log, zone, now)
}

// useUp ends a consent by which nothing more can be paid.
func (c *Consent) useUp(log []Payment, zone *time.Location, now time.Time) error {
	if c.Kind != Payments || c.Staged == nil || c.Staged.Payment == nil {
		return nil
	}
	if c.Status != Valid || !c.Staged.Payment.spent(c.Staged.Payment.Consumed(log, now, zone)) {
		return nil
	}
	return c.end(Consumed, BySystem, ReasonUsedUp, now)
}

// Consume ends a payment consent by which nothing more can be paid, at the bank's
// word. Fails with CodeStatusInvalid where more can, or one may be rejected yet.
func (c *Consent) Consume(log []Payment, zone *time.Location, now time.Time) error {
	if c.Kind != Payments || c.Staged == nil || c.Staged.Payment == nil {
		return E(CodeStatusInvalid, "only a consent to payments can be consumed")
	}
	if err := c.useUp(log, zone, now); err != nil {
		return err
	}
	if c.Status != Consumed {
		return E(CodeStatusInvalid, "the consent is %s, and payments can still be made by it or are not through", c.Status)
	}
	return nil
}
