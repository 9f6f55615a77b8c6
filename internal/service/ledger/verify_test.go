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
	c := signedAs(keys, "c", entries...)
	c.Consent = is
	return c
}

// signedAs is a chain of a name, of what was refused.
func signedAs(keys *secret.Keys, name string, entries ...consent.Entry) ledger.Chain {
	c := ledger.Chain{Name: name, Count: len(entries)}
	for i, e := range entries {
		e.Chain, e.Seq, e.At = name, i+1, begin
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
	adopted := func(to string) consent.Entry {
		return consent.Entry{Cause: consent.Cause{By: consent.BySystem}, To: to, Reason: consent.ReasonAdopted}
	}
	forwarded := func(by consent.Actor, to string) consent.Entry {
		return consent.Entry{Cause: consent.Cause{By: by}, To: to, Reason: string(consent.ReasonForwarded)}
	}
	aside := func(why consent.Reason, from, to string) consent.Entry {
		return consent.Entry{Cause: consent.Cause{By: consent.ByASPSP}, From: from, To: to, Reason: string(why)}
	}
	made := of(uuid.Nil, "", "received")
	renewed := func(to string) consent.Entry {
		return consent.Entry{Cause: consent.Cause{By: consent.ByTPP}, From: "valid", To: to, Reason: string(consent.ReasonRenewed)}
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
		"made by a browser in a TPP's name": {is: "received", entries: []consent.Entry{
			{Cause: consent.Cause{By: consent.BySystem}, Authorisation: one, To: "received"}, of(one, "received", "psuAuthenticated"),
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
		"forwarded, renewed and replaced": {is: "expired", entries: []consent.Entry{
			forwarded(consent.ByTPP, "valid"), renewed("valid"), of(uuid.Nil, "valid", "suspended"), of(uuid.Nil, "suspended", "valid"),
			renewed("valid"), of(uuid.Nil, "valid", "expired"),
		}},
		"forwarded by nobody": {
			is: "valid", entries: []consent.Entry{forwarded(consent.BySystem, "valid")}, want: []string{`c, entry 1: "" cannot follow as "valid"`},
		},
		"forwarded as if it had been ended": {
			is: "revoked", entries: []consent.Entry{forwarded(consent.ByTPP, "revoked")}, want: []string{`c, entry 1: "" cannot follow as "revoked"`},
		},
		"forwarded later on": {
			is: "valid", entries: []consent.Entry{of(one, "", "received"), forwarded(consent.ByTPP, "valid")},
			want: []string{`c, entry 2: "" cannot follow as "valid"`},
		},
		"amended, agreed to and paid by until it is used up": {is: "consumed", entries: []consent.Entry{
			made, aside(consent.ReasonAmended, "received", "received"), of(uuid.Nil, "received", "valid"), aside(consent.ReasonPayment, "valid", "valid"),
			of(uuid.Nil, "valid", "consumed"), aside(consent.ReasonPayment, "consumed", "consumed"),
		}},
		"amended in another state": {
			is: "received", entries: []consent.Entry{made, aside(consent.ReasonAmended, "valid", "valid")},
			want: []string{`c, entry 2: "valid" cannot follow as "valid"`},
		},
		"amended into another state": {
			is: "received", entries: []consent.Entry{made, aside(consent.ReasonAmended, "received", "valid")},
			want: []string{`c, entry 2: "received" cannot follow as "valid"`},
		},
		"amended once it has ended": {
			is: "rejected", entries: []consent.Entry{made, of(uuid.Nil, "received", "rejected"), aside(consent.ReasonAmended, "rejected", "rejected")},
			want: []string{`c, entry 3: "rejected" cannot follow as "rejected"`},
		},
		"paid by before anybody has agreed": {
			is: "received", entries: []consent.Entry{made, aside(consent.ReasonPayment, "received", "received")},
			want: []string{`c, entry 2: "received" cannot follow as "received"`},
		},
		"the same state for another reason": {
			is: "valid", entries: []consent.Entry{made, of(uuid.Nil, "received", "valid"), aside(consent.ReasonBank, "valid", "valid")},
			want: []string{`c, entry 3: "valid" cannot follow as "valid"`},
		},
		"renewed once it has ended": {
			is: "valid", entries: []consent.Entry{forwarded(consent.ByTPP, "valid"), of(uuid.Nil, "valid", "revoked"), renewed("valid")},
			want: []string{`c, entry 3: "valid" cannot follow as "valid"`},
		},
		"renewed, which was not forwarded": {
			is: "valid", entries: []consent.Entry{of(uuid.Nil, "", "received"), of(uuid.Nil, "received", "valid"), renewed("valid")},
			want: []string{`c, entry 3: "valid" cannot follow as "valid"`},
		},
		"adopted, and ended": {is: "revoked", entries: []consent.Entry{adopted("valid"), of(uuid.Nil, "valid", "revoked")}},
		"adopted with authorisations under way, and another begun": {is: "revoked", entries: []consent.Entry{
			adopted("partiallyAuthorised"), of(one, "started", "failed"), of(two, "", "received"), of(two, "received", "failed"),
			of(uuid.Nil, "partiallyAuthorised", "revoked"),
		}},
		"adopted in a state that there is not": {
			is: "lost", entries: []consent.Entry{adopted("lost")}, want: []string{`c, entry 1: "" cannot follow as "lost"`},
		},
		"adopted by a TPP": {
			is: "valid", entries: []consent.Entry{{Cause: consent.Cause{By: consent.ByTPP}, To: "valid", Reason: consent.ReasonAdopted}},
			want: []string{`c, entry 1: "" cannot follow as "valid"`},
		},
		"adopted later on": {
			is: "valid", entries: []consent.Entry{of(one, "", "received"), adopted("valid")},
			want: []string{`c, entry 2: "" cannot follow as "valid"`},
		},
		"adopted, and an authorisation goes back": {
			is: "received", entries: []consent.Entry{adopted("received"), of(one, "started", "received")},
			want: []string{`c, entry 2: "started" cannot follow as "received"`},
		},
		"adopted, and an authorisation jumps": {
			is: "received", entries: []consent.Entry{adopted("received"), of(one, "received", "failed"), of(one, "received", "started")},
			want: []string{`c, entry 3: "received" cannot follow as "started"`},
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
			require.Equal(t, ledger.Verified{Chains: 1, Entries: len(x.entries), Faults: len(x.want), Digest: v.Digest}, v)
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
			want: []string{"c: does not end where it is said to"},
		},
		"emptied": {
			edit: func(c *ledger.Chain) { c.Entries, c.Count, c.Head = nil, 0, nil },
			want: []string{"c: has no entries: nothing is kept without one"},
		},
		"lost": {
			edit: func(c *ledger.Chain) { *c = ledger.Chain{Name: "c", Lost: true} },
			want: []string{"c: entries of something that is not there, or does not say where they end"},
		},
		"another key": {
			edit: func(c *ledger.Chain) {
				other, err := secret.New(secret.NewMaster())
				require.NoError(t, err)
				*c = signed(other, "", consent.Entry{Reason: "a"})
			},
			want: []string{"c, entry 1: was changed, or put where it does not belong", "c: does not end where it is said to"},
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

// pieces cuts a chain into pieces of n entries.
func pieces(c ledger.Chain, n int) []ledger.Chain {
	var list []ledger.Chain
	for all := c.Entries; len(all) > n; all = all[n:] {
		piece := c
		piece.Entries, piece.More = all[:n], true
		list, c.Entries = append(list, piece), all[n:]
	}
	return append(list, c)
}

// TestVerifyPieces has the same found whatever the pieces are in which a chain
// is read.
func TestVerifyPieces(t *testing.T) {
	keys, err := secret.New(secret.NewMaster())
	require.NoError(t, err)
	a := uuid.New()
	whole := func() ledger.Chain {
		return signed(keys, "revoked", consent.Entry{Authorisation: a, To: "received"},
			consent.Entry{Authorisation: a, From: "received", To: "started"}, consent.Entry{Authorisation: a, From: "started", To: "finalised"},
			consent.Entry{From: "received", To: "valid"}, consent.Entry{From: "valid", To: "revoked"})
	}
	for name, edit := range map[string]func(*ledger.Chain){
		"nothing": func(*ledger.Chain) {}, "an edit": func(c *ledger.Chain) { c.Entries[2].Who = "x" },
		"a gap": func(c *ledger.Chain) { c.Entries = append(c.Entries[:2:2], c.Entries[3:]...) },
		"a cut": func(c *ledger.Chain) { c.Entries = c.Entries[:4] }, "a state": func(c *ledger.Chain) { c.Consent = "valid" },
	} {
		verify := func(n int) (list []string, v ledger.Verified) {
			c := whole()
			edit(&c)
			l := &ledger.Ledger{Keys: keys, Store: chains{list: append(pieces(c, n), pieces(whole(), n)...)}}
			v, err := l.Verify(t.Context(), func(f ledger.Fault) { list = append(list, f.String()) })
			require.NoError(t, err)
			return list, v
		}
		want, all := verify(100)
		require.Equal(t, name != "nothing", len(want) > 0, name)
		require.Equal(t, 2, all.Chains)
		for n := 1; n < 5; n++ {
			got, v := verify(n)
			require.Equal(t, want, got, "%s, pieces of %d", name, n)
			require.Equal(t, all, v, "%s, pieces of %d", name, n)
		}
	}
}

// TestVerifyDigest takes away and adds what no fault shows.
func TestVerifyDigest(t *testing.T) {
	keys, err := secret.New(secret.NewMaster())
	require.NoError(t, err)
	chain := func(name string, reasons ...string) ledger.Chain {
		var entries []consent.Entry
		for _, r := range reasons {
			entries = append(entries, consent.Entry{Reason: r})
		}
		return signedAs(keys, name, entries...)
	}
	digest := func(list ...ledger.Chain) string {
		l := &ledger.Ledger{Keys: keys, Store: chains{list: list}}
		v, err := l.Verify(t.Context(), func(f ledger.Fault) { require.Fail(t, f.String()) })
		require.NoError(t, err)
		require.Len(t, v.Digest, 32)
		return string(v.Digest)
	}
	same := digest(chain("a", "x", "y"), chain("b", "x"))
	require.Equal(t, same, digest(chain("a", "x", "y"), chain("b", "x")))
	seen := map[string]string{same: "the same"}
	for name, list := range map[string][]ledger.Chain{
		"a chain taken away": {chain("a", "x", "y")}, "the other one": {chain("b", "x")},
		"a chain added": {chain("a", "x", "y"), chain("b", "x"), chain("c", "x")}, "set back": {chain("a", "x"), chain("b", "x")},
		"gone on": {chain("a", "x", "y", "z"), chain("b", "x")}, "gone another way": {chain("a", "x", "z"), chain("b", "x")},
		"another name": {chain("a", "x", "y"), chain("c", "x")},
	} {
		d := digest(list...)
		require.NotContains(t, seen, d, name)
		seen[d] = name
	}
}
