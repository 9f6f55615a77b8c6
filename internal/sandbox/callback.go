package sandbox

import (
	"context"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"
)

// CallbackToken is the bearer token with which the sandbox's bank calls consentd
// back.
const CallbackToken = "sandbox-app"

// callBack tells consentd that a question was answered, so that it need not wait
// until it asks again. Whether that arrives does not matter. The call goes to this
// program's own listener, whatever host the address names: it was the word of
// whoever asked.
func (s *Sandbox) callBack(c echo.Context, address string) {
	u, err := url.Parse(address)
	if err != nil || address == "" || s.HTTP == nil {
		return
	}
	// The person may close the page meanwhile.
	ctx := context.WithoutCancel(c.Request().Context())
	own := s.here(c.Request()) + u.EscapedPath()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, own, http.NoBody)
	if err != nil {
		return
	}
	req.Header.Set(echo.HeaderAuthorization, "Bearer "+CallbackToken)
	res, err := s.HTTP.Do(req)
	if err != nil { // it names the address, which is a secret
		s.Log.WarnContext(ctx, "calling back after an answer on the phone failed")
		return
	}
	defer func() { _ = res.Body.Close() }() // nothing is read of it
	if res.StatusCode != http.StatusNoContent {
		s.Log.WarnContext(ctx, "calling back after an answer on the phone was refused", "status", res.StatusCode)
	}
}
