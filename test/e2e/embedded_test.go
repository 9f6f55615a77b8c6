package e2e

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/sandbox"
	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// embedded creates a consent whose PSU gives password and code to the TPP.
func (p *program) embedded(psu string, body xs2a.ConsentsRequest) (*journey, *xs2a.ConsentsResponse) {
	p.t.Helper()
	created, meta, err := p.tpp.CreateConsent(p.t.Context(), body, p.byTPP(psu))
	require.NoError(p.t, err)
	require.Equal(p.t, "EMBEDDED", meta.Approach())
	require.ElementsMatch(p.t, []string{"updatePsuAuthentication", "self", "status", "scaStatus"}, names(created.Links))
	j := p.journey(created.ConsentID, psu, "")
	j.know(created.Links)
	return j, created
}

// other is a code that is not the right one.
func other(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

const wrongPassword = "hunter2-is-wrong"

// TestEmbedded is a PSU with one method: password, code, done.
func TestEmbedded(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		j, _ := p.embedded("lea", p.dedicated(leaFirst))
		require.Equal(t, []string{"received", "psuIdentified"}, j.stands())
		j.refused(client.Answer("123456"), http.StatusConflict, xs2a.StatusInvalid)
		j.refused(client.Password(wrongPassword), http.StatusUnauthorized, xs2a.PsuCredentialsInvalid)
		res := j.put(client.Password(sandbox.Password))
		require.Equal(t, &xs2a.AuthenticationObject{
			AuthenticationType: xs2a.SMSOTP, AuthenticationMethodID: "SMS_OTP", Name: "SMS: +33 ••• 42",
		}, res.ChosenScaMethod)
		require.Equal(t, []any{6, xs2a.OTPInteger}, []any{res.ChallengeData.OTPMaxLength, res.ChallengeData.OTPFormat})
		require.ElementsMatch(t, []string{"authoriseTransaction", "scaStatus"}, names(res.Links))
		require.Len(t, p.phone("lea").Messages, 1)
		code := p.code("lea")
		j.refused(client.Password(sandbox.Password), http.StatusConflict, xs2a.StatusInvalid)
		j.refused(client.Method("SMS_OTP"), http.StatusConflict, xs2a.StatusInvalid)
		j.refused(client.Answer(other(code)), http.StatusUnauthorized, xs2a.PsuCredentialsInvalid)
		done := j.put(client.Answer(code))
		require.Equal(t, []any{xs2a.ScaFinalised, []string{"scaStatus"}}, []any{done.ScaStatus, names(done.Links)})
		require.Equal(t, []string{"valid", "finalised"}, j.stands())
		j.refused(client.Answer(code), http.StatusConflict, xs2a.StatusInvalid)
		require.NotRegexp(t, alone(code), p.log.String())
		for _, secret := range []string{leaFirst, wrongPassword} {
			require.NotContains(t, p.log.String(), secret)
		}
	}, offering("embedded"))
}

// TestEmbeddedMethods is a PSU with two, of whom the TPP hears only with the
// password.
func TestEmbeddedMethods(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		created, _, err := p.tpp.CreateConsent(t.Context(), p.dedicated(omarIBAN), p.byTPP(""))
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"startAuthorisationWithPsuAuthentication", "self", "status"}, names(created.Links))
		j := p.journey(created.ConsentID, "omar", "")
		_, _, err = j.start(t.Context(), j.id, client.StartOptions{PSUID: "omar", Password: wrongPassword})
		p.fails(err, http.StatusUnauthorized, xs2a.PsuCredentialsInvalid)
		started, meta, err := j.start(t.Context(), j.id, client.StartOptions{PSUID: "omar", Password: sandbox.Password})
		require.NoError(t, err)
		require.Equal(t, []any{"EMBEDDED", xs2a.ScaPsuAuthenticated}, []any{meta.Approach(), started.ScaStatus})
		require.ElementsMatch(t, []string{"selectAuthenticationMethod", "scaStatus"}, names(started.Links))
		require.Len(t, started.ScaMethods, 2)
		require.Equal(t, []xs2a.AuthenticationType{xs2a.SMSOTP, xs2a.PushOTP},
			[]xs2a.AuthenticationType{started.ScaMethods[0].AuthenticationType, started.ScaMethods[1].AuthenticationType})
		require.Empty(t, p.phone("omar").Messages, "no code before the choice")

		j.know(started.Links)
		j.refused(client.Method("CHIP_OTP"), http.StatusBadRequest, xs2a.ScaMethodUnknown)
		res := j.put(client.Method(started.ScaMethods[1].AuthenticationMethodID))
		require.Equal(t, started.ScaMethods[1], *res.ChosenScaMethod)
		require.ElementsMatch(t, []string{"authoriseTransaction", "scaStatus"}, names(res.Links))
		require.Equal(t, xs2a.ScaFinalised, j.put(client.Answer(p.code("omar"))).ScaStatus)
		require.Equal(t, []string{"valid", "finalised"}, j.stands())
	}, offering("embedded"))
}

// TestEmbeddedRefusals: guesses end an authorisation, not the consent; and what
// a TPP that only has a wrong password gets to know.
func TestEmbeddedRefusals(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		j, _ := p.embedded("lea", p.dedicated(leaFirst))
		for range 3 {
			j.refused(client.Password(wrongPassword), http.StatusUnauthorized, xs2a.PsuCredentialsInvalid)
		}
		j.refused(client.Password(sandbox.Password), http.StatusConflict, xs2a.StatusInvalid)
		require.Equal(t, []string{"received", "failed"}, j.stands())
		_, _, err := j.start(t.Context(), j.id, client.StartOptions{PSUID: "anna", Password: sandbox.Password})
		p.fails(err, http.StatusUnauthorized, xs2a.PsuCredentialsInvalid)
		links := j.begin(client.StartOptions{PSUID: "lea", Password: sandbox.Password})
		require.Equal(t, []string{"authoriseTransaction"}, j.travel(links), "with the password in the start")
		require.Equal(t, []string{"valid", "finalised"}, j.stands())

		for _, psu := range []string{"nobody", "anna"} {
			j, _ = p.embedded(psu, p.dedicated(leaSecond))
			j.refused(client.Password(wrongPassword), http.StatusUnauthorized, xs2a.PsuCredentialsInvalid)
			require.Equal(t, []string{"received", "psuIdentified"}, j.stands(), "whether or not there is a %s", psu)
		}
		_, _, err = j.update(t.Context(), j.id, j.last, client.Password(sandbox.Password), client.UpdateOptions{PSUID: "anna"})
		require.Equal(t, http.StatusForbidden, statusOf(err), "the account is not hers: %v", err)
		require.Equal(t, []string{"rejected", "failed"}, j.stands())

		j, _ = p.embedded("blocked", p.dedicated("FR7617515000940000000005238"))
		j.refused(client.Password(sandbox.Password), http.StatusForbidden, xs2a.ServiceBlocked)
		require.Equal(t, "received", p.status(p.tpp, j.id))

		_, _, err = p.tpp.CreateConsent(t.Context(), p.offered(), p.byTPP("lea"))
		p.fails(err, http.StatusBadRequest, xs2a.ServiceInvalid)
	}, offering("embedded"))
}

// TestEmbeddedInTime: password and code must come in time.
func TestEmbeddedInTime(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		j, _ := p.embedded("lea", p.dedicated(leaFirst))
		j.put(client.Password(sandbox.Password))
		late := p.code("lea")
		p.advance("6m")
		again := j.put(client.Answer(late))
		require.Equal(t, []string{"received", "scaMethodSelected"}, []string{p.status(p.tpp, j.id), string(again.ScaStatus)})
		require.NotNil(t, again.ChallengeData)
		require.ElementsMatch(t, []string{"authoriseTransaction", "scaStatus"}, names(again.Links))
		require.NotEqual(t, late, p.code("lea"), "a new one was sent")
		p.advance("15m")
		j.refused(client.Answer(p.code("lea")), http.StatusForbidden, xs2a.ResourceExpired)
		require.Equal(t, []string{"received", "failed"}, j.stands())
	}, offering("embedded"))
}
