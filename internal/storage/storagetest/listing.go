package storagetest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/consents"
)

func testListing(t *testing.T, open Open) {
	runAll(t, open, map[string]func(*testing.T, *bundle){
		"what is listed is whole, and counted":       listedIsWhole,
		"what was changed last comes last":           listedByChange,
		"what time has changed is listed as changed": listedByTime,
		"a line is listed with its first consent":    listedByLine,
		"nobody's list holds another's consents":     listsAreOnesOwn,
		"lists add up while consents are written":    listsAddUp,
	})
}

// list lists consents as things were made, unless it says when.
func (b *bundle) list(l service.Listing) service.Listed {
	b.t.Helper()
	if l.Now.IsZero() {
		l.Now = start
	}
	if l.Size == 0 {
		l.Size, l.Page = 100, 1
	}
	listed, err := b.ListConsents(b.ctx, l)
	require.NoError(b.t, err)
	return listed
}

func listedIsWhole(t *testing.T, b *bundle) {
	h := b.holder("T", "omar")
	plain := b.agreed(h.psu, h.customer, h.some(0, 2))
	payment := b.payer()
	shared := b.givenTo(b.staged().ID, h, start)
	listed := b.list(service.Listing{})
	require.Equal(t, []*consent.Consent{shared, payment, b.get(plain)}, listed.Consents)
	require.Equal(t, 3, listed.Total)
	require.Nil(t, listed.Next)
	listed = b.list(service.Listing{Page: 2, Size: 1})
	require.Equal(t, []uuid.UUID{payment.ID}, idsOf(listed.Consents))
	require.Equal(t, 3, listed.Total)
	require.Equal(t, &service.Cursor{ID: payment.ID}, listed.Next)
	listed = b.list(service.Listing{Page: 4, Size: 1})
	require.Empty(t, listed.Consents)
	require.Equal(t, 3, listed.Total, "behind the last page")
	require.Equal(t, service.Listed{}, b.list(service.Listing{Sight: &service.Sight{}}), "who sees nothing")
	require.Equal(t, service.Listed{}, b.list(service.Listing{TPP: "nobody"}))
}

func listedByChange(t *testing.T, b *bundle) {
	at := func(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }
	one, two, three := b.staged(), b.staged(), b.staged()
	require.Equal(t, []uuid.UUID{one.ID, two.ID, three.ID}, idsOf(b.list(service.Listing{Order: service.Changed}).Consents))
	b.update(two.ID, func(c *consent.Consent) error { return c.Reject(consent.ByPSU, at(1)) })
	b.update(one.ID, func(c *consent.Consent) error { return c.Amend([]byte("x"), nil, "App", at(2)) })
	listed := b.list(service.Listing{Order: service.Changed, Page: 1, Size: 2})
	require.Equal(t, []uuid.UUID{three.ID, two.ID}, idsOf(listed.Consents))
	require.Equal(t, &service.Cursor{ID: two.ID, Changed: at(1)}, listed.Next)
	next := b.list(service.Listing{Order: service.Changed, Size: 2, Cursor: listed.Next})
	require.Equal(t, []uuid.UUID{one.ID}, idsOf(next.Consents))
	require.Equal(t, 3, next.Total)
	require.Nil(t, next.Next)
	for after, want := range map[time.Time][]uuid.UUID{
		start.Add(-time.Microsecond): {three.ID, two.ID, one.ID},
		start:                        {two.ID, one.ID},
		at(1):                        {one.ID},
		at(2):                        nil,
	} {
		require.Equal(t, want, idsOf(b.list(service.Listing{Order: service.Changed, ChangedAfter: after}).Consents), after.String())
	}
}

func listedByTime(t *testing.T, b *bundle) {
	c, h := b.staged(), b.holder("T", "omar")
	given := b.givenTo(b.staged().ID, h, start)
	begun, run := b.create(draft())
	for name, x := range map[string]struct {
		after, now time.Time
		want       []uuid.UUID
	}{
		"before anything is due": {start, run.OpenBy.Add(-time.Microsecond), nil},
		"an authorisation ended": {start, run.OpenBy, []uuid.UUID{begun.ID}},
		"it was known before":    {run.OpenBy, c.AuthoriseBy.Add(-time.Microsecond), nil},
		"nobody agreed in time":  {run.OpenBy, c.AuthoriseBy, []uuid.UUID{c.ID}},
		"the end of a consent":   {given.EndsAt.Add(-time.Microsecond), given.EndsAt, []uuid.UUID{given.ID}},
		"all of it":              {start, given.EndsAt, []uuid.UUID{c.ID, given.ID, begun.ID}},
	} {
		got := b.list(service.Listing{Order: service.Changed, ChangedAfter: x.after, Now: x.now})
		require.Equal(t, x.want, idsOf(got.Consents), name)
		require.Equal(t, len(x.want), got.Total, name)
	}
	expired := service.Listing{Statuses: []consent.Status{consent.Expired, consent.Rejected}, Now: c.AuthoriseBy}
	require.Equal(t, []uuid.UUID{c.ID}, idsOf(b.list(expired).Consents))
	b.update(c.ID, func(s *consent.Consent) error { s.Settle(c.AuthoriseBy); return nil })
	require.Equal(t, []uuid.UUID{c.ID}, idsOf(b.list(expired).Consents), "and once it is written")
	require.Equal(t, c.AuthoriseBy, b.get(c.ID).UpdatedAt())
}

func listedByLine(t *testing.T, b *bundle) {
	first := b.staged()
	second, other := b.staged(inLine(first)), b.staged()
	third := b.staged(inLine(first))
	listed := b.list(service.Listing{Group: first.ID})
	require.Equal(t, []uuid.UUID{third.ID, second.ID, first.ID}, idsOf(listed.Consents))
	require.Equal(t, []uuid.UUID{other.ID}, idsOf(b.list(service.Listing{Group: other.ID}).Consents))
	require.Empty(t, b.list(service.Listing{Group: second.ID}).Consents)
}

// stageAny has a hub stage a consent of anybody's in any state, and of any line.
func (w *town) stageAny(rt *rapid.T) {
	now := start.Add(time.Duration(rapid.IntRange(0, 90).Draw(rt, "minutes")) * time.Minute)
	c := w.b.staged(func(s *consent.Staging) {
		if rapid.Bool().Draw(rt, "pays") {
			paying(s)
		}
		s.TPP = rapid.SampledFrom([]string{"A", "B", w.mark}).Draw(rt, "tpp")
		s.EndsAt = start.Add(time.Duration(rapid.IntRange(2, 100).Draw(rt, "hours")) * time.Hour)
		if len(w.lines) > 0 && rapid.Bool().Draw(rt, "goes on") {
			s.Group = rapid.SampledFrom(w.lines).Draw(rt, "line")
		}
	})
	w.ids, w.lines = append(w.ids, c.ID), append(w.lines, c.GroupID)
	psu, customer := rapid.SampledFrom(w.psus).Draw(rt, "psu"), rapid.SampledFrom(w.customers).Draw(rt, "customer")
	steps := rapid.IntRange(0, 4).Draw(rt, "steps")
	_, err := w.b.Amend(w.b.ctx, c.ID, func(c *consent.Consent, h *consent.Holder, _ []consent.Payment) error {
		for _, step := range []func() error{
			func() error { return c.AttachPSU(h, psu, customer, now) },
			func() error { return c.AttachAccounts(w.accounts[customer][:1], now) },
			func() error { return c.Approve(now) },
			func() error { return c.Suspend(consent.ReasonBank, now.Add(time.Minute)) },
		}[:steps] {
			if err := step(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil { // the line is another's
		require.Contains(rt, []consent.Code{consent.CodeForbidden, consent.CodeStatusInvalid}, consent.CodeOf(err))
	}
}

// listing is any list that may be asked for.
func (w *town) listing(rt *rapid.T) service.Listing {
	q := w.query(rt)
	l := service.Listing{
		Sight: q.Sight, Account: q.Account, Owners: q.Owners, TPP: q.TPP, Size: q.Limit + 1, Page: 1, Now: q.Now,
		Order: rapid.SampledFrom([]service.Order{service.Newest, service.Changed}).Draw(rt, "order"),
		Kinds: rapid.SampledFrom([][]consent.Kind{nil, {consent.AccountAccess}, {consent.AccountAccess, consent.Payments}}).Draw(rt, "kinds"),
	}
	if rapid.IntRange(0, 4).Draw(rt, "whosever") == 0 {
		l.Sight, l.Account = nil, ""
		l.TPP = w.mark // so that no others of the store are among them
	}
	if q.Status != "" {
		l.Statuses = []consent.Status{q.Status, rapid.SampledFrom(statuses()).Draw(rt, "or")}
	}
	if rapid.IntRange(0, 2).Draw(rt, "of late") == 0 {
		l.ChangedAfter = start.Add(time.Duration(rapid.IntRange(-10, 100).Draw(rt, "since")) * time.Minute)
	}
	if len(w.lines) > 0 && rapid.IntRange(0, 4).Draw(rt, "of a line") == 0 {
		l.Group = rapid.SampledFrom(w.lines).Draw(rt, "line")
	}
	if rapid.IntRange(0, 4).Draw(rt, "period") == 0 {
		l.MadeFrom, l.MadeTo = start, start.Add(time.Duration(rapid.IntRange(0, 1).Draw(rt, "to"))*time.Microsecond)
	}
	return l
}

// listed answers a listing one consent after the other, in the words of the domain.
func (w *town) listed(l service.Listing) []uuid.UUID {
	type row struct {
		id uuid.UUID
		at time.Time
	}
	var rows []row
	for _, id := range w.ids {
		c := w.b.get(id)
		at := c.UpdatedAt()
		if c.Settle(l.Now); w.meets(c, l) {
			rows = append(rows, row{id, at})
		}
	}
	slices.SortFunc(rows, func(a, b row) int {
		if l.Order == service.Newest {
			return slices.Compare(b.id[:], a.id[:])
		}
		if n := a.at.Compare(b.at); n != 0 {
			return n
		}
		return slices.Compare(a.id[:], b.id[:])
	})
	var ids []uuid.UUID
	for _, r := range rows {
		ids = append(ids, r.id)
	}
	return ids
}

// meets tells whether a consent, as it stands, is to be listed.
func (w *town) meets(c *consent.Consent, l service.Listing) bool {
	switch {
	case l.Sight != nil && !l.Sight.Sees(c), l.TPP != "" && l.TPP != c.TPP, l.Group != uuid.Nil && l.Group != c.GroupID:
		return false
	case l.Account != "" && !w.opens(c, consents.Query{Account: l.Account, Owners: l.Owners}):
		return false
	case len(l.Kinds) > 0 && !slices.Contains(l.Kinds, c.Kind), len(l.Statuses) > 0 && !slices.Contains(l.Statuses, c.Status):
		return false
	case !l.ChangedAfter.IsZero() && !c.UpdatedAt().After(l.ChangedAfter):
		return false
	default:
		return (l.MadeFrom.IsZero() || !c.CreatedAt.Before(l.MadeFrom)) && (l.MadeTo.IsZero() || c.CreatedAt.Before(l.MadeTo))
	}
}

// walked reads a listing to its end, by pages or by cursors.
func (w *town) walked(rt *rapid.T, l service.Listing, byCursor bool, total *int) []uuid.UUID {
	var ids []uuid.UUID
	for {
		page, err := w.b.ListConsents(w.b.ctx, l)
		require.NoError(rt, err)
		require.LessOrEqual(rt, len(page.Consents), l.Size)
		if total != nil {
			require.Equal(rt, *total, page.Total)
		}
		for _, c := range page.Consents {
			ids = append(ids, c.ID)
			if l.Sight != nil && !l.Sight.Sees(c) {
				rt.Fatalf("consent %s is shown to somebody whose it is not", c.ID)
			}
		}
		if page.Next == nil {
			return ids
		}
		if l.Page++; byCursor {
			l.Cursor = page.Next
		}
	}
}

func (w *town) populate(rt *rapid.T, least int) {
	for range rapid.IntRange(least, 7).Draw(rt, "consents") {
		if rapid.Bool().Draw(rt, "staged") {
			w.stageAny(rt)
		} else {
			w.settle(rt)
		}
	}
}

// listsAreOnesOwn holds what storage lists against what the domain would.
func listsAreOnesOwn(t *testing.T, b *bundle) {
	b.givenTo(b.staged().ID, b.holder("A", "others"), start) // who have nothing to do with it
	rapid.Check(t, func(rt *rapid.T) {
		w := newTown(b)
		w.populate(rt, 1)
		for range 3 {
			l := w.listing(rt)
			want := w.listed(l)
			total := len(want)
			require.Equal(rt, want, w.walked(rt, l, false, &total), "%+v", l)
			require.Equal(rt, want, w.walked(rt, l, true, &total), "%+v", l)
		}
	})
}

// listsAddUp reads page after page by cursors while new consents are made and those
// that are there end: none that was there is left out, none that stayed as it was comes
// twice, and in the order of their making none does at all.
func listsAddUp(t *testing.T, b *bundle) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newTown(b)
		w.populate(rt, 3)
		l := w.listing(rt)
		l.Statuses, l.ChangedAfter, l.Size, l.Now = nil, time.Time{}, 1, start
		want, touched := w.listed(l), rapid.Permutation(w.ids).Draw(rt, "touched")
		touched = touched[:len(touched)/2]
		var got []uuid.UUID
		for _, err := range together(
			func() error { got = w.walked(rt, l, true, nil); return nil },
			func() error { _, err := b.stage(named(w.mark, uuid.NewString())); return err },
			func() error {
				for _, id := range touched {
					if _, err := b.Update(b.ctx, id, func(c *consent.Consent) error { return c.Terminate(start.Add(2 * time.Hour)) }); err != nil {
						return err
					}
				}
				return nil
			},
		) {
			require.NoError(rt, err)
		}
		w.addsUp(rt, l, want, touched, got)
	})
}

func (w *town) addsUp(rt *rapid.T, l service.Listing, want, touched, got []uuid.UUID) {
	times := map[uuid.UUID]int{}
	for _, id := range got {
		times[id]++
	}
	var there []uuid.UUID
	for _, id := range got {
		if slices.Contains(w.ids, id) {
			there = append(there, id)
		}
	}
	if l.Order == service.Newest {
		require.Equal(rt, want, there)
		return
	}
	for _, id := range want {
		require.Positive(rt, times[id], "left out")
		require.True(rt, times[id] == 1 || slices.Contains(touched, id), "comes twice")
	}
	require.Subset(rt, want, there)
}
