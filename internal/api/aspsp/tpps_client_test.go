package aspsp_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/register"
	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
)

// sealOf is the DER of a seal of an organisation that DE-BAFIN has licensed.
func sealOf(t *testing.T, organisation string) []byte {
	t.Helper()
	ca, err := issue.New("Example Trust Services", start.AddDate(-5, 0, 0), start.AddDate(20, 0, 0))
	require.NoError(t, err)
	issued, err := ca.Issue(issue.Order{
		Type: eidas.Seal, Name: "Acme", Organisation: organisation, NCAID: "DE-BAFIN", NCAName: "BaFin",
		Roles: []eidas.Role{eidas.RoleAI}, NotBefore: start.AddDate(0, -1, 0), NotAfter: start.AddDate(1, 0, 0),
	})
	require.NoError(t, err)
	return issued.Certificate.Raw
}

// asJSON writes the body of a call.
func asJSON(t *testing.T, uris, seals []string) string {
	t.Helper()
	b, err := json.Marshal(map[string][]string{"redirectUris": uris, "sealCertificates": seals})
	require.NoError(t, err)
	return string(b)
}

func TestSetClient(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const path = "/aspsp/v1/tpps/" + acme + "/client"
	one, two := sealOf(t, "PSDDE-BAFIN-125314"), sealOf(t, "PSDDE-BAFIN-125314")
	uris := []string{"https://acme.example/cb", "com.acme.app:/cb", "http://localhost:8080/"}
	a := w.send(t, http.MethodPut, path, asJSON(t, uris, []string{
		base64.StdEncoding.EncodeToString(one), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: two})),
	}), nil)
	require.Equal(t, http.StatusOK, a.status, a.body)
	assert.Equal(t, register.Client{RedirectURIs: uris, Seals: [][]byte{one, two}}, w.register.clients[0])
	assert.Equal(t, consent.Cause{By: consent.ByASPSP, Who: "token/1", RequestID: requestID}, w.register.causes[0])
	assert.Equal(t, a.body, w.send(t, http.MethodGet, "/aspsp/v1/tpps/"+acme, "", nil).body, "as GET shows it")
	var shown struct {
		RedirectURIs []string
		Seals        []map[string]string
	}
	require.NoError(t, json.Unmarshal([]byte(a.body), &shown))
	assert.Equal(t, uris, shown.RedirectURIs)
	sum := sha256.Sum256(one)
	require.Len(t, shown.Seals, 2)
	assert.Equal(t, map[string]string{"fingerprint": hex.EncodeToString(sum[:]), "expiresAt": "2027-03-01T12:00:00Z"}, shown.Seals[0])

	a = w.send(t, http.MethodPut, path, `{}`, nil)
	assert.Equal(t, http.StatusOK, a.status)
	assert.NotContains(t, a.body, "redirectUris")
	assert.NotContains(t, a.body, "seals")
	assert.Equal(t, register.Client{}, w.register.clients[1])

	a = w.send(t, http.MethodPut, "/aspsp/v1/tpps/XX-NCA:NEW/client", `{"redirectUris":["https://new.example/"]}`, nil)
	assert.Equal(t, http.StatusOK, a.status, "one that never called")
	assert.Contains(t, a.body, `"redirectUris":["https://new.example/"]`)

	w.register.fails = consent.E(consent.CodeNotFound, "no such TPP")
	assert.Equal(t, http.StatusNotFound, w.send(t, http.MethodPut, "/aspsp/v1/tpps/x/client", `{}`, nil).status)
	assert.Equal(t, "PUT", w.send(t, http.MethodDelete, path, "", nil).header.Get("Allow"))
	assert.Equal(t, http.StatusForbidden, w.send(t, http.MethodPut, path, `{}`, with{"Authorization": "Bearer board"}).status)
}

func TestClientsThatAreWrong(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const (
		list  = "redirectUris: must be a list of at most 20 strings"
		seals = "sealCertificates: must be a list of at most 10 strings"
		https = "redirectUris[0]: must be an absolute https URI"
	)
	mine, foreign := base64.StdEncoding.EncodeToString(sealOf(t, "PSDDE-BAFIN-125314")), base64.StdEncoding.EncodeToString(sealOf(t, "PSDDE-BAFIN-1"))
	for body, want := range map[string][]string{
		`[]`:                                           {"body: must be a JSON object"},
		`{"redirectUri":[]}`:                           {"redirectUri: is not known here"},
		`{"redirectUris":null}`:                        {list},
		`{"redirectUris":"https://x"}`:                 {list},
		`{"redirectUris":[1]}`:                         {list},
		`{"redirectUris":[null]}`:                      {list},
		`{"redirectUris":["acme:/cb"]}`:                {https},
		`{"redirectUris":["//x.y/"]}`:                  {"redirectUris[0]: must be an absolute URI"},
		`{"sealCertificates":{}}`:                      {seals},
		`{"sealCertificates":[["x"]]}`:                 {seals},
		`{"sealCertificates":["***"]}`:                 {"sealCertificates[0]: must be the base64 of a certificate"},
		`{"sealCertificates":["MAA="]}`:                {"sealCertificates[0]: must be the DER of a certificate"},
		asJSON(t, make([]string, 21), nil):             {list, seals}, // nil is null
		asJSON(t, []string{}, make([]string, 11)):      {seals},
		asJSON(t, []string{}, []string{mine, foreign}): {"sealCertificates[1]: must be a certificate of this TPP"},
		asJSON(t, []string{}, []string{mine, mine}):    {"sealCertificates[1]: must not be there twice"},
		asJSON(t, []string{"http://x.y"}, []string{foreign, "*"}): {
			"sealCertificates[0]: must be a certificate of this TPP", "sealCertificates[1]: must be the base64 of a certificate",
			"redirectUris[0]: must be https; http is for loopback addresses only",
		},
	} {
		a := w.send(t, http.MethodPut, "/aspsp/v1/tpps/"+acme+"/client", body, nil)
		assert.Equal(t, http.StatusBadRequest, a.status, body)
		assert.Equal(t, want, a.places(t), body)
	}
	a := w.send(t, http.MethodPut, "/aspsp/v1/tpps/"+acme+"/client?x=1", `{"redirectUris":["`+strings.Repeat("x", 501)+`"]}`, nil)
	assert.Equal(t, []string{"Query.x: is not known here", "redirectUris[0]: must not be longer than 500 characters"}, a.places(t), "all of them together")
	assert.Empty(t, w.register.clients)
}
