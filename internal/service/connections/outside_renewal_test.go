package connections_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service/connections"
	"consentd/internal/service/consents"
)

// authenticatedAt makes a token of an authentication.
func authenticatedAt(at time.Time) func(*connections.Claims) {
	return func(c *connections.Claims) { c.SCA = at }
}

// forwardsBy has the TPP forward who the PSU is, by a token of the bank's own server.
func (b *bundle) forwardsBy(c connections.Claims) *consent.Consent {
	b.t.Helper()
	p := b.outside(c)
	f := consents.Forwarder{Store: b.db, Identities: b.db, Policy: b.Policy, Now: b.time}
	made, err := f.Forward(b.t.Context(), caller(), consents.Giver{
		PSU: p.PSU, Customer: p.Customer, CustomerID: p.CustomerID, SCA: p.SCA, Until: p.Until, IssuedAt: p.IssuedAt,
	}, consents.Document{Rights: consent.RightIdentity})
	require.NoError(b.t, err)
	return made
}

func (b *bundle) outside(c connections.Claims) connections.Principal {
	b.t.Helper()
	p, err := b.Outside(b.t.Context(), c)
	require.NoError(b.t, err)
	return p
}

// renewals are the entries that say so.
func (b *bundle) renewals(id uuid.UUID) []consent.Entry {
	b.t.Helper()
	all, err := b.db.History(b.t.Context(), id.String())
	require.NoError(b.t, err)
	var list []consent.Entry
	for _, e := range all {
		if e.Reason == string(consent.ReasonRenewed) {
			list = append(list, e)
		}
	}
	return list
}

// TestOutsideRenews: a PSU whom the bank's server has authenticated anew before the
// former authentication is too old, and one who comes after it.
func TestOutsideRenews(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c := b.forwardsBy(b.claims())
		b.advance(100 * day)
		again := b.claims(authenticatedAt(b.time()))
		ctx, notes := explain.Listen(t.Context())
		p, err := b.there.Outside(ctx, again)
		require.NoError(t, err)
		require.Equal(t, connections.Standing{Consent: c.ID, SCA: b.time()}, p.Standing)
		require.Contains(t, strings.Join(notes.Lines(), "\n"), "dated anew")
		got, err := b.db.Get(t.Context(), c.ID)
		require.NoError(t, err)
		until := b.time().Add(180 * day)
		require.Equal(t, []any{consent.Valid, uuid.Nil, b.time(), until, consent.DateOf(until, time.UTC)},
			[]any{got.Status, got.Connection, got.LastSCA, got.EndsAt, got.ValidUntil})
		entries := b.renewals(c.ID)
		require.Len(t, entries, 1)
		cause := again.Call
		cause.For = p.PSU.String()
		require.Equal(t, []any{cause, "valid", "valid"}, []any{entries[0].Cause, entries[0].From, entries[0].To})

		for _, claims := range []connections.Claims{again, b.claims(), again} {
			b.outside(claims)
		}
		require.Len(t, b.renewals(c.ID), 1, "once per authentication, and never by an older one")

		b.advance(180*day - time.Minute)
		last := b.claims(authenticatedAt(again.SCA))
		b.advance(time.Minute)
		late := b.claims(authenticatedAt(b.time()))
		b.outside(late)
		got, err = b.db.Get(t.Context(), c.ID)
		require.NoError(t, err)
		require.Equal(t, []any{consent.Expired, consent.ReasonDate}, []any{got.Status, got.Ending.Reason}, "too late")
		require.Len(t, b.renewals(c.ID), 1)
		p = b.outside(late)
		require.Equal(t, connections.Standing{Consent: c.ID}, p.Standing, "what time has ended cuts off no token")
		_, err = b.Outside(t.Context(), last)
		require.Equal(t, consent.CodeTokenExpired, consent.CodeOf(err), "that has a date of its own")
		require.NotEqual(t, c.ID, b.forwardsBy(late).ID)
	})
}

// TestOutsideRenewsNot: tokens that say nothing new of the PSU, and what is not to be
// dated by them.
func TestOutsideRenewsNot(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		for name, edit := range map[string]func(*connections.Claims){
			"that say only when they were issued": func(c *connections.Claims) { c.SCA = time.Time{} },
			"for one consent":                     func(c *connections.Claims) { c.Scopes = append(c.Scopes, "AIS:"+uuid.NewString()) },
			"that open no accounts":               func(c *connections.Claims) { c.Scopes = []string{connections.ScopeCBPII} },
			"of another customer":                 func(c *connections.Claims) { c.Customer = "firm" },
			"of another TPP":                      func(c *connections.Claims) { c.TPP = "B" },
			"of another PSU":                      func(c *connections.Claims) { c.PSU = "lea" },
			"by a clock that is ahead":            authenticatedAt(b.time().Add(59 * time.Second)),
		} {
			c := b.forwardsBy(b.claims(authenticatedAt(b.time())))
			b.advance(day)
			claims := b.claims(authenticatedAt(b.time()), edit)
			if strings.Contains(name, "clock") {
				claims.SCA = c.LastSCA.Add(59 * time.Second)
			}
			b.outside(claims)
			require.Empty(t, b.renewals(c.ID), name)
		}
		c := b.forwardsBy(b.claims(authenticatedAt(b.time())))
		b.advance(day)
		b.change(c.ID, func(c *consent.Consent) error { return c.Suspend(consent.ReasonBank, b.time()) })
		require.Zero(t, b.outside(b.claims(authenticatedAt(b.time()))).Standing.SCA)
		require.Empty(t, b.renewals(c.ID), "suspended")
		former := b.claims(authenticatedAt(b.time()))
		b.change(c.ID, func(c *consent.Consent) error { return c.Withdraw(b.time()) })
		_, err := b.Outside(t.Context(), former)
		require.Equal(t, consent.CodeTokenInvalid, consent.CodeOf(err))
		require.Empty(t, b.renewals(c.ID), "withdrawn")
	})
}

// TestOutsideRenewsOnce: many calls by the first tokens of an authentication, at two
// replicas.
func TestOutsideRenewsOnce(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c := b.forwardsBy(b.claims())
		b.advance(day)
		claims := b.claims(authenticatedAt(b.time()))
		var all sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			all.Go(func() {
				at := b.Connections
				if i%2 == 0 {
					at = b.there
				}
				p, err := at.Outside(t.Context(), claims)
				if err == nil && !p.Standing.SCA.Equal(claims.SCA) {
					err = errors.New("not renewed")
				}
				errs[i] = err
			})
		}
		all.Wait()
		require.NoError(t, errors.Join(errs...))
		require.Len(t, b.renewals(c.ID), 1)
	})
}

// endedMeanwhile is a store in which the PSU withdraws while a token is being judged.
type endedMeanwhile struct {
	connections.Bearers

	end func()
}

func (s endedMeanwhile) Renew(ctx context.Context, h connections.Holder, renew func(*consent.Consent)) error {
	s.end()
	return s.Bearers.Renew(ctx, h, renew)
}

func TestOutsideEndedMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c := b.forwardsBy(b.claims())
		b.advance(day)
		claims := b.claims(authenticatedAt(b.time()))
		b.Bearers = endedMeanwhile{b.Bearers, func() {
			b.change(c.ID, func(c *consent.Consent) error { return c.Withdraw(b.time()) })
		}}
		_, err := b.Outside(t.Context(), claims)
		require.Equal(t, consent.CodeTokenInvalid, consent.CodeOf(err))
		require.Empty(t, b.renewals(c.ID))
	})
}
