package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/obs"
	"consentd/internal/storage"
)

// errBehind tells an operator what to do.
var errBehind = errors.New("the database schema is behind this program: run `consentd migrate up`")

// probeTimeout bounds how long a readiness probe may wait for the database.
const probeTimeout = 2 * time.Second

// mountOps adds what an operator asks: whether the process lives, whether it
// can serve, and its metrics.
func mountOps(e *echo.Echo, db *storage.DB, o *obs.Observer, log *slog.Logger) {
	o.WatchPool(db.Stats)
	e.GET("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	e.GET("/readyz", func(c echo.Context) error {
		ctx, cancel := context.WithTimeout(c.Request().Context(), probeTimeout)
		defer cancel()
		if err := ready(ctx, db); err != nil {
			log.WarnContext(ctx, "not ready", "error", err)
			if errors.Is(err, errBehind) {
				return c.String(http.StatusServiceUnavailable, "schema behind\n")
			}
			return c.String(http.StatusServiceUnavailable, "database does not answer\n")
		}
		return c.String(http.StatusOK, "ready\n")
	})
	e.GET("/metrics", echo.WrapHandler(o.Metrics()))
}
