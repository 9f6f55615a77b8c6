package sandbox

import (
	"github.com/labstack/echo/v4"

	"consentd/internal/sandbox/faults"
	"consentd/internal/sandbox/pages"
)

// equip gives the sandbox the tools that it was not given.
func (s *Sandbox) equip() {
	if s.Inspector == nil {
		s.Inspector = &Inspector{}
	}
	if s.Faults == nil {
		s.Faults = &faults.Faults{}
	}
	s.Inspector.Clock, s.Inspector.Owns, s.Inspector.Public = s.Clock, s.Owns, s.Public
	s.Faults.BasePath, s.Faults.Owns = s.BasePath, s.Owns
}

// mountTools registers the inspector and the faults.
func (s *Sandbox) mountTools(g *echo.Group) {
	g.GET("/tools.css", pages.Asset("tools.css", "text/css; charset=utf-8"))
	g.GET("/copy.js", pages.Asset("copy.js", "text/javascript; charset=utf-8"))
	g.GET("/requests", s.listRequests, s.page)
	g.POST("/requests", s.emptyRequests, s.page)
	g.DELETE("/requests", s.emptyRequests)
	g.GET("/requests/:id", s.readRequest, s.page)
	(&faults.Handler{Faults: s.Faults, Answers: s.answers(), Base: s.base}).Mount(g, s.page)
}
