package overview_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/overview"
)

// TestSight: a viewer sees the consents of those for whom they act now, and what they
// have begun.
func TestSight(t *testing.T) {
	f := newFake()
	ceo, lea := f.viewer("ceo", "ceo", "firm"), f.viewer("lea", "lea")
	own, firms, leas := f.add("ceo"), f.add("firm"), f.add("lea")
	begun := f.add("", begunBy(ceo.PSU))
	f.add("", in(consent.Received)) // nobody's
	require.Equal(t, ids(begun, firms, own), idsOf(f.board(t, ceo, overview.Wish{}).Cards))
	require.Equal(t, ids(leas), idsOf(f.board(t, lea, overview.Wish{}).Cards))

	f.bank.customers["ceo"] = []string{"ceo"} // no more a signer of the firm
	require.Equal(t, ids(begun, own), idsOf(f.board(t, ceo, overview.Wish{}).Cards))
	_, err := f.Overview.Get(t.Context(), ceo, firms.ID)
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
	_, unknown := f.Overview.Get(t.Context(), ceo, uuid.New())
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(unknown))
	_, err = f.Stop(t.Context(), ceo, consent.Cause{}, firms.ID)
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
	require.Equal(t, consent.Valid, f.consents[firms.ID].Status)

	_, err = f.Board(t.Context(), overview.Viewer{PSU: uuid.New(), BankID: "gone"}, overview.Wish{})
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
	f.bank.deaf = true
	_, err = f.All(t.Context(), lea)
	require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err))
}

// TestTabs: which members of a line have a card, and where.
func TestTabs(t *testing.T) {
	type line []consent.Status // the oldest first
	for name, x := range map[string]struct {
		line             line
		current, history []int // of the line, the newest first
	}{
		"received":                      {line{consent.Received}, []int{0}, nil},
		"partially authorised":          {line{consent.PartiallyAuthorised}, []int{0}, nil},
		"valid":                         {line{consent.Valid}, []int{0}, nil},
		"suspended":                     {line{consent.Suspended}, []int{0}, nil},
		"rejected":                      {line{consent.Rejected}, nil, []int{0}},
		"revoked":                       {line{consent.Revoked}, nil, []int{0}},
		"expired":                       {line{consent.Expired}, nil, []int{0}},
		"consumed":                      {line{consent.Consumed}, nil, []int{0}},
		"renewed twice":                 {line{consent.Expired, consent.Expired, consent.Valid}, []int{2}, nil},
		"renewed, and over":             {line{consent.Expired, consent.Revoked}, nil, []int{1}},
		"two that count":                {line{consent.Expired, consent.Valid, consent.Valid}, []int{2, 1}, nil},
		"a renewal that was refused":    {line{consent.Expired, consent.Valid, consent.Rejected}, []int{1}, []int{2}},
		"a renewal that is waited for":  {line{consent.Valid, consent.Received}, []int{1, 0}, nil},
		"two renewals, the last is off": {line{consent.Suspended, consent.Valid, consent.Revoked}, []int{1, 0}, []int{2}},
	} {
		f := newFake()
		v := f.viewer("omar", "omar")
		var members []*consent.Consent
		for i, s := range x.line {
			set := []func(*consent.Consent){in(s)}
			if i > 0 {
				set = append(set, after(members[0]))
			}
			members = append(members, f.add("omar", set...))
		}
		for tab, want := range map[overview.Tab][]int{overview.Current: x.current, overview.History: x.history} {
			cards := []uuid.UUID{}
			for _, i := range want {
				cards = append(cards, members[i].ID)
			}
			b := f.board(t, v, overview.Wish{Tab: tab})
			require.Equal(t, cards, idsOf(b.Cards), "%s: %s", name, tab)
			require.Equal(t, []int{len(x.current), len(x.history)}, []int{b.Current, b.History}, name)
			for _, c := range b.Cards {
				require.Equal(t, []any{len(members), members[0].CreatedAt, c.CreatedAt}, []any{c.Members, c.Since, c.Renewed}, name)
			}
		}
	}
}

// TestTimeEnds: what time alone has ended is over, and nothing is written.
func TestTimeEnds(t *testing.T) {
	f := newFake()
	v := f.viewer("lea", "lea")
	c := f.add("lea")
	f.now = c.EndsAt.Add(time.Hour)
	b := f.board(t, v, overview.Wish{Tab: overview.History})
	require.Equal(t, ids(c), idsOf(b.Cards))
	require.Equal(t, []any{consent.Expired, c.EndsAt}, []any{b.Cards[0].Status, b.Cards[0].StatusChangedAt})
	require.Empty(t, f.board(t, v, overview.Wish{}).Cards)
	require.Equal(t, consent.Valid, f.consents[c.ID].Status)
}

// TestConnections: a connection has a card where what was forwarded by it does not tell
// of it.
func TestConnections(t *testing.T) {
	over := in(consent.Revoked)
	for name, x := range map[string]struct {
		make             func(f *fake, psu uuid.UUID) []*consent.Consent
		current, history []int // of what was made, the newest first
	}{
		"alone": {func(f *fake, psu uuid.UUID) []*consent.Consent {
			return []*consent.Consent{f.add("lea", connection(psu))}
		}, []int{0}, nil},
		"with what was forwarded by it": {func(f *fake, psu uuid.UUID) []*consent.Consent {
			c := f.add("lea", connection(psu))
			return []*consent.Consent{c, f.add("lea", forwarded(psu), func(x *consent.Consent) { x.Connection = c.ID })}
		}, []int{1}, nil},
		"with what rests on another one": {func(f *fake, psu uuid.UUID) []*consent.Consent {
			c := f.add("lea", connection(psu))
			x := f.add("lea", forwarded(psu))
			return []*consent.Consent{c, x, f.add("lea", connection(psu))}
		}, []int{1}, nil},
		"beside another TPP's": {func(f *fake, psu uuid.UUID) []*consent.Consent {
			return []*consent.Consent{f.add("lea", connection(psu)), f.add("lea", forwarded(psu), of("B"))}
		}, []int{1, 0}, nil},
		"beside another PSU's": {func(f *fake, psu uuid.UUID) []*consent.Consent {
			return []*consent.Consent{f.add("lea", connection(psu)), f.add("lea", forwarded(uuid.New()))}
		}, []int{1, 0}, nil},
		"of what is over": {func(f *fake, psu uuid.UUID) []*consent.Consent {
			return []*consent.Consent{f.add("lea", connection(psu)), f.add("lea", forwarded(psu), over)}
		}, []int{0}, []int{1}},
		"all is over": {func(f *fake, psu uuid.UUID) []*consent.Consent {
			c, x := f.add("lea", connection(psu)), f.add("lea", forwarded(psu))
			return []*consent.Consent{f.end(c), f.end(x)}
		}, nil, []int{1}},
		"over before anything was forwarded": {func(f *fake, psu uuid.UUID) []*consent.Consent {
			c := f.end(f.add("lea", connection(psu)))
			f.add("lea", connection(psu))
			return []*consent.Consent{c, f.add("lea", forwarded(psu))}
		}, []int{1}, []int{0}},
		"refused while another stands": {func(f *fake, psu uuid.UUID) []*consent.Consent {
			x := f.add("lea", forwarded(psu))
			return []*consent.Consent{x, f.add("lea", connection(psu), in(consent.Rejected))}
		}, []int{0}, []int{1}},
	} {
		f := newFake()
		v := f.viewer("lea", "lea")
		made := x.make(f, v.PSU)
		for tab, want := range map[overview.Tab][]int{overview.Current: x.current, overview.History: x.history} {
			cards := []uuid.UUID{}
			for _, i := range want {
				cards = append(cards, made[i].ID)
			}
			require.Equal(t, cards, idsOf(f.board(t, v, overview.Wish{Tab: tab}).Cards), "%s: %s", name, tab)
		}
	}
}

// end ends a consent a minute later.
func (f *fake) end(c *consent.Consent) *consent.Consent {
	f.now = f.now.Add(time.Minute)
	c.Status, c.StatusChangedAt = consent.Revoked, f.now
	f.keep(c)
	return c
}

func TestTypes(t *testing.T) {
	f := newFake()
	v := f.viewer("omar", "omar")
	for _, x := range []struct {
		want overview.Type
		set  func(*consent.Consent)
	}{
		{overview.DataSharing, kind(consent.AccountAccess)},
		{overview.Funds, kind(consent.FundsConfirmation)},
		{overview.Connected, connection(v.PSU)},
		{overview.SinglePayment, pays(consent.PaymentTerms{Schedule: consent.SingleInstant})},
		{overview.SinglePayment, pays(consent.PaymentTerms{Schedule: consent.FilePayment})},
		{overview.FlexiPay, pays(consent.PaymentTerms{Schedule: consent.FixedPeriodic})},
		{overview.FlexiPay, pays(consent.PaymentTerms{Schedule: consent.VariableOnDemand})},
	} {
		c := f.add("omar", x.set)
		require.Equal(t, x.want, f.detail(t, v, c.ID).Type)
		require.Equal(t, x.want == overview.SinglePayment || x.want == overview.FlexiPay, x.want.Payment())
	}
	b := f.board(t, v, overview.Wish{})
	require.Equal(t, []overview.Type{overview.DataSharing, overview.Connected, overview.Funds}, b.Types)
	require.Equal(t, []int{7, 0, 3, 4, 3}, []int{b.Current, b.History, b.Shares, b.Pays, b.Total})
	b = f.board(t, v, overview.Wish{Pays: true})
	require.Equal(t, []overview.Type{overview.SinglePayment, overview.FlexiPay}, b.Types)
	require.Equal(t, []int{7, 0, 3, 4, 4}, []int{b.Current, b.History, b.Shares, b.Pays, b.Total})
}

// TestFilters: the filters meet together, and what there is to choose does not depend
// on them.
func TestFilters(t *testing.T) {
	f := newFake()
	v := f.viewer("omar", "omar")
	a := f.add("omar", of("zeta"))
	b := f.add("omar", of("beta"), in(consent.PartiallyAuthorised))
	c := f.add("omar", of("beta"), in(consent.Received), kind(consent.FundsConfirmation))
	d := f.add("omar", of("beta"), in(consent.Suspended))
	f.add("omar", of("gone"), in(consent.Expired))
	f.add("omar", of("paid"), pays(consent.PaymentTerms{Schedule: consent.SingleInstant}))
	for name, x := range map[string]struct {
		wish overview.Wish
		want []uuid.UUID
	}{
		"none":                 {overview.Wish{}, ids(d, c, b, a)},
		"TPP":                  {overview.Wish{TPP: "beta"}, ids(d, c, b)},
		"type":                 {overview.Wish{Type: overview.Funds}, ids(c)},
		"status":               {overview.Wish{Status: consent.Suspended}, ids(d)},
		"awaiting":             {overview.Wish{Status: consent.Received}, ids(c, b)},
		"awaiting, in part":    {overview.Wish{Status: consent.PartiallyAuthorised}, ids(c, b)},
		"all":                  {overview.Wish{TPP: "beta", Type: overview.DataSharing, Status: consent.Received}, ids(b)},
		"nothing":              {overview.Wish{TPP: "zeta", Status: consent.Suspended}, ids()},
		"a TPP of another tab": {overview.Wish{TPP: "gone"}, ids()},
	} {
		got := f.board(t, v, x.wish)
		require.Equal(t, x.want, idsOf(got.Cards), name)
		require.Equal(t, []int{len(x.want), 1, 1}, []int{got.Total, got.Page, got.Pages}, name)
		require.Equal(t, []overview.TPP{{ID: "beta", Name: "The beta"}, {ID: "zeta", Name: "The zeta"}}, got.TPPs, name)
		require.Equal(t, []consent.Status{consent.Received, consent.Valid, consent.Suspended}, got.Statuses, name)
	}
}

// TestPages: twenty cards each, all of them once, however storage parts them.
func TestPages(t *testing.T) {
	f := newFake()
	f.size = 7
	v := f.viewer("omar", "omar")
	var want []uuid.UUID
	for range 45 {
		want = append([]uuid.UUID{f.add("omar").ID}, want...)
	}
	var got []uuid.UUID
	for page := 1; page <= 3; page++ {
		b := f.board(t, v, overview.Wish{Page: page})
		require.Equal(t, []int{page, 3, 45}, []int{b.Page, b.Pages, b.Total})
		got = append(got, idsOf(b.Cards)...)
	}
	require.Equal(t, want, got)
	require.Equal(t, want[40:], idsOf(f.board(t, v, overview.Wish{Page: 9}).Cards))
	require.Equal(t, want[:20], idsOf(f.board(t, v, overview.Wish{Page: -1}).Cards))
	require.Equal(t, map[string]int{"omar": 5}, f.bank.asked, "once a call")
}

// TestAccounts: what a card says of accounts, with and without the bank's answer.
func TestAccounts(t *testing.T) {
	const balances = consent.RightBalances
	asked := consent.Reference{IBAN: "IBAN-asked"}
	daily := overview.Account{ID: "lea/1", Name: "Daily lea", Owner: "LEA", Reference: consent.Reference{IBAN: "IBAN-lea-1"}, Rights: balances}
	savings := overview.Account{ID: "lea/2", Name: "Savings lea", Owner: "LEA", Reference: consent.Reference{IBAN: "IBAN-lea-2", CashAccountType: "SVGS"}, Rights: balances}
	bare := overview.Account{ID: "lea/1", Reference: daily.Reference, Rights: balances}
	erased := overview.Account{Reference: consent.Reference{IBAN: "IBAN-old-1"}, Rights: balances}
	f := newFake()
	v := f.viewer("lea", "lea")
	old := f.grant("old", 1, balances)
	delete(f.ids, old.AccountID)
	for name, x := range map[string]struct {
		access       consent.Access
		all          bool
		want, silent []overview.Account
	}{
		"granted": {
			consent.Access{Scope: consent.ScopeDedicated, Grants: []consent.Grant{f.grant("lea", 1, balances), old}},
			false,
			[]overview.Account{daily, erased},
			[]overview.Account{bare, erased},
		},
		"asked": {
			consent.Access{Scope: consent.ScopeDedicated, Asked: []consent.Asked{{Reference: asked, Rights: balances}}},
			false,
			[]overview.Account{{Reference: asked, Rights: balances}},
			[]overview.Account{{Reference: asked, Rights: balances}},
		},
		"to be chosen": {consent.Access{Scope: consent.ScopeBankOffered, Rights: balances}, false, nil, nil},
		"all":          {consent.Access{Scope: consent.ScopeAllPSD2, Rights: balances}, true, []overview.Account{daily, savings}, nil},
		"all of a kind": {
			consent.Access{Scope: consent.ScopeAvailable, Rights: balances, Only: []string{"SVGS"}},
			true,
			[]overview.Account{savings},
			nil,
		},
	} {
		c := f.add("lea", opens(x.access))
		for _, down := range []bool{false, true} {
			f.bank.down = down
			want := x.want
			if down {
				want = x.silent
			}
			d := f.detail(t, v, c.ID)
			require.Equal(t, want, d.Accounts, "%s, down: %t", name, down)
			require.Equal(t, x.all, d.All, name)
		}
	}
}

// TestCustomerNames: whose accounts they are is told to who acts for several.
func TestCustomerNames(t *testing.T) {
	f := newFake()
	ceo, lea := f.viewer("ceo", "ceo", "firm"), f.viewer("lea", "lea")
	c := f.add("firm")
	require.Equal(t, "FIRM", f.detail(t, ceo, c.ID).Customer)
	require.Empty(t, f.detail(t, ceo, f.add("", begunBy(ceo.PSU)).ID).Customer)
	require.Empty(t, f.detail(t, lea, f.add("lea").ID).Customer)
}

// TestUse: when a consent was used last, and what was paid by it.
func TestUse(t *testing.T) {
	f := newFake()
	v := f.viewer("omar", "omar")
	shares, never := f.add("omar"), f.add("omar")
	f.shared[shares.ID] = noon.Add(time.Hour)
	flexi := f.add("omar", pays(consent.PaymentTerms{Schedule: consent.VariableOnDemand, Period: consent.PeriodMonth}))
	for i, s := range []consent.PaymentStatus{consent.PaymentCredited, consent.PaymentRejected, consent.PaymentPending, consent.PaymentRejected} {
		f.payments[flexi.ID] = append(f.payments[flexi.ID], consent.Payment{
			ID: uuid.New(), Consent: flexi.ID, Status: s, Amount: consent.Money{Minor: 100 << i, Currency: "AED"},
			CreatedAt: noon.Add(time.Duration(i) * time.Hour), Parties: fmt.Sprint(i),
		})
	}
	require.Equal(t, noon.Add(time.Hour), f.detail(t, v, shares.ID).LastUsed)
	require.Zero(t, f.detail(t, v, never.ID).LastUsed)
	b := f.board(t, v, overview.Wish{Pays: true})
	require.Equal(t, noon.Add(3*time.Hour), b.Cards[0].LastUsed, "a payment that was tried")
	require.Equal(t, noon.Add(2*time.Hour), b.Cards[0].PaidAt, "one that was not rejected")
	money := func(minor int64) consent.Money { return consent.Money{Minor: minor, Currency: "AED"} }
	require.Equal(t, consent.Consumption{
		Count: 2, Value: money(500), CountInPeriod: 2, ValueInPeriod: money(500), Paid: money(100), Pending: money(400), Open: 1,
	}, b.Cards[0].Sum)
}

// TestPaymentsOfAPage: of a page only the payments of its cards are read, in brief; none
// is opened.
func TestPaymentsOfAPage(t *testing.T) {
	f := newFake()
	v := f.viewer("omar", "omar")
	for range 25 {
		c := f.add("omar", pays(consent.PaymentTerms{Schedule: consent.VariableOnDemand}))
		f.payments[c.ID] = []consent.Payment{{Status: consent.PaymentSettled, Amount: consent.Money{Minor: 5, Currency: "AED"}, CreatedAt: f.now}}
	}
	b := f.board(t, v, overview.Wish{Pays: true, Page: 2})
	require.Len(t, b.Cards, 5)
	require.ElementsMatch(t, idsOf(b.Cards), f.summed)
	require.EqualValues(t, 5, b.Cards[0].Sum.Value.Minor)
	f.summed = nil
	require.Len(t, f.detail(t, v, b.Cards[0].ID).Payments, 1)
	require.Empty(t, f.summed, "the details tell of each")
}
