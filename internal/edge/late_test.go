package edge_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"consentd/internal/edge"
)

// What fails after its answer is logged, and not answered again.
func TestTooLate(t *testing.T) {
	t.Parallel()
	var said strings.Builder
	log := slog.New(slog.NewTextHandler(&said, nil))
	c := echo.New().NewContext(httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder())
	require.False(t, edge.TooLate(c, log, errors.New("early")))
	require.Empty(t, said.String())
	require.NoError(t, c.NoContent(http.StatusNoContent))
	require.True(t, edge.TooLate(c, log, errors.New("late")))
	require.Contains(t, said.String(), "error=late")
}
