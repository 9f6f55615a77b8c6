package storagetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
)

func testPayments(t *testing.T, open Open) {
	runAll(t, open, map[string]func(*testing.T, *bundle){
		"a payment is kept whole":                         paymentIsKept,
		"what is not made is not kept":                    paymentRefused,
		"the last payment uses the consent up":            lastPayment,
		"a payment is followed until it is through":       paymentFollowed,
		"a payment that cannot be followed stays":         followingFails,
		"a key is that of one payment of a consent":       keyOfOnePayment,
		"the payments of some consents, the oldest first": paymentsOfSome,
	})
}

func aed(minor int64) consent.Money { return consent.Money{Minor: minor, Currency: "AED"} }

// paying has a consent be one to payments of any amount, at most 10 AED together.
func paying(s *consent.Staging) {
	s.Kind, s.Rights = consent.Payments, 0
	s.Staged.Payment = &consent.PaymentTerms{Schedule: consent.VariableOnDemand, Currency: "AED", MaxTotal: aed(1000), Parties: "a.b.c.d.e"}
}

// payer is a consent to payments that a customer has agreed to.
func (b *bundle) payer(edit ...func(*consent.Staging)) *consent.Consent {
	b.t.Helper()
	c := b.staged(append([]func(*consent.Staging){paying}, edit...)...)
	return b.givenTo(c.ID, b.holder("T", uuid.NewString()), start)
}

func paymentOf(minor int64) *consent.Payment {
	return &consent.Payment{
		ID: uuid.Must(uuid.NewV7()), Key: uuid.NewString(), Amount: aed(minor), Purpose: "ACM", Reference: "rent", Parties: "p.q.r.s.t",
		Request: []byte(`{ "a":1 }`), Origin: []byte(`{"o" :2}`),
	}
}

// pay makes a payment as the use case does.
func (b *bundle) pay(store Store, id uuid.UUID, p *consent.Payment, now time.Time) error {
	return store.Pay(b.ctx, id, func(c *consent.Consent, log []consent.Payment) (*consent.Payment, error) {
		c.Because(consent.Cause{By: consent.ByTPP, Who: "T", RequestID: callID})
		return p, c.Pay(p, log, time.UTC, now)
	})
}

// paid makes a payment of an amount, in minor units.
func (b *bundle) paid(id uuid.UUID, minor int64, now time.Time) *consent.Payment {
	b.t.Helper()
	p := paymentOf(minor)
	require.NoError(b.t, b.pay(b, id, p, now))
	return p
}

// follow moves a payment on, as the use case does.
func (b *bundle) follow(store Store, id uuid.UUID, to consent.PaymentStatus, now time.Time) error {
	return store.FollowPayment(b.ctx, id, func(c *consent.Consent, p *consent.Payment, log []consent.Payment) error {
		return c.FollowPayment(p, to, log, time.UTC, now)
	})
}

// paymentsOf are those of one consent.
func (b *bundle) paymentsOf(id uuid.UUID) []consent.Payment {
	b.t.Helper()
	all, err := b.Payments(b.ctx, []uuid.UUID{id})
	require.NoError(b.t, err)
	return all[id]
}

func paymentIsKept(t *testing.T, b *bundle) {
	c := b.payer()
	p := b.paid(c.ID, 400, start)
	other := paymentOf(100)
	other.TransactionID, other.Rejections = "tx", []consent.Rejection{{Code: "AC01", Message: "no"}}
	require.NoError(t, b.pay(b, c.ID, other, start.Add(time.Second)))
	require.Equal(t, []consent.Payment{*p, *other}, b.paymentsOf(c.ID))
	got := b.get(c.ID)
	require.Equal(t, c.Version+2, got.Version, "each is in its audit")
	got.Version = c.Version
	require.Equal(t, c, got, "it is as it was")
	var told []string
	for _, e := range b.history(c.ID.String())[3:] {
		require.Equal(t, []string{"valid", "valid", "payment", callID}, []string{e.From, e.To, e.Reason, e.RequestID})
		told = append(told, e.Operation)
	}
	require.Equal(t, []string{p.ID.String() + " pending", other.ID.String() + " pending"}, told)
	require.NoError(t, b.Pay(b.ctx, c.ID, func(_ *consent.Consent, log []consent.Payment) (*consent.Payment, error) {
		require.Equal(t, []consent.Payment{*p, *other}, log)
		return nil, nil //nolint:nilnil // no payment is made
	}))
	b.amend(c.ID, func(_ *consent.Consent, _ *consent.Holder, log []consent.Payment) error {
		require.Len(t, log, 2)
		return nil
	})

	files := b.payer(func(s *consent.Staging) {
		s.Staged.Payment = &consent.PaymentTerms{Schedule: consent.FilePayment, Currency: "AED", Amount: aed(70)}
	})
	file := paymentOf(70)
	file.File = true
	require.NoError(t, b.pay(b, files.ID, file, start))
	require.Equal(t, []consent.Payment{*file}, b.paymentsOf(files.ID))
}

func paymentRefused(t *testing.T, b *bundle) {
	c := b.payer()
	require.Equal(t, consent.CodeTooOften, consent.CodeOf(b.pay(b, c.ID, paymentOf(1001), start)))
	broken := errors.New("no")
	require.ErrorIs(t, b.Pay(b.ctx, c.ID, func(c *consent.Consent, log []consent.Payment) (*consent.Payment, error) {
		p := paymentOf(1000)
		return p, errors.Join(c.Pay(p, log, time.UTC, start), c.Revoke(consent.ReasonBank, start), broken)
	}), broken)
	require.NoError(t, b.Pay(b.ctx, c.ID, func(c *consent.Consent, _ []consent.Payment) (*consent.Payment, error) {
		return nil, c.Revoke(consent.ReasonBank, start)
	}))
	require.Empty(t, b.paymentsOf(c.ID))
	require.Equal(t, c, b.get(c.ID))
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(b.pay(b, uuid.New(), paymentOf(1), start)))
	require.Equal(t, consent.CodeNotUsable, consent.CodeOf(b.pay(b, b.staged(paying).ID, paymentOf(1), start)))
}

func lastPayment(t *testing.T, b *bundle) {
	c := b.payer(func(s *consent.Staging) {
		s.Staged.Payment = &consent.PaymentTerms{Schedule: consent.SingleInstant, Currency: "AED", Amount: aed(5)}
	})
	b.paid(c.ID, 5, start)
	got := b.get(c.ID)
	require.Equal(t, consent.Consumed, got.Status)
	entries := b.history(c.ID.String())
	require.Equal(t, string(consent.Consumed), entries[len(entries)-1].To)
	require.Equal(t, consent.CodeNotUsable, consent.CodeOf(b.pay(b, c.ID, paymentOf(5), start)))
	require.Empty(t, b.faults())
}

func paymentFollowed(t *testing.T, b *bundle) {
	c := b.payer()
	p, other := b.paid(c.ID, 999, start), b.paid(c.ID, 1, start.Add(time.Second))
	at := start.Add(time.Minute)
	require.NoError(t, b.FollowPayment(b.ctx, p.ID, func(c *consent.Consent, x *consent.Payment, log []consent.Payment) error {
		require.Equal(t, []consent.Payment{*p, *other}, log)
		x.TransactionID, x.Rejections, x.Origin = "tx", []consent.Rejection{{Code: "1", Message: "m"}}, []byte("{ }")
		return c.FollowPayment(x, consent.PaymentCredited, log, time.UTC, at)
	}))
	p.TransactionID, p.Rejections, p.Origin = "tx", []consent.Rejection{{Code: "1", Message: "m"}}, []byte("{ }")
	p.Status, p.ChangedAt = consent.PaymentCredited, at
	require.Equal(t, []consent.Payment{*p, *other}, b.paymentsOf(c.ID))
	require.Equal(t, consent.Valid, b.get(c.ID).Status, "one is pending")
	require.NoError(t, b.follow(b, other.ID, consent.PaymentCredited, at))
	require.Equal(t, consent.Consumed, b.get(c.ID).Status)
	require.NoError(t, b.follow(b, other.ID, consent.PaymentCredited, at), "the same again, of a consent that has ended")
	require.Equal(t, consent.PaymentCredited, b.paymentsOf(c.ID)[1].Status)
	require.Empty(t, b.faults())
}

func followingFails(t *testing.T, b *bundle) {
	c := b.payer()
	p := b.paid(c.ID, 10, start)
	require.Equal(t, consent.CodeResourceUnknown, consent.CodeOf(b.follow(b, uuid.New(), consent.PaymentSettled, start)))
	broken := errors.New("no")
	require.ErrorIs(t, b.FollowPayment(b.ctx, p.ID, func(c *consent.Consent, x *consent.Payment, log []consent.Payment) error {
		return errors.Join(c.FollowPayment(x, consent.PaymentSettled, log, time.UTC, start), broken)
	}), broken)
	require.NoError(t, b.follow(b, p.ID, consent.PaymentPending, start.Add(time.Hour)), "as it is")
	require.Equal(t, []consent.Payment{*p}, b.paymentsOf(c.ID))
}

func keyOfOnePayment(t *testing.T, b *bundle) {
	c, other := b.payer(), b.payer()
	p, again := b.paid(c.ID, 10, start), paymentOf(10)
	again.Key = p.Key
	require.Equal(t, consent.CodeRepeated, consent.CodeOf(b.pay(b, c.ID, again, start)))
	require.Equal(t, []consent.Payment{*p}, b.paymentsOf(c.ID))
	require.NoError(t, b.pay(b, other.ID, again, start))
}

func paymentsOfSome(t *testing.T, b *bundle) {
	c, other, none := b.payer(), b.payer(), b.payer()
	third, first := b.paid(c.ID, 10, start.Add(time.Hour)), b.paid(c.ID, 20, start)
	second := b.paid(other.ID, 30, start)
	all, err := b.Payments(b.ctx, []uuid.UUID{c.ID, other.ID, none.ID, uuid.New()})
	require.NoError(t, err)
	require.Equal(t, map[uuid.UUID][]consent.Payment{c.ID: {*first, *third}, other.ID: {*second}}, all)
	brief := func(p *consent.Payment) consent.Payment {
		x := *p
		x.Purpose, x.Reference, x.Parties, x.Request, x.Origin = "", "", "", nil, nil
		return x
	}
	all, err = b.PaymentsInBrief(b.ctx, []uuid.UUID{c.ID, other.ID, none.ID, uuid.New()})
	require.NoError(t, err)
	require.Equal(t, map[uuid.UUID][]consent.Payment{c.ID: {brief(first), brief(third)}, other.ID: {brief(second)}}, all)
	b.amend(c.ID, func(_ *consent.Consent, _ *consent.Holder, log []consent.Payment) error {
		require.Equal(t, all[c.ID], log)
		return nil
	})
	all, err = b.Payments(b.ctx, nil)
	require.NoError(t, err)
	require.Empty(t, all)
}
