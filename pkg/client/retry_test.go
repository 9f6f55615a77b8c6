package client_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// reply is what a try gets: an answer, or an error.
type reply struct {
	status     int
	retryAfter string
	body       string
	broken     bool // the answer ends before its end
	err        error
}

// replies answer one try after the other, the last one for all further tries.
type replies struct {
	all []reply
	ids []string // X-Request-ID of each try
	got []string // body of each try
}

func (r *replies) RoundTrip(req *http.Request) (*http.Response, error) {
	next := r.all[min(len(r.ids), len(r.all)-1)]
	sent, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	r.ids, r.got = append(r.ids, req.Header.Get("X-Request-ID")), append(r.got, string(sent))
	if next.err != nil {
		return nil, next.err
	}
	body := io.Reader(strings.NewReader(next.body))
	if next.broken {
		body = io.MultiReader(body, failing{})
	}
	header := http.Header{}
	if next.retryAfter != "" {
		header.Set("Retry-After", next.retryAfter)
	}
	return &http.Response{StatusCode: next.status, Header: header, Body: io.NopCloser(body), Request: req}, nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// slow is an error that says it took too long.
type slow struct{}

func (slow) Error() string   { return "too slow" }
func (slow) Timeout() bool   { return true }
func (slow) Temporary() bool { return true }

var (
	refused = reply{err: &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}}
	busy    = reply{status: http.StatusServiceUnavailable, retryAfter: "2"}
	good    = reply{status: http.StatusOK, body: `{}`}
)

func retrying(t *testing.T, r *replies, opts ...client.Option) *client.Client {
	t.Helper()
	c, err := client.New("https://bank.example", append(opts, client.WithHTTPClient(&http.Client{Transport: r}))...)
	require.NoError(t, err)
	return c
}

// get and put are a call that reads and one that writes.
func get(ctx context.Context, c *client.Client) error {
	_, _, err := c.Consent(ctx, "c1")
	return err
}

func put(ctx context.Context, c *client.Client) error {
	_, _, err := c.UpdateAuthorisation(ctx, "c1", "a1", client.Answer("123456"), client.UpdateOptions{})
	return err
}

func TestRetry(t *testing.T) {
	t.Parallel()
	writes := client.Retry{Times: 2, MaxWait: 5 * time.Second, Writes: true}
	for name, c := range map[string]struct {
		replies []reply
		call    func(context.Context, *client.Client) error
		retry   client.Retry
		tries   int
		took    time.Duration
		fails   bool
	}{
		"at once":                                 {[]reply{good}, get, client.DefaultRetry(), 1, 0, false},
		"refused once":                            {[]reply{refused, good}, get, client.DefaultRetry(), 2, 100 * time.Millisecond, false},
		"refused twice":                           {[]reply{refused, refused, good}, get, client.DefaultRetry(), 3, 300 * time.Millisecond, false},
		"refused for ever":                        {[]reply{refused}, get, client.DefaultRetry(), 3, 300 * time.Millisecond, true},
		"cut before an answer":                    {[]reply{{err: io.EOF}, good}, get, client.DefaultRetry(), 2, 100 * time.Millisecond, false},
		"cut in the answer":                       {[]reply{{status: 200, body: "{", broken: true}, good}, get, client.DefaultRetry(), 2, 100 * time.Millisecond, false},
		"busy, with a time":                       {[]reply{busy, good}, get, client.DefaultRetry(), 2, 2 * time.Second, false},
		"busy for ever":                           {[]reply{busy}, get, client.DefaultRetry(), 3, 4 * time.Second, true},
		"busy for as long as may be":              {[]reply{{status: 503, retryAfter: "5"}, good}, get, client.DefaultRetry(), 2, 5 * time.Second, false},
		"busy for longer":                         {[]reply{{status: 503, retryAfter: "6"}, good}, get, client.DefaultRetry(), 1, 0, true},
		"busy, without a time":                    {[]reply{{status: 503}, good}, get, client.DefaultRetry(), 1, 0, true},
		"another error with a time":               {[]reply{{status: 429, retryAfter: "2"}, good}, get, client.DefaultRetry(), 1, 0, true},
		"an internal error":                       {[]reply{{status: 500}, good}, get, client.DefaultRetry(), 1, 0, true},
		"too slow":                                {[]reply{{err: slow{}}, good}, get, client.DefaultRetry(), 1, 0, true},
		"an error that is no network's":           {[]reply{{err: errors.New("no certificate")}, good}, get, client.DefaultRetry(), 1, 0, true},
		"an answer that is no JSON":               {[]reply{{status: 200, body: "x"}, good}, get, client.DefaultRetry(), 1, 0, true},
		"switched off":                            {[]reply{refused, good}, get, client.Retry{}, 1, 0, true},
		"waits grow no longer than may be":        {[]reply{refused}, get, client.Retry{Times: 4, MaxWait: 250 * time.Millisecond}, 5, 800 * time.Millisecond, true},
		"waits grow no longer than half a minute": {[]reply{refused}, get, client.Retry{Times: 70, MaxWait: time.Hour}, 71, 25500*time.Millisecond + 62*25600*time.Millisecond, true},
		"a write, refused":                        {[]reply{refused, good}, put, client.DefaultRetry(), 1, 0, true},
		"a write, busy":                           {[]reply{busy, good}, put, client.DefaultRetry(), 1, 0, true},
		"a write that may, refused":               {[]reply{refused, good}, put, writes, 2, 100 * time.Millisecond, false},
		"a write that may, busy":                  {[]reply{busy, busy, good}, put, writes, 3, 4 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // its clock turns by itself: nobody waits
				r := &replies{all: c.replies}
				bank := retrying(t, r, client.WithRetry(c.retry))
				began := time.Now()
				err := c.call(t.Context(), bank)
				assert.Equal(t, c.fails, err != nil, "%v", err)
				assert.Equal(t, c.took, time.Since(began))
				require.Len(t, r.ids, c.tries)
				for i := range r.ids {
					assert.Equal(t, r.ids[0], r.ids[i], "the same X-Request-ID")
					assert.Equal(t, r.got[0], r.got[i], "the same body")
				}
			})
		})
	}
}

// Every operation that writes is left alone unless it may be sent again.
func TestEveryWriteIsSentOnce(t *testing.T) {
	t.Parallel()
	for name, call := range writes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &replies{all: []reply{refused}}
			require.Error(t, call(t.Context(), retrying(t, r)))
			require.Len(t, r.ids, 1)
		})
	}
}

// The caller's context ends the waiting as well; the answer is not lost by it.
func TestRetryEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &replies{all: []reply{busy}}
		bank := retrying(t, r)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, meta, err := bank.Consent(ctx, "c1")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var answered *client.Error
		require.ErrorAs(t, err, &answered)
		assert.Equal(t, http.StatusServiceUnavailable, answered.Status)
		assert.Equal(t, http.StatusServiceUnavailable, meta.Status)
		assert.Len(t, r.ids, 1)

		gone, cancelNow := context.WithCancel(t.Context())
		cancelNow()
		r = &replies{all: []reply{refused}}
		require.ErrorContains(t, get(gone, retrying(t, r)), "connection refused")
		assert.Len(t, r.ids, 1, "a caller who is gone wants nothing more")
	})
}

// writes are all calls that change something.
func writes() map[string]func(context.Context, *client.Client) error {
	return map[string]func(context.Context, *client.Client) error{
		"CreateConsent": func(ctx context.Context, c *client.Client) error {
			_, _, err := c.CreateConsent(ctx, xs2a.ConsentsRequest{}, client.CreateOptions{})
			return err
		},
		"DeleteConsent": func(ctx context.Context, c *client.Client) error {
			_, err := c.DeleteConsent(ctx, "c1")
			return err
		},
		"StartAuthorisation": func(ctx context.Context, c *client.Client) error {
			_, _, err := c.StartAuthorisation(ctx, "c1", client.StartOptions{})
			return err
		},
		"UpdateAuthorisation": put,
		"CreateFundsConsent": func(ctx context.Context, c *client.Client) error {
			_, _, err := c.CreateFundsConsent(ctx, xs2a.FundsConsentRequest{}, client.CreateOptions{})
			return err
		},
		"DeleteFundsConsent": func(ctx context.Context, c *client.Client) error {
			_, err := c.DeleteFundsConsent(ctx, "c1")
			return err
		},
		"StartFundsAuthorisation": func(ctx context.Context, c *client.Client) error {
			_, _, err := c.StartFundsAuthorisation(ctx, "c1", client.StartOptions{})
			return err
		},
		"UpdateFundsAuthorisation": func(ctx context.Context, c *client.Client) error {
			_, _, err := c.UpdateFundsAuthorisation(ctx, "c1", "a1", client.Identification(), client.UpdateOptions{PSUID: "lea"})
			return err
		},
		"ConfirmFunds": func(ctx context.Context, c *client.Client) error {
			_, _, err := c.ConfirmFunds(ctx, xs2a.FundsConfirmationRequest{}, client.ConfirmOptions{})
			return err
		},
	}
}
