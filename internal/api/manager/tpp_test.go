package manager_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// withTPP asks for data for a TPP that the hub describes so.
func withTPP(tpp string) string {
	return replaced(dataRequest, `{"tppId":"budget","tppName":"Budget App"}`, tpp)
}

// Who has asked is what was judged, and every text of it can be shown.
func TestTPPIsJudged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for tpp, path := range map[string]string{
		`1`: "tpp", `{}`: "tpp.tppId", `{"tppId":""}`: "tpp.tppId", `{"tppId":" "}`: "tpp.tppId", `{"tppId":null}`: "tpp.tppId", `{"tppid":"budget"}`: "tpp.tppId",
		`{"tppId":"\u202ebudget"}`: "tpp.tppId", `{"tppId":"b\u0000"}`: "tpp.tppId", `{"tppId":"` + strings.Repeat("x", 201) + `"}`: "tpp.tppId",
		`{"tppId":"budget","tppName":"\u0000"}`: "tpp.tppName", `{"tppId":"budget","softwareStatementId":"\n"}`: "tpp.softwareStatementId",
		`{"tppId":"budget","decodedSsa":[]}`: "tpp.decodedSsa",
	} {
		got := w.call("hub POST /consents", withTPP(tpp))
		require.Equal(t, "Body.InvalidFormat", got.object(t, "errorCode"), tpp)
		require.Contains(t, got.object(t, "errorMessage"), path+" ", tpp)
	}
	require.Empty(t, w.staging.all)
}

// Nobody here can mend a directory: what could do harm on a page is left out of its
// entry, and the consent is taken.
func TestDirectoryIsSifted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, member := range []string{
		`"client_name":"\u202e"`, `"client_name":""`, `"client_uri":"\u0000"`, `"client_uri":""`, `"logo_uri":"javascript:alert(1)"`,
		`"jwks_uri":"http://tpp.example/jwks"`, `"logo_uri":"data:image/png;base64,AA"`, `"logo_uri":"//tpp.example/x"`,
		`"logo_uri":"https://bank.example@tpp.example/"`, `"logo_uri":"https:"`, `"logo_uri":1`, `"redirect_uris":["app:/cb"]`, `"roles":["AISP",""]`,
		`"sector_identifier_uri":"https://` + strings.Repeat("x", 2000) + `"`,
	} {
		got := w.call("hub POST /consents", withTPP(`{"tppId":"budget","directoryRecord":"\u202e","decodedSsa":{"application_type":"web",`+member+`}}`))
		require.Less(t, got.status, 300, "%s: %s", member, got.body)
		name, _, _ := strings.Cut(strings.TrimPrefix(member, `"`), `"`)
		software, ok := got.object(t, "data", "tpp", "decodedSsa").(map[string]any)
		require.True(t, ok)
		require.Equal(t, "web", software["application_type"])
		if name != "client_name" { // that of the TPP stands in its place
			require.NotContains(t, software, name, member)
		}
		require.NotContains(t, string(got.body), "directoryRecord")
	}
}

// What the directory knows is kept as far as it is described, and nothing besides.
func TestTPPIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const software = `{"client_name":"Budget App","client_id":"c1","application_type":"web","organisation_id":"o1","roles":["BDSP"],
 "client_uri":"https://tpp.example/?a=1","logo_uri":"https://tpp.example/logo.png","jwks_uri":"http://localhost:9000/jwks","redirect_uris":["https://tpp.example/cb","http://127.0.0.1:1/"]`
	const tpp = `"tppId":"budget","tppName":"Budget App","clientId":"00000000-0000-4000-8000-0000000000c1","orgId":"00000000-0000-4000-8000-0000000000a1","softwareStatementId":"s1","directoryRecord":"YQ=="`
	more := `,"LOGO_URI":"javascript:1","policy_uri":"javascript:1","sector_identifier_uri":null}`
	got := w.call("hub POST /consents", withTPP(`{"tppid":"","TPPID":"other","ssa":"x","decodedssa":{"logo_uri":"javascript:1"},`+tpp+`,"decodedSsa":`+software+more+`}`))
	require.Equal(t, 201, got.status, string(got.body))
	raw, err := json.Marshal(got.object(t, "data", "tpp"))
	require.NoError(t, err)
	require.JSONEq(t, `{`+tpp+`,"decodedSsa":`+software+`}}`, string(raw))
	require.Equal(t, "budget", w.staging.all[0].TPP)
	require.Equal(t, "Budget App", w.staging.all[0].TPPName)
}

// A member in another spelling is another member: nowhere does it stand for the one
// that was judged. Where others are passed over, it is.
func TestNamesAreExact(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct{ call, body string }{
		{"POST /consents", dataRequest},
		{"POST /consents", paymentRequest(multi)},
		{"POST /consents", paymentRequest(single)},
		{"POST /consents", paymentRequest(file)},
		{"POST /payment-log", payment("rent", "k", "1.00")},
		{"PATCH /consents/rent", authorized(omar, "r1")},
		{"POST /consents/rent/action/revoke", `{"revokedBy":"LFI"}`},
		{"PATCH /payment-log/x", `{"paymentResponse":{"status":"Rejected","rejectReasonCode":[{"code":"AANI.AC01","message":"m"}]}}`},
	} {
		var tree map[string]any
		require.NoError(t, json.Unmarshal([]byte(c.body), &tree))
		respelt(tree, "", func(path string) {
			body, err := json.Marshal(tree)
			require.NoError(t, err)
			w.staging.all = nil
			if c.call != "POST /consents" {
				w.call("hub POST /consents", paymentRequest(multi))
			}
			got := w.call("hub "+c.call, string(body))
			switch {
			case strings.HasPrefix(path, ".tpp."):
				require.Equal(t, 201, got.status, "%s %s: %s", c.call, path, got.body)
				require.Equal(t, "budget", got.object(t, "data", "tpp", "tppId"))
				require.Equal(t, "Budget App", got.object(t, "data", "tpp", "tppName"))
			case strings.HasPrefix(path, ".psuIdentifiers."):
				require.Equal(t, 204, got.status, "%s %s: %s", c.call, path, got.body)
				require.Equal(t, omar, w.staging.change.User)
			default:
				require.Equal(t, 400, got.status, "%s %s", c.call, path)
				require.Equal(t, "Body.InvalidFormat", got.object(t, "errorCode"), "%s %s: %s", c.call, path, got.body)
			}
		})
	}
}

// respelt sets beside each member of a tree one whose name has other capitals, and
// visits the tree with each alone.
func respelt(v any, path string, visit func(path string)) {
	switch x := v.(type) {
	case []any:
		for _, element := range x {
			respelt(element, path, visit)
		}
	case map[string]any:
		members := maps.Clone(x)
		for name, value := range members {
			other := strings.ToUpper(name)
			x[other] = "x"
			visit(path + "." + name)
			delete(x, other)
			respelt(value, path+"."+name, visit)
		}
	}
}

// Of the address that was called only the place is kept.
func TestAddressIsBare(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]string{
		"https://omar:s3cret@hub.example/consents/a%2Fb?psu=s3cret#s3cret": "https://hub.example/consents/a%2Fb",
		"/consents?psu=s3cret": "", "mailto:s3cret@hub.example": "", "https://hub.example/%zzs3cret": "",
	} {
		w := newWorld(t)
		got := w.call("hub POST /consents", dataRequest, "O3-Api-Uri", sent)
		require.Equal(t, 201, got.status, string(got.body))
		require.NotContains(t, string(got.body)+string(w.staging.all[0].Staged.Origin), "s3cret", sent)
		url, _ := got.object(t, "data", "requestUrl").(string)
		require.Equal(t, want, url, sent)
	}
}
