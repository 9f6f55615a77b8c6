// Package server lets a bank build its own consentd: the same server, with
// flows of strong customer authentication that are the bank's own.
//
// A flow is registered under a name, which the configuration then uses:
//
//	sca:
//	  redirect: mybank
//	  flows:
//	    mybank: {endpoint: https://sca.mybank.example}
package server

import (
	"context"
	"io"
	"os"

	"consentd/internal/app"
	"consentd/pkg/sca"
)

// Option changes how the server is built.
type Option func(*options)

type options struct {
	flows map[string]sca.Factory
	log   io.Writer
	env   func(string) string
	ready func(url func(surface string) string)
}

// WithFlow registers a flow under a name. The factory is handed the flow's
// section of the configuration, as JSON, and its own store.
func WithFlow(name string, factory sca.Factory) Option {
	return func(o *options) { o.flows[name] = factory }
}

// WithLog sends the log elsewhere than to standard error.
func WithLog(w io.Writer) Option { return func(o *options) { o.log = w } }

// WithReady calls f once the server listens. url gives the base URL of a
// surface: "tpp", "psu" or "ops".
func WithReady(f func(url func(surface string) string)) Option {
	return func(o *options) { o.ready = f }
}

// Run serves what the configuration file says until ctx ends, then finishes
// the calls under way. It fails when the configuration has problems, all of
// which the error names, and when the database schema is behind.
func Run(ctx context.Context, configPath string, opts ...Option) error {
	o := options{flows: map[string]sca.Factory{}, log: os.Stderr, env: os.Getenv}
	for _, opt := range opts {
		opt(&o)
	}
	a, err := app.FromFile(ctx, configPath, app.Surroundings{Env: o.env, Log: o.log, Flows: o.flows})
	if err != nil {
		return err
	}
	if o.ready != nil {
		o.ready(a.URL)
	}
	return a.Run(ctx)
}
