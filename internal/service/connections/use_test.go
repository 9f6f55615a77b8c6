package connections_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/secret"
	"consentd/internal/service/connections"
)

func TestUse(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		connection := b.connected("ceo", "firm")
		b.advance(time.Minute)
		token := b.token(connection)
		ctx, notes := explain.Listen(t.Context())
		p, err := b.Use(ctx, token)
		require.NoError(t, err)
		require.Equal(t, connections.Principal{
			TPP: "A", PSU: connection.GivenBy, Customer: connection.Customer, PSUID: "ceo", CustomerID: "firm",
			Scopes: []string{connections.ScopeAISP}, Grant: connection.ID, SCA: begin, Until: begin.Add(180 * day),
			IssuedAt: begin.Add(time.Minute), Certificate: "thumbprint",
		}, p)
		require.True(t, p.May(connections.ScopeAISP))
		require.False(t, p.May(connections.ScopeLongHistory), "granted, and not asked for by this token")
		require.Equal(t, []string{"token: of A, scope aisp, grant " + connection.ID.String()}, notes.Lines())
	})
}

func TestUnknownTokens(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		token := b.token(b.connected("lea", "lea"))
		for name, unknown := range map[string]string{
			"never issued":        "no-such-token",
			"none":                "",
			"the refresh token":   "refresh" + token,
			"the code":            "code" + token,
			"more than the token": token + " ",
		} {
			_, err := b.Use(t.Context(), unknown)
			require.Equal(t, consent.CodeTokenInvalid, consent.CodeOf(err), name)
		}
		b.refused(consent.CodeTokenInvalid, "not known, or given back", "no-such-token")
		pair, _, err := b.db.PairByAccess(t.Context(), secret.Digest(token))
		require.NoError(t, err)
		require.NoError(t, b.db.EndPair(t.Context(), pair.ID, nil))
		b.refused(consent.CodeTokenInvalid, "not known, or given back", token)
	})
}

// A token opens something while its grant is valid, and at no other time.
func TestGrantsOfTokens(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		for name, x := range map[string]struct {
			change func(c *consent.Consent) error
			code   consent.Code
			why    string
		}{
			"revoked by the PSU":     {func(c *consent.Consent) error { return c.Withdraw(b.time()) }, consent.CodeTokenInvalid, "is revoked since 2026-03-01T12:00:00Z"},
			"revoked by the bank":    {func(c *consent.Consent) error { return c.Revoke(consent.ReasonBank, b.time()) }, consent.CodeTokenInvalid, "is revoked"},
			"given back by the TPP":  {func(c *consent.Consent) error { return c.Terminate(b.time()) }, consent.CodeTokenInvalid, "is revoked"},
			"suspended by the bank":  {func(c *consent.Consent) error { return c.Suspend(consent.ReasonBank, b.time()) }, consent.CodeBlocked, "the bank has suspended its grant"},
			"suspended and ended":    {suspendedAndEnded(b), consent.CodeTokenInvalid, "is revoked"},
			"suspended and let go":   {suspendedAndResumed(b), "", ""},
			"nothing happened to it": {func(*consent.Consent) error { return nil }, "", ""},
		} {
			t.Log(name)
			connection := b.connected("lea", "lea")
			token := b.token(connection)
			b.change(connection.ID, x.change)
			if x.code == "" {
				require.Equal(t, connection.ID, b.used(token).Grant, name)
				continue
			}
			b.refused(x.code, x.why, token)
		}
	})
}

func suspendedAndEnded(b *bundle) func(*consent.Consent) error {
	return func(c *consent.Consent) error {
		if err := c.Suspend(consent.ReasonBank, b.time()); err != nil {
			return err
		}
		return c.Withdraw(b.time())
	}
}

func suspendedAndResumed(b *bundle) func(*consent.Consent) error {
	return func(c *consent.Consent) error {
		if err := c.Suspend(consent.ReasonBank, b.time()); err != nil {
			return err
		}
		return c.Resume(b.time())
	}
}

// What nobody has authorised yet opens nothing, and never will once the time for that
// is over.
func TestPendingGrant(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		c, err := b.Policy.New(b.id(), draft(), cause(), b.time())
		require.NoError(t, err)
		require.NoError(t, b.db.Create(t.Context(), c, nil))
		token := b.token(c, long)
		b.refused(consent.CodeTokenInvalid, "is received since", token)
		b.advance(day)
		b.refused(consent.CodeTokenInvalid, "is rejected since 2026-03-02T12:00:00Z", token)
	})
}

// An access token expires to the moment, and so does the grant, whichever worker has
// noticed that or not.
func TestExpiry(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		connection := b.connected("lea", "lea")
		short, lasting := b.token(connection), b.token(connection, long)
		b.advance(10*time.Minute - time.Microsecond)
		b.used(short)
		b.advance(time.Microsecond)
		b.refused(consent.CodeTokenExpired, "expired at 2026-03-01T12:10:00Z", short)
		b.used(lasting)

		b.now.Store(int64(180*day - time.Microsecond))
		b.used(lasting)
		b.advance(time.Microsecond)
		stored, err := b.db.Get(t.Context(), connection.ID)
		require.NoError(t, err)
		require.Equal(t, consent.Valid, stored.Status, "nobody has noticed")
		b.refused(consent.CodeTokenInvalid, "is expired since 2026-08-28T12:00:00Z", lasting)
		b.refused(consent.CodeTokenInvalid, "is expired", short)
	})
}

// Of a TPP that the bank has blocked nothing else counts, until it is let in again.
func TestBlockedTPP(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		connection, ended := b.connected("lea", "lea"), b.connected("ceo", "firm")
		token, dead := b.token(connection, long), b.token(ended)
		b.change(ended.ID, func(c *consent.Consent) error { return c.Withdraw(b.time()) })
		b.block()
		b.refused(consent.CodeCertificateBlocked, "the bank has blocked A", token)
		b.refused(consent.CodeCertificateBlocked, "the bank has blocked A", dead)
		b.advance(time.Hour)
		b.used(token)
		b.refused(consent.CodeTokenInvalid, "is revoked", dead)
	})
}

// A token of scope AIS:<consentId> is for that consent, and sees nothing of what the
// same TPP has forwarded for the same PSU.
func TestOfOneConsent(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.forwards(b.connected("lea", "lea"))
		d := draft()
		d.Kind, d.Rail, d.ByToken, d.Recurring, d.FrequencyPerDay = consent.AccountAccess, consent.RailXS2A, true, true, 4
		d.Access, d.ValidUntil = consent.Access{Scope: consent.ScopeAllPSD2, Rights: consent.RightBalances}, consent.DateOf(begin.Add(30*day), time.UTC)
		c := b.agreed(d)
		scope := connections.ScopeConsent + c.ID.String()
		token := b.token(c, func(p *connections.Pair) { p.Scopes, p.Active = scope, scope }, long)
		p := b.used(token)
		lea, _ := b.ids("lea", "lea")
		require.Equal(t, []uuid.UUID{c.ID, c.ID, lea}, []uuid.UUID{p.Grant, p.Consent, p.PSU})
		require.True(t, p.May(scope))
		require.False(t, p.May(connections.ScopeAISP))
		require.Zero(t, p.Standing)
		require.Equal(t, begin, p.SCA)
		b.change(c.ID, func(c *consent.Consent) error { return c.Terminate(b.time()) })
		b.refused(consent.CodeTokenInvalid, "is revoked", token)
	})
}

func TestAgain(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		connection := b.connected("lea", "lea")
		token := b.token(connection)
		p := b.used(token)
		require.Zero(t, p.Standing)
		first := b.forwards(connection)
		next, err := b.there.Again(t.Context(), p)
		require.NoError(t, err)
		want := p
		want.Standing.Consent = first.ID
		require.Equal(t, want, b.used(token))
		want.Standing.SCA = connection.LastSCA
		require.Equal(t, want, next, "all else stays")
		second := b.forwards(connection)
		next, err = b.Again(t.Context(), next)
		require.NoError(t, err)
		require.Equal(t, second.ID, next.Standing.Consent)

		other := b.used(b.token(b.connected("ceo", "firm")))
		require.Zero(t, other.Standing, "what was forwarded for somebody else")
		other.TPP, other.PSU, other.Customer = "B", p.PSU, p.Customer
		other, err = b.Again(t.Context(), other)
		require.NoError(t, err)
		require.Zero(t, other.Standing, "or by somebody else")
	})
}

// What one replica ends, the next call at any other finds ended.
func TestReplicas(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		for name, end := range map[string]func(connection, forwarded *consent.Consent) error{
			"the connection": func(connection, _ *consent.Consent) error {
				_, err := b.dbThere.Update(t.Context(), connection.ID, func(c *consent.Consent) error { return c.Withdraw(b.time()) })
				return err
			},
			"what was forwarded": func(_, forwarded *consent.Consent) error {
				_, err := b.dbThere.Update(t.Context(), forwarded.ID, func(c *consent.Consent) error { return c.Revoke(consent.ReasonBank, b.time()) })
				return err
			},
		} {
			connection := b.connected("lea", "lea")
			forwarded := b.forwards(connection)
			token, twin := b.token(connection), b.token(connection)
			for range 3 {
				require.Equal(t, forwarded.ID, b.used(token).Standing.Consent, name)
			}
			require.NoError(t, end(connection, forwarded), name)
			b.refused(consent.CodeTokenInvalid, "is revoked", token)
			b.refused(consent.CodeTokenInvalid, "is revoked", twin)
			_, err := b.there.Use(t.Context(), token)
			require.Equal(t, consent.CodeTokenInvalid, consent.CodeOf(err), name)
		}
	})
}
