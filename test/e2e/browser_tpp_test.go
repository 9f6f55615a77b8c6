package e2e

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/app"
)

// What a visitor finds at the demo TPP.
const (
	askFor   = "form.wish p.actions button.main"
	goToBank = "#go"
	nextStep = "section.next button.main"
	toData   = `section.next a[href$="/data"]`
	answered = ".exchange .answered"
)

// begins fills the demo TPP's form by a preset, and sends it.
func (b *tab) begins(preset string) {
	b.t.Helper()
	b.visit(b.base + "/tpp")
	b.at("tpp-new", http.StatusOK)
	b.press(fmt.Sprintf(`.presets a[href="/tpp?preset=%s"]`, preset))
	b.at("tpp-new", http.StatusOK)
	b.press(askFor)
}

// reads presses one of the buttons for account data, and asserts how the bank
// answered.
func (b *tab) reads(what string, status int) {
	b.t.Helper()
	b.press(fmt.Sprintf("button[name=read][value=%q]", what))
	b.at("tpp-data", http.StatusOK)
	require.Equal(b.t, strconv.Itoa(status), ask[string](b, `document.querySelector("section[data-status]").dataset.status`), b.read("main"))
}

// TestBrowserTPP is the demo TPP from the first click to the transactions, by
// redirect.
func TestBrowserTPP(t *testing.T) {
	p := start(t, "sqlite")
	pictures := p.gallery("tpp-", allViews)
	b := p.browse()
	b.visit(b.base + "/tpp")
	pictures.judge(b, "new")
	b.begins("usual")
	b.at("tpp-consent", http.StatusOK)
	require.Equal(t, "received", b.read(".status"))
	b.holds("Ask for a consent", "Signature:", "TPP-Signature-Certificate:", "scaRedirect", "ASPSP-SCA-Approach")
	require.Contains(t, b.read("footer"), p.secure, "by mutual TLS")
	pictures.judge(b, "consent")

	b.press(goToBank)
	b.at("login", http.StatusOK)
	b.login("anna", "sandbox")
	b.choose(giro)
	b.at("consent", http.StatusOK)
	b.press(approve)
	b.at("factor", http.StatusOK)
	b.confirm("anna")
	b.at("tpp-return", http.StatusOK)
	require.Equal(t, []string{"valid", "finalised"}, []string{b.read(".status"), b.read(".sca")}, b.read("main"))
	pictures.judge(b, "return")

	b.press(toData)
	b.at("tpp-data", http.StatusOK)
	b.reads("list accounts", http.StatusOK)
	b.holds("Girokonto", "DE40 1001 0010 3307 1186 08")
	require.Equal(t, 1, b.count("tbody tr"), "the one that was chosen")
	b.reads("balances accounts r31", http.StatusOK)
	b.write(`[name="from.r31"]`, p.today(-700))
	b.reads("transactions accounts r31", http.StatusOK)
	require.Greater(t, b.count("tbody tr"), 5)
	pictures.judge(b, "transactions")
	first := b.read("tbody")
	b.reads("page next", http.StatusOK)
	require.NotEqual(t, first, b.read("tbody"))
	b.reads("page previous", http.StatusOK)
	require.Equal(t, first, b.read("tbody"))
	b.reads("list trusted-beneficiaries", http.StatusUnauthorized)
	b.holds("CONSENT_INVALID", "The consent does not allow this")
	b.exhaust()
	pictures.judge(b, "exceeded")
	b.press(`section[data-status] a[href^="/sandbox/requests?requestId="]`)
	b.at("request", http.StatusOK)
	b.holds("/v1/accounts/r31/balances", "429")

	b.visit(b.base + "/tpp/log")
	b.at("tpp-log", http.StatusOK)
	require.Greater(t, b.count(".exchange"), 10)
	pictures.judge(b, "log")
	require.NotContains(t, p.log.String(), giro)
}

// exhaust reads balances without the PSU until it was too often.
func (b *tab) exhaust() {
	b.t.Helper()
	b.tick(`[name="present"][value="false"]`)
	for range 4 {
		b.reads("balances accounts r31", http.StatusOK)
		require.True(b.t, b.checked(`[name="present"][value="false"]`))
	}
	b.reads("balances accounts r31", http.StatusTooManyRequests)
	b.holds("ACCESS_EXCEEDED", "Too often without the customer")
}

// TestBrowserTPPDecoupled has the PSU approve on the phone while the page waits.
func TestBrowserTPPDecoupled(t *testing.T) {
	p := start(t, "sqlite")
	b := p.browse()
	b.begins("decoupled")
	b.at("tpp-consent", http.StatusOK)
	b.comes("tpp-consent", "Your number there is")
	p.gallery("tpp-", fewViews).judge(b, "wait")
	number := twoDigits.FindString(b.read(".psu-message"))
	phone := p.pickUp("lea")
	phone.types(number)
	phone.at("phone", http.StatusOK)
	b.comes("tpp-consent", "It is in force.")
	b.status = http.StatusOK // it has come by itself
	b.press(toData)
	b.at("tpp-data", http.StatusOK)
	b.reads("list accounts", http.StatusOK)
	b.holds("Compte courant", "Compte joint")
	b.write(`[name="from.r2"]`, p.today(-60))
	b.reads("transactions accounts r2", http.StatusOK)
	require.Positive(t, b.count("tbody tr"))
}

// TestBrowserTPPMistakes sends what is wrong because the visitor insists, and looks
// for what is not there.
func TestBrowserTPPMistakes(t *testing.T) {
	p := start(t, "sqlite")
	pictures := p.gallery("tpp-", fewViews)
	b := p.browse()
	b.begins("wrong")
	b.at("tpp-new", http.StatusUnprocessableEntity)
	b.holds("validUntil is over.", "PSU-IP-Address is required.")
	pictures.judge(b, "flawed")
	b.press(`button[name="anyway"]`)
	b.at("tpp-new", http.StatusOK)
	require.Equal(t, "400 Bad Request", b.read(answered))
	b.holds("FORMAT_ERROR", "Header.PSU-IP-Address")
	require.Equal(t, "99", b.value("#frequency"), "the form is as it was")
	pictures.judge(b, "refused")

	b.visit(b.base + "/tpp/consents/99")
	b.at("tpp-problem", http.StatusNotFound)
	pictures.judge(b, "problem")
	b.visit(b.base + "/tpp/return?state=somebody-elses")
	b.at("tpp-problem", http.StatusNotFound)
}

// TestBrowserTPPRefused comes back by the address for a negative result.
func TestBrowserTPPRefused(t *testing.T) {
	b := start(t, "sqlite").browse()
	b.begins("named")
	b.at("tpp-consent", http.StatusOK)
	b.press(goToBank)
	b.at("login", http.StatusOK)
	b.login("lea", "sandbox")
	b.at("consent", http.StatusOK)
	b.press(refuse)
	b.at("tpp-return", http.StatusOK)
	require.Contains(t, b.where(), "/tpp/return/nok?state=")
	require.Equal(t, "rejected", b.read(".status"))
	b.holds("to the address for a negative result")
	require.False(t, b.has("section.next"))
}

// TestBrowserTPPConfirmation hands in the code that came back with the browser.
func TestBrowserTPPConfirmation(t *testing.T) {
	b := start(t, "sqlite", confirmed).browse()
	b.begins("named")
	b.press(goToBank)
	b.at("login", http.StatusOK)
	b.login("lea", "sandbox")
	b.at("consent", http.StatusOK)
	b.press(approve)
	b.at("factor", http.StatusOK)
	b.confirm("lea")
	b.at("tpp-return", http.StatusOK)
	require.Equal(t, []string{"received", "unconfirmed"}, []string{b.read(".status"), b.read(".sca")})
	b.press(nextStep)
	b.at("tpp-consent", http.StatusOK)
	require.Equal(t, []string{"valid", "finalised"}, []string{b.read(".status"), b.read(".sca")})
	b.holds(`"confirmationCode": "••••••"`)
}

// TestTPPWithoutBrowser carries an embedded authorisation through, without a
// listener with TLS.
func TestTPPWithoutBrowser(t *testing.T) {
	p := start(t, "sqlite", offering("embedded"), func(o *app.SandboxOptions) { o.TLSListen = "off" })
	u := p.open(p.base + "/tpp?preset=embedded")
	u.at("tpp-new", http.StatusOK)
	require.Contains(t, u.body, "X-Sandbox-TPP")
	u.submits("/tpp/consents", "psu=omar", "corporate=", "model=dedicated", "redirect=false", "decoupled=false", "list.accounts="+omarIBAN, "list.balances="+omarIBAN, "list.transactions="+omarIBAN)
	consent := strings.TrimPrefix(u.link, p.base)
	u.next("password")
	u.submits(consent+"/password", "password="+wrongPassword)
	u.next("password")
	require.Contains(t, u.body, "PSU_CREDENTIALS_INVALID")
	u.submits(consent+"/password", "password=sandbox")
	u.next("method")
	u.submits(consent+"/method", "method=SMS_OTP")
	u.next("code")
	code := p.code("omar")
	u.submits(consent+"/code", "code="+code)
	u.next("read")
	u.submits(consent+"/data", "read=list accounts", "present=true")
	u.at("tpp-data", http.StatusOK)
	require.Contains(t, u.body, "AE07 0331 2345 6789 0123 456")
	u.link = p.base + "/tpp/log"
	u.look()
	require.Contains(t, u.body, "PUT "+p.base+"/v1/consents/")
	for _, secret := range []string{wrongPassword, `"password": "sandbox"`, code} {
		require.NotContains(t, u.body, secret)
	}
	u.submits(consent + "/delete")
	require.Contains(t, u.body, "terminatedByTpp")
	require.NotContains(t, u.body, "data-next")
}

// TestTPPReads reads everything that there is to read.
func TestTPPReads(t *testing.T) {
	p := start(t, "sqlite", offering("embedded"))
	u := p.open(p.base + "/tpp?preset=everything&psu=anna")
	u.submits("/tpp/consents", "redirect=", "decoupled=", "model=allPsd2", "owner=true", "recurring=true")
	consent := strings.TrimPrefix(u.link, p.base)
	u.submits(consent+"/password", "password=sandbox")
	u.submits(consent+"/code", "code="+p.code("anna"))
	u.next("read")
	read := func(status int, what string, words ...string) {
		t.Helper()
		u.submits(consent+"/data", "read="+what, "present=true", "balances=true", "from.r31="+p.today(-90), "from.r34="+p.today(-90), "booking.r31=both")
		u.at("tpp-data", http.StatusOK)
		for _, word := range append(words, `data-status="`+strconv.Itoa(status)+`"`) {
			require.Contains(t, u.body, word, what)
		}
	}
	read(http.StatusOK, "list accounts", "DE02 1001 0010 9307 1186 03", "ANNA SANDBOXD", "2310.18 EUR")
	read(http.StatusOK, "list card-accounts", "525412******3241")
	read(http.StatusOK, "details accounts r31", "Girokonto")
	read(http.StatusOK, "details card-accounts r34", "Kreditkarte")
	read(http.StatusOK, "balances card-accounts r34", "<td>", "−73.25 EUR")
	read(http.StatusOK, "transactions card-accounts r34", "<tbody>")
	read(http.StatusOK, "transactions accounts r31", "<tbody>", "<option selected>both")
	one := regexp.MustCompile(`value="(transaction accounts r31 [^"]+)"`).FindStringSubmatch(u.body)
	require.NotNil(t, one)
	read(http.StatusOK, one[1], "The details of one transaction.")
	read(http.StatusOK, "list trusted-beneficiaries", "Whom the customer pays")
	read(http.StatusNotFound, "details accounts r1", "RESOURCE_UNKNOWN", "There is no such resource")
	u.link = p.base + consent + "/data"
	u.send("read=anything else")
	u.at("tpp-problem", http.StatusBadRequest)
}

// TestTPPSigners has the two signers of a company authorise, one after the other, at
// a bank that takes signed requests only, below a path of its own.
func TestTPPSigners(t *testing.T) {
	p := start(t, "sqlite", func(o *app.SandboxOptions) { o.Strict, o.BasePath = true, "/psd2" })
	u := p.open(p.base + "/tpp?preset=signers")
	u.submits("/tpp/consents", "corporate="+sarlID, "explicit=true", "redirect=", "decoupled=", "model=dedicated", "list.accounts="+sarlIBAN, "list.balances="+sarlIBAN, "list.transactions="+sarlIBAN)
	consent := strings.TrimPrefix(u.link, p.base)
	for _, step := range [][2]string{{"sarl-ceo", "again"}, {"sarl-cfo", "read"}} {
		u.submits(consent+"/start", "psu="+step[0])
		u.next("redirect")
		u.link = p.base + consent + "/bank"
		u.look()
		u.link = p.authorise(u.to, step[0], "").to
		u.look()
		u.at("tpp-return", http.StatusOK)
		require.Contains(t, u.body, `data-next="`+step[1]+`"`)
	}
	u.submits(consent + "/authorisations")
	require.Contains(t, u.body, "Authorisations so far: 2")
	u.submits(consent + "/content")
	require.Contains(t, u.body, "lastActionDate")
}

// TestTPPFunds asks whether amounts are available.
func TestTPPFunds(t *testing.T) {
	p := start(t, "sqlite")
	u := p.open(p.base + "/tpp?preset=funds&psu=enzo")
	u.submits("/tpp/consents", "redirect=", "decoupled=")
	consent := strings.TrimPrefix(u.link, p.base)
	u.next("redirect")
	u.link = p.base + consent + "/bank"
	u.look()
	u.link = p.authorise(u.to, "enzo", "").to
	u.look()
	u.at("tpp-return", http.StatusOK)
	for amount, words := range map[string]string{"10.00": "The amount is available.", "10.01": "The amount is not available."} {
		u.submits(consent+"/funds", "amount="+amount, "currency=EUR")
		require.Contains(t, u.body, words)
	}
	u.submits(consent + "/content")
	u.submits(consent + "/delete")
	require.Contains(t, u.body, "terminatedByTpp")
}

// submits sends a form to a path and follows to the page that shows what came of it.
func (u *psu) submits(path string, pairs ...string) {
	u.t.Helper()
	u.link = u.base + path
	u.send(pairs...)
	require.Equal(u.t, http.StatusSeeOther, u.status, u.body)
	u.link = u.base + u.to
	u.look()
}

// next asserts what the demo TPP says is to be done.
func (u *psu) next(step string) {
	u.t.Helper()
	u.at("tpp-consent", http.StatusOK)
	require.Contains(u.t, u.body, `data-next="`+step+`"`)
}

// TestTPPBehindProxy follows links that name the proxy in front of the sandbox, which
// the demo TPP itself does not need.
func TestTPPBehindProxy(t *testing.T) {
	for name, listener := range map[string]string{"with certificates": "127.0.0.1:0", "without": "off"} {
		t.Run(name, func(t *testing.T) {
			const public = "https://sandbox.bank.example"
			p := start(t, "sqlite", offering("embedded"), func(o *app.SandboxOptions) {
				o.TLSListen, o.PublicURL, o.BasePath = listener, public, "/psd2"
			})
			u := p.open(p.base + "/tpp?preset=everything&psu=anna")
			u.submits("/tpp/consents", "redirect=", "decoupled=", "model=allPsd2", "recurring=true")
			consent := strings.TrimPrefix(u.link, p.base)
			u.submits(consent+"/password", "password=sandbox")
			u.submits(consent+"/code", "code="+p.code("anna"))
			u.next("read")
			for _, read := range []string{"list accounts", "transactions accounts r31", "page next", "page previous"} {
				u.submits(consent+"/data", "read="+read, "present=true", "from.r31="+p.today(-700), "booking.r31=booked")
				u.at("tpp-data", http.StatusOK)
				require.Contains(t, u.body, `data-status="200"`, read)
			}
			require.Contains(t, u.body, public+"/psd2/v1/accounts/r31/transactions?")
		})
	}
}
