package oidc

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

	"consentd/pkg/sca"
)

const (
	defaultTimeout = 10 * time.Second
	maxAnswer      = 1 << 20 // bytes of an answer that are read
	freshFor       = time.Hour
	maxReason      = 200 // bytes of a library's error that are passed on
)

// provider is what discovery says of the identity provider.
type provider struct {
	oidc        *oidc.Provider // with its keys, which it reads again when it meets a new one
	endpoint    oauth2.Endpoint
	namesIssuer bool // promises iss in each authorization response (RFC 9207 §3)
}

// lookup finds the provider, once for all who wait for it.
type lookup struct {
	issuer string
	client *http.Client
	now    func() time.Time

	mu      sync.Mutex
	found   *provider
	until   time.Time // found is fresh
	running *attempt
}

// attempt is a look-up under way.
type attempt struct {
	done  chan struct{} // closed at the end; the others are set by then
	found *provider
	err   error
}

// get returns the provider, looked up again after an hour; one that was found
// before does while the provider does not answer. Fails with ErrProvider.
func (l *lookup) get(ctx context.Context) (*provider, error) {
	l.mu.Lock()
	former := l.found
	if former != nil && l.now().Before(l.until) {
		l.mu.Unlock()
		return former, nil
	}
	if l.running == nil {
		l.running = &attempt{done: make(chan struct{})}
		// It serves others too, so it does not end with this call; the client's time-out bounds it.
		go l.run(context.WithoutCancel(ctx), l.running)
	}
	a := l.running
	l.mu.Unlock()
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("look up the identity provider: %w", ctx.Err())
	case <-a.done:
	}
	if a.err != nil && former != nil {
		return former, nil
	}
	return a.found, a.err
}

// run makes an attempt. A failure is not kept: the next call tries again.
func (l *lookup) run(ctx context.Context, a *attempt) {
	a.found, a.err = discover(oidc.ClientContext(ctx, l.client), l.issuer)
	l.mu.Lock()
	defer l.mu.Unlock()
	if a.err == nil {
		l.found, l.until = a.found, l.now().Add(freshFor)
	}
	l.running = nil
	close(a.done)
}

// discover reads the provider's description (OpenID Connect Discovery 1.0 §4).
func discover(ctx context.Context, issuer string) (*provider, error) {
	p, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, fmt.Errorf("discovery: %w: %s", ErrProvider, reason(err))
	}
	var more struct {
		NamesIssuer bool     `json:"authorization_response_iss_parameter_supported"`
		AuthMethods []string `json:"token_endpoint_auth_methods_supported"`
		JWKS        string   `json:"jwks_uri"`
	}
	if err := p.Claims(&more); err != nil {
		return nil, fmt.Errorf("discovery: %w: not the members that the standard names", ErrProvider)
	}
	found := &provider{oidc: p, endpoint: p.Endpoint(), namesIssuer: more.NamesIssuer}
	for name, address := range map[string]string{
		"authorization_endpoint": found.endpoint.AuthURL, "token_endpoint": found.endpoint.TokenURL, "jwks_uri": more.JWKS,
	} {
		if !safeFor(issuer, address) {
			return nil, fmt.Errorf("discovery: %w: %s is not https", ErrProvider, name)
		}
	}
	if found.endpoint.AuthStyle, err = authStyle(more.AuthMethods); err != nil {
		return nil, err
	}
	return found, nil
}

// safeFor tells whether an address is as safe as the issuer's.
func safeFor(issuer, address string) bool {
	u, err := url.Parse(address)
	return err == nil && sca.Protected(u) && (u.Scheme == "https" || strings.HasPrefix(issuer, "http:"))
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

// reason is what a library's error says, without an address and not at length:
// some quote the body of an answer.
func reason(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	text := err.Error()
	return strings.ToValidUTF8(text[:min(len(text), maxReason)], "")
}

// bounded makes a client that reads no more than maxAnswer, waits no longer than
// its time-out, and follows no redirect: that would carry secrets to an address
// that nobody configured.
func bounded(given *http.Client) *http.Client {
	client := http.Client{}
	if given != nil {
		client = *given
	}
	if client.Timeout == 0 {
		client.Timeout = defaultTimeout
	}
	if client.Transport == nil {
		client.Transport = http.DefaultTransport
	}
	client.Transport = limit{client.Transport}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

// limit is a transport that bounds answers.
type limit struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (l limit) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := l.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	res.Body = http.MaxBytesReader(nil, res.Body, maxAnswer)
	return res, nil
}
