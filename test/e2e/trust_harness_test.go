package e2e

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/internal/config"
	"consentd/internal/consent"
	"consentd/internal/service/ledger"
	"consentd/pkg/client"
	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
	"consentd/test/contract"
)

// acme is the TPP of these tests.
const acme = "DE-BAFIN:PSDDE-BAFIN-125314"

// tppKeys are slow to make, and one pair does for all tests.
var tppKeys = sync.OnceValues(func() (qwac, qseal crypto.Signer) {
	one, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	two, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return one, two
})

// trusted is a production server that verifies who calls and what they signed,
// with an authority whose list of revoked certificates it reads.
type trusted struct {
	*program         // the sandbox that is its bank
	t                *testing.T
	url              func(surface string) string
	path             string // of the configuration
	ca               *issue.Authority
	caFile           string
	list             *httptest.Server
	revoked          sync.Map // serial numbers, as text
	backOffice, read string   // bearer tokens
}

// trusting starts it. What more says is added to its configuration.
func trusting(t *testing.T, more ...string) *trusted {
	t.Helper()
	s := &trusted{t: t, program: start(t, "sqlite")}
	now := time.Now()
	var err error
	s.ca, err = issue.New("Example Trust Services", now.AddDate(-1, 0, 0), now.AddDate(9, 0, 0))
	require.NoError(t, err)
	s.list = httptest.NewServer(http.HandlerFunc(s.serveList))
	t.Cleanup(s.list.Close)
	dir := t.TempDir()
	server, err := s.ca.Server([]string{"localhost", "127.0.0.1"}, now.Add(-time.Hour), now.AddDate(1, 0, 0))
	require.NoError(t, err)
	s.caFile = filepath.Join(dir, "ca.pem")
	require.NoError(t, os.WriteFile(s.caFile, s.ca.CertificatePEM(), 0o600))
	save(t, dir, "server", server)
	if !slices.ContainsFunc(more, func(line string) bool { return strings.Contains(line, "proxy:") || strings.HasPrefix(line, "tls:") }) {
		more = append(more, "tls: {tpp: {certificateFile: "+dir+"/server.pem, keyFile: "+dir+"/server.key}}")
	}
	s.path = environment(t, s.base, more...)
	text, err := os.ReadFile(s.path)
	require.NoError(t, err)
	if !strings.Contains(string(text), "tpps:") {
		text = append(text, "tpps: {anchors: ["+s.caFile+"]}\n"...)
	}
	text = bytes.Replace(bytes.ReplaceAll(text, []byte("CAFILE"), []byte(s.caFile)), []byte("insecure: true\n"), nil, 1)
	require.NoError(t, os.WriteFile(s.path, text, 0o600))
	migrated(t, s.path)
	s.backOffice, s.read = s.token("back-office"), s.token("resource-server")
	s.url = serving(t, s.path)
	return s
}

// token makes a bearer token as an operator does.
func (s *trusted) token(role string) string {
	s.t.Helper()
	cfg, err := config.Load(s.path, os.Getenv)
	require.NoError(s.t, err)
	var out, notes bytes.Buffer
	err = app.NewToken(s.t.Context(), cfg, slog.New(slog.DiscardHandler), app.TokenOrder{Role: role, Name: "test"}, &out, &notes)
	require.NoError(s.t, err)
	require.NotContains(s.t, notes.String(), strings.TrimSpace(out.String()))
	return strings.TrimSpace(out.String())
}

// serveList is the authority's list of revoked certificates.
func (s *trusted) serveList(w http.ResponseWriter, _ *http.Request) {
	var revoked []issue.Revoked
	s.revoked.Range(func(serial, _ any) bool {
		number, _ := new(big.Int).SetString(serial.(string), 10)
		revoked = append(revoked, issue.Revoked{Serial: number, At: time.Now().Add(-time.Minute)})
		return true
	})
	list, err := s.ca.RevocationList(1, time.Now().Add(-time.Minute), time.Now().Add(time.Hour), revoked)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(list)
}

// save writes a certificate and its key.
func save(t *testing.T, dir, name string, i *issue.Issued) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name+".pem"), i.CertificatePEM(), 0o600))
	key, err := i.KeyPEM()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, name+".key"), key, 0o600))
}

// order is what acme's certificates say, but for what change says.
func (s *trusted) order(kind eidas.Type, change func(*issue.Order)) issue.Order {
	qwac, qseal := tppKeys()
	o := issue.Order{
		Type: kind, Name: "Acme Money", Organisation: "PSDDE-BAFIN-125314", NCAID: "DE-BAFIN", NCAName: "BaFin",
		Roles: []eidas.Role{eidas.RoleAI, eidas.RoleIC}, Domains: []string{"acme.example"}, Key: qwac,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0), CRL: []string{s.list.URL},
	}
	if kind == eidas.Seal {
		o.Key = qseal
	}
	if change != nil {
		change(&o)
	}
	return o
}

// kit writes acme's certificates to a folder; qwac and qseal change what they say.
func (s *trusted) kit(by *issue.Authority, qwac, qseal func(*issue.Order)) (dir string, web *issue.Issued) {
	s.t.Helper()
	dir = s.t.TempDir()
	web, err := by.Issue(s.order(eidas.Web, qwac))
	require.NoError(s.t, err)
	seal, err := s.ca.Issue(s.order(eidas.Seal, qseal))
	require.NoError(s.t, err)
	save(s.t, dir, "qwac", web)
	save(s.t, dir, "qseal", seal)
	require.NoError(s.t, os.WriteFile(filepath.Join(dir, "ca.pem"), s.ca.CertificatePEM(), 0o600))
	return dir, web
}

// client is acme over mutual TLS, signing, with every exchange held against the
// description.
func (s *trusted) client(dir string) *client.Client {
	s.t.Helper()
	kit, err := client.LoadKit(dir)
	require.NoError(s.t, err)
	c, err := client.New(s.url("tpp"), client.WithHTTPClient(s.over(kit)), client.WithSigner(kit.Signer()))
	require.NoError(s.t, err)
	return c
}

// over is an HTTP client that shows a kit's certificate.
func (s *trusted) over(kit *client.Kit) *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{
		MinVersion: tls.VersionTLS12, RootCAs: kit.Roots, Certificates: []tls.Certificate{kit.QWAC},
	}}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: &contract.Transport{
		Base: transport, T: s.t, Validators: []*contract.Validator{contract.Load(s.t, "xs2a"), contract.Load(s.t, "aspsp")},
	}}
}

// bank calls the back office with a bearer token, none where it is empty.
func (s *trusted) bank(method, path, token, body string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url("bank")+path, strings.NewReader(body))
	require.NoError(s.t, err)
	r.Header.Set("X-Request-ID", uuid.NewString())
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	checked := &http.Client{Transport: &contract.Transport{T: s.t, Validators: []*contract.Validator{contract.Load(s.t, "aspsp")}}}
	res, err := checked.Do(r)
	require.NoError(s.t, err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	return res.StatusCode, string(answer)
}

// tppOptions are the headers of a consent of acme's.
func tppOptions() client.CreateOptions {
	return client.CreateOptions{PSUIPAddress: "192.0.2.7", RedirectURI: "https://www.acme.example/back"}
}

// portOf is the port of an address to call.
func portOf(t *testing.T, url string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(url[strings.LastIndex(url, "/")+1:])
	require.NoError(t, err)
	return port
}

// drained reads the body of an answer and leaves it to be read again.
func drained(t *testing.T, res *http.Response) []byte {
	t.Helper()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	res.Body = io.NopCloser(bytes.NewReader(body))
	return body
}

// audit reads every chain of the server's audit.
func (s *trusted) audit() map[string][]consent.Entry {
	s.t.Helper()
	cfg, err := config.Load(s.path, os.Getenv)
	require.NoError(s.t, err)
	db, err := app.OpenDatabase(s.t.Context(), cfg, slog.New(slog.DiscardHandler))
	require.NoError(s.t, err)
	defer db.Close()
	chains := map[string][]consent.Entry{}
	require.NoError(s.t, db.Chains(s.t.Context(), func(c ledger.Chain) error {
		chains[c.Name] = c.Entries
		return nil
	}))
	return chains
}
