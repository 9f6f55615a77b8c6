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

func testSearch(t *testing.T, open Open) {
	runAll(t, open, map[string]func(*testing.T, *bundle){
		"what is found is whole, and the newest first":     foundIsWhole,
		"a consent is found by who acts and who has begun": foundBySight,
		"a consent is found by an account that it opens":   foundByAccount,
		"a status is found as it is at the instant":        foundByStatus,
		"ids are turned back into the bank's":              bankIDs,
		"nobody's page holds another's consents":           pagesAreOnesOwn,
		"pages add up while consents are written":          pagesAddUp,
	})
}

// find lists in short.
func (b *bundle) find(q consents.Query) []uuid.UUID {
	b.t.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	if q.Now.IsZero() {
		q.Now = start
	}
	found, err := b.Find(b.ctx, q)
	require.NoError(b.t, err)
	return idsOf(found)
}

func idsOf(list []*consent.Consent) []uuid.UUID {
	var ids []uuid.UUID
	for _, c := range list {
		ids = append(ids, c.ID)
	}
	return ids
}

// agreed stores a one-off consent that a PSU has authorised for a customer.
func (b *bundle) agreed(psu, customer uuid.UUID, grants []consent.Grant, edit ...func(*consent.Draft)) uuid.UUID {
	b.t.Helper()
	once := func(d *consent.Draft) { d.Recurring, d.FrequencyPerDay = false, 1 }
	c, run := b.identified(draft(append(edit, once)...), psu, customer)
	require.NoError(b.t, b.finish(b.ctx, run, psu, grants, start))
	return c.ID
}

func allAccounts(d *consent.Draft) {
	d.Access = consent.Access{Scope: consent.ScopeAllPSD2, Rights: consent.RightAccounts}
}

func foundIsWhole(t *testing.T, b *bundle) {
	psu, customer, grants := b.person("lea")
	sight := &consents.Sight{PSU: psu, Customers: []uuid.UUID{customer}}
	first := b.agreed(psu, customer, grants)
	begun, _ := b.identified(draft(allAccounts), psu, customer)
	last := b.agreed(psu, customer, grants)
	require.Equal(t, []uuid.UUID{last, begun.ID, first}, b.find(consents.Query{Sight: sight}))
	found, err := b.Find(b.ctx, consents.Query{Sight: sight, Limit: 2, Now: start})
	require.NoError(t, err)
	require.Equal(t, []*consent.Consent{b.get(last), b.get(begun.ID)}, found)
	require.Equal(t, []uuid.UUID{first}, b.find(consents.Query{Sight: sight, After: begun.ID}))
	require.Empty(t, b.find(consents.Query{Sight: sight, After: first}))
	require.Empty(t, b.find(consents.Query{Sight: sight, TPP: "PSDXX-TEST-B"}))
	require.Len(t, b.find(consents.Query{Sight: sight, TPP: "PSDXX-TEST-A"}), 3)
}

func foundBySight(t *testing.T, b *bundle) {
	lea, leas, grants := b.person("lea")
	enzo, enzos, _ := b.person("enzo")
	b.create(draft()) // nobody has begun
	valid := b.agreed(lea, leas, grants)
	begun, _ := b.identified(draft(), lea, leas)
	for name, x := range map[string]struct {
		sight consents.Sight
		want  []uuid.UUID
	}{
		"who authorised and acts":       {consents.Sight{PSU: lea, Customers: []uuid.UUID{leas}}, []uuid.UUID{begun.ID, valid}},
		"who acts too, never logged in": {consents.Sight{Customers: []uuid.UUID{enzos, leas}}, []uuid.UUID{valid}},
		"who acts no more":              {consents.Sight{PSU: lea}, []uuid.UUID{begun.ID}},
		"somebody else":                 {consents.Sight{PSU: enzo, Customers: []uuid.UUID{enzos}}, nil},
		"nobody":                        {consents.Sight{}, nil},
	} {
		require.Equal(t, x.want, b.find(consents.Query{Sight: &x.sight}), name)
	}
	require.Empty(t, b.find(consents.Query{}), "everybody's are not asked for")
}

func foundByAccount(t *testing.T, b *bundle) {
	lea, leas, grants := b.person("lea")
	enzo, enzos, _ := b.person("enzo")
	named := b.agreed(lea, leas, grants)
	open := b.agreed(lea, leas, nil, allAccounts)
	other := b.agreed(enzo, enzos, nil, allAccounts)
	require.Equal(t, []uuid.UUID{open, named}, b.find(consents.Query{Account: "lea-1"}))
	require.Empty(t, b.find(consents.Query{Account: "lea-2"}))
	require.Equal(t, []uuid.UUID{open}, b.find(consents.Query{Account: "lea-2", Owners: []uuid.UUID{leas}}))
	both := &consents.Sight{Customers: []uuid.UUID{leas, enzos}}
	require.Equal(t, []uuid.UUID{open, named}, b.find(consents.Query{Sight: both, Account: "lea-1"}))
	require.Equal(t, []uuid.UUID{other}, b.find(consents.Query{Sight: both, Account: "enzo-1"}))
	require.Empty(t, b.find(consents.Query{Sight: &consents.Sight{Customers: []uuid.UUID{enzos}}, Account: "lea-1"}))
}

func foundByStatus(t *testing.T, b *bundle) {
	psu, customer, grants := b.person("lea")
	sight := &consents.Sight{PSU: psu, Customers: []uuid.UUID{customer}}
	valid := b.agreed(psu, customer, grants)
	received, _ := b.identified(draft(), psu, customer)
	short, _ := b.identified(draft(func(d *consent.Draft) { d.ValidUntil = consent.DateOf(start, time.UTC) }), psu, customer)
	at := func(now time.Time, s consent.Status) []uuid.UUID {
		return b.find(consents.Query{Sight: sight, Status: s, Now: now})
	}
	end, window := b.get(valid).EndsAt, received.AuthoriseBy
	require.True(t, short.EndsAt.Before(window))
	require.Equal(t, []uuid.UUID{valid}, at(start, consent.Valid))
	require.Equal(t, []uuid.UUID{short.ID, received.ID}, at(start, consent.Received))
	require.Equal(t, []uuid.UUID{short.ID}, at(short.EndsAt, consent.Expired))
	require.Equal(t, []uuid.UUID{short.ID, received.ID}, at(short.EndsAt.Add(-time.Microsecond), consent.Received))
	require.Equal(t, []uuid.UUID{received.ID}, at(window, consent.Rejected), "not authorised in time")
	require.Empty(t, at(window.Add(-time.Microsecond), consent.Rejected))
	require.Equal(t, []uuid.UUID{valid}, at(end.Add(-time.Microsecond), consent.Valid))
	require.Empty(t, at(end, consent.Valid))
	require.Equal(t, []uuid.UUID{short.ID, valid}, at(end, consent.Expired))
}

func bankIDs(t *testing.T, b *bundle) {
	psu, customer, grants := b.person("lea")
	account, unknown := grants[0].AccountID, uuid.New()
	known, err := b.BankIDs(b.ctx, []uuid.UUID{psu, customer, account, unknown})
	require.NoError(t, err)
	require.Equal(t, map[uuid.UUID]string{psu: "lea", customer: "lea", account: "lea-1"}, known)
	known, err = b.BankIDs(b.ctx, nil)
	require.NoError(t, err)
	require.Empty(t, known)
	for name, x := range map[string]struct {
		psu       string
		customers []string
		want      consents.Sight
	}{
		"both":    {"lea", []string{"enzo", "lea"}, consents.Sight{PSU: psu, Customers: []uuid.UUID{customer}}},
		"neither": {"enzo", []string{"enzo"}, consents.Sight{}},
		"nobody":  {"", nil, consents.Sight{}},
	} {
		got, err := b.Sight(b.ctx, x.psu, x.customers)
		require.NoError(t, err)
		require.Equal(t, x.want.PSU, got.PSU, name)
		require.ElementsMatch(t, x.want.Customers, got.Customers, name)
	}
	again, err := b.Sight(b.ctx, "enzo", nil)
	require.NoError(t, err)
	require.Zero(t, again.PSU, "looking makes nobody")
}

// town is some PSUs and customers with consents in all states, among whom a query
// is tried.
type town struct {
	b         *bundle
	psus      []uuid.UUID
	customers []uuid.UUID
	accounts  map[uuid.UUID][]consent.Grant // of each customer
	bank      map[uuid.UUID]string          // ids of accounts
	ids       []uuid.UUID
	lines     []uuid.UUID // of those that were staged
	mark      string      // a TPP of no other town
}

// newTown makes three of each. The first two customers have an account in common.
func newTown(b *bundle) *town {
	b.t.Helper()
	mark := uuid.NewString()
	w := &town{b: b, mark: mark, accounts: map[uuid.UUID][]consent.Grant{}, bank: map[uuid.UUID]string{}}
	for i := range 3 {
		name := mark + string(rune('a'+i))
		psu, customer, grants := b.person(name)
		w.psus, w.customers = append(w.psus, psu), append(w.customers, customer)
		w.accounts[customer], w.bank[grants[0].AccountID] = grants, name+"-1"
		if i < 2 {
			joint := service.Account{ID: mark + "joint", Reference: consent.Reference{IBAN: "DE1"}}
			ids, err := b.Accounts(b.ctx, customer, []service.Account{joint})
			require.NoError(b.t, err)
			w.bank[ids[0]] = joint.ID
			w.accounts[customer] = append(w.accounts[customer], consent.Grant{AccountID: ids[0], Rights: consent.RightBalances, Reference: joint.Reference})
		}
	}
	return w
}

// settle writes a consent of anybody's in any state.
func (w *town) settle(rt *rapid.T) {
	psu, customer := rapid.SampledFrom(w.psus).Draw(rt, "psu"), rapid.SampledFrom(w.customers).Draw(rt, "customer")
	all := rapid.Bool().Draw(rt, "all accounts")
	d := draft(func(d *consent.Draft) {
		d.Recurring, d.FrequencyPerDay = false, 1
		d.TPP = rapid.SampledFrom([]string{"A", "B"}).Draw(rt, "tpp")
		d.ValidUntil = consent.DateOf(start, time.UTC).AddDays(rapid.IntRange(0, 3).Draw(rt, "days"))
		if all {
			allAccounts(d)
		}
	})
	if rapid.IntRange(0, 5).Draw(rt, "nobody has begun") == 0 {
		c, _ := w.b.create(d)
		w.ids = append(w.ids, c.ID)
		return
	}
	c, run := w.b.identified(d, psu, customer)
	w.ids = append(w.ids, c.ID)
	if rapid.Bool().Draw(rt, "authorised") {
		var grants []consent.Grant
		if !all {
			grants = []consent.Grant{rapid.SampledFrom(w.accounts[customer]).Draw(rt, "account")}
		}
		require.NoError(rt, w.b.finish(w.b.ctx, run, psu, grants, start))
	}
	change := rapid.SampledFrom([]func(*consent.Consent) error{
		nil, nil,
		func(c *consent.Consent) error { return c.Suspend(consent.ReasonBank, start) },
		func(c *consent.Consent) error { return c.Terminate(start) },
		func(c *consent.Consent) error {
			return c.Refuse(run.Authorisation, consent.ByPSU, consent.ReasonRefused, start)
		},
		func(c *consent.Consent) error { c.Settle(start.AddDate(0, 0, 2)); return nil },
	}).Draw(rt, "change")
	if change == nil {
		return
	}
	if _, err := w.b.Update(w.b.ctx, c.ID, change); err != nil {
		require.Equal(rt, consent.CodeStatusInvalid, consent.CodeOf(err))
	}
}

// query is any question that may be asked.
func (w *town) query(rt *rapid.T) consents.Query {
	q := consents.Query{
		Limit:  rapid.IntRange(1, 4).Draw(rt, "limit"),
		TPP:    rapid.SampledFrom([]string{"", "", "A", "B"}).Draw(rt, "of"),
		Status: rapid.SampledFrom(append([]consent.Status{"", "", ""}, statuses()...)).Draw(rt, "status"),
		Now:    start.Add(time.Duration(rapid.IntRange(0, 100).Draw(rt, "hours")) * time.Hour),
	}
	if rapid.Bool().Draw(rt, "by account") {
		q.Account = w.bank[rapid.SampledFrom(sortedIDs(w.bank)).Draw(rt, "which")]
		q.Owners = some(rt, w.customers, "owners")
	}
	if q.Account == "" || rapid.Bool().Draw(rt, "by PSU") {
		q.Sight = &consents.Sight{Customers: some(rt, w.customers, "acts for")}
		if rapid.IntRange(0, 3).Draw(rt, "known") > 0 {
			q.Sight.PSU = rapid.SampledFrom(w.psus).Draw(rt, "who")
		}
	}
	return q
}

func statuses() []consent.Status {
	var all []consent.Status
	for s := range consent.Transitions() {
		all = append(all, s)
	}
	slices.Sort(all)
	return all
}

func sortedIDs(m map[uuid.UUID]string) []uuid.UUID {
	var all []uuid.UUID
	for id := range m {
		all = append(all, id)
	}
	slices.SortFunc(all, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return all
}

func some(rt *rapid.T, of []uuid.UUID, label string) []uuid.UUID {
	return slices.DeleteFunc(slices.Clone(of), func(uuid.UUID) bool { return !rapid.Bool().Draw(rt, label) })
}

// wanted answers a query one consent after the other, in the words of the domain.
func (w *town) wanted(q consents.Query) []uuid.UUID {
	var ids []uuid.UUID
	for _, id := range slices.Backward(w.ids) {
		c := w.b.get(id)
		c.Settle(q.Now)
		switch {
		case q.Sight != nil && !q.Sight.Sees(c):
		case q.TPP != "" && q.TPP != c.TPP, q.Status != "" && q.Status != c.Status:
		case q.Account != "" && !w.opens(c, q):
		default:
			ids = append(ids, id)
		}
	}
	return ids
}

// opens tells whether a consent is about the account of a query.
func (w *town) opens(c *consent.Consent, q consents.Query) bool {
	its := func(g consent.Grant) bool { return w.bank[g.AccountID] == q.Account }
	if c.Access.Open() && c.Customer != uuid.Nil {
		return slices.Contains(q.Owners, c.Customer) || slices.ContainsFunc(w.accounts[c.Customer], its)
	}
	return slices.ContainsFunc(c.Access.Grants, its)
}

// pages reads a query to its end.
func (w *town) pages(rt *rapid.T, q consents.Query) []uuid.UUID {
	var ids []uuid.UUID
	for {
		page, err := w.b.Find(w.b.ctx, q)
		require.NoError(rt, err)
		require.LessOrEqual(rt, len(page), q.Limit)
		for _, c := range page {
			ids = append(ids, c.ID)
			if q.Sight != nil && !q.Sight.Sees(c) {
				rt.Fatalf("consent %s is shown to somebody whose it is not", c.ID)
			}
			c.Settle(q.Now)
			if q.Status != "" && c.Status != q.Status {
				rt.Fatalf("consent %s is %s, not %s", c.ID, c.Status, q.Status)
			}
		}
		if len(page) < q.Limit {
			return ids
		}
		q.After = page[len(page)-1].ID
	}
}

// pagesAreOnesOwn holds what storage finds against what the domain would.
func pagesAreOnesOwn(t *testing.T, b *bundle) {
	newTown(b) // others, who have nothing to do with it
	rapid.Check(t, func(rt *rapid.T) {
		w := newTown(b)
		for range rapid.IntRange(1, 10).Draw(rt, "consents") {
			w.settle(rt)
		}
		for range 6 {
			q := w.query(rt)
			require.Equal(rt, w.wanted(q), w.pages(rt, q), "%+v", q)
		}
	})
}

// pagesAddUp reads page after page while new consents of the same persons are made
// and those that are there end: each that was there is found, and found once.
func pagesAddUp(t *testing.T, b *bundle) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newTown(b)
		for range rapid.IntRange(3, 10).Draw(rt, "consents") {
			w.settle(rt)
		}
		q := w.query(rt)
		q.Status, q.Limit = "", 1
		want, psu, customer := w.wanted(q), rapid.SampledFrom(w.psus).Draw(rt, "psu"), rapid.SampledFrom(w.customers).Draw(rt, "customer")
		touched := rapid.Permutation(w.ids).Draw(rt, "touched")
		var got []uuid.UUID
		errs := together(
			func() error { got = w.pages(rt, q); return nil },
			func() error { b.agreed(psu, customer, w.accounts[customer][:1]); return nil },
			func() error {
				for _, id := range touched {
					if _, err := b.Update(b.ctx, id, func(c *consent.Consent) error { return c.Terminate(start) }); err != nil {
						return err
					}
				}
				return nil
			},
		)
		for _, err := range errs {
			require.NoError(rt, err)
		}
		var before []uuid.UUID // what was there before we began
		for _, id := range got {
			if slices.Contains(w.ids, id) {
				before = append(before, id)
			}
		}
		require.Equal(rt, want, before)
	})
}
