package edge

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
)

// ErrPath says that there is nothing at a path.
func ErrPath() error { return consent.E(consent.CodePathUnknown, "no such resource") }

// ErrMethod says that a path does not know a method.
func ErrMethod() error {
	return consent.E(consent.CodeMethodNotAllowed, "this method is not offered here")
}

// ErrUnserved refuses what no operation took: with ErrMethod where other methods know
// the path, which Allow in the answer's header names then, else with ErrPath.
func ErrUnserved(header http.Header, methods []string) error {
	if len(methods) == 0 {
		return ErrPath()
	}
	header.Set(echo.HeaderAllow, strings.Join(methods, ", "))
	return ErrMethod()
}

// FromEcho translates what Echo and its middleware say; other errors stay as
// they are.
func FromEcho(err error) error {
	he, ok := errors.AsType[*echo.HTTPError](err)
	if !ok {
		return err
	}
	switch he.Code {
	case http.StatusNotFound:
		return ErrPath()
	case http.StatusMethodNotAllowed:
		return ErrMethod()
	case http.StatusBadRequest:
		return consent.E(consent.CodeFormat, "the request is malformed").Because(err)
	case http.StatusRequestEntityTooLarge:
		return ErrTooLarge()
	case http.StatusRequestTimeout:
		return consent.E(consent.CodeTimeout, "the request did not come in time").Because(err)
	case http.StatusUnsupportedMediaType:
		return consent.E(consent.CodeMediaType, "the body is not JSON").Because(err)
	case http.StatusServiceUnavailable:
		return consent.E(consent.CodeUnavailable, "not now").Because(err)
	default:
		return err
	}
}

// Named gives an error its code where only the circumstances tell it: ctx is that
// of the request.
func Named(ctx context.Context, err error) error {
	if consent.CodeOf(err) != consent.CodeInternal {
		return err
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return consent.E(consent.CodeUnavailable, "it took too long").Because(err)
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return consent.E(consent.CodeTimeout, "the client went away").Because(err)
	default:
		return err
	}
}

// MaxFaults bounds an answer: a body can hold thousands of faults.
const MaxFaults = 50

// Faults is what a client is told of an error, at most 50 of them; none where it
// is no error of the domain.
func Faults(err error) consent.Faults {
	if faults, ok := errors.AsType[consent.Faults](err); ok {
		return faults[:min(len(faults), MaxFaults)]
	}
	if one, ok := errors.AsType[*consent.Error](err); ok {
		return consent.Faults{one}
	}
	return nil
}
