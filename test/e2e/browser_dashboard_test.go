package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/internal/config"
	"consentd/pkg/client"
)

// enters logs a persona in to the pages on which customers see their consents.
func (b *tab) enters(psu string) {
	b.t.Helper()
	b.visit(b.base + "/psu")
	b.at("login", http.StatusOK)
	b.login(psu, "sandbox")
	b.proves(psu)
	b.at("consents", http.StatusOK)
}

// proves confirms by a code, in the way that the bank suggests.
func (b *tab) proves(psu string) {
	b.t.Helper()
	b.at("factor", http.StatusOK)
	if b.count("input[name=method]") > 0 {
		b.press(approve)
		b.at("factor", http.StatusOK)
	}
	b.confirm(psu)
}

// opens goes to the page of the consent whose card has this name.
func (b *tab) opens(name string) {
	b.t.Helper()
	address := ask[string](b, fmt.Sprintf(`[...document.querySelectorAll('.card h2 a')].find(a => a.innerText.includes(%q))?.getAttribute('href') ?? ''`, name))
	require.NotEmpty(b.t, address, b.read("main"))
	b.press(fmt.Sprintf(`.card h2 a[href=%q]`, address))
	b.at("consent-detail", http.StatusOK)
}

// stops ends the consent whose page stands, and reads the receipt.
func (b *tab) stops(words ...string) {
	b.t.Helper()
	b.press(`a[href$="/stop"]`)
	b.at("consent-stop", http.StatusOK)
	b.holds(words...)
	b.press("button.stop")
	b.at("receipt", http.StatusOK)
}

// TestBrowserDashboardPayments is OMAR's: a line of four, a single and a recurring
// consent to payments, one paused; he looks, filters, and stops.
func TestBrowserDashboardPayments(t *testing.T) {
	p := start(t, "postgres")
	p.call(http.MethodPost, "/sandbox/examples", map[string]string{"psu": "omar"}, nil)
	pictures, b, hub, user := p.gallery("dashboard-", fewViews), p.browse(), p.hub(), p.userID("omar")
	b.enters("omar")
	pictures.judge(b, "current")
	b.holds("Active", "Suspended")
	b.opens("Falcon Budget")
	b.holds("Your Account Details", "AE07 0331 2345 6789 0123 456")
	pictures.judge(b, "sharing")
	b.stops("Falcon Budget")
	b.holds("Falcon Budget")
	pictures.judge(b, "receipt")
	for _, c := range hub.get("/psu/" + user + "/consents?consentType=cbuae-account-access-consents&status=Authorized").each("id") {
		t.Errorf("consent %s is still in force", c)
	}

	b.visit(b.base + "/psu/consents?part=payments")
	b.at("consents", http.StatusOK)
	pictures.judge(b, "payments")
	paying := hub.get("/psu/" + user + "/consents?consentType=cbuae-service-initiation-consents&status=Authorized").text("data.0.id")
	require.NotEmpty(t, paying)
	b.visit(b.base + "/psu/consents/" + paying)
	b.at("consent-detail", http.StatusOK)
	b.holds("120.05", "80.05", "75.00", "Goods Bought or Sold (GDS)")
	pictures.judge(b, "paying")
	b.stops("payment")
	hub.pays(paying, "1.00").fails(http.StatusBadRequest, "Consent.FailsControlParameters")

	b.visit(b.base + "/psu/consents?tab=history")
	b.at("consents", http.StatusOK)
	b.holds("Cancelled", "Rejected")
	pictures.judge(b, "history")
	require.NotContains(t, p.log.String(), omarsIBAN)
}

// TestBrowserDashboardDialects: ANNA ends what she has given in the Berlin Group's
// dialect, and LEA what was forwarded in STET's; each TPP is told so by its next call.
func TestBrowserDashboardDialects(t *testing.T) {
	p := start(t, "sqlite")
	acme := p.as("acme")
	id, link := p.create(acme, p.offered())
	p.authorise(link, "anna", annasIBAN)
	read := func() error {
		_, _, err := acme.Balances(t.Context(), "r31", client.ReadOptions{ConsentID: id, PSUIPAddress: "192.0.2.7"})
		return err
	}
	require.NoError(t, read())
	anna := p.browse()
	anna.enters("anna")
	anna.holds("Active")
	anna.press(`.card h2 a`)
	anna.at("consent-detail", http.StatusOK)
	anna.holds("DE40 1001 0010 3307 1186 08", "Balances")
	anna.stops("read")
	require.Equal(t, "revokedByPsu", p.status(acme, id))
	require.ErrorContains(t, read(), "CONSENT_INVALID")

	s := stetOf(p)
	s.run(puts(lea, document{balances: []string{leasFirst}}, http.StatusCreated))
	s.run(reads(lea, "/accounts/r1/balances", http.StatusOK))
	bea := p.browse()
	bea.enters("lea")
	bea.press(`.card h2 a`)
	bea.at("consent-detail", http.StatusOK)
	bea.stops("read")
	s.run(reads(lea, "/accounts/r1/balances", http.StatusUnauthorized))
	bea.visit(bea.base + "/psu/consents/" + id)
	bea.at("problem", http.StatusNotFound)
	bea.visit(bea.base + "/psu/consents?tab=history")
	bea.press(`form[action="/psu/logout"] button`)
	bea.visit(bea.base + "/psu/consents")
	bea.at("login", http.StatusOK)
}

// TestBrowserDashboardConfirms: where the bank wants a second factor for it, ending a
// consent takes one.
func TestBrowserDashboardConfirms(t *testing.T) {
	p := start(t, "sqlite", func(o *app.SandboxOptions) {
		o.Configure = func(c *config.Config) { c.Dashboard.ConfirmStops = true }
	})
	hub := p.hub()
	id, _ := hub.given(p.sharing("", "ReadAccountsBasic"))
	b := p.browse()
	b.enters("omar")
	b.visit(b.base + "/psu/consents/" + id)
	b.press(`a[href$="/stop"]`)
	b.at("consent-stop", http.StatusOK)
	b.press("button.stop")
	b.at("login", http.StatusOK)
	b.login("omar", "sandbox")
	require.Equal(t, "Authorized", hub.status(id), "not yet")
	b.proves("omar")
	b.at("receipt", http.StatusOK)
	require.Equal(t, "Revoked", hub.status(id))
}
