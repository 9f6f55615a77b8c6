package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/internal/config"
	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// permitted asks as the bank's resource server does, whether the wallet may read
// OMAR's balance.
func (p *program) permitted(id string) bool {
	p.t.Helper()
	body, err := json.Marshal(map[string]any{
		"consentId": id, "tpp": "wallet", "operation": "balances", "account": omarsAccount, "psuIpAddress": "192.0.2.7", "requestId": uuid.NewString(),
	})
	require.NoError(p.t, err)
	status, answer, err := p.post("/aspsp/v1/access-checks", string(body), map[string]string{
		"Authorization": "Bearer sandbox-resource-server", "Content-Type": "application/json", "X-Request-ID": uuid.NewString(),
	})
	require.NoError(p.t, err)
	require.Equal(p.t, http.StatusOK, status, answer)
	return strings.Contains(answer, `"decision":"allow"`)
}

// TestManagerLine is a line of data sharing: a hub stages it, OMAR gives it, it goes on
// with more, the bank pauses it, and it is ended; each is seen at once wherever it counts.
func TestManagerLine(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		hub, user := p.hub(), p.userID("omar")
		first, root := hub.given(p.sharing("", "ReadAccountsBasic", "ReadBalances"))
		require.True(t, p.permitted(first))
		second, _ := hub.given(p.sharing(root, "ReadAccountsDetail", "ReadBalances", "ReadTransactionsDetail"))
		third, _ := hub.staged(p.sharing(root, "ReadAccountsDetail"))

		require.Equal(t, []string{second, first}, hub.get("/psu/"+user+"/consents").each("id"), "what nobody has given yet is nobody's")
		require.Equal(t, []string{third, second, first}, hub.get("/consent-groups/"+root+"/consents").each("id"))
		require.Equal(t, []string{second, first}, hub.get("/accounts/"+omarsAccount+"/consents").each("id"))
		require.Equal(t, []string{root, root}, hub.get("/psu/"+user+"/consents").each("consentGroupId"))
		hub.patch(third, map[string]any{"psuIdentifiers": map[string]any{"userId": p.userID("anna")}, "authorizationChannel": "App"}).
			fails(http.StatusBadRequest, "Consent.InvalidUserIdentifier")

		hub.patch(second, map[string]any{"status": "Suspended", "authorizationChannel": "App"}).is(http.StatusNoContent)
		require.Equal(t, "Suspended", hub.status(second))
		require.False(t, p.permitted(second), "paused")
		hub.patch(second, map[string]any{"consentBody.Data.Status": "Authorised", "authorizationChannel": "App"}).is(http.StatusNoContent)
		require.Equal(t, "Authorized", hub.status(second))
		require.True(t, p.permitted(second))

		p.pages("omar").do(http.MethodPost, "/consents/"+second+"/action/revoke", map[string]any{"revokedBy": "LFI.InitiatedByUser"}).is(http.StatusNoContent)
		seen := hub.get("/consents/" + second)
		require.Equal(t, []string{"Revoked", "LFI.InitiatedByUser"}, []string{seen.text("data.status"), seen.text("data.consentBody.Data.RevokedBy")})
		require.False(t, p.permitted(second))
		hub.patch(second, map[string]any{"status": "Authorized", "authorizationChannel": "App"}).fails(http.StatusBadRequest, "Consent.BusinessRuleViolation")

		hub.do(http.MethodPost, "/consent-groups/"+root+"/consents/action/revoke", map[string]any{"revokedBy": "TPP"}).is(http.StatusNoContent)
		require.Equal(t, []string{"Revoked", "Revoked", "Revoked"}, hub.get("/consent-groups/"+root+"/consents").each("status"))
		require.Equal(t, "LFI.InitiatedByUser", hub.get("/consents/"+second).text("data.consentBody.Data.RevokedBy"), "an ended one stays as it ended")
		require.NotEmpty(t, hub.get("/consents/"+second+"/audit").at("data"))
	})
}

// TestManagerPayments pays by a wallet's consent within its limits, and by a single one.
func TestManagerPayments(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		hub := p.hub()
		id, _ := hub.given(p.paying(p.onDemand("250.00", "500.00", "1000.00")))
		paid := hub.pays(id, "120.05").is(http.StatusCreated).text("data.paymentId")
		refused := hub.pays(id, "75.00").is(http.StatusCreated).text("data.paymentId")
		hub.pays(id, "80.05").is(http.StatusCreated)
		hub.pays(id, "250.01").fails(http.StatusBadRequest, "Consent.FailsControlParameters")
		hub.settles(paid, "AcceptedWithoutPosting").is(http.StatusNoContent)
		hub.settles(refused, "Rejected").is(http.StatusNoContent)
		hub.settles(paid, "Rejected").fails(http.StatusBadRequest, "Consent.BusinessRuleViolation")

		seen := hub.get("/consents/" + id)
		require.Equal(t, 2, seen.number("data.consentBody.Data.PaymentConsumption.CumulativeNumberOfPayments"))
		require.Equal(t, "200.10", seen.text("data.consentBody.Data.PaymentConsumption.CumulativeValueOfPayments.Amount"))
		log := hub.get("/payment-log?consentId=" + id)
		require.ElementsMatch(t, []string{"AcceptedWithoutPosting", "Rejected", "Pending"}, log.each("paymentResponse.status"))
		require.NotContains(t, string(log.raw)+string(seen.raw), "AE46", "who is paid stays sealed")

		single, _ := hub.given(p.paying(once("42.00")))
		hub.pays(single, "42.01").fails(http.StatusBadRequest, "Consent.FailsControlParameters")
		hub.pays(single, "42.00").is(http.StatusCreated)
		require.Equal(t, "Consumed", hub.status(single))
		hub.pays(single, "42.00").fails(http.StatusBadRequest, "Consent.FailsControlParameters")

		hub.do(http.MethodPost, "/consents/"+id+"/action/revoke", map[string]any{"revokedBy": "LFI"}).is(http.StatusNoContent)
		hub.pays(id, "1.00").fails(http.StatusBadRequest, "Consent.FailsControlParameters")
		require.NotContains(t, p.log.String(), "AE46")
	})
}

// TestManagerSeesAll: what TPPs have asked for in other dialects is here, and what is
// done here is seen there.
func TestManagerSeesAll(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		desk, acme := p.desk(), p.as("acme")
		id, link := p.create(acme, p.offered())
		p.authorise(link, "anna", annasIBAN)
		s := stetOf(p)
		s.run(puts(lea, document{balances: []string{leasFirst}}, http.StatusCreated))

		annas := desk.get("/psu/" + p.userID("anna") + "/consents")
		require.Equal(t, []string{id}, annas.each("id"))
		require.Equal(t, []string{"cbuae-account-access-consents"}, annas.each("consentType"))
		require.NotContains(t, string(annas.raw), annasIBAN)
		leas := desk.get("/psu/" + p.userID("lea") + "/consents")
		require.Equal(t, []string{"Authorized"}, leas.each("status"), "the connection itself shares nothing")

		read := func() error {
			_, _, err := acme.Balances(t.Context(), "r31", client.ReadOptions{ConsentID: id, PSUIPAddress: "192.0.2.7"})
			return err
		}
		require.NoError(t, read())
		pause := map[string]any{"status": "Suspended", "authorizationChannel": "Web", "reason": "suspectedFraud", "note": "call 4711"}
		desk.patch(id, pause).is(http.StatusNoContent)
		require.Equal(t, "valid", p.status(acme, id))
		require.ErrorContains(t, read(), "SERVICE_BLOCKED")
		desk.patch(id, map[string]any{"status": "Authorized", "authorizationChannel": "Web"}).is(http.StatusNoContent)
		require.NoError(t, read())
		desk.do(http.MethodPost, "/consents/"+id+"/action/revoke", map[string]any{"revokedBy": "LFI", "reason": "legal"}).is(http.StatusNoContent)
		require.Equal(t, "terminatedByAspsp", p.status(acme, id))
		require.Error(t, read())

		leasID := leas.text("data.0.id")
		p.pages("lea").do(http.MethodPost, "/consents/"+leasID+"/action/revoke", map[string]any{"revokedBy": "LFI.InitiatedByUser"}).is(http.StatusNoContent)
		s.run(reads(lea, "/accounts/r1/balances", http.StatusUnauthorized))
	})
}

// TestManagerRoles: who may do what; a dashboard sees one user's consents only.
func TestManagerRoles(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		hub := p.hub()
		id, reference := hub.given(p.sharing("", "ReadAccountsBasic"))
		omars, annas := p.pages("omar"), p.pages("anna")
		require.Equal(t, []string{id}, omars.get("/psu/"+omars.user+"/consents").each("id"))
		annas.do(http.MethodGet, "/psu/"+omars.user+"/consents", nil).fails(http.StatusForbidden, "Consent.InvalidUserIdentifier")
		for _, path := range []string{"/consents/" + id, "/consents/" + reference, "/consents/" + id + "/audit", "/consents/" + uuid.NewString(), "/consents/nothing"} {
			annas.do(http.MethodGet, path, nil).fails(http.StatusBadRequest, "Consent.Invalid")
		}
		require.Empty(t, annas.get("/consent-groups/"+reference+"/consents").each("id"))
		require.Empty(t, annas.get("/accounts/"+omarsAccount+"/consents").each("id"))
		annas.do(http.MethodPost, "/consents/"+id+"/action/revoke", map[string]any{"revokedBy": "LFI.InitiatedByUser"}).fails(http.StatusBadRequest, "Consent.Invalid")

		stranger := bankCaller{program: p, token: "sandbox-resource-server"}
		stranger.do(http.MethodGet, "/consents", nil).fails(http.StatusForbidden, "AccessToken.InvalidScope")
		omars.do(http.MethodPost, "/consents", p.sharing("", "ReadAccountsBasic")).fails(http.StatusForbidden, "AccessToken.InvalidScope")
		omars.patch(id, map[string]any{"status": "Suspended", "authorizationChannel": "App"}).fails(http.StatusForbidden, "AccessToken.InvalidScope")
		p.desk().do(http.MethodPost, "/payment-log", map[string]any{}).fails(http.StatusForbidden, "AccessToken.InvalidScope")
		bankCaller{program: p, token: "nobody"}.do(http.MethodGet, "/consents", nil).is(http.StatusUnauthorized)
	})
}

// TestManagerBulk ends all that a TPP has.
func TestManagerBulk(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		hub, desk := p.hub(), p.desk()
		for range 3 {
			hub.given(p.sharing("", "ReadAccountsBasic"))
		}
		hub.staged(p.sharing("", "ReadBalances"))
		did := desk.do(http.MethodPost, "/consents/action/suspend", map[string]any{"tppId": "wallet", "reason": "tppIncident"}).is(http.StatusOK)
		require.Equal(t, 3, did.number("data.count"))
		require.ElementsMatch(t, []string{"Suspended", "Suspended", "Suspended", "AwaitingAuthorization"}, desk.get("/consents?tppId=wallet").each("status"))
		did = desk.do(http.MethodPost, "/consents/action/revoke", map[string]any{"tppId": "wallet", "reason": "tppIncident", "note": "case 12"}).is(http.StatusOK)
		require.Equal(t, 4, did.number("data.count"))
		require.Empty(t, desk.get("/consents?tppId=wallet&status=Suspended,Authorized,AwaitingAuthorization").each("id"))
	})
}

// TestManagerAccount pauses what opens an account of which nobody has spoken yet: by a
// consent to all accounts, it opens too.
func TestManagerAccount(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		hub, desk := p.hub(), p.desk()
		body := p.offered()
		body.Access = xs2a.AccountAccess{AllPSD2: "allAccounts"}
		id, link := p.create(p.tpp, body)
		p.authorise(link, "lea", "")
		for _, who := range []bankCaller{hub, desk, p.pages("lea")} {
			require.Equal(t, []string{id}, who.get("/accounts/r2/consents").each("id"))
		}
		require.Equal(t, []string{id}, hub.get("/consents?accountId=r2").each("id"))
		require.Empty(t, desk.get("/accounts/"+omarsAccount+"/consents").each("id"))
		require.Empty(t, desk.get("/accounts/nothing/consents").each("id"))

		did := desk.do(http.MethodPost, "/consents/action/suspend", map[string]any{"accountId": "r2", "reason": "suspectedFraud"}).is(http.StatusOK)
		require.Equal(t, 1, did.number("data.count"))
		p.denied(question(id, "balances", "r2", "192.168.8.78"), http.StatusForbidden, "SERVICE_BLOCKED")
		did = desk.do(http.MethodPost, "/consents/action/resume", map[string]any{"accountId": "r2"}).is(http.StatusOK)
		require.Equal(t, 1, did.number("data.count"))
		p.allowed(question(id, "balances", "r2", "192.168.8.78"))
	})
}

// TestManagerFourEyes: where the bank wants four eyes its back office names the person
// for whom it calls, who may withdraw what they have proposed; another decides on the
// pages only.
func TestManagerFourEyes(t *testing.T) {
	p := start(t, "sqlite", func(o *app.SandboxOptions) {
		o.Configure = func(c *config.Config) { c.BackOffice.FourEyes = true }
	})
	hub, desk := p.hub(), p.desk()
	id, _ := hub.given(p.sharing("", "ReadAccountsBasic"))
	pause := map[string]any{"status": "Suspended", "reason": "suspectedFraud", "note": "call 4711"}
	desk.patch(id, pause).fails(http.StatusBadRequest, "Resource.InvalidFormat")
	mia, sam := desk.naming("mia"), desk.naming("sam")
	proposal := mia.patch(id, pause).is(http.StatusAccepted).text("data.approvalId")
	require.Equal(t, "Authorized", hub.status(id), "another person has to confirm it")
	waiting := sam.get("/approvals")
	require.Equal(t, []string{proposal}, waiting.each("approvalId"))
	require.Equal(t, []string{"staff/mia"}, waiting.each("proposedBy"))

	decide := func(who bankCaller, how string) told {
		return who.do(http.MethodPost, "/approvals/"+proposal+"/action/"+how, nil)
	}
	decide(sam, "confirm").fails(http.StatusForbidden, "AccessToken.InvalidScope")
	decide(sam, "refuse").fails(http.StatusForbidden, "AccessToken.InvalidScope")
	decide(sam, "withdraw").fails(http.StatusBadRequest, "Consent.BusinessRuleViolation")
	require.Equal(t, "withdrawn", decide(mia, "withdraw").is(http.StatusOK).text("data.state"))
	require.Empty(t, desk.get("/approvals").each("approvalId"))
	require.Equal(t, "Authorized", hub.status(id))
}

// TestManagerPaging walks a list while it changes: what is there all the time comes
// once, and totals are right when it rests.
func TestManagerPaging(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		hub, user := p.hub(), p.userID("omar")
		var ids []string
		for range 12 {
			id, _ := hub.given(p.sharing("", "ReadAccountsBasic"))
			ids = append(ids, id)
		}
		var changes sync.WaitGroup
		stop := make(chan struct{})
		changes.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				hub.given(p.sharing("", "ReadBalances"))
			}
		})
		for range 5 {
			seen := map[string]int{}
			for path := "/psu/" + user + "/consents?pageSize=5"; path != ""; {
				r := hub.get(path)
				for _, id := range r.each("id") {
					seen[id]++
				}
				path = ""
				if next := r.text("meta.next"); next != "" {
					path = "/psu/" + user + "/consents?pageSize=5&after=" + next
				}
			}
			for _, id := range ids {
				require.Equal(t, 1, seen[id], id)
			}
		}
		close(stop)
		changes.Wait()
		total := hub.get("/psu/" + user + "/consents").number("meta.totalRecords")
		var all []string
		for page := 1; ; page++ {
			r := hub.get(fmt.Sprintf("/psu/%s/consents?page=%d&pageSize=5", user, page))
			list := r.each("id")
			all = append(all, list...)
			require.Equal(t, (total+4)/5, r.number("meta.totalPages"))
			if len(list) == 0 {
				break
			}
		}
		require.Len(t, all, total)
		slices.Sort(all)
		require.Len(t, slices.Compact(all), total)
		require.Subset(t, all, ids)
	})
}
