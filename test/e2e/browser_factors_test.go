package e2e

import (
	"encoding/base32"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/boombuler/barcode/qr"
	"github.com/chromedp/cdproto/emulation"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"
)

// What a person finds where they confirm.
const (
	shown  = ".copy"    // what a QR code says, to be typed
	alert  = ".alert"   // what went wrong
	said   = ".message" // what the flow says
	moving = `main button[value="device"]`
)

// radio and another are the choice of a method: on the page of all, and where the
// page of one stands.
func radio(method string) string   { return fmt.Sprintf(`input[name="method"][value=%q]`, method) }
func instead(method string) string { return fmt.Sprintf(`main .others button[value=%q]`, method) }

// toWays has omar read a consent, and comes to the page where he chooses how to
// confirm.
func (b *tab) toWays() (id string) {
	b.t.Helper()
	id, link := b.create(b.tpp, b.dedicated(omarIBAN))
	b.visit(link)
	b.login("omar", "sandbox")
	b.at("consent", http.StatusOK)
	b.press(approve)
	b.at("factor", http.StatusOK)
	return id
}

// by has omar choose a method on that page.
func (b *tab) by(method string) (id string) {
	b.t.Helper()
	id = b.toWays()
	b.tick(radio(method))
	b.press(approve)
	b.at("factor", http.StatusOK)
	return id
}

// others are the methods that the page of one offers, in their order.
func (b *tab) others() []string {
	b.t.Helper()
	return ask[[]string](b, "[...document.querySelectorAll('main .others button[name=method]')].map(m => m.value)")
}

// answer types a code, and sends it.
func (b *tab) answer(code string) {
	b.t.Helper()
	b.write(otp, code)
	b.press(approve)
}

// through asserts that the person came back to the TPP with a valid consent.
func (b *tab) through(id string) {
	b.t.Helper()
	b.at("return", http.StatusOK)
	require.Equal(b.t, "valid", b.program.status(b.tpp, id))
}

// refuses asserts that an answer did not count, and what the page says.
func (b *tab) refuses(id, words string) {
	b.t.Helper()
	b.at("factor", http.StatusUnauthorized)
	require.Equal(b.t, words, b.read(alert))
	require.Equal(b.t, "received", b.program.status(b.tpp, id))
}

// scripts lets pages run theirs, or not, from the next one on.
func (b *tab) scripts(run bool) {
	b.t.Helper()
	command(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !run})
}

// time is where the sandbox's clock stands.
func (p *program) time() time.Time {
	p.t.Helper()
	var clock struct {
		Now time.Time `json:"now"`
	}
	p.call(http.MethodGet, "/sandbox/clock", nil, &clock)
	return clock.Now
}

// app is what an authenticator app shows now for a key.
func (p *program) app(key string) string {
	p.t.Helper()
	code, err := totp.GenerateCode(key, p.time())
	require.NoError(p.t, err)
	return code
}

// factors judges pages when they are met, once each.
func (p *program) factors() func(b *tab, name string) {
	g := p.gallery("psu-", fewViews)
	return func(b *tab, name string) { g.judge(b, name) }
}

// TestBrowserCodes confirms by a code to each of the two that bring one.
func TestBrowserCodes(t *testing.T) {
	p := start(t, "sqlite")
	for _, method := range []string{"SMS_OTP", "PUSH_OTP"} {
		t.Run(method, func(t *testing.T) {
			b := p.in(t).browse()
			id := b.by(method)
			require.Equal(t, "Confirm with a code", b.read("h1"))
			require.Equal(t, "We have sent a code to +971 ••• 56.", b.read(said))
			require.Equal(t, "Send a new code", b.read(instead(method)))
			b.confirm("omar")
			b.through(id)
		})
	}
}

// TestBrowserNewCode has a code sent again, and takes another way: only the newest
// code counts.
func TestBrowserNewCode(t *testing.T) {
	p := start(t, "sqlite")
	b, show := p.browse(), p.factors()
	id := b.by("SMS_OTP")
	b.holds("Have you not received a code?", "Confirm in another way:")
	first := b.lookUp("omar")
	show(b, "code")

	b.press(instead("SMS_OTP"))
	b.at("factor", http.StatusOK)
	require.Equal(t, "We have sent a new code to +971 ••• 56. Earlier codes are no longer valid.", b.read(said))
	show(b, "code-again")
	second := b.lookUp("omar")
	require.NotEqual(t, first, second)
	b.answer(first)
	b.refuses(id, "The code is wrong. You have 2 tries left.")

	b.press(instead("PUSH_OTP"))
	b.at("factor", http.StatusOK)
	require.Equal(t, "We have sent a code to +971 ••• 56.", b.read(said))
	b.answer(second)
	b.refuses(id, "The code is wrong. You have 1 try left.")
	b.confirm("omar")
	b.through(id)
}

// TestBrowserApp sets an authenticator app up, behind a code that was sent, and
// confirms by it alone afterwards; no code of it counts twice.
func TestBrowserApp(t *testing.T) {
	p := start(t, "sqlite")
	b, show := p.browse(), p.factors()
	id := b.toWays()
	require.Equal(t, "Choose how to confirm", b.read("h1"))
	show(b, "ways")
	b.tick(radio("TOTP"))
	b.press(approve)
	b.at("factor", http.StatusOK)
	require.Equal(t, "Before you set up your authenticator app, please confirm that it is you. We have sent a code to +971 ••• 56.", b.read(said))
	require.Equal(t, []string{"TOTP", "SMS_OTP", "PUSH_OTP", "PASSKEY"}, b.others())
	require.Equal(t, "Send a new code", b.read(instead("TOTP")))
	show(b, "totp-first")
	phone := b.another()
	phone.visit(b.base + "/sandbox/psus/omar/phone")
	phone.holds("is your code for: setting up an authenticator app for Sandbox Bank.")

	b.confirm("omar")
	b.at("factor", http.StatusOK)
	require.Equal(t, "Scan and confirm", b.read("h1"))
	key := strings.ReplaceAll(b.read(shown), " ", "")
	require.Len(t, key, 32)
	b.draws(otpauth(t, key))
	require.Equal(t, []string{"SMS_OTP", "PUSH_OTP", "PASSKEY"}, b.others())
	show(b, "totp-scan")
	b.answer(other(p.app(key)))
	b.refuses(id, "The code is wrong. You have 2 tries left.")
	require.Equal(t, key, strings.ReplaceAll(b.read(shown), " ", ""), "the app that was set up still fits")
	b.draws(otpauth(t, key))
	show(b, "totp-scan-error")
	b.answer(p.app(key))
	b.through(id)

	b.appAgain(key, show)
}

// appAgain is the second consent with an app, in another browser, and the third
// with the same code at first.
func (b *tab) appAgain(key string, show func(*tab, string)) {
	b.t.Helper()
	messages := len(b.phone("omar").Messages)
	b = b.browse()
	id := b.by("TOTP")
	require.Equal(b.t, "Enter the code that your authenticator app shows.", b.read(said))
	require.Equal(b.t, []string{"SMS_OTP", "PUSH_OTP", "PASSKEY"}, b.others(), "nobody sends it again")
	require.Empty(b.t, b.read(shown), "the key is shown once")
	require.False(b.t, ask[bool](b, "document.querySelector('svg') !== null"))
	show(b, "totp")
	b.advance("30s")
	used := b.app(key)
	b.answer(used)
	b.through(id)

	id = b.by("TOTP")
	b.answer(used)
	b.refuses(id, "The code is wrong. You have 2 tries left.")
	require.Equal(b.t, "This code has already been used. Please wait until your app shows a new one.", b.read(said))
	show(b, "totp-used")
	b.advance("30s")
	b.answer(b.app(key))
	b.through(id)
	require.Len(b.t, b.phone("omar").Messages, messages, "nothing is sent")
}

// otpauth is what an app scans to have a key.
func otpauth(t *testing.T, key string) string {
	t.Helper()
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key)
	require.NoError(t, err)
	made, err := totp.Generate(totp.GenerateOpts{Issuer: "Sandbox Bank", AccountName: "omar", Period: 30, Secret: seed})
	require.NoError(t, err)
	return made.URL()
}

// draws asserts that the page shows a QR code of a text: module by module, as the
// browser paints it, and with its quiet zone. Who cannot see it is told what it is.
func (b *tab) draws(text string) {
	b.t.Helper()
	made, err := qr.Encode(text, qr.M, qr.Auto)
	require.NoError(b.t, err)
	const quiet = 4
	size := made.Bounds().Dx()
	want := make([]string, size+2*quiet)
	for y := range want {
		var row strings.Builder
		for x := range want {
			dark := false
			if x >= quiet && y >= quiet && x < size+quiet && y < size+quiet {
				r, _, _, _ := made.At(x-quiet, y-quiet).RGBA()
				dark = r == 0
			}
			row.WriteByte(" #"[map[bool]int{true: 1}[dark]])
		}
		want[y] = row.String()
	}
	require.Equal(b.t, want, ask[[]string](b, painted))
	require.Equal(b.t, []string{"img", "QR code to scan"}, ask[[]string](b, "['role', 'aria-label'].map(a => document.querySelector('.qr svg').getAttribute(a))"))
}

// painted asks the browser at the middle of each module whether it is dark.
const painted = `(() => {
	const svg = document.querySelector('.qr svg'), dark = svg.querySelector('path[fill="#000"]');
	const side = [...Array(svg.viewBox.baseVal.width).keys()];
	return side.map(y => side.map(x => dark.isPointInFill(new DOMPoint(x + .5, y + .5)) ? '#' : ' ').join(''));
})()`

// TestBrowserOtherDevice goes on, on another device, which opens what the QR code
// says; the first browser looks on, and says when it is done.
func TestBrowserOtherDevice(t *testing.T) {
	p := start(t, "sqlite")
	show := p.factors()
	b := p.browse()
	id, link := b.create(b.tpp, b.offered())
	b.visit(link)
	b.at("login", http.StatusOK)
	show(b, "login-offer")
	address := b.leave()
	require.NotEqual(t, link, address)
	require.True(t, strings.HasPrefix(address, p.base+"/sca/"))
	show(b, "device")

	late := p.browse()
	late.visit(link)
	late.at("problem", http.StatusConflict)

	second := p.browse()
	second.visit(address)
	second.at("login", http.StatusOK)
	require.False(t, ask[bool](second, "document.querySelector('main button[value=\"device\"]') !== null"), "it goes on once")
	second.login("anna", "sandbox")
	b.comes("wait", "Your request has been opened on the other device.")
	require.Empty(t, b.read(shown))
	show(b, "device-taken")
	late.visit(address)
	late.at("problem", http.StatusForbidden)
	second.choose(giro)
	second.press(approve)
	second.at("factor", http.StatusOK)
	second.confirm("anna")
	second.through(id)

	b.comes("done", "You can close this page")
	require.Equal(t, "Your consent is recorded", b.read("h1"))
	show(b, "device-done")
}

// TestBrowserOtherDeviceRefuses: the first browser shows that it is over then, too.
// It can also go on itself, after all.
func TestBrowserOtherDeviceRefuses(t *testing.T) {
	p := start(t, "sqlite")
	t.Run("refused there", func(t *testing.T) {
		b := p.in(t).browse()
		id, link := b.create(b.tpp, b.offered())
		b.visit(link)
		second := b.browse()
		second.visit(b.leave())
		second.press(refuse)
		second.at("return", http.StatusOK)
		b.comes("done", "You can close this page")
		require.Equal(t, "rejected", b.program.status(b.tpp, id))
	})
	t.Run("here after all, without scripts", func(t *testing.T) {
		b := p.in(t).browse()
		id, link := b.create(b.tpp, b.dedicated(omarIBAN))
		b.scripts(false)
		b.visit(link)
		b.leave()
		b.press("main .note a")
		b.at("login", http.StatusOK)
		b.login("omar", "sandbox")
		b.press(approve)
		b.press(approve)
		b.confirm("omar")
		b.through(id)
	})
}

// leave presses "on another device", and returns what the QR code says.
func (b *tab) leave() string {
	b.t.Helper()
	b.press(moving)
	b.at("wait", http.StatusAccepted)
	require.Equal(b.t, "Continue on your other device", b.read("h1"))
	address := b.read(shown)
	b.draws(address)
	return address
}

// comes waits until the page, which looks again by itself, is another.
func (b *tab) comes(page, words string) {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		return b.here(page) && strings.Contains(b.read("main"), words)
	}, patience, 100*time.Millisecond, words)
}
