package sandbox_test

import (
	"html"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
)

// connection is one of Acme's, as the list of last consents has it.
func connection(t *testing.T) *consent.Consent {
	t.Helper()
	c := made(t, acmeID, "Acme Money")
	c.Kind, c.Rail = consent.Connection, consent.RailSTET
	return c
}

// TestReturnWithCode shows what OAuth2 answers, and how the TPP goes on.
func TestReturnWithCode(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.recent.list = []*consent.Consent{made(t, "XX-SANDBOX:PSDXX-SANDBOX-BETA", "Beta Budget"), connection(t)}
	got := b.page(t, "/sandbox/return?code=so-me_Co.de~1&state=%3Cmine%3E")
	require.Equal(t, http.StatusOK, got.status)
	assert.Contains(t, got.body, `<main data-page="return">`)
	assert.Contains(t, got.body, "Back at Acme Money")
	assert.Contains(t, got.body, "<dt><code>code</code></dt><dd><code>so-me_Co.de~1</code></dd>")
	assert.Contains(t, got.body, "<dt><code>state</code></dt><dd><code>&lt;mine&gt;</code></dd>")
	assert.Contains(t, html.UnescapeString(got.body), "<code>curl -X POST "+b.url+"/oauth2/token \\\n  -H 'X-Sandbox-TPP: acme' \\\n"+
		"  -d grant_type=authorization_code \\\n  -d client_id=PSDXX-SANDBOX-ACME \\\n  -d code=so-me_Co.de~1 \\\n"+
		"  --data-urlencode redirect_uri="+b.url+"/sandbox/return \\\n  -d code_verifier=VERIFIER</code>")
	assert.NotContains(t, got.body, "iss")
	assert.Empty(t, got.header.Get("Refresh"), "a code is shown once")
	assert.Equal(t, "no-store", got.header.Get("Cache-Control"))
	assert.Nil(t, b.api.headers, "no consent was read")

	b.recent.list = nil
	assert.Contains(t, b.page(t, "/sandbox/return?code=x").body, "X-Sandbox-TPP: demo", "whoever it was")
	odd := b.page(t, "/sandbox/return?code=%27%3Breboot%27").body
	assert.Contains(t, odd, "&#39;;reboot&#39;")
	assert.NotContains(t, odd, "curl", "no shell gets what no server has given")
}

func TestReturnWithError(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := b.page(t, "/sandbox/return?error=access_denied&error_description=the+PSU+said+no&state=mine").body
	assert.Contains(t, got, `<span class="status rejected">access_denied</span>`)
	assert.Contains(t, got, "The PSU has refused")
	assert.Contains(t, got, "<dt><code>error_description</code></dt><dd><code>the PSU said no</code></dd>")
	assert.Contains(t, got, "<dt><code>state</code></dt><dd><code>mine</code></dd>")
	assert.NotContains(t, got, "curl")
	got = b.page(t, "/sandbox/return?error=of_their_own").body
	assert.Contains(t, got, "of_their_own")
}

// TestReturnWithoutReading: no TPP can read a connection, so that no page tries to.
func TestReturnWithoutReading(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.recent.list = []*consent.Consent{connection(t)}
	for _, path := range []string{"/sandbox/return", "/sandbox/recent"} {
		got := b.page(t, path)
		require.Equal(t, http.StatusOK, got.status)
		assert.Contains(t, got.body, "a connection, until 2026-08-02")
		assert.NotContains(t, got.body, "as the TPP reads it")
	}
	assert.Nil(t, b.api.headers)
}
