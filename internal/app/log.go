package app

import (
	"io"
	"log/slog"

	"consentd/internal/obs"
)

// NewLog makes the program's log.
func NewLog(w io.Writer, level, format string) (*slog.Logger, error) {
	return obs.NewLog(w, level, format)
}
