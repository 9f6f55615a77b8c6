package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"

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

	kindConsents  = "consents"
	kindDetail    = "consent-detail"
	kindStop      = "consent-stop"
	kindReceipt   = "receipt"
	kindLoggedOut = "logged-out"
	kindHint      = "hint"
	kindStories   = "stories"
)

var kinds = []string{
	kindLogin, kindAccounts, kindConsent, kindFactor, kindWait, kindElsewhere, kindDevice, kindDone, kindProblem,
	kindConsents, kindDetail, kindStop, kindReceipt, kindLoggedOut, kindHint, kindStories,
}

// dataPages are the pages whose data-page is not their name: those who monitor
// pages know a closed list, and to log in elsewhere is to log in.
var dataPages = map[string]string{kindElsewhere: kindLogin, kindDevice: kindWait, kindHint: kindProblem}

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
	common := template.Must(template.ParseFS(templates, "templates/layout.html", "templates/parts.html"))
	for _, kind := range kinds {
		p.templates[kind] = template.Must(template.Must(common.Clone()).ParseFS(templates, "templates/"+kind+".html"))
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
	Funds     bool   // asked is whether an amount is available, and nothing else
	Connects  bool   // asked is to be connected: what is shared is said elsewhere
	CanMove   bool   // the PSU may go on, on another device
	Own       bool   // the bank itself asks, for its own pages
	What      string // is confirmed, where the bank itself asks for that
	Ended     bool   // the session of whoever logs in has ended just now
	Wide      bool   // there is more than one column of it
	Inside    bool   // somebody is logged in
	Visitor   string // who
	Up        *choiceOf
	Languages []tongue
	Style     string
	More      string // another style sheet; empty: none
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
	sh, err := s.blank(leaf{c: v.c, speech: s.speech(v), kind: kind, address: v.address})
	if err != nil {
		return nil, err
	}
	if v.browser != "" {
		sh.CSRF = s.token(v.handle, v.browser)
	}
	if v.view != nil {
		sh.TPP, sh.Step, sh.CanMove = straight(v.view.TPP), v.view.Step, v.view.CanMove
		sh.Funds = v.view.Consent != nil && v.view.Consent.Kind == consent.FundsConfirmation
		sh.Connects = v.view.Consent != nil && v.view.Consent.Kind == consent.Connection
		sh.Own, sh.What = ours(v.view), v.view.What
		sh.Ended = v.view.Purpose == consent.ForLogin && s.sawEnd(v.c)
	}
	return sh, nil
}

// leaf is a page before anything is on it.
type leaf struct {
	c       echo.Context
	speech  *speech
	kind    string
	address string     // of the page; the request's, unless the page answers a form
	query   url.Values // what the address says besides the language
}

// blank is a page with what frames it.
func (f *frame) blank(l leaf) (*sheet, error) {
	sh := &sheet{
		speech: l.speech,
		Kind:   l.kind,
		Brand:  f.brand,
		Action: l.address,
		Style:  f.pages.assets.path("style.css"),
		Mark:   f.pages.assets.path("mark.svg"),
	}
	var err error
	sh.Languages, err = f.tongues(l)
	return sh, err
}

// tongues are all languages, with the address of this page in each.
func (f *frame) tongues(l leaf) ([]tongue, error) {
	base, query := "", url.Values{}
	if l.address != l.c.Request().URL.Path {
		base = l.address
	}
	maps.Copy(query, l.query)
	var all []tongue
	for _, other := range f.pages.speeches.all {
		name, err := other.Say("language.name")
		if err != nil {
			return nil, err
		}
		short, err := other.Say("language.short")
		if err != nil {
			return nil, err
		}
		query.Set("lang", other.Tag)
		all = append(all, tongue{
			Tag: other.Tag, Name: name, Short: short, Dir: other.Dir, Href: base + "?" + query.Encode(), Current: other == l.speech,
		})
	}
	return all, nil
}

// write renders a sheet whole before the first byte leaves, so that a fault
// never sends half a page.
func (f *frame) write(c echo.Context, status int, sh *sheet) error {
	var page bytes.Buffer
	if err := f.pages.templates[sh.Kind].ExecuteTemplate(&page, "layout", sh); err != nil {
		f.log.ErrorContext(c.Request().Context(), "render page", "page", sh.Kind, "error", err)
		return echo.NewHTTPError(http.StatusInternalServerError)
	}
	c.Response().Header().Set("Content-Language", sh.Tag)
	c.Response().Header().Set(echo.HeaderVary, "Accept-Language, Cookie")
	if err := c.HTMLBlob(status, page.Bytes()); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}
