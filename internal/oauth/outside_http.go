package oauth

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// outsideHTTP is a client that follows no redirect: that would carry a token, or our
// secret, to an address that nobody configured. The time-out is of each call.
func outsideHTTP(o OutsideOptions) *http.Client {
	var client http.Client
	if o.HTTP != nil {
		client = *o.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

// outsideExchange makes one call and returns the body of the answer, of at most so
// many bytes. The error has nothing of what was sent.
func outsideExchange(client *http.Client, req *http.Request, most int64) ([]byte, error) {
	res, err := client.Do(req) //nolint:gosec // G704: the operator's configuration names the address
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if err != nil {
		return nil, fmt.Errorf("call: %w", err)
	}
	defer func() { _ = res.Body.Close() }() // nothing is lost with it: what matters was read
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", res.StatusCode)
	}
	return readOutsideBody(res.Body, most)
}

func readOutsideBody(body io.Reader, most int64) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(body, most+1))
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if int64(len(raw)) > most {
		return nil, fmt.Errorf("more than %d bytes", most)
	}
	return raw, nil
}
