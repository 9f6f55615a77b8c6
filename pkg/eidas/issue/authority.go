package issue

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// Authority is a certificate authority with its key. It may be used by many
// goroutines.
type Authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
	// chain is what its subjects send along: its own certificate and those above,
	// without the root.
	chain []*x509.Certificate
}

// New makes a root with a key on P-256. Its name becomes its CN and O.
func New(name string, notBefore, notAfter time.Time) (*Authority, error) {
	key, template, err := newAuthority(name, notBefore, notAfter)
	if err != nil {
		return nil, err
	}
	cert, err := sign(template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &Authority{certificate: cert, key: key}, nil
}

// Subordinate makes an authority below this one. Each change has a say on the
// template of its certificate: it may name, for example, where to ask whether it
// was revoked.
func (a *Authority) Subordinate(name string, notBefore, notAfter time.Time, changes ...func(*x509.Certificate)) (*Authority, error) {
	key, template, err := newAuthority(name, notBefore, notAfter)
	if err != nil {
		return nil, err
	}
	for _, change := range changes {
		change(template)
	}
	cert, err := a.sign(template, key.Public())
	if err != nil {
		return nil, err
	}
	return &Authority{certificate: cert, key: key, chain: append([]*x509.Certificate{cert}, a.chain...)}, nil
}

// Load takes up an authority that was stored as PEM: its certificate, behind which
// those above may stand, and its key (PKCS#8, ECDSA or RSA).
func Load(certPEM, keyPEM []byte) (*Authority, error) {
	certs, err := readCertificates(certPEM)
	if err != nil {
		return nil, err
	}
	key, err := readKey(keyPEM)
	if err != nil {
		return nil, err
	}
	cert := certs[0]
	if !cert.IsCA {
		return nil, fmt.Errorf("certificate of %q is not an authority's", cert.Subject)
	}
	if public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(cert.PublicKey) {
		return nil, fmt.Errorf("key is not that of the certificate of %q", cert.Subject)
	}
	a := &Authority{certificate: cert, key: key}
	for _, c := range certs {
		if !isRoot(c) {
			a.chain = append(a.chain, c)
		}
	}
	return a, nil
}

// Certificate is the authority's own.
func (a *Authority) Certificate() *x509.Certificate { return a.certificate }

// CertificatePEM is the authority's own certificate, and no other.
func (a *Authority) CertificatePEM() []byte { return certificatesPEM(a.certificate) }

// KeyPEM is the authority's key (PKCS#8). It is not encrypted.
func (a *Authority) KeyPEM() ([]byte, error) { return keyPEM(a.key) }

// sign issues template for the holder of a public key.
func (a *Authority) sign(template *x509.Certificate, public crypto.PublicKey) (*x509.Certificate, error) {
	return sign(template, a.certificate, public, a.key)
}

func sign(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, fmt.Errorf("issue certificate of %q: %w", template.Subject, err)
	}
	return x509.ParseCertificate(der)
}

// newAuthority is the key of an authority and the template of its certificate.
func newAuthority(name string, notBefore, notAfter time.Time) (*ecdsa.PrivateKey, *x509.Certificate, error) {
	if name == "" {
		return nil, nil, errors.New("an authority needs a name")
	}
	key, err := newECDSAKey()
	if err != nil {
		return nil, nil, err
	}
	template, err := newTemplate(key.Public(), notBefore, notAfter)
	if err != nil {
		return nil, nil, err
	}
	template.Subject = pkix.Name{Organization: []string{name}, CommonName: name}
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature
	return key, template, nil
}

// newTemplate is what all certificates share: a random serial number of up to 128
// bits, the time, and the key's identifier (RFC 7093 §2, method 1). Go sets the
// authority's key identifier, and signs with SHA-256.
func newTemplate(public crypto.PublicKey, notBefore, notAfter time.Time) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128))
	if err != nil {
		return nil, fmt.Errorf("make serial number: %w", err)
	}
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("encode public key: %w", err)
	}
	bits, err := keyBits(spki)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(bits)
	return &x509.Certificate{
		SerialNumber: serial,
		NotBefore:    notBefore,
		NotAfter:     notAfter,
		SubjectKeyId: sum[:20],
	}, nil
}

// keyBits is the public key without its algorithm, which is what identifiers of
// keys are made of.
func keyBits(spki []byte) ([]byte, error) {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(spki, &info); err != nil {
		return nil, fmt.Errorf("read public key: %w", err)
	}
	return info.Key.RightAlign(), nil
}

func newECDSAKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	return key, nil
}

func isRoot(c *x509.Certificate) bool { return bytes.Equal(c.RawSubject, c.RawIssuer) }
