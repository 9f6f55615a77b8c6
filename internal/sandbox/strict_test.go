package sandbox_test

import (
	"html"
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/sandbox"
	"consentd/internal/tpp"
	"consentd/pkg/eidas"
	"consentd/pkg/httpsig"
)

func strict(s *sandbox.Sandbox) { s.Strict = true }

// takes asserts that a server that requires signatures takes a request of a TPP.
func (b *bundle) takes(t *testing.T, name string, r *http.Request, body []byte) {
	t.Helper()
	caller, err := sandbox.Callers{TPPs: b.tpps, Register: &door{}}.Identify(named(name))
	require.NoError(t, err)
	seals := eidas.NewVerifier(eidas.Options{Anchors: eidas.NewAnchors(b.tpps.CA.Certificate()), Now: b.clock.Now})
	signatures := tpp.Signatures{Required: true, Seals: seals, Profile: httpsig.DefaultProfile()}
	require.NoError(t, signatures.Check(r, body, caller))
}

// pasted is the request of a command.
func pasted(t *testing.T, method, target, command string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, target, http.NoBody)
	require.NoError(t, err)
	for _, h := range regexp.MustCompile(`-H '([^':]+): ([^']+)'`).FindAllStringSubmatch(command, -1) {
		r.Header.Set(h[1], h[2])
	}
	return r
}

func TestStrictCommands(t *testing.T) {
	t.Parallel()
	b := setup(t, strict)
	page := b.page(t, "/?psu=anna&model=dedicated").body
	target, headers, _ := command(t, page)
	data := regexp.MustCompile(`(?s)-d '([^']+)'</code>`).FindStringSubmatch(html.UnescapeString(page))
	require.NotNil(t, data)
	r := pasted(t, http.MethodPost, target, "")
	r.Header = headers
	b.takes(t, "demo", r, []byte(data[1]))
	assert.Contains(t, page, "every request must be signed")

	b.recent.list = []*consent.Consent{made(t, "XX-SANDBOX:PSDXX-SANDBOX-BETA", "Beta Budget")}
	page = html.UnescapeString(b.page(t, "/sandbox/return").body)
	read := b.url + "/v1/consents/" + consentID
	require.Contains(t, page, "curl "+read)
	b.takes(t, "beta", pasted(t, http.MethodGet, read, page), nil)  // by its own seal
	b.takes(t, "beta", b.api.request(t, http.MethodGet, read), nil) // as the page itself read it
}

func TestStrictDemo(t *testing.T) {
	t.Parallel()
	b := setup(t, strict)
	got := b.call(t, http.MethodPost, "/sandbox/demo", "psu=anna&model=dedicated", "Content-Type", "application/x-www-form-urlencoded")
	require.Equal(t, http.StatusSeeOther, got.status, got.body)
	require.NotEmpty(t, b.api.body)
	b.takes(t, "demo", b.api.request(t, http.MethodPost, b.url+"/v1/consents"), b.api.body)
}

// request is the last one that came, with the address to which it was sent.
func (a *api) request(t *testing.T, method, target string) *http.Request {
	t.Helper()
	r := pasted(t, method, target, "")
	r.Header = a.headers
	return r
}

// TestStrictGreeting: a request that nobody has signed would be refused, and keys
// are not made before somebody asks for them.
func TestStrictGreeting(t *testing.T) {
	t.Parallel()
	bank, clock := newBank()
	s := &sandbox.Sandbox{Bank: bank, Clock: clock, Strict: true}
	got, err := s.Greeting(t.Context(), "http://localhost:8080", "")
	require.NoError(t, err)
	assert.Contains(t, got, "every request must be signed")
	assert.Contains(t, got, "http://localhost:8080/#curl")
	assert.NotContains(t, got, "curl -i")
}

// TestUnsigned: a sandbox that is not strict shows plain commands.
func TestUnsigned(t *testing.T) {
	t.Parallel()
	b := setup(t)
	page := b.page(t, "/").body
	assert.NotContains(t, page, "Digest: ")
	assert.NotContains(t, page, "every request must be signed")
	assert.NotContains(t, b.call(t, http.MethodGet, "/sandbox/tpps", "").body, `"certified":true`, "no keys were made")
}

// TestReturnAddresses: those with http are for loopback only.
func TestReturnAddresses(t *testing.T) {
	t.Parallel()
	b := setup(t, func(s *sandbox.Sandbox) { s.AnyAddress = true })
	for host, back := range map[string]string{
		"192.0.2.1:8080":        "http://localhost:8080",
		"192.0.2.1":             "http://localhost",
		"[2001:db8::1]:81":      "http://localhost:81",
		"sandbox.internal:8080": "http://localhost:8080",
		"localhost:8080":        "http://localhost:8080",
		"127.0.0.1:8080":        "http://127.0.0.1:8080",
		"[::1]:8080":            "http://[::1]:8080",
	} {
		got := b.call(t, http.MethodGet, "/", "", "Host", host)
		require.Equal(t, http.StatusOK, got.status, got.body)
		target, headers, _ := command(t, got.body)
		assert.Equal(t, "http://"+host+"/v1/consents", target, "answers where the page did")
		assert.Equal(t, back+"/sandbox/return", headers.Get("TPP-Redirect-URI"), host)
		assert.Equal(t, back+"/sandbox/return/nok", headers.Get("TPP-Nok-Redirect-URI"), host)
		note := assert.Contains
		if back == "http://"+host {
			note = assert.NotContains
		}
		note(t, got.body, "only in a browser on its own machine")
	}
}
