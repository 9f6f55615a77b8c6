package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/parties"
)

// bankCaller is one of the bank's own systems before the Consent Manager API.
type bankCaller struct {
	*program

	token string
	user  string // for whom it acts; empty for nobody
	staff string // for which of the staff; empty where it does not say
}

// naming is the back office, which calls for a person.
func (b bankCaller) naming(person string) bankCaller {
	b.staff = person
	return b
}

// hub is the one that stages consents and records payments.
func (p *program) hub() bankCaller { return bankCaller{program: p, token: "sandbox-hub"} }

// desk is the back office.
func (p *program) desk() bankCaller { return bankCaller{program: p, token: "sandbox-back-office"} }

// pages is a dashboard of the bank's own, in which a persona is logged in.
func (p *program) pages(psu string) bankCaller {
	return bankCaller{program: p, token: "sandbox-dashboard", user: p.userID(psu)}
}

// userID is the opaque id of a persona.
func (p *program) userID(psu string) string {
	p.t.Helper()
	var view struct {
		UserID string `json:"userId"`
	}
	p.call(http.MethodGet, "/sandbox/psus/"+psu, nil, &view)
	require.NotEmpty(p.t, view.UserID)
	return view.UserID
}

// told is an answer of the Consent Manager.
type told struct {
	t      *testing.T
	status int
	raw    []byte
	doc    any
}

// do calls the Consent Manager; every exchange is held against its descriptions.
func (b bankCaller) do(method, path string, body any) told {
	b.t.Helper()
	var in io.Reader
	switch sent := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(sent)
	default:
		encoded, err := json.Marshal(body)
		require.NoError(b.t, err)
		in = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+"/consent-manager"+path, in)
	require.NoError(b.t, err)
	req.Header.Set("Authorization", "Bearer "+b.token)
	if b.user != "" {
		req.Header.Set("X-Sandbox-User", b.user)
	}
	if b.staff != "" {
		req.Header.Set("X-Staff", b.staff)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := b.http.Do(req)
	require.NoError(b.t, err)
	defer res.Body.Close()
	r := told{t: b.t, status: res.StatusCode}
	r.raw, err = io.ReadAll(res.Body)
	require.NoError(b.t, err)
	if len(r.raw) > 0 {
		require.NoError(b.t, json.Unmarshal(r.raw, &r.doc), "%s %s: %s", method, path, r.raw)
	}
	return r
}

func (b bankCaller) get(path string) told {
	b.t.Helper()
	return b.do(http.MethodGet, path, nil).is(http.StatusOK)
}

// is asserts the status of an answer.
func (r told) is(status int) told {
	r.t.Helper()
	require.Equal(r.t, status, r.status, "%s", r.raw)
	return r
}

// fails asserts an error of the Consent Manager.
func (r told) fails(status int, code string) {
	r.t.Helper()
	r.is(status)
	require.Equal(r.t, code, r.text("errorCode"), "%s", r.raw)
}

// at is the value at a path of members and places, dots between them. A member that
// has dots in its name cannot be reached.
func (r told) at(path string) any {
	value := r.doc
	for step := range strings.SplitSeq(path, ".") {
		switch node := value.(type) {
		case map[string]any:
			value = node[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(node) {
				return nil
			}
			value = node[i]
		default:
			return nil
		}
	}
	return value
}

func (r told) text(path string) string {
	text, _ := r.at(path).(string)
	return text
}

func (r told) number(path string) int {
	number, _ := r.at(path).(float64)
	return int(number)
}

// each is what a path leads to in every member of data.
func (r told) each(path string) []string {
	all := []string{}
	list, _ := r.at("data").([]any)
	for i := range list {
		all = append(all, fmt.Sprint(r.at(fmt.Sprintf("data.%d.%s", i, path))))
	}
	return all
}

// now is the sandbox's time.
func (p *program) now() time.Time {
	p.t.Helper()
	var clock struct {
		Now time.Time `json:"now"`
	}
	p.call(http.MethodGet, "/sandbox/clock", nil, &clock)
	return clock.Now
}

// sharing is a request for account data.
func (p *program) sharing(base string, permissions ...string) map[string]any {
	details := map[string]any{
		"ConsentId": uuid.NewString(), "Permissions": permissions,
		"ExpirationDateTime": p.now().AddDate(0, 6, 0).Format(time.RFC3339),
		"OpenFinanceBilling": map[string]any{"UserType": "Retail", "Purpose": "AccountAggregation"},
	}
	if base != "" {
		details["BaseConsentId"] = base
	}
	return map[string]any{"type": "urn:openfinanceuae:account-access-consent:v2.1", "consent": details, "tpp": wallet()}
}

// paying is a request for payments by a schedule.
func (p *program) paying(schedule map[string]any) map[string]any {
	return map[string]any{"type": "urn:openfinanceuae:service-initiation-consent:v2.1", "tpp": wallet(), "consent": map[string]any{
		"ConsentId": uuid.NewString(), "IsSingleAuthorization": true,
		"ExpirationDateTime": p.now().AddDate(0, 6, 0).Format(time.RFC3339), "Permissions": []string{"ReadAccountsBasic", "ReadRefundAccount"},
		"ControlParameters":               map[string]any{"IsDelegatedAuthentication": false, "ConsentSchedule": schedule},
		"PersonalIdentifiableInformation": p.sealed("Fatima's Flowers", "AE460090000000123456789"),
		"DebtorReference":                 "Top up", "CreditorReference": "Wallet 42", "PaymentPurposeCode": "ACM",
	}}
}

// once is the schedule of a single instant payment, onDemand that of a wallet's.
func once(amount string) map[string]any {
	return map[string]any{"SinglePayment": map[string]any{"Type": "SingleInstantPayment", "Amount": dirhams(amount)}}
}

func (p *program) onDemand(each, month, total string) map[string]any {
	return map[string]any{"MultiPayment": map[string]any{
		"MaximumCumulativeValueOfPayments": dirhams(total),
		"PeriodicSchedule": map[string]any{
			"Type": "VariableOnDemand", "PeriodType": "Month", "PeriodStartDate": p.now().Format(time.DateOnly),
			"Controls": map[string]any{"MaximumIndividualAmount": dirhams(each), "MaximumCumulativeValueOfPaymentsPerPeriod": dirhams(month)},
		},
	}}
}

func dirhams(amount string) map[string]string {
	return map[string]string{"Amount": amount, "Currency": "AED"}
}

// wallet is a TPP as the hub's directory has it.
func wallet() map[string]any {
	return map[string]any{
		"clientId": "a7c7dd4e-6a3e-4a34-9d6e-0d1f6f2f0c01", "orgId": "a7c7dd4e-6a3e-4a34-9d6e-0d1f6f2f0c02",
		"softwareStatementId": "a7c7dd4e-6a3e-4a34-9d6e-0d1f6f2f0c03", "tppId": "wallet", "tppName": "Pearl Wallet",
		"decodedSsa": map[string]any{"client_name": "Pearl Wallet", "logo_uri": "https://wallet.example/logo.svg"},
	}
}

// sealed encrypts who is paid for the sandbox's bank.
func (p *program) sealed(name, iban string) string {
	p.t.Helper()
	var key json.RawMessage
	p.call(http.MethodGet, "/sandbox/payment-key", nil, &key)
	clear, err := json.Marshal(map[string]any{"Initiation": map[string]any{
		"DebtorAccount": map[string]any{"SchemeName": "IBAN", "Identification": omarsIBAN, "Name": map[string]string{"en": "Omar Sandboxe"}},
		"Creditor": []any{map[string]any{
			"Creditor":        map[string]any{"Name": name},
			"CreditorAccount": map[string]any{"SchemeName": "IBAN", "Identification": iban, "Name": map[string]string{"en": name}},
		}},
	}})
	require.NoError(p.t, err)
	jwe, err := parties.Seal(key, clear)
	require.NoError(p.t, err)
	return jwe
}

const (
	omarsIBAN    = "AE070331234567890123456"
	omarsAccount = "r41"
	annasIBAN    = "DE40100100103307118608"
)

// staged stages a consent and returns its id and the TPP's name for it.
func (b bankCaller) staged(request map[string]any) (id, reference string) {
	b.t.Helper()
	r := b.do(http.MethodPost, "/consents", request).is(http.StatusCreated)
	require.Equal(b.t, "AwaitingAuthorization", r.text("data.status"))
	return r.text("data.id"), r.text("data.consentBody.Data.ConsentId")
}

// given stages a consent that OMAR gives.
func (b bankCaller) given(request map[string]any) (id, reference string) {
	b.t.Helper()
	id, reference = b.staged(request)
	b.patch(id, map[string]any{
		"status": "Authorized", "psuIdentifiers": map[string]any{"userId": b.userID("omar")}, "accountIds": []string{omarsAccount}, "authorizationChannel": "App",
	}).is(http.StatusNoContent)
	return id, reference
}

func (b bankCaller) patch(id string, change map[string]any) told {
	b.t.Helper()
	return b.do(http.MethodPatch, "/consents/"+url.PathEscape(id), change)
}

// status is how a consent stands; both places that say so must agree.
func (b bankCaller) status(id string) string {
	b.t.Helper()
	r := b.get("/consents/" + id)
	require.Equal(b.t, r.text("data.status"), r.text("data.consentBody.Data.Status"))
	return r.text("data.status")
}

// pays records a payment and returns the answer.
func (b bankCaller) pays(consent, amount string) told {
	b.t.Helper()
	return b.do(http.MethodPost, "/payment-log", map[string]any{
		"consentId": consent, "idempotencyKey": uuid.NewString(), "requestBody": map[string]any{"Data": map[string]any{
			"ConsentId":   b.get("/consents/" + consent).text("data.consentBody.Data.ConsentId"),
			"Instruction": map[string]any{"Amount": dirhams(amount)}, "PaymentPurposeCode": "ACM", "CreditorReference": "Wallet 42",
			"PersonalIdentifiableInformation": b.sealed("Fatima's Flowers", "AE460090000000123456789"),
		}},
	})
}

// settles reports what became of a payment.
func (b bankCaller) settles(payment, status string) told {
	b.t.Helper()
	return b.do(http.MethodPatch, "/payment-log/"+payment, map[string]any{"paymentResponse.status": status})
}
