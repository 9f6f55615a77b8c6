package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/stretchr/testify/require"

	"consentd/pkg/client"
	"consentd/pkg/httpsig"
)

// registers has the back office set acme up as a client, and returns it over mutual
// TLS.
func (s *trusted) registers() *oauthTPP {
	s.t.Helper()
	const back = "https://www.acme.example/cb"
	dir, _ := s.kit(s.ca, nil, nil)
	kit, err := client.LoadKit(dir)
	require.NoError(s.t, err)
	pem, err := os.ReadFile(filepath.Join(dir, "qseal.pem"))
	require.NoError(s.t, err)
	body, err := json.Marshal(map[string][]string{"redirectUris": {back}, "sealCertificates": {string(pem)}})
	require.NoError(s.t, err)
	status, answer := s.bank(http.MethodPut, "/aspsp/v1/tpps/"+url.PathEscape(acme)+"/client", s.backOffice, string(body))
	require.Equal(s.t, http.StatusOK, status, answer)
	transport := &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: kit.Roots, Certificates: []tls.Certificate{kit.QWAC}}}
	s.t.Cleanup(transport.CloseIdleConnections)
	signer := kit.Signer()
	return &oauthTPP{
		program: s.program, name: "acme", id: "PSDDE-BAFIN-125314", base: configured(s.url("tpp")), login: configured(s.url("psu")), back: back,
		calls: s.described(transport), shows: kit.QWAC.Certificate[0], seal: httpsig.NewSTETSigner(signer.Certificate, signer.Key, "https://www.acme.example/qseal"),
	}
}

// configured is an address as the configuration has it, from which that of others is
// derived.
func configured(address string) string { return strings.Replace(address, "localhost", "127.0.0.1", 1) }

// ends ends, as a page of the bank does for LEA, all that acme has of hers, and returns
// how many consents that were.
func (s *trusted) ends(pages string) int {
	s.t.Helper()
	status, answer := s.bank(http.MethodGet, "/aspsp/v1/consents?psu=lea&status=valid&tpp="+url.QueryEscape(acme), pages, "")
	require.Equal(s.t, http.StatusOK, status, answer)
	var list struct {
		Consents []given `json:"consents"`
	}
	require.NoError(s.t, json.Unmarshal([]byte(answer), &list))
	for _, one := range list.Consents {
		status, answer = s.bank(http.MethodPut, "/aspsp/v1/consents/"+one.ConsentID+"/revocation", pages, `{"psu":"lea"}`)
		require.Equal(s.t, http.StatusOK, status, answer)
	}
	return len(list.Consents)
}

// TestOAuthServe: on the production program browsers and TPPs call at different
// addresses, TPPs over mutual TLS, and sign what they ask for in STET's way.
func TestOAuthServe(t *testing.T) {
	s := trusting(t, "oauth: {server: own}", "stet: {enabled: true}")
	c := s.registers()
	said := c.metadata(c.base + "/.well-known/oauth-authorization-server")
	require.Equal(t, []any{c.login, c.login + authorizePath, c.base + tokenPath},
		[]any{said["issuer"], said["authorization_endpoint"], said["token_endpoint"]})
	for address, want := range map[string]int{
		c.login + authorizePath: http.StatusNotFound, c.login + "/.well-known/oauth-authorization-server": http.StatusOK,
		c.login + tokenPath: http.StatusNotFound, s.url("ops") + authorizePath: http.StatusNotFound, s.url("bank") + tokenPath: http.StatusNotFound,
	} {
		require.Equal(t, want, get(t, address), address)
	}
	res, err := c.calls.Transport.RoundTrip(must(http.NewRequestWithContext(t.Context(), http.MethodGet, c.base+"/sca/x", http.NoBody)))
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusNotFound, res.StatusCode)

	first := c.ask("scope", "aisp pisp") // the bank has not seen its certificate yet
	require.Contains(t, first.body, c.id)
	first.agrees("lea", "")
	first.follow()
	c.bad(c.redeems(first.answer().Get("code"), first), http.StatusBadRequest, "invalid_scope")
	c.ask("scope", "pisp").refused("invalid_scope")

	g := c.connects()
	c.sees(g.Access, bare(leasFirst, leasSecond))
	c.forwards(g.Access)
	c.sees(g.Access, opened{leasFirst: {"balances"}})
	unsigned := c.dialect(map[string]string{lea: g.Access})
	unsigned.run(headed(reads(lea, "/accounts", http.StatusBadRequest), "Signature", ""))
	require.NotEmpty(t, c.post(introspectPath, "token", g.Access).Bound.Thumbprint)

	pages := s.token("sca")
	require.Positive(t, s.ends(pages))
	c.opens(g.Access, http.StatusUnauthorized)
	c.bad(c.refreshes(g.Refresh), http.StatusBadRequest, "invalid_grant")
	c.ask("redirect_uri", "https://www.acme.example/cb2").at("problem", http.StatusBadRequest)
	c.sees(c.connects().Access, bare(leasFirst, leasSecond))
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// The bank's own server.
const (
	banksIssuer   = "https://login.bank.example"
	banksAudience = "https://api.bank.example"
)

// banksServer is an OAuth2 server of the bank's own, as far as it goes here: its keys,
// and what it says of tokens.
type banksServer struct {
	t   *testing.T
	key *ecdsa.PrivateKey
	web *httptest.Server

	mu    sync.Mutex
	alive map[string]map[string]any // what it says of opaque tokens
	asked int
}

func newBanksServer(t *testing.T) *banksServer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	b := &banksServer{t: t, key: key, alive: map[string]map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(b.keys()) })
	mux.HandleFunc("POST /introspect", b.introspect)
	b.web = httptest.NewServer(mux)
	t.Cleanup(b.web.Close)
	return b
}

// keys is the JWKS.
func (b *banksServer) keys() []byte {
	key := must(jwk.Import(b.key.Public()))
	for name, value := range map[string]any{jwk.KeyIDKey: "one", jwk.KeyUsageKey: "sig"} {
		if err := key.Set(name, value); err != nil {
			panic(err)
		}
	}
	return must(json.Marshal(map[string]any{"keys": []any{key}}))
}

func (b *banksServer) introspect(w http.ResponseWriter, r *http.Request) {
	name, password, _ := r.BasicAuth()
	if name != "consentd" || password != "secret" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	said := map[string]any{"active": false}
	if claims, ok := b.alive[r.PostFormValue("token")]; ok {
		said = maps.Clone(claims)
		said["active"] = true
	}
	_ = json.NewEncoder(w).Encode(said)
}

// claims are those of a good token for acme in LEA's name, issued now.
func (b *banksServer) claims(changes map[string]any) map[string]any {
	now := float64(time.Now().UnixMicro()) / 1e6
	claims := map[string]any{
		"iss": banksIssuer, "aud": banksAudience, "sub": "lea", "client_id": "PSDDE-BAFIN-125314", "scope": "aisp",
		"iat": now, "exp": now + 600, "auth_time": now - 5,
	}
	maps.Copy(claims, changes)
	return claims
}

// signs makes a JWT.
func (b *banksServer) signs(by *ecdsa.PrivateKey, changes map[string]any) string {
	b.t.Helper()
	headers := jws.NewHeaders()
	require.NoError(b.t, headers.Set(jws.TypeKey, "at+jwt"))
	require.NoError(b.t, headers.Set(jws.KeyIDKey, "one"))
	token, err := jws.Sign(must(json.Marshal(b.claims(changes))), jws.WithKey(jwa.ES256(), by, jws.WithProtectedHeaders(headers)))
	require.NoError(b.t, err)
	return string(token)
}

// TestOutsideTokens: tokens of the bank's own server, judged by its keys, from a file
// or from its address.
func TestOutsideTokens(t *testing.T) {
	b := newBanksServer(t)
	file := filepath.Join(t.TempDir(), "jwks.json")
	require.NoError(t, os.WriteFile(file, b.keys(), 0o600))
	for name, source := range map[string]string{"file": "jwksFile: " + file, "address": "jwksUrl: " + b.web.URL + "/jwks"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			outsideTokens(t, trusting(t, "oauth: {server: outside, outside: {issuer: "+banksIssuer+", audience: ["+banksAudience+"], "+source+"}}",
				"stet: {enabled: true}"), b)
		})
	}
}

func outsideTokens(t *testing.T, s *trusted, b *banksServer) {
	t.Helper()
	c := s.registers()
	mine := func(changes map[string]any) string { return b.signs(b.key, changes) }
	token := mine(nil)
	c.sees(token, bare(leasFirst, leasSecond))
	c.forwards(token)
	c.sees(token, opened{leasFirst: {"balances"}})
	another, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	hour := float64(time.Now().Unix()) - 3600
	for name, bad := range map[string]string{
		"another's key": b.signs(another, nil), "another issuer": mine(map[string]any{"iss": "https://evil.example"}),
		"another audience": mine(map[string]any{"aud": "https://shop.example"}), "another TPP": mine(map[string]any{"client_id": "PSDDE-BAFIN-1"}),
		"over": mine(map[string]any{"exp": hour}), "a PSU whom nobody knows": mine(map[string]any{"sub": "nobody"}),
		"bound to another certificate": mine(map[string]any{"cnf": map[string]any{"x5t#S256": base64.RawURLEncoding.EncodeToString(make([]byte, 32))}}),
		"an old authentication":        mine(map[string]any{"auth_time": hour - 181*24*3600}),
		"no token":                     "x",
	} {
		t.Log(name)
		c.opens(bad, http.StatusUnauthorized)
	}
	c.opens(mine(map[string]any{"scope": "cbpii"}), http.StatusForbidden)
	c.opens(mine(map[string]any{"cnf": map[string]any{"x5t#S256": c.thumbprint()}}), http.StatusOK)
	require.Equal(t, http.StatusNotFound, get(t, c.login+authorizePath), "there is no server of ours")

	before := mine(nil)
	require.Equal(t, 1, s.ends(s.token("sca")))
	for _, old := range []string{token, before} {
		c.opens(old, http.StatusUnauthorized)
	}
	c.sees(mine(nil), bare(leasFirst, leasSecond))
	c.forwards(mine(nil))
	c.sees(mine(nil), opened{leasFirst: {"balances"}})
	c.opens(before, http.StatusUnauthorized)
}

// TestOutsideIntrospection: tokens of the bank's own server, for which it is asked each
// time: what it ends opens nothing, and so does what ends here.
func TestOutsideIntrospection(t *testing.T) {
	b := newBanksServer(t)
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("secret\n"), 0o600))
	s := trusting(t, "oauth: {server: outside, outside: {introspectionUrl: "+b.web.URL+"/introspect, clientId: consentd, clientSecretFile: "+secret+", keep: 0s}}",
		"stet: {enabled: true}")
	c := s.registers()
	says := func(token string, claims map[string]any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.alive[token] = claims; claims == nil {
			delete(b.alive, token)
		}
	}
	says("first", b.claims(nil))
	says("second", b.claims(nil))
	says("foreign", b.claims(map[string]any{"client_id": "PSDDE-BAFIN-1"}))
	c.opens("nobody's", http.StatusUnauthorized)
	c.opens("foreign", http.StatusUnauthorized)
	c.forwards("first")
	c.sees("second", opened{leasFirst: {"balances"}})
	says("first", nil)
	c.opens("first", http.StatusUnauthorized)
	c.sees("second", opened{leasFirst: {"balances"}})
	require.Equal(t, 1, s.ends(s.token("sca")))
	c.opens("second", http.StatusUnauthorized)
	says("third", b.claims(nil))
	c.sees("third", bare(leasFirst, leasSecond))
	b.web.Close()
	c.opens("third", http.StatusServiceUnavailable)
}
