package obs_test

import (
	"bytes"
	"database/sql"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"consentd/internal/obs"
)

// TestWatch logs and counts calls by their route: what is in their paths,
// queries and headers appears nowhere.
func TestWatch(t *testing.T) {
	var log bytes.Buffer
	logger, err := obs.NewLog(&log, "info", "json")
	require.NoError(t, err)
	now := time.Unix(0, 0)
	o := obs.NewObserver(logger, func() time.Time { now = now.Add(30 * time.Millisecond); return now })
	o.WatchPool(func() sql.DBStats { return sql.DBStats{OpenConnections: 7} })
	e := echo.New()
	e.Use(o.Watch("psu"))
	e.GET("/sca/:handle", func(c echo.Context) error {
		c.Response().Header().Set("X-Request-ID", "rid")
		return c.NoContent(http.StatusNoContent)
	})
	e.GET("/broken", func(echo.Context) error { return errors.New("cause") })
	for _, x := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, "/sca/SECRET?lang=SECRET", http.StatusNoContent},
		{http.MethodGet, "/broken", http.StatusInternalServerError},
		{http.MethodGet, "/SECRET", http.StatusNotFound},
		{"SECRET", "/sca/x", http.StatusMethodNotAllowed},
	} {
		res := httptest.NewRecorder()
		e.ServeHTTP(res, httptest.NewRequest(x.method, x.path, nil))
		require.Equal(t, x.status, res.Code, x.path)
	}
	res := httptest.NewRecorder()
	o.Metrics().ServeHTTP(res, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	metrics := res.Body.String()
	for _, want := range []string{
		`consentd_http_request_duration_seconds_count{method="GET",route="/sca/:handle",status="204",surface="psu"} 1`,
		`consentd_http_request_duration_seconds_bucket{method="GET",route="/sca/:handle",status="204",surface="psu",le="0.025"} 0`,
		`consentd_http_request_duration_seconds_count{method="GET",route="/broken",status="500",surface="psu"} 1`,
		`method="other"`, "consentd_db_connections_open 7",
	} {
		require.Contains(t, metrics, want)
	}
	require.Contains(t, log.String(), `"route":"/sca/:handle","status":204,"took":30000000,"requestId":"rid"`)
	require.NotContains(t, log.String()+metrics, "SECRET")
}

// TestTag gives calls ids of their own, and everything that they log.
func TestTag(t *testing.T) {
	var log bytes.Buffer
	logger, err := obs.NewLog(&log, "info", "json")
	require.NoError(t, err)
	e := echo.New()
	e.Use(obs.NewObserver(logger, time.Now).Watch("psu"), obs.Tag(func(path string) bool { return path == "/v1" }))
	for _, path := range []string{"/page", "/v1"} {
		e.GET(path, func(c echo.Context) error {
			logger.With("with", 1).InfoContext(c.Request().Context(), "inside")
			return c.NoContent(http.StatusNoContent)
		})
	}
	res := httptest.NewRecorder()
	e.ServeHTTP(res, httptest.NewRequest(http.MethodGet, "/page", nil))
	id := res.Header().Get("X-Request-ID")
	require.Len(t, id, 36)
	require.Equal(t, 2, strings.Count(log.String(), `"requestId":"`+id+`"`), log.String())
	res = httptest.NewRecorder()
	e.ServeHTTP(res, httptest.NewRequest(http.MethodGet, "/v1", nil))
	require.Empty(t, res.Header().Get("X-Request-ID"))
}

func TestNewLog(t *testing.T) {
	_, err := obs.NewLog(&bytes.Buffer{}, "loud", "json")
	require.Error(t, err)
	var out bytes.Buffer
	log, err := obs.NewLog(&out, "warn", "text")
	require.NoError(t, err)
	log.Info("quiet")
	log.Warn("loud")
	require.Contains(t, out.String(), "level=WARN msg=loud")
	require.NotContains(t, out.String(), "quiet")
}
