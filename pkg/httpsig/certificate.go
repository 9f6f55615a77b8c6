package httpsig

import (
	"encoding/asn1"
	"encoding/base64"
	"net/url"
	"strings"
)

// maxCertificate bounds TPP-Signature-Certificate, in characters. A seal of 4096
// bits takes about 4 KiB in base64 of its PEM; some send their chain along.
const maxCertificate = 32 << 10

const (
	pemBegin = "-----BEGIN CERTIFICATE-----"
	pemEnd   = "-----END CERTIFICATE-----"
)

// DecodeCertificate reads the value of TPP-Signature-Certificate in the forms that
// are met: base64 of the DER (as the standard says), which is also the body of a
// PEM; a whole PEM, its line breaks gone, turned into blanks or written as \n;
// each of these URL-encoded; and base64 of a whole PEM. Of several certificates
// in one PEM it is the first. Fails with [Malformed] for anything else; whether
// the DER is a certificate is for its parser to tell.
func DecodeCertificate(value string) (der []byte, err error) {
	if len(value) > maxCertificate {
		return nil, unreadable("must not be longer than 32 KiB")
	}
	value = strings.TrimSpace(value)
	if strings.Contains(value, "%") {
		if value, err = url.PathUnescape(value); err != nil {
			return nil, unreadable("must be URL-encoded rightly where it is URL-encoded")
		}
	}
	if !isPEM(value) {
		decoded, ok := fromBase64(value)
		if !ok {
			return nil, unreadable("must be the base64 of a certificate")
		}
		if !isPEM(string(decoded)) {
			return sequence(decoded)
		}
		value = string(decoded)
	}
	body, ok := bodyOf(value)
	if !ok {
		return nil, unreadable("must be a whole PEM where it is a PEM")
	}
	decoded, ok := fromBase64(body)
	if !ok {
		return nil, unreadable("must be a PEM of which the body is base64")
	}
	return sequence(decoded)
}

func unreadable(text string) *Error {
	return &Error{Reason: Malformed, Header: HeaderCertificate, Text: text}
}

func isPEM(s string) bool { return strings.HasPrefix(strings.TrimSpace(s), "-----BEGIN") }

// bodyOf is what stands between the first two lines of armour. The blanks within
// them have become + where a form encoder was at work.
func bodyOf(pem string) (body string, ok bool) {
	pem = strings.NewReplacer("BEGIN+CERTIFICATE", "BEGIN CERTIFICATE", "END+CERTIFICATE", "END CERTIFICATE").Replace(pem)
	_, after, ok := strings.Cut(pem, pemBegin)
	if !ok {
		return "", false
	}
	body, _, ok = strings.Cut(after, pemEnd)
	return body, ok
}

// fromBase64 decodes with or without padding, whatever white space has crept in.
func fromBase64(s string) ([]byte, bool) {
	s = strings.NewReplacer(`\r`, "", `\n`, "", " ", "", "\t", "", "\r", "", "\n", "").Replace(s)
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
	return b, err == nil && len(b) > 0
}

// sequence checks that der is one ASN.1 SEQUENCE and nothing after it.
func sequence(der []byte) ([]byte, error) {
	var raw asn1.RawValue
	rest, err := asn1.Unmarshal(der, &raw)
	if err != nil || len(rest) > 0 || raw.Class != asn1.ClassUniversal || raw.Tag != asn1.TagSequence || !raw.IsCompound {
		return nil, unreadable("must be the DER of a certificate")
	}
	return der, nil
}
