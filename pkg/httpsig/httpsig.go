package httpsig

import (
	"errors"
	"net/http"
	"strings"
)

// The headers of a signed request (XS2A IG 1.3.x §12), in the spelling of the
// standard.
const (
	HeaderDigest      = "Digest"
	HeaderSignature   = "Signature"
	HeaderCertificate = "TPP-Signature-Certificate"
)

// Reason says what kind of fault a message has.
type Reason string

// The kinds of faults.
const (
	Missing   Reason = "missing"   // the header is not there
	Malformed Reason = "malformed" // the header cannot be read
	Invalid   Reason = "invalid"   // the header can be read, and does not hold
)

// Error is a fault of a message. Its text may be shown to who sent the message:
// it tells what is wrong with a header, and nothing of what the header held but
// the names of other headers.
type Error struct {
	Reason Reason
	Header string // the header at fault, as the standard spells it
	Text   string
	// Covered are the names that the signature covers, where they could be read;
	// Uncovered are those that it must cover besides, where this is the fault.
	Covered, Uncovered []string
}

func (e *Error) Error() string { return e.Header + " " + e.Text }

// As finds the [*Error] in a chain of errors.
func As(err error) (*Error, bool) { return errors.AsType[*Error](err) }

// Message is what of a request or a response can be signed.
type Message struct {
	Method string
	Target string // path and query, as on the wire
	Host   string
	Header http.Header
}

// Of is the message of a request, one that came as well as one to be sent. It
// shares the headers of r.
func Of(r *http.Request) Message {
	m := Message{Method: r.Method, Target: r.RequestURI, Host: r.Host, Header: r.Header}
	if m.Method == "" {
		m.Method = http.MethodGet // as net/http sends it
	}
	if !strings.HasPrefix(m.Target, "/") { // one to be sent, or one in absolute form
		m.Target = r.URL.RequestURI()
	}
	if m.Host == "" {
		m.Host = r.URL.Host
	}
	return m
}
