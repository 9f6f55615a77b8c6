package docs

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/openapi"
)

//go:embed templates/*.gohtml style.css
var files embed.FS

// No script, no picture, no frame, nothing from elsewhere; only our stylesheet.
const contentSecurityPolicy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handler serves the descriptions and their pages. Its zero value serves all.
type Handler struct {
	// Names are the descriptions to show; all when empty.
	Names []string
	// BasePath stands before the paths of the descriptions that allow one.
	BasePath string
	// Roots are the prefixes before the paths, by the name of the description, of those
	// that have one of their own, where the bank has chosen another.
	Roots map[string]string
	// Elsewhere are the addresses, by the name of the description, of calls that
	// this program answers on another listener than the one that shows the pages.
	Elsewhere map[string]string
	// Origin is what the addresses begin with of what this program answers on the
	// listener that shows the pages, as a proxy in front of it is reached; without a
	// slash at the end, empty where it is what each request says.
	Origin string
	// Sandbox says that the program is one: the collections then hold what the
	// customer and the bank's own systems do, too.
	Sandbox bool

	once sync.Once
	site *site
	err  error
}

// site is what the first request makes.
type site struct {
	templates *template.Template
	documents []*Document
}

// Mount adds the routes /openapi/{name}.yaml, /docs, /docs/{name}, /docs/style.css
// and the collections below /docs/collections.
func (h *Handler) Mount(e *echo.Echo) {
	methods := []string{http.MethodGet, http.MethodHead}
	e.Match(methods, "/openapi/:file", h.file)
	e.Match(methods, "/docs", h.index)
	e.Match(methods, "/docs/style.css", h.stylesheet)
	e.Match(methods, "/docs/:name", h.page)
	e.Match(methods, pathPostman, h.collection("application/json; charset=utf-8", postman))
	e.Match(methods, pathREST, h.collection("text/plain; charset=utf-8", restClient))
	e.Match(methods, pathJetBrains, h.collection("text/plain; charset=utf-8", jetBrains))
}

func (h *Handler) names() []string {
	if len(h.Names) > 0 {
		return h.Names
	}
	return openapi.Names()
}

func (h *Handler) load() (*site, error) {
	h.once.Do(func() { h.site, h.err = newSite(h.names()) })
	return h.site, h.err
}

func newSite(names []string) (*site, error) {
	templates, err := template.ParseFS(files, "templates/*.gohtml")
	if err != nil {
		return nil, fmt.Errorf("parse templates: %w", err)
	}
	s := &site{templates: templates}
	for _, name := range names {
		data, err := openapi.Read(name)
		if err != nil {
			return nil, err
		}
		doc, err := parse(name, data)
		if err != nil {
			return nil, fmt.Errorf("description %s: %w", name, err)
		}
		s.documents = append(s.documents, doc)
	}
	// Readers of this page mostly want to call us, not to be called.
	slices.SortStableFunc(s.documents, func(a, b *Document) int {
		switch {
		case a.ServedHere == b.ServedHere:
			return 0
		case a.ServedHere:
			return -1
		}
		return 1
	})
	return s, nil
}

// serverLine is where a description says before which paths it holds.
var serverLine = regexp.MustCompile(`\nservers:\n  - url: [^\n]*\n`)

func (h *Handler) file(c echo.Context) error {
	name, isYAML := strings.CutSuffix(c.Param("file"), ".yaml")
	if !isYAML || !slices.Contains(h.names(), name) {
		return h.render(c, http.StatusNotFound, "missing", view{})
	}
	data, err := openapi.Read(name)
	if err != nil {
		return err
	}
	root, chosen := h.Roots[name]
	if bytes.Contains(data, []byte("\nx-base-path: true\n")) {
		root, chosen = h.BasePath, h.BasePath != ""
	}
	if chosen { // what is generated of it must call the right paths
		data = serverLine.ReplaceAllLiteral(data, []byte("\nservers:\n  - url: "+root+"\n"))
	}
	return serve(c, "application/yaml; charset=utf-8", data)
}

func (h *Handler) stylesheet(c echo.Context) error {
	data, err := files.ReadFile("style.css")
	if err != nil {
		return err
	}
	return serve(c, "text/css; charset=utf-8", data)
}

func (h *Handler) index(c echo.Context) error {
	return h.render(c, http.StatusOK, "index", view{})
}

func (h *Handler) page(c echo.Context) error {
	s, err := h.load()
	if err != nil {
		return err
	}
	for _, doc := range s.documents {
		if doc.Name == c.Param("name") {
			return h.render(c, http.StatusOK, "reference", view{Document: doc, Base: h.base(c, doc)})
		}
	}
	return h.render(c, http.StatusNotFound, "missing", view{})
}

// view is what a template gets.
type view struct {
	Documents []*Document
	Document  *Document
	Base      string
	Sandbox   bool // there is a start page to go back to
}

// base is the address that the examples call: ours, where we answer these calls
// ourselves, so that they work when pasted.
func (h *Handler) base(c echo.Context, doc *Document) string {
	if elsewhere := h.Elsewhere[doc.Name]; elsewhere != "" {
		return elsewhere
	}
	if doc.ServedHere {
		return h.origin(c) + h.root(doc)
	}
	return "https://" + doc.Name + ".example"
}

// root is what stands before the paths of a description.
func (h *Handler) root(doc *Document) string {
	if doc.BasePath {
		return h.BasePath
	}
	if root, chosen := h.Roots[doc.Name]; chosen {
		return root
	}
	return doc.Root
}

// origin is where this program is reached.
func (h *Handler) origin(c echo.Context) string {
	if h.Origin != "" {
		return h.Origin
	}
	return c.Scheme() + "://" + c.Request().Host
}

func (h *Handler) render(c echo.Context, status int, name string, v view) error {
	s, err := h.load()
	if err != nil {
		return err
	}
	v.Documents, v.Sandbox = s.documents, h.Sandbox
	// Into memory first: a template that fails must not leave half a page.
	var page bytes.Buffer
	if err := s.templates.ExecuteTemplate(&page, name, v); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	protect(c.Response().Header())
	return c.HTMLBlob(status, page.Bytes())
}

// serve answers embedded bytes; a browser that has them gets 304.
func serve(c echo.Context, contentType string, data []byte) error {
	sum := sha256.Sum256(data)
	header := c.Response().Header()
	protect(header)
	header.Set(echo.HeaderContentType, contentType)
	header.Set(echo.HeaderCacheControl, "no-cache")
	header.Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, bytes.NewReader(data))
	return nil
}

func protect(header http.Header) {
	header.Set(echo.HeaderContentSecurityPolicy, contentSecurityPolicy)
	header.Set(echo.HeaderXContentTypeOptions, "nosniff")
	header.Set(echo.HeaderReferrerPolicy, "no-referrer")
}
