package web_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"consentd/internal/consent"
	"consentd/internal/service/sca"
	"consentd/internal/web"
	flow "consentd/pkg/sca"
)

func TestAnswerIsReadOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.walks.view = view(sca.PageConsent)
	res := b.post(t, url.Values{
		"psuId": {"anna"}, "password": {"sandbox"}, "account": {"A", "B"}, "method": {"SMS_OTP"}, "decision": {"approve"},
	})
	require.Equal(t, http.StatusOK, res.Code)
	require.Equal(t, []sca.Answer{{
		Approve:  true,
		Accounts: []string{"A", "B"},
		Fields:   map[string]string{"psuId": "anna", "password": "sandbox"},
		Method:   "SMS_OTP",
		Step:     2,
	}}, b.walks.answered)
	require.Equal(t, []string{b.cookies["consentd-browser"]}, b.walks.browsers)
	require.Equal(t, b.walks.opened, b.walks.browsers, "opened and answered by one browser")
}

func TestDecisions(t *testing.T) {
	t.Parallel()
	for decision, want := range map[string]sca.Answer{
		"approve": {Approve: true},
		"reject":  {Refuse: true},
		"":        {},
		"APPROVE": {},
		"yes":     {},
	} {
		t.Run("decision "+decision, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.walks.view = view(sca.PageConsent)
			b.post(t, url.Values{"decision": {decision}})
			require.Len(t, b.walks.answered, 1)
			require.Equal(t, want.Approve, b.walks.answered[0].Approve)
			require.Equal(t, want.Refuse, b.walks.answered[0].Refuse)
		})
	}
}

func TestForeignForms(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		headers []string
		change  func(b *bundle, form url.Values)
	}{
		"no token":            {change: func(_ *bundle, f url.Values) { f.Del("csrf") }},
		"wrong token":         {change: func(_ *bundle, f url.Values) { f.Set("csrf", strings.Repeat("A", 43)) }},
		"no cookie":           {change: func(b *bundle, _ url.Values) { clear(b.cookies) }},
		"another cookie":      {change: func(b *bundle, _ url.Values) { b.cookies["consentd-browser"] = strings.Repeat("B", 43) }},
		"a cookie not ours":   {change: func(b *bundle, _ url.Values) { b.cookies["consentd-browser"] = "x" }},
		"another site":        {headers: []string{"Origin", "https://evil.example"}},
		"nowhere":             {headers: []string{"Origin", "null"}},
		"our name elsewhere":  {headers: []string{"Origin", "http://example.com.evil.example"}},
		"another port":        {headers: []string{"Origin", "http://example.com:81"}},
		"no address at all":   {headers: []string{"Origin", "http://%zz"}},
		"token of a neighbor": {change: func(b *bundle, f url.Values) { f.Set("csrf", otherToken(b)) }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.walks.view = viewOfLogin()
			form := read(t, b.get(t, "")).hidden(url.Values{"psuId": {"anna"}, "password": {"sandbox"}})
			if c.change != nil {
				c.change(b, form)
			}
			res := b.submit(form, c.headers...)
			require.Equal(t, http.StatusForbidden, res.Code)
			page := read(t, res)
			require.Equal(t, "problem", page.attribute("main", "data-page"))
			require.Contains(t, page.text, "did not come from this page")
			require.Empty(t, b.walks.answered, "the run stands where it stood")
		})
	}
}

// otherToken is the token of the same browser for another run.
func otherToken(b *bundle) string {
	res := b.send(httptest.NewRequest(http.MethodGet, "/sca/another", nil))
	root, err := html.Parse(res.Body)
	if err != nil {
		return err.Error()
	}
	return document{root: root}.hidden(url.Values{}).Get("csrf")
}

func TestOwnForms(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		origin string
		change func(*web.SCA)
	}{
		"a browser that names no origin": {},
		"our own host":                   {origin: "http://example.com"},
		"https before a proxy":           {origin: "https://example.com"},
		"a configured origin":            {origin: "https://sca.bank.example", change: func(s *web.SCA) { s.Origin = "https://sca.bank.example" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(s *web.SCA) {
				if c.change != nil {
					c.change(s)
				}
			})
			b.walks.view = viewOfLogin()
			var headers []string
			if c.origin != "" {
				headers = []string{"Origin", c.origin}
			}
			require.Equal(t, http.StatusOK, b.post(t, url.Values{}, headers...).Code)
			require.Len(t, b.walks.answered, 1)
		})
	}
}

func TestFormsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind, body string
		status     int
	}{
		"JSON":       {"application/json", `{}`, http.StatusUnsupportedMediaType},
		"no type":    {"", "a=b", http.StatusUnsupportedMediaType},
		"multipart":  {"multipart/form-data; boundary=x", "--x--", http.StatusUnsupportedMediaType},
		"too large":  {"application/x-www-form-urlencoded", "psuId=" + strings.Repeat("x", 16<<10), http.StatusRequestEntityTooLarge},
		"bad escape": {"application/x-www-form-urlencoded", "password=%zz", http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r := httptest.NewRequest(http.MethodPost, "/sca/"+handle, strings.NewReader(c.body))
			res := b.send(r, "Content-Type", c.kind)
			require.Equal(t, c.status, res.Code)
			require.Equal(t, "problem", read(t, res).attribute("main", "data-page"))
			require.Empty(t, b.walks.answered)
		})
	}
}

func TestOpeningChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.walks.view = viewOfLogin()
	first := b.get(t, "")
	require.Len(t, first.Result().Cookies(), 1)
	cookie := first.Result().Cookies()[0]
	require.Equal(t, "consentd-browser", cookie.Name)
	require.Len(t, cookie.Value, 43, "256 bits")
	require.Equal(t, "/", cookie.Path)
	require.True(t, cookie.HttpOnly)
	require.False(t, cookie.Secure, "plain http")
	require.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
	require.Empty(t, b.get(t, "").Result().Cookies(), "it has one already")
	require.Equal(t, []string{cookie.Value, cookie.Value}, b.walks.opened)
	require.Empty(t, b.walks.answered)
}

func TestCookieOverHTTPS(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.https = true
	b.walks.view = viewOfLogin()
	b.cookies["consentd-browser"] = strings.Repeat("A", 43)
	cookies := b.get(t, "?lang=fr").Result().Cookies()
	require.Len(t, cookies, 2)
	require.Equal(t, "__Host-consentd-browser", cookies[0].Name, "the plain one does not count here")
	for _, cookie := range cookies {
		require.True(t, cookie.Secure, cookie.Name)
		require.Equal(t, "/", cookie.Path, cookie.Name)
		require.Empty(t, cookie.Domain, cookie.Name)
	}
}

func TestLeaving(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		view *sca.View
		to   string
	}{
		"back to the TPP":     {view(sca.PageEnded), "https://tpp.example/nok?state=1"},
		"to the TPP's app":    {view(sca.PageEnded, func(v *sca.View) { v.ReturnTo = "acmeapp:back?x=1" }), "acmeapp:back?x=1"},
		"to another alphabet": {view(sca.PageEnded, func(v *sca.View) { v.ReturnTo = "https://bücher.example/" }), "https://b%c3%bccher.example/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.walks.view = c.view
			for _, res := range []*httptest.ResponseRecorder{b.get(t, ""), b.post(t, url.Values{})} {
				require.Equal(t, http.StatusSeeOther, res.Code)
				require.Equal(t, c.to, res.Header().Get("Location"))
			}
		})
	}
}

func TestNotLeaving(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"javascript:alert(1)", "data:text/html,x", "otherapp:x", "/relative", "https://user@tpp.example/", ""} {
		t.Run(to, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.walks.view = view(sca.PageEnded, func(v *sca.View) { v.ReturnTo = to })
			res := b.get(t, "")
			require.NotContains(t, res.Body.String(), "javascript:")
			require.Equal(t, "done", read(t, res).attribute("main", "data-page"))
		})
	}
}

func TestWaitReloads(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.walks.view = view(sca.PageWait, pushSent)
	res := b.get(t, "")
	require.Equal(t, http.StatusAccepted, res.Code)
	require.Equal(t, "3", res.Header().Get("Refresh"))
	page := read(t, res)
	require.Len(t, page.named("decision"), 1)
	require.Equal(t, "reject", value(page.named("decision")[0], "value"))
}

func TestBankDoesNotAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.walks.view = viewOfLogin()
	b.walks.err = consent.E(consent.CodeUnavailable, "x").Because(errors.New("connection refused"))
	res := b.get(t, "")
	require.Equal(t, http.StatusServiceUnavailable, res.Code)
	require.Equal(t, "5", res.Header().Get("Retry-After"))
	require.NotContains(t, res.Body.String(), "connection refused")
	require.Contains(t, b.log.String(), "connection refused")
	require.NotContains(t, b.log.String(), handle)
}

func TestWayBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ to, href string }{
		"a site":            {"https://tpp.example/nok?a=1&b=2", "https://tpp.example/nok?a=1&b=2"},
		"an app":            {"acmeapp://back", "acmeapp://back"},
		"an unknown scheme": {"javascript:alert(1)", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.walks.view = viewOfLogin()
			b.walks.view.ReturnTo, b.walks.err = c.to, failure(consent.CodeExpired)
			page := read(t, b.get(t, ""))
			var found string
			for _, n := range page.all("a") {
				if value(n, "class") == "button" {
					found = value(n, "href")
				}
			}
			require.Equal(t, c.href, found)
		})
	}
}

// TestProblemsTellStrangersNothing: whoever holds a link of another browser must
// not learn from it whose it is.
func TestProblemsTellStrangersNothing(t *testing.T) {
	t.Parallel()
	for _, code := range consent.Codes() {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.walks.view, b.walks.err = view(sca.PageConsent, func(v *sca.View) { v.Hint = "anna" }), failure(code)
			res := b.get(t, "")
			require.GreaterOrEqual(t, res.Code, 400)
			page := read(t, res)
			page.wellMade(t)
			require.Equal(t, "problem", page.attribute("main", "data-page"))
			require.Contains(t, page.text, tpp)
			for _, private := range []string{"anna", "Anna", "DE40", "Savings", "14 May"} {
				require.NotContains(t, res.Body.String(), private)
			}
		})
	}
}

func TestMarkupInNames(t *testing.T) {
	t.Parallel()
	const evil = `<script>alert("x")</script>{{.Say}}`
	for _, st := range stories() {
		if st.view == nil || st.view.Consent == nil {
			continue
		}
		t.Run(st.name, func(t *testing.T) {
			t.Parallel()
			v := *st.view
			v.TPP, v.Message, v.Customer, v.Hint = evil, evil, evil, evil
			c := *v.Consent
			c.Card = consent.Card{Number: evil, Information: evil, Registration: evil}
			v.Consent = &c
			v.Fields = append(append([]flow.Field{}, v.Fields...), flow.Field{Name: `"><script>`, Label: evil})
			v.Methods = []flow.Method{{ID: `"><script>`, Name: evil}}
			v.Offers = append([]sca.Offer{}, v.Offers...)
			for i := range v.Offers {
				v.Offers[i].Account.Name, v.Offers[i].Key = evil, `"><script>`+v.Offers[i].Key
			}
			b := setup(t, func(s *web.SCA) { s.Brand = evil })
			b.walks.view, b.walks.err = &v, st.err
			res := b.post(t, url.Values{"psuId": {`"><script>alert(1)</script>`}})
			body := regexp.MustCompile(`<script src="/psu/assets/passkey\.[0-9a-f]+\.js"></script>`).ReplaceAllString(res.Body.String(), "")
			require.NotContains(t, body, "<script")
			require.Contains(t, read(t, res).text, evil, "shown as it is written")
		})
	}
}
