package scatest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"testing"

	"consentd/pkg/sca"
)

// minSecret is the shortest text that cannot well stand in a state by chance.
const minSecret = 4

// checkSecrets: what a PSU typed into a field for a password or a code stands in
// no State, right or wrong, before or after it was typed. A code that a flow has
// sent can be kept as a MAC, a password need not be kept at all.
func checkSecrets(t testing.TB, h Harness) {
	t.Helper()
	w := newWalk(t, h, "run-secrets")
	var typed []string
	var states [][]byte
	for !w.done && w.seq < maxSteps {
		in := w.next()
		typed = append(typed, secretsOf(w.step, in)...)
		if w.step.Outcome == sca.Prompt && w.bench.Wrong != nil {
			req := w.request(1)
			wrong := w.bench.Wrong(req, w.step)
			typed = append(typed, secretsOf(w.step, wrong)...)
			states = append(states, w.must(req, wrong).State)
		}
		before := w.step
		step := w.must(w.request(0), in)
		if step.Wrong || step.Outcome == sca.Denied {
			t.Fatalf("after %s: the right answer was refused (%s)", w.where(), describe(step))
		}
		w.move(step)
		states = append(states, before.State, step.State)
	}
	w.finish()
	for _, state := range states {
		for _, secret := range typed {
			if holds(state, secret) {
				t.Fatalf("a State holds what was typed into a field for a password or a code (%d characters)", len(secret))
			}
		}
	}
}

// secretsOf is what an input says that is nobody else's business.
func secretsOf(step sca.Step, in sca.Input) []string {
	var secrets []string
	for _, f := range step.Fields {
		if secret := in.Fields[f.Name]; len(secret) >= minSecret && (f.Kind == sca.Password || f.Kind == sca.Code) {
			secrets = append(secrets, secret)
		}
	}
	return secrets
}

// holds looks for a secret in a state, as it is and in the ways in which it
// would be written without being hidden.
func holds(state []byte, secret string) bool {
	raw := []byte(secret)
	quoted, err := json.Marshal(secret)
	if err != nil {
		return false // no text of JSON, which a state could not hold either
	}
	for _, text := range [][]byte{
		raw, quoted[1 : len(quoted)-1],
		[]byte(hex.EncodeToString(raw)),
		[]byte(base64.RawStdEncoding.EncodeToString(raw)),
		[]byte(base64.RawURLEncoding.EncodeToString(raw)),
	} {
		if bytes.Contains(state, text) {
			return true
		}
	}
	return false
}
