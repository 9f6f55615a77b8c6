package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"

	"consentd/pkg/xs2a"
)

// request is one call.
type request struct {
	method, path string
	header       http.Header
	body         any        // nil for none
	form         url.Values // instead of body; nil for none
	want         int        // the status of success
	also         int        // another one; 0 for none
	accept       string     // media types; empty for JSON
	// refused reads an answer that is no success; nil for XS2A's.
	refused func(meta *Meta, body []byte) error
}

func create(path string, body any, o CreateOptions) request {
	h := headers{}
	h.set("TPP-Redirect-URI", o.RedirectURI)
	h.set("TPP-Nok-Redirect-URI", o.NokRedirectURI)
	if o.ExplicitAuthorisation {
		h.set("TPP-Explicit-Authorisation-Preferred", "true")
	}
	h.choose("TPP-Redirect-Preferred", o.RedirectPreferred)
	h.choose("TPP-Decoupled-Preferred", o.DecoupledPreferred)
	h.psu(UpdateOptions{o.RequestID, o.PSUIPAddress, o.PSUID, o.PSUCorporateID, o.PSULanguage, o.Header})
	return request{method: http.MethodPost, path: path, header: http.Header(h), body: body, want: http.StatusCreated}
}

func start(path string, o StartOptions) request {
	h := headers{}
	h.choose("TPP-Redirect-Preferred", o.RedirectPreferred)
	h.choose("TPP-Decoupled-Preferred", o.DecoupledPreferred)
	h.psu(UpdateOptions{o.RequestID, o.PSUIPAddress, o.PSUID, o.PSUCorporateID, o.PSULanguage, o.Header})
	body := xs2a.UpdateRequest{}
	if o.Password != "" {
		body = Password(o.Password)
	}
	return request{method: http.MethodPost, path: path, header: http.Header(h), body: body, want: http.StatusCreated}
}

func update(path string, body xs2a.UpdateRequest, o UpdateOptions) request {
	h := headers{}
	h.psu(o)
	return request{method: http.MethodPut, path: path, header: http.Header(h), body: body, want: http.StatusOK}
}

func read(method, path string, options []CallOptions) request {
	h := headers{}
	for _, o := range options {
		h.call(o)
	}
	return request{method: method, path: path, header: http.Header(h), want: http.StatusOK}
}

func end(path string, options []CallOptions) request {
	in := read(http.MethodDelete, path, options)
	in.want = http.StatusNoContent
	return in
}

// call is do with a typed answer; nil where there is none.
func call[T any](ctx context.Context, c *Client, in request) (*T, *Meta, error) {
	out := new(T)
	meta, err := c.do(ctx, in, out)
	if err != nil {
		return nil, meta, err
	}
	return out, meta, nil
}

// message is a request as it goes out, as often as it takes.
type message struct {
	method, path string
	header       http.Header
	body         []byte
	want, also   int
	refused      func(meta *Meta, body []byte) error
}

// encode makes a request ready to be sent: its X-Request-ID is settled here, so
// that every try carries the same.
func (c *Client) encode(in request) (message, error) {
	m := message{method: in.method, path: in.path, header: c.header.Clone(), want: in.want, also: in.also, refused: in.refused}
	if m.refused == nil {
		m.refused = func(meta *Meta, body []byte) error { return errorOf(meta, body) }
	}
	m.header.Set("Accept", cmp.Or(in.accept, xs2a.MediaTypeJSON))
	if in.form != nil {
		m.body = []byte(in.form.Encode())
		m.header.Set("Content-Type", mediaTypeForm)
	}
	if in.body != nil {
		encoded, err := json.Marshal(in.body)
		if err != nil {
			return m, fmt.Errorf("%s %s: encode the body: %w", in.method, in.path, err)
		}
		m.body = encoded
		m.header.Set("Content-Type", xs2a.MediaTypeJSON)
	}
	maps.Copy(m.header, in.header)
	if m.header.Get(headerRequestID) == "" {
		m.header.Set(headerRequestID, NewRequestID())
	}
	return m, nil
}

// send sends a message once and reads the answer. The Meta is nil only where no
// answer came; an answer that is not one of those wanted is an [*Error], or what
// another interface has in its place.
func (c *Client) send(ctx context.Context, m message) (*Meta, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, m.method, c.base+m.path, bytes.NewReader(m.body))
	if err != nil {
		return nil, nil, fmt.Errorf("%s %s: %w", m.method, m.path, err)
	}
	req.Header = m.header.Clone()
	if err := c.sign(req, m.body); err != nil {
		return nil, nil, fmt.Errorf("%s %s: %w", m.method, m.path, err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, nil, fmt.Errorf("%s %s: %w", m.method, m.path, err)
	}
	defer func() { _ = res.Body.Close() }() // read to its end, or given up
	meta := &Meta{Status: res.StatusCode, Header: res.Header, RequestID: m.header.Get(headerRequestID)}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return meta, nil, fmt.Errorf("%s %s: read the answer: %w", m.method, m.path, err)
	case len(body) > maxAnswer:
		return meta, nil, fmt.Errorf("%s %s: the answer is larger than %d bytes", m.method, m.path, maxAnswer)
	case res.StatusCode != m.want && (m.also == 0 || res.StatusCode != m.also):
		return meta, nil, m.refused(meta, body)
	default:
		return meta, body, nil
	}
}
