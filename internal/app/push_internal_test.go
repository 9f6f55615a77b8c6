package app

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/sandbox"
	"consentd/internal/secret"
	"consentd/internal/service"
	flow "consentd/pkg/sca"
)

// TestPushSection: numbers are matched unless the section says otherwise, and
// what it does not know is refused.
func TestPushSection(t *testing.T) {
	t.Parallel()
	for section, c := range map[string]struct {
		number bool
		fault  string
	}{
		`{}`:                            {number: true},
		`null`:                          {number: true},
		`{"numberMatching":true}`:       {number: true},
		`{"numberMatching":false}`:      {},
		`{"numberMatching":"yes"}`:      {fault: "numberMatching: must be true or false"},
		`{"numbermatching":true}`:       {fault: "numbermatching: no such key"},
		`{"numbers":true}`:              {fault: "numbers: no such key"},
		`{"numberMatching":true,"x":1}`: {fault: "x: no such key"},
		`[]`:                            {fault: "must be a section"},
	} {
		t.Run(section, func(t *testing.T) {
			t.Parallel()
			keys, err := secret.New(secret.NewMaster())
			require.NoError(t, err)
			bank := &sandbox.Bank{Store: &sandbox.Memory{}, Now: Now}
			f, err := workshop{bank: bank, keys: keys}.push(json.RawMessage(section), nil)
			if c.fault != "" {
				require.ErrorContains(t, err, c.fault)
				return
			}
			require.NoError(t, err)
			step, err := f.Start(t.Context(), flow.Request{StepKey: "run/0", Hint: "lea", Summary: "Demo TPP"})
			require.NoError(t, err)
			require.Equal(t, flow.Wait, step.Outcome)
			require.Equal(t, c.number, step.Number != "")
		})
	}
}

// TestApp: the flow's words for a bank's answer, in both directions.
func TestApp(t *testing.T) {
	t.Parallel()
	bank := &sandbox.Bank{Store: &sandbox.Memory{}, Now: Now}
	keys, err := secret.New(secret.NewMaster())
	require.NoError(t, err)
	f, err := workshop{bank: bank, keys: keys}.push(json.RawMessage(`{}`), nil)
	require.NoError(t, err)
	for hint, want := range map[string]flow.Step{
		"eve": {Outcome: flow.Denied, Blocked: true}, "blocked": {Outcome: flow.Denied, Blocked: true},
	} {
		step, err := f.Start(t.Context(), flow.Request{StepKey: "run/0", Hint: hint})
		require.NoError(t, err)
		require.Equal(t, want, step, hint)
	}
	_, err = app{bank}.Answer(t.Context(), "eve.0")
	require.Error(t, err)
	id, psu, err := bank.Ask(t.Context(), service.Approval{Login: "reject", Key: "k", Text: "?"})
	require.NoError(t, err)
	require.Equal(t, "reject", psu)
	answer, err := app{bank}.Answer(t.Context(), id)
	require.NoError(t, err)
	require.EqualValues(t, "denied", answer.State)
}
