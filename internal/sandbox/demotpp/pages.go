package demotpp

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"consentd/internal/sandbox/pages"
	"consentd/pkg/xs2a"
)

//go:embed pages tpp.css
var files embed.FS

// templates are the pages, each read when it is first shown: a server that shows
// none starts sooner. Each defines "title" and "main" of the frame.
var templates = map[string]func() *template.Template{
	"new":     page("new"),
	"consent": page("consent"),
	"data":    page("data"),
	"log":     page("log"),
	"problem": page("problem"),

	"stet":       page("stet"),
	"connection": page("connection"),
}

func page(name string) func() *template.Template {
	return sync.OnceValue(func() *template.Template { return parsePage(name) })
}

func parsePage(name string) *template.Template {
	return template.Must(template.New("frame.html").Funcs(template.FuncMap{
		"minus": pages.Minus,
		"shown": func(x *exchange, open bool) shownExchange { return shownExchange{*x, open} },
		"statuses": func() []xs2a.BookingStatus {
			return []xs2a.BookingStatus{xs2a.StatusBooked, xs2a.StatusPending, xs2a.StatusBoth, xs2a.StatusInformation, xs2a.StatusAll}
		},
		"each": func(x exchange) shownExchange { return shownExchange{x, false} },
		"step": func(x exchange, open bool) shownExchange { return shownExchange{x, open} },
	}).ParseFS(files, "pages/frame.html", "pages/exchange.html", "pages/table.html", "pages/"+name+".html"))
}

// shownExchange is an exchange on a page, unfolded or not.
type shownExchange struct {
	exchange
	Open bool
}

// place is what every page knows of where it is.
type place struct {
	Name     string // of the page, for its monitors
	Bank     string // the bank's address
	Secure   bool   // whether certificates are shown there
	STET     bool   // whether it speaks STET
	Password string // of all who are proposed
	// Elsewhere is where the bank sends the browser back to, where that is not the
	// host by which it came: this page's cookie will not come along.
	Elsewhere string
}

func (a *App) place(c echo.Context) place {
	r := c.Request()
	p := place{Bank: a.reached(r), Secure: secure(a.Bank(r)), STET: a.STETPath != "", Password: a.Password}
	if home := a.Home(r); r.TLS == nil && !strings.HasSuffix(home, "://"+r.Host) {
		p.Elsewhere = home
	}
	return p
}

// maxForm is how large a form may be, in bytes.
const maxForm = 64 << 10

// readForm reads what a page's form says.
func readForm(c echo.Context) (url.Values, error) {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return nil, fmt.Errorf("read the form: %w", err)
	}
	return r.PostForm, nil
}

// setHeaders sets what the sandbox's pages are sent with, but for frames: these
// pages have none, and stand in none.
func setHeaders(h http.Header) {
	pages.SetHeaders(h)
	h.Set(echo.HeaderXFrameOptions, "DENY")
	h.Set(echo.HeaderContentSecurityPolicy, "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
}

// page sets the headers of all pages. Browsers that come over TLS are sent to where
// the bank sends them back to: there they meet no certificate that they do not
// know, and their cookie.
func (a *App) page(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		setHeaders(c.Response().Header())
		if r := c.Request(); r.TLS != nil && a.Public == "" && r.Method == http.MethodGet {
			return c.Redirect(http.StatusFound, a.Home(r)+r.URL.RequestURI())
		}
		return next(c)
	}
}

// render writes a page. It is built whole first, so that a fault in a template is
// a 500 and not half a page.
func (a *App) render(c echo.Context, status int, name string, data any) error {
	var b bytes.Buffer
	if err := templates[name]().Execute(&b, data); err != nil {
		return fmt.Errorf("render page %s: %w", name, err)
	}
	return c.HTMLBlob(status, b.Bytes())
}

// problemPage says why there is no page.
type problemPage struct {
	place
	Text string
}

func (a *App) problem(c echo.Context, status int, text string) error {
	return a.render(c, status, "problem", problemPage{a.place(c), text})
}

// lost is the page of a consent that this browser did not ask for, or that is no
// longer kept.
func (a *App) lost(c echo.Context) error {
	return a.problem(c, http.StatusNotFound, "This browser has no such consent here. What was done is kept in memory, for the browser that did it, until the sandbox stops.")
}

// fail is the page of a fault of this application's own.
func (a *App) fail(c echo.Context, err error) error {
	a.Log.ErrorContext(c.Request().Context(), "demo TPP", "error", err)
	return a.problem(c, http.StatusInternalServerError, "The demo TPP has no way to call the bank. The log of the sandbox says why.")
}

func style(c echo.Context) error {
	css, err := files.ReadFile("tpp.css")
	if err != nil {
		return fmt.Errorf("style sheet: %w", err)
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-cache")
	return c.Blob(http.StatusOK, "text/css; charset=utf-8", css)
}

func itoa(n int) string { return strconv.Itoa(n) }
