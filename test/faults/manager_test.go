package faults

import (
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// hub stages consents at the bank, and repeats what got no answer.
type hub struct {
	*world

	name string // of the consent: the TPP's
}

// calls sends a call of the hub's and wants one of these statuses.
func (h *hub) calls(method, path, body string, statuses ...int) answer {
	h.t.Helper()
	got := h.call(method, "/consent-manager"+path, body, http.Header{
		"Authorization": {"Bearer sandbox-hub"}, "Content-Type": {"application/json"}, "X-Request-Id": {uuid.NewString()},
	})
	require.Contains(h.t, statuses, got.status, got.body)
	return got
}

// status is how the consent stands.
func (h *hub) status() string {
	h.t.Helper()
	var said struct{ Data struct{ Status string } }
	h.calls(http.MethodGet, "/consents/"+h.name, "", http.StatusOK).into(h.t, &said)
	return said.Data.Status
}

// payments are the ids of those that were made by it, and how they stand.
func (h *hub) payments() (ids, statuses []string) {
	h.t.Helper()
	var said struct {
		Data []struct {
			PaymentID       string
			PaymentResponse struct{ ID, Status string }
		}
	}
	h.calls(http.MethodGet, "/payment-log?consentId="+h.name, "", http.StatusOK).into(h.t, &said)
	for _, p := range said.Data {
		ids, statuses = append(ids, p.PaymentResponse.ID), append(statuses, p.PaymentResponse.Status)
	}
	return ids, statuses
}

// staged is a consent to two payments, which OMAR gives to the hub: it is staged,
// authorised, paid by and used up. Whatever the hub repeats, nothing is there twice.
func staged(w *world) {
	w.t.Helper()
	h := &hub{world: w, name: uuid.NewString()}
	h.calls(http.MethodPost, "/consents", h.request(), http.StatusCreated, http.StatusOK)
	require.Equal(h.t, "AwaitingAuthorization", h.status())

	var omar struct {
		Data struct{ UserID string }
	}
	h.calls(http.MethodGet, "/users?psu=omar", "", http.StatusOK).into(h.t, &omar)
	h.calls(http.MethodPatch, "/consents/"+h.name, `{"status":"Authorized","authorizationChannel":"App","psuIdentifiers":{"userId":"`+
		omar.Data.UserID+`"},"accountIds":["r41"]}`, http.StatusNoContent)
	require.Equal(h.t, "Authorized", h.status())

	for n, to := range []string{"AcceptedCreditSettlementCompleted", "AcceptedWithoutPosting"} {
		h.calls(http.MethodPost, "/payment-log", h.payment(n), http.StatusCreated, http.StatusOK)
		ids, statuses := h.payments()
		require.Len(h.t, ids, n+1)
		require.Equal(h.t, "Pending", statuses[n])
		h.calls(http.MethodPatch, "/payment-log/"+ids[n], `{"paymentResponse.status":"`+to+`"}`, http.StatusNoContent)
	}
	_, statuses := h.payments()
	require.Equal(h.t, []string{"AcceptedCreditSettlementCompleted", "AcceptedWithoutPosting"}, statuses)
	require.Equal(h.t, "Consumed", h.status())
}

// jwe is who is paid, for whoever can open it.
const jwe = "eyJhbGciOiJSU0EtT0FFUC0yNTYifQ.a.b.c.d"

func (h *hub) request() string {
	now := h.order.Now
	return fmt.Sprintf(`{"type":"urn:openfinanceuae:service-initiation-consent:v2.1","tpp":{"tppId":"wallet","tppName":"Pearl Wallet"},"consent":{
 "ConsentId":%q,"IsSingleAuthorization":true,"ExpirationDateTime":%q,"Permissions":["ReadAccountsBasic","ReadRefundAccount"],
 "PersonalIdentifiableInformation":%q,"PaymentPurposeCode":"ACM","DebtorReference":"Top up","CreditorReference":"Wallet 42",
 "ControlParameters":{"IsDelegatedAuthentication":false,"ConsentSchedule":{"MultiPayment":{"MaximumCumulativeNumberOfPayments":2,
  "PeriodicSchedule":{"Type":"VariableOnDemand","PeriodType":"Month","PeriodStartDate":%q,
   "Controls":{"MaximumIndividualAmount":{"Amount":"100.00","Currency":"AED"}}}}}}}}`,
		h.name, now.AddDate(0, 6, 0).Format(time.RFC3339), jwe, now.Format(time.DateOnly))
}

func (h *hub) payment(n int) string {
	return fmt.Sprintf(`{"consentId":%q,"idempotencyKey":"key-%d","requestBody":{"Data":{"ConsentId":%q,"PaymentPurposeCode":"ACM",
 "Instruction":{"Amount":{"Amount":"40.00","Currency":"AED"}},"PersonalIdentifiableInformation":%q}}}`, h.name, n, h.name, jwe)
}
