package ledger_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/ledger"
)

// Every code is judged on purpose.
func TestMatters(t *testing.T) {
	t.Parallel()
	want := map[consent.Code]bool{
		consent.CodeInternal: false, consent.CodeUnavailable: false, consent.CodeRepeated: false, consent.CodeTimeout: false,
		consent.CodeFormat: false, consent.CodeNotSupported: false, consent.CodeSessions: false, consent.CodeTooLarge: false,
		consent.CodeMediaType: false, consent.CodeNotAcceptable: false, consent.CodePathUnknown: false, consent.CodeMethodNotAllowed: false,

		consent.CodeServiceInvalid: true, consent.CodeNotFound: true, consent.CodeResourceUnknown: true, consent.CodeReferenceUnknown: true,
		consent.CodeAccountUnknown: true, consent.CodeStale: true, consent.CodeStatusInvalid: true, consent.CodeExpired: true,
		consent.CodeBlocked: true, consent.CodeCredentials: true, consent.CodeForbidden: true, consent.CodeUsed: true,
		consent.CodeLocked: true, consent.CodePSULocked: true, consent.CodeRole: true, consent.CodeUnauthenticated: true,
		consent.CodeCertificateMissing: true, consent.CodeCertificateInvalid: true, consent.CodeCertificateExpired: true,
		consent.CodeCertificateRevoked: true, consent.CodeCertificateBlocked: true, consent.CodeSignatureMissing: true,
		consent.CodeSignatureInvalid: true, consent.CodeTooOften: true, consent.CodeTimeOver: true, consent.CodeCorporate: true,
		consent.CodeTokenMissing: true, consent.CodeTokenInvalid: true, consent.CodeTokenExpired: true, consent.CodeScope: true,
		consent.CodeMethodUnknown: true, consent.CodeNotConfirmable: true, consent.CodeNotUsable: true, consent.CodeNoFundsConsent: true,
	}
	for _, code := range consent.Codes() {
		matters, judged := want[code]
		require.True(t, judged, "nobody has said whether %s matters", code)
		require.Equal(t, matters, ledger.Matters(code), code)
	}
	require.Len(t, want, len(consent.Codes()))
}
