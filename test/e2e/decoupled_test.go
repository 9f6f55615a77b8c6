package e2e

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// TestDecoupled asks several PSUs at once in the bank's app, and turns the clock
// until their answers have taken effect.
func TestDecoupled(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		people := []struct {
			psu, decision string
			body          xs2a.ConsentsRequest
			accounts      []string // chosen in the app
			soon          []string // consentStatus and scaStatus a moment later
			late          []string // and after half a minute
			shared        []xs2a.AccountReference
		}{
			{
				psu: "lea", decision: "approve", body: p.dedicated(leaSecond), soon: []string{"valid", "finalised"}, late: []string{"valid", "finalised"},
				shared: []xs2a.AccountReference{{IBAN: leaSecond}},
			},
			{
				psu: "anna", decision: "approve", body: p.offered(), accounts: []string{giro, "525412******3241"},
				soon: []string{"valid", "finalised"}, late: []string{"valid", "finalised"},
				shared: []xs2a.AccountReference{
					{IBAN: giro, Currency: "EUR", CashAccountType: "CACC"},
					{MaskedPAN: "525412******3241", Currency: "EUR", CashAccountType: "CARD"},
				},
			},
			{psu: "enzo", decision: "deny", body: p.offered(), soon: []string{"rejected", "failed"}, late: []string{"rejected", "failed"}},
			{
				psu: "slow", decision: "approve", body: p.offered(), soon: []string{"received", "started"}, late: []string{"valid", "finalised"},
				shared: []xs2a.AccountReference{{IBAN: "FR7617515000940000000005335", Currency: "EUR", CashAccountType: "CACC"}},
			},
		}
		journeys := map[string]*journey{}
		for _, who := range people {
			created, meta, err := p.tpp.CreateConsent(t.Context(), who.body, p.inApp(who.psu))
			require.NoError(t, err)
			require.Equal(t, "DECOUPLED", meta.Approach())
			require.ElementsMatch(t, []string{"self", "status", "scaStatus"}, names(created.Links))
			require.NotEmpty(t, created.PSUMessage)
			journeys[who.psu] = p.journey(created.ConsentID, who.psu, "")
			require.Empty(t, journeys[who.psu].travel(created.Links), "nothing is left to do for the TPP")
		}
		for _, who := range people {
			text, _ := p.asked(who.psu, 1)
			require.Contains(t, text, "Demo TPP")
			journeys[who.psu].reaches("started")
			p.decides(who.psu, who.decision, who.accounts...)
			require.Empty(t, p.phone(who.psu).Approvals)
		}
		p.advance("3s")
		for _, who := range people {
			j := journeys[who.psu]
			p.becomes(j.id, who.soon[0])
			require.Equal(t, who.soon, j.stands(), who.psu)
		}
		p.advance("31s")
		for _, who := range people {
			j := journeys[who.psu]
			p.becomes(j.id, who.late[0])
			require.Equal(t, who.late, j.stands(), who.psu)
			got, _, err := p.tpp.Consent(t.Context(), j.id)
			require.NoError(t, err)
			if who.shared != nil {
				require.Equal(t, who.shared, got.Access.Balances, who.psu)
			}
		}
		require.NotContains(t, p.log.String(), giro)
	})
}

// stands is how consent and authorisation stand.
func (j *journey) stands() []string {
	j.t.Helper()
	return []string{j.status(j.tpp, j.id), j.sca()}
}

// reaches waits until a worker has brought the authorisation to a status.
func (j *journey) reaches(status string) {
	j.t.Helper()
	require.Eventually(j.t, func() bool { return j.sca() == status }, patience, tick, "not %s", status)
}

// TestDecoupledWithoutPSU: the TPP comes to know who the PSU is later on.
func TestDecoupledWithoutPSU(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		created, meta, err := p.tpp.CreateConsent(t.Context(), p.dedicated(leaFirst), p.inApp(""))
		require.NoError(t, err)
		require.Empty(t, meta.Approach())
		require.ElementsMatch(t, []string{"startAuthorisationWithPsuIdentification", "self", "status"}, names(created.Links))

		o := client.StartOptions{RedirectPreferred: new(bool)}
		started, meta, err := p.tpp.StartAuthorisation(t.Context(), created.ConsentID, o)
		require.NoError(t, err)
		require.Equal(t, []any{"DECOUPLED", xs2a.ScaReceived}, []any{meta.Approach(), started.ScaStatus})
		require.ElementsMatch(t, []string{"updatePsuIdentification", "scaStatus"}, names(started.Links))

		j := p.journey(created.ConsentID, "lea", "")
		j.know(started.Links)
		_, _, err = j.update(t.Context(), j.id, j.last, client.Identification(), client.UpdateOptions{})
		p.fails(err, http.StatusBadRequest, xs2a.FormatError)
		named := j.put(client.Identification())
		require.Equal(t, xs2a.ScaPsuIdentified, named.ScaStatus)
		require.NotEmpty(t, named.PSUMessage)
		require.Equal(t, []string{"scaStatus"}, names(named.Links))
		j.psu = "anna"
		j.refused(client.Identification(), http.StatusUnauthorized, xs2a.PsuCredentialsInvalid)
		j.refused(client.Password("sandbox"), http.StatusBadRequest, xs2a.ServiceInvalid)
		text, _ := p.asked("lea", 1) // the answer has the same effect as in TestDecoupled
		require.Contains(t, text, "Demo TPP")
		j.reaches("started")
		require.Equal(t, "received", p.status(p.tpp, j.id))
	})
}

// TestDecoupledInTime: a question that nobody answers ends with its
// authorisation, and one that the bank refuses to ask at once.
func TestDecoupledInTime(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		asked := map[string]*journey{}
		for _, psu := range []string{"lea", "anna", "reject", "blocked", "nobody"} {
			created, _, err := p.tpp.CreateConsent(t.Context(), p.offered(), p.inApp(psu))
			require.NoError(t, err)
			asked[psu] = p.journey(created.ConsentID, psu, "")
			asked[psu].know(created.Links)
		}
		p.asked("lea", 1)
		_, late := p.asked("anna", 1)
		_, err := p.tpp.DeleteConsent(t.Context(), asked["lea"].id)
		require.NoError(t, err)
		require.Equal(t, []string{"terminatedByTpp", "failed"}, asked["lea"].stands())
		p.decides("lea", "approve") // too late, which the app need not know
		p.advance("3s")
		p.becomes(asked["reject"].id, "rejected")
		for _, psu := range []string{"blocked", "nobody"} {
			asked[psu].reaches("failed")
			require.Equal(t, "received", p.status(p.tpp, asked[psu].id), "the TPP cannot tell a %s", psu)
		}
		require.Equal(t, []string{"terminatedByTpp", "failed"}, asked["lea"].stands())

		p.advance("15m")
		require.Equal(t, []string{"received", "failed"}, asked["anna"].stands())
		asked["anna"].refused(client.Identification(), http.StatusForbidden, xs2a.ResourceExpired)
		status, _, _ := p.raw(http.MethodPost, p.base+late, `{"decision":"approve"}`, "Content-Type", "application/json")
		require.Equal(t, http.StatusNotFound, status, "the app has withdrawn its question")
		again, _, err := p.tpp.StartAuthorisation(t.Context(), asked["anna"].id, client.StartOptions{PSUID: "anna", RedirectPreferred: new(bool)})
		require.NoError(t, err, "it can be tried again")
		asked["anna"].know(again.Links)
		require.Equal(t, []string{"received", "psuIdentified"}, asked["anna"].stands())
	})
}
