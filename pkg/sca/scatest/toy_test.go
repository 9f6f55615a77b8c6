package scatest_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"consentd/pkg/sca"
	"consentd/pkg/sca/scatest"
)

const toyPSU = "psu-1"

// toyBank is the backend that the instances of a toy share. A code is sent per
// StepKey, once.
type toyBank struct {
	mu    sync.Mutex
	codes map[string]string // by StepKey
	sent  int
	over  map[string]bool   // runs that were cancelled
	looks map[string]string // by run, the StepKey of the first
}

// cancel reports false for a run that is cancelled already.
func (b *toyBank) cancel(run string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over[run] {
		return false
	}
	if b.over == nil {
		b.over = map[string]bool{}
	}
	b.over[run] = true
	return true
}

// first reports whether a run is looked at for the first time, by this call perhaps.
func (b *toyBank) first(req sca.Request) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.looks == nil {
		b.looks = map[string]string{}
	}
	if b.looks[req.RunID] == "" {
		b.looks[req.RunID] = req.StepKey
	}
	return b.looks[req.RunID] == req.StepKey
}

func (b *toyBank) send(key string, again bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, known := b.codes[key]
	if !known {
		b.codes[key] = "code of " + key
	}
	if !known || again {
		b.sent++
	}
}

func (b *toyBank) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sent
}

func (b *toyBank) forget(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.codes[key] = "void"
}

// toy is a right flow: a password, the review, a code, and a wait. Each mutant
// breaks one of its rules by overriding start or next.
type toy struct {
	bank  *toyBank
	start func(f *toy, req sca.Request) (sca.Step, error)
	next  func(f *toy, req sca.Request, state string, in sca.Input) (sca.Step, error)
	again bool // sends on every call
	deaf  bool // ignores its context
	mu    sync.Mutex
	kept  string // what a mutant keeps in memory
}

var errToy = errors.New("toy: not for this state")

func (f *toy) Start(ctx context.Context, req sca.Request) (sca.Step, error) {
	if err := ctx.Err(); err != nil && !f.deaf {
		return sca.Step{}, err
	}
	if f.start != nil {
		return f.start(f, req)
	}
	return toyStart(req), nil
}

func (f *toy) Continue(ctx context.Context, req sca.Request, state []byte, in sca.Input) (sca.Step, error) {
	if err := ctx.Err(); err != nil && !f.deaf {
		return sca.Step{}, err
	}
	if f.next != nil {
		return f.next(f, req, string(state), in)
	}
	return f.step(req, string(state), in)
}

func toyStart(req sca.Request) sca.Step {
	return sca.Step{
		Outcome: sca.Prompt, State: []byte("login;"),
		Fields: []sca.Field{{Name: "secret", Label: toyText(req, "Secret", "Geheimnis"), Kind: sca.Password}},
	}
}

func toyText(req sca.Request, en, de string) string {
	if strings.HasPrefix(req.Language, "de") {
		return de
	}
	return en
}

func (f *toy) step(req sca.Request, state string, in sca.Input) (sca.Step, error) {
	stage, key, whole := strings.Cut(state, ";")
	wrong := sca.Step{Outcome: sca.Prompt, Wrong: true}
	switch {
	case !whole, strings.Contains(key, "garbage"):
		return sca.Step{}, errToy
	case in.Kind == sca.Cancel:
		return sca.Step{Outcome: sca.Denied}, nil
	case stage == "login" && key == "" && in.Kind == sca.Form:
		if in.Fields["secret"] != "right" {
			return wrong, nil
		}
		return sca.Step{Outcome: sca.Identified, PSU: toyPSU, State: []byte("known;")}, nil
	case stage == "known" && key == "" && in.Kind == sca.Approved:
		f.bank.send(req.StepKey, f.again)
		return sca.Step{
			Outcome: sca.Prompt, State: []byte("code;" + req.StepKey + "."), Fields: []sca.Field{{Name: "otp", Kind: sca.Code}},
			Message: toyText(req, "sent", "gesendet"),
		}, nil
	case stage == "code" && in.Kind == sca.Form && strings.HasSuffix(key, "."):
		if in.Fields["otp"] != f.bank.code(strings.TrimSuffix(key, ".")) {
			return wrong, nil
		}
		return sca.Step{Outcome: sca.Wait, State: []byte("wait;"), PollAfter: time.Second}, nil
	case stage == "wait" && key == "" && in.Kind == sca.Poll:
		return sca.Step{Outcome: sca.Done, PSU: toyPSU}, nil
	}
	return sca.Step{}, errToy
}

func (b *toyBank) code(key string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.codes[key]
}

// harness makes a Harness of toys that mutate changes.
func harness(mutate func(f *toy)) scatest.Harness {
	return scatest.Harness{
		Prompts:   2,
		Languages: []string{"en", "de"},
		New: func(testing.TB) scatest.Bench {
			bank := &toyBank{codes: map[string]string{}}
			return scatest.Bench{
				PSU:     toyPSU,
				Effects: bank.count,
				Flow: func() sca.Flow {
					f := &toy{bank: bank}
					if mutate != nil {
						mutate(f)
					}
					return f
				},
				Right: bank.right,
				Wrong: func(sca.Request, sca.Step) sca.Input {
					return sca.Input{Kind: sca.Form, Fields: map[string]string{"secret": "no", "otp": "no"}}
				},
			}
		},
	}
}

func (b *toyBank) right(_ sca.Request, step sca.Step) sca.Input {
	if step.Outcome == sca.Wait {
		return sca.Input{Kind: sca.Poll}
	}
	if step.Outcome == sca.Redirect {
		return sca.Input{Kind: sca.Returned, Fields: map[string]string{"code": "good"}}
	}
	if len(step.Fields) > 0 && step.Fields[0].Name == "otp" {
		own, _, _ := strings.Cut(string(step.State), "|") // what a hoarder wrote behind it
		_, key, _ := strings.Cut(own, ";")
		return sca.Input{Kind: sca.Form, Fields: map[string]string{"otp": "code of " + strings.TrimSuffix(key, ".")}}
	}
	return sca.Input{Kind: sca.Form, Fields: map[string]string{"secret": "right"}}
}

// trip is a right flow of the other sort: an identity provider's single trip.
type trip struct{}

func (trip) Start(ctx context.Context, _ sca.Request) (sca.Step, error) {
	return sca.Step{Outcome: sca.Redirect, URL: "https://idp.example", State: []byte("away")}, ctx.Err()
}

func (trip) Continue(ctx context.Context, _ sca.Request, state []byte, in sca.Input) (sca.Step, error) {
	switch {
	case ctx.Err() != nil:
		return sca.Step{}, ctx.Err()
	case string(state) != "away":
		return sca.Step{}, errToy
	case in.Kind == sca.Cancel:
		return sca.Step{Outcome: sca.Denied}, nil
	case in.Kind == sca.Returned && in.Fields["code"] == "good":
		return sca.Step{Outcome: sca.Done, PSU: toyPSU}, nil
	}
	return sca.Step{}, errToy
}

// app is a right flow of a third sort: the bank's app asks whom the TPP named,
// and asks no more once the flow is cancelled.
type app struct{ bank *toyBank }

func (a app) Start(ctx context.Context, req sca.Request) (sca.Step, error) {
	switch {
	case ctx.Err() != nil:
		return sca.Step{}, ctx.Err()
	case req.Hint != "name of "+toyPSU:
		return sca.Step{Outcome: sca.Denied}, nil
	}
	a.bank.send(req.StepKey, false)
	return sca.Step{Outcome: sca.Wait, State: []byte("asked"), PollAfter: time.Second}, nil
}

func (a app) Continue(ctx context.Context, req sca.Request, state []byte, in sca.Input) (sca.Step, error) {
	a.bank.mu.Lock()
	over := a.bank.over[req.RunID]
	a.bank.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return sca.Step{}, ctx.Err()
	case string(state) != "asked":
		return sca.Step{}, errToy
	case in.Kind == sca.Cancel:
		a.bank.cancel(req.RunID)
		return sca.Step{Outcome: sca.Denied}, nil
	case over:
		return sca.Step{Outcome: sca.Denied}, nil
	case in.Kind == sca.Poll:
		return sca.Step{Outcome: sca.Done, PSU: toyPSU}, nil
	}
	return sca.Step{}, errToy
}

// appHarness runs the app for the PSU whom the TPP calls so.
func appHarness(hint string) scatest.Harness {
	return scatest.Harness{SingleTrip: true, New: func(testing.TB) scatest.Bench {
		bank := &toyBank{codes: map[string]string{}}
		return scatest.Bench{
			PSU: toyPSU, Hint: hint, Effects: bank.count, Right: bank.right,
			Flow: func() sca.Flow { return app{bank} },
		}
	}}
}
