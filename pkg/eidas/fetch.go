package eidas

import (
	"fmt"
	"io"
	"net/http"
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
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return fmt.Errorf("more than %d redirects", maxRedirects)
		}
		if s := next.URL.Scheme; s != "http" && s != "https" {
			return fmt.Errorf("redirect to the scheme %q", s)
		}
		return nil
	}
	return client
}

// fetch does a call and returns the body of a 200 answer, of at most limit bytes. An
// address that cannot be reached is left alone for a while, whatever it is asked.
func (r *Revocation) fetch(request *http.Request, limit int64, now time.Time) ([]byte, error) {
	key := "fetch " + request.URL.String()
	if err, failed := r.failures.get(key, now); failed {
		return nil, err
	}
	body, err := r.do(request, limit)
	if err != nil {
		r.failures.put(key, err, now, now.Add(failureKept))
	}
	return body, err
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
