package storagetest

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"consentd/internal/consent"
)

// randomCommands drives stored consents of one customer by random commands:
// versions only grow, by one for each change; what has ended stays as it was;
// no two recurring consents of a TPP are live.
func randomCommands(t *testing.T, b *bundle) {
	psu, customer, grants := b.person("lea")
	rapid.Check(t, func(rt *rapid.T) {
		w := &storedWorld{b: b, psu: psu, customer: customer, grants: grants, now: start, tpp: uuid.NewString()}
		for range rapid.IntRange(1, 12).Draw(rt, "commands") {
			w.command(rt)
		}
	})
	require.Empty(t, b.faults(), "and every chain is legal")
}

// storedWorld is the consents of one TPP, which no other run of the property sees.
type storedWorld struct {
	b             *bundle
	psu, customer uuid.UUID
	grants        []consent.Grant
	now           time.Time
	tpp           string
	ids           []uuid.UUID
	last          map[uuid.UUID]*consent.Consent
}

func (w *storedWorld) command(rt *rapid.T) {
	w.now = w.now.Add(time.Duration(rapid.IntRange(0, 72).Draw(rt, "hours")) * time.Hour)
	if len(w.ids) == 0 || rapid.IntRange(0, 2).Draw(rt, "new") == 0 {
		w.authorised(rt)
	} else {
		id := rapid.SampledFrom(w.ids).Draw(rt, "consent")
		change := rapid.SampledFrom([]func(*consent.Consent) error{
			func(c *consent.Consent) error { return c.Suspend(consent.ReasonBank, w.now) },
			func(c *consent.Consent) error { return c.Resume(w.now) },
			func(c *consent.Consent) error { return c.Terminate(w.now) },
			func(c *consent.Consent) error { return c.Withdraw(w.now) },
			func(c *consent.Consent) error { c.Settle(w.now); return nil },
		}).Draw(rt, "change")
		_, err := w.b.Update(w.b.ctx, id, change)
		if err != nil && consent.CodeOf(err) != consent.CodeStatusInvalid {
			rt.Fatalf("update: %v", err)
		}
	}
	w.check(rt)
}

func (w *storedWorld) authorised(rt *rapid.T) {
	recurring := rapid.Bool().Draw(rt, "recurring")
	c, run := w.b.identified(draft(func(d *consent.Draft) {
		d.TPP, d.Recurring, d.FrequencyPerDay = w.tpp, recurring, 1
	}), w.psu, w.customer)
	require.NoError(rt, w.b.finish(w.b.ctx, run, w.psu, w.grants, start))
	w.ids = append(w.ids, c.ID)
}

func (w *storedWorld) check(rt *rapid.T) {
	live, now := 0, map[uuid.UUID]*consent.Consent{}
	for _, id := range w.ids {
		c := w.b.get(id)
		now[id] = c
		if c.Replaces() && c.Status.Live() {
			live++
		}
		before := w.last[id]
		if before == nil {
			continue
		}
		same := *before
		same.Version = c.Version
		changed := !equal(&same, c)
		if c.Version < before.Version || changed != (c.Version > before.Version) || (changed && before.Status.Final()) {
			rt.Fatalf("from %s version %d to %s version %d", before.Status, before.Version, c.Status, c.Version)
		}
	}
	if live > 1 {
		rt.Fatalf("%d recurring consents are live", live)
	}
	w.last = now
}

func equal(a, b *consent.Consent) bool {
	return a.Status == b.Status && a.Ending == b.Ending && a.ReplacedBy == b.ReplacedBy && a.StatusChangedAt.Equal(b.StatusChangedAt)
}
