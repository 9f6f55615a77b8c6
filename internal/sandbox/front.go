package sandbox

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"consentd/internal/sandbox/pages"
)

// page sets the headers of the sandbox's pages. Browsers that come over TLS are
// sent to plain http, where they meet no certificate of an authority that they
// do not know; a proxy in front may speak TLS to the sandbox itself.
func (s *Sandbox) page(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		pages.SetHeaders(c.Response().Header())
		if r := c.Request(); r.TLS != nil && s.Public == "" && r.Method == http.MethodGet && pages.WantsHTML(r) {
			return c.Redirect(http.StatusFound, s.here(r)+r.URL.RequestURI())
		}
		return next(c)
	}
}

// answers are how the sandbox answers.
func (s *Sandbox) answers() pages.Answers { return pages.Answers{Log: s.Log} }

func (s *Sandbox) fail(c echo.Context, err error) error { return s.answers().Fail(c, err) }

func (s *Sandbox) problem(c echo.Context, err error) error { return s.answers().Problem(c, err) }

func (s *Sandbox) judge(c echo.Context, err error) (int, pages.Fault) {
	return s.answers().Judge(c, err)
}

func (s *Sandbox) render(c echo.Context, status int, name string, data any) error {
	return s.answers().Render(c, status, name, data)
}
