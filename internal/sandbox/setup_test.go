package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/sandbox"
	"consentd/pkg/eidas/issue"
	"consentd/pkg/xs2a"
)

// start is when the tests' clocks begin.
func start() time.Time { return time.Date(2026, 5, 4, 12, 0, 0, 123456789, time.UTC) }

func newBank() (*sandbox.Bank, *sandbox.Clock) {
	clock := &sandbox.Clock{Real: start}
	return &sandbox.Bank{Store: &sandbox.Memory{}, Now: clock.Now}, clock
}

// newTPPs are those of a sandbox that has just been made.
func newTPPs(t *testing.T, clock *sandbox.Clock) *sandbox.TPPs {
	t.Helper()
	ca, err := issue.New("consentd sandbox", start().AddDate(-10, 0, 0), start().AddDate(10, 0, 0))
	require.NoError(t, err)
	return &sandbox.TPPs{
		CA: ca, Store: &sandbox.Memory{}, Now: clock.Now, URL: func() string { return "http://localhost:8080" },
	}
}

// bundle is a sandbox over HTTP, beside an API that stands in for the dialect.
type bundle struct {
	bank   *sandbox.Bank
	tpps   *sandbox.TPPs
	clock  *sandbox.Clock
	api    *api
	recent *recent
	log    *bytes.Buffer
	url    string
	client *http.Client // follows no redirect, keeps cookies
}

func setup(t *testing.T, edit ...func(*sandbox.Sandbox)) *bundle {
	t.Helper()
	b := &bundle{api: &api{}, recent: &recent{}, log: &bytes.Buffer{}}
	b.bank, b.clock = newBank()
	b.tpps = newTPPs(t, b.clock)
	e := echo.New()
	e.HideBanner = true
	log := slog.New(slog.NewTextHandler(b.log, nil))
	s := &sandbox.Sandbox{
		Bank: b.bank, Clock: b.clock, TPPs: b.tpps, Users: users{}, Recent: b.recent, HTTP: http.DefaultClient,
		Hosts: []string{"sandbox.internal"}, Log: log,
		Owns: func(path string) bool { return path == "/v1" || strings.HasPrefix(path, "/v1/") },
	}
	for _, change := range edit {
		change(s)
	}
	s.Mount(e)
	ok := func(c echo.Context) error { return c.NoContent(http.StatusOK) }
	e.GET("/healthz", ok) // routes of others on the same listener
	e.GET("/docs", ok)
	e.Any("/sca/:handle", ok)
	e.Any("/oauth2/authorize", ok)
	e.Any("/aspsp/v1/*", b.api.bank)
	e.POST("/v1/consents", b.api.create)
	e.GET("/v1/consents/:id", b.api.read)
	e.GET("/v2/consents/confirmation-of-funds/:id", b.api.read)
	e.HTTPErrorHandler = b.refused
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	b.url = server.URL
	b.client = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return b
}

// refused stands in for the dialect's own form of an error.
func (b *bundle) refused(err error, c echo.Context) {
	b.api.mu.Lock()
	defer b.api.mu.Unlock()
	b.api.handed = err
	_ = c.NoContent(http.StatusTeapot)
}

// answer is what a call brought.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) json(t *testing.T, into any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(a.body), into), a.body)
}

// call makes a request; headers are pairs of name and value, Host among them.
func (b *bundle) call(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, b.url+path, strings.NewReader(body))
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
	}
	res, err := b.client.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return answer{res.StatusCode, res.Header, string(raw)}
}

// page gets a page as a browser does.
func (b *bundle) page(t *testing.T, path string) answer {
	t.Helper()
	return b.call(t, http.MethodGet, path, "", "Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
}

// api stands in for the XS2A dialect.
type api struct {
	mu      sync.Mutex
	got     xs2a.ConsentsRequest
	headers http.Header
	refuses bool
	body    []byte // as it came
	handed  error  // what the router was handed to answer
	status  xs2a.ConsentStatus
	texts   map[string]string
}

// answers are what the interface for the bank's systems says, by paths.
func (b *bundle) answers(texts map[string]string) {
	b.api.mu.Lock()
	defer b.api.mu.Unlock()
	b.api.texts = texts
}

// bank stands in for the interface for the bank's systems, and denies gateways.
func (a *api) bank(c echo.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if text := a.texts[c.Request().URL.Path]; text != "" {
		return c.JSONBlob(http.StatusOK, []byte(text))
	}
	c.Response().Header().Set("X-Denial-Status", "429")
	c.Response().Header().Set("X-Denial-Body", `{"tppMessages":[{"category":"ERROR","code":"ACCESS_EXCEEDED","text":"too often"}]}`)
	return c.NoContent(http.StatusForbidden)
}

const (
	consentID = "0198f2c4-5a41-7d08-8a77-6c2e90b1f3d5"
	handle    = "/sca/handle"
)

func (a *api) create(c echo.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.refuses {
		return c.JSON(http.StatusBadRequest, xs2a.Error{TPPMessages: []xs2a.TPPMessage{{
			Category: "ERROR", Code: "FORMAT_ERROR", Path: "validUntil", Text: "validUntil lies in the <past>",
		}}})
	}
	a.headers = c.Request().Header.Clone()
	var err error
	if a.body, err = io.ReadAll(c.Request().Body); err != nil {
		return err
	}
	if err := json.Unmarshal(a.body, &a.got); err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, xs2a.ConsentsResponse{
		ConsentStatus: xs2a.Received, ConsentID: consentID,
		Links: xs2a.Links{xs2a.LinkScaRedirect: {Href: "http://" + c.Request().Host + handle}},
	})
}

func (a *api) read(c echo.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.headers = c.Request().Header.Clone()
	if c.Param("id") == "unknown" {
		return c.JSON(http.StatusForbidden, xs2a.Error{TPPMessages: []xs2a.TPPMessage{{Category: "ERROR", Code: "CONSENT_UNKNOWN", Text: "no such consent"}}})
	}
	return c.JSON(http.StatusOK, xs2a.ConsentInformation{ConsentStatus: a.status, ValidUntil: "2026-08-02"})
}

// recent is the list of last consents.
type recent struct {
	list []*consent.Consent
	err  error
}

func (r *recent) Recent(_ context.Context, limit int) ([]*consent.Consent, error) {
	return r.list[:min(limit, len(r.list))], r.err
}

// made is a consent of a TPP that was made at the start of the test.
func made(t *testing.T, tpp, name string) *consent.Consent {
	t.Helper()
	c, err := consent.DefaultPolicy().New(uuid.MustParse(consentID), consent.Draft{
		Kind: consent.AccountAccess, TPP: tpp, TPPName: name, Recurring: true, FrequencyPerDay: 4,
		Access: consent.Access{Scope: consent.ScopeBankOffered}, ValidUntil: consent.Date{Year: 2026, Month: 8, Day: 2},
	}, consent.Cause{By: consent.ByTPP}, start())
	require.NoError(t, err)
	return c
}

// users gives opaque ids.
type users struct{}

func (users) UserID(_ context.Context, psu string) (string, error) { return "user of " + psu, nil }
