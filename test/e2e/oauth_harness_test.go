package e2e

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"consentd/pkg/httpsig"
	"consentd/pkg/stet"
	"consentd/test/contract"
)

// Where a TPP's client of OAuth2 calls.
const (
	authorizePath, tokenPath   = "/oauth2/authorize", "/oauth2/token"
	revokePath, introspectPath = "/oauth2/revoke", "/oauth2/introspect"
)

// oauthTPP is a TPP of the sandbox's that connects PSUs, over plain http or mutual TLS.
type oauthTPP struct {
	*program

	name  string // of the sandbox's
	id    string // client_id
	base  string // of the listener that it calls
	login string // of the one that browsers call, and the issuer
	back  string // redirect_uri
	calls *http.Client
	shows []byte          // its certificate, as DER; nil for none
	seal  *httpsig.Signer // of the STET dialect; nil for the sandbox's own
}

// connecting is a TPP over plain http: whatever it gets is bound to nothing.
func (p *program) connecting(name string) *oauthTPP {
	p.t.Helper()
	return &oauthTPP{
		program: p, name: name, id: "PSDXX-SANDBOX-" + strings.ToUpper(name), base: p.base, login: p.base, back: p.base + "/sandbox/return",
		calls: p.described(http.DefaultTransport),
	}
}

// certified is a TPP over mutual TLS.
func (p *program) certified(name string) *oauthTPP {
	p.t.Helper()
	var kit struct {
		QWAC struct {
			Certificate string `json:"certificate"`
			PrivateKey  string `json:"privateKey"`
		} `json:"qwac"`
		CA string `json:"ca"`
	}
	p.call(http.MethodGet, "/sandbox/tpps/"+name, nil, &kit)
	pair, err := tls.X509KeyPair([]byte(kit.QWAC.Certificate), []byte(kit.QWAC.PrivateKey))
	require.NoError(p.t, err)
	roots := x509.NewCertPool()
	require.True(p.t, roots.AppendCertsFromPEM([]byte(kit.CA)))
	transport := &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, Certificates: []tls.Certificate{pair}}}
	p.t.Cleanup(transport.CloseIdleConnections)
	c := p.connecting(name)
	c.base, c.calls, c.shows = p.secure, p.described(transport), pair.Certificate[0]
	return c
}

// described is a client whose every exchange is held against the descriptions of
// OAuth2 and STET.
func (p *program) described(base http.RoundTripper) *http.Client {
	p.t.Helper()
	dialect := contract.Load(p.t, "stet")
	dialect.BasePath = stet.BasePath
	return &http.Client{
		Transport:     &contract.Transport{Base: base, T: p.t, Validators: []*contract.Validator{contract.Load(p.t, "oauth"), dialect}},
		CheckRedirect: p.http.CheckRedirect,
	}
}

// thumbprint is x5t#S256 of the certificate that the client shows.
func (c *oauthTPP) thumbprint() string {
	sum := sha256.Sum256(c.shows)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// asking is an authorization request under way, and the browser that makes it.
type asking struct {
	*psu

	tpp             *oauthTPP
	verifier, state string
	asked           string // the address of the request
}

// ask sends a PSU's browser with a request; changes are pairs of a parameter and its
// value, which is left out where it is empty.
func (c *oauthTPP) ask(changes ...string) *asking {
	c.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(c.t, err)
	a := &asking{tpp: c, verifier: rand.Text() + rand.Text(), state: rand.Text()}
	sum := sha256.Sum256([]byte(a.verifier))
	q := url.Values{
		"response_type": {"code"}, "client_id": {c.id}, "redirect_uri": {c.back}, "scope": {"aisp"}, "state": {a.state},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(changes); i += 2 {
		if q.Del(changes[i]); changes[i+1] != "" {
			q.Set(changes[i], changes[i+1])
		}
	}
	described := *c.described(http.DefaultTransport)
	described.Jar = jar
	a.psu = &psu{program: c.program, jar: &described, link: c.login + authorizePath + "?" + q.Encode()}
	a.asked = a.link
	a.look()
	a.jar = &http.Client{Jar: jar, CheckRedirect: c.http.CheckRedirect} // the pages are in no description
	if strings.HasPrefix(a.to, c.login+"/sca/") {
		require.Equal(c.t, http.StatusSeeOther, a.status)
		a.follow()
		a.at("login", http.StatusOK)
	}
	return a
}

// follow goes where the last answer led.
func (u *psu) follow() {
	u.t.Helper()
	u.link = u.to
	u.look()
}

// agrees walks the pages to their end, and stands before the callback. Accounts are
// chosen where the page asks.
func (a *asking) agrees(who, accounts string) {
	a.t.Helper()
	a.send("psuId="+who, "password=sandbox")
	if a.page == "accounts" {
		a.send("account=" + accounts)
	}
	a.at("consent", http.StatusOK)
	a.agree()
	a.send("otp=" + a.code(who))
	a.leads()
}

// leads asserts that the pages sent the browser to the callback.
func (a *asking) leads() {
	a.t.Helper()
	require.Equal(a.t, http.StatusSeeOther, a.status, a.body)
	require.True(a.t, strings.HasPrefix(a.to, a.tpp.login+authorizePath+"/"), a.to)
}

// onward is where the button of a page leads.
var onward = regexp.MustCompile(`class="button" href="([^"]+)"`)

// leaves goes where the page's button leads: to the callback.
func (a *asking) leaves() {
	a.t.Helper()
	found := onward.FindStringSubmatch(a.body)
	require.Len(a.t, found, 2, a.body)
	a.to = html.UnescapeString(found[1])
	require.True(a.t, strings.HasPrefix(a.to, a.tpp.login+authorizePath+"/"), a.to)
	a.follow()
}

// answer is what came back to the TPP, whose redirect_uri it is, with its state and who
// answers (RFC 9207).
func (a *asking) answer() url.Values {
	a.t.Helper()
	require.Equal(a.t, http.StatusSeeOther, a.status, a.body)
	back, q, _ := strings.Cut(a.to, "?")
	require.Equal(a.t, a.tpp.back, back)
	said, err := url.ParseQuery(q)
	require.NoError(a.t, err)
	require.Equal(a.t, []string{a.state}, said["state"])
	require.Equal(a.t, []string{a.tpp.login}, said["iss"])
	return said
}

// refused asserts that the browser came back without a code.
func (a *asking) refused(why string) {
	a.t.Helper()
	said := a.answer()
	require.Equal(a.t, []string{why, ""}, []string{said.Get("error"), said.Get("code")})
	require.NotEmpty(a.t, said.Get("error_description"))
}

// codeOf lets LEA agree to a request, and returns the code of it.
func (c *oauthTPP) codeOf(changes ...string) (code string, a *asking) {
	c.t.Helper()
	a = c.ask(changes...)
	a.agrees("lea", leasFirst)
	a.follow()
	code = a.answer().Get("code")
	require.NotEmpty(c.t, code)
	return code, a
}

// granted is what a TPP is answered about tokens.
type granted struct {
	Status  int
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Expires int    `json:"expires_in"`
	Scope   string `json:"scope"`
	Error   string `json:"error"`

	Active  bool   `json:"active"`
	Client  string `json:"client_id"`
	Subject string `json:"sub"`
	Bound   struct {
		Thumbprint string `json:"x5t#S256"`
	} `json:"cnf"`
}

// post sends a form; pairs of a parameter and its value follow the path.
func (c *oauthTPP) post(path string, params ...string) granted {
	c.t.Helper()
	form := url.Values{"client_id": {c.id}}
	for i := 0; i < len(params); i += 2 {
		form.Set(params[i], params[i+1])
	}
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.base+path, strings.NewReader(form.Encode()))
	require.NoError(c.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if !strings.HasPrefix(c.base, "https:") {
		r.Header.Set("X-Sandbox-TPP", c.name)
	}
	res, err := c.calls.Do(r)
	require.NoError(c.t, err)
	defer res.Body.Close()
	g := granted{Status: res.StatusCode}
	if res.ContentLength != 0 {
		require.NoError(c.t, json.NewDecoder(res.Body).Decode(&g))
	}
	return g
}

// redeems changes a code for tokens, with whatever else params say.
func (c *oauthTPP) redeems(code string, a *asking, params ...string) granted {
	c.t.Helper()
	return c.post(tokenPath, append([]string{
		"grant_type", "authorization_code", "code", code, "redirect_uri", c.back, "code_verifier", a.verifier,
	}, params...)...)
}

func (c *oauthTPP) refreshes(token string, params ...string) granted {
	c.t.Helper()
	return c.post(tokenPath, append([]string{"grant_type", "refresh_token", "refresh_token", token}, params...)...)
}

// connects is the whole way to tokens for LEA.
func (c *oauthTPP) connects(changes ...string) granted {
	c.t.Helper()
	code, a := c.codeOf(changes...)
	g := c.redeems(code, a)
	c.good(g)
	require.NotEmpty(c.t, g.Refresh)
	return g
}

// good asserts that tokens came.
func (c *oauthTPP) good(g granted) {
	c.t.Helper()
	require.Equal(c.t, []any{http.StatusOK, ""}, []any{g.Status, g.Error})
	require.NotEmpty(c.t, g.Access)
}

// bad asserts a refusal.
func (c *oauthTPP) bad(g granted, status int, why string) {
	c.t.Helper()
	require.Equal(c.t, []any{status, why, "", ""}, []any{g.Status, g.Error, g.Access, g.Refresh})
}

// dialect is the STET interface, called by the client as the TPP of tokens that are
// named: lea@acme.
func (c *oauthTPP) dialect(tokens map[string]string) *stetTPP {
	c.t.Helper()
	s := stetOf(c.program)
	s.base, s.http, s.tokens = c.base+stet.BasePath, c.calls, tokens
	if c.seal != nil {
		s.signers[c.name] = c.seal
	}
	return s
}

// opens asserts with which status GET /accounts is answered to a token.
func (c *oauthTPP) opens(access string, status int) {
	c.t.Helper()
	name := "lea@" + c.name
	c.dialect(map[string]string{name: access}).run(withPSU(reads(name, "/accounts", status)))
}

// forwards a consent to the balances of LEA's first account.
func (c *oauthTPP) forwards(access string) {
	c.t.Helper()
	name := "lea@" + c.name
	c.dialect(map[string]string{name: access}).run(puts(name, document{balances: []string{leasFirst}}, http.StatusCreated))
}

// sees asserts what the list of accounts tells of a token's PSU.
func (c *oauthTPP) sees(access string, accounts opened) {
	c.t.Helper()
	name := "lea@" + c.name
	c.dialect(map[string]string{name: access}).run(withPSU(lists(name, accounts)))
}

// given is a consent as the bank's pages list it.
type given struct {
	ConsentID    string `json:"consentId"`
	ConnectionID string `json:"connectionId"`
	Kind         string `json:"kind"`
	Rail         string `json:"rail"`
	Status       string `json:"status"`
	LastSCA      string `json:"lastScaAt"`
	EndsAt       string `json:"endsAt"`
	ValidUntil   string `json:"validUntil"`
}

// stands lists what LEA has given to the TPP in the STET dialect: of a kind, any where it
// is empty, and in a status. The newest is the first.
func (c *oauthTPP) stands(kind, status string) []given {
	c.t.Helper()
	var list struct {
		Consents []given `json:"consents"`
	}
	at := "/aspsp/v1/consents?psu=lea&tpp=" + url.QueryEscape("XX-SANDBOX:"+c.id)
	stetOf(c.program).asBankPage(http.MethodGet, at, nil, &list)
	return slices.DeleteFunc(list.Consents, func(g given) bool {
		return g.Rail != "stet" || kind != "" && g.Kind != kind || g.Status != status
	})
}

// metadata is what the server says of itself.
func (c *oauthTPP) metadata(link string) map[string]any {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, link, nil)
	require.NoError(c.t, err)
	res, err := c.calls.Do(r)
	require.NoError(c.t, err)
	defer res.Body.Close()
	require.Equal(c.t, http.StatusOK, res.StatusCode)
	said := map[string]any{}
	require.NoError(c.t, json.NewDecoder(res.Body).Decode(&said))
	return said
}

// anonymous calls over TLS without a certificate.
func (p *program) anonymous() *http.Client {
	p.t.Helper()
	status, ca, _ := p.raw(http.MethodGet, p.base+"/sandbox/ca.pem", "")
	require.Equal(p.t, http.StatusOK, status)
	roots := x509.NewCertPool()
	require.True(p.t, roots.AppendCertsFromPEM([]byte(ca)))
	transport := &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}}
	p.t.Cleanup(transport.CloseIdleConnections)
	return p.described(transport)
}
