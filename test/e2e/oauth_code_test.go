package e2e

import (
	"net/http"
	"net/http/cookiejar"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOAuthMetadata: what the server says of itself leads to it.
func TestOAuthMetadata(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		for _, c := range []*oauthTPP{p.certified("acme"), p.connecting("acme")} {
			said := c.metadata(c.base + "/.well-known/oauth-authorization-server")
			require.Equal(t, p.base, said["issuer"])
			require.Equal(t, p.base+authorizePath, said["authorization_endpoint"])
			require.Equal(t, c.base+tokenPath, said["token_endpoint"])
			require.Equal(t, c.base+revokePath, said["revocation_endpoint"])
			require.Equal(t, c.base+introspectPath, said["introspection_endpoint"])
			require.Equal(t, []any{"S256"}, said["code_challenge_methods_supported"])
			require.Equal(t, true, said["tls_client_certificate_bound_access_tokens"])
		}
	})
}

// TestOAuthOverPlainHTTP: LEA connects a TPP, whose tokens are bound to nothing.
func TestOAuthOverPlainHTTP(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		c := p.connecting("acme")
		g := c.connects()
		require.Equal(t, []any{600, "aisp"}, []any{g.Expires, g.Scope})
		state := c.post(introspectPath, "token", g.Access)
		require.Equal(t, []any{true, c.id, "aisp", ""}, []any{state.Active, state.Client, state.Scope, state.Bound.Thumbprint})
		c.sees(g.Access, bare(leasFirst, leasSecond))
		c.forwards(g.Access)
		c.sees(g.Access, opened{leasFirst: {"balances"}})

		beta := p.connecting("beta").dialect(map[string]string{"lea@beta": g.Access})
		beta.run(headed(reads("lea@beta", "/accounts", http.StatusUnauthorized), "X-Sandbox-TPP", "beta"))
		p.advance("10m")
		c.opens(g.Access, http.StatusUnauthorized)
	})
}

// TestOAuthOverTLS: what is given over mutual TLS opens nothing without the
// certificate.
func TestOAuthOverTLS(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		c := p.certified("acme")
		g := c.connects()
		state := c.post(introspectPath, "token", g.Access)
		require.Equal(t, []any{true, c.thumbprint()}, []any{state.Active, state.Bound.Thumbprint})
		c.sees(g.Access, bare(leasFirst, leasSecond))
		c.forwards(g.Access)
		c.sees(g.Access, opened{leasFirst: {"balances"}})

		plain, other := p.connecting("acme"), p.certified("beta")
		plain.opens(g.Access, http.StatusUnauthorized)
		other.opens(g.Access, http.StatusUnauthorized)
		plain.bad(plain.refreshes(g.Refresh), http.StatusBadRequest, "invalid_grant")
		other.bad(other.refreshes(g.Refresh), http.StatusBadRequest, "invalid_grant")
		c.sees(g.Access, opened{leasFirst: {"balances"}})
		again := c.refreshes(g.Refresh)
		c.good(again)
		c.opens(again.Access, http.StatusOK)
	})
}

// TestOAuthCode: a code is good once, for a minute, and only for who asked for it.
func TestOAuthCode(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		c, beta := p.connecting("acme"), p.connecting("beta")
		code, a := c.codeOf()
		for name, params := range map[string][]string{
			"another verifier":      {"code_verifier", "0123456789012345678901234567890123456789012"},
			"another redirect URI":  {"redirect_uri", c.back + "/nok"},
			"another client's name": {"client_id", beta.id},
		} {
			code, a := c.codeOf()
			g := c.redeems(code, a, params...)
			require.GreaterOrEqual(t, g.Status, http.StatusBadRequest, name)
			require.Less(t, g.Status, http.StatusInternalServerError, name)
			require.Contains(t, []string{"invalid_grant", "invalid_client"}, g.Error, name)
			require.Empty(t, g.Access, name)
		}
		beta.bad(beta.redeems(code, a), http.StatusBadRequest, "invalid_grant")

		code, a = c.codeOf()
		p.advance("40s")
		g := c.redeems(code, a)
		c.good(g)
		require.NotEmpty(t, g.Refresh)
		c.bad(c.redeems(code, a), http.StatusBadRequest, "invalid_grant")
		c.opens(g.Access, http.StatusUnauthorized)
		c.bad(c.refreshes(g.Refresh), http.StatusBadRequest, "invalid_grant")

		code, a = c.codeOf()
		p.advance("60s")
		c.bad(c.redeems(code, a), http.StatusBadRequest, "invalid_grant")
	})
}

// TestOAuthCodeAtOnce: of many who bring one code at the same time, one gets tokens.
func TestOAuthCodeAtOnce(t *testing.T) {
	each(t, func(t *testing.T, p *program) { oneOf(t, func(int) *program { return p }) })
}

// TestOAuthCodeAtTwoServers is the same at two servers.
func TestOAuthCodeAtTwoServers(t *testing.T) {
	if r := startTwo(t); r != nil { // SQLite has no second server
		oneOf(t, r.at)
	}
}

func oneOf(t *testing.T, at func(i int) *program) {
	t.Helper()
	c := at(0).connecting("acme")
	code, a := c.codeOf()
	const many = 20
	answers := make([]granted, many)
	var wg sync.WaitGroup
	for i := range many {
		here := at(i).connecting("acme")
		here.back = c.back
		wg.Go(func() { answers[i] = here.redeems(code, a) })
	}
	wg.Wait()
	pairs := 0
	for _, g := range answers {
		if g.Status == http.StatusOK {
			pairs++
			continue
		}
		c.bad(g, http.StatusBadRequest, "invalid_grant")
	}
	require.Equal(t, 1, pairs)
}

// TestOAuthRefusals: the browser comes back without a code, and nothing is connected.
func TestOAuthRefusals(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		p.call(http.MethodPost, "/sandbox/tpps", map[string]any{"name": "mint", "roles": []string{"PSP_AI"}, "redirectUris": []string{"https://mint.example/cb"}}, nil)
		c, mint := p.connecting("acme"), p.connecting("mint")
		mint.back = "https://mint.example/cb"

		a := c.ask()
		a.send("psuId=lea", "password=sandbox")
		a.at("consent", http.StatusOK)
		a.send("decision=reject")
		a.leads()
		a.follow()
		a.refused("access_denied")

		a = c.ask()
		for range 3 {
			a.send("psuId=lea", "password=wrong")
		}
		a.at("problem", http.StatusTooManyRequests)
		a.leaves()
		a.refused("access_denied")

		for _, who := range []string{"blocked", "sarl-ceo"} { // who may not log in, or sign alone
			a = c.ask()
			a.send("psuId="+who, "password=sandbox")
			a.at("problem", http.StatusForbidden)
			a.leaves()
			a.refused("access_denied")
		}

		for changes, why := range map[[2]string]string{
			{"scope", "openid"}: "invalid_scope", {"scope", ""}: "invalid_scope",
			{"code_challenge_method", "plain"}: "invalid_request", {"code_challenge", ""}: "invalid_request",
			{"response_type", "token"}: "unsupported_response_type", {"response_mode", "form_post"}: "invalid_request",
		} {
			c.ask(changes[:]...).refused(why)
		}
		for _, scope := range []string{"pisp", "aisp pisp", "cbpii"} {
			mint.ask("scope", scope).refused("invalid_scope")
		}
		require.Empty(t, c.stands("connection", "valid"))
		mint.connects()
	})
}

// TestOAuthNowhere: a browser is sent to nobody who is not known, or to where nobody
// asked for.
func TestOAuthNowhere(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		c := p.connecting("acme")
		for _, changes := range [][]string{
			{"redirect_uri", "https://evil.example/"},
			{"redirect_uri", c.back + "/"},
			{"redirect_uri", c.back + "?x=1"},
			{"redirect_uri", ""},
			{"client_id", "PSDXX-SANDBOX-NOBODY"},
			{"client_id", ""},
			{"client_id", "https://evil.example"},
			{"redirect_uri", "https://evil.example/", "response_type", "token"},
		} {
			a := c.ask(changes...)
			require.Empty(t, a.to, changes)
			require.Equal(t, "problem", a.page, changes)
			require.GreaterOrEqual(t, a.status, http.StatusBadRequest, changes)
			require.NotContains(t, a.body, "evil.example", changes)
		}
	})
}

// TestOAuthCallback: what comes of a request is for the browser of the PSU, once.
func TestOAuthCallback(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		c := p.connecting("acme")
		a := c.ask()
		a.agrees("lea", "")
		mine, jar := a.jar, newJar(t)
		a.jar = &http.Client{Jar: jar, CheckRedirect: p.http.CheckRedirect}
		a.follow()
		a.at("problem", http.StatusForbidden)
		require.Empty(t, a.to)
		a.jar = mine
		a.look()
		code := a.answer().Get("code")
		a.look()
		a.at("problem", http.StatusNotFound)
		c.good(c.redeems(code, a))

		early := c.ask()
		early.send("psuId=lea", "password=sandbox")
		early.link = a.link // of another request, whose browser this is not
		early.look()
		early.at("problem", http.StatusNotFound)
	})
}

func newJar(t *testing.T) http.CookieJar {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return jar
}

// TestOAuthBlocked: who is blocked gets nothing, and has it again afterwards.
func TestOAuthBlocked(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		c := p.connecting("acme")
		g := c.connects()
		code, a := c.codeOf()
		waiting := c.ask()
		waiting.agrees("lea", "")
		p.office(http.MethodPut, `{"reason":"licence in doubt"}`)
		shut := c.ask()
		shut.at("problem", http.StatusForbidden)
		require.Empty(t, shut.to)
		waiting.follow()
		waiting.at("problem", http.StatusForbidden)
		require.Empty(t, waiting.to)
		for _, g := range []granted{c.redeems(code, a), c.refreshes(g.Refresh), c.post(revokePath, "token", g.Access), c.post(introspectPath, "token", g.Access)} {
			require.Contains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, g.Status)
			require.Empty(t, g.Access)
		}
		c.opens(g.Access, http.StatusUnauthorized)

		p.office(http.MethodDelete, "")
		c.opens(g.Access, http.StatusOK)
		c.good(c.redeems(code, a))
		waiting.look()
		require.NotEmpty(t, waiting.answer().Get("code"))
	})
}

// TestOAuthClients: a client is who its certificate says, and nobody else.
func TestOAuthClients(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		for _, c := range []*oauthTPP{p.certified("acme"), p.connecting("acme")} {
			for _, path := range []string{tokenPath, revokePath, introspectPath} {
				for _, id := range []string{"PSDXX-SANDBOX-BETA", "", "PSDXX-SANDBOX-NOBODY"} {
					g := c.post(path, "client_id", id, "token", "x", "grant_type", "refresh_token", "refresh_token", "x")
					c.bad(g, http.StatusUnauthorized, "invalid_client")
				}
				status, answer, h := p.raw(http.MethodGet, p.base+path, "")
				require.Equal(t, []any{http.StatusMethodNotAllowed, http.MethodPost}, []any{status, h.Get("Allow")}, answer)
			}
			c.bad(c.post(tokenPath, "grant_type", "client_credentials"), http.StatusBadRequest, "unsupported_grant_type")
			c.bad(c.post(tokenPath, "grant_type", "password", "username", "lea", "password", "sandbox"), http.StatusBadRequest, "unsupported_grant_type")
			c.bad(c.post(tokenPath), http.StatusBadRequest, "invalid_request")
			c.bad(c.post(revokePath), http.StatusBadRequest, "invalid_request")
		}
		none := p.connecting("acme")
		none.base, none.calls = p.secure, p.anonymous()
		none.bad(none.refreshes("x"), http.StatusUnauthorized, "invalid_client")
	})
}
