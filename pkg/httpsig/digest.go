package httpsig

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"strings"
)

// The algorithms of a digest that the standard allows (RFC 5843).
const (
	SHA256 = "SHA-256"
	SHA512 = "SHA-512"
)

// Digest is the value of the Digest header (RFC 3230) of a body, which is empty
// where there is none. It is that of SHA-256 for every algorithm but "SHA-512".
func Digest(algorithm string, body []byte) string {
	sum, ok := digestOf(algorithm, body)
	if !ok {
		algorithm = SHA256
		sum, _ = digestOf(algorithm, body)
	}
	return strings.ToUpper(algorithm) + "=" + base64.StdEncoding.EncodeToString(sum)
}

// CheckDigest compares the value of a Digest header with the hash of body, the
// bytes as they came. Fails with [Malformed] where the value is not one algorithm
// and its base64, and with [Invalid] where the algorithm is not allowed or the
// hash is another. Several digests in one header are not read: what would hold
// where they differ is not defined.
func CheckDigest(header string, body []byte) error {
	algorithm, encoded, ok := strings.Cut(header, "=")
	if !ok {
		return &Error{Reason: Malformed, Header: HeaderDigest, Text: "must be <algorithm>=<base64>"}
	}
	sum, ok := digestOf(algorithm, body)
	if !ok {
		return &Error{Reason: Invalid, Header: HeaderDigest, Text: "must use SHA-256 or SHA-512"}
	}
	sent, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return &Error{Reason: Malformed, Header: HeaderDigest, Text: "must be <algorithm>=<base64>"}
	}
	if subtle.ConstantTimeCompare(sent, sum) != 1 {
		return &Error{Reason: Invalid, Header: HeaderDigest, Text: "is not the hash of the body"}
	}
	return nil
}

// digestOf hashes body. Algorithms have their names in any case (RFC 3230 §4.1.1).
func digestOf(algorithm string, body []byte) (sum []byte, ok bool) {
	switch strings.ToUpper(algorithm) {
	case SHA256:
		s := sha256.Sum256(body)
		return s[:], true
	case SHA512:
		s := sha512.Sum512(body)
		return s[:], true
	}
	return nil, false
}
