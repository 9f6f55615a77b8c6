package edge

import (
	"net/http"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// The header that names a request, in the spelling of the standards and as
// net/http keys it.
const (
	HeaderRequestID = "X-Request-ID"
	KeyRequestID    = "X-Request-Id"
)

// StampID puts X-Request-ID on the answer, before anything can go wrong.
func StampID(c echo.Context) {
	c.Response().Header()[KeyRequestID] = []string{AnswerID(c.Request())}
}

// AnswerID is the id under which a request is answered: as it was sent, or a fresh
// one where that is missing or malformed.
func AnswerID(r *http.Request) string {
	if id := SentRequestID(r); id != "" {
		return id
	}
	return uuid.NewString()
}

// RequestID is the id that the answer carries.
func RequestID(c echo.Context) string { return c.Response().Header().Get(HeaderRequestID) }

// SentRequestID is the id that a request names itself by; empty where that is
// missing or malformed.
func SentRequestID(r *http.Request) string {
	if sent := r.Header[KeyRequestID]; len(sent) == 1 && IsRequestID(sent[0]) {
		return sent[0]
	}
	return ""
}

// IsRequestID tells a UUID of any version, the nil UUID too, in 36 characters or
// as its 32 hexadecimal digits: real TPPs send both.
func IsRequestID(s string) bool {
	return (len(s) == 36 || len(s) == 32) && uuid.Validate(s) == nil
}
