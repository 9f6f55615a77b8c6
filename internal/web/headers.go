package web

import (
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/service/sca"
)

// protect sets the headers that every answer carries.
func (f *frame) protect(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		for name, value := range securityHeaders {
			h.Set(name, value)
		}
		h.Set(echo.HeaderContentSecurityPolicy, policy(false, nil))
		if f.secure(c.Request()) {
			h.Set(echo.HeaderStrictTransportSecurity, "max-age=31536000")
		}
		return next(c)
	}
}

var securityHeaders = map[string]string{
	echo.HeaderCacheControl:        "no-store",
	echo.HeaderXContentTypeOptions: "nosniff",
	echo.HeaderXFrameOptions:       "DENY",
	// The handle is in the address, so no other site may see it. no-referrer
	// would do too, but makes browsers send Origin: null with our own forms.
	echo.HeaderReferrerPolicy:      "same-origin",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "accelerometer=(), camera=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()",
	"X-Robots-Tag":                 "noindex, nofollow",
}

// policy is the Content-Security-Policy of a page whose forms may lead to the
// given sources besides ourselves. Scripts, our own only, run where a page asks
// for a passkey.
func policy(scripts bool, sources []string) string {
	directives := []string{
		"default-src 'none'",
		"style-src 'self'",
		"img-src 'self' data:",
		"base-uri 'none'",
		"frame-ancestors 'none'",
		strings.Join(append([]string{"form-action 'self'"}, sources...), " "),
	}
	if scripts {
		directives = append(directives, "script-src 'self'")
	}
	return strings.Join(directives, "; ")
}

// allowForms lets the forms of this run's pages lead to its TPP. Chromium and
// Safari hold form-action against every redirect that follows a POST, those
// that the TPP's own pages make included.
func (s *SCA) allowForms(v *visit) {
	if v.view == nil || v.view.Consent == nil && !ours(v.view) {
		return
	}
	sources := s.sources(v.c.Request(), v.view)
	v.c.Response().Header().Set(echo.HeaderContentSecurityPolicy, policy(asksPasskey(v.view), sources))
}

// sources are the places, as a policy names them, to which this run's forms may lead.
func (s *SCA) sources(r *http.Request, v *sca.View) []string {
	var sources []string
	if t, ok := elsewhere(v.URL); ok {
		sources = append(sources, t.source)
	}
	for _, uri := range s.led(r, v.Consent) {
		if t, ok := s.target(uri); ok {
			sources = append(sources, t.source)
		}
	}
	for _, onward := range s.Onward {
		if t, ok := s.target(onward); ok {
			sources = append(sources, t.source)
		} else if onward == "https:" || onward == "http:" {
			sources = append(sources, onward)
		}
	}
	slices.Sort(sources)
	return slices.Compact(sources)
}

// led are the addresses to which a consent's TPP has the browser sent; none where the
// bank itself asks.
func (s *SCA) led(r *http.Request, c *consent.Consent) []string {
	if c == nil {
		return nil
	}
	led := []string{c.RedirectURI, c.NokRedirectURI}
	if s.Beyond != nil {
		led = append(led, s.Beyond(r, c.RedirectURI))
	}
	return led
}

// target is an address outside to which the browser may be sent.
type target struct {
	href   template.URL // vetted, hence not filtered again by the template
	source string       // its origin, or scheme, as a source of a Content-Security-Policy
	host   string       // with its port
}

// target reads an address and judges it, by the rule by which it was taken.
func (s *SCA) target(uri string) (target, bool) {
	u, err := consent.ParseRedirectURI(uri, s.AppSchemes)
	if err != nil {
		return target{}, false
	}
	// #nosec G203 -- only an address with a scheme and a host that were checked gets here
	return target{href: template.URL(uri), source: sourceOf(u)}, true
}

// sourceOf is built from checked parts, so that no address can add a word to the
// policy. An IPv6 address and a name in other letters cannot be written in one:
// there, and for an app, it is the scheme.
func sourceOf(u consent.RedirectURI) string {
	switch {
	case u.Host == "" || strings.Contains(u.Host, ":") || !ascii(u.Host):
		return u.Scheme + ":"
	case u.Port == 0:
		return u.Scheme + "://" + u.Host
	default:
		return u.Scheme + "://" + u.Host + ":" + strconv.Itoa(int(u.Port))
	}
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > '~' })
}
