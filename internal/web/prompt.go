package web

import (
	"slices"

	"consentd/internal/service/sca"
	flow "consentd/pkg/sca"
)

// prompt is the body of the pages on which a flow asks: login, factor, wait.
type prompt struct {
	Message  string
	Spoken   string // the language of Message, where it is not the page's
	Turned   string // and its direction
	Fields   []field
	Passkey  *passkey
	Methods  []flow.Method
	Resend   *flow.Method // by which a new code can be sent
	Tries    int
	OfferAll bool // the methods are all that is asked
	Number   string
	Code     *code  // to be scanned
	Typed    string // what to type instead
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

// passkey is a field that the page's script fills in.
type passkey struct {
	Name    string
	New     bool // one is to be made
	Options string
}

// wellKnown are the inputs whose markup browsers and password managers know.
var wellKnown = map[string]field{
	"psuId":    {Name: "psuId", Type: "text", Autocomplete: "username", Plain: true},
	"password": {Name: "password", Type: "password", Autocomplete: "current-password"},
	"otp":      {Name: "otp", Type: "text", Autocomplete: "one-time-code", Numeric: true, Focus: true},
}

func (s *SCA) prompt(sh *sheet, v *visit) (*prompt, error) {
	p := &prompt{Message: v.view.Message, Tries: v.view.TriesLeft, Number: v.view.Number}
	if spoken := s.pages.speeches.spoken(v.view.Spoken); spoken != nil && spoken != sh.speech {
		p.Spoken, p.Turned = spoken.Tag, spoken.Dir
	}
	if q := v.view.QR; q != nil {
		p.Typed = q.Text
		var err error
		if p.Code, err = draw(q.Content); err != nil {
			return p, err
		}
	}
	if sh.Kind == kindWait {
		return p, nil
	}
	p.ask(v)
	p.offer(v.view.Methods)
	return p, nil
}

// ask makes the inputs.
func (p *prompt) ask(v *visit) {
	for _, asked := range v.view.Fields {
		if isPasskey(asked.Kind) {
			p.Passkey = &passkey{Name: asked.Name, New: asked.Kind == flow.PasskeyCreate, Options: string(asked.Options)}
			continue
		}
		p.Fields = append(p.Fields, inputOf(asked))
	}
	for i := range p.Fields {
		switch p.Fields[i].Name {
		case "psuId":
			p.Fields[i].Value = first(v.typed, v.view.Hint)
		case "password":
			p.Fields[i].Focus = v.view.Wrong
		}
	}
}

// offer lists the methods. The one in use, which comes first, is no choice, but may
// send a new code.
func (p *prompt) offer(methods []flow.Method) {
	p.OfferAll = len(p.Fields) == 0 && p.Passkey == nil
	if p.OfferAll || len(methods) == 0 {
		p.Methods = methods
		return
	}
	p.Methods = methods[1:]
	if p.awaitsCode() && !slices.Contains(unsent, methods[0].Type) {
		p.Resend = &methods[0]
	}
}

// unsent are the types of method (authenticationType) whose codes nobody sends:
// the PSU's own device makes them.
var unsent = []string{"CHIP_OTP", "TOTP", "PASSKEY"}

// awaitsCode tells whether digits are asked for that were sent, as far as can be told.
func (p *prompt) awaitsCode() bool {
	return p.Code == nil && slices.ContainsFunc(p.Fields, func(f field) bool { return f.Numeric })
}

// Secret tells whether a password is asked for.
func (p *prompt) Secret() bool {
	return slices.ContainsFunc(p.Fields, func(f field) bool { return f.Type == "password" })
}

// heading is that of what the page is about; empty: the usual one of its kind.
func (p *prompt) heading(kind string) string {
	switch {
	case p.OfferAll && len(p.Methods) > 0:
		return "factor.choose"
	case kind != kindFactor:
		return ""
	case p.Passkey != nil && p.Passkey.New:
		return "passkey.newTitle"
	case p.Passkey != nil:
		return "passkey.title"
	case p.Code != nil:
		return "factor.scan"
	default:
		return ""
	}
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
	case flow.Text, flow.PasskeyCreate, flow.PasskeyGet:
	}
	return f
}

func isPasskey(kind flow.FieldKind) bool {
	return kind == flow.PasskeyCreate || kind == flow.PasskeyGet
}

// asksPasskey tells whether a page needs the script.
func asksPasskey(v *sca.View) bool {
	if v.Page != sca.PageLogin && v.Page != sca.PageFactor {
		return false
	}
	return slices.ContainsFunc(v.Fields, func(f flow.Field) bool { return isPasskey(f.Kind) })
}
