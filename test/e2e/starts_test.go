package e2e

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// way is how a consent comes to be authorised, in a mode of starting.
type way struct {
	approach string // that the TPP prefers
	known    bool   // the TPP knows the PSU at once
	mode     string
	links    []string // that the TPP followed
}

// ways are all there are with a PSU who has two methods.
var ways = []way{
	{"REDIRECT", true, "auto", []string{"scaRedirect"}},
	{"REDIRECT", false, "implicit", []string{"scaRedirect"}},
	{"REDIRECT", true, "explicit", []string{"startAuthorisation", "scaRedirect"}},
	{"EMBEDDED", true, "auto", []string{"updatePsuAuthentication", "selectAuthenticationMethod", "authoriseTransaction"}},
	{"EMBEDDED", true, "implicit", []string{"updatePsuAuthentication", "selectAuthenticationMethod", "authoriseTransaction"}},
	{"EMBEDDED", true, "explicit", []string{"startAuthorisationWithPsuAuthentication", "selectAuthenticationMethod", "authoriseTransaction"}},
	{"EMBEDDED", false, "auto", []string{"startAuthorisationWithPsuAuthentication", "selectAuthenticationMethod", "authoriseTransaction"}},
	{"EMBEDDED", false, "implicit", []string{"updatePsuIdentification", "updatePsuAuthentication", "selectAuthenticationMethod", "authoriseTransaction"}},
	{"EMBEDDED", false, "explicit", []string{"startAuthorisationWithPsuAuthentication", "selectAuthenticationMethod", "authoriseTransaction"}},
	{"DECOUPLED", true, "auto", nil},
	{"DECOUPLED", true, "implicit", nil},
	{"DECOUPLED", true, "explicit", []string{"startAuthorisation", "updatePsuIdentification"}}, // the start does not name the PSU again
	{"DECOUPLED", false, "auto", []string{"startAuthorisationWithPsuIdentification"}},
	{"DECOUPLED", false, "implicit", []string{"updatePsuIdentification"}},
	{"DECOUPLED", false, "explicit", []string{"startAuthorisationWithPsuIdentification"}},
}

// preferring are the headers by which a TPP asks for an approach.
func (p *program) preferring(approach, psu string) client.CreateOptions {
	p.t.Helper()
	options := map[string]func(string) client.CreateOptions{
		"DECOUPLED": p.inApp, "EMBEDDED": p.byTPP,
		"REDIRECT": func(string) client.CreateOptions { o := p.options(); o.PSUID = psu; return o },
	}
	require.Contains(p.t, options, approach)
	return options[approach](psu)
}

// TestStarts: a TPP that does what the links say comes to a valid consent,
// whatever the approach, who starts the authorisation, and when it knows the PSU.
func TestStarts(t *testing.T) {
	for _, mode := range []string{"auto", "implicit", "explicit"} {
		t.Run(mode, func(t *testing.T) {
			each(t, func(t *testing.T, p *program) {
				var inApp []*journey
				for _, w := range ways {
					if w.mode != mode {
						continue
					}
					j := p.goes(w)
					if w.approach == "DECOUPLED" {
						inApp = append(inApp, j)
						continue
					}
					require.Equal(t, []string{"valid", "finalised"}, j.stands(), w)
				}
				p.asked("omar", len(inApp))
				p.decides("omar", "approve")
				p.advance("3s")
				for _, j := range inApp {
					p.becomes(j.id, "valid")
					require.Equal(t, "finalised", j.sca())
				}
			}, offering("redirect", "decoupled", "embedded"), func(o *app.SandboxOptions) { o.Start = mode })
		})
	}
}

// goes does what the TPP has to do in a way.
func (p *program) goes(w way) *journey {
	p.t.Helper()
	psu := map[bool]string{true: "omar"}[w.known]
	o := p.preferring(w.approach, psu)
	body := p.dedicated(omarIBAN)
	body.RecurringIndicator, body.FrequencyPerDay = false, 1 // they let one another be
	created, meta, err := p.tpp.CreateConsent(p.t.Context(), body, o)
	require.NoError(p.t, err)
	_, implicit := created.Links["scaStatus"]
	require.Equal(p.t, map[bool]string{true: w.approach}[implicit], meta.Approach(), w)
	j := p.journey(created.ConsentID, "omar", "")
	require.Equal(p.t, w.links, j.travel(created.Links), w)
	list, _, err := p.tpp.Authorisations(p.t.Context(), j.id)
	require.NoError(p.t, err)
	require.Equal(p.t, []string{j.last}, list.AuthorisationIDs)
	return j
}

// TestSigners: both who sign for the company, in either order, each with an
// authorisation that the TPP started for them.
func TestSigners(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		for _, order := range [][]string{{"sarl-ceo", "sarl-cfo"}, {"sarl-cfo", "sarl-ceo"}} {
			id, links := p.company(order)
			for i, signer := range order {
				p.authorise(links[i]["scaRedirect"].Href, signer, sarlIBAN)
				want := []string{"partiallyAuthorised", "valid"}[i]
				require.Equal(t, want, p.status(p.tpp, id), signer)
			}
			_, _, err := p.tpp.StartAuthorisation(t.Context(), id, client.StartOptions{PSUID: order[0], PSUCorporateID: sarlID})
			p.fails(err, http.StatusConflict, xs2a.StatusInvalid)
		}

		id, links := p.company([]string{"sarl-ceo", "sarl-cfo"})
		p.authorise(links[0]["scaRedirect"].Href, "sarl-ceo", sarlIBAN)
		_, _, err := p.tpp.StartAuthorisation(t.Context(), id, client.StartOptions{PSUID: "sarl-ceo", PSUCorporateID: sarlID})
		p.fails(err, http.StatusConflict, xs2a.StatusInvalid)
		_, _, err = p.tpp.StartAuthorisation(t.Context(), id, client.StartOptions{PSUID: "sarl-cfo", PSUCorporateID: "999999999"})
		p.fails(err, http.StatusUnauthorized, xs2a.CorporateIDInvalid)
		u := p.open(links[1]["scaRedirect"].Href)
		u.send("psuId=sarl-cfo", "password=sandbox")
		u.at("consent", http.StatusOK)
		u.send("decision=reject")
		require.Equal(t, "rejected", p.status(p.tpp, id), "one of them said no")

		_, links = p.company([]string{"enzo"})
		u = p.open(links[0]["scaRedirect"].Href)
		u.send("psuId=enzo", "password=sandbox")
		require.Equal(t, "problem", u.page)
		require.Contains(t, u.body, "You cannot act for this company")
	})
}

// company creates a consent of the company, and starts an authorisation for each.
func (p *program) company(signers []string) (id string, links []xs2a.Links) {
	p.t.Helper()
	o := p.options()
	o.PSUCorporateID, o.ExplicitAuthorisation = sarlID, true
	created, _, err := p.tpp.CreateConsent(p.t.Context(), p.offered(), o)
	require.NoError(p.t, err)
	require.ElementsMatch(p.t, []string{"startAuthorisation", "self", "status"}, names(created.Links))
	for _, signer := range signers {
		started, _, err := p.tpp.StartAuthorisation(p.t.Context(), created.ConsentID, client.StartOptions{PSUID: signer, PSUCorporateID: sarlID})
		require.NoError(p.t, err)
		links = append(links, started.Links)
	}
	return created.ConsentID, links
}

// TestSignersApart: one of them in the bank's app, the other one on the pages.
func TestSignersApart(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		o := p.inApp("sarl-ceo")
		o.PSUCorporateID = sarlID
		created, _, err := p.tpp.CreateConsent(t.Context(), p.dedicated(sarlIBAN), o)
		require.NoError(t, err)
		p.decides("sarl-ceo", "approve")
		p.advance("3s")
		p.becomes(created.ConsentID, "partiallyAuthorised")
		second, _, err := p.tpp.StartAuthorisation(t.Context(), created.ConsentID, client.StartOptions{
			PSUID: "sarl-cfo", PSUCorporateID: sarlID, RedirectPreferred: new(true),
		})
		require.NoError(t, err)
		p.authorise(second.Links["scaRedirect"].Href, "sarl-cfo", "")
		require.Equal(t, "valid", p.status(p.tpp, created.ConsentID))
	})
}

// TestStartSaysWhere: a start may say where its own browser comes back to, and
// what it says nothing of is as at the creation.
func TestStartSaysWhere(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		id, _ := p.create(p.tpp, p.offered())
		o := client.StartOptions{Header: http.Header{
			"TPP-Redirect-URI": {p.base + "/sandbox/return?state=two"}, "TPP-Nok-Redirect-URI": {p.base + "/sandbox/return/nok?state=two"},
		}}
		second, _, err := p.tpp.StartAuthorisation(t.Context(), id, o)
		require.NoError(t, err)
		u := p.authorise(second.Links["scaRedirect"].Href, "lea", "FR7617515000920400430518020")
		require.Equal(t, p.base+"/sandbox/return?state=two", u.to)
	})
}

// TestAggregatedCurrency: XXX is how a bank reports a multi-currency account as a
// whole; a TPP that sends it back means all of it.
func TestAggregatedCurrency(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		body := p.dedicated("DE02100100109307118603")
		body.Access.Balances[0].Currency = "XXX"
		id, link := p.create(p.tpp, body)
		p.authorise(link, "anna", "")
		require.Equal(t, "valid", p.status(p.tpp, id))
	})
}
