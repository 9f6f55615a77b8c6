package app

import (
	"context"
	"errors"

	"consentd/internal/flows/persona"
	"consentd/internal/flows/push"
	"consentd/internal/service"
	flow "consentd/pkg/sca"
)

// A flow knows nothing of consentd's ports, so that it could live in another
// module; directory, phone and app hand it the bank's logins, phones and
// approvals in its own words.

type directory struct{ service.Logins }

// Authenticate implements persona.Directory.
func (d directory) Authenticate(ctx context.Context, login, password string) (persona.PSU, error) {
	id, name, err := d.Logins.Authenticate(ctx, login, password)
	return persona.PSU{ID: id, Name: name}, translate(err)
}

type phone struct{ service.Phones }

// Methods implements persona.Phone.
func (p phone) Methods(ctx context.Context, psu string) ([]flow.Method, error) {
	list, err := p.Phones.Methods(ctx, psu)
	methods := make([]flow.Method, len(list))
	for i, m := range list {
		methods[i] = flow.Method(m)
	}
	return methods, translate(err)
}

// Send implements persona.Phone.
func (p phone) Send(ctx context.Context, m persona.Message) (string, error) {
	to, err := p.SendCode(ctx, service.CodeMessage(m))
	return to, translate(err)
}

func translate(err error) error {
	switch {
	case errors.Is(err, service.ErrWrongCredentials):
		return persona.ErrWrong
	case errors.Is(err, service.ErrBlocked):
		return persona.ErrBlocked
	case errors.Is(err, service.ErrRefused):
		return persona.ErrRefused
	default:
		return err
	}
}

type app struct{ service.Approvals }

// Ask implements push.Approvals.
func (a app) Ask(ctx context.Context, q push.Question) (id, psu string, err error) {
	id, psu, err = a.Approvals.Ask(ctx, service.Approval(q))
	switch {
	case errors.Is(err, service.ErrUnknownPSU):
		return "", "", push.ErrUnknown
	case errors.Is(err, service.ErrBlocked):
		return "", "", push.ErrBlocked
	default:
		return id, psu, err
	}
}

// Answer implements push.Approvals.
func (a app) Answer(ctx context.Context, id string) (push.Answer, error) {
	answer, err := a.Approvals.Answer(ctx, id)
	return push.Answer{State: push.State(answer.State), Accounts: answer.Accounts, Number: answer.Number}, err
}
