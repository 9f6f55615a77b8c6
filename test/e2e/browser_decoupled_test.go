package e2e

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/internal/config"
	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// What a person finds on the phone.
const (
	asks    = "ol.asks > li"
	typed   = `ol.asks input[name="number"]`
	fault   = "ol.asks .fault"
	news    = ".news"
	lookNew = ".again a" // on a page that does not load itself again
)

var twoDigits = regexp.MustCompile(`\b[1-9]\d\b`)

// box is an account that can be chosen on the phone.
func box(account string) string { return fmt.Sprintf(`ol.asks input[value=%q]`, account) }

// request has the TPP create a bank-offered consent that its PSU, if they are known,
// is to approve in the app.
func (p *program) request(psu string) *journey {
	p.t.Helper()
	created, _, err := p.tpp.CreateConsent(p.t.Context(), p.offered(), p.inApp(psu))
	require.NoError(p.t, err)
	j := p.journey(created.ConsentID, psu, "")
	j.know(created.Links)
	return j
}

// told is the number that the TPP is to show, once the PSU has been asked; to look
// for it changes nothing.
func (j *journey) told() (number string) {
	j.t.Helper()
	look := func() *xs2a.ScaStatusResponse {
		got, _, err := j.tpp.AuthorisationStatus(j.t.Context(), j.id, j.last)
		require.NoError(j.t, err)
		return got
	}
	var got *xs2a.ScaStatusResponse
	require.Eventually(j.t, func() bool {
		got = look()
		number = twoDigits.FindString(got.PSUMessage)
		return number != ""
	}, patience, tick, "the TPP was not told the number")
	require.Equal(j.t, "Please confirm in your bank's app. Your number there is "+number+".", got.PSUMessage)
	for range 3 {
		require.Equal(j.t, got, look())
	}
	require.Equal(j.t, []string{"received", "started"}, j.stands())
	return number
}

// not is another number than the right one.
func not(number string) string { return map[bool]string{true: "11", false: "10"}[number == "10"] }

// pickUp opens a persona's phone, on which one request waits, in a browser of its
// own.
func (p *program) pickUp(psu string) *tab {
	p.t.Helper()
	p.asked(psu, 1)
	b := p.browse()
	b.visit(b.base + "/sandbox/psus/" + psu + "/phone")
	b.at("phone", http.StatusOK)
	require.Equal(b.t, 1, b.count(asks))
	return b
}

func (b *tab) count(sel string) int {
	b.t.Helper()
	return ask[int](b, fmt.Sprintf("document.querySelectorAll(%q).length", sel))
}

// types answers a request with a number.
func (b *tab) types(number string) {
	b.t.Helper()
	b.write(typed, number)
	b.press(approve)
}

// wrongly types a number that is not the right one; the page stays, and says so.
func (b *tab) wrongly(number, words string) {
	b.t.Helper()
	b.types(number)
	b.at("phone", http.StatusBadRequest)
	require.Equal(b.t, words, b.read(fault))
	b.awaitFocus("number")
	require.Empty(b.t, b.value(typed))
}

// forgets looks on an open phone until no request is there any more.
func (b *tab) forgets() {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		b.press(lookNew)
		return !b.has(asks)
	}, patience, 100*time.Millisecond, "the request is still there")
	b.holds("No messages yet.")
}

// has reports whether a page holds something, also where it has just gone on.
func (b *tab) has(sel string) bool {
	b.t.Helper()
	return b.count(sel) > 0
}

// shares asserts which accounts a consent gives access to.
func (p *program) shares(id string, accounts ...xs2a.AccountReference) {
	p.t.Helper()
	got, _, err := p.tpp.Consent(p.t.Context(), id)
	require.NoError(p.t, err)
	require.Equal(p.t, accounts, got.Access.Balances)
	require.Equal(p.t, accounts, got.Access.Transactions)
}

// What anna can share, of which a test chooses two.
var (
	annaGiro = xs2a.AccountReference{IBAN: giro, Currency: "EUR", CashAccountType: "CACC"}
	annaCard = xs2a.AccountReference{MaskedPAN: "525412******3241", Currency: "EUR", CashAccountType: "CARD"}
)

// TestBrowserDecoupled approves in the app what the TPP began: with the number that
// the TPP shows, and for the accounts that are chosen on the phone.
func TestBrowserDecoupled(t *testing.T) {
	p := start(t, "sqlite")
	pictures := p.gallery("sandbox-", allViews)
	j := p.request("anna")
	number := j.told()
	phone := p.pickUp("anna")
	phone.holds("Is this you?", "Demo TPP", "DE40 1001 0010 3307 1186 08")
	require.Empty(t, phone.value(typed), "only the TPP shows it")
	require.Equal(t, 4, phone.count(`ol.asks input[type="checkbox"]`))
	pictures.judge(phone, "phone-number")

	phone.types(number)
	phone.at("phone", http.StatusBadRequest)
	require.Equal(t, "Choose one account at least.", phone.read(fault))
	phone.tick(box("r31"))
	phone.tick(box("r34"))
	phone.wrongly(not(number), "That is not the number.")
	pictures.judge(phone, "phone-number-wrong")
	require.Equal(t, []string{"received", "started"}, j.stands())
	require.Equal(t, []bool{true, false, false, true}, ask[[]bool](phone, `[...document.querySelectorAll('ol.asks input[type="checkbox"]')].map(b => b.checked)`))

	phone.types(number)
	phone.at("phone", http.StatusOK)
	require.Equal(t, "Approved. You can go back to where you began.", phone.read(news))
	require.Zero(t, phone.count(asks))
	pictures.judge(phone, "phone-approved")
	p.becomes(j.id, "valid") // at once: the bank calls back
	require.Equal(t, []string{"valid", "finalised"}, j.stands())
	p.shares(j.id, annaGiro, annaCard)
}

// TestBrowserDecoupledDenied says no: at once, or by the third wrong number.
func TestBrowserDecoupledDenied(t *testing.T) {
	p := start(t, "sqlite")
	t.Run("denied", func(t *testing.T) {
		p := p.in(t)
		j := p.request("lea")
		j.told()
		phone := p.pickUp("lea")
		phone.press(deny)
		phone.at("phone", http.StatusOK)
		require.Equal(t, "Denied. Nobody gets access by this request.", phone.read(news))
		p.becomes(j.id, "rejected")
		require.Equal(t, "failed", j.sca())
	})
	t.Run("three wrong numbers", func(t *testing.T) {
		p := p.in(t)
		j := p.request("enzo")
		number := j.told()
		phone := p.pickUp("enzo")
		phone.tick(box("r9"))
		phone.wrongly(not(number), "That is not the number.")
		phone.wrongly(not(number), "That is not the number; one more try is left.")
		phone.types(not(number))
		phone.at("phone", http.StatusBadRequest)
		require.Equal(t, "That was a wrong number again. The request was denied.", phone.read(news))
		require.Zero(t, phone.count(asks))
		p.becomes(j.id, "rejected")
		require.Equal(t, "failed", j.sca())
	})
}

// TestBrowserDecoupledLater: the TPP says only at the second step who the PSU is.
func TestBrowserDecoupledLater(t *testing.T) {
	p := start(t, "sqlite")
	created, _, err := p.tpp.CreateConsent(t.Context(), p.offered(), p.inApp(""))
	require.NoError(t, err)
	require.Contains(t, created.Links, xs2a.LinkStartAuthorisationWithPsuIdentification)
	j := p.journey(created.ConsentID, "anna", "")
	j.know(j.begin(client.StartOptions{RedirectPreferred: new(bool)}))
	require.Equal(t, []string{"received", "received"}, j.stands())
	require.Equal(t, xs2a.ScaPsuIdentified, j.put(client.Identification()).ScaStatus)
	number := j.told()
	phone := p.pickUp("anna")
	phone.tick(box("r34"))
	phone.types(number)
	phone.at("phone", http.StatusOK)
	p.becomes(j.id, "valid")
	require.Equal(t, "finalised", j.sca())
	p.shares(j.id, annaCard)
}

// TestBrowserDecoupledWithdrawn: what the TPP or the time has ended is no longer to
// be seen on the phone.
func TestBrowserDecoupledWithdrawn(t *testing.T) {
	p := start(t, "sqlite")
	t.Run("the TPP deletes", func(t *testing.T) {
		p := p.in(t)
		j := p.request("lea")
		number := j.told()
		phone, open := p.pickUp("lea"), p.pickUp("lea")
		_, err := p.tpp.DeleteConsent(t.Context(), j.id)
		require.NoError(t, err)
		phone.forgets()
		open.tick(box("r1"))
		open.types(number) // what was open meanwhile
		open.at("phone", http.StatusNotFound)
		require.Equal(t, "This request is no longer there.", open.read(news))
		require.Equal(t, []string{"terminatedByTpp", "failed"}, j.stands())
	})
	t.Run("nobody answers", func(t *testing.T) {
		p := p.in(t)
		j := p.request("anna")
		j.told()
		phone := p.pickUp("anna")
		p.advance("15m")
		require.Equal(t, []string{"received", "failed"}, j.stands())
		phone.forgets()
	})
}

// byPush has PSUs log in by the app, on consentd's pages.
func byPush(o *app.SandboxOptions) {
	o.Configure = func(cfg *config.Config) { cfg.SCA.Redirect = "push" }
}

// name answers the log-in page, which asks for no password, and comes to the
// page that waits; it returns the number there.
func (b *tab) name(psu string) string {
	b.t.Helper()
	b.at("login", http.StatusOK)
	require.False(b.t, b.has(password))
	b.write(psuID, psu)
	b.press(approve)
	b.at("wait", http.StatusAccepted)
	number := b.read(".match strong")
	require.Regexp(b.t, "^"+twoDigits.String()+"$", number)
	b.holds("Enter this number in the app:")
	return number
}

// TestBrowserPush logs in by the app, on consentd's own pages: the number stands
// in one browser, and is typed in another.
func TestBrowserPush(t *testing.T) {
	p := start(t, "sqlite", byPush)
	pages, pictures := p.gallery("psu-", allViews), p.gallery("sandbox-", allViews)
	b := p.browse()
	id, link := b.create(b.tpp, b.offered())
	b.visit(link)
	b.at("login", http.StatusOK)
	pages.judge(b, "push-login")
	require.Empty(t, b.phone("anna").Approvals, "nobody is disturbed yet")
	number := b.name("anna")
	require.GreaterOrEqual(t, ask[float64](b, "parseFloat(getComputedStyle(document.querySelector('.match strong')).fontSize)"), 32.0)
	pages.judge(b, "push-wait")

	phone := p.pickUp("anna")
	phone.holds("Demo TPP reads account details, balances and transactions of accounts that you choose")
	require.False(t, phone.has(`ol.asks input[type="checkbox"]`), "the choice is on the page")
	pictures.judge(phone, "phone-number-alone")
	phone.wrongly(not(number), "That is not the number.")
	require.Equal(t, "received", p.status(p.tpp, id))
	require.True(t, b.here("wait"))
	phone.types(number)
	phone.at("phone", http.StatusOK)

	b.comes("accounts", "Girokonto")
	b.status = http.StatusOK // it has come by itself
	b.choose(giro)
	b.at("consent", http.StatusOK)
	b.holds("This is the last step.", "DE40 1001 0010 3307 1186 08")
	pages.judge(b, "push-consent")
	b.press(approve)
	b.through(id)
	p.shares(id, annaGiro)
	require.Equal(t, []string{"finalised"}, p.scaStatuses(p.tpp, id))
	require.NotContains(t, p.log.String(), giro)
}

// TestBrowserPushRefused: who refuses where they began is asked no longer on the
// phone; who denies there sees it where they began.
func TestBrowserPushRefused(t *testing.T) {
	p := start(t, "sqlite", byPush)
	t.Run("on the page", func(t *testing.T) {
		b := p.in(t).browse()
		id, link := b.create(b.tpp, b.offered())
		b.visit(link)
		b.name("lea")
		phone := b.pickUp("lea")
		b.press(refuse)
		b.at("return", http.StatusOK)
		require.Contains(t, b.where(), "/sandbox/return/nok")
		phone.forgets()
		require.Equal(t, "rejected", b.program.status(b.tpp, id))
		require.Equal(t, []string{"failed"}, b.scaStatuses(b.tpp, id))
	})
	t.Run("on the phone", func(t *testing.T) {
		b := p.in(t).browse()
		id, link := b.create(b.tpp, b.offered())
		b.visit(link)
		b.name("enzo")
		b.pickUp("enzo").press(deny)
		b.comes("return", "rejected")
		require.Contains(t, b.where(), "/sandbox/return/nok")
		require.Equal(t, "rejected", b.program.status(b.tpp, id))
	})
	t.Run("no name", func(t *testing.T) {
		b := p.in(t).browse()
		_, link := b.create(b.tpp, b.offered())
		b.visit(link)
		b.write(psuID, " ")
		b.press(approve)
		b.at("login", http.StatusUnauthorized)
		require.Equal(t, "Your answer was not accepted. You have 2 tries left.", b.read(alert))
		require.Equal(t, "We cannot ask anybody of this name in the app. Please check the user name.", b.read(said))
		p.gallery("psu-", fewViews).judge(b, "push-login-error")
	})
}

// TestBrowserPushNobody: the page does not tell who banks here. It waits for whoever
// is named, until its time is over.
func TestBrowserPushNobody(t *testing.T) {
	p := start(t, "sqlite", byPush)
	texts := map[string]string{}
	var open []*tab
	for _, psu := range []string{"lea", "nobody", "blocked"} {
		b := p.browse()
		_, link := b.create(b.tpp, b.offered())
		b.visit(link)
		number := b.name(psu)
		texts[psu] = strings.ReplaceAll(b.read("main"), number, "42")
		open = append(open, b)
	}
	require.Equal(t, texts["lea"], texts["nobody"])
	require.Equal(t, texts["lea"], texts["blocked"])
	require.Len(t, p.phone("lea").Approvals, 1)
	require.Empty(t, p.phone("blocked").Approvals)
	p.advance("15m")
	for _, b := range open {
		b.comes("problem", "This link has expired")
		b.expect(http.StatusGone)
	}
	require.Empty(t, p.phone("lea").Approvals)
}
