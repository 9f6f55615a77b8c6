package xs2a_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/api/xs2a"
	"consentd/internal/consent"
	"consentd/internal/tpp"
	"consentd/pkg/eidas"
)

// caller is who calls, or why they are refused.
type caller struct {
	tpp.TPP
	err error
}

// Identify implements tpp.Identifier.
func (c caller) Identify(*http.Request) (tpp.TPP, error) { return c.TPP, c.err }

// calledBy makes a handler whose every caller is the same.
func calledBy(c caller, edit ...func(*xs2a.Options)) change {
	return func(h *xs2a.Handler) {
		h.Callers = c
		for _, e := range edit {
			e(&h.Options)
		}
	}
}

// Each way in which a caller is refused has its own code of 401 (§14.11.2), and
// CERTIFICATE_REVOKE two spellings.
func TestCallersRefused(t *testing.T) {
	t.Parallel()
	for code, want := range map[consent.Code]string{
		consent.CodeCertificateMissing: "CERTIFICATE_MISSING",
		consent.CodeCertificateInvalid: "CERTIFICATE_INVALID",
		consent.CodeCertificateExpired: "CERTIFICATE_EXPIRED",
		consent.CodeCertificateBlocked: "CERTIFICATE_BLOCKED",
		consent.CodeCertificateRevoked: "CERTIFICATE_REVOKE",
	} {
		w := setup(t, calledBy(caller{err: consent.E(code, "no")}))
		a := w.create(t, bankOffered, with{"Content-Type": "text/plain"})
		require.Equal(t, http.StatusUnauthorized, a.status)
		require.Equal(t, []string{want}, a.messages(t))
	}
	w := setup(t, calledBy(caller{err: consent.E(consent.CodeCertificateRevoked, "no")}, func(o *xs2a.Options) { o.CertificateRevoked = true }))
	require.Equal(t, []string{"CERTIFICATE_REVOKED"}, w.create(t, bankOffered, nil).messages(t))
	require.Contains(t, w.create(t, bankOffered, with{"Accept": "application/problem+json"}).body, `"CERTIFICATE_REVOKED"`)

	w = setup(t, calledBy(caller{err: consent.E(consent.CodeUnavailable, "nobody answers")}))
	require.Equal(t, http.StatusServiceUnavailable, w.create(t, bankOffered, nil).status)
}

// The role is judged after the signature and before the media type, by what is
// asked for.
func TestRoles(t *testing.T) {
	t.Parallel()
	informs := tpp.TPP{ID: "a", Name: "A", Roles: []eidas.Role{eidas.RoleAI}}
	issues := tpp.TPP{ID: "b", Name: "B", Roles: []eidas.Role{eidas.RoleIC, eidas.RolePI}}
	for _, c := range []struct {
		who     tpp.TPP
		path    string
		headers with
		want    int
		code    string
	}{
		{informs, "/v1/consents", with{"Content-Type": "text/plain"}, http.StatusUnsupportedMediaType, ""},
		{issues, "/v1/consents", with{"Content-Type": "text/plain"}, http.StatusUnauthorized, "ROLE_INVALID"},
		{issues, "/v1/consents", with{"Digest": "SHA-256=AAAA", "Content-Type": "text/plain"}, http.StatusBadRequest, "FORMAT_ERROR"},
		{informs, "/v2/consents/confirmation-of-funds", with{"Content-Type": "text/plain"}, http.StatusUnauthorized, "ROLE_INVALID"},
		{issues, "/v2/consents/confirmation-of-funds", with{"Content-Type": "text/plain"}, http.StatusUnsupportedMediaType, ""},
		{informs, "/v1/funds-confirmations", nil, http.StatusUnauthorized, "ROLE_INVALID"},
	} {
		w := setup(t, calledBy(caller{TPP: c.who}))
		a := w.send(t, http.MethodPost, c.path, `{}`, c.headers)
		require.Equal(t, c.want, a.status, "%s %v", c.path, c.headers)
		require.Contains(t, a.body, c.code)
	}
}
