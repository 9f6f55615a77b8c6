package xs2a_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"consentd/internal/api/xs2a"
	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service/consents"
	"consentd/internal/service/funds"
	"consentd/internal/service/ledger"
	"consentd/internal/service/sca"
	"consentd/internal/tpp"
	"consentd/pkg/client"
	wire "consentd/pkg/xs2a"
	"consentd/test/contract"
)

const (
	ibanLea  = "FR7617515000920400430518020"
	ibanLea2 = "FR7617515000920400430518117"
	ibanAnna = "DE40100100103307118608"

	requestID = "99391c7e-ad88-49ec-a2ad-99ddcb1f7721"
)

// world is the dialect on a real server, over use cases whose store is a map.
type world struct {
	handler *xs2a.Handler
	store   *store
	walks   *walks
	reads   *reads
	sound   func(consent.Operation) error // of who has the data; nil: a gateway asks
	log     *bytes.Buffer
	url     string
	http    *http.Client
	clock   time.Time
}

// change alters the handler before it is mounted.
type change func(*xs2a.Handler)

// setup starts a server; every exchange is held against openapi/xs2a.yaml.
func setup(t *testing.T, changes ...change) *world {
	t.Helper()
	w := newWorld()
	for _, c := range changes {
		c(w.handler)
	}
	w.handler.Consents.Policy = w.handler.Policy
	w.serve(t)
	return w
}

// newWorld wires the handler and starts nothing.
func newWorld() *world {
	w := &world{store: newStore(), log: &bytes.Buffer{}}
	w.walks = &walks{store: w.store, standing: sca.Standing{Status: consent.ScaFinalised}}
	w.reads = &reads{}
	w.clock = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	policy := consent.DefaultPolicy()
	now := func() time.Time { return w.clock }
	keys, err := secret.New(make([]byte, secret.MasterSize))
	if err != nil {
		panic(err) // of that length it never fails
	}
	w.handler = &xs2a.Handler{
		Consents: &consents.Consents{Store: w.store, Runs: &runs{}, Keys: keys, Policy: policy, Now: now},
		Walks:    w.walks,
		Reads:    w.reads,
		Funds:    &funds.Funds{Store: w.store, Bank: w.store, Now: now},
		Ledger:   &ledger.Ledger{Store: w.store, Keys: keys, Now: now, Zone: time.UTC},
		Callers:  byHeader{},
		Policy:   policy,
		Now:      now,
		Options:  xs2a.DefaultOptions(),
		Links:    xs2a.Links{BaseURL: func(*http.Request) string { return "https://bank.example" }},
		Log:      slog.New(slog.NewJSONHandler(w.log, nil)),
	}
	return w
}

// serve starts a server, and a client that checks every exchange.
func (w *world) serve(t *testing.T) {
	t.Helper()
	e := echo.New()
	w.handler.Mount(e)
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	w.url = server.URL
	described := description(t)
	described.LaxRequests = w.handler.Options.LenientDates
	w.http = &http.Client{
		Transport:     &contract.Transport{Base: server.Client().Transport, Validators: []*contract.Validator{&described}, T: t},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

var loaded struct {
	once      sync.Once
	validator *contract.Validator
}

// description is openapi/xs2a.yaml, read once: it takes longer than most tests.
func description(t *testing.T) contract.Validator {
	t.Helper()
	loaded.once.Do(func() { loaded.validator = contract.Load(t, "xs2a") })
	return *loaded.validator
}

// demo is the client of the TPP of that name.
func (w *world) demo(t *testing.T) *client.Client {
	t.Helper()
	c, err := client.New(w.url, client.WithHTTPClient(w.http), client.WithSandboxTPP("demo"))
	require.NoError(t, err)
	return c
}

// answer is a response that has been read.
type answer struct {
	status int
	header http.Header
	body   string
}

// messages are the faults of an answer in application/json, as "CODE path".
func (a answer) messages(t *testing.T) []string {
	t.Helper()
	var e wire.Error
	require.NoError(t, json.Unmarshal([]byte(a.body), &e), a.body)
	var all []string
	for _, m := range e.TPPMessages {
		require.Equal(t, wire.CategoryError, m.Category)
		require.NotEmpty(t, m.Text)
		all = append(all, strings.TrimSpace(string(m.Code)+" "+m.Path))
	}
	return all
}

// with changes a header of a request; a value "-" takes it away.
type with map[string]string

// send sends a request with the headers that every call needs.
func (w *world) send(t *testing.T, method, path, body string, headers with) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.url+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("X-Request-ID", requestID)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range headers {
		req.Header.Set(name, value)
		if value == "-" {
			req.Header.Del(name)
		}
	}
	return w.do(t, req)
}

func (w *world) do(t *testing.T, req *http.Request) answer {
	t.Helper()
	res, err := w.http.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	read, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return answer{status: res.StatusCode, header: res.Header, body: string(read)}
}

// create sends a POST /v1/consents whose headers are right but for those given.
func (w *world) create(t *testing.T, body string, headers with) answer {
	t.Helper()
	all := with{"PSU-IP-Address": "192.0.2.7", "TPP-Redirect-URI": "https://tpp.example/back"}
	maps.Copy(all, headers)
	return w.send(t, http.MethodPost, "/v1/consents", body, all)
}

// consentBody is a request for this access that is right otherwise.
func consentBody(access string) string {
	return `{"access":` + access + `,"recurringIndicator":true,"validUntil":"2026-04-01","frequencyPerDay":4}`
}

// bankOffered is the shortest good body.
var bankOffered = consentBody(`{"balances":[]}`)

// created makes a consent of the TPP demo and returns its id.
func (w *world) created(t *testing.T, access string) string {
	t.Helper()
	a := w.create(t, consentBody(access), nil)
	require.Equal(t, http.StatusCreated, a.status, a.body)
	var c wire.ConsentsResponse
	require.NoError(t, json.Unmarshal([]byte(a.body), &c))
	return c.ConsentID
}

// byHeader tells TPPs apart as the sandbox does; "nobody" cannot be told.
type byHeader struct{}

func (byHeader) Identify(r *http.Request) (tpp.TPP, error) {
	switch name := r.Header.Get("X-Sandbox-TPP"); name {
	case "":
		return tpp.TPP{ID: "demo", Name: "Demo", Roles: tpp.Roles()}, nil
	case "nobody":
		return tpp.TPP{}, consent.E(consent.CodeCertificateMissing, "a client certificate is required")
	default:
		return tpp.TPP{ID: name, Name: name, Roles: tpp.Roles()}, nil
	}
}

// edit changes a stored consent behind the dialect's back.
func (s *store) edit(t *testing.T, id string, change func(*consent.Consent)) {
	t.Helper()
	_, err := s.Update(t.Context(), uuid.MustParse(id), func(c *consent.Consent) error {
		change(c)
		return nil
	})
	require.NoError(t, err)
}
