package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
)

//go:embed templates/*.html
var templates embed.FS

// The pages by the names of their templates.
const (
	kindLogin     = "login"
	kindAccounts  = "accounts"
	kindConsent   = "consent"
	kindFactor    = "factor"
	kindWait      = "wait"
	kindElsewhere = "elsewhere"
	kindDevice    = "device"
	kindDone      = "done"
	kindProblem   = "problem"
)

var kinds = []string{
	kindLogin, kindAccounts, kindConsent, kindFactor, kindWait, kindElsewhere, kindDevice, kindDone, kindProblem,
}

// dataPages are the pages whose data-page is not their name: those who monitor
// pages know a closed list, and to log in elsewhere is to log in.
var dataPages = map[string]string{kindElsewhere: kindLogin, kindDevice: kindWait}

// pages is what all requests share: the parsed templates, the languages, the assets.
type pages struct {
	templates map[string]*template.Template
	speeches  *speeches
	assets    *assets
}

// newPages reads what is embedded. It panics on a fault there, like
// template.Must: such a build serves no page at all, and no test passes.
func newPages() *pages {
	p := &pages{templates: map[string]*template.Template{}, assets: newAssets()}
	for _, kind := range kinds {
		p.templates[kind] = template.Must(template.ParseFS(templates,
			"templates/layout.html", "templates/parts.html", "templates/"+kind+".html"))
	}
	var err error
	if p.speeches, err = newSpeeches(); err != nil {
		panic(err)
	}
	return p
}

// sheet is a page as its template sees it. Say and Date come with the language.
type sheet struct {
	*speech
	Kind      string
	Heading   string
	Brand     string
	TPP       string
	Action    string // where the form goes
	CSRF      string
	Step      int // of the run; travels with the form
	At, Of    int // the PSU's steps; 0 where they cannot be told
	Wrong     bool
	Funds     bool // asked is whether an amount is available, and nothing else
	Connects  bool // asked is to be connected: what is shared is said elsewhere
	CanMove   bool // the PSU may go on, on another device
	Languages []tongue
	Style     string
	Mark      string
	Script    string // empty: none
	Body      any
}

// Page is the data-page.
func (sh *sheet) Page() string { return first(dataPages[sh.Kind], sh.Kind) }

// tongue is a language that the page may be read in.
type tongue struct {
	Tag, Name, Short string
	Dir              string
	Href             string
	Current          bool
}

// newSheet is what all pages have in common.
func (s *SCA) newSheet(v *visit, kind string) (*sheet, error) {
	sh := &sheet{
		speech: s.speech(v),
		Kind:   kind,
		Brand:  s.Brand,
		Action: v.address,
		Style:  s.pages.assets.path("style.css"),
		Mark:   s.pages.assets.path("mark.svg"),
	}
	if v.browser != "" {
		sh.CSRF = s.token(v.handle, v.browser)
	}
	if v.view != nil {
		sh.TPP, sh.Step, sh.CanMove = straight(v.view.TPP), v.view.Step, v.view.CanMove
		sh.Funds = v.view.Consent != nil && v.view.Consent.Kind == consent.FundsConfirmation
		sh.Connects = v.view.Consent != nil && v.view.Consent.Kind == consent.Connection
	}
	var err error
	sh.Languages, err = s.tongues(v, sh.speech)
	return sh, err
}

// tongues are all languages, with the address of this page in each.
func (s *SCA) tongues(v *visit, current *speech) ([]tongue, error) {
	base := ""
	if v.address != v.c.Request().URL.Path {
		base = v.address
	}
	var all []tongue
	for _, other := range s.pages.speeches.all {
		name, err := other.Say("language.name")
		if err != nil {
			return nil, err
		}
		short, err := other.Say("language.short")
		if err != nil {
			return nil, err
		}
		all = append(all, tongue{
			Tag: other.Tag, Name: name, Short: short, Dir: other.Dir, Href: base + "?lang=" + other.Tag, Current: other == current,
		})
	}
	return all, nil
}

// write renders a sheet whole before the first byte leaves, so that a fault
// never sends half a page.
func (s *SCA) write(c echo.Context, status int, sh *sheet) error {
	var page bytes.Buffer
	if err := s.pages.templates[sh.Kind].ExecuteTemplate(&page, "layout", sh); err != nil {
		s.Log.ErrorContext(c.Request().Context(), "render page", "page", sh.Kind, "error", err)
		return echo.NewHTTPError(http.StatusInternalServerError)
	}
	c.Response().Header().Set("Content-Language", sh.Tag)
	c.Response().Header().Set(echo.HeaderVary, "Accept-Language, Cookie")
	if err := c.HTMLBlob(status, page.Bytes()); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}
