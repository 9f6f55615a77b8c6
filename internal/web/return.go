package web

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/service/sca"
)

// returnPath is where a browser comes back to from another site, such as an
// identity provider's. It is the same for every run: the query's state says which.
const returnPath = "/sca/return"

// What a site may send back: an authorization response has a handful of
// parameters, with a code and a state of some hundred characters.
const (
	maxParameters = 32
	maxQuery      = 16 << 10 // bytes
)

// comeBack hands on what the browser brought, and sends it to the page of its
// run, so that nothing of it stays in the address bar; to the TPP, where the run
// has ended by it, as that is told only once.
func (s *SCA) comeBack(c echo.Context) error {
	v := &visit{c: c, address: c.Request().URL.Path, browser: s.browser(c.Request()), choice: s.chosenLanguage(c.Request())}
	fields, err := brought(c.Request().URL.RawQuery)
	if err != nil {
		v.err = err
		return s.respond(v)
	}
	ctx := c.Request().Context()
	v.handle, v.view, v.err = s.Walks.Return(ctx, fields["state"], s.visitor(v), fields)
	v.found = v.handle != "" && consent.CodeOf(v.err) != consent.CodeForbidden // a stranger is not told
	if v.found {
		v.address = "/sca/" + url.PathEscape(v.handle)
	}
	switch {
	case v.err == nil && !v.found:
		v.err = consent.E(consent.CodeNotFound, "not an answer to a redirect")
		return s.respond(v)
	case v.err != nil, v.view.Page == sca.PageEnded:
		return s.respond(v)
	}
	http.Redirect(c.Response(), c.Request(), v.address, http.StatusSeeOther)
	return nil
}

// brought reads the query that another site sent with the browser. Each name
// counts once (RFC 6749 §3.1); what cannot be read, or is too much, was never a
// link of ours: CodeNotFound, without the text.
func brought(query string) (map[string]string, error) {
	unknown := consent.E(consent.CodeNotFound, "not an answer to a redirect")
	if len(query) > maxQuery {
		return nil, unknown
	}
	values, err := url.ParseQuery(query)
	if err != nil || len(values) > maxParameters || values.Get("state") == "" {
		return nil, unknown
	}
	fields := make(map[string]string, len(values))
	for name, all := range values {
		if len(all) != 1 {
			return nil, unknown
		}
		fields[name] = all[0]
	}
	return fields, nil
}
