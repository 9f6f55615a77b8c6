package client

import (
	"encoding/json"
	"fmt"
	"mime"
	"slices"
	"strings"
	"time"

	"consentd/pkg/stet"
)

// STETError is an answer of the STET interface that is not a success. Find it with
// errors.As.
type STETError struct {
	Status    int    // the HTTP status
	RequestID string // the X-Request-ID that was sent: the bank finds the call by it
	// Model is what the bank says; its Message is empty where it sent nothing that
	// could be read. Its Status may differ from the answer's, or be missing.
	Model stet.ErrorModel
	// RetryAfter is how long the bank asks to wait; zero where it does not say.
	RetryAfter time.Duration
}

// Code is the short code that the message is or begins with, such as
// [stet.MessageNotGranted]; empty where it has none. The codes are the French
// banks', not the standard's.
func (e *STETError) Code() string {
	word, _, _ := strings.Cut(e.Model.Message, " ")
	word = strings.TrimSuffix(word, ":")
	if len(word) != 4 || strings.ContainsFunc(word, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < '0' || r > '9') }) {
		return ""
	}
	return word
}

func (e *STETError) Error() string {
	return joined(fmt.Sprintf("stet answered %d (request %s)", e.Status, e.RequestID), e.Model.Message, e.Model.Error)
}

// joined puts what there is of a text's parts one after the other.
func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ": ")
}

func (e *STETError) later() (int, time.Duration) { return e.Status, e.RetryAfter }

// stetErrorOf reads the ErrorModel of an answer. Some banks leave its status out,
// and their gateways answer in forms of their own, which are left out.
func stetErrorOf(meta *Meta, body []byte) error {
	e := &STETError{Status: meta.Status, RequestID: meta.RequestID, RetryAfter: retryAfter(meta)}
	media, _, err := mime.ParseMediaType(meta.Header.Get("Content-Type"))
	if err != nil || media != stet.MediaTypeHAL && media != stet.MediaTypeJSON {
		return e
	}
	var model stet.ErrorModel
	if json.Unmarshal(body, &model) == nil {
		e.Model = model
	}
	return e
}
