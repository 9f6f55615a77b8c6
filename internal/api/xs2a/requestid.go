package xs2a

import (
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

const (
	headerRequestID = "X-Request-ID"
	keyRequestID    = "X-Request-Id" // as net/http keys it
)

// stampID puts X-Request-ID on the response, before anything can go wrong: as
// it was sent, or a fresh one where that is missing or malformed.
func stampID(c echo.Context) {
	sent := c.Request().Header[keyRequestID]
	if len(sent) == 1 && isRequestID(sent[0]) {
		c.Response().Header()[keyRequestID] = sent
		return
	}
	c.Response().Header()[keyRequestID] = []string{uuid.NewString()}
}

// idOf is the request id that the response carries.
func idOf(c echo.Context) string { return c.Response().Header().Get(headerRequestID) }

// isRequestID tells a UUID of any version, the nil UUID too, in 36 characters
// or as its 32 hexadecimal digits: real TPPs send both.
func isRequestID(s string) bool {
	return (len(s) == 36 || len(s) == 32) && uuid.Validate(s) == nil
}
