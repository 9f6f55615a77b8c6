package app

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/config"
	"consentd/internal/secret"
	flow "consentd/pkg/sca"
)

// TestFaultsOfFlows: each fault of each flow's section is one line with its path.
func TestFaultsOfFlows(t *testing.T) {
	t.Parallel()
	keys, err := secret.New(secret.NewMaster())
	require.NoError(t, err)
	w := workshop{keys: keys, now: Now, env: func(string) string { return "" }}
	sections := map[string]json.RawMessage{
		"handoff": json.RawMessage(`{"Url": "https://bank.example/{handle}"}`),
		"nosuch":  json.RawMessage(`{}`),
		"oidc":    json.RawMessage(`{"issuer": "https://login.bank.example", "maxAge": 3}`),
		"persona": json.RawMessage(`[]`),
		"push":    json.RawMessage(`{"NumberMatching": true, "x": 1}`),
		"remote":  json.RawMessage(`{"url": "https://sca.bank.example", "timeout": 3, "breaker": {"failures": -1}}`),
	}
	_, err = build(config.SCA{Flows: sections}, w.factories(), func(string) flow.Store { return nil })
	require.EqualError(t, err, `sca.flows.handoff.Url: no such key
sca.flows.nosuch: no such flow; there are handoff, oidc, persona, push, remote
sca.flows.oidc.maxAge: must be a text
sca.flows.oidc.clientId: must be set
sca.flows.oidc: set one of clientSecretFile, clientSecretEnv
sca.flows.persona: must be a section: keys with values
sca.flows.push.NumberMatching: no such key
sca.flows.push.x: no such key
sca.flows.remote.timeout: must be a text
sca.flows.remote: the server must know who calls: set secretFile or secretEnv, or certificateFile and keyFile of tls
sca.flows.remote.breaker.failures: must be 1 to 1000`)
}
