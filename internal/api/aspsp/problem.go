package aspsp

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/explain"
)

const (
	mediaJSON    = "application/json"
	mediaProblem = "application/problem+json"

	// retryAfter is after how many seconds a 503 is worth another try.
	retryAfter = "1"
)

// statuses is the only place where a domain code becomes an HTTP status. The
// title is the status's own phrase, which goes with the type about:blank
// (RFC 9457 §4.2.1), and the code travels as it is. Many cannot occur here:
// they are in the table so that none is ever answered by accident.
var statuses = map[consent.Code]int{
	consent.CodeInternal:           http.StatusInternalServerError,
	consent.CodeUnavailable:        http.StatusServiceUnavailable,
	consent.CodeRepeated:           http.StatusServiceUnavailable,
	consent.CodeTimeout:            http.StatusRequestTimeout,
	consent.CodeFormat:             http.StatusBadRequest,
	consent.CodeNotSupported:       http.StatusBadRequest,
	consent.CodeServiceInvalid:     http.StatusBadRequest,
	consent.CodeSessions:           http.StatusBadRequest,
	consent.CodeMethodUnknown:      http.StatusBadRequest,
	consent.CodeNotConfirmable:     http.StatusBadRequest,
	consent.CodeReferenceUnknown:   http.StatusBadRequest,
	consent.CodeNoFundsConsent:     http.StatusBadRequest,
	consent.CodeCorporate:          http.StatusBadRequest,
	consent.CodeUnauthenticated:    http.StatusUnauthorized,
	consent.CodeTokenMissing:       http.StatusUnauthorized,
	consent.CodeTokenInvalid:       http.StatusUnauthorized,
	consent.CodeTokenExpired:       http.StatusUnauthorized,
	consent.CodeScope:              http.StatusForbidden,
	consent.CodeCertificateMissing: http.StatusUnauthorized,
	consent.CodeCertificateInvalid: http.StatusUnauthorized,
	consent.CodeCertificateExpired: http.StatusUnauthorized,
	consent.CodeCertificateRevoked: http.StatusUnauthorized,
	consent.CodeCertificateBlocked: http.StatusForbidden, // a TPP's
	consent.CodeSignatureMissing:   http.StatusUnauthorized,
	consent.CodeSignatureInvalid:   http.StatusUnauthorized,
	consent.CodeRole:               http.StatusForbidden,
	consent.CodeForbidden:          http.StatusForbidden,
	consent.CodeBlocked:            http.StatusForbidden,
	consent.CodeCredentials:        http.StatusForbidden, // a PSU's: 401 speaks of the caller
	consent.CodeLocked:             http.StatusForbidden,
	consent.CodePSULocked:          http.StatusForbidden,
	consent.CodeNotFound:           http.StatusNotFound,
	consent.CodeResourceUnknown:    http.StatusNotFound,
	consent.CodePathUnknown:        http.StatusNotFound,
	consent.CodeAccountUnknown:     http.StatusNotFound,
	consent.CodeMethodNotAllowed:   http.StatusMethodNotAllowed,
	consent.CodeNotAcceptable:      http.StatusNotAcceptable,
	consent.CodeStale:              http.StatusConflict,
	consent.CodeStatusInvalid:      http.StatusConflict,
	consent.CodeUsed:               http.StatusConflict,
	consent.CodeExpired:            http.StatusGone,
	consent.CodeTimeOver:           http.StatusGone,
	consent.CodeNotUsable:          http.StatusConflict,
	consent.CodeTooLarge:           http.StatusRequestEntityTooLarge,
	consent.CodeMediaType:          http.StatusUnsupportedMediaType,
	consent.CodeTooOften:           http.StatusTooManyRequests,
}

// problem is what an error is answered with (RFC 9457).
type problem struct {
	Type   string         `json:"type"`
	Title  string         `json:"title"`
	Status int            `json:"status"`
	Detail string         `json:"detail,omitempty"`
	Code   consent.Code   `json:"code"`
	Errors []problemError `json:"errors,omitempty"` // each with its place
	// RedirectURI is where the browser goes that waits for the answer.
	RedirectURI string `json:"redirectUri,omitempty"`
}

type problemError struct {
	Path string `json:"path"`
	Text string `json:"text"`
}

// HTTPError answers an error that did not come from one of our own handlers. It
// is for the one echo.HTTPErrorHandler of the program, which hands over the paths
// that the Handler owns.
func (h *Handler) HTTPError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	edge.StampID(c)
	h.fail(c, edge.FromEcho(err))
}

// fail answers an error. What is our own fault is logged, and nothing of it
// leaves the process.
func (h *Handler) fail(c echo.Context, err error) {
	ctx := c.Request().Context()
	if edge.TooLate(c, h.Log, err) {
		return
	}
	p := problemOf(edge.Named(ctx, err))
	if p.Status >= http.StatusInternalServerError {
		h.Log.ErrorContext(ctx, "request failed", "requestId", edge.RequestID(c), "status", p.Status, "error", err)
	}
	header := c.Response().Header()
	switch p.Status {
	case http.StatusUnauthorized:
		if header.Get(echo.HeaderWWWAuthenticate) == "" { // the gate says more
			header.Set(echo.HeaderWWWAuthenticate, "Bearer")
		}
	case http.StatusUnsupportedMediaType:
		header.Set("Accept", mediaJSON)
	case http.StatusServiceUnavailable:
		header.Set(echo.HeaderRetryAfter, retryAfter)
	}
	explain.Conclude(ctx, strconv.Itoa(p.Status)+" "+string(p.Code), "refused: "+p.Detail)
	if err := h.send(c, p.Status, mediaProblem, p); err != nil {
		h.Log.ErrorContext(ctx, "an error could not be answered", "requestId", edge.RequestID(c), "error", err)
	}
}

// problemOf is how an error is told. What is our own fault has no details.
func problemOf(err error) problem {
	code := consent.CodeOf(err)
	status, ok := statuses[code]
	if !ok {
		code, status = consent.CodeInternal, http.StatusInternalServerError
	}
	p := problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code}
	if status >= http.StatusInternalServerError {
		return p
	}
	if l, ok := errors.AsType[*leading](err); ok {
		p.RedirectURI = l.to
	}
	for i, f := range edge.Faults(err) {
		if i == 0 {
			p.Detail = f.Text
			if f.Path != "" {
				p.Detail = f.Path + " " + f.Text
			}
		}
		if f.Path != "" {
			p.Errors = append(p.Errors, problemError{Path: f.Path, Text: f.Text})
		}
	}
	return p
}

// send answers. What the register holds is the bank's affair, so nothing on the
// way may keep it.
func (h *Handler) send(c echo.Context, status int, media string, body any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return err
	}
	header := c.Response().Header()
	header.Set(echo.HeaderCacheControl, "no-store")
	header.Set(echo.HeaderContentType, media)
	c.Response().WriteHeader(status)
	if _, err := c.Response().Write(encoded); err != nil {
		h.Log.DebugContext(c.Request().Context(), "the client went away", "requestId", edge.RequestID(c), "error", err)
	}
	return nil
}
