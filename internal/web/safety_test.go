package web_test

import (
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/sca"
)

// The attacks that pages like these must stand. Of some the tests lie elsewhere:
// forged forms in TestForeignForms; where the browser may be sent in TestLeaving,
// TestNotLeaving and TestElsewhereIsASite; what the policy says in TestFormAction.

// TestSessionFixation: nobody gives a browser the name by which a run knows it
// but us, and it is not read from anywhere but our cookie.
func TestSessionFixation(t *testing.T) {
	t.Parallel()
	planted := strings.Repeat("P", 43)
	for name, c := range map[string]struct {
		https  bool
		cookie string
		value  string
		query  string
		form   url.Values
	}{
		"a cookie from plain http":      {https: true, cookie: "consentd-browser", value: planted},
		"a cookie of a sister domain":   {https: true, cookie: "__Secure-consentd-browser", value: planted},
		"a cookie that is none of ours": {cookie: "consentd-browser", value: "attacker"},
		"an empty cookie":               {cookie: "consentd-browser"},
		"the address":                   {query: "?consentd-browser=" + planted},
		"a form":                        {form: url.Values{"consentd-browser": {planted}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.https = c.https
			if c.cookie != "" {
				b.cookies[c.cookie] = c.value
			}
			b.walks.view = viewOfLogin()
			res := b.get(t, c.query)
			require.Len(t, res.Result().Cookies(), 1, "it gets a name of its own")
			form := url.Values{}
			maps.Copy(form, c.form)
			b.submit(read(t, res).hidden(form))
			require.Len(t, b.walks.browsers, 1)
			for _, browser := range append(b.walks.opened, b.walks.browsers...) {
				require.Equal(t, res.Result().Cookies()[0].Value, browser)
				require.NotContains(t, []string{planted, c.value}, browser)
			}
		})
	}
}

// TestClickjacking: no page of ours, whatever it shows, is shown in another's.
func TestClickjacking(t *testing.T) {
	t.Parallel()
	for _, st := range stories() {
		b := setup(t)
		b.walks.view, b.walks.err = st.view, st.err
		for _, res := range []*httptest.ResponseRecorder{b.get(t, ""), b.post(t, url.Values{}), b.send(newGet("/sca/return?state=x"))} {
			require.Equal(t, "DENY", res.Header().Get("X-Frame-Options"), st.name)
			require.Contains(t, res.Header().Get("Content-Security-Policy"), "frame-ancestors 'none'", st.name)
			require.Equal(t, "same-origin", res.Header().Get("Cross-Origin-Opener-Policy"), st.name)
		}
	}
}

// TestGuessedHandles: a guess looks like any other, so that none tells how near it is.
func TestGuessedHandles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.walks.err = failure(consent.CodeNotFound)
	var pages []string
	for _, guess := range []string{handle, strings.Repeat("A", 43), "a", "..%2f..%2fetc", "%00", "%22%3E%3Cscript%3E", strings.Repeat("A", 5000)} {
		res := b.send(newGet("/sca/" + guess))
		require.Equal(t, http.StatusNotFound, res.Code, guess)
		page := read(t, res)
		page.wellMade(t)
		require.Empty(t, page.all("form"))
		pages = append(pages, page.text)
	}
	for _, page := range pages {
		require.Equal(t, pages[0], page)
	}
	require.Empty(t, b.log.String(), "neither the guess nor the handle")
}

// TestLogInjection: what strangers send makes no line in the log.
func TestLogInjection(t *testing.T) {
	t.Parallel()
	const forged = "x\nlevel=ERROR msg=forged\r\n\x1b[2J"
	b := setup(t)
	b.walks.view = viewOfLogin()
	b.walks.err = consent.E(consent.CodeUnavailable, "bank").Because(errors.New("the bank said: " + forged))
	escaped := url.QueryEscape(forged)
	b.send(newGet("/sca/" + url.PathEscape(forged) + "?lang=" + escaped))
	b.send(newGet("/sca/return?state=" + escaped + "&code=" + escaped))
	b.post(t, url.Values{"psuId": {forged}, "password": {forged}, "decision": {forged}, forged: {forged}})
	b.walks.err, b.walks.view = nil, view(sca.PageElsewhere, sentTo("javascript:"+forged))
	b.get(t, "", "User-Agent", "x", "Referer", "http://x/"+escaped)
	lines := strings.Split(strings.TrimSpace(b.log.String()), "\n")
	require.Len(t, lines, 4, "one for each failure")
	for _, line := range lines {
		require.Contains(t, line, `level=ERROR msg="authorisation page failed"`)
		require.NotContains(t, line, "\x1b")
		require.NotContains(t, line, "javascript")
	}
}
