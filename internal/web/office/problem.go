package office

import (
	"errors"
	"net/http"

	"consentd/internal/consent"
	"consentd/internal/staff"
)

var (
	errRole   = errors.New("the person's roles do not allow it")
	errForged = errors.New("the form did not come from a page of this session")
)

// trouble is a failure as its page says it.
type trouble struct {
	status      int
	Title, Text string
	Login       bool // to log in anew may help
	Again       bool // the same may work another time
}

// logins are what a log-in may fail with.
var logins = []struct {
	err error
	trouble
}{
	{staff.ErrProvider, trouble{http.StatusServiceUnavailable, "Log-in is not available", "The bank's log-in service does not answer. Try again in a few minutes.", true, false}},
	{staff.ErrRequest, trouble{http.StatusServiceUnavailable, "Log-in is not set up", "The log-in service refuses this application. Tell those who run it; its log says more.", false, false}},
	{staff.ErrReturn, trouble{http.StatusBadRequest, "The log-in could not be finished", "It took too long, was finished in another tab or browser, or did not begin here.", true, false}},
	{staff.ErrToken, trouble{http.StatusForbidden, "The log-in is not valid", "What the log-in service said could not be verified. Tell those who run this application; its log says more.", true, false}},
	{staff.ErrDenied, trouble{http.StatusForbidden, "You are not logged in", "The log-in was cancelled or refused.", true, false}},
	{staff.ErrNoRole, trouble{http.StatusForbidden, "You have no role here", "Your account is in no group that may use the back office. Ask your supervisor for access.", true, false}},
	{errRole, trouble{http.StatusForbidden, "Your role does not allow this", "What you have opened is for another role. Nothing was changed.", false, false}},
	{errForged, trouble{http.StatusForbidden, "The form was not accepted", "It did not come from a page of this session. Nothing was changed. Go back, load the page anew and send it again.", false, false}},
}

// answers are the statuses and headings of the codes of the use cases; their texts are
// safe to show.
var answers = map[consent.Code]trouble{
	consent.CodeFormat:        {status: http.StatusBadRequest, Title: "That cannot be read"},
	consent.CodeMediaType:     {status: http.StatusUnsupportedMediaType, Title: "That is not a form"},
	consent.CodeTooLarge:      {status: http.StatusRequestEntityTooLarge, Title: "That is too much"},
	consent.CodeNotFound:      {status: http.StatusNotFound, Title: "Not found"},
	consent.CodePathUnknown:   {status: http.StatusNotFound, Title: "Not found"},
	consent.CodeForbidden:     {status: http.StatusForbidden, Title: "That is for somebody else"},
	consent.CodeStatusInvalid: {status: http.StatusConflict, Title: "It has changed meanwhile"},
	consent.CodeStale:         {status: http.StatusConflict, Title: "It has changed meanwhile"},
	consent.CodeTooOften:      {status: http.StatusTooManyRequests, Title: "Too much is waiting"},
	consent.CodeUnavailable:   {status: http.StatusServiceUnavailable, Title: "The bank's systems do not answer", Again: true},
}

// troubleOf words a failure.
func troubleOf(err error) trouble {
	for _, known := range logins {
		if errors.Is(err, known.err) {
			return known.trouble
		}
	}
	t, ok := answers[consent.CodeOf(err)]
	if !ok {
		return trouble{
			status: http.StatusInternalServerError, Title: "Something went wrong", Again: true,
			Text: "It is our fault and was noted. What you did may or may not have taken effect: look before you try again.",
		}
	}
	t.Text = sentence(textOf(err))
	return t
}

// textOf is the part of an error that may be shown.
func textOf(err error) string {
	if all, ok := errors.AsType[consent.Faults](err); ok && len(all) > 0 {
		return all[0].Path + " " + all[0].Text
	}
	if e, ok := errors.AsType[*consent.Error](err); ok {
		return e.Text
	}
	return ""
}

// problem shows a failure, and logs what somebody has to look at.
func (p *Pages) problem(v *visit, err error) error {
	t := troubleOf(err)
	switch {
	case t.status >= http.StatusInternalServerError, errors.Is(err, staff.ErrToken):
		p.Log.ErrorContext(v.ctx(), "back office", "path", v.c.Path(), "error", err)
	case errors.Is(err, errForged), errors.Is(err, errRole), errors.Is(err, staff.ErrNoRole):
		p.Log.WarnContext(v.ctx(), "back office", "path", v.c.Path(), "error", err)
	}
	if t.status == http.StatusServiceUnavailable {
		v.c.Response().Header().Set("Retry-After", "5")
	}
	return p.write(v, t.status, &sheet{Kind: "problem", Title: t.Title, Body: t})
}
