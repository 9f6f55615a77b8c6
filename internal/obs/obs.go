// Package obs makes the program observable: its log, one line per call, and its
// metrics. Neither ever carries a path with an id or a handle in it, a query, a
// header or a body: calls are named by their route.
package obs

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// NewLog makes the program's log: level is debug, info, warn or error, format
// json or text.
func NewLog(w io.Writer, level, format string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level: %w", err)
	}
	o := &slog.HandlerOptions{Level: l}
	if format == "text" {
		return slog.New(tagged{slog.NewTextHandler(w, o)}), nil
	}
	return slog.New(tagged{slog.NewJSONHandler(w, o)}), nil
}

// tagged adds the id of the call, if the context has one, to every line.
type tagged struct{ slog.Handler }

type requestID struct{}

// Handle implements slog.Handler.
func (h tagged) Handle(ctx context.Context, r slog.Record) error {
	if id, ok := ctx.Value(requestID{}).(string); ok {
		r.AddAttrs(slog.String("requestId", id))
	}
	return h.Handler.Handle(ctx, r) //nolint:wrapcheck // a decorator
}

// WithAttrs implements slog.Handler.
func (h tagged) WithAttrs(attrs []slog.Attr) slog.Handler { return tagged{h.Handler.WithAttrs(attrs)} }

// WithGroup implements slog.Handler.
func (h tagged) WithGroup(name string) slog.Handler { return tagged{h.Handler.WithGroup(name)} }

// Tag is the middleware that gives a call an id of ours, in X-Request-ID and in
// all that is logged on its behalf. It is for surfaces whose callers send none;
// except tells those apart.
func Tag(except func(path string) bool) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if except(c.Request().URL.Path) {
				return next(c)
			}
			id := uuid.NewString()
			c.Response().Header().Set(echo.HeaderXRequestID, id)
			c.SetRequest(c.Request().WithContext(context.WithValue(c.Request().Context(), requestID{}, id)))
			return next(c)
		}
	}
}

// Observer watches calls.
type Observer struct {
	Log      *slog.Logger
	Now      func() time.Time
	registry *prometheus.Registry
	calls    *prometheus.HistogramVec
	// decisions are those on reads of account data.
	decisions *prometheus.CounterVec
}

// NewObserver makes an Observer with a registry of its own. now measures
// durations, so it should not be a clock that can be turned.
func NewObserver(log *slog.Logger, now func() time.Time) *Observer {
	o := &Observer{
		Log: log, Now: now, registry: prometheus.NewRegistry(), decisions: decisions(),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "consentd_http_request_duration_seconds",
			Help:    "Time to answer a call, by surface, route, method and status.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"surface", "route", "method", "status"}),
	}
	o.registry.MustRegister(o.calls, o.decisions, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return o
}

// WatchPool shows how the database's connections are used.
func (o *Observer) WatchPool(stats func() sql.DBStats) {
	gauge := func(name, help string, value func(sql.DBStats) float64) {
		o.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help},
			func() float64 { return value(stats()) }))
	}
	gauge("consentd_db_connections_open", "Connections to the database, in use or idle.",
		func(s sql.DBStats) float64 { return float64(s.OpenConnections) })
	gauge("consentd_db_connections_in_use", "Connections to the database that a call holds.",
		func(s sql.DBStats) float64 { return float64(s.InUse) })
	gauge("consentd_db_connection_waits", "Calls, since the start, that waited for a connection.",
		func(s sql.DBStats) float64 { return float64(s.WaitCount) })
}

// Metrics serves the metrics in Prometheus' format.
func (o *Observer) Metrics() http.Handler {
	return promhttp.HandlerFor(o.registry, promhttp.HandlerOpts{})
}

// Watch is the middleware that logs and measures the calls of a surface. It
// stands outermost, so that it sees what was really answered.
func (o *Observer) Watch(surface string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			begin := o.Now()
			if err := next(c); err != nil {
				c.Error(err)
			}
			took := o.Now().Sub(begin)
			status, route := c.Response().Status, c.Path()
			if route == "" {
				route = "unknown"
			}
			method := known(c.Request().Method)
			o.calls.WithLabelValues(surface, route, method, strconv.Itoa(status)).Observe(took.Seconds())
			ctx := c.Request().Context()
			if o.Log.Enabled(ctx, slog.LevelInfo) {
				o.Log.LogAttrs(untagged(ctx), slog.LevelInfo, "call",
					slog.String("surface", surface), slog.String("method", method), slog.String("route", route),
					slog.Int("status", status), slog.Duration("took", took),
					slog.String("requestId", c.Response().Header().Get("X-Request-ID")))
			}
			return nil
		}
	}
}

// untagged hides the id of ctx from the log: the line names the one that was answered.
func untagged(ctx context.Context) context.Context {
	return context.WithValue(ctx, requestID{}, nil)
}

// known keeps made-up methods from becoming labels.
func known(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	default:
		return "other"
	}
}
