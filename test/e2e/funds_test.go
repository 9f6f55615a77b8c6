package e2e

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// card asks for the confirmation of funds on an account, for a card.
func card(iban string) xs2a.FundsConsentRequest {
	return xs2a.FundsConsentRequest{
		Account: xs2a.AccountReference{IBAN: iban}, CardNumber: "1234567890123456", CardExpiryDate: "2030-12-31",
		CardInformation: "Shop card", RegistrationInformation: "Contract 4711",
	}
}

// covers asks whether an account covers an amount; consentID may be empty.
func (p *program) covers(tpp *client.Client, consentID, iban, amount, currency string) (bool, error) {
	p.t.Helper()
	res, _, err := tpp.ConfirmFunds(p.t.Context(), xs2a.FundsConfirmationRequest{
		Account: xs2a.AccountReference{IBAN: iban}, InstructedAmount: xs2a.Amount{Currency: currency, Amount: amount},
	}, client.ConfirmOptions{ConsentID: consentID})
	if err != nil {
		return false, err
	}
	return res.FundsAvailable, nil
}

// funds creates such a consent, and has lea authorise it on the pages.
func (p *program) funds(iban string) *journey {
	p.t.Helper()
	created, meta, err := p.tpp.CreateFundsConsent(p.t.Context(), card(iban), p.options())
	require.NoError(p.t, err)
	self := p.base + p.path + "/v2/consents/confirmation-of-funds/" + created.ConsentID
	require.Equal(p.t, []string{"REDIRECT", self, self, self + "/status"},
		[]string{meta.Approach(), meta.Location(), created.Links["self"].Href, created.Links["status"].Href})
	j := p.forFunds(created.ConsentID, "lea")
	_, err = p.covers(p.tpp, j.id, iban, "1.00", "EUR")
	p.fails(err, http.StatusUnauthorized, xs2a.ConsentInvalid)
	_, err = p.covers(p.tpp, "", iban, "1.00", "EUR")
	p.fails(err, http.StatusBadRequest, xs2a.NoPiisActivation)
	require.Equal(p.t, []string{"scaRedirect"}, j.travel(created.Links))
	list, _, err := p.tpp.FundsAuthorisations(p.t.Context(), j.id)
	require.NoError(p.t, err)
	require.Equal(p.t, []string{j.last}, list.AuthorisationIDs)
	sca, _, err := p.tpp.FundsAuthorisationStatus(p.t.Context(), j.id, j.last)
	require.NoError(p.t, err)
	require.Equal(p.t, xs2a.ScaFinalised, sca.ScaStatus)
	return j
}

// TestFunds is the whole of the confirmation of funds: consent, questions, end.
func TestFunds(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		ctx, acme := t.Context(), p.as("acme")
		j := p.funds(leaSecond)
		got, _, err := p.tpp.FundsConsent(ctx, j.id)
		require.NoError(t, err)
		want := card(leaSecond)
		require.Equal(t, &xs2a.FundsConsentInformation{
			Account: want.Account, CardNumber: want.CardNumber, CardExpiryDate: want.CardExpiryDate,
			CardInformation: want.CardInformation, RegistrationInformation: want.RegistrationInformation, ConsentStatus: "valid",
		}, got)
		for _, id := range []string{j.id, ""} {
			for amount, want := range map[string]bool{"0.01 EUR": true, "1250.00 EUR": true, "1250.01 EUR": false, "1.00 USD": false} {
				available, err := p.covers(p.tpp, id, leaSecond, amount[:len(amount)-4], amount[len(amount)-3:])
				require.NoError(t, err)
				require.Equal(t, want, available, "%q %s", id, amount)
			}
		}
		p.advance("8760h")
		require.Equal(t, "valid", p.fundsStatus(j.id), "it has no end")

		_, err = p.covers(p.tpp, j.id, leaFirst, "1.00", "EUR")
		p.fails(err, http.StatusUnauthorized, xs2a.ConsentInvalid)
		_, err = p.covers(p.tpp, "", leaFirst, "1.00", "EUR")
		p.fails(err, http.StatusBadRequest, xs2a.NoPiisActivation)
		for _, id := range []string{j.id, uuid.NewString(), "x"} {
			_, err = p.covers(acme, id, leaSecond, "1.00", "EUR")
			p.fails(err, http.StatusBadRequest, xs2a.ConsentUnknown)
		}
		_, err = p.covers(acme, "", leaSecond, "1.00", "EUR")
		p.fails(err, http.StatusBadRequest, xs2a.NoPiisActivation)

		for range 2 {
			_, err = p.tpp.DeleteFundsConsent(ctx, j.id)
			require.NoError(t, err)
		}
		require.Equal(t, "terminatedByTpp", p.fundsStatus(j.id))
		_, err = p.covers(p.tpp, "", leaSecond, "1.00", "EUR")
		p.fails(err, http.StatusBadRequest, xs2a.NoPiisActivation)
		_, err = p.covers(p.tpp, j.id, leaSecond, "1.00", "EUR")
		p.fails(err, http.StatusUnauthorized, xs2a.ConsentInvalid)
		require.NotContains(t, p.log.String(), leaSecond)
	})
}

func (p *program) fundsStatus(id string) string {
	p.t.Helper()
	res, _, err := p.tpp.FundsConsentStatus(p.t.Context(), id)
	require.NoError(p.t, err)
	return string(res.ConsentStatus)
}

// TestFundsApart: the two kinds of consent do not know, nor replace, each other.
func TestFundsApart(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		ctx := t.Context()
		reads, link := p.create(p.tpp, p.dedicated(leaSecond))
		p.authorise(link, "lea", "")
		first := p.funds(leaSecond)
		require.Equal(t, []string{"valid", "valid"}, []string{p.status(p.tpp, reads), p.fundsStatus(first.id)})
		for name, call := range map[string]func() error{
			"get":                  func() error { _, _, err := p.tpp.Consent(ctx, first.id); return err },
			"status":               func() error { _, _, err := p.tpp.ConsentStatus(ctx, first.id); return err },
			"delete":               func() error { _, err := p.tpp.DeleteConsent(ctx, first.id); return err },
			"start":                func() error { _, _, err := p.tpp.StartAuthorisation(ctx, first.id, client.StartOptions{}); return err },
			"sca":                  func() error { _, _, err := p.tpp.AuthorisationStatus(ctx, first.id, first.last); return err },
			"get the other":        func() error { _, _, err := p.tpp.FundsConsent(ctx, reads); return err },
			"delete the other":     func() error { _, err := p.tpp.DeleteFundsConsent(ctx, reads); return err },
			"another TPP's":        func() error { _, _, err := p.as("acme").FundsConsent(ctx, first.id); return err },
			"delete another TPP's": func() error { _, err := p.as("acme").DeleteFundsConsent(ctx, first.id); return err },
			"authorise another TPP's": func() error {
				_, _, err := p.as("acme").StartFundsAuthorisation(ctx, first.id, client.StartOptions{})
				return err
			},
		} {
			e, ok := errors.AsType[*client.Error](call())
			require.True(t, ok, name)
			require.Equal(t, []any{http.StatusForbidden, true}, []any{e.Status, e.Has(xs2a.ConsentUnknown)}, name)
		}
		_, err := p.covers(p.tpp, reads, leaSecond, "1.00", "EUR")
		require.Contains(t, []int{http.StatusBadRequest, http.StatusUnauthorized}, statusOf(err), "a consent to read is none to ask: %v", err)

		require.Equal(t, "rejected", p.fundsStatus(p.refusesFunds(leaFirst)))
	})
}

// refusesFunds creates such a consent and has lea refuse it.
func (p *program) refusesFunds(iban string) string {
	p.t.Helper()
	created, _, err := p.tpp.CreateFundsConsent(p.t.Context(), card(iban), p.options())
	require.NoError(p.t, err)
	u := p.open(created.Links["scaRedirect"].Href)
	u.send("psuId=lea", "password=sandbox")
	u.at("consent", http.StatusOK)
	u.send("decision=reject")
	require.Equal(p.t, []any{http.StatusSeeOther, p.base + "/sandbox/return/nok"}, []any{u.status, u.to})
	return created.ConsentID
}

// TestFundsApproaches: everything but the browser authorises them too.
func TestFundsApproaches(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		app, _, err := p.tpp.CreateFundsConsent(t.Context(), card(leaFirst), p.inApp("lea"))
		require.NoError(t, err)
		created, _, err := p.tpp.CreateFundsConsent(t.Context(), card(omarIBAN), p.options())
		require.NoError(t, err)
		j := p.forFunds(created.ConsentID, "omar")
		require.Equal(t, []string{"startAuthorisationWithPsuAuthentication", "selectAuthenticationMethod", "authoriseTransaction"}, j.travel(created.Links))
		require.Equal(t, "valid", p.fundsStatus(j.id))
		text, _ := p.asked("lea", 1)
		require.Contains(t, text, "Demo TPP asks whether amounts are available on account …8020")
		p.decides("lea", "approve")
		p.advance("3s")
		require.Eventually(t, func() bool { return p.fundsStatus(app.ConsentID) == "valid" }, patience, tick)
	}, offering("embedded", "decoupled"))
}
