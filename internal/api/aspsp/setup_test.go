package aspsp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"consentd/internal/api/aspsp"
	"consentd/internal/bankauth"
	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/ledger"
	"consentd/internal/service/register"
	"consentd/test/contract"
)

const (
	requestID = "99391c7e-ad88-49ec-a2ad-99ddcb1f7721"
	acme      = "DE-BAFIN:PSDDE-BAFIN-125314"
	slashed   = "FR-ACPR:PSDFR-ACPR-12/34%5 é"
)

var start = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// world is the interface on a real server, over a register in a map.
type world struct {
	register *tpps
	consents *desk
	walks    *walks
	decider  *decider
	handler  *aspsp.Handler
	tokens   *shown
	dialect  *dialect
	ledger   *pages
	echo     *echo.Echo
	log      *bytes.Buffer
	url      string
	http     *http.Client
	now      time.Time
}

// setup starts a server; every exchange is held against openapi/aspsp.yaml.
func setup(t *testing.T) *world {
	t.Helper()
	w := quiet()
	server := httptest.NewServer(w.echo)
	t.Cleanup(server.Close)
	w.url = server.URL
	w.http = &http.Client{Transport: &contract.Transport{
		Base: server.Client().Transport, Validators: []*contract.Validator{description(t)}, T: t,
	}}
	return w
}

// quiet is the interface without a server.
func quiet() *world {
	w := &world{register: newTPPs(), consents: &desk{}, walks: &walks{}, decider: &decider{}, ledger: &pages{}, log: &bytes.Buffer{}, now: start}
	log := slog.New(slog.NewTextHandler(w.log, nil))
	now := func() time.Time { return w.now }
	w.dialect, w.tokens = &dialect{}, &shown{}
	h := &aspsp.Handler{
		Access: w.decider, Dialect: w.dialect, Tokens: w.tokens, CertificateHeader: "ssl-client-cert", Ledger: w.ledger,
		Register: w.register, Consents: w.consents, Authorisations: w.walks, Callbacks: w.walks, Now: now, Log: log,
		Gate: &bankauth.Gate{Callers: bankauth.Fixed{
			"desk":  {ID: "token/1", Name: "Desk", Role: service.BackOffice},
			"page":  {ID: "token/3", Name: "Page", Role: service.SCA},
			"board": {ID: "token/2", Name: "Board", Role: service.Dashboard},
			"core":  {ID: "token/4", Name: "Core", Role: service.ResourceServer},
		}, Ledger: deaf{}, Log: log},
	}
	e := echo.New()
	e.HTTPErrorHandler = h.HTTPError
	e.Pre(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			switch c.Request().Header.Get("X-Test-Fail") {
			case "413":
				return echo.ErrStatusRequestEntityTooLarge
			case "guard":
				return consent.At(consent.CodeBlocked, "Header.Host", "not under this name")
			default:
				return next(c)
			}
		}
	})
	h.Mount(e)
	w.handler, w.echo = h, e
	return w
}

type deaf struct{}

func (deaf) Refused(context.Context, ledger.Refusal, *consent.Receipt) error { return nil }

var loaded struct {
	once      sync.Once
	validator *contract.Validator
}

// description is openapi/aspsp.yaml, read once.
func description(t *testing.T) *contract.Validator {
	t.Helper()
	loaded.once.Do(func() { loaded.validator = contract.Load(t, "aspsp") })
	return loaded.validator
}

// answer is a response that has been read.
type answer struct {
	status int
	header http.Header
	body   string
}

// places are the faults of a problem, as "path: text".
func (a answer) places(t *testing.T) []string {
	t.Helper()
	var p struct {
		Errors []struct{ Path, Text string }
	}
	require.NoError(t, json.Unmarshal([]byte(a.body), &p), a.body)
	var all []string
	for _, e := range p.Errors {
		all = append(all, e.Path+": "+e.Text)
	}
	return all
}

// code is that of a problem.
func (a answer) code(t *testing.T) string {
	t.Helper()
	require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
	var p struct{ Code string }
	require.NoError(t, json.Unmarshal([]byte(a.body), &p), a.body)
	return p.Code
}

// with changes a header of a request; a value "-" takes it away.
type with map[string]string

// send sends a request of the back office.
func (w *world) send(t *testing.T, method, path, body string, headers with) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.url+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer desk")
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
	res, err := w.http.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	read, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return answer{status: res.StatusCode, header: res.Header, body: string(read)}
}

// serve answers a call of the resource server without a network between, in ctx.
func (w *world) serve(ctx context.Context, method, path, body string) {
	r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer core")
	r.Header.Set("Content-Type", "application/json")
	w.echo.ServeHTTP(httptest.NewRecorder(), r)
}

// tpps is a register in a map. It remembers how it was called.
type tpps struct {
	all     map[string]*register.TPP
	filters []register.Filter
	causes  []consent.Cause
	blocks  []register.Block
	clients []register.Client
	fails   error
	panics  bool
	ended   error // of the context of a change
}

func newTPPs() *tpps {
	r := &tpps{all: map[string]*register.TPP{}}
	for _, id := range []string{acme, "LT-BL:PSDLT-BL-7", slashed} {
		nca, organisation, _ := strings.Cut(id, ":")
		r.all[id] = &register.TPP{
			ID: id, Name: "TPP " + id, Organisation: organisation, NCAID: nca, NCAName: "NCA " + nca,
			Roles: []string{"PSP_AI"}, Certificate: strings.Repeat("0a", 32),
			FirstSeen: start.Add(-time.Hour), CertificateSeen: start.Add(-time.Minute),
		}
	}
	return r
}

func (r *tpps) List(_ context.Context, f register.Filter) ([]register.TPP, error) {
	r.filters = append(r.filters, f)
	var found []register.TPP
	for id, t := range r.all {
		if id > f.After && strings.Contains(id, f.Text) && (f.Blocked == nil || *f.Blocked == (t.Block != nil)) {
			found = append(found, *t)
		}
	}
	slices.SortFunc(found, func(a, b register.TPP) int { return strings.Compare(a.ID, b.ID) })
	return found[:min(len(found), f.Limit)], r.fails
}

func (r *tpps) Get(_ context.Context, id string) (*register.TPP, error) {
	if r.panics {
		panic("secret")
	}
	if r.fails != nil {
		return nil, r.fails
	}
	t, ok := r.all[id]
	if !ok {
		return nil, consent.E(consent.CodeNotFound, "no such TPP")
	}
	return t, nil
}

func (r *tpps) Block(ctx context.Context, cause consent.Cause, id string, b register.Block) (*register.TPP, int, error) {
	r.causes, r.blocks = append(r.causes, cause), append(r.blocks, b)
	r.ended = errors.Join(r.ended, ctx.Err())
	t, ok := r.all[id]
	if !ok {
		t = &register.TPP{ID: id}
		r.all[id] = t
	}
	b.At, b.By = start, cause.Who
	t.Block = &b
	return t, 3, r.fails
}

func (r *tpps) SetClient(_ context.Context, cause consent.Cause, id string, c register.Client) (*register.TPP, error) {
	r.causes, r.clients = append(r.causes, cause), append(r.clients, c)
	t, ok := r.all[id]
	if !ok {
		t = &register.TPP{ID: id}
		r.all[id] = t
	}
	t.RedirectURIs, t.Seals = c.RedirectURIs, c.Seals
	return t, r.fails
}

func (r *tpps) Unblock(ctx context.Context, cause consent.Cause, id string) (*register.TPP, error) {
	t, err := r.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	r.causes = append(r.causes, cause)
	t.Block = nil
	return t, nil
}
