package tpp

import (
	"crypto/x509"
	"net/http"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/pkg/eidas"
	"consentd/pkg/httpsig"
)

// verifyRegistered judges Signature by those seals of the caller that the bank has
// registered and that the keyId names. Where it names several, as a client id does,
// one by which the signature holds is enough. Fails like verify; with
// CodeCertificateMissing where none is registered.
func (s Signatures) verifyRegistered(r *http.Request, caller TPP) error {
	ctx := r.Context()
	ders, err := s.Registered(ctx, caller.ID)
	if err != nil {
		return err
	}
	known := certificatesOf(ders)
	named, err := s.Profile.Named(httpsig.Of(r), known)
	if err != nil {
		return refusedSignature(err)
	}
	explain.Note(ctx, "seal: none was sent; %d registered for %s, of which keyId names %d", len(known), caller.ID, len(named))
	if len(known) == 0 {
		return consent.At(consent.CodeCertificateMissing, "Header."+headerCertificate, "is required, for no seal of the caller is registered")
	}
	if len(named) == 0 {
		return consent.At(consent.CodeSignatureInvalid, "Header."+headerSignature, "must name a seal that is registered for the caller in keyId")
	}
	var first error
	for _, cert := range named {
		err := s.verifyBy(r, caller, "Header."+headerSignature, cert.Raw)
		if err == nil {
			return nil
		}
		// A seal that is no good any more says less than a signature that does not hold.
		if first == nil || consent.CodeOf(first) != consent.CodeSignatureInvalid {
			first = err
		}
	}
	return first
}

// certificatesOf passes over what cannot be read: it could not be trusted either.
func certificatesOf(ders [][]byte) []*x509.Certificate {
	var certs []*x509.Certificate
	for _, der := range ders {
		if cert, err := x509.ParseCertificate(der); err == nil {
			certs = append(certs, cert)
		}
	}
	return certs
}

// ReadSeal reads the certificate of a seal that the bank registers, in any of the
// forms in which TPP-Signature-Certificate may come, and whose it says that it is.
// Whether that is true is judged whenever the seal is used. Fails with CodeFormat.
func ReadSeal(text string) (der []byte, owner string, err error) {
	if der, err = httpsig.DecodeCertificate(text); err != nil {
		e, _ := httpsig.As(err)
		return nil, "", consent.E(consent.CodeFormat, "%s", e.Text).Because(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, "", consent.E(consent.CodeFormat, "must be the DER of a certificate").Because(err)
	}
	seal, err := eidas.Parse(cert)
	if err != nil {
		return nil, "", consent.E(consent.CodeFormat, "%s", textOf(err)).Because(err)
	}
	return der, seal.ID(), nil
}
