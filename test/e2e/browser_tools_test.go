package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// framed reads an element in a frame of the page, which loads itself again and
// may be between two pages.
func (b *tab) framed(frame, sel string) string {
	b.t.Helper()
	return strings.TrimSpace(ask[string](b, fmt.Sprintf("document.querySelector(%q)?.contentDocument?.querySelector(%q)?.innerText ?? ''", frame, sel)))
}

// awaits waits until a page shows something, which it does by itself.
func (b *tab) awaits(what string, shown func() bool) {
	b.t.Helper()
	require.Eventually(b.t, shown, patience, 5*tick, what)
}

const (
	toolsFrame = "iframe.tools-frame"
	clockFrame = "iframe.face-frame"
	clockCard  = `a[href="/sandbox/clock"]`
	peopleCard = `a[href="/sandbox/psus"]`
)

// TestBrowserBar goes everywhere by the bar on top of the pages, without scripts.
func TestBrowserBar(t *testing.T) {
	b := start(t, "sqlite").browse()
	command(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.visit(b.base + "/")
	for _, to := range []struct{ path, page string }{
		{"/sandbox/requests", "requests"}, {"/sandbox/clock", "clock"}, {"/sandbox/faults", "faults"}, {"/sandbox/psus", "people"}, {"/", "start"},
	} {
		b.press(`.nav a[href="` + to.path + `"]`)
		b.at(to.page, http.StatusOK)
		require.Equal(t, "page", ask[string](b, `document.querySelector('.nav a[href="`+to.path+`"]').ariaCurrent ?? ''`))
	}
	for _, away := range []string{"/tpp", "/docs"} {
		b.visit(b.base + "/")
		b.press(`.nav a[href="` + away + `"]`)
		b.expect(http.StatusOK)
		require.Equal(t, http.StatusOK, b.status)
	}
}

// TestBrowserClock turns the clock by its buttons. The start page says so without
// being loaded again, and the consents there obey.
func TestBrowserClock(t *testing.T) {
	b := start(t, "sqlite").browse()
	id := b.annas()
	board := b.another()
	board.visit(b.base + "/")
	board.awaits("the time", func() bool { return strings.Contains(board.framed(toolsFrame, clockCard), "not turned") })
	board.awaits("the consent", func() bool { return board.framed("iframe.recent", ".status") == "valid" })

	b.visit(b.base + "/sandbox/clock")
	b.at("clock", http.StatusOK)
	b.press(`button[value="90d"]`)
	b.at("clock", http.StatusOK)
	b.gallery("sandbox-", fewViews).judge(b, "clock-turned")
	b.awaits("the clock's face", func() bool {
		return strings.Contains(b.framed(clockFrame, "main"), "Turned: 90 days ahead of the right time")
	})
	board.awaits("the start page's word", func() bool { return strings.Contains(board.framed(toolsFrame, clockCard), "90 days ahead") })
	board.awaits("the consent's end", func() bool { return board.framed("iframe.recent", ".status") == "expired" })
	require.Equal(t, "expired", b.program.status(b.tpp, id))

	b.press(`button[value="to"]`) // the field holds the time as it is: a minute's difference at most
	b.at("clock", http.StatusOK)
	b.press(`button[value="right"]`)
	b.at("clock", http.StatusOK)
	board.awaits("the start page's word", func() bool { return strings.Contains(board.framed(toolsFrame, clockCard), "not turned") })
}

// TestBrowserPeople opens an account by the form, with a mistake in it, and shares
// it; that a code has come is seen on the page of the people by itself.
func TestBrowserPeople(t *testing.T) {
	for name, keyboard := range map[string]bool{"mouse": false, "keyboard": true} {
		t.Run(name, func(t *testing.T) {
			b := start(t, "sqlite").browse()
			b.keyboard = keyboard
			b.visit(b.base + "/sandbox/psus")
			b.at("people", http.StatusOK)
			b.press(`a[href="/sandbox/psus/enzo"]`)
			b.at("person", http.StatusOK)
			if keyboard {
				b.tabRound()
			}
			b.write("#iban", "FR76 1751 5900 0004 0043 0518 379")
			b.press("form button.main")
			b.at("person", http.StatusConflict)
			require.Equal(t, "An account with this IBAN and currency exists.", b.read(".fault"))
			b.awaitFocus("iban")
			if !keyboard {
				b.gallery("sandbox-", allViews).judge(b, "person-error")
			}
			if keyboard { // come back to it by Tab, which marks what it holds
				b.do(chromedp.KeyEvent(kb.Tab))
			}
			b.write("#iban", "fr76 1751 5900 0004 0043 0518 400")
			b.press("form button.main")
			b.at("person", http.StatusOK)
			require.Equal(t, "Savings account is open, as r61.", b.read(".note"))

			b.keyboard = false
			people := b.another()
			people.visit(b.base + "/sandbox/psus")
			require.Empty(t, people.read("#enzo .badge"))
			b.begin("enzo", "offered")
			b.login("enzo", "sandbox")
			b.choose("FR7617515900000400430518400")
			b.press(approve)
			b.at("factor", http.StatusOK)
			people.awaits("the code", func() bool { return people.here("people") && people.read("#enzo .badge") == "1 code" })
			b.confirm("enzo")
			b.returned("/sandbox/return", "valid")
		})
	}
}

// TestBrowserGlance: the start page says by itself what the other tools have to say.
func TestBrowserGlance(t *testing.T) {
	b := start(t, "sqlite").browse()
	b.visit(b.base + "/")
	says := func(card, words string) {
		t.Helper()
		b.awaits(words, func() bool { return strings.Contains(b.framed(toolsFrame, card), words) })
	}
	says(peopleCard, "Quiet")
	says(`a[href="/sandbox/faults"]`, "None")
	id, _ := b.create(b.tpp, b.offered())
	says(`a[href="/sandbox/requests"]`, "POST /v1/consents")
	b.request("lea")
	b.asked("lea", 1)
	says(peopleCard, "1 question")
	b.call(http.MethodPut, "/sandbox/faults", map[string]any{"match": "GET /v1/consents/*", "status": 503}, nil)
	says(`a[href="/sandbox/faults"]`, "1 active")
	b.http = http.DefaultClient // no description has what a fault answers
	status, _, _ := b.raw(http.MethodGet, b.base+"/v1/consents/"+id, "", "X-Request-ID", "0d1d28a8-ef5f-4025-b7ee-fde4e78765d6")
	require.Equal(t, http.StatusServiceUnavailable, status)
	says(`a[href="/sandbox/requests"]`, "503")

	require.Equal(t, []string{"/sandbox/requests", "/sandbox/clock", "/sandbox/faults", "/sandbox/psus"},
		ask[[]string](b, "[...document.querySelector('"+toolsFrame+"').contentDocument.querySelectorAll('a[target=_top]')].map(a => a.pathname)"))
}
