package pages

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
)

// MaxBody is the most that is read of a body, in bytes.
const MaxBody = 64 << 10

// ErrUnknown is the sandbox's answer for an id that it has not given.
var ErrUnknown = errors.New("the sandbox bank knows no such id")

// Answers answers calls to the sandbox, with pages and with errors.
type Answers struct {
	Log *slog.Logger // of what is not the caller's to know
}

// Fault is the body of the sandbox's own errors.
type Fault struct {
	Error string `json:"error"`
	Path  string `json:"path,omitempty"` // the member or header at fault
	// Errors are all faults, where there are several; the first one is above.
	Errors []Fault `json:"errors,omitempty"`
}

// Fail answers an error as JSON. What is not a domain error is logged, and its
// text stays here.
func (a Answers) Fail(c echo.Context, err error) error {
	status, body := a.Judge(c, err)
	return c.JSON(status, body) //nolint:wrapcheck // the framework's own error
}

// Judge finds the status and the words for an error.
func (a Answers) Judge(c echo.Context, err error) (int, Fault) {
	if errors.Is(err, ErrUnknown) {
		return http.StatusNotFound, Fault{Error: "the sandbox has no such id"}
	}
	if all, several := errors.AsType[consent.Faults](err); several && len(all) > 0 {
		status, first := a.Judge(c, all[0])
		for _, e := range all {
			first.Errors = append(first.Errors, Fault{Error: e.Text, Path: e.Path})
		}
		if len(all) == 1 {
			first.Errors = nil
		}
		return status, first
	}
	e, known := errors.AsType[*consent.Error](err)
	if !known {
		a.Log.ErrorContext(c.Request().Context(), "sandbox call", "path", c.Path(), "error", err)
		return http.StatusInternalServerError, Fault{Error: "the sandbox failed; its log says why"}
	}
	body := Fault{Error: e.Text, Path: e.Path}
	switch e.Code {
	case consent.CodeFormat:
		return http.StatusBadRequest, body
	case consent.CodeForbidden, consent.CodeBlocked, consent.CodeCertificateBlocked, consent.CodeRole, consent.CodeScope:
		return http.StatusForbidden, body
	case consent.CodeNotFound:
		return http.StatusNotFound, body
	case consent.CodeUnavailable:
		a.Log.WarnContext(c.Request().Context(), "sandbox call", "path", c.Path(), "error", err)
		return http.StatusServiceUnavailable, body
	case consent.CodeStatusInvalid:
		return http.StatusConflict, body
	default:
		a.Log.ErrorContext(c.Request().Context(), "sandbox call", "path", c.Path(), "error", err)
		return http.StatusInternalServerError, Fault{Error: "the sandbox failed; its log says why"}
	}
}

// Decode reads a JSON body strictly. Fails with CodeFormat, naming the member.
func Decode(r *http.Request, into any) error {
	d := json.NewDecoder(io.LimitReader(r.Body, MaxBody))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil && d.More() {
		err = errors.New("more than one JSON value")
	}
	if err == nil {
		return nil
	}
	if typed, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && typed.Field != "" {
		return consent.At(consent.CodeFormat, typed.Field, "%s must not be a JSON %s", typed.Field, typed.Value)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		name = strings.Trim(name, `"`)
		return consent.At(consent.CodeFormat, name, "there is no member %q here", name)
	}
	return consent.E(consent.CodeFormat, "the body must be one JSON object").Because(fmt.Errorf("decode: %w", err))
}
