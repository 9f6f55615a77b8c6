package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

	headerRequestID     = "X-Request-ID"
	headerAuthorization = "Authorization"
)

// Client calls one bank. Make it with [New].
type Client struct {
	base   string
	http   *http.Client
	header http.Header
	retry  Retry
	seals  []seal
	mutual *mutual
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

// WithToken sends an OAuth2 access token with every call: where the bank wants one
// before anything else, or the one that was issued for a consent whose link scaOAuth
// was followed. See also [Client.Bearing].
func WithToken(token string) Option { return WithHeader(headerAuthorization, "Bearer "+token) }

// Bearing is the same client with another access token, for the calls of one customer
// or one consent; an empty one sends none. Connections are shared, and c stays as it
// is.
func (c *Client) Bearing(token string) *Client {
	own := *c
	own.header = c.header.Clone()
	own.header.Del(headerAuthorization)
	if token != "" {
		WithToken(token)(&own)
	}
	return &own
}

// New makes a client of the bank whose interface lies at baseURL, such as
// https://xs2a.bank.example/berlin-group: what stands before /v1 and
// /v2.
func New(baseURL string, opts ...Option) (*Client, error) {
	u, err := url.Parse(baseURL)
	if err != nil {
		return nil, fmt.Errorf("base url: %w", err)
	}
	if (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("base url: must be http or https with a host, without query and fragment")
	}
	return at(strings.TrimRight(baseURL, "/"), opts)
}

// at makes a client of what lies below base; empty for calls that name the whole
// address.
func at(base string, opts []Option) (*Client, error) {
	c := &Client{
		base:   base,
		http:   &http.Client{Timeout: defaultTimeout},
		header: http.Header{},
		retry:  DefaultRetry(),
	}
	for _, opt := range opts {
		opt(c)
	}
	if c.mutual != nil {
		secured, err := c.mutual.over(*c.http)
		if err != nil {
			return nil, err
		}
		c.http = secured
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

// do sends a request, again where that is allowed, and decodes the answer into
// out, unless that is nil. The Meta is nil only where no answer came.
func (c *Client) do(ctx context.Context, in request, out any) (*Meta, error) {
	m, err := c.encode(in)
	if err != nil {
		return nil, err
	}
	for tries := 1; ; tries++ {
		meta, body, err := c.send(ctx, m)
		if err == nil {
			return meta, m.decode(meta.Status, body, out)
		}
		wait, again := c.retry.wait(m.method, tries, err)
		if !again || ctx.Err() != nil {
			return meta, err
		}
		if ended := pause(ctx, wait); ended != nil {
			return meta, errors.Join(err, ended)
		}
	}
}

func (m *message) decode(status int, body []byte, out any) error {
	if out == nil || status == http.StatusNoContent {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("%s %s: decode the answer: %w", m.method, m.path, err)
	}
	return nil
}
