package overview_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/overview"
)

const hour = time.Hour

// told is an event without what it changed.
type told struct {
	Kind   overview.EventKind
	Of     *consent.Consent
	By     consent.Actor
	Reason consent.Reason
	At     time.Duration // since noon
}

func (f *fake) told(t *testing.T, v overview.Viewer, all ...*consent.Consent) []told {
	t.Helper()
	d := f.detail(t, v, all[0].ID)
	var list []told
	for _, e := range d.Events {
		x := told{Kind: e.Kind, By: e.By, Reason: e.Reason, At: e.At.Sub(noon)}
		for _, c := range all {
			if c.ID == e.Consent {
				x.Of = c
			}
		}
		list = append(list, x)
	}
	return list
}

// staged makes a consent of a hub that goes on with another one, nil for none.
func (f *fake) staged(t *testing.T, former *consent.Consent, permissions ...string) *consent.Consent {
	t.Helper()
	s := consent.Staging{
		Kind: consent.AccountAccess, TPP: "A", TPPName: "Acme", EndsAt: noon.AddDate(0, 6, 0),
		Staged: consent.Staged{Reference: uuid.NewString(), Permissions: permissions},
	}
	if former != nil {
		s.Group = former.GroupID
	}
	c, err := consent.DefaultPolicy().Stage(uuid.New(), s, consent.Cause{By: consent.ByTPP, Who: "A"}, f.now)
	require.NoError(t, err)
	return c
}

// approved has the customer agree to a consent of a hub.
func (f *fake) approved(t *testing.T, c *consent.Consent, v overview.Viewer, grants ...consent.Grant) *consent.Consent {
	t.Helper()
	c.Because(consent.Cause{By: consent.ByPSU})
	require.NoError(t, c.AttachPSU(&consent.Holder{}, v.PSU, f.id("omar"), f.now))
	require.NoError(t, c.AttachAccounts(grants, f.now))
	require.NoError(t, c.Approve(f.now))
	f.keep(c)
	return c
}

// TestEventsOfLine tells a line of a hub from its beginning to its end.
func TestEventsOfLine(t *testing.T) {
	f := newFake()
	v := f.viewer("omar", "omar")
	one, two := f.grant("omar", 1, 0), f.grant("omar", 2, 0)
	first := f.approved(t, f.staged(t, nil, "Read", "Balances"), v, one)

	f.now = noon.Add(1 * hour)
	refused := f.staged(t, first, "All")
	require.NoError(t, refused.AttachPSU(&consent.Holder{}, v.PSU, f.id("omar"), f.now))
	require.NoError(t, refused.Reject(consent.ByPSU, f.now))
	f.keep(refused)

	f.now = noon.Add(2 * hour)
	second := f.approved(t, f.staged(t, first, "Read", "Party"), v, two)
	f.now = noon.Add(3 * hour)
	second.Because(consent.Cause{By: consent.ByASPSP, Who: "staff"})
	require.NoError(t, second.Suspend(consent.ReasonFraud, f.now))
	require.NoError(t, second.Resume(f.now.Add(hour)))
	second.Because(consent.Cause{By: consent.ByASPSP, Who: "token", For: v.PSU.String()})
	require.NoError(t, second.Withdraw(f.now.Add(2*hour)))
	f.keep(second)

	require.Equal(t, []told{
		{overview.EventStopped, second, consent.ByPSU, consent.ReasonWithdrawn, 5 * hour},
		{overview.EventResumed, second, consent.ByASPSP, "", 4 * hour},
		{overview.EventSuspended, second, consent.ByASPSP, consent.ReasonFraud, 3 * hour},
		{overview.EventRenewed, second, consent.ByPSU, "", 2 * hour},
		{overview.EventAsked, second, consent.ByTPP, "", 2 * hour},
		{overview.EventRefused, refused, consent.ByPSU, consent.ReasonRefused, 1 * hour},
		{overview.EventAsked, refused, consent.ByTPP, "", 1 * hour},
		{overview.EventGiven, first, consent.ByPSU, "", 0},
		{overview.EventAsked, first, consent.ByTPP, "", 0},
	}, f.told(t, v, second, refused, first))

	events := f.detail(t, v, first.ID).Events
	require.Equal(t, f.detail(t, v, second.ID).Events, events, "the line has one timeline")
	daily := overview.Account{ID: "omar/1", Name: "Daily omar", Owner: "OMAR", Reference: one.Reference}
	savings := overview.Account{ID: "omar/2", Name: "Savings omar", Owner: "OMAR", Reference: two.Reference}
	for i, e := range events {
		if i == 3 {
			require.Equal(t, overview.Change{Permissions: []string{"Party"}, Accounts: []overview.Account{savings}}, e.Added)
			require.Equal(t, overview.Change{Permissions: []string{"Balances"}, Accounts: []overview.Account{daily}}, e.Removed)
			require.Equal(t, first.ID, e.Former)
			continue
		}
		require.Zero(t, e.Added, e.Kind)
		require.Zero(t, e.Removed, e.Kind)
		require.Zero(t, e.Former, e.Kind)
	}
}

// TestDetailsHoldWhatIsBasic: who may read details loses nothing with what is basic.
func TestDetailsHoldWhatIsBasic(t *testing.T) {
	f := newFake()
	v := f.viewer("omar", "omar")
	one := f.grant("omar", 1, 0)
	first := f.approved(t, f.staged(t, nil, "ReadAccountsBasic", "ReadAccountsDetail", "ReadTransactionsBasic", "ReadPartyBasic"), v, one)
	f.now = noon.Add(hour)
	second := f.approved(t, f.staged(t, first, "ReadAccountsDetail", "ReadTransactionsDetail"), v, one)
	e := f.detail(t, v, second.ID).Events[0]
	require.Equal(t, overview.EventRenewed, e.Kind)
	require.Equal(t, []string{"ReadTransactionsDetail"}, e.Added.Permissions)
	require.Equal(t, []string{"ReadPartyBasic"}, e.Removed.Permissions)
}

// TestEventsOfForwarded: what a TPP forwards is given at once, by the next one it is
// replaced, and a newer authentication of the PSU renews it.
func TestEventsOfForwarded(t *testing.T) {
	f := newFake()
	v := f.viewer("lea", "lea")
	by := consent.Cause{By: consent.ByTPP, Who: "A"}
	forward := func(rights consent.Rights, grant consent.Grant) *consent.Consent {
		return consent.DefaultPolicy().Forward(uuid.New(), consent.Forwarded{
			TPP: "A", TPPName: "Acme", PSU: v.PSU, Customer: f.id("lea"), SCA: noon, Until: noon.AddDate(0, 3, 0),
			Access: consent.Access{Rights: rights, Grants: []consent.Grant{grant}},
		}, by, f.now)
	}
	first := forward(consent.RightIdentity, f.grant("lea", 1, consent.RightBalances))
	f.now = noon.Add(hour)
	consent.DefaultPolicy().Renew(first, consent.Renewal{SCA: f.now, Until: noon.AddDate(0, 4, 0)}, by, f.now)
	f.now = noon.Add(2 * hour)
	second := forward(0, f.grant("lea", 1, consent.RightTransactions))
	require.NoError(t, first.GiveWay(second, by, f.now))
	f.keep(first)
	f.keep(second)
	require.Equal(t, []told{
		{overview.EventRenewed, second, consent.ByTPP, consent.ReasonForwarded, 2 * hour},
		{overview.EventReplaced, first, consent.BySystem, consent.ReasonReplaced, 2 * hour},
		{overview.EventRenewed, first, consent.ByTPP, consent.ReasonRenewed, hour},
		{overview.EventGiven, first, consent.ByTPP, consent.ReasonForwarded, 0},
	}, f.told(t, v, second, first))
	e := f.detail(t, v, second.ID).Events
	require.Equal(t, overview.Change{Rights: consent.RightTransactions}, e[0].Added)
	require.Equal(t, overview.Change{Rights: consent.RightBalances | consent.RightIdentity}, e[0].Removed)
	require.Equal(t, []overview.Change{{}, {}}, []overview.Change{e[2].Added, e[2].Removed})
}

// TestEventsOfAuthorised: what happens to authorisations is no event, what time does is
// one, written or not.
func TestEventsOfAuthorised(t *testing.T) {
	f := newFake()
	v := f.viewer("ceo", "firm")
	c, err := consent.DefaultPolicy().New(uuid.New(), consent.Draft{
		Kind: consent.AccountAccess, Rail: consent.RailXS2A, TPP: "A", TPPName: "Acme", Recurring: true, FrequencyPerDay: 1, RedirectURI: "https://tpp.example",
		ValidUntil: consent.DateOf(noon, time.UTC), Access: consent.Access{Scope: consent.ScopeBankOffered, Rights: consent.RightBalances},
	}, consent.Cause{By: consent.ByTPP, Who: "A"}, f.now)
	require.NoError(t, err)
	signers := []uuid.UUID{v.PSU, uuid.New()}
	for i, psu := range signers {
		c.Because(consent.Cause{By: consent.ByPSU, Who: psu.String()})
		at, id := noon.Add(time.Duration(i+1)*hour), uuid.New()
		require.NoError(t, c.Start(consent.Authorisation{ID: id, Status: consent.ScaReceived, CreatedAt: at, ChangedAt: at, Deadline: at.Add(hour)}))
		require.NoError(t, c.Identify(id, psu, f.id("firm"), at))
		require.NoError(t, c.Authorise(id, consent.Agreement{Customer: f.id("firm"), Signers: signers}, at))
	}
	f.keep(c)
	want := []told{{overview.EventGiven, c, consent.ByPSU, "", 2 * hour}, {overview.EventAsked, c, consent.ByTPP, "", 0}}
	require.Equal(t, want, f.told(t, v, c))

	f.now = noon.Add(20 * hour)
	want = append([]told{{overview.EventExpired, c, consent.BySystem, consent.ReasonDate, 12 * hour}}, want...)
	require.Equal(t, want, f.told(t, v, c))
	c.Settle(f.now)
	entries, _ := c.TakePending()
	f.entries[c.ID] = append(f.entries[c.ID], entries...) // written just after it was read
	require.Equal(t, want, f.told(t, v, c))
}

// TestEventsOfOthers are those of single consents.
func TestEventsOfOthers(t *testing.T) {
	entry := func(seq int, from, to consent.Status, by consent.Actor, why consent.Reason) consent.Entry {
		return consent.Entry{Seq: seq, At: noon.Add(time.Duration(seq) * hour), From: string(from), To: string(to), Cause: consent.Cause{By: by}, Reason: string(why)}
	}
	adopted := func(to consent.Status) consent.Entry {
		return entry(1, "", to, consent.BySystem, consent.ReasonAdopted)
	}
	for name, x := range map[string]struct {
		set     func(*consent.Consent)
		entries []consent.Entry
		want    []told
	}{
		"nothing is written": {in(consent.Valid), nil, nil},
		"a call was refused": {
			in(consent.Received),
			[]consent.Entry{entry(1, "", consent.Received, consent.ByTPP, ""), entry(2, "", "", consent.ByTPP, "not_usable")},
			[]told{{overview.EventAsked, nil, consent.ByTPP, "", hour}},
		},
		"consumed": {
			in(consent.Consumed),
			[]consent.Entry{entry(1, consent.Valid, consent.Consumed, consent.BySystem, consent.ReasonUsedUp)},
			[]told{{overview.EventConsumed, nil, consent.BySystem, consent.ReasonUsedUp, hour}},
		},
		"used up": {
			in(consent.Expired),
			[]consent.Entry{entry(1, consent.Valid, consent.Expired, consent.BySystem, consent.ReasonUsedUp)},
			[]told{{overview.EventExpired, nil, consent.BySystem, consent.ReasonUsedUp, hour}},
		},
		"stopped at the TPP": {
			in(consent.Revoked),
			[]consent.Entry{entry(1, consent.Valid, consent.Revoked, consent.ByTPP, consent.ReasonAtTPP)},
			[]told{{overview.EventStopped, nil, consent.ByTPP, consent.ReasonAtTPP, hour}},
		},
		"older than the audit, waiting": {
			in(consent.Received), []consent.Entry{adopted(consent.Received)}, []told{{overview.EventAsked, nil, consent.ByTPP, "", time.Minute}},
		},
		"older than the audit, in force": {
			in(consent.Revoked),
			[]consent.Entry{adopted(consent.Valid), entry(2, consent.Valid, consent.Revoked, consent.ByTPP, consent.ReasonTerminated)},
			[]told{
				{overview.EventStopped, nil, consent.ByTPP, consent.ReasonTerminated, 2 * hour},
				{overview.EventGiven, nil, consent.ByPSU, "", time.Minute},
				{overview.EventAsked, nil, consent.ByTPP, "", time.Minute},
			},
		},
		"older than the audit, over": {
			func(c *consent.Consent) {
				c.Status, c.LastSCA, c.StatusChangedAt = consent.Expired, noon.Add(2*time.Minute), noon.Add(3*time.Minute)
				c.Ending = consent.Ending{By: consent.BySystem, Reason: consent.ReasonReplaced}
			},
			[]consent.Entry{adopted(consent.Expired)},
			[]told{
				{overview.EventReplaced, nil, consent.BySystem, consent.ReasonReplaced, 3 * time.Minute},
				{overview.EventGiven, nil, consent.ByPSU, "", 2 * time.Minute},
				{overview.EventAsked, nil, consent.ByTPP, "", time.Minute},
			},
		},
	} {
		f := newFake()
		v := f.viewer("lea", "lea")
		c := f.add("lea", x.set)
		f.entries[c.ID] = x.entries
		for i := range x.want {
			x.want[i].Of = c
		}
		require.Equal(t, x.want, f.told(t, v, c), name)
	}
}

// TestChanges: what a renewal brings and takes, by what the consents open.
func TestChanges(t *testing.T) {
	const balances, transactions, accounts = consent.RightBalances, consent.RightTransactions, consent.RightAccounts
	f := newFake()
	v := f.viewer("lea", "lea")
	one, erased, lost := f.grant("lea", 1, balances), f.grant("old", 1, balances), f.grant("old", 2, balances)
	delete(f.ids, erased.AccountID)
	delete(f.ids, lost.AccountID)
	granted := func(rights consent.Rights, grants ...consent.Grant) consent.Access {
		return consent.Access{Scope: consent.ScopeBankOffered, Rights: rights, Grants: grants}
	}
	all := func(rights consent.Rights) consent.Access {
		return consent.Access{Scope: consent.ScopeAllPSD2, Rights: rights}
	}
	savings := func(rights consent.Rights) []overview.Account {
		return []overview.Account{{ID: "lea/2", Name: "Savings lea", Owner: "LEA", Rights: rights, Reference: f.bank.accounts["lea"][1].Reference}}
	}
	for name, x := range map[string]struct {
		before, after  consent.Access
		added, removed overview.Change
	}{
		"nothing":                  {granted(balances, one), granted(balances, one), overview.Change{}, overview.Change{}},
		"less was granted":         {granted(balances, one), granted(balances|transactions, one), overview.Change{}, overview.Change{}},
		"what comes along":         {all(balances), all(balances | accounts), overview.Change{}, overview.Change{}},
		"a right":                  {all(balances), all(transactions), overview.Change{Rights: transactions}, overview.Change{Rights: balances}},
		"from one account to all":  {granted(balances, one), all(balances), overview.Change{Accounts: savings(balances)}, overview.Change{}},
		"from all accounts to one": {all(balances), granted(balances, one), overview.Change{}, overview.Change{Accounts: savings(balances)}},
		"what was erased": {
			granted(balances, one, erased), granted(balances, one, erased, lost),
			overview.Change{Accounts: []overview.Account{{Reference: lost.Reference, Rights: balances}}},
			overview.Change{},
		},
	} {
		first := f.add("lea", opens(x.before), in(consent.Expired))
		second := f.add("lea", opens(x.after), after(first))
		for _, c := range []*consent.Consent{first, second} {
			f.entries[c.ID] = []consent.Entry{{Seq: 1, At: c.CreatedAt, From: string(consent.Received), To: string(consent.Valid)}}
		}
		e := f.detail(t, v, second.ID).Events[0]
		require.Equal(t, overview.EventRenewed, e.Kind, name)
		require.Equal(t, []overview.Change{x.added, x.removed}, []overview.Change{e.Added, e.Removed}, name)
	}
}
