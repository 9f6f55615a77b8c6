package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"consentd/internal/api/xs2a"
	"consentd/internal/config"
	"consentd/internal/consent"
	"consentd/internal/obs"
	"consentd/internal/service/sca"
	"consentd/internal/tpp"
)

// dialect is a surface that answers errors in a form of its own.
type dialect interface {
	Owns(path string) bool
	HTTPError(err error, c echo.Context)
}

// newEcho makes the router of one listener. Errors below a dialect's paths are
// the dialect's to answer; elsewhere a plain line says no more than the status.
func newEcho(name string, o *obs.Observer, dialects ...dialect) *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = echo.ExtractIPDirect()
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		for _, d := range dialects {
			if d.Owns(c.Request().URL.Path) {
				d.HTTPError(err, c)
				return
			}
		}
		plainError(o.Log, err, c)
	}
	e.Use(o.Watch(name), obs.Tag(func(path string) bool { // a dialect has rules of its own for it
		return slices.ContainsFunc(dialects, func(d dialect) bool { return d.Owns(path) })
	}), recovered)
	return e
}

// recovered turns a panic into an error, so that whoever owns the path answers it.
func recovered(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			switch r := recover(); r {
			case nil:
			case http.ErrAbortHandler:
				panic(r) // net/http's own way to drop a connection
			default:
				// The value may hold anything; where it happened is enough.
				err = fmt.Errorf("panic (%T) in %s: %s", r, c.Path(), debug.Stack())
			}
		}()
		return next(c)
	}
}

func plainError(log *slog.Logger, err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	status := http.StatusInternalServerError
	if he, ok := errors.AsType[*echo.HTTPError](err); ok {
		status = he.Code
	}
	if status >= http.StatusInternalServerError {
		log.ErrorContext(c.Request().Context(), "call failed", "route", c.Path(), "error", err)
	}
	if err := c.String(status, http.StatusText(status)+"\n"); err != nil {
		log.DebugContext(c.Request().Context(), "answer not written", "error", err)
	}
}

// xs2aOptions are the dialect's switches as the configuration has them.
func xs2aOptions(cfg *config.Config) xs2a.Options {
	c, approaches := cfg.XS2A, cfg.SCA.Approaches
	scopes := []consent.Scope{consent.ScopeDedicated}
	if c.BankOffered {
		scopes = append(scopes, consent.ScopeBankOffered)
	}
	if c.AllPSD2 {
		scopes = append(scopes, consent.ScopeAllPSD2)
	}
	if c.AvailableAccounts {
		scopes = append(scopes, consent.ScopeAvailable)
	}
	if c.AvailableAccountsWithBalance {
		scopes = append(scopes, consent.ScopeAvailableBalances)
	}
	ways := make([]consent.Approach, len(approaches))
	for i, name := range approaches {
		ways[i] = consent.Approach(name)
	}
	return xs2a.Options{
		Approaches: ways, Scopes: scopes, AccountKinds: c.AccountReferences, OwnerName: c.OwnerName,
		TrustedBeneficiaries: c.TrustedBeneficiaries, AppSchemes: c.RedirectSchemes,
		BasePath: c.BasePath, RelativeLinks: c.RelativeLinks, Funds: c.FundsConfirmation,
		Start: xs2a.StartMode(c.StartAuthorisationMode), Sessions: c.Sessions, StrictStatus: c.StrictStatus, LenientDates: c.LenientDates,
		OAuth: oauthMode(cfg.OAuth), PageParameters: cfg.Access.PageParameters, CertificateRevoked: c.CertificateRevoked, Domains: xs2a.DomainRule(cfg.TPPs.Domains),
	}
}

// surface is what the XS2A handler is told besides the use cases.
type surface struct {
	callers    tpp.Identifier
	signatures tpp.Signatures
	options    xs2a.Options
	links      xs2a.Links
	reads      xs2a.Reads
	bearers    tpp.Bearers
}

func (p parts) xs2a(c core, s surface) *xs2a.Handler {
	return &xs2a.Handler{
		Reads: s.reads, Consents: c.consents, Walks: c.walks, Funds: c.funds, Ledger: c.ledger, Callers: s.callers, Signatures: s.signatures, Bearers: s.bearers, Policy: p.policy, Now: p.now,
		Options: s.options, Links: s.links, Log: p.log,
	}
}

// base is a URL that is always the same, or the request's own when there is none.
func base(fixed string) func(*http.Request) string {
	fixed = strings.TrimSuffix(fixed, "/")
	return func(r *http.Request) string {
		switch {
		case fixed != "":
			return fixed
		case r.TLS != nil:
			return "https://" + r.Host
		default:
			return "http://" + r.Host
		}
	}
}

// linksOf are the links of a server: fixed ones, since a production request's
// Host is the caller's word only.
func linksOf(cfg *config.Config, walks *sca.Dispatcher) xs2a.Links {
	return xs2a.Links{
		BaseURL: base(cfg.URLs.TPP), BrowserURL: base(cfg.URLs.PSU), Page: walks.Link,
		Accounts: func(*http.Request) string { return cfg.Access.AccountsURL },
	}
}

// serving names the flow of each approach.
func serving(s config.SCA) map[consent.Approach]string {
	return map[consent.Approach]string{
		consent.Redirect: s.Redirect, consent.Decoupled: s.Decoupled, consent.Embedded: s.Embedded,
	}
}

func isHTTPS(url string) bool { return strings.HasPrefix(url, "https://") }
