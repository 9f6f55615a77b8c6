package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/sandbox"
	"consentd/internal/tpp"
)

func TestCallers(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]tpp.TPP{
		"":     {ID: "PSDXX-SANDBOX-DEMO", Name: "Demo TPP"},
		"demo": {ID: "PSDXX-SANDBOX-DEMO", Name: "Demo TPP"},
		"acme": {ID: "PSDXX-SANDBOX-ACME", Name: "Acme Money"},
		"beta": {ID: "PSDXX-SANDBOX-BETA", Name: "Beta Budget"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set(sandbox.HeaderTPP, name)
		got, err := sandbox.Callers{}.Identify(r)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
}

func TestUnknownCaller(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set(sandbox.HeaderTPP, "mallory")
	_, err := sandbox.Callers{}.Identify(r)
	var e *consent.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, consent.CodeCertificateInvalid, e.Code)
	assert.Equal(t, "Header.X-Sandbox-TPP", e.Path)
}
