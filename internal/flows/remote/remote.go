package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/sony/gobreaker/v2"

	"consentd/pkg/sca"
)

// Errors of a call, besides that of its context.
var (
	// ErrNoAnswer means that the server is down, slow, not as described, or not
	// who it should be.
	ErrNoAnswer = errors.New("the server gives no answer that can be used")
	// ErrRefused means that the server is well and refused the call, as one that
	// the run does not wait for or whose signature is wrong (statuses 4xx).
	ErrRefused = errors.New("the server refused the call")
	// ErrOpen means that the server was not asked, since it has failed too often.
	ErrOpen = errors.New("the server has failed too often and is left alone")
)

// Flow implements sca.Flow by asking a server. It is safe for parallel use.
type Flow struct {
	url        string
	key        key
	timeout    time.Duration
	approaches []sca.Approach
	now        func() time.Time
	http       *http.Client
	breaker    *gobreaker.CircuitBreaker[sca.Step]
}

var (
	_ sca.Flow    = (*Flow)(nil)
	_ sca.Limited = (*Flow)(nil)
)

// New makes a Flow. It reads the certificates, and fails with all that is wrong
// with the configuration; the server is not called.
func New(c Config) (*Flow, error) {
	c = c.withDefaults()
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("remote flow: %w", err)
	}
	transport := c.Transport
	if transport == nil {
		own, err := c.TLS.transport()
		if err != nil {
			return nil, fmt.Errorf("remote flow: %w", err)
		}
		transport = own
	}
	return &Flow{
		url: c.URL, key: c.Secret, timeout: c.Timeout, approaches: slices.Clone(c.Approaches), now: c.Now,
		http: &http.Client{
			Transport: transport,
			// A redirect would carry what a PSU typed to an address that nobody configured.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		breaker: newBreaker(c.Breaker),
	}, nil
}

// newBreaker leaves a server alone that has failed several times in a row, and
// tries it again with one call at a time. It goes by the machine's clock, since
// the library lets nobody inject another; nothing that is stored depends on it.
func newBreaker(b Breaker) *gobreaker.CircuitBreaker[sca.Step] {
	return gobreaker.NewCircuitBreaker[sca.Step](gobreaker.Settings{
		Name:        "remote flow",
		Timeout:     b.OpenFor,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= uint32(b.Failures) }, //nolint:gosec // checked: small and positive
		// A call that the server refused says that it is there.
		IsSuccessful: func(err error) bool { return err == nil || errors.Is(err, ErrRefused) },
		// A caller who went away says nothing of the server.
		IsExcluded: func(err error) bool { return errors.Is(err, context.Canceled) },
	})
}

// Approaches implements sca.Limited: only the bank knows what its server can do.
func (f *Flow) Approaches() []sca.Approach { return slices.Clone(f.approaches) }

// Start implements sca.Flow. Fails with ErrNoAnswer, ErrRefused or ErrOpen.
func (f *Flow) Start(ctx context.Context, req sca.Request) (sca.Step, error) {
	return f.call(ctx, message{Call: callStart, Request: requestOf(req)})
}

// Continue implements sca.Flow. Fails with ErrNoAnswer, ErrRefused or ErrOpen.
func (f *Flow) Continue(ctx context.Context, req sca.Request, state []byte, in sca.Input) (sca.Step, error) {
	return f.call(ctx, message{Call: callContinue, Request: requestOf(req), State: state, Input: inputOf(in)})
}

func (f *Flow) call(ctx context.Context, m message) (sca.Step, error) {
	if err := ctx.Err(); err != nil {
		return sca.Step{}, fmt.Errorf("remote flow, %s: %w", m.Call, err)
	}
	body, err := m.encode()
	if err != nil {
		return sca.Step{}, err
	}
	answer, err := f.breaker.Execute(func() (sca.Step, error) { return f.ask(ctx, body) })
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		err = ErrOpen
	}
	if err != nil {
		return sca.Step{}, fmt.Errorf("remote flow, %s: %w", m.Call, err)
	}
	return answer, nil
}
