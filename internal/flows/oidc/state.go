package oidc

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"consentd/pkg/sca"
)

// stageAway is the one place where this flow can stand: the browser is at the
// provider.
const stageAway = "away"

// state is what the flow remembers of a trip. Nonce and verifier are not in it,
// only what they were made from.
type state struct {
	Stage string `json:"stage"`
	// Key is the StepKey of the call that sent the browser away.
	Key string `json:"key"`
	// Return is the redirect_uri of this trip: the exchange must name the same.
	Return string `json:"return"`
	// Known is a digest of the state parameter that must come back.
	Known string `json:"known"`
}

var errState = errors.New("oidc flow: not a state of this flow")

// parse reads a state and refuses one that the flow cannot have written.
func parse(raw []byte) (state, error) {
	var s state
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, errState // the cause may quote the state, which is private
	}
	if s.Stage != stageAway || s.Key == "" || s.Return == "" || s.Known == "" {
		return s, errState
	}
	return s, nil
}

// in puts the state into a step.
func (s state) in(step sca.Step) (sca.Step, error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return sca.Step{}, fmt.Errorf("encode state: %w", err)
	}
	step.State = raw
	return step, nil
}

// brought tells whether the browser brought back the state parameter with which
// it was sent away.
func (s state) brought(returned string) bool { return equal(digest(returned), s.Known) }

// nonce is what the ID token of this trip must repeat.
func (f *Flow) nonce(s state) string { return f.derive("nonce", s.Key) }

// verifier is the PKCE code verifier of this trip (RFC 7636 §4.1).
func (f *Flow) verifier(s state) string { return f.derive("verifier", s.Key) }

// derive makes 43 characters that nobody can guess who has no key.
func (f *Flow) derive(purpose, from string) string {
	mac := hmac.New(sha256.New, f.cfg.Key)
	_, _ = fmt.Fprintf(mac, "%s %q", purpose, from) // a hash takes everything
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
