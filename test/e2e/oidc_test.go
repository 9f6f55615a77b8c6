package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/internal/config"
	"consentd/pkg/client"
	"consentd/test/idp"
	"consentd/test/pgtest"
)

// issuing is a sandbox whose PSUs log in at an identity provider.
type issuing struct {
	*program
	idp *idp.Provider
}

// provider starts an identity provider for programs that are reached at these
// addresses, with the personas lea and anna.
func provider(t *testing.T, origins ...string) *idp.Provider {
	t.Helper()
	o := idp.Options{Users: map[string]idp.User{
		"lea": {Password: "sandbox", Subject: "lea"}, "anna": {Password: "sandbox", Subject: "anna"},
	}}
	for _, origin := range origins {
		o.RedirectURIs = append(o.RedirectURIs, origin+"/sca/return")
	}
	return idp.Start(t, o)
}

// section is what a configuration says of a provider.
func section(t *testing.T, p *idp.Provider) json.RawMessage {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte(p.ClientSecret+"\n"), 0o600))
	raw, err := json.Marshal(map[string]any{
		"issuer": p.Issuer, "clientId": p.ClientID, "clientSecretFile": secret, "acrValues": []string{idp.Strong},
	})
	require.NoError(t, err)
	return raw
}

// issued has a sandbox log PSUs in at a provider.
func issued(section json.RawMessage) func(*app.SandboxOptions) {
	return func(o *app.SandboxOptions) {
		o.Configure = func(cfg *config.Config) {
			cfg.SCA.Redirect = "oidc"
			cfg.SCA.Flows["oidc"] = section
		}
	}
}

// on listens where the provider was told that browsers come back to.
func on(address string) func(*app.SandboxOptions) {
	return func(o *app.SandboxOptions) { o.Listen = address }
}

// originOf is how a program is reached that listens on an address.
func originOf(address string) string {
	return "http://" + strings.Replace(address, "127.0.0.1", "localhost", 1)
}

// startIssuing runs a sandbox with a provider.
func startIssuing(t *testing.T, engine string) *issuing {
	t.Helper()
	address := freeAddress(t)
	at := provider(t, originOf(address))
	p := start(t, engine, on(address), issued(section(t, at)))
	require.Equal(t, originOf(address), p.base)
	return &issuing{program: p, idp: at}
}

// eachIssuing runs a test on both engines.
func eachIssuing(t *testing.T, test func(t *testing.T, p *issuing)) {
	t.Helper()
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, startIssuing(t, engine))
		})
	}
}

// leave goes on from the page that says where the log-in is, and returns the
// provider's address.
func (u *psu) leave() string {
	u.t.Helper()
	u.at("login", http.StatusOK)
	u.send("decision=approve")
	require.Equal(u.t, http.StatusSeeOther, u.status, u.body)
	return u.to
}

// logIn leaves, logs in at the provider, and returns what the browser brings back.
func (u *psu) logIn(at *idp.Provider, name string) map[string]string {
	u.t.Helper()
	away := u.leave()
	require.True(u.t, strings.HasPrefix(away, at.Issuer+"/authorize?"), away)
	require.NotContains(u.t, away, path.Base(u.link), "the handle is for nobody else")
	fields, err := at.LogIn(u.t.Context(), away, name, "sandbox")
	require.NoError(u.t, err)
	return fields
}

// comeBack follows the provider's redirect to a program, and then to the run's page.
func (u *psu) comeBack(to *program, fields map[string]string) {
	u.t.Helper()
	query := url.Values{}
	for name, value := range fields {
		query.Set(name, value)
	}
	run := u.link
	defer func() { u.link = run }()
	u.link = to.base + "/sca/return?" + query.Encode()
	u.look()
	if u.status == http.StatusSeeOther && strings.HasPrefix(u.to, "/") {
		require.Equal(u.t, "/sca/"+path.Base(run), u.to, "nothing stays in the address bar")
		run = to.base + u.to
		u.link = run
		u.look()
	}
}

// discreet asserts that nothing secret of a trip was logged.
func (u *psu) discreet(p *idp.Provider, trips ...map[string]string) {
	u.t.Helper()
	secrets := []string{path.Base(u.link), p.ClientSecret, "eyJ"}
	for _, fields := range trips {
		for _, name := range []string{"code", "state"} {
			if fields[name] != "" {
				secrets = append(secrets, fields[name])
			}
		}
	}
	require.NotEmpty(u.t, u.log.String())
	for _, secret := range secrets {
		require.NotContains(u.t, u.log.String(), secret)
	}
}

// TestIdentityProvider logs in at the bank's identity provider, in one trip: the
// review follows, and approving ends it.
func TestIdentityProvider(t *testing.T) {
	eachIssuing(t, func(t *testing.T, p *issuing) {
		id, link := p.create(p.tpp, p.offered())
		u := p.open(link)
		require.Contains(t, u.body, strings.TrimPrefix(p.idp.Issuer, "http://"), "the page says where it leads")
		back := u.logIn(p.idp, "lea")
		require.Equal(t, "received", p.status(p.tpp, id))
		u.comeBack(p.program, back)
		u.at("accounts", http.StatusOK)
		u.send("account=" + leaFirst)
		u.at("consent", http.StatusOK)
		u.comeBack(p.program, back)
		u.at("consent", http.StatusOK)
		require.Equal(t, 1, p.idp.Exchanges(), "the code that comes again is not used again")
		require.Equal(t, []string{"psuAuthenticated"}, p.scaStatuses(p.tpp, id))
		u.send("decision=approve")
		require.Equal(t, []any{http.StatusSeeOther, p.base + "/sandbox/return"}, []any{u.status, u.to}, u.body)
		require.Equal(t, "valid", p.status(p.tpp, id))
		require.Equal(t, []string{"finalised"}, p.scaStatuses(p.tpp, id))
		u.comeBack(p.program, back)
		u.at("problem", http.StatusConflict)
		require.Contains(t, u.body, p.base+"/sandbox/return")
		require.Equal(t, 1, p.idp.Exchanges())
		u.discreet(p.idp, back)
	})
}

// TestIdentityProviderRefuses goes on at the provider, and cancels there.
func TestIdentityProviderRefuses(t *testing.T) {
	eachIssuing(t, func(t *testing.T, p *issuing) {
		id, link := p.create(p.tpp, p.dedicated(leaFirst))
		u := p.open(link)
		back, err := p.idp.Cancel(t.Context(), u.leave())
		require.NoError(t, err)
		require.Equal(t, "access_denied", back["error"])
		u.comeBack(p.program, back)
		require.Equal(t, []any{http.StatusSeeOther, p.base + "/sandbox/return/nok"}, []any{u.status, u.to}, u.body)
		u.comeBack(p.program, back)
		u.at("problem", http.StatusConflict)
		require.Contains(t, u.body, p.base+"/sandbox/return/nok")
		require.Equal(t, "rejected", p.status(p.tpp, id))
		require.Equal(t, []string{"failed"}, p.scaStatuses(p.tpp, id))
		require.Zero(t, p.idp.Exchanges())
		u.discreet(p.idp, back)
	})
}

// TestIdentityProviderMixedUp brings what belongs to one browser, or to one run,
// to another.
func TestIdentityProviderMixedUp(t *testing.T) {
	eachIssuing(t, func(t *testing.T, p *issuing) {
		id, link := p.create(p.tpp, p.dedicated(leaFirst))
		u := p.open(link)
		mine := u.logIn(p.idp, "lea")
		thief := p.open(link)
		thief.at("problem", http.StatusForbidden)
		thief.comeBack(p.program, mine)
		thief.at("problem", http.StatusForbidden)
		require.NotContains(t, thief.body, path.Base(link))

		otherID, otherLink := p.create(p.tpp, p.dedicated(leaFirst))
		mixed := maps.Clone(mine)
		other := *u // the same browser, with another request
		other.link = otherLink
		other.look()
		theirs := other.logIn(p.idp, "anna")
		mixed["state"] = theirs["state"]
		other.comeBack(p.program, mixed)
		other.at("login", http.StatusOK)
		require.Equal(t, []string{"received"}, p.scaStatuses(p.tpp, otherID), "a code counts for its own run only")
		for name, state := range map[string]string{"cut": mine["state"][:20], "none": "", "the handle": path.Base(link)} {
			mixed["state"] = state
			u.comeBack(p.program, mixed)
			require.Equal(t, []any{"problem", http.StatusNotFound}, []any{u.page, u.status}, name)
		}

		u.look()
		u.comeBack(p.program, u.logIn(p.idp, "lea"))
		u.at("consent", http.StatusOK)
		u.send("decision=approve")
		require.Equal(t, "valid", p.status(p.tpp, id))
		require.Equal(t, "received", p.status(p.tpp, otherID))
		u.discreet(p.idp, mine, theirs)
	})
}

// TestIdentityProviderAway shows what a PSU sees while the provider does not
// answer, before and after the log-in: the run stands where it stood.
func TestIdentityProviderAway(t *testing.T) {
	eachIssuing(t, func(t *testing.T, p *issuing) {
		p.idp.Set(idp.Down)
		id, link := p.create(p.tpp, p.dedicated(leaFirst))
		u := p.open(link)
		u.at("problem", http.StatusServiceUnavailable)
		require.Contains(t, u.body, "/sca/"+path.Base(link), "it can be opened again")
		require.NotContains(t, u.body, "discovery")
		p.idp.Set(idp.Sound)
		u.look()
		back := u.logIn(p.idp, "lea")

		p.idp.Set(idp.Down)
		u.comeBack(p.program, back)
		u.at("problem", http.StatusServiceUnavailable)
		u.look()
		u.at("login", http.StatusOK)
		p.idp.Set(idp.Sound)
		u.comeBack(p.program, back) // the address is opened again
		u.at("consent", http.StatusOK)
		u.send("decision=approve")
		require.Equal(t, "valid", p.status(p.tpp, id))
		u.discreet(p.idp, back)
	})
}

// TestIdentityProviderAtFault takes nobody's log-in for proven that the token does
// not prove, and tells what to do.
func TestIdentityProviderAtFault(t *testing.T) {
	eachIssuing(t, func(t *testing.T, p *issuing) {
		id, link := p.create(p.tpp, p.dedicated(leaFirst))
		u := p.open(link)
		var trips []map[string]string
		for _, defect := range []idp.Defect{idp.WrongNonce, idp.LowACR, idp.Unsigned} {
			p.idp.Set(defect)
			back := u.logIn(p.idp, "lea")
			trips = append(trips, back)
			u.comeBack(p.program, back)
			u.at("problem", http.StatusServiceUnavailable)
			require.Contains(t, u.body, `href="/sca/`+path.Base(link)+`"`, "it can be opened again")
			require.NotContains(t, u.body, "nonce")
			require.Equal(t, "received", p.status(p.tpp, id), defect)
			require.Equal(t, []string{"received"}, p.scaStatuses(p.tpp, id), defect)
			u.look()
		}
		for _, why := range []string{"another nonce", "the acr is none", "unexpected signature algorithm"} {
			require.Contains(t, p.log.String(), why, "the operator learns of it")
		}
		p.idp.Set(idp.Sound)
		u.comeBack(p.program, u.logIn(p.idp, "lea"))
		u.at("consent", http.StatusOK)
		u.send("decision=approve")
		require.Equal(t, "valid", p.status(p.tpp, id))
		u.discreet(p.idp, trips...)
	})
}

// TestIdentityProviderAtTwoServers leaves from one server and comes back to the
// other, and then to both at once.
func TestIdentityProviderAtTwoServers(t *testing.T) {
	addresses := []string{freeAddress(t), freeAddress(t)}
	at := provider(t, originOf(addresses[0]), originOf(addresses[1]))
	r := startTwo(t, issued(section(t, at)), func(o *app.SandboxOptions) {
		o.Listen, addresses = addresses[0], addresses[1:]
	})
	if r == nil {
		return // asked for SQLite alone, which has no second server
	}
	id, link := r.one.create(r.one.tpp, r.one.dedicated(leaFirst))
	u := r.one.open(link)
	back := u.logIn(at, "lea")
	u.comeBack(r.two, back)
	u.at("consent", http.StatusOK)
	require.True(t, strings.HasPrefix(u.link, r.two.base), u.link)
	u.send("decision=approve")
	require.Equal(t, http.StatusSeeOther, u.status, u.body)
	require.Equal(t, "valid", r.one.status(r.one.tpp, id))
	for _, p := range []*program{r.one, r.two} {
		u.program = p
		u.discreet(at, back)
	}
	require.Equal(t, 1, at.Exchanges())
	r.verify(t)
}

// TestServeIdentityProvider does so on the production program, as a file configures it.
func TestServeIdentityProvider(t *testing.T) {
	bank := start(t, "sqlite")
	psu := freeAddress(t)
	at := provider(t, "http://"+psu)
	file := environment(t, bank.base)
	dir := filepath.Dir(file)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "idp-secret"), []byte(at.ClientSecret+"\n"), 0o600))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	text = fmt.Appendf(text, `sca:
  redirect: oidc
  flows:
    oidc:
      issuer: %s
      clientId: %s
      clientSecretFile: %s/idp-secret
      acrValues: [%s]
      maxAge: 2m
      scopes: [openid, profile]
`, at.Issuer, at.ClientID, dir, idp.Strong)
	cfg := strings.Split(string(text), "\n")
	for i, line := range cfg {
		if strings.HasPrefix(line, "listeners:") {
			cfg[i] = fmt.Sprintf("listeners: {tpp: %s, psu: %s, bank: %s, ops: %s}", freeAddress(t), psu, freeAddress(t), freeAddress(t))
		}
	}
	require.NoError(t, os.WriteFile(file, []byte(strings.Join(cfg, "\n")), 0o600))
	migrated(t, file)
	url := serving(t, file)

	tpp, err := client.New(url("tpp"), client.WithHTTPClient(bank.http))
	require.NoError(t, err)
	o := client.CreateOptions{PSUIPAddress: "2001:db8::1", RedirectURI: "https://tpp.example/ok", PSULanguage: "fr"}
	created, _, err := tpp.CreateConsent(t.Context(), bank.offered(), o)
	require.NoError(t, err)
	u := bank.open(created.Links["scaRedirect"].Href)
	pages := *bank
	pages.base = "http://" + psu
	u.comeBack(&pages, u.logIn(at, "anna"))
	u.at("accounts", http.StatusOK)
	u.send("account=" + giro)
	u.at("consent", http.StatusOK)
	u.send("decision=approve")
	require.Equal(t, "https://tpp.example/ok", u.to)
	require.Equal(t, "valid", bank.status(tpp, created.ConsentID))
}
