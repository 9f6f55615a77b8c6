package e2e

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/pkg/xs2a"
)

var (
	printedTarget = regexp.MustCompile(`(?m)^curl -i (\S+) `)
	printedHeader = regexp.MustCompile(`-H '([^':]+): ([^']+)'`)
	printedBody   = regexp.MustCompile(`(?s) -d '([^']+)'`)
)

// paste sends the request that the program printed, as a shell and curl would.
func (p *program) paste(text string) xs2a.ConsentsResponse {
	p.t.Helper()
	target, body := printedTarget.FindStringSubmatch(text), printedBody.FindStringSubmatch(text)
	require.NotNil(p.t, target, text)
	require.NotNil(p.t, body, text)
	var headers []string
	for _, h := range printedHeader.FindAllStringSubmatch(text, -1) {
		headers = append(headers, h[1], h[2])
	}
	status, answer, _ := p.raw(http.MethodPost, target[1], body[1], headers...)
	require.Equal(p.t, http.StatusCreated, status, answer)
	var created xs2a.ConsentsResponse
	require.NoError(p.t, json.Unmarshal([]byte(answer), &created))
	return created
}

// raw makes a call; headers are pairs of name and value, Host among them.
func (p *program) raw(method, target, body string, headers ...string) (status int, answer string, h http.Header) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, target, strings.NewReader(body))
	require.NoError(p.t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
	}
	res, err := p.http.Do(req)
	require.NoError(p.t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(p.t, err)
	return res.StatusCode, string(b), res.Header
}

// button presses "Create a consent and authorise it now", and returns where the
// browser is sent.
func (p *program) button(headers ...string) string {
	p.t.Helper()
	headers = append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)
	status, answer, h := p.raw(http.MethodPost, p.base+"/sandbox/demo", "psu=anna&model=dedicated", headers...)
	require.Equal(p.t, http.StatusSeeOther, status, answer)
	return h.Get("Location")
}

// TestSandboxStrict: what the sandbox offers to try works where requests must
// be signed.
func TestSandboxStrict(t *testing.T) {
	p := start(t, "sqlite", func(o *app.SandboxOptions) { o.Strict = true })
	status, answer, _ := p.raw(http.MethodGet, p.base+"/v1/consents/x", "", "X-Request-ID", "99391c7e-ad88-49ec-a2ad-99ddcb1f7721")
	require.Equal(t, http.StatusUnauthorized, status)
	require.Contains(t, answer, "SIGNATURE_MISSING")
	require.Contains(t, p.greeting, "every request must be signed")

	back := p.authorise(p.button(), "anna", "").to
	status, answer, _ = p.raw(http.MethodGet, back, "")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, answer, `<span class="status valid">valid</span>`)

	status, page, _ := p.raw(http.MethodGet, p.base+"/", "")
	require.Equal(t, http.StatusOK, status)
	_, printed, _ := strings.Cut(html.UnescapeString(page), "<code>curl")
	link := p.paste("curl" + printed).Links["scaRedirect"].Href
	p.open(link).at("login", http.StatusOK)
}

// TestSandboxOnAllAddresses: the printed request works, the pages answer by the
// machine's addresses, and no name can be bent to them.
func TestSandboxOnAllAddresses(t *testing.T) {
	for _, listen := range []string{"0.0.0.0:0", ":0"} {
		t.Run(listen, func(t *testing.T) {
			p := start(t, "sqlite", func(o *app.SandboxOptions) { o.Listen = listen })
			u, err := url.Parse(p.base)
			require.NoError(t, err)
			require.Equal(t, "localhost", u.Hostname())
			require.NotContains(t, p.greeting, "[::]")
			p.open(p.paste(p.greeting).Links["scaRedirect"].Href).at("login", http.StatusOK)

			address := "192.0.2.1:" + u.Port() // nobody's: the demo TPP must not call it
			status, _, _ := p.raw(http.MethodGet, p.base+"/", "", "Host", address)
			require.Equal(t, http.StatusOK, status)
			require.True(t, strings.HasPrefix(p.button("Host", address), "http://"+address+"/sca/"))

			status, _, _ = p.raw(http.MethodGet, p.base+"/", "", "Host", "evil.example:"+u.Port())
			require.Equal(t, http.StatusForbidden, status)
		})
	}
}

// TestSandboxGuard: nothing on the sandbox's listener answers by a bent name or
// to a page from elsewhere, but for what monitors ask.
func TestSandboxGuard(t *testing.T) {
	p := start(t, "sqlite")
	_, link := p.create(p.tpp, p.offered())
	for _, foreign := range [][]string{{"Host", "evil.example"}, {"Origin", "https://evil.example"}} {
		for _, path := range []string{"/", "/docs", "/openapi/xs2a.yaml", "/sandbox/clock", strings.TrimPrefix(link, p.base)} {
			status, answer, _ := p.raw(http.MethodGet, p.base+path, "", foreign...)
			require.Equal(t, http.StatusForbidden, status, path)
			require.Contains(t, answer, "Header."+foreign[0])
		}
		for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
			status, _, _ := p.raw(http.MethodGet, p.base+path, "", foreign...)
			require.Equal(t, http.StatusOK, status, path)
		}
		const id = "5b1c1d0e-6c55-4c1b-9d33-0a4f8e21b7d2"
		status, answer, h := p.raw(http.MethodGet, p.base+"/v1/consents/"+id, "", append([]string{"X-Request-ID", id}, foreign...)...)
		require.Equal(t, http.StatusForbidden, status)
		require.Contains(t, answer, `"tppMessages"`, "in the dialect's form")
		require.Contains(t, answer, `"path":"Header.`+foreign[0]+`"`)
		require.Equal(t, id, h.Get("X-Request-ID"))
	}
	for _, origin := range []string{"null", "https://evil.example"} {
		status, answer, _ := p.raw(http.MethodPost, link, "", "Origin", origin)
		require.GreaterOrEqual(t, status, 400)
		require.Contains(t, answer, `<main data-page="problem"`, "the bank's page refuses it")
	}
}

// TestSandboxKeepsItsDataPrivate also in a folder that others may read.
func TestSandboxKeepsItsDataPrivate(t *testing.T) {
	for name, before := range map[string][]string{"new": nil, "readable before": {"consentd.db", "consentd.db-wal"}} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			require.NoError(t, os.Mkdir(dir, 0o750))
			require.NoError(t, os.Chmod(dir, 0o755))
			for _, file := range before {
				path := filepath.Join(dir, file)
				require.NoError(t, os.WriteFile(path, nil, 0o600))
				require.NoError(t, os.Chmod(path, 0o644))
			}
			p := start(t, "sqlite", func(o *app.SandboxOptions) { o.Data = dir })
			p.create(p.tpp, p.offered())
			entries, err := os.ReadDir(dir)
			require.NoError(t, err)
			modes := map[string]os.FileMode{}
			for _, e := range entries {
				info, err := e.Info()
				require.NoError(t, err)
				modes[e.Name()] = info.Mode()
			}
			require.Equal(t, map[string]os.FileMode{
				"consentd.db": 0o600, "consentd.db-shm": 0o600, "consentd.db-wal": 0o600, "master.key": 0o600, "ca.pem": 0o600, "ca.key": 0o600, "payment-keys.json": 0o600,
			}, modes)
		})
	}
}
