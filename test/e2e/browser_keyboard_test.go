package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// focusSeen: the element that has the focus, or its label, has an outline.
const focusSeen = `[document.activeElement, ...(document.activeElement.labels ?? [])].some(e => {
	const s = getComputedStyle(e)
	return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2
})`

// tabTo moves the focus to an element by the Tab key alone, and asserts that
// one sees it there.
func (b *tab) tabTo(sel string) {
	b.t.Helper()
	reached := fmt.Sprintf("document.activeElement === document.querySelector(%q)", sel)
	for range 100 {
		if ask[bool](b, reached) {
			require.True(b.t, ask[bool](b, focusSeen), "the focus on %s is not to be seen", sel)
			return
		}
		b.do(chromedp.KeyEvent(kb.Tab))
	}
	require.Fail(b.t, "the Tab key does not lead there", sel)
}

// focusable lists what one can do something with, in the order of the text; of
// a group of radio buttons only the one that is chosen.
const focusable = `[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, [tabindex="0"], summary')]
	.filter(e => e.checkVisibility() && (e.type !== 'radio' || e.checked))`

// awaitFocus waits until the field of that name has the focus: a browser gives it when it
// draws the page, which may be after the page was read.
func (b *tab) awaitFocus(name string) {
	b.t.Helper()
	b.awaits("the focus on "+name, func() bool { return ask[bool](b, fmt.Sprintf("document.activeElement?.name === %q", name)) })
}

// tabRound presses Tab until the focus has been everywhere, and asserts that it
// goes through the page in the order of the text and is always seen.
func (b *tab) tabRound() {
	b.t.Helper()
	names := ask[[]string](b, focusable+".map(e => e.outerHTML.split('\\n')[0])")
	require.NotEmpty(b.t, names)
	var order []int
	for range 2 * (len(names) + 10) { // a frame has stops of its own
		b.do(chromedp.KeyEvent(kb.Tab))
		at := ask[int](b, focusable+".indexOf(document.activeElement)")
		if at < 0 {
			continue
		}
		if slices.Contains(order, at) {
			break
		}
		require.True(b.t, ask[bool](b, focusSeen), "the focus on %s is not to be seen", names[at])
		order = append(order, at)
	}
	if first := slices.Index(order, 0); first > 0 { // it began where the page set it
		order = slices.Concat(order[first:], order[:first])
	}
	require.Equal(b.t, upTo(len(names)), order, names)
}

func upTo(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// TestBrowserFocus goes through each page with the Tab key.
func TestBrowserFocus(t *testing.T) {
	b := start(t, "sqlite").browse()
	b.keyboard = true
	b.visit(b.base + "/")
	b.tabRound()
	b.begin("anna", "offered")
	b.tabRound()
	b.login("anna", "wrong")
	b.at("login", http.StatusUnauthorized)
	b.tabRound()
	b.login("anna", "sandbox")
	b.at("accounts", http.StatusOK)
	b.tabRound()
	b.press(approve)
	b.tabRound()
	b.choose(giro)
	b.at("consent", http.StatusOK)
	b.tabRound()
	link := b.where()
	b.press(approve)
	b.at("factor", http.StatusOK)
	b.tabRound()
	b.confirm("anna")
	b.at("return", http.StatusOK)
	b.tabRound()
	b.visit(link)
	b.at("problem", http.StatusConflict)
	b.tabRound()
}
