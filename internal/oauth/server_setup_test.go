package oauth_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/oauth"
	"consentd/internal/secret"
	"consentd/internal/service"
	"consentd/internal/service/connections"
	"consentd/internal/service/consents"
	"consentd/internal/service/register"
	"consentd/internal/service/sca"
	"consentd/internal/storage"
	"consentd/internal/tpp"
	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
	flow "consentd/pkg/sca"
	"consentd/test/dbtest"
	"consentd/test/pgtest"
)

const (
	issuer   = "https://login.bank.example"
	tppBase  = "https://xs2a.bank.example"
	redirect = "https://acme.example/cb?x=1"
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // of RFC 7636, appendix B
	proof    = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	acmeOrg  = "PSDFR-ACPR-13807"
	betaOrg  = "PSDFR-ACPR-99999"
	lea      = "lea"             // the browser of the PSU, and their password
	kept     = http.StatusTeapot // how a page is answered here that is shown instead of a way back
)

// begin is when these tests take place: long ago, so that the machine's clock shows.
var begin = time.Date(2021, 5, 4, 12, 0, 0, 0, time.UTC)

// trip is a flow that asks once: who says a name is that person.
type trip struct{}

// Start implements flow.Flow.
func (trip) Start(context.Context, flow.Request) (flow.Step, error) {
	return flow.Step{Outcome: flow.Prompt, State: []byte("one"), Fields: []flow.Field{{Name: "psuId", Kind: flow.Text}}}, nil
}

// Continue implements flow.Flow.
func (trip) Continue(_ context.Context, _ flow.Request, _ []byte, in flow.Input) (flow.Step, error) {
	return flow.Step{Outcome: flow.Done, PSU: in.Fields["psuId"]}, nil
}

// bank knows everybody, with an account each; ceo and cfo sign for the firm together.
type bank struct{}

// List implements service.Accounts.
func (bank) List(_ context.Context, customer string) ([]service.Account, error) {
	return []service.Account{{ID: customer + "-1", Reference: consent.Reference{IBAN: "FR00" + strings.ToUpper(customer), Currency: "EUR"}}}, nil
}

// Resolve implements service.Accounts.
func (b bank) Resolve(ctx context.Context, customer string, _ consent.Reference) ([]service.Account, error) {
	return b.List(ctx, customer)
}

// Customers implements service.Signers.
func (bank) Customers(_ context.Context, psu string) ([]service.Customer, error) {
	switch psu {
	case "nobody":
		return nil, service.ErrUnknownPSU
	case "ceo", "cfo":
		return []service.Customer{{ID: "firm", Name: "The Firm"}}, nil
	}
	return []service.Customer{{ID: psu, Name: psu}}, nil
}

// Signers implements service.Signers.
func (bank) Signers(_ context.Context, customer string) ([]string, error) {
	if customer == "firm" {
		return []string{"ceo", "cfo"}, nil
	}
	return []string{customer}, nil
}

// bench is a server over a fresh store, with TPPs that call it.
type bench struct {
	t          *testing.T
	db         *storage.DB
	keys       *secret.Keys
	clock      atomic.Int64 // microseconds since the beginning
	server     *oauth.Server
	own        oauth.Own
	walks      *sca.Dispatcher
	register   *register.Register
	echo       *echo.Echo
	ca         *issue.Authority
	acme, beta *issue.Issued
	problems   []string // the pages that were shown instead of a way back
	notes      []string // of the last call
}

func (b *bench) now() time.Time          { return begin.Add(time.Duration(b.clock.Load()) * time.Microsecond) }
func (b *bench) advance(d time.Duration) { b.clock.Add(d.Microseconds()) }

func eachEngine(t *testing.T, test func(t *testing.T, b *bench)) {
	t.Helper()
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) { test(t, newBench(t, engine)) })
	}
}

func newBench(t *testing.T, engine string) *bench {
	t.Helper()
	b := &bench{t: t}
	b.open(engine)
	policy := consent.DefaultPolicy()
	policy.MaxFailures = 0 // lea logs in many times here, by a flow without a factor to prove
	log := slog.New(slog.DiscardHandler)
	b.walks = &sca.Dispatcher{
		Store: b.db, Guesses: b.db, Identities: b.db, Accounts: bank{}, Signers: bank{}, Keys: b.keys,
		Flows:  map[string]flow.Flow{"trip": trip{}},
		Serves: map[consent.Approach]string{consent.Redirect: "trip"},
		Policy: policy, Now: b.now, Log: log,
	}
	b.register = &register.Register{Store: b.db, Now: b.now, Log: log}
	b.ca = outsideMust(issue.New("Example Trust Services", begin.AddDate(-5, 0, 0), begin.AddDate(20, 0, 0)))
	b.acme, b.beta = b.certify(acmeOrg, eidas.RoleAI, eidas.RolePI), b.certify(betaOrg, eidas.RoleAI)
	b.server = &oauth.Server{
		Store: b.db, Runs: b.db, Clients: b.register, Identities: b.db, Signers: bank{}, Keys: b.keys, Policy: policy, Now: b.now, Log: log,
		Consents: &consents.Consents{Store: b.db, Runs: b.walks, Keys: b.keys, Policy: policy, Now: b.now},
		Callers: &tpp.Certificates{
			Verifier: eidas.NewVerifier(eidas.Options{Anchors: eidas.NewAnchors(b.ca.Certificate()), Now: b.now}), Register: b.register,
		},
		Options:  oauth.Options{Issuer: always(issuer), TokenURL: always(tppBase)},
		Page:     func(_ *http.Request, handle string) string { return "/sca/" + handle },
		OwnPages: b.walks.OwnPages,
		Problem: func(c echo.Context, err error) error {
			b.problems = append(b.problems, string(consent.CodeOf(err)))
			return c.String(kept, "problem")
		},
	}
	b.own = oauth.Own{Connections: &connections.Connections{Bearers: b.db.Bearers(), Policy: policy, Now: b.now}}
	b.echo = echo.New()
	b.server.MountBrowser(b.echo)
	b.server.MountTPP(b.echo)
	for _, who := range []*issue.Issued{b.acme, b.beta} {
		cert, err := eidas.Parse(who.Certificate)
		require.NoError(t, err)
		b.introspect(who, "unknown") // the first call enters it
		_, err = b.register.SetClient(t.Context(), consent.Cause{By: consent.ByASPSP}, cert.ID(), register.Client{RedirectURIs: []string{redirect}})
		require.NoError(t, err)
	}
	return b
}

func always(text string) func(*http.Request) string {
	return func(*http.Request) string { return text }
}

func (b *bench) open(engine string) {
	b.t.Helper()
	b.db, b.keys = dbtest.Open(b.t, engine, b.now)
}

// certify issues a certificate for a year from now.
func (b *bench) certify(org string, roles ...eidas.Role) *issue.Issued {
	b.t.Helper()
	issued, err := b.ca.Issue(issue.Order{
		Type: eidas.Web, Name: "Acme Money", Organisation: org, NCAID: "FR-ACPR", NCAName: "ACPR", Roles: roles,
		Domains: []string{"acme.example"}, Key: outsideEC(), NotBefore: b.now().AddDate(0, 0, -1), NotAfter: b.now().AddDate(1, 0, 0),
	})
	require.NoError(b.t, err)
	return issued
}

func (b *bench) callerOf(who *issue.Issued) tpp.TPP {
	b.t.Helper()
	cert, err := eidas.Parse(who.Certificate)
	require.NoError(b.t, err)
	return tpp.TPP{ID: cert.ID(), Name: cert.Name, Certificate: cert, Roles: cert.Roles}
}

// do sends a request, and keeps the notes of it.
func (b *bench) do(r *http.Request) *httptest.ResponseRecorder {
	b.t.Helper()
	ctx, notes := explain.Listen(r.Context())
	rec := httptest.NewRecorder()
	b.echo.ServeHTTP(rec, r.WithContext(ctx))
	b.notes = notes.Lines()
	return rec
}

// request are the parameters of a good authorization request, but for what changes say.
func request(changes ...string) url.Values {
	params := url.Values{
		"response_type": {"code"}, "client_id": {acmeOrg}, "redirect_uri": {redirect}, "scope": {"aisp"}, "state": {"xyz"},
		"code_challenge": {proof}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(changes); i += 2 {
		params.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			params.Del(changes[i])
		}
	}
	return params
}

func (b *bench) authorize(params url.Values) *httptest.ResponseRecorder {
	b.t.Helper()
	return b.do(httptest.NewRequest(http.MethodGet, oauth.PathAuthorize+"?"+params.Encode(), nil))
}

// handle begins an authorization request, and returns by what its pages are reached.
func (b *bench) handle(params url.Values) string {
	b.t.Helper()
	rec := b.authorize(params)
	require.Equal(b.t, http.StatusSeeOther, rec.Code, rec.Body.String())
	handle, ok := strings.CutPrefix(rec.Header().Get("Location"), "/sca/")
	require.True(b.t, ok, rec.Header().Get("Location"))
	return handle
}

// agree lets a PSU walk through the pages in a browser, and returns where they lead.
func (b *bench) agree(handle, psu string) string {
	b.t.Helper()
	v, err := b.walks.Open(b.t.Context(), handle, sca.Visitor{Browser: lea})
	require.NoError(b.t, err)
	require.Equal(b.t, sca.PageLogin, v.Page)
	v, err = b.walks.Answer(b.t.Context(), handle, sca.Visitor{Browser: lea}, sca.Answer{Fields: map[string]string{"psuId": psu}})
	require.NoError(b.t, err)
	require.Equal(b.t, sca.PageConsent, v.Page)
	v, err = b.walks.Answer(b.t.Context(), handle, sca.Visitor{Browser: lea}, sca.Answer{Approve: true})
	require.NoError(b.t, err)
	require.Equal(b.t, sca.PageEnded, v.Page)
	return v.ReturnTo
}

// comeBack follows the pages back to the server, in a browser.
func (b *bench) comeBack(address, browser string) *httptest.ResponseRecorder {
	b.t.Helper()
	path, ok := strings.CutPrefix(address, issuer)
	require.True(b.t, ok, address)
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if browser != "" {
		r.AddCookie(&http.Cookie{Name: "__Host-consentd-browser", Value: browser})
	}
	return b.do(r)
}

// sent is what the TPP is told with the browser.
func (b *bench) sent(rec *httptest.ResponseRecorder) url.Values {
	b.t.Helper()
	require.Equal(b.t, http.StatusSeeOther, rec.Code, rec.Body.String())
	require.Equal(b.t, "no-referrer", rec.Header().Get("Referrer-Policy"))
	u, err := url.Parse(rec.Header().Get("Location"))
	require.NoError(b.t, err)
	require.Equal(b.t, "https://acme.example/cb", u.Scheme+"://"+u.Host+u.Path)
	q := u.Query()
	require.Equal(b.t, []string{"1", issuer}, []string{q.Get("x"), q.Get("iss")})
	return q
}

// codeFor is the code of a PSU who agrees.
func (b *bench) codeFor(psu string, changes ...string) string {
	b.t.Helper()
	q := b.sent(b.comeBack(b.agree(b.handle(request(changes...)), psu), lea))
	require.Equal(b.t, "xyz", q.Get("state"))
	require.NotEmpty(b.t, q.Get("code"), q)
	return q.Get("code")
}

// said is the answer to a TPP.
type said struct {
	status  int
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Type    string `json:"token_type"`
	Expires int    `json:"expires_in"`
	Scope   string `json:"scope"`
	Error   string `json:"error"`
	Text    string `json:"error_description"`
	Active  bool   `json:"active"`
	Exp     int64  `json:"exp"`
	Client  string `json:"client_id"`
	Sub     string `json:"sub"`
	CNF     struct {
		Thumbprint string `json:"x5t#S256"`
	} `json:"cnf"`
}

// call sends a form, over mutual TLS where there is a certificate.
func (b *bench) call(who *issue.Issued, path string, form url.Values) said {
	b.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if who != nil {
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{who.Certificate}}
	}
	rec := b.do(r)
	s := said{status: rec.Code}
	if rec.Body.Len() > 0 {
		require.NoError(b.t, json.Unmarshal(rec.Body.Bytes(), &s), rec.Body.String())
	}
	require.Contains(b.t, rec.Header().Get("Cache-Control"), "no-store")
	return s
}

func form(who string, pairs ...string) url.Values {
	v := url.Values{"client_id": {who}}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

func byCode(code string) url.Values {
	return form(acmeOrg, "grant_type", "authorization_code", "code", code, "redirect_uri", redirect, "code_verifier", verifier)
}

func byRefresh(token string, more ...string) url.Values {
	return form(acmeOrg, append([]string{"grant_type", "refresh_token", "refresh_token", token}, more...)...)
}

// tokens are those of a PSU who agrees.
func (b *bench) tokens(psu string, changes ...string) said {
	b.t.Helper()
	got := b.call(b.acme, oauth.PathToken, byCode(b.codeFor(psu, changes...)))
	require.Equal(b.t, http.StatusOK, got.status, fmt.Sprint(got.Error, got.Text, b.notes))
	return got
}

func (b *bench) introspect(who *issue.Issued, token string) said {
	b.t.Helper()
	got := b.call(who, oauth.PathIntrospect, form(b.callerOf(who).Certificate.Organisation, "token", token))
	require.Equal(b.t, http.StatusOK, got.status, got.Text)
	return got
}

// use brings an access token to the bank's services.
func (b *bench) use(who *issue.Issued, token string) (connections.Principal, error) {
	b.t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/accounts", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	caller := tpp.TPP{ID: "FR-ACPR:" + acmeOrg}
	if who != nil {
		caller = b.callerOf(who)
	}
	return b.own.Bearer(r, caller)
}

// grant is what an access token rests on.
func (b *bench) grant(token string) *consent.Consent {
	b.t.Helper()
	p, err := b.use(b.acme, token)
	require.NoError(b.t, err)
	return b.get(p.Grant)
}

func (b *bench) get(id uuid.UUID) *consent.Consent {
	b.t.Helper()
	c, err := b.db.Get(b.t.Context(), id)
	require.NoError(b.t, err)
	return c
}

// newestConnection is the one that was made last.
func (b *bench) newestConnection() *consent.Consent {
	b.t.Helper()
	recent, err := b.db.Recent(b.t.Context(), 1)
	require.NoError(b.t, err)
	require.Len(b.t, recent, 1)
	return recent[0]
}

func thumbprintOf(who *issue.Issued) string {
	sum := sha256.Sum256(who.Certificate.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
