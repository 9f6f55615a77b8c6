package sandbox_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/sandbox"
	"consentd/internal/service"
	"consentd/pkg/xs2a"
)

// TestEveryPage: what all pages have in common.
func TestEveryPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.recent.list = []*consent.Consent{made(t, "XX-SANDBOX:PSDXX-SANDBOX-ACME", "Acme Money")}
	for path, name := range map[string]string{
		"/":                        "start",
		"/sandbox/recent":          "recent",
		"/sandbox/requests":        "requests",
		"/sandbox/faults":          "faults",
		"/sandbox/tools":           "tools",
		"/sandbox/clock":           "clock",
		"/sandbox/clock/time":      "time",
		"/sandbox/psus":            "people",
		"/sandbox/psus/anna":       "person",
		"/sandbox/return":          "return",
		"/sandbox/return/nok":      "return",
		"/sandbox/psus/lea/phone":  "phone",
		"/?psu=anna&model=x":       "start",
		"/sandbox/return?consent=": "return",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			got := b.page(t, path)
			require.Equal(t, http.StatusOK, got.status, got.body)
			assert.Equal(t, "text/html; charset=UTF-8", got.header.Get("Content-Type"))
			assert.Contains(t, got.body, `<html lang="en">`)
			assert.Contains(t, got.body, `<main data-page="`+name+`">`)
			assert.Contains(t, got.body, `name="viewport" content="width=device-width, initial-scale=1"`)
			assert.Equal(t, 1, strings.Count(got.body, "<h1"), "one heading")
			assert.Regexp(t, `<title>[^<]+</title>`, got.body)
			assert.NotContains(t, got.body, "<script")
			assert.NotContains(t, got.body, "style=")
			assert.NotContains(t, got.body, "http-equiv")
			assert.NotContains(t, got.body, "ZgotmplZ", "nothing was filtered out")

			policy := got.header.Get("Content-Security-Policy")
			for _, rule := range []string{"default-src 'none'", "style-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'self'"} {
				assert.Contains(t, policy, rule)
			}
			assert.Equal(t, "nosniff", got.header.Get("X-Content-Type-Options"))
			assert.Equal(t, "no-store", got.header.Get("Cache-Control"))
		})
	}
}

func TestStyleSheet(t *testing.T) {
	t.Parallel()
	got := setup(t).call(t, http.MethodGet, "/sandbox/style.css", "")
	assert.Equal(t, http.StatusOK, got.status)
	assert.Equal(t, "text/css; charset=utf-8", got.header.Get("Content-Type"))
	assert.Contains(t, got.body, "prefers-color-scheme: dark")
	assert.NotContains(t, got.body, "url(", "nothing is fetched from elsewhere")
}

func TestStartPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := b.page(t, "/").body
	for _, p := range []string{"lea", "enzo", "anna", "omar", "noa", "sarl", "sarl-ceo", "sarl-cfo", "reject", "blocked", "slow"} {
		assert.Contains(t, got, `<option value="`+p+`"`)
		assert.Contains(t, got, `<h3><a href="/sandbox/psus/`+p+`">`+p+`</a></h3>`)
		assert.Contains(t, got, `href="/sandbox/psus/`+p+`/phone"`)
	}
	for _, part := range []string{
		"<code>sandbox</code>", "FR76 1751 5000 9204 0043 0518 020", "−140.00 EUR", "525412******3241", "No account",
		`method="post" action="/sandbox/demo"`, `<a class="button main" href="/tpp">`, `src="/sandbox/recent"`, `src="/sandbox/tools"`,
		`<option value="lea" selected>`, `value="offered" checked`, "the bank refuses to send a code",
		`href="/docs/collections/consentd.postman_collection.json"`, `href="/docs/collections/consentd.http"`, `href="/healthz"`,
	} {
		assert.Contains(t, got, part)
	}
	assert.Less(t, strings.Index(got, ">sarl</a>"), strings.Index(got, `id="steering"`))
	assert.Greater(t, strings.Index(got, ">reject</a>"), strings.Index(got, `id="steering"`), "who steers stands apart")
	assert.Empty(t, b.page(t, "/").header.Get("Refresh"), "nothing loads under the hands of who fills in the form")
}

// TestBar: the same way leads everywhere from each page, and tells where one is.
func TestBar(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for path, here := range map[string]string{
		"/":                       `<a href="/" aria-current="page">Start</a>`,
		"/sandbox/clock":          `<a href="/sandbox/clock" aria-current="page">Clock</a>`,
		"/sandbox/psus":           `<a href="/sandbox/psus" aria-current="page">People</a>`,
		"/sandbox/psus/lea":       `<a href="/sandbox/psus" aria-current="true">People</a>`,
		"/sandbox/psus/lea/phone": `<a href="/sandbox/psus" aria-current="true">People</a>`,
		"/sandbox/return":         "",
	} {
		got := b.page(t, path).body
		assert.Contains(t, got, here, path)
		current := strings.Count(got, "aria-current")
		assert.Equal(t, map[bool]int{true: 1}[here != ""], current, path)
		for _, to := range []string{"/", "/tpp", "/sandbox/requests", "/sandbox/clock", "/sandbox/faults", "/sandbox/psus", "/docs"} {
			assert.Contains(t, got, `<li><a href="`+to+`"`, path)
		}
	}
}

// TestCertificatesOnTheStartPage: how to get some, and where they are asked for.
func TestCertificatesOnTheStartPage(t *testing.T) {
	t.Parallel()
	without := html.UnescapeString(setup(t).page(t, "/").body)
	assert.Contains(t, without, "consentd tpp new --name acme --out acme --sandbox http://127.0.0.1:")
	assert.Contains(t, without, "--tls-listen")
	assert.NotContains(t, without, "consentd tpp call")

	b := setup(t, func(s *sandbox.Sandbox) {
		s.BasePath = "/psd2"
		s.Base = func(*http.Request) string { return sandbox.DefaultURL }
		s.Secure = func(*http.Request) string { return "https://localhost:8443" }
	})
	with := html.UnescapeString(b.page(t, "/?psu=anna").body)
	assert.Contains(t, with, "consentd tpp new --name acme --out acme\nconsentd tpp call POST https://localhost:8443/psd2/v1/consents --tpp acme \\\n")
	assert.Contains(t, with, "-H 'PSU-ID: anna' \\\n  -H 'TPP-Redirect-URI: http://localhost:8080/sandbox/return' \\\n  --body '{")
	for _, link := range []string{"/sandbox/tpps", "/sandbox/tpps/demo", "/sandbox/ca.pem", "/sandbox/ca.crl"} {
		assert.Contains(t, with, `href="`+link+`"`)
	}
}

// command takes the request apart that the start page offers to paste.
func command(t *testing.T, page string) (string, http.Header, xs2a.ConsentsRequest) {
	t.Helper()
	pre := regexp.MustCompile(`(?s)<pre[^>]*><code>(curl.*?)</code>`).FindStringSubmatch(page)
	require.NotNil(t, pre)
	text := strings.ReplaceAll(html.UnescapeString(pre[1]), "\\\n", "")
	target := regexp.MustCompile(`^curl -i (\S+)`).FindStringSubmatch(text)
	require.NotNil(t, target)
	headers := http.Header{}
	for _, h := range regexp.MustCompile(`-H '([^:']+): ([^']+)'`).FindAllStringSubmatch(text, -1) {
		headers.Set(h[1], h[2])
	}
	data := regexp.MustCompile(`(?s)-d '([^']+)'$`).FindStringSubmatch(text)
	require.NotNil(t, data, text)
	var body xs2a.ConsentsRequest
	require.NoError(t, json.Unmarshal([]byte(data[1]), &body))
	return target[1], headers, body
}

func TestCommandToPaste(t *testing.T) {
	t.Parallel()
	b := setup(t)
	anna := []xs2a.AccountReference{
		{IBAN: "DE40100100103307118608", Currency: "EUR"},
		{IBAN: "DE02100100109307118603", Currency: "EUR"},
		{IBAN: "DE02100100109307118603", Currency: "USD"},
		{MaskedPAN: "525412******3241", Currency: "EUR"},
	}
	for query, c := range map[string]struct {
		psu  string
		refs []xs2a.AccountReference
	}{
		"":                         {"lea", []xs2a.AccountReference{}},
		"psu=anna&model=dedicated": {"anna", anna},
		"psu=anna&model=offered":   {"anna", []xs2a.AccountReference{}},
		"psu=noa&model=dedicated":  {"noa", []xs2a.AccountReference{}},
		"psu=eve&model=evil":       {"lea", []xs2a.AccountReference{}},
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			target, headers, body := command(t, b.page(t, "/?"+query).body)
			assert.Equal(t, b.url+"/v1/consents", target)
			assert.Regexp(t, `^[0-9a-f-]{36}$`, headers.Get("X-Request-ID"))
			headers.Del("X-Request-ID")
			assert.Equal(t, http.Header{
				"Content-Type": {"application/json"}, "Psu-Ip-Address": {"192.0.2.7"}, "Psu-Id": {c.psu},
				"Tpp-Redirect-Uri": {b.url + "/sandbox/return"}, "Tpp-Nok-Redirect-Uri": {b.url + "/sandbox/return/nok"},
			}, headers)
			assert.Equal(t, xs2a.ConsentsRequest{
				Access:             xs2a.AccountAccess{Accounts: c.refs, Balances: c.refs, Transactions: c.refs},
				RecurringIndicator: true, ValidUntil: "2026-08-02", FrequencyPerDay: 4,
			}, body)
		})
	}
}

func TestGreeting(t *testing.T) {
	t.Parallel()
	bank, clock := newBank()
	s := &sandbox.Sandbox{Bank: bank, Clock: clock}
	got, err := s.Greeting(t.Context(), "http://localhost:8080", "https://localhost:8443")
	require.NoError(t, err)
	for _, part := range []string{
		"http://localhost:8080/\n", "curl -i http://localhost:8080/v1/consents", `"sandbox"`, "sarl-cfo", "/sandbox/psus/anna/phone",
		"https://localhost:8443, with what `consentd tpp new --name acme --out acme` writes\n",
	} {
		assert.Contains(t, got, part)
	}
	got, err = s.Greeting(t.Context(), "http://localhost:8081", "https://localhost:8444")
	require.NoError(t, err)
	assert.Contains(t, got, "--out acme --sandbox http://localhost:8081`")
	got, err = s.Greeting(t.Context(), "http://localhost:8081", "")
	require.NoError(t, err)
	assert.NotContains(t, got, "tpp new")
}

// TestDemo: the button does what the command does, and brings the browser to
// the bank; on its way back the page knows which consent it was about.
func TestDemo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.api.status = xs2a.Valid
	form := []string{"Content-Type", "application/x-www-form-urlencoded", "Origin", b.url}
	got := b.call(t, http.MethodPost, "/sandbox/demo", "psu=anna&model=dedicated", form...)
	require.Equal(t, http.StatusSeeOther, got.status, got.body)
	assert.Equal(t, b.url+handle, got.header.Get("Location"))
	assert.Len(t, b.api.got.Access.Accounts, 4)
	assert.Equal(t, "anna", b.api.headers.Get("PSU-ID"))

	back, err := url.Parse(b.api.headers.Get("TPP-Redirect-URI"))
	require.NoError(t, err)
	nok, err := url.Parse(b.api.headers.Get("TPP-Nok-Redirect-URI"))
	require.NoError(t, err)
	b.recent.list = []*consent.Consent{made(t, "XX-SANDBOX:PSDXX-SANDBOX-ACME", "Acme Money")}
	b.recent.list[0].ID[0]++ // somebody else's consent came meanwhile

	page := b.page(t, back.RequestURI()).body
	assert.Contains(t, page, "/v1/consents/"+consentID)
	assert.Contains(t, page, "Back at Demo TPP")
	assert.Contains(t, page, `<span class="status valid">valid</span>`)
	assert.NotContains(t, page, "negative result")
	assert.Contains(t, b.page(t, nok.RequestURI()).body, "after a negative result")

	stale := b.page(t, "/sandbox/return?demo=another").body
	assert.NotContains(t, stale, consentID, "what a former run left behind is not taken for this one's")
}

func TestDemoFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.api.refuses = true
	got := b.call(t, http.MethodPost, "/sandbox/demo", "psu=lea", "Content-Type", "application/x-www-form-urlencoded")
	assert.Equal(t, http.StatusBadGateway, got.status)
	assert.Contains(t, got.body, "400 FORMAT_ERROR: validUntil lies in the &lt;past&gt; (validUntil)")

	foreign := b.call(t, http.MethodPost, "/sandbox/demo", "psu=lea", "Content-Type", "application/x-www-form-urlencoded", "Origin", "https://evil.example")
	assert.Equal(t, http.StatusForbidden, foreign.status)
}

func TestReturnPage(t *testing.T) {
	t.Parallel()
	for status, c := range map[xs2a.ConsentStatus]struct{ says, refresh string }{
		xs2a.Received:            {"Nobody has authorised it yet", "5"},
		xs2a.PartiallyAuthorised: {"another one must", "5"},
		xs2a.Valid:               {"It is in force", ""},
		xs2a.Rejected:            {"said no", ""},
		xs2a.RevokedByPsu:        {"withdrawn", ""},
		xs2a.Expired:             {"Its time is over", ""},
		xs2a.TerminatedByTpp:     {"The TPP has ended it", ""},
		xs2a.TerminatedByAspsp:   {"The bank has ended it", ""},
	} {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.api.status = status
			b.recent.list = []*consent.Consent{made(t, "XX-SANDBOX:PSDXX-SANDBOX-ACME", "Acme Money")}
			for _, path := range []string{"/sandbox/return", "/sandbox/return?consent=" + consentID} {
				got := b.page(t, path)
				assert.Contains(t, got.body, c.says)
				assert.Contains(t, got.body, "Back at Acme Money")
				assert.Contains(t, got.body, `&#34;consentStatus&#34;: &#34;`+string(status))
				assert.Equal(t, c.refresh, got.header.Get("Refresh"))
				assert.Equal(t, "acme", b.api.headers.Get(sandbox.HeaderTPP), "read as its TPP")
			}
		})
	}
}

// TestReturnPageOfFunds reads the other kind of consent where that is found.
func TestReturnPageOfFunds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.api.status = xs2a.Valid
	funds := made(t, "XX-SANDBOX:PSDXX-SANDBOX-ACME", "Acme Money")
	funds.Kind = consent.FundsConfirmation
	b.recent.list = []*consent.Consent{funds}
	got := b.page(t, "/sandbox/return")
	assert.Equal(t, http.StatusOK, got.status)
	assert.Contains(t, got.body, "/v2/consents/confirmation-of-funds/"+consentID)
	assert.Contains(t, got.body, "POST /v1/funds-confirmations")
	assert.NotContains(t, got.body, "may be read")
}

// TestReturnPageIsNotCertain: with two consents, an address without a mark names
// neither.
func TestReturnPageIsNotCertain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 10 {
		c := made(t, "XX-SANDBOX:PSDXX-SANDBOX-ACME", "Acme Money")
		c.ID[0] += byte(i)
		b.recent.list = append(b.recent.list, c)
	}
	require.NoError(t, b.recent.list[1].Terminate(start()))
	for _, path := range []string{"/sandbox/return", "/sandbox/return/nok"} {
		got := b.page(t, path)
		assert.Contains(t, got.body, "does not say which consent this is about")
		assert.Contains(t, got.body, "Back at the TPP")
		assert.NotContains(t, got.body, "The consent is")
		assert.Equal(t, 7, strings.Count(got.body, `<span class="status received">`), "the last eight")
		assert.Equal(t, 1, strings.Count(got.body, `<span class="status revoked">`))
		assert.Contains(t, got.body, `href="/sandbox/return?consent=`+consentID+`"`)
		assert.Equal(t, "5", got.header.Get("Refresh"), "one of them may change")
	}
	assert.Nil(t, b.api.headers, "none was read")
}

// TestReturnCommand: the command needs no other program, and no two are alike.
func TestReturnCommand(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.recent.list = []*consent.Consent{made(t, "XX-SANDBOX:PSDXX-SANDBOX-ACME", "Acme Money")}
	pattern := regexp.MustCompile(`<code>curl (\S+) \\\n  -H 'X-Request-ID: ([0-9a-f-]{36})' \\\n  -H 'X-Sandbox-TPP: acme'</code>`)
	first := pattern.FindStringSubmatch(html.UnescapeString(b.page(t, "/sandbox/return").body))
	second := pattern.FindStringSubmatch(html.UnescapeString(b.page(t, "/sandbox/return").body))
	require.NotNil(t, first)
	require.NotNil(t, second)
	assert.Equal(t, b.url+"/v1/consents/"+consentID, first[1])
	assert.NotEqual(t, first[2], second[2])
}

func TestReturnPageWithoutConsent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	assert.Contains(t, b.page(t, "/sandbox/return").body, "There is no consent yet")
	got := b.page(t, "/sandbox/return?consent=unknown")
	assert.Equal(t, http.StatusBadGateway, got.status)
	assert.Contains(t, got.body, "403 CONSENT_UNKNOWN: no such consent")
}

func TestRecentPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := b.page(t, "/sandbox/recent")
	assert.Contains(t, got.body, "None yet")
	assert.Equal(t, "10", got.header.Get("Refresh"))

	pending, ended := made(t, "XX-SANDBOX:PSDXX-SANDBOX-DEMO", "Demo <TPP>"), made(t, "XX-SANDBOX:PSDXX-SANDBOX-DEMO", "Demo TPP")
	ended.Recurring, ended.Access.Scope = false, consent.ScopeDedicated
	require.NoError(t, ended.Terminate(start()))
	b.recent.list = []*consent.Consent{pending, ended}
	got = b.page(t, "/sandbox/recent")
	assert.Contains(t, got.body, `<span class="status received">received</span>`)
	assert.Contains(t, got.body, "<strong>Demo &lt;TPP&gt;</strong>: accounts of the PSU&#39;s choice, until 2026-08-02")
	assert.Contains(t, got.body, `<span class="status revoked">revoked</span>`)
	assert.Contains(t, got.body, "named accounts, once")
	assert.Contains(t, got.body, `href="/sandbox/return?consent=`+consentID+`"`)
	assert.Equal(t, "3", got.header.Get("Refresh"), "something is under way")

	require.NoError(t, b.clock.Advance(25*time.Hour))
	got = b.page(t, "/sandbox/recent")
	assert.Contains(t, got.body, "rejected", "shown as it stands by the sandbox's clock")
	assert.Equal(t, "10", got.header.Get("Refresh"))
}

func TestPhonePage(t *testing.T) {
	t.Parallel()
	b := setup(t, waits(map[string]bool{"222222": true}))
	assert.Contains(t, b.page(t, "/sandbox/psus/lea/phone").body, "No messages yet")
	for _, code := range []string{"111111", "222222"} {
		_, err := b.bank.SendCode(t.Context(), service.CodeMessage{PSU: "lea", Key: code, Code: code, Text: code + " is <your> code"})
		require.NoError(t, err)
	}
	got := b.page(t, "/sandbox/psus/lea/phone")
	assert.Equal(t, "4; url=/sandbox/psus/lea/phone", got.header.Get("Refresh"))
	assert.Contains(t, got.body, "111111 is &lt;your&gt; code")
	assert.Less(t, strings.Index(got.body, "222222"), strings.Index(got.body, "111111"), "the newest on top")
	assert.Contains(t, got.body, `<span class="unseen">Code: </span>222222`)
	assert.Contains(t, got.body, `<span class="unseen">Past code: </span>111111`)
	require.NoError(t, b.clock.Advance(5*time.Minute))
	assert.Equal(t, 2, strings.Count(b.page(t, "/sandbox/psus/lea/phone").body, "Past code: "))
}
