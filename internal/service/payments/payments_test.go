package payments_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/payments"
	"consentd/internal/storage"
	"consentd/test/dbtest"
	"consentd/test/pgtest"
)

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// bundle is the use cases over a fresh store, with a clock to turn.
type bundle struct {
	*payments.Payments

	t   *testing.T
	db  *storage.DB
	now atomic.Int64
}

func each(t *testing.T, test func(t *testing.T, b *bundle)) {
	t.Helper()
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, setup(t, engine))
		})
	}
}

func setup(t *testing.T, engine string) *bundle {
	t.Helper()
	b := &bundle{t: t}
	now := func() time.Time { return begin.Add(time.Duration(b.now.Load())) }
	b.db, _ = dbtest.Open(t, engine, now)
	b.Payments = &payments.Payments{Store: b.db, Zone: time.UTC, Now: now}
	return b
}

func (b *bundle) advance(by time.Duration) { b.now.Add(int64(by)) }

func hub() consent.Cause { return consent.Cause{By: consent.ByASPSP, Who: "hub"} }

func aed(minor int64) consent.Money { return consent.Money{Minor: minor, Currency: "AED"} }

// consent is a valid one to payments by these terms; to data, without any.
func (b *bundle) consent(terms *consent.PaymentTerms) *consent.Consent {
	b.t.Helper()
	s := consent.Staging{Kind: consent.AccountAccess, TPP: "A", EndsAt: begin.AddDate(0, 6, 0), Staged: consent.Staged{Reference: uuid.NewString()}}
	if terms != nil {
		terms.Currency = "AED"
		s.Kind, s.Staged.Payment = consent.Payments, terms
	}
	ctx := b.t.Context()
	c, err := consent.DefaultPolicy().Stage(uuid.Must(uuid.NewV7()), s, hub(), begin)
	require.NoError(b.t, err)
	require.NoError(b.t, b.db.Stage(ctx, c))
	psu, err := b.db.PSU(ctx, "lea")
	require.NoError(b.t, err)
	owner, err := b.db.Customer(ctx, "lea")
	require.NoError(b.t, err)
	accounts, err := b.db.Accounts(ctx, owner, []service.Account{{ID: "lea-1"}})
	require.NoError(b.t, err)
	c, err = b.db.Amend(ctx, c.ID, func(c *consent.Consent, h *consent.Holder, _ []consent.Payment) error {
		return errors.Join(
			c.AttachPSU(h, psu, owner, begin), c.AttachAccounts([]consent.Grant{{AccountID: accounts[0]}}, begin), c.Approve(begin),
		)
	})
	require.NoError(b.t, err)
	return c
}

func onDemand() *consent.PaymentTerms {
	return &consent.PaymentTerms{Schedule: consent.VariableOnDemand, Period: consent.PeriodMonth, Count: 3, MaxTotal: aed(30000)}
}

func (b *bundle) history(c *consent.Consent) []consent.Entry {
	b.t.Helper()
	entries, err := b.db.History(b.t.Context(), c.ID.String())
	require.NoError(b.t, err)
	return entries
}

func (b *bundle) status(c *consent.Consent) consent.Status {
	b.t.Helper()
	c, err := b.db.Get(b.t.Context(), c.ID)
	require.NoError(b.t, err)
	return c.Status
}

func (b *bundle) pay(c *consent.Consent, key string, minor int64) *consent.Payment {
	b.t.Helper()
	p, made, err := b.Record(b.t.Context(), hub(), draft(c, key, minor))
	require.NoError(b.t, err)
	require.True(b.t, made)
	return p
}

func draft(c *consent.Consent, key string, minor int64) consent.Payment {
	return consent.Payment{
		Consent: c.ID, Key: key, Amount: aed(minor), Purpose: "ACM", Reference: "rent", Parties: "a.b.c.d.e",
		Request: fmt.Appendf(nil, `{"key": %q, "minor":%d}`, key, minor), Origin: []byte(`{"n":0}`),
	}
}

func TestRecord(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c := b.consent(onDemand())
		p := b.pay(c, "one", 100)
		want := draft(c, "one", 100)
		want.ID, want.Status, want.CreatedAt, want.ChangedAt = p.ID, consent.PaymentPending, begin, begin
		require.Equal(t, &want, p)
		require.NotZero(t, p.ID)

		b.advance(time.Minute)
		again, made, err := b.Record(t.Context(), hub(), draft(c, "one", 100))
		require.NoError(t, err)
		require.False(t, made)
		require.Equal(t, p.ID, again.ID)
		log, err := b.Of(t.Context(), c.ID)
		require.NoError(t, err)
		require.Len(t, log, 1)
		require.Equal(t, p.Request, log[0].Request, "to the byte")

		for name, edit := range map[string]func(*consent.Payment){
			"another request": func(p *consent.Payment) { p.Request = []byte("{}") }, "another amount": func(p *consent.Payment) { p.Amount = aed(1) },
			"a file": func(p *consent.Payment) { p.File = true },
		} {
			other := draft(c, "one", 100)
			edit(&other)
			_, _, err := b.Record(t.Context(), hub(), other)
			e, ok := errors.AsType[*consent.Error](err)
			require.True(t, ok, name)
			require.Equal(t, []any{consent.CodeStatusInvalid, "idempotencyKey"}, []any{e.Code, e.Path}, name)
		}
		elsewhere := b.consent(onDemand())
		require.NotEqual(t, p.ID, b.pay(elsewhere, "one", 100).ID, "a key is of one consent")

		mine := draft(c, "two", 5)
		mine.ID = uuid.New()
		given, _, err := b.Record(t.Context(), hub(), mine)
		require.NoError(t, err)
		require.Equal(t, mine.ID, given.ID)
	})
}

func TestRecordRefuses(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c, data, ended := b.consent(onDemand()), b.consent(nil), b.consent(onDemand())
		_, err := b.db.Update(t.Context(), ended.ID, func(c *consent.Consent) error { return c.Withdraw(begin) })
		require.NoError(t, err)
		for name, test := range map[string]struct {
			p    consent.Payment
			want consent.Code
		}{
			"an unknown consent": {draft(&consent.Consent{ID: uuid.New()}, "k", 1), consent.CodeNotFound},
			"to data":            {draft(data, "k", 1), consent.CodeServiceInvalid},
			"withdrawn":          {draft(ended, "k", 1), consent.CodeNotUsable},
			"too much":           {draft(c, "k", 30001), consent.CodeTooOften},
			"nothing":            {draft(c, "k", 0), consent.CodeServiceInvalid},
		} {
			p, made, err := b.Record(t.Context(), hub(), test.p)
			require.Equal(t, test.want, consent.CodeOf(err), name)
			require.False(t, made)
			require.Nil(t, p)
			log, err := b.Of(t.Context(), test.p.Consent)
			require.NoError(t, err)
			require.Empty(t, log, "what was refused is not there")
		}
	})
}

// TestAtOnce: the limits hold for payments that come at the same time, and one that
// comes several times is made once.
func TestAtOnce(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c := b.consent(onDemand())
		var all sync.WaitGroup
		var made, refused, same atomic.Int32
		for i := range 12 {
			all.Go(func() {
				_, first, err := b.Record(t.Context(), hub(), draft(c, fmt.Sprint("key", i/2), 100))
				switch {
				case err == nil && first:
					made.Add(1)
				case err == nil:
					same.Add(1)
				case consent.CodeOf(err) == consent.CodeTooOften:
					refused.Add(1)
				}
			})
		}
		all.Wait()
		require.Equal(t, []int32{3, 12}, []int32{made.Load(), made.Load() + same.Load() + refused.Load()})
		log, err := b.Of(t.Context(), c.ID)
		require.NoError(t, err)
		require.Len(t, log, 3)
	})
}

func TestFollow(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c := b.consent(onDemand())
		p := b.pay(c, "one", 100)
		follow := func(r payments.Report) *consent.Payment {
			x, err := b.Follow(t.Context(), hub(), p.ID, r)
			require.NoError(t, err)
			log, err := b.Of(t.Context(), c.ID)
			require.NoError(t, err)
			require.Equal(t, *x, log[0], "as it is stored")
			return x
		}
		mark := func(origin []byte, through bool) ([]byte, error) {
			if through {
				return append(origin, '?'), nil
			}
			return append(origin, '!'), nil
		}
		low := consent.Rejection{Code: "AANI.1", Message: "too low"}

		b.advance(time.Minute)
		x := follow(payments.Report{Status: consent.PaymentSettled, TransactionID: "tx", Edit: mark})
		require.Equal(t, []any{consent.PaymentSettled, "tx", `{"n":0}!`, begin.Add(time.Minute)}, []any{x.Status, x.TransactionID, string(x.Origin), x.ChangedAt})
		require.Equal(t, p.Request, x.Request)
		b.advance(time.Minute)
		x = follow(payments.Report{Status: consent.PaymentSettled, TransactionID: "tx"})
		require.Equal(t, begin.Add(time.Minute), x.ChangedAt, "the same again")
		x = follow(payments.Report{Status: consent.PaymentRejected, Rejections: []consent.Rejection{low, low}})
		require.Equal(t, []consent.Rejection{low}, x.Rejections)
		require.Equal(t, x, follow(payments.Report{Status: consent.PaymentRejected, TransactionID: "tx", Rejections: []consent.Rejection{low}}), "the same again")
		before := len(b.history(c))
		x = follow(payments.Report{Edit: mark})
		require.Equal(t, `{"n":0}!?`, string(x.Origin), "it is through")
		require.Len(t, b.history(c), before+1, "what is added later is told too")

		boom, below := errors.New("boom"), -1
		for name, test := range map[string]struct {
			r    payments.Report
			want consent.Code
		}{
			"back again":          {payments.Report{Status: consent.PaymentPending}, consent.CodeStatusInvalid},
			"after the end":       {payments.Report{Status: consent.PaymentCredited}, consent.CodeStatusInvalid},
			"another transaction": {payments.Report{TransactionID: "tx2"}, consent.CodeStatusInvalid},
			"further reasons":     {payments.Report{Rejections: []consent.Rejection{low, {Code: "LFI.2", Message: "and late"}}}, consent.CodeStatusInvalid},
			"fewer than none":     {payments.Report{Successful: &below}, consent.CodeFormat},
			"what does not merge": {payments.Report{TransactionID: "tx", Edit: func([]byte, bool) ([]byte, error) { return nil, boom }}, consent.CodeInternal},
		} {
			_, err := b.Follow(t.Context(), hub(), p.ID, test.r)
			require.Equal(t, test.want, consent.CodeOf(err), name)
			require.Equal(t, x, follow(payments.Report{}), "%s: nothing has changed", name)
		}
		_, err := b.Follow(t.Context(), hub(), uuid.New(), payments.Report{Status: consent.PaymentSettled})
		require.Equal(t, consent.CodeResourceUnknown, consent.CodeOf(err))
	})
}

// TestUsedUp: the last payment that is through ends the consent, and a rejected one
// leaves room for another.
func TestUsedUp(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		single := b.consent(&consent.PaymentTerms{Schedule: consent.SingleInstant, Amount: aed(100)})
		p := b.pay(single, "one", 100)
		require.Equal(t, consent.Consumed, b.status(single))
		_, _, err := b.Record(t.Context(), hub(), draft(single, "two", 100))
		require.Equal(t, consent.CodeNotUsable, consent.CodeOf(err))
		again, made, err := b.Record(t.Context(), hub(), draft(single, "one", 100))
		require.NoError(t, err, "the same is answered for good")
		require.Equal(t, []any{false, p.ID}, []any{made, again.ID})
		_, err = b.Follow(t.Context(), hub(), p.ID, payments.Report{Status: consent.PaymentRejected})
		require.NoError(t, err)
		require.Equal(t, consent.Consumed, b.status(single))

		c := b.consent(onDemand())
		var all []*consent.Payment
		for _, key := range []string{"one", "two", "three"} {
			all = append(all, b.pay(c, key, 100))
		}
		_, _, err = b.Record(t.Context(), hub(), draft(c, "four", 100))
		require.Equal(t, consent.CodeTooOften, consent.CodeOf(err))
		ends := []consent.PaymentStatus{consent.PaymentCredited, consent.PaymentRejected, consent.PaymentNotPosted}
		for i, p := range all {
			require.Equal(t, consent.Valid, b.status(c))
			_, err := b.Follow(t.Context(), hub(), p.ID, payments.Report{Status: ends[i]})
			require.NoError(t, err)
		}
		require.Equal(t, consent.Valid, b.status(c), "one was rejected")
		last := b.pay(c, "four", 100)
		_, err = b.Follow(t.Context(), hub(), last.ID, payments.Report{Status: consent.PaymentSettled})
		require.NoError(t, err)
		require.Equal(t, consent.Valid, b.status(c), "it may be rejected yet")
		_, err = b.Follow(t.Context(), hub(), last.ID, payments.Report{Status: consent.PaymentCredited})
		require.NoError(t, err)
		require.Equal(t, consent.Consumed, b.status(c))
	})
}

// TestSums is the example of the reference.
func TestSums(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c := b.consent(&consent.PaymentTerms{Schedule: consent.VariableOnDemand, Period: consent.PeriodMonth})
		for i, s := range []struct {
			minor int64
			then  consent.PaymentStatus
		}{{12005, consent.PaymentNotPosted}, {7500, consent.PaymentRejected}, {8005, ""}} {
			p := b.pay(c, fmt.Sprint(i), s.minor)
			_, err := b.Follow(t.Context(), hub(), p.ID, payments.Report{Status: s.then})
			require.NoError(t, err)
		}
		log, err := b.Of(t.Context(), c.ID)
		require.NoError(t, err)
		require.Equal(t, consent.Consumption{
			Count: 2, Value: aed(20010), CountInPeriod: 2, ValueInPeriod: aed(20010), Paid: aed(12005), Pending: aed(8005), Open: 1,
		}, c.Staged.Payment.Consumed(log, begin, time.UTC))
	})
}
