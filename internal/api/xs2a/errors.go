package xs2a

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/explain"
	"consentd/internal/service"
	wire "consentd/pkg/xs2a"
)

const (
	// maxText is the length of a text, in characters, that the standard allows.
	maxText = 500
	// retryAfter is after how many seconds a 503 is worth another try.
	retryAfter = "1"
)

// entry is how a domain code is answered.
type entry struct {
	status int
	code   wire.Code
	bare   bool // no body: the standard has none for this status
}

// messages is the only place where a domain code becomes an HTTP status and a
// code of the standard (NextGenPSD2 1.3.x, the tables of §14).
var messages = map[consent.Code]entry{
	consent.CodeInternal:           {status: http.StatusInternalServerError, bare: true},
	consent.CodeUnavailable:        {status: http.StatusServiceUnavailable, bare: true},
	consent.CodeTimeout:            {status: http.StatusRequestTimeout, bare: true},
	consent.CodeMediaType:          {status: http.StatusUnsupportedMediaType, bare: true},
	consent.CodeRepeated:           {status: http.StatusServiceUnavailable, bare: true}, // its answer was found, or is not there yet
	consent.CodeFormat:             {status: http.StatusBadRequest, code: wire.FormatError},
	consent.CodeMethodUnknown:      {status: http.StatusBadRequest, code: wire.ScaMethodUnknown},
	consent.CodeNotConfirmable:     {status: http.StatusBadRequest, code: wire.ScaInvalid},
	consent.CodeReferenceUnknown:   {status: http.StatusBadRequest, code: wire.ConsentUnknown},
	consent.CodeNoFundsConsent:     {status: http.StatusBadRequest, code: wire.NoPiisActivation},
	consent.CodeCorporate:          {status: http.StatusUnauthorized, code: wire.CorporateIDInvalid},
	consent.CodeNotUsable:          {status: http.StatusUnauthorized, code: wire.ConsentInvalid},
	consent.CodeTimeOver:           {status: http.StatusForbidden, code: wire.ResourceExpired},
	consent.CodeTooOften:           {status: http.StatusTooManyRequests, code: wire.AccessExceeded},
	consent.CodeTooLarge:           {status: http.StatusBadRequest, code: wire.FormatError},
	consent.CodeNotSupported:       {status: http.StatusBadRequest, code: wire.ParameterNotSupported},
	consent.CodeServiceInvalid:     {status: http.StatusBadRequest, code: wire.ServiceInvalid},
	consent.CodeSessions:           {status: http.StatusBadRequest, code: wire.SessionsNotSupported},
	consent.CodeCertificateMissing: {status: http.StatusUnauthorized, code: wire.CertificateMissing},
	consent.CodeCertificateInvalid: {status: http.StatusUnauthorized, code: wire.CertificateInvalid},
	consent.CodeCertificateExpired: {status: http.StatusUnauthorized, code: wire.CertificateExpired},
	consent.CodeCertificateRevoked: {status: http.StatusUnauthorized, code: wire.CertificateRevoke},
	consent.CodeCertificateBlocked: {status: http.StatusUnauthorized, code: wire.CertificateBlocked},
	consent.CodeRole:               {status: http.StatusUnauthorized, code: wire.RoleInvalid},
	consent.CodeUnauthenticated:    {status: http.StatusUnauthorized, code: wire.TokenInvalid},
	consent.CodeTokenMissing:       {status: http.StatusUnauthorized, code: wire.TokenUnknown},
	consent.CodeTokenInvalid:       {status: http.StatusUnauthorized, code: wire.TokenUnknown},
	consent.CodeTokenExpired:       {status: http.StatusUnauthorized, code: wire.TokenExpired},
	consent.CodeScope:              {status: http.StatusUnauthorized, code: wire.TokenInvalid},
	consent.CodeSignatureMissing:   {status: http.StatusUnauthorized, code: wire.SignatureMissing},
	consent.CodeSignatureInvalid:   {status: http.StatusUnauthorized, code: wire.SignatureInvalid},
	consent.CodeCredentials:        {status: http.StatusUnauthorized, code: wire.PsuCredentialsInvalid},
	consent.CodeLocked:             {status: http.StatusUnauthorized, code: wire.PsuCredentialsInvalid},
	consent.CodePSULocked:          {status: http.StatusUnauthorized, code: wire.PsuCredentialsInvalid},
	consent.CodeForbidden:          {status: http.StatusUnauthorized, code: wire.ConsentInvalid},
	consent.CodeExpired:            {status: http.StatusUnauthorized, code: wire.ConsentExpired},
	consent.CodeNotFound:           {status: http.StatusForbidden, code: wire.ConsentUnknown},
	consent.CodeResourceUnknown:    {status: http.StatusForbidden, code: wire.ResourceUnknown},
	consent.CodeBlocked:            {status: http.StatusForbidden, code: wire.ServiceBlocked},
	consent.CodePathUnknown:        {status: http.StatusNotFound, code: wire.ResourceUnknown},
	consent.CodeAccountUnknown:     {status: http.StatusNotFound, code: wire.ResourceUnknown},
	consent.CodeMethodNotAllowed:   {status: http.StatusMethodNotAllowed, code: wire.ServiceInvalid},
	consent.CodeNotAcceptable:      {status: http.StatusNotAcceptable, code: wire.RequestedFormatsInvalid},
	consent.CodeStale:              {status: http.StatusConflict, code: wire.StatusInvalid},
	consent.CodeStatusInvalid:      {status: http.StatusConflict, code: wire.StatusInvalid},
	consent.CodeUsed:               {status: http.StatusConflict, code: wire.StatusInvalid},
}

// HTTPError answers an error that did not come from one of our own handlers, in
// this dialect's form. It is for the one echo.HTTPErrorHandler of the program,
// which hands over the paths that the Handler owns.
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
	err = named(ctx, err)
	h.conclude(ctx, edge.RequestID(c), err)
	a := h.answerTo(err, c.Request().Header["Accept"])
	if challenge, ok := a.Header[headerChallenge]; ok {
		a.set(headerChallenge, h.directed(challenge, c.Request()))
	}
	h.send(c, a)
}

// conclude ends the notes of a call that fails with what it is told, and logs what
// is our own fault.
func (h *Handler) conclude(ctx context.Context, requestID string, err error) {
	m := entryOf(err)
	if m.status >= http.StatusInternalServerError {
		h.Log.ErrorContext(ctx, "request failed", "requestId", requestID, "status", m.status, "error", err)
	}
	faults := edge.Faults(err)
	if len(faults) == 0 || m.status == http.StatusInternalServerError {
		explain.Conclude(ctx, strconv.Itoa(m.status), "failed")
		return
	}
	last := faults[len(faults)-1]
	code := string(h.Options.codeOf(last))
	if m.bare {
		code = strconv.Itoa(m.status)
	}
	explain.Conclude(ctx, code, "refused: "+strings.TrimSpace(last.Path+" "+last.Text))
}

// named gives an error its code where only the circumstances tell it, and one
// text to all that say that a consent is unknown, whoever found that out.
func named(ctx context.Context, err error) error { return edge.Named(ctx, unknown(err)) }

func unknown(err error) error {
	if consent.CodeOf(err) == consent.CodeNotFound {
		return service.ErrUnknown()
	}
	return err
}

func entryOf(err error) entry {
	if m, ok := messages[consent.CodeOf(err)]; ok {
		return m
	}
	return messages[consent.CodeInternal]
}

// answerTo is how an error is answered to a client that accepts these formats.
func (h *Handler) answerTo(err error, accept []string) *answer {
	m := entryOf(err)
	a := &answer{Status: m.status}
	switch m.status {
	case http.StatusUnsupportedMediaType:
		a.set("Accept", wire.MediaTypeJSON)
	case http.StatusServiceUnavailable:
		a.set(echo.HeaderRetryAfter, retryAfter)
	case http.StatusUnauthorized:
		if challenge, ok := challenges[consent.CodeOf(err)]; ok {
			a.set(headerChallenge, challenge)
		}
	}
	if m.bare {
		return a
	}
	media, body := h.Options.render(m.status, edge.Faults(err), prefersProblem(accept))
	return a.with(media, body)
}

// codeOf is the standard's code of a fault, in the spelling that the bank prefers.
func (o Options) codeOf(f *consent.Error) wire.Code {
	code := messages[f.Code].code
	if code == wire.CertificateRevoke && o.CertificateRevoked {
		return wire.CertificateRevoked
	}
	return code
}

// render writes faults in the form that the client prefers.
func (o Options) render(status int, faults consent.Faults, problem bool) (media string, body any) {
	if !problem {
		e := wire.Error{TPPMessages: make([]wire.TPPMessage, len(faults))}
		for i, f := range faults {
			e.TPPMessages[i] = wire.TPPMessage{
				Category: wire.CategoryError, Code: o.codeOf(f), Path: f.Path, Text: shorten(f.Text),
			}
		}
		return wire.MediaTypeJSON, e
	}
	p := wire.Problem{Type: "about:blank", Title: http.StatusText(status)}
	for i, f := range faults {
		detail := shorten(strings.TrimPrefix(f.Path+": "+f.Text, ": "))
		if i == 0 {
			p.Code, p.Detail = o.codeOf(f), detail
			continue
		}
		p.AdditionalErrors = append(p.AdditionalErrors, wire.ProblemError{Detail: detail, Code: o.codeOf(f)})
	}
	return wire.MediaTypeProblem, p
}

// shorten cuts a text after maxText characters.
func shorten(s string) string {
	limit := maxText
	for i := range s {
		if limit == 0 {
			return s[:i]
		}
		limit--
	}
	return s
}
