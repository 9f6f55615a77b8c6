package office

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	service "consentd/internal/service/office"
	"consentd/internal/staff"
)

// Base is the path of the first page; all others are below it.
const Base = "/back-office"

// Office are the use cases behind the pages.
type Office interface {
	User(ctx context.Context, cause consent.Cause, psu string) (uuid.UUID, error)
	Search(ctx context.Context, cause consent.Cause, q service.Query) (*service.Found, error)
	Get(ctx context.Context, cause consent.Cause, id uuid.UUID) (*service.Detail, error)
	Looked(ctx context.Context, cause consent.Cause, what string) error
	Preview(ctx context.Context, cause consent.Cause, a service.Act) (int, error)
	Do(ctx context.Context, cause consent.Cause, a service.Act) (service.Outcome, error)
	Open(ctx context.Context) ([]service.Proposal, error)
	Decide(ctx context.Context, cause consent.Cause, id uuid.UUID, how service.State) (*service.Proposal, error)
}

// Pages serves the pages.
type Pages struct {
	Office Office
	Staff  *staff.Staff
	// FourEyes says that what is done here is a proposal first.
	FourEyes bool
	Brand    string         // the bank's name
	Zone     *time.Location // in which times are read; nil: UTC
	Log      *slog.Logger
	// Secure tells whether the browser came over https; nil: whether this connection is TLS.
	Secure func(*http.Request) bool

	look *look
}

// Mount adds the routes. Call it once, before the server starts.
func (p *Pages) Mount(e *echo.Echo) {
	if p.Brand == "" {
		p.Brand = "Sandbox Bank"
	}
	if p.Zone == nil {
		p.Zone = time.UTC
	}
	if p.Secure == nil {
		p.Secure = func(r *http.Request) bool { return r.TLS != nil }
	}
	p.look = newLook()
	g := e.Group(Base, p.protect)
	g.GET("/login", p.login)
	g.GET("/callback", p.callback)
	g.GET("/left", p.left)
	g.GET("/assets/:name", p.look.serve)
	g.POST("/logout", p.form(anybody, p.logout))
	g.GET("", p.page(anybody, p.search))
	g.GET("/search", p.page(anybody, func(v *visit) error { return see(v.c, Base) }))
	g.POST("/search", p.form(anybody, p.sought))
	g.GET("/customers/:user", p.page(anybody, p.customer))
	g.GET("/consents/:id", p.page(anybody, p.consent))
	g.POST("/consents/:id", p.form(staff.Person.Moves, p.act))
	g.GET("/bulk", p.page(staff.Person.Supervises, p.bulk))
	g.POST("/bulk", p.form(staff.Person.Supervises, p.actOnMany))
	g.GET("/approvals", p.page(anybody, p.approvals))
	g.POST("/approvals/:id", p.form(staff.Person.Moves, p.decide))
	g.GET("/*", p.page(anybody, func(*visit) error { return consent.E(consent.CodePathUnknown, "there is no such page") }))
}

// Owns reports whether a path is one of these pages.
func Owns(path string) bool { return path == Base || strings.HasPrefix(path, Base+"/") }

// anybody of the staff, of whatever role.
func anybody(staff.Person) bool { return true }

// visit is a request of somebody who is logged in.
type visit struct {
	c       echo.Context
	session *staff.Session
	form    url.Values // of a POST
}

func (v *visit) ctx() context.Context { return v.c.Request().Context() }

// cause is whom the audit names.
func (v *visit) cause() consent.Cause {
	id := v.c.Response().Header().Get(echo.HeaderXRequestID)
	if id == "" {
		id = uuid.NewString()
	}
	return consent.Cause{By: consent.ByASPSP, Who: v.session.Who(), RequestID: id}
}

// page serves those who may open it; others get to the log-in, or a page that says so.
func (p *Pages) page(may func(staff.Person) bool, serve func(*visit) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		session, err := p.Staff.Who(c.Response(), c.Request())
		if errors.Is(err, staff.ErrNobody) {
			return p.toLogin(c)
		}
		v := &visit{c: c, session: session}
		if err != nil {
			return p.problem(v, err)
		}
		if !may(session.Person) {
			return p.problem(v, errRole)
		}
		if err := serve(v); err != nil {
			return p.problem(v, err)
		}
		return nil
	}
}

// form serves a POST of a form of our own.
func (p *Pages) form(may func(staff.Person) bool, serve func(*visit) error) echo.HandlerFunc {
	return p.page(may, func(v *visit) error {
		form, err := readForm(v.c)
		if err != nil {
			return err
		}
		if !p.own(v.c.Request()) || !p.Staff.Genuine(v.session, form.Get("csrf")) {
			return errForged
		}
		v.form = form
		return serve(v)
	})
}

// own tells whether the Origin header, if there is one, is ours.
func (p *Pages) own(r *http.Request) bool {
	origin := r.Header.Get(echo.HeaderOrigin)
	return origin == "" || strings.EqualFold(origin, p.Staff.Origin(r))
}

const maxForm = 16 << 10 // bytes

// readForm reads the fields of a POST. Fails with CodeMediaType, CodeTooLarge and CodeFormat.
func readForm(c echo.Context) (url.Values, error) {
	r := c.Request()
	kind, _, err := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType))
	if err != nil || kind != echo.MIMEApplicationForm {
		return nil, consent.E(consent.CodeMediaType, "not a form")
	}
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, consent.E(consent.CodeTooLarge, "a form of more than %d bytes", maxForm)
		}
		return nil, consent.E(consent.CodeFormat, "the form cannot be read").Because(fmt.Errorf("%T", err))
	}
	return r.PostForm, nil
}

// protect sets the headers that every answer carries.
func (p *Pages) protect(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		for name, value := range securityHeaders {
			h.Set(name, value)
		}
		if p.Secure(c.Request()) {
			h.Set(echo.HeaderStrictTransportSecurity, "max-age=31536000")
		}
		return next(c)
	}
}

var securityHeaders = map[string]string{
	echo.HeaderCacheControl:        "no-store",
	echo.HeaderXContentTypeOptions: "nosniff",
	echo.HeaderXFrameOptions:       "DENY",
	// Addresses hold ids of customers. no-referrer would make browsers send Origin: null.
	echo.HeaderReferrerPolicy:      "same-origin",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "accelerometer=(), camera=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()",
	"X-Robots-Tag":                 "noindex, nofollow",
	echo.HeaderContentSecurityPolicy: "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; " +
		"frame-ancestors 'none'; form-action 'self'",
}

// see has the browser fetch a page, after a form was done.
func see(c echo.Context, path string) error {
	return c.Redirect(http.StatusSeeOther, path) //nolint:wrapcheck // the framework's own error
}
