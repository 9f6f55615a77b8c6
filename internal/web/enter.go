package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
)

// sessionCookie names the cookie by which we know who is logged in.
const sessionCookie = "consentd-session"

// endedCookie says on the next page for logging in that a session has ended.
const endedCookie = "consentd-ended"

const endedFor = 60 // seconds in which that page is opened

// home is where people come who know no more than where the pages are.
func (d *Dashboard) home(c echo.Context) error { return see(&look{c: c}, boardPath) }

// login begins to log somebody in.
func (d *Dashboard) login(c echo.Context) error {
	l := d.glance(c)
	handle, err := d.Sessions.Begin(l.ctx(), l.speech.Tag)
	if err != nil {
		return d.trouble(l, err)
	}
	return see(l, "/sca/"+url.PathEscape(handle))
}

// enter is where the browser comes when somebody has logged in.
func (d *Dashboard) enter(c echo.Context) error {
	l := d.glance(c)
	value, err := d.Sessions.Enter(l.ctx(), c.Param("handle"), l.browser)
	if err != nil {
		return d.stranger(l, err)
	}
	c.SetCookie(d.cookie(c.Request(), d.cookieName(c.Request(), sessionCookie), value))
	return see(l, boardPath)
}

// logout ends the session.
func (d *Dashboard) logout(l *look) error {
	if err := d.Sessions.Leave(l.ctx(), l.session); err != nil {
		return d.trouble(l, err)
	}
	d.forget(l)
	return see(l, logoutPath)
}

// forget takes the session's cookie from the browser.
func (d *Dashboard) forget(l *look) {
	cookie := d.cookie(l.c.Request(), d.cookieName(l.c.Request(), sessionCookie), "") //nolint:gosec // G124: set by cookie
	cookie.MaxAge = -1
	l.c.SetCookie(cookie)
}

// outside turns away those who are not logged in, or not any more: to log in; an
// answer that they have sent is not carried out, and they are told.
func (d *Dashboard) outside(l *look) error {
	had := l.session != ""
	if had {
		d.forget(l)
	}
	if l.c.Request().Method == http.MethodPost {
		return d.over(l)
	}
	if had {
		cookie := d.cookie(l.c.Request(), endedCookie, "1") //nolint:gosec // G124: set by cookie
		cookie.MaxAge = endedFor
		l.c.SetCookie(cookie)
	}
	return see(l, loginPath)
}

// sawEnd reports whether the person's session has ended just now, and forgets it.
func (f *frame) sawEnd(c echo.Context) bool {
	if cookie, err := c.Request().Cookie(endedCookie); err != nil || cookie.Value == "" {
		return false
	}
	if c.Request().Method == http.MethodPost { // they are about to log in again
		cookie := f.cookie(c.Request(), endedCookie, "") //nolint:gosec // G124: set by cookie
		cookie.MaxAge = -1
		c.SetCookie(cookie)
	}
	return true
}

// hint is the body of the pages that have no more than a few words and a way on.
type hint struct {
	Text, Advice string
	Href, Way    string
}

// hintOf is what such a page says, as ids of messages; Way leads to Href.
type hintOf struct {
	kind                     string
	status                   int
	title, text, advice, way string
	href                     string
}

// tell shows a page of a few words.
func (d *Dashboard) tell(l *look, h hintOf) error {
	sh, err := d.sheetOf(l, h.kind, nil)
	if err != nil {
		return err
	}
	sh.Wide = false
	body := hint{Href: h.href}
	for id, text := range map[string]*string{h.title: &sh.Heading, h.text: &body.Text, h.advice: &body.Advice, h.way: &body.Way} {
		if id == "" {
			continue
		}
		if *text, err = sh.Say(id, "Brand", d.brand); err != nil {
			return err
		}
	}
	sh.Body = body
	if h.status == http.StatusServiceUnavailable {
		l.c.Response().Header().Set("Retry-After", "5")
	}
	return d.write(l.c, h.status, sh)
}

// left is the page after logging out.
func (d *Dashboard) left(c echo.Context) error {
	l := d.glance(c)
	if l.session != "" {
		return see(l, boardPath) // nobody has logged out
	}
	return d.goodbye(l)
}

func (d *Dashboard) goodbye(l *look) error {
	return d.tell(l, hintOf{
		kind: kindLoggedOut, status: http.StatusOK, title: "session.leftTitle", text: "session.leftText", way: "action.login", href: loginPath,
	})
}

// over says that the session has ended before an answer came.
func (d *Dashboard) over(l *look) error {
	return d.tell(l, hintOf{
		kind: kindHint, status: http.StatusUnauthorized, title: "session.overTitle", text: "session.overText", way: "session.again", href: loginPath,
	})
}

// forged says that an answer did not come from our own page.
func (d *Dashboard) forged(l *look) error {
	return d.tell(l, hintOf{
		kind: kindHint, status: http.StatusForbidden, title: "problem.forged.title", text: "session.forgedText", way: "session.home", href: boardPath,
	})
}

// stranger says why somebody is not let in who has come from logging in.
func (d *Dashboard) stranger(l *look, err error) error {
	code := consent.CodeOf(err)
	p := problemOf(code).ofBank()
	if p.status == http.StatusInternalServerError || p.status == http.StatusServiceUnavailable {
		return d.trouble(l, err)
	}
	return d.tell(l, hintOf{
		kind: kindHint, status: p.status, title: p.title, text: p.text, way: "session.again", href: loginPath,
	})
}

// trouble says what went wrong, to somebody who is logged in or about to be.
func (d *Dashboard) trouble(l *look, err error) error {
	code := consent.CodeOf(err)
	if code == consent.CodeInternal || code == consent.CodeUnavailable {
		d.log.ErrorContext(l.ctx(), "dashboard page failed", "code", string(code), "error", err)
	}
	p := problemOf(code).ofBank()
	h := hintOf{kind: kindHint, status: p.status, title: p.title, text: p.text, advice: p.advice, way: "session.home", href: boardPath}
	if p.status == http.StatusNotFound {
		h.title, h.text = "session.unknownTitle", "session.unknownText"
	}
	if p.again {
		h.way, h.href = "action.again", again(l)
	}
	return d.tell(l, h)
}

// again is the page to open another time: this one, or the one that sent the answer.
func again(l *look) string {
	if l.c.Request().Method == http.MethodGet || strings.HasSuffix(l.c.Path(), "/stop") {
		return l.c.Request().URL.Path
	}
	return boardPath
}
