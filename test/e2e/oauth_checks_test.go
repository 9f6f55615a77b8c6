package e2e

import (
	"encoding/json"
	"maps"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// asks is a check of a read by a consent that was authorised at the OAuth2 server, as
// the bank's resource server has it from the TPP; more are pairs of a member and its text.
func (c *oauthTPP) asks(consent string, more ...string) map[string]string {
	q := question(consent, "balances", leasAccount, "")
	q["tpp"] = "XX-SANDBOX:" + c.id
	for i := 0; i < len(more); i += 2 {
		q[more[i]] = more[i+1]
	}
	return q
}

// leasAccount is the bank's id of the account that LEA chooses.
const leasAccount = "r1"

// TestOAuthSCAChecked: a resource server that asks for itself hands on the token, and
// what is refused for that costs no read.
func TestOAuthSCAChecked(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		c := p.connecting("acme")
		id := c.linked(p.offered())
		g := c.connects("scope", "AIS:"+id)
		once := p.offered()
		once.RecurringIndicator, once.FrequencyPerDay = false, 1 // it lets the other one be
		other := c.connects("scope", "AIS:"+c.linked(once))
		ours := c.connects()

		for token, code := range map[string]string{
			"": "TOKEN_UNKNOWN", "nobody's": "TOKEN_UNKNOWN", g.Refresh: "TOKEN_UNKNOWN", other.Access: "TOKEN_INVALID", ours.Access: "TOKEN_INVALID",
		} {
			p.denied(c.asks(id, "accessToken", token), http.StatusUnauthorized, code)
		}
		d := p.denied(c.asks(id), http.StatusUnauthorized, "TOKEN_UNKNOWN")
		require.Contains(t, d.Reason, "none came with the question")
		d = p.allowed(c.asks(id, "accessToken", g.Access))
		require.Equal(t, 3, *d.Remaining, "what was denied has not counted")
		p.allowed(c.asks(id, "accessToken", g.Access, "certificateThumbprint", certificateOfNobody))

		beta := p.connecting("beta")
		theirs := beta.connects("scope", "AIS:"+beta.linked(p.offered()))
		d = p.denied(c.asks(id, "accessToken", theirs.Access), http.StatusUnauthorized, "TOKEN_UNKNOWN")
		require.Equal(t, "the access token is another TPP's", d.Reason)
		p.denied(beta.asks(id, "accessToken", theirs.Access), http.StatusBadRequest, "CONSENT_UNKNOWN")

		p.advance("10m")
		p.denied(c.asks(id, "accessToken", g.Access), http.StatusUnauthorized, "TOKEN_EXPIRED")
		again := c.refreshes(g.Refresh)
		c.good(again)
		p.allowed(c.asks(id, "accessToken", again.Access))
		require.Equal(t, http.StatusOK, c.post(revokePath, "token", g.Refresh).Status)
		p.denied(c.asks(id, "accessToken", again.Access), http.StatusUnauthorized, "TOKEN_UNKNOWN")

		kept, err := json.Marshal(p.recorded(""))
		require.NoError(t, err)
		require.Contains(t, string(kept), "accessToken")
		for _, token := range []string{g.Access, again.Access, other.Access, ours.Access, theirs.Access} {
			require.NotContains(t, string(kept)+p.log.String(), token)
		}
	}, tokensFor("integrated"))
}

// certificateOfNobody is the digest of nothing.
const certificateOfNobody = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"

// TestOAuthSCACheckedWithCertificate: a token that is bound takes the thumbprint of the
// certificate; several checks at once bring each its own.
func TestOAuthSCACheckedWithCertificate(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		c := p.certified("acme")
		id := c.linked(p.offered())
		g := c.connects("scope", "AIS:"+id)
		bound := c.asks(id, "accessToken", g.Access, "certificateThumbprint", c.thumbprint())
		p.allowed(bound)

		unbound, foreign, none := maps.Clone(bound), maps.Clone(bound), maps.Clone(bound)
		delete(unbound, "certificateThumbprint")
		foreign["certificateThumbprint"] = certificateOfNobody
		delete(none, "accessToken")
		for _, q := range []map[string]string{unbound, foreign} {
			d := p.denied(q, http.StatusUnauthorized, "TOKEN_UNKNOWN")
			require.Contains(t, d.Reason, "is bound to another certificate")
		}
		body, err := json.Marshal(map[string]any{"checks": []any{bound, unbound, none, foreign, bound}})
		require.NoError(t, err)
		var all struct{ Decisions []decision }
		require.NoError(t, json.Unmarshal(p.asBank("sandbox-resource-server", http.MethodPost, "/aspsp/v1/access-checks/batch", string(body)), &all))
		var said []string
		for _, d := range all.Decisions {
			said = append(said, d.Decision+d.Error.Code)
		}
		require.Equal(t, []string{"allow", "denyTOKEN_UNKNOWN", "denyTOKEN_UNKNOWN", "denyTOKEN_UNKNOWN", "allow"}, said)
	}, tokensFor("integrated"))
}

// TestOAuthSCACheckedElsewhere: of a consent that was authorised as ever a token says nothing.
func TestOAuthSCACheckedElsewhere(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		id := p.annas()
		q := question(id, "balances", "r31", "")
		q["accessToken"] = "nobody's"
		p.allowed(q)
		delete(q, "accessToken")
		p.allowed(q)
	})
}
