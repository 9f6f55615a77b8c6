package tpp

import (
	"errors"
	"fmt"

	"consentd/internal/consent"
	"consentd/pkg/eidas"
	"consentd/pkg/httpsig"
)

// reasons is what is wrong with a certificate, in words of the domain.
var reasons = map[eidas.Reason]consent.Code{
	eidas.Malformed:   consent.CodeCertificateInvalid,
	eidas.NoStatement: consent.CodeCertificateInvalid,
	eidas.Unusable:    consent.CodeCertificateInvalid,
	eidas.NotYetValid: consent.CodeCertificateInvalid,
	eidas.Untrusted:   consent.CodeCertificateInvalid,
	eidas.Expired:     consent.CodeCertificateExpired,
	eidas.Revoked:     consent.CodeCertificateRevoked,
	eidas.Blocked:     consent.CodeCertificateBlocked,
	// Whoever should know does not answer. That is no fault of the caller, who
	// may try again, but nobody is let in on a doubt.
	eidas.Unknown: consent.CodeUnavailable,
}

// refusedCertificate is the domain's error for a certificate that was refused.
func refusedCertificate(err error, path, what string) error {
	code, ok := reasons[eidas.ReasonOf(err)]
	if !ok {
		return fmt.Errorf("judge %s: %w", what, err)
	}
	return consent.At(code, path, "%s: %s", what, textOf(err)).Because(err)
}

// textOf is what may be said of an error of a certificate.
func textOf(err error) string {
	if e, ok := errors.AsType[*eidas.Error](err); ok {
		return e.Text
	}
	return "cannot be judged"
}

// refusedSignature is the domain's error for a signature, or a part of one. A
// seal that cannot be read is no better than one that is wrong; of the digest the
// standard says the format.
func refusedSignature(err error) error {
	e, ok := httpsig.As(err)
	if !ok {
		return fmt.Errorf("judge the signature: %w", err)
	}
	code := consent.CodeSignatureInvalid
	switch {
	case e.Reason == httpsig.Missing:
		code = consent.CodeSignatureMissing
	case e.Header == headerCertificate:
		code = consent.CodeCertificateInvalid
	case e.Reason == httpsig.Malformed && e.Header == headerDigest:
		code = consent.CodeFormat
	}
	return consent.At(code, "Header."+e.Header, "%s", e.Text).Because(err)
}
