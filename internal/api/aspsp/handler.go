package aspsp

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/bankauth"
	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/explain"
	"consentd/internal/service/register"
)

// Register keeps the TPPs; see service/register for what its methods do and how
// they fail.
type Register interface {
	List(ctx context.Context, f register.Filter) ([]register.TPP, error)
	Get(ctx context.Context, id string) (*register.TPP, error)
	Block(ctx context.Context, cause consent.Cause, id string, b register.Block) (t *register.TPP, ended int, err error)
	Unblock(ctx context.Context, cause consent.Cause, id string) (*register.TPP, error)
	SetClient(ctx context.Context, cause consent.Cause, id string, c register.Client) (*register.TPP, error)
}

// Handler serves the bank's own interface. All fields are required, but for Tokens
// and FourEyes.
type Handler struct {
	Register       Register
	Consents       Consents
	Authorisations Authorisations
	Callbacks      Callbacks
	Access         Access
	Dialect        Dialect
	// Tokens judges access tokens that checks bring; nil where there are none.
	Tokens Tokens
	// CertificateHeader is in which a gateway hands on the certificate of the TPP.
	CertificateHeader string
	// FourEyes says that another person has to confirm what ends consents: then no block
	// ends them.
	FourEyes bool
	// Ledger writes down which TPPs were denied.
	Ledger Ledger
	Gate   *bankauth.Gate
	Now    func() time.Time
	Log    *slog.Logger
}

// patience bounds how long a call that changes something may take: it does not
// end with its client.
const patience = 35 * time.Second

// Mount registers the routes. Everything else below /aspsp/v1 is answered here
// too, whatever the Echo instance does with errors.
func (h *Handler) Mount(e *echo.Echo) {
	for _, ep := range endpoints() {
		e.Add(ep.method, ep.path, h.guarded(ep))
	}
	for _, path := range []string{pathForwardAuth, pathForwardAuth + "/*"} {
		e.Any(path, h.gateway())
		e.RouteNotFound(path, h.unknown())
	}
	e.RouteNotFound(prefix, h.unknown())
	e.RouteNotFound(prefix+"/*", h.unknown())
}

// Owns reports whether a path is this interface's to answer, errors included.
func (h *Handler) Owns(path string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// guarded is the handler of an endpoint, behind the gate.
func (h *Handler) guarded(ep endpoint) echo.HandlerFunc {
	serve := h.Gate.Require(ep.roles...)(func(c echo.Context) error {
		k := &call{echo: c, req: c.Request(), ep: &ep, caller: bankauth.From(c)}
		k.id, _ = ep.matches(k.req)
		return h.carryOut(k)
	})
	elsewhere := h.unknown()
	return h.answered(func(c echo.Context) error {
		if _, ok := ep.matches(c.Request()); !ok {
			return elsewhere(c)
		}
		return serve(c)
	})
}

// unknown answers what no endpoint matched: 405 for a path that other methods
// know, 404 otherwise. Gateways may ask with methods that Echo does not know.
func (h *Handler) unknown() echo.HandlerFunc {
	gateway := h.gateway()
	known := h.answered(h.Gate.RequireKnown()(h.nothingHere))
	return func(c echo.Context) error {
		path := c.Request().URL.EscapedPath()
		if path == pathForwardAuth || strings.HasPrefix(path, pathForwardAuth+"/") {
			return gateway(c)
		}
		return known(c)
	}
}

func (h *Handler) nothingHere(c echo.Context) error {
	var methods []string
	for _, ep := range endpoints() {
		if _, ok := ep.matches(c.Request()); ok {
			methods = append(methods, ep.method)
		}
	}
	return edge.ErrUnserved(c.Response().Header(), methods)
}

// answered stamps the answer before anything can go wrong, and answers what
// fails.
func (h *Handler) answered(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		edge.StampID(c)
		defer edge.Recover(c, h.Log, func() { h.fail(c, errPanic) })
		if err := next(c); err != nil {
			h.fail(c, err)
		}
		return nil
	}
}

// carryOut judges a request whose caller may call, and serves it.
func (h *Handler) carryOut(k *call) error {
	explain.Note(k.ctx(), "the caller is %s (%s), %s", k.caller.ID, k.caller.Name, k.caller.Role)
	if err := k.receive(); err != nil {
		return err
	}
	if k.ep.changes() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(k.ctx()), patience)
		defer cancel()
		k.req = k.req.WithContext(ctx)
	}
	body, err := k.ep.serve(h, k)
	if err != nil {
		return err
	}
	if body == nil {
		k.echo.Response().Header().Set(echo.HeaderCacheControl, "no-store")
		return k.echo.NoContent(http.StatusNoContent)
	}
	return h.send(k.echo, http.StatusOK, mediaJSON, body)
}

var errPanic = errors.New("panic")
