package app

import (
	"context"
	"strings"
	"time"

	"consentd/internal/config"
	"consentd/internal/consent"
	"consentd/internal/oauth"
	"consentd/internal/sandbox"
	"consentd/internal/secret"
	"consentd/internal/service/connections"
	"consentd/internal/tpp"
	"consentd/internal/web"
	"consentd/pkg/eidas/issue"
)

// sandboxed is what the side of a sandbox that TPPs and PSUs see is made of, besides
// the use cases.
type sandboxed struct {
	o     SandboxOptions
	cfg   *config.Config
	ca    *issue.Authority
	tpps  *sandbox.TPPs
	reads decisions
}

// sandboxOutward is what TPPs and the browsers of PSUs call in a sandbox, and how a
// gateway is told who has called it.
func (a *App) sandboxOutward(p parts, c core, s sandboxed) (outward, func(*tpp.Proxy) tpp.Identifier, error) {
	verifier := a.sandboxVerifier(s.ca, p.now)
	plain := sandbox.Callers{
		TLS: &tpp.Certificates{Verifier: verifier, Register: c.register}, TPPs: s.tpps, Register: c.register,
		Owner: minter{connections: c.connections}.Owner,
	}
	out := outward{pages: &web.SCA{
		Walks: c.walks, Keys: p.keys, Log: p.log, Origin: strings.TrimSuffix(s.o.PublicURL, "/"), Onward: s.cfg.SCA.Onward,
	}}
	links := a.sandboxLinks(s.o, c.walks)
	psu := links.BaseURL
	if links.BrowserURL != nil {
		psu = links.BrowserURL
	}
	var err error
	if out.tokens, err = p.tokenAccess(c, s.cfg.OAuth, grantor{
		callers: plain, clients: s.tpps, pages: out.pages, psu: psu, tpp: links.BaseURL,
		minted: time.Duration(s.cfg.OAuth.SCAValidityDays) * 24 * time.Hour, // whoever turns the clock keeps it
	}); err != nil {
		return out, nil, err
	}
	links.Metadata = out.tokens.metadata
	signed := sandboxSignatures(s.o.Strict, verifier, s.o.Now)
	out.xs2a = p.xs2a(c, surface{
		reads: s.reads, callers: plain, signatures: signed, bearers: out.tokens.bearers, options: xs2aOptions(s.cfg), links: links,
	})
	stetSigned := s.cfg.STET.Signature
	stetSigned.Required = s.o.Strict
	out.stet = p.stet(c, stetSurface{
		callers: plain, signatures: stetSignatures(signed, c, stetSigned), bearers: out.tokens.bearers, reads: s.reads,
		base: links.BaseURL, cfg: s.cfg.STET,
	})
	return out, func(gateway *tpp.Proxy) tpp.Identifier {
		return behindGateway{header: gateway.Header, shown: &tpp.Certificates{Verifier: verifier, Register: c.register, Proxy: gateway}, named: plain}
	}, nil
}

// minter makes access tokens without a browser, for integrators.
type minter struct {
	server      *oauth.Server
	store       connections.Store
	connections *connections.Connections
}

// minterOf is that of a sandbox; nil where the tokens are not its own.
func minterOf(p parts, c core, server *oauth.Server) sandbox.Tokens {
	if server == nil {
		return nil
	}
	return minter{server: server, store: p.db, connections: c.connections}
}

var _ sandbox.Tokens = minter{}

// Mint implements sandbox.Tokens.
func (m minter) Mint(ctx context.Context, client tpp.TPP, psu string, scopes []string) (sandbox.Minted, error) {
	access, refresh, expires, err := m.server.Mint(ctx, client, psu, scopes)
	return sandbox.Minted{
		AccessToken: access, RefreshToken: refresh, ExpiresIn: time.Duration(expires) * time.Second, Scope: strings.Join(scopes, " "),
	}, err
}

// End implements sandbox.Tokens.
func (m minter) End(ctx context.Context, token string) error {
	_, _, err := m.store.PairByAccess(ctx, secret.Digest(token))
	if consent.CodeOf(err) == consent.CodeNotFound {
		_, _, err = m.store.PairByRefresh(ctx, secret.Digest(token))
	}
	if err != nil {
		return err
	}
	return m.server.End(ctx, token)
}

// Owner implements sandbox.Tokens.
func (m minter) Owner(ctx context.Context, token string) (string, error) {
	p, err := m.connections.Use(ctx, token)
	return p.TPP, err
}
