package manager_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/staging"
)

// What was asked for stays as it came, whatever becomes of the consent.
func TestRequestIsByteIdentical(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want := dataRequest[len(`{"type": `):strings.Index(dataRequest, `, "tpp"`)]
	want = replaced(replaced(want, ",\n \"consent\":", `,"consent":`), ",\n \"subscription\"", `,"subscription"`)
	want = `{"type":` + want + `}`
	made := w.call("hub POST /consents", dataRequest)
	require.Equal(t, 201, made.status, string(made.body))
	require.Contains(t, string(made.body), `"request":`+want+"}")
	for _, body := range []string{authorized(omar, "r1"), `{"status":"Suspended","authorizationChannel":"Web"}`} {
		require.Equal(t, 204, w.call("hub PATCH /consents/budget-1", body).status)
		require.Contains(t, string(w.call("hub GET /consents/budget-1", "").body), `"request":`+want+"}")
		require.Contains(t, string(w.call("hub GET /consents", "").body), `"request":`+want+"}")
	}
	again := w.call("hub POST /consents", dataRequest)
	require.Equal(t, 201, again.status)
	require.Equal(t, made.object(t, "data", "id"), again.object(t, "data", "id"))
	other := w.call("hub POST /consents", replaced(dataRequest, "ReadBalances", "ReadProduct"))
	require.Equal(t, 400, other.status)
	require.Equal(t, "Consent.Invalid", other.object(t, "errorCode"))
}

// A staged consent shows all that is known of it, in the spelling of the standard.
func TestStagedConsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call("hub POST /consents", dataRequest, "O3-Ozone-Interaction-Id", "oz-1", "O3-Psu-Identifier", "c2VjcmV0", "Authorization", "Bearer s3cret", "User-Agent", "hub/1")
	r := w.staging.all[0]
	require.Equal(t, "budget", r.TPP)
	require.Equal(t, consent.RightAccounts|consent.RightBalances|consent.RightTransactions, r.Access.Rights)
	require.Equal(t, "Budget & <Co>", r.Staged.OnBehalfOf)
	require.Equal(t, consent.Cause{By: consent.ByTPP, Who: "budget", RequestID: requestID}, w.staging.causes[0])
	require.Equal(t, 204, w.call("hub PATCH /consents/budget-1", authorized(omar, "r1", "r2")).status)

	got := w.call("back-office GET /consents/"+r.ID.String(), "")
	require.Equal(t, "Authorized", got.object(t, "data", "status"))
	require.Equal(t, "Authorized", got.object(t, "data", "consentBody", "Data", "Status"))
	require.Equal(t, map[string]any{"userId": omar}, got.object(t, "data", "psuIdentifiers"))
	require.Equal(t, []any{"r1", "r2"}, got.object(t, "data", "accountIds"))
	require.Equal(t, map[string]any{"o3-ozone-interaction-id": "oz-1", "user-agent": "hub/1", "x-request-id": requestID}, got.object(t, "data", "requestHeaders"))
	require.Equal(t, "oz-1", got.object(t, "data", "interactionId"))
	require.Equal(t, "budget-1", got.object(t, "data", "consentGroupId"))
	require.Equal(t, "v2.1", got.object(t, "data", "standardVersion"))
	require.Equal(t, "Budget App", got.object(t, "data", "tpp", "decodedSsa", "client_name"))
	require.InDelta(t, start.UnixMilli(), got.object(t, "data", "updatedAt"), 0)
	require.Equal(t, "App", got.object(t, "data", "authorizationChannel"))
	require.NotContains(t, string(got.body), "thorised")
}

// Whose consent it is, is said by the body, else by the headers, else by who knows.
func TestTPPOfAConsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bare := replaced(dataRequest, `, "tpp":{"tppId":"budget","tppName":"Budget App"}`, "")
	refused := w.call("hub POST /consents", bare)
	require.Equal(t, "Body.InvalidFormat", refused.object(t, "errorCode"))
	require.Contains(t, refused.object(t, "errorMessage"), "tpp ")
	const client = "https://dir.example/00000000-0000-4000-8000-0000000000c1"
	got := w.call("hub POST /consents", bare, "O3-Caller-Client-Id", client, "O3-Caller-Org-Id", "o")
	require.Equal(t, client, got.object(t, "data", "tpp", "clientId"))
	require.Equal(t, client, got.object(t, "data", "tpp", "tppId"))
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, got.object(t, "data", "tpp", "orgId"))
}

func TestWrongStagings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pay := paymentRequest(multi)
	for name, c := range map[string]struct{ body, code, says string }{
		"no JSON":              {"{", "Body.InvalidFormat", "body"},
		"a member twice":       {`{"type":"x","type":"x"}`, "Body.InvalidFormat", "type"},
		"a type of nobody's":   {replaced(dataRequest, "account-access", "salary"), "Body.InvalidFormat", "type"},
		"insurance":            {replaced(dataRequest, "account-access", "insurance"), "Consent.Invalid", "insurance"},
		"an unknown member":    {replaced(dataRequest, `"subscription"`, `"subscriptions"`), "Body.InvalidFormat", "subscriptions is not known"},
		"unknown below":        {replaced(dataRequest, `"ConsentId"`, `"x":1,"ConsentId"`), "Body.InvalidFormat", "consent.x"},
		"an unknown code":      {replaced(dataRequest, "ReadBalances", "ReadMinds"), "Body.InvalidFormat", "consent.Permissions[1]"},
		"no permissions":       {replaced(dataRequest, `"ReadAccountsDetail","ReadBalances","ReadTransactionsBasic"`, ""), "Body.InvalidFormat", "consent.Permissions"},
		"no id":                {replaced(dataRequest, `"budget-1"`, `""`), "Body.InvalidFormat", "consent.ConsentId"},
		"a long id":            {replaced(dataRequest, "budget-1", strings.Repeat("x", 129)), "Body.InvalidFormat", "consent.ConsentId"},
		"an end without zone":  {replaced(dataRequest, "+04:00", ""), "Body.InvalidFormat", "consent.ExpirationDateTime"},
		"an end that is over":  {replaced(dataRequest, "2027-02-01", "2026-02-01"), "Body.InvalidFormat", "consent.ExpirationDateTime"},
		"more than a year":     {replaced(dataRequest, "2027-02-01", "2027-03-02"), "Body.InvalidFormat", "consent.ExpirationDateTime"},
		"a webhook like that":  {replaced(dataRequest, `"IsActive":true`, `"IsActive":1`), "Body.InvalidFormat", "subscription.Webhook.IsActive"},
		"an unknown base":      {replaced(dataRequest, `"ConsentId"`, `"BaseConsentId":"none","ConsentId"`), "Consent.Invalid", "consent.BaseConsentId"},
		"a client id":          {replaced(dataRequest, `"tppId"`, `"clientId":"x","tppId"`), "Body.InvalidFormat", "tpp.clientId"},
		"persons in the clear": {replaced(pay, `"`+jwe+`"`, `{"Initiation":{"DebtorAccount":{"Identification":"`+iban+`"}}}`), "Body.InvalidFormat", "consent.PersonalIdentifiableInformation"},
		"a signed JWT":         {replaced(pay, jwe, "a.b.c"), "Body.InvalidFormat", "consent.PersonalIdentifiableInformation"},
		"one decimal":          {replaced(pay, `"1000.00"`, `"1000.0"`), "Body.InvalidFormat", "MaximumCumulativeValueOfPayments"},
		"a number":             {replaced(pay, `"1000.00"`, `1000.00`), "Body.InvalidFormat", "MaximumCumulativeValueOfPayments.Amount"},
		"17 digits":            {replaced(pay, `"1000.00"`, `"12345678901234567.00"`), "Body.InvalidFormat", "MaximumCumulativeValueOfPayments.Amount"},
		"zero":                 {replaced(pay, `"1000.00"`, `"0.00"`), "Body.InvalidFormat", "above zero"},
		"two currencies":       {replaced(pay, `"200.00","Currency":"AED"`, `"200.00","Currency":"EUR"`), "Body.InvalidFormat", "one currency"},
		"two schedules":        {replaced(pay, `{"MultiPayment"`, `{"SinglePayment":{},"MultiPayment"`), "Body.InvalidFormat", "must be one of"},
		"no limit":             {replaced(pay, `{"MaximumIndividualAmount":{"Amount":"200.00","Currency":"AED"}}`, "{}"), "Body.InvalidFormat", "Controls"},
		"an unknown schedule":  {replaced(pay, "VariableOnDemand", "Whenever"), "Body.InvalidFormat", "PeriodicSchedule.Type"},
		"single among several": {replaced(pay, "VariableOnDemand", "SingleInstantPayment"), "Body.InvalidFormat", "PeriodicSchedule.Type"},
		"another's member":     {replaced(pay, `"PeriodType":"Month"`, `"Schedule":[],"PeriodType":"Month"`), "Body.InvalidFormat", "Schedule is not known"},
		"half a payment":       {replaced(pay, `"MaximumCumulativeNumberOfPayments":5`, `"MaximumCumulativeNumberOfPayments":0.5`), "Body.InvalidFormat", "MaximumCumulativeNumberOfPayments"},
	} {
		got := w.call("hub POST /consents", c.body)
		require.Equal(t, 400, got.status, name)
		require.Equal(t, c.code, got.object(t, "errorCode"), "%s: %s", name, got.body)
		require.Contains(t, got.object(t, "errorMessage"), c.says, name)
		require.NotContains(t, string(got.body), iban, name)
	}
	require.Empty(t, w.staging.all)
}

// Every schedule of the standard becomes terms of the domain, in minor units.
func TestTerms(t *testing.T) {
	t.Parallel()
	aed := func(minor int64) consent.Money { return consent.Money{Minor: minor, Currency: "AED"} }
	march := consent.Date{Year: 2026, Month: time.March, Day: 1}
	periodic := func(kind, more string) string {
		return `{"MultiPayment":{"PeriodicSchedule":{"Type":"` + kind + `","PeriodType":"Week","PeriodStartDate":"2026-03-01",` + more + `}}}`
	}
	defined := func(kind, name string) string {
		return `{"MultiPayment":{"PeriodicSchedule":{"Type":"` + kind + `","Schedule":[{"PaymentExecutionDate":"2026-03-02","` + name +
			`":{"Amount":"2.00","Currency":"AED"}},{"PaymentExecutionDate":"2026-03-01","` + name + `":{"Amount":"1.00","Currency":"AED"}}]}}}`
	}
	dues := []consent.Due{{On: march, Amount: aed(100)}, {On: march.AddDays(1), Amount: aed(200)}}
	for schedule, want := range map[string]consent.PaymentTerms{
		single: {Schedule: consent.SingleInstant, Amount: aed(12005)},
		`{"SinglePayment":{"Type":"SingleFutureDatedPayment","Amount":{"Amount":"9999999999999999.99","Currency":"AED"},"RequestedExecutionDate":"2026-03-01"}}`: {
			Schedule: consent.SingleDated, Amount: aed(999999999999999999), On: march,
		},
		file: {Schedule: consent.FilePayment, Amount: aed(1000)},
		multi: {
			Schedule: consent.VariableOnDemand, Period: consent.PeriodMonth, From: march, MaxTotal: aed(100000), Count: 5, MaxEach: aed(20000),
		},
		periodic("FixedPeriodicSchedule", `"Amount":{"Amount":"3.00","Currency":"AED"}`): {
			Schedule: consent.FixedPeriodic, Period: consent.PeriodWeek, From: march, Amount: aed(300),
		},
		periodic("VariablePeriodicSchedule", `"MaximumIndividualAmount":{"Amount":"3.00","Currency":"AED"}`): {
			Schedule: consent.VariablePeriodic, Period: consent.PeriodWeek, From: march, MaxEach: aed(300),
		},
		periodic("FixedOnDemand", `"Amount":{"Amount":"3.00","Currency":"AED"},"Controls":{"MaximumCumulativeValueOfPaymentsPerPeriod":{"Amount":"9.00","Currency":"AED"}}`): {
			Schedule: consent.FixedOnDemand, Period: consent.PeriodWeek, From: march, Amount: aed(300), MaxPerPeriod: aed(900),
		},
		periodic("VariableOnDemand", `"Controls":{"MaximumCumulativeNumberOfPaymentsPerPeriod":7}`): {
			Schedule: consent.VariableOnDemand, Period: consent.PeriodWeek, From: march, CountPerPeriod: 7,
		},
		defined("FixedDefinedSchedule", "Amount"):                     {Schedule: consent.FixedDefined, Dates: dues},
		defined("VariableDefinedSchedule", "MaximumIndividualAmount"): {Schedule: consent.VariableDefined, Dates: dues},
	} {
		w := newWorld(t)
		got := w.call("hub POST /consents", paymentRequest(schedule))
		require.Equal(t, 201, got.status, "%s: %s", schedule, got.body)
		want.Currency, want.DebtorReference, want.CreditorReference, want.Purpose, want.Parties = "AED", "Wallet", "Rent", "ACM", jwe
		require.Equal(t, &want, w.staging.all[0].Staged.Payment, schedule)
		require.Nil(t, got.object(t, "data", "consentBody", "Data", "PersonalIdentifiableInformation"))
	}
}

// Every member of the patch is tolerated in each of its three forms.
func TestFormsOfAPatch(t *testing.T) {
	t.Parallel()
	const meta = `{"TotalRequired":2,"Authorizations":[{"AuthorizerId":"a","AuthorizerType":"Owner","AuthorizationDate":"2026-03-01T10:00:00Z","AuthorizationStatus":"Approved"},{"AuthorizerId":"b","AuthorizationStatus":"Pending"}]}`
	flat := `"consentBody.Data.OpenFinanceBilling":{"IsLargeCorporate":true},"consentBody.Meta.MultipleAuthorizers":` + meta + `,"consentBody.Data.Charges":[{"ChargeBearer":"Shared","Type":"VAT","Amount":{"Amount":"1.00","Currency":"AED"}}]`
	nested := `"consentBody":{"Data":{"OpenFinanceBilling":{"IsLargeCorporate":true},"Charges":[{"ChargeBearer":"Shared","Type":"VAT","Amount":{"Amount":"1.00","Currency":"AED"}}]},"Meta":{"MultipleAuthorizers":` + meta + `}}`
	more := `,"authorizationChannel":"Web","consentBody.Data.ExchangeRate":{"UnitCurrency":"EUR","ExchangeRate":4.25,"RateType":"Actual"},"supplementaryInformation":{"n":1.50},
 "consentUsage":{"lastServiceInitiationAttempt":"2026-03-01T11:00:00Z"}}`
	for name, body := range map[string]string{"flat": "{" + flat + more, "nested": "{" + nested + more, "wrapped": `{"data":{` + flat + more + "}"} {
		w := newWorld(t)
		w.call("hub POST /consents", paymentRequest(multi))
		require.Equal(t, 204, w.call("hub PATCH /consents/rent", body).status, name)
		require.Equal(t, 2, w.staging.change.Required, name)
		require.Equal(t, []consent.Approval{
			{ID: "a", Type: "Owner", State: consent.ApprovalGiven, At: time.Date(2026, time.March, 1, 10, 0, 0, 0, time.UTC)},
			{ID: "b", State: consent.ApprovalPending},
		}, w.staging.change.Approvals, name)
		got := w.call("hub GET /consents/rent", "")
		data := func(member string) any { return got.object(t, "data", "consentBody", "Data", member) }
		require.Equal(t, map[string]any{"IsLargeCorporate": true}, data("OpenFinanceBilling"), name)
		require.Equal(t, map[string]any{"UnitCurrency": "EUR", "ExchangeRate": 4.25, "RateType": "Actual"}, data("ExchangeRate"), name)
		require.Len(t, data("Charges"), 1, name)
		require.InDelta(t, 2, got.object(t, "data", "consentBody", "Meta", "TotalRequired"), 0, name)
		require.Equal(t, "AwaitingAuthorization", got.object(t, "data", "status"), name)
		require.Contains(t, string(got.body), `"supplementaryInformation":{"n":1.50}`, name)
		require.Equal(t, "2026-03-01T11:00:00Z", got.object(t, "data", "consentUsage", "lastServiceInitiationAttempt"), name)
	}
}

// What the type of a consent does not have cannot be patched.
func TestWrongPatches(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call("hub POST /consents", dataRequest)
	w.call("hub POST /consents", paymentRequest(multi))
	const channel = `"authorizationChannel":"App"`
	for name, c := range map[string]struct{ id, body, code, says string }{
		"no channel":             {"budget-1", `{"status":"Suspended"}`, "Body.InvalidFormat", "authorizationChannel is required"},
		"an unknown key":         {"budget-1", `{` + channel + `,"colour":1}`, "Body.InvalidFormat", "colour is not known"},
		"an unknown nested key":  {"budget-1", `{` + channel + `,"consentBody":{"Data":{"Permissions":[]}}}`, "Body.InvalidFormat", "consentBody.Data.Permissions is not known"},
		"charges on data":        {"budget-1", `{` + channel + `,"consentBody.Data.Charges":[]}`, "Body.InvalidFormat", "consentBody.Data.Charges"},
		"a token on data":        {"budget-1", `{` + channel + `,"ConnectToken":"s3cret"}`, "Body.InvalidFormat", "ConnectToken"},
		"signers on data":        {"budget-1", `{` + channel + `,"consentBody.Meta.MultipleAuthorizers":{}}`, "Body.InvalidFormat", "MultipleAuthorizers"},
		"policies":               {"budget-1", `{` + channel + `,"insurancePolicyIds":["p"]}`, "Body.InvalidFormat", "insurancePolicyIds"},
		"two accounts":           {"rent", `{` + channel + `,"accountIds":["a","b"]}`, "Body.InvalidFormat", "accountIds"},
		"a long account":         {"rent", `{` + channel + `,"accountIds":["` + strings.Repeat("x", 41) + `"]}`, "Body.InvalidFormat", "accountIds[0]"},
		"back to the beginning":  {"rent", `{` + channel + `,"status":"AwaitingAuthorization"}`, "Body.InvalidFormat", "status"},
		"two statuses":           {"rent", `{` + channel + `,"status":"Revoked","consentBody.Data.Status":"Expired"}`, "Body.InvalidFormat", "consentBody.Data.Status"},
		"a status twice":         {"rent", `{` + channel + `,"consentBody.Data.Status":"Revoked","consentBody":{"Data":{"Status":"Revoked"}}}`, "Body.InvalidFormat", "twice"},
		"revoked by, not so":     {"rent", `{` + channel + `,"consentBody.Data.RevokedBy":"LFI"}`, "Body.InvalidFormat", "RevokedBy"},
		"a reason of the hub's":  {"rent", `{` + channel + `,"status":"Suspended","reason":"legal"}`, "Body.InvalidFormat", "reason is not known"},
		"nobody's":               {"rent", `{` + channel + `,"psuIdentifiers":{}}`, "Body.InvalidFormat", "psuIdentifiers.userId"},
		"before a user is named": {"rent", `{` + channel + `,"status":"Authorized"}`, "Consent.BusinessRuleViolation", "psuIdentifiers"},
		"suspended too early":    {"rent", `{` + channel + `,"status":"Suspended"}`, "Consent.BusinessRuleViolation", ""},
		"an unknown consent":     {"none", `{` + channel + `}`, "Consent.Invalid", ""},
	} {
		got := w.call("hub PATCH /consents/"+c.id, c.body)
		require.Equal(t, 400, got.status, "%s: %s", name, got.body)
		require.Equal(t, c.code, got.object(t, "errorCode"), "%s: %s", name, got.body)
		require.Contains(t, got.object(t, "errorMessage"), c.says, name)
	}
	w.staging.failed = consent.At(consent.CodeForbidden, "psuIdentifiers.userId", "is not the user")
	got := w.call("hub PATCH /consents/rent", authorized(omar, "r1"))
	require.Equal(t, "Consent.InvalidUserIdentifier", got.object(t, "errorCode"))
}

// Who has revoked is said as it was told.
func TestRevocations(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"LFI", "TPP", "LFI.InitiatedByUser", "TPP.InitiatedByUser"} {
		w := newWorld(t)
		w.call("hub POST /consents", dataRequest)
		w.call("hub PATCH /consents/budget-1", authorized(omar, "r1"))
		require.Equal(t, 204, w.call("hub POST /consents/budget-1/action/revoke", `{"revokedBy":"`+by+`","revokedByPsu":{"userId":"`+omar+`"}}`).status)
		got := w.call("hub GET /consents/budget-1", "")
		require.Equal(t, "Revoked", got.object(t, "data", "consentBody", "Data", "Status"))
		require.Equal(t, by, got.object(t, "data", "consentBody", "Data", "RevokedBy"))
		require.Equal(t, by, string(staging.RevokedByOf(w.staging.all[0].Ending)))
	}
	w := newWorld(t)
	for body, says := range map[string]string{`{}`: "revokedBy is required", `{"revokedBy":"me"}`: "revokedBy", `{"revokedBy":"LFI","reason":"legal"}`: "reason is not known"} {
		got := w.call("hub POST /consents/x/action/revoke", body)
		require.Equal(t, "Body.InvalidFormat", got.object(t, "errorCode"))
		require.Contains(t, got.object(t, "errorMessage"), says)
	}
}

// A dashboard sees and ends what is its user's, and nothing else.
func TestDashboard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call("hub POST /consents", dataRequest)
	w.call("hub POST /consents", replaced(dataRequest, "budget-1", "budget-2"))
	w.call("hub PATCH /consents/budget-1", authorized(omar, "r1"))
	w.call("hub PATCH /consents/budget-2", authorized(anna, "r2"))
	asOmar := []string{"X-User-Id", omar}
	require.Equal(t, 401, w.call("dashboard GET /consents", "").status)
	for _, nobody := range []string{"omar", uuid.Nil.String()} {
		require.Equal(t, 401, w.call("dashboard GET /consents", "", "X-User-Id", nobody).status, nobody)
	}
	for _, path := range []string{"/consents", "/psu/" + omar + "/consents", "/consents?userId=" + omar} {
		list := w.call("dashboard GET "+path, "", asOmar...)
		require.Len(t, list.rows(t, "id"), 1, path)
	}
	for _, path := range []string{"/psu/" + anna + "/consents", "/consents?userId=" + anna} {
		other := w.call("dashboard GET "+path, "", asOmar...)
		require.Equal(t, 403, other.status, path)
		require.Equal(t, "Consent.InvalidUserIdentifier", other.object(t, "errorCode"))
	}
	for _, path := range []string{"/consents/budget-2", "/consents/none", "/consents/budget-2/audit", "/payment-log?consentId=budget-2"} {
		hidden := w.call("dashboard GET "+path, "", asOmar...)
		require.Equal(t, 400, hidden.status, path)
		require.Equal(t, "Consent.Invalid", hidden.object(t, "errorCode"))
		require.Equal(t, "no such consent", hidden.object(t, "errorMessage"))
	}
	require.Equal(t, 400, w.call("dashboard POST /consents/budget-2/action/revoke", `{"revokedBy":"LFI"}`, asOmar...).status)
	require.Equal(t, 403, w.call("dashboard POST /consents/budget-1/action/revoke", `{"revokedByPsu":{"userId":"`+anna+`"}}`, asOmar...).status)
	require.Equal(t, 204, w.call("dashboard POST /consents/budget-1/action/revoke", `{"revokedBy":"TPP"}`, asOmar...).status)
	got := w.call("dashboard GET /consents/budget-1", "", asOmar...)
	require.Equal(t, "LFI.InitiatedByUser", got.object(t, "data", "consentBody", "Data", "RevokedBy"))
	cause := w.staging.causes[len(w.staging.causes)-1]
	require.Equal(t, omar, cause.For)
	require.Equal(t, omar, cause.Note, "the user for whom it was ended")
	audit := w.call("dashboard GET /consents/budget-1/audit", "", asOmar...)
	require.NotContains(t, string(audit.body), "token/hub")
	require.Equal(t, "Authorized", w.call("hub GET /consents/budget-2", "").object(t, "data", "status"))
}

// Where nothing says for whom, no dashboard sees anything.
func TestDashboardOfNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.handler.Users = nil
	got := w.call("dashboard GET /consents", "", "X-User-Id", omar)
	require.Equal(t, 401, got.status)
	require.Contains(t, got.object(t, "errorMessage"), "no dashboard is set up")
}

func TestAudit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call("hub POST /consents", dataRequest)
	w.call("hub PATCH /consents/budget-1", authorized(omar, "r1"))
	got := w.call("hub GET /consents/budget-1/audit", "")
	rows, ok := got.object(t, "data").([]any)
	require.True(t, ok)
	require.GreaterOrEqual(t, len(rows), 2)
	first, _ := rows[0].(map[string]any)
	second, _ := rows[len(rows)-1].(map[string]any)
	id := w.staging.all[0].ID.String()
	require.Equal(t, map[string]any{
		"id": id + "-1", "providerId": "consentd", "operation": "create", "timestamp": float64(start.UnixMilli()), "fkMongoId": id, "fkId": id,
		"ozoneInteractionId": requestID, "callerDetails": map[string]any{"callerClientId": "budget"},
		"patch": `{"status":"AwaitingAuthorization","by":"tpp"}`,
	}, first)
	require.Equal(t, "patch", second["operation"])
	var patch map[string]any
	require.NoError(t, json.Unmarshal([]byte(second["patch"].(string)), &patch))
	require.Equal(t, map[string]any{"from": "AwaitingAuthorization", "status": "Authorized", "by": "aspsp"}, patch)
}

// What a TPP calls a consent may be anything that a path can hold once it is escaped.
func TestNamesInPaths(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a/b c", "a%2Fb", "é:1", "action", "../x", "a?b#c"} {
		w := newWorld(t)
		require.Equal(t, 201, w.call("hub POST /consents", replaced(dataRequest, "budget-1", name)).status, name)
		path := "/consents/" + url.PathEscape(name)
		require.Equal(t, name, w.call("hub GET "+path, "").object(t, "data", "consentBody", "Data", "ConsentId"), name)
		require.Equal(t, 200, w.call("back-office GET "+path+"/audit", "").status, name)
		require.Equal(t, 204, w.call("hub POST "+path+"/action/revoke", `{"revokedBy":"LFI"}`).status, name)
		require.Len(t, w.call("hub GET /consent-groups/"+url.PathEscape(name)+"/consents", "").rows(t, "id"), 1, name)
	}
}
