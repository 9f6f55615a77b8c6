package storagetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/ledger"
)

func testTampering(t *testing.T, open Open) {
	runAll(t, open, map[string]func(*testing.T, *bundle){
		"an entry that was edited is found, in every column": editedEntries,
		"removed, inserted, moved and cut entries are found": rearrangedEntries,
		"what the entries belong to is held against them":    editedOwners,
		"what was set back or removed whole is another sum":  setBack,
		"an edited TPP or token is found, in every column":   editedRows,
		"a removed TPP or token is found, and one put in":    removedRows,
		"an edit is found that a change came after":          editedThenChanged,
	})
}

// victim is a chain of five entries, and what says where it ends.
type victim struct {
	chain                  string
	table, key, count, end string // of the row that says so
}

// victims are a consent's chain and one of refused calls. No two have a name in
// common, nor with any that were made before.
func (b *bundle) victims() []victim {
	b.t.Helper()
	psu, customer, grants := b.person("lea")
	c, run := b.identified(draft(func(d *consent.Draft) { d.TPP = uuid.NewString() }), psu, customer)
	require.NoError(b.t, b.Change(b.ctx, run.ID, func(_ *consent.Run, c *consent.Consent) error {
		return c.Advance(run.Authorisation, consent.ScaStarted, start)
	}))
	require.NoError(b.t, b.finish(b.ctx, run, psu, grants, start))
	tpp := uuid.NewString()
	for i := range 5 {
		require.NoError(b.t, b.Refuse(b.ctx, refusal(tpp, start.Add(time.Duration(i)*time.Second)), nil))
	}
	own := victim{chain: c.ID.String(), table: "consents", key: "CAST(id AS text)", count: "audit_count", end: "audit_head"}
	day := consent.RefusedChain(tpp, consent.DateOf(start, time.UTC))
	refused := victim{chain: day, table: "audit_chains", key: "chain", count: "count", end: "head"}
	for _, v := range []victim{own, refused} {
		require.Len(b.t, b.history(v.chain), 5)
	}
	return []victim{own, refused}
}

// tamper runs statements, in which $1 is the chain, and wants the chain to be
// found out, and no other one but those of before.
func (b *bundle) tamper(what string, v victim, statements ...string) {
	b.t.Helper()
	for _, s := range statements {
		b.Exec(b.t, s, v.chain)
	}
	found := false
	b.tampered = append(b.tampered, v.chain)
	for _, f := range b.found() {
		found = found || f.Chain == v.chain
		require.Contains(b.t, b.tampered, f.Chain, "%s of %s: others are not to blame", what, v.table)
	}
	require.True(b.t, found, "%s of %s", what, v.table)
}

const (
	entryAt = "UPDATE audit_entries SET %s = %s WHERE chain = $1 AND seq = %d"
	macOf   = "(SELECT o.mac FROM audit_entries o WHERE o.chain = $1 AND o.seq = %d)"
	// copied is an entry with another number.
	copied = `INSERT INTO audit_entries SELECT chain, %d, at, actor, who, on_behalf, certificate, request_id, authorisation_id,
 from_status, to_status, reason, operation, mac FROM audit_entries WHERE chain = $1 AND seq = %d`
	cut   = "DELETE FROM audit_entries WHERE chain = $1 AND seq > %d"
	shift = "UPDATE audit_entries SET seq = seq + %d WHERE chain = $1 AND seq %s"
)

func editedEntries(t *testing.T, b *bundle) {
	t.Helper()
	require.Empty(t, b.faults())
	for _, seq := range []int{1, 3, 5} {
		for column, value := range map[string]string{
			"seq": "99", "at": "'2026-03-01T12:00:00.123457Z'", "actor": "'aspsp'", "who": "'somebody'", "on_behalf": "'another'",
			"certificate": "'ff'", "request_id": "'99391c7e-ad88-49ec-a2ad-99ddcb1f7721'",
			"authorisation_id": "'00000000-0000-4000-8000-000000000001'", "from_status": "'suspended'", "to_status": "'expired'",
			"reason": "'bank'", "operation": "'DELETE'", "mac": fmt.Sprintf(macOf, seq%5+1),
		} {
			for _, v := range b.victims() {
				b.tamper(fmt.Sprintf("%s of entry %d", column, seq), v, fmt.Sprintf(entryAt, column, value, seq))
			}
		}
	}
}

// owner is the statement that edits what says where a chain ends.
func (v victim) owner(count int, end string) string {
	return fmt.Sprintf("UPDATE %s SET %s = %d, %s = %s WHERE %s = $1", v.table, v.count, count, v.end, end, v.key)
}

func rearrangedEntries(t *testing.T, b *bundle) {
	t.Helper()
	require.Empty(t, b.faults())
	for _, tricks := range []func(v, other victim) map[string][]string{removals, insertions} {
		for name := range tricks(victim{}, victim{}) {
			others := b.victims()
			for i, v := range b.victims() {
				b.tamper(name, v, tricks(v, others[i])[name]...)
			}
		}
	}
}

// removals take entries out of a chain.
func removals(v, _ victim) map[string][]string {
	one := "DELETE FROM audit_entries WHERE chain = $1 AND seq = %d"
	return map[string][]string{
		"the first removed":  {fmt.Sprintf(one, 1)},
		"the middle removed": {fmt.Sprintf(one, 3)},
		"the first removed, and the gap closed": {
			fmt.Sprintf(one, 1), fmt.Sprintf(shift, 100, "> 1"), fmt.Sprintf(shift, -101, "> 100"), v.owner(4, v.end),
		},
		"the middle removed, and the gap closed": {
			fmt.Sprintf(one, 3), fmt.Sprintf(shift, 100, "> 3"), fmt.Sprintf(shift, -101, "> 100"), v.owner(4, v.end),
		},
		"the last cut":                 {fmt.Sprintf(cut, 4)},
		"the last three cut":           {fmt.Sprintf(cut, 2)},
		"all removed":                  {fmt.Sprintf(cut, 0)},
		"cut, and the count with them": {fmt.Sprintf(cut, 3), v.owner(3, v.end)},
		"cut, with the count and an end made of what is left": {fmt.Sprintf(cut, 3), v.owner(3, fmt.Sprintf(macOf, 3))},
		"only the count": {v.owner(6, v.end)},
		"only the end":   {v.owner(5, fmt.Sprintf(macOf, 5))},
	}
}

// insertions put entries into a chain, or change their order.
func insertions(v, other victim) map[string][]string {
	return map[string][]string{
		"the last again, and the count":  {fmt.Sprintf(copied, 6, 5), v.owner(6, v.end)},
		"the last again, without a word": {fmt.Sprintf(copied, 6, 5)},
		"one put in between": {
			fmt.Sprintf(shift, 100, "> 2"), fmt.Sprintf(shift, -99, "> 100"), fmt.Sprintf(copied, 3, 2), v.owner(6, v.end),
		},
		"one forged at the end": {
			fmt.Sprintf(copied, 6, 5), fmt.Sprintf(entryAt, "who", "'nobody'", 6),
			fmt.Sprintf(entryAt, "mac", fmt.Sprintf(macOf, 1), 6), v.owner(6, fmt.Sprintf(macOf, 6)),
		},
		"two swapped": {fmt.Sprintf(shift, 100, "= 3"), fmt.Sprintf(shift, -1, "= 4"), fmt.Sprintf(shift, -99, "= 103")},
		"one taken from another chain": {
			fmt.Sprintf(cut, 4),
			"INSERT INTO audit_entries SELECT $1, seq, at, actor, who, on_behalf, certificate, request_id, authorisation_id, from_status," +
				" to_status, reason, operation, mac FROM audit_entries WHERE chain = '" + other.chain + "' AND seq = 5",
		},
	}
}

func editedOwners(t *testing.T, b *bundle) {
	t.Helper()
	require.Empty(t, b.faults())
	status := "UPDATE consents SET status = '%s' WHERE id = $1"
	for _, s := range []consent.Status{consent.Received, consent.Suspended, consent.Revoked, consent.Expired} {
		b.tamper("edited to "+string(s), b.victims()[0], fmt.Sprintf(status, s))
	}
	b.tamper("every entry removed, as if there never were any", b.victims()[0],
		fmt.Sprintf(cut, 0), "UPDATE consents SET audit_count = 0, audit_head = NULL WHERE id = $1")
	b.tamper("a head that is none", b.victims()[0], "UPDATE consents SET audit_head = '' WHERE id = $1")
	b.tamper("removed", b.victims()[0],
		"DELETE FROM current_consents WHERE consent_id = $1", "DELETE FROM consent_grants WHERE consent_id = $1",
		"DELETE FROM flow_runs WHERE consent_id = $1", "DELETE FROM authorisations WHERE consent_id = $1",
		"DELETE FROM consents WHERE id = $1")
	b.tamper("removed", b.victims()[1], "DELETE FROM audit_chains WHERE chain = $1")
	b.tamper("every entry removed, as if there never were any", b.victims()[1],
		fmt.Sprintf(cut, 0), "UPDATE audit_chains SET count = 0, head = '' WHERE chain = $1")
}

// setBack does what no fault shows, for it leaves nothing behind that could: the
// digest of another moment is what shows it.
func setBack(t *testing.T, b *bundle) {
	t.Helper()
	digest := func() string {
		v, err := b.ledger().Verify(b.ctx, func(f ledger.Fault) { require.Fail(t, f.String()) })
		require.NoError(t, err)
		return string(v.Digest)
	}
	empty := digest()
	c, _ := b.create(draft())
	made := digest()
	_, err := b.Update(b.ctx, c.ID, func(c *consent.Consent) error { return c.Terminate(start) })
	require.NoError(t, err)
	ended := digest()
	require.NoError(t, b.Refuse(b.ctx, refusal("A", start), nil))
	refused := digest()
	for i, d := range []string{empty, made, ended, refused} {
		require.NotContains(t, []string{empty, made, ended, refused}[i+1:], d, "each is another")
	}

	b.Exec(t, "DELETE FROM audit_entries WHERE chain LIKE 'refused/%'")
	b.Exec(t, "DELETE FROM audit_chains")
	require.Equal(t, ended, digest(), "a day of refusals is gone")
	first := b.history(c.ID.String())[0]
	b.Exec(t, fmt.Sprintf(cut, 1), c.ID.String())
	b.Exec(t, "UPDATE consents SET status = 'received', audit_count = 1, audit_head = $2 WHERE id = $1", c.ID.String(), first.Head(b.Keys))
	require.Equal(t, made, digest(), "the consent is as it was")
	for _, s := range []string{"flow_runs WHERE consent_id", "authorisations WHERE consent_id", "audit_entries WHERE chain", "consents WHERE id"} {
		b.Exec(t, "DELETE FROM "+s+" = $1", c.ID.String())
	}
	require.Equal(t, empty, digest(), "the consent is gone")
}
