package contract_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// answerOf writes an answer: its members, and the links of these names.
func answerOf(members, links string) string {
	var hrefs []string
	for name := range strings.FieldsSeq(links) {
		hrefs = append(hrefs, `"`+name+`":{"href":"/`+name+`"}`)
	}
	return "{" + members + `,"_links":{` + strings.Join(hrefs, ",") + "}}"
}

const (
	message   = `,"psuMessage":"Look at your app."`
	methods   = `,"scaMethods":[{"authenticationType":"SMS_OTP","authenticationMethodId":"sms"}]`
	challenge = `,"chosenScaMethod":{"authenticationType":"SMS_OTP","authenticationMethodId":"sms"},"challengeData":{"otpMaxLength":6}`
)

// linkSets are the links that go with each kind of answer, and some that do not.
var linkSets = map[string]struct {
	call, request, members string
	status                 int
	right, wrong           []string // extra members, "|", links
}{
	"create": {
		call: "POST /v1/consents", request: request, status: 201, members: `"consentStatus":"received","consentId":"c"`,
		right: []string{
			"|scaRedirect self status scaStatus", "|scaRedirect self status scaStatus confirmation",
			`,"scaStatus":"received"|scaRedirect self status scaStatus`,
			"|startAuthorisation self status", message + "|self status scaStatus",
			"|updatePsuIdentification self status scaStatus", "|startAuthorisationWithPsuIdentification self status",
			"|updatePsuAuthentication self status scaStatus", "|startAuthorisationWithPsuAuthentication self status",
			"|scaOAuth self status",
		},
		wrong: []string{
			"|self status", "|self status scaStatus", "|scaRedirect status scaStatus", "|scaRedirect self status",
			"|startAuthorisation self status scaStatus", "|startAuthorisation scaRedirect self status",
			"|scaOAuth self status scaStatus", "|scaOAuth confirmation self status", "|scaOAuth startAuthorisation self status", "|scaOAuth status",
			message + "|confirmation self status scaStatus", "|updatePsuAuthentication updatePsuIdentification self status scaStatus",
		},
	},
	"start": {
		call: "POST /v1/consents/c/authorisations", status: 201, members: `"authorisationId":"a","scaStatus":`,
		right: []string{
			`"received"|scaRedirect scaStatus`, `"received"|scaRedirect confirmation scaStatus`,
			`"psuIdentified"` + message + "|scaStatus", `"received"|updatePsuIdentification scaStatus`,
			`"psuIdentified"|updatePsuAuthentication scaStatus`, `"scaMethodSelected"` + challenge + "|authoriseTransaction scaStatus",
			`"psuAuthenticated"` + methods + "|selectAuthenticationMethod scaStatus", `"finalised"|scaStatus`,
		},
		wrong: []string{
			`"received"|scaOAuth scaStatus`, `"psuIdentified"|scaStatus`, `"received"|confirmation scaStatus`, `"received"|scaRedirect`,
			`"received"|scaRedirect updatePsuIdentification scaStatus`, `"psuAuthenticated"|selectAuthenticationMethod scaStatus`,
			`"psuIdentified"` + methods + "|selectAuthenticationMethod scaStatus", `"scaMethodSelected"|authoriseTransaction scaStatus`,
		},
	},
	"update": {
		call: "PUT /v1/consents/c/authorisations/a", request: `{"psuData":{"password":"p"}}`, status: 200, members: `"scaStatus":`,
		right: []string{
			`"finalised"|scaStatus`, `"failed"|scaStatus`, `"psuIdentified"` + message + "|scaStatus",
			`"psuIdentified"|updatePsuAuthentication scaStatus`, `"psuAuthenticated"` + methods + "|selectAuthenticationMethod scaStatus",
			`"started"` + challenge + "|authoriseTransaction scaStatus",
		},
		wrong: []string{
			`"finalised"|`, `"received"|scaRedirect scaStatus`, `"psuAuthenticated"|selectAuthenticationMethod scaStatus`,
			`"psuAuthenticated"` + challenge + "|authoriseTransaction scaStatus",
		},
	},
}

// Each approach and start has its links, and nothing else passes.
func TestLinksOfApproaches(t *testing.T) {
	t.Parallel()
	for name, k := range linkSets {
		for _, base := range []string{"/v1/consents", "/v2/consents/confirmation-of-funds"} {
			if base != "/v1/consents" && k.request == request {
				k.request = `{"account":{"iban":"FR7617515000920400430518020"}}`
			}
			for right, list := range map[bool][]string{true: k.right, false: k.wrong} {
				for _, answer := range list {
					extra, links, _ := strings.Cut(answer, "|")
					e := exchange{
						call: strings.Replace(k.call, "/v1/consents", base, 1), request: k.request,
						status: k.status, body: answerOf(k.members+extra, links),
					}
					t.Run(name+" "+base+" "+links, func(t *testing.T) {
						t.Parallel()
						b := setup(t, e)
						b.do(t, e)
						assert.Equal(t, right, len(b.recorder.said) == 0, "%s: %v", e.body, b.recorder.said)
					})
				}
			}
		}
	}
}

// A request that breaks a rule must not be accepted.
func TestRequestsThatAreNotToBeAccepted(t *testing.T) {
	t.Parallel()
	const (
		start, update = "POST /v1/consents/c/authorisations", "PUT /v1/consents/c/authorisations/a"
		funds, ask    = "POST /v2/consents/confirmation-of-funds", "POST /v1/funds-confirmations"
		account       = `"account":{"iban":"FR7617515000920400430518020"}`
	)
	answers := map[string]exchange{
		start:  {status: 201, body: answerOf(`"scaStatus":"finalised","authorisationId":"a"`, "scaStatus")},
		update: {status: 200, body: answerOf(`"scaStatus":"finalised"`, "scaStatus")},
		funds:  {status: 201, body: answerOf(`"consentStatus":"received","consentId":"c"`, "startAuthorisation self status")},
		ask:    {status: 200, body: `{"fundsAvailable":true}`},
	}
	amount := func(currency, amount string) string {
		return "{" + account + `,"instructedAmount":{"currency":"` + currency + `","amount":"` + amount + `"}}`
	}
	for _, c := range []struct {
		call, request string
		right         bool
	}{
		{start, `{}`, true},
		{start, `{"psuData":{"password":"p"}}`, true},
		{start, `{"scaAuthenticationData":"1"}`, false},
		{update, `{}`, true},
		{update, "", true},
		{update, `{"scaAuthenticationData":"1"}`, true},
		{update, `{"confirmationCode":"1","more":1}`, true},
		{update, `{"authenticationMethodId":"sms"}`, true},
		{update, `{"authenticationMethodId":"` + strings.Repeat("s", 36) + `"}`, false},
		{update, `{"authenticationMethodId":"sms","scaAuthenticationData":"1"}`, false},
		{update, `{"psuData":{}}`, false},
		{update, `{"psuData":{"password":""}}`, false},
		{update, `{"psuData":{"password":"p","encryptedPassword":"e"}}`, false},
		{funds, `{` + account + `,"cardExpiryDate":"2029-12-31"}`, true},
		{funds, `{` + account + `,"cardExpiryDate":"12/29"}`, false},
		{funds, `{` + account + `,"cardNumber":"` + strings.Repeat("1", 36) + `"}`, false},
		{funds, `{"cardNumber":"1"}`, false},
		{ask, amount("EUR", "12.5"), true},
		{ask, amount("EUR", "-12.5"), false},
		{ask, amount("EUR", "1,5"), false},
		{ask, amount("eur", "1"), false},
		{ask, `{` + account + `}`, false},
	} {
		t.Run(c.call+" "+c.request, func(t *testing.T) {
			t.Parallel()
			e := answers[c.call]
			e.call, e.request = c.call, c.request
			b := setup(t, e)
			b.do(t, e)
			if c.right {
				assert.Empty(t, b.recorder.said)
				return
			}
			require.NotEmpty(t, b.recorder.said)
			assert.Contains(t, b.recorder.said[0], "the request was accepted, though")
		})
	}
}

// A bank without the confirmation of funds answers 405 with no method to allow,
// for methods that are not described too.
func TestConfirmationOfFundsThatIsNotOffered(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"GET /v2/consents/confirmation-of-funds/c", "PATCH /v2/consents/confirmation-of-funds/c", "POST /v1/funds-confirmations"} {
		e := exchange{call: call, status: 405, answered: map[string]string{"Allow": ""}, body: `{"tppMessages":[{"category":"ERROR","code":"SERVICE_INVALID"}]}`}
		b := setup(t, e)
		b.do(t, e)
		assert.Empty(t, b.recorder.said, call)
	}
}
