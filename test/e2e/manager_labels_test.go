package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/web/mandated"
)

// pathAt evaluates a JSONPath of members and [*], from $ on: all that the labelling
// guide uses. What is not there is left out, as by RFC 9535.
func pathAt(t *testing.T, doc any, path string) []any {
	t.Helper()
	rest, ok := strings.CutPrefix(path, "$")
	require.True(t, ok, path)
	nodes := []any{doc}
	for _, step := range regexp.MustCompile(`\[\*\]|\.[A-Za-z]+|.`).FindAllString(rest, -1) {
		var next []any
		for _, node := range nodes {
			switch {
			case step == "[*]":
				list, _ := node.([]any)
				next = append(next, list...)
			case strings.HasPrefix(step, ".") && len(step) > 1:
				o, _ := node.(map[string]any)
				if value, there := o[step[1:]]; there {
					next = append(next, value)
				}
			default:
				t.Fatalf("%s is no path of the guide's: %s", path, step)
			}
		}
		nodes = next
	}
	return nodes
}

// texts are values as people read them.
func texts(values []any) []string {
	list := make([]string, len(values))
	for i, v := range values {
		if list[i], _ = v.(string); list[i] == "" {
			list[i] = string(encoded(v))
		}
	}
	return list
}

// encoded is a value as JSON, numbers with all of their digits.
func encoded(v any) []byte {
	if n, ok := v.(float64); ok {
		return fmt.Appendf(nil, "%.0f", n)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return b
}

// label is a row of the guide's tables: what a bank shows, and where it finds it.
type label struct {
	name, call, path string
	holds            func(t *testing.T, values []string)
}

// are wants these values, in whatever order.
func are(want ...string) func(*testing.T, []string) {
	return func(t *testing.T, values []string) {
		t.Helper()
		require.ElementsMatch(t, want, values)
	}
}

// like wants so many values of a form.
func like(n int, form string) func(*testing.T, []string) {
	return func(t *testing.T, values []string) {
		t.Helper()
		require.Len(t, values, n)
		for _, v := range values {
			require.Regexp(t, form, v)
		}
	}
}

// The forms of what the labels show.
const (
	formInstant = `^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`
	formMillis  = `^[12]\d{12}$`
	formSealed  = `^[\w-]+(\.[\w-]+){4}$`
	formID      = `^[0-9a-f-]{36}$`
)

// labelled is what the rows are looked up in: a line of data sharing whose first
// consent was cancelled, and payments by a wallet.
type labelled struct {
	user, line, paying string
	ids                []string // of the line
}

// label makes it, for OMAR.
func (p *program) label() labelled {
	hub := p.hub()
	request := p.sharing("", "ReadAccountsBasic", "ReadBalances")
	request["consent"].(map[string]any)["OnBehalfOf"] = map[string]any{"TradingName": "Pearl Budget"}
	first, root := hub.given(request)
	hub.do(http.MethodPost, "/consents/"+first+"/action/revoke", map[string]any{"revokedBy": "LFI.InitiatedByUser"}).is(http.StatusNoContent)
	second, _ := hub.given(p.sharing(root, "ReadAccountsDetail", "ReadTransactionsBasic"))
	hub.patch(second, map[string]any{
		"authorizationChannel": "App", "consentUsage": map[string]any{"lastDataShared": p.now().Format(time.RFC3339)},
	}).is(http.StatusNoContent)

	paying, _ := hub.given(p.paying(p.onDemand("250.00", "500.00", "1000.00")))
	for amount, status := range map[string]string{"120.05": "AcceptedWithoutPosting", "75.00": "Rejected", "80.05": ""} {
		id := hub.pays(paying, amount).is(http.StatusCreated).text("data.paymentId")
		if status != "" {
			hub.settles(id, status).is(http.StatusNoContent)
		}
	}
	return labelled{user: p.userID("omar"), line: root, paying: paying, ids: []string{first, second}}
}

// labels are the guide's tables, with their paths put right where they lack [*] or Data.
func (l labelled) labels() []label {
	all := "/psu/" + l.user + "/consents"
	line, log := "/consent-groups/"+l.line+"/consents", "/payment-log?consentId="+l.paying
	const pearl = "Pearl Wallet"
	return []label{
		// Data sharing, and payments.
		{"TPP", all, "$.data[*].tpp.tppName", are(pearl, pearl, pearl)},
		{"Trading name", all, "$.data[*].request.consent.OnBehalfOf.TradingName", are("Pearl Budget")},
		{"Last data shared", all, "$.data[*].consentUsage.lastDataShared", like(1, formInstant)},
		{"Connection expires", all, "$.data[*].request.consent.ExpirationDateTime", like(3, formInstant)},
		{"Status", all, "$.data[*].status", are("Authorized", "Authorized", "Revoked")},
		{"Status, as the consent has it", all, "$.data[*].consentBody.Data.Status", are("Authorized", "Authorized", "Revoked")},
		{"Consent ID", all, "$.data[*].id", like(3, formID)},
		{"First connected, or last updated: the group", all, "$.data[*].request.consent.BaseConsentId", are(l.line)},
		{"Permission cancelled", all + "?status=Revoked", "$.data[*].updatedAt", like(1, formMillis)},
		{"You cancelled this permission", all + "?status=Revoked", "$.data[*].consentBody.Data.RevokedBy", are("LFI.InitiatedByUser")},
		{"Total paid to date", log, "$.data[*].requestBody.Data.Instruction.Amount.Amount", are("120.05", "75.00", "80.05")},
		{"Total paid to date, of those paid", log, "$.data[*].paymentResponse.status", are("AcceptedWithoutPosting", "Rejected", "Pending")},
		{"Last payment made", all, "$.data[*].consentUsage.lastServiceInitiationAttempt", like(1, formInstant)},
		{"Payment to, and IBAN: the consent", all, "$.data[*].request.consent.PersonalIdentifiableInformation", like(1, formSealed)},
		{"Payment to, and IBAN: the payment", log, "$.data[*].requestBody.Data.PersonalIdentifiableInformation", like(3, formSealed)},
		{"Reference", log, "$.data[*].requestBody.Data.CreditorReference", are("Wallet 42", "Wallet 42", "Wallet 42")},
		{"Payment purpose", log, "$.data[*].requestBody.Data.PaymentPurposeCode", are("ACM", "ACM", "ACM")},
		{"From account", all, "$.data[*].accountIds[*]", are(omarsAccount, omarsAccount, omarsAccount)},
		{"Payment rules", all, "$.data[*].request.consent.ControlParameters", like(1, `"VariableOnDemand"`)},
		{"You started this permission", all, "$.data[*].consentBody.Data.CreationDateTime", like(3, formInstant)},
		// Connection history.
		{"TPP", line, "$.data[*].tpp.tppName", are(pearl, pearl)},
		{"Consent ID", line, "$.data[*].id", are(l.ids...)},
		{"IBAN", line, "$.data[*].accountIds[*]", are(omarsAccount, omarsAccount)},
		{"Data they get", line, "$.data[*].request.consent.Permissions[*]", are("ReadAccountsBasic", "ReadBalances", "ReadAccountsDetail", "ReadTransactionsBasic")},
		{"Connection date", line, "$.data[*].consentBody.Data.CreationDateTime", like(2, formInstant)},
		// Payment history.
		{"TPP", log, "$.data[*].tpp.tppName", are(pearl, pearl, pearl)},
		{"Payment date", log, "$.data[*].paymentResponse.creationDateTime", like(3, formInstant)},
	}
}

// TestManagerLabels finds all that a dashboard shows where the labelling guide says.
func TestManagerLabels(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		l := p.label()
		for _, row := range l.labels() {
			values := texts(pathAt(t, p.hub().get(row.call).doc, row.path))
			t.Run(row.name+" "+row.path, func(t *testing.T) { row.holds(t, values) })
		}
		var seen []string
		for _, status := range texts(pathAt(t, p.hub().get("/psu/"+l.user+"/consents").doc, "$.data[*].status")) {
			seen = append(seen, mandated.Label(status))
		}
		require.ElementsMatch(t, []string{"Active", "Active", "Cancelled"}, seen)
	})
}

// TestManagerLabelsOfAnEnd: when a consent ended is where it changed last, for good.
func TestManagerLabelsOfAnEnd(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		begun := p.now().UnixMilli()
		l := p.label()
		ended := p.hub().get("/consents/" + l.ids[0])
		updated := pathAt(t, ended.doc, "$.data.updatedAt")
		require.Len(t, updated, 1)
		require.GreaterOrEqual(t, updated[0], float64(begun))
		require.LessOrEqual(t, updated[0], float64(p.now().UnixMilli()))
		p.advance("1h")
		p.hub().patch(l.ids[0], map[string]any{
			"authorizationChannel": "App", "consentUsage": map[string]any{"lastDataShared": p.now().Format(time.RFC3339)},
		})
		require.Equal(t, updated, pathAt(t, p.hub().get("/consents/"+l.ids[0]).doc, "$.data.updatedAt"))
	})
}

// TestManagerExamples: what the sandbox makes for OMAR stands as it says, and once.
func TestManagerExamples(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		for range 2 {
			p.call(http.MethodPost, "/sandbox/examples", map[string]string{"psu": "omar"}, nil)
			list := p.hub().get("/psu/" + p.userID("omar") + "/consents")
			require.ElementsMatch(t, []string{
				"Revoked", "Revoked", "Revoked", "Authorized", "Suspended", "Rejected", "Consumed", "Authorized",
			}, list.each("status"))
			require.NotContains(t, string(list.raw), omarsIBAN)
		}
	})
}
