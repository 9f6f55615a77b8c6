package e2e

import (
	"fmt"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/stretchr/testify/require"
)

// What a person finds on the PSU's pages.
const (
	approve  = `main button[value="approve"]`
	refuse   = `main button[value="reject"]`
	psuID    = `input[name="psuId"]`
	password = `input[name="password"]`
	otp      = `input[name="otp"]`
	giro     = "DE40100100103307118608" // ANNA's current account
)

// begin creates a consent from the start page, and comes to the login page.
func (b *tab) begin(psu, model string) {
	b.t.Helper()
	b.visit(b.base + "/")
	b.at("start", http.StatusOK)
	b.pick("#psu", psu)
	if radio := fmt.Sprintf(`input[value=%q]`, model); !b.checked(radio) {
		b.tick(radio)
	}
	b.press("form button.go")
	b.at("login", http.StatusOK)
}

func (b *tab) login(psu, word string) {
	b.t.Helper()
	b.write(psuID, psu)
	b.write(password, word)
	b.press(approve)
}

// choose ticks accounts, by number.
func (b *tab) choose(numbers ...string) {
	b.t.Helper()
	b.at("accounts", http.StatusOK)
	for _, number := range numbers {
		b.tick(fmt.Sprintf(`input[name="account"][value=%q]`, number))
	}
	b.press(approve)
}

// confirm types the code that came to the phone.
func (b *tab) confirm(psu string) {
	b.t.Helper()
	b.write(otp, b.lookUp(psu))
	b.press(approve)
}

// lookUp reads the newest code on a persona's phone, which lies open in a
// second tab.
func (b *tab) lookUp(psu string) string {
	b.t.Helper()
	phone := b.another()
	phone.visit(b.base + "/sandbox/psus/" + psu + "/phone")
	phone.at("phone", http.StatusOK)
	code := regexp.MustCompile(`\d{6}`).FindString(phone.read(".messages li:first-child .digits"))
	require.NotEmpty(b.t, code, phone.read("main"))
	return code
}

// toFactor goes from the start page until the code is asked for.
func (b *tab) toFactor() {
	b.t.Helper()
	b.begin("anna", "offered")
	b.login("anna", "sandbox")
	b.choose(giro)
	b.at("consent", http.StatusOK)
	b.press(approve)
	b.at("factor", http.StatusOK)
}

var consentPath = regexp.MustCompile(`/v1/consents/([0-9a-f-]{36})`)

// returned asserts that the person came back to the sandbox's TPP, and that it
// finds the consent in a status; it returns the consent's id.
func (b *tab) returned(path, status string) string {
	b.t.Helper()
	b.at("return", http.StatusOK)
	require.Contains(b.t, b.where(), b.base+path+"?")
	require.Equal(b.t, status, b.read(".status"))
	found := consentPath.FindStringSubmatch(b.read("main"))
	require.NotNil(b.t, found)
	require.Equal(b.t, status, b.program.status(b.tpp, found[1]))
	return found[1]
}

// TestBrowserWalk is the main job as a person does it, from the start page to
// the TPP's page and with the phone beside it.
func TestBrowserWalk(t *testing.T) {
	people := map[string]func(*tab){
		"mouse":    func(*tab) {},
		"keyboard": func(b *tab) { b.keyboard = true },
		"without scripts": func(b *tab) {
			command(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
			b.visit(b.base + "/")
			require.True(b.t, ask[bool](b, "matchMedia('(scripting: none)').matches"))
		},
	}
	for name, prepare := range people {
		t.Run(name, func(t *testing.T) {
			p := start(t, "sqlite")
			t.Run("authorise", func(t *testing.T) {
				b := p.in(t).browse()
				prepare(b)
				b.authoriseOffered()
			})
			t.Run("reject", func(t *testing.T) {
				b := p.in(t).browse()
				prepare(b)
				b.begin("anna", "offered")
				b.login("anna", "sandbox")
				b.choose(giro)
				b.at("consent", http.StatusOK)
				b.press(refuse)
				b.returned("/sandbox/return/nok", "rejected")
			})
		})
	}
}

// in is the same program in a subtest.
func (p *program) in(t *testing.T) *program {
	t.Helper()
	sub := *p
	sub.t = t
	return &sub
}

func (b *tab) authoriseOffered() {
	b.t.Helper()
	b.begin("anna", "offered")
	b.login("anna", "sandbox")
	b.choose(giro)
	b.at("consent", http.StatusOK)
	agreed := b.read("main")
	b.press(approve)
	b.at("factor", http.StatusOK)
	b.confirm("anna")
	id := b.returned("/sandbox/return", "valid")

	info, _, err := b.tpp.Consent(b.t.Context(), id)
	require.NoError(b.t, err)
	until, err := time.Parse(time.DateOnly, info.ValidUntil)
	require.NoError(b.t, err)
	for _, words := range []string{"Request from Demo TPP", "Girokonto", "DE40 1001 0010 3307 1186 08 · EUR", "Until " + until.Format("2 January 2006")} {
		require.Contains(b.t, agreed, words)
	}
	require.NotContains(b.t, agreed, "Reisekonto", "it was not chosen")
	require.Len(b.t, info.Access.Balances, 1)
	require.Equal(b.t, giro, info.Access.Balances[0].IBAN)
}

// TestBrowserDedicated is a consent whose accounts the TPP named: there is
// nothing to choose.
func TestBrowserDedicated(t *testing.T) {
	b := start(t, "sqlite").browse()
	b.begin("lea", "dedicated")
	b.login("lea", "sandbox")
	b.at("consent", http.StatusOK)
	b.holds("Step 2 of 3", "FR76 1751 5000 9204 0043 0518 020 · EUR", "FR76 1751 5000 9204 0043 0518 117 · EUR")
	b.press(approve)
	b.at("factor", http.StatusOK)
	b.confirm("lea")
	b.returned("/sandbox/return", "valid")
}

// TestBrowserMistakes makes each mistake once, and mends it.
func TestBrowserMistakes(t *testing.T) {
	b := start(t, "sqlite").browse()
	b.begin("anna", "offered")
	b.login("anna", "wrong")
	b.at("login", http.StatusUnauthorized)
	require.Equal(t, "The user name or the password is wrong. You have 2 tries left.", b.read(".alert"))
	require.Equal(t, []any{"anna", ""}, []any{b.value(psuID), b.value(password)}, "the password is never sent back")
	b.awaitFocus("password")
	b.login("anna", "sandbox")
	b.at("accounts", http.StatusOK)
	b.press(approve)
	b.at("accounts", http.StatusOK)
	require.Equal(t, "You have not chosen an account. Choose at least one.", b.read(".alert"))
	b.choose(giro)
	b.at("consent", http.StatusOK)
	b.press(approve)
	b.at("factor", http.StatusOK)
	code := b.lookUp("anna")
	b.write(otp, map[bool]string{true: "000001", false: "000000"}[code == "000000"])
	b.press(approve)
	b.at("factor", http.StatusUnauthorized)
	require.Equal(t, "The code is wrong. You have 2 tries left.", b.read(".alert"))
	b.write(otp, code)
	b.press(approve)
	b.returned("/sandbox/return", "valid")
}

// TestBrowserLanguages changes the language on the way: the run goes on.
func TestBrowserLanguages(t *testing.T) {
	b := start(t, "sqlite").browse()
	speaks := func(lang, title string) {
		t.Helper()
		require.Equal(t, []string{lang, title}, []string{ask[string](b, "document.documentElement.lang"), b.read("h1")})
	}
	b.begin("anna", "offered")
	speaks("en", "Log in")
	for _, other := range [][2]string{{"es", "Iniciar sesión"}, {"it", "Accesso"}, {"ar", "تسجيل الدخول"}, {"fr", "Connexion"}} {
		b.press(fmt.Sprintf(`a[hreflang=%q]`, other[0]))
		b.at("login", http.StatusOK)
		speaks(other[0], other[1])
	}
	b.login("anna", "sandbox")
	speaks("fr", "Choisissez les comptes à partager")
	b.choose(giro)
	b.press(`a[hreflang="de"]`)
	b.at("consent", http.StatusOK)
	speaks("de", "Prüfen Sie, wem Sie was erlauben")
	b.holds("DE40 1001 0010 3307 1186 08")
	b.press(approve)
	b.at("factor", http.StatusOK)
	speaks("de", "Mit einem Code bestätigen")
	b.confirm("anna")
	b.returned("/sandbox/return", "valid")
}

// TestBrowserRightToLeft reads the review in Arabic: the page runs from right to
// left, and a number in it from left to right, nothing of it in another order.
func TestBrowserRightToLeft(t *testing.T) {
	b := start(t, "sqlite").browse()
	b.begin("anna", "offered")
	b.press(`a[hreflang="ar"]`)
	b.at("login", http.StatusOK)
	b.login("anna", "sandbox")
	b.choose(giro)
	b.at("consent", http.StatusOK)
	side := func(selector string) float64 {
		t.Helper()
		return ask[float64](b, fmt.Sprintf("document.querySelector(%q).getBoundingClientRect().right", selector))
	}
	require.Equal(t, "rtl", ask[string](b, "getComputedStyle(document.body).direction"))
	require.Greater(t, side(".brand"), side(".languages"), "the bank stands where one begins to read")
	require.Greater(t, side(approve), side(refuse))
	require.Greater(t, side(".terms dt"), side(".terms dd"))
	require.Equal(t, "DE40 1001 0010 3307 1186 08", ask[string](b, inOrder))
	b.press(approve)
	b.at("factor", http.StatusOK)
	require.Equal(t, "ltr", ask[string](b, `getComputedStyle(document.querySelector('input[name="otp"]')).direction`))
	b.confirm("anna")
	b.returned("/sandbox/return", "valid")
}

// inOrder reads the first account's number as the eye does, by where each
// character stands.
const inOrder = `(() => {
	const text = document.querySelector('.number bdi').firstChild, seen = [];
	for (let i = 0; i < text.length; i++) {
		const range = document.createRange();
		range.setStart(text, i);
		range.setEnd(text, i + 1);
		seen.push([range.getBoundingClientRect().left, text.data[i]]);
	}
	return seen.sort((a, b) => a[0] - b[0]).map(s => s[1]).join('');
})()`
