package sandbox_test

import (
	"bytes"
	"html"
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/sandbox"
	"consentd/internal/tpp"
)

func strict(s *sandbox.Sandbox) { s.Strict = true }

// passes asserts that a server that requires signatures takes these headers.
func passes(t *testing.T, h http.Header, body []byte) {
	t.Helper()
	require.NoError(t, tpp.Signatures{Required: true}.Check(&http.Request{Header: h}, body))
}

func TestStrictCommands(t *testing.T) {
	t.Parallel()
	b := setup(t, strict)
	page := b.page(t, "/?psu=anna&model=dedicated").body
	_, headers, _ := command(t, page)
	data := regexp.MustCompile(`(?s)-d '([^']+)'</code>`).FindStringSubmatch(html.UnescapeString(page))
	require.NotNil(t, data)
	passes(t, headers, []byte(data[1]))
	assert.Contains(t, page, "it verifies no signature yet")

	b.recent.list = []*consent.Consent{made(t, "PSDXX-SANDBOX-DEMO", "Demo TPP")}
	page = html.UnescapeString(b.page(t, "/sandbox/return").body)
	headers = http.Header{}
	for _, h := range regexp.MustCompile(`-H '([^':]+): ([^']+)'`).FindAllStringSubmatch(page, -1) {
		headers.Set(h[1], h[2])
	}
	passes(t, headers, nil)
	passes(t, b.api.headers, nil) // as the page itself read it
}

func TestStrictDemo(t *testing.T) {
	t.Parallel()
	b := setup(t, strict)
	got := b.call(t, http.MethodPost, "/sandbox/demo", "psu=anna&model=dedicated", "Content-Type", "application/x-www-form-urlencoded")
	require.Equal(t, http.StatusSeeOther, got.status, got.body)
	require.NotEmpty(t, b.api.body)
	passes(t, b.api.headers, bytes.Clone(b.api.body))
}

func TestStrictGreeting(t *testing.T) {
	t.Parallel()
	bank, clock := newBank()
	for strict, says := range map[bool]func(assert.TestingT, any, any, ...any) bool{true: assert.Contains, false: assert.NotContains} {
		got, err := (&sandbox.Sandbox{Bank: bank, Clock: clock, Strict: strict}).Greeting(t.Context(), "http://localhost:8080")
		require.NoError(t, err)
		says(t, got, "verifies no signature yet")
		says(t, got, "-H 'Digest: SHA-256=")
	}
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
