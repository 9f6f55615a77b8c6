package oauth

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"consentd/pkg/sca"
)

// What is usual of [OutsideOptions], for configurations that do not say.
const (
	DefaultOutsideLeeway = 30 * time.Second
	DefaultOutsideKeep   = 5 * time.Second
)

// What holds where [OutsideOptions] do not say.
const (
	defaultOutsideTimeout  = 3 * time.Second
	defaultOutsideInterval = 30 * time.Second
	defaultOutsideSize     = 10_000
	maxOutsideLeeway       = 5 * time.Minute
	maxOutsideKeep         = time.Minute
)

// OutsideOptions say how tokens of the bank's own OAuth2 server are judged: either by
// JWKS or by Introspection. Tokens should say by auth_time when the PSU was
// authenticated: without it that counts as done when they were issued, and renews
// nothing that was forwarded before.
type OutsideOptions struct {
	// Issuer is what iss of a token must be. With Introspection it may be empty: then
	// nothing is asked of iss.
	Issuer string
	// Audience are names of this service, of which aud must have one. With
	// Introspection it may be empty: then nothing is asked of aud.
	Audience []string
	// PSUClaim names the claim that has the bank's id of the PSU; sub where empty.
	PSUClaim string
	// CustomerClaim names the claim that has the bank's id of the customer for whom the
	// PSU acts, where a token has it; empty: the tokens do not say.
	CustomerClaim string
	// Leeway is by how much the clocks of the two servers may differ; zero: not at
	// all. It does not widen what an ending closes: a token counts as issued when it
	// says so, so that the issuer's clock should not be ahead.
	Leeway time.Duration

	JWKS          *OutsideJWKS
	Introspection *OutsideIntrospection

	// HTTP calls the bank's server; nil is a client of our own. Its CheckRedirect is not
	// used: no redirect is followed.
	HTTP *http.Client
	// Timeout bounds a call to the bank's server; 3 s where zero.
	Timeout time.Duration
}

// OutsideJWKS says where the server's keys are (RFC 7517 §5): at an address or in a
// file. Either is read again when it is ten minutes old, while calls go on with what
// there is, and when a token names a key that it does not have, which waits for it;
// keys that could not be read again for an hour count no more.
type OutsideJWKS struct {
	URL  string // https, or http on loopback
	File string
	// Algorithms are the ones allowed of RS256 and up, PS256 and up, ES256 and up; all
	// of these where empty.
	Algorithms []string
	// Interval is the least time between two readings, whatever tokens come; 30 s
	// where zero. After one that failed it is at most 5 s.
	Interval time.Duration
}

// OutsideIntrospection says where the server is asked for a token (RFC 7662).
type OutsideIntrospection struct {
	URL string // https, or http on loopback
	// ClientID and ClientSecret are who we are to the server, by HTTP Basic.
	ClientID, ClientSecret string
	// Keep is how long the answer counts that a token is good, but never longer than
	// the token: so long may the server's own revocation go unnoticed. Zero: each call
	// asks. That a token is not good is never kept.
	Keep time.Duration
	// Size is how many answers are kept at most; 10,000 where zero.
	Size int
}

// Check finds everything that is wrong with the options, by the names of their fields.
func (o OutsideOptions) Check() error {
	var errs []error
	refuse := func(bad bool, text string) {
		if bad {
			errs = append(errs, errors.New(text))
		}
	}
	refuse((o.JWKS == nil) == (o.Introspection == nil), "set one of jwks, introspection")
	refuse(o.JWKS != nil && o.Issuer == "", "issuer: must be set where tokens are judged by their signature")
	refuse(o.JWKS != nil && len(o.Audience) == 0, "audience: must be set where tokens are judged by their signature")
	refuse(slices.Contains(o.Audience, ""), "audience: must not have an empty one")
	refuse(o.Leeway < 0 || o.Leeway > maxOutsideLeeway, "leeway: must be from 0s to 5m")
	refuse(o.Timeout < 0, "timeout: must not be below 0s")
	return errors.Join(append(errs, o.JWKS.check(), o.Introspection.check())...)
}

func (j *OutsideJWKS) check() error {
	if j == nil {
		return nil
	}
	var errs []error
	if (j.URL == "") == (j.File == "") {
		errs = append(errs, errors.New("jwks: set one of url, file"))
	}
	if j.URL != "" && !isOutsideAddress(j.URL) {
		errs = append(errs, errors.New("jwks.url: must be an https address, or http on loopback"))
	}
	for _, name := range j.Algorithms {
		if _, ok := outsideAlgorithms[name]; !ok {
			errs = append(errs, errors.New("jwks.algorithms: "+name+" is none of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512"))
		}
	}
	if j.Interval < 0 {
		errs = append(errs, errors.New("jwks.interval: must not be below 0s"))
	}
	return errors.Join(errs...)
}

func (i *OutsideIntrospection) check() error {
	if i == nil {
		return nil
	}
	var errs []error
	if !isOutsideAddress(i.URL) {
		errs = append(errs, errors.New("introspection.url: must be an https address, or http on loopback"))
	}
	if i.ClientID == "" || i.ClientSecret == "" {
		errs = append(errs, errors.New("introspection: set clientId and clientSecret"))
	}
	if i.Keep < 0 || i.Keep > maxOutsideKeep {
		errs = append(errs, errors.New("introspection.keep: must be from 0s to 1m"))
	}
	if i.Size < 0 {
		errs = append(errs, errors.New("introspection.size: must not be below 0"))
	}
	return errors.Join(errs...)
}

func isOutsideAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && u.Fragment == "" && sca.Protected(u)
}

// withDefaults fills in what is not said, in a copy.
func (o OutsideOptions) withDefaults() OutsideOptions {
	if o.PSUClaim == "" {
		o.PSUClaim = "sub"
	}
	if o.Timeout == 0 {
		o.Timeout = defaultOutsideTimeout
	}
	if o.JWKS != nil {
		keys := *o.JWKS
		if keys.Interval == 0 {
			keys.Interval = defaultOutsideInterval
		}
		o.JWKS = &keys
	}
	if o.Introspection != nil {
		asked := *o.Introspection
		if asked.Size == 0 {
			asked.Size = defaultOutsideSize
		}
		o.Introspection = &asked
	}
	return o
}

func (o OutsideOptions) names() outsideNames {
	return outsideNames{psu: o.PSUClaim, customer: o.CustomerClaim}
}
