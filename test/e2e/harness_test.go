package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"consentd/internal/app"
	"consentd/pkg/client"
	"consentd/pkg/xs2a"
	"consentd/test/contract"
	"consentd/test/pgtest"
)

// program is a running sandbox and a TPP who calls it.
type program struct {
	t    *testing.T
	base string
	// secure is the listener that asks for certificates.
	secure string
	path   string // before every path of the XS2A interface
	tpp    *client.Client
	http   *http.Client // checks every exchange against openapi/
	log    *bytes.Buffer
	// greeting is what the program printed at its start.
	greeting string
}

// start runs the sandbox in this process on an engine, on a free port.
func start(t *testing.T, engine string, edit ...func(*app.SandboxOptions)) *program {
	t.Helper()
	o := app.SandboxOptions{Listen: "127.0.0.1:0", TLSListen: "127.0.0.1:0", Data: t.TempDir()}
	if engine == "postgres" {
		o.Database = pgtest.DSN(t)
	}
	for _, e := range edit {
		e(&o)
	}
	p := &program{t: t, log: &bytes.Buffer{}}
	// The test's own context ends before its cleanups, and so before the browser
	// that still looks at this server.
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	a, err := app.NewSandbox(ctx, o, slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	p.base, p.secure, p.path, p.greeting = a.URL("sandbox"), a.URL("sandbox-tls"), o.BasePath, a.Greeting()
	described, data := contract.Load(t, "xs2a"), contract.Load(t, "accounts")
	described.BasePath, data.BasePath = o.BasePath, o.BasePath
	p.http = &http.Client{
		Transport: &contract.Transport{
			Base: http.DefaultTransport, T: t,
			Validators: []*contract.Validator{described, data, contract.Load(t, "aspsp"), contract.Manager(t)},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	p.tpp = p.as("demo")
	return p
}

// each runs a test on both engines, at the same time: much of it is waiting.
func each(t *testing.T, test func(t *testing.T, p *program), edit ...func(*app.SandboxOptions)) {
	t.Helper()
	for _, engine := range pgtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, start(t, engine, edit...))
		})
	}
}

// as is a client of one of the sandbox's TPPs.
func (p *program) as(tpp string, more ...client.Option) *client.Client {
	p.t.Helper()
	options := append([]client.Option{client.WithHTTPClient(p.http), client.WithSandboxTPP(tpp)}, more...)
	c, err := client.New(p.base+p.path, options...)
	require.NoError(p.t, err)
	return c
}

// options are the headers of a consent whose PSU comes back to the sandbox.
func (p *program) options() client.CreateOptions {
	return client.CreateOptions{
		PSUIPAddress: "192.0.2.7", RedirectURI: p.base + "/sandbox/return", NokRedirectURI: p.base + "/sandbox/return/nok",
	}
}

// today is the sandbox's date, days later.
func (p *program) today(days int) string {
	p.t.Helper()
	var clock struct {
		Now string `json:"now"`
	}
	p.call(http.MethodGet, "/sandbox/clock", nil, &clock)
	return addDays(p.t, clock.Now, days)
}

// call uses one of the sandbox's own calls.
func (p *program) call(method, path string, in, out any) {
	p.t.Helper()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		require.NoError(p.t, err)
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.base+path, body)
	require.NoError(p.t, err)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	res, err := p.http.Do(req)
	require.NoError(p.t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(p.t, err)
	require.Less(p.t, res.StatusCode, 300, "%s %s: %s", method, path, b)
	if out != nil {
		require.NoError(p.t, json.Unmarshal(b, out))
	}
}

// advance turns the sandbox's clock forward.
func (p *program) advance(by string) {
	p.t.Helper()
	p.call(http.MethodPut, "/sandbox/clock", map[string]string{"advance": by}, nil)
}

// code is the last code that came to a persona's phone.
func (p *program) code(psu string) string {
	p.t.Helper()
	var phone struct {
		Messages []struct{ Code string } `json:"messages"`
	}
	p.call(http.MethodGet, "/sandbox/psus/"+psu+"/phone", nil, &phone)
	require.NotEmpty(p.t, phone.Messages)
	return phone.Messages[len(phone.Messages)-1].Code
}

// alone matches six digits that are a code, not those that a longer number or an
// id holds by chance.
func alone(code string) string { return `(^|[^0-9a-f])` + code + `([^0-9a-f]|$)` }

// psu is a browser without a screen: it keeps cookies, reads a page's form and
// sends it back as a browser would.
type psu struct {
	*program
	jar    *http.Client
	link   string
	status int
	page   string // data-page
	form   url.Values
	to     string // where the last answer led, when it left the bank
	body   string
}

// open follows a scaRedirect link.
func (p *program) open(link string) *psu {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(p.t, err)
	u := &psu{program: p, link: link, jar: &http.Client{Jar: jar, CheckRedirect: p.http.CheckRedirect}}
	u.look()
	return u
}

func (u *psu) look() {
	u.t.Helper()
	req, err := http.NewRequestWithContext(u.t.Context(), http.MethodGet, u.link, nil)
	require.NoError(u.t, err)
	u.do(req)
}

// send answers the page with what it asks for; name=value pairs replace the
// form's own.
func (u *psu) send(pairs ...string) {
	u.t.Helper()
	form := url.Values{}
	maps.Copy(form, u.form)
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		form[name] = nil
		if value != "" {
			form[name] = strings.Split(value, ",")
		}
	}
	req, err := http.NewRequestWithContext(u.t.Context(), http.MethodPost, u.link, strings.NewReader(form.Encode()))
	require.NoError(u.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	u.do(req)
}

func (u *psu) do(req *http.Request) {
	u.t.Helper()
	res, err := u.jar.Do(req)
	require.NoError(u.t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(u.t, err)
	u.status, u.body, u.to, u.page, u.form = res.StatusCode, string(b), res.Header.Get("Location"), "", url.Values{}
	doc, err := html.Parse(strings.NewReader(u.body))
	require.NoError(u.t, err)
	for n := range doc.Descendants() {
		switch {
		case n.Data == "main":
			u.page = attr(n, "data-page")
		case n.Data == "input" && attr(n, "name") != "" && chosen(n):
			u.form.Set(attr(n, "name"), attr(n, "value"))
		}
	}
}

// chosen reports whether a form takes an input along: of boxes and radio
// buttons, those that are checked.
func chosen(n *html.Node) bool {
	kind := attr(n, "type")
	return kind != "checkbox" && kind != "radio" || slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "checked" })
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// at asserts which page stands, with which status.
func (u *psu) at(page string, status int) {
	u.t.Helper()
	require.Equal(u.t, []any{page, status}, []any{u.page, u.status}, u.body)
}

// authorise walks a link to its end; accounts are chosen where the page asks.
func (p *program) authorise(link, who, accounts string) *psu {
	p.t.Helper()
	u := p.open(link)
	u.at("login", http.StatusOK)
	u.send("psuId="+who, "password=sandbox")
	if u.page == "accounts" {
		u.send("account=" + accounts)
	}
	u.at("consent", http.StatusOK)
	u.agree()
	u.send("otp=" + p.code(who))
	require.Equal(p.t, http.StatusSeeOther, u.status, u.body)
	return u
}

// agree approves what is read on the page, and takes the first method where the
// PSU has several.
func (u *psu) agree() {
	u.t.Helper()
	u.send("decision=approve")
	u.at("factor", http.StatusOK)
	if u.form.Has("method") {
		u.send()
		u.at("factor", http.StatusOK)
	}
}

// offered is a recurring bank-offered consent to balances and transactions.
func (p *program) offered() xs2a.ConsentsRequest {
	none := []xs2a.AccountReference{}
	return xs2a.ConsentsRequest{
		Access:             xs2a.AccountAccess{Balances: none, Transactions: none},
		RecurringIndicator: true, ValidUntil: p.today(60), FrequencyPerDay: 4,
	}
}

// create makes a consent and returns its id and its scaRedirect link.
func (p *program) create(c *client.Client, body xs2a.ConsentsRequest) (id, link string) {
	p.t.Helper()
	res, _, err := c.CreateConsent(p.t.Context(), body, p.options())
	require.NoError(p.t, err)
	return res.ConsentID, res.Links["scaRedirect"].Href
}

func (p *program) status(c *client.Client, id string) string {
	p.t.Helper()
	res, _, err := c.ConsentStatus(p.t.Context(), id)
	require.NoError(p.t, err)
	return string(res.ConsentStatus)
}
