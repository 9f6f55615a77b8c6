package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/sca"
	"consentd/internal/web"
)

func newGet(path string) *http.Request { return httptest.NewRequest(http.MethodGet, path, nil) }

// TestComingBack: what the browser brought goes to its run, and the address bar
// keeps nothing of it.
func TestComingBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.walks.view, b.walks.handle = viewOfLogin(), handle
	b.get(t, "")
	res := b.send(newGet("/sca/return?state=sealed&code=4%2F0Ab&iss=https%3A%2F%2Flogin.bank.example"))
	require.Equal(t, http.StatusSeeOther, res.Code)
	require.Equal(t, "/sca/"+handle, res.Header().Get("Location"))
	require.Equal(t, []map[string]string{{"state": "sealed", "code": "4/0Ab", "iss": "https://login.bank.example"}}, b.walks.returned)
	require.Equal(t, b.walks.opened, b.walks.browsers, "by the browser that left")
	require.Equal(t, "no-store", res.Header().Get("Cache-Control"))
	require.Len(t, b.walks.opened, 1, "it is no handle")
}

func TestComingBackWithNothing(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{
		"no query":       "",
		"no state":       "code=x",
		"an empty state": "state=&code=x",
		"two states":     "state=a&state=b",
		"two codes":      "state=a&code=b&code=c",
		"a bad escape":   "state=%zz",
		"too many":       "state=a&" + many(40),
		"too long":       "state=" + strings.Repeat("x", 16<<10),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			res := b.send(newGet("/sca/return?" + query))
			require.Equal(t, http.StatusNotFound, res.Code)
			page := read(t, res)
			page.wellMade(t)
			require.Equal(t, "problem", page.attribute("main", "data-page"))
			require.Empty(t, b.walks.returned)
		})
	}
}

func many(n int) string {
	values := url.Values{}
	for i := range n {
		values.Set(strings.Repeat("p", i+1), "x")
	}
	return values.Encode()
}

// TestComingBackFails: the page knows its run, so it can be opened again and read
// in another language; a browser that was not sent from here learns nothing.
func TestComingBackFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		handle string
		code   consent.Code
		status int
		again  string
		links  string
	}{
		"the provider is silent": {handle, consent.CodeUnavailable, http.StatusServiceUnavailable, "/sca/" + handle, "/sca/" + handle + "?lang=fr"},
		"another browser":        {handle, consent.CodeForbidden, http.StatusForbidden, "", "?lang=fr"},
		"a state of nobody":      {"", consent.CodeNotFound, http.StatusNotFound, "", "?lang=fr"},
		"our own fault":          {"", consent.CodeInternal, http.StatusInternalServerError, "", "?lang=fr"},
		"nothing at all":         {"", "", http.StatusNotFound, "", "?lang=fr"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.walks.handle = c.handle
			if c.code != "" {
				b.walks.err = failure(c.code)
			}
			res := b.send(newGet("/sca/return?state=sealed&code=secret"))
			require.Equal(t, c.status, res.Code)
			page := read(t, res)
			page.wellMade(t)
			require.Equal(t, c.links, value(page.all("a")[1], "href"))
			again := ""
			for _, n := range page.all("a") {
				if value(n, "class") == "button" {
					again = value(n, "href")
				}
			}
			require.Equal(t, c.again, again)
			require.NotContains(t, b.log.String(), "code=secret")
			require.Equal(t, c.links != "?lang=fr", strings.Contains(res.Body.String(), handle))
		})
	}
}

// TestComingBackToTheEnd: who cancelled elsewhere goes back to the TPP at once,
// as the page of a run that has ended leads there only once.
func TestComingBackToTheEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.walks.view, b.walks.handle = view(sca.PageEnded), handle
	res := b.send(newGet("/sca/return?state=sealed&error=access_denied"))
	require.Equal(t, http.StatusSeeOther, res.Code)
	require.Equal(t, "https://tpp.example/nok?state=1", res.Header().Get("Location"))
}

// TestReturnIsNoHandle: the address of all runs can't be answered.
func TestReturnIsNoHandle(t *testing.T) {
	t.Parallel()
	b := setup(t)
	res := b.send(httptest.NewRequest(http.MethodPost, "/sca/return?state=x", strings.NewReader("decision=approve")), "Content-Type", "application/x-www-form-urlencoded")
	require.Equal(t, http.StatusForbidden, res.Code)
	require.Empty(t, b.walks.answered)
	require.Empty(t, b.walks.returned)
}

// TestOrigin is what flows are told of where our pages are.
func TestOrigin(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]struct {
		https bool
		home  string
	}{
		"http://example.com":       {},
		"https://example.com":      {https: true},
		"https://sca.bank.example": {home: "https://sca.bank.example"},
	} {
		b := setup(t, func(s *web.SCA) { s.Origin = c.home })
		b.https = c.https
		b.walks.view, b.walks.handle = view(sca.PageConsent), handle
		b.get(t, "")
		b.send(newGet("/sca/return?state=x"))
		require.Equal(t, []string{want, want}, b.walks.origins)
	}
}
