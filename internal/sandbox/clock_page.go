package sandbox

import (
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/sandbox/pages"
)

// clockPage is the clock for people. What it shows of the time is a page of its
// own in a frame, so that nothing loads under the hands of somebody who types.
type clockPage struct {
	Base  string
	Zone  string
	To    string // what the field for an own time holds
	Fault string // what is wrong with it
}

// timePage is the face of the clock.
type timePage struct {
	Now    time.Time // in the bank's zone
	Zone   string
	Turned string // how far it is from the right time; empty for a clock that is right
}

// zone is where the bank's days begin.
func (s *Sandbox) zone() *time.Location {
	if s.Zone == nil {
		return time.UTC
	}
	return s.Zone
}

// formTime is how browsers send a date with a time.
const formTime = "2006-01-02T15:04"

func (s *Sandbox) clockPage(c echo.Context, status int, to, fault string) error {
	if to == "" {
		to = s.Clock.Now().In(s.zone()).Format(formTime)
	}
	return s.render(c, status, "clock", clockPage{Base: s.base(c.Request()), Zone: s.zone().String(), To: to, Fault: fault})
}

func (s *Sandbox) timeFace(c echo.Context) error {
	now, offset := s.Clock.Read()
	page := timePage{Now: now.In(s.zone()), Zone: s.zone().String()}
	if offset != 0 {
		page.Turned = apart(offset)
	}
	pages.Refresh(c, 5)
	return s.render(c, http.StatusOK, "time", page)
}

// turnByForm turns the clock as a button of the page says. Programs send PUT.
func (s *Sandbox) turnByForm(c echo.Context) error {
	if !isForm(c.Request()) {
		return s.fail(c, consent.E(consent.CodeFormat, "POST takes the form of the page; PUT takes JSON"))
	}
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, pages.MaxBody)
	if err := r.ParseForm(); err != nil {
		return s.problem(c, consent.E(consent.CodeFormat, "the form cannot be read").Because(err))
	}
	err := s.turnBy(r.PostForm.Get("turn"), r.PostForm.Get("to"))
	if e, ok := errors.AsType[*consent.Error](err); ok {
		return s.clockPage(c, http.StatusBadRequest, r.PostForm.Get("to"), worded(e.Text, "now", "The time"))
	}
	if err != nil {
		return s.problem(c, err)
	}
	return c.Redirect(http.StatusSeeOther, "/sandbox/clock")
}

// The buttons of the clock page, besides the days that one leads ahead.
const (
	turnHour     = "hour"
	turnTomorrow = "tomorrow"
	turnTo       = "to"
	turnRight    = "right"
)

var turnDays = map[string]int{"1d": 1, "90d": 90, "180d": 180}

// turnBy does what a button says. Days are the bank's, with whatever hours they
// have there. Fails with CodeFormat.
func (s *Sandbox) turnBy(button, to string) error {
	now := s.Clock.Now().In(s.zone())
	if days, ok := turnDays[button]; ok {
		return s.Clock.Turn(now.AddDate(0, 0, days))
	}
	switch button {
	case turnHour:
		return s.Clock.Advance(time.Hour)
	case turnTomorrow: // a little after midnight, when the quotas have opened
		return s.Clock.Turn(time.Date(now.Year(), now.Month(), now.Day()+1, 0, 5, 0, 0, s.zone()))
	case turnRight:
		s.Clock.Reset()
		return nil
	case turnTo:
		at, err := time.ParseInLocation(formTime, to, s.zone())
		if err != nil { // some browsers send seconds too
			at, err = time.ParseInLocation(formTime+":05", to, s.zone())
		}
		if err != nil {
			return consent.At(consent.CodeFormat, turnTo, "give a date and a time, such as 2026-12-31T23:59")
		}
		return s.Clock.Turn(at)
	default:
		return consent.At(consent.CodeFormat, "turn", "there is no such button")
	}
}
