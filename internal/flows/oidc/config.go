package oidc

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

const (
	defaultMaxAge = 5 * time.Minute
	maxMaxAge     = 24 * time.Hour
	minKey        = 32 // bytes
)

// Config is what the flow is told. [Parse] fills in what stands in the section
// of the configuration, the caller the rest.
type Config struct {
	// Issuer is the provider's address, as its discovery document spells it:
	// https, or http on loopback.
	Issuer string
	// ClientID and ClientSecret are consentd's own at the provider.
	ClientID, ClientSecret string
	// Scopes are asked for; openid is among them.
	Scopes []string
	// ACRValues are asked for in this order, and one of them must come back.
	// Without any, the provider alone decides how it authenticates.
	ACRValues []string
	// MaxAge is how old the log-in may be.
	MaxAge time.Duration
	// PSUClaim is the claim of the ID token that holds the bank's id of the PSU, as text.
	PSUClaim string
	// Prompt is sent as it is; empty leaves it to the provider whether it asks a
	// PSU who is logged in already.
	Prompt string

	// Key is what nonces and verifiers are derived from: at least 32 bytes, the
	// same at all replicas.
	Key []byte
	// Store is where the last exchanges are noted.
	Store sca.Store
	Now   func() time.Time
	// HTTP calls the provider. Nil: one with a time-out of 10 s.
	HTTP *http.Client
}

// section is the configuration as it is written.
type section struct {
	issuer, clientID, secretFile, secretEnv, maxAge, psuClaim, prompt string

	scopes, acrValues []string
}

// Parse reads the flow's section of the configuration, whose keys are issuer,
// clientId, clientSecretFile or clientSecretEnv, scopes ([openid]), acrValues,
// maxAge (5m), psuClaim (sub) and prompt (login). All problems are reported
// together.
func Parse(raw json.RawMessage, env func(string) string) (Config, error) {
	s := section{scopes: []string{"openid"}, maxAge: defaultMaxAge.String(), psuClaim: "sub", prompt: "login"}
	wrong := s.read(raw)
	if errors.Is(wrong, flows.ErrNoSection) {
		return Config{}, wrong
	}
	secret, secretErr := s.secret(env)
	if flows.Faulty(wrong, "clientSecretFile", "clientSecretEnv") {
		secretErr = nil
	}
	maxAge, ageErr := time.ParseDuration(s.maxAge)
	if ageErr != nil {
		ageErr = errors.New("maxAge: must be a duration, such as 5m")
	}
	cfg := Config{
		Issuer: s.issuer, ClientID: s.clientID, ClientSecret: secret, Scopes: s.scopes,
		ACRValues: s.acrValues, MaxAge: maxAge, PSUClaim: s.psuClaim, Prompt: s.prompt,
	}
	return cfg, flows.Besides(wrong, errors.Join(cfg.check(), secretErr, ageErr))
}

// read fills in what is set, and refuses keys that there are not.
func (s *section) read(raw json.RawMessage) error {
	return flows.Read(raw, flows.Keys{ //nolint:wrapcheck // it says which key
		"issuer": &s.issuer, "clientId": &s.clientID, "clientSecretFile": &s.secretFile, "clientSecretEnv": &s.secretEnv,
		"maxAge": &s.maxAge, "psuClaim": &s.psuClaim, "prompt": &s.prompt, "scopes": &s.scopes, "acrValues": &s.acrValues,
	})
}

// secret reads the client's secret from where the section says.
func (s *section) secret(env func(string) string) (string, error) {
	switch {
	case (s.secretFile == "") == (s.secretEnv == ""):
		return "", errors.New("set one of clientSecretFile, clientSecretEnv")
	case s.secretEnv != "":
		if secret := strings.TrimSpace(env(s.secretEnv)); secret != "" {
			return secret, nil
		}
		return "", fmt.Errorf("clientSecretEnv: the environment variable %s is not set", s.secretEnv)
	}
	content, err := os.ReadFile(s.secretFile)
	if err != nil {
		return "", fmt.Errorf("clientSecretFile: %w", err)
	}
	secret := strings.TrimSpace(string(content))
	if secret == "" {
		return "", fmt.Errorf("clientSecretFile: %s is empty", s.secretFile)
	}
	return secret, nil
}

// check finds what is wrong with the settings, but for the secret.
func (c Config) check() error {
	var errs []error
	refuse := func(bad bool, text string) {
		if bad {
			errs = append(errs, errors.New(text))
		}
	}
	words := func(list []string) bool {
		return !slices.ContainsFunc(list, func(s string) bool { return s == "" || strings.ContainsAny(s, " \t\r\n") })
	}
	refuse(!isIssuer(c.Issuer), "issuer: must be an https address, or http on loopback, without query and fragment")
	refuse(c.ClientID == "", "clientId: must be set")
	refuse(!words(c.Scopes) || !slices.Contains(c.Scopes, "openid"), "scopes: must be words, openid among them")
	refuse(!words(c.ACRValues), "acrValues: must be words")
	refuse(c.MaxAge < 0 || c.MaxAge > maxMaxAge || c.MaxAge%time.Second != 0, "maxAge: must be whole seconds, from 0s to 24h")
	refuse(c.PSUClaim == "", "psuClaim: must be set")
	// With none the provider would show no page, and no PSU would be authenticated.
	refuse(!slices.Contains([]string{"", "login", "consent", "select_account"}, c.Prompt), "prompt: must be login, consent, select_account or empty")
	return errors.Join(errs...)
}

// complete finds what the caller has left out.
func (c Config) complete() error {
	switch {
	case c.ClientSecret == "":
		return errors.New("oidc flow without a client secret")
	case len(c.Key) < minKey:
		return fmt.Errorf("oidc flow: the key must have at least %d bytes", minKey)
	case c.Store == nil || c.Now == nil:
		return errors.New("oidc flow without store or clock")
	}
	return nil
}

// isIssuer tells whether a text is an issuer (OpenID Connect Discovery 1.0 §3).
func isIssuer(text string) bool {
	u, err := url.Parse(text)
	return err == nil && sca.Protected(u) && u.RawQuery == "" && !u.ForceQuery && u.Fragment == ""
}
