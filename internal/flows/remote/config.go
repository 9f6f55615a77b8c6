package remote

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"consentd/internal/flows"
	"consentd/pkg/sca"
)

// The defaults, and the shortest secret: as long as the hash.
const (
	defaultTimeout  = 10 * time.Second
	defaultFailures = 5
	defaultOpenFor  = 30 * time.Second
	maxFailures     = 1000
	minSecret       = 32
)

// Config says which server to ask, and how both sides know each other: by Secret,
// by the certificate in TLS, or by both.
type Config struct {
	// URL gets every call: https, or http on loopback.
	URL string
	// Secret is the key of the signatures, at least 32 bytes; empty without them.
	Secret []byte
	TLS    TLS
	// Timeout is for a call and its repetition together. Zero: 10 s.
	Timeout time.Duration
	// Approaches are those that the server can serve. None: redirect.
	Approaches []sca.Approach
	Breaker    Breaker
	// Now is the true time, which the server's clock must show too; the machine's.
	Now func() time.Time
	// Transport sends the calls instead of one that is made of TLS; for tests.
	Transport http.RoundTripper
}

// Breaker says when the server is left alone.
type Breaker struct {
	Failures int           // in a row; zero: 5
	OpenFor  time.Duration // until it is tried again; zero: 30 s
}

// section is the configuration as it is written.
type section struct {
	secretFile, secretEnv, timeout, openFor string

	approaches []string
}

// Parse reads the flow's section of the configuration, and the secret from where
// it says. A key that there is not is refused. Fails with all that is
// wrong; no error quotes a secret. Now is left to the caller.
func Parse(raw json.RawMessage, env func(string) string) (Config, error) {
	var (
		s section
		c Config
	)
	wrong := flows.Read(raw, flows.Keys{
		"url": &c.URL, "secretFile": &s.secretFile, "secretEnv": &s.secretEnv, "timeout": &s.timeout, "approaches": &s.approaches,
		"tls":     flows.Keys{"certificateFile": &c.TLS.CertificateFile, "keyFile": &c.TLS.KeyFile, "caFile": &c.TLS.CAFile},
		"breaker": flows.Keys{"failures": &c.Breaker.Failures, "openFor": &s.openFor},
	})
	if errors.Is(wrong, flows.ErrNoSection) {
		return Config{}, wrong //nolint:wrapcheck // it says what it must be
	}
	r := reader{env: env}
	c.Secret = r.secret(s.secretFile, s.secretEnv)
	known := len(r.problems) == 0 && !flows.Faulty(wrong, "secretFile", "secretEnv", "tls")
	c.Timeout, c.Breaker.OpenFor = r.duration("timeout", s.timeout), r.duration("breaker.openFor", s.openFor)
	for _, each := range s.approaches {
		c.Approaches = append(c.Approaches, sca.Approach(each))
	}
	c = c.withDefaults()
	if err := flows.Besides(wrong, errors.Join(errors.Join(r.problems...), c.checkSettings(known))); err != nil {
		return Config{}, err //nolint:wrapcheck // it says which key
	}
	return c, nil
}

// reader turns the words of a section into values, and gathers what is wrong.
type reader struct {
	env      func(string) string
	problems []error
}

func (r *reader) report(format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf(format, args...))
}

func (r *reader) duration(key, text string) time.Duration {
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		r.report("%s: must be a duration such as 10s", key)
		return 0
	}
	return d
}

func (r *reader) secret(file, variable string) []byte {
	var secret string
	key := "secretFile"
	switch {
	case file != "" && variable != "":
		r.report("secretEnv: set only one of secretFile, secretEnv")
		return nil
	case variable != "":
		secret, key = r.env(variable), "secretEnv"
	case file != "":
		text, err := os.ReadFile(file) //nolint:gosec // the operator's configuration names it
		if err != nil {
			r.report("secretFile: %w", err)
			return nil
		}
		secret = string(text)
	default:
		return nil
	}
	secret = strings.TrimSpace(secret)
	if len(secret) < minSecret {
		r.report("%s: the secret must be at least %d characters", key, minSecret)
		return nil
	}
	return []byte(secret)
}

func (c Config) withDefaults() Config {
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Breaker.Failures == 0 {
		c.Breaker.Failures = defaultFailures
	}
	if c.Breaker.OpenFor == 0 {
		c.Breaker.OpenFor = defaultOpenFor
	}
	if len(c.Approaches) == 0 {
		c.Approaches = []sca.Approach{sca.InRedirect}
	}
	return c
}

// check judges a Config that is about to be used.
func (c Config) check() error {
	errs := []error{c.checkSettings(true)}
	if c.Now == nil {
		errs = append(errs, errors.New("no clock"))
	}
	return errors.Join(errs...)
}

// checkSettings judges what the configuration says. known is false where the
// secret could not be read, so that its absence is not reported as well.
func (c Config) checkSettings(known bool) error {
	var errs []error
	report := func(wrong bool, text string) {
		if wrong {
			errs = append(errs, errors.New(text))
		}
	}
	u, err := url.Parse(c.URL)
	wellFormed := err == nil && u.Fragment == "" && sca.Protected(u)
	report(!wellFormed, "url: must be an https address (http on loopback) without user name and fragment")
	report((c.TLS.CertificateFile == "") != (c.TLS.KeyFile == ""), "tls: needs both certificateFile and keyFile")
	report(known && len(c.Secret) == 0 && !c.TLS.mutual(), "the server must know who calls: set secretFile or secretEnv, or certificateFile and keyFile of tls")
	report(len(c.Secret) > 0 && len(c.Secret) < minSecret, fmt.Sprintf("the secret must be at least %d bytes", minSecret))
	report(wellFormed && u.Scheme == "http" && c.TLS != (TLS{}), "tls: is of no use with an http address")
	report(c.Timeout <= 0, "timeout: must be positive")
	report(c.Breaker.OpenFor <= 0, "breaker.openFor: must be positive")
	report(c.Breaker.Failures < 1 || c.Breaker.Failures > maxFailures, fmt.Sprintf("breaker.failures: must be 1 to %d", maxFailures))
	all := []sca.Approach{sca.InRedirect, sca.InDecoupled, sca.InEmbedded}
	report(slices.ContainsFunc(c.Approaches, func(a sca.Approach) bool { return !slices.Contains(all, a) }),
		"approaches: must be of redirect, decoupled, embedded")
	return errors.Join(errs...)
}
