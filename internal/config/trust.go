package config

import "time"

// TLS holds the certificates of the listeners. One without is plain HTTP, for a
// proxy in front that ends TLS.
type TLS struct {
	TPP  KeyPair `yaml:"tpp"`
	PSU  KeyPair `yaml:"psu"`
	Bank KeyPair `yaml:"bank"`
}

// KeyPair names two PEM files: a certificate with its chain, and its key. They
// are read again when they change.
type KeyPair struct {
	CertificateFile string `yaml:"certificateFile"`
	KeyFile         string `yaml:"keyFile"`
}

// Given reports whether the files are named.
func (p KeyPair) Given() bool { return p.CertificateFile != "" || p.KeyFile != "" }

// TPPs says which certificates of TPPs are good.
type TPPs struct {
	// Anchors are PEM files, and folders of them, with the authorities whose
	// certificates are trusted. They are read again when they change.
	Anchors []string `yaml:"anchors" validate:"unique"`
	// BlockedIssuers are authorities that are not trusted all the same: names as
	// RFC 2253 writes them, which stand for every authority that has these parts
	// in its name, or SHA-256 fingerprints of their certificates.
	BlockedIssuers []string `yaml:"blockedIssuers" validate:"unique"`
	// Revocation says whether certificates are looked up: required refuses who
	// cannot be looked up, answered lets them in, off asks nobody.
	Revocation        string        `yaml:"revocation" validate:"oneof=required answered off"`
	RevocationTimeout time.Duration `yaml:"revocationTimeout" validate:"min=100ms,max=30s"`
	// Proxy ends TLS for TPPs and passes their certificates on.
	Proxy Proxy `yaml:"proxy"`
	// Domains says what becomes of redirect and notification URIs that lie
	// outside the certificate's domains.
	Domains string `yaml:"domains" validate:"oneof=off warn reject"`
}

// The ways to deal with what cannot be looked up.
const (
	RevocationRequired = "required"
	RevocationAnswered = "answered"
	RevocationOff      = "off"
)

// Proxy is a reverse proxy in front of the listener tpp.
type Proxy struct {
	// Header holds the client's certificate: a PEM, URL-encoded or in one line,
	// or, in X-Forwarded-Client-Cert, what Envoy writes. Empty for no proxy.
	Header string `yaml:"header"`
	// Addresses are those of the proxy, as IP addresses or prefixes. The header is
	// believed from nobody else.
	Addresses []string `yaml:"addresses" validate:"unique"`
}

// Signature says what TPPs must sign.
type Signature struct {
	// Required refuses requests without a signature.
	Required bool `yaml:"required"`
	// Covered are the headers that Signature must cover, CoveredIfSent those that
	// it must when they are sent, MayCover what else it may; "*" for anything.
	Covered       []string `yaml:"covered" validate:"min=1,unique"`
	CoveredIfSent []string `yaml:"coveredIfSent" validate:"unique"`
	MayCover      []string `yaml:"mayCover" validate:"unique"`
	// JWS takes the header x-jws-signature too, not older than JWSMaxAge.
	JWS       bool          `yaml:"jws"`
	JWSMaxAge time.Duration `yaml:"jwsMaxAge" validate:"min=1s,max=1h"`
	// Answers is the bank's seal: with it, answers carry x-jws-signature.
	Answers KeyPair `yaml:"answers"`
}

// BankCallers are the bank's own systems that show a certificate; those that
// send a bearer token are made by `consentd token new`.
type BankCallers struct {
	// CAFile is a PEM with the authorities of these certificates.
	CAFile       string       `yaml:"caFile"`
	Certificates []BankCaller `yaml:"certificates" validate:"dive"`
}

// BankCaller is one of the bank's systems.
type BankCaller struct {
	Name string `yaml:"name" validate:"required,max=60"`
	Role string `yaml:"role" validate:"oneof=resource-server dashboard back-office hub sca app"`
	// Subject is the name in its certificate as RFC 2253 writes it, Fingerprint
	// the SHA-256 of the certificate; one of them.
	Subject     string `yaml:"subject"`
	Fingerprint string `yaml:"fingerprint"`
}
