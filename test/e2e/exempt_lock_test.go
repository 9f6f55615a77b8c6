package e2e

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// TestExempted makes a one-off consent to the list of accounts valid by the log-in
// alone, where the bank says so.
func TestExempted(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		list := xs2a.ConsentsRequest{
			Access: xs2a.AccountAccess{AvailableAccounts: "allAccounts"}, ValidUntil: p.today(1), FrequencyPerDay: 1,
		}
		id, link := p.create(p.tpp, list)
		u := p.open(link)
		u.send("psuId=lea", "password=sandbox")
		u.at("consent", http.StatusOK)
		u.send("decision=approve")
		require.Equal(t, http.StatusSeeOther, u.status, u.body)
		require.Equal(t, "valid", p.status(p.tpp, id))
		require.Equal(t, []string{"exempted"}, p.scaStatuses(p.tpp, id))

		list.RecurringIndicator = true
		id, link = p.create(p.tpp, list)
		p.authorise(link, "lea", "")
		require.Equal(t, []string{"finalised"}, p.scaStatuses(p.tpp, id))
	}, func(o *app.SandboxOptions) { o.Exempt = true })
}

// TestExemptedAndConfirmed lets the TPP confirm a consent that needed no factor.
func TestExemptedAndConfirmed(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		id, link := p.create(p.tpp, xs2a.ConsentsRequest{
			Access: xs2a.AccountAccess{AvailableAccounts: "allAccounts"}, ValidUntil: p.today(1), FrequencyPerDay: 1,
		})
		u := p.open(link)
		u.send("psuId=lea", "password=sandbox")
		u.send("decision=approve")
		require.Equal(t, http.StatusSeeOther, u.status, u.body)
		require.Equal(t, []string{"unconfirmed"}, p.scaStatuses(p.tpp, id))
		to, err := url.Parse(u.to)
		require.NoError(t, err)
		list, _, err := p.tpp.Authorisations(t.Context(), id)
		require.NoError(t, err)
		answer, _, err := p.tpp.UpdateAuthorisation(t.Context(), id, list.AuthorisationIDs[0],
			client.Confirmation(to.Query().Get("confirmationCode")), client.UpdateOptions{})
		require.NoError(t, err)
		require.Equal(t, []any{xs2a.ScaExempted, "valid"}, []any{answer.ScaStatus, p.status(p.tpp, id)})
	}, func(o *app.SandboxOptions) { o.Exempt, o.Confirmation = true, true })
}

// scaStatuses are those of a consent's authorisations.
func (p *program) scaStatuses(c *client.Client, id string) []string {
	p.t.Helper()
	list, _, err := c.Authorisations(p.t.Context(), id)
	require.NoError(p.t, err)
	var all []string
	for _, authorisation := range list.AuthorisationIDs {
		st, _, err := c.AuthorisationStatus(p.t.Context(), id, authorisation)
		require.NoError(p.t, err)
		all = append(all, string(st.ScaStatus))
	}
	return all
}

// TestLockedOut guesses one customer's password over several consents: after five
// nothing of theirs is judged for a quarter of an hour.
func TestLockedOut(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		for i := range 6 {
			_, link := p.create(p.tpp, p.offered())
			u := p.open(link)
			u.send("psuId=enzo", "password=wrong")
			if i < 5 {
				u.at("login", http.StatusUnauthorized)
				continue
			}
			u.at("problem", http.StatusTooManyRequests)
			u.look()
			u.at("login", http.StatusOK)
			u.send("psuId=enzo", "password=sandbox")
			u.at("problem", http.StatusTooManyRequests)
			u.look()
			u.send("psuId=lea", "password=sandbox")
			u.at("accounts", http.StatusOK)
		}
		p.advance("15m")
		id, link := p.create(p.tpp, p.offered())
		p.authorise(link, "enzo", "FR7617515900000400430518379")
		require.Equal(t, "valid", p.status(p.tpp, id))
	})
}
