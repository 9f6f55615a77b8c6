package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/sca"
	"consentd/internal/web"
	flow "consentd/pkg/sca"
)

// byBank makes a view one of the bank's own runs.
func byBank(purpose consent.Purpose) func(*sca.View) {
	return func(v *sca.View) {
		v.Purpose, v.TPP, v.Consent, v.Customer, v.ReturnTo = purpose, "", nil, "", "http://example.com/psu"
		if purpose == consent.ForAction {
			v.What = "Stop sharing with Acme Budget"
		}
	}
}

// TestBankAsks: a run without a TPP speaks of none, counts no steps, and says what it is for.
func TestBankAsks(t *testing.T) {
	t.Parallel()
	site := func(v *sca.View) { v.Fields, v.URL = nil, "https://login.bank.example/authorize" }
	for name, c := range map[string]struct {
		page    sca.Page
		purpose consent.Purpose
		says    string
		change  func(*sca.View)
	}{
		"log in":                {sca.PageLogin, consent.ForLogin, "Log in to see who may read data of your accounts at Sandbox Bank", nil},
		"log in elsewhere":      {sca.PageElsewhere, consent.ForLogin, "login.bank.example", site},
		"log in with a code":    {sca.PageFactor, consent.ForLogin, "One more step, and you are logged in at Sandbox Bank.", nil},
		"log in while we wait":  {sca.PageWait, consent.ForLogin, "One moment", pushSent},
		"log in, over":          {sca.PageEnded, consent.ForLogin, "Nothing was changed by it.", nowhere},
		"confirm":               {sca.PageLogin, consent.ForAction, "Please confirm that you want this: Stop sharing with Acme Budget", nil},
		"confirm with a code":   {sca.PageFactor, consent.ForAction, "Please confirm that you want this: Stop sharing with Acme Budget", nil},
		"confirm elsewhere":     {sca.PageElsewhere, consent.ForAction, "Stop sharing with Acme Budget", site},
		"confirm while we wait": {sca.PageWait, consent.ForAction, "Stop sharing with Acme Budget", pushSent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.walks.view = view(c.page, byBank(c.purpose))
			if c.change != nil {
				c.change(b.walks.view)
			}
			page := read(t, b.get(t, ""))
			page.wellMade(t)
			require.Contains(t, page.text, c.says)
			for _, not := range []string{"Request from", "Step ", "shared until", "consent for", "Back to"} {
				require.NotContains(t, page.text, not)
			}
		})
	}
}

// TestBankAsksAndFails: the way back is to the dashboard, and nothing is said of sharing.
func TestBankAsksAndFails(t *testing.T) {
	t.Parallel()
	for _, code := range []consent.Code{
		consent.CodeUsed, consent.CodeStale, consent.CodeExpired, consent.CodeForbidden, consent.CodeCredentials, consent.CodeBlocked, consent.CodeLocked,
	} {
		b := setup(t)
		b.walks.view, b.walks.err = view(sca.PageLogin, byBank(consent.ForLogin)), failure(code)
		page := read(t, b.get(t, ""))
		page.wellMade(t)
		require.Equal(t, "problem", page.attribute("main", "data-page"))
		for _, not := range []string{"shared", "sent you here", "Back to", "approve"} {
			require.NotContains(t, page.text, not, code)
		}
		ways := 0
		for _, n := range page.all("a") {
			if value(n, "href") == "http://example.com/psu" {
				ways++
				require.Equal(t, "Your connected accounts", contents(n))
			}
		}
		require.Equal(t, 1, ways, code)
	}
}

// TestNoWayOutOfLoggingIn: there is nothing to refuse but what a TPP asks, or an act.
func TestNoWayOutOfLoggingIn(t *testing.T) {
	t.Parallel()
	for purpose, ways := range map[consent.Purpose]int{consent.ForLogin: 1, consent.ForAction: 2} {
		b := setup(t)
		b.walks.view = view(sca.PageLogin, byBank(purpose))
		require.Len(t, read(t, b.get(t, "")).named("decision"), ways, purpose)
	}
}

// TestFormActionOfBank: the bank's own runs may lead to its identity provider, and nowhere else.
func TestFormActionOfBank(t *testing.T) {
	t.Parallel()
	b := setup(t, func(s *web.SCA) { s.Onward = []string{"https://id.bank.example"} })
	b.walks.view = view(sca.PageElsewhere, byBank(consent.ForLogin), func(v *sca.View) { v.URL = "https://login.bank.example/authorize" })
	require.Contains(t, b.get(t, "").Header().Get("Content-Security-Policy"), "form-action 'self' https://id.bank.example https://login.bank.example")
	b.walks.view = view(sca.PageFactor, byBank(consent.ForLogin), asksFor(flow.PasskeyGet))
	require.Contains(t, b.get(t, "").Header().Get("Content-Security-Policy"), "script-src 'self'")
}

// TestEnteringTheDashboard: a log-in that has ended well leads to where a session is made.
func TestEnteringTheDashboard(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.walks.view = view(sca.PageEnded, byBank(consent.ForLogin), func(v *sca.View) { v.ReturnTo = "http://example.com/psu/enter/" + handle })
	res := b.get(t, "")
	require.Equal(t, http.StatusSeeOther, res.Code)
	require.Equal(t, "http://example.com/psu/enter/"+handle, res.Header().Get("Location"))
}

// TestEndedSession: whoever was sent to log in is told why, until they answer.
func TestEndedSession(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.walks.view = view(sca.PageLogin, byBank(consent.ForLogin))
	const note = "Your session has ended"
	require.NotContains(t, read(t, b.get(t, "")).text, note)
	b.cookies["consentd-ended"] = "1"
	page := read(t, b.get(t, ""))
	require.Contains(t, page.text, note)
	b.submit(page.hidden(map[string][]string{}))
	require.NotContains(t, read(t, b.get(t, "")).text, note)

	b.cookies["consentd-ended"] = "1"
	b.walks.view = view(sca.PageLogin)
	require.NotContains(t, read(t, b.get(t, "")).text, note, "that is no business of a TPP's page")
}

// TestOwnWordsAreWhole: every page of a bank's own run is in every language.
func TestOwnWordsAreWhole(t *testing.T) {
	t.Parallel()
	for _, lang := range languages {
		b := setup(t)
		b.walks.view = view(sca.PageLogin, byBank(consent.ForAction))
		page := read(t, b.get(t, "?lang="+lang))
		require.Contains(t, page.text, "Stop sharing with Acme Budget")
		require.Equal(t, lang == "en", strings.Contains(page.text, "Please confirm"), lang)
	}
}
