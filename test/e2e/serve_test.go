package e2e

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/internal/config"
	"consentd/internal/secret"
	"consentd/pkg/client"
	"consentd/pkg/sca"
	"consentd/pkg/server"
	"consentd/pkg/xs2a"
	"consentd/test/pgtest"
)

// environment writes a configuration for `serve` whose bank is a sandbox, and
// returns the file's path.
func environment(t *testing.T, bank string, more ...string) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	lines := append([]string{
		"insecure: true",
		"brand: Test Bank",
		"masterKeyFile: " + write("key", base64.StdEncoding.EncodeToString(secret.NewMaster())),
		fmt.Sprintf("listeners: {tpp: %s, psu: %s, bank: %s, ops: %s}", freeAddress(t), freeAddress(t), freeAddress(t), freeAddress(t)),
		"database: {urlFile: " + write("url", pgtest.DSN(t)) + "}",
		fmt.Sprintf("bank: {url: %s/sandbox/bank, tokenFile: %s}", bank, write("token", "sandbox-bank")),
	}, more...)
	return write("consentd.yaml", strings.Join(lines, "\n")+"\n")
}

func freeAddress(t *testing.T) string {
	t.Helper()
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		require.NoError(t, l.Close())
		if _, before := addresses.LoadOrStore(l.Addr().String(), true); !before {
			return l.Addr().String()
		}
	}
}

// addresses are those that were handed out: the system likes to give one again
// that nobody listens on yet.
var addresses sync.Map

// migrated moves the schema of a configuration.
func migrated(t *testing.T, path string) {
	t.Helper()
	cfg, err := config.Load(path, os.Getenv)
	require.NoError(t, err)
	log, err := app.NewLog(io.Discard, "error", "json")
	require.NoError(t, err)
	db, err := app.OpenDatabase(t.Context(), cfg, log)
	require.NoError(t, err)
	_, err = db.Migrate(t.Context())
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

// serving runs the production program of a configuration.
func serving(t *testing.T, path string, opts ...server.Option) func(surface string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context())) // as start does
	urls := make(chan func(string) string, 1)
	ended := make(chan error, 1)
	go func() {
		ended <- server.Run(ctx, path, append(opts, server.WithLog(io.Discard),
			server.WithReady(func(url func(string) string) { urls <- url }))...)
	}()
	t.Cleanup(cancel)
	select {
	case url := <-urls:
		t.Cleanup(func() {
			cancel()
			require.NoError(t, <-ended)
		})
		return url
	case err := <-ended:
		require.NoError(t, err)
		return nil
	}
}

// TestServe walks the main job on the production program: PostgreSQL, a
// listener for each audience, and a bank that is reached over HTTP.
func TestServe(t *testing.T) {
	bank := start(t, "sqlite")
	path := environment(t, bank.base)

	_, err := app.FromFile(t.Context(), path, app.Surroundings{Env: os.Getenv, Log: io.Discard})
	require.ErrorContains(t, err, "consentd migrate up", "a schema that is behind")
	migrated(t, path)
	url := serving(t, path)

	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200, "/v1/consents": 404, "/docs": 404, "/": 404} {
		require.Equal(t, want, get(t, url("ops")+path), path)
	}
	for path, want := range map[string]int{"/docs": 200, "/openapi/xs2a.yaml": 200, "/healthz": 404, "/sca/x": 404, "/": 404, "/sandbox/clock": 404} {
		require.Equal(t, want, get(t, url("tpp")+path), path)
	}
	for _, path := range []string{"/v1/consents", "/docs", "/metrics", "/"} {
		require.Equal(t, 404, get(t, url("psu")+path), path)
	}

	p := *bank
	tpp, err := client.New(url("tpp"), client.WithHTTPClient(bank.http))
	require.NoError(t, err)
	o := client.CreateOptions{PSUIPAddress: "2001:db8::1", RedirectURI: "https://tpp.example/ok", PSULanguage: "fr"}
	created, _, err := tpp.CreateConsent(t.Context(), p.offered(), o)
	require.NoError(t, err)
	link := created.Links["scaRedirect"].Href
	require.True(t, strings.HasPrefix(strings.Replace(link, "127.0.0.1", "localhost", 1), url("psu")+"/sca/"), link)
	u := p.authorise(link, "anna", "DE40100100103307118608")
	require.Equal(t, "https://tpp.example/ok", u.to)
	require.Equal(t, "valid", p.status(tpp, created.ConsentID))
}

func get(t *testing.T, url string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return res.StatusCode
}

// TestBankDown shows what a PSU sees while the bank does not answer: nothing is
// lost, and the walk goes on afterwards.
func TestBankDown(t *testing.T) {
	path := environment(t, "http://"+freeAddress(t))
	migrated(t, path)
	url := serving(t, path)
	bank := start(t, "sqlite")
	tpp, err := client.New(url("tpp"), client.WithHTTPClient(bank.http))
	require.NoError(t, err)
	created, _, err := tpp.CreateConsent(t.Context(), bank.offered(), bank.options())
	require.NoError(t, err)
	u := bank.open(created.Links["scaRedirect"].Href)
	u.send("psuId=anna", "password=sandbox")
	u.at("problem", http.StatusServiceUnavailable)
	require.NotContains(t, u.body, "refused")
	u.look()
	u.at("login", http.StatusOK)
	require.Equal(t, "received", bank.status(tpp, created.ConsentID))
}

// trustingFlow is a bank's own flow, in one trip: it believes whoever the TPP names.
type trustingFlow struct{}

var _ sca.Flow = trustingFlow{}

func (trustingFlow) Start(context.Context, sca.Request) (sca.Step, error) {
	return sca.Step{Outcome: sca.Prompt, Fields: []sca.Field{{Name: "word", Label: "The word", Kind: sca.Text}}}, nil
}

func (trustingFlow) Continue(_ context.Context, req sca.Request, _ []byte, in sca.Input) (sca.Step, error) {
	return sca.Step{Outcome: sca.Done, PSU: req.Hint, Wrong: in.Fields["word"] != "open"}, nil
}

// TestOwnFlow runs a bank's own build with a flow of its own, over the
// embedded façade.
func TestOwnFlow(t *testing.T) {
	bank := start(t, "sqlite")
	path := environment(t, bank.base, "sca: {redirect: trusting, flows: {trusting: {}}}")
	migrated(t, path)
	url := serving(t, path, server.WithFlow("trusting", func(json.RawMessage, sca.Store) (sca.Flow, error) { return trustingFlow{}, nil }))
	tpp, err := client.New(url("tpp"), client.WithHTTPClient(bank.http))
	require.NoError(t, err)
	o := bank.options()
	o.PSUID = "lea"
	body := bank.offered()
	body.Access = xs2a.AccountAccess{AllPSD2: "allAccounts"}
	created, _, err := tpp.CreateConsent(t.Context(), body, o)
	require.NoError(t, err)
	u := bank.open(created.Links["scaRedirect"].Href)
	u.at("login", http.StatusOK)
	u.send("word=shut")
	u.at("login", http.StatusUnauthorized)
	u.send("word=open")
	u.at("consent", http.StatusOK)
	u.send("decision=approve")
	require.Equal(t, http.StatusSeeOther, u.status, u.body)
	require.Equal(t, "valid", bank.status(tpp, created.ConsentID))
}

// TestGracefulStop ends the program while a call is under way: the call is
// finished, the listeners are gone, and so is every goroutine of ours.
func TestGracefulStop(t *testing.T) {
	bank := start(t, "sqlite")
	path := environment(t, bank.base)
	migrated(t, path)
	a, err := app.FromFile(t.Context(), path, app.Surroundings{Env: os.Getenv, Log: io.Discard})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()

	conn, err := net.DialTimeout("tcp", a.Address("tpp"), time.Second)
	require.NoError(t, err)
	defer conn.Close()
	body := `{"access":{"allPsd2":"allAccounts"},"recurringIndicator":false,"validUntil":"9999-12-31","frequencyPerDay":1}`
	_, err = fmt.Fprintf(conn, "POST /v1/consents HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"+
		"X-Request-ID: 99391c7e-ad88-49ec-a2ad-99ddcb1f7721\r\nPSU-IP-Address: 192.0.2.1\r\nTPP-Redirect-URI: https://tpp.example/ok\r\n"+
		"Expect: 100-continue\r\n\r\n", len(body))
	require.NoError(t, err)
	answer := bufio.NewReader(conn)
	line, err := answer.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 100 Continue\r\n", line, "the handler asks for the body")
	stop() // which is still to come
	require.Eventually(t, func() bool {
		c, err := net.DialTimeout("tcp", a.Address("tpp"), time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	}, 5*time.Second, time.Millisecond, "takes no more calls")
	_, err = io.WriteString(conn, body)
	require.NoError(t, err)
	rest, err := io.ReadAll(answer)
	require.NoError(t, err)
	require.Contains(t, string(rest), "HTTP/1.1 201 Created")
	require.NoError(t, <-ended)
}

// TestDatabaseAway stops the database under a server: TPPs are told to come
// back, PSUs see a page that says so, and nothing of the cause leaves.
func TestDatabaseAway(t *testing.T) {
	database, err := pgtest.Start(t.Context(), pgtest.Options{})
	require.NoError(t, err)
	bank := start(t, "sqlite")
	path := environment(t, bank.base)
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(path), "url"), []byte(database.DSN("postgres")), 0o600))
	migrated(t, path)
	url := serving(t, path)
	tpp, err := client.New(url("tpp"), client.WithHTTPClient(bank.http))
	require.NoError(t, err)
	created, _, err := tpp.CreateConsent(t.Context(), bank.offered(), bank.options())
	require.NoError(t, err)
	database.Stop()

	require.Equal(t, http.StatusServiceUnavailable, get(t, url("ops")+"/readyz"))
	require.Equal(t, http.StatusOK, get(t, url("ops")+"/healthz"))
	_, meta, err := tpp.ConsentStatus(t.Context(), created.ConsentID)
	require.Equal(t, http.StatusServiceUnavailable, statusOf(err))
	require.NotEmpty(t, meta.Header.Get("Retry-After"))
	_, _, err = tpp.CreateConsent(t.Context(), bank.offered(), bank.options())
	require.Equal(t, http.StatusServiceUnavailable, statusOf(err))
	u := bank.open(created.Links["scaRedirect"].Href)
	u.at("problem", http.StatusServiceUnavailable)
	require.NotContains(t, u.body, "postgres")
}
