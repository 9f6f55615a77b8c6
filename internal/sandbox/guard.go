package sandbox

import (
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

// guard refuses calls that a web page from elsewhere could make: under a name
// that was bent to this machine (DNS rebinding), or across origins.
func (s *Sandbox) guard(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if !s.ours(r.Host) {
			return s.fail(c, consent.At(consent.CodeForbidden, "Header.Host", "the sandbox does not answer under this name"))
		}
		if !sameOrigin(r) {
			return s.fail(c, consent.At(consent.CodeForbidden, "Header.Origin", "the sandbox answers its own pages only"))
		}
		return next(c)
	}
}

// ours reports whether a Host header names this machine.
func (s *Sandbox) ours(host string) bool {
	name := host
	if h, port, err := net.SplitHostPort(host); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return false // pages show the header, in a command to paste too
		}
		name = h
	}
	name = strings.ToLower(strings.Trim(name, "[]"))
	if addr, err := netip.ParseAddr(name); err == nil && addr.IsLoopback() {
		return true
	}
	return name == "localhost" || slices.Contains(s.Hosts, name)
}

// sameOrigin reports whether no other origin is behind a request. Programs send
// neither of these headers.
func sameOrigin(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		return err == nil && strings.EqualFold(u.Host, r.Host)
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true // a link from elsewhere, which changes nothing
	}
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "" || site == "same-origin" || site == "none"
}

// baseURL is where a request found this server.
func baseURL(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}
