package web_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/boombuler/barcode/qr"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"consentd/internal/consent"
	"consentd/internal/service/sca"
	"consentd/internal/web"
	flow "consentd/pkg/sca"
)

const idp = "https://login.bank.example/authorize?client_id=consentd"

func sentTo(to string) func(*sca.View) {
	return func(v *sca.View) { v.Fields, v.URL = nil, to }
}

// TestElsewhere: the first look says where the next page is and who asks; the
// browser goes there when the PSU has said so, and not before.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.walks.view = view(sca.PageElsewhere, sentTo(idp))
	res := b.get(t, "")
	require.Equal(t, http.StatusOK, res.Code)
	require.Empty(t, res.Header().Get("Location"))
	page := read(t, res)
	require.Equal(t, "login", page.attribute("main", "data-page"))
	for _, words := range []string{"Request from " + tpp, "login.bank.example", "Sandbox Bank"} {
		require.Contains(t, page.text, words)
	}
	require.Empty(t, page.links("login.bank.example"), "no way around the form")
	decisions := page.named("decision")
	require.Len(t, decisions, 2)
	require.Equal(t, "approve", value(decisions[0], "value"))
	require.Contains(t, res.Header().Get("Content-Security-Policy"), "form-action 'self' https://login.bank.example https://nok.tpp.example")

	b.walks.view = view(sca.PageElsewhere, sentTo(idp), func(v *sca.View) { v.Go = true })
	res = b.post(t, url.Values{"decision": {"approve"}})
	require.Equal(t, http.StatusSeeOther, res.Code)
	require.Equal(t, idp, res.Header().Get("Location"))
	require.Contains(t, res.Header().Get("Content-Security-Policy"), "https://login.bank.example", "held against the redirect too")
	require.True(t, b.walks.answered[0].Approve)
}

// links are the addresses of links that hold a text.
func (d document) links(text string) []string {
	var found []string
	for _, n := range d.all("a") {
		if strings.Contains(value(n, "href"), text) {
			found = append(found, value(n, "href"))
		}
	}
	return found
}

// TestElsewhereIsASite: a flow sends the browser to https, or to the machine
// itself; to nothing else, whatever it says.
func TestElsewhereIsASite(t *testing.T) {
	t.Parallel()
	long := "https://login.bank.example/?request=" + strings.Repeat("x", 4000)
	for to, ok := range map[string]bool{
		idp:                              true,
		long:                             true,
		"http://localhost:9000/auth":     true,
		"http://127.0.0.1:9000/":         true,
		"https://login.bank.example":     true,
		"":                               false,
		"http://login.bank.example/":     false,
		"javascript:alert(1)":            false,
		"data:text/html,x":               false,
		"//login.bank.example/":          false,
		"/sca/x":                         false,
		"acmeapp://login":                false,
		"https://bank@evil.example/":     false,
		"https:evil.example":             false,
		"https://evil.example\\@bank/":   false,
		"https://a.example\r\nX: y":      false,
		long + strings.Repeat("x", 4200): false,
	} {
		for _, leaves := range []bool{false, true} {
			b := setup(t)
			b.walks.view = view(sca.PageElsewhere, sentTo(to), func(v *sca.View) { v.Go = leaves })
			res := b.get(t, "")
			switch {
			case ok && leaves:
				require.Equal(t, http.StatusSeeOther, res.Code, to)
				require.Equal(t, to, res.Header().Get("Location"))
			case ok:
				require.Equal(t, http.StatusOK, res.Code, to)
			default:
				require.Equal(t, http.StatusInternalServerError, res.Code, to)
				require.Empty(t, res.Header().Get("Location"))
				require.Contains(t, b.log.String(), "no https address")
			}
		}
	}
}

func TestElsewhereToConfirm(t *testing.T) {
	t.Parallel()
	page := show(t, view(sca.PageElsewhere, sentTo(idp), func(v *sca.View) { v.Customer = "Anna Sandbox" }))
	require.Contains(t, page.text, "Confirm on the next page")
	require.Contains(t, page.text, "Step 4 of 4")
	require.NotContains(t, page.text, "Log in on")
}

func TestAnotherDevice(t *testing.T) {
	t.Parallel()
	for _, p := range []sca.Page{sca.PageLogin, sca.PageElsewhere, sca.PageWait, sca.PageFactor} {
		for _, can := range []bool{true, false} {
			page := show(t, view(p, func(v *sca.View) { v.URL, v.CanMove = idp, can }))
			var devices []*html.Node
			for _, n := range page.named("decision") {
				if value(n, "value") == "device" {
					devices = append(devices, n)
				}
			}
			require.Equal(t, can, len(devices) == 1, p)
			if can {
				require.True(t, has(devices[0], "formnovalidate"))
				require.NotEqual(t, devices[0], page.named("decision")[0], "not what the Enter key presses")
			}
		}
	}
	b := setup(t)
	b.walks.view = viewOfLogin()
	b.post(t, url.Values{"decision": {"device"}})
	require.True(t, b.walks.answered[0].Device)
	require.False(t, b.walks.answered[0].Approve || b.walks.answered[0].Refuse)
}

// TestDevicePage: the browser that is left shows what the other device opens,
// then that it has, then that it is over.
func TestDevicePage(t *testing.T) {
	t.Parallel()
	other := strings.Repeat("Z", 43)
	b := setup(t, func(s *web.SCA) { s.Origin = "https://sca.bank.example" })
	b.walks.view = view(sca.PageDevice, func(v *sca.View) { v.Handle = other })
	res := b.get(t, "")
	require.Equal(t, http.StatusAccepted, res.Code)
	require.Equal(t, "3", res.Header().Get("Refresh"))
	page := read(t, res)
	require.Equal(t, "wait", page.attribute("main", "data-page"))
	require.Contains(t, page.text, "https://sca.bank.example/sca/"+other)
	require.Len(t, page.links("https://sca.bank.example/sca/"+other), 1)
	requireQR(t, page, "https://sca.bank.example/sca/"+other)

	b.walks.view = view(sca.PageDevice)
	res = b.get(t, "")
	require.Equal(t, http.StatusAccepted, res.Code)
	require.Equal(t, "3", res.Header().Get("Refresh"))
	page = read(t, res)
	require.Empty(t, page.all("svg"))
	require.Contains(t, page.text, "has been opened on the other device")

	b.walks.view = view(sca.PageEnded, nowhere, func(v *sca.View) { v.Consent.Status = consent.Valid })
	page = read(t, b.get(t, ""))
	require.Equal(t, "done", page.attribute("main", "data-page"))
	require.Contains(t, page.text, "You can close this page")
}

// requireQR asserts that the page draws a code that says text: module by module
// what the library makes of it.
func requireQR(t *testing.T, page document, text string) {
	t.Helper()
	made, err := qr.Encode(text, qr.M, qr.Auto)
	require.NoError(t, err)
	size := made.Bounds().Dx()
	pictures := page.all("svg")
	require.Len(t, pictures, 1)
	side := strconv.Itoa(size + 8)
	require.Equal(t, "0 0 "+side+" "+side, value(pictures[0], "viewBox"), "with the quiet zone")
	require.Equal(t, "img", value(pictures[0], "role"))
	require.NotEmpty(t, value(pictures[0], "aria-label"))
	dark := map[[2]int]bool{}
	for _, run := range strings.Split(value(page.all("path")[1], "d"), "M")[1:] {
		at, rest, _ := strings.Cut(run, " ")
		down, rest, _ := strings.Cut(rest, "h")
		long, _, _ := strings.Cut(rest, "v")
		for i := range number(t, long) {
			dark[[2]int{number(t, at) + i, number(t, down)}] = true
		}
	}
	for y := range size {
		for x := range size {
			r, _, _, _ := made.At(x, y).RGBA()
			require.Equal(t, r == 0, dark[[2]int{x + 4, y + 4}], "module %d, %d", x, y)
			delete(dark, [2]int{x + 4, y + 4})
		}
	}
	for at, is := range dark {
		require.False(t, is, "the quiet zone is quiet: %v", at)
	}
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

func TestScan(t *testing.T) {
	t.Parallel()
	const key = "otpauth://totp/Bank:omar?secret=JBSWY3DPEHPK3PXP&issuer=Bank"
	scan := func(v *sca.View) { v.QR = &flow.QR{Content: key, Text: "JBSW Y3DP EHPK 3PXP"} }
	page := show(t, view(sca.PageFactor, scan))
	requireQR(t, page, key)
	require.Contains(t, page.text, "enter this instead: JBSW Y3DP EHPK 3PXP")
	require.Contains(t, page.text, "Scan and confirm")
	require.Len(t, page.named("otp"), 1)

	b := setup(t)
	b.walks.view = view(sca.PageFactor, func(v *sca.View) { v.QR = &flow.QR{Content: strings.Repeat("secret", 999)} })
	require.Equal(t, http.StatusInternalServerError, b.get(t, "").Code)
	require.NotContains(t, b.log.String(), "secretsecret")
}

func TestNumberToMatch(t *testing.T) {
	t.Parallel()
	page := show(t, view(sca.PageWait, pushSent, func(v *sca.View) { v.Number = "42" }))
	require.Contains(t, page.text, "Enter this number in the app: 42")
	require.NotContains(t, show(t, view(sca.PageWait, pushSent)).text, "this number")
}

// TestPasskeyPage: the script is there where a passkey is asked for, and the
// policy lets our own run, no other.
func TestPasskeyPage(t *testing.T) {
	t.Parallel()
	for kind, is := range map[flow.FieldKind]string{flow.PasskeyGet: "get", flow.PasskeyCreate: "create"} {
		for _, p := range []sca.Page{sca.PageFactor, sca.PageLogin} {
			b := setup(t)
			b.walks.view = view(p, methods, asksFor(kind))
			res := b.get(t, "")
			require.Contains(t, res.Header().Get("Content-Security-Policy"), "; script-src 'self'")
			page := read(t, res)
			page.wellMade(t)
			field := page.named("passkey")
			require.Len(t, field, 1)
			require.Equal(t, "hidden", value(field[0], "type"))
			require.Equal(t, is, value(field[0].Parent, "data-passkey"))
			require.JSONEq(t, passkeyOptions, value(field[0].Parent, "data-options"))
			require.Equal(t, []string{"PUSH"}, offered(page), "other methods beside it")
			require.Contains(t, page.text, "allow JavaScript on this page")
			script := b.send(newGet(page.attribute("script", "src")))
			require.Equal(t, http.StatusOK, script.Code)
			require.Equal(t, "text/javascript; charset=utf-8", script.Header().Get("Content-Type"))
		}
	}
	for _, p := range []sca.Page{sca.PageWait, sca.PageConsent, sca.PageAccounts, sca.PageElsewhere} {
		b := setup(t)
		b.walks.view = view(p, asksFor(flow.PasskeyGet), func(v *sca.View) { v.URL = idp })
		res := b.get(t, "")
		require.NotContains(t, res.Header().Get("Content-Security-Policy"), "script-src", p)
		require.Empty(t, read(t, res).all("script"), p)
	}
}
