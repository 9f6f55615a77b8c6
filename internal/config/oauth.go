package config

import "time"

// Who issues the access tokens that TPPs bring.
const (
	TokensNone    = "none"    // nobody: no dialect takes tokens
	TokensOwn     = "own"     // this program
	TokensOutside = "outside" // the bank's own OAuth2 server
)

// OAuth says who issues access tokens, and which dialects take them besides STET.
type OAuth struct {
	// Server is who issues them.
	Server string `yaml:"server" validate:"oneof=none own outside"`
	// XS2A says what the Berlin Group dialect does with tokens: integrated puts the
	// link scaOAuth in the place of scaRedirect, preStep wants one with every call.
	XS2A string `yaml:"xs2a" validate:"oneof=off integrated preStep"`
	// SCAValidityDays is for how many days an authentication lets a TPP come back
	// with refresh tokens.
	SCAValidityDays int `yaml:"scaValidityDays" validate:"min=1,max=3650"`
	// AccessTokenLifetime and CodeLifetime are of what this program issues.
	AccessTokenLifetime time.Duration `yaml:"accessTokenLifetime" validate:"min=1m,max=24h"`
	CodeLifetime        time.Duration `yaml:"codeLifetime" validate:"min=10s,max=10m"`
	// Scopes are those that TPPs may ask for.
	Scopes  []string `yaml:"scopes" validate:"min=1,unique,dive,oneof=aisp extended_transaction_history cbpii pisp"`
	Outside Outside  `yaml:"outside"`
}

// Outside is how tokens of the bank's own OAuth2 server are judged: by its keys, or
// by asking it.
type Outside struct {
	// Issuer and Audience must be in a token: iss, and one of aud.
	Issuer   string   `yaml:"issuer"`
	Audience []string `yaml:"audience" validate:"unique"`
	// MetadataURL is where TPPs read about that server, for the link scaOAuth.
	MetadataURL string `yaml:"metadataUrl"`
	// JWKSURL, or JWKSFile, has the keys; Algorithms are those that it may sign with,
	// all that are safe where empty.
	JWKSURL    string   `yaml:"jwksUrl"`
	JWKSFile   string   `yaml:"jwksFile"`
	Algorithms []string `yaml:"algorithms" validate:"unique,dive,oneof=RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512"`
	// IntrospectionURL is where the server is asked instead, as ClientID.
	IntrospectionURL string `yaml:"introspectionUrl"`
	ClientID         string `yaml:"clientId"`
	ClientSecretFile string `yaml:"clientSecretFile"`
	ClientSecretEnv  string `yaml:"clientSecretEnv"`
	// ClientSecret is our password there.
	ClientSecret Secret `yaml:"-" validate:"-"`
	// Keep is for how long its good answers are believed.
	Keep time.Duration `yaml:"keep" validate:"min=0s,max=1m"`
	// PSUClaim and CustomerClaim have the bank's ids; without CustomerClaim, or where a
	// token does not have it, the PSU acts for themselves.
	PSUClaim      string `yaml:"psuClaim" validate:"required"`
	CustomerClaim string `yaml:"customerClaim"`
	// Leeway is by how much that server's clock may differ from ours.
	Leeway  time.Duration `yaml:"leeway" validate:"min=0s,max=5m"`
	Timeout time.Duration `yaml:"timeout" validate:"min=100ms,max=30s"`
}

// STET holds the switches of the STET dialect.
type STET struct {
	// Enabled serves it. It takes tokens, hence oauth.server.
	Enabled bool `yaml:"enabled"`
	// BasePath stands before every path.
	BasePath string `yaml:"basePath" validate:"required"`
	// NoAccounts says how a PSU without accounts is answered: 204, or 404 (NAAC).
	NoAccounts string `yaml:"noAccounts" validate:"oneof=noContent notFound"`
	// MissingMembers says what a list means that PUT /consents does not have: that
	// nothing is granted, or that the document is incomplete (400).
	MissingMembers string        `yaml:"missingMembers" validate:"oneof=absent refuse"`
	Signature      STETSignature `yaml:"signature"`
}

// STETSignature says what TPPs must sign in the STET dialect.
type STETSignature struct {
	// Required refuses requests without a signature.
	Required bool `yaml:"required"`
	// Covered are the headers that Signature must cover, CoveredIfSent those that it
	// must when they are sent; psu-* stands for all that begin so. It may cover any
	// others.
	Covered       []string `yaml:"covered" validate:"min=1,unique"`
	CoveredIfSent []string `yaml:"coveredIfSent" validate:"unique"`
}

func defaultOAuth() OAuth {
	return OAuth{
		Server: TokensNone, XS2A: "off", SCAValidityDays: 180, AccessTokenLifetime: 10 * time.Minute, CodeLifetime: time.Minute,
		Scopes:  []string{"aisp", "extended_transaction_history", "cbpii", "pisp"},
		Outside: Outside{PSUClaim: "sub", Keep: 5 * time.Second, Leeway: 30 * time.Second, Timeout: 3 * time.Second},
	}
}

func defaultSTET() STET {
	return STET{
		BasePath: "/stet/psd2/v1.4.2", NoAccounts: "noContent", MissingMembers: "absent",
		Signature: STETSignature{Required: true, Covered: []string{"(request-target)"}, CoveredIfSent: []string{"digest"}},
	}
}
