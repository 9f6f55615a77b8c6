package app

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"consentd/internal/api/stet"
	"consentd/internal/api/xs2a"
	"consentd/internal/config"
	"consentd/internal/docs"
	"consentd/internal/obs"
	"consentd/internal/web"
)

// outward is what those outside the bank call: TPPs and the browsers of PSUs.
type outward struct {
	xs2a   *xs2a.Handler
	stet   *stet.Handler // nil where it is not served
	tokens tokenAccess
	pages  *web.SCA
}

func (p parts) outward(c core, cfg *config.Config, trust *trust, reads decisions) (outward, error) {
	verifier := trust.verifier(cfg.TPPs, p.now, p.log)
	who, signed := callers(cfg, verifier, trust.proxy, c.register), signatures(cfg, verifier, p.now)
	o := outward{pages: &web.SCA{
		Walks: c.walks, Keys: p.keys, Log: p.log, Brand: cfg.Brand, Origin: cfg.URLs.PSU,
		AppSchemes: cfg.XS2A.RedirectSchemes, Onward: cfg.SCA.Onward,
		Secure: func(*http.Request) bool { return isHTTPS(cfg.URLs.PSU) },
	}}
	var err error
	if o.tokens, err = p.tokenAccess(c, cfg.OAuth, grantor{
		callers: who, clients: c.register, pages: o.pages, psu: base(cfg.URLs.PSU), tpp: base(cfg.URLs.TPP),
	}); err != nil {
		return o, err
	}
	links := linksOf(cfg, c.walks)
	links.Metadata = o.tokens.metadata
	o.xs2a = p.xs2a(c, surface{
		reads: reads, callers: who, signatures: signed, bearers: o.tokens.bearers, options: xs2aOptions(cfg), links: links,
	})
	if cfg.STET.Enabled {
		o.stet = p.stet(c, stetSurface{
			callers: who, signatures: stetSignatures(signed, c, cfg.STET.Signature), bearers: o.tokens.bearers, reads: reads,
			base: base(cfg.URLs.TPP), cfg: cfg.STET,
		})
	}
	return o, nil
}

// dialects are those in which TPPs are answered.
func (o outward) dialects() []dialect {
	if o.stet == nil {
		return []dialect{o.xs2a}
	}
	return []dialect{o.xs2a, o.stet}
}

// owns reports whether a path is one of the dialects' to answer.
func (o outward) owns(path string) bool {
	for _, d := range o.dialects() {
		if d.Owns(path) {
			return true
		}
	}
	return false
}

// mountTPP registers what TPPs call.
func (o outward) mountTPP(e *echo.Echo) {
	o.xs2a.Mount(e)
	if o.stet != nil {
		o.stet.Mount(e)
	}
	if o.tokens.server != nil {
		o.tokens.server.MountTPP(e)
	}
}

// mountPSU registers what the browsers of PSUs call.
func (o outward) mountPSU(e *echo.Echo) {
	o.pages.Mount(e)
	if o.tokens.server != nil {
		o.tokens.server.MountBrowser(e)
	}
}

func (o outward) tppFront(cfg *config.Config, watch *obs.Observer, trust *trust) *echo.Echo {
	e := newEcho("tpp", watch, o.dialects()...)
	e.Pre(trust.proxy.Strip)
	e.Use(trust.sealer(o.owns).Sign)
	o.mountTPP(e)
	(&docs.Handler{BasePath: cfg.XS2A.BasePath, Roots: map[string]string{"stet": cfg.STET.BasePath}, Elsewhere: elsewhere(cfg)}).Mount(e)
	return e
}

func (o outward) psuFront(watch *obs.Observer, side bankSide) *echo.Echo {
	e := newEcho("psu", watch)
	o.mountPSU(e)
	side.mountPSU(e)
	return e
}
