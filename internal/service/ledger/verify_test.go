package ledger_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service/ledger"
)

// chains is a store with these.
type chains struct {
	ledger.Store
	list []ledger.Chain
}

func (s chains) Chains(_ context.Context, visit func(ledger.Chain) error) error {
	for _, c := range s.list {
		if err := visit(c); err != nil {
			return err
		}
	}
	return nil
}

// signed is a chain of a consent in a state, whose signatures are all right.
func signed(keys *secret.Keys, is consent.Status, entries ...consent.Entry) ledger.Chain {
	c := ledger.Chain{Name: "c", Consent: is, Count: len(entries)}
	for i, e := range entries {
		e.Chain, e.Seq, e.At = "c", i+1, begin
		e.MAC = e.Sign(keys, c.Head)
		c.Head = e.Head(keys)
		c.Entries = append(c.Entries, e)
	}
	return c
}

// TestVerifyStates has chains that somebody with the key has written, and this
// program would not have.
func TestVerifyStates(t *testing.T) {
	keys, err := secret.New(secret.NewMaster())
	require.NoError(t, err)
	one, two := uuid.New(), uuid.New()
	of := func(a uuid.UUID, from, to string) consent.Entry {
		return consent.Entry{Authorisation: a, From: from, To: to}
	}
	for name, x := range map[string]struct {
		is      consent.Status
		entries []consent.Entry
		want    []string
	}{
		"as it should be": {is: "valid", entries: []consent.Entry{
			of(one, "", "received"), of(one, "received", "failed"), of(two, "", "psuIdentified"), of(two, "psuIdentified", "finalised"),
			of(uuid.Nil, "received", "valid"),
		}},
		"made without an authorisation": {is: "revoked", entries: []consent.Entry{
			of(uuid.Nil, "", "received"), of(one, "", "received"), of(one, "received", "failed"), of(uuid.Nil, "received", "revoked"),
		}},
		"made for a named PSU": {is: "received", entries: []consent.Entry{of(one, "", "received"), of(one, "psuIdentified", "failed")}},
		"the first authorisation begins late": {
			is: "received", entries: []consent.Entry{of(one, "", "received"), of(one, "started", "failed")},
			want: []string{`c, entry 2: "started" cannot follow as "failed"`},
		},
		"a further one begins late": {
			is: "received", entries: []consent.Entry{of(one, "", "received"), of(two, "", "finalised")},
			want: []string{`c, entry 2: "" cannot follow as "finalised"`},
		},
		"a further one out of nowhere": {
			is: "received", entries: []consent.Entry{of(one, "", "received"), of(two, "received", "failed")},
			want: []string{`c, entry 2: "received" cannot follow as "failed"`},
		},
		"back": {
			is: "received", entries: []consent.Entry{of(one, "", "received"), of(one, "received", "started"), of(one, "started", "received")},
			want: []string{`c, entry 3: "started" cannot follow as "received"`},
		},
		"out of a final state": {
			is: "valid", entries: []consent.Entry{
				of(uuid.Nil, "", "received"), of(uuid.Nil, "received", "revoked"), of(uuid.Nil, "revoked", "valid"),
			},
			want: []string{`c, entry 3: "revoked" cannot follow as "valid"`},
		},
		"from elsewhere": {
			is: "expired", entries: []consent.Entry{of(uuid.Nil, "", "received"), of(uuid.Nil, "valid", "expired")},
			want: []string{`c, entry 2: "valid" cannot follow as "expired"`},
		},
		"made twice": {
			is: "received", entries: []consent.Entry{of(uuid.Nil, "", "received"), of(uuid.Nil, "", "received")},
			want: []string{`c, entry 2: "" cannot follow as "received"`},
		},
		"made valid": {
			is: "valid", entries: []consent.Entry{of(uuid.Nil, "", "valid")},
			want: []string{`c, entry 1: "" cannot follow as "valid"`},
		},
		"the consent is in another state": {
			is: "valid", entries: []consent.Entry{of(uuid.Nil, "", "received")},
			want: []string{`c: ends as "received", and the consent is "valid"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := &ledger.Ledger{Keys: keys, Store: chains{list: []ledger.Chain{signed(keys, x.is, x.entries...)}}}
			var got []string
			v, err := l.Verify(t.Context(), func(f ledger.Fault) { got = append(got, f.String()) })
			require.NoError(t, err)
			require.Equal(t, x.want, got)
			require.Equal(t, ledger.Verified{Chains: 1, Entries: len(x.entries), Faults: len(x.want)}, v)
		})
	}
}

// TestVerifySays is what a person is told of what was found.
func TestVerifySays(t *testing.T) {
	keys, err := secret.New(secret.NewMaster())
	require.NoError(t, err)
	good := func() ledger.Chain {
		return signed(keys, "", consent.Entry{Reason: "a"}, consent.Entry{Reason: "b"}, consent.Entry{Reason: "c"})
	}
	for name, x := range map[string]struct {
		edit func(*ledger.Chain)
		want []string
	}{
		"nothing": {edit: func(*ledger.Chain) {}},
		"an edit": {edit: func(c *ledger.Chain) { c.Entries[1].Reason = "x" }, want: []string{"c, entry 2: was changed, or put where it does not belong"}},
		"a gap":   {edit: func(c *ledger.Chain) { c.Entries = append(c.Entries[:1:1], c.Entries[2]) }, want: []string{"c, entry 3: stands where 2 should", "c: 2 entries, not 3"}},
		"a cut":   {edit: func(c *ledger.Chain) { c.Entries = c.Entries[:2] }, want: []string{"c: 2 entries, not 3"}},
		"a neat cut": {
			edit: func(c *ledger.Chain) { c.Entries, c.Count, c.Head = c.Entries[:2], 2, c.Entries[1].MAC },
			want: []string{"c: does not end as its consent, or its day, says"},
		},
		"emptied": {
			edit: func(c *ledger.Chain) { c.Entries, c.Count, c.Head = nil, 0, nil },
			want: []string{"c: has no entries: nothing is kept without one"},
		},
		"lost": {
			edit: func(c *ledger.Chain) { *c = ledger.Chain{Name: "c", Lost: true} },
			want: []string{"c: entries of a consent, or of a day, that is not there"},
		},
		"another key": {
			edit: func(c *ledger.Chain) {
				other, err := secret.New(secret.NewMaster())
				require.NoError(t, err)
				*c = signed(other, "", consent.Entry{Reason: "a"})
			},
			want: []string{"c, entry 1: was changed, or put where it does not belong", "c: does not end as its consent, or its day, says"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := good()
			x.edit(&c)
			l := &ledger.Ledger{Keys: keys, Store: chains{list: []ledger.Chain{good(), c}}}
			var got []string
			v, err := l.Verify(t.Context(), func(f ledger.Fault) { got = append(got, f.String()) })
			require.NoError(t, err)
			require.Equal(t, x.want, got)
			require.Equal(t, []int{2, len(x.want)}, []int{v.Chains, v.Faults})
		})
	}
}
