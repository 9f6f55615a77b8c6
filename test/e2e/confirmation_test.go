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

// confirmed asks for the code that comes back with the browser.
func confirmed(o *app.SandboxOptions) { o.Confirmation = true }

// walked creates a consent and has anna authorise it; the code is what her
// browser brings back.
func (p *program) walked() (j *journey, code string) {
	p.t.Helper()
	created, _, err := p.tpp.CreateConsent(p.t.Context(), p.offered(), p.options())
	require.NoError(p.t, err)
	require.ElementsMatch(p.t, []string{"scaRedirect", "confirmation", "self", "status", "scaStatus"}, names(created.Links))
	require.Equal(p.t, created.Links["scaStatus"], created.Links["confirmation"])
	j = p.journey(created.ConsentID, "anna", giro)
	j.know(created.Links)
	j.refused(client.Confirmation("x"), http.StatusConflict, xs2a.StatusInvalid)
	to, err := url.Parse(p.authorise(created.Links["scaRedirect"].Href, "anna", giro).to)
	require.NoError(p.t, err)
	require.Equal(p.t, "/sandbox/return", to.Path)
	code = to.Query().Get("confirmationCode")
	require.GreaterOrEqual(p.t, len(code), 22, "not to be guessed")
	require.Equal(p.t, []string{"received", "unconfirmed"}, j.stands())
	require.NotContains(p.t, p.log.String(), code)
	return j, code
}

// TestConfirmation: a consent is in force, and the former one ended, only when
// the TPP has handed in the code.
func TestConfirmation(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		former, code := p.walked()
		require.Equal(t, xs2a.ScaFinalised, former.put(client.Confirmation(code)).ScaStatus)
		require.Equal(t, []string{"valid", "finalised"}, former.stands())
		former.refused(client.Confirmation(code), http.StatusConflict, xs2a.StatusInvalid)

		wrong, _ := p.walked()
		answer := wrong.put(client.Confirmation(code))
		require.Equal(t, []any{xs2a.ScaFailed, []string{"scaStatus"}}, []any{answer.ScaStatus, names(answer.Links)}, "the code of another one")
		require.Equal(t, "failed", wrong.sca())
		require.NotEqual(t, "valid", p.status(p.tpp, wrong.id))
		wrong.refused(client.Confirmation(code), http.StatusBadRequest, xs2a.ScaInvalid)
		require.Equal(t, []string{"valid", "finalised"}, former.stands(), "as it was")

		late, code := p.walked()
		p.advance("16m")
		late.refused(client.Confirmation(code), http.StatusBadRequest, xs2a.ScaInvalid)
		require.Equal(t, []string{"received", "failed"}, late.stands())

		next, code := p.walked()
		require.Equal(t, []string{"valid", "finalised"}, former.stands(), "not yet")
		_, _, err := p.as("acme").UpdateAuthorisation(t.Context(), next.id, next.last, client.Confirmation(code), client.UpdateOptions{})
		p.fails(err, http.StatusForbidden, xs2a.ConsentUnknown)
		require.Equal(t, xs2a.ScaFinalised, next.put(client.Confirmation(code)).ScaStatus)
		require.Equal(t, []string{"expired", "valid"}, []string{p.status(p.tpp, former.id), p.status(p.tpp, next.id)})
		require.NotContains(t, p.log.String(), code)
	}, confirmed)
}
