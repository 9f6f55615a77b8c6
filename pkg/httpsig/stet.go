package httpsig

import (
	"crypto"
	"crypto/sha1" //nolint:gosec // STET's examples name certificates by it; nothing rests on that
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"regexp"
	"strings"
)

// KeyIDRule says how the keyId of a signature names the certificate.
type KeyIDRule int

const (
	// KeyIDXS2A is SN=<serial number>,CA=<issuer> (XS2A IG 1.3.x §12).
	KeyIDXS2A KeyIDRule = iota
	// KeyIDSTET is any of these, where it names that very certificate: an URL that
	// ends in _<fingerprint>, or a text that ends in certificate_<fingerprint>, the
	// fingerprint being the SHA-1 or the SHA-256 of the DER in hexadecimal; the client
	// id, which is the organizationIdentifier of the subject, or the authority's id, a
	// colon and that; or what [KeyIDXS2A] is.
	KeyIDSTET
)

// STETProfile asks for the least that keeps a signature from being taken for
// another request's: the method and the target, and the digest where there is one.
// What clients cover besides differs, and is theirs to choose. Whether a body may
// come without a digest is for the caller to judge.
func STETProfile() Profile {
	return Profile{Required: []string{requestTarget}, IfPresent: []string{"digest"}, Others: []string{anyRest}, KeyID: KeyIDSTET}
}

// STETStrictProfile is [STETProfile], and whatever is sent of content-type, date and
// the headers about the PSU must be covered too. Of what STET lists, content-length
// is left to the client: the digest says more, and what stands on the way between
// may change the length without changing the body.
func STETStrictProfile() Profile {
	p := STETProfile()
	p.IfPresent = append(p.IfPresent, "content-type", "date", "psu-*")
	return p
}

// STETKeyID is a keyId for a certificate: base, an URL of the client's own that is
// never opened by us, an underscore, and the SHA-256 of the DER.
func STETKeyID(base string, cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return base + "_" + hex.EncodeToString(sum[:])
}

// NewSTETSigner signs requests as STET asks: (request-target), digest,
// x-request-id, and whatever there is of content-type, date and the headers about
// the PSU; without TPP-Signature-Certificate. base is as in [STETKeyID].
func NewSTETSigner(cert *x509.Certificate, key crypto.Signer, base string) *Signer {
	profile := STETStrictProfile()
	profile.Required = append(profile.Required, "digest", "x-request-id")
	return &Signer{Certificate: cert, Key: key, Profile: profile, KeyID: STETKeyID(base, cert), WithoutCertificate: true}
}

// check compares a keyId with a certificate. Fails with [Invalid] where it names
// none, or another.
func (r KeyIDRule) check(keyID string, cert *x509.Certificate) error {
	if r != KeyIDSTET {
		return checkKeyID(keyID, cert)
	}
	if sum := fingerprintIn.FindStringSubmatch(keyID); sum != nil {
		if !isFingerprint(sum[1], cert.Raw) {
			return invalid("must end in the fingerprint of the certificate in keyId")
		}
		return nil
	}
	if isClientOf(cert, keyID) {
		return nil
	}
	if _, _, ok := cutKeyID(keyID); ok {
		return checkKeyID(keyID, cert)
	}
	return invalid("must name the certificate in keyId: an URL that ends in _<fingerprint>, the client id, or SN=<serial number>,CA=<issuer>")
}

// fingerprintIn finds the fingerprint at the end of a keyId.
var fingerprintIn = regexp.MustCompile(`^(?i:https?://\S+|(?:\S*[^0-9a-z])?certificate)_([0-9A-Fa-f]{64}|[0-9A-Fa-f]{40})$`)

// isFingerprint compares the text of a fingerprint, by its length of SHA-1 or
// SHA-256. A certificate made to have the SHA-1 of another would be named in its
// place, and then its own key would have to fit.
func isFingerprint(text string, der []byte) bool {
	var sum []byte
	switch len(text) {
	case hex.EncodedLen(sha1.Size):
		s := sha1.Sum(der) //nolint:gosec // see above
		sum = s[:]
	default:
		s := sha256.Sum256(der)
		sum = s[:]
	}
	return strings.EqualFold(text, hex.EncodeToString(sum))
}

const organizationIdentifier = "2.5.4.97"

// authorised is the form of an organizationIdentifier that an authority gave (ETSI
// TS 119 495 §5.2.1); authority is that of an authority's id.
var (
	authorised = regexp.MustCompile(`^PSD([A-Z]{2}-[A-Z]{2,8})-`)
	authority  = regexp.MustCompile(`^[A-Za-z0-9-]{1,40}$`)
)

// isClientOf reports whether a client id is that of who holds the certificate. The
// authority before the colon is compared where the organizationIdentifier names it;
// where it does not, only the PSD2 statement of the certificate does, which is no
// business of this package: nothing rests on that, since the key must fit anyhow.
func isClientOf(cert *x509.Certificate, clientID string) bool {
	for _, name := range cert.Subject.Names {
		value, ok := name.Value.(string)
		if !ok || value == "" || name.Type.String() != organizationIdentifier {
			continue
		}
		if clientID == value {
			return true
		}
		by, found := strings.CutSuffix(clientID, ":"+value)
		of := authorised.FindStringSubmatch(value)
		if found && authority.MatchString(by) && (of == nil || of[1] == by) {
			return true
		}
	}
	return false
}
