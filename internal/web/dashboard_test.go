package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service/overview"
	"consentd/internal/web"
)

func TestLoggingIn(t *testing.T) {
	t.Parallel()
	v := open(t)
	delete(v.cookies, sessionName)
	require.Equal(t, "/psu/consents", location(v.see("/psu")))
	for _, path := range v.paths() {
		res := v.see(path)
		require.Equal(t, http.StatusSeeOther, res.Code, path)
		require.Equal(t, "/psu/login", location(res), path)
	}
	require.Empty(t, v.boards.viewers, "nobody is asked for a stranger")
	require.Equal(t, "/sca/"+handle, location(v.see("/psu/login", "Accept-Language", "ar-AE")))
	require.Equal(t, []string{"ar"}, v.logins.begun)

	res := v.see("/psu/enter/" + handle)
	require.Equal(t, "/psu/consents", location(res))
	require.Equal(t, []string{strings.Repeat("b", 43)}, v.logins.entered, "in the browser that has walked it")
	cookie := res.Result().Cookies()[0]
	require.Equal(t, sessionName, cookie.Name)
	require.Equal(t, v.logins.cookie, cookie.Value)
	require.True(t, cookie.HttpOnly)
	require.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
	require.Equal(t, http.StatusOK, v.see("/psu/consents").Code)
}

func TestSessionCookieOverHTTPS(t *testing.T) {
	t.Parallel()
	v := open(t)
	v.https = true
	cookie := v.see("/psu/enter/" + handle).Result().Cookies()[0]
	require.Equal(t, "__Host-"+sessionName, cookie.Name)
	require.True(t, cookie.Secure)
	require.Equal(t, "/", cookie.Path)
	require.Empty(t, cookie.Domain)
}

func TestNotLoggedIn(t *testing.T) {
	t.Parallel()
	for code, status := range map[consent.Code]int{
		consent.CodeForbidden: http.StatusForbidden, consent.CodeUsed: http.StatusConflict, consent.CodeExpired: http.StatusGone,
		consent.CodeNotFound: http.StatusNotFound, consent.CodeUnavailable: http.StatusServiceUnavailable,
	} {
		v := open(t)
		delete(v.cookies, sessionName)
		v.logins.err = failure(code)
		res := v.see("/psu/enter/" + handle)
		require.Equal(t, status, res.Code)
		require.Empty(t, res.Result().Cookies())
		page := read(t, res)
		page.wellMade(t)
		require.Equal(t, "problem", page.attribute("main", "data-page"))
		require.NotContains(t, page.text, "secret detail")
	}
}

// TestSessionOver: whoever looks is sent to log in and told why; an answer is not
// carried out.
func TestSessionOver(t *testing.T) {
	t.Parallel()
	v := open(t)
	v.cookies[sessionName] = strings.Repeat("x", 43)
	res := v.see("/psu/consents")
	require.Equal(t, "/psu/login", location(res))
	gone := map[string]string{}
	for _, c := range res.Result().Cookies() {
		gone[c.Name] = c.Value
	}
	require.Equal(t, map[string]string{sessionName: "", "consentd-ended": "1"}, gone)

	v.cookies[sessionName] = strings.Repeat("x", 43)
	res = v.put("/psu/consents/"+v.id.String()+"/stop", url.Values{"csrf": {"x"}})
	require.Equal(t, http.StatusUnauthorized, res.Code)
	page := read(t, res)
	page.wellMade(t)
	require.Contains(t, page.text, "Your session has ended")
	require.Empty(t, v.boards.stopped)
}

func TestLoggingOut(t *testing.T) {
	t.Parallel()
	v := open(t)
	page := read(t, v.see("/psu/consents"))
	form := url.Values{}
	for _, n := range page.all("form") {
		if value(n, "action") == "/psu/logout" {
			form = document{root: n}.hidden(form)
		}
	}
	require.Equal(t, http.StatusForbidden, v.put("/psu/logout", url.Values{"csrf": {"forged"}}).Code)
	require.Empty(t, v.logins.left)
	res := v.put("/psu/logout", form)
	require.Equal(t, http.StatusSeeOther, res.Code)
	require.Equal(t, []string{v.logins.cookie}, v.logins.left)
	require.Negative(t, res.Result().Cookies()[0].MaxAge)
	page = read(t, v.see(location(res)))
	page.wellMade(t)
	require.Equal(t, "logged-out", page.attribute("main", "data-page"))
}

func TestWishes(t *testing.T) {
	t.Parallel()
	v := open(t)
	for query, want := range map[string]overview.Wish{
		"":                            {Tab: overview.Current, Page: 1},
		"?tab=history&part=payments":  {Tab: overview.History, Pays: true, Page: 1},
		"?tpp=t&type=funds&page=3":    {Tab: overview.Current, TPP: "t", Type: overview.Funds, Page: 3},
		"?state=suspended&lang=ar":    {Tab: overview.Current, Status: consent.Suspended, Page: 1},
		"?tab=x&type=y&state=z&page=": {Tab: overview.Current, Page: 1},
		"?page=-1":                    {Tab: overview.Current, Page: 1},
	} {
		v.boards.wishes = nil
		res := v.see("/psu/consents" + query)
		require.Equal(t, http.StatusOK, res.Code)
		require.Equal(t, []overview.Wish{want}, v.boards.wishes, query)
	}
	require.Equal(t, overview.Viewer{PSU: v.boards.owner, BankID: "omar"}, v.boards.viewers[0])
}

// TestLanguageKeepsTheList: whoever changes the language stays on what they see.
func TestLanguageKeepsTheList(t *testing.T) {
	t.Parallel()
	v := open(t)
	page := read(t, v.see("/psu/consents?tab=history&part=payments&tpp=a%26b&page=2"))
	found := 0
	for _, n := range page.all("a") {
		if tag := value(n, "hreflang"); tag != "" {
			found++
			q, err := url.ParseQuery(strings.TrimPrefix(value(n, "href"), "?"))
			require.NoError(t, err)
			require.Equal(t, url.Values{"tab": {"history"}, "part": {"payments"}, "tpp": {"a&b"}, "page": {"2"}, "lang": {tag}}, q)
		}
	}
	require.Equal(t, len(languages), found)
}

// TestNotMine: what is another's is answered as what does not exist.
func TestNotMine(t *testing.T) {
	t.Parallel()
	v := open(t)
	others := uuid.New()
	v.boards.own[others] = sharing(others)
	var pages []string
	for _, id := range []string{uuid.NewString(), others.String(), "no-id"} {
		if id == others.String() {
			v.boards.owner = uuid.New()
		}
		for _, what := range []string{"", "/stop", "/receipt", "/history"} {
			res := v.see("/psu/consents/" + id + what)
			require.Equal(t, http.StatusNotFound, res.Code)
			page := read(t, res)
			page.wellMade(t)
			pages = append(pages, page.text)
		}
	}
	for _, p := range pages {
		require.Equal(t, pages[0], p)
	}
	require.NotContains(t, pages[0], "Acme")
}

func TestHeadersOfDashboard(t *testing.T) {
	t.Parallel()
	v := open(t)
	for _, path := range append(v.paths(), "/psu", "/psu/login", "/psu/logout", "/psu/enter/x", "/psu/confirmed/x", "/psu/consents/x") {
		h := v.see(path).Header()
		require.Equal(t, "no-store", h.Get("Cache-Control"), path)
		require.Equal(t, "same-origin", h.Get("Referrer-Policy"), path)
		require.Equal(t, "DENY", h.Get("X-Frame-Options"), path)
		require.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'", path)
		require.NotContains(t, h.Get("Content-Security-Policy"), "script-src", path)
	}
}

// TestTogether: all that has pages is on one listener, and refers to the same files.
func TestTogether(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := open(t)
	v.dash.Mount(b.echo)
	keys, err := secret.New(secret.NewMaster())
	require.NoError(t, err)
	(&web.StoryBook{Keys: keys, Log: v.dash.Log}).Mount(b.echo.Group("/sandbox/pages"))
	for _, path := range []string{"/psu/logout", "/sandbox/pages", "/sandbox/pages/login"} {
		page := read(t, b.send(newGet(path)))
		for _, n := range page.all("link") {
			require.Equal(t, http.StatusOK, b.send(newGet(value(n, "href"))).Code, value(n, "href"))
		}
	}
	b.walks.view = viewOfLogin()
	require.Equal(t, http.StatusOK, b.get(t, "").Code)
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for code, status := range map[consent.Code]int{consent.CodeUnavailable: http.StatusServiceUnavailable, consent.CodeInternal: http.StatusInternalServerError} {
		v := open(t)
		v.boards.err = failure(code)
		for _, path := range v.paths() {
			res := v.see(path)
			require.Equal(t, status, res.Code, path)
			page := read(t, res)
			page.wellMade(t)
			require.NotContains(t, page.text, "secret detail")
		}
		require.Contains(t, v.log.String(), "dashboard page failed")
	}
}
