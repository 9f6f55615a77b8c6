package e2e

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// patience is how long a browser may take for one thing on a busy machine.
const patience = 30 * time.Second

// chromium is the one browser of this process. Each test gets a context of its
// own in it, which shares nothing with others, as a private window.
var chromium browser

func TestMain(m *testing.M) {
	m.Run()
	chromium.close()
}

type browser struct {
	once sync.Once
	ctx  context.Context
	stop []context.CancelFunc
	err  error
}

func (b *browser) start() (context.Context, error) {
	b.once.Do(func() {
		path := ""
		// The names that test/prerequisites.sh knows.
		for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless-shell"} {
			if found, err := exec.LookPath(name); err == nil {
				path = found
				break
			}
		}
		if path == "" {
			b.err = errors.New("no Chromium on PATH: run test/prerequisites.sh")
			return
		}
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
			chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("accept-lang", "en"))
		ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
		b.stop = append(b.stop, stop)
		b.ctx, stop = chromedp.NewContext(ctx)
		b.stop = append(b.stop, stop)
		b.err = chromedp.Do(b.ctx)
	})
	return b.ctx, b.err
}

func (b *browser) close() {
	for _, stop := range slices.Backward(b.stop) {
		stop()
	}
}

// tab is a page in a real browser, and the person before it.
type tab struct {
	*program
	*watch
	ctx      context.Context
	keyboard bool // this person has no mouse
	status   int  // of the last page
}

// browse opens a browser that knows nothing yet. When the test ends, nothing
// may have been reported by it that the test did not expect.
func (p *program) browse() *tab {
	p.t.Helper()
	parent, err := chromium.start()
	if err != nil {
		p.t.Fatal(err)
	}
	b := (&tab{program: p, watch: &watch{origins: []string{p.base}}}).open(parent, chromedp.WithNewBrowserContext())
	p.t.Cleanup(func() { b.report(p.t) })
	return b
}

// another opens a second tab of the same browser.
func (b *tab) another() *tab {
	b.t.Helper()
	return (&tab{program: b.program, watch: b.watch, keyboard: b.keyboard}).open(b.ctx)
}

func (b *tab) open(parent context.Context, options ...chromedp.ContextOption) *tab {
	b.t.Helper()
	ctx, stop := chromedp.NewContext(parent, options...)
	b.t.Cleanup(stop)
	b.ctx = ctx
	require.NoError(b.t, chromedp.Listen(ctx, b.see))
	_, err := chromedp.Call(ctx, audits.Enable, cdp.Empty{})
	require.NoError(b.t, err)
	return b
}

// do runs actions, but not for ever.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	require.NoError(b.t, chromedp.Do(ctx, steps...))
}

// ask evaluates an expression in the page.
func ask[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	require.NoError(b.t, err, expression)
	return value
}

// command sends a command of the protocol to the page.
func command[P, R any](b *tab, c cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	result, err := chromedp.Call(ctx, c, params)
	require.NoError(b.t, err)
	return result
}

// follow does what leads to another page, and waits for that.
func (b *tab) follow(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	res, err := chromedp.RunResponse(ctx, steps...)
	require.NoError(b.t, err, "%s on %s", what, b.where())
	b.status = 0
	if res != nil {
		b.status = int(res.Status)
	}
}

// visit types an address.
func (b *tab) visit(url string) {
	b.t.Helper()
	b.follow("visit "+url, chromedp.Navigate(url))
}

// press uses a button or a link that leads to another page.
func (b *tab) press(sel string) {
	b.t.Helper()
	if b.keyboard {
		b.tabTo(sel)
		b.follow("enter "+sel, chromedp.KeyEvent(kb.Enter))
		return
	}
	b.follow("press "+sel, chromedp.Click(chromedp.CSS(sel), chromedp.NodeVisible))
}

// tick uses a checkbox or a radio button.
func (b *tab) tick(sel string) {
	b.t.Helper()
	if b.keyboard {
		b.tabTo(sel)
		b.do(chromedp.KeyEvent(" "))
	} else {
		b.do(chromedp.Click(chromedp.CSS(sel), chromedp.NodeVisible))
	}
	require.True(b.t, b.checked(sel), sel)
}

func (b *tab) checked(sel string) bool {
	b.t.Helper()
	return ask[bool](b, fmt.Sprintf("document.querySelector(%q).checked", sel))
}

// pick chooses an option of a list.
func (b *tab) pick(sel, option string) {
	b.t.Helper()
	if b.keyboard {
		b.tabTo(sel)
		b.do(chromedp.KeyEvent(option))
	} else {
		b.do(chromedp.SetValue(chromedp.CSS(sel), option))
	}
	require.Equal(b.t, option, b.value(sel))
}

func (b *tab) value(sel string) string {
	b.t.Helper()
	return ask[string](b, fmt.Sprintf("document.querySelector(%q).value", sel))
}

// write types into a field, over what it holds.
func (b *tab) write(sel, text string) {
	b.t.Helper()
	if b.keyboard {
		b.tabTo(sel) // which marks what it holds
		b.do(chromedp.KeyEvent(text))
	} else {
		b.do(chromedp.Clear(chromedp.CSS(sel)), chromedp.SendKeys(chromedp.CSS(sel), text))
	}
	require.Equal(b.t, text, b.value(sel), sel)
}

// read is the text of an element as people see it.
func (b *tab) read(sel string) string {
	b.t.Helper()
	return strings.TrimSpace(ask[string](b, fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", sel)))
}

// where is the page's address.
func (b *tab) where() string {
	b.t.Helper()
	return ask[string](b, "document.location.href")
}

// at asserts which page stands, with which status.
func (b *tab) at(page string, status int) {
	b.t.Helper()
	b.expect(status)
	got := ask[string](b, "document.querySelector('main')?.dataset.page ?? ''")
	require.Equal(b.t, []any{page, status}, []any{got, b.status}, "%s\n%.2000s", b.where(), b.read("body"))
}

// holds asserts that the page's text has all the words.
func (b *tab) holds(words ...string) {
	b.t.Helper()
	text := b.read("main")
	for _, word := range words {
		require.Contains(b.t, text, word)
	}
}

// here tells whether a page stands, also while the browser is between pages.
func (b *tab) here(pages ...string) bool {
	page, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.readyState === 'complete' ? document.querySelector('main').dataset.page : ''"))
	return err == nil && slices.Contains(pages, page)
}
