package scenarios

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRefused shows what the runner does not take for a case: a slip in the data
// must not pass for a scenario that holds.
func TestRefused(t *testing.T) {
	t.Parallel()
	b := readBook(t)
	const fine = "{name: a, call: status, given: received, want: {status: 200, consent: received}}"
	for name, c := range map[string]struct{ data, says string }{
		"a case that is fine":           {"cases: [" + fine + "]", ""},
		"a name that is there twice":    {"cases: [" + fine + ", " + fine + "]", "twice"},
		"no name":                       {"cases: [{call: status, want: {status: 200, consent: received}}]", "no name"},
		"a key that nobody knows":       {"cases: [{name: a, calls: status}]", "unknown field"},
		"such a key in what is wanted":  {"cases: [{name: a, call: status, want: {state: received}}]", "unknown field"},
		"such a key in what is given":   {"cases: [{name: a, call: status, given: {stat: received}}]", "unknown field"},
		"a key that is there twice":     {"cases: [{name: a, name: b}]", "already defined"},
		"a status alone":                {"cases: [{name: a, call: status, want: {status: 200}}]", "asserts nothing"},
		"steps that ask nothing":        {"cases: [{name: a, steps: [{call: status, want: {status: 200}}, {clock: 1h}]}]", "asserts nothing"},
		"a request without a status":    {"cases: [{name: a, call: status, want: {consent: received}}]", "without a status"},
		"a step that does nothing":      {"cases: [{name: a, steps: [{times: 2}]}]", "does nothing"},
		"steps and one beside them":     {"cases: [{name: a, call: status, steps: [{psu: lea approves}], want: {status: 200}}]", "beside them"},
		"an unknown request":            {"cases: [{name: a, call: stat, want: {status: 200, consent: received}}]", `no request "stat"`},
		"an unknown request to create":  {"cases: [{name: a, given: {create: x}, call: get, want: {status: 200, consent: received}}]", `no request "x"`},
		"an unknown recipe":             {"cases: [{name: a, given: x, call: get, want: {status: 200, consent: received}}]", `no recipe "x"`},
		"an unknown program":            {"cases: [{name: a, program: x, call: get, want: {status: 200, consent: received}}]", `no program "x"`},
		"an unknown deed":               {"cases: [{name: a, steps: [{psu: lea sings, want: {consent: received}}]}]", "sings"},
		"a header without values":       {"headers: [{name: PSU-ID, calls: [create]}]", "no values"},
		"a header that nobody sends":    {"headers: [{name: PSU-ID, good: [x]}]", "no calls"},
		"a header that may perhaps":     {"headers: [{name: PSU-ID, calls: [create], absent: perhaps}]", "perhaps"},
		"a table of nobody's states":    {"tables: [{name: a, rows: {received: {is: received, get: 200}}}]", "of:"},
		"a cell that cannot be read":    {"tables: [{name: a, of: consent, rows: {received: {is: received, get: ok}}}]", "cannot read"},
		"a row whose state is not said": {"tables: [{name: a, of: consent, rows: {received: {get: 200}}}]", "cannot read"},
	} {
		f := &file{Program: "default"}
		err := decode([]byte(c.data), f)
		if err == nil {
			_, err = b.scenarios(f)
		}
		if c.says == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, c.says, name)
	}
}
