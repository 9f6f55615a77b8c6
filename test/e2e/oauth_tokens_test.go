package e2e

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOAuthRefresh: a refresh gives another access token in the place of the former,
// for as much as there was, or less.
func TestOAuthRefresh(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		c := p.connecting("acme")
		g := c.connects("scope", "aisp cbpii extended_transaction_history")
		require.Equal(t, "aisp cbpii extended_transaction_history", g.Scope)
		again := c.refreshes(g.Refresh)
		c.good(again)
		require.NotEqual(t, g.Access, again.Access)
		require.Equal(t, g.Scope, again.Scope)
		c.opens(g.Access, http.StatusUnauthorized)
		c.opens(again.Access, http.StatusOK)

		funds := c.refreshes(g.Refresh, "scope", "cbpii")
		c.good(funds)
		require.Equal(t, "cbpii", funds.Scope)
		c.opens(funds.Access, http.StatusForbidden)
		require.Equal(t, "cbpii", c.post(introspectPath, "token", funds.Access).Scope)
		c.bad(c.refreshes(g.Refresh, "scope", "aisp pisp"), http.StatusBadRequest, "invalid_scope")
		c.bad(c.refreshes(g.Refresh, "scope", "AIS:0198f2c4-5a3e-7c61-9b0e-3f1d7a52c9e4"), http.StatusBadRequest, "invalid_scope")
		all := c.refreshes(g.Refresh)
		c.good(all)
		require.Equal(t, g.Scope, all.Scope)

		beta := p.connecting("beta")
		beta.bad(beta.refreshes(g.Refresh), http.StatusBadRequest, "invalid_grant")
		for _, token := range []string{"x", g.Access, all.Access} {
			c.bad(c.refreshes(token), http.StatusBadRequest, "invalid_grant")
		}
		c.bad(c.post(tokenPath, "grant_type", "refresh_token"), http.StatusBadRequest, "invalid_request")
		p.advance("11m")
		c.opens(all.Access, http.StatusUnauthorized)
		again = c.refreshes(g.Refresh)
		c.good(again)
		c.opens(again.Access, http.StatusOK)
	})
}

// TestOAuthRenewed: an authentication on the hundredth day keeps what was forwarded, and
// it lasts as long as the new one. On the day on which that is worth nothing more, all
// has ended, and who connects again begins with nothing.
func TestOAuthRenewed(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		c := p.connecting("acme")
		first := c.connects()
		c.forwards(first.Access)
		before := c.stands("accountAccess", "valid")
		require.Len(t, before, 1)
		p.advance("2400h") // 100 days
		c.good(c.refreshes(first.Refresh))

		second := c.connects()
		after := c.stands("accountAccess", "valid")
		require.Len(t, after, 1)
		require.Equal(t, before[0].ConsentID, after[0].ConsentID)
		require.NotEqual(t, before[0].ConnectionID, after[0].ConnectionID)
		require.Equal(t, addDays(t, before[0].LastSCA, 100), addDays(t, after[0].LastSCA, 0))
		require.Equal(t, addDays(t, after[0].LastSCA, 180), after[0].ValidUntil)
		c.sees(second.Access, opened{leasFirst: {"balances"}})

		p.advance("1920h") // the 180th day of the first authentication
		c.bad(c.refreshes(first.Refresh), http.StatusBadRequest, "invalid_grant")
		again := c.refreshes(second.Refresh)
		c.good(again)
		c.sees(again.Access, opened{leasFirst: {"balances"}})

		p.advance("2395h") // five hours are left of the second
		c.good(c.refreshes(second.Refresh))
		p.advance("4h55m")
		last := c.refreshes(second.Refresh)
		c.good(last)
		require.LessOrEqual(t, last.Expires, 300, "no token outlasts its grant")
		p.advance("5m")
		c.bad(c.refreshes(second.Refresh), http.StatusBadRequest, "invalid_grant")
		c.opens(last.Access, http.StatusUnauthorized)
		require.Empty(t, c.stands("", "valid"))
		ended := c.stands("accountAccess", "expired")
		require.Len(t, ended, 1)
		require.Equal(t, after[0].ConsentID, ended[0].ConsentID)

		third := c.connects()
		c.sees(third.Access, bare(leasFirst, leasSecond))
	})
}

// TestOAuthRevoked: a TPP that gives back a token of either kind ends the connection and
// what it has forwarded by it; nobody else's token says anything to it.
func TestOAuthRevoked(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		c, beta := p.connecting("acme"), p.certified("beta")
		for _, pick := range []func(granted) string{
			func(g granted) string { return g.Access }, func(g granted) string { return g.Refresh },
		} {
			g := c.connects()
			c.forwards(g.Access)
			require.Equal(t, granted{Status: http.StatusOK}, beta.post(revokePath, "token", pick(g)))
			require.Equal(t, granted{Status: http.StatusOK}, beta.post(introspectPath, "token", pick(g)))
			require.Equal(t, granted{Status: http.StatusOK}, c.post(revokePath, "token", "x"))
			c.sees(g.Access, opened{leasFirst: {"balances"}})
			require.True(t, c.post(introspectPath, "token", g.Refresh).Active)

			for range 2 { // the second time nobody knows it
				require.Equal(t, granted{Status: http.StatusOK}, c.post(revokePath, "token", pick(g)))
			}
			c.opens(g.Access, http.StatusUnauthorized)
			c.bad(c.refreshes(g.Refresh), http.StatusBadRequest, "invalid_grant")
			require.Equal(t, granted{Status: http.StatusOK}, c.post(introspectPath, "token", pick(g)))
			require.Empty(t, c.stands("", "valid"))
			c.sees(c.connects().Access, bare(leasFirst, leasSecond))
			for _, left := range c.stands("connection", "valid") { // for the next round
				c.withdraws(left.ConsentID)
			}
		}
		stale := c.connects()
		c.good(c.refreshes(stale.Refresh))
		require.False(t, c.post(introspectPath, "token", stale.Access).Active, "there is a newer one")
		late := c.connects()
		p.advance("11m")
		require.Equal(t, granted{Status: http.StatusOK}, c.post(introspectPath, "token", late.Access))
		require.Equal(t, http.StatusOK, c.post(revokePath, "token", late.Access).Status)
		c.bad(c.refreshes(late.Refresh), http.StatusBadRequest, "invalid_grant")
	})
}

// withdraws ends a consent as a page of the bank does for LEA.
func (c *oauthTPP) withdraws(id string) {
	c.t.Helper()
	stetOf(c.program).asBankPage(http.MethodPut, "/aspsp/v1/consents/"+id+"/revocation", map[string]string{"psu": "lea"}, nil)
}

// TestOAuthEndsAtTwoServers: what the PSU or the bank ends at one server opens nothing
// at the other, from the next call on.
func TestOAuthEndsAtTwoServers(t *testing.T) {
	r := startTwo(t)
	if r == nil {
		return // asked for SQLite alone, which has no second server
	}
	c := r.one.connecting("acme")
	there := r.two.connecting("acme")
	dead := func(g granted) {
		t.Helper()
		for _, at := range []*oauthTPP{there, c} {
			at.opens(g.Access, http.StatusUnauthorized)
			g := at.refreshes(g.Refresh)
			require.Contains(t, []string{"invalid_grant", "access_denied", "invalid_client"}, g.Error)
			require.Empty(t, g.Access)
		}
	}
	for name, end := range map[string]func(){
		"what was forwarded": func() { c.withdraws(c.stands("accountAccess", "valid")[0].ConsentID) },
		"the connection":     func() { c.withdraws(c.stands("connection", "valid")[0].ConsentID) },
		"the TPP":            func() { r.one.office(http.MethodPut, `{"reason":"licence withdrawn","endConsents":true}`) },
	} {
		g := c.connects()
		c.forwards(g.Access)
		there.sees(g.Access, opened{leasFirst: {"balances"}})
		end()
		dead(g)
		require.Empty(t, c.stands("", "valid"), name)
		r.one.office(http.MethodDelete, "")
		dead(g)
		after := there.connects()
		c.sees(after.Access, bare(leasFirst, leasSecond))
		require.Equal(t, http.StatusOK, c.post(revokePath, "token", after.Refresh).Status)
		there.opens(after.Access, http.StatusUnauthorized)
	}
	r.verify(t)
}

// TestOAuthTwoConnections: of several connections of one PSU with one TPP, what was
// forwarded rests on the newest, by whichever it came; each ends alone.
func TestOAuthTwoConnections(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		c := p.connecting("acme")
		first := c.connects()
		c.forwards(first.Access)
		second := c.connects()
		require.Equal(t, http.StatusOK, c.post(revokePath, "token", first.Refresh).Status)
		c.opens(first.Access, http.StatusUnauthorized)
		c.sees(second.Access, opened{leasFirst: {"balances"}})

		third := c.connects()
		c.forwards(second.Access)
		require.Equal(t, http.StatusOK, c.post(revokePath, "token", second.Access).Status)
		c.sees(third.Access, opened{leasFirst: {"balances"}})
		require.Len(t, c.stands("", "valid"), 2)
		require.Equal(t, http.StatusOK, c.post(revokePath, "token", third.Access).Status)
		require.Empty(t, c.stands("", "valid"))
		c.sees(c.connects().Access, bare(leasFirst, leasSecond))
	})
}

// TestOAuthSubject: a PSU goes by another name with each TPP, always the same one.
func TestOAuthSubject(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		seen := map[string]string{}
		for _, name := range []string{"acme", "beta", "acme"} {
			c := p.connecting(name)
			subject := c.post(introspectPath, "token", c.connects().Refresh).Subject
			require.NotEmpty(t, subject)
			require.Len(t, subject, 43, "a digest")
			if seen[name] != "" {
				require.Equal(t, seen[name], subject)
			}
			seen[name] = subject
		}
		require.NotEqual(t, seen["acme"], seen["beta"])
	})
}
