package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/internal/config"
	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// tokensFor sets what the Berlin Group dialect does with tokens.
func tokensFor(mode string) func(*app.SandboxOptions) {
	return func(o *app.SandboxOptions) { o.Configure = func(cfg *config.Config) { cfg.OAuth.XS2A = mode } }
}

// linked makes a consent that is authorised at the OAuth2 server, whose description the
// link leads to.
func (c *oauthTPP) linked(body xs2a.ConsentsRequest) (id string) {
	c.t.Helper()
	made, meta, err := c.as(c.name).CreateConsent(c.t.Context(), body, c.options())
	require.NoError(c.t, err)
	require.Equal(c.t, "REDIRECT", meta.Approach())
	require.ElementsMatch(c.t, []string{"scaOAuth", "self", "status"}, names(made.Links))
	said := c.metadata(made.Links["scaOAuth"].Href)
	require.Equal(c.t, c.login+authorizePath, said["authorization_endpoint"])
	return made.ConsentID
}

// reader reads the accounts of a consent with a token, none where it is empty, and
// returns how many it saw.
func (c *oauthTPP) reader(consent, token string) (int, error) {
	c.t.Helper()
	var more []client.Option
	if token != "" {
		more = append(more, client.WithToken(token))
	}
	list, _, err := c.as(c.name, more...).Accounts(c.t.Context(), client.ReadOptions{ConsentID: consent, PSUIPAddress: "192.0.2.7"})
	if err != nil {
		return 0, err
	}
	return len(list.Accounts), nil
}

// TestOAuthSCA: a consent of the Berlin Group dialect that its PSU authorises at the
// OAuth2 server, and what its token opens.
func TestOAuthSCA(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		c := p.connecting("acme")
		id := c.linked(p.offered())
		g := c.connects("scope", "AIS:"+id)
		require.Equal(t, "AIS:"+id, g.Scope)
		require.Equal(t, "valid", p.status(p.as("acme"), id))
		n, err := c.reader(id, g.Access)
		require.NoError(t, err)
		require.Equal(t, 1, n, "that LEA has chosen")
		list, _, err := p.as("acme", client.WithToken(g.Access)).Accounts(t.Context(), client.ReadOptions{ConsentID: id})
		require.NoError(t, err)
		require.Equal(t, leasFirst, list.Accounts[0].IBAN)

		body := p.offered()
		body.RecurringIndicator, body.FrequencyPerDay = false, 1 // it lets the other one be
		other := c.linked(body)
		foreign := c.connects("scope", "AIS:"+other)
		for token, code := range map[string]xs2a.Code{"": xs2a.TokenUnknown, "nobody's": xs2a.TokenUnknown, foreign.Access: xs2a.TokenInvalid} {
			_, err = c.reader(id, token)
			requireCode(t, err, http.StatusUnauthorized, code)
		}
		c.opens(g.Access, http.StatusForbidden)
		require.Equal(t, "AIS:"+id, c.post(introspectPath, "token", g.Access).Scope)

		p.advance("10m")
		_, err = c.reader(id, g.Access)
		requireCode(t, err, http.StatusUnauthorized, xs2a.TokenExpired)
		again := c.refreshes(g.Refresh)
		c.good(again)
		_, err = c.reader(id, again.Access)
		require.NoError(t, err)

		_, err = p.as("acme").DeleteConsent(t.Context(), id)
		require.NoError(t, err)
		_, err = c.reader(id, again.Access)
		require.Error(t, err)
		c.bad(c.refreshes(g.Refresh), http.StatusBadRequest, "invalid_grant")
		require.False(t, c.post(introspectPath, "token", again.Access).Active)
		_, err = c.reader(other, c.refreshes(foreign.Refresh).Access)
		require.NoError(t, err)
	}, tokensFor("integrated"))
}

// TestOAuthSCARevoked: a token that is given back leaves its consent, which nobody can
// read any more: another token takes another consent.
func TestOAuthSCARevoked(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		c := p.certified("acme")
		id := c.linked(p.offered())
		g := c.connects("scope", "AIS:"+id)
		_, err := c.reader(id, g.Access) // over plain http, without the certificate
		requireCode(t, err, http.StatusUnauthorized, xs2a.TokenUnknown)
		require.Equal(t, http.StatusOK, c.post(revokePath, "token", g.Refresh).Status)
		require.False(t, c.post(introspectPath, "token", g.Access).Active)
		require.Equal(t, "valid", p.status(p.as("acme"), id))
		c.bad(c.refreshes(g.Refresh), http.StatusBadRequest, "invalid_grant")
	}, tokensFor("integrated"))
}

// TestOAuthSCARefused: a scope must name a consent of the TPP's that waits for its PSU.
func TestOAuthSCARefused(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		c, beta := p.connecting("acme"), p.connecting("beta")
		mine, theirs, given := c.linked(p.offered()), beta.linked(p.offered()), c.linked(p.offered())
		c.connects("scope", "AIS:"+given)
		for scope, why := range map[string]string{
			"AIS:" + theirs: "invalid_scope", "AIS:" + uuid.NewString(): "invalid_scope", "AIS:": "invalid_scope", "AIS:x": "invalid_scope",
			"AIS:" + strings.ToUpper(mine) + "0": "invalid_scope", "PIS:" + mine: "invalid_scope",
			"aisp AIS:" + mine: "invalid_scope", "AIS:" + given: "access_denied",
		} {
			a := c.ask("scope", scope)
			a.refused(why)
		}
		require.Equal(t, "received", p.status(p.as("acme"), mine))
		require.Equal(t, "received", p.status(p.as("beta"), theirs))

		a := c.ask("scope", "AIS:"+mine)
		a.send("psuId=lea", "password=sandbox")
		a.at("accounts", http.StatusOK)
		a.send("account=" + leasFirst)
		a.send("decision=reject")
		a.leads()
		a.follow()
		a.refused("access_denied")
		require.Equal(t, "rejected", p.status(p.as("acme"), mine))

		_, _, err := p.as("beta").StartAuthorisation(t.Context(), theirs, client.StartOptions{})
		requireCode(t, err, http.StatusBadRequest, xs2a.ServiceInvalid)
		_, err = p.as("beta").DeleteConsent(t.Context(), theirs)
		require.NoError(t, err)
		beta.ask("scope", "AIS:"+theirs).refused("access_denied")
	}, tokensFor("integrated"))
}

// TestOAuthPreStep: every call takes a token, and the consent is authorised as ever.
func TestOAuthPreStep(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		c := p.connecting("acme")
		create := func(token string) (*xs2a.ConsentsResponse, error) {
			var more []client.Option
			if token != "" {
				more = append(more, client.WithToken(token))
			}
			made, _, err := p.as("acme", more...).CreateConsent(t.Context(), p.offered(), p.options())
			return made, err
		}
		_, err := create("")
		requireCode(t, err, http.StatusUnauthorized, xs2a.TokenUnknown)
		_, err = create(c.connects("scope", "cbpii").Access)
		requireCode(t, err, http.StatusUnauthorized, xs2a.TokenInvalid)
		c.ask("scope", "AIS:"+uuid.NewString()).refused("invalid_scope")

		g := c.connects()
		made, err := create(g.Access)
		require.NoError(t, err)
		require.Contains(t, made.Links, "scaRedirect")
		p.authorise(made.Links["scaRedirect"].Href, "lea", leasFirst)
		_, err = c.reader(made.ConsentID, "")
		requireCode(t, err, http.StatusUnauthorized, xs2a.TokenUnknown)
		n, err := c.reader(made.ConsentID, g.Access)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, "valid", p.status(p.as("acme", client.WithToken(g.Access)), made.ConsentID))

		require.Equal(t, http.StatusOK, c.post(revokePath, "token", g.Access).Status)
		_, err = c.reader(made.ConsentID, g.Access)
		requireCode(t, err, http.StatusUnauthorized, xs2a.TokenUnknown)
		n, err = c.reader(made.ConsentID, c.connects().Access)
		require.NoError(t, err)
		require.Equal(t, 1, n, "the end of a connection is no end of a consent of this dialect")
	}, tokensFor("preStep"))
}
