package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
)

// maxBody is the most that is read of a body, in bytes.
const maxBody = 64 << 10

// fault is the body of the sandbox's own errors.
type fault struct {
	Error string `json:"error"`
	Path  string `json:"path,omitempty"` // the member or header at fault
	// Errors are all faults, where there are several; the first one is above.
	Errors []fault `json:"errors,omitempty"`
}

// fail answers an error as JSON. What is not a domain error is logged, and its
// text stays here.
func (s *Sandbox) fail(c echo.Context, err error) error {
	status, body := s.judge(c, err)
	return c.JSON(status, body) //nolint:wrapcheck // the framework's own error
}

// judge finds the status and the words for an error.
func (s *Sandbox) judge(c echo.Context, err error) (int, fault) {
	if errors.Is(err, errUnknown) {
		return http.StatusNotFound, fault{Error: "the sandbox has no such id"}
	}
	if all, several := errors.AsType[consent.Faults](err); several && len(all) > 0 {
		status, first := s.judge(c, all[0])
		for _, e := range all {
			first.Errors = append(first.Errors, fault{Error: e.Text, Path: e.Path})
		}
		if len(all) == 1 {
			first.Errors = nil
		}
		return status, first
	}
	e, known := errors.AsType[*consent.Error](err)
	if !known {
		s.Log.ErrorContext(c.Request().Context(), "sandbox call", "path", c.Path(), "error", err)
		return http.StatusInternalServerError, fault{Error: "the sandbox failed; its log says why"}
	}
	body := fault{Error: e.Text, Path: e.Path}
	switch e.Code {
	case consent.CodeFormat:
		return http.StatusBadRequest, body
	case consent.CodeForbidden:
		return http.StatusForbidden, body
	case consent.CodeStatusInvalid:
		return http.StatusConflict, body
	default:
		s.Log.ErrorContext(c.Request().Context(), "sandbox call", "path", c.Path(), "error", err)
		return http.StatusInternalServerError, fault{Error: "the sandbox failed; its log says why"}
	}
}

// decode reads a JSON body strictly. Fails with CodeFormat, naming the member.
func decode(r *http.Request, into any) error {
	d := json.NewDecoder(io.LimitReader(r.Body, maxBody))
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
