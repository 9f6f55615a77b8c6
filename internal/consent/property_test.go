package consent_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"consentd/internal/consent"
)

// world is what random commands act on: the consents of two customers with two
// TPPs over two rails, authorised the way the use case does it.
type world struct {
	now      time.Time
	consents []*consent.Consent
	seen     map[uuid.UUID]consent.Consent // each consent as it was when it ended
	history  map[uuid.UUID][]consent.Entry // what was recorded of each
	begin    consent.ScaStatus             // how the next authorisation begins
}

var (
	psus      = []uuid.UUID{uuid.New(), uuid.New()}
	customers = []uuid.UUID{uuid.New(), uuid.New()}
)

// TestRandomCommands drives random commands at random times and checks after
// each what must never happen.
func TestRandomCommands(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{now: noon, seen: map[uuid.UUID]consent.Consent{}, history: map[uuid.UUID][]consent.Entry{}, begin: consent.ScaReceived}
		rt.Repeat(map[string]func(*rapid.T){
			"create":    w.create,
			"authorise": w.authorise,
			"refuse": w.act(func(c *consent.Consent, a uuid.UUID) error {
				return c.Refuse(a, consent.ByPSU, consent.ReasonRefused, w.now)
			}),
			"fail":      w.act(func(c *consent.Consent, a uuid.UUID) error { return c.Fail(a, w.now) }),
			"terminate": w.act(func(c *consent.Consent, _ uuid.UUID) error { return c.Terminate(w.now) }),
			"withdraw":  w.act(func(c *consent.Consent, _ uuid.UUID) error { return c.Withdraw(w.now) }),
			"revoke":    w.act(func(c *consent.Consent, _ uuid.UUID) error { return c.Revoke(consent.ReasonTPPBlocked, w.now) }),
			"suspend":   w.act(func(c *consent.Consent, _ uuid.UUID) error { return c.Suspend(consent.ReasonBank, w.now) }),
			"resume":    w.act(func(c *consent.Consent, _ uuid.UUID) error { return c.Resume(w.now) }),
			"settle":    w.act(func(c *consent.Consent, _ uuid.UUID) error { c.Settle(w.now); return nil }),
			"name": w.act(func(c *consent.Consent, a uuid.UUID) error {
				return c.Name(a, consent.Digest{1}, consent.Digest{}, consent.ScaPSUIdentified, w.now)
			}),
			"hold": w.act(func(c *consent.Consent, a uuid.UUID) error { return c.Advance(a, consent.ScaUnconfirmed, w.now) }),
			"start": w.act(func(c *consent.Consent, _ uuid.UUID) error {
				return c.Start(consent.Authorisation{
					ID: uuid.New(), Status: w.begin, CreatedAt: w.now, ChangedAt: w.now, Deadline: w.now.Add(time.Hour),
				})
			}),
			"begin otherwise": func(*rapid.T) {
				w.begin = map[consent.ScaStatus]consent.ScaStatus{
					consent.ScaReceived: consent.ScaPSUIdentified, consent.ScaPSUIdentified: consent.ScaReceived,
				}[w.begin]
			},
			"time": func(rt *rapid.T) {
				w.now = w.now.Add(time.Duration(rapid.IntRange(-60, 60*24*40).Draw(rt, "minutes")) * time.Minute)
			},
			"": func(rt *rapid.T) { w.check(rt) },
		})
	})
}

func (w *world) create(rt *rapid.T) {
	d := draft(func(d *consent.Draft) {
		d.TPP = rapid.SampledFrom([]string{"A", "B"}).Draw(rt, "tpp")
		d.Rail = rapid.SampledFrom([]consent.Rail{consent.RailXS2A, consent.RailSTET}).Draw(rt, "rail")
		d.Kind = rapid.SampledFrom([]consent.Kind{consent.AccountAccess, consent.AccountAccess, consent.FundsConfirmation}).Draw(rt, "kind")
		d.Recurring = rapid.Bool().Draw(rt, "recurring")
		d.FrequencyPerDay = 1
		d.ValidUntil = consent.DateOf(w.now, time.UTC).AddDays(rapid.IntRange(0, 120).Draw(rt, "days"))
	})
	c, err := consent.DefaultPolicy().New(uuid.New(), d, consent.Cause{By: consent.ByTPP, Who: d.TPP}, w.now)
	if err != nil {
		rt.Fatal(err)
	}
	w.consents = append(w.consents, c)
}

func (w *world) pick(rt *rapid.T) *consent.Consent {
	if len(w.consents) == 0 {
		w.create(rt)
	}
	return rapid.SampledFrom(w.consents).Draw(rt, "consent")
}

// authorise is what the finishing use case does, in one go.
func (w *world) authorise(rt *rapid.T) {
	c, who := w.pick(rt), rapid.IntRange(0, 1).Draw(rt, "who")
	signers := []uuid.UUID{psus[who]}
	if rapid.Bool().Draw(rt, "both sign") {
		signers = psus
	}
	c.Settle(w.now)
	id, customer := uuid.New(), customers[rapid.IntRange(0, 1).Draw(rt, "customer")]
	if c.Start(consent.Authorisation{ID: id, Status: consent.ScaReceived, CreatedAt: w.now, ChangedAt: w.now, Deadline: w.now.Add(time.Hour)}) != nil ||
		c.Identify(id, psus[who], customer, w.now) != nil ||
		c.Authorise(id, consent.Agreement{Customer: customer, Signers: signers}, w.now) != nil {
		return
	}
	if err := c.Supersede(w.consents, w.now); err != nil {
		rt.Fatalf("supersede: %v", err)
	}
}

// act applies a command that may be refused, but must not half happen.
func (w *world) act(command func(*consent.Consent, uuid.UUID) error) func(*rapid.T) {
	return func(rt *rapid.T) {
		c := w.pick(rt)
		var a uuid.UUID
		if n := len(c.Authorisations); n > 0 {
			a = c.Authorisations[rapid.IntRange(0, n-1).Draw(rt, "authorisation")].ID
		}
		before := c.Status
		if err := command(c, a); err != nil && c.Status != before {
			rt.Fatalf("refused with %v, but went from %s to %s", err, before, c.Status)
		}
	}
}

func (w *world) check(rt *rapid.T) {
	current := map[string]uuid.UUID{}
	for _, c := range w.consents {
		w.checkHistory(rt, c)
		if ended, ok := w.seen[c.ID]; ok && (c.Status != ended.Status || c.Ending != ended.Ending ||
			c.ReplacedBy != ended.ReplacedBy || !c.StatusChangedAt.Equal(ended.StatusChangedAt)) {
			rt.Fatalf("consent left its final state %s for %s", ended.Status, c.Status)
		}
		if c.Status.Final() {
			w.seen[c.ID] = *c
			w.checkEnded(rt, c)
		}
		if !c.Status.Live() || !c.Replaces() {
			continue
		}
		key := fmt.Sprint(c.Rail, c.TPP, c.Customer)
		if other, ok := current[key]; ok {
			rt.Fatalf("two current recurring consents: %s and %s", other, c.ID)
		}
		current[key] = c.ID
	}
}

func (w *world) checkEnded(rt *rapid.T, c *consent.Consent) {
	if c.Ending == (consent.Ending{}) {
		rt.Fatalf("a %s consent does not say who ended it and why", c.Status)
	}
	if (c.Ending.Reason == consent.ReasonReplaced) != (c.ReplacedBy != uuid.Nil) {
		rt.Fatalf("replaced by %s, but ended for %s", c.ReplacedBy, c.Ending.Reason)
	}
	for _, a := range c.Authorisations {
		if !a.Status.Final() {
			rt.Fatalf("a %s consent has an authorisation that is %s", c.Status, a.Status)
		}
	}
}

// checkHistory follows what was recorded of a consent: each entry goes on from
// where the one before it stood, as the tables allow; the last ones say where
// the consent and its authorisations stand.
func (w *world) checkHistory(rt *rapid.T, c *consent.Consent) {
	entries, _ := c.TakePending()
	w.history[c.ID] = append(w.history[c.ID], entries...)
	status, made, sca := consent.Status(""), uuid.Nil, map[uuid.UUID]consent.ScaStatus{}
	for i, e := range w.history[c.ID] {
		var legal bool
		switch {
		case i == 0:
			legal = e.From == "" && e.To == string(consent.Received)
			status, made = consent.Received, e.Authorisation
		case e.Authorisation != uuid.Nil:
			from := sca[e.Authorisation]
			if from == "" && e.Authorisation == made { // the first entry does not say how that one began
				from = consent.ScaStatus(e.From)
			}
			legal = e.From == string(from) && (from == "" || slices.Contains(consent.ScaTransitions()[from], consent.ScaStatus(e.To)))
			sca[e.Authorisation] = consent.ScaStatus(e.To)
		default:
			legal = e.From == string(status) && slices.Contains(consent.Transitions()[status], consent.Status(e.To))
			status = consent.Status(e.To)
		}
		if !legal || e.At.IsZero() || e.By == "" {
			rt.Fatalf("entry %d: %+v", i, e)
		}
	}
	if status != c.Status {
		rt.Fatalf("recorded as %s, is %s", status, c.Status)
	}
	for _, a := range c.Authorisations {
		if sca[a.ID] != a.Status && (a.ID != made || sca[a.ID] != "") {
			rt.Fatalf("authorisation recorded as %s, is %s", sca[a.ID], a.Status)
		}
	}
}
