package access

import (
	"context"

	"consentd/internal/consent"
	"consentd/internal/explain"
)

// uncounted is how many reads are left where none are counted.
const uncounted = -1

// count counts the read where it counts, and fails where there is none left.
//
// Recurring consents count what the TPP reads while the PSU is away
// (frequencyPerDay, RTS 2018/389 art. 36(5)(b)), one-off consents everything: each
// operation once for each account (NextGenPSD2 1.3.x §6.3.1). Further pages of a list,
// and the details of its transactions, belong to the access that opened it. A recurring
// one without a frequency, such as a hub stages, has no quota.
func (r *reading) count(ctx context.Context, shown []Account) (counted bool, left int, err error) {
	if r.c.Recurring && r.q.Attended {
		explain.Note(ctx, "quota: not counted, the PSU is there")
		return false, uncounted, nil
	}
	if r.c.Recurring && r.c.FrequencyPerDay == 0 {
		explain.Note(ctx, "quota: not counted, the consent has no frequency")
		return false, uncounted, nil
	}
	if !r.q.Operation.List() {
		if err := r.name(ctx, shown); err != nil {
			return false, 0, err
		}
	}
	at := r.counted(shown)
	if r.follows != "" {
		begun, err := r.begun(ctx, at)
		if err != nil || begun {
			return false, uncounted, err
		}
	}
	if r.c.Recurring {
		return r.countDay(ctx, at)
	}
	return r.spend(ctx, at)
}

// begun tells whether what the read goes on with was opened so lately, and has been
// gone on with so seldom, that this belongs to it.
func (r *reading) begun(ctx context.Context, at Counted) (bool, error) {
	at.Use.Operation = r.follows
	begun, err := r.Store.Follow(ctx, at, r.now.Add(-r.Policy.PageWalk), r.Policy.MaxPages)
	if begun {
		explain.Note(ctx, "quota: not counted, it goes on with the %s that were opened within the last %s", r.follows, r.Policy.PageWalk)
	}
	return begun, err
}

func (r *reading) countDay(ctx context.Context, at Counted) (bool, int, error) {
	limit := r.c.FrequencyPerDay
	left, ok, err := r.Store.Count(ctx, at, limit)
	switch {
	case err != nil:
		return false, 0, err
	case !ok:
		over := denied(consent.E(consent.CodeTooOften, "the consent allows this read no more often without the PSU today: %d a day", limit),
			"%s: %d of %d used on %s", r.q.Operation, limit, limit, at.Day)
		over.Until = at.Day.End(r.Policy.Zone)
		return false, 0, over
	}
	explain.Note(ctx, "quota: %s, %d of %d left on %s", r.q.Operation, left, limit, at.Day)
	return true, left, nil
}

// spend uses a one-off consent for the read; once all has been read that it was
// asked for, it ends with it.
func (r *reading) spend(ctx context.Context, at Counted) (bool, int, error) {
	granted, err := r.granted(ctx)
	if err != nil {
		return false, 0, err
	}
	err = r.Store.Spend(ctx, at, func(c *consent.Consent, used []consent.Use, again bool) error {
		c.Settle(r.now)
		if !again && r.listsAlone() && r.lately(c) {
			return nil // the other list of one that is used up
		}
		if err := inForce(c); err != nil {
			return err
		}
		if again {
			return denied(consent.E(consent.CodeTooOften, "the one-off consent has been used for this"),
				"%s was read once before, by a one-off consent", r.q.Operation)
		}
		over, err := c.Spend(r.needs(granted, at.Use), used, r.now)
		if over {
			explain.Note(ctx, "consent %s: all that it opens once has been read; it ends as used up", c.ID)
		}
		return err
	})
	if err != nil {
		return false, 0, err
	}
	explain.Note(ctx, "quota: %s, the one time of a one-off consent", r.q.Operation)
	return true, 0, nil
}

// needs are what has to be read before the consent is used up. One to the list of
// accounts is so with the first list, whichever it is.
func (r *reading) needs(granted []consent.Grant, now consent.Use) []consent.Use {
	if r.listsAlone() {
		return []consent.Use{now}
	}
	return consent.Needs(granted)
}

// granted lists what the consent opens, by the opaque ids of the accounts.
func (r *reading) granted(ctx context.Context) ([]consent.Grant, error) {
	if r.listsAlone() {
		return nil, nil // the first list is all that they need
	}
	if err := r.name(ctx, r.all); err != nil {
		return nil, err
	}
	granted := make([]consent.Grant, len(r.all))
	for i, x := range r.all {
		granted[i] = consent.Grant{AccountID: x.Key, Reference: x.Reference, Rights: x.Rights}
	}
	return granted, nil
}

// ForgetCounts removes counts that nothing asks for any more, at most limit, and
// returns how many it was. Any number of replicas may do it at once.
func (a *Access) ForgetCounts(ctx context.Context, limit int) (int, error) {
	return a.Store.ForgetCounts(ctx, consent.DateOf(a.Now(), a.Policy.Zone).AddDays(-keptDays), limit)
}

// keptDays is for how many days counts are kept, for whoever looks into a
// complaint.
const keptDays = 7
