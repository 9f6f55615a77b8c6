package sandbox_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/sandbox"
	"consentd/internal/service/register"
	"consentd/internal/tpp"
	"consentd/pkg/eidas"
)

// door is a register that keeps whom it let in, and one who is shut out.
type door struct {
	let  []register.TPP
	shut string
}

func (d *door) Admit(_ context.Context, t register.TPP, _ string) error {
	if t.ID == d.shut {
		return consent.E(consent.CodeCertificateBlocked, "blocked")
	}
	d.let = append(d.let, t)
	return nil
}

// byCertificate stands in for who judges certificates.
type byCertificate struct{}

func (byCertificate) Identify(*http.Request) (tpp.TPP, error) {
	return tpp.TPP{ID: "of its certificate"}, nil
}

func named(name string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set(sandbox.HeaderTPP, name)
	return r
}

func TestCallers(t *testing.T) {
	t.Parallel()
	_, clock := newBank()
	entrance := &door{}
	callers := sandbox.Callers{TLS: byCertificate{}, TPPs: newTPPs(t, clock), Register: entrance}
	for name, want := range map[string]tpp.TPP{
		"":     {ID: "XX-SANDBOX:PSDXX-SANDBOX-DEMO", Name: "Demo TPP"},
		"demo": {ID: "XX-SANDBOX:PSDXX-SANDBOX-DEMO", Name: "Demo TPP"},
		"acme": {ID: "XX-SANDBOX:PSDXX-SANDBOX-ACME", Name: "Acme Money"},
		"beta": {ID: "XX-SANDBOX:PSDXX-SANDBOX-BETA", Name: "Beta Budget"},
	} {
		want.Roles = tpp.Roles()
		got, err := callers.Identify(named(name))
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	require.Len(t, entrance.let, 4)
	_, err := callers.Identify(named("acme"))
	require.NoError(t, err)
	assert.Equal(t, register.TPP{
		ID: "XX-SANDBOX:PSDXX-SANDBOX-ACME", Name: "Acme Money", Organisation: "PSDXX-SANDBOX-ACME", NCAID: "XX-SANDBOX",
		NCAName: "Sandbox Authority", Roles: []string{"PSP_AS", "PSP_PI", "PSP_AI", "PSP_IC"},
	}, entrance.let[4])

	entrance.shut = "XX-SANDBOX:PSDXX-SANDBOX-BETA"
	got, err := callers.Identify(named("beta"))
	assert.Equal(t, consent.CodeCertificateBlocked, consent.CodeOf(err), "the bank blocks over plain http too")
	assert.Equal(t, entrance.shut, got.ID, "so that the refusal is written down under their name")
}

// TestCallersOverTLS: the header says nothing where there is a certificate.
func TestCallersOverTLS(t *testing.T) {
	t.Parallel()
	_, clock := newBank()
	callers := sandbox.Callers{TLS: byCertificate{}, TPPs: newTPPs(t, clock), Register: &door{}}
	r := named("acme")
	r.TLS = &tls.ConnectionState{}
	got, err := callers.Identify(r)
	require.NoError(t, err)
	assert.Equal(t, tpp.TPP{ID: "of its certificate"}, got)
}

// TestCallerThatWasMade has the roles that were ordered, whatever is wrong with
// its certificate.
func TestCallerThatWasMade(t *testing.T) {
	t.Parallel()
	_, clock := newBank()
	tpps := newTPPs(t, clock)
	callers := sandbox.Callers{TPPs: tpps, Register: &door{}}
	_, err := callers.Identify(named("cof-1"))
	require.Error(t, err)
	_, fresh, err := tpps.Order(t.Context(), sandbox.Order{Name: "cof-1", Roles: []eidas.Role{eidas.RoleIC}, Defect: "noStatement"})
	require.NoError(t, err)
	require.True(t, fresh)
	got, err := callers.Identify(named("cof-1"))
	require.NoError(t, err)
	assert.Equal(t, tpp.TPP{ID: "XX-SANDBOX:PSDXX-SANDBOX-COF-1", Name: "cof-1", Roles: []eidas.Role{eidas.RoleIC}}, got)
}

func TestUnknownCaller(t *testing.T) {
	t.Parallel()
	_, clock := newBank()
	for _, name := range []string{"mallory", "DEMO", "demo "} {
		_, err := sandbox.Callers{TPPs: newTPPs(t, clock), Register: &door{}}.Identify(named(name))
		var e *consent.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, consent.CodeCertificateInvalid, e.Code)
		assert.Equal(t, "Header.X-Sandbox-TPP", e.Path)
	}
}
