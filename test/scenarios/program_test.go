package scenarios

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/internal/config"
	"consentd/test/contract"
	"consentd/test/pgtest"
)

// program is a running sandbox.
type program struct {
	configuration
	base      string // where it listens
	validator *contract.Validator
	err       error // why it did not start
}

// programs are those of some files on one engine, started when a case first
// needs them.
type programs struct {
	t       *testing.T // ends them
	engine  string
	book    *book
	running map[string]*program
}

// of starts the program of a case, or finds it running.
func (p *programs) of(c *scenario) *program {
	p.t.Helper()
	if running, ok := p.running[c.Program]; ok {
		return running
	}
	p.running[c.Program] = start(p.t, p.engine, p.book.programs[c.Program])
	return p.running[c.Program]
}

// start runs the sandbox in this process on an engine, on a free port.
func start(t *testing.T, engine string, c configuration) *program {
	t.Helper()
	o := app.SandboxOptions{
		Listen: "127.0.0.1:0", Data: t.TempDir(), Strict: c.Strict,
		Approaches: c.Approaches, Start: c.Start, Confirmation: c.Confirmation,
		BasePath: c.BasePath, PublicURL: c.PublicURL, RelativeLinks: c.RelativeLinks,
		// The cases of a file share the personas, and many of them are about wrong answers.
		Configure: func(c *config.Config) { c.Policy.MaxFailures = 100 },
	}
	if engine == pgtest.Postgres {
		o.Database = pgtest.DSN(t)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	a, err := app.NewSandbox(ctx, o, slog.New(slog.DiscardHandler))
	if err != nil {
		return &program{err: err} // for its cases to fail of: t is not theirs
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	v := contract.Load(t, "xs2a")
	v.BasePath = c.BasePath
	return &program{configuration: c, base: a.URL("sandbox"), validator: v}
}

// client speaks to a program for one case, which is told what the description
// does not allow.
func (p *program) client(t *testing.T) *http.Client {
	t.Helper()
	return &http.Client{
		Timeout:       30 * time.Second,
		Transport:     &contract.Transport{T: t, Validators: []*contract.Validator{p.validator}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
