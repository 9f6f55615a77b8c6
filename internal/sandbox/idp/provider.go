package idp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"

	"consentd/internal/secret"
)

// Path is where the provider is mounted.
const Path = "/sandbox/idp"

// The client that it knows: the back office.
const (
	ClientID     = "consentd-back-office"
	ClientSecret = "sandbox" // the sandbox has none
	callback     = "/back-office/callback"
)

// Person is one of the sandbox bank's staff.
type Person struct {
	ID, Name, Group, About string
}

// People lists them all.
func People() []Person {
	return []Person{
		{"mia", "Mia Care", "care", "Looks consents up, pauses and ends one at a time."},
		{"sam", "Sam Supervisor", "supervisors", "May do all of that to many at once, and confirms what others propose."},
		{"ada", "Ada Auditor", "auditors", "Reads everything and changes nothing."},
	}
}

// Provider is the OpenID provider. Make it with New; it is an http.Handler for Path and
// all below it.
type Provider struct {
	// Public is the sandbox's origin where a proxy is in front of it; empty: what each
	// request says.
	Public string
	Now    func() time.Time
	Log    *slog.Logger

	key    jwk.Key // private
	public jwk.Set
	routes *http.ServeMux

	mu    sync.Mutex
	codes map[string]grant
}

// grant is what a code stands for.
type grant struct {
	person                Person
	issuer, redirect      string
	nonce, challenge      string
	authenticated, endsAt time.Time
}

const (
	codeTime = time.Minute
	maxCodes = 1000 // that wait at a time
)

// New makes a Provider with keys of its own.
func New(public string, now func() time.Time, log *slog.Logger) (*Provider, error) {
	p := &Provider{Public: strings.TrimSuffix(public, "/"), Now: now, Log: log, codes: map[string]grant{}, routes: http.NewServeMux()}
	if err := p.makeKey(); err != nil {
		return nil, err
	}
	p.routes.HandleFunc("GET "+Path+"/.well-known/openid-configuration", p.describe)
	p.routes.HandleFunc("GET "+Path+"/jwks", p.keys)
	p.routes.HandleFunc("GET "+Path+"/style.css", style)
	p.routes.HandleFunc("GET "+Path+"/authorize", p.ask)
	p.routes.HandleFunc("POST "+Path+"/authorize", p.answer)
	p.routes.HandleFunc("POST "+Path+"/token", p.token)
	return p, nil
}

func (p *Provider) makeKey() error {
	raw, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	if p.key, err = jwk.Import(raw); err != nil {
		return fmt.Errorf("import the key: %w", err)
	}
	for name, value := range map[string]any{
		jwk.KeyIDKey: secret.Handle()[:16], jwk.AlgorithmKey: jwa.ES256(), jwk.KeyUsageKey: jwk.ForSignature,
	} {
		if err := p.key.Set(name, value); err != nil {
			return fmt.Errorf("describe the key: %w", err)
		}
	}
	public, err := jwk.PublicKeyOf(p.key)
	if err != nil {
		return fmt.Errorf("public key: %w", err)
	}
	p.public = jwk.NewSet()
	if err := p.public.AddKey(public); err != nil {
		return fmt.Errorf("key set: %w", err)
	}
	return nil
}

// ServeHTTP implements http.Handler.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	p.routes.ServeHTTP(w, r)
}

// Here is the provider's issuer, and the address to which it sends browsers back, as a
// request for any of the sandbox's pages sees them.
func (p *Provider) Here(r *http.Request) (issuer, redirectURL string) {
	origin := p.origin(r)
	return origin + Path, origin + callback
}

func (p *Provider) origin(r *http.Request) string {
	switch {
	case p.Public != "":
		return p.Public
	case r.TLS != nil:
		return "https://" + r.Host
	default:
		return "http://" + r.Host
	}
}

// keep remembers a grant, and returns its code.
func (p *Provider) keep(g grant) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.Now()
	for code, kept := range p.codes {
		if !now.Before(kept.endsAt) {
			delete(p.codes, code)
		}
	}
	if len(p.codes) >= maxCodes {
		return "", false
	}
	code := secret.Handle()
	g.authenticated, g.endsAt = now, now.Add(codeTime)
	p.codes[code] = g
	return code, true
}

// spend takes the grant of a code, which is worth nothing afterwards.
func (p *Provider) spend(code string) (grant, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g, known := p.codes[code]
	delete(p.codes, code)
	return g, known && p.Now().Before(g.endsAt)
}
