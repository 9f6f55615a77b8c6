package stet

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/explain"
	"consentd/internal/service/access"
	wire "consentd/pkg/stet"
)

const (
	// maxText is the length of a text, in characters, that the standard allows.
	maxText = 140
	// retryAfter is after how many seconds a 503 is worth another try.
	retryAfter = "1"
	// realm is whose tokens a call takes (RFC 6750 §3).
	realm = `Bearer realm="stet"`
)

// entry is how a domain code is answered.
type entry struct {
	status  int
	message string // the banks' short code; empty where none fits
	bearer  string // what WWW-Authenticate says; empty where it is not the token
}

const (
	invalidToken = realm + `, error="invalid_token"`
	wrongScope   = realm + `, error="insufficient_scope", scope="` + wire.ScopeAISP + `"`
)

// messages is the only place where a domain code becomes an HTTP status and a short
// code. The statuses are those that STET part II lists for these calls; it has no 409
// and no 415, and so neither have we.
var messages = map[consent.Code]entry{
	consent.CodeInternal:           {status: http.StatusInternalServerError, message: wire.MessageInternal},
	consent.CodeUnavailable:        {status: http.StatusServiceUnavailable},
	consent.CodeStale:              {status: http.StatusServiceUnavailable},
	consent.CodeRepeated:           {status: http.StatusServiceUnavailable},
	consent.CodeTimeout:            {status: http.StatusRequestTimeout},
	consent.CodeFormat:             {status: http.StatusBadRequest},
	consent.CodeTooLarge:           {status: http.StatusBadRequest},
	consent.CodeMediaType:          {status: http.StatusBadRequest},
	consent.CodeServiceInvalid:     {status: http.StatusBadRequest},
	consent.CodeSessions:           {status: http.StatusBadRequest},
	consent.CodeMethodUnknown:      {status: http.StatusBadRequest},
	consent.CodeNotConfirmable:     {status: http.StatusBadRequest},
	consent.CodeNoFundsConsent:     {status: http.StatusBadRequest},
	consent.CodeSignatureMissing:   {status: http.StatusBadRequest},
	consent.CodeTimeOver:           {status: http.StatusBadRequest, message: wire.MessageInvalidPage},
	consent.CodeSignatureInvalid:   {status: http.StatusUnauthorized},
	consent.CodeCertificateMissing: {status: http.StatusUnauthorized, message: wire.MessageUnknownAISP},
	consent.CodeCertificateInvalid: {status: http.StatusUnauthorized, message: wire.MessageUnknownAISP},
	consent.CodeCertificateExpired: {status: http.StatusUnauthorized, message: wire.MessageUnknownAISP},
	consent.CodeCertificateRevoked: {status: http.StatusUnauthorized, message: wire.MessageUnknownAISP},
	consent.CodeCertificateBlocked: {status: http.StatusUnauthorized, message: wire.MessageUnknownAISP},
	consent.CodeUnauthenticated:    {status: http.StatusUnauthorized, message: wire.MessageUnknownAISP},
	consent.CodeTokenMissing:       {status: http.StatusUnauthorized, bearer: realm},
	consent.CodeTokenInvalid:       {status: http.StatusUnauthorized, bearer: invalidToken},
	consent.CodeTokenExpired:       {status: http.StatusUnauthorized, bearer: invalidToken},
	consent.CodeScope:              {status: http.StatusForbidden, message: wire.MessageBadScope, bearer: wrongScope},
	consent.CodeRole:               {status: http.StatusForbidden},
	consent.CodeForbidden:          {status: http.StatusForbidden},
	consent.CodeNotUsable:          {status: http.StatusForbidden, message: wire.MessageNotGranted},
	consent.CodeExpired:            {status: http.StatusForbidden, message: wire.MessageNotGranted},
	consent.CodeBlocked:            {status: http.StatusForbidden, message: wire.MessageNotGranted},
	consent.CodeNotFound:           {status: http.StatusForbidden, message: wire.MessageNotGranted},
	consent.CodeReferenceUnknown:   {status: http.StatusForbidden, message: wire.MessageNotGranted},
	consent.CodeStatusInvalid:      {status: http.StatusForbidden, message: wire.MessageNotGranted},
	consent.CodeUsed:               {status: http.StatusForbidden, message: wire.MessageNotGranted},
	consent.CodeCredentials:        {status: http.StatusForbidden, message: wire.MessageInvalidPSU},
	consent.CodeLocked:             {status: http.StatusForbidden, message: wire.MessageInvalidPSU},
	consent.CodePSULocked:          {status: http.StatusForbidden, message: wire.MessageInvalidPSU},
	consent.CodeCorporate:          {status: http.StatusForbidden, message: wire.MessageInvalidPSU},
	consent.CodePathUnknown:        {status: http.StatusNotFound},
	consent.CodeAccountUnknown:     {status: http.StatusNotFound, message: wire.MessageIncorrectAccount},
	consent.CodeResourceUnknown:    {status: http.StatusNotFound, message: wire.MessageNoAccount},
	consent.CodeMethodNotAllowed:   {status: http.StatusMethodNotAllowed, message: wire.MessageNotImplemented},
	consent.CodeNotAcceptable:      {status: http.StatusNotAcceptable},
	consent.CodeTooOften:           {status: http.StatusTooManyRequests, message: wire.MessageTooManyRequests},
	consent.CodeNotSupported:       {status: http.StatusNotImplemented, message: wire.MessageNotImplemented},
}

func entryOf(err error) entry {
	code := consent.CodeOf(err)
	m, ok := messages[code]
	if !ok {
		return messages[consent.CodeInternal]
	}
	// PUT /consents knows no 404. What lies in a body has a place there, and what is in
	// the path of a request has none.
	if faults := edge.Faults(err); code == consent.CodeAccountUnknown && len(faults) > 0 && faults[0].Path != "" {
		m.status = http.StatusBadRequest
	}
	return m
}

// code is what the notes of a call end with.
func (m entry) code() string {
	if m.message == "" {
		return strconv.Itoa(m.status)
	}
	return m.message
}

// text is what a TPP is told of an error, the first of several; nothing internal.
func (m entry) text(err error) string {
	faults := edge.Faults(err)
	text := "the bank cannot answer now"
	switch {
	case m.status == http.StatusInternalServerError || len(faults) == 0:
		text = "internal error"
	case m.status != http.StatusServiceUnavailable:
		text = placed(strings.TrimPrefix(faults[0].Path, "Header."), faults[0].Text)
	}
	if len(faults) > 1 {
		text = fmt.Sprintf("%s (and %d more)", text, len(faults)-1)
	}
	if m.message != "" {
		text = m.message + ": " + text
	}
	return cut(text, maxText)
}

// placed puts the place of a fault, where it has one, before its words.
func placed(place, words string) string {
	if place == "" {
		return words
	}
	return place + ": " + words
}

// HTTPError answers an error that did not come from one of our own handlers, in this
// dialect's form. It is for the one echo.HTTPErrorHandler of the program, which hands
// over the paths that the Handler owns.
func (h *Handler) HTTPError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	stampID(c)
	h.fail(c, edge.FromEcho(err))
}

// fail answers an error. What is our own fault is logged, and nothing of it leaves the
// process.
func (h *Handler) fail(c echo.Context, err error) {
	ctx := c.Request().Context()
	if edge.TooLate(c, h.Log, err) {
		return
	}
	err = plain(edge.Named(ctx, err))
	h.conclude(ctx, edge.RequestID(c), err)
	h.send(c, h.answerTo(err, c.Request()))
}

// plain gives one text to all that say that a consent is not there for this: a TPP of
// this dialect knows no ids of consents, nor how one has ended.
func plain(err error) error {
	switch code := consent.CodeOf(err); code {
	case consent.CodeNotFound, consent.CodeReferenceUnknown, consent.CodeExpired:
		return consent.E(code, "the consent does not open this")
	default:
		return err
	}
}

// conclude ends the notes of a call that fails with what it is told, and logs what is
// our own fault.
func (h *Handler) conclude(ctx context.Context, requestID string, err error) {
	m := entryOf(err)
	if consent.CodeOf(err) != consent.CodeNotSupported && m.status >= http.StatusInternalServerError {
		h.Log.ErrorContext(ctx, "request failed", "requestId", requestID, "status", m.status, "error", err)
	}
	faults := edge.Faults(err)
	if len(faults) == 0 || m.status == http.StatusInternalServerError {
		explain.Conclude(ctx, strconv.Itoa(m.status), "failed")
		return
	}
	last := faults[len(faults)-1]
	explain.Conclude(ctx, m.code(), "refused: "+strings.TrimSpace(last.Path+" "+last.Text))
}

// answerTo is how an error is answered to a request.
func (h *Handler) answerTo(err error, r *http.Request) *answer {
	media := wire.MediaTypeJSON
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		media = mediaHAL
	}
	return h.refusal(err, r.URL.EscapedPath()).as(media)
}

// refusal words an error of a request for a path.
func (h *Handler) refusal(err error, path string) *answer {
	m := entryOf(err)
	a := (&answer{Status: m.status}).with(wire.ErrorModel{
		Timestamp: h.Now().UTC().Format(time.RFC3339),
		Status:    m.status,
		Error:     http.StatusText(m.status),
		Message:   m.text(err),
		Path:      cut(path, maxText),
	})
	if m.status == http.StatusServiceUnavailable {
		a.set(echo.HeaderRetryAfter, retryAfter)
	}
	if until := access.RetryAt(err); !until.IsZero() {
		a.set(echo.HeaderRetryAfter, edge.SecondsTo(until.Sub(h.Now())))
	}
	if m.bearer != "" {
		a.set(echo.HeaderWWWAuthenticate, m.bearer)
	}
	return a
}

// RefusalOf words an error for a TPP, whatever formats it accepts: all errors of this
// dialect have one form. X-Request-ID is not in it, and the path is the base path, for that
// of the request is not known here. It is for who answers in the dialect's place, such as the faults
// of the sandbox.
func (h *Handler) RefusalOf(err error, _ []string) *edge.Refusal {
	err = plain(err)
	a := h.refusal(err, h.Options.BasePath).as(wire.MediaTypeJSON)
	refusal := &edge.Refusal{Status: a.Status, Code: entryOf(err).code(), Text: entryOf(err).text(err), Header: http.Header{}, Body: a.Body}
	for name, value := range a.Header {
		refusal.Header.Set(name, value)
	}
	refusal.Header.Set(echo.HeaderCacheControl, noStore)
	refusal.Header.Set(echo.HeaderContentType, a.Media)
	if faults := edge.Faults(err); len(faults) > 0 {
		refusal.Path = faults[0].Path
	}
	return refusal
}
