package tpp

import (
	"bytes"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"consentd/pkg/httpsig"
)

// Sealer signs the bank's answers with its own seal (x-jws-signature). A nil
// Sealer signs nothing.
type Sealer struct {
	// Signer gives the seal as it is now: it changes while the program runs.
	Signer func() *httpsig.JWSSigner
	// Owns tells the paths whose answers are signed.
	Owns func(path string) bool
}

// Sign holds an answer back until it is whole, and signs it.
func (s *Sealer) Sign(next echo.HandlerFunc) echo.HandlerFunc {
	if s == nil {
		return next
	}
	return func(c echo.Context) error {
		if !s.Owns(c.Request().URL.Path) {
			return next(c)
		}
		response, out := c.Response(), c.Response().Writer
		held := &heldAnswer{header: out.Header(), status: http.StatusOK}
		response.Writer = held
		defer func() {
			if response.Writer == held { // a panic is on its way: whoever catches it answers
				response.Writer, response.Committed, response.Status, response.Size = out, false, 0, 0
			}
		}()
		if err := next(c); err != nil {
			c.Error(err) // answered now, so that errors are signed too
		}
		response.Writer = out
		if err := s.Signer().SignResponse(held.header, held.body.Bytes()); err != nil {
			out.WriteHeader(http.StatusInternalServerError)
			return fmt.Errorf("sign the answer: %w", err)
		}
		out.WriteHeader(held.status)
		if held.body.Len() == 0 {
			return nil
		}
		_, err := out.Write(held.body.Bytes())
		return err //nolint:wrapcheck // the client went away
	}
}

// heldAnswer is an answer that is not sent yet.
type heldAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (h *heldAnswer) Header() http.Header { return h.header }

// WriteHeader implements http.ResponseWriter.
func (h *heldAnswer) WriteHeader(status int) { h.status = status }

// Write implements http.ResponseWriter.
func (h *heldAnswer) Write(b []byte) (int, error) { return h.body.Write(b) }
