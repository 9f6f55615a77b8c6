package web

import (
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"

	"consentd/internal/secret"
)

// browserCookie names the cookie by which a run knows its browser. Over https
// the prefix makes browsers refuse it from anyone but this very host.
const browserCookie = "consentd-browser"

// minted is what secret.Handle makes: anything else in the cookie is not ours.
var minted = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

func (s *SCA) cookieName(r *http.Request) string {
	if s.Secure(r) {
		return "__Host-" + browserCookie
	}
	return browserCookie
}

// browser is what the request's cookie says; empty when there is none of ours.
func (s *SCA) browser(r *http.Request) string {
	cookie, err := r.Cookie(s.cookieName(r))
	if err != nil || !minted.MatchString(cookie.Value) {
		return ""
	}
	return cookie.Value
}

// ensureBrowser gives the browser a cookie unless it has one.
func (s *SCA) ensureBrowser(c echo.Context) string {
	if known := s.browser(c.Request()); known != "" {
		return known
	}
	value := secret.Handle()
	c.SetCookie(s.cookie(c.Request(), s.cookieName(c.Request()), value))
	return value
}

func (s *SCA) cookie(r *http.Request, name, value string) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // G124: Secure follows the connection; all three are set
		Name:     name,
		Value:    value,
		Path:     "/",
		Secure:   s.Secure(r), // a browser takes no Secure cookie over plain http, on which the sandbox runs
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode, // Strict would hide it when the browser comes from the TPP
	}
}

// token is what a form of this run must carry in this browser.
func (s *SCA) token(handle, browser string) string {
	return base64.RawURLEncoding.EncodeToString(s.Keys.MAC("web csrf", []byte(browser), []byte(handle)))
}

// genuine tells whether a form was sent from our own page in this browser.
func (s *SCA) genuine(r *http.Request, v *visit, token string) bool {
	if v.browser == "" || !s.own(r) {
		return false
	}
	return subtle.ConstantTimeCompare([]byte(token), []byte(s.token(v.handle, v.browser))) == 1
}

// own tells whether the Origin header, if there is one, is ours. Our pages are
// sent with Referrer-Policy same-origin, under which browsers send it in full;
// "null" comes from nowhere of ours.
func (s *SCA) own(r *http.Request) bool {
	origin := r.Header.Get(echo.HeaderOrigin)
	if origin == "" {
		return true
	}
	if s.Origin != "" {
		return strings.EqualFold(origin, s.Origin)
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}
