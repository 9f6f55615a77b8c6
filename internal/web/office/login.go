package office

import (
	"errors"
	"net/http"
	"net/url"
	"path"

	"github.com/labstack/echo/v4"

	"consentd/internal/staff"
)

// toLogin sends somebody who is not logged in to the log-in. Afterwards they see the
// page that they have asked for; a form was not done, and is to be filled in again.
func (p *Pages) toLogin(c echo.Context) error {
	back := Base
	if c.Request().Method == http.MethodGet {
		back = c.Request().URL.RequestURI()
	}
	return see(c, Base+"/login?"+url.Values{"back": {back}}.Encode())
}

// login sends the browser to the provider.
func (p *Pages) login(c echo.Context) error {
	back := local(c.QueryParam("back"))
	// The cookie of the log-in comes back to the origin that the provider knows, and only
	// there. "at" says that the browser was sent there already.
	if origin := p.Staff.Origin(c.Request()); c.QueryParam("at") == "" && origin != p.origin(c.Request()) {
		return see(c, origin+Base+"/login?"+url.Values{"back": {back}, "at": {"1"}}.Encode())
	}
	address, err := p.Staff.Begin(c.Response(), c.Request(), back)
	if err != nil {
		return p.problem(&visit{c: c}, err)
	}
	return see(c, address)
}

// origin is that of the pages as the request says.
func (p *Pages) origin(r *http.Request) string {
	if p.Secure(r) {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// maxBack is the longest address that is gone back to, in bytes: it travels in a cookie.
const maxBack = 1500

// local is a path of these pages, or the first one: nobody is sent elsewhere by a link
// to the log-in, nor round in circles.
func local(back string) string {
	u, err := url.Parse(back)
	if err != nil || len(back) > maxBack || u.Scheme != "" || u.Host != "" || u.User != nil || !Owns(u.Path) ||
		path.Clean(u.Path) != u.Path || u.Path == Base+"/login" || u.Path == Base+"/callback" {
		return Base
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}

// callback ends the trip to the provider.
func (p *Pages) callback(c echo.Context) error {
	back, err := p.Staff.Finish(c.Response(), c.Request())
	if err != nil {
		return p.problem(&visit{c: c}, err)
	}
	return see(c, local(back))
}

func (p *Pages) logout(v *visit) error {
	p.Staff.Leave(v.c.Response(), v.c.Request())
	return see(v.c, Base+"/left")
}

// left is the page of those who have logged out.
func (p *Pages) left(c echo.Context) error {
	if _, err := p.Staff.Who(c.Response(), c.Request()); !errors.Is(err, staff.ErrNobody) {
		return see(c, Base)
	}
	return p.write(&visit{c: c}, http.StatusOK, &sheet{Kind: "left", Title: "You are logged out"})
}
