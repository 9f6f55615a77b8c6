package push

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"strconv"
)

// Numbers have two digits, of which the first is not 0: people leave that out.
const (
	smallest = 10
	numbers  = 90
)

// number is what the PSU has to repeat for the question of one call: the same
// when the call is repeated, and not to be told from the StepKey without the key.
// Empty where numbers are not matched.
func (f *Flow) number(stepKey string) string {
	if !f.cfg.NumberMatching {
		return ""
	}
	mac := hmac.New(sha256.New, f.cfg.Key)
	mac.Write([]byte("number\x00" + stepKey))
	// Of 2^64 values the remainders are as good as equally likely.
	n := binary.BigEndian.Uint64(mac.Sum(nil)) % numbers
	return strconv.FormatUint(smallest+n, 10)
}

// matches reports whether the PSU repeated the number, where there is one.
func (s state) matches(typed string) bool {
	return s.Number == "" || subtle.ConstantTimeCompare([]byte(s.Number), []byte(typed)) == 1
}
