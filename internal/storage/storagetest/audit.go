package storagetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/ledger"
)

func testAudit(t *testing.T, open Open) {
	runAll(t, open, map[string]func(*testing.T, *bundle){
		"entries are chained as a consent changes":           entriesAreChained,
		"all that is known of the caller is kept":            causeIsKept,
		"what was replaced tells so in its own chain":        replacedIsRecorded,
		"a change that fails, or changes nothing, is not in": failureIsNotRecorded,
		"a consent by an approach that names the PSU":        namedIsRecorded,
		"refusals make a chain per TPP and day":              refusalsAreChained,
		"every chain is handed over, once":                   everyChain,
		"a long chain is handed over in pieces":              longChain,
	})
}

// ledger is the ledger over the store.
func (b *bundle) ledger() *ledger.Ledger {
	return &ledger.Ledger{Store: b, Keys: b.Keys, Now: func() time.Time { return start }, Zone: time.UTC}
}

// found verifies the whole audit.
func (b *bundle) found() []ledger.Fault {
	b.t.Helper()
	var list []ledger.Fault
	v, err := b.ledger().Verify(b.ctx, func(f ledger.Fault) { list = append(list, f) })
	require.NoError(b.t, err)
	require.Equal(b.t, len(list), v.Faults)
	return list
}

// faults is found, in words.
func (b *bundle) faults() []string {
	b.t.Helper()
	var list []string
	for _, f := range b.found() {
		list = append(list, f.String())
	}
	return list
}

func (b *bundle) history(chain string) []consent.Entry {
	b.t.Helper()
	entries, err := b.History(b.ctx, chain)
	require.NoError(b.t, err)
	return entries
}

// chain is one chain as Chains hands it over.
func (b *bundle) chain(name string) ledger.Chain {
	b.t.Helper()
	var found []ledger.Chain
	require.NoError(b.t, b.Chains(b.ctx, func(c ledger.Chain) error {
		if c.Name == name {
			found = append(found, c)
		}
		return nil
	}))
	require.Len(b.t, found, 1, name)
	return found[0]
}

// longChain is read in pieces, of which none is long.
func longChain(t *testing.T, b *bundle) {
	t.Helper()
	const n = 2100
	for i := range n {
		require.NoError(t, b.Refuse(b.ctx, refusal("B", start.Add(time.Duration(i)*time.Second)), nil))
	}
	require.NoError(t, b.Refuse(b.ctx, refusal("A", start), nil))
	require.NoError(t, b.Refuse(b.ctx, refusal("C", start), nil))
	b.create(draft())
	var lengths []int
	var all []consent.Entry
	day := consent.RefusedChain("B", consent.DateOf(start, time.UTC))
	require.NoError(t, b.Chains(b.ctx, func(c ledger.Chain) error {
		if c.Name != day {
			require.Len(t, c.Entries, 1)
			require.False(t, c.More)
			return nil
		}
		lengths, all = append(lengths, len(c.Entries)), append(all, c.Entries...)
		require.Equal(t, len(all) < n, c.More)
		require.Equal(t, n, c.Count)
		return nil
	}))
	require.Equal(t, []int{1000, 1000, 100}, lengths)
	require.Equal(t, b.history(day), all)
	require.Empty(t, b.faults())
	b.Exec(t, "DELETE FROM audit_entries WHERE chain = $1 AND seq = 1000", day)
	require.Equal(t, []string{day + ", entry 1001: stands where 1000 should", day + ": 2099 entries, not 2100"}, b.faults())
}

// steps are entries in short: by whom, from, to and why.
func steps(entries []consent.Entry) []string {
	list := make([]string, len(entries))
	for i, e := range entries {
		list[i] = fmt.Sprintf("%d %s %s>%s %s", e.Seq, e.By, e.From, e.To, e.Reason)
	}
	return list
}

func entriesAreChained(t *testing.T, b *bundle) {
	t.Helper()
	psu, customer, _ := b.person("lea")
	c, run := b.create(draft())
	first := b.history(c.ID.String())
	require.Len(t, first, 1)
	require.Equal(t, consent.Entry{
		Chain: c.ID.String(), Seq: 1, At: start, Cause: consent.Cause{By: consent.ByTPP, Who: c.TPP},
		Authorisation: run.Authorisation, To: "received", MAC: first[0].Sign(b.Keys, nil),
	}, first[0])

	cause := consent.Cause{By: consent.ByPSU, Who: psu.String(), Certificate: "f0", RequestID: "x-1", For: customer.String()}
	far := start.Add(1234567 * time.Nanosecond).In(time.FixedZone("far", 3600))
	require.NoError(t, b.Change(b.ctx, run.ID, func(_ *consent.Run, c *consent.Consent) error {
		c.Because(cause)
		return c.Identify(run.Authorisation, psu, customer, far)
	}))
	second := b.history(c.ID.String())[1]
	require.Equal(t, consent.Entry{
		Chain: c.ID.String(), Seq: 2, At: start.Add(1234 * time.Microsecond), Cause: cause, Authorisation: run.Authorisation,
		From: "received", To: "psuAuthenticated", MAC: second.Sign(b.Keys, first[0].Head(b.Keys)),
	}, second)

	_, err := b.Update(b.ctx, c.ID, func(c *consent.Consent) error { return c.Terminate(start.Add(time.Second)) })
	require.NoError(t, err)
	all := b.history(c.ID.String())
	require.Equal(t, []string{
		"1 tpp >received ", "2 psu received>psuAuthenticated ", "3 tpp received>revoked terminated", "4 tpp psuAuthenticated>failed ",
	}, steps(all))
	require.Equal(t, ledger.Chain{
		Name: c.ID.String(), Entries: all, Count: 4, Head: all[3].Head(b.Keys), Consent: consent.Revoked,
	}, b.chain(c.ID.String()))
	require.Equal(t, 3, b.get(c.ID).Version, "the last two were one change")
	require.Empty(t, b.faults())
	require.Empty(t, b.history("nobody's"))
}

// causeIsKept has a cause with every part, when a consent is made and later.
func causeIsKept(t *testing.T, b *bundle) {
	t.Helper()
	cause := consent.Cause{By: consent.ByTPP, Who: "A", Certificate: "f0", RequestID: "x-1", For: uuid.NewString()}
	c, err := consent.DefaultPolicy().New(uuid.Must(uuid.NewV7()), draft(), cause, start)
	require.NoError(t, err)
	run := newRun(c.ID)
	require.NoError(t, c.Start(authorisation(run)))
	require.NoError(t, b.Create(b.ctx, c, run))
	_, err = b.Update(b.ctx, c.ID, func(c *consent.Consent) error {
		c.Because(cause)
		return c.Terminate(start)
	})
	require.NoError(t, err)
	refused := refusal("A", start)
	refused.Cause = cause
	require.NoError(t, b.Refuse(b.ctx, refused, nil))
	entries := append(b.history(c.ID.String()), b.history(refused.Chain)...)
	require.GreaterOrEqual(t, len(entries), 3)
	for _, e := range entries {
		require.Equal(t, cause, e.Cause, "%+v", e)
	}
	require.Empty(t, b.faults())
}

func replacedIsRecorded(t *testing.T, b *bundle) {
	t.Helper()
	psu, customer, grants := b.person("lea")
	former, run := b.identified(draft(), psu, customer)
	require.NoError(t, b.finish(b.ctx, run, psu, grants, start))
	newer, run := b.identified(draft(), psu, customer)
	require.NoError(t, b.finish(b.ctx, run, psu, grants, start))
	last := b.history(former.ID.String())
	require.Equal(t, "5 system valid>expired replaced", steps(last)[4])
	require.Equal(t, 4, b.get(former.ID).Version)
	require.Len(t, b.history(newer.ID.String()), 4)
	require.Empty(t, b.faults())
}

func failureIsNotRecorded(t *testing.T, b *bundle) {
	t.Helper()
	c, run := b.create(draft())
	before, broken := b.chain(c.ID.String()), errors.New("no")
	_, err := b.Update(b.ctx, c.ID, func(c *consent.Consent) error {
		require.NoError(t, c.Terminate(start))
		return broken
	})
	require.ErrorIs(t, err, broken)
	err = b.Change(b.ctx, run.ID, func(_ *consent.Run, c *consent.Consent) error {
		require.NoError(t, c.Terminate(start))
		return broken
	})
	require.ErrorIs(t, err, broken)
	_, err = b.Update(b.ctx, c.ID, func(*consent.Consent) error { return nil })
	require.NoError(t, err)
	require.Equal(t, before, b.chain(c.ID.String()))

	same, again := newConsent(t, draft())
	again.Handle = run.Handle // taken: the whole of it fails
	require.Error(t, b.Create(b.ctx, same, again))
	require.Empty(t, b.history(same.ID.String()))
	require.Empty(t, b.faults())
}

// namedIsRecorded has the authorisation begin at psuIdentified, which the first
// entry does not say.
func namedIsRecorded(t *testing.T, b *bundle) {
	t.Helper()
	for _, explicit := range []bool{false, true} {
		c, run := newConsent(t, draft(func(d *consent.Draft) { d.PSU = consent.Digest{1} }))
		c.Authorisations[0].Approach, c.Authorisations[0].Status = consent.Decoupled, consent.ScaPSUIdentified
		c.Authorisations[0].Named = consent.Digest{1}
		require.NoError(t, b.Create(b.ctx, c, run))
		if explicit {
			run = newRun(c.ID)
			_, err := b.AddRun(b.ctx, c.ID, run, func(c *consent.Consent) error {
				a := authorisation(run)
				a.Status, a.Named = consent.ScaPSUIdentified, consent.Digest{1}
				return c.Start(a)
			})
			require.NoError(t, err)
		}
		_, err := b.Update(b.ctx, c.ID, func(c *consent.Consent) error { return c.Fail(run.Authorisation, start) })
		require.NoError(t, err)
		require.Empty(t, b.faults())
	}
}

func refusalsAreChained(t *testing.T, b *bundle) {
	t.Helper()
	next := start.AddDate(0, 0, 1)
	for _, e := range []consent.Entry{refusal("A", start), refusal("A", start.Add(time.Second)), refusal("B", start), refusal("A", next)} {
		require.NoError(t, b.Refuse(b.ctx, e, nil))
	}
	day := consent.RefusedChain("A", consent.DateOf(start, time.UTC))
	entries := b.history(day)
	want := refusal("A", start)
	want.Seq, want.MAC = 1, entries[0].Sign(b.Keys, nil)
	require.Equal(t, want, entries[0])
	require.Equal(t, ledger.Chain{Name: day, Entries: entries, Count: 2, Head: entries[1].Head(b.Keys)}, b.chain(day))
	require.Len(t, b.history(consent.RefusedChain("B", consent.DateOf(start, time.UTC))), 1)
	require.Len(t, b.history(consent.RefusedChain("A", consent.DateOf(next, time.UTC))), 1)
	require.Empty(t, b.faults())
}

// everyChain has more chains than are read at once.
func everyChain(t *testing.T, b *bundle) {
	t.Helper()
	want := map[string]int{}
	for i := range 405 {
		tpp := fmt.Sprintf("T%d", i)
		require.NoError(t, b.Refuse(b.ctx, refusal(tpp, start), nil))
		want[consent.RefusedChain(tpp, consent.DateOf(start, time.UTC))] = 1
	}
	for range 405 {
		c, _ := b.create(draft())
		want[c.ID.String()] = 1
	}
	lost := uuid.New()
	b.Exec(t, `INSERT INTO audit_entries SELECT $1, seq, at, actor, who, on_behalf, certificate, request_id, authorisation_id, from_status,
 to_status, reason, operation, mac FROM audit_entries WHERE chain = $2`, lost.String(), consent.RefusedChain("T0", consent.DateOf(start, time.UTC)))
	got := map[string]int{}
	require.NoError(t, b.Chains(b.ctx, func(c ledger.Chain) error {
		if c.Lost {
			require.Equal(t, lost.String(), c.Name)
			return nil
		}
		got[c.Name] += len(c.Entries)
		require.Len(t, c.Entries, c.Count)
		return nil
	}))
	require.Equal(t, want, got)
	enough, seen := errors.New("enough"), 0
	require.ErrorIs(t, b.Chains(b.ctx, func(ledger.Chain) error { seen++; return enough }), enough)
	require.Equal(t, 1, seen)
}
