package web_test

import (
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/sca"
	flow "consentd/pkg/sca"
)

// storyDir makes the stories leave their pages there, to be looked at:
//
//	go test ./internal/web -run TestStories -args -stories /tmp/pages
var storyDir = flag.String("stories", "", "write every page in every state to this directory")

// story is a page in one state, with what it must say of itself.
type story struct {
	name   string
	post   bool
	view   *sca.View
	err    error
	status int
	page   string
}

const tpp = "Acme Budget"

// languages are those that a PSU may choose, in the order of the page.
var languages = []string{"en", "fr", "de", "es", "it", "ar"}

// view is a run on a page, of a recurring consent that the bank offers accounts for.
func view(page sca.Page, change ...func(*sca.View)) *sca.View {
	v := &sca.View{
		Page:      page,
		TPP:       tpp,
		ReturnTo:  "https://tpp.example/nok?state=1",
		TriesLeft: 3,
		Step:      2,
		Fields:    []flow.Field{{Name: "psuId"}, {Name: "password", Kind: flow.Password}},
		Consent: &consent.Consent{
			Kind:            consent.AccountAccess,
			Status:          consent.Received,
			Access:          consent.Access{Scope: consent.ScopeBankOffered, Rights: allRights},
			Recurring:       true,
			FrequencyPerDay: 4,
			ValidUntil:      consent.Date{Year: 2026, Month: 5, Day: 14},
			RedirectURI:     "https://tpp.example/ok",
			NokRedirectURI:  "https://nok.tpp.example/nok",
		},
	}
	if page == sca.PageFactor {
		v.Fields = []flow.Field{{Name: "otp", Kind: flow.Code}}
		v.Message = "We sent a code by SMS to the number ending in 42."
	}
	if page == sca.PageAccounts || page == sca.PageConsent {
		v.Customer, v.Offers = "Anna Sandbox", annasAccounts(v.Consent.Access.Rights)
	}
	for _, c := range change {
		c(v)
	}
	return v
}

const allRights = consent.RightAccounts | consent.RightBalances | consent.RightTransactions

func annasAccounts(rights consent.Rights) []sca.Offer {
	offer := func(key, name string, ref consent.Reference) sca.Offer {
		return sca.Offer{Key: key, Account: service.Account{Name: name, Reference: ref}, Rights: rights}
	}
	return []sca.Offer{
		offer("DE40100100103307118608", "Current account", consent.Reference{IBAN: "DE40100100103307118608", Currency: "EUR"}),
		offer("DE02100100109307118603/EUR", "Savings", consent.Reference{IBAN: "DE02100100109307118603", Currency: "EUR"}),
		offer("DE02100100109307118603/USD", "Travel money", consent.Reference{IBAN: "DE02100100109307118603", Currency: "USD"}),
		offer("525412******3241", "Card", consent.Reference{MaskedPAN: "525412******3241"}),
	}
}

func wrong(left int) func(*sca.View) {
	return func(v *sca.View) { v.Wrong, v.TriesLeft = true, left }
}

func access(a consent.Access) func(*sca.View) {
	return func(v *sca.View) {
		v.Consent.Access = a
		v.Offers = annasAccounts(a.Rights)
	}
}

func oneOff(v *sca.View)    { v.Consent.Recurring, v.Consent.FrequencyPerDay = false, 1 }
func lastStep(v *sca.View)  { v.Authenticated = true }
func pushSent(v *sca.View)  { v.Fields, v.Message = nil, "We sent a request to the app on your phone." }
func noFields(v *sca.View)  { v.Fields, v.Message = nil, "" }
func nowhere(v *sca.View)   { v.ReturnTo = "" }
func approved(v *sca.View)  { v.Consent.Status, v.ReturnTo = consent.Valid, "" }
func partly(v *sca.View)    { v.Consent.Status = consent.PartiallyAuthorised }
func closedRun(v *sca.View) { v.Page = sca.PageEnded }

func methods(v *sca.View) {
	v.Methods = []flow.Method{{ID: "SMS_OTP", Type: "SMS_OTP", Name: "SMS to +49 ··· 42"}, {ID: "PUSH", Type: "PUSH_OTP", Name: "App on your phone"}}
}

func mixedRights(v *sca.View) {
	v.Consent.Access = consent.Access{Scope: consent.ScopeDedicated}
	v.Offers[0].Rights, v.Offers[1].Rights = allRights, consent.RightAccounts
	v.Offers = v.Offers[:2]
}

func nameOnly(v *sca.View) { v.Fields = []flow.Field{{Name: "psuId", Kind: flow.Text}} }

func ownField(v *sca.View) {
	v.Fields = []flow.Field{{Name: "cardSuffix", Label: "Last four digits of your card", Kind: flow.Code}, {Name: "pin", Label: "Card PIN", Kind: flow.Password}, {Name: "city", Label: "Place of birth", Kind: flow.Text}}
}

func longNames(v *sca.View) {
	v.TPP = "Gesellschaft für außergewöhnlich umfangreiche Kontoinformationsdienstleistungen mbH & Co. KG"
	v.Customer = "Donaudampfschifffahrtsgesellschaftskapitänswitwenversorgungskasse"
	for i := range v.Offers {
		v.Offers[i].Account.Name = "Gemeinschaftskontokorrentverrechnungskonto für Nebenkostenabrechnungen"
	}
}

func forFunds(v *sca.View) {
	v.Consent.Kind, v.Consent.Recurring, v.Consent.FrequencyPerDay = consent.FundsConfirmation, false, 0
	v.Consent.ValidUntil = consent.Date{Year: 9999, Month: 12, Day: 30}
	v.Consent.Access = consent.Access{Scope: consent.ScopeDedicated, Asked: []consent.Asked{{Rights: consent.RightFunds}}}
	if len(v.Offers) > 0 {
		v.Offers = annasAccounts(consent.RightFunds)[:1]
	}
}

// toConnect is a connection to the list of accounts, and to more.
func toConnect(v *sca.View) { connecting(v, consent.RightAccounts|consent.RightLongHistory) }

// toPay is one that shows no account.
func toPay(v *sca.View) { connecting(v, consent.RightFunds|consent.RightPayments) }

func connecting(v *sca.View, rights consent.Rights) {
	v.Consent.Kind = consent.Connection
	v.Consent.Access = consent.Access{Scope: consent.ScopeAvailable, Rights: rights}
	for i := range v.Offers {
		v.Offers[i].Rights = rights
	}
}

func forCard(v *sca.View) {
	v.Consent.Card = consent.Card{
		Number: "525412******3241", Expiry: consent.Date{Year: 2028, Month: 7, Day: 31}, Information: "Acme loyalty card", Registration: "Customer 4711",
	}
}

func failure(code consent.Code) error { return consent.E(code, "secret detail") }

// stories are all pages in all states.
func stories() []story {
	allPSD2 := access(consent.Access{Scope: consent.ScopeAllPSD2, OwnerName: true, Rights: allRights})
	list := access(consent.Access{Scope: consent.ScopeAvailableBalances, Rights: consent.RightAccounts})
	extras := access(consent.Access{Scope: consent.ScopeBankOffered, Rights: allRights | consent.RightTrustedBeneficiaries | consent.RightIdentity})
	ok, waits := http.StatusOK, http.StatusAccepted
	return append([]story{
		{"login", false, view(sca.PageLogin), nil, ok, "login"},
		{"login-hint", false, view(sca.PageLogin, func(v *sca.View) { v.Hint = "anna" }), nil, ok, "login"},
		{"login-wrong", true, view(sca.PageLogin, wrong(2)), failure(consent.CodeCredentials), http.StatusUnauthorized, "login"},
		{"login-wrong-last", true, view(sca.PageLogin, wrong(1)), failure(consent.CodeCredentials), http.StatusUnauthorized, "login"},
		{"login-name", false, view(sca.PageLogin, nameOnly), nil, ok, "login"},
		{"login-name-wrong", true, view(sca.PageLogin, nameOnly, wrong(2)), failure(consent.CodeCredentials), http.StatusUnauthorized, "login"},
		{"login-own-fields", false, view(sca.PageLogin, ownField), nil, ok, "login"},
		{"login-methods", false, view(sca.PageLogin, methods), nil, ok, "login"},
		{"login-long", false, view(sca.PageLogin, longNames), nil, ok, "login"},
		{"accounts", true, view(sca.PageAccounts), nil, ok, "accounts"},
		{"accounts-none", true, view(sca.PageAccounts, wrong(3)), nil, ok, "accounts"},
		{"accounts-long", true, view(sca.PageAccounts, longNames), nil, ok, "accounts"},
		{"consent", true, view(sca.PageConsent), nil, ok, "consent"},
		{"consent-extras", true, view(sca.PageConsent, extras), nil, ok, "consent"},
		{"consent-one-off", true, view(sca.PageConsent, oneOff, lastStep), nil, ok, "consent"},
		{"consent-all", true, view(sca.PageConsent, allPSD2), nil, ok, "consent"},
		{"consent-list", true, view(sca.PageConsent, list), nil, ok, "consent"},
		{"consent-mixed", true, view(sca.PageConsent, mixedRights), nil, ok, "consent"},
		{"consent-long", true, view(sca.PageConsent, longNames), nil, ok, "consent"},
		{"login-funds", false, view(sca.PageLogin, forFunds), nil, ok, "login"},
		{"consent-funds", true, view(sca.PageConsent, forFunds), nil, ok, "consent"},
		{"consent-funds-card", true, view(sca.PageConsent, forFunds, forCard, lastStep), nil, ok, "consent"},
		{"consent-funds-long", true, view(sca.PageConsent, forFunds, forCard, longNames, func(v *sca.View) { v.Others = 2 }), nil, ok, "consent"},
		{"login-connection", false, view(sca.PageLogin, toConnect), nil, ok, "login"},
		{"consent-connection", true, view(sca.PageConsent, toConnect), nil, ok, "consent"},
		{"consent-connection-long", true, view(sca.PageConsent, toConnect, longNames), nil, ok, "consent"},
		{"consent-connection-blind", true, view(sca.PageConsent, toPay), nil, ok, "consent"},
		{"factor", true, view(sca.PageFactor), nil, ok, "factor"},
		{"factor-wrong", true, view(sca.PageFactor, wrong(1)), failure(consent.CodeCredentials), http.StatusUnauthorized, "factor"},
		{"factor-others", true, view(sca.PageFactor, methods), nil, ok, "factor"},
		{"factor-choose", true, view(sca.PageFactor, methods, noFields), nil, ok, "factor"},
		{"factor-choose-wrong", true, view(sca.PageFactor, methods, noFields, wrong(2)), failure(consent.CodeCredentials), http.StatusUnauthorized, "factor"},
		{"wait", true, view(sca.PageWait, pushSent), nil, waits, "wait"},
		{"done", true, view(sca.PageEnded, approved), nil, ok, "done"},
		{"done-funds", true, view(sca.PageEnded, forFunds, approved), nil, ok, "done"},
		{"done-funds-part", true, view(sca.PageEnded, forFunds, approved, partly), nil, ok, "done"},
		{"done-funds-refused", true, view(sca.PageEnded, forFunds, nowhere), nil, ok, "done"},
		{"done-part", true, view(sca.PageEnded, approved, partly), nil, ok, "done"},
		{"done-refused", true, view(sca.PageEnded, nowhere), nil, ok, "done"},
	}, slices.Concat(placeStories(), passkeyStories(), problemStories())...)
}

// placeStories are those of going on elsewhere.
func placeStories() []story {
	ok, waits := http.StatusOK, http.StatusAccepted
	idp := func(v *sca.View) {
		v.Fields, v.URL = nil, "https://login.bank.example/authorize?client_id=consentd&state=x"
	}
	other := func(v *sca.View) { v.Handle = strings.Repeat("Aa0-", 11)[:43] }
	number := func(v *sca.View) { v.Number = "42" }
	over := func(v *sca.View) { v.Consent = nil }
	known := func(v *sca.View) { v.Customer = "Anna Sandbox" }
	return []story{
		{"elsewhere", false, view(sca.PageElsewhere, idp, movable), nil, ok, "login"},
		{"elsewhere-funds", false, view(sca.PageElsewhere, idp, forFunds), nil, ok, "login"},
		{"elsewhere-last", true, view(sca.PageElsewhere, idp, known), nil, ok, "login"},
		{"elsewhere-nowhere", false, view(sca.PageElsewhere), nil, http.StatusInternalServerError, "problem"},
		{"login-movable", false, view(sca.PageLogin, movable), nil, ok, "login"},
		{"wait-number", true, view(sca.PageWait, pushSent, number, movable), nil, waits, "wait"},
		{"device", true, view(sca.PageDevice, noFields, other, nowhere), nil, waits, "wait"},
		{"device-taken", true, view(sca.PageDevice, noFields, nowhere), nil, waits, "wait"},
		{"done-over", true, view(sca.PageEnded, nowhere, over), nil, ok, "done"},
	}
}

// passkeyStories are those of factors that are set up, scanned, or need a script.
func passkeyStories() []story {
	ok, no := http.StatusOK, failure(consent.CodeCredentials)
	scan := func(v *sca.View) {
		v.Message = "Scan the code with your authenticator app, and type the code that the app shows."
		v.QR = &flow.QR{Content: "otpauth://totp/Sandbox%20Bank:omar?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Sandbox%20Bank", Text: "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP"}
	}
	return []story{
		{"factor-scan", true, view(sca.PageFactor, scan, methods), nil, ok, "factor"},
		{"factor-resend", true, view(sca.PageFactor, methods, oneMethod), nil, ok, "factor"},
		{"factor-passkey", true, view(sca.PageFactor, methods, asksFor(flow.PasskeyGet)), nil, ok, "factor"},
		{"factor-passkey-new", true, view(sca.PageFactor, asksFor(flow.PasskeyCreate)), nil, ok, "factor"},
		{"factor-passkey-wrong", true, view(sca.PageFactor, methods, asksFor(flow.PasskeyGet), wrong(2)), no, http.StatusUnauthorized, "factor"},
		{"login-passkey", false, view(sca.PageLogin, asksFor(flow.PasskeyGet), movable), nil, ok, "login"},
	}
}

func movable(v *sca.View)   { v.CanMove = true }
func oneMethod(v *sca.View) { v.Methods = v.Methods[:1] }

func asksFor(kind flow.FieldKind) func(*sca.View) {
	return func(v *sca.View) {
		v.Fields, v.Message = []flow.Field{{Name: "passkey", Kind: kind, Options: json.RawMessage(passkeyOptions)}}, ""
	}
}

const passkeyOptions = `{"publicKey":{"challenge":"Y2hhbGxlbmdl","rpId":"localhost","userVerification":"required"}}`

func problemStories() []story {
	problem := func(name string, code consent.Code, status int, change ...func(*sca.View)) story {
		return story{name: "problem-" + name, post: true, view: view(sca.PageConsent, change...), err: failure(code), status: status, page: "problem"}
	}
	return []story{
		{"problem-unknown", false, nil, failure(consent.CodeNotFound), http.StatusNotFound, "problem"},
		{"problem-internal", false, nil, errors.New("secret detail"), http.StatusInternalServerError, "problem"},
		problem("used", consent.CodeUsed, http.StatusConflict),
		problem("moved", consent.CodeStatusInvalid, http.StatusConflict),
		problem("expired", consent.CodeExpired, http.StatusGone),
		problem("forbidden", consent.CodeForbidden, http.StatusForbidden),
		problem("forbidden-no-way-back", consent.CodeForbidden, http.StatusForbidden, nowhere),
		problem("person", consent.CodeForbidden, http.StatusForbidden, closedRun),
		problem("accounts", consent.CodeResourceUnknown, http.StatusForbidden, closedRun),
		problem("blocked", consent.CodeBlocked, http.StatusForbidden, closedRun),
		problem("shut", consent.CodeCertificateBlocked, http.StatusForbidden, nowhere),
		problem("locked", consent.CodeLocked, http.StatusTooManyRequests, closedRun),
		problem("waiting", consent.CodePSULocked, http.StatusTooManyRequests),
		problem("company", consent.CodeCorporate, http.StatusForbidden, closedRun),
		problem("often", consent.CodeTooOften, http.StatusTooManyRequests),
		problem("time-over", consent.CodeTimeOver, http.StatusGone),
		problem("method-unknown", consent.CodeMethodUnknown, http.StatusForbidden),
		problem("unavailable", consent.CodeUnavailable, http.StatusServiceUnavailable),
		problem("long", consent.CodeExpired, http.StatusGone, longNames),
	}
}

func TestStories(t *testing.T) {
	t.Parallel()
	for _, st := range stories() {
		for _, lang := range languages {
			t.Run(st.name+"/"+lang, func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				b.walks.view, b.walks.err = st.view, st.err
				res := b.get(t, "?lang="+lang)
				if st.post {
					res = b.post(t, map[string][]string{}, "Accept-Language", lang)
				}
				require.Equal(t, st.status, res.Code)
				page := read(t, res)
				require.Equal(t, st.page, page.attribute("main", "data-page"))
				require.Equal(t, lang, page.attribute("html", "lang"))
				require.Equal(t, map[bool]string{true: "rtl", false: "ltr"}[lang == "ar"], page.attribute("html", "dir"))
				page.wellMade(t)
				require.NotContains(t, page.text, "secret detail")
				leave(t, st.name+"."+lang+".html", res.Body.Bytes())
			})
		}
	}
}

// leave writes a page for people to look at, if they asked for it.
func leave(t *testing.T, name string, page []byte) {
	t.Helper()
	if *storyDir != "" {
		require.NoError(t, os.WriteFile(filepath.Join(*storyDir, name), page, 0o600))
	}
}
