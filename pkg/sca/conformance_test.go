package sca_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/pkg/sca"
	"consentd/pkg/sca/scatest"
)

// TestFlow holds the flow of the example against the rules: a bank with one PSU,
// their right answers and wrong ones are all that the kit needs.
func TestFlow(t *testing.T) {
	t.Parallel()
	scatest.Run(t, scatest.Harness{Prompts: 2, New: func(testing.TB) scatest.Bench {
		core := &core{codes: map[string]string{}}
		answer := func(password, code string) func(sca.Request, sca.Step) sca.Input {
			return func(sca.Request, sca.Step) sca.Input {
				return sca.Input{Kind: sca.Form, Fields: map[string]string{"psuId": "lea", "password": password, "otp": code}}
			}
		}
		return scatest.Bench{
			PSU: "psu-1", Effects: core.sent,
			Flow:  func() sca.Flow { return &Flow{Core: core} },
			Wrong: answer("no password", "no code"),
			Right: func(req sca.Request, step sca.Step) sca.Input {
				return answer("sandbox", core.phone(step))(req, step)
			},
		}
	}})
}

// core is a bank in memory.
type core struct {
	mu    sync.Mutex
	codes map[string]string // by key
}

func (c *core) Login(_ context.Context, name, password string) (string, error) {
	if name != "lea" || password != "sandbox" {
		return "", nil
	}
	return "psu-1", nil
}

func (c *core) Send(_ context.Context, _, key, _ string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.codes[key] = "code " + key
	return nil
}

func (c *core) Check(_ context.Context, _, key, code string) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	right, sent := c.codes[key]
	return sent && code == right, nil
}

// sent counts messages: one for each key.
func (c *core) sent() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.codes)
}

// phone is the code that the PSU reads, for the step that asks for one.
func (c *core) phone(step sca.Step) string {
	var p place
	if json.Unmarshal(step.State, &p) != nil {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.codes[p.Key]
}

// TestGuide: what the guide promises of the example, and what the package offers,
// stands there.
func TestGuide(t *testing.T) {
	t.Parallel()
	flow, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(flow), "// Flow asks for")
	require.True(t, found)
	body, _, found := strings.Cut(rest, "// A bank's own program")
	require.True(t, found)
	assert.LessOrEqual(t, strings.Count(body, "\n"), 65, "the flow is no longer one for an afternoon")

	guide, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	for _, word := range []string{
		"Prompt", "Identified", "Redirect", "Wait", "Done", "Denied", "Blocked", "Wrong", "Approved", "Returned", "Cancel",
		"StepKey", "Swap", "Limited", "Paged", "scatest", "WithFlow",
	} {
		assert.Contains(t, string(guide), word)
	}
}
