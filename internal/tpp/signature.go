package tpp

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strings"

	"consentd/internal/consent"
)

// The headers of a signed request (XS2A IG 1.3.x §12), in the spelling of the
// standard and as net/http keys them.
const (
	headerDigest      = "Digest"
	headerSignature   = "Signature"
	headerCertificate = "TPP-Signature-Certificate"

	keyCertificate = "Tpp-Signature-Certificate"
)

// Signatures judges what a request says about its own integrity: that Digest,
// Signature and TPP-Signature-Certificate come together, and that Digest is the
// hash of the body.
//
// It does NOT verify the Signature itself, nor read the certificate: a request
// whose Signature is nonsense passes. Until that is built, who is calling rests
// on the connection alone (see [Identifier]), and Required proves only that a
// caller sends the headers.
type Signatures struct {
	// Required refuses requests that are not signed.
	Required bool
}

// Check is Present and then the digest over body, the bytes as they came. Fails
// like Present, with CodeSignatureInvalid when the digest is another one or of
// an algorithm that the standard does not allow, with CodeFormat when it cannot
// be read.
func (s Signatures) Check(r *http.Request, body []byte) error {
	if err := s.Present(r); err != nil {
		return err
	}
	if digest := r.Header[headerDigest]; len(digest) > 0 {
		return checkDigest(digest[0], body)
	}
	return nil
}

// Present judges which of the three headers are there, without looking at the
// body. Fails with CodeFormat for a Digest without a Signature or the reverse,
// and for a header that is repeated, blank or not base64; with
// CodeCertificateMissing for a Signature without its certificate, and
// CodeSignatureMissing for an unsigned request where signatures are required.
func (s Signatures) Present(r *http.Request) error {
	digest, signature, certificate := r.Header[headerDigest], r.Header[headerSignature], r.Header[keyCertificate]
	if len(digest)+len(signature)+len(certificate) == 0 {
		if s.Required {
			return consent.At(consent.CodeSignatureMissing, "Header."+headerSignature, "the request must be signed")
		}
		return nil
	}
	if faults := single(digest, signature, certificate); len(faults) > 0 {
		return faults
	}
	switch {
	case len(digest) > 0 && len(signature) == 0:
		return consent.At(consent.CodeFormat, "Header."+headerSignature, "is required where Digest is sent")
	case len(signature) > 0 && len(digest) == 0:
		return consent.At(consent.CodeFormat, "Header."+headerDigest, "is required where Signature is sent")
	case len(signature) > 0 && len(certificate) == 0:
		return consent.At(consent.CodeCertificateMissing, "Header."+headerCertificate, "is required where Signature is sent")
	case len(signature) == 0 && s.Required: // a certificate alone
		return consent.At(consent.CodeSignatureMissing, "Header."+headerSignature, "the request must be signed")
	}
	return nil
}

// single finds headers of which the first value does not stand for all, and a
// certificate that no one can decode.
func single(digest, signature, certificate []string) consent.Faults {
	var faults consent.Faults
	for _, h := range []struct {
		name   string
		values []string
	}{{headerDigest, digest}, {headerSignature, signature}, {headerCertificate, certificate}} {
		switch {
		case len(h.values) > 1:
			faults = append(faults, consent.At(consent.CodeFormat, "Header."+h.name, "must be sent once"))
		case len(h.values) == 1 && strings.TrimSpace(h.values[0]) == "":
			faults = append(faults, consent.At(consent.CodeFormat, "Header."+h.name, "must not be blank"))
		}
	}
	if len(faults) == 0 && len(certificate) == 1 {
		if _, err := base64.StdEncoding.DecodeString(certificate[0]); err != nil {
			faults = append(faults, consent.At(consent.CodeFormat, "Header."+headerCertificate, "must be base64"))
		}
	}
	return faults
}

// checkDigest compares a Digest header (RFC 3230, with the algorithms of RFC
// 5843 that the standard allows) with the hash of body.
func checkDigest(header string, body []byte) error {
	const path = "Header." + headerDigest
	algorithm, encoded, ok := strings.Cut(header, "=")
	if !ok {
		return consent.At(consent.CodeFormat, path, "must be <algorithm>=<base64>")
	}
	var sum []byte
	switch strings.ToUpper(algorithm) { // RFC 3230 §4.1.1: in either case
	case "SHA-256":
		s := sha256.Sum256(body)
		sum = s[:]
	case "SHA-512":
		s := sha512.Sum512(body)
		sum = s[:]
	default:
		return consent.At(consent.CodeSignatureInvalid, path, "must use SHA-256 or SHA-512")
	}
	sent, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return consent.At(consent.CodeFormat, path, "must be <algorithm>=<base64>")
	}
	if subtle.ConstantTimeCompare(sent, sum) != 1 {
		return consent.At(consent.CodeSignatureInvalid, path, "is not the hash of the body")
	}
	return nil
}
