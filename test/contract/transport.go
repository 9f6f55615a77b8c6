package contract

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"
)

// Transport checks every exchange that passes through it. Its zero value with a
// T checks nothing and passes all on.
type Transport struct {
	// Base sends the requests; http.DefaultTransport when nil.
	Base http.RoundTripper
	// Validators are asked in order; the first that owns a path checks it.
	Validators []*Validator
	// T is told what differs.
	T testing.TB
}

// RoundTrip implements http.RoundTripper. The caller gets request and answer
// as if it weren't there.
func (tr *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	tr.T.Helper()
	base := tr.Base
	if base == nil {
		base = http.DefaultTransport
	}
	v := tr.validatorFor(req.URL.EscapedPath())
	if v == nil {
		return base.RoundTrip(req)
	}
	reqBody, err := drain(req.Body)
	if err != nil {
		return nil, fmt.Errorf("read request body: %w", err)
	}
	sent := req
	if req.Body != nil {
		// A RoundTripper may consume the caller's body, but not change its request.
		sent = withBody(req, reqBody)
	}
	res, err := base.RoundTrip(sent)
	if err != nil {
		return nil, err
	}
	resBody, err := drain(res.Body)
	if err != nil {
		return nil, fmt.Errorf("read response body: %w", err)
	}
	res.Body = io.NopCloser(bytes.NewReader(resBody))
	v.Exchange(tr.T, req, reqBody, res, resBody)
	return res, nil
}

// validatorFor finds the description that has a path or, where none has, one that
// has its neighbours and says that it lacks it.
func (tr *Transport) validatorFor(path string) *Validator {
	for _, v := range tr.Validators {
		if v.describes(path) {
			return v
		}
	}
	for _, v := range tr.Validators {
		if v.Owns(path) {
			return v
		}
	}
	return nil
}

// drain reads a body to its end and closes it.
func drain(body io.ReadCloser) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	data, err := io.ReadAll(body)
	if closeErr := body.Close(); err == nil {
		err = closeErr
	}
	return data, err
}
