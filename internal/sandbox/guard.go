package sandbox

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
)

// open are the paths that monitors ask for, by whatever name: they change and
// tell nothing of anybody's.
var open = []string{"/healthz", "/readyz", "/metrics"}

// guard refuses calls that a web page from elsewhere could make: under a name
// that was bent to this machine (DNS rebinding), or across origins.
func (s *Sandbox) guard(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		switch {
		case slices.Contains(open, r.URL.Path):
			return next(c)
		case !s.ours(r.Host):
			return s.refuse(c, "Header.Host", "the sandbox does not answer under this name")
		case !s.sameOrigin(r):
			return s.refuse(c, "Header.Origin", "the sandbox answers its own pages only")
		default:
			return next(c)
		}
	}
}

// refuse answers 403. On its own paths the API does it, in its own form, for
// which the error is handed to the router.
func (s *Sandbox) refuse(c echo.Context, path, text string) error {
	if s.Owns(c.Request().URL.Path) {
		return consent.At(consent.CodeBlocked, path, "%s", text)
	}
	return s.fail(c, consent.At(consent.CodeForbidden, path, "%s", text))
}

// ours reports whether a Host header names this machine.
func (s *Sandbox) ours(host string) bool {
	name := host
	if h, port, err := net.SplitHostPort(host); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return false // pages show the header, in a command to paste too
		}
		name = h
	} else if strings.HasPrefix(name, "[") && strings.HasSuffix(name, "]") {
		name = name[1 : len(name)-1]
	}
	name = strings.ToLower(name)
	// A zone could hold anything, and a command to paste would have it.
	if addr, err := netip.ParseAddr(name); err == nil && addr.Zone() == "" && (s.AnyAddress || addr.IsLoopback()) {
		return true
	}
	return name == "localhost" || slices.Contains(s.Hosts, name)
}

// sameOrigin reports whether no other origin is behind a request. Programs send
// neither of these headers. Forms that are sent to the bank's pages are judged
// by package web, which refuses those of others in the PSU's language; a TPP's page
// may send an authorization request as a form (RFC 6749 §3.1).
func (s *Sandbox) sameOrigin(r *http.Request) bool {
	if r.Method == http.MethodPost && (strings.HasPrefix(r.URL.Path, "/sca/") || r.URL.Path == "/oauth2/authorize") {
		return true
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		return err == nil && (strings.EqualFold(u.Host, r.Host) || s.Public != "" && strings.EqualFold(origin, s.Public))
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true // a link from elsewhere, which changes nothing
	}
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "" || site == "same-origin" || site == "none"
}

// base is what addresses begin with that others are to use: where the sandbox is
// reached through the proxy in front of it or, without one, here.
func (s *Sandbox) base(r *http.Request) string {
	if s.Public != "" {
		return s.Public
	}
	return s.here(r)
}

// here is where a request's host serves plain http, for calls to this server itself.
func (s *Sandbox) here(r *http.Request) string {
	if s.Base == nil {
		return "http://" + r.Host
	}
	return s.Base(r)
}

// hint tells callers of the API who forget what stands before its paths. It is for
// paths only that nobody serves.
func (s *Sandbox) hint(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		r := c.Request()
		if s.BasePath == "" || !errors.Is(err, echo.ErrNotFound) || s.Owns(r.URL.Path) || !s.Owns(s.BasePath+r.URL.Path) {
			return err
		}
		return c.String(http.StatusNotFound, "there is nothing here: the paths of the API begin with "+s.BasePath+", as "+s.base(r)+s.BasePath+"/v1/accounts\n")
	}
}

// secure is where a request's host asks for certificates; empty for nowhere.
func (s *Sandbox) secure(r *http.Request) string {
	if s.Secure == nil {
		return ""
	}
	return s.Secure(r)
}

// returnBase is where the demo TPP has a PSU sent back to: base, or localhost
// where base is no loopback address, since the API takes http there only.
func returnBase(base string) string {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" {
		return base
	}
	name := strings.ToLower(u.Hostname())
	if addr, err := netip.ParseAddr(name); name == "localhost" || err == nil && addr.IsLoopback() {
		return base
	}
	if u.Port() == "" {
		return "http://localhost"
	}
	return "http://localhost:" + u.Port()
}
