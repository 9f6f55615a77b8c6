package remote_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/flows/remote"
	"consentd/pkg/sca"
)

// wire is a server without a network, so that a test can turn the clock by which
// the breaker goes: the machine's, which synctest makes its own.
type wire struct {
	status int // 0: nobody is there
	hangs  bool
	calls  int
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.calls++
	if w.hangs {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if w.status == 0 {
		return nil, errors.New("nobody is there")
	}
	_, callMAC, _ := strings.Cut(r.Header.Get(header), ",v1=")
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set(header, signed(secret, now(), callMAC, done))
	return &http.Response{StatusCode: w.status, Header: h, Body: io.NopCloser(strings.NewReader(done)), Request: r}, nil
}

// bubble runs a scenario before a server, by a clock that goes when all wait.
func bubble(t *testing.T, scenario func(t *testing.T, w *wire, call func() error)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{status: http.StatusOK}
		f := flowTo(t, "https://sca.bank.example", func(c *remote.Config) {
			c.Transport, c.Timeout, c.Breaker = w, 2*time.Second, remote.Breaker{Failures: 3, OpenFor: 30 * time.Second}
		})
		scenario(t, w, func() error {
			_, err := f.Continue(t.Context(), request(), nil, sca.Input{Kind: sca.Poll})
			return err
		})
	})
}

func TestBreakerOpensAndCloses(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire, call func() error) {
		t.Helper()
		require.NoError(t, call())
		w.status = http.StatusInternalServerError
		for range 3 {
			require.ErrorIs(t, call(), remote.ErrNoAnswer)
		}
		w.calls = 0
		for range 5 {
			require.ErrorIs(t, call(), remote.ErrOpen)
		}
		assert.Zero(t, w.calls, "it is left alone")

		time.Sleep(31 * time.Second)
		require.ErrorIs(t, call(), remote.ErrNoAnswer)
		assert.Equal(t, 1, w.calls, "it was tried once")
		require.ErrorIs(t, call(), remote.ErrOpen, "and is left alone again")

		time.Sleep(31 * time.Second)
		w.status = http.StatusOK
		for range 3 {
			require.NoError(t, call())
		}
	})
}

// TestBreakerCountsInARow: a server that fails now and then is still asked.
func TestBreakerCountsInARow(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire, call func() error) {
		t.Helper()
		for range 5 {
			w.status = http.StatusBadGateway
			require.ErrorIs(t, call(), remote.ErrNoAnswer)
			require.ErrorIs(t, call(), remote.ErrNoAnswer)
			w.status = http.StatusOK
			require.NoError(t, call())
		}
	})
}

// TestBreakerAndRefusals: calls that are refused say nothing against the server;
// else one PSU's broken run would shut out all others.
func TestBreakerAndRefusals(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire, call func() error) {
		t.Helper()
		w.status = http.StatusBadRequest
		for range 10 {
			require.ErrorIs(t, call(), remote.ErrRefused)
		}
	})
}

func TestBreakerAndSilence(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire, call func() error) {
		t.Helper()
		began := time.Now()
		w.hangs = true
		for range 3 {
			require.ErrorIs(t, call(), remote.ErrNoAnswer)
		}
		assert.Equal(t, 6*time.Second, time.Since(began), "each took its time-out and no more")
		assert.Equal(t, 3, w.calls)
		require.ErrorIs(t, call(), remote.ErrOpen)
	})
}

// TestBreakerAndRepetition: a call and its repetition fail once.
func TestBreakerAndRepetition(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire, call func() error) {
		t.Helper()
		w.status = 0
		for range 3 {
			require.ErrorIs(t, call(), remote.ErrNoAnswer)
		}
		assert.Equal(t, 6, w.calls)
		require.ErrorIs(t, call(), remote.ErrOpen)
	})
}
