package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/pkg/client"
	"consentd/pkg/xs2a"
	"consentd/test/contract"
)

// ownPage is a bank with a page of its own for consents, in front of a consentd
// that it calls. It keeps nothing but the id of the authorisation, in a cookie.
type ownPage struct {
	t          *testing.T
	server     *httptest.Server
	http       *http.Client
	api, token string // consentd's bank listener, and the caller's token
}

// walk is what consentd answers on an authorisation.
type walk struct {
	ID          string `json:"authorisationId"`
	Status      string `json:"scaStatus"`
	WaitsFor    string `json:"waitsFor"`
	RedirectURI string `json:"redirectUri"`
	Consent     struct {
		TPP    struct{ Name string } `json:"tpp"`
		Access struct{ Scope string }
	}
	Accounts []struct {
		ID        string `json:"accountId"`
		Reference struct{ IBAN, Currency string }
		Chosen    bool
	}
	Detail string // of a problem
}

// call calls consentd; every exchange is held against openapi/aspsp.yaml.
func (o *ownPage) call(ctx context.Context, method, path, body string) (w walk) {
	req, err := http.NewRequestWithContext(ctx, method, o.api+"/aspsp/v1/authorisations"+path, bytes.NewReader([]byte(body)))
	if err != nil { // this is not the test's own goroutine
		o.t.Error(err)
		return w
	}
	req.Header.Set("Authorization", "Bearer "+o.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := o.http.Do(req)
	if err != nil {
		o.t.Error(err)
		return w
	}
	defer res.Body.Close()
	assert.NoError(o.t, json.NewDecoder(res.Body).Decode(&w))
	return w
}

const pageCookie = "authorisation"

var pageOf = template.Must(template.New("").Parse(`<!doctype html><html lang="en"><title>Online banking</title>
<main data-page="{{.Page}}"><h1>{{.Walk.Consent.TPP.Name}} asks for access</h1>
<form method="post" action="/{{.Page}}">{{if eq .Page "who"}}<label>User <input name="psu"></label>{{end}}
{{range .Walk.Accounts}}<label><input type="checkbox" name="account" value="{{.ID}}">{{.Reference.IBAN}}</label>{{end}}
<button name="decision" value="approve">Go on</button><button name="decision" value="reject">No</button></form></main></html>`))

func (o *ownPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := ""
	if c, err := r.Cookie(pageCookie); err == nil {
		id = "/" + c.Value
	}
	var now walk
	switch r.URL.Path {
	case "/consents":
		handle, _ := json.Marshal(map[string]string{"handle": r.URL.Query().Get("handle")})
		now = o.call(r.Context(), http.MethodPost, "/lookups", string(handle))
		http.SetCookie(w, &http.Cookie{Name: pageCookie, Value: now.ID, Path: "/", HttpOnly: true})
	case "/who":
		psu, _ := json.Marshal(map[string]string{"psu": r.FormValue("psu")})
		now = o.call(r.Context(), http.MethodPut, id+"/psu", string(psu))
	case "/choice":
		now = o.choice(id, r)
	default:
		w.WriteHeader(http.StatusNoContent) // the browser asks for an icon
		return
	}
	switch {
	case now.RedirectURI != "":
		http.Redirect(w, r, now.RedirectURI, http.StatusSeeOther)
	case now.ID == "":
		http.Error(w, now.Detail, http.StatusBadRequest)
	default:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		page := map[string]string{"psu": "who"}[now.WaitsFor]
		if page == "" {
			page = "choice"
		}
		assert.NoError(o.t, pageOf.Execute(w, map[string]any{"Page": page, "Walk": now}))
	}
}

// choice says what was chosen, for once and for a day, and how it ended.
func (o *ownPage) choice(id string, r *http.Request) walk {
	if r.FormValue("decision") != "approve" {
		return o.call(r.Context(), http.MethodPut, id+"/result", `{"result":"refused"}`)
	}
	if err := r.ParseForm(); err != nil {
		o.t.Error(err)
	}
	choice, _ := json.Marshal(map[string]any{"accounts": r.PostForm["account"], "recurringIndicator": false})
	for path, body := range map[string]string{"/status": `{"scaStatus":"started","method":"the bank's app"}`, "/accounts": string(choice)} {
		if now := o.call(r.Context(), http.MethodPut, id+path, body); now.ID == "" {
			return now
		}
	}
	return o.call(r.Context(), http.MethodPut, id+"/result", `{"result":"authorised"}`)
}

// handing runs a server whose bank has pages of its own. What more says is added
// to its section sca.
func handing(t *testing.T, more string) (*program, *ownPage) {
	t.Helper()
	p := start(t, "sqlite")
	o := &ownPage{t: t, http: &http.Client{Transport: &contract.Transport{
		Base: http.DefaultTransport, Validators: []*contract.Validator{contract.Load(t, "aspsp")}, T: t,
	}}}
	o.server = httptest.NewServer(o)
	t.Cleanup(o.server.Close)
	path := environment(t, p.base, fmt.Sprintf(`sca: {redirect: handoff, flows: {handoff: {url: "%s/consents?handle={handle}"}}%s}`, o.server.URL, more))
	migrated(t, path)
	o.token = (&trusted{t: t, path: path}).token("sca")
	surface := serving(t, path)
	o.api = surface("bank")
	tpp, err := client.New(surface("tpp"), client.WithHTTPClient(p.http))
	require.NoError(t, err)
	p.tpp = tpp
	return p, o
}

// TestHandOff has a person authorise on the bank's own page, in a real browser.
func TestHandOff(t *testing.T) {
	p, o := handing(t, "")
	created, _, err := p.tpp.CreateConsent(t.Context(), p.offered(), p.options())
	require.NoError(t, err)
	link := created.Links["scaRedirect"].Href
	require.Contains(t, link, o.server.URL+"/consents?handle=")

	b := p.browse()
	b.allow(o.server.URL)
	b.visit(link)
	b.at("who", http.StatusOK)
	require.Contains(t, b.read("h1"), "asks for access")
	b.visit(link) // again: a person reloads
	b.write("input[name=psu]", "anna")
	b.press(approve)
	b.at("choice", http.StatusOK)
	require.Equal(t, "received", p.status(p.tpp, created.ConsentID))
	b.tick(`input[name=account]`)
	b.press(approve)
	b.at("return", http.StatusOK)
	require.Contains(t, b.where(), "/sandbox/return")

	got, _, err := p.tpp.Consent(t.Context(), created.ConsentID)
	require.NoError(t, err)
	require.Equal(t, "valid", string(got.ConsentStatus))
	require.Len(t, got.Access.Balances, 1)
	require.Equal(t, []any{false, 1}, []any{got.RecurringIndicator, got.FrequencyPerDay}, "less than was asked for")

	_, link = p.create(p.tpp, p.offered())
	b.visit(link)
	b.write("input[name=psu]", "anna")
	b.press(approve)
	b.press(`main button[value="reject"]`)
	b.at("return", http.StatusOK)
	require.Contains(t, b.where(), "/sandbox/return/nok")
}

// TestHandOffClosesOurPages sends the browser to the bank only: our own page does
// nothing for it, and its handle opens nothing twice.
func TestHandOffClosesOurPages(t *testing.T) {
	p, o := handing(t, ", confirmation: true")
	created, _, err := p.tpp.CreateConsent(t.Context(), p.dedicated(giro), p.options())
	require.NoError(t, err)
	at, err := url.Parse(created.Links["scaRedirect"].Href)
	require.NoError(t, err)
	handle := at.Query().Get("handle")
	require.NotContains(t, created.ConsentID+created.Links["scaStatus"].Href, handle)

	begun := o.call(t.Context(), http.MethodPost, "/lookups", `{"handle":"`+handle+`"}`)
	require.Equal(t, []any{"received", "psu", "dedicated"}, []any{begun.Status, begun.WaitsFor, begun.Consent.Access.Scope})
	status := func() string {
		res, _, err := p.tpp.AuthorisationStatus(t.Context(), created.ConsentID, begun.ID)
		require.NoError(t, err)
		return string(res.ScaStatus)
	}
	require.Equal(t, "result", o.call(t.Context(), http.MethodPut, "/"+begun.ID+"/psu", `{"psu":"anna"}`).WaitsFor)
	require.Equal(t, "psuAuthenticated", status())
	for range 2 {
		done := o.call(t.Context(), http.MethodPut, "/"+begun.ID+"/result", `{"result":"authorised"}`)
		require.Equal(t, "unconfirmed", done.Status)
		back, err := url.Parse(done.RedirectURI)
		require.NoError(t, err)
		require.Len(t, back.Query().Get("confirmationCode"), 22)
		at = back
	}
	require.Empty(t, o.call(t.Context(), http.MethodPost, "/lookups", `{"handle":"`+handle+`"}`).RedirectURI, "the code is for one browser")
	_, _, err = p.tpp.UpdateAuthorisation(t.Context(), created.ConsentID, begun.ID,
		client.Confirmation(at.Query().Get("confirmationCode")), client.UpdateOptions{})
	require.NoError(t, err)
	require.Equal(t, []string{"valid", string(xs2a.ScaFinalised)}, []string{p.status(p.tpp, created.ConsentID), status()})
}
