package contract_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/pkg/stet"
	"consentd/test/contract"
)

// What the STET dialect says of the surface that we describe: operations with their
// statuses. 400 stands beside the published ones where headers can be missing.
func TestFactsStetOperations(t *testing.T) {
	t.Parallel()
	read := strings.Fields("200 400 401 403 404 405 406 408 429 500 503")
	want := map[string][]string{
		"PUT /consents": strings.Fields("201 400 401 403 405 406 408 429 500 501 503"),
		"GET /accounts": slices.Insert(slices.Clone(read), 1, "204"),
		"GET /accounts/{accountResourceId}/balances":     slices.Insert(slices.Clone(read), 1, "204"),
		"GET /accounts/{accountResourceId}/transactions": read,
		"GET /end-user-identity":                         read,
		"GET /trusted-beneficiaries":                     strings.Fields("400 401 403 405 406 408 429 501 503 default"),
	}
	got := map[string][]string{}
	for path, item := range load(t, "stet").Paths.Map() {
		for method, op := range item.Operations() {
			where := method + " " + path
			got[where] = slices.Sorted(maps.Keys(op.Responses.Map()))
			for status, res := range op.Responses.Map() {
				if header := res.Value.Headers["X-Request-ID"]; assert.NotNil(t, header, where+status) {
					assert.True(t, header.Value.Required, where+status)
				}
				switch status {
				case "201", "204":
					assert.Empty(t, res.Value.Content, where)
				case "200":
					assert.Equal(t, []string{stet.MediaTypeHAL}, slices.Sorted(maps.Keys(res.Value.Content)), where)
				default:
					assert.Equal(t, []string{stet.MediaTypeHAL, stet.MediaTypeJSON}, slices.Sorted(maps.Keys(res.Value.Content)), where+status)
				}
			}
		}
	}
	assert.Equal(t, want, got)
}

// Exchanges of the two newer descriptions, right ones and wrong ones.
func TestStetAndOAuthExchanges(t *testing.T) {
	t.Parallel()
	dialect, tokens := contract.Load(t, "stet"), contract.Load(t, "oauth")
	dialect.BasePath = stet.BasePath
	const (
		hal, json, form = stet.MediaTypeHAL, stet.MediaTypeJSON, "application/x-www-form-urlencoded"
		accounts        = stet.BasePath + "/accounts"
		refused         = `{"timestamp":"2026-05-04T10:15:30Z","status":405,"error":"Method Not Allowed","message":"NIMP","path":"/stet/psd2/v1.4.2/consents"}`
		bare            = `{"accounts":[{"accountId":{"iban":"FR7617515000920400430518020"},"name":"Compte","cashAccountType":"CACC","currency":"EUR","_links":{}}],"_links":{"self":{"href":"/a"}}}`
	)
	for name, e := range map[string]exchange{
		"no body":      {call: "PUT " + stet.BasePath + "/consents", status: 201},
		"nulls":        {call: "PUT " + stet.BasePath + "/consents", request: `{"balances":null,"owners":[]}`, status: 201},
		"wrong type":   {call: "PUT " + stet.BasePath + "/consents", request: `{"psuIdentity":"true"}`, status: 201, want: "the request was accepted"},
		"wrong method": {call: "POST " + stet.BasePath + "/consents", status: 405, kind: json, body: refused, answered: map[string]string{"Allow": "PUT"}},
		"bare":         {call: "GET " + accounts, status: 200, kind: hal, body: bare},
		"no links":     {call: "GET " + accounts, status: 200, kind: hal, body: strings.Replace(bare, `,"_links":{}`, "", 1), want: "_links"},
		"number":       {call: "GET " + accounts, status: 200, kind: hal, body: strings.Replace(bare, `"Compte"`, `1`, 1), want: "name"},
		"none":         {call: "GET " + accounts, status: 204},
		"token": {
			call: "POST /oauth2/token", request: "grant_type=refresh_token&client_id=PSD&refresh_token=r", status: 200, kind: json,
			body: `{"access_token":"a","token_type":"Bearer","expires_in":900}`,
		},
		"token without grant": {
			call: "POST /oauth2/token", request: "client_id=PSD", status: 200, kind: json,
			body: `{"access_token":"a","token_type":"Bearer","expires_in":900}`, want: "grant_type",
		},
		"dead grant":     {call: "POST /oauth2/token", request: "grant_type=x", status: 400, kind: json, body: `{"error":"invalid_grant"}`},
		"unknown error":  {call: "POST /oauth2/token", request: "grant_type=x", status: 400, kind: json, body: `{"error":"no"}`, want: "error"},
		"revoked":        {call: "POST /oauth2/revoke", request: "token=a&client_id=PSD", status: 200},
		"introspection":  {call: "POST /oauth2/introspect", request: "token=a&client_id=PSD", status: 200, kind: json, body: `{"active":false}`},
		"server's fault": {call: "POST /oauth2/introspect", status: 503, kind: json, body: `{"error":"temporarily_unavailable"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Request-ID", id)
				w.Header().Set("Cache-Control", "no-store")
				w.Header()["Content-Type"] = nil
				for header, value := range e.answered {
					w.Header().Set(header, value)
				}
				if e.kind != "" {
					w.Header().Set("Content-Type", e.kind+"; charset=utf-8")
				}
				w.WriteHeader(e.status)
				_, _ = io.WriteString(w, e.body)
			}))
			defer server.Close()
			heard := &recorder{TB: t}
			client := &http.Client{Transport: &contract.Transport{Validators: []*contract.Validator{dialect, tokens}, T: heard}}
			method, path, _ := strings.Cut(e.call, " ")
			req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(e.request))
			require.NoError(t, err)
			req.Header.Set("X-Request-ID", id)
			if e.request != "" {
				req.Header.Set("Content-Type", form)
				if strings.HasPrefix(e.request, "{") {
					req.Header.Set("Content-Type", json)
				}
			}
			res, err := client.Do(req)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			if e.want == "" {
				require.Empty(t, heard.said)
				return
			}
			require.Contains(t, strings.Join(heard.said, "\n"), e.want)
		})
	}
}
