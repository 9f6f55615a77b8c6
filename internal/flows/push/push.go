package push

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"consentd/pkg/sca"
)

const (
	pollAfter  = 2 * time.Second
	fieldLogin = "psuId"
	// maxLogin is more than any PSU-ID that XS2A carries, in bytes.
	maxLogin = 140
	// minKey is the least length of Config.Key in bytes.
	minKey = 32
)

// Config is what the flow needs.
type Config struct {
	Approvals Approvals
	// Key derives numbers from StepKeys; at least 32 bytes, and the same at every
	// replica. It is needed with NumberMatching.
	Key []byte
	// NumberMatching has the PSU repeat a number in the app.
	NumberMatching bool
}

// Flow implements sca.Flow.
type Flow struct{ cfg Config }

var (
	_ sca.Flow       = (*Flow)(nil)
	_ sca.Limited    = (*Flow)(nil)
	_ sca.Announcing = (*Flow)(nil)
)

// New makes a Flow. Fails without Approvals, and with a Key that is too short.
func New(cfg Config) (*Flow, error) {
	if cfg.Approvals == nil {
		return nil, errors.New("push flow without approvals")
	}
	if cfg.NumberMatching && len(cfg.Key) < minKey {
		return nil, fmt.Errorf("the key of the push flow has %d bytes, less than %d", len(cfg.Key), minKey)
	}
	return &Flow{cfg: cfg}, nil
}

// Approaches implements sca.Limited. In the embedded approach the TPP brings what
// the PSU types, and here they type nothing.
func (f *Flow) Approaches() []sca.Approach { return []sca.Approach{sca.InRedirect, sca.InDecoupled} }

// Start implements sca.Flow. On a page the PSU says first who they are, even if
// the TPP did: its hint may be wrong, and opening a page, as programs that look
// at links do, must not make a stranger's phone ring.
func (f *Flow) Start(ctx context.Context, req sca.Request) (sca.Step, error) {
	if err := ctx.Err(); err != nil {
		return sca.Step{}, fmt.Errorf("start: %w", err)
	}
	login := strings.TrimSpace(req.Hint)
	if login == "" || req.Paged {
		return state{Stage: stageLogin}.in(sca.Step{
			Outcome: sca.Prompt, Fields: []sca.Field{{Name: fieldLogin, Kind: sca.Text}},
		})
	}
	step, err := f.ask(ctx, req, login)
	if nobody(err) {
		return sca.Step{Outcome: sca.Denied, Blocked: true}, nil
	}
	return step, err
}

// Announce implements sca.Announcing.
func (f *Flow) Announce(req sca.Request) string {
	if strings.TrimSpace(req.Hint) == "" {
		return ""
	}
	return textsFor(req.Language).wait(f.number(req.StepKey))
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
	switch {
	case in.Kind == sca.Cancel:
		return f.cancel(ctx, s)
	case in.Kind == sca.Form && s.Stage == stageLogin:
		return f.login(ctx, req, in.Fields[fieldLogin])
	case (in.Kind == sca.Poll || in.Kind == sca.Callback) && s.Stage == stageAsked:
		return f.look(ctx, req, s)
	case in.Kind == sca.Poll && s.Stage == stageNobody:
		return s.wait(req)
	default:
		return sca.Step{}, fmt.Errorf("push flow: input %q at %q: %w", in.Kind, s.Stage, errors.ErrUnsupported)
	}
}

// login asks whom a form names. Whom it cannot ask, because the bank knows no such
// name or has blocked the PSU, it lets wait as if it had: otherwise the page would
// tell anybody who banks here.
func (f *Flow) login(ctx context.Context, req sca.Request, login string) (sca.Step, error) {
	wrong := sca.Step{Outcome: sca.Prompt, Wrong: true, Message: textsFor(req.Language).Nobody}
	if login = strings.TrimSpace(login); login == "" || len(login) > maxLogin {
		return wrong, nil
	}
	step, err := f.ask(ctx, req, login)
	if nobody(err) {
		return state{Stage: stageNobody, Number: f.number(req.StepKey)}.wait(req)
	}
	return step, err
}

// ask puts the question. On a page of consentd's the PSU chooses accounts there.
func (f *Flow) ask(ctx context.Context, req sca.Request, login string) (sca.Step, error) {
	t, number := textsFor(req.Language), f.number(req.StepKey)
	id, psu, err := f.cfg.Approvals.Ask(ctx, Question{
		Login: login, Key: req.StepKey, Text: t.question(req.Summary), Language: t.Language,
		Number: number, Choose: req.Choose && !req.Paged, CallbackURL: req.CallbackURL,
	})
	switch {
	case err != nil:
		return sca.Step{}, fmt.Errorf("ask the PSU: %w", err)
	case id == "" || psu == "":
		return sca.Step{}, errors.New("ask the PSU: the bank named no question or nobody")
	}
	return state{Stage: stageAsked, Question: id, PSU: psu, Number: number}.wait(req)
}

// nobody reports whether there is no PSU who could be asked.
func nobody(err error) bool { return errors.Is(err, ErrUnknown) || errors.Is(err, ErrBlocked) }

// look asks whether the PSU has answered. That somebody called back does not
// count for an answer.
func (f *Flow) look(ctx context.Context, req sca.Request, s state) (sca.Step, error) {
	a, err := f.cfg.Approvals.Answer(ctx, s.Question)
	if err != nil {
		return sca.Step{}, fmt.Errorf("look for the answer: %w", err)
	}
	switch a.State {
	case Waiting:
		return s.wait(req)
	case Approved:
		if !s.matches(a.Number) {
			return sca.Step{Outcome: sca.Denied}, nil
		}
		return sca.Step{Outcome: sca.Done, PSU: s.PSU, Accounts: a.Accounts}, nil
	case Denied:
		return sca.Step{Outcome: sca.Denied}, nil
	default:
		return sca.Step{}, errors.New("look for the answer: a state that is none")
	}
}

// cancel withdraws the question, if there is one.
func (f *Flow) cancel(ctx context.Context, s state) (sca.Step, error) {
	if s.Stage == stageAsked {
		if err := f.cfg.Approvals.Withdraw(ctx, s.Question); err != nil {
			return sca.Step{}, fmt.Errorf("withdraw the question: %w", err)
		}
	}
	return sca.Step{Outcome: sca.Denied}, nil
}

// wait is the step until the PSU has answered.
func (s state) wait(req sca.Request) (sca.Step, error) {
	return s.in(sca.Step{
		Outcome: sca.Wait, PollAfter: pollAfter, Number: s.Number, Message: textsFor(req.Language).wait(s.Number),
	})
}
