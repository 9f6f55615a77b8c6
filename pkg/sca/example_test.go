package sca_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"consentd/pkg/sca"
	"consentd/pkg/server"
)

// Core is what this flow needs of the bank: a client of its systems.
type Core interface {
	// Login returns the PSU's id, or "" when name or password is wrong.
	Login(ctx context.Context, name, password string) (psu string, err error)
	// Send sends the PSU a code with this text, once for each key.
	Send(ctx context.Context, psu, key, text string) error
	// Check judges the code that was sent under the key, and knows when it is too old.
	Check(ctx context.Context, psu, key, code string) (right bool, err error)
}

// Flow asks for name and password, lets the PSU read, then asks for a code.
type Flow struct{ Core Core }

var _ sca.Flow = (*Flow)(nil)

// place is what State holds: never a password, never a code.
type place struct {
	At  string `json:"at"` // login, review or code
	PSU string `json:"psu,omitempty"`
	Key string `json:"key,omitempty"` // under which the code was sent
}

// Start asks who it is.
func (f *Flow) Start(ctx context.Context, _ sca.Request) (sca.Step, error) {
	return place{At: "login"}.in(sca.Step{Outcome: sca.Prompt, Fields: []sca.Field{
		{Name: "psuId", Kind: sca.Text}, {Name: "password", Kind: sca.Password},
	}}), ctx.Err()
}

// Continue takes the one input that the place waits for.
func (f *Flow) Continue(ctx context.Context, req sca.Request, state []byte, in sca.Input) (sca.Step, error) {
	var p place
	if err := errors.Join(ctx.Err(), json.Unmarshal(state, &p)); err != nil {
		return sca.Step{}, errors.New("mybank: no state of this flow, or no time left") // the cause may quote it
	}
	switch from := p.At + " " + string(in.Kind); from {
	case "login form":
		psu, err := f.Core.Login(ctx, in.Fields["psuId"], in.Fields["password"])
		if err != nil || psu == "" {
			return sca.Step{Outcome: sca.Prompt, Wrong: true}, err
		}
		return place{At: "review", PSU: psu}.in(sca.Step{Outcome: sca.Identified, PSU: psu}), nil
	case "review approved":
		err := f.Core.Send(ctx, p.PSU, req.StepKey, "Your code for "+req.Summary)
		return place{At: "code", PSU: p.PSU, Key: req.StepKey}.in(sca.Step{
			Outcome: sca.Prompt, Fields: []sca.Field{{Name: "otp", Kind: sca.Code}},
		}), err
	case "code form":
		right, err := f.Core.Check(ctx, p.PSU, p.Key, in.Fields["otp"])
		if err != nil || !right {
			return sca.Step{Outcome: sca.Prompt, Wrong: true}, err
		}
		return sca.Step{Outcome: sca.Done, PSU: p.PSU}, nil
	case "login cancel", "review cancel", "code cancel":
		return sca.Step{Outcome: sca.Denied}, nil
	default:
		return sca.Step{}, fmt.Errorf("mybank: nothing goes on from %q", from)
	}
}

// in puts the place into a step.
func (p place) in(step sca.Step) sca.Step {
	step.State, _ = json.Marshal(p) // three texts can always be written
	return step
}

// A bank's own program: consentd with the flow above, which the configuration
// names under sca. The factory reads the flow's section and refuses what it does
// not know.
func Example() {
	factory := func(section json.RawMessage, _ sca.Store) (sca.Flow, error) {
		var core client
		d := json.NewDecoder(bytes.NewReader(section))
		d.DisallowUnknownFields()
		if err := d.Decode(&core); err != nil {
			return nil, fmt.Errorf("mybank: %w", err)
		}
		return &Flow{Core: &core}, nil
	}
	err := server.Run(context.Background(), "consentd.yaml", server.WithFlow("mybank", factory))
	fmt.Println("runs until it is stopped; here there is no configuration:", err != nil)
	// Output: runs until it is stopped; here there is no configuration: true
}

// client would call the bank's systems.
type client struct {
	URL       string `json:"url"`
	TokenFile string `json:"tokenFile"`
}

func (c *client) Login(context.Context, string, string) (string, error) {
	return "", errors.ErrUnsupported
}

func (c *client) Send(context.Context, string, string, string) error { return errors.ErrUnsupported }

func (c *client) Check(context.Context, string, string, string) (bool, error) {
	return false, errors.ErrUnsupported
}
