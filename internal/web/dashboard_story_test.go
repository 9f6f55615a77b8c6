package web_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"unicode"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"consentd/internal/secret"
	"consentd/internal/web"
)

// book mounts the stories.
func book(t *testing.T) *bundle {
	t.Helper()
	keys, err := secret.New(secret.NewMaster())
	require.NoError(t, err)
	b := &bundle{echo: echo.New(), log: &strings.Builder{}, cookies: map[string]string{}}
	log := slog.New(slog.NewTextHandler(b.log, nil))
	(&web.StoryBook{Keys: keys, Log: log}).Mount(b.echo.Group("/sandbox/pages"))
	return b
}

// TestStoryBook renders every story in every language, and checks what holds for all.
func TestStoryBook(t *testing.T) {
	t.Parallel()
	b := book(t)
	names := map[string]bool{}
	for _, st := range web.Stories() {
		require.False(t, names[st.Name], "two stories are called %s", st.Name)
		names[st.Name] = true
		require.Equal(t, "/"+st.Name, st.Path)
		for _, lang := range languages {
			res := b.send(newGet("/sandbox/pages" + st.Path + "?lang=" + lang))
			require.NotEqual(t, http.StatusNotFound == res.Code, !strings.Contains(st.Name, "unknown"), st.Name)
			page := read(t, res)
			require.NotEmpty(t, page.attribute("main", "data-page"), st.Name)
			require.Equal(t, lang, page.attribute("html", "lang"), st.Name)
			page.wellMade(t)
			page.ordered(t)
			require.NotContains(t, page.text, "a story", "%s: what went wrong is told in words", st.Name)
			leave(t, st.Name+"."+lang+".html", res.Body.Bytes())
		}
	}
	require.Empty(t, b.log.String(), "what fails in a story has not failed")
	index := read(t, b.send(newGet("/sandbox/pages")))
	require.Len(t, index.all("li"), len(names)+len(languages))
	require.Equal(t, http.StatusNotFound, b.send(newGet("/sandbox/pages/no-such-story")).Code)
}

// ordered checks that headings leave no level out, lists and selects are whole, and
// no page has a control without a name.
func (d document) ordered(t *testing.T) {
	t.Helper()
	level := 0
	for _, n := range d.all("*") {
		if len(n.Data) == 2 && n.Data[0] == 'h' && unicode.IsDigit(rune(n.Data[1])) {
			at := int(n.Data[1] - '0')
			require.LessOrEqual(t, at, level+1, "a heading of level %d after one of %d: %s", at, level, contents(n))
			level = at
			require.NotEmpty(t, contents(n))
		}
		if n.Data == "dl" {
			require.NotNil(t, firstElement(n), "an empty list")
		}
		if n.Data == "nav" {
			require.NotEmpty(t, value(n, "aria-label"))
		}
	}
	labels := map[string]bool{}
	for _, n := range d.all("label") {
		labels[value(n, "for")] = true
	}
	for _, n := range d.all("select") {
		require.True(t, labels[value(n, "id")], "no label for %s", value(n, "name"))
	}
}

func firstElement(n *html.Node) *html.Node {
	for c := range n.ChildNodes() {
		if c.Type == html.ElementNode {
			return c
		}
	}
	return nil
}
