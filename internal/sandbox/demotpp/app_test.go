package demotpp_test

import (
	"context"
	"crypto"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/sandbox/demotpp"
	"consentd/pkg/client"
	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
)

var now = time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)

// world is the demo TPP, a bank that answers what a test says, and a visitor.
type world struct {
	t    *testing.T
	app  *demotpp.App
	url  string
	http *http.Client
	bank http.HandlerFunc
}

func setup(t *testing.T, edit ...func(*demotpp.App)) *world {
	t.Helper()
	w := &world{t: t}
	bank := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.bank(rw, r) }))
	t.Cleanup(bank.Close)
	e := echo.New()
	var server *httptest.Server
	w.app = &demotpp.App{
		Bank: func(*http.Request) string { return bank.URL },
		Home: func(*http.Request) string { return server.URL },
		Name: "demo", Kit: func(context.Context) (*client.Kit, error) { return kit(t), nil },
		Dial: (&net.Dialer{}).DialContext, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
	}
	for _, change := range edit {
		change(w.app)
	}
	w.app.Mount(e)
	server = httptest.NewServer(e)
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	w.url, w.http = server.URL, &http.Client{Jar: jar}
	return w
}

// kit is what a TPP has.
func kit(t *testing.T) *client.Kit {
	t.Helper()
	ca, err := issue.New("ca", now.AddDate(-1, 0, 0), now.AddDate(9, 0, 0))
	require.NoError(t, err)
	made, err := ca.Issue(issue.Order{
		Type: eidas.Seal, Name: "Demo", Organisation: "PSDXX-SANDBOX-DEMO", NCAName: "A", NCAID: "XX-SANDBOX",
		Roles: []eidas.Role{eidas.RoleAI}, NotBefore: now.AddDate(0, -1, 0), NotAfter: now.AddDate(1, 0, 0),
	})
	require.NoError(t, err)
	both := made.TLS()
	return &client.Kit{QWAC: both, Seal: made.Certificate, SealKey: both.PrivateKey.(crypto.Signer)}
}

func (w *world) read(res *http.Response, err error) (int, string) {
	w.t.Helper()
	require.NoError(w.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(w.t, err)
	return res.StatusCode, string(body)
}

func (w *world) get(path string) (int, string) {
	w.t.Helper()
	return w.read(w.http.Get(w.url + path))
}

func (w *world) post(path string, pairs ...string) (int, string) {
	w.t.Helper()
	form := url.Values{}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		form.Add(name, value)
	}
	return w.read(w.http.PostForm(w.url+path, form))
}

// usual is a form with nothing wrong in it.
var usual = []string{"kind=accounts", "psu=anna", "ip=192.0.2.7", "model=offered", "right=balances", "recurring=true", "frequency=4", "until=2026-06-30"}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// A fault on the way to the bank is a page, and stands in the log.
func TestNetworkFaultsArePages(t *testing.T) {
	t.Parallel()
	w := setup(t, func(a *demotpp.App) {
		a.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no cable") }
	})
	status, page := w.post("/tpp/consents", usual...)
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, page, "no answer")
	assert.Contains(t, page, "no cable")
	assert.Contains(t, page, "Nobody knows whether the bank did anything")
	assert.Contains(t, page, `value="2026-06-30"`, "the form is as it was")
	_, page = w.get("/tpp/log")
	assert.Contains(t, page, "no cable")
}

// An answer that is none of the interface's is told as what it is.
func TestOddAnswersArePages(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		bank http.HandlerFunc
		want string
	}{
		"a proxy's page":  {says(http.StatusBadGateway, "<h1>Bad gateway</h1>"), "The bank answered 502 and gave no reason that can be read."},
		"half an answer":  {says(http.StatusCreated, `{"consentStatus":`), "There is no answer that could be read."},
		"a known refusal": {says(http.StatusUnauthorized, `{"tppMessages":[{"category":"ERROR","code":"ROLE_INVALID"}]}`), "This TPP has no licence for this service."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.bank = c.bank
			status, page := w.post("/tpp/consents", usual...)
			assert.Equal(t, http.StatusOK, status)
			assert.Contains(t, page, c.want)
			assert.Contains(t, page, `id="refused"`)
		})
	}
}

func TestNoCertificates(t *testing.T) {
	t.Parallel()
	w := setup(t, func(a *demotpp.App) {
		a.Kit = func(context.Context) (*client.Kit, error) { return nil, errors.New("lost") }
	})
	status, page := w.post("/tpp/consents", usual...)
	assert.Equal(t, http.StatusInternalServerError, status)
	assert.Contains(t, page, `data-page="tpp-problem"`)
	assert.NotContains(t, page, "lost")
}

// What one browser did is nobody else's.
func TestConsentsAreTheirVisitors(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var sent *http.Request
	w.bank = func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			sent = r
			says(http.StatusCreated, `{"consentStatus":"received","consentId":"c1","_links":{"scaRedirect":{"href":"http://localhost/sca"}}}`)(rw, r)
			return
		}
		says(http.StatusOK, `{"consentStatus":"valid"}`)(rw, r)
	}
	status, page := w.post("/tpp/consents", usual...)
	require.Equal(t, http.StatusOK, status)
	assert.Contains(t, page, `data-page="tpp-consent"`)
	assert.Equal(t, "demo", sent.Header.Get("X-Sandbox-TPP"), "there is no TLS")
	assert.NotEmpty(t, sent.Header.Get("Signature"))
	back := strings.TrimPrefix(sent.Header.Get("TPP-Redirect-URI"), w.url)
	require.True(t, strings.HasPrefix(back, "/tpp/return?state="), back)
	status, page = w.get(back)
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, page, `data-page="tpp-return"`)

	w.http = &http.Client{}
	for _, path := range []string{back, "/tpp/consents/1", "/tpp/consents/1/bank", "/tpp/consents/1/data"} {
		status, page = w.get(path)
		assert.Equal(t, http.StatusNotFound, status, path)
		assert.NotContains(t, page, "c1", path)
	}
	status, _ = w.post("/tpp/consents/1/delete")
	assert.Equal(t, http.StatusNotFound, status)
	status, _ = w.post("/tpp/consents/1/data", "read=list accounts")
	assert.Equal(t, http.StatusNotFound, status)
	_, page = w.get("/tpp/log")
	assert.Contains(t, page, "There is none yet.")
}

// What is typed into a form stays text, on every page that shows it.
func TestFormsAreEscaped(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.bank = says(http.StatusBadRequest, `{"tppMessages":[{"category":"ERROR","code":"FORMAT_ERROR","text":"<script>"}]}`)
	_, page := w.post("/tpp/consents", append([]string{`psu="><script>`, "anyway=true"}, usual[2:]...)...)
	assert.Contains(t, page, `id="refused"`)
	assert.NotContains(t, page, "<script")
}

// Who came by another name than the bank returns them to is told so.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	w := setup(t)
	_, page := w.get("/tpp")
	assert.NotContains(t, page, `class="note"`)
	w.app.Home = func(*http.Request) string { return "http://localhost:1" }
	_, page = w.get("/tpp")
	assert.Contains(t, page, `<a href="http://localhost:1/tpp">`)
}

func TestPagesAreGuarded(t *testing.T) {
	t.Parallel()
	w := setup(t)
	res, err := w.http.Get(w.url + "/tpp")
	require.NoError(t, err)
	defer res.Body.Close()
	assert.Empty(t, res.Cookies(), "who only looks is not kept")
	assert.Contains(t, res.Header.Get("Content-Security-Policy"), "default-src 'none'")
	assert.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	status, _ := w.get("/tpp/tpp.css")
	assert.Equal(t, http.StatusOK, status)
}

// A status that cannot be asked for is said to be an old one.
func TestStaleStatus(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.bank = func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			says(http.StatusCreated, `{"consentStatus":"received","consentId":"c1","_links":{}}`)(rw, r)
			return
		}
		rw.Header().Set("Retry-After", "7")
		says(http.StatusServiceUnavailable, `{}`)(rw, r)
	}
	status, page := w.post("/tpp/consents", usual...)
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, page, "The bank did not say how things stand now")
	assert.Contains(t, page, "It asks to wait for 7s.")
	assert.Contains(t, page, `<span class="status received">`)
}

// reading is a visitor with a consent to read with, which the bank's answers to the
// reads and to questions for the status are about.
func (w *world) reading(read, status http.HandlerFunc, form ...string) {
	w.t.Helper()
	w.bank = func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			says(http.StatusCreated, `{"consentStatus":"valid","consentId":"c1","_links":{}}`)(rw, r)
		case strings.HasSuffix(r.URL.Path, "/status"):
			status(rw, r)
		default:
			read(rw, r)
		}
	}
	code, _ := w.post("/tpp/consents", form...)
	require.Equal(w.t, http.StatusOK, code)
}

// A read may be the end of a consent: the list of them says so at once.
func TestReadsEndConsents(t *testing.T) {
	t.Parallel()
	once := append(append([]string{}, usual[:5]...), "right=balances", "recurring=false", "frequency=1", "until=2026-06-30")
	expired := says(http.StatusOK, `{"consentStatus":"expired"}`)
	for name, c := range map[string]struct {
		read http.HandlerFunc
		form []string
		want string
	}{
		"over":          {says(http.StatusUnauthorized, `{"tppMessages":[{"category":"ERROR","code":"CONSENT_EXPIRED"}]}`), usual, "expired"},
		"invalid":       {says(http.StatusUnauthorized, `{"tppMessages":[{"category":"ERROR","code":"CONSENT_INVALID"}]}`), usual, "expired"},
		"used up":       {says(http.StatusOK, `{"accounts":[]}`), once, "expired"},
		"as it was":     {says(http.StatusOK, `{"accounts":[]}`), usual, "valid"},
		"other refusal": {says(http.StatusTooManyRequests, `{"tppMessages":[{"category":"ERROR","code":"ACCESS_EXCEEDED"}]}`), once, "valid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			valid := true
			w.reading(c.read, func(rw http.ResponseWriter, r *http.Request) {
				if valid {
					says(http.StatusOK, `{"consentStatus":"valid"}`)(rw, r)
					return
				}
				expired(rw, r)
			}, c.form...)
			valid = false
			status, _ := w.post("/tpp/consents/1/data", "read=list accounts")
			require.Equal(t, http.StatusOK, status)
			_, page := w.get("/tpp")
			assert.Contains(t, page, `<span class="status `+c.want+`">`)
		})
	}
}

// What an answer does not have is no empty column, and what is counted is said as it
// is for the kind of consent.
func TestDataPage(t *testing.T) {
	t.Parallel()
	w := setup(t)
	valid := says(http.StatusOK, `{"consentStatus":"valid"}`)
	w.reading(says(http.StatusOK, `{"accounts":[{"resourceId":"r1","iban":"DE40100100103307118608","currency":"EUR"}]}`), valid, usual...)
	_, page := w.post("/tpp/consents/1/data", "read=list accounts")
	assert.Contains(t, page, `<th scope="col">Currency</th>`)
	for _, absent := range []string{"Owner</th>", "Sum</th>", "Type</th>", "Of a one-off consent"} {
		assert.NotContains(t, page, absent)
	}
	assert.Contains(t, page, "up to frequencyPerDay")

	exceeded := says(http.StatusTooManyRequests, `{"tppMessages":[{"category":"ERROR","code":"ACCESS_EXCEEDED"}]}`)
	w.reading(exceeded, valid, append(append([]string{}, usual[:5]...), "right=balances", "recurring=false", "frequency=1", "until=2026-06-30")...)
	_, page = w.post("/tpp/consents/2/data", "read=list accounts")
	assert.Contains(t, page, "frequencyPerDay is used up for today. With")
	assert.Contains(t, page, "Of a one-off consent both count")
	assert.NotContains(t, page, "up to frequencyPerDay")
	_, page = w.post("/tpp/consents/2/data", "read=balances accounts r1")
	assert.Contains(t, page, "frequencyPerDay is used up for today, for these data of this account. With")
	assert.Regexp(t, `href="/sandbox/requests\?requestId=[0-9a-f-]{36}"`, page)
}
