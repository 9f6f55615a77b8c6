package oauth_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/oauth"
	"consentd/internal/service/connections"
	"consentd/internal/tpp"
	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
)

const (
	outsideIssuer   = "https://login.bank.example"
	outsideAudience = "https://api.bank.example"
	outsideTPP      = "FR-ACPR:PSDFR-ACPR-13807"
	outsideOrg      = "PSDFR-ACPR-13807"

	outsideRequestID = "99391c7e-ad88-49ec-a2ad-99ddcb1f7721"
)

// outsideStart is when these tests take place.
var outsideStart = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// Keys are slow to make.
var (
	outsideRSA   = sync.OnceValue(func() *rsa.PrivateKey { return outsideMust(rsa.GenerateKey(rand.Reader, 2048)) })
	outsideEC    = sync.OnceValue(func() *ecdsa.PrivateKey { return outsideMust(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	outsideEC384 = sync.OnceValue(func() *ecdsa.PrivateKey { return outsideMust(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) })
	outsideCert  = sync.OnceValue(func() *eidas.Certificate { return outsideCertificate("Acme Money") })
	outsideOther = sync.OnceValue(func() *eidas.Certificate { return outsideCertificate("Acme Money, renewed") })
)

func outsideMust[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func outsideCertificate(name string) *eidas.Certificate {
	ca := outsideMust(issue.New("Example Trust Services", outsideStart.AddDate(-5, 0, 0), outsideStart.AddDate(20, 0, 0)))
	issued := outsideMust(ca.Issue(issue.Order{
		Type: eidas.Web, Name: name, Organisation: outsideOrg, NCAID: "FR-ACPR", NCAName: "ACPR",
		Roles: []eidas.Role{eidas.RoleAI}, Domains: []string{"acme.example"}, Key: outsideEC(),
		NotBefore: outsideStart.AddDate(0, -1, 0), NotAfter: outsideStart.AddDate(1, 0, 0),
	}))
	return outsideMust(eidas.Parse(issued.Certificate))
}

// outsideCaller is the TPP that calls.
func outsideCaller() tpp.TPP { return tpp.TPP{ID: outsideTPP, Certificate: outsideCert()} }

// outsideCall is how the caller stands in the audit.
func outsideCall() consent.Cause {
	return consent.Cause{By: consent.ByTPP, Who: outsideTPP, Certificate: outsideCaller().Fingerprint(), RequestID: outsideRequestID}
}

// outsideThumbprint is x5t#S256 of a certificate.
func outsideThumbprint(c *eidas.Certificate) string {
	sum := sha256.Sum256(c.X509.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// outsideClock is a clock that tests turn.
type outsideClock struct{ at atomic.Int64 }

func (c *outsideClock) now() time.Time          { return time.UnixMicro(c.at.Load()).UTC() }
func (c *outsideClock) advance(d time.Duration) { c.at.Add(d.Microseconds()) }

// outsideGate is connections.Connections as far as it goes here: it notes what it is told.
type outsideGate struct {
	mu     sync.Mutex
	claims []connections.Claims
	err    error
}

// Outside implements oauth.OutsideConnections.
func (g *outsideGate) Outside(_ context.Context, c connections.Claims) (connections.Principal, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.claims = append(g.claims, c)
	return connections.Principal{TPP: c.TPP, PSUID: c.PSU}, g.err
}

// outsideBundle is the bank's server, and what judges its tokens.
type outsideBundle struct {
	clock   outsideClock
	gate    outsideGate
	options oauth.OutsideOptions

	mu     sync.Mutex
	answer http.HandlerFunc // of the bank's server
	asked  int              // how often it was
	server *httptest.Server
}

func outsideSetup(t *testing.T) *outsideBundle {
	t.Helper()
	b := &outsideBundle{}
	b.clock.at.Store(outsideStart.UnixMicro())
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		b.asked++
		answer := b.answer
		b.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(b.server.Close)
	b.options = oauth.OutsideOptions{
		Issuer: outsideIssuer, Audience: []string{outsideAudience}, Leeway: oauth.DefaultOutsideLeeway,
		CustomerClaim: "customer", Timeout: 5 * time.Second, HTTP: b.server.Client(),
	}
	return b
}

// byKeys judges by the keys that the server publishes.
func (b *outsideBundle) byKeys(t *testing.T, keys ...map[string]any) *oauth.Outside {
	t.Helper()
	b.options.JWKS = &oauth.OutsideJWKS{URL: b.server.URL + "/jwks"}
	b.publish(t, keys...)
	return b.outside(t)
}

func (b *outsideBundle) outside(t *testing.T) *oauth.Outside {
	t.Helper()
	o, err := oauth.NewOutside(b.options, &b.gate, b.clock.now)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, o.Close(context.WithoutCancel(t.Context()))) })
	return o
}

func (b *outsideBundle) publish(t *testing.T, keys ...map[string]any) {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"keys": keys})
	require.NoError(t, err)
	b.answers(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(raw) })
}

func (b *outsideBundle) answers(with http.HandlerFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = with
}

func (b *outsideBundle) calls() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked
}

// told is what the gate was told last.
func (b *outsideBundle) told(t *testing.T) connections.Claims {
	t.Helper()
	b.gate.mu.Lock()
	defer b.gate.mu.Unlock()
	require.NotEmpty(t, b.gate.claims)
	return b.gate.claims[len(b.gate.claims)-1]
}

// outsidePublic is a JWK as a server publishes it, but for what change says.
func outsidePublic(t *testing.T, id string, key crypto.Signer, change map[string]any) map[string]any {
	t.Helper()
	imported, err := jwk.Import(key.Public())
	require.NoError(t, err)
	raw, err := json.Marshal(imported)
	require.NoError(t, err)
	members := map[string]any{}
	require.NoError(t, json.Unmarshal(raw, &members))
	members["kid"], members["use"] = id, "sig"
	return outsideChanged(members, change)
}

// outsideChanged is a copy of members with others; nil takes one out.
func outsideChanged(members, change map[string]any) map[string]any {
	members = maps.Clone(members)
	for name, value := range change {
		if members[name] = value; value == nil {
			delete(members, name)
		}
	}
	return members
}

// outsideSound are the claims of a good token.
func outsideSound() map[string]any {
	return map[string]any{
		"iss": outsideIssuer, "aud": outsideAudience, "sub": "lea", "client_id": outsideOrg, "scope": "aisp extended_transaction_history",
		"iat": outsideStart.Add(-time.Minute).Unix(), "exp": outsideStart.Add(9 * time.Minute).Unix(), "jti": "1",
	}
}

// outsideSigning says how a token is signed.
type outsideSigning struct {
	algorithm jwa.SignatureAlgorithm
	key       any
	header    map[string]any
}

// outsideByRSA is how most tokens are signed here.
func outsideByRSA() outsideSigning {
	return outsideSigning{jwa.RS256(), outsideRSA(), map[string]any{"kid": "a", "typ": "at+jwt"}}
}

func outsideSign(t *testing.T, s outsideSigning, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	require.NoError(t, err)
	return outsideSignText(t, s, payload)
}

func outsideSignText(t *testing.T, s outsideSigning, payload []byte) string {
	t.Helper()
	headers := jws.NewHeaders()
	for name, value := range s.header {
		require.NoError(t, headers.Set(name, value))
	}
	token, err := jws.Sign(payload, jws.WithKey(s.algorithm, s.key, jws.WithProtectedHeaders(headers)))
	require.NoError(t, err)
	return string(token)
}

// outsideRequest brings a token.
func outsideRequest(token string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/accounts", http.NoBody)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("X-Request-ID", outsideRequestID)
	return r
}
