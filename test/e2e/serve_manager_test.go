package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"
	"github.com/stretchr/testify/require"

	"consentd/internal/parties"
	"consentd/test/contract"
)

// session is the bank's own, in which a customer is logged in to its app.
type session struct {
	t   *testing.T
	key jwk.Key
}

func newSession(t *testing.T) session {
	t.Helper()
	raw, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	key, err := jwk.Import(raw)
	require.NoError(t, err)
	require.NoError(t, jwk.AssignKeyID(key))
	return session{t, key}
}

// keys is a file with the public one.
func (s session) keys() string {
	s.t.Helper()
	public, err := jwk.PublicKeyOf(s.key)
	require.NoError(s.t, err)
	set := jwk.NewSet()
	require.NoError(s.t, set.AddKey(public))
	text, err := json.Marshal(set)
	require.NoError(s.t, err)
	return saved(s.t, "session-keys.json", text)
}

// token says who is logged in.
func (s session) token(psu string) string {
	s.t.Helper()
	claims, err := jwt.NewBuilder().Audience([]string{"consentd"}).Expiration(time.Now().Add(5*time.Minute)).Claim("psu", psu).Build()
	require.NoError(s.t, err)
	signed, err := jwt.Sign(claims, jwt.WithKey(jwa.ES256(), s.key))
	require.NoError(s.t, err)
	return string(signed)
}

func saved(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

// TestServeManager is the Consent Manager as a bank runs it: each audience on its own
// listener, TPPs as the hub names them, users as the bank's session asserts them, and
// customers on pages of ours.
func TestServeManager(t *testing.T) {
	private, _, err := parties.Generate()
	require.NoError(t, err)
	lea := newSession(t)
	s := trusting(t, "manager: {enabled: true, userTokensFile: "+lea.keys()+", paymentKeysFile: "+saved(t, "payment-keys.json", private)+"}",
		"dashboard: {enabled: true}")
	p := *s.program
	p.base = s.url("bank")
	p.http = &http.Client{Transport: &contract.Transport{Base: http.DefaultTransport, T: t, Validators: []*contract.Validator{contract.Manager(t)}}}
	hub := bankCaller{program: &p, token: s.token("hub")}

	request := s.sharing("", "ReadAccountsBasic", "ReadBalances")
	tpp := request["tpp"]
	delete(request, "tpp")
	hub.do(http.MethodPost, "/consents", request).fails(http.StatusBadRequest, "Body.InvalidFormat")
	request["tpp"] = tpp
	id, _ := hub.staged(request)
	user := hub.get("/users?psu=lea").text("data.userId")
	hub.patch(id, map[string]any{
		"status": "Authorized", "psuIdentifiers": map[string]any{"userId": user}, "accountIds": []string{"r1"}, "authorizationChannel": "App",
	}).is(http.StatusNoContent)

	list := func(token string, headers ...string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.base+"/consent-manager/psu/"+user+"/consents", nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		for i := 0; i < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		res, err := p.http.Do(req)
		require.NoError(t, err)
		drained(t, res)
		return res.StatusCode
	}
	pages := s.token("dashboard")
	require.Equal(t, http.StatusOK, list(pages, "X-User-Token", lea.token("lea")))
	require.Equal(t, http.StatusForbidden, list(pages, "X-User-Token", lea.token("anna")), "somebody else's")
	require.Equal(t, http.StatusUnauthorized, list(pages, "X-User-Token", newSession(t).token("lea")), "of another issuer")
	require.Equal(t, http.StatusUnauthorized, list(pages, "X-User-Id", user), "no token asserts it")
	require.Equal(t, http.StatusUnauthorized, list(pages, "X-Sandbox-User", user), "a sandbox's")
	require.Equal(t, http.StatusForbidden, list(s.read))

	for front, paths := range map[string][]string{
		"psu":  {"/consent-manager/consents", "/sandbox/pages", "/back-office", "/sandbox/idp/jwks"},
		"bank": {"/psu/consents", "/sandbox/pages", "/sandbox/payment-key", "/back-office"},
	} {
		for _, path := range paths {
			require.Equal(t, http.StatusNotFound, get(t, s.url(front)+path), front+path)
		}
	}
	u := s.browses(strings.Replace(s.url("psu"), "localhost", "127.0.0.1", 1) + "/psu/consents") // its public address
	u.at("login", http.StatusOK)
	u.send("psuId=lea", "password=sandbox")
	u.at("factor", http.StatusOK)
	u.send("otp=" + s.code("lea"))
	u.goesOn()
	u.at("consents", http.StatusOK)
	require.Contains(t, u.body, "Pearl Wallet")
}

// browses opens a page without a screen, and goes where it leads.
func (s *trusted) browses(link string) *psu {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(s.t, err)
	u := &psu{program: s.program, link: link, jar: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}}
	u.look()
	u.goesOn()
	return u
}

// goesOn goes where the last answer leads, as long as it leads anywhere.
func (u *psu) goesOn() {
	u.t.Helper()
	for u.status == http.StatusSeeOther {
		here, err := url.Parse(u.link)
		require.NoError(u.t, err)
		to, err := here.Parse(u.to)
		require.NoError(u.t, err)
		u.link = to.String()
		u.look()
	}
}
