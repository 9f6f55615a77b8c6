package manager

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/bankauth"
	"consentd/internal/edge"
	"consentd/internal/explain"
	"consentd/internal/secret"
)

const mediaJSON = "application/json"

// Handler serves the Consent Manager API. All fields are required, but for Caller,
// Users and Provider.
type Handler struct {
	Staging  Staging
	Payments Payments
	Office   Office
	Gate     *bankauth.Gate
	// Caller says which TPP a consent is staged for where the call does not; nil where
	// nobody can.
	Caller func(*http.Request) (TPP, error)
	// Users says for whom a dashboard acts; nil where there is none.
	Users Users
	// Keys seal what a hub shows when it has the bank carry out a payment.
	Keys *secret.Keys
	// Provider is the bank's id in the audit; "consentd" where it is empty.
	Provider string
	Zone     *time.Location
	Now      func() time.Time
	Log      *slog.Logger
}

// TPP is who a consent is staged for.
type TPP struct{ ID, Name string }

// Users says for whom a dashboard acts.
type Users interface {
	// User returns our id of a PSU, as it stands in psuIdentifiers.userId. Fails with
	// CodeUnauthenticated.
	User(r *http.Request) (userID string, err error)
}

// patience bounds how long a call that changes something may take: it does not end
// with its client.
const patience = 35 * time.Second

// Mount registers the routes. Everything else below the base path is answered here
// too, whatever the Echo instance does with errors.
func (h *Handler) Mount(e *echo.Echo) {
	for _, ep := range endpoints() {
		e.Add(ep.method, prefix+ep.path, h.guarded(ep))
	}
	nothing := h.answered(h.Gate.RequireKnown()(h.nothingHere))
	e.RouteNotFound(prefix, nothing)
	e.RouteNotFound(prefix+"/*", nothing)
}

// Owns reports whether a path is this interface's to answer, errors included.
func (h *Handler) Owns(path string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// guarded is the handler of an endpoint, behind the gate. Echo's parameters match
// slashes, and nothing; the endpoint's do not.
func (h *Handler) guarded(ep endpoint) echo.HandlerFunc {
	serve := h.Gate.Require(ep.roles...)(func(c echo.Context) error {
		k := &call{echo: c, req: c.Request(), ep: &ep, caller: bankauth.From(c)}
		return h.carryOut(k)
	})
	elsewhere := h.Gate.RequireKnown()(h.nothingHere)
	return h.answered(func(c echo.Context) error {
		if _, ok := ep.matches(c.Request()); !ok {
			return elsewhere(c)
		}
		return serve(c)
	})
}

// nothingHere answers what no endpoint matched: 405 for a path that other methods
// know, 404 otherwise.
func (h *Handler) nothingHere(c echo.Context) error {
	var methods []string
	for _, ep := range endpoints() {
		if _, ok := ep.matches(c.Request()); ok {
			methods = append(methods, ep.method)
		}
	}
	return edge.ErrUnserved(c.Response().Header(), methods)
}

// answered stamps the answer before anything can go wrong, and answers what fails.
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
	if err := h.identify(k); err != nil {
		return err
	}
	h.readStaff(k)
	if k.ep.method != http.MethodGet {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(k.ctx()), patience)
		defer cancel()
		k.req = k.req.WithContext(ctx)
	}
	said, err := k.ep.serve(h, k)
	if err != nil {
		return err
	}
	if said.body == nil {
		k.echo.Response().Header().Set(echo.HeaderCacheControl, "no-store")
		return k.echo.NoContent(http.StatusNoContent)
	}
	h.send(k.echo, said.status, said.body)
	return nil
}

// said is what a call is answered; without a body it is 204.
type said struct {
	status int
	body   []byte
}

// ok answers what is known.
func ok(body []byte, err error) (said, error) { return said{http.StatusOK, body}, err }

// send answers. What is told of customers is nobody's to keep on the way.
func (h *Handler) send(c echo.Context, status int, body []byte) {
	header := c.Response().Header()
	header.Set(echo.HeaderCacheControl, "no-store")
	header.Set(echo.HeaderContentType, mediaJSON)
	c.Response().WriteHeader(status)
	if _, err := c.Response().Write(body); err != nil {
		h.Log.DebugContext(c.Request().Context(), "the client went away", "requestId", edge.RequestID(c), "error", err)
	}
}

// mustJSON writes what consists of strings, numbers and JSON that was read before.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
