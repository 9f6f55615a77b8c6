package xs2a_test

import (
	"net/http"
	"testing"

	"consentd/internal/consent"
	"consentd/internal/tpp"
	"consentd/pkg/eidas"
)

// badCallers are refused for who they are.
func badCallers() []explained {
	shown := func(code consent.Code, text string) caller { return caller{err: consent.E(code, "%s", text)} }
	op := "operation: GET /v1/accounts"
	return []explained{
		{
			name: "no certificate", code: consent.CodeCertificateMissing, answered: "401 CERTIFICATE_MISSING",
			given: calling(shown(consent.CodeCertificateMissing, "a client certificate is required"), "/v1/accounts"),
			want:  []string{op, "refused: a client certificate is required → CERTIFICATE_MISSING"},
		},
		{
			name: "bad certificate", code: consent.CodeCertificateInvalid, answered: "401 CERTIFICATE_INVALID",
			given: calling(shown(consent.CodeCertificateInvalid, "no"), "/v1/accounts"), want: []string{op, "refused: no → CERTIFICATE_INVALID"},
		},
		{
			name: "old certificate", code: consent.CodeCertificateExpired, answered: "401 CERTIFICATE_EXPIRED",
			given: calling(shown(consent.CodeCertificateExpired, "no"), "/v1/accounts"), want: []string{op, "refused: no → CERTIFICATE_EXPIRED"},
		},
		{
			name: "revoked certificate", code: consent.CodeCertificateRevoked, answered: "401 CERTIFICATE_REVOKE",
			given: calling(shown(consent.CodeCertificateRevoked, "no"), "/v1/accounts"), want: []string{op, "refused: no → CERTIFICATE_REVOKE"},
		},
		{
			name: "revoked certificate, in later words", code: consent.CodeCertificateRevoked, answered: "401 CERTIFICATE_REVOKED",
			given: func(t *testing.T, w *world) string {
				w.handler.Options.CertificateRevoked = true
				return calling(shown(consent.CodeCertificateRevoked, "no"), "/v1/accounts")(t, w)
			},
			want: []string{op, "refused: no → CERTIFICATE_REVOKED"},
		},
		{
			name: "blocked", code: consent.CodeCertificateBlocked, answered: "401 CERTIFICATE_BLOCKED",
			given: calling(shown(consent.CodeCertificateBlocked, "no"), "/v1/accounts"), want: []string{op, "refused: no → CERTIFICATE_BLOCKED"},
		},
		{
			name: "wrong role, read", code: consent.CodeRole, answered: "401 ROLE_INVALID",
			given: calling(caller{TPP: tpp.TPP{ID: "pays", Name: "Pays", Roles: []eidas.Role{eidas.RolePI, eidas.RoleIC}}}, "/v1/accounts"),
			want:  []string{op, "caller: pays (Pays)", noteNone, "role: PSP_AI needed, the certificate has PSP_PI, PSP_IC → ROLE_INVALID"},
		},
		{
			name: "no role, consent", code: consent.CodeRole, answered: "401 ROLE_INVALID", method: http.MethodPost, body: bankOffered,
			given: calling(caller{TPP: tpp.TPP{ID: "none", Name: "None"}}, "/v1/consents"),
			want:  []string{"operation: POST /v1/consents", "caller: none (None)", noteNone, "role: PSP_AI needed, the certificate has no role → ROLE_INVALID"},
		},
	}
}

// signatures are refused for theirs.
func signatures() []explained {
	required := func(_ *testing.T, w *world) string {
		w.handler.Signatures.Required = true
		return "/v1/accounts/r1/balances"
	}
	return []explained{
		{
			name: "unsigned", code: consent.CodeSignatureMissing, answered: "401 SIGNATURE_MISSING", given: required,
			want: []string{opBalances, noteCaller, "Signature: the request must be signed → SIGNATURE_MISSING"},
		},
		{
			name: "body of another", code: consent.CodeSignatureInvalid, answered: "401 SIGNATURE_INVALID", given: required,
			headers: with{"Digest": "SHA-256=AAAA", "Signature": "x", "TPP-Signature-Certificate": "TUlJ"},
			want:    []string{opBalances, noteCaller, "Digest: is not the hash of the body → SIGNATURE_INVALID"},
		},
		{
			name: "no seal", code: consent.CodeCertificateMissing, answered: "401 CERTIFICATE_MISSING", given: required,
			headers: with{"Digest": "SHA-256=AAAA", "Signature": "x"},
			want:    []string{opBalances, noteCaller, "TPP-Signature-Certificate: is required where Signature is sent → CERTIFICATE_MISSING"},
		},
	}
}
