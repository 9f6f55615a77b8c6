package manager_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
)

// paying is a world with a payment consent in force.
func paying(t *testing.T, schedule string) *world {
	t.Helper()
	w := newWorld(t)
	require.Equal(t, 201, w.call("hub POST /consents", paymentRequest(schedule)).status)
	require.Equal(t, 204, w.call("hub PATCH /consents/rent", authorized(omar, "r1")).status)
	return w
}

// A payment is recorded once, counted at once, and followed until it is through.
func TestPayments(t *testing.T) {
	t.Parallel()
	w := paying(t, multi)
	first := w.call("hub POST /payment-log", replaced(payment("rent", "k1", "120.05"), `"requestBody"`,
		`"requestHeaders":{"x-fapi-interaction-id":"f-1","authorization":"Bearer s3cret"},"interactionId":{"ozoneInteractionId":"oz-1","clientInteractionId":"c-1"},
 "paymentResponse":{"OpenFinanceBilling":{"Type":"PushP2P"}},"authorizationCode":{"accessTokenHash":"0000000000000000000000000000000000000000000000000000000000000000"},"requestBody"`))
	require.Equal(t, 201, first.status, string(first.body))
	row := first.object(t, "data")
	again := w.call("hub POST /payment-log", payment("rent", "k1", "120.05"))
	require.Equal(t, 200, again.status)
	require.Equal(t, row, again.object(t, "data"))
	require.Equal(t, 201, w.call("hub POST /payment-log", payment("rent", "k2", "80.00")).status)

	log := w.call("hub GET /payment-log?consentId=rent", "")
	require.Len(t, log.rows(t, "paymentId"), 2)
	one, _ := row.(map[string]any)
	require.Equal(t, "rent", one["consentId"])
	require.Equal(t, "cbuae-payment", one["paymentType"])
	require.Equal(t, "r1", one["accountId"])
	require.Equal(t, map[string]any{"userId": omar}, one["psuIdentifiers"])
	require.Equal(t, map[string]any{"ozoneInteractionId": "oz-1", "clientInteractionId": "c-1"}, one["interactionId"])
	require.Equal(t, map[string]any{"x-fapi-interaction-id": "f-1"}, one["requestHeaders"])
	require.Contains(t, string(first.body), jwe)

	got := w.call("hub GET /consents/rent", "")
	consumption := func(a answer) any { return a.object(t, "data", "consentBody", "Data", "PaymentConsumption") }
	sum := map[string]any{"Amount": "200.05", "Currency": "AED"}
	require.Equal(t, map[string]any{
		"CumulativeNumberOfPayments": 2.0, "CumulativeValueOfPayments": sum,
		"CumulativeNumberOfPaymentsInCurrentPeriod": 2.0, "CumulativeValueOfPaymentsInCurrentPeriod": sum,
	}, consumption(got))

	id := w.staging.all[0].Payments[1].ID.String()
	require.Equal(t, 204, w.call("hub PATCH /payment-log/"+id,
		`{"data":{"status":"Rejected","RejectReasonCode":[{"Code":"AANI.AC01","Message":"no such account"}]}}`).status)
	require.Equal(t, []consent.Rejection{{Code: "AANI.AC01", Message: "no such account"}}, w.staging.all[0].Payments[1].Rejections)
	require.Equal(t, map[string]any{"Amount": "120.05", "Currency": "AED"},
		w.call("hub GET /consents/rent", "").object(t, "data", "consentBody", "Data", "PaymentConsumption", "CumulativeValueOfPayments"))
	through := w.call("hub PATCH /payment-log/"+id, `{"paymentResponse.status":"Pending"}`)
	require.Equal(t, "Consent.BusinessRuleViolation", through.object(t, "errorCode"))
	w.call("hub GET /payment-log?consentId=rent", "")
}

func TestFilePayment(t *testing.T) {
	t.Parallel()
	w := paying(t, file)
	got := w.call("hub POST /payment-log", `{"consentId":"rent","idempotencyKey":"k","requestBody":{"Data":{"ConsentId":"rent","PaymentPurposeCode":"SAL",
 "Instruction":{"FileType":"csv","FileHash":"aGFzaA==","NumberOfTransactions":2,"ControlSum":"10.00"}}}}`)
	require.Equal(t, 201, got.status, string(got.body))
	require.Equal(t, "cbuae-file-payment", got.object(t, "data", "paymentType"))
	require.Equal(t, consent.Money{Minor: 1000, Currency: "AED"}, w.staging.all[0].Payments[0].Amount)
	require.Equal(t, "Consumed", w.call("hub GET /consents/rent", "").object(t, "data", "status"))
	id := w.staging.all[0].Payments[0].ID.String()
	require.Equal(t, 204, w.call("hub PATCH /payment-log/"+id,
		`{"paymentResponse":{"status":"AcceptedWithoutPosting","paymentTransactionId":"T1","OpenFinanceBilling":{"NumberOfSuccessfulTransactions":2}}}`).status)
	log := w.call("hub GET /payment-log?consentId=rent", "")
	rows, _ := log.object(t, "data").([]any)
	row, _ := rows[0].(map[string]any)
	response, _ := row["paymentResponse"].(map[string]any)
	require.Equal(t, map[string]any{"NumberOfSuccessfulTransactions": 2.0}, response["OpenFinanceBilling"])
	require.Equal(t, "T1", response["paymentTransactionId"])

	counted := func(n string) answer {
		return w.call("hub PATCH /payment-log/"+id,
			`{"paymentResponse":{"status":"AcceptedWithoutPosting","OpenFinanceBilling":{"NumberOfSuccessfulTransactions":`+n+`}}}`)
	}
	require.Equal(t, 204, counted("2").status, "the same again")
	got = counted("1")
	require.Equal(t, 400, got.status)
	require.Equal(t, "Consent.BusinessRuleViolation", got.object(t, "errorCode"))
}

func TestWrongPayments(t *testing.T) {
	t.Parallel()
	w := paying(t, multi)
	good := payment("rent", "k1", "120.05")
	for name, c := range map[string]struct{ body, code, says string }{
		"more than each":    {payment("rent", "k2", "200.01"), "Consent.FailsControlParameters", "MaximumIndividualAmount"},
		"another currency":  {replaced(good, "AED", "EUR"), "Consent.FailsControlParameters", "Currency"},
		"unknown":           {replaced(good, `"consentId":"rent"`, `"consentId":"none"`), "Consent.Invalid", ""},
		"another inside":    {replaced(good, `"ConsentId":"rent"`, `"ConsentId":"none"`), "Body.InvalidFormat", "requestBody.Data.ConsentId"},
		"in the clear":      {replaced(good, `"`+jwe+`"`, `{"Initiation":{}}`), "Body.InvalidFormat", "PersonalIdentifiableInformation"},
		"a file":            {replaced(good, `"requestBody"`, `"paymentType":"cbuae-file-payment","requestBody"`), "Body.InvalidFormat", "requestBody.Data"},
		"no key":            {replaced(good, `"idempotencyKey":"k1",`, ""), "Body.InvalidFormat", "idempotencyKey"},
		"unknown member":    {replaced(good, `"idempotencyKey"`, `"signedResponse":"x","idempotencyKey"`), "Body.InvalidFormat", "signedResponse"},
		"unknown below":     {replaced(good, `"Instruction"`, `"Iban":"`+iban+`","Instruction"`), "Body.InvalidFormat", "requestBody.Data.Iban"},
		"beyond counting":   {payment("rent", "k2", "9999999999999999.99"), "Consent.FailsControlParameters", "counted"},
		"a header twice":    {replaced(good, `"idempotencyKey"`, `"requestHeaders":{"o3-a":"1","O3-A":"2"},"idempotencyKey"`), "Body.InvalidFormat", "requestHeaders.o3-a must not be there twice"},
		"more than decimal": {payment("rent", "k2", "1.005"), "Body.InvalidFormat", "Amount"},
	} {
		got := w.call("hub POST /payment-log", c.body)
		require.Equal(t, 400, got.status, name)
		require.Equal(t, c.code, got.object(t, "errorCode"), "%s: %s", name, got.body)
		require.Contains(t, got.object(t, "errorMessage"), c.says, name)
		require.NotContains(t, string(got.body), iban)
	}
	for path, body := range map[string]string{
		"x":                                    `{"paymentResponse.status":"Rejected"}`,
		"00000000-0000-0000-0000-000000000009": `{"paymentResponse.status":"Rejected"}`,
	} {
		require.Equal(t, "Consent.Invalid", w.call("hub PATCH /payment-log/"+path, body).object(t, "errorCode"))
	}
	for _, body := range []string{
		`{}`, `{"paymentResponse.status":"Settled"}`, `{"status":"Rejected","paymentResponse.status":"Rejected"}`, `{"status":"Rejected","x":1}`,
		`{"status":"Rejected","rejectReasonCode":[{"code":"AC01","message":"m"}]}`, `{"status":"Rejected","rejectReasonCode":[1]}`, `{"status":"Rejected","rejectReasonCode":1}`,
	} {
		require.Equal(t, "Body.InvalidFormat", w.call("hub PATCH /payment-log/x", body).object(t, "errorCode"), body)
	}
	for body, path := range map[string]string{
		`{"status":"Rejected","rejectReasonCode":[{"code":"A.B","message":"m"},{"Code":"A.B","code":"A.C","message":"m"}]}`:         "paymentResponse.rejectReasonCode[1].code",
		`{"status":"Rejected","RejectReasonCode":[{"code":"A.B","Message":"m","message":"n"}]}`:                                     "paymentResponse.rejectReasonCode[0].message",
		`{"status":"Rejected","rejectReasonCode":[{"code":"A.B","message":"m"}],"RejectReasonCode":[{"code":"A.B","message":"m"}]}`: "paymentResponse.rejectReasonCode",
	} {
		got := w.call("hub PATCH /payment-log/x", body)
		require.Equal(t, "Body.InvalidFormat", got.object(t, "errorCode"), body)
		require.Contains(t, got.object(t, "errorMessage"), path+" must not be there twice")
	}
	require.Equal(t, "Resource.InvalidFormat", w.call("hub GET /payment-log", "").object(t, "errorCode"))
	w.call("hub PATCH /consents/rent", `{"status":"Suspended","authorizationChannel":"App"}`)
	require.Equal(t, "Consent.FailsControlParameters", w.call("hub POST /payment-log", good).object(t, "errorCode"))
	w.call("hub POST /consents", dataRequest)
	require.Equal(t, "Consent.Invalid", w.call("hub POST /payment-log", payment("budget-1", "k", "1.00")).object(t, "errorCode"))
	require.Empty(t, w.call("hub GET /payment-log?consentId=budget-1", "").rows(t, "paymentId"))
}

// Credentials, and what names a person or an account of theirs, come out nowhere: not
// in answers, not in logs, not in what storage would keep in the clear.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const token, bearer = "connect-s3cret", "bearer-s3cret"
	headers := []string{"Authorization", "Bearer " + bearer, "Cookie", "session=" + bearer, "Dpop", bearer, "O3-Authorization", bearer, "O3-Client-Assertion", bearer}
	var said []byte
	keep := func(a answer) answer { said = append(append(said, a.body...), []byte(headerText(a))...); return a }
	keep(w.call("hub POST /consents", paymentRequest(multi), headers...))
	require.Equal(t, 204, keep(w.call("hub PATCH /consents/rent", replaced(authorized(omar, "r1"), "{", `{"ConnectToken":"`+token+`",`), headers...)).status)
	require.Equal(t, 201, keep(w.call("hub POST /payment-log", replaced(payment("rent", "k1", "1.00"), "{", `{"requestHeaders":{"Authorization":"`+bearer+`","o3-token":"`+bearer+`"},`), headers...)).status)
	for _, path := range []string{"/consents", "/consents/rent", "/consents/rent/audit", "/payment-log?consentId=rent", "/psu/" + omar + "/consents"} {
		require.Equal(t, 200, keep(w.call("hub GET "+path, "")).status)
	}
	keep(w.call("hub PATCH /consents/rent", `{"ConnectToken":"`+token+`"}`))
	keep(w.call("hub PATCH /consents/rent", `{"authorizationChannel":"`+token+`"}`))
	r := w.staging.all[0]
	for _, where := range []string{string(said), w.said.String(), string(r.Staged.Origin), string(r.Staged.Extra), string(r.Staged.Token), string(r.Payments[0].Origin)} {
		require.NotContains(t, where, token)
		require.NotContains(t, where, bearer)
		require.NotContains(t, where, iban)
	}
	opened, err := w.handler.Keys.Open("connect token "+r.ID.String(), w.staging.tokens[0])
	require.NoError(t, err)
	require.Equal(t, token, string(opened))
	require.Equal(t, iban, r.Access.Grants[0].Reference.IBAN, "there was one to be shown")
}

func headerText(a answer) string {
	text := ""
	for name, values := range a.header {
		for _, v := range values {
			text += name + ": " + v + "\n"
		}
	}
	return text
}

// The token that a consent has already changes nothing of it, though sealed anew it
// looks like another; so a last word that is repeated whole is no other word.
func TestTokenAgain(t *testing.T) {
	t.Parallel()
	w := whole(t)
	w.call("hub POST /consents", paymentRequest(multi))
	user, _ := w.call("hub GET /users?psu=omar", "").object(t, "data", "userId").(string)
	body := replaced(authorized(user, "omar-1"), "{", `{"ConnectToken":"one",`)
	updated := func() any { return w.call("hub GET /consents/rent", "").object(t, "data", "updatedAt") }
	require.Equal(t, 204, w.call("hub PATCH /consents/rent", body).status)
	before := updated()
	w.now = w.now.Add(time.Minute)
	require.Equal(t, 204, w.call("hub PATCH /consents/rent", body).status)
	require.Equal(t, before, updated())
	require.Equal(t, 204, w.call("hub PATCH /consents/rent", replaced(body, "one", "two")).status)
	require.NotEqual(t, before, updated())
	last := `{"ConnectToken":"two","status":"Revoked","consentBody.Data.RevokedBy":"TPP","authorizationChannel":"App"}`
	for range 2 {
		got := w.call("hub PATCH /consents/rent", last)
		require.Equal(t, 204, got.status, string(got.body))
	}
	require.Equal(t, 400, w.call("hub PATCH /consents/rent", replaced(last, "two", "three")).status)
}

// The time of a use comes with a patch, and is shown.
func TestUsage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call("hub POST /consents", dataRequest)
	at := start.Add(-time.Hour)
	w.call("hub PATCH /consents/budget-1", `{"authorizationChannel":"App","consentUsage":{"lastDataShared":"`+at.Format(time.RFC3339)+`"}}`)
	require.Equal(t, at.Format(time.RFC3339), w.call("hub GET /consents/budget-1", "").object(t, "data", "consentUsage", "lastDataShared"))
}
