package eidas

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const maxRedirects = 2

// newClient is the client that asks authorities: what they say is signed, so that
// neither cookies nor an encrypted way are needed.
func (r *Revocation) newClient() *http.Client {
	client := &http.Client{}
	if r.HTTP != nil {
		*client = *r.HTTP
	}
	client.Jar = nil
	client.CheckRedirect = checkRedirect
	return client
}

// checkRedirect follows a list to another place of the same server, and a responder
// nowhere: certificates say whom we call, and whom we call does not say whom else.
func checkRedirect(next *http.Request, via []*http.Request) error {
	first := via[0]
	switch s := next.URL.Scheme; {
	case first.Method != http.MethodGet:
		return errors.New("a responder redirects")
	case len(via) > maxRedirects:
		return fmt.Errorf("more than %d redirects", maxRedirects)
	case s != "http" && s != "https":
		return fmt.Errorf("redirect to the scheme %q", s)
	case !strings.EqualFold(next.URL.Host, first.URL.Host):
		return fmt.Errorf("redirect to another host, %q", next.URL.Host)
	}
	return nil
}

// fetch does a call and returns the body of a 200 answer, of at most limit bytes. An
// address that cannot be reached, or from which nothing comes, is left alone for a
// while, whatever it is asked; one that answers badly is not: that is kept for the
// question alone, by who asks it.
func (r *Revocation) fetch(request *http.Request, limit int64, now time.Time) ([]byte, error) {
	key := "fetch " + request.URL.String()
	if err, failed := r.failures.get(key, now); failed {
		return nil, err
	}
	body, err := r.do(request, limit)
	if err != nil && isUnreachable(err) {
		r.failures.put(key, err, now, now.Add(failureKept))
	}
	return body, err
}

// isUnreachable tells that no connection came about, or no answer in time.
func isUnreachable(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return true
	}
	late, ok := errors.AsType[net.Error](err)
	return ok && late.Timeout()
}

func (r *Revocation) do(request *http.Request, limit int64) ([]byte, error) {
	response, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: answered %s", request.URL, response.Status)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", request.URL, err)
	}
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("%s: answered more than %d bytes", request.URL, limit)
	}
	return body, nil
}
