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
