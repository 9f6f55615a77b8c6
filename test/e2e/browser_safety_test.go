package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"consentd/pkg/xs2a"
)

// back uses the browser's own button. It leads to a form that was sent, which
// the browser shows again only after asking, as no page may be kept.
func (b *tab) back() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	require.ErrorContains(b.t, chromedp.Do(ctx, chromedp.NavigateBack()), "net::ERR_CACHE_MISS")
}

// TestBrowserBack goes back, and sends forms twice: nothing happens twice.
func TestBrowserBack(t *testing.T) {
	b := start(t, "sqlite").browse()
	b.toFactor()
	code := b.lookUp("anna")

	b.back()
	b.follow("send the form of the page before", chromedp.Reload())
	b.at("factor", http.StatusOK)
	require.Equal(t, code, b.lookUp("anna"), "no second code")
	b.write(otp, code)
	b.press(approve)
	id := b.returned("/sandbox/return", "valid")

	b.back()
	b.follow("send the last form again", chromedp.Reload())
	b.at("problem", http.StatusConflict)
	require.Equal(t, "valid", b.program.status(b.tpp, id))
	b.press("main a.button")
	b.returned("/sandbox/return", "valid")
}

// TestBrowserDoubleClick sends the last form twice at once.
func TestBrowserDoubleClick(t *testing.T) {
	b := start(t, "sqlite").browse()
	b.toFactor()
	link := b.where()
	b.write(otp, b.lookUp("anna"))
	b.do(chromedp.DoubleClick(chromedp.CSS(approve)))
	require.Eventually(t, func() bool { return b.here("return", "problem") }, patience, 50*time.Millisecond)
	b.visit(link)
	b.at("problem", http.StatusConflict)
	b.press("main a.button")
	b.returned("/sandbox/return", "valid")
}

// TestBrowserOther opens the link in a second browser: before it is bound that
// does no harm, afterwards it is refused.
func TestBrowserOther(t *testing.T) {
	p := start(t, "sqlite")
	b, other := p.browse(), p.browse()
	b.begin("anna", "offered")
	link := b.where()
	other.visit(link)
	other.at("login", http.StatusOK)
	b.login("anna", "sandbox")
	b.at("accounts", http.StatusOK)

	other.login("anna", "sandbox")
	other.at("problem", http.StatusForbidden)
	other.visit(link)
	other.at("problem", http.StatusForbidden)
	require.NotContains(t, other.read("main"), "Girokonto")

	b.choose(giro)
	b.press(approve)
	b.confirm("anna")
	b.returned("/sandbox/return", "valid")
}

// TestBrowserForgery has pages of other origins send the form, with the right
// token even.
func TestBrowserForgery(t *testing.T) {
	for name, host := range map[string]string{"another site": "127.0.0.1", "the same site, another origin": "localhost"} {
		t.Run(name, func(t *testing.T) {
			b := start(t, "sqlite").browse()
			b.begin("anna", "offered")
			b.login("anna", "sandbox")
			b.choose(giro)
			b.at("consent", http.StatusOK)

			evil := b.site(host, fmt.Sprintf(`<form method="post" action=%q><input name="csrf" value=%q><input name="step" value=%q>
				<button name="decision" value="approve">Win</button></form>`, b.where(), b.value("input[name=csrf]"), b.value("input[name=step]")))
			lured := b.another()
			lured.visit(evil.url + "/")
			lured.press("main button")
			lured.at("problem", http.StatusForbidden)
			lured.press("main a.button")
			lured.at("consent", http.StatusOK)

			b.press(approve)
			b.at("factor", http.StatusOK)
			b.confirm("anna")
			b.returned("/sandbox/return", "valid")
		})
	}
}

// site is somebody else's web site: a TPP's, or worse.
type site struct {
	url string

	mu   sync.Mutex
	seen []string // requests, headers and all
}

func (b *tab) site(host, content string) *site {
	b.t.Helper()
	s := &site{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/favicon.ico" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		dump, err := httputil.DumpRequest(r, false)
		s.mu.Lock()
		s.seen = append(s.seen, fmt.Sprintf("%s%v", dump, err))
		s.mu.Unlock()
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Site</title><main data-page="site">%s</main></html>`, content)
	}))
	b.t.Cleanup(server.Close)
	s.url = strings.Replace(server.URL, "127.0.0.1", host, 1)
	b.allow(s.url)
	return s
}

// requests is all that came to the site.
func (s *site) requests() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.seen, "\n")
}

// TestBrowserForeignTPP comes back to a TPP of another site, which never gets
// to see the handle.
func TestBrowserForeignTPP(t *testing.T) {
	ends := map[string]struct {
		way    func(*tab)
		path   string
		status xs2a.ConsentStatus
	}{
		"authorise": {func(b *tab) { b.press(approve); b.at("factor", http.StatusOK); b.confirm("anna") }, "/cb?state=1", "valid"},
		"reject":    {func(b *tab) { b.press(refuse) }, "/nok?state=1", "rejected"},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			p := start(t, "sqlite")
			b := p.browse()
			tpp := b.site("127.0.0.1", "Welcome back")
			o := p.options()
			o.RedirectURI, o.NokRedirectURI = tpp.url+"/cb?state=1", tpp.url+"/nok?state=1"
			created, _, err := p.tpp.CreateConsent(t.Context(), p.offered(), o)
			require.NoError(t, err)
			link := created.Links["scaRedirect"].Href
			b.visit(link)
			b.login("anna", "sandbox")
			b.choose(giro)
			b.at("consent", http.StatusOK)
			end.way(b)
			b.at("site", http.StatusOK)
			require.Equal(t, tpp.url+end.path, b.where())
			require.Equal(t, string(end.status), p.status(p.tpp, created.ConsentID))

			b.visit(link)
			b.at("problem", http.StatusConflict)
			b.press("main a.button")
			b.at("site", http.StatusOK)
			require.Contains(t, tpp.requests(), "GET "+end.path+" ")
			require.NotContains(t, tpp.requests(), path.Base(link))
			require.NotContains(t, tpp.requests(), "Referer")
		})
	}
}
