package tpp

import (
	"context"
	"net/http"
	"strings"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/pkg/eidas"
	"consentd/pkg/httpsig"
)

// The headers of a signed request (XS2A IG 1.3.x §12), in the spelling of the
// standard and as net/http keys them.
const (
	headerDigest      = "Digest"
	headerSignature   = "Signature"
	headerCertificate = "TPP-Signature-Certificate"

	keyCertificate = "Tpp-Signature-Certificate"
	keyJWS         = "X-Jws-Signature"
)

// Signatures judges what a request says about its own integrity: that Digest is
// the hash of the body, that Signature covers what it must and was made with the
// key of TPP-Signature-Certificate, and that this is the seal of who is calling.
// The header x-jws-signature is the same in another form; a request that has
// both must have both right. So XS2A has it; STET has neither that header nor the
// certificate's, and leaves Digest out where there is no body: see Registered and
// BareDigest.
type Signatures struct {
	// Required refuses requests that are not signed.
	Required bool
	// Seals judges the certificates of seals. Nil where there is nothing to judge
	// them by: then the signature is not verified, only that the headers come
	// together, and the digest.
	Seals Verifier
	// Profile says what Signature must cover.
	Profile httpsig.Profile
	// JWS is the profile of x-jws-signature; nil where that header is not known.
	JWS *httpsig.JWSProfile
	// Registered gives the seals that the bank has registered for a TPP, as DER, for a
	// Signature that comes without its certificate: the keyId names one of them, and
	// is never fetched. It fails with CodeUnavailable. Nil where the certificate must
	// come along.
	Registered func(ctx context.Context, tppID string) ([][]byte, error)
	// BareDigest lets Digest come without a signature, and a signature without Digest
	// where there is no body. Whatever comes is held against the body.
	BareDigest bool
}

// sent are the headers of a signature in a request.
type sent struct{ digest, signature, certificate, jws []string }

func (s Signatures) sent(r *http.Request) sent {
	found := sent{digest: r.Header[headerDigest], signature: r.Header[headerSignature], certificate: r.Header[keyCertificate]}
	if s.JWS != nil {
		found.jws = r.Header[keyJWS]
	}
	return found
}

// Check is Present and then all that there is to verify, with body as the bytes
// that came, and caller as who sent them. Fails like Present, with
// CodeSignatureInvalid, with CodeFormat for what cannot be read, and for the
// seal's certificate like [Identifier].
func (s Signatures) Check(r *http.Request, body []byte, caller TPP) error {
	if err := s.Present(r); err != nil {
		return err
	}
	found := s.sent(r)
	if len(body) > 0 && len(found.digest) == 0 && len(found.signature)+len(found.jws) > 0 {
		return noted(r.Context(), consent.At(consent.CodeFormat, "Header."+headerDigest, "is required where a body is signed"))
	}
	if len(found.digest) > 0 {
		if err := httpsig.CheckDigest(found.digest[0], body); err != nil {
			return noted(r.Context(), refusedSignature(err))
		}
		explain.Note(r.Context(), "Digest: fits the body")
	}
	if s.Seals == nil {
		if len(found.signature)+len(found.jws) > 0 {
			explain.Note(r.Context(), "Signature: not verified, for there is nothing to judge seals by")
		}
		return nil
	}
	if len(found.signature) > 0 {
		if err := s.verify(r, found, caller); err != nil {
			return noted(r.Context(), err)
		}
	}
	if len(found.jws) > 0 {
		return noted(r.Context(), s.verifyJWS(r, found, caller))
	}
	return nil
}

// Present judges which of the headers are there, without looking at the body.
// Fails with CodeFormat for a Digest without a signature or the reverse, unless
// that is allowed, and for a header that is repeated or blank; with
// CodeCertificateMissing for a Signature without its certificate, unless that may
// be registered; and CodeSignatureMissing for an unsigned request where signatures
// are required.
func (s Signatures) Present(r *http.Request) error {
	found := s.sent(r)
	err := s.present(found)
	if err == nil && len(found.signature)+len(found.jws) == 0 {
		explain.Note(r.Context(), "Signature: none, and none is required")
	}
	return noted(r.Context(), err)
}

func (s Signatures) present(found sent) error {
	if len(found.digest)+len(found.signature)+len(found.certificate)+len(found.jws) == 0 {
		return s.unsigned()
	}
	if faults := found.single(); len(faults) > 0 {
		return faults
	}
	signed := len(found.signature) > 0 || len(found.jws) > 0
	switch {
	case len(found.digest) > 0 && !signed && !s.BareDigest:
		return consent.At(consent.CodeFormat, "Header."+headerSignature, "is required where Digest is sent")
	case signed && len(found.digest) == 0 && !s.BareDigest:
		return consent.At(consent.CodeFormat, "Header."+headerDigest, "is required where a signature is sent")
	case len(found.signature) > 0 && len(found.certificate) == 0 && s.Registered == nil:
		return consent.At(consent.CodeCertificateMissing, "Header."+headerCertificate, "is required where Signature is sent")
	case !signed: // a certificate, or a digest, alone
		return s.unsigned()
	}
	return nil
}

func (s Signatures) unsigned() error {
	if !s.Required {
		return nil
	}
	return consent.At(consent.CodeSignatureMissing, "Header."+headerSignature, "the request must be signed")
}

// single finds headers of which the first value does not stand for all.
func (s sent) single() consent.Faults {
	var faults consent.Faults
	for _, h := range []struct {
		name   string
		values []string
	}{
		{headerDigest, s.digest}, {headerSignature, s.signature}, {headerCertificate, s.certificate}, {httpsig.HeaderJWS, s.jws},
	} {
		switch {
		case len(h.values) > 1:
			faults = append(faults, consent.At(consent.CodeFormat, "Header."+h.name, "must be sent once"))
		case len(h.values) == 1 && strings.TrimSpace(h.values[0]) == "":
			faults = append(faults, consent.At(consent.CodeFormat, "Header."+h.name, "must not be blank"))
		}
	}
	return faults
}

// verify judges Signature and its certificate.
func (s Signatures) verify(r *http.Request, found sent, caller TPP) error {
	if len(found.certificate) == 0 {
		return s.verifyRegistered(r, caller)
	}
	der, err := httpsig.DecodeCertificate(found.certificate[0])
	if err != nil {
		return refusedSignature(err)
	}
	return s.verifyBy(r, caller, "Header."+headerCertificate, der)
}

// verifyBy judges Signature by a certificate that stands at path.
func (s Signatures) verifyBy(r *http.Request, caller TPP, path string, der []byte) error {
	seal, err := s.seal(r.Context(), caller, path, der)
	if err != nil {
		return err
	}
	signature, err := s.Profile.Verify(httpsig.Of(r), seal.X509)
	if err != nil {
		return refusedSignature(err)
	}
	explain.Note(r.Context(), "Signature: %s, covers %s", signature.Algorithm, strings.Join(signature.Headers, ", "))
	return nil
}

// verifyJWS judges x-jws-signature. Its certificate is in it, or else in
// TPP-Signature-Certificate.
func (s Signatures) verifyJWS(r *http.Request, found sent, caller TPP) error {
	jws, err := httpsig.ParseJWS(found.jws[0])
	if err != nil {
		return refusedSignature(err)
	}
	chain, path := jws.Certificates, "Header."+httpsig.HeaderJWS
	if len(chain) == 0 {
		path = "Header." + headerCertificate
		if len(found.certificate) == 0 {
			return consent.At(consent.CodeCertificateMissing, path, "is required where x-jws-signature has no x5c")
		}
		der, err := httpsig.DecodeCertificate(found.certificate[0])
		if err != nil {
			return refusedSignature(err)
		}
		chain = [][]byte{der}
	}
	seal, err := s.seal(r.Context(), caller, path, chain...)
	if err != nil {
		return err
	}
	if err := jws.Verify(*s.JWS, httpsig.Of(r), seal.X509); err != nil {
		return refusedSignature(err)
	}
	explain.Note(r.Context(), "x-jws-signature: %s, covers %s", jws.Algorithm, strings.Join(jws.Pars, ", "))
	return nil
}

// seal judges the certificate of a seal, and that it is the caller's.
func (s Signatures) seal(ctx context.Context, caller TPP, path string, chain ...[]byte) (*eidas.Certificate, error) {
	seal, err := s.Seals.Verify(ctx, eidas.Seal, chain[0], chain[1:]...)
	if err != nil {
		return nil, refusedCertificate(err, path, "the seal certificate")
	}
	if seal.ID() != caller.ID {
		explain.Note(ctx, "seal: of %s, but %s is calling", seal.ID(), caller.ID)
		return nil, consent.At(consent.CodeSignatureInvalid, path, "the seal is of another organisation than the caller")
	}
	explain.Note(ctx, "seal: %s", seal.ID())
	return seal, nil
}
