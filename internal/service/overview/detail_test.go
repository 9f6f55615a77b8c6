package overview_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/overview"
)

// TestParties: whom the customer pays is read where it can be; what cannot be read is
// said to be sealed.
func TestParties(t *testing.T) {
	for name, x := range map[string]struct {
		parties string
		keyless bool
		want    *overview.Parties
		sealed  bool
	}{
		"read":    {"jwe", false, &overview.Parties{CreditorName: "creditor of jwe"}, false},
		"broken":  {"broken", false, nil, true},
		"no key":  {"jwe", true, nil, true},
		"nobody":  {"", false, nil, false},
		"nothing": {"", true, nil, false},
	} {
		f := newFake()
		v := f.viewer("omar", "omar")
		if x.keyless {
			f.Opener = nil
		}
		c := f.add("omar", pays(consent.PaymentTerms{Schedule: consent.SingleInstant, Parties: x.parties}))
		f.payments[c.ID] = []consent.Payment{{ID: uuid.New(), Parties: x.parties, CreatedAt: noon}}
		d := f.detail(t, v, c.ID)
		require.Equal(t, []any{x.want, x.sealed, x.want}, []any{d.Parties, d.Sealed, d.Payments[0].Parties}, name)
	}
}

// TestPayments are shown the newest first, each with whom it was made to.
func TestPayments(t *testing.T) {
	f := newFake()
	v := f.viewer("omar", "omar")
	c := f.add("omar", pays(consent.PaymentTerms{Schedule: consent.VariableOnDemand}))
	first, second := consent.Payment{ID: uuid.New(), CreatedAt: noon, Parties: "x"}, consent.Payment{ID: uuid.New(), CreatedAt: noon.Add(time.Hour), Parties: "broken"}
	f.payments[c.ID] = []consent.Payment{first, second}
	require.Equal(t, []overview.Payment{
		{Payment: second}, {Payment: first, Parties: &overview.Parties{CreditorName: "creditor of x"}},
	}, f.detail(t, v, c.ID).Payments)
	require.Empty(t, f.detail(t, v, f.add("omar").ID).Payments)
}

// TestLine: the others of a line stand beside each of it, as far as they are in sight.
func TestLine(t *testing.T) {
	f := newFake()
	v := f.viewer("omar", "omar")
	f.viewer("lea", "lea")
	first := f.add("omar", in(consent.Expired))
	second := f.add("omar", in(consent.Revoked), after(first))
	f.add("lea", after(first))
	third := f.add("omar", after(first))
	f.add("omar")
	for c, others := range map[*consent.Consent][]*consent.Consent{first: {third, second}, second: {third, first}, third: {second, first}} {
		d := f.detail(t, v, c.ID)
		require.Equal(t, ids(others...), idsOf(d.Line))
		require.Equal(t, []any{3, first.CreatedAt, c.CreatedAt}, []any{d.Members, d.Since, d.Renewed})
	}
}

// TestLineJoined: a consent that joins the line of the one which it replaces, just after
// it was read, is shown all the same.
func TestLineJoined(t *testing.T) {
	f := newFake()
	v := f.viewer("lea", "lea")
	former, c := f.add("lea"), f.add("lea")
	f.listing = func() {
		c.GroupID = former.GroupID
		f.keep(c)
	}
	d := f.detail(t, v, c.ID)
	require.Equal(t, []any{c.ID, 1}, []any{d.ID, d.Members})
	d = f.detail(t, v, c.ID)
	require.Equal(t, []any{c.ID, 2}, []any{d.ID, d.Members})
}

// TestSigners: how many have to agree.
func TestSigners(t *testing.T) {
	f := newFake()
	v := f.viewer("ceo", "firm")
	f.bank.signers["firm"] = []string{"ceo", "cfo"}
	signed := func(c *consent.Consent) {
		c.Status = consent.PartiallyAuthorised
		for _, s := range []consent.ScaStatus{consent.ScaFinalised, consent.ScaFailed, consent.ScaExempted, consent.ScaFinalised} {
			c.Authorisations = append(c.Authorisations, consent.Authorisation{ID: uuid.New(), PSU: v.PSU, Status: s, Deadline: c.EndsAt})
		}
	}
	staged := func(required int) func(*consent.Consent) {
		return func(c *consent.Consent) { c.Staged = &consent.Staged{Required: required} }
	}
	for name, x := range map[string]struct {
		customer     string
		set          func(*consent.Consent)
		want, silent int
	}{
		"those of the bank":       {"firm", in(consent.Valid), 2, 1},
		"more than the bank says": {"firm", signed, 3, 3},
		"nobody's yet":            {"", begunBy(v.PSU), 1, 1},
		"forwarded":               {"firm", forwarded(v.PSU), 1, 1},
		"staged for one":          {"firm", staged(0), 1, 1},
		"staged for three":        {"firm", staged(3), 3, 3},
	} {
		f.bank.down = false
		c := f.add(x.customer, x.set)
		require.Equal(t, x.want, f.detail(t, v, c.ID).Signers, name)
		f.bank.down = true
		require.Equal(t, x.silent, f.detail(t, v, c.ID).Signers, name)
	}
}

// TestAll: all consents in sight, those without a card too, each as it is told alone.
func TestAll(t *testing.T) {
	f := newFake()
	f.size = 3
	v := f.viewer("omar", "omar")
	f.viewer("lea", "lea")
	first := f.add("omar", in(consent.Expired))
	var made []*consent.Consent
	for _, set := range []func(*consent.Consent){
		after(first), begunBy(v.PSU), connection(v.PSU), forwarded(v.PSU), in(consent.Rejected), pays(consent.PaymentTerms{Schedule: consent.SingleInstant, Parties: "jwe"}),
	} {
		made = append(made, f.add("omar", set))
		f.add("lea")
	}
	slices.Reverse(made)
	all, err := f.All(t.Context(), v)
	require.NoError(t, err)
	got := []uuid.UUID{}
	for _, d := range all {
		got = append(got, d.ID)
		require.Equal(t, *f.detail(t, v, d.ID), d)
		require.Equal(t, !d.Status.Final(), d.Stops)
	}
	require.Equal(t, ids(append(made, first)...), got)
	require.Equal(t, &overview.Parties{CreditorName: "creditor of jwe"}, all[0].Parties)
}
