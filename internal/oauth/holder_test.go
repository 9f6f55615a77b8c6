package oauth_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/tpp"
)

// refusedFor wants a token to be refused, for this reason alone that the bank reads.
func refusedFor(t *testing.T, err error, code consent.Code, why string) {
	t.Helper()
	require.Equal(t, code, consent.CodeOf(err))
	fault, ok := errors.AsType[tpp.TokenError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "the access token "+why, fault.Error())
}

// TestTokenOfHolder: what somebody else says of who shows a token counts as the TPP's
// own request does.
func TestTokenOfHolder(t *testing.T) {
	eachEngine(t, func(t *testing.T, b *bench) {
		got, acme, beta := b.tokens("lea"), b.callerOf(b.acme), b.callerOf(b.beta)
		own := tpp.Holder{TPP: acme.ID, Fingerprint: acme.Fingerprint()}
		p, err := b.own.Token(t.Context(), got.Access, own)
		require.NoError(t, err)
		require.Equal(t, []string{acme.ID, "lea"}, []string{p.TPP, p.PSUID})

		_, err = b.own.Token(t.Context(), got.Access, tpp.Holder{TPP: beta.ID, Fingerprint: beta.Fingerprint()})
		refusedFor(t, err, consent.CodeTokenInvalid, "is another TPP's")
		for _, fingerprint := range []string{"", "x", beta.Fingerprint()} {
			_, err = b.own.Token(t.Context(), got.Access, tpp.Holder{TPP: acme.ID, Fingerprint: fingerprint})
			refusedFor(t, err, consent.CodeTokenInvalid, "is bound to another certificate than the one that was shown")
		}
		_, err = b.own.Token(t.Context(), "", own)
		require.Equal(t, consent.CodeTokenInvalid, consent.CodeOf(err))
	})
}

// TestOutsideTokenOfHolder: of the bank's own server too.
func TestOutsideTokenOfHolder(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	o := b.byKeys(t, outsidePublic(t, "a", outsideRSA(), nil))
	bound := outsideSign(t, outsideByRSA(), outsideChanged(outsideSound(), map[string]any{
		"cnf": map[string]any{"x5t#S256": outsideThumbprint(outsideCert())},
	}))
	own := tpp.Holder{TPP: outsideTPP, Fingerprint: outsideCaller().Fingerprint(), RequestID: outsideRequestID}
	_, err := o.Token(t.Context(), bound, own)
	require.NoError(t, err)
	require.Equal(t, outsideCall(), b.told(t).Call, "as it stands in the audit")

	for why, by := range map[string]tpp.Holder{
		"of the bank's own server is bound to another certificate": {TPP: outsideTPP},
		"of the bank's own server is of another TPP":               {TPP: "FR-ACPR:PSDFR-ACPR-1", Fingerprint: own.Fingerprint},
	} {
		_, err = o.Token(t.Context(), bound, by)
		refusedFor(t, err, consent.CodeTokenInvalid, why)
	}
	_, err = o.Token(t.Context(), "", own)
	refusedFor(t, err, consent.CodeTokenInvalid, "of the bank's own server is no token by its form")
	b.clock.advance(365 * 24 * time.Hour)
	_, err = o.Token(t.Context(), bound, own)
	refusedFor(t, err, consent.CodeTokenExpired, "of the bank's own server has expired")
}
