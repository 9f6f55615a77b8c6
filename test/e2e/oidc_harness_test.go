package e2e

import (
	"encoding/json"
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
func provider(t *testing.T, o idp.Options, origins ...string) *idp.Provider {
	t.Helper()
	o.Users = map[string]idp.User{
		"lea": {Password: "sandbox", Subject: "lea"}, "anna": {Password: "sandbox", Subject: "anna"},
	}
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
func issued(section json.RawMessage, onward ...string) func(*app.SandboxOptions) {
	return func(o *app.SandboxOptions) {
		o.Configure = func(cfg *config.Config) {
			cfg.SCA.Redirect, cfg.SCA.Onward = "oidc", onward
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
	at := provider(t, idp.Options{}, originOf(address))
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

// returning is where the provider sends the browser.
func (p *program) returning(fields map[string]string) string {
	query := url.Values{}
	for name, value := range fields {
		query.Set(name, value)
	}
	return p.base + "/sca/return?" + query.Encode()
}

// comeBack follows the provider's redirect to a program, and then to the run's page.
func (u *psu) comeBack(to *program, fields map[string]string) {
	u.t.Helper()
	run := u.link
	defer func() { u.link = run }()
	u.link = to.returning(fields)
	u.look()
	if u.status == http.StatusSeeOther && strings.HasPrefix(u.to, "/") {
		require.Equal(u.t, "/sca/"+path.Base(run), u.to, "nothing stays in the address bar")
		run = to.base + u.to
		u.link = run
		u.look()
	}
}

// loads has the browser load an address, and shows nothing of it.
func (u *psu) loads(address string) (status int, err error) {
	req, err := http.NewRequestWithContext(u.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	res, err := u.jar.Do(req)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}

// discreet asserts that nothing secret of a trip was logged.
func (u *psu) discreet(p *idp.Provider, trips ...map[string]string) {
	u.t.Helper()
	secrets := []string{path.Base(u.link), p.ClientSecret, "eyJ", leaFirst}
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
