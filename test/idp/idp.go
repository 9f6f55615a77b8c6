package idp

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"
	"github.com/luikyv/go-oidc/pkg/provider"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"
)

// The authentication context classes that the provider knows, the stronger first.
const (
	Strong = "urn:example:acr:sca"
	Weak   = "urn:example:acr:password"
)

// User is somebody who can log in.
type User struct {
	Password, Subject string
	Claims            map[string]any // more of the ID token
}

// Options are how a provider differs from the usual one.
type Options struct {
	// RedirectURIs are where the browser may be sent back to.
	RedirectURIs []string
	// Users by user name. Nil: lea, password sandbox, subject psu-lea.
	Users map[string]User
	// Anonymous says that the provider leaves out the iss parameter of RFC 9207,
	// and does not promise it.
	Anonymous bool
	// Moved says that the page is at an origin of its own, to which the
	// authorization endpoint redirects.
	Moved bool
	// SecretInBody says that the client's secret comes with the form, not in a header.
	SecretInBody bool
}

// Provider is one that runs until the end of the test.
type Provider struct {
	Issuer, ClientID, ClientSecret string
	// Page is the origin of the log-in page: the issuer's, unless it is Moved.
	Page string

	options   Options
	stopped   chan struct{}
	exchanges atomic.Int64
	lookUps   atomic.Int64

	mu     sync.Mutex
	defect Defect
	acr    string
	age    time.Duration
	key    goidc.JSONWebKey
	forged goidc.JSONWebKey
	turns  int
}

// Start starts a provider.
func Start(t testing.TB, options Options) *Provider {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	if options.Users == nil {
		options.Users = map[string]User{"lea": {Password: "sandbox", Subject: "psu-lea"}}
	}
	p := &Provider{
		Issuer: "http://" + server.Listener.Addr().String(), ClientID: "consentd", ClientSecret: "a-secret-between-us",
		options: options, stopped: make(chan struct{}),
	}
	p.Rotate(t)
	p.forged = newKey(t, p.key.KeyID)
	op, err := p.provider()
	require.NoError(t, err)
	server.Config.Handler = p.misbehave(op.Handler())
	if p.Page = p.Issuer; options.Moved {
		page := httptest.NewServer(server.Config.Handler)
		t.Cleanup(page.Close)
		p.Page = page.URL
	}
	server.Start()
	t.Cleanup(func() {
		close(p.stopped)
		server.Close()
	})
	return p
}

// provider is the library's.
func (p *Provider) provider() (*provider.Provider, error) {
	method := goidc.ClientAuthnSecretBasic
	if p.options.SecretInBody {
		method = goidc.ClientAuthnSecretPost
	}
	hashed, err := bcrypt.GenerateFromPassword([]byte(p.ClientSecret), bcrypt.MinCost)
	if err != nil {
		return nil, fmt.Errorf("hash the secret: %w", err)
	}
	options := []provider.Option{
		provider.WithScopes(goidc.ScopeOpenID, goidc.ScopeProfile),
		provider.WithIDTokenSignatureAlgs(goidc.ES256),
		provider.WithTokenAuthnMethods(method),
		provider.WithPKCERequired(goidc.CodeChallengeMethodSHA256),
		provider.WithAuthorizationCodeGrant(),
		provider.WithACRs(Strong, Weak),
		provider.WithPolicies(p.policy()),
		provider.WithAuthnSessionStorage(&sessions{}),
		provider.WithStaticClient(&goidc.Client{
			ID: p.ClientID, HashedSecret: string(hashed),
			ClientMeta: goidc.ClientMeta{
				TokenAuthnMethod: method, ScopeIDs: "openid profile", RedirectURIs: p.options.RedirectURIs,
				GrantTypes:    []goidc.GrantType{goidc.GrantAuthorizationCode},
				ResponseTypes: []goidc.ResponseType{goidc.ResponseTypeCode},
			},
		}),
	}
	if !p.options.Anonymous {
		options = append(options, provider.WithIssuerResponseParameter())
	}
	return provider.New(goidc.ProfileOpenID, p.Issuer, p.keys, options...)
}

// keys are those with which the library signs, and which it publishes.
func (p *Provider) keys(context.Context) (goidc.JSONWebKeySet, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return goidc.JSONWebKeySet{Keys: []goidc.JSONWebKey{p.key}}, nil
}

// Rotate puts a new key in the place of the present one.
func (p *Provider) Rotate(t testing.TB) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turns++
	p.key = newKey(t, fmt.Sprintf("key-%d", p.turns))
}

func newKey(t testing.TB, id string) goidc.JSONWebKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return goidc.JSONWebKey{Key: private, KeyID: id, Algorithm: string(goidc.ES256), Use: "sig"}
}

// Answer makes the provider say that those who log in from now on did so by the
// given class, empty for the first that it is asked for, and so long ago.
func (p *Provider) Answer(acr string, age time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.acr, p.age = acr, age
}

// says is the class and the time of a log-in.
func (p *Provider) says(asked []string) (acr string, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return cmp.Or(p.acr, slices.Concat(asked, []string{Weak})[0]), time.Now().Add(-p.age)
}

// Exchanges is how many codes were brought to the token endpoint, those that it
// refused among them.
func (p *Provider) Exchanges() int { return int(p.exchanges.Load()) }

// LookUps is how often the discovery document was asked for.
func (p *Provider) LookUps() int { return int(p.lookUps.Load()) }
