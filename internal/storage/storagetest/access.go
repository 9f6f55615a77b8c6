package storagetest

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/access"
	"consentd/internal/service/register"
)

func testGrounds(t *testing.T, open Open) {
	runAll(t, open, map[string]func(*testing.T, *bundle){
		"of every scope":                            groundsOfScopes,
		"of every state":                            groundsOfStates,
		"of a consent that nobody knows":            groundsOfNothing,
		"tell whether the bank has blocked the TPP": groundsOfShut,
		"have accounts in order, however named":     groundsOfAccounts,
		"are each caller's own":                     groundsAreOwn,
		"see a change at another replica at once":   groundsAtReplica,
	})
}

// grounds reads those of a consent as things were made.
func (b *bundle) grounds(id uuid.UUID) *access.Grounds {
	b.t.Helper()
	g, err := b.Grounds(b.ctx, id, start)
	require.NoError(b.t, err)
	return g
}

// needed is what decisions need of a consent.
func needed(c *consent.Consent) *consent.Consent {
	return &consent.Consent{
		ID: c.ID, Kind: c.Kind, Rail: c.Rail, TPP: c.TPP, Customer: c.Customer, Status: c.Status, StatusChangedAt: c.StatusChangedAt,
		Ending: c.Ending, Recurring: c.Recurring, FrequencyPerDay: c.FrequencyPerDay, EndsAt: c.EndsAt, AuthoriseBy: c.AuthoriseBy,
		Access: consent.Access{Scope: c.Access.Scope, OwnerName: c.Access.OwnerName, Rights: c.Access.Rights, Only: c.Access.Only},
	}
}

func groundsOfScopes(t *testing.T, b *bundle) {
	t.Helper()
	psu, customer, grants := b.person("lea")
	for name, x := range map[string]struct {
		access consent.Access
		grants []consent.Grant
	}{
		"dedicated": {draft().Access, grants},
		"offered":   {consent.Access{Scope: consent.ScopeBankOffered, Rights: consent.RightAccounts}, grants},
		"all":       {consent.Access{Scope: consent.ScopeAllPSD2, OwnerName: true, Rights: consent.RightBalances | consent.RightOwnerName}, nil},
		"available": {consent.Access{Scope: consent.ScopeAvailable, Rights: consent.RightAccounts, Only: []string{"CACC", "SVGS"}}, nil},
		"balances":  {consent.Access{Scope: consent.ScopeAvailableBalances, Rights: consent.RightBalances}, nil},
	} {
		for _, recurring := range []bool{true, false} {
			id := b.agreed(psu, customer, x.grants, func(d *consent.Draft) { d.Access = x.access })
			if recurring {
				c, run := b.identified(draft(func(d *consent.Draft) { d.Access = x.access }), psu, customer)
				require.NoError(t, b.finish(b.ctx, run, psu, x.grants, start))
				id = c.ID
			}
			want := &access.Grounds{Consent: needed(b.get(id)), Customer: "lea"}
			for _, g := range x.grants {
				want.Accounts = append(want.Accounts, access.Account{Key: g.AccountID, ID: "lea-1", Reference: g.Reference, Rights: g.Rights})
			}
			require.Equal(t, want, b.grounds(id), name)
		}
	}
}

func groundsOfStates(t *testing.T, b *bundle) {
	t.Helper()
	psu, customer, grants := b.person("lea")
	after := func(change func(*consent.Consent) error) uuid.UUID {
		id := b.agreed(psu, customer, grants)
		_, err := b.Update(b.ctx, id, change)
		require.NoError(t, err)
		return id
	}
	fresh, _ := b.create(draft())
	named, _ := b.identified(draft(), psu, customer)
	some, run := b.identified(draft(), psu, customer)
	other, err := b.PSU(b.ctx, "the other")
	require.NoError(t, err)
	_, err = b.Update(b.ctx, some.ID, func(c *consent.Consent) error {
		return c.Authorise(run.Authorisation, consent.Agreement{Customer: customer, Grants: grants, Signers: []uuid.UUID{psu, other}}, start)
	})
	require.NoError(t, err)
	refused, run := b.identified(draft(), psu, customer)
	_, err = b.Update(b.ctx, refused.ID, func(c *consent.Consent) error {
		return c.Refuse(run.Authorisation, consent.ByPSU, consent.ReasonRefused, start)
	})
	require.NoError(t, err)
	for status, ids := range map[consent.Status][]uuid.UUID{
		consent.Received:            {fresh.ID, named.ID},
		consent.PartiallyAuthorised: {some.ID},
		consent.Valid:               {b.agreed(psu, customer, grants)},
		consent.Suspended:           {after(func(c *consent.Consent) error { return c.Suspend(consent.ReasonBank, start) })},
		consent.Rejected:            {refused.ID},
		consent.Revoked:             {after(func(c *consent.Consent) error { return c.Terminate(start) })},
		consent.Expired:             {after(func(c *consent.Consent) error { c.Settle(c.EndsAt); return nil })},
	} {
		for _, id := range ids {
			c, g := b.get(id), b.grounds(id)
			require.Equal(t, status, g.Consent.Status)
			require.Equal(t, needed(c), g.Consent)
			require.Equal(t, c.Customer != uuid.Nil, g.Customer == "lea", status)
			require.Len(t, g.Accounts, len(c.Access.Grants), status)
			require.False(t, g.Shut)
		}
	}
}

func groundsOfNothing(t *testing.T, b *bundle) {
	t.Helper()
	_, err := b.Grounds(b.ctx, uuid.New(), start)
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
}

func groundsOfShut(t *testing.T, b *bundle) {
	t.Helper()
	c, _ := b.create(draft())
	shut := func(at time.Time) bool {
		g, err := b.Grounds(b.ctx, c.ID, at)
		require.NoError(t, err)
		return g.Shut
	}
	require.False(t, shut(start), "there is no row of the TPP")
	tpp := register.TPP{ID: c.TPP}
	b.put(tpp)
	require.False(t, shut(start))
	tpp.Block = &register.Block{At: start, Until: start.Add(time.Hour)}
	b.put(tpp)
	require.Equal(t, []bool{true, true, false}, []bool{shut(start), shut(start.Add(time.Hour - time.Microsecond)), shut(start.Add(time.Hour))})
	tpp.Block = &register.Block{At: start}
	b.put(tpp)
	require.True(t, shut(start.AddDate(9, 0, 0)))
	tpp.Block = nil
	b.put(tpp)
	require.False(t, shut(start))
}

func groundsOfAccounts(t *testing.T, b *bundle) {
	t.Helper()
	psu, customer, _ := b.person("lea")
	references := []consent.Reference{
		{IBAN: "DE40100100103307118608", Currency: "EUR", CashAccountType: "CACC"},
		{BBAN: "BARC12345612345678"},
		{PAN: "5409050000000000", Currency: "USD"},
		{MaskedPAN: "123456xxxxxx1234"},
		{MSISDN: "+49 170 1234321"},
		{Other: consent.Other{Identification: "a \"quoted\" one", SchemeCode: "X", SchemeName: "Y", Issuer: "Z"}, Currency: "XXX"},
		{IBAN: "DE02100100109307118603", Currency: `a\b "c" <d> {"iban":"x"}`},
		{IBAN: "DE02100100109307118603", CashAccountType: "größer, \u2028 😀"},
	}
	accounts := make([]service.Account, len(references))
	for i, r := range references {
		accounts[i] = service.Account{ID: string(rune('z' - i)), Reference: r}
	}
	ids, err := b.Accounts(b.ctx, customer, accounts)
	require.NoError(t, err)
	var grants []consent.Grant
	var want []access.Account
	for i, r := range references {
		right := consent.Rights(1) << i & (consent.RightBalances | consent.RightTransactions | consent.RightIdentity)
		right |= consent.RightAccounts
		grants = append(grants, consent.Grant{AccountID: ids[i], Rights: right, Reference: r})
		want = append(want, access.Account{Key: ids[i], ID: accounts[i].ID, Reference: r, Rights: right})
	}
	id := b.agreed(psu, customer, grants, func(d *consent.Draft) {
		d.Access = consent.Access{Scope: consent.ScopeBankOffered, Rights: consent.RightAccounts}
	})
	require.Equal(t, want, b.grounds(id).Accounts)
}

// groundsAreOwn changes what one of many callers at once was given.
func groundsAreOwn(t *testing.T, b *bundle) {
	t.Helper()
	psu, customer, grants := b.person("lea")
	id := b.agreed(psu, customer, grants)
	calls := make([]func() error, 50)
	for i := range calls {
		calls[i] = func() error {
			g, err := b.Grounds(b.ctx, id, start)
			if err != nil {
				return err
			}
			g.Accounts[0].Key, g.Accounts[0].ID = uuid.Nil, ""
			g.Consent.Settle(g.Consent.EndsAt)
			return nil
		}
	}
	for _, err := range together(calls...) {
		require.NoError(t, err)
	}
	g := b.grounds(id)
	require.Equal(t, []any{consent.Valid, "lea-1", grants[0].AccountID}, []any{g.Consent.Status, g.Accounts[0].ID, g.Accounts[0].Key})
}

func groundsAtReplica(t *testing.T, b *bundle) {
	t.Helper()
	psu, customer, grants := b.person("lea")
	replica := b.Replica(t)
	for i, change := range []func(*consent.Consent) error{
		func(c *consent.Consent) error { return c.Suspend(consent.ReasonBank, start) },
		func(c *consent.Consent) error { return c.Withdraw(start) },
	} {
		id := b.agreed(psu, customer, grants)
		require.Equal(t, consent.Valid, b.grounds(id).Consent.Status)
		_, err := replica.Update(b.ctx, id, change)
		require.NoError(t, err)
		require.Equal(t, []consent.Status{consent.Suspended, consent.Revoked}[i], b.grounds(id).Consent.Status)
	}
}
