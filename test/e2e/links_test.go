package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// publicURL is where a proxy in front of the sandbox would be reached.
const publicURL = "http://xs2a.bank.example"

// TestLinks follows every link as it is given, with a base path and behind a
// proxy, absolute and relative.
func TestLinks(t *testing.T) {
	for name, set := range map[string]func(*app.SandboxOptions){
		"absolute":             func(*app.SandboxOptions) {},
		"relative":             func(o *app.SandboxOptions) { o.RelativeLinks = true },
		"absolute, by a proxy": func(o *app.SandboxOptions) { o.PublicURL = publicURL },
		"relative, by a proxy": func(o *app.SandboxOptions) { o.PublicURL, o.RelativeLinks = publicURL, true },
	} {
		t.Run(name, func(t *testing.T) {
			var o app.SandboxOptions
			set(&o)
			each(t, func(t *testing.T, p *program) {
				f := &follower{program: p, browser: o.PublicURL}
				if o.PublicURL == "" {
					f.browser = p.base
				}
				if !o.RelativeLinks {
					f.own = f.browser
				}
				f.followAll()
			}, set, confirmed, func(o *app.SandboxOptions) { o.BasePath = "/psd2" })
		})
	}
}

// follower is a TPP that goes where links lead, and checks where that is.
type follower struct {
	*program
	own     string // what links to the interface begin with, before the base path
	browser string // and those to the PSU's pages
}

func (f *follower) followAll() {
	f.t.Helper()
	created, meta, err := f.tpp.CreateConsent(f.t.Context(), f.offered(), f.options())
	require.NoError(f.t, err)
	self := f.own + "/psd2/v1/consents/" + created.ConsentID
	require.Equal(f.t, []string{self, self, self + "/status"},
		[]string{meta.Location(), created.Links["self"].Href, created.Links["status"].Href})
	require.True(f.t, strings.HasPrefix(created.Links["scaStatus"].Href, self+"/authorisations/"))
	for link, member := range map[string]string{"self": "consentStatus", "status": "consentStatus", "scaStatus": "scaStatus"} {
		require.Equal(f.t, "received", f.at(http.MethodGet, created.Links[link].Href, "")[member], link)
	}
	back := f.walk(created.Links["scaRedirect"].Href, "anna", giro)
	body := `{"confirmationCode":"` + back.Query().Get("confirmationCode") + `"}`
	answer := f.at(http.MethodPut, created.Links["confirmation"].Href, body)
	require.Equal(f.t, "finalised", answer["scaStatus"])
	require.Equal(f.t, map[string]any{"scaStatus": map[string]any{"href": created.Links["scaStatus"].Href}}, answer["_links"])
	require.Equal(f.t, "valid", f.at(http.MethodGet, created.Links["status"].Href, "")["consentStatus"])

	o := f.options()
	o.ExplicitAuthorisation = true
	funds, meta, err := f.tpp.CreateFundsConsent(f.t.Context(), card(leaSecond), o)
	require.NoError(f.t, err)
	self = f.own + "/psd2/v2/consents/confirmation-of-funds/" + funds.ConsentID
	require.Equal(f.t, []string{self, self + "/authorisations"}, []string{meta.Location(), funds.Links["startAuthorisation"].Href})
	raw, err := json.Marshal(f.at(http.MethodPost, funds.Links["startAuthorisation"].Href, "{}"))
	require.NoError(f.t, err)
	var started xs2a.StartAuthorisationResponse
	require.NoError(f.t, json.Unmarshal(raw, &started))
	back = f.walk(started.Links["scaRedirect"].Href, "lea", "")
	f.at(http.MethodPut, started.Links["confirmation"].Href, `{"confirmationCode":"`+back.Query().Get("confirmationCode")+`"}`)
	require.Equal(f.t, "valid", f.at(http.MethodGet, funds.Links["status"].Href, "")["consentStatus"])
	f.outside(created.ConsentID)
}

// outside shows that nothing of the interface lies beside the base path.
func (f *follower) outside(id string) {
	f.t.Helper()
	beside, err := client.New(f.base, client.WithHTTPClient(f.http), client.WithSandboxTPP("demo"))
	require.NoError(f.t, err)
	_, _, err = beside.ConsentStatus(f.t.Context(), id)
	require.Equal(f.t, http.StatusNotFound, statusOf(err))
}

// at calls a link, through the proxy if it leads there.
func (f *follower) at(method, href, body string) map[string]any {
	f.t.Helper()
	to, err := url.Parse(href)
	require.NoError(f.t, err)
	headers := []string{"X-Request-ID", requestID(), "Content-Type", "application/json", "Accept", "application/json"}
	if to.IsAbs() {
		headers = append(headers, "Host", to.Host)
	}
	status, answer, _ := f.raw(method, f.base+to.RequestURI(), body, headers...)
	require.Less(f.t, status, 300, answer)
	var members map[string]any
	require.NoError(f.t, json.Unmarshal([]byte(answer), &members))
	return members
}

// walk has a PSU authorise by a link, through the proxy too.
func (f *follower) walk(href, who, accounts string) *url.URL {
	f.t.Helper()
	path, ok := strings.CutPrefix(href, f.browser+"/sca/")
	require.True(f.t, ok, href)
	back, err := url.Parse(f.authorise(f.base+"/sca/"+path, who, accounts).to)
	require.NoError(f.t, err)
	return back
}
