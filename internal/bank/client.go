package bank

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"consentd/internal/service"
)

// DefaultTimeout is how long a Client without HTTP waits for an answer.
const DefaultTimeout = 5 * time.Second

// maxBody is the most that is read of an answer, in bytes.
const maxBody = 1 << 20

// Errors of the bank's systems, besides those of package service.
var (
	// ErrNoAnswer means that the bank's system is down, slow or not as described.
	ErrNoAnswer = errors.New("the bank's system does not answer as described")
	// ErrUnknown means that the bank does not know an id, or no longer.
	ErrUnknown = errors.New("the bank does not know the id")
	// ErrToken means that the bank refused our token: a fault of the set-up.
	ErrToken = errors.New("the bank's system refused the token")
)

// What a refusal says of a person; each call has its own word for it.
var (
	errCredentials = errors.New("the bank calls the credentials wrong")
	errRefused     = errors.New("the bank refuses the person")
	errNoPage      = errors.New("the bank has no such page")
)

// refusals are the statuses that say something of a person, an id or a page, with
// the code by which the bank says so in the body.
var refusals = map[int]struct {
	code string
	err  error
}{
	http.StatusUnauthorized: {"wrongCredentials", errCredentials},
	http.StatusForbidden:    {"refused", errRefused},
	http.StatusNotFound:     {"unknown", ErrUnknown},
	http.StatusGone:         {"noPage", errNoPage},
}

// Client asks one bank's systems. It is safe for parallel use.
type Client struct {
	BaseURL string
	Token   string
	// HTTP sends the calls, with its time-out. Nil: one with DefaultTimeout.
	HTTP *http.Client
}

var (
	_ service.Accounts  = (*Client)(nil)
	_ service.Owners    = (*Client)(nil)
	_ service.Signers   = (*Client)(nil)
	_ service.Funds     = (*Client)(nil)
	_ service.Logins    = (*Client)(nil)
	_ service.Phones    = (*Client)(nil)
	_ service.Approvals = (*Client)(nil)
	_ service.Books     = (*Client)(nil)
)

// question is one call: of a resource by its path, segment by segment, of which the
// last is never an id.
type question struct {
	method string
	path   []string
	query  url.Values
	body   []byte
}

// get asks for a resource.
func (c *Client) get(ctx context.Context, into any, path ...string) (int, error) {
	return c.look(ctx, into, nil, path...)
}

// look asks for a part of a resource. Only reading is tried again, once, when the
// connection failed: it changes nothing.
func (c *Client) look(ctx context.Context, into any, query url.Values, path ...string) (int, error) {
	q := question{method: http.MethodGet, path: path, query: query}
	status, err := c.call(ctx, q, into)
	if broken, ok := errors.AsType[*net.OpError](err); ok && !broken.Timeout() && ctx.Err() == nil {
		return c.call(ctx, q, into)
	}
	return status, err
}

// post sends a body and reads the answer.
func (c *Client) post(ctx context.Context, body, into any, path ...string) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path[len(path)-1], err)
	}
	_, err = c.call(ctx, question{method: http.MethodPost, path: path, body: raw}, into)
	return err
}

// call makes one exchange. It returns the status, and for 2xx fills into; nil
// where no body is described.
func (c *Client) call(ctx context.Context, q question, into any) (int, error) {
	operation := q.method + " " + q.path[len(q.path)-1]
	if slices.ContainsFunc(q.path, func(s string) bool { return s == "" || s == "." || s == ".." }) {
		return 0, fmt.Errorf("bank %s: %w", operation, ErrUnknown) // such an id would change the path
	}
	req, err := http.NewRequestWithContext(ctx, q.method, c.address(q), bytes.NewReader(q.body))
	if err != nil {
		return 0, fmt.Errorf("bank %s: malformed base address", operation)
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	req.Header.Set("Accept", "application/json")
	if q.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.client().Do(req)
	if err != nil {
		return 0, fmt.Errorf("bank %s: %w: %w", operation, ErrNoAnswer, plain(err))
	}
	defer func() { _ = res.Body.Close() }() // nothing is lost with it: what matters was read
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return res.StatusCode, fmt.Errorf("bank %s: %w", operation, errorOf(res))
	}
	if into == nil {
		return res.StatusCode, nil
	}
	if err := read(res.Body, into); err != nil {
		return res.StatusCode, fmt.Errorf("bank %s: %w: %w", operation, ErrNoAnswer, err)
	}
	return res.StatusCode, nil
}

// client is HTTP, but follows no redirect: that would carry what a customer
// typed to an address that nobody configured.
func (c *Client) client() *http.Client {
	client := http.Client{Timeout: DefaultTimeout}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

// address joins the base address, escaped segments and the query: an id can never
// reach another operation.
func (c *Client) address(q question) string {
	var b strings.Builder
	b.WriteString(strings.TrimRight(c.BaseURL, "/"))
	for _, segment := range q.path {
		b.WriteString("/" + url.PathEscape(segment))
	}
	if len(q.query) > 0 {
		b.WriteString("?" + q.query.Encode())
	}
	return b.String()
}

// plain takes the address out of a transport error, since ids stand in it.
func plain(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// errorOf tells what an answer other than 2xx means. A status alone says nothing of
// a person: a wrong address or a firewall on the way answers with the same ones.
func errorOf(res *http.Response) error {
	if res.StatusCode == http.StatusUnauthorized && res.Header.Get("WWW-Authenticate") != "" {
		_, _ = io.CopyN(io.Discard, res.Body, maxBody) // so that the connection serves again
		return ErrToken
	}
	var body struct {
		Code string `json:"code"`
	}
	err := read(res.Body, &body)
	if meant, ok := refusals[res.StatusCode]; ok && err == nil && body.Code == meant.code {
		return meant.err
	}
	return fmt.Errorf("%w: status %d", ErrNoAnswer, res.StatusCode)
}

// read decodes one JSON answer of at most maxBody bytes.
func read(body io.Reader, into any) error {
	raw, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	switch {
	case err != nil:
		return fmt.Errorf("read: %w", err)
	case len(raw) > maxBody:
		return fmt.Errorf("more than %d bytes", maxBody)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return errors.New("not the JSON that is described") // the cause may quote it
	}
	return nil
}
