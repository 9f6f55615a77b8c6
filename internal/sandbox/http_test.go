package sandbox_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/sandbox"
	"consentd/internal/service"
)

// text is a message on a phone.
type text struct{ At, Text, Code string }

func (b *bundle) phone(t *testing.T, psu string) []text {
	t.Helper()
	got := b.call(t, http.MethodGet, "/sandbox/psus/"+psu+"/phone", "", "Accept", "application/json")
	require.Equal(t, http.StatusOK, got.status, got.body)
	var phone struct {
		Messages  []text
		Approvals []ask
	}
	got.json(t, &phone)
	assert.NotNil(t, phone.Messages, "a list, even without messages")
	assert.NotNil(t, phone.Approvals)
	return phone.Messages
}

func TestGuard(t *testing.T) {
	t.Parallel()
	b := setup(t)
	own, err := url.Parse(b.url)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		method  string
		headers []string
		want    int
	}{
		"by address":             {"GET", nil, 200},
		"by localhost":           {"GET", []string{"Host", "localhost:" + own.Port()}, 200},
		"by LOCALHOST":           {"GET", []string{"Host", "LocalHost"}, 200},
		"by the other loopback":  {"GET", []string{"Host", "[::1]:8080"}, 200},
		"by the configured name": {"GET", []string{"Host", "sandbox.internal:8080"}, 200},
		"rebound name":           {"GET", []string{"Host", "evil.example"}, 403},
		"rebound address":        {"GET", []string{"Host", "192.0.2.1:8080"}, 403},
		"name that begins right": {"GET", []string{"Host", "localhost.evil.example"}, 403},
		"no port but a command":  {"GET", []string{"Host", "localhost:80'80"}, 403},
		"own origin":             {"DELETE", []string{"Origin", b.url}, 200},
		"foreign origin":         {"GET", []string{"Origin", "https://evil.example"}, 403},
		"another port":           {"DELETE", []string{"Origin", "http://127.0.0.1:1"}, 403},
		"opaque origin":          {"DELETE", []string{"Origin", "null"}, 403},
		"another site's form":    {"DELETE", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		"a neighbour's form":     {"DELETE", []string{"Sec-Fetch-Site", "same-site"}, 403},
		"own form":               {"DELETE", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		"another site's link":    {"GET", []string{"Sec-Fetch-Site", "cross-site"}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := b.call(t, c.method, "/sandbox/clock", "", c.headers...)
			assert.Equal(t, c.want, got.status, got.body)
		})
	}
}

// TestGuardIsEverywhere: no route of the sandbox answers under a bent name.
func TestGuardIsEverywhere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, route := range []string{
		"GET /", "GET /sandbox/style.css", "PUT /sandbox/clock", "POST /sandbox/clock", "GET /sandbox/clock/time", "GET /sandbox/tools", "GET /sandbox/psus", "GET /sandbox/psus/lea",
		"POST /sandbox/psus/lea/accounts", "GET /sandbox/psus/lea/phone", "POST /sandbox/psus/lea/phone/approvals/lea.0", "GET /sandbox/recent", "POST /sandbox/demo", "POST /sandbox/tokens", "DELETE /sandbox/tokens/x", "POST /sandbox/tpps", "GET /sandbox/tpps/demo", "POST /oauth2/authorize",
		"GET /docs", "GET /sca/handle", "POST /sca/handle", "GET /no/route", "GET /sandbox/return", "GET /sandbox/return/nok", "POST /sandbox/bank/psu-authentications", "GET /sandbox/bank/customers/lea/accounts", "POST /sandbox/bank/approvals",
	} {
		method, path, _ := strings.Cut(route, " ")
		got := b.call(t, method, path, "", "Host", "evil.example", "Authorization", "Bearer "+sandbox.BankToken)
		assert.Equal(t, http.StatusForbidden, got.status, route)
		assert.Contains(t, got.body, "Header.Host", route)
	}
}

// TestGuardOfTheOthers: the routes that the sandbox shares its listener with.
func TestGuardOfTheOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, c := range map[string]struct {
		call    string
		headers []string
		want    int
	}{
		"a monitor's name":          {"GET /healthz", []string{"Host", "sandbox.monitoring"}, 200},
		"the bank's own form":       {"POST /sca/handle", []string{"Origin", b.url}, 200},
		"a form from nowhere":       {"POST /sca/handle", []string{"Origin", "null"}, 200},
		"a foreign form":            {"POST /sca/handle", []string{"Origin", "https://evil.example"}, 200}, // which package web refuses
		"a foreign TPP's form":      {"POST /oauth2/authorize", []string{"Origin", "https://evil.example"}, 200},
		"a foreign script":          {"GET /sca/handle", []string{"Origin", "https://evil.example"}, 403},
		"nowhere, by a bent name":   {"POST /sca/handle", []string{"Origin", "null", "Host", "evil.example"}, 403},
		"the docs from nowhere":     {"GET /docs", []string{"Origin", "null"}, 403},
		"the API for programs":      {"GET /v1/consents/id", nil, 200},
		"the API by a bent name":    {"GET /v1/consents/id", []string{"Host", "evil.example"}, 418},
		"the API for a page":        {"GET /v1/consents/id", []string{"Origin", "https://evil.example"}, 418},
		"creation for a page":       {"POST /v1/consents", []string{"Sec-Fetch-Site", "cross-site"}, 418},
		"the API's unknown address": {"GET /v1", []string{"Host", "evil.example"}, 418},
	} {
		t.Run(name, func(t *testing.T) {
			method, path, _ := strings.Cut(c.call, " ")
			got := b.call(t, method, path, "", c.headers...)
			require.Equal(t, c.want, got.status, got.body)
			if c.want == http.StatusTeapot {
				assert.Equal(t, consent.CodeBlocked, consent.CodeOf(b.api.handed), "the dialect answers it")
			}
		})
	}
}

// TestGuardOnAllAddresses: no name can be bent to an address that was asked for
// as such, so each one of the machine is good where all are listened on.
func TestGuardOnAllAddresses(t *testing.T) {
	t.Parallel()
	b := setup(t, func(s *sandbox.Sandbox) { s.Hosts, s.AnyAddress = nil, true })
	for host, want := range map[string]int{
		"192.0.2.1:8080": 200, "192.0.2.1": 200, "[2001:db8::1]:8080": 200, "[2001:db8::1]": 200, "localhost:8080": 200,
		"evil.example": 403, "192.0.2.1.evil.example": 403, "]192.0.2.1[": 403, "192.0.2.1:80'80": 403,
	} {
		got := b.call(t, http.MethodGet, "/sandbox/clock", "", "Host", host)
		assert.Equal(t, want, got.status, host)
	}
}

// TestGuardTakesNoZone: a zone could hold a command, which pages would show to
// be pasted. It is sent by hand, since clients leave zones out.
func TestGuardTakesNoZone(t *testing.T) {
	t.Parallel()
	b := setup(t, func(s *sandbox.Sandbox) { s.AnyAddress = true })
	for host, want := range map[string]int{"[::1]:80": 200, "[::1%';id;']:80": 403, "[fe80::1%eth0]": 403} {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(b.url, "http://"))
		require.NoError(t, err)
		_, err = fmt.Fprintf(conn, "GET /sandbox/clock HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host)
		require.NoError(t, err)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.NoError(t, conn.Close())
		assert.Equal(t, want, res.StatusCode, host)
	}
}

func TestPSUs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := b.call(t, http.MethodGet, "/sandbox/psus/anna", "")
	require.Equal(t, http.StatusOK, got.status)
	assert.JSONEq(t, `{"psu":"anna","userId":"user of anna","name":"ANNA SANDBOXD","accounts":[
		{"accountId":"r31","resourceId":"r31","iban":"DE40100100103307118608","currency":"EUR","name":"Girokonto","balance":"2310.18"},
		{"accountId":"r32","resourceId":"r32","iban":"DE02100100109307118603","currency":"EUR","name":"Reisekonto","balance":"640.00"},
		{"accountId":"r33","resourceId":"r33","iban":"DE02100100109307118603","currency":"USD","name":"Reisekonto","balance":"815.40"},
		{"accountId":"r34","resourceId":"r34","maskedPan":"525412******3241","currency":"EUR","name":"Kreditkarte","balance":"-73.25"}]}`, got.body)

	var all []struct {
		PSU      string
		UserID   string
		Accounts []any
	}
	b.call(t, http.MethodGet, "/sandbox/psus", "").json(t, &all)
	accounts := map[string]int{}
	for _, p := range all {
		accounts[p.PSU] = len(p.Accounts)
		assert.Equal(t, "user of "+p.PSU, p.UserID)
		assert.NotNil(t, p.Accounts)
	}
	assert.Equal(t, map[string]int{
		"lea": 2, "enzo": 1, "anna": 4, "omar": 1, "noa": 0, "sarl": 2, "sarl-ceo": 2, "sarl-cfo": 2, "reject": 1, "blocked": 1, "slow": 1,
	}, accounts)
	assert.Equal(t, http.StatusNotFound, b.call(t, http.MethodGet, "/sandbox/psus/eve", "").status)
}

func TestOpenAccount(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const body = `{"iban":"FR7617515000920400430518214","currency":"EUR","name":"Livret","resourceId":"r3"}`
	got := b.call(t, http.MethodPost, "/sandbox/psus/lea/accounts", body)
	require.Equal(t, http.StatusCreated, got.status, got.body)
	assert.JSONEq(t, `{"accountId":"r3","resourceId":"r3","iban":"FR7617515000920400430518214","currency":"EUR","name":"Livret","balance":"0.00"}`, got.body)

	list, err := (&sandbox.Bank{Store: b.bank.Store, Now: start}).List(t.Context(), "lea")
	require.NoError(t, err)
	require.Len(t, list, 3, "another bank over the same store knows it")
	assert.Equal(t, "Livret", list[2].Name)

	got = b.call(t, http.MethodPost, "/sandbox/psus/sarl-ceo/accounts", `{"iban":"FR7600","currency":"USD","name":"N","resourceId":"r23","balance":"5.00"}`)
	require.Equal(t, http.StatusCreated, got.status, got.body)
	enough, err := b.bank.Available(t.Context(), "r23", service.Amount{Currency: "USD", Value: "5"})
	require.NoError(t, err)
	assert.True(t, enough, "the company's, with its balance")
}

func TestOpenAccountRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const good = `{"iban":"FR7617515000920400430518214","currency":"EUR","name":"Livret","resourceId":"r3"}`
	for name, c := range map[string]struct {
		psu, old, replaced string
		status             int
		path               string
	}{
		"unknown persona":     {"eve", "", "", 404, ""},
		"no IBAN":             {"lea", `"iban":"FR7617515000920400430518214",`, ``, 400, "iban"},
		"IBAN with spaces":    {"lea", "FR76175", "FR76 175", 400, "iban"},
		"small currency":      {"lea", "EUR", "eur", 400, "currency"},
		"no name":             {"lea", "Livret", "", 400, "name"},
		"resourceId as path":  {"lea", "r3", "../r3", 400, "resourceId"},
		"balance as fraction": {"lea", `"name"`, `"balance":"1/3","name"`, 400, "balance"},
		"balance as number":   {"lea", `"name"`, `"balance":1.5,"name"`, 400, "balance"},
		"unknown member":      {"lea", `"name"`, `"colour":"red","name"`, 400, "colour"},
		"resourceId of omar":  {"lea", `"r3"`, `"r41"`, 409, "resourceId"},
		"IBAN of enzo":        {"lea", "FR7617515000920400430518214", "FR7617515900000400430518379", 409, "iban"},
		"no JSON":             {"lea", "{", "", 400, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := b.call(t, http.MethodPost, "/sandbox/psus/"+c.psu+"/accounts", strings.Replace(good, c.old, c.replaced, 1))
			assert.Equal(t, c.status, got.status, got.body)
			var fault struct{ Error, Path string }
			got.json(t, &fault)
			assert.Equal(t, c.path, fault.Path)
			assert.NotEmpty(t, fault.Error)
		})
	}
}

func TestPhone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	assert.Empty(t, b.phone(t, "lea"))
	for i := range 22 {
		code := fmt.Sprintf("%06d", i)
		for range 2 { // a repeated key sends once
			to, err := b.bank.SendCode(t.Context(), service.CodeMessage{PSU: "lea", Key: code, Code: code, Text: code + " is your code"})
			require.NoError(t, err)
			assert.Equal(t, "+33 ••• 42", to)
		}
	}
	got := b.phone(t, "lea")
	require.Len(t, got, 20, "the last ones are kept")
	assert.Equal(t, text{"2026-05-04T12:00:00.123456Z", "000002 is your code", "000002"}, got[0], "oldest first")
	assert.Equal(t, "000021", got[19].Code)
	assert.Empty(t, b.phone(t, "enzo"))
	assert.Equal(t, http.StatusNotFound, b.call(t, http.MethodGet, "/sandbox/psus/eve/phone", "").status)
}

func TestPhoneForPeopleAndPrograms(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for accept, want := range map[string]string{
		"":                                  "application/json",
		"*/*":                               "application/json",
		"application/json":                  "application/json",
		"text/html;q=0.5, application/json": "application/json",
		"text/html;q=nonsense":              "application/json",
		"text/html":                         "text/html; charset=UTF-8",
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": "text/html; charset=UTF-8",
		"application/json; q=0.1, text/html; q=0.2":                       "text/html; charset=UTF-8",
	} {
		got := b.call(t, http.MethodGet, "/sandbox/psus/lea/phone", "", "Accept", accept)
		assert.Equal(t, want, got.header.Get("Content-Type"), accept)
		assert.Equal(t, "Accept", got.header.Get("Vary"))
		assert.Equal(t, "no-store", got.header.Get("Cache-Control"))
	}
}

// TestBrokenInside: what broke is in the log, and nothing of it in the answer.
func TestBrokenInside(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.bank.Store = brokenStore{}
	got := b.call(t, http.MethodGet, "/sandbox/psus/lea", "")
	assert.Equal(t, http.StatusInternalServerError, got.status)
	assert.NotContains(t, got.body, errDown.Error())
	assert.Contains(t, b.log.String(), errDown.Error())

	b.recent.err = errDown
	page := b.page(t, "/sandbox/recent")
	assert.Equal(t, http.StatusInternalServerError, page.status)
	assert.Contains(t, page.body, "This did not work")
	assert.NotContains(t, page.body, errDown.Error())
}
