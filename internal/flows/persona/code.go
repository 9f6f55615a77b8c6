package persona

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"consentd/pkg/sca"
)

const (
	codeTTL  = 5 * time.Minute
	maxCodes = 5 // that one run sends
)

// send makes a code and sends it; page is what to say on the page, with a place
// for where it went. The number of the code names it, so that a call that is
// repeated, or that was overtaken, makes the same one and sends it under the same
// key, which the bank does once; and that no run sends more than it may.
func (f *Flow) send(ctx context.Context, req sca.Request, s state, page string) (sca.Step, error) {
	t := textsFor(req.Language)
	if s.Sent >= maxCodes {
		return f.noMore(ctx, req, s)
	}
	way := s.way()
	s.Sent++
	s.Key = fmt.Sprintf("%s/code/%d/%d%s", req.RunID, s.Sent, way+1, s.First)
	code := codeFor(f.c.Key, s.Key)
	m := Message{PSU: s.PSU, Key: s.Key, Code: code, Text: t.message(code, f.subject(req, s)), Language: t.Language}
	if way >= 0 {
		m.Method = s.Methods[way].ID
	}
	to, err := f.c.Phone.Send(ctx, m)
	if err != nil {
		return refused("send code", err)
	}
	described, err := challengeFor(to)
	if err != nil {
		return sca.Step{}, err
	}
	s.Stage, s.Expires = stageCode, f.c.Now().Add(codeTTL)
	return f.prompt(ctx, req, s, sca.Step{
		Fields:    []sca.Field{{Name: FieldCode, Kind: sca.Code}},
		Challenge: described,
		Message:   fmt.Sprintf(page, to),
	})
}

// noMore answers where no code can be sent any more.
func (f *Flow) noMore(ctx context.Context, req sca.Request, s state) (sca.Step, error) {
	others, err := f.codeless(ctx, req, s)
	switch {
	case err != nil:
		return sca.Step{}, err
	case req.Paged && len(others) > 0:
		return wrong(textsFor(req.Language).NoMore), nil
	default:
		return wrong(textsFor(req.Language).NoneLeft), nil
	}
}

// way is the method by which a code goes: the chosen one, or the first of the
// bank's where the code protects the setting up of another; -1 where the bank
// names none.
func (s state) way() int {
	if s.First == byPhone {
		return s.find(s.Method)
	}
	return slices.IndexFunc(s.Methods, func(m sca.Method) bool { return kindOf(m) == byPhone })
}

// subject is what a code is for, in the PSU's language. A message that names it
// lets the PSU see if they are being led to agree to something else (RTS 2018/389,
// art. 5, dynamic linking).
func (f *Flow) subject(req sca.Request, s state) string {
	t := textsFor(req.Language)
	switch s.First {
	case byApp:
		return fmt.Sprintf(t.ForApp, f.c.Issuer)
	case byPasskey:
		return fmt.Sprintf(t.ForKey, f.c.Issuer)
	default:
		return req.Summary
	}
}

// judgeCode compares the code that the PSU typed. One that came too late is
// neither right nor wrong: a new code is sent.
func (f *Flow) judgeCode(ctx context.Context, req sca.Request, s state, typed string) (sca.Step, error) {
	if !f.c.Now().Before(s.Expires) {
		return f.send(ctx, req, s, textsFor(req.Language).Renewed)
	}
	if !equal(typed, codeFor(f.c.Key, s.Key)) {
		return wrong(""), nil
	}
	switch s.First {
	case byApp:
		return f.setUpApp(ctx, req, s)
	case byPasskey:
		return f.setUpPasskey(ctx, req, s, textsFor(req.Language).NewKey)
	default:
		return f.through(ctx, req, s)
	}
}

// challenge describes a code to who collects it for us (XS2A, challengeData).
type challenge struct {
	OTPMaxLength          int    `json:"otpMaxLength"`
	OTPFormat             string `json:"otpFormat"`
	AdditionalInformation string `json:"additionalInformation,omitempty"`
}

// challengeFor describes a code that was sent to a masked address, or that an app
// shows.
func challengeFor(to string) (json.RawMessage, error) {
	raw, err := json.Marshal(challenge{OTPMaxLength: digits, OTPFormat: "integer", AdditionalInformation: to})
	if err != nil {
		return nil, fmt.Errorf("encode challenge: %w", err)
	}
	return raw, nil
}
