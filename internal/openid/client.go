package openid

import (
	"net/http"
	"time"
)

const (
	defaultTimeout = 10 * time.Second
	maxAnswer      = 1 << 20 // bytes of an answer that are read
)

// Bounded makes a client that reads no more than maxAnswer, waits no longer than
// its time-out, and follows no redirect: that would carry secrets to an address
// that nobody configured.
func Bounded(given *http.Client) *http.Client {
	client := http.Client{}
	if given != nil {
		client = *given
	}
	if client.Timeout == 0 {
		client.Timeout = defaultTimeout
	}
	if client.Transport == nil {
		client.Transport = http.DefaultTransport
	}
	client.Transport = limit{client.Transport}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

// limit is a transport that bounds answers.
type limit struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (l limit) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := l.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	res.Body = http.MaxBytesReader(nil, res.Body, maxAnswer)
	return res, nil
}
