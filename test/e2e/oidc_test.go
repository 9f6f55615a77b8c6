package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/pkg/client"
	"consentd/test/idp"
)

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
		for _, defect := range []idp.Defect{idp.WrongNonce, idp.LowACR, idp.Unsigned, idp.Gossip} {
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
		for _, why := range []string{"another nonce", "the acr is none", "unexpected signature algorithm", "status 400"} {
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
// other, or to both at once.
func TestIdentityProviderAtTwoServers(t *testing.T) {
	addresses := []string{freeAddress(t), freeAddress(t)}
	at := provider(t, idp.Options{}, originOf(addresses[0]), originOf(addresses[1]))
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
	require.Equal(t, 1, at.Exchanges())

	id, u.link = r.two.create(r.two.tpp, r.two.dedicated(leaFirst))
	u.look()
	twice := u.logIn(at, "lea")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if status, err := u.loads(r.at(i).returning(twice)); err != nil || status != http.StatusSeeOther {
				t.Error(status, err)
			}
		})
	}
	wg.Wait()
	u.look()
	u.at("consent", http.StatusOK)
	u.send("decision=approve")
	require.Equal(t, "valid", r.one.status(r.one.tpp, id))
	for _, p := range []*program{r.one, r.two} {
		u.program = p
		u.discreet(at, back, twice)
	}
	r.verify(t)
}

// TestServeIdentityProvider does so on the production program, as a file configures it.
func TestServeIdentityProvider(t *testing.T) {
	bank := start(t, "sqlite")
	psu := freeAddress(t)
	at := provider(t, idp.Options{}, "http://"+psu)
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
