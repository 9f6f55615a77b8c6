package stet_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every refusal ends with the code that it was answered with, after the decisions that
// led to it.
func TestNotes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const signature = "Signature: none, and none is required"
	known := []string{signature, "caller: acme (Acme)", "role: PSP_AI needed, the certificate has it"}
	scope := append(append([]string{}, known...), "scope: aisp needed, the token has it")
	for name, c := range map[string]struct {
		method, path, body, token string
		change                    headers
		want                      []string
	}{
		"request id": {"GET", "/accounts", "", "lea", headers{"X-Request-ID": ""}, []string{"refused: Header.X-Request-ID is required → 400"}},
		"role": {"GET", "/accounts", "", "lea", headers{"X-Test-TPP": "payer"}, []string{
			signature, "caller: payer (payer)", "role: PSP_AI needed, the certificate has PSP_PI → 403",
		}},
		"token": {"GET", "/accounts", "", "dead", nil, append(known[:3:3], "refused: Header.Authorization the access token is not known, or has ended → 401")},
		"scope": {"GET", "/accounts", "", "lea:pisp", nil, append(known[:3:3], "scope: aisp needed, the token has pisp → BADS")},
		"body": {"PUT", "/consents", `{"psuIdentity":"yes"}`, "lea", nil, append(scope[:4:4],
			"wrong: psuIdentity: must be true or false, not a string or a number → 400")},
		"account": {"PUT", "/consents", document(ibanB1, "", false), "lea", nil, append(scope[:4:4],
			"headers, query and body: as they must be", "balances[0]: no account that this customer may share → AC01")},
		"no consent": {"GET", "/accounts/r1/balances", "", "lea", nil, append(scope[:4:4],
			"headers, query and body: as they must be", "consent: none was forwarded",
			"account: the customer's, and balances of it is not granted → NGAC")},
	} {
		w.call(t, c.token, c.method, c.path, c.body, c.change)
		require.Equal(t, append([]string{"operation: " + c.method + " " + map[string]string{
			"/accounts/r1/balances": "/accounts/:accountResourceId/balances",
		}[c.path] + map[bool]string{true: c.path}[c.path != "/accounts/r1/balances"]}, c.want...), w.lines(), name)
	}
	w.call(t, "lea", http.MethodPost, "/consents", "")
	require.Equal(t, []string{"refused: this method is not offered here → NIMP"}, w.lines())
}
