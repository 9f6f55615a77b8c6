package sandbox

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/sandbox/pages"
)

// clockTurn is the body of PUT /sandbox/clock: one of the two.
type clockTurn struct {
	Now     *string `json:"now"`     // RFC 3339
	Advance *string `json:"advance"` // as Go writes durations: 24h, 90m, 30s
}

// clockFace is where the clock stands.
type clockFace struct {
	Now    time.Time `json:"now"`
	Offset string    `json:"offset"` // from the right time
}

// readClock shows the clock, to people or to programs.
func (s *Sandbox) readClock(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderVary, echo.HeaderAccept)
	if pages.WantsHTML(c.Request()) {
		return s.clockPage(c, http.StatusOK, "", "")
	}
	return s.tellClock(c)
}

func (s *Sandbox) tellClock(c echo.Context) error {
	now, offset := s.Clock.Read()
	return c.JSON(http.StatusOK, clockFace{Now: now, Offset: offset.Round(time.Millisecond).String()})
}

func (s *Sandbox) turnClock(c echo.Context) error {
	var body clockTurn
	if err := pages.Decode(c.Request(), &body); err != nil {
		return s.fail(c, err)
	}
	if err := s.turn(body); err != nil {
		return s.fail(c, err)
	}
	return s.tellClock(c)
}

func (s *Sandbox) turn(body clockTurn) error {
	switch {
	case body.Now != nil && body.Advance != nil:
		return consent.At(consent.CodeFormat, "advance", "give either now or advance, not both")
	case body.Now != nil:
		to, err := time.Parse(time.RFC3339, *body.Now)
		if err != nil {
			return consent.At(consent.CodeFormat, "now", "now must be a time as in RFC 3339, such as 2026-12-31T23:59:00Z")
		}
		return s.Clock.Turn(to)
	case body.Advance != nil:
		by, err := time.ParseDuration(*body.Advance)
		if err != nil {
			return consent.At(consent.CodeFormat, "advance", "advance must be a duration such as 24h, 90m or 30s")
		}
		return s.Clock.Advance(by)
	default:
		return consent.At(consent.CodeFormat, "now", "now or advance is missing")
	}
}

func (s *Sandbox) resetClock(c echo.Context) error {
	s.Clock.Reset()
	return s.tellClock(c)
}
