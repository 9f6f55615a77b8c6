package web

import (
	"html/template"
	"net/http"
	"slices"
	"strings"

	"consentd/internal/consent"
	"consentd/internal/service/sca"
	flow "consentd/pkg/sca"
)

// page renders where the run stands.
func (s *SCA) page(v *visit, status int) error {
	kind := kindOf(v.view)
	sh, err := s.newSheet(v, kind)
	if err != nil {
		return err
	}
	sh.Wrong = v.view.Wrong
	sh.At, sh.Of = steps(v.view)
	heading := headings[kind]
	switch kind {
	case kindAccounts:
		sh.Body, err = accounts(sh, v.view)
	case kindConsent:
		sh.Body, err = review(sh, v.view)
	case kindDone:
		sh.Body, heading, err = done(sh, v.view)
	default:
		p := s.prompt(sh, v)
		sh.Body = p
		if len(p.Fields) == 0 && len(p.Methods) > 0 {
			heading = "factor.choose"
		}
	}
	if err != nil {
		return err
	}
	if sh.Heading, err = sh.Say(heading); err != nil {
		return err
	}
	return s.write(v.c, status, sh)
}

var headings = map[string]string{
	kindLogin:    "login.title",
	kindAccounts: "accounts.title",
	kindConsent:  "consent.title",
	kindFactor:   "factor.title",
	kindWait:     "wait.title",
}

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
	default:
		return kindDone
	}
}

// steps counts the PSU's way: log in, choose accounts where there is a choice,
// read, confirm unless the flow is through.
func steps(v *sca.View) (at, of int) {
	way := []sca.Page{sca.PageLogin}
	if v.Consent != nil && v.Consent.Access.Chosen() {
		way = append(way, sca.PageAccounts)
	}
	way = append(way, sca.PageConsent)
	if !v.Authenticated {
		way = append(way, sca.PageFactor)
	}
	return slices.Index(way, v.Page) + 1, len(way)
}

// prompt is the body of the pages on which a flow asks: login, factor, wait.
type prompt struct {
	Message  string
	Spoken   string // the language of Message
	Fields   []field
	Methods  []flow.Method
	Tries    int
	OfferAll bool // the methods are all that is asked
}

// field is one input.
type field struct {
	Name, Label  string
	Type         string
	Autocomplete string
	Numeric      bool
	Plain        bool // neither capitals nor spelling are to be mended
	Value        string
	Focus        bool
}

// wellKnown are the inputs whose markup browsers and password managers know.
var wellKnown = map[string]field{
	"psuId":    {Name: "psuId", Type: "text", Autocomplete: "username", Plain: true},
	"password": {Name: "password", Type: "password", Autocomplete: "current-password"},
	"otp":      {Name: "otp", Type: "text", Autocomplete: "one-time-code", Numeric: true, Focus: true},
}

func (s *SCA) prompt(sh *sheet, v *visit) prompt {
	p := prompt{Message: v.view.Message, Methods: v.view.Methods, Tries: v.view.TriesLeft}
	if spoken := s.pages.speeches.spoken(v.view.Spoken); spoken != nil && spoken != sh.speech {
		p.Spoken = spoken.Tag
	}
	if sh.Kind == kindWait {
		return p
	}
	for _, asked := range v.view.Fields {
		p.Fields = append(p.Fields, inputOf(asked))
	}
	for i := range p.Fields {
		if p.Fields[i].Name == "psuId" {
			p.Fields[i].Value = first(v.typed, v.view.Hint)
		}
		if p.Fields[i].Name == "password" {
			p.Fields[i].Focus = v.view.Wrong
		}
	}
	p.OfferAll = len(p.Fields) == 0
	if !p.OfferAll && len(p.Methods) == 1 {
		p.Methods = nil // the one in use is no choice
	}
	return p
}

// inputOf is the input for a field of a flow.
func inputOf(asked flow.Field) field {
	if f, ok := wellKnown[asked.Name]; ok {
		f.Label = asked.Label
		return f
	}
	f := field{Name: asked.Name, Label: asked.Label, Type: "text", Autocomplete: "off"}
	switch asked.Kind {
	case flow.Password:
		f.Type = "password"
	case flow.Code:
		f.Numeric, f.Autocomplete = true, "one-time-code"
	case flow.Text:
	}
	return f
}

// ending is the body of the last page, shown only where there is no address to
// send the browser to.
type ending struct {
	Text string
}

func done(sh *sheet, v *sca.View) (ending, string, error) {
	heading, id := "done.refused", "done.refusedText"
	if v.Consent != nil {
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
}

// problem renders a failure. It tells nothing of the run but who asked and the
// way back: the reader may be anyone.
func (s *SCA) problem(v *visit, p problem) error {
	sh, err := s.newSheet(v, kindProblem)
	if err != nil {
		return err
	}
	body := trouble{Again: p.again}
	if v.view != nil {
		if p.status == http.StatusForbidden && v.view.Page == sca.PageEnded && consent.CodeOf(v.err) == consent.CodeForbidden {
			p = p.ended()
		}
		if t, ok := s.target(v.view.ReturnTo); ok {
			body.Back = t.href
		}
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
