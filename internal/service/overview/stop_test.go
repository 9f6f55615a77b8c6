package overview_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/overview"
)

// TestStop ends a consent as its PSU, with the others by which its line shares data.
func TestStop(t *testing.T) {
	f := newFake()
	v := f.viewer("ceo", "ceo", "firm")
	f.viewer("lea", "lea")
	first := f.add("firm")
	second := f.add("firm", after(first), in(consent.Suspended))
	waiting := f.add("", after(first), begunBy(v.PSU))
	gone := f.add("firm", after(first), in(consent.Rejected))
	foreign, other := f.add("lea", after(first)), f.add("firm")

	require.Equal(t, []uuid.UUID{first.ID}, f.detail(t, v, second.ID).With)
	require.Equal(t, []uuid.UUID{second.ID}, f.detail(t, v, first.ID).With, "whichever is stopped")
	d, err := f.Stop(t.Context(), v, consent.Cause{By: consent.ByASPSP, Who: "page", RequestID: "r1"}, second.ID)
	require.NoError(t, err)
	withdrawn := consent.Ending{By: consent.ByPSU, Reason: consent.ReasonWithdrawn}
	require.Equal(t, []any{second.ID, consent.Revoked, withdrawn, false}, []any{d.ID, d.Status, d.Ending, d.Stops})
	require.Equal(t, overview.EventStopped, d.Events[0].Kind)
	for _, c := range []*consent.Consent{first, second} {
		require.Equal(t, []any{consent.Revoked, withdrawn}, []any{f.consents[c.ID].Status, f.consents[c.ID].Ending})
		entries := f.entries[c.ID]
		require.Equal(t, consent.Cause{By: consent.ByPSU, Who: v.PSU.String(), For: v.PSU.String(), RequestID: "r1"}, entries[len(entries)-1].Cause)
	}
	for c, want := range map[*consent.Consent]consent.Status{waiting: consent.Received, gone: consent.Rejected, foreign: consent.Valid, other: consent.Valid} {
		require.Equal(t, want, f.consents[c.ID].Status)
	}
}

// TestStopAlone: a request, and a permission to pay, is stopped by itself.
func TestStopAlone(t *testing.T) {
	for name, with := range map[string][]func(*consent.Consent){
		"a request": {in(consent.Received)}, "a payment": {pays(consent.PaymentTerms{Schedule: consent.VariableOnDemand})},
	} {
		f := newFake()
		v := f.viewer("omar", "omar")
		first := f.add("omar", pays(consent.PaymentTerms{Schedule: consent.VariableOnDemand}))
		if name == "a request" {
			first = f.add("omar")
		}
		c := f.add("omar", append(with, after(first))...)
		require.Empty(t, f.detail(t, v, c.ID).With, name)
		_, err := f.Stop(t.Context(), v, consent.Cause{}, c.ID)
		require.NoError(t, err, name)
		require.Equal(t, []any{consent.Revoked, consent.Valid}, []any{f.consents[c.ID].Status, f.consents[first.ID].Status}, name)
	}
}

// TestStopEnded: what has ended stays as it is; how it has ended is told.
func TestStopEnded(t *testing.T) {
	f := newFake()
	v := f.viewer("omar", "omar")
	old := f.add("omar", in(consent.Expired))
	stands := f.add("omar", after(old)) // beside it, not in its place
	late := f.add("omar", func(c *consent.Consent) { c.EndsAt = noon })
	for _, c := range []*consent.Consent{old, late} {
		d, err := f.Stop(t.Context(), v, consent.Cause{}, c.ID)
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err))
		require.Equal(t, []any{c.ID, consent.Expired}, []any{d.ID, d.Status})
	}
	require.Equal(t, consent.Valid, f.consents[stands.ID].Status)
	require.Empty(t, f.entries[late.ID], "nothing is written")
}

// TestStopReplaced: of what is replaced that is ended which stands in its place, on every
// rail.
func TestStopReplaced(t *testing.T) {
	for _, rail := range []consent.Rail{consent.RailXS2A, consent.RailSTET, consent.RailManager} {
		on := func(c *consent.Consent) { c.Rail = rail }
		f := newFake()
		v := f.viewer("lea", "lea")
		first := f.add("lea", on)
		second := f.add("lea", on, after(first))
		third := f.add("lea", on, after(first))
		f.before = func(id uuid.UUID) { // at this very moment, and once more
			for former, next := range map[*consent.Consent]*consent.Consent{first: second, second: third} {
				if id == former.ID && former.ReplacedBy == uuid.Nil {
					former.Status, former.ReplacedBy = consent.Expired, next.ID
					f.keep(former)
				}
			}
		}
		d, err := f.Stop(t.Context(), v, consent.Cause{}, first.ID)
		require.NoError(t, err, rail)
		require.Equal(t, []any{third.ID, consent.Revoked}, []any{d.ID, d.Status}, rail)
		for _, c := range []*consent.Consent{first, second} {
			require.Equal(t, consent.Expired, f.consents[c.ID].Status, rail)
		}

		d, err = f.Stop(t.Context(), v, consent.Cause{}, first.ID)
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err), rail)
		require.Equal(t, third.ID, d.ID, rail)
	}
}

// TestStopReplacedLongAgo: what was replaced long before anybody looked stands for itself,
// and what the customer has agreed to since lives on; but of what a TPP forwards.
func TestStopReplacedLongAgo(t *testing.T) {
	for rail, lives := range map[consent.Rail]bool{consent.RailXS2A: true, consent.RailManager: true, consent.RailSTET: false} {
		on := func(c *consent.Consent) { c.Rail = rail }
		f := newFake()
		v := f.viewer("lea", "lea")
		first := f.add("lea", on, in(consent.Expired))
		second := f.add("lea", on, after(first))
		first.ReplacedBy, first.StatusChangedAt = second.ID, f.Now().Add(-time.Hour)
		f.keep(first)
		_, err := f.Stop(t.Context(), v, consent.Cause{}, first.ID)
		require.Equal(t, lives, consent.CodeOf(err) == consent.CodeStatusInvalid, rail)
		require.Equal(t, lives, f.consents[second.ID].Status == consent.Valid, rail)
	}
}

// TestStopReplacedOutOfSight: what stands in its place is the viewer's to end only where
// they see it; that it cannot be reached is an error.
func TestStopReplacedOutOfSight(t *testing.T) {
	for name, x := range map[string]struct {
		happens func(f *fake, second *consent.Consent)
		fails   error
	}{
		"somebody else's": {func(f *fake, second *consent.Consent) { f.consents[second.ID].Customer = f.id("other") }, nil},
		"erased":          {func(f *fake, second *consent.Consent) { delete(f.consents, second.ID) }, nil},
		"out of reach":    {func(f *fake, _ *consent.Consent) { f.breaks = "Get" }, errBroken},
	} {
		f := newFake()
		v := f.viewer("lea", "lea")
		first := f.add("lea", in(consent.Expired))
		second := f.add("lea", after(first))
		first.ReplacedBy = second.ID
		f.keep(first)
		f.before = func(id uuid.UUID) {
			if id == second.ID {
				x.happens(f, second)
			}
		}
		d, err := f.Stop(t.Context(), v, consent.Cause{}, first.ID)
		if kept, ok := f.consents[second.ID]; ok {
			require.Equal(t, consent.Valid, kept.Status, name)
		}
		if x.fails != nil {
			require.ErrorIs(t, err, x.fails, name)
			continue
		}
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err), name)
		require.Equal(t, []any{first.ID, consent.Expired}, []any{d.ID, d.Status}, name)
	}
}

// TestStopMeanwhile: another of the line that has ended since it was read, or is gone, is
// no error; that storage fails is one.
func TestStopMeanwhile(t *testing.T) {
	for name, x := range map[string]struct {
		happens func(f *fake, second *consent.Consent)
		fails   bool
	}{
		"ended":         {func(f *fake, second *consent.Consent) { f.end(second) }, false},
		"erased":        {func(f *fake, second *consent.Consent) { delete(f.consents, second.ID) }, false},
		"out of sight":  {func(f *fake, second *consent.Consent) { f.consents[second.ID].Customer = uuid.New() }, false},
		"out of reach":  {func(f *fake, _ *consent.Consent) { f.breaks = "Get" }, true},
		"nothing is up": {func(*fake, *consent.Consent) {}, false},
	} {
		f := newFake()
		v := f.viewer("omar", "omar")
		first := f.add("omar")
		second := f.add("omar", after(first))
		f.before = func(id uuid.UUID) {
			if id == second.ID {
				x.happens(f, second)
			}
		}
		d, err := f.Stop(t.Context(), v, consent.Cause{}, first.ID)
		if x.fails {
			require.ErrorIs(t, err, errBroken, name)
			require.Equal(t, consent.Valid, f.consents[first.ID].Status, "it can be said again")
			f.breaks, f.before = "", nil
			_, err = f.Stop(t.Context(), v, consent.Cause{}, first.ID)
			require.NoError(t, err)
			require.Equal(t, consent.Revoked, f.consents[second.ID].Status)
			continue
		}
		require.Equal(t, consent.Revoked, f.consents[first.ID].Status, name)
		require.NoError(t, err, name)
		require.Equal(t, first.ID, d.ID, name)
	}
}

// TestStopReplacedByOneOfALine: with what stands in a consent's place its line ends too,
// also where that has come this very moment.
func TestStopReplacedByOneOfALine(t *testing.T) {
	f := newFake()
	v := f.viewer("omar", "omar")
	first := f.add("omar")
	var second, third *consent.Consent
	f.before = func(uuid.UUID) {
		f.before = nil
		second, third = f.add("omar", after(first)), f.add("omar", after(first))
		first.Status, first.ReplacedBy, first.StatusChangedAt = consent.Expired, second.ID, f.now
		f.keep(first)
	}
	d, err := f.Stop(t.Context(), v, consent.Cause{}, first.ID)
	require.NoError(t, err)
	require.Equal(t, second.ID, d.ID)
	for _, c := range []*consent.Consent{second, third} {
		require.Equal(t, consent.Revoked, f.consents[c.ID].Status)
	}
}

// TestStopUnread: what ends with a consent is found out before anything ends.
func TestStopUnread(t *testing.T) {
	f := newFake()
	v := f.viewer("omar", "omar")
	first := f.add("omar")
	second := f.add("omar", after(first))
	f.breaks = "Get"
	f.before = func(uuid.UUID) { f.breaks = "" } // for a moment only
	_, err := f.Stop(t.Context(), v, consent.Cause{}, first.ID)
	require.ErrorIs(t, err, errBroken)
	for _, c := range []*consent.Consent{first, second} {
		require.Equal(t, consent.Valid, f.consents[c.ID].Status)
	}
}

// TestStopUnknown: whatever is not known is answered alike.
func TestStopUnknown(t *testing.T) {
	f := newFake()
	v := f.viewer("lea", "lea")
	foreign := f.add("other")
	var texts []string
	for _, id := range []uuid.UUID{uuid.New(), foreign.ID} {
		_, err := f.Stop(t.Context(), v, consent.Cause{}, id)
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
		e, ok := errors.AsType[*consent.Error](err)
		require.True(t, ok)
		texts = append(texts, e.Text)
	}
	require.Equal(t, texts[0], texts[1])
	require.Equal(t, consent.Valid, f.consents[foreign.ID].Status)
}
