package edge

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/labstack/echo/v4"
)

// Recover is deferred by handlers: it logs a panic, and where it was, but not what was
// thrown, which may hold anything, and lets answer say that it is our fault unless
// something was said already.
func Recover(c echo.Context, log *slog.Logger, answer func()) {
	p := recover()
	if p == nil {
		return
	}
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p) // net/http's own way to cut a connection
	}
	log.ErrorContext(c.Request().Context(), "panic", "requestId", RequestID(c), "panic", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
	if !c.Response().Committed {
		answer()
	}
}

// TooLate reports whether a request has been answered already; the error that nobody
// can be told any more is logged then.
func TooLate(c echo.Context, log *slog.Logger, err error) bool {
	if !c.Response().Committed {
		return false
	}
	log.ErrorContext(c.Request().Context(), "failed after the answer", "requestId", RequestID(c), "error", err)
	return true
}
