package consent_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"consentd/internal/consent"
)

// line is staged consents of one line, and what was done by them, as random commands
// leave it.
type line struct {
	now     time.Time
	holder  consent.Holder
	staged  []*consent.Consent
	log     map[uuid.UUID][]consent.Payment
	updated map[uuid.UUID]time.Time // UpdatedAt after the last command
	ended   map[uuid.UUID]consent.Consent
}

// TestRandomStagedCommands drives random commands at random times at staged consents
// and checks after each what must never happen.
func TestRandomStagedCommands(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := &line{
			now: noon, log: map[uuid.UUID][]consent.Payment{}, updated: map[uuid.UUID]time.Time{}, ended: map[uuid.UUID]consent.Consent{},
		}
		rt.Repeat(map[string]func(*rapid.T){
			"stage": w.stage,
			"psu": w.act(func(rt *rapid.T, c *consent.Consent) error {
				return c.AttachPSU(&w.holder, rapid.SampledFrom(psus).Draw(rt, "psu"), rapid.SampledFrom(customers).Draw(rt, "customer"), w.now)
			}),
			"accounts": w.act(func(rt *rapid.T, c *consent.Consent) error {
				return c.AttachAccounts([]consent.Grant{{AccountID: rapid.SampledFrom(customers).Draw(rt, "account")}}, w.now)
			}),
			"approvals": w.act(w.approvals),
			"amend": w.act(func(rt *rapid.T, c *consent.Consent) error {
				return c.Amend([]byte(rapid.SampledFrom([]string{"", "x"}).Draw(rt, "extra")), nil, "App", w.now)
			}),
			"approve":   w.act(func(_ *rapid.T, c *consent.Consent) error { return c.Approve(w.now) }),
			"reject":    w.act(func(_ *rapid.T, c *consent.Consent) error { return c.Reject(consent.ByPSU, w.now) }),
			"suspend":   w.act(func(_ *rapid.T, c *consent.Consent) error { return c.Suspend(consent.ReasonBank, w.now) }),
			"resume":    w.act(func(_ *rapid.T, c *consent.Consent) error { return c.TakeUp(w.log[c.ID], time.UTC, w.now) }),
			"revoke":    w.act(func(_ *rapid.T, c *consent.Consent) error { return c.Revoke(consent.ReasonBank, w.now) }),
			"userAtTPP": w.act(func(_ *rapid.T, c *consent.Consent) error { return c.WithdrawAtTPP(w.now) }),
			"consume":   w.act(func(_ *rapid.T, c *consent.Consent) error { return c.Consume(w.log[c.ID], time.UTC, w.now) }),
			"pay":       w.act(w.pay), "pay again": w.act(w.pay),
			"follow": w.act(w.follow),
			"time": func(rt *rapid.T) {
				w.now = w.now.Add(time.Duration(rapid.IntRange(-60, 60*24*20).Draw(rt, "minutes")) * time.Minute)
			},
			"": func(rt *rapid.T) { w.check(rt) },
		})
	})
}

func (w *line) stage(rt *rapid.T) {
	s := staging(rapid.SampledFrom([]consent.Kind{consent.AccountAccess, consent.Payments, consent.Payments}).Draw(rt, "kind"))
	s.EndsAt = w.now.AddDate(0, 0, rapid.IntRange(1, 300).Draw(rt, "days"))
	if s.Kind == consent.Payments {
		s.Staged.Payment = &consent.PaymentTerms{
			Currency: "AED", Schedule: rapid.SampledFrom([]consent.Schedule{consent.VariableOnDemand, consent.FixedOnDemand}).Draw(rt, "schedule"),
			Period: rapid.SampledFrom([]consent.Period{consent.PeriodDay, consent.PeriodWeek, consent.PeriodMonth, consent.PeriodYear}).Draw(rt, "period"),
			From:   consent.DateOf(noon, time.UTC), Count: rapid.IntRange(0, 4).Draw(rt, "count"), MaxTotal: aed(rapid.Int64Range(0, 400).Draw(rt, "total")),
			MaxPerPeriod: aed(rapid.Int64Range(0, 200).Draw(rt, "per period")), CountPerPeriod: rapid.IntRange(0, 2).Draw(rt, "count per period"),
		}
	}
	c, err := consent.DefaultPolicy().Stage(uuid.New(), s, staff, w.now)
	if err != nil {
		rt.Fatal(err)
	}
	w.staged = append(w.staged, c)
	w.updated[c.ID] = c.UpdatedAt()
}

func (w *line) approvals(rt *rapid.T, c *consent.Consent) error {
	states := []consent.ApprovalState{consent.ApprovalPending, consent.ApprovalGiven, consent.ApprovalGiven, consent.ApprovalRejected}
	var list []consent.Approval
	for _, id := range []string{"a", "b"} {
		list = append(list, consent.Approval{ID: id, State: rapid.SampledFrom(states).Draw(rt, id)})
	}
	given := func(all []consent.Approval) (n int) {
		for _, a := range all {
			if a.State == consent.ApprovalGiven {
				n++
			}
		}
		return n
	}
	required, before := c.Staged.Required, given(c.Staged.Approvals)
	err := c.AttachApprovals(rapid.IntRange(0, 3).Draw(rt, "required"), list, w.now)
	if c.Staged.Required < required || given(c.Staged.Approvals) < before {
		rt.Fatalf("%d of %d had approved, now %+v", before, required, c.Staged)
	}
	return err
}

func (w *line) pay(rt *rapid.T, c *consent.Consent) error {
	p := consent.Payment{ID: uuid.New(), Amount: aed(rapid.Int64Range(0, 150).Draw(rt, "minor"))}
	err := c.Pay(&p, w.log[c.ID], time.UTC, w.now)
	if err == nil {
		w.log[c.ID] = append(w.log[c.ID], p)
	}
	return err
}

func (w *line) follow(rt *rapid.T, c *consent.Consent) error {
	log := w.log[c.ID]
	if len(log) == 0 {
		return nil
	}
	to := rapid.SampledFrom([]consent.PaymentStatus{consent.PaymentSettled, consent.PaymentCredited, consent.PaymentRejected}).Draw(rt, "to")
	return c.FollowPayment(&log[rapid.IntRange(0, len(log)-1).Draw(rt, "payment")], to, log, time.UTC, w.now)
}

// act applies a command as the use cases do: once time has done its part. It may be
// refused, but must not half happen.
func (w *line) act(command func(*rapid.T, *consent.Consent) error) func(*rapid.T) {
	return func(rt *rapid.T) {
		if len(w.staged) == 0 {
			w.stage(rt)
		}
		c := rapid.SampledFrom(w.staged).Draw(rt, "consent")
		c.Settle(w.now)
		before, at := c.Status, c.UpdatedAt()
		if err := command(rt, c); err != nil && (c.Status != before || !c.UpdatedAt().Equal(at)) {
			rt.Fatalf("refused with %v, but changed", err)
		}
	}
}

func (w *line) check(rt *rapid.T) {
	for _, c := range w.staged {
		w.checkFrozen(rt, c)
		w.checkSums(rt, c)
		switch {
		case c.Kind == consent.AccountAccess && c.Status == consent.Consumed:
			rt.Fatal("data sharing was consumed")
		case string(c.Staged.Request) != `{"type":"x"}`:
			rt.Fatal("the request has changed")
		case c.UpdatedAt().Before(w.updated[c.ID]):
			rt.Fatalf("updatedAt went back from %s to %s", w.updated[c.ID], c.UpdatedAt())
		case c.GivenBy != uuid.Nil && c.GivenBy != w.holder.PSU:
			rt.Fatal("two users share a line")
		case (c.Status == consent.Valid || c.Status == consent.Suspended) && (c.GivenBy == uuid.Nil || len(c.Access.Grants) == 0):
			rt.Fatal("in force without user or account")
		}
		w.updated[c.ID] = c.UpdatedAt()
		w.checkHistory(rt, c)
	}
}

func (w *line) checkFrozen(rt *rapid.T, c *consent.Consent) {
	was, ended := w.ended[c.ID]
	if ended && (c.Status != was.Status || c.Ending != was.Ending || !c.UpdatedAt().Equal(was.UpdatedAt()) ||
		!slices.EqualFunc(c.Staged.Approvals, was.Staged.Approvals, func(a, b consent.Approval) bool { return a == b })) {
		rt.Fatalf("a %s consent has changed", was.Status)
	}
	if c.Status.Final() && !ended {
		copied := *c
		staged := *c.Staged
		copied.Staged = &staged
		w.ended[c.ID] = copied
	}
}

// checkSums: what is consumed is all that was not rejected, and within the limits,
// which hold for each period by itself.
func (w *line) checkSums(rt *rapid.T, c *consent.Consent) {
	if c.Kind != consent.Payments {
		return
	}
	terms, value, count := c.Staged.Payment, int64(0), 0
	for _, p := range w.log[c.ID] {
		if p.Status != consent.PaymentRejected {
			value, count = value+p.Amount.Minor, count+1
		}
		at := terms.Consumed(w.log[c.ID], p.CreatedAt, time.UTC)
		if terms.CountPerPeriod > 0 && at.CountInPeriod > terms.CountPerPeriod || terms.MaxPerPeriod.Minor > 0 && at.ValueInPeriod.Minor > terms.MaxPerPeriod.Minor {
			rt.Fatalf("more than a period allows: %+v", at)
		}
	}
	sum := terms.Consumed(w.log[c.ID], w.now, time.UTC)
	if sum.Value.Minor != value || sum.Count != count || sum.Paid.Minor+sum.Pending.Minor != value {
		rt.Fatalf("%+v of %d payments that come to %d", sum, count, value)
	}
	if terms.Count > 0 && count > terms.Count || terms.MaxTotal.Minor > 0 && value > terms.MaxTotal.Minor {
		rt.Fatalf("more than was agreed to: %+v", sum)
	}
	if c.Status == consent.Consumed && sum.Pending.Minor > 0 {
		rt.Fatal("consumed while a payment is pending, which may still be rejected")
	}
}

// checkHistory: what was recorded since the last time leads, as the table allows, to
// where the consent stands.
func (w *line) checkHistory(rt *rapid.T, c *consent.Consent) {
	entries, _ := c.TakePending()
	for _, e := range entries {
		if e.Aside() && e.From == e.To {
			continue
		}
		if e.From != "" && !slices.Contains(consent.Transitions()[consent.Status(e.From)], consent.Status(e.To)) {
			rt.Fatalf("from %s to %s", e.From, e.To)
		}
	}
	if n := len(entries); n > 0 && entries[n-1].To != string(c.Status) {
		rt.Fatalf("recorded as %s, is %s", entries[n-1].To, c.Status)
	}
}
