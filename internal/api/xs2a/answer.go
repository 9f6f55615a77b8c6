package xs2a

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"consentd/internal/edge"
	wire "consentd/pkg/xs2a"
)

// answer is a response before it is sent. It can be kept, and sent again as it
// was; X-Request-ID is not in it, since it is the same by nature.
type answer struct {
	Status int               `json:"status"`
	Media  string            `json:"media,omitempty"`  // of the body
	Header map[string]string `json:"header,omitempty"` // those besides
	Body   json.RawMessage   `json:"body,omitempty"`
	// Problem is the same for a client that prefers application/problem+json;
	// only with an error that is kept.
	Problem *answer `json:"problem,omitempty"`
}

// reply is an answer with a body of the standard's.
func reply(status int, body any) *answer {
	return (&answer{Status: status}).with(wire.MediaTypeJSON, body)
}

// with gives the answer its body.
func (a *answer) with(media string, body any) *answer {
	encoded, err := json.Marshal(body)
	if err != nil { // our types always encode
		return &answer{Status: http.StatusInternalServerError}
	}
	a.Media, a.Body = media, encoded
	return a
}

func (a *answer) set(name, value string) {
	if a.Header == nil {
		a.Header = map[string]string{}
	}
	a.Header[name] = value
}

// kept is the answer in the form in which it is kept.
func (a *answer) kept() []byte {
	encoded, _ := json.Marshal(a) // a status, texts, and JSON that was encoded before
	return encoded
}

// recalled reads an answer that was kept.
func recalled(stored []byte) (*answer, error) {
	var a answer
	if err := json.Unmarshal(stored, &a); err != nil {
		return nil, fmt.Errorf("read a stored answer: %w", err)
	}
	return &a, nil
}

// noStore keeps answers out of caches.
const noStore = "no-store"

// send sends an answer. Consents are the PSU's affair and links are secret, so
// nothing may keep a body.
func (h *Handler) send(c echo.Context, a *answer) {
	header := c.Response().Header()
	for name, value := range a.Header {
		header.Set(name, value)
	}
	if len(a.Body) == 0 {
		c.Response().WriteHeader(a.Status)
		return
	}
	header.Set(echo.HeaderCacheControl, noStore)
	header.Set(echo.HeaderContentType, a.Media)
	c.Response().WriteHeader(a.Status)
	if _, err := c.Response().Write(a.Body); err != nil {
		h.Log.DebugContext(c.Request().Context(), "the client went away", "requestId", edge.RequestID(c), "error", err)
	}
}
