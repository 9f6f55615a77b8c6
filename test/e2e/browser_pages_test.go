package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// TestBrowserPages looks at every page that a PSU may meet.
func TestBrowserPages(t *testing.T) {
	p := start(t, "sqlite")
	full, arabic := p.gallery("psu-", allViews), p.gallery("psu-ar-", allViews)
	german, french := p.gallery("psu-de-", fewViews), p.gallery("psu-fr-", fewViews)
	spanish, italian := p.gallery("psu-es-", fewViews), p.gallery("psu-it-", fewViews)
	scenes := []struct {
		name string
		by   *gallery
		show func(b *tab, show func(name string))
	}{
		{"walk", full, func(b *tab, show func(string)) { b.showWalk("en", show) }},
		{"walk in German", german, func(b *tab, show func(string)) { b.showWalk("de", show) }},
		{"walk in French", french, func(b *tab, show func(string)) { b.showWalk("fr", show) }},
		{"walk in Spanish", spanish, func(b *tab, show func(string)) { b.showWalk("es", show) }},
		{"walk in Italian", italian, func(b *tab, show func(string)) { b.showWalk("it", show) }},
		{"walk in Arabic", arabic, func(b *tab, show func(string)) { b.showWalk("ar", show) }},
		{"other consents", full, (*tab).showOtherConsents},
		{"another browser", full, func(b *tab, show func(string)) {
			_, link := b.create(b.tpp, b.offered())
			owner := b.browse()
			owner.visit(link)
			owner.login("anna", "sandbox")
			b.visit(link)
			b.at("problem", http.StatusForbidden)
			show("problem-403")
		}},
		{"locked", full, func(b *tab, show func(string)) {
			_, link := b.create(b.tpp, b.offered())
			b.visit(link)
			for range 2 {
				b.login("anna", "wrong")
				b.at("login", http.StatusUnauthorized)
			}
			b.login("anna", "wrong")
			b.at("problem", http.StatusTooManyRequests)
			show("problem-429")
		}},
		{"waiting", full, (*tab).showWait},
		{"too late", full, func(b *tab, show func(string)) {
			_, link := b.create(b.tpp, b.offered())
			b.visit(link)
			b.advance("10m")
			b.visit(link)
			b.at("problem", http.StatusGone)
			show("problem-410")
		}},
	}
	for _, scene := range scenes {
		t.Run(scene.name, func(t *testing.T) {
			b := p.in(t).browse()
			scene.show(b, func(name string) { scene.by.judge(b, name) })
		})
	}
}

// showWalk makes each mistake on the way, and comes back to the used link.
func (b *tab) showWalk(lang string, show func(string)) {
	b.t.Helper()
	b.visit(b.base + "/sca/unknown?lang=" + lang)
	b.at("problem", http.StatusNotFound)
	show("problem-404")
	_, link := b.create(b.tpp, b.offered())
	b.visit(link)
	b.at("login", http.StatusOK)
	show("login")
	b.login("anna", "wrong")
	b.at("login", http.StatusUnauthorized)
	show("login-error")
	b.login("anna", "sandbox")
	b.at("accounts", http.StatusOK)
	show("accounts")
	b.press(approve)
	b.at("accounts", http.StatusOK)
	show("accounts-error")
	b.choose(giro, "DE02100100109307118603/USD", "525412******3241")
	b.at("consent", http.StatusOK)
	show("consent")
	b.press(approve)
	b.at("factor", http.StatusOK)
	show("factor")
	b.write(otp, "abcdef")
	b.press(approve)
	b.at("factor", http.StatusUnauthorized)
	show("factor-error")
	b.confirm("anna")
	b.at("return", http.StatusOK)
	b.visit(link)
	b.at("problem", http.StatusConflict)
	show("problem-409")
}

// showOtherConsents reads the consents that differ from the one of the walk.
func (b *tab) showOtherConsents(show func(string)) {
	b.t.Helper()
	all := b.offered()
	all.Access = xs2a.AccountAccess{AllPSD2: "allAccountsWithOwnerName"}
	_, link := b.create(b.tpp, all)
	b.visit(link)
	b.login("lea", "sandbox")
	b.at("consent", http.StatusOK)
	show("consent-all")

	once := b.offered()
	once.RecurringIndicator, once.FrequencyPerDay = false, 1
	first, second := xs2a.AccountReference{IBAN: "FR7617515000920400430518020"}, xs2a.AccountReference{IBAN: "FR7617515000920400430518117"}
	once.Access = xs2a.AccountAccess{Accounts: []xs2a.AccountReference{first}, Balances: []xs2a.AccountReference{second}}
	_, link = b.create(b.tpp, once)
	b.visit(link)
	b.login("lea", "sandbox")
	b.at("consent", http.StatusOK)
	show("consent-once")
}

// showWait waits for a bank that takes its time; its page goes on by itself.
func (b *tab) showWait(show func(string)) {
	b.t.Helper()
	id, link := b.create(b.tpp, b.offered())
	b.visit(link)
	b.login("slow", "sandbox")
	b.choose(b.ibanOf("slow"))
	b.press(approve)
	b.confirm("slow")
	b.at("wait", http.StatusAccepted)
	show("wait")
	b.advance("31s")
	require.Eventually(b.t, func() bool { return b.here("return") }, patience, 100*time.Millisecond)
	require.Equal(b.t, "valid", b.program.status(b.tpp, id))
}

// TestBrowserSandboxPages looks at every page of the sandbox.
func TestBrowserSandboxPages(t *testing.T) {
	p := start(t, "sqlite")
	all, few := p.gallery("sandbox-", allViews), p.gallery("sandbox-", fewViews)
	id, link := p.create(p.tpp, p.offered())
	p.authorise(link, "anna", giro)
	pending, _, err := p.tpp.CreateConsent(t.Context(), p.offered(), client.CreateOptions{PSUIPAddress: "192.0.2.7", RedirectURI: p.base + "/"})
	require.NoError(t, err)
	for _, sheet := range []struct {
		name, path, page string
		status           int
		by               *gallery
	}{
		{"start", "/", "start", http.StatusOK, all},
		{"tools", "/sandbox/tools", "tools", http.StatusOK, all},
		{"clock", "/sandbox/clock", "clock", http.StatusOK, all},
		{"clock-time", "/sandbox/clock/time", "time", http.StatusOK, few},
		{"people", "/sandbox/psus", "people", http.StatusOK, all},
		{"person", "/sandbox/psus/omar", "person", http.StatusOK, all},
		{"person-steering", "/sandbox/psus/slow", "person", http.StatusOK, few},
		{"recent", "/sandbox/recent", "recent", http.StatusOK, all},
		{"phone", "/sandbox/psus/anna/phone", "phone", http.StatusOK, all},
		{"phone-empty", "/sandbox/psus/lea/phone", "phone", http.StatusOK, all},
		{"return", "/sandbox/return?consent=" + id, "return", http.StatusOK, all},
		{"return-nok", "/sandbox/return/nok?consent=" + pending.ConsentID, "return", http.StatusOK, all},
		{"problem", "/sandbox/return?consent=unknown", "problem", http.StatusBadGateway, all},
		{"docs", "/docs", "", http.StatusOK, all},
		{"docs-xs2a", "/docs/xs2a", "", http.StatusOK, few},
		{"docs-bank", "/docs/bank", "", http.StatusOK, few},
		{"docs-none", "/docs/none", "", http.StatusNotFound, all},
	} {
		t.Run(sheet.name, func(t *testing.T) {
			b := p.in(t).browse()
			b.visit(b.base + sheet.path)
			b.at(sheet.page, sheet.status)
			sheet.by.judge(b, sheet.name)
		})
	}
}
