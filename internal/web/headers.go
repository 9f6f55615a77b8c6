package web

import (
	"html/template"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// protect sets the headers that every answer carries.
func (s *SCA) protect(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		for name, value := range securityHeaders {
			h.Set(name, value)
		}
		h.Set(echo.HeaderContentSecurityPolicy, policy(nil))
		if s.Secure(c.Request()) {
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
// given sources besides ourselves.
func policy(sources []string) string {
	return strings.Join([]string{
		"default-src 'none'",
		"style-src 'self'",
		"img-src 'self' data:",
		"base-uri 'none'",
		"frame-ancestors 'none'",
		strings.Join(append([]string{"form-action 'self'"}, sources...), " "),
	}, "; ")
}

// allowForms lets the forms of this run's pages lead to its TPP. Chromium and
// Safari hold form-action against every redirect that follows a POST, those
// that the TPP's own pages make included.
func (s *SCA) allowForms(v *visit) {
	if v.view == nil || v.view.Consent == nil {
		return
	}
	var sources []string
	for _, uri := range []string{v.view.Consent.RedirectURI, v.view.Consent.NokRedirectURI} {
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
	v.c.Response().Header().Set(echo.HeaderContentSecurityPolicy, policy(slices.Compact(sources)))
}

// target is an address outside to which the browser may be sent.
type target struct {
	href   template.URL // vetted, hence not filtered again by the template
	source string       // its origin, or scheme, as a source of a Content-Security-Policy
}

var (
	plainHost = regexp.MustCompile(`^[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?(:[0-9]{1,5})?$`)
	appScheme = regexp.MustCompile(`^[a-z][a-z0-9+.-]*$`)
)

// target reads an address and judges it. The source is built from its checked
// parts, so that no address can add a word to the policy.
func (s *SCA) target(uri string) (target, bool) {
	u, err := url.Parse(uri)
	if err != nil || u.User != nil {
		return target{}, false
	}
	// #nosec G203 -- only an address with a scheme and a host that were checked gets here
	href := template.URL(uri)
	if u.Scheme != "http" && u.Scheme != "https" {
		if slices.Contains(s.AppSchemes, u.Scheme) && appScheme.MatchString(u.Scheme) {
			return target{href: href, source: u.Scheme + ":"}, true
		}
		return target{}, false
	}
	host := strings.ToLower(u.Host)
	if plainHost.MatchString(host) {
		return target{href: href, source: u.Scheme + "://" + host}, true
	}
	// An IPv6 address and a name in other letters cannot be written in a policy.
	if u.Hostname() != "" && (strings.HasPrefix(host, "[") || !ascii(host)) {
		return target{href: href, source: u.Scheme + ":"}, true
	}
	return target{}, false
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > '~' })
}
