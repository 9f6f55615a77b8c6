package inspector

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/explain"
)

// inspecting is an inspector around a handler.
func inspecting(t *testing.T, serve echo.HandlerFunc) (*Inspector, func(*http.Request) *httptest.ResponseRecorder) {
	t.Helper()
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	real := func() time.Time { at = at.Add(5 * time.Millisecond); return at }
	i := &Inspector{Now: real, Real: real, Owns: func(path string) bool { return !strings.HasPrefix(path, "/sandbox") }}
	e := echo.New()
	e.Use(i.Middleware())
	e.Any("/*", serve)
	return i, func(r *http.Request) *httptest.ResponseRecorder {
		res := httptest.NewRecorder()
		e.ServeHTTP(res, r)
		return res
	}
}

// newest is the last call as programs see it.
func (i *Inspector) newest(t *testing.T) (requestView, string) {
	t.Helper()
	calls := i.list(1, func(*inspected) bool { return true })
	require.Len(t, calls, 1)
	view := viewOfCall(calls[0])
	raw, err := json.Marshal(view)
	require.NoError(t, err)
	return view, string(raw)
}

const (
	someHandle = "Yh0dUw3mJb1x6sWnQf5tKcZrV2aE8oPgLiT7uMzX4yA"
	somePEM    = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----\n"
)

// surface is a call with secrets in it.
type surface struct {
	method, target string
	headers        []string // name and value
	body           string
	status         int
	answers        []string // headers of the answer
	answer         string
	note           string
	secrets        []string // none of which may be kept
	stays          []string // all of which are
}

func surfaces() map[string]surface {
	pem, _ := json.Marshal(somePEM)
	return map[string]surface{
		"creating a consent": {
			method: "POST", target: "/v1/consents", headers: []string{"Cookie", "session=SECRET1", "PSU-ID", "anna", "Signature", `keyId="SN=1",signature="abc="`},
			body: `{"access":{"accounts":[{"iban":"DE40100100103307118608"}]}}`, status: 201,
			answers: []string{"Location", "/v1/consents/0198f2c4-5a41-7d08-8a77-6c2e90b1f3d5", "Set-Cookie", "a=SECRET2"},
			answer:  `{"consentId":"0198f2c4-5a41-7d08-8a77-6c2e90b1f3d5","_links":{"scaRedirect":{"href":"https://bank.example/sca/` + someHandle + `"},"scaOAuth":{"href":"https://bank.example/as?h=` + someHandle + `"}}}`,
			secrets: []string{"SECRET1", "SECRET2", someHandle, someHandle[5:]},
			stays:   []string{"anna", "DE40100100103307118608", "https://bank.example/sca/Yh0d****", "/v1/consents/0198f2c4-5a41-7d08-8a77-6c2e90b1f3d5", `signature=\"abc=\"`},
		},
		"a page of the bank's own": {
			method: "POST", target: "/v1/consents/x/authorisations", status: 201, answers: []string{"Location", "https://bank.example/go?to=" + someHandle},
			answer: `{"_links":{"scaRedirect":{"href":"https://bank.example/go/` + someHandle + `?lang=de"}}}`, secrets: []string{someHandle[5:]}, stays: []string{"https://bank.example/go/Yh0d****?lang=de"},
		},
		"decoupled": {
			method: "POST", target: "/v1/consents", status: 201, answer: `{"psuMessage":"Repeat the number 47 in the app, or ٤٧"}`,
			secrets: []string{"47", "٤٧"}, stays: []string{"Repeat the number"},
		},
		"embedded": {
			method: "PUT", target: "/v1/consents/x/authorisations/y", status: 401,
			body: `{"psuData": {"password" : "sand\"box1", "PASSWORD":"sandbox2","encryptedPassword":"sandbox3","additionalPassword":"sandbox4",` +
				`"additionalEncryptedPassword":"sandbox5","p\u0061ssword":"sandbox6"}, "scaAuthenticationData":"123456","confirmationCode":["abc7",{"x":789123}], "psuName":"Anna"}`,
			answer:  `{"tppMessages":[{"category":"ERROR","code":"PSU_CREDENTIALS_INVALID","text":"wrong"}]}`,
			secrets: []string{"box1", "sandbox", "123456", "abc7", "789123"}, stays: []string{"PSU_CREDENTIALS_INVALID", "Anna", "psuData"},
		},
		"embedded, and no JSON": {
			method: "PUT", target: "/v1/consents/x/authorisations/y", status: 400,
			body:    `{"psuData":{"password":"sand\"box1", 'encryptedPassword':'sandbox2', scaAuthenticationData: 123 456, "otp":"sandbox3`,
			secrets: []string{"box1", "sandbox", "123", "456"}, stays: []string{"psuData"},
		},
		"escapes, and no JSON": {
			method: "PUT", target: "/v1/consents/x/authorisations/y", status: 400, body: `{"p\u0061ssword":"sandbox1"`, secrets: []string{"sandbox1"},
		},
		"a form": {
			method: "POST", target: "/v1/token?token=SECRETSECRET1&access_token=SECRETSECRET2&refresh_token=SECRETSECRET3&handle=" + someHandle + "&confirmationCode=SECRETSECRET4&state=x",
			status: 400, body: "grant=x&code=SECRET5&pin=SECRET6&number=42&refresh_token=SECRETSECRET7",
			secrets: []string{"SECRET1", "SECRET2", "SECRET3", "SECRET4", "SECRET5", "SECRET6", "SECRET7", "42", someHandle[5:]}, stays: []string{"state=x", "grant=x"},
		},
		"tokens": {
			method: "POST", target: "/v1/token", status: 200, body: `{"refresh_token":"SECRETSECRET1","token":"SECRETSECRET2","pin":"SECRET3","otp":4711}`,
			answer:  `{"access_token":"SECRETSECRET4","refresh_token":"SECRETSECRET5","token":"SECRETSECRET6","expires_in":300}`,
			secrets: []string{"SECRET1", "SECRET2", "SECRET3", "4711", "SECRET4", "SECRET5", "SECRET6"}, stays: []string{"expires_in", "300"},
		},
		"a code's way back": {
			method: "GET", target: "/oauth2/authorize/" + someHandle + "?code=SECRETSECRET1&state=mine", status: 303,
			answers: []string{"Location", "https://acme.example/back?code=SECRETSECRET2&state=mine"}, note: "back to https://acme.example/back?state=mine&code=SECRETSECRET3",
			secrets: []string{"SECRET1", "SECRET2", "SECRET3", someHandle[5:]}, stays: []string{"/oauth2/authorize/Yh0d****", "state=mine", "https://acme.example/back?code=SECR****"},
		},
		"a code's exchange": {
			method: "POST", target: "/oauth2/token", status: 200,
			headers: []string{"Content-Type", "application/x-www-form-urlencoded", "Authorization", "Basic YWNtZTpzZWNyZXQx"},
			body:    "grant_type=authorization_code&client_id=PSDXX-SANDBOX-ACME&code=SECRET1&code_verifier=SECRET2&client_secret=SECRET3&client_assertion=SECRET4.SECRET5.SECRET6",
			answer:  `{"access_token":"SECRETSECRET7","token_type":"Bearer","expires_in":600,"refresh_token":"SECRETSECRET8","scope":"aisp"}`,
			secrets: []string{"SECRET1", "SECRET2", "SECRET3", "SECRET4", "SECRET5", "SECRET6", "SECRET7", "SECRET8", "YWNtZTpzZWNyZXQx"},
			stays:   []string{"authorization_code", "PSDXX-SANDBOX-ACME", "aisp", "600"},
		},
		"a refresh, a revocation, and a question about a token": {
			method: "POST", target: "/oauth2/revoke", status: 200, body: "token=SECRETSECRET1&token_type_hint=refresh_token", answer: `{"active":true,"scope":"aisp"}`,
			secrets: []string{"SECRET1"}, stays: []string{"token_type_hint=refresh_token", "active"},
		},
		"a token of the sandbox's": {
			method: "DELETE", target: "/tokens/SECRETSECRET1", status: 204, secrets: []string{"SECRET1"}, stays: []string{"/tokens/SECR****"},
		},
		"a look-up": {
			method: "POST", target: "/aspsp/v1/authorisations/lookups", headers: []string{"Authorization", "Bearer sandbox-secret", "Proxy-Authorization", "Basic YWJjOmRlZjpnaGk"},
			body: `{"handle":"` + someHandle + `"}`, status: 410, answer: `{"code":"expired","redirectUri":"https://acme.example/back?confirmationCode=SECRETSECRET"}`,
			secrets: []string{"sandbox-secret", "YWJjOmRlZjpnaGk", someHandle[5:], "SECRETSECRET"}, stays: []string{"Bearer sand****", "Yh0d****", `\"expired\"`, "https://acme.example/back?confirmationCode=SECR****"},
		},
		"a call-back": {
			method: "POST", target: "/aspsp/v1/sca-callbacks/" + someHandle + "?x=1", headers: []string{"Authorization", "opaque-credential"},
			body: `{"decision":"approve","number":"47","answer":{"pin":4711,"accounts":["r31"]}}`, status: 204,
			secrets: []string{someHandle[5:], "47", "approve", "4711", "r31", "credential"}, stays: []string{"/aspsp/v1/sca-callbacks/Yh0d****?x=1", "accounts"},
		},
		"a call-back, and no JSON": {
			method: "POST", target: "/aspsp/v1/sca-callbacks/" + someHandle, body: `47`, status: 400, secrets: []string{someHandle[5:], "47"},
		},
		"a call-back, spelt with escapes": {
			method: "POST", target: "/aspsp/v1/%73ca-callbacks/" + someHandle, body: `approve`, status: 404, secrets: []string{someHandle[5:], "approve"},
		},
		"a gateway's question": {
			method: "GET", target: "/aspsp/v1/forward-auth", headers: []string{"X-Original-Authorization", "Bearer SECRETSECRET", "X-Original-URI", "/v1/accounts?access_token=SECRETSECRET", "Authorization", "Bearer abc"},
			status: 200, answers: []string{"X-Consent-Id", "0198f2c4-5a41-7d08-8a77-6c2e90b1f3d5"}, secrets: []string{"SECRETSECRET", "Bearer abc"}, stays: []string{"0198f2c4-5a41-7d08-8a77-6c2e90b1f3d5"},
		},
		"a resource server's question": {
			method: "POST", target: "/aspsp/v1/access-checks", body: `{"tpp":"XX-SANDBOX:PSDXX-SANDBOX-ACME","accessToken":"SECRETSECRET"}`, status: 200,
			secrets: []string{"SECRETSECRET"}, stays: []string{"PSDXX-SANDBOX-ACME", "SECR****"},
		},
		"several of them": {
			method: "POST", target: "/aspsp/v1/access-checks/batch", body: `{"checks":[{"operation":"accounts"},{"operation":"balances","accessToken":"SECRETSECRET"}]}`, status: 200,
			secrets: []string{"SECRETSECRET"}, stays: []string{"balances", "SECR****"},
		},
		"a resource server's question, and no JSON": {
			method: "POST", target: "/aspsp/v1/access-checks", body: `{"tpp":"acme","accessToken":"SECRETSECRET`, status: 400, secrets: []string{"SECRETSECRET"}, stays: []string{"acme"},
		},
		"what a hub says": {
			method: "PATCH", target: "/consent-manager/consents/x", headers: []string{"X-User-Token", "SECRETSECRET1"}, status: 400,
			body:    `{"ConnectToken":"SECRETSECRET2","PersonalIdentifiableInformation":{"Name":"SECRETSECRET3"},"authorizationChannel":"App"}`,
			answer:  `{"data":{"PersonalIdentifiableInformation":"SECRETSECRET4.a.b.c.d","status":"Authorized"}}`,
			secrets: []string{"SECRET1", "SECRET2", "SECRET3", "SECRET4"}, stays: []string{"authorizationChannel", "Authorized"},
		},
		"keys": {
			method: "POST", target: "/v1/x", body: `{"privateKey":"AAAA","note":` + string(pem) + `}`, answer: `{"privateKey":"BBBB","note":` + string(pem) + `}`, status: 200,
			note: "key: " + somePEM + " at /sca/" + someHandle, secrets: []string{"AAAA", "BBBB", "MIIEvQ", someHandle[5:]}, stays: []string{"BEGIN PRIVATE KEY", "/sca/Yh0d****"},
		},
		"keys, and no JSON": {method: "POST", target: "/v1/x", body: somePEM[:40], status: 400, secrets: []string{"MIIEvQ"}},
	}
}

// TestSecretsAreMasked: of no surface a secret is kept, wherever it stands.
func TestSecretsAreMasked(t *testing.T) {
	t.Parallel()
	all := ""
	for name, s := range surfaces() {
		all += s.target + s.body + s.answer + strings.Join(s.headers, " ") + strings.Join(s.answers, " ")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i, call := inspecting(t, func(c echo.Context) error {
				explain.Note(c.Request().Context(), "%s", s.note)
				for n := 0; n < len(s.answers); n += 2 {
					c.Response().Header().Set(s.answers[n], s.answers[n+1])
				}
				return c.Blob(s.status, "application/json", []byte(s.answer))
			})
			r := httptest.NewRequest(s.method, s.target, strings.NewReader(s.body))
			for n := 0; n < len(s.headers); n += 2 {
				r.Header.Set(s.headers[n], s.headers[n+1])
			}
			require.Equal(t, s.status, call(r).Code)
			view, raw := i.newest(t)
			for _, secret := range s.secrets {
				// Where the answer is about is no secret.
				assert.NotContains(t, strings.ReplaceAll(raw, view.At.Format(time.RFC3339Nano), ""), secret)
			}
			for _, part := range s.stays {
				assert.Contains(t, raw, part)
			}
			if json.Valid([]byte(s.body)) {
				assert.True(t, json.Valid([]byte(view.Request.Body)), view.Request.Body)
			}
			assert.True(t, s.answer == "" || json.Valid([]byte(view.Response.Body)), view.Response.Body)
		})
	}
	for _, rule := range secretRules {
		assert.Contains(t, strings.ToLower(all), strings.ToLower(rule.name), "a rule that no surface tries")
	}
}

// TestNothingElseIsChanged: what holds no secret is kept as it was sent, so that a
// digest over it still holds.
func TestNothingElseIsChanged(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{ "a" : [1.0e5, true, null, "\u00e9\/"],` + "\r\n\t" + `"code2":{}, "cardNumber":"1"}`, `[]`, `"x"`, ` 12 `, "", "plain", "{", `{"a":`,
	} {
		assert.Equal(t, body, maskBody([]byte(body), inRequest, nothing))
	}
	refused := `{"code":"FORMAT_ERROR","number":1}`
	assert.Equal(t, refused, maskBody([]byte(refused), inAnswer, nothing), "an answer's code is no secret")
}

// TestInspectorLeavesTheCallAlone: the handler reads the whole body, however long,
// and its answer goes out whole.
func TestInspectorLeavesTheCallAlone(t *testing.T) {
	t.Parallel()
	long := `{"a":"` + strings.Repeat("é", maxInspectedBody) + `"}`
	i, call := inspecting(t, func(c echo.Context) error {
		body, err := io.ReadAll(c.Request().Body)
		require.NoError(t, err)
		require.NoError(t, http.NewResponseController(c.Response()).Flush())
		return c.Blob(http.StatusOK, "application/json", body)
	})
	res := call(httptest.NewRequest(http.MethodPost, "/v1/x", strings.NewReader(long)))
	assert.Equal(t, long, res.Body.String())
	view, _ := i.newest(t)
	assert.True(t, view.Request.Truncated)
	assert.True(t, view.Response.Truncated)
	assert.Len(t, view.Request.Body, maxInspectedBody, "6 bytes, and é has two")
	assert.Equal(t, view.Request.Body, view.Response.Body)
	assert.InDelta(t, 10.0, view.Took, 5.1)

	call(httptest.NewRequest(http.MethodPost, "/sandbox/x", strings.NewReader("x")))
	again, _ := i.newest(t)
	assert.Equal(t, view.ID, again.ID, "none of its paths")
}

// TestInspectorShowsBodiesThatNobodyRead: of a call that is refused by its headers
// the body shows too, unless the client still waits to be told to send it.
func TestInspectorShowsBodiesThatNobodyRead(t *testing.T) {
	t.Parallel()
	i, call := inspecting(t, func(c echo.Context) error { return c.NoContent(http.StatusUnauthorized) })
	call(httptest.NewRequest(http.MethodPost, "/v1/x", strings.NewReader("unread")))
	view, _ := i.newest(t)
	assert.Equal(t, "unread", view.Request.Body)

	r := httptest.NewRequest(http.MethodPost, "/v1/x", strings.NewReader("unsent"))
	r.Header.Set("Expect", "100-continue")
	call(r)
	view, _ = i.newest(t)
	assert.Empty(t, view.Request.Body)

	call(httptest.NewRequest(http.MethodPost, "/v1/x", strings.NewReader("\xff\x00\xfe")))
	view, _ = i.newest(t)
	assert.Equal(t, "(3 bytes that are no text)", view.Request.Body)
	assert.Contains(t, view.Curl, "--data-binary @body")
}

// TestInspectorSeesFailures: an error is answered before it is kept, and a panic is
// somebody else's to answer.
func TestInspectorSeesFailures(t *testing.T) {
	t.Parallel()
	i, call := inspecting(t, func(c echo.Context) error {
		explain.Note(c.Request().Context(), "caller: tpp (TPP)")
		if c.Request().URL.Path == "/v1/panic" {
			panic(errors.New("broken"))
		}
		return echo.ErrTeapot
	})
	assert.Equal(t, http.StatusTeapot, call(httptest.NewRequest(http.MethodGet, "/v1/error", nil)).Code)
	view, _ := i.newest(t)
	assert.Equal(t, http.StatusTeapot, view.Status)
	assert.Equal(t, "tpp (TPP)", view.Caller)

	assert.Panics(t, func() { call(httptest.NewRequest(http.MethodGet, "/v1/panic", nil)) })
	view, _ = i.newest(t)
	assert.Equal(t, http.StatusInternalServerError, view.Status)
	assert.Equal(t, []string{"caller: tpp (TPP)", "the program failed; its log says where"}, view.Path)
	assert.Equal(t, 1, view.deciding())
}

func TestDeciding(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		path   []string
		want   int
	}{
		"not refused":       {201, []string{"model: dedicated"}, -1},
		"before the answer": {401, []string{"a", "signature refused", "answered 401 SIGNATURE_INVALID"}, 1},
		"without an answer": {503, []string{"a", "fault: injected"}, 1},
		"by its code":       {401, []string{"a", "missing tpp-redirect-uri → SIGNATURE_INVALID", "b"}, 1},
		"nothing but that":  {404, []string{"answered 404 RESOURCE_UNKNOWN"}, 0},
		"nothing at all":    {404, nil, -1},
	} {
		assert.Equal(t, c.want, (&inspected{Status: c.status, Path: c.path}).deciding(), name)
	}
}

func TestCallsInWords(t *testing.T) {
	t.Parallel()
	for caller, want := range map[string]string{"XX:1 (Acme Money)": "Acme Money", "token/7 (hub), hub": "hub", "token/7": "token/7", "": "", "x (y": "x (y"} {
		assert.Equal(t, want, (&inspected{Caller: caller}).Who())
	}
	for took, want := range map[float64]string{0.04: "< 0.1 ms", 0.1: "0.1 ms", 3: "3 ms", 9.96: "10 ms", 41.6: "41 ms", 2049: "2.0 s"} {
		assert.Equal(t, want, (&inspected{Took: took}).Duration())
	}
}

// TestCurlOfACall: a shell reads the words as they were sent.
func TestCurlOfACall(t *testing.T) {
	t.Parallel()
	const nasty = "it's $HOME `id` \"x\" \\ \n é"
	call := &inspected{
		Method: "POST", Origin: "https://localhost:8443", Target: "/v1/../consents?x={a}'", Protocol: "HTTP/2.0 over TLS 1.3", Subject: "CN=acme",
		Request: exchanged{Body: "@" + nasty, Headers: http.Header{"X-B": {"2", "3"}, "X-A": {nasty[:24]}, "Content-Length": {"9"}, "X-Empty": {""}}},
	}
	got := call.curl()
	out, err := exec.CommandContext(t.Context(), "sh", "-c", `curl() { for a in "$@"; do printf '%s\0' "$a"; done; }; `+got).Output()
	require.NoError(t, err, got)
	assert.Equal(t, []string{
		"-i", "--globoff", "--path-as-is", "-X", "POST", "https://localhost:8443/v1/../consents?x={a}'",
		"--cert", "acme/qwac.pem", "--key", "acme/qwac.key", "--cacert", "acme/ca.pem",
		"-H", "X-A: " + nasty[:24], "-H", "X-B: 2", "-H", "X-B: 3", "-H", "X-Empty;", "--data-raw", "@" + nasty, "-H", "Content-Type:",
	}, strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"))

	assert.Equal(t, "curl -i --head http://localhost/v1", (&inspected{Method: "HEAD", Origin: "http://localhost", Target: "/v1"}).curl())
	assert.Equal(t, "curl -i http://localhost/v1", (&inspected{Method: "GET", Origin: "http://localhost", Target: "/v1"}).curl())
	assert.Equal(t, "curl -i -X 'A;B' http://proxied/v1", (&inspected{Method: "A;B", Origin: "http://localhost", Target: "http://proxied/v1"}).curl())
}
