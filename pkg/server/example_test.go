package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"

	"consentd/pkg/sca"
	"consentd/pkg/server"
)

// myBank asks for the code of the bank's own token.
type myBank struct {
	Endpoint string `json:"endpoint"`
}

var _ sca.Flow = (*myBank)(nil)

// Start asks who it is and for the code, on one page.
func (f *myBank) Start(context.Context, sca.Request) (sca.Step, error) {
	return sca.Step{Outcome: sca.Prompt, Fields: []sca.Field{
		{Name: "psuId", Kind: sca.Text},
		{Name: "otp", Kind: sca.Code},
	}}, nil
}

// Continue lets the bank judge the code.
func (f *myBank) Continue(ctx context.Context, _ sca.Request, _ []byte, in sca.Input) (sca.Step, error) {
	if in.Kind == sca.Cancel {
		return sca.Step{Outcome: sca.Denied}, nil
	}
	right, err := f.judge(ctx, in.Fields["psuId"], in.Fields["otp"])
	if err != nil {
		return sca.Step{}, err
	}
	if !right {
		return sca.Step{Outcome: sca.Prompt, Wrong: true}, nil
	}
	return sca.Step{Outcome: sca.Done, PSU: in.Fields["psuId"]}, nil
}

// judge would ask f.Endpoint.
func (f *myBank) judge(_ context.Context, _, _ string) (bool, error) { return false, nil }

// A bank's own main: consentd with the bank's flow, which the configuration
// then names in sca.redirect and sca.flows.
func ExampleRun() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := server.Run(ctx, "/etc/consentd/consentd.yaml",
		server.WithFlow("mybank", func(config json.RawMessage, _ sca.Store) (sca.Flow, error) {
			f := &myBank{}
			if err := json.Unmarshal(config, f); err != nil {
				return nil, fmt.Errorf("mybank: %w", err)
			}
			return f, nil
		}))
	fmt.Println("stopped:", err != nil)
	// Output: stopped: true
}
