package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// screenshots names the folder for a picture of each page; none when empty.
const screenshots = "CONSENTD_SCREENSHOTS"

const (
	narrowest = 320 // CSS pixels, at which WCAG 2.2, 1.4.10 forbids to scroll sideways
	phone     = 390
	desk      = 1280
	// tallest is where a picture is cut off.
	tallest = 6000
)

// gallery judges pages, one after the other, in the tab that shows them.
type gallery struct {
	axe    string // axe-core's source
	folder string // for pictures
	prefix string // of their names
	views  []view
}

// view is how a page is looked at.
type view struct {
	width  int64
	scheme string // that the person prefers
}

// allViews are a phone and a desk, by day and by night; fewViews have each of
// them once, for pages that take axe-core long or have been judged in full.
var (
	allViews = []view{{phone, "light"}, {desk, "light"}, {phone, "dark"}, {desk, "dark"}}
	fewViews = []view{{phone, "light"}, {desk, "dark"}}
)

func (p *program) gallery(prefix string, views []view) *gallery {
	p.t.Helper()
	source, err := os.ReadFile("../node/node_modules/axe-core/axe.min.js")
	require.NoError(p.t, err, "run test/prerequisites.sh")
	g := &gallery{axe: string(source), folder: os.Getenv(screenshots), prefix: prefix, views: views}
	if g.folder != "" {
		require.NoError(p.t, os.MkdirAll(g.folder, 0o750))
	}
	return g
}

// judge holds the page in the tab against all that is asked of one: no finding
// of axe-core on a phone and at a desk, light and dark; no scrolling sideways.
func (g *gallery) judge(b *tab, name string) {
	b.t.Helper()
	name = g.prefix + name
	b.hold(true)
	defer b.hold(false)
	ask[bool](b, g.axe+"; true")
	for _, v := range g.views {
		b.from(v)
		at := fmt.Sprintf("%s-%d-%s", name, v.width, v.scheme)
		assert.Empty(b.t, b.findings(), at)
		g.picture(b, at)
	}
	b.from(view{narrowest, "light"})
	assert.LessOrEqual(b.t, ask[int](b, "document.scrollingElement.scrollWidth"), narrowest, "%s scrolls sideways: %s", name, ask[[]string](b, tooWide))
	b.from(view{desk, "light"})
}

// tooWide names the elements that reach beyond an edge.
const tooWide = `[...document.querySelectorAll('body *')].map(e => [e, e.getBoundingClientRect()])
	.filter(([e, r]) => r.right > innerWidth || r.left < 0).map(([e]) => e)
	.map(e => e.tagName + '.' + e.className)`

// hold keeps the page that stands: those that load themselves anew would be
// gone before they are judged.
func (b *tab) hold(on bool) {
	b.t.Helper()
	if on {
		command(b, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{ResourceType: network.ResourceTypeDocument}}})
		return
	}
	command(b, fetch.Disable, cdp.Empty{})
}

// from changes the window and what the person prefers.
func (b *tab) from(v view) {
	b.t.Helper()
	command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: v.scheme}},
	})
	b.do(chromedp.EmulateViewport(v.width, 844))
}

// findings runs axe-core with all its rules, and lists what it finds as rule,
// what is wrong, and where. A frame is a page of its own.
func (b *tab) findings() []string {
	b.t.Helper()
	var found []struct {
		ID    string `json:"id"`
		Help  string `json:"help"`
		Nodes []struct {
			Target []string `json:"target"`
		} `json:"nodes"`
	}
	text := ask[string](b, "axe.run({iframes: false, resultTypes: ['violations']}).then(r => JSON.stringify(r.violations))")
	require.NoError(b.t, json.Unmarshal([]byte(text), &found))
	var list []string
	for _, f := range found {
		for _, n := range f.Nodes {
			list = append(list, fmt.Sprintf("%s: %s: %s", f.ID, f.Help, strings.Join(n.Target, " ")))
		}
	}
	return list
}

// picture saves the page as it is seen, when pictures are asked for.
func (g *gallery) picture(b *tab, name string) {
	b.t.Helper()
	if g.folder == "" {
		return
	}
	// The window grows with the page: what is taken from beyond it is shifted where
	// the page runs from right to left.
	size := ask[[]int64](b, "[innerWidth, document.documentElement.scrollHeight]")
	b.do(chromedp.EmulateViewport(size[0], min(size[1], tallest)))
	shot := command(b, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatPng})
	require.NoError(b.t, os.WriteFile(filepath.Join(g.folder, name+".png"), shot.Data, 0o600))
}
