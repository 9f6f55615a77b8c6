package aspsp

import (
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
)

const (
	headerRequestID = "X-Request-ID"
	keyRequestID    = "X-Request-Id" // as net/http keys it
)

// stampID puts X-Request-ID on the answer: as it was sent, or a fresh one where
// that is missing or malformed.
func stampID(c echo.Context) {
	sent := c.Request().Header[keyRequestID]
	if len(sent) == 1 && isRequestID(sent[0]) {
		c.Response().Header()[keyRequestID] = sent
		return
	}
	c.Response().Header()[keyRequestID] = []string{uuid.NewString()}
}

// idOf is the request id that the answer carries.
func idOf(c echo.Context) string { return c.Response().Header().Get(headerRequestID) }

// checkID is what is wrong with the request id that was sent. It may be left out.
func checkID(sent []string) consent.Faults {
	switch {
	case len(sent) == 0 || len(sent) == 1 && isRequestID(sent[0]):
		return nil
	case len(sent) > 1:
		return consent.Faults{fault("Header."+headerRequestID, "must be there once")}
	default:
		return consent.Faults{fault("Header."+headerRequestID, "must be a UUID")}
	}
}

// isRequestID tells a UUID of any version, in 36 characters or as its 32 digits.
func isRequestID(s string) bool {
	return (len(s) == 36 || len(s) == 32) && uuid.Validate(s) == nil
}
