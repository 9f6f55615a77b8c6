package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// maxAnswer is the size in bytes up to which an answer is read.
	maxAnswer = 1 << 20
	// defaultTimeout ends a call that nobody else ends.
	defaultTimeout = 30 * time.Second

	headerRequestID = "X-Request-ID"
)

// Client calls one bank. Make it with [New].
type Client struct {
	base   string
	http   *http.Client
	header http.Header
}

// Option changes a Client while it is made.
type Option func(*Client)

// WithHTTPClient sends the calls through c, which brings certificates,
// time-outs and proxies. Redirects are never followed, whatever c says: no call
// of this interface answers one.
func WithHTTPClient(c *http.Client) Option {
	return func(to *Client) { to.http = c }
}

// WithHeader sends a header with every call. What a call sets itself wins.
func WithHeader(name, value string) Option {
	return func(to *Client) { to.header.Set(name, value) }
}

// WithSandboxTPP says to a consentd sandbox, over plain http, which of its TPPs
// is calling.
func WithSandboxTPP(name string) Option { return WithHeader("X-Sandbox-TPP", name) }

// New makes a client of the bank whose interface lies at baseURL, such as
// https://xs2a.bank.example/berlin-group: what stands before /v1.
func New(baseURL string, opts ...Option) (*Client, error) {
	u, err := url.Parse(baseURL)
	if err != nil {
		return nil, fmt.Errorf("base url: %w", err)
	}
	if (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("base url: must be http or https with a host, without query and fragment")
	}
	c := &Client{
		base:   strings.TrimRight(baseURL, "/"),
		http:   &http.Client{Timeout: defaultTimeout},
		header: http.Header{},
	}
	for _, opt := range opts {
		opt(c)
	}
	own := *c.http
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http = &own
	return c, nil
}

// Meta is what an answer says besides its body.
type Meta struct {
	Status    int
	Header    http.Header
	RequestID string // the X-Request-ID that was sent
}

// Approach is how the customer is reached, as ASPSP-SCA-Approach says; empty
// where that is open.
func (m *Meta) Approach() string { return m.Header.Get("ASPSP-SCA-Approach") }

// Location is where the resource that was created lies; empty where it was not
// said.
func (m *Meta) Location() string { return m.Header.Get("Location") }

// request is one call.
type request struct {
	method, path string
	header       http.Header
	body         any // nil for none
	want         int // the status of success
}

// do sends a request and decodes the answer into out, unless that is nil. The
// Meta is nil only where no answer came.
func (c *Client) do(ctx context.Context, in request, out any) (*Meta, error) {
	req, err := c.build(ctx, in)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", in.method, in.path, err)
	}
	defer func() { _ = res.Body.Close() }() // read to its end, or given up
	meta := &Meta{Status: res.StatusCode, Header: res.Header, RequestID: req.Header.Get(headerRequestID)}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return meta, fmt.Errorf("%s %s: read the answer: %w", in.method, in.path, err)
	case len(body) > maxAnswer:
		return meta, fmt.Errorf("%s %s: the answer is larger than %d bytes", in.method, in.path, maxAnswer)
	case res.StatusCode != in.want:
		return meta, errorOf(meta, body)
	case out == nil:
		return meta, nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return meta, fmt.Errorf("%s %s: decode the answer: %w", in.method, in.path, err)
	}
	return meta, nil
}

func (c *Client) build(ctx context.Context, in request) (*http.Request, error) {
	var body io.Reader
	if in.body != nil {
		encoded, err := json.Marshal(in.body)
		if err != nil {
			return nil, fmt.Errorf("%s %s: encode the body: %w", in.method, in.path, err)
		}
		body = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, in.method, c.base+in.path, body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", in.method, in.path, err)
	}
	req.Header = c.header.Clone()
	req.Header.Set("Accept", "application/json")
	if in.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	maps.Copy(req.Header, in.header)
	if req.Header.Get(headerRequestID) == "" {
		req.Header.Set(headerRequestID, newRequestID())
	}
	return req, nil
}
