package client

import (
	"encoding/json"
	"fmt"
	"mime"
	"strconv"
	"strings"
	"time"

	"consentd/pkg/xs2a"
)

// Error is an answer that is not a success. Find it with errors.As.
type Error struct {
	Status    int    // the HTTP status
	RequestID string // the X-Request-ID that was sent: the bank finds the call by it
	// Messages are the faults, from whichever of the two forms the bank answers
	// in; empty where it sent none. Of a problem document the path stands in front
	// of the text.
	Messages []xs2a.TPPMessage
	// RetryAfter is how long the bank asks to wait; zero where it does not say.
	RetryAfter time.Duration
}

// Has reports whether one of the messages has a code.
func (e *Error) Has(code xs2a.Code) bool {
	for _, m := range e.Messages {
		if m.Code == code {
			return true
		}
	}
	return false
}

func (e *Error) Error() string {
	var s strings.Builder
	fmt.Fprintf(&s, "xs2a answered %d (request %s)", e.Status, e.RequestID)
	for i, m := range e.Messages {
		separator := "; "
		if i == 0 {
			separator = ": "
		}
		s.WriteString(separator + string(m.Code))
		for _, part := range []string{m.Path, m.Text} {
			if part != "" {
				s.WriteString(" " + part)
			}
		}
	}
	return s.String()
}

// errorOf reads the faults of an answer. A body that is neither of the two forms
// tells nothing that could be relied on, and is left out.
func errorOf(meta *Meta, body []byte) *Error {
	e := &Error{Status: meta.Status, RequestID: meta.RequestID, RetryAfter: retryAfter(meta)}
	media, _, err := mime.ParseMediaType(meta.Header.Get("Content-Type"))
	if err != nil {
		return e
	}
	switch media {
	case xs2a.MediaTypeJSON:
		var b xs2a.Error
		if json.Unmarshal(body, &b) == nil {
			e.Messages = b.TPPMessages
		}
	case xs2a.MediaTypeProblem:
		var p xs2a.Problem
		if json.Unmarshal(body, &p) == nil {
			e.Messages = messagesOf(p)
		}
	}
	return e
}

func (e *Error) later() (int, time.Duration) { return e.Status, e.RetryAfter }

// retryAfter is how long an answer asks to wait; zero where it does not say.
func retryAfter(meta *Meta) time.Duration {
	seconds, err := strconv.ParseUint(meta.Header.Get("Retry-After"), 10, 16)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

func messagesOf(p xs2a.Problem) []xs2a.TPPMessage {
	messages := []xs2a.TPPMessage{{Category: xs2a.CategoryError, Code: p.Code, Text: p.Detail}}
	for _, a := range p.AdditionalErrors {
		messages = append(messages, xs2a.TPPMessage{Category: xs2a.CategoryError, Code: a.Code, Text: a.Detail})
	}
	return messages
}
