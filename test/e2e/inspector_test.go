package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/sandbox"
	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// recorded is a call as the inspector shows it.
type recorded struct {
	ID                int
	Method, Target    string
	ClientCertificate string
	TPP               string
	Status            int
	RequestID         string
	Request, Response struct {
		Headers http.Header
		Body    string
	}
	Path []string
	Curl string
}

// recorded are the last calls, the newest first, as a query filters them.
func (p *program) recorded(query string) []recorded {
	p.t.Helper()
	var list struct{ Requests []recorded }
	p.call(http.MethodGet, "/sandbox/requests"+query, nil, &list)
	return list.Requests
}

// pasted runs a recorded call in a shell, and returns the status of its answer.
func (p *program) pasted(command string) string {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), "bash", "-c", command)
	cmd.Env = append(os.Environ(), "no_proxy=*")
	out, err := cmd.CombinedOutput()
	require.NoError(p.t, err, "%s", out)
	return curlStatus(p.t, string(out))
}

// TestInspector: what came, what was answered and why, and the same again from a
// shell.
func TestInspector(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		id, link := p.create(p.as("acme"), p.dedicated(leaFirst))
		_, _, err := p.as("beta").ConsentStatus(t.Context(), id)
		require.Equal(t, http.StatusForbidden, statusOf(err))
		status, _, _ := p.raw(http.MethodPost, p.base+"/v1/consents", `{"it's": "no consent"}`, "X-Request-ID", uuid.NewString(), "Content-Type", "application/json", "PSU-IP-Address", "192.0.2.7")
		require.Equal(t, http.StatusBadRequest, status)

		calls := p.recorded("")
		require.Len(t, calls, 3)
		malformed, foreign, made := calls[0], calls[1], calls[2]
		require.Equal(t, []any{"POST", "/v1/consents", http.StatusCreated}, []any{made.Method, made.Target, made.Status})
		require.Contains(t, made.TPP, "Acme Money")
		require.Len(t, made.RequestID, 36)
		require.Equal(t, "acme", made.Request.Headers.Get("X-Sandbox-TPP"))
		require.Contains(t, made.Request.Body, leaFirst)
		require.Contains(t, made.Response.Body, id)
		require.Contains(t, strings.Join(made.Path, "\n"), "model: dedicated\n")
		require.Contains(t, strings.Join(made.Path, "\n"), "consent "+id+": valid until")

		handle := link[strings.LastIndex(link, "/")+1:]
		require.NotContains(t, made.Response.Body, handle[4:], "it opens the page of the PSU")
		require.Contains(t, made.Response.Body, "/sca/"+handle[:4]+"****")
		require.Equal(t, http.StatusForbidden, foreign.Status)
		require.Contains(t, foreign.Path[len(foreign.Path)-1], "CONSENT_UNKNOWN")
		require.Contains(t, foreign.TPP, "Beta")

		for _, call := range []recorded{made, foreign, malformed} {
			require.Equal(t, strconv.Itoa(call.Status), p.pasted(call.Curl), call.Curl)
		}
		again := p.recorded("?limit=3")
		for i, call := range []recorded{malformed, foreign, made} {
			require.Equal(t, call.Request.Body, again[i].Request.Body)
			require.Equal(t, call.RequestID, again[i].RequestID, "as it was sent")
		}
		require.Equal(t, made.Response.Body, again[2].Response.Body, "the same call, the same answer")
		require.Len(t, p.recorded("?status=4xx"), 4)
		require.Len(t, p.recorded("?path=/status"), 2)
	})
}

// TestInspectorOfSignatures: the whole way to a SIGNATURE_INVALID.
func TestInspectorOfSignatures(t *testing.T) {
	p := start(t, "sqlite")
	out := newCurl(t).create(p.secure, p.kitOf("signs"), "-H", "PSU-ID: anna")
	require.Equal(t, "401", curlStatus(t, out), out)
	call := p.recorded("?status=401&limit=1")[0]
	require.Contains(t, call.ClientCertificate, "signs")
	require.Contains(t, call.Curl, "--cert acme/qwac.pem")
	path := strings.Join(call.Path, "\n")
	for _, step := range []string{"certificate: ", "register: ", "caller: ", "Signature: ", "covers digest", "psu-id", "SIGNATURE_INVALID"} {
		_, rest, found := strings.Cut(path, step)
		require.True(t, found, "no %q behind what was there before, in\n%s", step, strings.Join(call.Path, "\n"))
		path = rest
	}
}

// kitOf makes a TPP, and returns the folder with its certificates and keys.
func (p *program) kitOf(name string) string {
	p.t.Helper()
	var made struct {
		QWAC, QSEAL struct{ Certificate, PrivateKey string }
		CA          string
	}
	p.call(http.MethodPost, "/sandbox/tpps", map[string]any{"name": name, "roles": []string{"PSP_AI"}}, &made)
	dir := p.t.TempDir()
	for file, text := range map[string]string{
		"qwac.pem": made.QWAC.Certificate, "qwac.key": made.QWAC.PrivateKey,
		"qseal.pem": made.QSEAL.Certificate, "qseal.key": made.QSEAL.PrivateKey, "ca.pem": made.CA,
	} {
		require.NoError(p.t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
	}
	return dir
}

// TestInspectorKeepsNoSecrets: passwords, codes, numbers, handles and tokens of
// every approach.
func TestInspectorKeepsNoSecrets(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		_, link := p.create(p.tpp, p.offered())
		created, _, err := p.tpp.CreateConsent(t.Context(), p.dedicated(leaFirst), p.byTPP("lea"))
		require.NoError(t, err)
		j := p.journey(created.ConsentID, "lea", "")
		j.know(created.Links)
		j.refused(client.Password(wrongPassword), http.StatusUnauthorized, xs2a.PsuCredentialsInvalid)
		j.put(client.Password(sandbox.Password))
		code := p.code("lea")
		j.put(client.Answer(code))
		pushed, _, err := p.tpp.CreateConsent(t.Context(), p.offered(), p.inApp("anna"))
		require.NoError(t, err)
		p.asked("anna", 1)
		p.decides("anna", "approve", giro)
		p.becomes(pushed.ConsentID, "valid")

		var raw json.RawMessage
		p.call(http.MethodGet, "/sandbox/requests", nil, &raw)
		for _, secret := range []string{wrongPassword, sandbox.Password + `\"`, link[strings.LastIndex(link, "/")+5:], pushed.PSUMessage} {
			require.NotContains(t, string(raw), secret)
		}
		require.NotRegexp(t, alone(code), string(raw))
		require.Contains(t, string(raw), `\"password\":\"****\"`)
		require.Contains(t, string(raw), `\"scaAuthenticationData\":\"****\"`)
		back := p.recorded("?path=sca-callbacks")
		require.NotEmpty(t, back, "the sandbox's bank called back")
		require.Regexp(t, `^/aspsp/v1/sca-callbacks/.{4}\*{4}$`, back[0].Target)
		require.Equal(t, "Bearer "+sandbox.CallbackToken, back[0].Request.Headers.Get("Authorization"), "a public one")
	}, offering("redirect", "decoupled", "embedded"))
}

// TestFaults spoils calls of a TPP, and lets them be.
func TestFaults(t *testing.T) {
	p := start(t, "sqlite")
	p.call(http.MethodPut, "/sandbox/faults", map[string]any{"match": "POST /v1/consents", "status": 503, "times": 1}, nil)
	p.call(http.MethodPut, "/sandbox/faults", map[string]any{"match": "GET /v1/consents/*/status", "status": 429, "rate": 0.5, "delay": "1ms"}, nil)
	_, _, err := p.tpp.CreateConsent(t.Context(), p.offered(), p.options())
	require.Equal(t, http.StatusServiceUnavailable, statusOf(err))
	require.Equal(t, "fault: injected status 503, by POST /v1/consents", p.recorded("?limit=1")[0].Path[0])
	id, _ := p.create(p.tpp, p.offered())
	require.Equal(t, "received", p.status(p.tpp, id))
	_, _, err = p.tpp.ConsentStatus(t.Context(), id)
	p.fails(err, http.StatusTooManyRequests, xs2a.AccessExceeded)
	require.Equal(t, "true", p.recorded("?limit=1")[0].Response.Headers.Get("X-Sandbox-Fault"))
	require.Equal(t, "received", p.status(p.tpp, id), "every second call")

	p.call(http.MethodDelete, "/sandbox/faults", nil, nil)
	for range 2 {
		require.Equal(t, "received", p.status(p.tpp, id))
	}
}

// TestFaultsOfTheManager spoils calls of a hub: in the form of its errors, as far as these
// know the status.
func TestFaultsOfTheManager(t *testing.T) {
	p := start(t, "sqlite")
	for status, code := range map[int]string{400: "Body.InvalidFormat", 401: "AccessToken.Invalid", 403: "AccessToken.InvalidScope", 500: "Server.Failure", 503: "Server.Unavailable"} {
		p.call(http.MethodPut, "/sandbox/faults", map[string]any{"match": "GET /consent-manager/consents", "status": status, "times": 1}, nil)
		p.hub().do(http.MethodGet, "/consents", nil).fails(status, code)
		p.hub().do(http.MethodGet, "/consents", nil).is(http.StatusOK)
	}
}

// TestBrowserInspector sees a call arrive, finds out why it was refused, and copies
// it; then sets a fault, and lifts it again.
func TestBrowserInspector(t *testing.T) {
	p := start(t, "sqlite")
	b, g := p.browse(), p.gallery("inspector-", allViews)
	b.visit(b.base + "/sandbox/requests")
	b.at("requests", http.StatusOK)
	b.holds("No calls yet")
	id, _ := p.create(p.as("acme"), p.dedicated(leaFirst))
	_, _, err := p.as("beta").ConsentStatus(t.Context(), id)
	require.Equal(t, http.StatusForbidden, statusOf(err))
	b.awaits("the calls appear by themselves", func() bool { return b.count("ol.calls > li") == 2 })
	b.visit(b.base + "/sandbox/requests?still=1")
	b.holds("Acme Money", "Beta Budget", "CONSENT_UNKNOWN", "Paused")
	g.judge(b, "requests")

	b.press(`.calls a[href="/sandbox/requests/2"]`)
	b.at("request", http.StatusOK)
	b.holds("CONSENT_UNKNOWN", "decided it", "X-Sandbox-TPP")
	require.True(t, ask[bool](b, "navigator.clipboard.writeText = async (text) => { window.copied = text }, true"))
	b.do(chromedp.Click(chromedp.CSS("button[data-copy]"), chromedp.NodeVisible))
	b.awaits("the button says so", func() bool { return b.read("button[data-copy]") == "Copied" })
	copied := ask[string](b, "window.copied")
	require.Equal(t, p.recorded("?status=403")[0].Curl, copied)
	g.judge(b, "request")
	command(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.visit(b.base + "/sandbox/requests/1")
	b.at("request", http.StatusOK)
	require.False(t, ask[bool](b, "document.querySelector('button[data-copy]').checkVisibility()"), "no button that does nothing")

	b.visit(b.base + "/sandbox/faults")
	b.write("#delay", "2")
	b.press("button[value=add]")
	b.at("faults", http.StatusBadRequest)
	require.Equal(t, "delay", ask[string](b, "document.querySelector('[autofocus]').id")) // a page that is not in front gets its focus late
	b.write("#delay", "1ms")
	b.press("button[value=add]")
	b.at("faults", http.StatusOK)
	b.holds("status 503 after 1ms", "injected 0 of 0")
	_, _, err = p.tpp.CreateConsent(t.Context(), p.offered(), p.options())
	require.Equal(t, http.StatusServiceUnavailable, statusOf(err))
	b.press("button[value=remove]")
	b.holds("None: every call is answered as it deserves.")
	p.create(p.tpp, p.offered())
}

// TestBrowserFaultsPage judges the page with faults, and with one that was not taken.
func TestBrowserFaultsPage(t *testing.T) {
	p := start(t, "sqlite")
	b, g := p.browse(), p.gallery("faults-", fewViews)
	p.call(http.MethodPut, "/sandbox/faults", map[string]any{"match": "GET /v1/accounts/*/transactions", "status": 503, "delay": "2s", "rate": 0.25, "times": 3}, nil)
	b.visit(b.base + "/sandbox/faults")
	b.holds("25 % of the calls", "3 times")
	g.judge(b, "set")
	b.write("#match", "nonsense")
	b.press("button[value=add]")
	b.at("faults", http.StatusBadRequest)
	g.judge(b, "refused")
	b.visit(b.base + "/sandbox/requests")
	b.holds("A fault is set")
	g.judge(b, "requests-empty")
}
