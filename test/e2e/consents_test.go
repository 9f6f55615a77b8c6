package e2e

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

func addDays(t *testing.T, now string, days int) string {
	t.Helper()
	at, err := time.Parse(time.RFC3339, now)
	require.NoError(t, err)
	return at.UTC().AddDate(0, 0, days).Format(time.DateOnly)
}

// TestBankOffered is the main job: a TPP creates a consent, a PSU authorises it.
func TestBankOffered(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		ctx := t.Context()
		body := p.offered()
		body.ValidUntil, body.FrequencyPerDay = "9999-12-31", 9
		created, meta, err := p.tpp.CreateConsent(ctx, body, p.options())
		require.NoError(t, err)
		require.Equal(t, []any{http.StatusCreated, "REDIRECT", xs2a.ConsentStatus("received")}, []any{meta.Status, meta.Approach(), created.ConsentStatus})
		self := p.base + "/v1/consents/" + created.ConsentID
		require.Equal(t, self, meta.Location())
		require.Equal(t, self, created.Links["self"].Href)
		require.Equal(t, self+"/status", created.Links["status"].Href)
		require.Len(t, created.Links, 4)
		link := created.Links["scaRedirect"].Href
		require.NotContains(t, link, created.ConsentID)

		list, _, err := p.tpp.Authorisations(ctx, created.ConsentID)
		require.NoError(t, err)
		require.Len(t, list.AuthorisationIDs, 1)
		require.Equal(t, self+"/authorisations/"+list.AuthorisationIDs[0], created.Links["scaStatus"].Href)

		before, _, err := p.tpp.Consent(ctx, created.ConsentID)
		require.NoError(t, err)
		require.Equal(t, []any{p.today(90), 4, p.today(0)}, []any{before.ValidUntil, before.FrequencyPerDay, before.LastActionDate})
		require.Empty(t, before.Access.Balances)
		require.NotNil(t, before.Access.Balances)
		require.Nil(t, before.Access.Accounts)

		u := p.authorise(link, "anna", "DE02100100109307118603/USD,525412******3241")
		require.Equal(t, p.base+"/sandbox/return", u.to)

		after, _, err := p.tpp.Consent(ctx, created.ConsentID)
		require.NoError(t, err)
		require.Equal(t, xs2a.ConsentStatus("valid"), after.ConsentStatus)
		require.Nil(t, after.Access.Accounts)
		require.Equal(t, after.Access.Balances, after.Access.Transactions)
		require.Len(t, after.Access.Balances, 2)
		require.Equal(t, []string{"DE02100100109307118603", "USD", "525412******3241"}, []string{
			after.Access.Balances[0].IBAN, after.Access.Balances[0].Currency, after.Access.Balances[1].MaskedPAN,
		})
		sca, _, err := p.tpp.AuthorisationStatus(ctx, created.ConsentID, list.AuthorisationIDs[0])
		require.NoError(t, err)
		require.Equal(t, xs2a.ScaStatus("finalised"), sca.ScaStatus)
		u.look()
		u.at("problem", http.StatusConflict)
	})
}

func TestDedicated(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		both := []xs2a.AccountReference{{IBAN: "FR7617515000920400430518020"}, {IBAN: "FR7617515000920400430518117", Currency: "EUR"}}
		body := p.offered()
		body.Access = xs2a.AccountAccess{Accounts: both, Balances: both[:1]}
		id, link := p.create(p.tpp, body)
		p.authorise(link, "lea", "")
		got, _, err := p.tpp.Consent(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, xs2a.ConsentStatus("valid"), got.ConsentStatus)
		require.Equal(t, body.Access, got.Access, "as the TPP asked for it")

		id, link = p.create(p.tpp, body)
		u := p.open(link)
		u.send("psuId=enzo", "password=sandbox")
		require.Equal(t, "problem", u.page, "the accounts are LEA's")
		require.NotContains(t, u.body, "430518020")
		require.Equal(t, "rejected", p.status(p.tpp, id))
	})
}

func TestFlags(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		for name, access := range map[string]xs2a.AccountAccess{
			"global":                  {AllPSD2: "allAccounts"},
			"global with owner":       {AllPSD2: "allAccountsWithOwnerName"},
			"available":               {AvailableAccounts: "allAccounts"},
			"available with balances": {AvailableAccountsWithBalance: "allAccountsWithOwnerName"},
		} {
			body := p.offered()
			body.Access, body.RecurringIndicator, body.FrequencyPerDay = access, false, 1
			id, link := p.create(p.tpp, body)
			p.authorise(link, "lea", "")
			got, _, err := p.tpp.Consent(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, []any{xs2a.ConsentStatus("valid"), access, false, 1},
				[]any{got.ConsentStatus, got.Access, got.RecurringIndicator, got.FrequencyPerDay}, name)
		}
	})
}

func TestFormerConsentExpires(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		first, link := p.create(p.tpp, p.offered())
		p.authorise(link, "anna", "DE40100100103307118608")
		other, link := p.create(p.as("acme"), p.offered())
		p.authorise(link, "anna", "DE40100100103307118608")
		second, link := p.create(p.tpp, p.offered())
		require.Equal(t, "valid", p.status(p.tpp, first), "not before the second is authorised")
		p.authorise(link, "anna", "DE40100100103307118608")
		require.Equal(t, []string{"expired", "valid", "valid"},
			[]string{p.status(p.tpp, first), p.status(p.tpp, second), p.status(p.as("acme"), other)})
	})
}

func TestRefusals(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		nok := p.base + "/sandbox/return/nok"
		t.Run("on the review", func(t *testing.T) {
			id, link := p.create(p.tpp, p.offered())
			u := p.open(link)
			u.send("psuId=anna", "password=sandbox")
			u.send("account=DE40100100103307118608")
			u.send("decision=reject")
			require.Equal(t, []any{http.StatusSeeOther, nok}, []any{u.status, u.to})
			require.Equal(t, "rejected", p.status(p.tpp, id))
		})
		t.Run("on the login page, without a Nok URI", func(t *testing.T) {
			o := p.options()
			o.NokRedirectURI = ""
			created, _, err := p.tpp.CreateConsent(t.Context(), p.offered(), o)
			require.NoError(t, err)
			u := p.open(created.Links["scaRedirect"].Href)
			u.send("decision=reject")
			require.Equal(t, []any{http.StatusSeeOther, o.RedirectURI}, []any{u.status, u.to})
		})
		t.Run("by the bank", func(t *testing.T) {
			id, link := p.create(p.tpp, p.offered())
			u := p.open(link)
			u.send("psuId=reject", "password=sandbox")
			u.send("account=" + p.ibanOf("reject"))
			u.send("decision=approve")
			require.Equal(t, []any{http.StatusSeeOther, nok}, []any{u.status, u.to})
			require.Equal(t, "rejected", p.status(p.tpp, id))
		})
		t.Run("blocked", func(t *testing.T) {
			id, link := p.create(p.tpp, p.offered())
			u := p.open(link)
			u.send("psuId=blocked", "password=sandbox")
			u.at("problem", http.StatusForbidden)
			require.Equal(t, "received", p.status(p.tpp, id))
		})
		t.Run("nothing to share", func(t *testing.T) {
			id, link := p.create(p.tpp, p.offered())
			u := p.open(link)
			u.send("psuId=noa", "password=sandbox")
			require.Equal(t, "problem", u.page)
			require.Equal(t, "rejected", p.status(p.tpp, id))
		})
	})
}

func (p *program) ibanOf(psu string) string {
	p.t.Helper()
	var person struct {
		Accounts []struct{ IBAN string } `json:"accounts"`
	}
	p.call(http.MethodGet, "/sandbox/psus/"+psu, nil, &person)
	require.NotEmpty(p.t, person.Accounts)
	return person.Accounts[0].IBAN
}

func TestWrongPasswordAndCode(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		id, link := p.create(p.tpp, p.offered())
		u := p.open(link)
		for range 2 {
			u.send("psuId=anna", "password=wrong")
			u.at("login", http.StatusUnauthorized)
			require.NotContains(t, u.body, `value="wrong"`)
		}
		u.send("psuId=anna", "password=wrong")
		u.at("problem", http.StatusTooManyRequests)
		require.Contains(t, u.body, p.base+"/sandbox/return/nok")
		require.Equal(t, "received", p.status(p.tpp, id))

		again, meta, err := p.tpp.StartAuthorisation(t.Context(), id, client.StartOptions{PSUIPAddress: "192.0.2.7"})
		require.NoError(t, err)
		require.Equal(t, []any{http.StatusCreated, "REDIRECT"}, []any{meta.Status, meta.Approach()})
		u = p.open(again.Links["scaRedirect"].Href)
		u.send("psuId=anna", "password=wrong")
		u.send("psuId=anna", "password=sandbox")
		u.send("account=DE40100100103307118608")
		u.send("decision=approve")
		code := p.code("anna")
		wrong := "000000"
		if code == wrong {
			wrong = "000001"
		}
		u.send("otp=" + wrong)
		u.at("factor", http.StatusUnauthorized)
		u.send("otp=" + code)
		require.Equal(t, http.StatusSeeOther, u.status)
		require.Equal(t, "valid", p.status(p.tpp, id))
		require.NotRegexp(t, alone(code), p.log.String())
		require.NotContains(t, p.log.String(), "DE40100100103307118608")
	})
}

func TestTwoSigners(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		id, link := p.create(p.tpp, p.offered())
		p.authorise(link, "sarl-ceo", "FR7617515000930000085212187")
		require.Equal(t, "partiallyAuthorised", p.status(p.tpp, id))
		second, _, err := p.tpp.StartAuthorisation(t.Context(), id, client.StartOptions{})
		require.NoError(t, err)
		p.authorise(second.Links["scaRedirect"].Href, "sarl-cfo", "")
		require.Equal(t, "valid", p.status(p.tpp, id))
		_, _, err = p.tpp.StartAuthorisation(t.Context(), id, client.StartOptions{})
		require.Equal(t, http.StatusConflict, statusOf(err))
	})
}

func statusOf(err error) int {
	if e, ok := errors.AsType[*client.Error](err); ok {
		return e.Status
	}
	return 0
}

func TestDelete(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		ctx := t.Context()
		id, link := p.create(p.tpp, p.offered())
		p.authorise(link, "anna", "DE40100100103307118608")
		for range 2 {
			meta, err := p.tpp.DeleteConsent(ctx, id)
			require.NoError(t, err)
			require.Equal(t, http.StatusNoContent, meta.Status)
		}
		require.Equal(t, "terminatedByTpp", p.status(p.tpp, id))

		pending, link := p.create(p.tpp, p.offered())
		u := p.open(link)
		_, err := p.tpp.DeleteConsent(ctx, pending)
		require.NoError(t, err)
		u.send("psuId=anna", "password=sandbox")
		require.Equal(t, "problem", u.page)
	})
}

// TestUnknownAndForeign asks for ids that are unknown, malformed or another
// TPP's: the answers are alike.
func TestUnknownAndForeign(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		ctx := t.Context()
		foreign, _ := p.create(p.as("acme"), p.offered())
		own, _ := p.create(p.tpp, p.offered())
		for _, id := range []string{foreign, uuid.NewString(), "x", strings.Repeat("9", 300)} {
			for name, call := range map[string]func() error{
				"get":    func() error { _, _, err := p.tpp.Consent(ctx, id); return err },
				"status": func() error { _, _, err := p.tpp.ConsentStatus(ctx, id); return err },
				"delete": func() error { _, err := p.tpp.DeleteConsent(ctx, id); return err },
				"start":  func() error { _, _, err := p.tpp.StartAuthorisation(ctx, id, client.StartOptions{}); return err },
				"list":   func() error { _, _, err := p.tpp.Authorisations(ctx, id); return err },
				"sca":    func() error { _, _, err := p.tpp.AuthorisationStatus(ctx, id, uuid.NewString()); return err },
			} {
				e, ok := errors.AsType[*client.Error](call())
				require.True(t, ok, name)
				require.Equal(t, http.StatusForbidden, e.Status, name)
				require.Len(t, e.Messages, 1)
				require.Equal(t, []any{xs2a.Code("CONSENT_UNKNOWN"), "the consent is not known to this TPP"}, []any{e.Messages[0].Code, e.Messages[0].Text}, name)
			}
		}
		require.Equal(t, "received", p.status(p.as("acme"), foreign))
		_, _, err := p.tpp.AuthorisationStatus(ctx, own, uuid.NewString())
		e, ok := errors.AsType[*client.Error](err)
		require.True(t, ok)
		require.Equal(t, []any{http.StatusForbidden, true}, []any{e.Status, e.Has("RESOURCE_UNKNOWN")})
	})
}

// TestTime turns the clock: links, authorisations and consents end on time.
func TestTime(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		body := p.offered()
		body.ValidUntil = p.today(2)
		id, link := p.create(p.tpp, body)
		p.authorise(link, "anna", "DE40100100103307118608")
		waiting, link := p.create(p.tpp, body)
		u := p.open(link)
		p.advance("10m")
		u.look()
		u.at("problem", http.StatusGone)
		require.Contains(t, u.body, p.base+"/sandbox/return/nok")
		list, _, err := p.tpp.Authorisations(t.Context(), waiting)
		require.NoError(t, err)
		sca, _, err := p.tpp.AuthorisationStatus(t.Context(), waiting, list.AuthorisationIDs[0])
		require.NoError(t, err)
		require.Equal(t, xs2a.ScaStatus("failed"), sca.ScaStatus)
		require.Equal(t, "received", p.status(p.tpp, waiting))
		p.advance("24h")
		require.Equal(t, "rejected", p.status(p.tpp, waiting))
		require.Equal(t, "valid", p.status(p.tpp, id))
		p.advance("48h")
		require.Equal(t, "expired", p.status(p.tpp, id))
		got, _, err := p.tpp.Consent(t.Context(), id)
		require.NoError(t, err)
		require.Less(t, body.ValidUntil, got.LastActionDate, "ended when its date was over")
	})
}

func TestExplicitStart(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		o := p.options()
		o.ExplicitAuthorisation = true
		created, meta, err := p.tpp.CreateConsent(t.Context(), p.offered(), o)
		require.NoError(t, err)
		require.Empty(t, meta.Approach())
		require.Equal(t, meta.Location()+"/authorisations", created.Links["startAuthorisation"].Href)
		started, _, err := p.tpp.StartAuthorisation(t.Context(), created.ConsentID, client.StartOptions{PSUID: "anna"})
		require.NoError(t, err)
		p.authorise(started.Links["scaRedirect"].Href, "anna", "DE40100100103307118608")
		require.Equal(t, "valid", p.status(p.tpp, created.ConsentID))
	})
}

func TestStrict(t *testing.T) {
	p := start(t, "sqlite", func(o *app.SandboxOptions) { o.Strict = true })
	body := xs2a.ConsentsRequest{Access: xs2a.AccountAccess{AllPSD2: "allAccounts"}, ValidUntil: p.today(1), FrequencyPerDay: 1}
	_, _, err := p.tpp.CreateConsent(t.Context(), body, p.options())
	e, ok := errors.AsType[*client.Error](err)
	require.True(t, ok)
	require.Equal(t, []any{http.StatusUnauthorized, true}, []any{e.Status, e.Has("SIGNATURE_MISSING")})
}

// TestSlowBank waits for a bank that takes its time; a worker, not the PSU's
// looking, moves it on.
func TestSlowBank(t *testing.T) {
	p := start(t, "sqlite")
	id, link := p.create(p.tpp, p.offered())
	u := p.open(link)
	u.send("psuId=slow", "password=sandbox")
	u.send("account=" + p.ibanOf("slow"))
	u.send("decision=approve")
	u.send("otp=" + p.code("slow"))
	u.at("wait", http.StatusAccepted)
	u.look()
	u.at("wait", http.StatusAccepted)
	p.advance("31s")
	require.Eventually(t, func() bool { return p.status(p.tpp, id) == "valid" }, 20*time.Second, 100*time.Millisecond)
	u.look()
	require.Equal(t, []any{http.StatusSeeOther, p.base + "/sandbox/return"}, []any{u.status, u.to})
}

// TestExpiredCode comes back to the code page too late: a new code is sent, and
// no try is lost.
func TestExpiredCode(t *testing.T) {
	p := start(t, "sqlite")
	id, link := p.create(p.tpp, p.offered())
	u := p.open(link)
	u.send("psuId=anna", "password=sandbox")
	u.send("account=DE40100100103307118608")
	u.send("decision=approve")
	late := p.code("anna")
	p.advance("6m")
	u.send("otp=" + late)
	u.at("factor", http.StatusOK)
	require.NotEqual(t, late, p.code("anna"))
	u.send("otp=" + p.code("anna"))
	require.Equal(t, http.StatusSeeOther, u.status, u.body)
	require.Equal(t, "valid", p.status(p.tpp, id))
}
