package idp

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Client reaches the provider without leaving the process, whatever address it is
// called by: behind a proxy, or on a port that is not bound yet. It reaches nothing else.
func (p *Provider) Client() *http.Client { return &http.Client{Transport: inside{p}} }

// inside is a transport that hands calls to the provider.
type inside struct{ to *Provider }

// RoundTrip implements http.RoundTripper.
func (i inside) RoundTrip(req *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(req.URL.Path, Path+"/") {
		return nil, fmt.Errorf("the sandbox's provider has no page %s", req.URL.Path)
	}
	call := req.Clone(req.Context())
	if call.Body == nil {
		call.Body = http.NoBody
	}
	if call.Host == "" {
		call.Host = req.URL.Host
	}
	if req.URL.Scheme == "https" {
		call.TLS = &tls.ConnectionState{}
	}
	a := &answered{header: http.Header{}, status: http.StatusOK}
	i.to.ServeHTTP(a, call)
	if req.Body != nil {
		_ = req.Body.Close() // it was read, and is memory
	}
	return &http.Response{
		Status: http.StatusText(a.status), StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header, Body: io.NopCloser(&a.body), ContentLength: int64(a.body.Len()), Request: req,
	}, nil
}

// answered keeps what a handler writes.
type answered struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (a *answered) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answered) WriteHeader(status int) { a.status = status }

// Write implements http.ResponseWriter.
func (a *answered) Write(b []byte) (int, error) { return a.body.Write(b) }
