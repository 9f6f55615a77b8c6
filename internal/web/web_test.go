package web_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service/sca"
	"consentd/internal/web"
)

const handle = "aGFuZGxlLWhhbmRsZS1oYW5kbGUtaGFuZGxlLWhhbmQ"

// walks answers every call with one result, and remembers the calls.
type walks struct {
	view     *sca.View
	err      error
	opened   []string // browsers
	answered []sca.Answer
	browsers []string // of the answers
	origins  []string
	returned []map[string]string // what browsers brought back
	handle   string              // of the run to which they came back
}

func (w *walks) Open(_ context.Context, _ string, by sca.Visitor) (*sca.View, error) {
	w.opened, w.origins = append(w.opened, by.Browser), append(w.origins, by.Origin)
	return w.view, w.err
}

func (w *walks) Answer(_ context.Context, _ string, by sca.Visitor, a sca.Answer) (*sca.View, error) {
	w.answered, w.browsers = append(w.answered, a), append(w.browsers, by.Browser)
	return w.view, w.err
}

func (w *walks) Return(_ context.Context, state string, by sca.Visitor, fields map[string]string) (string, *sca.View, error) {
	w.returned, w.browsers, w.origins = append(w.returned, fields), append(w.browsers, by.Browser), append(w.origins, by.Origin)
	if state != fields["state"] {
		return "", nil, consent.E(consent.CodeInternal, "the state is a field like others")
	}
	return w.handle, w.view, w.err
}

// bundle is the pages with a browser before them that keeps its cookies.
type bundle struct {
	walks   *walks
	pages   *web.SCA
	echo    *echo.Echo
	log     *strings.Builder
	cookies map[string]string
	https   bool
}

func setup(t *testing.T, change ...func(*web.SCA)) *bundle {
	t.Helper()
	keys, err := secret.New(secret.NewMaster())
	require.NoError(t, err)
	b := &bundle{walks: &walks{}, echo: echo.New(), log: &strings.Builder{}, cookies: map[string]string{}}
	b.pages = &web.SCA{
		Walks:      b.walks,
		Keys:       keys,
		Log:        slog.New(slog.NewTextHandler(b.log, nil)),
		Secure:     func(*http.Request) bool { return b.https },
		AppSchemes: []string{"acmeapp"},
	}
	for _, c := range change {
		c(b.pages)
	}
	b.pages.Mount(b.echo)
	return b
}

// send is the browser: headers come as pairs.
func (b *bundle) send(r *http.Request, headers ...string) *httptest.ResponseRecorder {
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res := httptest.NewRecorder()
	b.echo.ServeHTTP(res, r)
	for _, cookie := range res.Result().Cookies() {
		b.cookies[cookie.Name] = cookie.Value
	}
	return res
}

func (b *bundle) get(t *testing.T, query string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	return b.send(httptest.NewRequest(http.MethodGet, "/sca/"+handle+query, nil), headers...)
}

// post opens the login page, and answers with its hidden fields and the given ones.
func (b *bundle) post(t *testing.T, fields url.Values, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	view, err := b.walks.view, b.walks.err
	b.walks.view, b.walks.err = viewOfLogin(), nil
	page := read(t, b.get(t, ""))
	b.walks.view, b.walks.err = view, err
	return b.submit(page.hidden(fields), headers...)
}

func (b *bundle) submit(fields url.Values, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/sca/"+handle, strings.NewReader(fields.Encode()))
	return b.send(r, append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
}

func viewOfLogin() *sca.View { return view(sca.PageLogin) }

// document is a page as a browser understands it.
type document struct {
	root *html.Node
	text string
}

func read(t *testing.T, res *httptest.ResponseRecorder) document {
	t.Helper()
	require.Equal(t, "text/html; charset=UTF-8", res.Header().Get("Content-Type"))
	root, err := html.Parse(strings.NewReader(res.Body.String()))
	require.NoError(t, err)
	d := document{root: root}
	var b strings.Builder
	for n := range root.Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
	}
	d.text = strings.Join(strings.Fields(b.String()), " ")
	return d
}

// all finds the elements of a name, in order; "*" finds every one.
func (d document) all(name string) []*html.Node {
	var found []*html.Node
	for n := range d.root.Descendants() {
		if n.Type == html.ElementNode && (name == "*" || n.Data == name) {
			found = append(found, n)
		}
	}
	return found
}

// named finds the fields and buttons of a name.
func (d document) named(name string) []*html.Node {
	var found []*html.Node
	for _, n := range d.all("*") {
		if value(n, "name") == name && (n.Data == "input" || n.Data == "button") {
			found = append(found, n)
		}
	}
	return found
}

func (d document) attribute(element, name string) string {
	found := d.all(element)
	if len(found) == 0 {
		return ""
	}
	return value(found[0], name)
}

// hidden adds the page's hidden fields to those that a person fills in.
func (d document) hidden(fields url.Values) url.Values {
	for _, n := range d.all("input") {
		if value(n, "type") == "hidden" && !fields.Has(value(n, "name")) {
			fields.Set(value(n, "name"), value(n, "value"))
		}
	}
	return fields
}

func value(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

// wellMade checks what holds for every page, whatever it shows.
func (d document) wellMade(t *testing.T) {
	t.Helper()
	require.Len(t, d.all("h1"), 1)
	require.Len(t, d.all("main"), 1)
	d.scripted(t)
	require.NotEmpty(t, strings.TrimSpace(d.all("title")[0].FirstChild.Data))
	require.NotContains(t, d.text, "<no value>", "a message lacks a value")
	require.NotContains(t, d.text, "{{")
	ids := map[string]bool{}
	for _, n := range d.all("*") {
		require.False(t, has(n, "style"), "the policy forbids styles in the page: %s", n.Data)
		for _, a := range n.Attr {
			require.False(t, strings.HasPrefix(a.Key, "on"), "the policy forbids handlers: %s", a.Key)
			require.NotEqual(t, "#ZgotmplZ", a.Val, "an address was filtered: %s", a.Key)
		}
		if id := value(n, "id"); id != "" {
			require.False(t, ids[id], "id %s twice", id)
			ids[id] = true
		}
	}
	d.labelled(t, ids)
}

// scripted checks that a page has a script where it asks for a passkey, and
// nowhere else; and that it says what to do where the script does not run.
func (d document) scripted(t *testing.T) {
	t.Helper()
	asks := false
	for _, n := range d.all("div") {
		asks = asks || value(n, "class") == "passkey"
	}
	scripts := d.all("script")
	if !asks {
		require.Empty(t, scripts, "no JavaScript")
		return
	}
	require.Len(t, scripts, 1)
	require.Nil(t, scripts[0].FirstChild, "the policy forbids scripts in the page")
	require.True(t, strings.HasPrefix(value(scripts[0], "src"), "/psu/assets/passkey."))
	for _, n := range d.all("p") {
		if has(n, "data-say") {
			what := value(n, "data-say")
			require.Equal(t, what != "unsupported", has(n, "hidden"), "before the script has run: %s", what)
		}
	}
	for _, n := range d.all("button") {
		if has(n, "data-passkey") {
			require.True(t, has(n, "hidden"), "no button that does nothing")
		}
	}
}

// labelled checks that each field has a label, each description exists, and all
// that a person answers with lies in the one form inside main.
func (d document) labelled(t *testing.T, ids map[string]bool) {
	t.Helper()
	labels := map[string]string{}
	for _, n := range d.all("label") {
		labels[value(n, "for")] = contents(n)
	}
	for _, n := range d.all("*") {
		for _, ref := range []string{"aria-describedby", "aria-labelledby"} {
			if has(n, ref) {
				require.True(t, ids[value(n, ref)], "%s names nothing: %s", ref, value(n, ref))
			}
		}
		if n.Data == "input" && value(n, "type") != "hidden" {
			require.NotEmpty(t, labels[value(n, "id")], "no label for %s", value(n, "name"))
		}
		if n.Data == "button" || n.Data == "a" {
			require.True(t, strings.ContainsFunc(contents(n), unicode.IsLetter), "%s without words", n.Data)
		}
		if n.Data == "form" {
			place, method := "main", "post"
			switch value(n, "class") {
			case "visitor":
				place = "header"
			case "filter":
				method = "get"
			}
			require.Equal(t, place, n.Parent.Data)
			require.Equal(t, method, value(n, "method"))
		}
	}
}

func contents(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
