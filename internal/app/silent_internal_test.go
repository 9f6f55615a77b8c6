package app

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/jobs"
)

// TestStop stops a server to which somebody has connected without a word: it
// waits for the call that is under way, and not for them.
func TestStop(t *testing.T) {
	a := &App{log: slog.New(slog.DiscardHandler), grace: 2 * time.Second, jobs: &jobs.Runner{}}
	begun, finish := make(chan struct{}), make(chan struct{})
	require.NoError(t, a.listen(t.Context(), "test", "127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-finish
		_, _ = io.WriteString(w, "done")
	}), nil))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()

	quiet, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", a.Address("test"))
	require.NoError(t, err)
	defer quiet.Close()
	answered := make(chan string, 1)
	go func() {
		req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, a.URL("test"), nil)
		if err != nil {
			t.Error(err)
			return
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		answered <- string(b)
	}()
	<-begun
	stop()
	_, err = quiet.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF, "closed at once")
	close(finish)
	require.Equal(t, "done", <-answered)
	require.NoError(t, <-ended)
}
