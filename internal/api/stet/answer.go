package stet

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"consentd/internal/edge"
	wire "consentd/pkg/stet"
)

// answer is a response before it is sent.
type answer struct {
	Status int
	Media  string            // of the body
	Header map[string]string // those besides
	Body   []byte
}

// mediaHAL is the media type of what GET answers.
const mediaHAL = wire.MediaTypeHAL + ";charset=utf-8"

// reply is an answer to GET.
func reply(body any) *answer { return (&answer{Status: http.StatusOK}).with(body).as(mediaHAL) }

// with gives the answer its body.
func (a *answer) with(body any) *answer {
	encoded, err := json.Marshal(body)
	if err != nil { // our types always encode
		return &answer{Status: http.StatusInternalServerError}
	}
	a.Body = encoded
	return a
}

// as gives the body its media type.
func (a *answer) as(media string) *answer {
	a.Media = media
	return a
}

func (a *answer) set(name, value string) {
	if a.Header == nil {
		a.Header = map[string]string{}
	}
	a.Header[name] = value
}

// noStore keeps answers out of caches.
const noStore = "no-store"

// send sends an answer. Account data are the PSU's affair, so nothing may keep them.
func (h *Handler) send(c echo.Context, a *answer) {
	header := c.Response().Header()
	for name, value := range a.Header {
		header.Set(name, value)
	}
	header.Set(echo.HeaderCacheControl, noStore)
	if len(a.Body) == 0 {
		if a.Status == http.StatusCreated {
			header.Set(echo.HeaderContentLength, "0")
		}
		c.Response().WriteHeader(a.Status)
		return
	}
	header.Set(echo.HeaderContentType, a.Media)
	c.Response().WriteHeader(a.Status)
	if _, err := c.Response().Write(a.Body); err != nil {
		h.Log.DebugContext(c.Request().Context(), "the client went away", "requestId", edge.RequestID(c), "error", err)
	}
}
