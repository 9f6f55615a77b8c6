package edge

import (
	"maps"
	"net/http"
	"strconv"
	"time"
)

// Refusal is how a TPP is to be answered whose call was refused, in the words of
// its dialect. It can be sent by somebody else, such as a gateway.
type Refusal struct {
	Status int
	Code   string // the dialect's; empty where the status has no body
	Path   string // of the header or parameter at fault
	Text   string // safe to show to the TPP
	Header http.Header
	// Body is what the dialect says, in the media type of Header; empty for none.
	Body []byte
}

// Send answers with the refusal.
func (r *Refusal) Send(w http.ResponseWriter) error {
	maps.Copy(w.Header(), r.Header)
	w.WriteHeader(r.Status)
	_, err := w.Write(r.Body)
	return err //nolint:wrapcheck // the client went away; there is nothing to add
}

// SecondsTo is a wait in whole seconds for Retry-After, and not too short.
func SecondsTo(wait time.Duration) string {
	return strconv.Itoa(max(1, int((wait+time.Second-1)/time.Second)))
}
