package web

import (
	"html/template"
	"net/http"
	"slices"
	"strings"

	"consentd/internal/consent"
	"consentd/internal/service/sca"
)

// page renders where the run stands.
func (s *SCA) page(v *visit, status int) error {
	sh, err := s.newSheet(v, kindOf(v.view))
	if err != nil {
		return err
	}
	sh.Wrong = v.view.Wrong
	sh.At, sh.Of = steps(v.view)
	if asksPasskey(v.view) {
		sh.Script = s.pages.assets.path("passkey.js")
	}
	heading, err := s.fill(sh, v)
	if err != nil {
		return err
	}
	if sh.Heading, err = sh.Say(heading); err != nil {
		return err
	}
	return s.write(v.c, status, sh)
}

// fill makes the body of a page, and says which heading it has.
func (s *SCA) fill(sh *sheet, v *visit) (heading string, err error) {
	heading = headings[sh.Kind]
	switch sh.Kind {
	case kindAccounts:
		sh.Body, err = accounts(sh, v.view)
	case kindConsent:
		sh.Body, err = review(sh, v.view)
	case kindDone:
		sh.Body, heading, err = done(sh, v.view)
	case kindElsewhere:
		sh.Body, heading = depart(v.view)
	case kindDevice:
		sh.Body, err = s.device(v)
	default:
		p, failed := s.prompt(sh, v)
		sh.Body, err = p, failed
		heading = first(p.heading(sh.Kind), heading)
		if ours(v.view) && sh.Kind == kindLogin && v.view.Purpose == consent.ForAction && heading == headings[kindLogin] {
			heading = "own.actTitle"
		}
	}
	return heading, err
}

var headings = map[string]string{
	kindLogin:    "login.title",
	kindAccounts: "accounts.title",
	kindConsent:  "consent.title",
	kindFactor:   "factor.title",
	kindWait:     "wait.title",
	kindDevice:   "device.title",
}

// ours tells a run by which the bank itself asks: to log in to its own pages, or to
// confirm what was chosen there.
func ours(v *sca.View) bool { return v.Purpose == consent.ForLogin || v.Purpose == consent.ForAction }

func kindOf(v *sca.View) string {
	switch v.Page {
	case sca.PageLogin:
		return kindLogin
	case sca.PageAccounts:
		return kindAccounts
	case sca.PageConsent:
		return kindConsent
	case sca.PageFactor:
		return kindFactor
	case sca.PageWait:
		return kindWait
	case sca.PageElsewhere:
		return kindElsewhere
	case sca.PageDevice:
		return kindDevice
	default:
		return kindDone
	}
}

// steps counts the PSU's way: log in, choose accounts where there is a choice,
// read, confirm unless the flow is through. Until the PSU is known nothing is
// counted, since nobody can say yet whether a factor will follow: a way that was
// said to have four steps would then end with the third.
func steps(v *sca.View) (at, of int) {
	here := placeOf(v)
	if here == sca.PageLogin || ours(v) {
		return 0, 0
	}
	way := []sca.Page{sca.PageLogin}
	if v.Consent != nil && v.Consent.Access.Chosen() && len(v.Consent.Access.Grants) == 0 {
		way = append(way, sca.PageAccounts)
	}
	way = append(way, sca.PageConsent)
	if !v.Authenticated {
		way = append(way, sca.PageFactor)
	}
	return slices.Index(way, here) + 1, len(way)
}

// placeOf is where a page stands on the way: another site's is for logging in, or
// for the last factor once the PSU is known.
func placeOf(v *sca.View) sca.Page {
	switch {
	case v.Page != sca.PageElsewhere:
		return v.Page
	case v.Customer != "":
		return sca.PageFactor
	default:
		return sca.PageLogin
	}
}

// ending is the body of the last page, shown only where there is no address to
// send the browser to.
type ending struct {
	Text string
}

func done(sh *sheet, v *sca.View) (ending, string, error) {
	heading, id := "done.refused", "done.refusedText"
	switch {
	case ours(v):
		heading, id = "done.over", "own.over"
	case v.Consent == nil:
		heading, id = "done.over", "done.overText"
	default:
		switch v.Consent.Status { //nolint:exhaustive // all others are refusals to the PSU
		case consent.Valid:
			heading, id = "done.title", "done.text"
		case consent.PartiallyAuthorised:
			heading, id = "done.title", "done.partText"
		}
		if sh.Funds && heading == "done.title" {
			id = fundsEndings[id]
		}
	}
	text, err := sh.Say(id, "TPP", v.TPP)
	return ending{Text: text}, heading, err
}

// fundsEndings words the endings where nothing may be read.
var fundsEndings = map[string]string{"done.text": "done.funds", "done.partText": "done.fundsPart"}

// trouble is the body of a problem page.
type trouble struct {
	Text, Advice string
	Back         template.URL // to the TPP
	Again        bool
	Own          bool // the way back is our own
}

// problem renders a failure. It tells nothing of the run but who asked and the
// way back: the reader may be anyone.
func (s *SCA) problem(v *visit, p problem) error {
	sh, err := s.newSheet(v, kindProblem)
	if err != nil {
		return err
	}
	body := trouble{Again: p.again && v.found}
	if v.view != nil {
		if p.status == http.StatusForbidden && v.view.Page == sca.PageEnded && consent.CodeOf(v.err) == consent.CodeForbidden {
			p = p.ended()
		}
		if to, ok := s.onward(v, v.view.ReturnTo); ok {
			body.Back = to
		}
	}
	if v.view != nil && ours(v.view) {
		p, body.Own = p.ofBank(), true
	}
	if sh.Heading, err = sh.Say(p.title); err != nil {
		return err
	}
	if body.Text, err = sh.Say(p.text, "Brand", s.Brand); err != nil {
		return err
	}
	if p.advice != "" {
		if body.Advice, err = sh.Say(p.advice, "Brand", s.Brand); err != nil {
			return err
		}
	}
	if p.status == http.StatusServiceUnavailable {
		v.c.Response().Header().Set("Retry-After", "5")
	}
	sh.Body = body
	return s.write(v.c, p.status, sh)
}

func first(texts ...string) string {
	for _, t := range texts {
		if strings.TrimSpace(t) != "" {
			return t
		}
	}
	return ""
}
