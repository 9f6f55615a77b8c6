package sandbox

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

//go:embed pages
var pageFiles embed.FS

// templates are the pages. Each defines "title" and "main" of the frame.
var templates = map[string]*template.Template{
	"start":    parsePage("start"),
	"tools":    parsePage("tools"),
	"clock":    parsePage("clock"),
	"time":     parsePage("time"),
	"people":   parsePage("people"),
	"person":   parsePage("person"),
	"recent":   parsePage("recent"),
	"return":   parsePage("return"),
	"phone":    parsePage("phone"),
	"problem":  parsePage("problem"),
	"requests": parsePage("requests"),
	"request":  parsePage("request"),
	"faults":   parsePage("faults"),
}

func parsePage(name string) *template.Template {
	return template.Must(template.New("frame.html").Funcs(template.FuncMap{
		"nav":      func() []navLink { return nav(name) },
		"stamp":    func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04:05") },
		"iso":      func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"group":    grouped,
		"minus":    func(amount string) string { return strings.Replace(amount, "-", "−", 1) },
		"sentence": sentence,
		"hour":     func(t time.Time) string { return t.Format("15:04") },
		"day":      func(t time.Time) string { return t.Format("Monday, 2 January 2006") },
	}).ParseFS(pageFiles, "pages/frame.html", "pages/"+name+".html"))
}

// sentence makes one of the text of an error, which begins in lower case and has
// no full stop.
func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] + "." }

// grouped writes an IBAN in groups of four, as people read it.
func grouped(iban string) string {
	var b strings.Builder
	for i, r := range iban {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

var pageHeaders = map[string]string{
	echo.HeaderCacheControl:        "no-store",
	echo.HeaderXContentTypeOptions: "nosniff",
	// no-referrer would make browsers send Origin: null with our own forms.
	echo.HeaderReferrerPolicy:      "same-origin",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"X-Robots-Tag":                 "noindex, nofollow",
	// What changes by itself is framed by the page around it, nothing else by anything.
	echo.HeaderXFrameOptions: "SAMEORIGIN",
	echo.HeaderContentSecurityPolicy: "default-src 'none'; style-src 'self'; frame-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'self'",
}

// page sets the headers of the sandbox's pages. Browsers that come over TLS are
// sent to plain http, where they meet no certificate of an authority that they
// do not know; a proxy in front may speak TLS to the sandbox itself.
func (s *Sandbox) page(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		for name, value := range pageHeaders {
			c.Response().Header().Set(name, value)
		}
		if r := c.Request(); r.TLS != nil && s.Public == "" && r.Method == http.MethodGet && wantsHTML(r) {
			return c.Redirect(http.StatusFound, s.here(r)+r.URL.RequestURI())
		}
		return next(c)
	}
}

// render writes a page. It is built whole first, so that a fault in a template
// is a 500 and not half a page.
func (s *Sandbox) render(c echo.Context, status int, name string, data any) error {
	var b bytes.Buffer
	if err := templates[name].Execute(&b, data); err != nil {
		return s.fail(c, fmt.Errorf("render page %s: %w", name, err))
	}
	return c.HTMLBlob(status, b.Bytes())
}

// problem shows an error to people.
func (s *Sandbox) problem(c echo.Context, err error) error {
	status, body := s.judge(c, err)
	return s.render(c, status, "problem", body)
}

// refresh makes a browser load the page again after some seconds, without a
// script.
func refresh(c echo.Context, seconds int) {
	c.Response().Header().Set("Refresh", strconv.Itoa(seconds))
}

func style(c echo.Context) error {
	css, err := pageFiles.ReadFile("pages/style.css")
	if err != nil {
		return fmt.Errorf("style sheet: %w", err)
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-cache")
	return c.Blob(http.StatusOK, "text/css; charset=utf-8", css)
}

// wantsHTML reports whether a request prefers a page to JSON, as browsers do.
// What takes anything gets JSON.
func wantsHTML(r *http.Request) bool {
	html, json := 0.0, 0.0
	for part := range strings.SplitSeq(strings.Join(r.Header.Values(echo.HeaderAccept), ","), ",") {
		kind, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		switch strings.ToLower(strings.TrimSpace(kind)) {
		case "text/html", "application/xhtml+xml":
			html = max(html, quality(params))
		case echo.MIMEApplicationJSON:
			json = max(json, quality(params))
		}
	}
	return html > json
}

// quality reads the weight of a media range (RFC 9110 §12.4.2); 1 when none is given.
func quality(params string) float64 {
	for p := range strings.SplitSeq(params, ";") {
		if q, ok := strings.CutPrefix(strings.ReplaceAll(p, " ", ""), "q="); ok {
			weight, err := strconv.ParseFloat(q, 64)
			if err != nil {
				return 0
			}
			return weight
		}
	}
	return 1
}
