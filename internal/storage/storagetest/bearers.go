package storagetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/connections"
	"consentd/internal/service/register"
)

func testBearers(t *testing.T, open Open) {
	runAll(t, open, map[string]func(*testing.T, *bundle){
		"of a connection":                      bearerOfConnection,
		"of one consent":                       bearerOfConsent,
		"of what is not known":                 bearerOfNothing,
		"tell whether the bank has blocked":    bearerOfShut,
		"see a change at another replica":      bearerAtReplica,
		"of many tokens at once are not mixed": bearersAtOnce,
		"renew what was forwarded last":        bearersRenew,
		"renew nothing where nothing stands":   bearersRenewNothing,
	})
}

// renewed has what a TPP has forwarded for a holder rest on an authentication at a time.
func (b *bundle) renewed(h holder, at time.Time) error {
	by := consent.Renewal{SCA: at, Until: at.AddDate(0, 0, 180)}
	return b.Bearers().Renew(b.ctx, connections.Holder{TPP: h.tpp, Customer: h.customer, PSU: h.psu}, func(forwarded *consent.Consent) {
		consent.DefaultPolicy().Renew(forwarded, by, h.cause(), at)
	})
}

func bearersRenew(t *testing.T, b *bundle) {
	t.Helper()
	h := b.holder("T", "lea")
	company := b.actingFor(h, "company")
	c, theirs := b.forwarded(h, nil, h.some(0, 2), start), b.forwarded(company, nil, company.some(0, 1), start)
	later := start.AddDate(0, 0, 100)
	for _, err := range together(
		func() error { return b.renewed(h, later) }, func() error { return b.renewed(h, later) }, func() error { return b.renewed(h, later) },
	) {
		require.NoError(t, err)
	}
	got := b.get(c.ID)
	require.Equal(t, []any{consent.Valid, uuid.Nil, later, later.AddDate(0, 0, 180)}, []any{got.Status, got.Connection, got.LastSCA, got.EndsAt})
	require.Equal(t, c.Access, got.Access)
	require.Equal(t, connections.Standing{Consent: c.ID, SCA: later}, b.standing(h))
	entries := b.history(c.ID.String())
	require.Len(t, entries, 2, "once")
	require.Equal(t, []any{"valid", "valid", "renewed", h.cause()}, []any{entries[1].From, entries[1].To, entries[1].Reason, entries[1].Cause})
	due, err := b.Due(b.ctx, c.EndsAt, 9)
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{theirs.ID}, due, "what is for another customer stays as it is")

	k := b.kinship("U", "enzo")
	require.NoError(t, b.renewed(k.holder, later))
	require.Equal(t, uuid.Nil, b.get(k.forwarded.ID).Connection)
	b.update(k.connection.ID, func(c *consent.Consent) error { c.Settle(k.connection.EndsAt); return nil })
	require.Equal(t, consent.Valid, b.get(k.forwarded.ID).Status, "it rests on that connection no more")
	require.Empty(t, b.faults())
}

func bearersRenewNothing(t *testing.T, b *bundle) {
	t.Helper()
	h := b.holder("T", "lea")
	require.NoError(t, b.renewed(h, start), "the TPP has never forwarded anything")
	over := b.forwarded(h, nil, h.some(0, 1), start)
	require.NoError(t, b.renewed(h, over.EndsAt))
	require.Equal(t, consent.Ending{By: consent.BySystem, Reason: consent.ReasonDate}, b.get(over.ID).Ending)
	require.Equal(t, connections.Standing{Consent: over.ID}, b.standing(h), "what has ended has no date, and cuts off no token")
	require.Nil(t, b.forwarded(h, nil, nil, start))
	require.NoError(t, b.renewed(h, start.Add(time.Hour)), "it has taken all back")

	suspended := b.forwarded(h, nil, h.some(0, 1), start)
	b.update(suspended.ID, func(c *consent.Consent) error { return c.Suspend(consent.ReasonBank, start) })
	require.Zero(t, b.standing(h).SCA)
	require.NoError(t, b.renewed(h, start.Add(time.Hour)))
	require.Equal(t, suspended.LastSCA, b.get(suspended.ID).LastSCA)
	require.Empty(t, b.faults())
}

func (b *bundle) bearer(p connections.Pair) *connections.Bearer {
	b.t.Helper()
	got, err := b.Bearers().Bearer(b.ctx, p.Access)
	require.NoError(b.t, err)
	return got
}

// grantOf is what judging a token needs of its grant.
func grantOf(c *consent.Consent) *consent.Consent {
	return &consent.Consent{
		ID: c.ID, TPP: c.TPP, Kind: c.Kind, Rail: c.Rail, Status: c.Status, StatusChangedAt: c.StatusChangedAt, Ending: c.Ending,
		EndsAt: c.EndsAt, AuthoriseBy: c.AuthoriseBy, ByToken: c.ByToken, LastSCA: c.LastSCA, Customer: c.Customer, GivenBy: c.GivenBy,
	}
}

func bearerOfConnection(t *testing.T, b *bundle) {
	t.Helper()
	h := b.actingFor(b.holder("T", "lea"), "company")
	by := b.connected(h, start)
	p := b.issued(h, by.ID, "one")
	want := &connections.Bearer{Pair: p, Grant: grantOf(b.get(by.ID)), PSU: "lea", Customer: "company"}
	want.Pair.Sealed = nil
	require.Equal(t, want, b.bearer(p))
	c := b.forwarded(h, by, h.some(0, 1), start)
	want.Standing.Consent = c.ID
	require.Equal(t, want, b.bearer(p))
	b.update(c.ID, func(c *consent.Consent) error { return c.Withdraw(start.Add(time.Minute)) })
	want.Grant, want.Standing.After = grantOf(b.get(by.ID)), start.Add(time.Minute)
	require.Equal(t, consent.Revoked, want.Grant.Status)
	require.Equal(t, want, b.bearer(p))
}

func bearerOfConsent(t *testing.T, b *bundle) {
	t.Helper()
	k := b.kinship("T", "lea")
	xs2a := b.agreed(k.psu, k.customer, k.some(0, 1), func(d *consent.Draft) { d.TPP, d.ByToken = "T", true })
	p := b.issued(k.holder, xs2a, "one")
	want := &connections.Bearer{Pair: p, Grant: grantOf(b.get(xs2a)), PSU: "lea", Customer: "lea"}
	want.Pair.Sealed = nil
	require.True(t, want.Grant.ByToken)
	require.Equal(t, want, b.bearer(p), "and nothing of what was forwarded")
}

func bearerOfNothing(t *testing.T, b *bundle) {
	t.Helper()
	k := b.kinship("T", "lea")
	p := b.issued(k.holder, k.connection.ID, "one")
	for _, token := range []consent.Digest{p.Refresh, p.Code, {1}, {}} {
		_, err := b.Bearers().Bearer(b.ctx, token)
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
	}
	require.Zero(t, b.standing(holder{tpp: "T", psu: uuid.New(), customer: k.customer}))
}

func bearerOfShut(t *testing.T, b *bundle) {
	t.Helper()
	k := b.kinship(acme().ID, "lea")
	p := b.issued(k.holder, k.connection.ID, "one")
	require.False(t, b.bearer(p).Shut, "it has no row")
	require.NoError(t, b.register(b, start).Admit(b.ctx, acme(), ""))
	require.False(t, b.bearer(p).Shut)
	_, _, err := b.register(b, start).Block(b.ctx, officer("r"), acme().ID, register.Block{Reason: "x"})
	require.NoError(t, err)
	require.True(t, b.bearer(p).Shut)
	_, err = b.register(b, start).Unblock(b.ctx, officer("r"), acme().ID)
	require.NoError(t, err)
	require.False(t, b.bearer(p).Shut)
}

func bearerAtReplica(t *testing.T, b *bundle) {
	t.Helper()
	k := b.kinship("T", "lea")
	p := b.issued(k.holder, k.connection.ID, "one")
	there := b.Replica(t)
	_, err := there.Bearers().Bearer(b.ctx, p.Access)
	require.NoError(t, err)
	b.update(k.forwarded.ID, func(c *consent.Consent) error { return c.Revoke(consent.ReasonBank, start) })
	got, err := there.Bearers().Bearer(b.ctx, p.Access)
	require.NoError(t, err)
	require.Equal(t, []any{consent.Revoked, start}, []any{got.Grant.Status, got.Standing.After})
	require.NoError(t, there.EndPair(b.ctx, p.ID, nil))
	_, err = b.Bearers().Bearer(b.ctx, p.Access)
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
}

func bearersAtOnce(t *testing.T, b *bundle) {
	t.Helper()
	var calls []func() error
	for i := range 10 {
		k := b.kinship("T", fmt.Sprint("psu", i))
		p := b.issued(k.holder, k.connection.ID, fmt.Sprint(i))
		for range 5 {
			calls = append(calls, func() error {
				for range 10 {
					got, err := b.Bearers().Bearer(b.ctx, p.Access)
					if err != nil {
						return err
					}
					stands, err := b.Bearers().Standing(b.ctx, connections.Holder{TPP: k.tpp, Customer: k.customer, PSU: k.psu})
					if err != nil || stands.Consent != k.forwarded.ID {
						return fmt.Errorf("what stands: %+v, %w", stands, err)
					}
					if got.Pair.ID != p.ID || got.Grant.ID != k.connection.ID || got.Standing.Consent != k.forwarded.ID {
						return fmt.Errorf("token %s: %+v", p.ID, got)
					}
				}
				return nil
			})
		}
	}
	calls = append(calls, func() error {
		if _, err := b.Bearers().Bearer(b.ctx, consent.Digest{1}); consent.CodeOf(err) != consent.CodeNotFound {
			return fmt.Errorf("an unknown token: %w", err)
		}
		return nil
	})
	for _, err := range together(calls...) {
		require.NoError(t, err)
	}
}
