package office_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/office"
)

func TestActsThatAreNotWellFormed(t *testing.T) {
	t.Parallel()
	one := []uuid.UUID{uuid.New()}
	for name, c := range map[string]struct {
		act  office.Act
		path string
	}{
		"no verb":               {office.Act{TPP: "demo"}, "action"},
		"another verb":          {office.Act{Verb: "delete", TPP: "demo"}, "action"},
		"no target":             {office.Act{Verb: office.Revoke}, "consentIds"},
		"two targets":           {office.Act{Verb: office.Revoke, TPP: "demo", Account: "r1"}, "consentIds"},
		"consents and a TPP":    {office.Act{Verb: office.Revoke, TPP: "demo", Consents: one}, "consentIds"},
		"too many consents":     {office.Act{Verb: office.Revoke, Consents: make([]uuid.UUID, 101)}, "consentIds"},
		"a customer's reason":   {office.Act{Verb: office.Revoke, TPP: "demo", Reason: consent.ReasonWithdrawn}, "reason"},
		"a long note":           {office.Act{Verb: office.Revoke, TPP: "demo", Note: strings.Repeat("ä", 501)}, "note"},
		"a note of two lines":   {office.Act{Verb: office.Revoke, TPP: "demo", Note: "one\ntwo"}, "note"},
		"a note turned around":  {office.Act{Verb: office.Revoke, TPP: "demo", Note: "a\u202eb"}, "note"},
		"a note that is broken": {office.Act{Verb: office.Revoke, TPP: "demo", Note: "\xff"}, "note"},
		"a long TPP":            {office.Act{Verb: office.Revoke, TPP: strings.Repeat("x", 257)}, "tppId"},
		"an IBAN for a TPP":     {office.Act{Verb: office.Revoke, TPP: "DE40100100103307118608"}, "tppId"},
		"an IBAN":               {office.Act{Verb: office.Revoke, Account: "DE40100100103307118608"}, "accountId"},
		"a long account":        {office.Act{Verb: office.Revoke, Account: strings.Repeat("x", 41)}, "accountId"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			_, err := w.Do(t.Context(), by("staff/sam"), c.act)
			require.Equal(t, consent.CodeFormat, consent.CodeOf(err))
			require.ErrorContains(t, err, c.path)
			_, err = w.Preview(t.Context(), by("staff/sam"), c.act)
			require.Equal(t, consent.CodeFormat, consent.CodeOf(err))
			require.Empty(t, w.store.entries)
		})
	}
}

func TestOneConsent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		verb  office.Verb
		from  consent.Status
		to    consent.Status
		count int
		code  consent.Code
	}{
		"revoke a valid one":    {office.Revoke, consent.Valid, consent.Revoked, 1, ""},
		"revoke a waiting one":  {office.Revoke, consent.Received, consent.Revoked, 1, ""},
		"revoke one that ended": {office.Revoke, consent.Expired, consent.Expired, 0, ""},
		"suspend":               {office.Suspend, consent.Valid, consent.Suspended, 1, ""},
		"suspend a waiting one": {office.Suspend, consent.Received, consent.Received, 0, consent.CodeStatusInvalid},
		"resume":                {office.Resume, consent.Suspended, consent.Valid, 1, ""},
		"resume a valid one":    {office.Resume, consent.Valid, consent.Valid, 0, consent.CodeStatusInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			id := w.add(t, "demo", c.from)
			out, err := w.Do(t.Context(), by("staff/sam"), office.Act{
				Verb: c.verb, Consents: []uuid.UUID{id}, Reason: consent.ReasonFraud, Note: " case 17 ",
			})
			if c.code != "" {
				require.Equal(t, c.code, consent.CodeOf(err))
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, office.Outcome{Count: c.count}, out)
			require.Equal(t, c.to, w.status(id))
			require.Len(t, w.store.entries, c.count)
			if c.count > 0 {
				e := w.store.entries[0]
				assert.Equal(t, "staff/sam", e.Who)
				assert.Equal(t, "case 17", e.Operation)
				assert.Equal(t, "call-1", e.RequestID)
			}
		})
	}
}

// What was paid while a consent was paused counts: one that is used up by it is over.
func TestResumeCountsWhatWasPaid(t *testing.T) {
	t.Parallel()
	aed := func(minor int64) consent.Money { return consent.Money{Minor: minor, Currency: "AED"} }
	for name, c := range map[string]struct {
		log  []consent.Payment
		bulk bool
		to   consent.Status
	}{
		"nothing":            {nil, false, consent.Valid},
		"less than all":      {[]consent.Payment{{Status: consent.PaymentSettled, Amount: aed(400)}}, false, consent.Valid},
		"all":                {[]consent.Payment{{Status: consent.PaymentCredited, Amount: aed(1000)}}, false, consent.Consumed},
		"all, among others":  {[]consent.Payment{{Status: consent.PaymentCredited, Amount: aed(1000)}}, true, consent.Consumed},
		"all, but under way": {[]consent.Payment{{Status: consent.PaymentPending, Amount: aed(1000)}}, false, consent.Valid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			id := w.add(t, "demo", consent.Suspended, func(x *consent.Consent) {
				x.Kind, x.Rail = consent.Payments, consent.RailManager
				x.Staged = &consent.Staged{Payment: &consent.PaymentTerms{Schedule: consent.VariableOnDemand, Currency: "AED", MaxTotal: aed(1000)}}
			})
			w.store.payments = map[uuid.UUID][]consent.Payment{id: c.log}
			act := office.Act{Verb: office.Resume, Consents: []uuid.UUID{id}}
			if c.bulk {
				act = office.Act{Verb: office.Resume, TPP: "demo"}
			}
			out, err := w.Do(t.Context(), by("staff/sam"), act)
			require.NoError(t, err)
			require.Equal(t, office.Outcome{Count: 1}, out)
			require.Equal(t, c.to, w.status(id))
			require.Equal(t, string(consent.Valid), w.store.entries[0].To, "it was resumed")
			require.Equal(t, "staff/sam", w.store.entries[0].Who)
			if c.to == consent.Consumed {
				require.Equal(t, consent.Ending{By: consent.BySystem, Reason: consent.ReasonUsedUp}, w.store.consents[id].Ending)
			}
		})
	}
}

func TestUnknownConsents(t *testing.T) {
	t.Parallel()
	w := setup(t)
	known := w.add(t, "demo", consent.Valid)
	for name, ids := range map[string][]uuid.UUID{"alone": {uuid.New()}, "among others": {known, uuid.New()}} {
		_, err := w.Do(t.Context(), by("staff/sam"), office.Act{Verb: office.Revoke, Consents: ids})
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err), name)
	}
	require.Equal(t, consent.Valid, w.status(known), "nothing was done")
}

func TestBulkOverPages(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var mine, waiting []uuid.UUID
	for i := range 250 {
		mine = append(mine, w.add(t, "acme", consent.Valid, func(c *consent.Consent) {
			c.Kind = []consent.Kind{consent.AccountAccess, consent.FundsConfirmation, consent.Connection, consent.Payments}[i%4]
		}))
		waiting = append(waiting, w.add(t, "acme", consent.Received))
	}
	others := w.add(t, "demo", consent.Valid)
	over := w.add(t, "acme", consent.Valid, func(c *consent.Consent) { c.EndsAt = noon })

	n, err := w.Preview(t.Context(), by("staff/sam"), office.Act{Verb: office.Suspend, TPP: "acme"})
	require.NoError(t, err)
	require.Equal(t, 250, n)
	w.store.asked = nil
	out, err := w.Do(t.Context(), by("staff/sam"), office.Act{Verb: office.Suspend, TPP: "acme", Reason: consent.ReasonTPPTrouble})
	require.NoError(t, err)
	require.Equal(t, 250, out.Count)
	require.Len(t, w.store.asked, 3, "pages")
	for _, id := range mine {
		require.Equal(t, consent.Suspended, w.status(id))
		require.Equal(t, consent.ReasonTPPTrouble, w.store.consents[id].Suspension.Reason)
	}
	for _, id := range waiting {
		require.Equal(t, consent.Received, w.status(id))
	}
	require.Equal(t, consent.Valid, w.status(others))
	require.Equal(t, consent.Valid, w.status(over), "time has ended it, and not we")
	for _, e := range w.store.entries {
		require.Equal(t, "call-1", e.RequestID, "one cause for all")
	}

	out, err = w.Do(t.Context(), by("staff/sam"), office.Act{Verb: office.Revoke, TPP: "acme"})
	require.NoError(t, err)
	require.Equal(t, 500, out.Count)
	out, err = w.Do(t.Context(), by("staff/sam"), office.Act{Verb: office.Revoke, TPP: "acme"})
	require.NoError(t, err)
	require.Zero(t, out.Count, "the second time there is nothing left")
}

func TestBulkOfAnAccount(t *testing.T) {
	t.Parallel()
	w := setup(t)
	account := uuid.New()
	w.store.bankIDs[account] = "r1"
	shares := func(c *consent.Consent) { c.Access.Grants = []consent.Grant{{AccountID: account}} }
	mine, other := w.add(t, "acme", consent.Valid, shares), w.add(t, "acme", consent.Valid)
	out, err := w.Do(t.Context(), by("staff/sam"), office.Act{Verb: office.Revoke, Account: "r1"})
	require.NoError(t, err)
	require.Equal(t, 1, out.Count)
	require.Equal(t, consent.Revoked, w.status(mine))
	require.Equal(t, consent.Ending{By: consent.ByASPSP, Reason: consent.ReasonBank}, w.store.consents[mine].Ending)
	require.Equal(t, consent.Valid, w.status(other))
}

// TestInVain: an act that changes nothing leaves a trace of who has tried it.
func TestInVain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	over := w.add(t, "demo", consent.Revoked)
	unknown := uuid.New()
	for i, c := range []struct {
		act  office.Act
		code consent.Code
		what string
	}{
		{office.Act{Verb: office.Revoke, TPP: "nobody"}, "", `in vain: revoke tpp="nobody"`},
		{office.Act{Verb: office.Revoke, Consents: []uuid.UUID{over}}, "", "in vain: revoke consent=" + over.String()},
		{office.Act{Verb: office.Resume, Consents: []uuid.UUID{over}}, consent.CodeStatusInvalid, "in vain: resume consent=" + over.String()},
		{office.Act{Verb: office.Revoke, Consents: []uuid.UUID{unknown}}, consent.CodeNotFound, "in vain: revoke consent=" + unknown.String()},
	} {
		_, err := w.Do(t.Context(), by("staff/mia"), c.act)
		if c.code == "" {
			require.NoError(t, err, c.what)
		} else {
			require.Equal(t, c.code, consent.CodeOf(err), c.what)
		}
		require.Len(t, w.store.looks, i+1)
		require.Equal(t, []string{c.what, "staff/mia"}, []string{w.store.looks[i].Operation, w.store.looks[i].Who})
	}
	w.store.lookDown = true
	_, err := w.Do(t.Context(), by("staff/mia"), office.Act{Verb: office.Revoke, Consents: []uuid.UUID{unknown}})
	require.NotEqual(t, consent.CodeNotFound, consent.CodeOf(err), "nothing is told that was not written down")
	w.store.lookDown = false
	w.add(t, "demo", consent.Valid)
	_, err = w.Do(t.Context(), by("staff/mia"), office.Act{Verb: office.Revoke, TPP: "demo"})
	require.NoError(t, err)
	require.Len(t, w.store.looks, 4, "its entries tell of it")
}

func TestBulkGoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var ids []uuid.UUID
	for range 3 {
		ids = append(ids, w.add(t, "acme", consent.Valid))
	}
	w.store.broken[ids[1]] = true
	out, err := w.Do(t.Context(), by("staff/sam"), office.Act{Verb: office.Revoke, TPP: "acme"})
	require.ErrorIs(t, err, errDown)
	require.ErrorContains(t, err, ids[1].String())
	require.Equal(t, 2, out.Count)

	w.store.broken = nil
	out, err = w.Do(t.Context(), by("staff/sam"), office.Act{Verb: office.Revoke, TPP: "acme"})
	require.NoError(t, err, "the same again goes on")
	require.Equal(t, 1, out.Count)
}

// Somebody else ends a consent between the look-up and the change.
func TestBulkPassesOverWhatCannotBeMoved(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first, second := w.add(t, "acme", consent.Valid), w.add(t, "acme", consent.Valid)
	w.store.crash = func(id uuid.UUID) error {
		if id == first {
			w.store.consents[first].Status = consent.Revoked
		}
		return nil
	}
	out, err := w.Do(t.Context(), by("staff/sam"), office.Act{Verb: office.Suspend, Consents: []uuid.UUID{first, second}})
	require.NoError(t, err)
	require.Equal(t, 1, out.Count)
	require.Equal(t, consent.Suspended, w.status(second))
}
