package bankauth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/ledger"
)

// Ledger writes down who was refused, within bounds.
type Ledger interface {
	Refused(ctx context.Context, r ledger.Refusal, receipt *consent.Receipt) error
}

// Gate stands before the calls of a surface. All fields are required.
type Gate struct {
	Callers Authenticator
	Ledger  Ledger
	Log     *slog.Logger
}

// callerKey is where a request keeps who sent it.
const callerKey = "consentd.bankauth.caller"

// From is who sent a request that a Gate has let in; the zero Caller otherwise.
func From(c echo.Context) Caller {
	caller, _ := c.Get(callerKey).(Caller)
	return caller
}

// Require lets callers in that have one of these roles; nobody where none is
// named. The others are refused by the error that the middleware returns, for
// the surface to answer in its own form: CodeUnauthenticated, with
// WWW-Authenticate on the answer, for who is not known; CodeRole for who is; or
// what the authenticator fails with otherwise. The surface has put X-Request-ID
// on the answer before.
func (g *Gate) Require(roles ...service.Role) echo.MiddlewareFunc {
	return g.admit(func(r service.Role) bool { return slices.Contains(roles, r) })
}

// RequireKnown lets in whoever is known. It is for what no caller may do, such
// as asking for a path that does not exist, which strangers don't learn.
func (g *Gate) RequireKnown() echo.MiddlewareFunc {
	return g.admit(service.Role.Known)
}

func (g *Gate) admit(may func(service.Role) bool) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			caller, err := g.Callers.Authenticate(c.Request())
			if err == nil && !may(caller.Role) {
				err = consent.E(consent.CodeRole, "the role %s may not do this", caller.Role)
			}
			caller.Certificate = shown(c.Request())
			if err != nil {
				g.refuse(c, caller, err)
				return err
			}
			c.Set(callerKey, caller)
			return next(c)
		}
	}
}

// refuse has a refusal written down. What is not the caller's fault, a database
// that does not answer, is none.
func (g *Gate) refuse(c echo.Context, caller Caller, err error) {
	code := consent.CodeOf(err)
	switch code {
	case consent.CodeUnauthenticated:
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, challenge(err))
	case consent.CodeRole:
	default:
		return
	}
	// Hanging up must not keep a refusal from being written down.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), patience)
	defer cancel()
	id := c.Response().Header().Get(echo.HeaderXRequestID)
	failed := g.Ledger.Refused(ctx, ledger.Refusal{
		Cause:     consent.Cause{By: consent.ByASPSP, Who: caller.ID, Certificate: caller.Certificate, RequestID: id},
		Operation: plainMethod(c.Request().Method) + " " + c.Path(), Code: code,
	}, nil)
	if failed != nil {
		g.Log.ErrorContext(ctx, "a refusal could not be written down", "requestId", id, "error", failed)
	}
}

// patience bounds how long a refusal may take to be written down.
const patience = 5 * time.Second

// challenge says how to authenticate (RFC 6750 §3): without an error for who has
// shown nothing.
func challenge(err error) string {
	if errors.Is(err, errNothingShown) {
		return "Bearer"
	}
	return `Bearer error="invalid_token"`
}

// plainMethod keeps what a stranger makes up out of the audit.
func plainMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	default:
		return "other"
	}
}
