package persona

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"strings"
)

// digits is how long a code is, of ours and of an authenticator app.
const digits = 6

// What is derived from the key of the flow.
const (
	forCode      = "consentd otp code v1"
	forSeed      = "consentd totp seed v1"
	forChallenge = "consentd passkey challenge v1"
	forUser      = "consentd passkey user v1"
)

// derive makes what belongs to a step. It is a function of the secret key, the
// purpose and the step, so that a call that is repeated makes the same, and
// nothing from which it could be guessed is stored.
func derive(key []byte, purpose, step string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(purpose + "\x00" + step))
	return mac.Sum(nil)
}

// codeFor makes the digits that belong to a step. 64 bits over a million values
// are uniform but for one part in 10^13.
func codeFor(key []byte, step string) string {
	return fmt.Sprintf("%0*d", digits, binary.BigEndian.Uint64(derive(key, forCode, step))%1_000_000)
}

// equal compares in constant time what was typed, with or without spaces.
func equal(typed, code string) bool {
	typed = strings.Join(strings.Fields(typed), "")
	return subtle.ConstantTimeCompare([]byte(typed), []byte(code)) == 1
}
