package push

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"consentd/pkg/sca"
)

const pollAfter = 2 * time.Second

// Flow implements sca.Flow.
type Flow struct{ approvals Approvals }

var _ sca.Flow = (*Flow)(nil)

// New makes a Flow. Fails without approvals.
func New(approvals Approvals) (*Flow, error) {
	if approvals == nil {
		return nil, errors.New("push flow without approvals")
	}
	return &Flow{approvals: approvals}, nil
}

// Start implements sca.Flow. Whom to ask only the TPP can say: there is no page
// on which the PSU could.
func (f *Flow) Start(ctx context.Context, req sca.Request) (sca.Step, error) {
	if err := ctx.Err(); err != nil {
		return sca.Step{}, fmt.Errorf("start: %w", err)
	}
	login := strings.TrimSpace(req.Hint)
	if login == "" {
		return nobody(), nil
	}
	t := textsFor(req.Language)
	id, psu, err := f.approvals.Ask(ctx, Question{
		Login: login, Key: req.StepKey, Text: t.question(req.Summary), Language: t.Language,
	})
	switch {
	case errors.Is(err, ErrUnknown), errors.Is(err, ErrBlocked):
		return nobody(), nil
	case err != nil:
		return sca.Step{}, fmt.Errorf("ask the PSU: %w", err)
	case id == "" || psu == "":
		return sca.Step{}, errors.New("ask the PSU: the bank named no question or nobody")
	}
	return state{Stage: stageAsked, Question: id, PSU: psu}.wait(req)
}

// nobody is the answer where no PSU can be asked. It is the same for a name that
// the bank does not know as for a PSU whom it has blocked: a TPP must not be able
// to tell them apart.
func nobody() sca.Step { return sca.Step{Outcome: sca.Denied, Blocked: true} }

// Continue implements sca.Flow.
func (f *Flow) Continue(ctx context.Context, req sca.Request, raw []byte, in sca.Input) (sca.Step, error) {
	if err := ctx.Err(); err != nil {
		return sca.Step{}, fmt.Errorf("continue: %w", err)
	}
	s, err := parse(raw)
	if err != nil {
		return sca.Step{}, err
	}
	switch in.Kind {
	case sca.Poll, sca.Callback:
		return f.look(ctx, req, s)
	case sca.Cancel:
		if err := f.approvals.Withdraw(ctx, s.Question); err != nil {
			return sca.Step{}, fmt.Errorf("withdraw the question: %w", err)
		}
		return sca.Step{Outcome: sca.Denied}, nil
	default:
		return sca.Step{}, fmt.Errorf("push flow: input %q: %w", in.Kind, errors.ErrUnsupported)
	}
}

// look asks whether the PSU has answered.
func (f *Flow) look(ctx context.Context, req sca.Request, s state) (sca.Step, error) {
	a, err := f.approvals.Answer(ctx, s.Question)
	if err != nil {
		return sca.Step{}, fmt.Errorf("look for the answer: %w", err)
	}
	switch a.State {
	case Waiting:
		return s.wait(req)
	case Approved:
		return sca.Step{Outcome: sca.Done, PSU: s.PSU, Accounts: a.Accounts}, nil
	case Denied:
		return sca.Step{Outcome: sca.Denied}, nil
	default:
		return sca.Step{}, errors.New("look for the answer: a state that is none")
	}
}

// wait is the step until the PSU has answered.
func (s state) wait(req sca.Request) (sca.Step, error) {
	return s.in(sca.Step{Outcome: sca.Wait, PollAfter: pollAfter, Message: textsFor(req.Language).Wait})
}
