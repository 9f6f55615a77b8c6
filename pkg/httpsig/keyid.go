package httpsig

import (
	"crypto/x509"
	"fmt"
	"math/big"
	"net/url"
	"strings"
)

// maxSerial bounds the text of a serial number, which has at most 20 octets (RFC
// 5280 §4.1.2.2); colons and leading noughts included.
const maxSerial = 128

// keyIDOf is the keyId of a certificate: SN=<hexadecimal>,CA=<issuer>, the issuer
// per RFC 2253. What could be taken for the syntax of the header is
// percent-encoded, blanks too, as in the example of the standard.
func keyIDOf(cert *x509.Certificate) string {
	var issuer strings.Builder
	for _, c := range []byte(cert.Issuer.String()) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`%"\`, c) >= 0 {
			fmt.Fprintf(&issuer, "%%%02X", c)
			continue
		}
		issuer.WriteByte(c)
	}
	return fmt.Sprintf("SN=%X,CA=%s", cert.SerialNumber, issuer.String())
}

// checkKeyID compares a keyId with the certificate that came along. Fails with
// [Invalid] where it is not of the form that keyIDOf makes, or the number or the
// issuer is another.
func checkKeyID(keyID string, cert *x509.Certificate) error {
	number, issuer, ok := cutKeyID(keyID)
	if !ok {
		return invalid("must have a keyId of the form SN=<serial number>,CA=<issuer>")
	}
	if !isSerial(number, cert.SerialNumber) {
		return invalid("must name the serial number of the certificate in keyId, in hexadecimal, after SN=")
	}
	if !isIssuer(issuer, cert.Issuer) {
		return invalid("must name the issuer of the certificate in keyId, after CA=")
	}
	return nil
}

func invalid(text string) *Error { return &Error{Reason: Invalid, Header: HeaderSignature, Text: text} }

func cutKeyID(keyID string) (number, issuer string, ok bool) {
	if !strings.Contains(keyID, "=") { // all of it percent-encoded
		if plain, err := url.PathUnescape(keyID); err == nil {
			keyID = plain
		}
	}
	number, issuer, _ = strings.Cut(keyID, ",")
	number, sn := cutPrefix(number, "SN=")
	issuer, ca := cutPrefix(issuer, "CA=")
	return number, issuer, sn && ca && number != "" && issuer != ""
}

// cutPrefix takes a prefix of either case off, and the blanks around what is left.
func cutPrefix(s, prefix string) (rest string, ok bool) {
	s = strings.TrimSpace(s)
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return strings.TrimSpace(s[len(prefix):]), true
}

// isSerial compares the text of a serial number: hexadecimal of either case, with
// leading noughts, 0x or colons as it may be. A text of digits alone can be meant
// in decimal too; it is compared as both, hexadecimal first. That lets nobody in
// who would not be otherwise: the number says which key is meant, and the
// signature proves it.
func isSerial(text string, want *big.Int) bool {
	if len(text) > maxSerial {
		return false
	}
	text = strings.ReplaceAll(strings.ToLower(text), ":", "")
	text = strings.TrimPrefix(text, "0x")
	if text == "" || strings.Trim(text, "0123456789abcdef") != "" {
		return false // big.Int reads signs and underscores too
	}
	for _, base := range []int{16, 10} {
		if n, ok := new(big.Int).SetString(text, base); ok && n.Cmp(want) == 0 {
			return true
		}
	}
	return false
}
