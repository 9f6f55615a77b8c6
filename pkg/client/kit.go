package client

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"consentd/pkg/httpsig"
)

// The files of a kit, as `consentd tpp new` writes them: PEM all of them, a
// certificate with what stands between it and the authority behind it.
const (
	FileQWAC     = "qwac.pem"
	FileQWACKey  = "qwac.key"
	FileQSEAL    = "qseal.pem"
	FileQSEALKey = "qseal.key"
	FileCA       = "ca.pem"
)

// Kit is what a TPP shows and signs with.
type Kit struct {
	// QWAC is the certificate for connections, with its key.
	QWAC tls.Certificate
	// Seal is the certificate for signatures (QSEAL); SealChain is what stands
	// between it and the authority, and SealKey its key.
	Seal      *x509.Certificate
	SealChain []*x509.Certificate
	SealKey   crypto.Signer
	// Roots are the authorities whose servers are trusted; nil for the system's.
	Roots *x509.CertPool
}

// LoadKit reads a kit from a folder: [FileQWAC], [FileQWACKey], [FileQSEAL],
// [FileQSEALKey] and, where the bank's own certificate is not one that the system
// trusts, [FileCA]. An error names the file at fault, and nothing of what it holds.
func LoadKit(dir string) (*Kit, error) {
	qwac, err := pair(filepath.Join(dir, FileQWAC), filepath.Join(dir, FileQWACKey))
	if err != nil {
		return nil, err
	}
	qseal, err := pair(filepath.Join(dir, FileQSEAL), filepath.Join(dir, FileQSEALKey))
	if err != nil {
		return nil, err
	}
	k := &Kit{QWAC: qwac, Seal: qseal.Leaf}
	var ok bool
	if k.SealKey, ok = qseal.PrivateKey.(crypto.Signer); !ok {
		return nil, fmt.Errorf("%s: this key cannot sign", filepath.Join(dir, FileQSEALKey))
	}
	for _, der := range qseal.Certificate[1:] {
		above, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, FileQSEAL), err)
		}
		k.SealChain = append(k.SealChain, above)
	}
	k.Roots, err = roots(filepath.Join(dir, FileCA))
	return k, err
}

// Options make a client show and sign with what is in the kit.
func (k *Kit) Options() []Option {
	return []Option{WithCertificate(k.QWAC, k.Roots), WithSigner(k.Signer())}
}

// Signer signs with the kit's seal, as the standard says.
func (k *Kit) Signer() *httpsig.Signer {
	return &httpsig.Signer{Certificate: k.Seal, Key: k.SealKey, Profile: httpsig.DefaultProfile()}
}

// STETOptions make a client show and sign with what is in the kit as STET asks:
// keyID is an URL of the TPP's own where the bank may find the seal, to which the
// seal's fingerprint is added ([httpsig.STETKeyID]).
func (k *Kit) STETOptions(keyID string) []Option {
	return []Option{WithCertificate(k.QWAC, k.Roots), WithSigner(httpsig.NewSTETSigner(k.Seal, k.SealKey, keyID))}
}

// organizationIdentifier is the attribute of a subject that names its holder (ETSI
// TS 119 495 §5.2.1).
const organizationIdentifier = "2.5.4.97"

// ClientID is the TPP's client_id in OAuth2: the organizationIdentifier of the QWAC;
// empty where it has none.
func (k *Kit) ClientID() string {
	if k.QWAC.Leaf == nil {
		return ""
	}
	for _, name := range k.QWAC.Leaf.Subject.Names {
		if value, ok := name.Value.(string); ok && name.Type.String() == organizationIdentifier {
			return value
		}
	}
	return ""
}

// JWSSigner does so in the form of x-jws-signature, dated by now.
func (k *Kit) JWSSigner(now func() time.Time) *httpsig.JWSSigner {
	return &httpsig.JWSSigner{Certificate: k.Seal, Chain: k.SealChain, Key: k.SealKey, Now: now}
}

// pair reads a certificate and its key.
func pair(certificate, key string) (tls.Certificate, error) {
	certPEM, err := os.ReadFile(certificate) //nolint:gosec // the caller chooses the folder
	if err != nil {
		return tls.Certificate{}, err //nolint:wrapcheck // it names the file
	}
	keyPEM, err := os.ReadFile(key) //nolint:gosec // the caller chooses the folder
	if err != nil {
		return tls.Certificate{}, err //nolint:wrapcheck // it names the file
	}
	both, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%s with %s: %w", certificate, key, err)
	}
	return both, nil
}

// roots reads authorities; nil where there is no such file.
func roots(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the caller chooses the folder
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the file
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: there is no certificate in it", path)
	}
	return pool, nil
}
