package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOAuthEndsBeforeToken: what ends while the TPP has the code gives no tokens.
func TestOAuthEndsBeforeToken(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		c := p.connecting("acme")
		code, a := c.codeOf()
		c.withdraws(c.stands("connection", "valid")[0].ConsentID)
		c.bad(c.redeems(code, a), http.StatusBadRequest, "invalid_grant")

		a = c.ask()
		a.agrees("lea", "")
		c.withdraws(c.stands("connection", "valid")[0].ConsentID)
		a.follow()
		a.refused("access_denied")

		id := c.linked(p.offered())
		code, a = c.codeOf("scope", "AIS:"+id)
		_, err := p.as("acme").DeleteConsent(t.Context(), id)
		require.NoError(t, err)
		c.bad(c.redeems(code, a), http.StatusBadRequest, "invalid_grant")

		a = c.ask()
		p.advance("16m") // the PSU took too long
		a.send("psuId=lea", "password=sandbox")
		a.at("problem", http.StatusGone)
	}, tokensFor("integrated"))
}

// TestOAuthSigners: the last signer's browser brings the code, and the first one's is
// told that there is another.
func TestOAuthSigners(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		c := p.connecting("acme")
		body := p.offered()
		o := p.options()
		o.PSUCorporateID = sarlID
		made, _, err := p.as("acme").CreateConsent(t.Context(), body, o)
		require.NoError(t, err)
		scope := "AIS:" + made.ConsentID
		first := c.ask("scope", scope)
		first.agrees("sarl-ceo", sarlIBAN)
		first.follow()
		first.refused("access_denied")
		require.Equal(t, "partiallyAuthorised", p.status(p.as("acme"), made.ConsentID))
		second := c.ask("scope", scope)
		second.agrees("sarl-cfo", sarlIBAN)
		second.follow()
		g := c.redeems(second.answer().Get("code"), second)
		c.good(g)
		n, err := c.reader(made.ConsentID, g.Access)
		require.NoError(t, err)
		require.Equal(t, 1, n)
	}, tokensFor("integrated"))
}

// TestOAuthRefreshAtTwoServers: of refreshes at the same time each gives a token or asks
// to be tried again, the last token is the one that opens, and nothing is lost.
func TestOAuthRefreshAtTwoServers(t *testing.T) {
	r := startTwo(t)
	if r == nil {
		return // asked for SQLite alone, which has no second server
	}
	c := r.one.connecting("acme")
	g := c.connects()
	const many = 12
	answers := make([]granted, many)
	var wg sync.WaitGroup
	for i := range many {
		here := r.at(i).connecting("acme")
		wg.Go(func() { answers[i] = here.refreshes(g.Refresh) })
	}
	wg.Wait()
	open := 0
	for _, one := range answers {
		if one.Status != http.StatusOK {
			c.bad(one, http.StatusServiceUnavailable, "temporarily_unavailable")
			continue
		}
		if c.post(introspectPath, "token", one.Access).Active {
			open++
			c.opens(one.Access, http.StatusOK)
		}
	}
	require.Equal(t, 1, open)
	c.good(c.refreshes(g.Refresh))
	r.verify(t)
}

// TestOAuthKeepsSecrets: nothing that opens anything comes into the log.
func TestOAuthKeepsSecrets(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		c := p.connecting("acme")
		code, a := c.codeOf()
		callback := a.link[strings.LastIndex(a.link, "/")+1:]
		g := c.redeems(code, a)
		c.good(g)
		c.forwards(g.Access)
		again := c.refreshes(g.Refresh)
		c.bad(c.redeems(code, a), http.StatusBadRequest, "invalid_grant")
		c.post(revokePath, "token", again.Access)
		require.NotEmpty(t, p.log.String())
		for _, secret := range []string{code, callback, a.verifier, g.Access, g.Refresh, again.Access, leasFirst, "password=sandbox"} {
			require.NotEmpty(t, secret)
			require.NotContains(t, p.log.String(), secret)
		}
	})
}

// TestOAuthByPost: a browser may bring the request as a form, in the PSU's language.
func TestOAuthByPost(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		c := p.connecting("acme")
		a := c.ask()
		at, err := url.Parse(a.asked)
		require.NoError(t, err)
		q := at.Query()
		q.Set("ui_locales", "fr-CA fr")
		status, answer, h := p.raw(http.MethodPost, c.login+authorizePath, q.Encode(), "Content-Type", "application/x-www-form-urlencoded")
		require.Equal(t, http.StatusSeeOther, status, answer)
		a.link = h.Get("Location")
		a.look()
		a.at("login", http.StatusOK)
		require.Contains(t, a.body, `lang="fr"`)
	})
}
