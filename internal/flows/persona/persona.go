package persona

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"consentd/pkg/sca"
)

// The names of the fields that the PSU fills in, and of the one that a passkey
// answers.
const (
	FieldLogin    = "psuId"
	FieldPassword = "password"
	FieldCode     = "otp"
	FieldPasskey  = "passkey"
)

const pollAfter = 2 * time.Second

// MinKey is the least length of Config.Key in bytes.
const MinKey = 32

// Config is what the flow is made of.
type Config struct {
	Directory Directory
	Phone     Phone
	Release   Release // nil: the right factor is the end of it
	// Store keeps the keys of authenticator apps and of passkeys.
	Store sca.Store
	// Issuer is the name of the bank, which authenticator apps and passkeys show.
	Issuer string
	// Key makes the codes. It is secret, and the same on all replicas.
	Key []byte
	Now func() time.Time
}

// Flow implements sca.Flow.
type Flow struct{ c Config }

var (
	_ sca.Flow    = (*Flow)(nil)
	_ sca.Limited = (*Flow)(nil)
)

// New makes a Flow. Fails when c lacks a part or its key is too short.
func New(c Config) (*Flow, error) {
	if c.Directory == nil || c.Phone == nil || c.Store == nil || c.Now == nil {
		return nil, errors.New("persona flow without directory, phone, store or clock")
	}
	// An otpauth URI parts the names of bank and account by a colon.
	if c.Issuer = plain(c.Issuer); c.Issuer == "" {
		return nil, errors.New("persona flow without the name of the bank")
	}
	if len(c.Key) < MinKey {
		return nil, fmt.Errorf("persona flow: key has %d bytes, less than %d", len(c.Key), MinKey)
	}
	return &Flow{c: c}, nil
}

// Approaches implements sca.Limited: somebody must be there to type.
func (f *Flow) Approaches() []sca.Approach { return []sca.Approach{sca.InRedirect, sca.InEmbedded} }

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
	case s.Stage == stageWait && polled:
		return f.release(ctx, req, s)
	case in.Kind == sca.Form && s.Stage != stageKnown && s.Stage != stageWait:
		return f.answer(ctx, req, s, in)
	default:
		return sca.Step{}, fmt.Errorf("persona flow: input %q in stage %q: %w", in.Kind, s.Stage, errors.ErrUnsupported)
	}
}

// answer judges what came from the page of a factor. A method that is chosen goes
// before whatever else stands on the page.
func (f *Flow) answer(ctx context.Context, req sca.Request, s state, in sca.Input) (sca.Step, error) {
	if in.MethodID != "" || s.Stage == stageMethod {
		return f.choose(ctx, req, s, in.MethodID)
	}
	switch s.Stage {
	case stageCode:
		return f.judgeCode(ctx, req, s, in.Fields[FieldCode])
	case stageApp:
		return f.judgeApp(ctx, req, s, in.Fields[FieldCode])
	case stageNewApp:
		return f.judgeNewApp(ctx, req, s, in.Fields[FieldCode])
	case stagePasskey:
		return f.judgePasskey(ctx, req, s, in.Fields[FieldPasskey])
	default:
		return f.judgeNewPasskey(ctx, req, s, in.Fields[FieldPasskey])
	}
}

// logIn judges the password.
func (f *Flow) logIn(ctx context.Context, in sca.Input) (sca.Step, error) {
	login, password := strings.TrimSpace(in.Fields[FieldLogin]), in.Fields[FieldPassword]
	if login == "" || password == "" {
		return wrong(""), nil
	}
	psu, err := f.c.Directory.Authenticate(ctx, login, password)
	switch {
	case errors.Is(err, ErrWrong):
		return wrong(""), nil
	case errors.Is(err, ErrBlocked):
		return sca.Step{Outcome: sca.Denied, Blocked: true}, nil
	case err != nil:
		return sca.Step{}, fmt.Errorf("authenticate: %w", err)
	}
	s := state{Stage: stageKnown, PSU: psu.ID, Account: login, Name: psu.Name}
	return s.in(sca.Step{Outcome: sca.Identified, PSU: psu.ID})
}

// through goes on from the right factor.
func (f *Flow) through(ctx context.Context, req sca.Request, s state) (sca.Step, error) {
	return f.release(ctx, req, state{Stage: stageWait, PSU: s.PSU, Since: f.c.Now()})
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

// wrong is the answer to an answer that was refused.
func wrong(message string) sca.Step {
	return sca.Step{Outcome: sca.Prompt, Wrong: true, Message: message}
}
