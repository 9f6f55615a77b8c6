package persona

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"consentd/pkg/sca"
)

// The names of the fields that the PSU fills in.
const (
	FieldLogin    = "psuId"
	FieldPassword = "password"
	FieldCode     = "otp"
)

const (
	codeTTL   = 5 * time.Minute
	pollAfter = 2 * time.Second
)

// MinKey is the least length of Config.Key in bytes.
const MinKey = 32

// Config is what the flow is made of.
type Config struct {
	Directory Directory
	Phone     Phone
	Release   Release // nil: the right code is the end of it
	// Key makes the codes. It is secret, and the same on all replicas.
	Key []byte
	Now func() time.Time
}

// Flow implements sca.Flow.
type Flow struct{ c Config }

var _ sca.Flow = (*Flow)(nil)

// New makes a Flow. Fails when c lacks a part or its key is too short.
func New(c Config) (*Flow, error) {
	if c.Directory == nil || c.Phone == nil || c.Now == nil {
		return nil, errors.New("persona flow without directory, phone or clock")
	}
	if len(c.Key) < MinKey {
		return nil, fmt.Errorf("persona flow: key has %d bytes, less than %d", len(c.Key), MinKey)
	}
	return &Flow{c: c}, nil
}

// Start implements sca.Flow.
func (f *Flow) Start(ctx context.Context, _ sca.Request) (sca.Step, error) {
	if err := ctx.Err(); err != nil {
		return sca.Step{}, fmt.Errorf("start: %w", err)
	}
	step := sca.Step{Outcome: sca.Prompt, Fields: []sca.Field{
		{Name: FieldLogin, Kind: sca.Text},
		{Name: FieldPassword, Kind: sca.Password},
	}}
	return state{Stage: stageLogin}.in(step)
}

// Continue implements sca.Flow.
func (f *Flow) Continue(ctx context.Context, req sca.Request, raw []byte, in sca.Input) (sca.Step, error) {
	if err := ctx.Err(); err != nil {
		return sca.Step{}, fmt.Errorf("continue: %w", err)
	}
	s, err := parse(raw)
	if err != nil {
		return sca.Step{}, err
	}
	polled := in.Kind == sca.Poll || in.Kind == sca.Callback
	switch {
	case in.Kind == sca.Cancel:
		return sca.Step{Outcome: sca.Denied}, nil
	case s.Stage == stageLogin && in.Kind == sca.Form:
		return f.logIn(ctx, in)
	case s.Stage == stageKnown && in.Kind == sca.Approved:
		return f.offer(ctx, req, s)
	case s.Stage == stageMethod && in.Kind == sca.Form:
		return f.choose(ctx, req, s, in.MethodID)
	case s.Stage == stageCode && in.Kind == sca.Form:
		return f.judge(ctx, req, s, in.Fields[FieldCode])
	case s.Stage == stageWait && polled:
		return f.release(ctx, req, s)
	default:
		return sca.Step{}, fmt.Errorf("persona flow: input %q in stage %q: %w", in.Kind, s.Stage, errors.ErrUnsupported)
	}
}

// logIn judges the password.
func (f *Flow) logIn(ctx context.Context, in sca.Input) (sca.Step, error) {
	login, password := strings.TrimSpace(in.Fields[FieldLogin]), in.Fields[FieldPassword]
	if login == "" || password == "" {
		return wrong(), nil
	}
	psu, err := f.c.Directory.Authenticate(ctx, login, password)
	switch {
	case errors.Is(err, ErrWrong):
		return wrong(), nil
	case errors.Is(err, ErrBlocked):
		return sca.Step{Outcome: sca.Denied, Blocked: true}, nil
	case err != nil:
		return sca.Step{}, fmt.Errorf("authenticate: %w", err)
	}
	return state{Stage: stageKnown, PSU: psu.ID}.in(sca.Step{Outcome: sca.Identified, PSU: psu.ID})
}

// offer lets the PSU choose how to get the code. Where there is no choice, the
// code is sent at once.
func (f *Flow) offer(ctx context.Context, req sca.Request, s state) (sca.Step, error) {
	methods, err := f.c.Phone.Methods(ctx, s.PSU)
	if err != nil {
		return refused("list methods", err)
	}
	s.Methods = methods
	if len(methods) < 2 {
		return f.send(ctx, req, s, textsFor(req.Language).Sent)
	}
	s.Stage = stageMethod
	return s.in(sca.Step{Outcome: sca.Prompt, Methods: methods})
}

// choose sends the code by the method that the PSU chose.
func (f *Flow) choose(ctx context.Context, req sca.Request, s state, id string) (sca.Step, error) {
	i := slices.IndexFunc(s.Methods, func(m sca.Method) bool { return m.ID == id })
	if i < 0 {
		return sca.Step{Outcome: sca.Prompt, Wrong: true, Message: textsFor(req.Language).Choose}, nil
	}
	s.Methods = s.Methods[i : i+1]
	return f.send(ctx, req, s, textsFor(req.Language).Sent)
}

// send makes the code and sends it; page is what to say on the page, with a
// place for where it went. A call that is repeated makes the same code
// and sends it under the same key, which the bank does once.
func (f *Flow) send(ctx context.Context, req sca.Request, s state, page string) (sca.Step, error) {
	code, t := codeFor(f.c.Key, req.StepKey), textsFor(req.Language)
	m := Message{PSU: s.PSU, Key: req.StepKey, Code: code, Text: t.message(code, req.Summary), Language: t.Language}
	if len(s.Methods) > 0 {
		m.Method = s.Methods[0].ID
	}
	to, err := f.c.Phone.Send(ctx, m)
	if err != nil {
		return refused("send code", err)
	}
	challenge, err := challengeFor(to)
	if err != nil {
		return sca.Step{}, err
	}
	s.Stage, s.Key, s.Expires = stageCode, req.StepKey, f.c.Now().Add(codeTTL)
	return s.in(sca.Step{
		Outcome:   sca.Prompt,
		Fields:    []sca.Field{{Name: FieldCode, Kind: sca.Code}},
		Methods:   s.Methods,
		Challenge: challenge,
		Message:   fmt.Sprintf(page, to),
	})
}

// refused turns a no of the bank's into the end of the flow; any other error
// is one.
func refused(what string, err error) (sca.Step, error) {
	switch {
	case errors.Is(err, ErrRefused):
		return sca.Step{Outcome: sca.Denied}, nil
	case errors.Is(err, ErrBlocked):
		return sca.Step{Outcome: sca.Denied, Blocked: true}, nil
	default:
		return sca.Step{}, fmt.Errorf("%s: %w", what, err)
	}
}

// judge compares the code that the PSU typed. One that came too late is neither
// right nor wrong: a new code is sent.
func (f *Flow) judge(ctx context.Context, req sca.Request, s state, typed string) (sca.Step, error) {
	now := f.c.Now()
	if !now.Before(s.Expires) {
		return f.send(ctx, req, s, textsFor(req.Language).Renewed)
	}
	if !equal(typed, codeFor(f.c.Key, s.Key)) {
		return wrong(), nil
	}
	s.Stage, s.Since = stageWait, now
	return f.release(ctx, req, s)
}

// release ends the flow, or waits until the bank is through with it.
func (f *Flow) release(ctx context.Context, req sca.Request, s state) (sca.Step, error) {
	if f.c.Release != nil {
		ready, err := f.c.Release.Ready(ctx, s.PSU, s.Since)
		if err != nil {
			return sca.Step{}, fmt.Errorf("ask whether the PSU is through: %w", err)
		}
		if !ready {
			return s.in(sca.Step{Outcome: sca.Wait, PollAfter: pollAfter, Message: textsFor(req.Language).Wait})
		}
	}
	return sca.Step{Outcome: sca.Done, PSU: s.PSU}, nil
}

// wrong is the answer to an answer that was refused.
func wrong() sca.Step {
	return sca.Step{Outcome: sca.Prompt, Wrong: true}
}
