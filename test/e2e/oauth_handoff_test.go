package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/test/contract"
)

// TestOAuthHandOff connects a TPP on pages of the bank's own, which see no cookie of
// ours: from the authorization request to the token.
func TestOAuthHandOff(t *testing.T) {
	o := &ownPage{t: t, http: &http.Client{Transport: &contract.Transport{
		Base: http.DefaultTransport, Validators: []*contract.Validator{contract.Load(t, "aspsp")}, T: t,
	}}}
	o.server = httptest.NewServer(o)
	t.Cleanup(o.server.Close)
	s := trusting(t, "oauth: {server: own}", "stet: {enabled: true}",
		fmt.Sprintf(`sca: {redirect: handoff, flows: {handoff: {url: "%s/consents?handle={handle}"}}}`, o.server.URL))
	o.api, o.token = s.url("bank"), s.token("sca")
	c := s.registers()

	a := c.ask()
	require.Equal(t, http.StatusSeeOther, a.status, a.body)
	handle, ours := strings.CutPrefix(a.to, o.server.URL+"/consents?handle=")
	require.True(t, ours, a.to)
	lookUp := func() walk { return o.call(t.Context(), http.MethodPost, "/lookups", `{"handle":"`+handle+`"}`) }
	begun := lookUp()
	require.Equal(t, "psu", begun.WaitsFor)
	require.Equal(t, "result", o.call(t.Context(), http.MethodPut, "/"+begun.ID+"/psu", `{"psu":"lea"}`).WaitsFor)
	done := o.call(t.Context(), http.MethodPut, "/"+begun.ID+"/result", `{"result":"authorised"}`)
	require.Equal(t, "finalised", done.Status)
	require.Empty(t, lookUp().RedirectURI, "whoever knows the link alone is not sent on")
	other, err := url.Parse(s.url("psu") + "/sca/" + handle)
	require.NoError(t, err)
	a.link = other.String()
	a.look()
	a.at("problem", http.StatusConflict)
	require.NotContains(t, a.body, authorizePath)

	a.to = done.RedirectURI
	a.sentBack()
	g := c.redeems(a.answer().Get("code"), a)
	c.good(g)
	c.sees(g.Access, bare(leasFirst, leasSecond))

	a = c.ask()
	handle = strings.TrimPrefix(a.to, o.server.URL+"/consents?handle=")
	done = o.call(t.Context(), http.MethodPut, "/"+lookUp().ID+"/result", `{"result":"refused"}`)
	a.to = done.RedirectURI
	a.sentBack()
	a.refused("access_denied")
}

// sentBack goes where the bank's page sends the browser: to the callback.
func (a *asking) sentBack() {
	a.t.Helper()
	require.True(a.t, strings.HasPrefix(a.to, a.tpp.login+authorizePath+"/"), a.to)
	a.follow()
}
