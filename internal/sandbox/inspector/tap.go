package inspector

import (
	"crypto/tls"
	"io"
	"net/http"
	"strings"
)

// kept is the beginning of a body that goes by.
type kept struct {
	bytes []byte
	more  bool // than is kept
}

func (k *kept) add(b []byte) {
	room := maxInspectedBody - len(k.bytes)
	k.more = k.more || len(b) > room
	k.bytes = append(k.bytes, b[:min(len(b), room)]...)
}

// bodyTap keeps the beginning of a request's body while the handler reads it. It
// reads nothing ahead, so the handler's own limits and times hold.
type bodyTap struct {
	io.ReadCloser
	kept

	waits bool // the client waits to be told to send it
	ended bool
}

func tapBody(r *http.Request) *bodyTap {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	return &bodyTap{ReadCloser: r.Body, waits: strings.EqualFold(r.Header.Get("Expect"), "100-continue")}
}

// Read implements io.Reader.
func (t *bodyTap) Read(b []byte) (int, error) {
	n, err := t.ReadCloser.Read(b)
	t.add(b[:n])
	t.ended = t.ended || err != nil
	return n, err //nolint:wrapcheck // handlers look at the error itself
}

// rest reads what the handler left of a body, up to what is kept: a call that was
// refused by its headers should show it too. net/http would read it now in any
// case, unless the client waits to be told.
func (t *bodyTap) rest() {
	if t.ended || t.waits && len(t.bytes) == 0 {
		return
	}
	_, _ = io.CopyN(io.Discard, t, int64(maxInspectedBody-len(t.bytes)+1)) // what cannot be read is not shown
}

// answerTap keeps the beginning of an answer's body.
type answerTap struct {
	http.ResponseWriter
	kept
}

// Write implements http.ResponseWriter.
func (t *answerTap) Write(b []byte) (int, error) {
	n, err := t.ResponseWriter.Write(b)
	t.add(b[:n])
	return n, err //nolint:wrapcheck // a decorator
}

// Unwrap lets http.ResponseController reach what lies below.
func (t *answerTap) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// originOf is where a request came to: scheme and host.
func (i *Inspector) originOf(r *http.Request) string {
	switch {
	case r.TLS != nil:
		return "https://" + r.Host
	case i.Public != "":
		return i.Public
	}
	return "http://" + r.Host
}

// overTLS stands in a protocol that has TLS below it.
const overTLS = " over "

// protocolOf says by which protocol a request came.
func protocolOf(r *http.Request) string {
	if r.TLS == nil {
		return r.Proto
	}
	return r.Proto + overTLS + tls.VersionName(r.TLS.Version)
}

// subjectOf is whom the certificate names that the client showed, whether that
// was believed or not; empty for none.
func subjectOf(r *http.Request) string {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return ""
	}
	return r.TLS.PeerCertificates[0].Subject.String()
}
