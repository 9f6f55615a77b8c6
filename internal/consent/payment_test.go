package consent_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
)

func aed(minor int64) consent.Money { return consent.Money{Minor: minor, Currency: "AED"} }

func on(month time.Month, day int) consent.Date {
	return consent.Date{Year: 2026, Month: month, Day: day}
}

// paying is a valid consent to payments by these terms.
func paying(t *testing.T, terms consent.PaymentTerms) *consent.Consent {
	t.Helper()
	terms.Currency = "AED"
	s := staging(consent.Payments)
	s.Staged.Payment = &terms
	c := stage(t, s)
	require.NoError(t, c.AttachPSU(&consent.Holder{}, user, owner, noon))
	require.NoError(t, c.AttachAccounts([]consent.Grant{{AccountID: uuid.New()}}, noon))
	require.NoError(t, c.Approve(noon))
	return c
}

// TestConsumed is the example of the reference: three payments, of which one was
// rejected and one is pending.
func TestConsumed(t *testing.T) {
	terms := consent.PaymentTerms{Currency: "AED", Period: consent.PeriodMonth}
	log := []consent.Payment{
		{Amount: aed(12005), Status: consent.PaymentSettled, CreatedAt: noon},
		{Amount: aed(7500), Status: consent.PaymentRejected, CreatedAt: noon},
		{Amount: aed(8005), Status: consent.PaymentPending, CreatedAt: noon},
	}
	require.Equal(t, consent.Consumption{
		Count: 2, Value: aed(20010), CountInPeriod: 2, ValueInPeriod: aed(20010), Paid: aed(12005), Pending: aed(8005), Open: 2,
	}, terms.Consumed(log, noon, time.UTC))
	require.Equal(t, consent.Consumption{Count: 2, Value: aed(20010), ValueInPeriod: aed(0), Paid: aed(12005), Pending: aed(8005), Open: 2},
		terms.Consumed(log, noon.AddDate(0, 1, 0), time.UTC), "a month later")
	zero := aed(0)
	require.Equal(t, consent.Consumption{Value: zero, ValueInPeriod: zero, Paid: zero, Pending: zero}, terms.Consumed(nil, noon, time.UTC))
}

// TestTakeUp: what was used up while the bank had it paused does not come back.
func TestTakeUp(t *testing.T) {
	for name, test := range map[string]struct {
		to   consent.PaymentStatus
		then consent.Status
	}{
		"the last is through": {consent.PaymentCredited, consent.Consumed}, "it is rejected": {consent.PaymentRejected, consent.Valid},
		"it is pending still": {"", consent.Valid}, "it may be rejected yet": {consent.PaymentSettled, consent.Valid},
	} {
		t.Run(name, func(t *testing.T) {
			c := paying(t, consent.PaymentTerms{Schedule: consent.VariableOnDemand, Count: 1})
			c.TakePending()
			p := consent.Payment{ID: uuid.New(), Amount: aed(1)}
			require.NoError(t, c.Pay(&p, nil, time.UTC, noon))
			require.NoError(t, c.Suspend(consent.ReasonFraud, noon))
			if test.to != "" {
				require.NoError(t, c.FollowPayment(&p, test.to, []consent.Payment{p}, time.UTC, noon))
			}
			require.Equal(t, consent.Suspended, c.Status)
			require.NoError(t, c.TakeUp([]consent.Payment{p}, time.UTC, noon))
			require.Equal(t, test.then, c.Status)
			entries, _ := c.TakePending()
			require.Equal(t, []string{string(consent.Valid), string(consent.ReasonPayment), p.ID.String() + " pending"}, []string{entries[0].To, entries[0].Reason, entries[0].Operation})
			if test.to != "" {
				require.Equal(t, []string{string(consent.Suspended), p.ID.String() + " " + string(test.to)}, []string{entries[2].To, entries[2].Operation})
			}
			require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(c.TakeUp(nil, time.UTC, noon)))
		})
	}
	data := in(t, consent.AccountAccess, consent.Suspended)
	require.NoError(t, data.TakeUp(nil, time.UTC, noon))
	require.Equal(t, consent.Valid, data.Status)
}

func TestPayRefuses(t *testing.T) {
	terms := consent.PaymentTerms{Schedule: consent.VariableOnDemand}
	ended := paying(t, terms)
	require.NoError(t, ended.Withdraw(noon))
	suspended := paying(t, terms)
	require.NoError(t, suspended.Suspend(consent.ReasonBank, noon))
	over := paying(t, terms)
	over.EndsAt = noon
	file := paying(t, consent.PaymentTerms{Schedule: consent.FilePayment, Amount: aed(1)})
	for name, test := range map[string]struct {
		c    *consent.Consent
		p    consent.Payment
		want consent.Code
	}{
		"nobody has agreed":    {attached(t, consent.Payments), consent.Payment{Amount: aed(1)}, consent.CodeNotUsable},
		"withdrawn":            {ended, consent.Payment{Amount: aed(1)}, consent.CodeNotUsable},
		"suspended":            {suspended, consent.Payment{Amount: aed(1)}, consent.CodeNotUsable},
		"over":                 {over, consent.Payment{Amount: aed(1)}, consent.CodeNotUsable},
		"to data":              {in(t, consent.AccountAccess, consent.Valid), consent.Payment{Amount: aed(1)}, consent.CodeServiceInvalid},
		"another currency":     {paying(t, terms), consent.Payment{Amount: consent.Money{Minor: 1, Currency: "EUR"}}, consent.CodeServiceInvalid},
		"a file":               {paying(t, terms), consent.Payment{Amount: aed(1), File: true}, consent.CodeServiceInvalid},
		"no file":              {file, consent.Payment{Amount: aed(1)}, consent.CodeServiceInvalid},
		"another sum of files": {file, consent.Payment{Amount: aed(2), File: true}, consent.CodeTooOften},
	} {
		t.Run(name, func(t *testing.T) {
			p := test.p
			require.Equal(t, test.want, consent.CodeOf(test.c.Pay(&p, nil, time.UTC, noon)))
			require.Equal(t, test.p, p)
		})
	}
	p := consent.Payment{Amount: aed(1), File: true}
	require.NoError(t, file.Pay(&p, nil, time.UTC, noon))
	require.Equal(t, consent.Consumed, file.Status)
}

// TestFollowPayment: each state of a payment with each that may be reported.
func TestFollowPayment(t *testing.T) {
	const p, s, c, n, r = consent.PaymentPending, consent.PaymentSettled, consent.PaymentCredited, consent.PaymentNotPosted, consent.PaymentRejected
	all := []consent.PaymentStatus{p, s, c, n, r}
	legal := map[consent.PaymentStatus][]bool{
		p: {true, true, true, true, true},
		s: {false, true, true, true, true},
		c: {false, false, true, false, false},
		n: {false, false, false, true, false},
		r: {false, false, false, false, true},
	}
	for from, row := range legal {
		for i, to := range all {
			t.Run(string(from)+" "+string(to), func(t *testing.T) {
				x := paying(t, consent.PaymentTerms{Schedule: consent.VariableOnDemand})
				before := x.UpdatedAt()
				payment := consent.Payment{ID: uuid.New(), Amount: aed(1), Status: from, CreatedAt: noon, ChangedAt: noon}
				err := x.FollowPayment(&payment, to, []consent.Payment{payment}, time.UTC, noon.Add(time.Hour))
				require.Equal(t, before, x.UpdatedAt(), "paying changes nothing about the consent")
				if !row[i] {
					require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err))
					require.Equal(t, []any{from, noon}, []any{payment.Status, payment.ChangedAt})
					return
				}
				require.NoError(t, err)
				require.Equal(t, to, payment.Status)
				require.Equal(t, from != to, payment.ChangedAt.After(noon))
			})
		}
		require.Equal(t, from == c || from == n || from == r, from.Final())
		require.Equal(t, from == s || from == c || from == n, from.Accepted())
	}
}

// TestFollowPaymentBackwards: the time of change never goes back, by which payments are listed,
// though the clock may.
func TestFollowPaymentBackwards(t *testing.T) {
	x := paying(t, consent.PaymentTerms{Schedule: consent.VariableOnDemand})
	p := consent.Payment{ID: uuid.New(), Amount: aed(1), Status: consent.PaymentPending, CreatedAt: noon, ChangedAt: noon.Add(time.Hour)}
	require.NoError(t, x.FollowPayment(&p, consent.PaymentCredited, []consent.Payment{p}, time.UTC, noon.Add(time.Minute)))
	require.Equal(t, noon.Add(time.Hour), p.ChangedAt)
}

func TestConsume(t *testing.T) {
	c := paying(t, consent.PaymentTerms{Schedule: consent.VariableOnDemand, Count: 2})
	pending := consent.Payment{ID: uuid.New(), Amount: aed(1), Status: consent.PaymentPending, CreatedAt: noon}
	settled := consent.Payment{ID: uuid.New(), Amount: aed(1), Status: consent.PaymentCredited, CreatedAt: noon}
	halfway := consent.Payment{ID: uuid.New(), Amount: aed(1), Status: consent.PaymentSettled, CreatedAt: noon}
	for name, log := range map[string][]consent.Payment{"none": nil, "one is left": {settled}, "one is pending": {settled, pending}, "one is not through": {settled, halfway}} {
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(c.Consume(log, time.UTC, noon)), name)
		require.Equal(t, consent.Valid, c.Status)
	}
	require.NoError(t, c.Consume([]consent.Payment{settled, settled}, time.UTC, noon))
	require.Equal(t, consent.Consumed, c.Status)
	require.NoError(t, c.Consume(nil, time.UTC, noon), "the same again")

	bare := in(t, consent.Payments, consent.Valid)
	bare.Staged.Payment = nil
	require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(bare.Consume(nil, time.UTC, noon)))
}
