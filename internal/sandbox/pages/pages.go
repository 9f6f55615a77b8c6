package pages

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

//go:embed *.html *.css *.js
var files embed.FS

// templates are the pages, each read when it is first shown: a server that shows
// none starts sooner. Each defines "title" and "main" of the frame.
var templates = map[string]func() *template.Template{
	"start":    page("start"),
	"tools":    page("tools"),
	"clock":    page("clock"),
	"time":     page("time"),
	"people":   page("people"),
	"person":   page("person"),
	"recent":   page("recent"),
	"return":   page("return"),
	"granted":  page("granted"),
	"phone":    page("phone"),
	"problem":  page("problem"),
	"requests": page("requests"),
	"request":  page("request"),
	"faults":   page("faults"),
}

func page(name string) func() *template.Template {
	return sync.OnceValue(func() *template.Template { return parsePage(name) })
}

func parsePage(name string) *template.Template {
	return template.Must(template.New("frame.html").Funcs(template.FuncMap{
		"nav":      func() []navLink { return nav(name) },
		"stamp":    func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04:05") },
		"iso":      func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"group":    Grouped,
		"minus":    Minus,
		"sentence": Sentence,
		"hour":     func(t time.Time) string { return t.Format("15:04") },
		"day":      func(t time.Time) string { return t.Format("Monday, 2 January 2006") },
	}).ParseFS(files, "frame.html", name+".html"))
}

// Sentence makes one of the text of an error, which begins in lower case and has
// no full stop.
func Sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] + "." }

// Grouped writes an IBAN in groups of four, as people read it.
func Grouped(iban string) string {
	var b strings.Builder
	for i, r := range iban {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Minus writes an amount with the sign that people read.
func Minus(amount string) string { return strings.Replace(amount, "-", "−", 1) }

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

// SetHeaders sets what every page is sent with.
func SetHeaders(h http.Header) {
	for name, value := range pageHeaders {
		h.Set(name, value)
	}
}

// Render writes a page. It is built whole first, so that a fault in a template
// is a 500 and not half a page.
func (a Answers) Render(c echo.Context, status int, name string, data any) error {
	var b bytes.Buffer
	if err := templates[name]().Execute(&b, data); err != nil {
		return a.Fail(c, fmt.Errorf("render page %s: %w", name, err))
	}
	return c.HTMLBlob(status, b.Bytes())
}

// Problem shows an error to people.
func (a Answers) Problem(c echo.Context, err error) error {
	status, body := a.Judge(c, err)
	return a.Render(c, status, "problem", body)
}

// Refresh makes a browser load the page again after some seconds, without a
// script.
func Refresh(c echo.Context, seconds int) {
	c.Response().Header().Set("Refresh", strconv.Itoa(seconds))
}

// Style serves the style sheet of all pages.
func Style(c echo.Context) error {
	css, err := files.ReadFile("style.css")
	if err != nil {
		return fmt.Errorf("style sheet: %w", err)
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-cache")
	return c.Blob(http.StatusOK, "text/css; charset=utf-8", css)
}

// Asset serves another file that pages load.
func Asset(name, media string) echo.HandlerFunc {
	return func(c echo.Context) error {
		file, err := files.ReadFile(name)
		if err != nil {
			return fmt.Errorf("asset %s: %w", name, err)
		}
		c.Response().Header().Set(echo.HeaderCacheControl, "no-cache")
		c.Response().Header().Set(echo.HeaderXContentTypeOptions, "nosniff")
		return c.Blob(http.StatusOK, media, file)
	}
}

// WantsHTML reports whether a request prefers a page to JSON, as browsers do.
// What takes anything gets JSON.
func WantsHTML(r *http.Request) bool {
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
