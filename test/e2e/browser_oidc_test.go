package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"consentd/test/idp"
)

// What a person finds on the page of the identity provider.
const (
	userName = `input[name="username"]`
	enter    = `main button[value="login"]`
	giveUp   = `main button[value="cancel"]`
)

// browseIssued opens a browser that may be led to the provider.
func (p *issuing) browseIssued() *tab {
	p.t.Helper()
	b := p.browse()
	b.allow(p.idp.Issuer)
	return b
}

// beginAt creates a consent from the start page, and goes on to the provider.
func (b *tab) beginAt(p *idp.Provider) {
	b.t.Helper()
	b.begin("anna", "offered")
	require.Equal(b.t, strings.TrimPrefix(p.Issuer, "http://"), b.read(".host"), "the page says where it leads")
	b.press(approve)
	b.atProvider(p, http.StatusOK)
}

func (b *tab) atProvider(p *idp.Provider, status int) {
	b.t.Helper()
	b.at("idp-login", status)
	require.True(b.t, strings.HasPrefix(b.where(), p.Issuer+"/authorize"), b.where())
}

// enterAt has anna log in on the provider's page, which shows no focus of its own.
func (b *tab) enterAt(word string) {
	b.t.Helper()
	defer func(had bool) { b.keyboard = had }(b.keyboard)
	b.keyboard = false
	b.write(userName, "anna")
	b.write(password, word)
	b.press(enter)
}

// TestBrowserIdentityProvider goes to the bank's identity provider, on another
// site, and comes back: the policy of our pages lets the browser go there, and on
// to the TPP.
func TestBrowserIdentityProvider(t *testing.T) {
	p := startIssuing(t, "sqlite")
	pictures := p.gallery("psu-", allViews)
	t.Run("authorise", func(t *testing.T) {
		b := p.inside(t).browseIssued()
		b.begin("anna", "offered")
		pictures.judge(b, "elsewhere")
		b.press(approve)
		b.atProvider(p.idp, http.StatusOK)
		b.enterAt("wrong")
		b.atProvider(p.idp, http.StatusUnauthorized)
		b.enterAt("sandbox")
		b.choose(giro)
		require.NotContains(t, b.where(), "code=")
		b.at("consent", http.StatusOK)
		b.holds("DE40 1001 0010 3307 1186 08")
		b.press(approve)
		b.returned("/sandbox/return", "valid")
	})
	t.Run("keyboard", func(t *testing.T) {
		b := p.inside(t).browseIssued()
		b.keyboard = true
		b.beginAt(p.idp)
		b.enterAt("sandbox")
		b.choose(giro)
		b.press(approve)
		b.returned("/sandbox/return", "valid")
	})
	t.Run("cancel before", func(t *testing.T) {
		b := p.inside(t).browseIssued()
		b.begin("anna", "offered")
		b.press(refuse)
		b.returned("/sandbox/return/nok", "rejected")
	})
	t.Run("cancel there", func(t *testing.T) {
		b := p.inside(t).browseIssued()
		b.beginAt(p.idp)
		b.press(giveUp)
		b.returned("/sandbox/return/nok", "rejected")
	})
}

// inside is the same program in a subtest.
func (p *issuing) inside(t *testing.T) *issuing {
	t.Helper()
	return &issuing{program: p.in(t), idp: p.idp}
}

// TestBrowserIdentityProviderBack goes back and forth between the pages: the run
// stands where it stands, whatever page the browser shows.
func TestBrowserIdentityProviderBack(t *testing.T) {
	p := startIssuing(t, "sqlite")
	b := p.browseIssued()
	t.Cleanup(func() { b.forgive(bounced) })
	b.beginAt(p.idp)
	b.turn("back")
	b.comes("login", "You log in on another page of your bank.")
	b.click(approve)
	b.comes("idp-login", "User name")
	b.enterHere()
	b.comes("accounts", "Girokonto")

	b.turn("back")
	b.comes("idp-login", "User name")
	b.turn("forward")
	b.comes("accounts", "Girokonto")
	b.turn("back")
	b.comes("idp-login", "User name")
	b.later("(document.querySelector('h1').textContent = 'Old', location.reload())") // to log in once more
	b.comes("idp-login", "Example identity provider")
	b.enterHere()
	b.comes("accounts", "Girokonto")
	b.later(fmt.Sprintf(`document.querySelector('input[value=%q]').click()`, giro))
	b.click(approve)
	b.comes("consent", "Girokonto")
	require.Equal(t, 1, p.idp.Exchanges())
	b.click(approve)
	b.comes("return", "valid")
}

// bounced is what Chromium reports where a site was passed, and nothing done there.
const bounced = "BounceTrackingIssue"

// later has the page do something as if a person did it, and does not wait: what a
// browser kept is there at once, and the tools that wait for a page to be loaded, or
// click with a mouse, do not find it.
func (b *tab) later(what string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("setTimeout(() => "+what+"), true", func(p *runtime.EvaluateParams) { p.UserGesture = new(true) }))
	require.NoError(b.t, err, what)
}

// turn uses the browser's buttons.
func (b *tab) turn(where string) {
	b.t.Helper()
	b.later("history." + where + "()")
}

func (b *tab) click(sel string) {
	b.t.Helper()
	b.later(fmt.Sprintf("document.querySelector(%q).click()", sel))
}

// enterHere has anna log in on the provider's page, in such a tab.
func (b *tab) enterHere() {
	b.t.Helper()
	ask[bool](b, fmt.Sprintf("(document.querySelector(%q).value = %q, document.querySelector(%q).value = %q, true)", userName, "anna", password, "sandbox"))
	b.click(enter)
}

// TestBrowserIdentityProviderOtherDevice goes on with a phone, and the screen that
// was left shows that it is done.
func TestBrowserIdentityProviderOtherDevice(t *testing.T) {
	p := startIssuing(t, "sqlite")
	b, second := p.browseIssued(), p.browseIssued()
	b.begin("anna", "offered")
	second.visit(b.leave())
	second.at("login", http.StatusOK)
	second.press(approve)
	second.atProvider(p.idp, http.StatusOK)
	b.comes("wait", "Your request has been opened on the other device.")
	second.enterAt("sandbox")
	second.choose(giro)
	second.at("consent", http.StatusOK)
	second.press(approve)
	second.returned("/sandbox/return", "valid")
	b.comes("done", "You can close this page")
}

// TestBrowserIdentityProviderOnward has a provider whose page is at another origin,
// to which it redirects: the browser goes there only where the bank has said so.
func TestBrowserIdentityProviderOnward(t *testing.T) {
	for name, named := range map[string]bool{"named": true, "not named": false} {
		t.Run(name, func(t *testing.T) {
			address := freeAddress(t)
			at := provider(t, idp.Options{Moved: true}, originOf(address))
			var onward []string
			if named {
				onward = append(onward, at.Page)
			}
			b := start(t, "sqlite", on(address), issued(section(t, at), onward...)).browse()
			t.Cleanup(func() { b.forgive(bounced) })
			b.allow(at.Issuer)
			b.allow(at.Page)
			b.begin("anna", "offered")
			if !named {
				b.do(chromedp.Click(chromedp.CSS(approve), chromedp.NodeVisible))
				require.Eventually(t, func() bool { return b.forgive("form-action") }, patience, 50*time.Millisecond)
				b.at("login", http.StatusOK)
				return
			}
			b.press(approve)
			b.at("idp-login", http.StatusOK)
			require.Contains(t, b.where(), at.Page)
			b.enterAt("sandbox")
			b.choose(giro)
			b.press(approve)
			b.returned("/sandbox/return", "valid")
		})
	}
}

// forgive takes a report of a violated policy as expected, once there is one.
func (w *watch) forgive(directive string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	reported := len(w.notes)
	w.notes = slices.DeleteFunc(w.notes, func(note string) bool { return strings.Contains(note, directive) })
	return len(w.notes) < reported
}
