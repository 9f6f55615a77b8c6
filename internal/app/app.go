// Package app is the composition root: it builds the program from its parts and
// runs it. What depends on what can be read off here; no other package knows
// more than its neighbours.
package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"consentd/internal/jobs"
)

// App is the program: listeners over one store, and the jobs beside them.
type App struct {
	log     *slog.Logger
	grace   time.Duration
	fronts  []*front
	jobs    *jobs.Runner
	closers []func() error
	// greeting is what a person is told at the start; empty for a server.
	greeting string
}

// front is one listener and what it serves.
type front struct {
	name     string
	listener net.Listener
	server   *http.Server
	secure   bool // speaks TLS; a server makes itself a TLSConfig in any case
	silent   *silent
}

// serve answers calls until the server is stopped.
func (f *front) serve() error {
	if f.secure {
		return f.server.ServeTLS(f.listener, "", "") //nolint:wrapcheck // by the caller
	}
	return f.server.Serve(f.listener) //nolint:wrapcheck // by the caller
}

// Address is where a surface listens, once the app was made: "sandbox" and
// "sandbox-tls", or "tpp", "psu", "bank" and "ops". Empty for a surface that it does not have.
func (a *App) Address(surface string) string {
	for _, f := range a.fronts {
		if f.name == surface {
			return f.listener.Addr().String()
		}
	}
	return ""
}

// URL is where a surface is reached on this machine, without a slash at its
// end. A browser trusts localhost more than 127.0.0.1, so it is called that; so
// is what listens on all addresses, which is itself none to call.
func (a *App) URL(surface string) string {
	address := a.Address(surface)
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && (ip.IsLoopback() || ip.IsUnspecified()) {
		address = net.JoinHostPort("localhost", port)
	}
	if slices.ContainsFunc(a.fronts, func(f *front) bool { return f.name == surface && f.secure }) {
		return "https://" + address
	}
	return "http://" + address
}

// Greeting is what to print when the program is ready; empty for a server.
func (a *App) Greeting() string { return a.greeting }

// Run serves until ctx ends, then takes no more calls, finishes those under
// way and closes what it opened. A second Run is not possible.
func (a *App) Run(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	for _, f := range a.fronts {
		g.Go(func() error {
			if err := f.serve(); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve %s: %w", f.name, err)
			}
			return nil
		})
	}
	g.Go(func() error { return a.jobs.Run(gctx) })
	g.Go(func() error {
		<-gctx.Done()
		return a.shutdown(context.WithoutCancel(gctx))
	})
	return errors.Join(g.Wait(), a.Close())
}

func (a *App) shutdown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, a.grace)
	defer cancel()
	var g errgroup.Group
	for _, f := range a.fronts {
		g.Go(func() error {
			f.silent.stop()
			if err := f.server.Shutdown(ctx); err != nil {
				return fmt.Errorf("stop %s: %w", f.name, errors.Join(err, f.server.Close()))
			}
			return nil
		})
	}
	return g.Wait() //nolint:wrapcheck // wrapped above
}

// atStop has fn called once no call is under way any more, before the database is
// left. It is given a moment.
func (a *App) atStop(ctx context.Context, fn func(context.Context) error) {
	a.closers = append(a.closers, func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
		defer cancel()
		return fn(ctx)
	})
}

// lastWords is how long what is left to write may take at the end.
const lastWords = 5 * time.Second

// Close frees what an App holds that was never run. Run does it by itself.
func (a *App) Close() error {
	var errs []error
	for _, f := range a.fronts {
		if err := f.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	for _, c := range slices.Backward(a.closers) {
		errs = append(errs, c())
	}
	a.closers = nil
	return errors.Join(errs...)
}

// listen adds a front, which speaks TLS unless secure is nil. Its server's time-outs keep slow or silent peers from
// holding connections.
func (a *App) listen(ctx context.Context, name, address string, h http.Handler, secure *tls.Config) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen for %s: %w", name, err)
	}
	quiet := &silent{}
	a.fronts = append(a.fronts, &front{name: name, listener: l, silent: quiet, secure: secure != nil, server: &http.Server{
		ConnState:         quiet.note,
		TLSConfig:         secure,
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}})
	return nil
}
