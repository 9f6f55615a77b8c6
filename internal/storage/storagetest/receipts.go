package storagetest

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/ledger"
)

func testReceipts(t *testing.T, open Open) {
	runAll(t, open, map[string]func(*testing.T, *bundle){
		"a receipt is written with what the call changes":   receiptIsWritten,
		"a repeated call leaves nothing of its change":      repeatedCall,
		"a call that fails leaves no receipt":               failedCall,
		"receipts that have expired are forgotten, in turn": receiptsExpire,
	})
}

// receipt is that of a call which is known by a number.
func receipt(key byte) *consent.Receipt {
	return &consent.Receipt{
		Key: consent.Digest{1, key}, Fingerprint: consent.Digest{2, key}, Answer: []byte{3, key, 0},
		Expires: start.Add(24 * time.Hour),
	}
}

// call changes something, writes a receipt, and returns what answer says.
type call func(r *consent.Receipt, answer error) error

// calls are all the methods that write receipts and let their caller fail. Each
// is made ready apart from its call.
func calls(b *bundle) map[string]func() call {
	psu, customer, grants := b.person("lea")
	return map[string]func() call{
		"update":            func() call { return b.updating(func(c *consent.Consent) error { return c.Terminate(start) }) },
		"update of nothing": func() call { return b.updating(func(*consent.Consent) error { return nil }) },
		"add a run":         b.addingRun,
		"change":            b.changing,
		"finish": func() call {
			return b.finishing(consent.Agreement{Customer: customer, Grants: grants, Signers: []uuid.UUID{psu}})
		},
	}
}

func (b *bundle) updating(change func(*consent.Consent) error) call {
	c, _ := b.create(draft())
	return func(r *consent.Receipt, answer error) error {
		_, err := b.Update(b.ctx, c.ID, func(c *consent.Consent) error {
			c.Answered(r)
			return first(change(c), answer)
		})
		return err
	}
}

func (b *bundle) addingRun() call {
	c, _ := b.create(draft())
	return func(r *consent.Receipt, answer error) error {
		run := newRun(c.ID)
		_, err := b.AddRun(b.ctx, c.ID, run, func(c *consent.Consent) error {
			c.Answered(r)
			return first(c.Start(authorisation(run)), answer)
		})
		return err
	}
}

func (b *bundle) changing() call {
	_, run := b.create(draft())
	return func(r *consent.Receipt, answer error) error {
		return b.Change(b.ctx, run.ID, func(run *consent.Run, c *consent.Consent) error {
			c.Answered(r)
			run.Step(consent.StageFlow, []byte("other"))
			return first(c.Advance(run.Authorisation, consent.ScaStarted, start), answer)
		})
	}
}

func (b *bundle) finishing(agreed consent.Agreement) call {
	_, run := b.identified(draft(), agreed.Signers[0], agreed.Customer)
	return func(r *consent.Receipt, answer error) error {
		return b.Finish(b.ctx, run.ID, start, func(run *consent.Run, c *consent.Consent, former []*consent.Consent) error {
			c.Answered(r)
			if err := c.Authorise(run.Authorisation, agreed, start); err != nil {
				return err
			}
			run.End(consent.RunDone, start)
			return first(c.Supersede(former, start), answer)
		})
	}
}

// first is the error that came first.
func first(err, then error) error {
	if err != nil {
		return err
	}
	return then
}

// creations are calls, too, that only the store can make fail.
func creations(b *bundle) map[string]call {
	return map[string]call{
		"create": func(r *consent.Receipt, _ error) error {
			c, run := newConsent(b.t, draft())
			c.Answered(r)
			return b.Create(b.ctx, c, run)
		},
		"create without an authorisation": func(r *consent.Receipt, _ error) error {
			c, _ := newConsent(b.t, draft())
			c.Authorisations = nil
			c.Answered(r)
			return b.Create(b.ctx, c, nil)
		},
		"refuse": func(r *consent.Receipt, _ error) error { return b.Refuse(b.ctx, refusal("A", start), r) },
	}
}

func refusal(tpp string, at time.Time) consent.Entry {
	return consent.Entry{
		Chain: consent.RefusedChain(tpp, consent.DateOf(at, time.UTC)), At: at,
		Cause:  consent.Cause{By: consent.ByTPP, Who: tpp, Certificate: "f", RequestID: "r"},
		Reason: string(consent.CodeNotFound), Operation: "GET /v1/consents/{consentId}",
	}
}

func receiptIsWritten(t *testing.T, b *bundle) {
	t.Helper()
	key := byte(0)
	check := func(name string, do call) {
		key++
		require.NoError(t, do(receipt(key), nil), name)
		got, err := b.Receipt(b.ctx, receipt(key).Key)
		require.NoError(t, err, name)
		require.Equal(t, receipt(key), got, name)
	}
	for name, prepare := range calls(b) {
		check(name, prepare())
	}
	for name, do := range creations(b) {
		check(name, do)
	}
	_, err := b.Receipt(b.ctx, consent.Digest{9})
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
	require.Empty(t, b.faults())
}

func repeatedCall(t *testing.T, b *bundle) {
	t.Helper()
	first := receipt(1)
	require.NoError(t, b.Refuse(b.ctx, refusal("A", start), first))
	again := func() *consent.Receipt {
		r := receipt(2)
		r.Key = first.Key
		return r
	}
	check := func(name string, do call) {
		before := b.everything()
		require.Equal(t, consent.CodeRepeated, consent.CodeOf(do(again(), nil)), name)
		require.Equal(t, before, b.everything(), name)
		got, err := b.Receipt(b.ctx, first.Key)
		require.NoError(t, err)
		require.Equal(t, first, got, name)
	}
	for name, prepare := range calls(b) {
		check(name, prepare())
	}
	for name, do := range creations(b) {
		check(name, do)
	}
	run := newRun(uuid.Nil)
	c, _ := b.create(draft())
	_, err := b.AddRun(b.ctx, c.ID, run, func(c *consent.Consent) error {
		run.Consent = c.ID
		c.Answered(again())
		return c.Start(authorisation(run))
	})
	require.Equal(t, consent.CodeRepeated, consent.CodeOf(err))
	_, err = b.RunByID(b.ctx, run.ID)
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err), "nor the run")
	require.Empty(t, b.faults())
}

func failedCall(t *testing.T, b *bundle) {
	t.Helper()
	no := consent.E(consent.CodeForbidden, "no")
	for name, prepare := range calls(b) {
		do := prepare()
		before := b.everything()
		require.Equal(t, consent.CodeForbidden, consent.CodeOf(do(receipt(1), no)), name)
		require.Equal(t, before, b.everything(), name)
		_, err := b.Receipt(b.ctx, receipt(1).Key)
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err), name)
	}
}

func receiptsExpire(t *testing.T, b *bundle) {
	t.Helper()
	for i := range byte(5) {
		r := receipt(i)
		r.Expires = start.Add(time.Duration(i) * time.Minute)
		require.NoError(t, b.Refuse(b.ctx, refusal("A", start), r))
	}
	forget := func(now time.Time, limit int) int {
		n, err := b.ForgetReceipts(b.ctx, now, limit)
		require.NoError(t, err)
		return n
	}
	kept := func(i byte) bool {
		_, err := b.Receipt(b.ctx, receipt(i).Key)
		require.Contains(t, []consent.Code{consent.CodeInternal, consent.CodeNotFound}, consent.CodeOf(err))
		return err == nil
	}
	require.Zero(t, forget(start.Add(-time.Microsecond), 9))
	require.Equal(t, 1, forget(start, 9), "the instant at which it expires is too late")
	require.Equal(t, []bool{false, true}, []bool{kept(0), kept(1)})
	require.Equal(t, []int{2, 1, 0}, []int{forget(start.Add(3*time.Minute), 2), forget(start.Add(3*time.Minute), 2), forget(start.Add(3*time.Minute), 2)})

	last := receipt(4)
	require.NoError(t, b.ForgetReceipt(b.ctx, last.Key, start.Add(4*time.Minute-time.Microsecond)))
	require.True(t, kept(4), "not yet")
	require.NoError(t, b.ForgetReceipt(b.ctx, last.Key, start.Add(4*time.Minute)))
	require.False(t, kept(4))
	require.NoError(t, b.ForgetReceipt(b.ctx, last.Key, start.Add(4*time.Minute)), "is not there any more")
	require.NoError(t, b.Refuse(b.ctx, refusal("A", start), last), "the call may be made anew")
}

// everything is all that calls change, but for receipts.
func (b *bundle) everything() []any {
	b.t.Helper()
	var all []any
	list, err := b.Recent(b.ctx, 1000)
	require.NoError(b.t, err)
	for _, c := range list {
		whole := b.get(c.ID)
		all = append(all, whole)
		for _, a := range whole.Authorisations {
			run, err := b.RunByID(b.ctx, a.RunID)
			require.Contains(b.t, []consent.Code{consent.CodeInternal, consent.CodeNotFound}, consent.CodeOf(err))
			all = append(all, run)
		}
	}
	require.NoError(b.t, b.Chains(b.ctx, func(c ledger.Chain) error {
		all = append(all, c)
		return nil
	}))
	return all
}
