package office_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/sandbox/idp"
	"consentd/internal/secret"
	service "consentd/internal/service/office"
	"consentd/internal/staff"
	"consentd/internal/web/office"
)

var (
	noon  = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	lea   = uuid.MustParse("0d4b6f2c-1111-4222-8333-444455556666")
	owner = uuid.MustParse("0d4b6f2c-7777-4222-8333-444455556666")
	r1    = uuid.MustParse("0d4b6f2c-8888-4222-8333-444455556666")
	one   = uuid.MustParse("0195508a-3a00-7000-8000-000000000001")
	wish  = uuid.MustParse("0195508a-3a00-7000-8000-0000000000aa")
)

// desk is an Office that answers as it is told, and remembers what it was asked.
type desk struct {
	mu        sync.Mutex
	causes    []consent.Cause
	queries   []service.Query
	acts      []service.Act
	decisions []service.State
	found     service.Found
	detail    service.Detail
	open      []service.Proposal
	outcome   service.Outcome
	count     int
	fails     error
}

func (d *desk) note(cause consent.Cause) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.causes = append(d.causes, cause)
}

func (d *desk) Search(_ context.Context, cause consent.Cause, q service.Query) (*service.Found, error) {
	d.note(cause)
	d.queries = append(d.queries, q)
	return &d.found, d.fails
}

func (d *desk) User(_ context.Context, cause consent.Cause, psu string) (uuid.UUID, error) {
	d.note(cause)
	if d.fails == nil && psu != "psu-lea" && psu != lea.String() {
		return uuid.Nil, consent.E(consent.CodeNotFound, "the bank knows no such PSU")
	}
	return lea, d.fails
}

func (d *desk) Get(_ context.Context, cause consent.Cause, id uuid.UUID) (*service.Detail, error) {
	d.note(cause)
	if d.fails == nil && id != one {
		return nil, consent.E(consent.CodeNotFound, "there is no consent %s", id)
	}
	return &d.detail, d.fails
}

func (d *desk) Looked(_ context.Context, cause consent.Cause, _ string) error {
	d.note(cause)
	return d.fails
}

func (d *desk) Preview(_ context.Context, cause consent.Cause, _ service.Act) (int, error) {
	d.note(cause)
	return d.count, d.fails
}

func (d *desk) Do(_ context.Context, cause consent.Cause, a service.Act) (service.Outcome, error) {
	d.note(cause)
	d.acts = append(d.acts, a)
	return d.outcome, d.fails
}

func (d *desk) Open(context.Context) ([]service.Proposal, error) { return d.open, d.fails }

func (d *desk) Decide(_ context.Context, cause consent.Cause, id uuid.UUID, how service.State) (*service.Proposal, error) {
	d.note(cause)
	d.decisions = append(d.decisions, how)
	return &service.Proposal{ID: id, Act: service.Act{Verb: service.Revoke}, State: how, Done: 7}, d.fails
}

// sample is a consent that has something of everything, and of TPPs who would do harm.
func sample() service.Detail {
	c := &consent.Consent{
		ID: one, GroupID: one, Kind: consent.AccountAccess, Rail: consent.RailXS2A, TPP: "PSDDE-BAFIN-1", TPPName: `<script>alert(1)</script> & Söhne`,
		Customer: owner, Status: consent.Valid, StatusChangedAt: noon, CreatedAt: noon, LastSCA: noon, EndsAt: noon.AddDate(0, 3, 0),
		Recurring: true, FrequencyPerDay: 4, Version: 2,
		Access: consent.Access{
			Scope:  consent.ScopeDedicated,
			Grants: []consent.Grant{{AccountID: r1, Rights: consent.RightAccounts | consent.RightBalances, Reference: consent.Reference{IBAN: "DE40100100103307118608", Currency: "EUR"}}},
		},
		Authorisations: []consent.Authorisation{{ID: uuid.New(), PSU: lea, Status: consent.ScaFinalised, ChangedAt: noon}},
	}
	return service.Detail{
		Seen: service.Seen{Consent: c, BankIDs: map[uuid.UUID]string{lea: "psu-lea", owner: "customer-lea", r1: "r1"}},
		Entries: []consent.Entry{
			{Seq: 1, At: noon, Cause: consent.Cause{By: consent.ByTPP, Who: "PSDDE-BAFIN-1", RequestID: uuid.NewString()}, To: "received"},
			{Seq: 2, At: noon, Cause: consent.Cause{By: consent.ByPSU, Who: lea.String()}, From: "received", To: "valid"},
			{Seq: 3, At: noon, Cause: consent.Cause{By: consent.ByASPSP, Who: "staff/sam"}, From: "valid", To: "suspended", Reason: "suspectedFraud", Operation: "case <b>17</b>; confirmed by staff/kim"},
			{Seq: 4, At: noon, Cause: consent.Cause{By: consent.ByASPSP, Who: "token/1"}, From: "suspended", To: "suspended", Reason: string(consent.ReasonAmended), Operation: "ConnectToken"},
		},
	}
}

// world is a server with the pages and a provider.
type world struct {
	t     *testing.T
	url   string
	desk  *desk
	pages *office.Pages
	now   *time.Time
	log   *bytes.Buffer
	echo  *echo.Echo
	dial  http.RoundTripper // of the browsers
}

func setup(t *testing.T, change ...func(*office.Pages)) *world {
	t.Helper()
	return setupWith(t, func(*staff.Config) {}, change...)
}

// setupWith is setup with another way to log in.
func setupWith(t *testing.T, login func(*staff.Config), change ...func(*office.Pages)) *world {
	t.Helper()
	w := &world{t: t, desk: &desk{detail: sample()}, now: new(time.Time), log: &bytes.Buffer{}}
	w.desk.found = service.Found{Consents: []service.Seen{w.desk.detail.Seen}, Total: 1, PSU: "psu-lea", User: lea}
	*w.now = noon
	log := slog.New(slog.NewTextHandler(w.log, nil))
	clock := func() time.Time { return *w.now }
	keys, err := secret.New(secret.NewMaster())
	require.NoError(t, err)
	provider, err := idp.New("", clock, log)
	require.NoError(t, err)
	cfg := staff.Config{
		ClientID: idp.ClientID, ClientSecret: idp.ClientSecret, Here: provider.Here, HTTP: provider.Client(), Keys: keys, Now: clock,
		Groups: map[staff.Role][]string{staff.Care: {"care"}, staff.Supervisor: {"supervisors"}, staff.Auditor: {"auditors"}},
	}
	login(&cfg)
	people, err := staff.New(cfg)
	require.NoError(t, err)
	w.pages = &office.Pages{Office: w.desk, Staff: people, Log: log}
	for _, f := range change {
		f(w.pages)
	}
	e := echo.New()
	w.pages.Mount(e)
	e.Any(idp.Path+"/*", echo.WrapHandler(provider))
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	w.url, w.echo = server.URL, e
	return w
}

// overTLS has the browsers come over https from now on.
func (w *world) overTLS() {
	server := httptest.NewTLSServer(w.echo)
	w.t.Cleanup(server.Close)
	w.url, w.dial = server.URL, server.Client().Transport
}

// answer is a page that a browser has got.
type answer struct {
	status int
	path   string // where it ended up
	body   string
	header http.Header
}

// browser is one with its cookies.
type browser struct {
	*world

	client *http.Client
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(w.t, err)
	return &browser{w, &http.Client{Jar: jar, Transport: w.dial}}
}

// as is a browser in which one of the staff has logged in.
func (w *world) as(person string) *browser {
	b := w.browser()
	got := b.get("/back-office")
	require.Equal(w.t, http.StatusOK, got.status)
	require.Contains(w.t, got.path, idp.Path+"/authorize")
	got = b.post(idp.Path+"/authorize", fields(got.body, "person", person))
	require.Equal(w.t, http.StatusOK, got.status, got.body)
	require.Equal(w.t, "/back-office", got.path)
	return b
}

func (b *browser) get(path string) answer {
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.url+path, http.NoBody)
	require.NoError(b.t, err)
	return b.do(r)
}

func (b *browser) post(path string, form url.Values, header ...string) answer {
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.url+path, bytes.NewBufferString(form.Encode()))
	require.NoError(b.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return b.do(r)
}

func (b *browser) do(r *http.Request) answer {
	res, err := b.client.Do(r)
	require.NoError(b.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(b.t, err)
	return answer{res.StatusCode, res.Request.URL.RequestURI(), string(body), res.Header}
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

// fields are the hidden ones of a page's forms, with more.
func fields(page string, more ...string) url.Values {
	form := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(page, -1) {
		form.Set(m[1], unescape(m[2]))
	}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form
}
