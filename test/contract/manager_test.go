package contract_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/test/contract"
)

const managed = `{"id":"019a9c34-7d1e-4b52-8f3c-2d5b6a7c8d9e","consentType":"cbuae-account-access-consents","status":"Authorized","requestHeaders":{},
 "consentBody":{"Data":{"ConsentId":"b","Permissions":["ReadBalances"],"OpenFinanceBilling":{"UserType":"Retail","Purpose":"TaxFiling"},"ExpirationDateTime":"2027-02-28T00:00:00Z","Status":"Authorized","CreationDateTime":"2026-03-05T08:41:00Z"}},
 "tpp":{"clientId":"00000000-0000-4000-8000-0000000000c1","orgId":"00000000-0000-4000-8000-0000000000a1","softwareStatementId":"s","tppId":"t","tppName":"T","decodedSsa":{}},
 "updatedAt":1,"request":{"type":"urn:openfinanceuae:account-access-consent:v2.1","consent":{"ConsentId":"b","Permissions":["ReadBalances"],"OpenFinanceBilling":{"UserType":"Retail","Purpose":"TaxFiling"},"ExpirationDateTime":"2027-02-28T00:00:00Z"}}}`

// The official description is read as it is, and judges documents.
func TestOfficialDocuments(t *testing.T) {
	t.Parallel()
	require.NoError(t, contract.Document("consent", []byte(managed)))
	for name, wrong := range map[string]string{
		"spelling":     strings.ReplaceAll(managed, "Authorized", "Authorised"),
		"permission":   strings.ReplaceAll(managed, "ReadBalances", "ReadMinds"),
		"organisation": strings.Replace(managed, "00000000-0000-4000-8000-0000000000a1", "x", 1),
		"no request":   strings.Replace(managed, `"request"`, `"asked"`, 1),
		"no JSON":      "{",
	} {
		require.Error(t, contract.Document("consent", []byte(wrong)), name)
	}
	require.ErrorContains(t, contract.Document("salary", []byte("{}")), "no schema")
}

// Exchanges are held against both descriptions: what either of them forbids is told.
func TestManagerExchanges(t *testing.T) {
	t.Parallel()
	v := contract.Manager(t)
	const get = "GET /consent-manager/consents/b"
	for name, e := range map[string]struct {
		call, body string
		status     int
		want       string
	}{
		"a consent":           {get, `{"data":` + managed + `,"meta":{}}`, 200, ""},
		"a wrong member":      {get, `{"data":` + strings.Replace(managed, "TaxFiling", "Fun", 1) + `,"meta":{}}`, 200, "officially"},
		"a member of nobody":  {get, `{"data":` + strings.Replace(managed, `"updatedAt"`, `"iban":1,"updatedAt"`, 1) + `,"meta":{}}`, 200, "iban"},
		"a meta that is full": {get, `{"data":` + managed + `,"meta":{"x":1}}`, 200, "officially"},
		"an empty page":       {"GET /consent-manager/consents", `{"data":[],"meta":{"pageNumber":1,"totalPages":0,"totalRecords":0}}`, 200, ""},
		"a page of none":      {"GET /consent-manager/consents", `{"data":[],"meta":{"pageSize":0,"totalPages":0,"totalRecords":0}}`, 200, "officially"},
		"an error":            {get, `{"errorCode":"Consent.Invalid","errorMessage":"no such consent"}`, 400, ""},
		"a refusal":           {get, `{"errorCode":"AccessToken.InvalidScope","errorMessage":"no"}`, 403, ""},
		"another error":       {get, `{"code":"forbidden"}`, 403, "officially"},
		"our own call":        {"GET /consent-manager/users?psu=omar", `{"data":{"userId":"u"},"meta":{}}`, 200, ""},
	} {
		rec := &recorder{TB: t}
		method, path, _ := strings.Cut(e.call, " ")
		req := httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody)
		res := &http.Response{StatusCode: e.status, Header: http.Header{
			"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}, "X-Request-Id": {id},
		}}
		v.Exchange(rec, req, nil, res, []byte(e.body))
		if e.want == "" {
			assert.Empty(t, rec.said, name)
			continue
		}
		assert.Contains(t, strings.Join(rec.said, "\n"), e.want, name)
	}
}
