package web_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/sca"
	flow "consentd/pkg/sca"
)

// show renders one view, in English.
func show(t *testing.T, v *sca.View) document {
	t.Helper()
	b := setup(t)
	b.walks.view = v
	return read(t, b.get(t, ""))
}

func TestLoginPage(t *testing.T) {
	t.Parallel()
	page := show(t, view(sca.PageLogin, func(v *sca.View) { v.Hint = "anna" }))
	user, password := page.named("psuId")[0], page.named("password")[0]
	require.Equal(t, "anna", value(user, "value"))
	require.Equal(t, "username", value(user, "autocomplete"))
	require.Equal(t, "none", value(user, "autocapitalize"))
	require.Equal(t, "password", value(password, "type"))
	require.Equal(t, "current-password", value(password, "autocomplete"))
	require.Empty(t, value(password, "value"))
	decisions := page.named("decision")
	require.Equal(t, "approve", value(decisions[0], "value"), "the first button is what the Enter key presses")
	require.Equal(t, "reject", value(decisions[1], "value"))
	require.True(t, has(decisions[1], "formnovalidate"), "cancelling needs no password")
	require.Contains(t, page.text, "Request from "+tpp)
}

// TestSteps: along a way the number of steps stays, whatever kind of way it turns
// out to be. Where it cannot be known yet, none is told.
func TestSteps(t *testing.T) {
	t.Parallel()
	named := access(consent.Access{Scope: consent.ScopeDedicated})
	chosen := access(consent.Access{Scope: consent.ScopeBankOffered, Grants: []consent.Grant{{}}})
	known := func(v *sca.View) { v.Customer = "Anna Sandbox" }
	for name, way := range map[string][]struct {
		view *sca.View
		want string
	}{
		"password and code": {
			{view(sca.PageLogin), ""},
			{view(sca.PageAccounts), "Step 2 of 4"},
			{view(sca.PageConsent), "Step 3 of 4"},
			{view(sca.PageFactor, known), "Step 4 of 4"},
			{view(sca.PageWait, known), ""},
		},
		"named accounts": {
			{view(sca.PageLogin, named), ""},
			{view(sca.PageConsent, named), "Step 2 of 3"},
			{view(sca.PageFactor, named, known), "Step 3 of 3"},
		},
		"the second who signs": {
			{view(sca.PageLogin, chosen), ""},
			{view(sca.PageConsent, chosen), "Step 2 of 3"},
			{view(sca.PageFactor, chosen, known), "Step 3 of 3"},
		},
		"one trip to an identity provider": {
			{view(sca.PageElsewhere, named, sentTo(idp)), ""},
			{view(sca.PageConsent, named, lastStep), "Step 2 of 2"},
		},
		"in the app": {
			{view(sca.PageLogin), ""},
			{view(sca.PageWait), ""},
			{view(sca.PageAccounts, lastStep), "Step 2 of 3"},
			{view(sca.PageConsent, lastStep), "Step 3 of 3"},
		},
		"a trip for the factor": {
			{view(sca.PageLogin, named), ""},
			{view(sca.PageConsent, named), "Step 2 of 3"},
			{view(sca.PageElsewhere, named, known, sentTo(idp)), "Step 3 of 3"},
		},
	} {
		for i, at := range way {
			page := show(t, at.view)
			if at.want == "" {
				require.NotContains(t, page.text, "Step ", "%s, page %d", name, i)
				continue
			}
			require.Contains(t, page.text, at.want, "%s, page %d", name, i)
		}
	}
}

func TestWrongPassword(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.walks.view, b.walks.err = view(sca.PageLogin, wrong(1)), failure(consent.CodeCredentials)
	res := b.post(t, url.Values{"psuId": {"ana"}, "password": {"secret1"}})
	require.Equal(t, http.StatusUnauthorized, res.Code)
	page := read(t, res)
	require.Contains(t, page.text, "You have 1 try left.")
	require.Equal(t, "ana", value(page.named("psuId")[0], "value"), "what was typed can be mended")
	require.NotContains(t, res.Body.String(), "secret1")
	for _, name := range []string{"psuId", "password"} {
		require.Equal(t, "true", value(page.named(name)[0], "aria-invalid"))
		require.Equal(t, "error", value(page.named(name)[0], "aria-describedby"))
	}
	require.Contains(t, page.all("title")[0].FirstChild.Data, "Error: ")
	require.Equal(t, "alert", page.role("error"))
}

// TestWrongName: a page that asks for no password says nothing of one.
func TestWrongName(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.walks.view, b.walks.err = view(sca.PageLogin, nameOnly, wrong(2)), failure(consent.CodeCredentials)
	page := read(t, b.post(t, url.Values{"psuId": {"ana"}}))
	require.Contains(t, page.text, "Your answer was not accepted. You have 2 tries left.")
	require.Contains(t, page.text, "Nothing is shared with Acme Budget until you approve.")
	require.NotContains(t, page.text, "password is wrong")
	require.NotContains(t, page.text, "see your password")
}

func (d document) role(id string) string {
	for _, n := range d.all("*") {
		if value(n, "id") == id {
			return value(n, "role")
		}
	}
	return ""
}

func TestAccountsPage(t *testing.T) {
	t.Parallel()
	page := show(t, view(sca.PageAccounts, wrong(3)))
	var keys []string
	for _, n := range page.named("account") {
		require.Equal(t, "checkbox", value(n, "type"))
		require.False(t, has(n, "checked"), "the PSU chooses, not we")
		keys = append(keys, value(n, "value"))
	}
	require.Equal(t, []string{"DE40100100103307118608", "DE02100100109307118603/EUR", "DE02100100109307118603/USD", "525412******3241"}, keys)
	for _, words := range []string{
		"DE40 1001 0010 3307 1186 08 · EUR", "5254 12** **** 3241", "Travel money",
		"You have not chosen an account.", "Transactions, with", "Account holder: Anna Sandbox",
	} {
		require.Contains(t, page.text, words)
	}
	require.Len(t, page.all("fieldset"), 1)
	require.Len(t, page.all("legend"), 1)
}

func TestConsentPage(t *testing.T) {
	t.Parallel()
	everything := []string{"details", "Balances", "Transactions", "Name of the account holder", "trusted beneficiaries", "Your name"}
	rights := func(r consent.Rights) func(*sca.View) {
		return access(consent.Access{Scope: consent.ScopeDedicated, Rights: r})
	}
	for name, c := range map[string]struct {
		view       *sca.View
		says, nots []string
	}{
		"recurring": {
			view(sca.PageConsent),
			[]string{"Until 14 May 2026", "Whenever you use Acme Budget yourself.", "at most 4 times a day", "cannot make payments", "withdraw your consent at any time", "with Sandbox Bank", "confirm with one more step"},
			[]string{"also those that you open later", "One time only", "trusted"},
		},
		"once a day": {
			view(sca.PageConsent, func(v *sca.View) { v.Consent.FrequencyPerDay = 1 }),
			[]string{"at most once a day"},
			nil,
		},
		"one-off, after the factor": {
			view(sca.PageConsent, oneOff, lastStep),
			[]string{"14 May 2026 at the latest", "One time only", "Step 3 of 3", "This is the last step."},
			[]string{"Whenever", "times a day", "one more step"},
		},
		"global with owner name": {
			view(sca.PageConsent, access(consent.Access{Scope: consent.ScopeAllPSD2, OwnerName: true})),
			[]string{"All your payment accounts, also those that you open later", "Today these are:", "Balances", "Transactions", "Name of the account holder", "Step 2 of 3"},
			nil,
		},
		"global without any account yet": {
			view(sca.PageConsent, access(consent.Access{Scope: consent.ScopeAllPSD2}), func(v *sca.View) { v.Offers = nil }),
			[]string{"All your payment accounts", "Balances"},
			[]string{"Today these are:"},
		},
		"list of accounts": {
			view(sca.PageConsent, access(consent.Access{Scope: consent.ScopeAvailable})),
			[]string{"The list of all your accounts"},
			[]string{"Balances", "Transactions"},
		},
		"list with balances": {
			view(sca.PageConsent, access(consent.Access{Scope: consent.ScopeAvailableBalances})),
			[]string{"The list of all your accounts", "Balances"},
			[]string{"Transactions"},
		},
		"every right":                {view(sca.PageConsent, rights(0x3f)), everything, nil},
		"balances imply the account": {view(sca.PageConsent, rights(consent.RightBalances)), []string{"Account details", "Balances"}, []string{"Transactions"}},
		"details":                    {view(sca.PageConsent, rights(consent.RightAccounts)), everything[:1], everything[1:]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page := show(t, c.view)
			for _, words := range c.says {
				require.Contains(t, page.text, words)
			}
			for _, words := range c.nots {
				require.NotContains(t, page.text, words)
			}
			decisions := page.named("decision")
			require.Len(t, decisions, 2)
			require.Equal(t, "Approve", contents(decisions[0]))
			require.Equal(t, "Reject", contents(decisions[1]))
		})
	}
}

// TestFundsPage says what is agreed to where nothing may be read, and shows of the
// card what the TPP told, and no more.
func TestFundsPage(t *testing.T) {
	t.Parallel()
	always := []string{
		"check whether your account covers an amount", "DE40 1001 0010 3307 1186 08", "Whether an amount is available: yes or no",
		"Until it is withdrawn. There is no end date.", "As often as Acme Budget asks", "does not see your balance",
		"withdraw your consent at any time", "Step 2 of 3",
	}
	never := []string{"9999", "Balances", "Transactions,", "times a day", "One time only", "Account details", "may read this data"}
	ofCard := []string{"For the card", "5254 12** **** 3241", "Card valid until 31 July 2028", "Acme Budget states: Acme loyalty card", "Customer 4711"}
	labels := []string{"For the card", "Card valid until", "Acme Budget states", "Registration"}
	only := func(c consent.Card) func(*sca.View) { return func(v *sca.View) { v.Consent.Card = c } }
	for name, c := range map[string]struct {
		card       func(*sca.View)
		says, nots []string
	}{
		"no card":           {only(consent.Card{}), nil, labels},
		"all of a card":     {forCard, ofCard, nil},
		"a number":          {only(consent.Card{Number: "525412******3241"}), ofCard[:2], labels[1:]},
		"a date":            {only(consent.Card{Expiry: consent.Date{Year: 2028, Month: 7, Day: 31}}), ofCard[2:3], labels[2:]},
		"information":       {only(consent.Card{Information: "Acme loyalty card"}), ofCard[3:4], []string{"Card valid until", "Registration"}},
		"registration only": {only(consent.Card{Registration: "Customer 4711"}), ofCard[4:], []string{"For the card"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page := show(t, view(sca.PageConsent, forFunds, c.card))
			for _, words := range append(c.says, always...) {
				require.Contains(t, page.text, words)
			}
			for _, words := range append(c.nots, never...) {
				require.NotContains(t, page.text, words)
			}
			require.Len(t, page.named("decision"), 2)
		})
	}
	require.Contains(t, show(t, view(sca.PageLogin, forFunds)).text, "whether an amount is available on your account")
	require.NotContains(t, show(t, view(sca.PageLogin, forFunds)).text, "account data")
}

// TestDataBesideEachAccount: where the rights differ, each account tells its own.
func TestDataBesideEachAccount(t *testing.T) {
	t.Parallel()
	page := show(t, view(sca.PageConsent, mixedRights))
	var accounts []string
	for _, n := range page.all("li") {
		if n.Parent != nil && value(n.Parent, "class") == "accounts" {
			accounts = append(accounts, contents(n))
		}
	}
	require.Len(t, accounts, 2)
	require.Contains(t, accounts[0], "Transactions")
	require.NotContains(t, accounts[1], "Transactions")
	require.NotContains(t, accounts[1], "Balances")
}

func TestFactorPage(t *testing.T) {
	t.Parallel()
	page := show(t, view(sca.PageFactor))
	otp := page.named("otp")[0]
	require.Equal(t, "one-time-code", value(otp, "autocomplete"))
	require.Equal(t, "numeric", value(otp, "inputmode"))
	require.Equal(t, "text", value(otp, "type"), "a number field loses leading zeros")
	require.Contains(t, page.text, "number ending in 42")
	require.NotContains(t, page.text, "tries left", "nobody has made a mistake yet")
	require.Contains(t, page.text, "Step 4 of 4")
}

func TestMethods(t *testing.T) {
	t.Parallel()
	choose := show(t, view(sca.PageFactor, methods, noFields)).named("method")
	require.Len(t, choose, 2)
	require.Equal(t, "radio", value(choose[0], "type"))
	require.Equal(t, "SMS_OTP", value(choose[0], "value"))
	require.True(t, has(choose[0], "checked"))

	other := show(t, view(sca.PageFactor, methods))
	require.Len(t, other.named("otp"), 1)
	require.Equal(t, "button", other.named("method")[0].Data, "pressed instead of typing the code")
	require.True(t, has(other.named("method")[0], "formnovalidate"))

	require.Equal(t, []string{"SMS_OTP", "PUSH"}, offered(other), "the one in use sends a new code")
	require.Contains(t, other.text, "Have you not received a code? Send a new code Confirm in another way:")

	for name, c := range map[string]*sca.View{
		"an app":    view(sca.PageFactor, methods, func(v *sca.View) { v.Methods[0].Type = "TOTP" }),
		"a passkey": view(sca.PageFactor, methods, asksFor(flow.PasskeyGet)),
		"scanned":   view(sca.PageFactor, methods, func(v *sca.View) { v.QR = &flow.QR{Content: "otpauth://totp/x"} }),
	} {
		page := show(t, c)
		require.Equal(t, []string{"PUSH"}, offered(page), name)
		require.NotContains(t, page.text, "received a code", name)
	}
}

// TestNewCode: where there is one method, a code that did not arrive can be sent
// anew; not one that the PSU's own device makes.
func TestNewCode(t *testing.T) {
	t.Parallel()
	kind := func(kind string) func(*sca.View) {
		return func(v *sca.View) { v.Methods = []flow.Method{{ID: "M", Type: kind}} }
	}
	for name, c := range map[string]struct {
		view *sca.View
		want []string
	}{
		"by SMS":              {view(sca.PageFactor, kind("SMS_OTP")), []string{"M"}},
		"a bank's own type":   {view(sca.PageFactor, kind("OWL")), []string{"M"}},
		"from an app":         {view(sca.PageFactor, kind("TOTP")), nil},
		"from a reader":       {view(sca.PageFactor, kind("CHIP_OTP")), nil},
		"a passkey":           {view(sca.PageFactor, kind("PASSKEY"), asksFor(flow.PasskeyGet)), nil},
		"no code is asked":    {view(sca.PageLogin, kind("SMS_OTP")), nil},
		"no method at all":    {view(sca.PageFactor), nil},
		"nothing but methods": {view(sca.PageFactor, kind("SMS_OTP"), noFields), []string{"M"}},
	} {
		page := show(t, c.view)
		require.Equal(t, c.want, offered(page), name)
		require.NotContains(t, page.text, "another way", name)
	}
	require.Contains(t, show(t, view(sca.PageFactor, kind("SMS_OTP"))).text, "Have you not received a code? Send a new code")
}

// offered are the methods that a page lets the PSU take.
func offered(page document) []string {
	var ids []string
	for _, n := range page.named("method") {
		ids = append(ids, value(n, "value"))
	}
	return ids
}

// TestOwnFields: what a bank's flow asks for has that flow's labels.
func TestOwnFields(t *testing.T) {
	t.Parallel()
	page := show(t, view(sca.PageLogin, ownField))
	require.Equal(t, "numeric", value(page.named("cardSuffix")[0], "inputmode"))
	require.Equal(t, "password", value(page.named("pin")[0], "type"))
	require.Equal(t, "text", value(page.named("city")[0], "type"))
	require.Contains(t, page.text, "Place of birth")
}

func TestStepTravels(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.walks.view = viewOfLogin()
	for given, want := range map[string]int{"7": 7, "": 0, "-1": 0, "x": 0} {
		b.walks.answered = nil
		b.post(t, url.Values{"step": {given}})
		require.Equal(t, want, b.walks.answered[0].Step, "step %q", given)
	}
}

// TestConnectionPage: who connects a TPP reads what it sees by that, and no accounts
// where it sees none.
func TestConnectionPage(t *testing.T) {
	t.Parallel()
	page := show(t, view(sca.PageConsent, toConnect)).text
	require.Contains(t, page, "asks to be connected with your accounts")
	require.Contains(t, page, "The list of all your accounts")
	require.Contains(t, page, "Transactions older than 90 days")
	require.NotContains(t, page, "may read this data")
	page = show(t, view(sca.PageConsent, toPay)).text
	require.Contains(t, page, "Payments in your name")
	for _, absent := range []string{"The list of all your accounts", "Account details", "FR76", "DE40"} {
		require.NotContains(t, page, absent)
	}
	require.Contains(t, show(t, view(sca.PageLogin, toConnect)).text, "would like to be connected with your accounts")
}
