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

// cookieName is how a cookie is called that only this very host may set.
func (f *frame) cookieName(r *http.Request, name string) string {
	if f.secure(r) {
		return "__Host-" + name
	}
	return name
}

// browser is what the request's cookie says; empty when there is none of ours.
func (f *frame) browser(r *http.Request) string { return f.kept(r, browserCookie) }

// kept is the value of a cookie that we have made; empty for none.
func (f *frame) kept(r *http.Request, name string) string {
	cookie, err := r.Cookie(f.cookieName(r, name))
	if err != nil || !minted.MatchString(cookie.Value) {
		return ""
	}
	return cookie.Value
}

// ensureBrowser gives the browser a cookie unless it has one.
func (f *frame) ensureBrowser(c echo.Context) string {
	if known := f.browser(c.Request()); known != "" {
		return known
	}
	value := secret.Handle()
	c.SetCookie(f.cookie(c.Request(), f.cookieName(c.Request(), browserCookie), value))
	return value
}

func (f *frame) cookie(r *http.Request, name, value string) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // G124: Secure follows the connection; all three are set
		Name:     name,
		Value:    value,
		Path:     "/",
		Secure:   f.secure(r), // a browser takes no Secure cookie over plain http, on which the sandbox runs
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode, // Strict would hide it when the browser comes from the TPP
	}
}

// token is what a form of a run, or of a session, must carry in this browser.
func (f *frame) token(handle, browser string) string {
	return base64.RawURLEncoding.EncodeToString(f.keys.MAC("web csrf", []byte(browser), []byte(handle)))
}

// genuine tells whether a form was sent from our own page in this browser.
func (s *SCA) genuine(r *http.Request, v *visit, token string) bool {
	return s.honest(r, token, s.token(v.handle, v.browser)) && v.browser != ""
}

// honest tells whether a form came from a page of ours, and carries the token that it
// was given.
func (f *frame) honest(r *http.Request, token, want string) bool {
	return f.own(r) && subtle.ConstantTimeCompare([]byte(token), []byte(want)) == 1
}

// own tells whether the Origin header, if there is one, is ours. Our pages are
// sent with Referrer-Policy same-origin, under which browsers send it in full;
// "null" comes from nowhere of ours.
func (f *frame) own(r *http.Request) bool {
	origin := r.Header.Get(echo.HeaderOrigin)
	if origin == "" {
		return true
	}
	if f.home != "" {
		return strings.EqualFold(origin, f.home)
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}
