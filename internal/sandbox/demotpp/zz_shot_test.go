package demotpp_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"consentd/internal/sandbox/demotpp"
)

func TestZZShot(t *testing.T) {
	w, _ := frenchWorld(t)
	u, _ := url.Parse(w.url)
	px := httputil.NewSingleHostReverseProxy(u)
	mux := http.NewServeMux()
	mux.HandleFunc("/sandbox/style.css", func(rw http.ResponseWriter, r *http.Request) { rw.Header().Set("Content-Type", "text/css"); b, _ := os.ReadFile("../pages/style.css"); rw.Write(b) })
	mux.Handle("/", px)
	front := httptest.NewServer(mux)
	defer front.Close()
	w.app.Home = func(*http.Request) string { return front.URL }
	w.app.People = []demotpp.Person{{Login: "lea", About: "Two accounts, one of them overdrawn"}}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath("/usr/bin/chromium"), chromedp.NoSandbox, chromedp.DisableGPU)
	actx, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	defer cancel()
	ctx, cancel := chromedp.NewContext(actx)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	do := func(steps ...chromedp.Action[chromedp.Void]) { require.NoError(t, chromedp.Do(ctx, steps...)) }
	axe, err := os.ReadFile(os.Getenv("AXE"))
	require.NoError(t, err)
	shot := func(name string) {
		for _, v := range []struct {
			n    string
			w    int64
			dark string
		}{{"wide", 1280, "light"}, {"phone", 390, "dark"}} {
			_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: v.dark}}})
			require.NoError(t, err)
			do(chromedp.EmulateViewport(v.w, 844))
			over, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > document.documentElement.clientWidth`))
			require.NoError(t, err)
			if over {
				t.Errorf("%s %s scrolls sideways", name, v.n)
			}
			_, err = chromedp.Run(ctx, chromedp.Evaluate[bool](string(axe)+"; true"))
			require.NoError(t, err)
			found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`axe.run().then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + v.help + " " + n.target.join(" "))))`, chromedp.EvalAwaitPromise))
			require.NoError(t, err)
			if len(found) > 0 {
				t.Errorf("%s %s: %v", name, v.n, found)
			}
			h, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`document.documentElement.scrollHeight`))
			require.NoError(t, err)
			do(chromedp.EmulateViewport(v.w, min(h, 2600)))
			out, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatPng})
			require.NoError(t, err)
			_ = os.MkdirAll("/tmp/w/shots7", 0o755)
			require.NoError(t, os.WriteFile("/tmp/w/shots7/"+name+"-"+v.n+".png", out.Data, 0o600))
		}
	}
	press := func(sel, want string) {
		_, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(sel), chromedp.NodeVisible))
		require.NoError(t, err, sel)
		do(chromedp.WaitReady(chromedp.CSS(want)))
	}
	tick := func(sel string) { do(chromedp.Click(chromedp.CSS(sel), chromedp.NodeVisible)) }
	do(chromedp.Navigate(front.URL + "/tpp"))
	shot("0new")
	press(`.rails a[href="/tpp/stet"]`, `[data-page="tpp-stet"]`)
	shot("1stet")
	press("#connect", `[data-state="asked"]`)
	shot("2asked")
	press("#go", `[data-state="bare"]`)
	shot("3bare")
	tick(`[name=balances][value="` + leaFirst + `"]`)
	tick(`[name=transactions][value="` + leaFirst + `"]`)
	tick(`[name=identity]`)
	press("#forward", `[data-state="shared"]`)
	shot("4shared")
	press(`button[value="transactions r1"]`, `#answer`)
	shot("5read")
	do(chromedp.Navigate(front.URL + "/tpp/stet"))
	shot("5list")
	do(chromedp.Navigate(front.URL + "/tpp/stet/connections/1"))
	press(`#disconnect`, `[data-state="ended"]`)
	shot("6ended")
}
