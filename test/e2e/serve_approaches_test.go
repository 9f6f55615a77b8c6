package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/pkg/client"
)

// TestServeApproaches asks PSUs in the app of a bank that is reached over HTTP,
// and takes their passwords from the TPP.
func TestServeApproaches(t *testing.T) {
	p := start(t, "sqlite")
	path := environment(t, p.base, "sca: {approaches: [redirect, decoupled, embedded]}")
	migrated(t, path)
	url := serving(t, path)
	var err error
	p.tpp, err = client.New(url("tpp"), client.WithHTTPClient(p.http))
	require.NoError(t, err)

	inApp, _, err := p.tpp.CreateConsent(t.Context(), p.offered(), p.inApp("anna"))
	require.NoError(t, err)
	waiting := p.journey(inApp.ConsentID, "anna", "")
	require.Empty(t, waiting.travel(inApp.Links))

	j, created := p.embedded("omar", p.dedicated(omarIBAN))
	j.refused(client.Password(wrongPassword), 401, "PSU_CREDENTIALS_INVALID")
	require.Equal(t, []string{"updatePsuAuthentication", "selectAuthenticationMethod", "authoriseTransaction"}, j.travel(created.Links))
	require.Equal(t, []string{"valid", "finalised"}, j.stands())

	funds, _, err := p.tpp.CreateFundsConsent(t.Context(), card(leaSecond), p.options())
	require.NoError(t, err)
	f := p.forFunds(funds.ConsentID, "lea")
	require.Equal(t, []string{"scaRedirect"}, f.travel(funds.Links))
	available, err := p.covers(p.tpp, f.id, leaSecond, "1250.00", "EUR")
	require.NoError(t, err)
	require.True(t, available)
	available, err = p.covers(p.tpp, "", leaSecond, "1250.01", "EUR")
	require.NoError(t, err)
	require.False(t, available)

	p.decides("anna", "approve", giro) // the server looks for the answer by its own clock
	p.becomes(waiting.id, "valid")
	got, _, err := p.tpp.Consent(t.Context(), waiting.id)
	require.NoError(t, err)
	require.Len(t, got.Access.Balances, 1)
	require.Equal(t, giro, got.Access.Balances[0].IBAN)
}
