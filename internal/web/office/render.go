package office

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/staff"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed assets
var files embed.FS

// look is what all requests share: the parsed templates and the assets.
type look struct {
	templates map[string]func() *template.Template
	assets    map[string]asset  // by their address: style.1a2b3c4d.css
	named     map[string]string // style.css → style.1a2b3c4d.css
}

type asset struct {
	content []byte
	kind    string
}

var kinds = []string{"search", "consent", "confirm", "bulk", "approvals", "left", "problem"}

// newLook reads what is embedded. It panics on a fault there, like template.Must: such
// a build serves no page at all, and no test passes.
func newLook() *look {
	l := &look{templates: map[string]func() *template.Template{}, assets: map[string]asset{}, named: map[string]string{}}
	for _, kind := range kinds {
		// Each is read when it is first shown: a server that shows none starts sooner.
		l.templates[kind] = sync.OnceValue(func() *template.Template {
			return template.Must(template.ParseFS(templates, "templates/layout.html", "templates/parts.html", "templates/"+kind+".html"))
		})
	}
	for name, kind := range map[string]string{"style.css": "text/css; charset=utf-8", "mark.svg": "image/svg+xml"} {
		content, err := files.ReadFile("assets/" + name)
		if err != nil {
			panic(err) // embedded, so it cannot be missing
		}
		digest := sha256.Sum256(content)
		ext := path.Ext(name)
		full := strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(digest[:8]) + ext
		l.named[name], l.assets[full] = full, asset{content, kind}
	}
	return l
}

func (l *look) path(name string) string { return Base + "/assets/" + l.named[name] }

func (l *look) serve(c echo.Context) error {
	file, ok := l.assets[c.Param("name")]
	if !ok {
		return echo.NewHTTPError(http.StatusNotFound)
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "public, max-age=31536000, immutable")
	return c.Blob(http.StatusOK, file.kind, file.content) //nolint:wrapcheck // the framework's own error
}

// sheet is a page as its template sees it.
type sheet struct {
	Kind, Title  string
	Alert        string // what is wrong with what was sent; empty for nothing
	Body         any
	Notice       string // what was done by the form before
	Brand, Style string
	Mark, CSRF   string
	Person       string // empty: nobody is logged in
	Roles        string
	Nav          []link
	FourEyes     bool
}

// link is an entry of the bar.
type link struct {
	Href, Text string
	Current    bool
}

// write renders a sheet whole before the first byte leaves, so that a fault never sends
// half a page.
func (p *Pages) write(v *visit, status int, sh *sheet) error {
	sh.Brand, sh.Style, sh.Mark, sh.FourEyes = p.Brand, p.look.path("style.css"), p.look.path("mark.svg"), p.FourEyes
	if v.session != nil {
		who := v.session.Person
		sh.Person, sh.Roles = who.Name, rolesOf(who)
		if strings.TrimSpace(sh.Person) == "" {
			sh.Person = who.Subject
		}
		sh.CSRF, sh.Notice = p.Staff.Token(v.session), v.session.Notice
		sh.Nav = bar(who, v.c.Request().URL.Path)
	}
	var page bytes.Buffer
	if err := p.look.templates[sh.Kind]().ExecuteTemplate(&page, "layout", sh); err != nil {
		p.Log.ErrorContext(v.ctx(), "render page", "page", sh.Kind, "error", err)
		return echo.NewHTTPError(http.StatusInternalServerError)
	}
	v.c.Response().Header().Set("Content-Language", "en")
	if err := v.c.HTMLBlob(status, page.Bytes()); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

// bar are the pages that a person may open.
func bar(who staff.Person, path string) []link {
	links := []link{{Href: Base, Text: "Search"}}
	if who.Supervises() {
		links = append(links, link{Href: Base + "/bulk", Text: "In bulk"})
	}
	links = append(links, link{Href: Base + "/approvals", Text: "Approvals"})
	for i := range links {
		links[i].Current = links[i].Href == path
	}
	return links
}

func rolesOf(who staff.Person) string {
	names := map[staff.Role]string{staff.Care: "customer care", staff.Supervisor: "supervisor", staff.Auditor: "auditor"}
	list := make([]string, len(who.Roles))
	for i, r := range who.Roles {
		list[i] = names[r]
	}
	return strings.Join(list, ", ")
}

// moment is a point in time as a page shows it; the zero one is none.
type moment struct{ ISO, Text string }

func (p *Pages) moment(t time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	t = t.In(p.Zone)
	return moment{ISO: t.Format(time.RFC3339), Text: t.Format("2 Jan 2006, 15:04:05 MST")}
}

// minute is a moment without its seconds, for a table.
func (p *Pages) minute(t time.Time) moment {
	m := p.moment(t)
	if m.Text != "" {
		m.Text = t.In(p.Zone).Format("2 Jan 2006, 15:04 MST")
	}
	return m
}
