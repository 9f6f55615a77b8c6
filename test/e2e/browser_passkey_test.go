package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// keyring is the device that makes the passkeys of a tab, and knows its owner.
type keyring struct {
	tab *tab
	id  webauthn.AuthenticatorID
}

func (b *tab) keyring() keyring {
	b.t.Helper()
	command(b, webauthn.Enable, webauthn.EnableParams{})
	made := command(b, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	return keyring{b, made.AuthenticatorID}
}

// keys are those that the device holds.
func (d keyring) keys() []*webauthn.Credential {
	d.tab.t.Helper()
	return command(d.tab, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: d.id}).Credentials
}

// knows sets whether the device recognises its owner.
func (d keyring) knows(owner bool) {
	d.tab.t.Helper()
	command(d.tab, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: d.id, IsUserVerified: owner})
}

// lies has the device answer without saying that it has recognised anybody, though
// it was asked to.
func (d keyring) lies(on bool) {
	d.tab.t.Helper()
	command(d.tab, webauthn.SetResponseOverrideBits, webauthn.SetResponseOverrideBitsParams{AuthenticatorID: d.id, IsBadUV: &on})
}

// fails presses the button of the passkey, and asserts what the page says when the
// device gives none.
func (b *tab) fails(what, words string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(approve), chromedp.NodeVisible))
	require.Eventually(b.t, func() bool {
		return ask[bool](b, fmt.Sprintf("!document.querySelector('[data-say=%s]').hidden", what))
	}, patience, 50*time.Millisecond)
	require.Equal(b.t, words, b.read(fmt.Sprintf("[data-say=%s]", what)))
	require.False(b.t, ask[bool](b, fmt.Sprintf("document.querySelector(%q).disabled", approve)))
}

// toNewPasskey confirms that it is omar, and comes to where he creates a passkey.
func (b *tab) toNewPasskey() (id string) {
	b.t.Helper()
	id = b.by("PASSKEY")
	require.Equal(b.t, "Before you create a passkey, please confirm that it is you. We have sent a code to +971 ••• 56.", b.read(said))
	b.confirm("omar")
	b.at("factor", http.StatusOK)
	require.Equal(b.t, "Set up a passkey", b.read("h1"))
	return id
}

// TestBrowserPasskey creates a passkey, behind a code that was sent, and confirms
// by it alone afterwards; but only where the device recognises its owner.
func TestBrowserPasskey(t *testing.T) {
	p := start(t, "sqlite")
	b, show := p.browse(), p.factors()
	d := b.keyring()
	id := b.toNewPasskey()
	show(b, "passkey-new")
	b.press(approve)
	b.through(id)
	held := d.keys()
	require.Len(t, held, 1)
	require.Equal(t, []any{"localhost", "omar", "OMAR SANDBOXE", true},
		[]any{held[0].RpID, held[0].UserName, held[0].UserDisplayName, held[0].IsResidentCredential})
	require.NotContains(t, strings.ToLower(string(held[0].UserHandle)), "omar")

	sent := len(p.phone("omar").Messages)
	id = b.by("PASSKEY")
	require.Equal(t, "Confirm with your passkey", b.read("h1"))
	require.Equal(t, []string{"SMS_OTP", "PUSH_OTP", "TOTP"}, b.others())
	show(b, "passkey")
	b.keyboard = true
	b.press(approve)
	b.through(id)
	b.keyboard = false
	require.Greater(t, d.keys()[0].SignCount, held[0].SignCount)
	require.Len(t, p.phone("omar").Messages, sent, "nothing is sent")

	b.unrecognised(d, show)
}

// unrecognised is somebody else before the device of the passkey.
func (b *tab) unrecognised(d keyring, show func(*tab, string)) {
	b.t.Helper()
	id := b.by("PASSKEY")
	d.knows(false)
	b.fails("cancelled", "That was cancelled, took too long, or there is no passkey for this page on your device. Please try again.")
	show(b, "passkey-cancelled")
	d.knows(true)
	d.lies(true)
	b.press(approve)
	b.refuses(id, "The passkey was not accepted. You have 2 tries left.")
	require.Equal(b.t, "Please try again, or choose another way to confirm.", b.read(said))
	show(b, "passkey-refused")
	b.press(instead("SMS_OTP"))
	b.at("factor", http.StatusOK)
	b.confirm("omar")
	b.through(id)

	d.lies(false)
	id = b.by("PASSKEY")
	b.press(approve)
	b.through(id)
}

// TestBrowserPasskeyNotCreated: no device that did not recognise its owner gets a
// passkey, and the PSU goes on by another way.
func TestBrowserPasskeyNotCreated(t *testing.T) {
	p := start(t, "sqlite")
	b, show := p.browse(), p.factors()
	d := b.keyring()
	id := b.toNewPasskey()
	d.knows(false)
	b.fails("cancelled", "That was cancelled or took too long. No passkey has been set up. Please try again.")
	show(b, "passkey-new-cancelled")
	d.knows(true)
	d.lies(true)
	b.press(approve)
	b.refuses(id, "The passkey was not accepted. You have 2 tries left.")
	b.press(instead("PUSH_OTP"))
	b.at("factor", http.StatusOK)
	b.confirm("omar")
	b.through(id)

	d.lies(false)
	id = b.toNewPasskey() // there is still none
	b.press(approve)
	b.through(id)
}

// TestBrowserPasskeyElsewhere: where there is none of the PSU's passkeys, by
// another device or another name of the site, they confirm in another way.
func TestBrowserPasskeyElsewhere(t *testing.T) {
	p := start(t, "sqlite")
	b := p.browse()
	b.keyring()
	id := b.toNewPasskey()
	b.press(approve)
	b.through(id)

	t.Run("another device", func(t *testing.T) {
		b := p.in(t).browse()
		b.keyring()
		id := b.by("PASSKEY")
		b.fails("cancelled", "That was cancelled, took too long, or there is no passkey for this page on your device. Please try again.")
		b.press(instead("SMS_OTP"))
		b.at("factor", http.StatusOK)
		b.confirm("omar")
		b.through(id)
	})
	t.Run("an address without a name", func(t *testing.T) {
		b := p.in(t).browse()
		numeric := strings.Replace(b.base, "localhost", "127.0.0.1", 1)
		b.allow(numeric)
		_, link := b.create(b.tpp, b.dedicated(omarIBAN))
		b.visit(strings.Replace(link, b.base, numeric, 1))
		b.login("omar", "sandbox")
		b.press(approve)
		b.at("factor", http.StatusOK)
		require.Equal(t, []string{"SMS_OTP", "PUSH_OTP", "TOTP"}, ask[[]string](b, "[...document.querySelectorAll('input[name=method]')].map(m => m.value)"))
	})
}

// TestBrowserPasskeyWithoutScripts says what a passkey needs, and offers the other
// ways.
func TestBrowserPasskeyWithoutScripts(t *testing.T) {
	p := start(t, "sqlite")
	b, show := p.browse(), p.factors()
	b.scripts(false)
	id := b.toNewPasskey()
	require.Equal(t, "Passkeys do not work here. Your browser has to support them and allow JavaScript on this page.", b.read(alert))
	require.False(t, ask[bool](b, fmt.Sprintf("document.querySelector(%q).checkVisibility()", approve)), "a button that does nothing")
	b.holds("Confirm in another way:")
	require.Equal(t, []string{"SMS_OTP", "PUSH_OTP", "TOTP"}, b.others())
	b.scripts(true) // for the judge alone: the page's own was not run
	show(b, "passkey-unsupported")
	b.scripts(false)
	b.press(instead("SMS_OTP"))
	b.at("factor", http.StatusOK)
	b.confirm("omar")
	b.through(id)
}

// TestBrowserFactorLanguages looks at the pages of factors and of devices where
// words are long, and where they run from right to left.
func TestBrowserFactorLanguages(t *testing.T) {
	p := start(t, "sqlite")
	for lang, setUp := range map[string][]string{
		"de": {"Scannen und bestätigen", "Passkey einrichten"},
		"ar": {"المسح والتأكيد", "إعداد مفتاح مرور"},
	} {
		t.Run(lang, func(t *testing.T) {
			b, g := p.in(t).browse(), p.gallery("psu-"+lang+"-", fewViews)
			_, link := b.create(b.tpp, b.offered())
			b.visit(link + "?lang=" + lang)
			b.press(moving)
			b.at("wait", http.StatusAccepted)
			require.Equal(t, "ltr", ask[string](b, "getComputedStyle(document.querySelector('.copy')).direction"))
			g.judge(b, "device")
			for i, method := range []string{"TOTP", "PASSKEY"} {
				b.by(method)
				g.judge(b, method+"-first")
				b.confirm("omar")
				b.at("factor", http.StatusOK)
				require.Equal(t, setUp[i], b.read("h1"))
				g.judge(b, method+"-new")
			}
		})
	}
}
