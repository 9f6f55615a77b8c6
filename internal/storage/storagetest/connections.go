package storagetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/connections"
	"consentd/internal/service/consents"
	"consentd/internal/service/register"
)

// holder is a PSU of a customer, for whom a TPP calls.
type holder struct {
	tpp           string
	psu, customer uuid.UUID
	accounts      []consent.Grant // without rights
}

// holder makes one with four accounts.
func (b *bundle) holder(tpp, name string) holder {
	b.t.Helper()
	psu, err := b.PSU(b.ctx, name)
	require.NoError(b.t, err)
	return b.actingFor(holder{tpp: tpp, psu: psu}, name)
}

// actingFor is the same PSU for another customer.
func (b *bundle) actingFor(h holder, name string) holder {
	b.t.Helper()
	customer, err := b.Customer(b.ctx, name)
	require.NoError(b.t, err)
	accounts := make([]service.Account, 4)
	for i := range accounts {
		accounts[i] = service.Account{ID: name + string(rune('a'+i)), Reference: consent.Reference{IBAN: "FR76" + name + string(rune('A'+i))}}
	}
	ids, err := b.Accounts(b.ctx, customer, accounts)
	require.NoError(b.t, err)
	h.customer, h.accounts = customer, nil
	for i, id := range ids {
		h.accounts = append(h.accounts, consent.Grant{AccountID: id, Reference: accounts[i].Reference})
	}
	return h
}

// some are the holder's accounts from one to before another, to be read.
func (h holder) some(from, to int) []consent.Grant {
	list := make([]consent.Grant, 0, to-from)
	for _, g := range h.accounts[from:to] {
		g.Rights = consent.RightAccounts | consent.RightBalances
		list = append(list, g)
	}
	return list
}

func (h holder) cause() consent.Cause {
	return consent.Cause{By: consent.ByTPP, Who: h.tpp, For: h.psu.String(), RequestID: callID}
}

// connection is a draft of one.
func connection(tpp string) consent.Draft {
	return consent.Draft{
		Kind: consent.Connection, Rail: consent.RailSTET, TPP: tpp, TPPName: "A",
		Access: consent.Access{Scope: consent.ScopeDedicated, Rights: consent.RightAccounts}, RedirectURI: "https://tpp.example/cb",
	}
}

// connected stores a connection that is in force since a time.
func (b *bundle) connected(h holder, at time.Time) *consent.Consent {
	b.t.Helper()
	c, err := consent.DefaultPolicy().Connect(uuid.Must(uuid.NewV7()), connection(h.tpp), h.psu, h.customer, h.cause(), at)
	require.NoError(b.t, err)
	require.NoError(b.t, b.Create(b.ctx, c, nil))
	return c
}

// forward replaces what was forwarded for a holder, as the use case does it: by a
// connection, nil for none, and with accounts, or none to take all back.
func (b *bundle) forward(h holder, by *consent.Consent, accounts []consent.Grant, now time.Time) (*consent.Consent, error) {
	f := consents.Forwarding{TPP: h.tpp, Customer: h.customer, PSU: h.psu, Now: now}
	granted := consent.Forwarded{
		TPP: h.tpp, TPPName: "A", PSU: h.psu, Customer: h.customer, SCA: start, Until: start.AddDate(0, 0, 180),
		Access: consent.Access{Grants: accounts, Rights: consent.RightIdentity},
	}
	if by != nil {
		f.Connection, granted.Connection, granted.SCA, granted.Until = by.ID, by.ID, by.LastSCA, by.EndsAt
	}
	for _, g := range accounts {
		granted.Access.Asked = append(granted.Access.Asked, consent.Asked{Reference: g.Reference, Rights: g.Rights})
	}
	var next *consent.Consent
	err := b.Forward(b.ctx, f, func(s consents.Stands) (*consent.Consent, error) {
		if s.Connection != nil {
			if s.Connection.Settle(now); s.Connection.Status != consent.Valid {
				return nil, consent.E(consent.CodeTokenInvalid, "ended")
			}
		}
		if next = nil; len(accounts) > 0 {
			next = consent.DefaultPolicy().Forward(uuid.Must(uuid.NewV7()), granted, h.cause(), now)
		}
		if s.Former == nil {
			return next, nil
		}
		return next, s.Former.GiveWay(next, h.cause(), now)
	})
	return next, err
}

// forwarded is forward where nothing is in the way.
func (b *bundle) forwarded(h holder, by *consent.Consent, accounts []consent.Grant, now time.Time) *consent.Consent {
	b.t.Helper()
	c, err := b.forward(h, by, accounts, now)
	require.NoError(b.t, err)
	return c
}

func (b *bundle) standing(h holder) connections.Standing {
	b.t.Helper()
	s, err := b.Bearers().Standing(b.ctx, connections.Holder{TPP: h.tpp, Customer: h.customer, PSU: h.psu})
	require.NoError(b.t, err)
	return s
}

func (b *bundle) update(id uuid.UUID, change func(*consent.Consent) error) {
	b.t.Helper()
	_, err := b.Update(b.ctx, id, change)
	require.NoError(b.t, err)
}

func testForwards(t *testing.T, open Open) {
	runAll(t, open, map[string]func(*testing.T, *bundle){
		"what is forwarded is kept whole, and current":     forwardedIsKept,
		"the next replaces the former":                     forwardReplaces,
		"what is taken back is gone":                       forwardTakesBack,
		"each TPP, customer and PSU has its own":           forwardsAreApart,
		"a refused one changes nothing":                    forwardRefused,
		"a blocked TPP forwards nothing":                   forwardBlocked,
		"the connection is changed with it, and is needed": forwardByConnection,
		"a connection and a consent by token are kept":     connectionIsKept,
	})
}

func forwardedIsKept(t *testing.T, b *bundle) {
	t.Helper()
	h := b.holder("T", "lea")
	require.Zero(t, b.standing(h))
	by := b.connected(h, start)
	c := b.forwarded(h, by, h.some(0, 2), start)
	got := b.get(c.ID)
	require.Equal(t, c, got)
	require.Equal(t, []any{h.psu, by.ID, h.customer, start}, []any{got.GivenBy, got.Connection, got.Customer, got.LastSCA})
	require.Equal(t, connections.Standing{Consent: c.ID, SCA: c.LastSCA}, b.standing(h))
	entries := b.history(c.ID.String())
	require.Len(t, entries, 1)
	require.Equal(t, []any{"", "valid", "forwarded", h.cause()}, []any{entries[0].From, entries[0].To, entries[0].Reason, entries[0].Cause})
	g := b.grounds(c.ID)
	require.Len(t, g.Accounts, 2)
	require.Empty(t, b.faults())
}

func forwardReplaces(t *testing.T, b *bundle) {
	t.Helper()
	h := b.holder("T", "lea")
	by := b.connected(h, start)
	first := b.forwarded(h, by, h.some(0, 2), start)
	second := b.forwarded(h, nil, h.some(2, 4), start.Add(time.Second))
	former := b.get(first.ID)
	require.Equal(t, []any{consent.Expired, consent.Ending{By: consent.BySystem, Reason: consent.ReasonReplaced}, second.ID},
		[]any{former.Status, former.Ending, former.ReplacedBy})
	require.Equal(t, h.some(2, 4), b.get(second.ID).Access.Grants)
	require.Equal(t, first.ID, b.get(second.ID).GroupID)
	require.Equal(t, connections.Standing{Consent: second.ID, SCA: second.LastSCA}, b.standing(h), "and its tokens live on")
	require.Equal(t, consent.Valid, b.get(by.ID).Status)
	require.Empty(t, b.faults())
}

func forwardTakesBack(t *testing.T, b *bundle) {
	t.Helper()
	h := b.holder("T", "lea")
	by := b.connected(h, start)
	require.Nil(t, b.forwarded(h, by, nil, start), "there was nothing")
	c := b.forwarded(h, by, h.some(0, 2), start)
	require.Nil(t, b.forwarded(h, by, nil, start.Add(time.Second)))
	require.Equal(t, consent.Ending{By: consent.ByTPP, Reason: consent.ReasonTerminated}, b.get(c.ID).Ending)
	require.Zero(t, b.standing(h))
	require.Equal(t, consent.Valid, b.get(by.ID).Status)
	again := b.forwarded(h, by, h.some(0, 1), start.Add(time.Minute))
	require.Equal(t, connections.Standing{Consent: again.ID, SCA: again.LastSCA}, b.standing(h))
	require.Empty(t, b.faults())
}

func forwardsAreApart(t *testing.T, b *bundle) {
	t.Helper()
	lea := b.holder("T", "lea")
	all := map[string]holder{"lea": lea, "another TPP": lea, "for a company": b.actingFor(lea, "company")}
	other := all["another TPP"]
	other.tpp = "U"
	all["another TPP"] = other
	shared := b.actingFor(b.holder("T", "enzo"), "lea")
	all["another PSU"] = shared
	ids := map[string]uuid.UUID{}
	for name, h := range all {
		ids[name] = b.forwarded(h, nil, h.some(0, 1), start).ID
	}
	xs2a := b.agreed(lea.psu, lea.customer, lea.some(0, 2), func(d *consent.Draft) { d.TPP = "T" })
	b.forwarded(lea, nil, lea.some(1, 2), start)
	for name, id := range ids {
		require.Equal(t, name != "lea", b.get(id).Status == consent.Valid, name)
		require.Equal(t, name != "lea", b.standing(all[name]).Consent == id, name)
	}
	require.Equal(t, consent.Valid, b.get(xs2a).Status)
}

func forwardRefused(t *testing.T, b *bundle) {
	t.Helper()
	h := b.holder("T", "lea")
	by := b.connected(h, start)
	c := b.forwarded(h, by, h.some(0, 2), start)
	broken := errors.New("no")
	f := consents.Forwarding{TPP: h.tpp, Customer: h.customer, PSU: h.psu, Connection: by.ID, Now: start}
	err := b.Forward(b.ctx, f, func(s consents.Stands) (*consent.Consent, error) {
		require.NoError(t, s.Former.Terminate(start))
		require.NoError(t, s.Connection.Terminate(start))
		return nil, broken
	})
	require.ErrorIs(t, err, broken)
	require.Equal(t, c, b.get(c.ID))
	require.Equal(t, consent.Valid, b.get(by.ID).Status)
	require.Equal(t, c.ID, b.standing(h).Consent)
	b.update(c.ID, func(c *consent.Consent) error { return c.Suspend(consent.ReasonBank, start) })
	_, err = b.forward(h, by, h.some(2, 4), start)
	require.Equal(t, consent.CodeBlocked, consent.CodeOf(err))
	require.Equal(t, c.ID, b.standing(h).Consent)
	require.Empty(t, b.faults())
}

func forwardBlocked(t *testing.T, b *bundle) {
	t.Helper()
	h := b.holder(acme().ID, "lea")
	_, _, err := b.register(b, start).Block(b.ctx, officer("r"), h.tpp, register.Block{Reason: "x"})
	require.NoError(t, err)
	_, err = b.forward(h, nil, h.some(0, 1), start)
	require.Equal(t, consent.CodeCertificateBlocked, consent.CodeOf(err))
	require.Zero(t, b.standing(h))
}

func forwardByConnection(t *testing.T, b *bundle) {
	t.Helper()
	h := b.holder("T", "lea")
	by := b.connected(h, start)
	_, err := b.forward(h, by, h.some(0, 1), by.EndsAt)
	require.Equal(t, consent.CodeTokenInvalid, consent.CodeOf(err))
	require.Equal(t, consent.Valid, b.get(by.ID).Status, "its ending is undone with the rest")
	unknown := *by
	unknown.ID = uuid.New()
	_, err = b.forward(h, &unknown, h.some(0, 1), start)
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
}

func connectionIsKept(t *testing.T, b *bundle) {
	t.Helper()
	h := b.holder("T", "lea")
	require.Equal(t, []uuid.UUID{h.psu, h.customer}, func() []uuid.UUID {
		c := b.get(b.connected(h, start).ID)
		return []uuid.UUID{c.GivenBy, c.Customer}
	}())
	c, run := b.identified(connection("T"), h.psu, h.customer)
	require.NoError(t, b.finish(b.ctx, run, h.psu, nil, start.Add(time.Second)))
	got := b.get(c.ID)
	require.Equal(t, []any{consent.Valid, h.psu, h.customer, start.Add(time.Second)}, []any{got.Status, got.GivenBy, got.Customer, got.LastSCA})
	byToken, _ := b.create(draft(func(d *consent.Draft) { d.ByToken = true }))
	require.True(t, b.get(byToken.ID).ByToken)
	s, err := b.Status(b.ctx, byToken.ID)
	require.NoError(t, err)
	require.True(t, s.ByToken)
	require.True(t, b.grounds(byToken.ID).Consent.ByToken)
	require.Empty(t, b.faults())
}
