package manager

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/explain"
	wire "consentd/pkg/manager"
)

// retryAfter is after how many seconds a 503 is worth another try.
const retryAfter = "1"

// answer is how an error is told.
type answer struct {
	status int
	code   string
}

// answers is the only place where a domain code becomes an answer. The standard knows
// 400 alone, for what is wrong with what is asked for; what is wrong with the asking
// has its own status, as everywhere. Many codes cannot occur here: they are in the
// table so that none is ever answered by accident.
var answers = map[consent.Code]answer{
	consent.CodeInternal:           {http.StatusInternalServerError, wire.CodeFailure},
	consent.CodeUnavailable:        {http.StatusServiceUnavailable, wire.CodeUnavailable},
	consent.CodeRepeated:           {http.StatusServiceUnavailable, wire.CodeUnavailable},
	consent.CodeTimeout:            {http.StatusRequestTimeout, wire.CodeTimeout},
	consent.CodeFormat:             {http.StatusBadRequest, wire.CodeBody}, // or CodeResource, by its path
	consent.CodeNotSupported:       {http.StatusBadRequest, wire.CodeBody},
	consent.CodeServiceInvalid:     {http.StatusBadRequest, wire.CodeConsent}, // or others, by its path
	consent.CodeSessions:           {http.StatusBadRequest, wire.CodeBusinessRule},
	consent.CodeMethodUnknown:      {http.StatusBadRequest, wire.CodeBusinessRule},
	consent.CodeNotConfirmable:     {http.StatusBadRequest, wire.CodeBusinessRule},
	consent.CodeReferenceUnknown:   {http.StatusBadRequest, wire.CodeConsent},
	consent.CodeNoFundsConsent:     {http.StatusBadRequest, wire.CodeConsent},
	consent.CodeCorporate:          {http.StatusBadRequest, wire.CodeUser},
	consent.CodeUnauthenticated:    {http.StatusUnauthorized, wire.CodeToken},
	consent.CodeTokenMissing:       {http.StatusUnauthorized, wire.CodeToken},
	consent.CodeTokenInvalid:       {http.StatusUnauthorized, wire.CodeToken},
	consent.CodeTokenExpired:       {http.StatusUnauthorized, wire.CodeToken},
	consent.CodeScope:              {http.StatusForbidden, wire.CodeScope},
	consent.CodeCertificateMissing: {http.StatusUnauthorized, wire.CodeToken},
	consent.CodeCertificateInvalid: {http.StatusUnauthorized, wire.CodeToken},
	consent.CodeCertificateExpired: {http.StatusUnauthorized, wire.CodeToken},
	consent.CodeCertificateRevoked: {http.StatusUnauthorized, wire.CodeToken},
	consent.CodeCertificateBlocked: {http.StatusBadRequest, wire.CodeBusinessRule}, // a TPP's
	consent.CodeSignatureMissing:   {http.StatusUnauthorized, wire.CodeToken},
	consent.CodeSignatureInvalid:   {http.StatusUnauthorized, wire.CodeToken},
	consent.CodeRole:               {http.StatusForbidden, wire.CodeScope},
	consent.CodeForbidden:          {http.StatusBadRequest, wire.CodeUser},
	consent.CodeBlocked:            {http.StatusBadRequest, wire.CodeBusinessRule},
	consent.CodeCredentials:        {http.StatusBadRequest, wire.CodeUser},
	consent.CodeLocked:             {http.StatusBadRequest, wire.CodeBusinessRule},
	consent.CodePSULocked:          {http.StatusBadRequest, wire.CodeBusinessRule},
	consent.CodeNotFound:           {http.StatusBadRequest, wire.CodeConsent},
	consent.CodeResourceUnknown:    {http.StatusBadRequest, wire.CodeConsent},
	consent.CodePathUnknown:        {http.StatusNotFound, wire.CodeUnknownPath},
	consent.CodeAccountUnknown:     {http.StatusBadRequest, wire.CodeConsent},
	consent.CodeMethodNotAllowed:   {http.StatusMethodNotAllowed, wire.CodeMethod},
	consent.CodeNotAcceptable:      {http.StatusNotAcceptable, wire.CodeAccept},
	consent.CodeStale:              {http.StatusBadRequest, wire.CodeBusinessRule},
	consent.CodeStatusInvalid:      {http.StatusBadRequest, wire.CodeBusinessRule},
	consent.CodeUsed:               {http.StatusBadRequest, wire.CodeBusinessRule},
	consent.CodeExpired:            {http.StatusBadRequest, wire.CodeBusinessRule},
	consent.CodeTimeOver:           {http.StatusBadRequest, wire.CodeBusinessRule},
	consent.CodeNotUsable:          {http.StatusBadRequest, wire.CodeControl},
	consent.CodeTooOften:           {http.StatusBadRequest, wire.CodeControl},
	consent.CodeTooLarge:           {http.StatusRequestEntityTooLarge, wire.CodeTooLarge},
	consent.CodeMediaType:          {http.StatusUnsupportedMediaType, wire.CodeMedia},
}

// otherUserError refuses a caller that acts for one user, and asks for another.
type otherUserError struct{}

func (otherUserError) Error() string { return "the caller acts for another user" }

func (otherUserError) Unwrap() error {
	return consent.E(consent.CodeForbidden, "the caller acts for another user")
}

// answerTo is how an error is answered, and in which words. What is our own fault has
// none.
func answerTo(err error) (answer, wire.Error) {
	a, known := answers[consent.CodeOf(err)]
	if !known {
		a = answers[consent.CodeInternal]
	}
	if a.status >= http.StatusInternalServerError {
		return a, wire.Error{Code: a.code, Message: http.StatusText(a.status)}
	}
	if _, ok := err.(otherUserError); ok { //nolint:errorlint // nobody wraps it
		a.status = http.StatusForbidden
	}
	faults := edge.Faults(err)
	if len(faults) > 0 {
		a.code = codeAt(faults[0], a.code)
	}
	return a, wire.Error{Code: a.code, Message: wordsOf(faults)}
}

// codeAt is the code of a fault whose place says more than what is wrong there.
func codeAt(f *consent.Error, code string) string {
	switch {
	case f.Code == consent.CodeFormat && !inBody(f.Path):
		return wire.CodeResource
	case f.Code != consent.CodeServiceInvalid:
		return code
	case strings.HasPrefix(f.Path, "requestBody"):
		return wire.CodeControl
	case f.Path == memberPSU, strings.HasPrefix(f.Path, memberPSU+"."):
		return wire.CodeBusinessRule
	case f.Path == memberAccounts, strings.HasPrefix(f.Path, memberMeta):
		return wire.CodeBusinessRule
	default:
		return code
	}
}

// inBody tells the faults of a body from those of what stands before it.
func inBody(path string) bool {
	return !strings.HasPrefix(path, "Query") && !strings.HasPrefix(path, "Path") && !strings.HasPrefix(path, "Header.")
}

// wordsOf tells all faults in one text.
func wordsOf(faults consent.Faults) string {
	words := make([]string, len(faults))
	for i, f := range faults {
		words[i] = strings.TrimSpace(f.Path + " " + inStandardWords(f.Text))
	}
	return strings.Join(words, "; ")
}

// HTTPError answers an error that did not come from one of our own handlers. It is for
// the one echo.HTTPErrorHandler of the program, which hands over the paths that the
// Handler owns.
func (h *Handler) HTTPError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	edge.StampID(c)
	h.fail(c, edge.FromEcho(err))
}

// fail answers an error. What is our own fault is logged, and nothing of it leaves the
// process.
func (h *Handler) fail(c echo.Context, err error) {
	ctx := c.Request().Context()
	if edge.TooLate(c, h.Log, err) {
		return
	}
	a, body := answerTo(edge.Named(ctx, err))
	if a.status >= http.StatusInternalServerError {
		h.Log.ErrorContext(ctx, "request failed", "requestId", edge.RequestID(c), "status", a.status, "error", err)
	}
	a.tell(c.Response().Header())
	explain.Conclude(ctx, strconv.Itoa(a.status)+" "+body.Code, "refused: "+body.Message)
	h.send(c, a.status, mustJSON(body))
}

// tell says in the header of an answer what goes with its status.
func (a answer) tell(header http.Header) {
	switch a.status {
	case http.StatusUnauthorized:
		if header.Get(echo.HeaderWWWAuthenticate) == "" { // the gate says more
			header.Set(echo.HeaderWWWAuthenticate, "Bearer")
		}
	case http.StatusUnsupportedMediaType:
		header.Set("Accept", mediaJSON)
	case http.StatusServiceUnavailable:
		header.Set(echo.HeaderRetryAfter, retryAfter)
	}
}

// RefusalOf words an error, whatever formats the caller accepts: all errors here have
// one form. X-Request-ID is not in it. It is for who answers in the Handler's place, such
// as the faults of the sandbox.
func (h *Handler) RefusalOf(err error, _ []string) *edge.Refusal {
	a, body := answerTo(err)
	return refusalOf(a, body)
}

// RefusalWith is a refusal by any status, such as one that only a gateway before the
// Handler has.
func (h *Handler) RefusalWith(status int, text string) *edge.Refusal {
	code := wire.CodeFailure
	if status == http.StatusTooManyRequests {
		code = wire.CodeTooOften
	}
	return refusalOf(answer{status: status}, wire.Error{Code: code, Message: text})
}

func refusalOf(a answer, body wire.Error) *edge.Refusal {
	refusal := &edge.Refusal{Status: a.status, Code: body.Code, Text: body.Message, Header: http.Header{}, Body: mustJSON(body)}
	a.tell(refusal.Header)
	refusal.Header.Set(echo.HeaderCacheControl, "no-store")
	refusal.Header.Set(echo.HeaderContentType, mediaJSON)
	return refusal
}
