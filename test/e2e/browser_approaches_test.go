package e2e

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// deny is the other button on the phone.
const deny = `main button[value="deny"]`

// TestBrowserApproaches looks at the pages of consents to the confirmation of
// funds, of PSUs with two methods, and of the bank's app.
func TestBrowserApproaches(t *testing.T) {
	p := start(t, "sqlite")
	for lang, by := range map[string]*gallery{
		"en": p.gallery("psu-", allViews), "de": p.gallery("psu-de-", fewViews), "fr": p.gallery("psu-fr-", fewViews),
	} {
		t.Run(lang, func(t *testing.T) {
			b := p.in(t).browse()
			b.walkFunds(lang, func(name string) { by.judge(b, name) })
			b.walkMethods(lang, func(name string) { by.judge(b, name) })
		})
	}
	t.Run("phone", func(t *testing.T) {
		b, pictures := p.in(t).browse(), p.gallery("sandbox-", allViews)
		b.walkPhone(func(name string) { pictures.judge(b, name) })
	})
}

// walkFunds authorises a consent to the confirmation of funds, which tells all
// that it can.
func (b *tab) walkFunds(lang string, show func(string)) {
	b.t.Helper()
	whole, _, err := b.tpp.CreateFundsConsent(b.t.Context(), card(leaSecond), b.options())
	require.NoError(b.t, err)
	b.visit(whole.Links["scaRedirect"].Href + "?lang=" + lang)
	b.login("lea", "sandbox")
	b.at("consent", http.StatusOK)
	b.holds("FR76 1751 5000 9204 0043 0518 117", "Demo TPP", "1234 5678 9012 3456", "2030", "Shop card", "Contract 4711")
	require.Equal(b.t, lang, ask[string](b, "document.documentElement.lang"))
	show("funds")
	b.press(approve)
	b.at("factor", http.StatusOK)
	b.confirm("lea")
	b.at("return", http.StatusOK)
	require.Equal(b.t, "valid", b.fundsStatus(whole.ConsentID))
	if lang == "en" { // the sandbox's own pages are not translated
		b.visit(b.base + "/sandbox/return?consent=" + whole.ConsentID)
		b.at("return", http.StatusOK)
		b.holds("valid", "/v2/consents/confirmation-of-funds/"+whole.ConsentID, "POST /v1/funds-confirmations", leaSecond)
		show("return-funds")
	}
}

// walkMethods gets the code by the second of two methods.
func (b *tab) walkMethods(lang string, show func(string)) {
	b.t.Helper()
	id, link := b.create(b.tpp, b.dedicated(omarIBAN))
	b.visit(link + "?lang=" + lang)
	b.login("omar", "sandbox")
	b.at("consent", http.StatusOK)
	b.press(approve)
	b.at("factor", http.StatusOK)
	require.True(b.t, b.checked(`input[value="SMS_OTP"]`))
	show("methods")
	b.tick(`input[value="PUSH_OTP"]`)
	b.press(approve)
	b.at("factor", http.StatusOK)
	b.confirm("omar")
	b.at("return", http.StatusOK)
	require.Equal(b.t, "valid", b.program.status(b.tpp, id))
}

// walkPhone approves one request, and denies another.
func (b *tab) walkPhone(show func(string)) {
	b.t.Helper()
	funds, _, err := b.tpp.CreateFundsConsent(b.t.Context(), card(leaFirst), b.inApp("lea"))
	require.NoError(b.t, err)
	b.asked("lea", 1)
	reads, _, err := b.tpp.CreateConsent(b.t.Context(), b.offered(), b.inApp("lea"))
	require.NoError(b.t, err)
	b.asked("lea", 2)
	b.visit(b.base + "/sandbox/psus/lea/phone")
	b.at("phone", http.StatusOK)
	b.holds("Demo TPP", "…8020")
	j := b.forFunds(funds.ConsentID, "lea")
	j.know(funds.Links)
	number := ""
	require.Eventually(b.t, func() bool {
		told, _, err := b.tpp.FundsAuthorisationStatus(b.t.Context(), j.id, j.last)
		require.NoError(b.t, err)
		number = regexp.MustCompile(`\b\d\d\b`).FindString(told.PSUMessage)
		return number != ""
	}, patience, tick, "the TPP was not told the number")
	b.write("ol.asks > li:nth-child(1) input[name=number]", number)
	show("phone-requests")
	b.press("ol.asks > li:nth-child(1) button[value=approve]")
	b.at("phone", http.StatusOK)
	b.press(deny)
	b.at("phone", http.StatusOK)
	require.False(b.t, ask[bool](b, "document.querySelector('ol.asks') !== null"))
	b.advance("3s")
	require.Eventually(b.t, func() bool { return b.fundsStatus(funds.ConsentID) == "valid" }, patience, tick)
	b.becomes(reads.ConsentID, "rejected")
}
