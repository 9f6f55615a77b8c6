package openid

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"consentd/pkg/sca"
)

// ErrProvider means that the provider is down, slow, or not as the standard wants it.
var ErrProvider = errors.New("the identity provider does not answer as described")

const (
	freshFor  = time.Hour
	maxReason = 200 // bytes of a library's error that are passed on
)

// Provider is what discovery says of an identity provider.
type Provider struct {
	OIDC        *oidc.Provider // with its keys, which it reads again when it meets a new one
	Endpoint    oauth2.Endpoint
	NamesIssuer bool // promises iss in each authorization response (RFC 9207 §3)
}

// Lookup finds providers, and remembers the last. Client is a Bounded one.
type Lookup struct {
	Client *http.Client
	Now    func() time.Time

	calls singleflight.Group

	mu     sync.Mutex
	issuer string
	found  *Provider
	until  time.Time // found is fresh
}

// Get returns the provider of an issuer, looked up again after an hour, once for all who
// wait for it; one that was found before does while the provider does not answer. A
// failure is not kept. Fails with ErrProvider, and with the end of ctx, which ends the
// look-up for nobody else.
func (l *Lookup) Get(ctx context.Context, issuer string) (*Provider, error) {
	former, fresh := l.known(issuer)
	if fresh {
		return former, nil
	}
	found := l.calls.DoChan(issuer, func() (any, error) {
		if p, fresh := l.known(issuer); fresh { // another look-up ended since we looked
			return p, nil
		}
		// It serves others too, so it does not end with this call; the client's time-out bounds it.
		p, err := discover(oidc.ClientContext(context.WithoutCancel(ctx), l.Client), issuer)
		if err == nil {
			l.keep(issuer, p)
		}
		return p, err
	})
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("look up the identity provider: %w", ctx.Err())
	case r := <-found:
		if p, ok := r.Val.(*Provider); ok && r.Err == nil {
			return p, nil
		}
		if former != nil {
			return former, nil
		}
		return nil, r.Err
	}
}

func (l *Lookup) known(issuer string) (former *Provider, fresh bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.issuer != issuer {
		return nil, false
	}
	return l.found, l.Now().Before(l.until)
}

func (l *Lookup) keep(issuer string, p *Provider) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.issuer, l.found, l.until = issuer, p, l.Now().Add(freshFor)
}

// discover reads the provider's description (OpenID Connect Discovery 1.0 §4).
func discover(ctx context.Context, issuer string) (*Provider, error) {
	p, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, fmt.Errorf("discovery: %w: %s", ErrProvider, Reason(err))
	}
	var more struct {
		NamesIssuer bool     `json:"authorization_response_iss_parameter_supported"`
		AuthMethods []string `json:"token_endpoint_auth_methods_supported"`
		JWKS        string   `json:"jwks_uri"`
	}
	if err := p.Claims(&more); err != nil {
		return nil, fmt.Errorf("discovery: %w: not the members that the standard names", ErrProvider)
	}
	found := &Provider{OIDC: p, Endpoint: p.Endpoint(), NamesIssuer: more.NamesIssuer}
	for name, address := range map[string]string{
		"authorization_endpoint": found.Endpoint.AuthURL, "token_endpoint": found.Endpoint.TokenURL, "jwks_uri": more.JWKS,
	} {
		if !safeFor(issuer, address) {
			return nil, fmt.Errorf("discovery: %w: %s is not https", ErrProvider, name)
		}
	}
	if found.Endpoint.AuthStyle, err = authStyle(more.AuthMethods); err != nil {
		return nil, err
	}
	return found, nil
}

// safeFor tells whether an address is as safe as the issuer's, which is if it is there.
func safeFor(issuer, address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	if i, err := url.Parse(issuer); err == nil && i.Scheme == u.Scheme && i.Host == u.Host && u.User == nil {
		return true
	}
	return sca.Protected(u) && (u.Scheme == "https" || strings.HasPrefix(issuer, "http:"))
}

// authStyle is how the secret goes to the token endpoint. It is never found out
// by trying, which could spend the code.
func authStyle(methods []string) (oauth2.AuthStyle, error) {
	switch {
	case len(methods) == 0, slices.Contains(methods, "client_secret_basic"): // the default of the standard
		return oauth2.AuthStyleInHeader, nil
	case slices.Contains(methods, "client_secret_post"):
		return oauth2.AuthStyleInParams, nil
	default:
		return 0, fmt.Errorf("discovery: %w: it takes no client secret", ErrProvider)
	}
}

// ours are the errors by which the client, not the person, has to do something else
// (RFC 6749 §4.1.2.1, OpenID Connect Core 1.0 §3.1.2.6).
var ours = []string{
	"invalid_request", "unauthorized_client", "unsupported_response_type", "invalid_scope",
	"invalid_request_uri", "invalid_request_object", "request_not_supported", "request_uri_not_supported", "registration_not_supported",
}

// IsOurs reports whether an error of an authorization endpoint is the client's fault:
// trying again would lead nowhere, and the operator has to learn of it.
func IsOurs(code string) bool { return slices.Contains(ours, code) }

// Reason is what a library's error says, without an address and not at length:
// some quote the body of an answer.
func Reason(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	text := err.Error()
	return strings.ToValidUTF8(text[:min(len(text), maxReason)], "")
}
