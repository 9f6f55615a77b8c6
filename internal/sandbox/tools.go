package sandbox

import (
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/sandbox/faults"
	"consentd/internal/sandbox/inspector"
	"consentd/internal/sandbox/pages"
)

// equip gives the sandbox the tools that it was not given.
func (s *Sandbox) equip() {
	if s.Inspector == nil {
		s.Inspector = &inspector.Inspector{}
	}
	if s.Faults == nil {
		s.Faults = &faults.Faults{}
	}
	s.Inspector.Now = func() time.Time { return s.Clock.Now() }
	s.Inspector.Real = func() time.Time { return s.Clock.Real() }
	s.Inspector.Owns, s.Inspector.Public, s.Inspector.Known = s.watches, s.Public, isPublic
	s.Faults.BasePath, s.Faults.Owns = s.BasePath, s.Owns
	if s.TPPs != nil { // a bank without third parties, as the tests of its interface have it
		s.TPPs.public = s.Public
	}
}

// mountTools registers the inspector and the faults.
func (s *Sandbox) mountTools(g *echo.Group) {
	g.GET("/tools.css", pages.Asset("tools.css", "text/css; charset=utf-8"))
	g.GET("/copy.js", pages.Asset("copy.js", "text/javascript; charset=utf-8"))
	(&inspector.Handler{Inspector: s.Inspector, Answers: s.answers(), Faults: s.Faults.Count}).Mount(g, s.page)
	(&faults.Handler{Faults: s.Faults, Answers: s.answers(), Base: s.base}).Mount(g, s.page)
}

// watches tells the paths whose calls are kept.
func (s *Sandbox) watches(path string) bool {
	return s.Owns(path) || s.Watched != nil && s.Watched(path)
}
