package faults

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
)

// appKey is the key of an authenticator app on a page, in groups of four.
var (
	appKey = regexp.MustCompile(`\b[A-Z2-7]{4}( [A-Z2-7]{4}){7}\b`)
	spaced = regexp.MustCompile(` `)
)

// psu is a person before a browser without a screen.
type psu struct {
	*world
	name, accounts string
	method         string // that they choose; empty for the first
	jar            *http.Client
	link           string
	back           string // where the pages lead at their end

	status int
	page   string // data-page
	form   url.Values
	to     string // where the last answer led
	body   string
}

func (w *world) open(link, name, accounts string) *psu {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(w.t, err)
	browser := *w.http
	browser.Jar = jar
	u := &psu{world: w, name: name, accounts: accounts, jar: &browser, link: link, back: "https://tpp.example/ok"}
	u.look()
	return u
}

// look loads the page.
func (u *psu) look() {
	u.t.Helper()
	r, err := http.NewRequestWithContext(u.t.Context(), http.MethodGet, u.link, nil)
	require.NoError(u.t, err)
	u.read(u.send(u.jar, r, ""))
}

// fill sends the page's form, with name=value pairs in place of its own.
func (u *psu) fill(pairs ...string) {
	u.t.Helper()
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		u.form.Set(name, value)
	}
	r, err := http.NewRequestWithContext(u.t.Context(), http.MethodPost, u.link, nil)
	require.NoError(u.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if u.resends {
		u.read(u.send(u.jar, r, u.form.Encode()))
		return
	}
	got, err := u.once(u.jar, r, u.form.Encode())
	if err != nil {
		u.revive()
		u.look()
		return
	}
	u.check()
	u.read(got)
}

// read is what a browser makes of an answer.
func (u *psu) read(got answer) {
	u.t.Helper()
	u.status, u.body, u.to, u.page, u.form = got.status, got.body, got.header.Get("Location"), "", url.Values{}
	doc, err := html.Parse(strings.NewReader(u.body))
	require.NoError(u.t, err)
	for n := range doc.Descendants() {
		switch {
		case n.Data == "main":
			u.page = attr(n, "data-page")
		case n.Data == "input" && attr(n, "name") != "" && chosen(n):
			u.form.Set(attr(n, "name"), attr(n, "value"))
		}
	}
}

func chosen(n *html.Node) bool {
	kind := attr(n, "type")
	return kind != "checkbox" && kind != "radio" || slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "checked" })
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// goes does what the pages ask for until one of them stands, the browser is sent
// back to the TPP, or it is told that this is over.
func (u *psu) goes(until string) {
	u.t.Helper()
	for range 20 {
		switch {
		case until != "" && u.page == until, u.over():
			return
		case u.status == http.StatusServiceUnavailable:
			u.look()
		case u.page == "login" && !u.form.Has("psuId"): // elsewhere
			u.fill("decision=approve")
		case strings.HasPrefix(u.to, logInPage):
			u.comeBack()
		case u.status == http.StatusSeeOther && strings.HasPrefix(u.to, "/sca/"):
			u.look()
		case u.page == "login":
			u.fill("psuId="+u.name, "password=sandbox")
		case u.page == "accounts":
			u.fill("account=" + u.accounts)
		case u.page == "consent":
			u.fill("decision=approve")
		case u.page == "factor" && u.form.Has("otp"):
			u.fill("otp=" + u.shown())
		case u.page == "factor" && u.method != "":
			u.fill("method=" + u.method)
		case u.page == "factor":
			u.fill() // the first of the methods
		default:
			require.Fail(u.t, "no clear page", "%d %s %s", u.status, u.page, u.body)
		}
	}
	require.Fail(u.t, "leads nowhere", "%s %s", u.page, u.body)
}

// over reports whether the browser has gone back to the TPP, or stands before a
// page that says that this has ended.
func (u *psu) over() bool {
	u.t.Helper()
	if u.status == http.StatusSeeOther && (strings.Contains(u.to, "tpp.example") || strings.HasPrefix(u.to, u.back)) {
		require.True(u.t, strings.HasPrefix(u.to, u.back), u.to)
		return true
	}
	if u.page == "problem" && (u.status == http.StatusConflict || u.status == http.StatusGone) {
		require.Contains(u.t, u.body, u.back, "with a way back")
		return true
	}
	return false
}

// comeBack logs in on the bank's page, and is sent back by it. A crash on the way
// has the browser load the address again.
func (u *psu) comeBack() {
	u.t.Helper()
	_, state, _ := strings.Cut(u.to, "state=")
	r, err := http.NewRequestWithContext(u.t.Context(), http.MethodGet, public+"/sca/return?code=secret&state="+state, nil)
	require.NoError(u.t, err)
	u.read(u.send(u.jar, r, ""))
}

// code is the last one on the phone.
func (u *psu) code() string {
	u.t.Helper()
	var phone struct {
		Messages []struct{ Code string }
	}
	u.tell(http.MethodGet, "/sandbox/psus/"+u.name+"/phone", nil).into(u.t, &phone)
	require.NotEmpty(u.t, phone.Messages)
	return phone.Messages[len(phone.Messages)-1].Code
}
