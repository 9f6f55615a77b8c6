package e2e

import (
	"crypto/tls"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/internal/config"
	"consentd/internal/consent"
	"consentd/pkg/client"
	"consentd/pkg/eidas/issue"
)

// guarded is a resource server behind the example of nginx, which asks a
// production server on PostgreSQL, and a TPP with its certificates.
type guarded struct {
	*trusted
	front  string
	server string      // the resource server
	dir    string      // of the bank's certificates
	own    *client.Kit // the TPP's
	tpp    *client.Client
}

// toy is a resource server that shows nothing but what it was told by the gateway.
func toy(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told := map[string][]string{"uri": {r.RequestURI}}
		for name, values := range r.Header {
			if strings.HasPrefix(name, "X-Consent-") || strings.HasPrefix(name, "X-Denial-") || name == "Ssl-Client-Cert" {
				told[name] = values
			}
		}
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Query().Get("toy") == "fails" {
			w.WriteHeader(http.StatusUnauthorized) // for a reason of its own
		}
		_ = json.NewEncoder(w).Encode(told)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// guarding starts consentd for t; nginx and the resource server run as long as
// outer does.
func guarding(t, outer *testing.T) *guarded {
	t.Helper()
	now := time.Now()
	bank, err := issue.New("Bank CA", now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0))
	require.NoError(t, err)
	dir := outer.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ca.pem"), bank.CertificatePEM(), 0o600))
	server, err := bank.Server([]string{"localhost", "127.0.0.1", "consentd.bank.example"}, now.Add(-time.Hour), now.AddDate(0, 1, 0))
	require.NoError(t, err)
	save(t, dir, "bank", server)
	pair := "{certificateFile: " + dir + "/bank.pem, keyFile: " + dir + "/bank.key}"
	g := &guarded{trusted: trusting(t, "tls: {tpp: "+pair+", bank: "+pair+"}")}

	certificates, _ := g.kit(g.ca, nil, nil)
	g.own, err = client.LoadKit(certificates)
	require.NoError(t, err)
	g.own.Roots.AddCert(bank.Certificate())
	g.tpp, err = client.New(g.url("tpp"), client.WithHTTPClient(g.over(g.own)), client.WithSigner(g.own.Signer()))
	require.NoError(t, err)

	g.dir, g.server = dir, toy(outer)
	g.front = g.nginx(outer, g.read)
	return g
}

// nginx runs the example as it is printed, but for addresses and files, with the
// gateway's token and with changes, each a text and what stands in its place, as long
// as t runs. It returns where it is reached.
func (g *guarded) nginx(t *testing.T, token string, changes ...string) string {
	t.Helper()
	dir, address := t.TempDir(), freeAddress(t)
	line := filepath.Join(dir, "token")
	require.NoError(t, os.WriteFile(line, []byte(`proxy_set_header Authorization "Bearer `+token+"\";\n"), 0o600))
	example, err := os.ReadFile("../../deployments/gateways/nginx.conf")
	require.NoError(t, err)
	for i := 0; i < len(changes); i += 2 {
		require.Contains(t, string(example), changes[i])
	}
	runNginx(t, dir, address, strings.NewReplacer(append(changes,
		"listen 443 ssl", "listen "+address+" ssl", "/etc/nginx/tpp.crt", g.dir+"/bank.pem", "/etc/nginx/tpp.key", g.dir+"/bank.key",
		"192.0.2.20:8445", "127.0.0.1:"+portOf(t, g.url("bank")), "http://192.0.2.30:8080", g.server,
		"/etc/nginx/bank-ca.crt", g.dir+"/ca.pem", "/etc/nginx/consentd.token", line,
	)...).Replace(string(example)))
	return "https://" + address
}

// authorised is a consent of anna's to balances and transactions of one account.
func (g *guarded) authorised() string {
	g.t.Helper()
	created, _, err := g.tpp.CreateConsent(g.t.Context(), g.offered(), tppOptions())
	require.NoError(g.t, err)
	g.authorise(created.Links["scaRedirect"].Href, "anna", giro)
	require.Equal(g.t, "valid", g.status(g.tpp, created.ConsentID))
	return created.ConsentID
}

// reply is how the TPP was answered through nginx.
type reply struct {
	status int
	header http.Header
	body   string
	told   map[string][]string // what the resource server was told, where it was asked
}

// ask makes a signed call for account data through nginx. change may change the
// request before it is signed; kit is who calls.
func (g *guarded) ask(t *testing.T, kit *client.Kit, path, consentID string, change func(*http.Request)) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.front+path, http.NoBody)
	require.NoError(t, err)
	r.Header.Set("X-Request-ID", uuid.NewString())
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Consent-ID", consentID)
	if change != nil {
		change(r)
	}
	_, err = g.own.Signer().Sign(r, nil)
	require.NoError(t, err)
	transport := &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: g.own.Roots, Certificates: []tls.Certificate{kit.QWAC}}}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	body := drained(t, res)
	a := reply{status: res.StatusCode, header: res.Header, body: string(body)}
	if strings.Contains(a.body, `"uri"`) {
		require.NoError(t, json.Unmarshal(body, &a.told))
	}
	if a.told == nil && a.header.Get("Content-Type") != "text/html" {
		require.Equal(t, r.Header.Get("X-Request-Id"), a.header.Get("X-Request-Id"), "denials carry the TPP's id")
	}
	return a
}

// shown are the accounts that the resource server was told to show.
func (a reply) shown(t *testing.T) []string {
	t.Helper()
	require.Equal(t, http.StatusOK, a.status, a.body)
	require.Len(t, a.told["X-Consent-Accounts"], 1)
	var accounts []struct {
		AccountID string
		Rights    []string
	}
	require.NoError(t, json.Unmarshal([]byte(a.told["X-Consent-Accounts"][0]), &accounts))
	var ids []string
	for _, x := range accounts {
		require.NotEmpty(t, x.Rights)
		ids = append(ids, x.AccountID)
	}
	return ids
}

// denied wants the answer that XS2A has for a refusal.
func (a reply) denied(t *testing.T, status int, code string) {
	t.Helper()
	require.Equal(t, status, a.status, a.body)
	require.Nil(t, a.told, "the resource server was not asked")
	require.Equal(t, []string{"application/json"}, a.header.Values("Content-Type"))
	var e struct {
		TPPMessages []struct{ Category, Code, Text string }
	}
	require.NoError(t, json.Unmarshal([]byte(a.body), &e), a.body)
	require.Len(t, e.TPPMessages, 1)
	require.Equal(t, []string{"ERROR", code}, []string{e.TPPMessages[0].Category, e.TPPMessages[0].Code})
	require.NotEmpty(t, e.TPPMessages[0].Text)
	for name := range a.header {
		require.False(t, strings.HasPrefix(name, "X-Denial-") || strings.HasPrefix(name, "X-Consent-"), name)
	}
}

// TestGatewayNginx has nginx guard a resource server, by the example as it is
// printed: what is allowed goes through with what may be shown, what is not comes
// back as XS2A has it, and nothing that a TPP sends changes either.
func TestGatewayNginx(t *testing.T) {
	var g *guarded
	t.Run("with consentd", func(inner *testing.T) {
		g = guarding(inner, t)
		for _, scenario := range []struct {
			name string
			run  func(*testing.T, *guarded)
		}{
			{"allowed, and revoked", allowedAndRevoked},
			{"denied", deniedByNginx},
			{"counted", countedByNginx},
			{"forged", forgedByTPP},
			{"certificates", certificatesAtNginx},
			{"unknown to consentd", gatewayUnknown},
			{"forgetful", gatewayForgets},
		} {
			inner.Run(scenario.name, func(t *testing.T) { scenario.run(t, g) })
		}
	})
	a := g.ask(t, g.own, "/v1/accounts", uuid.NewString(), nil)
	require.Equal(t, http.StatusServiceUnavailable, a.status, "consentd has stopped: no data")
	require.Nil(t, a.told)
	require.Empty(t, a.body)
}

// attended says that the PSU is there.
func attended(r *http.Request) { r.Header.Set("PSU-IP-Address", "192.0.2.7") }

func allowedAndRevoked(t *testing.T, g *guarded) {
	id := g.authorised()
	a := g.ask(t, g.own, "/v1/accounts?withBalance=true", id, attended)
	accounts := a.shown(t)
	require.Len(t, accounts, 1)
	require.Equal(t, map[string][]string{
		"uri": {"/v1/accounts?withBalance=true"}, "X-Consent-Id": {id}, "X-Consent-Tpp": {acme}, "X-Consent-Customer": {"anna"}, "X-Consent-Operation": {"accounts"},
		"X-Consent-Accounts": {`[{"accountId":"` + accounts[0] + `","rights":["accounts","balances","transactions"]}]`}, "X-Consent-Owner-Name": {"false"},
	}, a.told, "exactly this, and no certificate")
	balances := "/v1/accounts/" + accounts[0] + "/balances"
	require.Equal(t, accounts, g.ask(t, g.own, balances, id, attended).shown(t))
	require.Equal(t, accounts, g.ask(t, g.own, "/v1/accounts/"+accounts[0]+"/transactions/t1", id, attended).shown(t))

	a = g.ask(t, g.own, balances+"?toy=fails", id, attended)
	require.Equal(t, http.StatusUnauthorized, a.status, "the resource server's own statuses are its own")
	require.NotNil(t, a.told)

	_, err := g.tpp.DeleteConsent(t.Context(), id)
	require.NoError(t, err)
	g.ask(t, g.own, balances, id, attended).denied(t, http.StatusUnauthorized, "CONSENT_INVALID")
}

func deniedByNginx(t *testing.T, g *guarded) {
	id := g.authorised()
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) {
			attended(r)
			if r.Header.Set(name, value); value == "" {
				r.Header.Del(name)
			}
		}
	}
	for _, c := range []struct {
		name, path string
		change     func(*http.Request)
		status     int
		code       string
	}{
		{"no consent is named", "/v1/accounts", header("Consent-ID", ""), 400, "FORMAT_ERROR"},
		{"nobody's consent", "/v1/accounts", header("Consent-ID", uuid.NewString()), 400, "CONSENT_UNKNOWN"},
		{"no address", "/v1/accounts", header("PSU-IP-Address", "here"), 400, "FORMAT_ERROR"},
		{"no such account", "/v1/accounts/nobodys/balances", attended, 404, "RESOURCE_UNKNOWN"},
		{"no such path", "/v1/payments", attended, 404, "RESOURCE_UNKNOWN"},
		{"another path than nginx cleans", "/v1/payments/../accounts", attended, 404, "RESOURCE_UNKNOWN"},
		{"an escaped slash", "/v1/accounts%2Fr1", attended, 404, "RESOURCE_UNKNOWN"},
		{"a double slash", "//v1//accounts", attended, 404, "RESOURCE_UNKNOWN"},
		{"another method", "/v1/accounts", func(r *http.Request) { r.Method = http.MethodDelete; attended(r) }, 405, "SERVICE_INVALID"},
		{"an unknown format", "/v1/accounts", header("Accept", "text/html"), 406, "REQUESTED_FORMATS_INVALID"},
	} {
		a := g.ask(t, g.own, c.path, id, c.change)
		t.Log(c.name)
		a.denied(t, c.status, c.code)
		require.Equal(t, c.status == http.StatusMethodNotAllowed, a.header.Get("Allow") == "GET")
	}
	accounts := g.ask(t, g.own, "/v1/accounts", id, attended).shown(t)
	list := "/v1/accounts/" + accounts[0] + "/transactions"
	require.Equal(t, accounts, g.ask(t, g.own, list, id, header("Accept", "application/xml")).shown(t), "the bank may have camt")
	g.ask(t, g.own, list+"?page=2&page=1", id, attended).denied(t, http.StatusBadRequest, "FORMAT_ERROR")
	problem := g.ask(t, g.own, "/v1/accounts", uuid.NewString(), header("Accept", "application/problem+json"))
	require.Equal(t, []any{400, "application/problem+json"}, []any{problem.status, problem.header.Get("Content-Type")})
	require.Contains(t, problem.body, `"code":"CONSENT_UNKNOWN"`)

	g.suspend(t, id)
	g.ask(t, g.own, "/v1/accounts", id, attended).denied(t, http.StatusForbidden, "SERVICE_BLOCKED")
}

// suspend does what no interface does yet.
func (g *guarded) suspend(t *testing.T, id string) {
	t.Helper()
	cfg, err := config.Load(g.path, os.Getenv)
	require.NoError(t, err)
	db, err := app.OpenDatabase(t.Context(), cfg, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Update(t.Context(), uuid.MustParse(id), func(c *consent.Consent) error {
		c.Because(consent.Cause{By: consent.ByASPSP, Who: "test"})
		return c.Suspend(consent.ReasonBank, time.Now().UTC().Truncate(time.Microsecond))
	})
	require.NoError(t, err)
}

func countedByNginx(t *testing.T, g *guarded) {
	id := g.authorised()
	for range 4 {
		require.Len(t, g.ask(t, g.own, "/v1/accounts", id, nil).shown(t), 1)
	}
	a := g.ask(t, g.own, "/v1/accounts", id, nil)
	a.denied(t, http.StatusTooManyRequests, "ACCESS_EXCEEDED")
	wait, err := strconv.Atoi(a.header.Get("Retry-After"))
	require.NoError(t, err)
	require.Positive(t, wait)
	require.LessOrEqual(t, wait, 25*60*60, "until the next day")
	require.Len(t, g.ask(t, g.own, "/v1/accounts", id, attended).shown(t), 1, "the PSU is there")
}

// forgedByTPP sends what only the gateway may say.
func forgedByTPP(t *testing.T, g *guarded) {
	id := g.authorised()
	accounts := g.ask(t, g.own, "/v1/accounts", id, attended).shown(t)
	good := "/v1/accounts/" + accounts[0] + "/balances"
	forged := func(r *http.Request) {
		attended(r)
		for name, value := range map[string]string{
			"X-Consent-Accounts": `[{"accountId":"r1","rights":["accounts"]}]`, "X-Consent-Customer": "lea", "X-Consent-Owner-Name": "true", "X-Consent-Id": "x", "X-Consent-Tpp": "x", "X-Consent-Operation": "x",
			"X-Original-URI": good, "X-Original-Method": "GET", "X-Forwarded-Uri": good, "X-Forwarded-Method": "GET", "X-Original-Authorization": "Bearer " + g.read,
			"X-Denial-Status": "200", "Connection": "X-Consent-Accounts, X-Original-URI, ssl-client-cert", "Authorization": "Bearer x",
		} {
			r.Header.Set(name, value)
		}
	}
	a := g.ask(t, g.own, good, id, forged)
	require.Equal(t, accounts, a.shown(t))
	for name, want := range map[string]string{"X-Consent-Customer": "anna", "X-Consent-Owner-Name": "false", "X-Consent-Id": id, "X-Consent-Tpp": acme, "X-Consent-Operation": "balances"} {
		require.Equal(t, []string{want}, a.told[name], name)
	}
	g.ask(t, g.own, "/v1/accounts/nobodys/balances", id, forged).denied(t, http.StatusNotFound, "RESOURCE_UNKNOWN")
	g.ask(t, g.own, good+"/../transactions", id, forged).denied(t, http.StatusNotFound, "RESOURCE_UNKNOWN")
	g.ask(t, g.own, good, id, func(r *http.Request) { forged(r); r.Method = http.MethodPost }).denied(t, http.StatusMethodNotAllowed, "SERVICE_INVALID")
	for _, own := range []string{"/_consent", "/v1/accounts/x/../../../_consent", "/%5fconsent"} {
		a = g.ask(t, g.own, own, id, forged)
		require.Equal(t, http.StatusNotFound, a.status, own)
		require.Contains(t, a.body, "nginx", "what is nginx's own")
		require.Nil(t, a.told, own)
	}
}

// certificatesAtNginx shows none, and ones that are out of their time or whose TPP
// is another, beside the header in which nginx hands the real one on.
func certificatesAtNginx(t *testing.T, g *guarded) {
	id := g.authorised()
	_, web := g.kit(g.ca, nil, nil)
	forged := func(r *http.Request) {
		attended(r)
		r.Header.Set("ssl-client-cert", url.PathEscape(string(web.CertificatePEM())))
	}
	bare := *g.own
	bare.QWAC.Certificate = nil
	g.ask(t, &bare, "/v1/accounts", id, forged).denied(t, http.StatusUnauthorized, "CERTIFICATE_MISSING")
	dir, _ := g.kit(g.ca, func(o *issue.Order) {
		o.NotBefore, o.NotAfter = time.Now().AddDate(0, -2, 0), time.Now().AddDate(0, -1, 0)
	}, nil)
	expired, err := client.LoadKit(dir)
	require.NoError(t, err)
	g.ask(t, expired, "/v1/accounts", id, forged).denied(t, http.StatusUnauthorized, "CERTIFICATE_EXPIRED")
	require.Len(t, g.ask(t, g.own, "/v1/accounts", id, forged).shown(t), 1)
}

// gatewayUnknown has a gateway without a good token, and one of another role: what
// consentd tells the gateway is nothing for TPPs.
func gatewayUnknown(t *testing.T, g *guarded) {
	id := g.authorised()
	for name, token := range map[string]string{"no good": "consentd_x", "another role": g.backOffice} {
		wrong := *g
		wrong.front = g.nginx(t, token)
		a := wrong.ask(t, g.own, "/v1/accounts", id, attended)
		require.Equal(t, http.StatusServiceUnavailable, a.status, name)
		require.Nil(t, a.told, name)
		require.Empty(t, a.body, name)
		require.Empty(t, a.header.Get("X-Denial-Status"), name)
		require.Empty(t, a.header.Values("WWW-Authenticate"), name)
	}
}

// gatewayForgets has one that does not say by which method the TPP asks, nor for
// what: nginx asks with GET whatever it was, so that a POST would pass as a read.
func gatewayForgets(t *testing.T, g *guarded) {
	id := g.authorised()
	for _, line := range []string{"proxy_set_header X-Original-Method $request_method;", "proxy_set_header X-Original-URI $request_uri;"} {
		forgetful := *g
		forgetful.front = g.nginx(t, g.read, line, "")
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			a := forgetful.ask(t, g.own, "/v1/accounts", id, func(r *http.Request) { r.Method = method; attended(r) })
			a.denied(t, http.StatusBadRequest, "FORMAT_ERROR")
			require.Contains(t, a.body, "is required, from the gateway")
		}
	}
}
