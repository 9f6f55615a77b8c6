package web_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/web"
)

// update writes the outline anew, after somebody has read what has changed:
//
//	go test ./internal/web -run TestStructure -args -update
var update = flag.Bool("update", false, "write the outline of the stories")

const outline = "testdata/structure.golden"

// TestStructure holds the outline of every story, in English: its status, its page,
// its headings and what can be done on it.
func TestStructure(t *testing.T) {
	t.Parallel()
	b := book(t)
	var text strings.Builder
	for _, st := range web.Stories() {
		res := b.send(newGet("/sandbox/pages" + st.Path + "?lang=en"))
		page := read(t, res)
		fmt.Fprintf(&text, "%s: %d %s\n", st.Name, res.Code, page.attribute("main", "data-page"))
		for _, n := range page.all("*") {
			switch n.Data {
			case "h1", "h2", "h3":
				fmt.Fprintf(&text, "  %s %s\n", n.Data, contents(n))
			case "summary", "button":
				fmt.Fprintf(&text, "    %s: %s\n", n.Data, contents(n))
			case "a":
				if strings.Contains(value(n, "class"), "button") {
					fmt.Fprintf(&text, "    button: %s → %s\n", contents(n), value(n, "href"))
				}
			case "dt":
				fmt.Fprintf(&text, "    %s\n", contents(n))
			}
		}
	}
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o750))
		require.NoError(t, os.WriteFile(outline, []byte(text.String()), 0o600))
	}
	want, err := os.ReadFile(outline)
	require.NoError(t, err)
	require.Equal(t, string(want), text.String())
}
