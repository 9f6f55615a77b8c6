package config

import (
	"encoding/json"
	"time"
)

// Config is what a server is told. The keys of the file are the names in the
// yaml tags; deployments/consentd.yaml explains each.
type Config struct {
	// Insecure admits TPPs without verifying them; every listener is then on loopback.
	Insecure bool `yaml:"insecure"`
	// Brand is the bank's name on the pages.
	Brand string `yaml:"brand" validate:"required,max=60"`
	// TimeZone is the bank's, an IANA name: days begin there.
	TimeZone string `yaml:"timeZone" validate:"timezone"`
	// Zone is TimeZone, loaded.
	Zone *time.Location `yaml:"-" validate:"-"`

	MasterKeyFile string `yaml:"masterKeyFile"`
	MasterKeyEnv  string `yaml:"masterKeyEnv"`
	// MasterKey is the key of all keys: 32 bytes.
	MasterKey Secret `yaml:"-" validate:"-"`

	Listeners   Listeners   `yaml:"listeners"`
	TLS         TLS         `yaml:"tls"`
	URLs        URLs        `yaml:"urls"`
	TPPs        TPPs        `yaml:"tpps"`
	Signature   Signature   `yaml:"signature"`
	BankCallers BankCallers `yaml:"bankCallers"`
	Database    Database    `yaml:"database"`
	Policy      Policy      `yaml:"policy"`
	Access      Access      `yaml:"access"`
	XS2A        XS2A        `yaml:"xs2a"`
	STET        STET        `yaml:"stet"`
	OAuth       OAuth       `yaml:"oauth"`
	Manager     Manager     `yaml:"manager"`
	Dashboard   Dashboard   `yaml:"dashboard"`
	BackOffice  BackOffice  `yaml:"backOffice"`
	SCA         SCA         `yaml:"sca"`
	Bank        Bank        `yaml:"bank"`
	Log         Log         `yaml:"log"`

	// ShutdownGrace is how long calls under way may take to finish after the signal to stop.
	ShutdownGrace time.Duration `yaml:"shutdownGrace" validate:"min=0s,max=10m"`
}

// Listeners are the addresses that the server binds, as host:port: one for each
// audience, so that none reaches another's surface.
type Listeners struct {
	TPP  string `yaml:"tpp"`
	PSU  string `yaml:"psu"`
	Bank string `yaml:"bank"`
	Ops  string `yaml:"ops"`
}

// URLs are how the outside reaches the listeners, without a path and without a
// slash at the end. By default they are the listeners' own addresses.
type URLs struct {
	TPP string `yaml:"tpp"`
	PSU string `yaml:"psu"`
	// Bank is where the bank's own systems call back.
	Bank string `yaml:"bank"`
}

// Database is where consents are kept.
type Database struct {
	// URL is the address, password included, as postgres://…
	URL     Secret `yaml:"url" validate:"-"`
	URLFile string `yaml:"urlFile"`
	URLEnv  string `yaml:"urlEnv"`
	// MaxConnections is the size of the pool; idle connections are kept.
	MaxConnections int `yaml:"maxConnections" validate:"min=1,max=1000"`
}

// Policy is what the bank decides about consents.
type Policy struct {
	MaxValidityDays    int `yaml:"maxValidityDays" validate:"min=1,max=3650"`     // later dates are lowered
	MaxFrequencyPerDay int `yaml:"maxFrequencyPerDay" validate:"min=1,max=10000"` // likewise
	// AuthorisationWindow ends a consent that nobody authorises; within it, a
	// link must be opened (OpenWithin) and then finished (FinishWithin).
	AuthorisationWindow time.Duration `yaml:"authorisationWindow" validate:"min=1m,max=720h"`
	OpenWithin          time.Duration `yaml:"openWithin" validate:"min=1m,max=24h"`
	FinishWithin        time.Duration `yaml:"finishWithin" validate:"min=1m,max=24h"`
	// MaxTries is how many wrong passwords, or codes, an authorisation takes.
	MaxTries int `yaml:"maxTries" validate:"min=1,max=10"`
	// MaxFailures is how many of them in a row, over all authorisations of a
	// customer, lock that customer out for LockFor. The law allows five at most
	// (RTS on strong customer authentication, art. 4(3)(b)).
	MaxFailures int           `yaml:"maxFailures" validate:"min=1,max=100"`
	LockFor     time.Duration `yaml:"lockFor" validate:"min=1m,max=720h"`
	// ExemptAvailableAccounts lets a one-off consent to the list of accounts do
	// without the last factor.
	ExemptAvailableAccounts bool `yaml:"exemptAvailableAccounts"`
	// MultipleConsents lets a new recurring consent leave the former ones alone.
	MultipleConsents bool `yaml:"multipleConsents"`
}

// Access says how reads of account data are judged.
type Access struct {
	// PageWalk is for how long after a list was opened its further pages belong to
	// the same access; 0 counts each.
	PageWalk time.Duration `yaml:"pageWalk" validate:"min=0s,max=1h"`
	// MaxPages is how many of them there may be.
	MaxPages int `yaml:"maxPages" validate:"min=1,max=10000"`
	// PageParameters are the query parameters of the bank's interface that only
	// further pages have. Gateways pass them on; a resource server says it itself.
	PageParameters []string `yaml:"pageParameters" validate:"unique,dive,required"`
	// AccountsURL is where TPPs read account data, such as
	// https://xs2a.bank.example/v1/accounts: the link account of a valid consent.
	// Empty for no link.
	AccountsURL string `yaml:"accountsUrl"`
	// CertificateHeader is where a gateway that asks by forward-auth puts the TPP's
	// certificate, in the forms of tpps.proxy.header.
	CertificateHeader string `yaml:"certificateHeader"`
}

// XS2A holds the switches of the Berlin Group dialect.
type XS2A struct {
	// The models of consent that are offered besides dedicated accounts.
	BankOffered                  bool `yaml:"bankOffered"`
	AllPSD2                      bool `yaml:"allPsd2"`
	AvailableAccounts            bool `yaml:"availableAccounts"`
	AvailableAccountsWithBalance bool `yaml:"availableAccountsWithBalance"`
	// What of additionalInformation is offered.
	OwnerName            bool `yaml:"ownerName"`
	TrustedBeneficiaries bool `yaml:"trustedBeneficiaries"`
	// AccountReferences are the identifiers by which an account may be named.
	AccountReferences []string `yaml:"accountReferences" validate:"min=1,unique,dive,oneof=iban bban pan maskedPan msisdn other"`
	// RedirectSchemes are schemes of apps, besides https, that TPP-Redirect-URI may have.
	RedirectSchemes []string `yaml:"redirectSchemes" validate:"unique"`
	// StartAuthorisationMode says whether creating a consent starts its authorisation:
	// auto leaves it to the TPP.
	StartAuthorisationMode string `yaml:"startAuthorisationMode" validate:"oneof=auto implicit explicit"`
	// FundsConfirmation offers the confirmation of funds and the consents to it.
	FundsConfirmation bool `yaml:"fundsConfirmation"`
	// BasePath stands before every path of the interface, such as /psd2.
	BasePath string `yaml:"basePath"`
	// RelativeLinks gives links to the interface as paths.
	RelativeLinks bool `yaml:"relativeLinks"`
	// Sessions allows combinedServiceIndicator: true.
	Sessions bool `yaml:"sessions"`
	// CertificateRevoked spells CERTIFICATE_REVOKE, of the official list, with a D.
	CertificateRevoked bool `yaml:"certificateRevoked"`
	// StrictStatus answers expired, not terminatedByAspsp, for a consent that the bank ended.
	StrictStatus bool `yaml:"strictStatus"`
	// LenientDates takes the date of a timestamp where a date is asked for.
	LenientDates bool `yaml:"lenientDates"`
}

// SCA says which flow authenticates a PSU in which approach.
type SCA struct {
	// Approaches are how PSUs are reached; the first is taken where the TPP
	// prefers one that is not offered.
	Approaches []string `yaml:"approaches" validate:"min=1,unique,dive,oneof=redirect decoupled embedded"`
	// Redirect, Decoupled and Embedded name the flow of each approach, one of Flows.
	Redirect  string `yaml:"redirect" validate:"required"`
	Decoupled string `yaml:"decoupled"`
	Embedded  string `yaml:"embedded"`
	// Confirmation asks the TPP for the code that came back with the browser.
	Confirmation bool `yaml:"confirmation"`
	// Flows are the flows in use, by name, each with its own section as JSON.
	Flows map[string]json.RawMessage `yaml:"flows" validate:"-"`
	// Onward are the places, besides the TPP's, to which the browser may be led
	// when it leaves the pages: origins, or https: for all.
	Onward []string `yaml:"onward" validate:"unique"`
}

// Bank is where the bank's own systems answer (openapi/bank.yaml).
type Bank struct {
	URL       string `yaml:"url"`
	TokenFile string `yaml:"tokenFile"`
	TokenEnv  string `yaml:"tokenEnv"`
	// Token is the bearer token of every call.
	Token   Secret        `yaml:"-" validate:"-"`
	Timeout time.Duration `yaml:"timeout" validate:"min=100ms,max=1m"`
}

// Log says what is logged, and how.
type Log struct {
	Level  string `yaml:"level" validate:"oneof=debug info warn error"`
	Format string `yaml:"format" validate:"oneof=json text"`
}

// Default is what a file changes. It is not whole: the brand, the secrets,
// the bank's address and the anchors of TPPs have no default.
func Default() *Config {
	return &Config{
		TimeZone:  "UTC",
		Zone:      time.UTC,
		Listeners: Listeners{TPP: "127.0.0.1:8443", PSU: "127.0.0.1:8444", Bank: "127.0.0.1:8445", Ops: "127.0.0.1:9090"},
		TPPs: TPPs{
			Revocation: RevocationRequired, RevocationTimeout: 3 * time.Second, Domains: "warn",
		},
		Signature: Signature{
			Required: true, Covered: []string{"digest", "x-request-id"},
			CoveredIfSent: []string{"psu-id", "psu-corporate-id", "tpp-redirect-uri"},
			MayCover:      []string{"date", "(request-target)"},
			JWSMaxAge:     time.Minute,
		},
		Database: Database{MaxConnections: 16},
		Policy: Policy{
			MaxValidityDays: 90, MaxFrequencyPerDay: 4, MaxTries: 3, MaxFailures: 5, LockFor: 15 * time.Minute,
			AuthorisationWindow: 24 * time.Hour, OpenWithin: 10 * time.Minute, FinishWithin: 15 * time.Minute,
		},
		Access: Access{PageWalk: 10 * time.Minute, MaxPages: 100, PageParameters: []string{"page"}, CertificateHeader: "ssl-client-cert"},
		XS2A: XS2A{
			BankOffered: true, AllPSD2: true, AvailableAccounts: true, AvailableAccountsWithBalance: true,
			OwnerName: true, TrustedBeneficiaries: true,
			AccountReferences:      []string{"iban", "bban", "pan", "maskedPan", "msisdn", "other"},
			StartAuthorisationMode: "auto", FundsConfirmation: true,
		},
		STET:      defaultSTET(),
		OAuth:     defaultOAuth(),
		Dashboard: defaultDashboard(), BackOffice: defaultBackOffice(),
		SCA: SCA{
			Approaches: []string{"redirect"}, Redirect: "persona", Decoupled: "push", Embedded: "persona",
			Flows: map[string]json.RawMessage{"persona": json.RawMessage("{}"), "push": json.RawMessage("{}")},
		},
		Bank:          Bank{Timeout: 5 * time.Second},
		Log:           Log{Level: "info", Format: "json"},
		ShutdownGrace: 20 * time.Second,
	}
}
