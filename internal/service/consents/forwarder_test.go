package consents_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/consents"
)

// branch is a bank where a firm has a current account, and one in two currencies, and
// Lea an account of her own.
type branch struct {
	service.Accounts

	down bool
}

func (b *branch) Resolve(_ context.Context, customer string, ref consent.Reference) ([]service.Account, error) {
	if b.down {
		return nil, errors.New("connection refused: FR1")
	}
	if customer != "firm" {
		return nil, nil
	}
	eur := service.Account{ID: "r2-eur", Reference: consent.Reference{IBAN: "FR2", Currency: "EUR"}}
	usd := service.Account{ID: "r2-usd", Reference: consent.Reference{IBAN: "FR2", Currency: "USD"}}
	switch ref {
	case iban("FR1"), other("r1"):
		return []service.Account{{ID: "r1", Reference: consent.Reference{IBAN: "FR1", Currency: "EUR"}}}, nil
	case iban("FR2"):
		return []service.Account{eur, usd}, nil
	case usd.Reference:
		return []service.Account{usd}, nil
	default:
		return nil, nil
	}
}

func iban(number string) consent.Reference { return consent.Reference{IBAN: number} }

func other(id string) consent.Reference {
	return consent.Reference{Other: consent.Other{Identification: id, SchemeName: "BANK"}}
}

// aisp forwards consents, by a connection of the chief of the firm.
type aisp struct {
	*consents.Forwarder

	t    *testing.T
	b    *bundle
	bank *branch
	by   consents.Giver
	// failure is of the last document that was refused.
	failure error
}

func (b *bundle) aisp(t *testing.T) *aisp {
	t.Helper()
	a := &aisp{t: t, b: b, bank: &branch{}}
	a.Forwarder = &consents.Forwarder{Store: b.db, Accounts: a.bank, Identities: b.db, Policy: b.Policy, Now: b.Now}
	a.by = b.giver(t, "ceo", "firm", "A")
	return a
}

// giver connects a PSU, who acts for a customer, with a TPP.
func (b *bundle) giver(t *testing.T, psu, customer, tpp string) consents.Giver {
	t.Helper()
	g := b.outside(t, psu, customer)
	id, err := uuid.NewV7()
	require.NoError(t, err)
	c, err := b.Policy.Connect(id, consent.Draft{Kind: consent.Connection, Rail: consent.RailSTET, TPP: tpp, TPPName: "The TPP"},
		g.PSU, g.Customer, caller().Cause(), b.Now())
	require.NoError(t, err)
	require.NoError(t, b.db.Create(t.Context(), c, nil))
	g.Connection, g.SCA, g.Until = c.ID, c.LastSCA, c.EndsAt
	return g
}

// outside is in whose name a token of the bank's own server is, that was issued now.
func (b *bundle) outside(t *testing.T, psu, customer string) consents.Giver {
	t.Helper()
	p, err := b.db.PSU(t.Context(), psu)
	require.NoError(t, err)
	k, err := b.db.Customer(t.Context(), customer)
	require.NoError(t, err)
	now := b.Now()
	return consents.Giver{PSU: p, Customer: k, CustomerID: customer, SCA: now, Until: now.AddDate(0, 0, b.Policy.ConnectionDays), IssuedAt: now}
}

const (
	sums  = consent.RightBalances
	moves = consent.RightTransactions
	who   = consent.RightIdentity
)

func named(path string, ref consent.Reference, rights consent.Rights) consents.Named {
	return consents.Named{Asked: consent.Asked{Reference: ref, Rights: rights}, Path: path}
}

func document(asked ...consents.Named) consents.Document { return consents.Document{Asked: asked} }

// first is a document of one account.
func first() consents.Document { return document(named("balances[0]", iban("FR1"), sums)) }

// forward wants a document to be taken, and returns the consent as it is stored; nil
// where it grants nothing.
func (a *aisp) forward(by consents.Giver, d consents.Document) *consent.Consent {
	a.t.Helper()
	c, err := a.Forward(a.t.Context(), caller(), by, d)
	require.NoError(a.t, err)
	if c == nil {
		return nil
	}
	return a.stored(c.ID)
}

func (a *aisp) stored(id uuid.UUID) *consent.Consent {
	a.t.Helper()
	c, err := a.b.db.Get(a.t.Context(), id)
	require.NoError(a.t, err)
	return c
}

// refused wants a document to be refused so, and what stood to stand as it was.
func (a *aisp) refused(code consent.Code, by consents.Giver, d consents.Document, stands *consent.Consent) {
	a.t.Helper()
	c, err := a.Forward(a.t.Context(), caller(), by, d)
	a.failure = err
	require.Nil(a.t, c)
	require.Equal(a.t, code, consent.CodeOf(err), "%v", err)
	require.Equal(a.t, stands, a.stored(stands.ID))
	all, err := a.b.desk(&toyBank{}).List(a.t.Context(), consents.Filter{PSU: "ceo", TPP: "A", Status: consent.Valid, Limit: 50})
	require.NoError(a.t, err)
	for _, c := range all {
		require.True(a.t, c.ID == stands.ID || c.Kind == consent.Connection, "nothing else stands")
	}
}

// opened is what a consent opens, by the IBAN and currency of the accounts.
func opened(c *consent.Consent) map[string]consent.Rights {
	all := map[string]consent.Rights{}
	for _, g := range c.Access.Grants {
		all[g.Reference.IBAN+" "+g.Reference.Currency] |= g.Rights
	}
	return all
}

func TestForward(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		a := b.aisp(t)
		b.now.Add(60)
		d := first()
		d.Rights = who | consent.RightTrustedBeneficiaries
		c := a.forward(a.by, d)
		require.Equal(t, []any{consent.AccountAccess, consent.RailSTET, "A", "The TPP", a.by.PSU, a.by.Customer, a.by.Connection},
			[]any{c.Kind, c.Rail, c.TPP, c.TPPName, c.GivenBy, c.Customer, c.Connection})
		require.Equal(t, []any{consent.Valid, b.Now(), b.Now(), begin, begin.Add(180 * 24 * time.Hour), "2026-08-28", 4, true},
			[]any{c.Status, c.CreatedAt, c.StatusChangedAt, c.LastSCA, c.EndsAt, c.ValidUntil.String(), c.FrequencyPerDay, c.Recurring})
		require.Equal(t, []any{consent.ScopeDedicated, who | consent.RightTrustedBeneficiaries, []consent.Asked{d.Asked[0].Asked}},
			[]any{c.Access.Scope, c.Access.Rights, c.Access.Asked})
		require.Equal(t, map[string]consent.Rights{"FR1 EUR": sums}, opened(c))
	})
}

// Whichever way a document names accounts, each has all the rights that were given for
// it, once.
func TestForwardedAccounts(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		a := b.aisp(t)
		for name, x := range map[string]struct {
			document consents.Document
			want     map[string]consent.Rights
			grants   int
		}{
			"one account twice":              {document(named("balances[0]", iban("FR1"), sums), named("transactions[0]", iban("FR1"), moves)), map[string]consent.Rights{"FR1 EUR": sums | moves}, 1},
			"by two references":              {document(named("balances[0]", other("r1"), sums), named("transactions[0]", iban("FR1"), moves)), map[string]consent.Rights{"FR1 EUR": sums | moves}, 1},
			"one for each right":             {document(named("balances[0]", iban("FR1"), sums), named("transactions[0]", iban("FR2"), moves)), map[string]consent.Rights{"FR1 EUR": sums, "FR2 EUR": moves, "FR2 USD": moves}, 3},
			"all currencies":                 {document(named("balances[0]", iban("FR2"), sums)), map[string]consent.Rights{"FR2 EUR": sums, "FR2 USD": sums}, 2},
			"all currencies, by the general": {document(named("balances[0]", consent.Reference{IBAN: "FR2", Currency: "XXX"}, sums)), map[string]consent.Rights{"FR2 EUR": sums, "FR2 USD": sums}, 2},
			"one currency":                   {document(named("balances[0]", consent.Reference{IBAN: "FR2", Currency: "USD"}, sums)), map[string]consent.Rights{"FR2 USD": sums}, 1},
			"all, and more of one currency":  {document(named("balances[0]", iban("FR2"), sums), named("transactions[0]", consent.Reference{IBAN: "FR2", Currency: "USD"}, moves)), map[string]consent.Rights{"FR2 EUR": sums, "FR2 USD": sums | moves}, 2},
		} {
			c := a.forward(a.by, x.document)
			require.Equal(t, x.want, opened(c), name)
			require.Len(t, c.Access.Grants, x.grants, name)
			require.Len(t, c.Access.Asked, len(x.document.Asked), "%s: kept as it was sent", name)
		}
	})
}

func TestForwardUnknownAccount(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		a := b.aisp(t)
		stands := a.forward(a.by, first())
		good := named("balances[0]", iban("FR2"), sums)
		for path, ref := range map[string]consent.Reference{
			"balances[1]":     iban("FR9"),
			"transactions[0]": {IBAN: "FR1", Currency: "USD"},
			"transactions[7]": other("r9"),
		} {
			a.refused(consent.CodeAccountUnknown, a.by, document(good, named(path, ref, sums)), stands)
			e, ok := errors.AsType[*consent.Error](a.failure)
			require.True(t, ok)
			require.Equal(t, path, e.Path)
			require.NotContains(t, e.Error(), "FR")
		}
		a.bank.down = true
		a.refused(consent.CodeUnavailable, a.by, document(good), stands)
		e, ok := errors.AsType[*consent.Error](a.failure)
		require.True(t, ok)
		require.NotContains(t, e.Text, "FR")
		a.bank.down = false
		enzo := b.giver(t, "enzo", "enzo", "A")
		a.refused(consent.CodeAccountUnknown, enzo, first(), stands) // another customer's
	})
}

// A document that grants nothing takes back what stands, which the TPP has ended then;
// what a list of trusted beneficiaries is to, is nothing.
func TestForwardNothing(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		a := b.aisp(t)
		require.Nil(t, a.forward(a.by, consents.Document{}), "where nothing stands")
		for name, d := range map[string]consents.Document{
			"empty":                 {},
			"trusted beneficiaries": {Rights: consent.RightTrustedBeneficiaries},
		} {
			stands := a.forward(a.by, first())
			b.now.Add(1)
			require.Nil(t, a.forward(a.by, d), name)
			ended := a.stored(stands.ID)
			require.Equal(t, []any{consent.Revoked, consent.Ending{By: consent.ByTPP, Reason: consent.ReasonTerminated}, b.Now(), uuid.Nil},
				[]any{ended.Status, ended.Ending, ended.StatusChangedAt, ended.ReplacedBy}, name)
			b.now.Add(1)
			require.Nil(t, a.forward(a.by, d), name)
			require.Equal(t, ended, a.stored(stands.ID), "%s: it has ended once", name)
		}
		require.Equal(t, consent.Valid, a.stored(a.by.Connection).Status, "the TPP stays connected")

		a.bank.down = true
		c := a.forward(a.by, consents.Document{Rights: who})
		require.Equal(t, []any{who, 0, consent.Valid}, []any{c.Access.Rights, len(c.Access.Grants), c.Status}, "identity alone; no account has to be asked for")
	})
}

// Each document replaces the one before, as a whole, and both say so in the audit.
func TestForwardReplaces(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		a := b.aisp(t)
		former := a.forward(a.by, first())
		b.now.Add(60)
		call := caller()
		call.RequestID = "request-2"
		next, err := a.Forward(t.Context(), call, a.by, document(named("transactions[0]", iban("FR2"), moves)))
		require.NoError(t, err)
		require.Equal(t, map[string]consent.Rights{"FR2 EUR": moves, "FR2 USD": moves}, opened(a.stored(next.ID)), "nothing of the former")
		ended := a.stored(former.ID)
		require.Equal(t, []any{consent.Expired, consent.ReasonReplaced, next.ID, former.GroupID},
			[]any{ended.Status, ended.Ending.Reason, ended.ReplacedBy, a.stored(next.ID).GroupID})
		require.Equal(t, former.Access, ended.Access, "what it was stays to be seen")

		entries, err := b.db.History(t.Context(), former.ID.String())
		require.NoError(t, err)
		require.Len(t, entries, 2)
		require.Equal(t, []any{"valid", "expired", "replaced", "request-2", consent.BySystem, b.Now()},
			[]any{entries[1].From, entries[1].To, entries[1].Reason, entries[1].RequestID, entries[1].By, entries[1].At})
		entries, err = b.db.History(t.Context(), next.ID.String())
		require.NoError(t, err)
		require.Len(t, entries, 1)
		require.Equal(t, []any{"", "valid", "forwarded", b.Now()}, []any{entries[0].From, entries[0].To, entries[0].Reason, entries[0].At})
		require.Equal(t, consent.Cause{By: consent.ByTPP, Who: "A", Certificate: "fingerprint", RequestID: "request-2", For: a.by.PSU.String()}, entries[0].Cause)

		b.now.Add(60)
		require.Nil(t, a.forward(a.by, consents.Document{}))
		entries, err = b.db.History(t.Context(), next.ID.String())
		require.NoError(t, err)
		require.Equal(t, []any{"revoked", "terminated", consent.ByTPP, a.by.PSU.String()}, []any{entries[1].To, entries[1].Reason, entries[1].By, entries[1].For})
		b.history(t, next.ID) // every chain holds
	})
}

// What stands is of one PSU, one customer, one TPP, and of this dialect.
func TestForwardLeavesOthersAlone(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		a := b.aisp(t)
		xs2a := b.authorised(t, "ceo", "firm", true)
		beta := caller()
		beta.TPP = "B"
		all := []uuid.UUID{
			xs2a.ID,
			a.forward(b.giver(t, "cfo", "firm", "A"), first()).ID,
			a.forward(b.giver(t, "ceo", "ceo", "A"), consents.Document{Rights: who}).ID,
		}
		theirs, err := a.Forward(t.Context(), beta, b.giver(t, "ceo", "firm", "B"), first())
		require.NoError(t, err)
		all = append(all, theirs.ID)
		mine := a.forward(a.by, first())
		require.Nil(t, a.forward(a.by, consents.Document{}))
		require.Equal(t, consent.Revoked, a.stored(mine.ID).Status)
		for i, id := range all {
			require.Equal(t, consent.Valid, a.stored(id).Status, i)
		}
		mine = a.forward(a.by, first())
		b.authorised(t, "ceo", "firm", true)
		require.Equal(t, consent.Expired, a.stored(xs2a.ID).Status, "replaced by one of its own dialect")
		require.Equal(t, consent.Valid, a.stored(mine.ID).Status)
	})
}
