package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/app"
)

// What a visitor finds at the demo TPP's STET pages.
const (
	toSTET    = `.rails a[href="/tpp/stet"]`
	connect   = "#connect"
	forward   = "#forward"
	stopAll   = "#stop"
	stetState = `main[data-page="tpp-stet-connection"]`
)

// connection asserts where the visitor's connection stands.
func (b *tab) connection(state string) {
	b.t.Helper()
	b.at("tpp-stet-connection", http.StatusOK)
	require.Equal(b.t, state, ask[string](b, fmt.Sprintf("document.querySelector(%q).dataset.state", stetState)), b.read("main"))
}

// shares ticks what is shared of an account.
func (b *tab) shares(operation, iban string) {
	b.t.Helper()
	b.tick(fmt.Sprintf("input[name=%s][value=%q]", operation, iban))
}

// TestBrowserSTET is LEA's way by the mixed model: she logs in at the bank, the TPP
// sees her accounts bare, she says there what she shares, and takes it back.
func TestBrowserSTET(t *testing.T) {
	for engine, strict := range map[string]bool{"sqlite": true, "postgres": false} {
		t.Run(engine, func(t *testing.T) {
			p := start(t, engine, func(o *app.SandboxOptions) { o.Strict = strict })
			pictures := p.gallery("stet-", fewViews)
			b := p.browse()
			b.visit(b.base + "/tpp")
			b.press(toSTET)
			b.at("tpp-stet", http.StatusOK)
			if strict {
				pictures.judge(b, "begin")
			}
			b.pick("select[name=psu]", "lea")
			b.press(connect)
			b.connection("asked")
			b.press(goToBank)
			b.at("login", http.StatusOK)
			b.holds("would like to be connected with your accounts")
			if strict {
				pictures.judge(b, "login")
			}
			b.login("lea", "sandbox")
			b.at("consent", http.StatusOK)
			b.holds("The list of all your accounts", "FR76 1751 5000 9204 0043 0518 020", "FR76 1751 5000 9204 0043 0518 117")
			if strict {
				pictures.judge(b, "consent")
			}
			b.press(approve)
			b.at("factor", http.StatusOK)
			b.confirm("lea")
			b.connection("bare")
			require.Equal(t, []int{2, 0}, []int{b.count("[data-account]"), b.count("[data-resource]")}, "all accounts, and nothing of them")
			b.forwards(strict, pictures)
		})
	}
}

// forwards shares, reads, takes back and disconnects.
func (b *tab) forwards(show bool, pictures *gallery) {
	b.t.Helper()
	b.shares("balances", leasFirst)
	b.shares("transactions", leasSecond)
	b.tick(`input[name=identity]`)
	b.press(forward)
	b.connection("shared")
	require.Equal(b.t, 2, b.count("[data-resource]"))
	if show {
		pictures.judge(b, "shared")
	}
	for _, read := range []struct{ what, holds string }{
		{"balances r1", "-140.00"}, {"transactions r2", "20"}, {"identity", "LEA SANDBOXA"},
	} {
		b.press(fmt.Sprintf("button[name=read][value=%q]", read.what))
		b.at("tpp-stet-connection", http.StatusOK)
		b.holds(read.holds)
	}
	b.press(stopAll)
	b.connection("bare")
	require.Equal(b.t, []int{2, 0}, []int{b.count("[data-account]"), b.count("[data-resource]")})
	if show {
		pictures.judge(b, "bare")
	}
	b.press("#disconnect")
	b.connection("ended")
	require.NotContains(b.t, b.log.String(), leasFirst)
}

// TestBrowserSTETRefused: who says no at the bank is told so by the TPP.
func TestBrowserSTETRefused(t *testing.T) {
	p := start(t, "sqlite")
	b := p.browse()
	b.visit(b.base + "/tpp/stet")
	b.pick("select[name=psu]", "lea")
	b.press(connect)
	b.connection("asked")
	b.press(goToBank)
	b.at("login", http.StatusOK)
	b.login("lea", "sandbox")
	b.at("consent", http.StatusOK)
	b.press(refuse)
	b.connection("refused")
	b.holds("access_denied")
}
