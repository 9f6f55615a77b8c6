package remote

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"strconv"
	"time"
)

// header carries the signature of a call and that of its answer.
const header = "Consentd-Signature"

// maxSkew is how far the clocks of both sides may be apart, and so how old a
// signature may be.
const maxSkew = 5 * time.Minute

// signatures are what the header looks like: when it was signed, in seconds since
// 1970, and HMAC-SHA256 in hexadecimal digits.
var signatures = regexp.MustCompile(`^t=([0-9]{1,12}),v1=([0-9a-f]{64})$`)

// Errors of an answer's signature.
var (
	errUnsigned = errors.New("the answer is not signed")
	errForeign  = errors.New("the answer is not signed for this call with the shared secret")
	errStale    = errors.New("the answer was signed at another time: compare the clocks")
)

// key is the secret that both sides share; empty where they do without.
type key []byte

// sign makes the value of the header for parts that are signed together, and the
// MAC by itself.
func (k key) sign(now time.Time, parts ...string) (value, mac string) {
	t := strconv.FormatInt(now.Unix(), 10)
	mac = hex.EncodeToString(k.mac(t, parts))
	return "t=" + t + ",v1=" + mac, mac
}

func (k key) mac(t string, parts []string) []byte {
	h := hmac.New(sha256.New, k)
	h.Write([]byte(t))
	for _, part := range parts {
		h.Write([]byte("." + part))
	}
	return h.Sum(nil)
}

// verify judges the value of the header for these parts. The MAC comes first: an
// age that anybody could have written says nothing.
func (k key) verify(now time.Time, value string, parts ...string) error {
	found := signatures.FindStringSubmatch(value)
	if found == nil {
		return errUnsigned
	}
	mac, err := hex.DecodeString(found[2])
	if err != nil || !hmac.Equal(mac, k.mac(found[1], parts)) {
		return errForeign
	}
	seconds, err := strconv.ParseInt(found[1], 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > maxSkew {
		return errStale
	}
	return nil
}
