package web

import (
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"

	"consentd/internal/secret"
)

// frame is what all pages of the bank share, whatever they are about.
type frame struct {
	keys   *secret.Keys // signs the CSRF tokens
	log    *slog.Logger
	brand  string
	home   string // the origin of the pages where a proxy changes the Host header; else empty
	secure func(*http.Request) bool
	pages  *pages
}

// newFrame fills in what was left out.
func newFrame(f frame) *frame {
	f.brand = first(f.brand, "Sandbox Bank")
	if f.secure == nil {
		f.secure = func(r *http.Request) bool { return r.TLS != nil }
	}
	f.pages = newPages()
	return &f
}

// mountAssets serves the files that the pages refer to. All who have pages mount the
// same ones.
func (f *frame) mountAssets(e *echo.Echo) {
	e.GET(assetsPath+":name", f.pages.assets.serve, f.protect)
}

// origin is that of our pages as the browser sees it.
func (f *frame) origin(r *http.Request) string {
	switch {
	case f.home != "":
		return f.home
	case f.secure(r):
		return "https://" + r.Host
	default:
		return "http://" + r.Host
	}
}
