package manager_test

import "strings"

const (
	jwe  = "eyJhbGciOiJSU0EtT0FFUC0yNTYifQ.a.b.c.d"
	iban = "AE070331234567890123456"

	dataRequest = `{"type": "urn:openfinanceuae:account-access-consent:v2.1",
 "consent":{"ConsentId":"budget-1", "Permissions":["ReadAccountsDetail","ReadBalances","ReadTransactionsBasic"],
  "OpenFinanceBilling":{"UserType":"Retail","Purpose":"BudgetingAnalysis"},"OnBehalfOf":{"TradingName":"Budget & <Co>"},
  "ExpirationDateTime":"2027-02-01T00:00:00+04:00"},
 "subscription":{"Webhook":{"Url":"https://tpp.example/hook","IsActive":true}}, "tpp":{"tppId":"budget","tppName":"Budget App"}}`

	multi = `{"MultiPayment":{"MaximumCumulativeValueOfPayments":{"Amount":"1000.00","Currency":"AED"},"MaximumCumulativeNumberOfPayments":5,
 "PeriodicSchedule":{"Type":"VariableOnDemand","PeriodType":"Month","PeriodStartDate":"2026-03-01","Controls":{"MaximumIndividualAmount":{"Amount":"200.00","Currency":"AED"}}}}}`
	single = `{"SinglePayment":{"Type":"SingleInstantPayment","Amount":{"Amount":"120.05","Currency":"AED"}}}`
	file   = `{"FilePayment":{"FileType":"csv","FileHash":"aGFzaA==","NumberOfTransactions":2,"ControlSum":"10.00"}}`
)

// paymentRequest asks for payments by a schedule, by the name rent.
func paymentRequest(schedule string) string {
	return `{"type":"urn:openfinanceuae:service-initiation-consent:v2.1","consent":{"ConsentId":"rent","IsSingleAuthorization":true,
 "ExpirationDateTime":"2026-12-31T00:00:00Z","AuthorizationExpirationDateTime":"2026-03-05T00:00:00Z","Permissions":["ReadAccountsBasic","ReadRefundAccount"],
 "PersonalIdentifiableInformation":"` + jwe + `","PaymentPurposeCode":"ACM","DebtorReference":"Wallet","CreditorReference":"Rent",
 "ControlParameters":{"IsDelegatedAuthentication":false,"ConsentSchedule":` + schedule + `}},"tpp":{"tppId":"budget","tppName":"Budget App"}}`
}

// payment records a payment by a consent.
func payment(id, key, amount string) string {
	return `{"consentId":"` + id + `","idempotencyKey":"` + key + `","requestBody":{"Data":{"ConsentId":"` + id + `",
 "Instruction":{"Amount":{"Amount":"` + amount + `","Currency":"AED"}},"PersonalIdentifiableInformation":"` + jwe + `","PaymentPurposeCode":"ACM","CreditorReference":"Rent"}}}`
}

// authorized patches a consent so that it is in force.
func authorized(user string, accounts ...string) string {
	return `{"status":"Authorised","authorizationChannel":"App","psuIdentifiers":{"userId":"` + user + `"},"accountIds":["` + strings.Join(accounts, `","`) + `"]}`
}

func replaced(s, from, to string) string { return strings.Replace(s, from, to, 1) }
