package idp

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// ErrShown means that the page was shown again: user name or password was wrong.
var ErrShown = errors.New("the log-in page is shown again")

var action = regexp.MustCompile(`<form method="post" action="([^"]+)">`)

// LogIn goes through the page as a browser does that was sent to an
// authorization URL, and returns the parameters with which it is sent back.
func (p *Provider) LogIn(ctx context.Context, address, user, password string) (map[string]string, error) {
	return p.answer(ctx, address, url.Values{"username": {user}, "password": {password}, "decision": {"login"}})
}

// Cancel does so as well, but logs nobody in.
func (p *Provider) Cancel(ctx context.Context, address string) (map[string]string, error) {
	return p.answer(ctx, address, url.Values{"decision": {"cancel"}})
}

// answer opens the page and sends its form.
func (p *Provider) answer(ctx context.Context, address string, form url.Values) (map[string]string, error) {
	shown, err := send(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	if shown.status == http.StatusOK {
		target := action.FindStringSubmatch(shown.body)
		if target == nil {
			return nil, errors.New("a page without form")
		}
		shown, err = send(ctx, http.MethodPost, p.Issuer+html.UnescapeString(target[1]), form)
	}
	if err != nil {
		return nil, err
	}
	return shown.sentBack()
}

// reply is an answer as a browser sees it.
type reply struct {
	status         int
	body, location string
}

// send makes one request and follows no redirect.
func send(ctx context.Context, method, address string, form url.Values) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return reply{}, err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return reply{status: res.StatusCode, body: string(body), location: res.Header.Get("Location")}, err
}

// sentBack reads where an answer sends the browser.
func (r reply) sentBack() (map[string]string, error) {
	switch {
	case r.status == http.StatusUnauthorized:
		return nil, ErrShown
	case r.location == "":
		return nil, fmt.Errorf("status %d, and no redirect", r.status)
	}
	to, err := url.Parse(r.location)
	if err != nil {
		return nil, err
	}
	fields := map[string]string{}
	for name, values := range to.Query() {
		fields[name] = values[0]
	}
	return fields, nil
}
