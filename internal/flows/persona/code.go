package persona

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
)

// digits is how long a code is.
const digits = 6

// codeFor makes the digits that belong to a step. They are a function of
// the secret key and the step, so that a call that is repeated makes no second
// code and nothing from which the code could be guessed is stored. 64 bits over
// a million values are uniform but for one part in 10^13.
func codeFor(key []byte, step string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("consentd otp code v1\x00" + step))
	return fmt.Sprintf("%0*d", digits, binary.BigEndian.Uint64(mac.Sum(nil))%1_000_000)
}

// equal compares in constant time what was typed, with or without spaces.
func equal(typed, code string) bool {
	typed = strings.Join(strings.Fields(typed), "")
	return subtle.ConstantTimeCompare([]byte(typed), []byte(code)) == 1
}

// challenge describes a code to who collects it for us (XS2A, challengeData).
type challenge struct {
	OTPMaxLength          int    `json:"otpMaxLength"`
	OTPFormat             string `json:"otpFormat"`
	AdditionalInformation string `json:"additionalInformation,omitempty"`
}

// challengeFor describes a code that was sent to a masked address.
func challengeFor(to string) (json.RawMessage, error) {
	raw, err := json.Marshal(challenge{OTPMaxLength: digits, OTPFormat: "integer", AdditionalInformation: to})
	if err != nil {
		return nil, fmt.Errorf("encode challenge: %w", err)
	}
	return raw, nil
}
