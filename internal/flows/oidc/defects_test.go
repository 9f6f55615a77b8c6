package oidc_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/flows/oidc"
	"consentd/pkg/sca"
	"consentd/test/idp"
)

// TestDefectiveTokens: a token that lacks anything gets nobody in, and the error
// says what it lacks, but nothing that is secret.
func TestDefectiveTokens(t *testing.T) {
	t.Parallel()
	for defect, why := range map[idp.Defect]string{
		idp.WrongNonce:    "another nonce",
		idp.NoNonce:       "another nonce",
		idp.WrongAudience: `expected audience "consentd" got ["another-client"]`,
		idp.TwoAudiences:  "several audiences",
		idp.WrongParty:    "made for another party",
		idp.WrongIssuer:   "issued by a different provider",
		idp.Expired:       "token is expired",
		idp.IssuedLater:   "issued in the future",
		idp.LowACR:        "the acr is none of those that were asked for",
		idp.NoACR:         "the acr is none of those that were asked for",
		idp.OldLogin:      "older than maxAge",
		idp.LaterLogin:    "in the future",
		idp.NoLoginTime:   "no auth_time",
		idp.OddLoginTime:  "a claim has the wrong type",
		idp.NoSubject:     "the claim sub is no text",
		idp.Unsigned:      "unexpected signature algorithm",
		idp.ForgedKey:     "failed to verify",
		idp.NoIDToken:     "there is none",
	} {
		t.Run(string(defect), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.Set(defect)
			f := b.flow(t)
			away := b.away(t, f)
			in := b.loggedIn(t, away)
			step, err := f.Continue(t.Context(), another("1"), away.State, in)
			require.ErrorIs(t, err, oidc.ErrToken)
			require.ErrorContains(t, err, why)
			assert.Zero(t, step)
			assertDiscreet(t, err, in)

			b.Set(idp.Sound)
			got, err := f.Continue(t.Context(), another("2"), away.State, b.loggedIn(t, away))
			require.NoError(t, err, "the run goes on from where it stands")
			assert.Equal(t, sca.Step{Outcome: sca.Done, PSU: psu}, got)
		})
	}
}

// assertDiscreet: an error has nothing in it that is secret.
func assertDiscreet(t *testing.T, err error, in sca.Input) {
	t.Helper()
	for _, secret := range []string{in.Fields["code"], in.Fields["state"], "a-secret-between-us", "eyJ", psu} {
		assert.NotContains(t, err.Error(), secret)
	}
	assert.Less(t, len(err.Error()), 400)
}

// TestDefectiveProvider: at each of its endpoints.
func TestDefectiveProvider(t *testing.T) {
	t.Parallel()
	for _, defect := range []idp.Defect{idp.Down, idp.Silent, idp.Huge, idp.NotJSON, idp.Away} {
		t.Run(string(defect), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			if defect == idp.Silent {
				b.cfg.HTTP = &http.Client{Timeout: 2 * time.Second} // what else it asks must come in time on a busy machine
			}
			f := b.flow(t)
			b.Set(defect)
			_, err := f.Start(t.Context(), request())
			require.ErrorIs(t, err, oidc.ErrProvider)
			assertDiscreet(t, err, sca.Input{Fields: map[string]string{"code": "?", "state": request().ReturnState}})
			assertExchangeFails(t, b, f, defect)
		})
	}
	for _, defect := range []idp.Defect{idp.BrokenToken, idp.Gossip} {
		t.Run(string(defect), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			assertExchangeFails(t, b, b.flow(t), defect)
		})
	}
}

// assertExchangeFails: the provider breaks when the browser comes back.
func assertExchangeFails(t *testing.T, b bench, f *oidc.Flow, defect idp.Defect) {
	t.Helper()
	b.Set(idp.Sound)
	away := b.away(t, f)
	in := b.loggedIn(t, away)
	b.Set(defect)
	_, err := f.Continue(t.Context(), another("1"), away.State, in)
	require.ErrorIs(t, err, oidc.ErrProvider)
	assertDiscreet(t, err, in)
}

// TestWrongSecret: a fault of the set-up is called so.
func TestWrongSecret(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cfg.ClientSecret = "not-between-us"
	f := b.flow(t)
	away := b.away(t, f)
	in := b.loggedIn(t, away)
	_, err := f.Continue(t.Context(), another("1"), away.State, in)
	require.ErrorIs(t, err, oidc.ErrRequest)
	require.ErrorContains(t, err, "invalid_client")
	assertDiscreet(t, err, in)
}
