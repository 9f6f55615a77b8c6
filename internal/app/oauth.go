package app

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/api/aspsp"
	"consentd/internal/api/stet"
	"consentd/internal/api/xs2a"
	"consentd/internal/config"
	"consentd/internal/consent"
	"consentd/internal/oauth"
	"consentd/internal/service/connections"
	"consentd/internal/service/sca"
	"consentd/internal/tpp"
	"consentd/internal/web"
	"consentd/pkg/httpsig"
)

// tokenAccess is by which tokens TPPs call: who judges them and, where it is this
// program, who issues them. The zero one is of a server without tokens.
type tokenAccess struct {
	bearers  tpp.Bearers
	shown    aspsp.Tokens  // the same, of tokens that somebody else hands on
	server   *oauth.Server // nil unless the tokens are ours
	metadata func(*http.Request) string
	stop     func(context.Context) error // ends what is under way for it; nil for nothing
}

// grantor is what issuing tokens takes besides the use cases.
type grantor struct {
	callers tpp.Identifier
	clients oauth.Clients
	pages   *web.SCA
	// psu and tpp are where their listeners are reached.
	psu, tpp func(*http.Request) string
	// minted is for how long tokens are good that no browser has brought; 0 for as long
	// as any others.
	minted time.Duration
}

func (p parts) tokenAccess(c core, cfg config.OAuth, g grantor) (tokenAccess, error) {
	switch cfg.Server {
	case config.TokensOwn:
		server := p.oauthServer(c, cfg, g)
		g.pages.Beyond = server.Beyond
		own := oauth.Own{Connections: c.connections}
		return tokenAccess{
			bearers: own, shown: own, server: server,
			metadata: func(r *http.Request) string { return g.psu(r) + oauth.PathMetadata },
		}, nil
	case config.TokensOutside:
		outside, err := oauth.NewOutside(outsideOptions(cfg.Outside), c.connections, p.now)
		if err != nil {
			return tokenAccess{}, err
		}
		return tokenAccess{
			bearers: outside, shown: outside, metadata: func(*http.Request) string { return cfg.Outside.MetadataURL }, stop: outside.Close,
		}, nil
	default:
		return tokenAccess{}, nil
	}
}

func (p parts) oauthServer(c core, cfg config.OAuth, g grantor) *oauth.Server {
	return &oauth.Server{
		Store: p.grants(), Consents: c.consents, Runs: p.db, Clients: g.clients, Callers: g.callers, Identities: p.db, Signers: p.bank,
		Keys: p.keys, Policy: p.policy, Now: p.now, Log: p.log,
		Options: oauth.Options{
			Issuer: g.psu, TokenURL: g.tpp, Scopes: scopesOf(cfg),
			AccessLifetime: cfg.AccessTokenLifetime, CodeLifetime: cfg.CodeLifetime, MintedLifetime: g.minted,
		},
		Page:     pageOf(c.walks, g.psu),
		OwnPages: c.walks.OwnPages,
		Problem:  problemAt(g.pages),
	}
}

// scopesOf are those that TPPs may ask for: that of one consent where tokens are for it.
func scopesOf(cfg config.OAuth) []string {
	if oauthMode(cfg) == xs2a.OAuthIntegrated {
		return append(slices.Clone(cfg.Scopes), connections.ScopeConsent)
	}
	return cfg.Scopes
}

// problemAt shows what can be sent to nobody's address: that we are out of order, that
// it is another browser's, or over, or that the request is one that cannot be followed.
func problemAt(pages *web.SCA) func(echo.Context, error) error {
	return func(c echo.Context, err error) error {
		code := consent.CodeOf(err)
		if code == consent.CodeFormat || code == consent.CodeMediaType || code == consent.CodeTooLarge {
			code = consent.CodeServiceInvalid // the TPP's fault: the PSU has answered nothing
		}
		return pages.Refuse(c, code)
	}
}

// pageOf is where the PSU of a handle logs in: at pages of the bank's own, or at ours.
func pageOf(walks *sca.Dispatcher, browser func(*http.Request) string) func(*http.Request, string) string {
	return func(r *http.Request, handle string) string {
		if own := walks.Link(handle); own != "" {
			return own
		}
		return browser(r) + "/sca/" + handle
	}
}

func outsideOptions(cfg config.Outside) oauth.OutsideOptions {
	o := oauth.OutsideOptions{
		Issuer: cfg.Issuer, Audience: cfg.Audience, PSUClaim: cfg.PSUClaim, CustomerClaim: cfg.CustomerClaim,
		Leeway: cfg.Leeway, Timeout: cfg.Timeout,
	}
	if cfg.IntrospectionURL != "" {
		o.Introspection = &oauth.OutsideIntrospection{
			URL: cfg.IntrospectionURL, ClientID: cfg.ClientID, ClientSecret: cfg.ClientSecret.Reveal(), Keep: cfg.Keep,
		}
		return o
	}
	o.JWKS = &oauth.OutsideJWKS{URL: cfg.JWKSURL, File: cfg.JWKSFile, Algorithms: cfg.Algorithms}
	return o
}

// checkOutside finds what is wrong with how tokens of the bank's own server are judged,
// its file of keys among it.
func checkOutside(cfg config.OAuth) error {
	if cfg.Server != config.TokensOutside {
		return nil
	}
	if _, err := oauth.NewOutside(outsideOptions(cfg.Outside), &connections.Connections{}, Now); err != nil {
		return fmt.Errorf("oauth.outside: %w", err)
	}
	return nil
}

// oauthMode is what the Berlin Group dialect does with tokens.
func oauthMode(cfg config.OAuth) xs2a.OAuthMode {
	if cfg.XS2A == "off" {
		return xs2a.OAuthOff
	}
	return xs2a.OAuthMode(cfg.XS2A)
}

// stetSurface is what the STET handler is told besides the use cases.
type stetSurface struct {
	callers    tpp.Identifier
	signatures tpp.Signatures
	bearers    tpp.Bearers
	reads      stet.Reads
	base       func(*http.Request) string
	cfg        config.STET
}

func (p parts) stet(c core, s stetSurface) *stet.Handler {
	o := stet.DefaultOptions()
	o.BasePath, o.PerDay = s.cfg.BasePath, p.policy.MaxFrequencyPerDay
	o.NoAccounts, o.MissingMembers = stet.NoAccounts(s.cfg.NoAccounts), stet.MissingMembers(s.cfg.MissingMembers)
	return &stet.Handler{
		Callers: s.callers, Signatures: s.signatures, Bearers: s.bearers, Connections: c.connections, Forwarder: c.forwarder,
		Reads: s.reads, Accounts: p.bank, Books: p.bank, Ledger: c.ledger, Policy: p.policy, Now: p.now, Options: o,
		BaseURL: s.base, Log: p.log,
	}
}

// stetSignatures is what TPPs must sign in the STET dialect: judged by the same
// authorities as in the other, over other headers.
func stetSignatures(like tpp.Signatures, c core, cfg config.STETSignature) tpp.Signatures {
	if like.Seals == nil {
		return tpp.Signatures{}
	}
	profile := httpsig.STETProfile()
	profile.Required, profile.IfPresent = cfg.Covered, cfg.CoveredIfSent
	return tpp.Signatures{Required: cfg.Required, Seals: like.Seals, Profile: profile, Registered: c.register.Seals, BareDigest: true}
}
