package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"consentd/internal/bankauth"
	"consentd/internal/config"
	"consentd/internal/jobs"
	"consentd/internal/service"
	"consentd/internal/service/tokens"
	"consentd/internal/tpp"
	"consentd/pkg/eidas"
	"consentd/pkg/httpsig"
)

// reloading is how often files are looked at for changes.
const reloading = 10 * time.Second

// trust is by what callers are judged: all that a configuration says of
// certificates and signatures, read from its files.
type trust struct {
	tpp, psu, bank *pair // of the listeners; nil for plain HTTP
	seal           *seal // the bank's own; nil where answers are not signed
	anchors        *eidas.Anchors
	proxy          *tpp.Proxy
	clients        *x509.CertPool // of the bank's systems
}

// reloader is what is read again when its files change.
type reloader interface {
	Reload() (changed bool, err error)
}

// loadTrust reads everything, and reports all that is wrong with it.
func loadTrust(cfg *config.Config, now func() time.Time) (*trust, error) {
	t := &trust{}
	var errs []error
	for _, p := range []struct {
		path  string
		files config.KeyPair
		into  **pair
	}{
		{"tls.tpp", cfg.TLS.TPP, &t.tpp},
		{"tls.psu", cfg.TLS.PSU, &t.psu},
		{"tls.bank", cfg.TLS.Bank, &t.bank},
	} {
		if !p.files.Given() {
			continue
		}
		loaded, err := loadPair(p.files)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", p.path, err))
			continue
		}
		*p.into = loaded
	}
	var err error
	if cfg.Signature.Answers.Given() {
		if t.seal, err = loadSeal(cfg.Signature.Answers, now); err != nil {
			errs = append(errs, fmt.Errorf("signature.answers: %w", err))
		}
	}
	if len(cfg.TPPs.Anchors) > 0 {
		if t.anchors, err = eidas.LoadAnchors(cfg.TPPs.Anchors...); err != nil {
			errs = append(errs, fmt.Errorf("tpps.anchors: %w", err))
		}
	}
	if cfg.BankCallers.CAFile != "" {
		if t.clients, err = poolOf(cfg.BankCallers.CAFile); err != nil {
			errs = append(errs, fmt.Errorf("bankCallers.caFile: %w", err))
		}
	}
	for i, issuer := range cfg.TPPs.BlockedIssuers {
		if err := eidas.CheckBlockedIssuer(issuer); err != nil {
			errs = append(errs, fmt.Errorf("tpps.blockedIssuers[%d]: %w", i, err))
		}
	}
	if t.proxy, err = proxyOf(cfg.TPPs.Proxy); err != nil {
		errs = append(errs, fmt.Errorf("tpps.proxy.addresses: %w", err))
	}
	return t, errors.Join(errs...)
}

func proxyOf(c config.Proxy) (*tpp.Proxy, error) {
	if c.Header == "" {
		return nil, nil //nolint:nilnil // a nil proxy is none
	}
	from := make([]netip.Prefix, len(c.Addresses))
	for i, address := range c.Addresses {
		var err error
		if from[i], err = config.ParsePrefix(address); err != nil {
			return nil, err
		}
	}
	return &tpp.Proxy{Header: c.Header, From: from}, nil
}

// reload is the job that looks at the files.
func (t *trust) reload(log *slog.Logger) jobs.Job {
	named := map[string]reloader{}
	for name, p := range map[string]*pair{"tls.tpp": t.tpp, "tls.psu": t.psu, "tls.bank": t.bank} {
		if p != nil {
			named[name] = p
		}
	}
	if t.seal != nil {
		named["signature.answers"] = t.seal
	}
	if t.anchors != nil {
		named["tpps.anchors"] = t.anchors
	}
	return jobs.Job{Name: "read certificates again", Every: reloading, Work: func(ctx context.Context, _ int) (int, error) {
		var errs []error
		for name, r := range named {
			changed, err := r.Reload()
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
			if changed {
				log.InfoContext(ctx, "certificates were read again", "of", name)
			}
		}
		return 0, errors.Join(errs...)
	}}
}

// listen is how a listener speaks TLS; nil for plain HTTP.
func (p *pair) listen(ask tls.ClientAuthType) *tls.Config {
	if p == nil {
		return nil
	}
	return serverTLS(p.certificate, ask)
}

// callers tells TPPs: by their certificates, unless the configuration takes
// everybody for the same.
func callers(cfg *config.Config, v *eidas.Verifier, proxy *tpp.Proxy, r tpp.Register) tpp.Identifier {
	if cfg.Insecure {
		return tpp.Unverified{As: unverified()}
	}
	return &tpp.Certificates{Verifier: v, Register: r, Proxy: proxy}
}

// verifier judges the certificates of TPPs; nil where nothing is known to judge
// them by.
func (t *trust) verifier(cfg config.TPPs, now func() time.Time, log *slog.Logger) *eidas.Verifier {
	if t.anchors == nil {
		return nil
	}
	o := eidas.Options{Anchors: t.anchors, Now: now, BlockedIssuers: cfg.BlockedIssuers}
	o.Doubt = func(ctx context.Context, c *eidas.Certificate, err error) {
		log.WarnContext(ctx, "let in without knowing whether the certificate was revoked", "tpp", c.ID(), "certificate", c.Fingerprint, "error", err)
	}
	if cfg.Revocation != config.RevocationOff {
		o.Revocation = &eidas.Revocation{
			HTTP: &http.Client{}, Timeout: cfg.RevocationTimeout, FailOpen: cfg.Revocation == config.RevocationAnswered,
		}
	}
	return eidas.NewVerifier(o)
}

// signatures is what TPPs must sign. Where callers are not verified, nothing is.
func signatures(cfg *config.Config, v *eidas.Verifier, now func() time.Time) tpp.Signatures {
	if cfg.Insecure {
		return tpp.Signatures{}
	}
	c := cfg.Signature
	s := tpp.Signatures{
		Required: c.Required, Seals: v,
		Profile: httpsig.Profile{Required: c.Covered, IfPresent: c.CoveredIfSent, Others: c.MayCover},
	}
	if c.JWS {
		profile := httpsig.DefaultJWSProfile(now)
		profile.Required, profile.IfPresent, profile.MaxAge = c.Covered, c.CoveredIfSent, c.JWSMaxAge
		s.JWS = &profile
	}
	return s
}

// sealer signs answers; nil where the bank has no seal.
func (t *trust) sealer(owns func(string) bool) *tpp.Sealer {
	if t.seal == nil {
		return nil
	}
	return &tpp.Sealer{Owns: owns, Signer: t.seal.current.Load}
}

// bankCallers tells the bank's own systems: by a bearer token where one is sent,
// otherwise by a certificate.
func bankCallers(cfg config.BankCallers, t *tokens.Tokens) (bankauth.Authenticator, error) {
	holders := make([]bankauth.Holder, len(cfg.Certificates))
	for i, c := range cfg.Certificates {
		holders[i] = bankauth.Holder{
			Name: c.Name, Role: service.Role(c.Role), Subject: c.Subject,
			Fingerprint: strings.ToLower(strings.ReplaceAll(c.Fingerprint, ":", "")),
		}
	}
	certificates, err := bankauth.NewCertificates(holders...)
	if err != nil {
		return nil, fmt.Errorf("bankCallers.certificates: %w", err)
	}
	return bankauth.Any{&bankauth.Bearer{Tokens: t}, certificates}, nil
}
