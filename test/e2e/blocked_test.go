package e2e

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/internal/config"
	"consentd/pkg/xs2a"
)

// sandboxAcme is the id of the sandbox's TPP acme.
const sandboxAcme = "XX-SANDBOX:PSDXX-SANDBOX-ACME"

// office uses the bank's call on the block of acme, as its back office.
func (p *program) office(method, body string) {
	p.t.Helper()
	at := p.base + "/aspsp/v1/tpps/" + url.PathEscape(sandboxAcme) + "/block"
	status, answer, _ := p.raw(method, at, body, "Authorization", "Bearer sandbox-back-office", "Content-Type", "application/json")
	require.Equal(p.t, http.StatusOK, status, answer)
}

// TestBlockUnderFourEyes: no block ends consents where another person has to confirm
// their end; it shuts the TPP out all the same.
func TestBlockUnderFourEyes(t *testing.T) {
	p := start(t, "sqlite", func(o *app.SandboxOptions) {
		o.Configure = func(c *config.Config) { c.BackOffice.FourEyes = true }
	})
	at := p.base + "/aspsp/v1/tpps/" + url.PathEscape(sandboxAcme) + "/block"
	status, answer, _ := p.raw(http.MethodPut, at, `{"reason":"fraud","endConsents":true}`,
		"Authorization", "Bearer sandbox-back-office", "Content-Type", "application/json")
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, answer, "another person has to confirm the end of consents")
	p.office(http.MethodPut, `{"reason":"fraud"}`)
}

// isShut asserts that the browser sees why it cannot go on, and no way to the TPP.
func (u *psu) isShut() {
	u.t.Helper()
	u.at("problem", http.StatusForbidden)
	require.Contains(u.t, u.body, "The service that sent you here is blocked by")
	require.NotContains(u.t, u.body, "/sandbox/return")
	require.Empty(u.t, u.to)
}

// TestBlockedTPP blocks a TPP at each page of a walk: the PSU is told, the TPP is
// refused, and the walk goes on where it stood once the block is lifted.
func TestBlockedTPP(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		tpp := p.as("acme")
		id, link := p.create(tpp, p.offered())
		u := p.open(link)
		last := func() []string { return []string{"otp=" + p.code("anna")} }
		answer := func(pairs ...string) func() []string { return func() []string { return pairs } }
		for _, x := range []struct {
			page  string
			right func() []string
		}{
			{"login", answer("psuId=anna", "password=sandbox")},
			{"accounts", answer("account=DE40100100103307118608")},
			{"consent", answer("decision=approve")},
			{"factor", last},
		} {
			u.at(x.page, http.StatusOK)
			form, right := u.form, x.right()
			p.office(http.MethodPut, `{"reason":"licence in doubt"}`)
			for _, pairs := range [][]string{right, {"password=wrong", "otp=wrong"}, {"decision=reject"}} {
				u.form = form
				u.send(pairs...)
				u.isShut()
			}
			u.look()
			u.isShut()
			_, _, err := tpp.ConsentStatus(t.Context(), id)
			requireCode(t, err, http.StatusUnauthorized, xs2a.CertificateBlocked)
			p.office(http.MethodDelete, "")
			require.Equal(t, "received", p.status(tpp, id))
			u.look()
			u.at(x.page, http.StatusOK)
			u.send(right...)
		}
		require.Equal(t, []any{http.StatusSeeOther, p.base + "/sandbox/return"}, []any{u.status, u.to}, u.body)
		require.Equal(t, "valid", p.status(tpp, id))
	})
}

// TestBlockedTPPInApp lets an approval in the bank's app wait for the end of the
// block, while the other TPPs' questions go on.
func TestBlockedTPPInApp(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		tpp := p.as("acme")
		created, _, err := tpp.CreateConsent(t.Context(), p.dedicated(leaFirst), p.inApp("lea"))
		require.NoError(t, err)
		p.asked("lea", 1)
		other, _, err := p.tpp.CreateConsent(t.Context(), p.offered(), p.inApp("enzo"))
		require.NoError(t, err)
		p.asked("enzo", 1)
		p.office(http.MethodPut, `{"reason":"licence in doubt"}`)
		p.decides("lea", "approve")
		p.decides("enzo", "deny")
		p.advance("3s")
		p.becomes(other.ConsentID, "rejected") // a worker has looked
		p.office(http.MethodDelete, "")
		require.Equal(t, "received", p.status(tpp, created.ConsentID))
		p.advance("11s")
		require.Eventually(t, func() bool { return p.status(tpp, created.ConsentID) == "valid" }, patience, tick)
	})
}
