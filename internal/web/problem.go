package web

import (
	"net/http"

	"consentd/internal/consent"
)

// problem is how a failure looks to the PSU: what happened, and what to do.
type problem struct {
	status int
	title  string // message ids
	text   string
	advice string
	again  bool // the same address may work another time
}

// problems words each code that a run can fail with. Advice is what else to do
// than to go back to the TPP.
var problems = map[consent.Code]problem{
	consent.CodeNotFound:           {status: http.StatusNotFound, title: "problem.unknown.title", text: "problem.unknown.text"},
	consent.CodePathUnknown:        {status: http.StatusNotFound, title: "problem.unknown.title", text: "problem.unknown.text"},
	consent.CodeAccountUnknown:     {status: http.StatusNotFound, title: "problem.unknown.title", text: "problem.unknown.text"},
	consent.CodeReferenceUnknown:   {status: http.StatusNotFound, title: "problem.unknown.title", text: "problem.unknown.text"},
	consent.CodeUsed:               {status: http.StatusConflict, title: "problem.used.title", text: "problem.used.text"},
	consent.CodeStale:              {status: http.StatusConflict, title: "problem.moved.title", text: "problem.moved.text"},
	consent.CodeStatusInvalid:      {status: http.StatusConflict, title: "problem.moved.title", text: "problem.moved.text"},
	consent.CodeExpired:            {status: http.StatusGone, title: "problem.expired.title", text: "problem.expired.text"},
	consent.CodeForbidden:          {status: http.StatusForbidden, title: "problem.forbidden.title", text: "problem.forbidden.text"},
	consent.CodeCredentials:        {status: http.StatusForbidden, title: "problem.person.title", text: "problem.person.text"},
	consent.CodeResourceUnknown:    {status: http.StatusForbidden, title: "problem.accounts.title", text: "problem.accounts.text"},
	consent.CodeBlocked:            {status: http.StatusForbidden, title: "problem.blocked.title", text: "problem.blocked.text", advice: "problem.blocked.advice"},
	consent.CodeCertificateBlocked: {status: http.StatusForbidden, title: "problem.shut.title", text: "problem.shut.text", again: true},
	consent.CodeCorporate:          {status: http.StatusForbidden, title: "problem.company.title", text: "problem.company.text", advice: "problem.company.advice"},
	consent.CodeTimeOver:           {status: http.StatusGone, title: "problem.expired.title", text: "problem.expired.text"},
	consent.CodeMethodUnknown:      {status: http.StatusForbidden, title: "problem.forbidden.title", text: "problem.forbidden.text"},
	consent.CodeRepeated:           {status: http.StatusConflict, title: "problem.moved.title", text: "problem.moved.text"},
	consent.CodeNotConfirmable:     {status: http.StatusConflict, title: "problem.moved.title", text: "problem.moved.text"},
	consent.CodeNotUsable:          {status: http.StatusConflict, title: "problem.moved.title", text: "problem.moved.text"},
	consent.CodeNoFundsConsent:     {status: http.StatusConflict, title: "problem.moved.title", text: "problem.moved.text"},
	consent.CodeTooOften:           {status: http.StatusTooManyRequests, title: "problem.often.title", text: "problem.often.text", again: true},
	consent.CodeLocked:             {status: http.StatusTooManyRequests, title: "problem.locked.title", text: "problem.locked.text"},
	consent.CodePSULocked:          {status: http.StatusTooManyRequests, title: "problem.waiting.title", text: "problem.waiting.text", again: true},
	consent.CodeUnavailable:        {status: http.StatusServiceUnavailable, title: "problem.unavailable.title", text: "problem.unavailable.text", again: true},
	consent.CodeTimeout:            {status: http.StatusServiceUnavailable, title: "problem.unavailable.title", text: "problem.unavailable.text", again: true},
	consent.CodeTooLarge:           {status: http.StatusRequestEntityTooLarge, title: "problem.form.title", text: "problem.form.text", again: true},
	consent.CodeMediaType:          {status: http.StatusUnsupportedMediaType, title: "problem.form.title", text: "problem.form.text", again: true},
	consent.CodeServiceInvalid:     {status: http.StatusBadRequest, title: "problem.request.title", text: "problem.request.text"},
	consent.CodeFormat:             {status: http.StatusBadRequest, title: "problem.form.title", text: "problem.form.text", again: true},
}

// ownTexts are what is said instead where the bank itself asks: there is nothing that
// could have been shared, and no TPP to begin again with.
var ownTexts = map[string]string{
	"problem.used.text":      "own.used",
	"problem.moved.text":     "own.moved",
	"problem.expired.text":   "own.expired",
	"problem.forbidden.text": "own.forbidden",
	"problem.person.text":    "own.person",
	"problem.person.title":   "own.personTitle",
	"problem.blocked.text":   "own.blocked",
	"problem.locked.text":    "own.locked",
}

// ofBank is the problem in those words.
func (p problem) ofBank() problem {
	p.title, p.text = first(ownTexts[p.title], p.title), first(ownTexts[p.text], p.text)
	return p
}

// problemOf is the problem of a code; what has no words of its own is our fault.
func problemOf(code consent.Code) problem {
	if p, ok := problems[code]; ok {
		return p
	}
	return problem{status: http.StatusInternalServerError, title: "problem.internal.title", text: "problem.internal.text", again: true}
}

// problemForged is a form that did not come from our own page. The run stands
// where it stood.
func problemForged() problem {
	return problem{status: http.StatusForbidden, title: "problem.forged.title", text: "problem.forged.text", again: true}
}

// ended tells the two meanings of CodeForbidden apart: the run goes on
// elsewhere, or it ended because this PSU may not sign.
func (p problem) ended() problem {
	return problem{status: p.status, title: "problem.person.title", text: "problem.person.text"}
}
