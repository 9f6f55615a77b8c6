package demotpp

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"consentd/pkg/client"
	"consentd/pkg/httpsig"
)

const (
	// patience is how long the bank may take for one answer. A visitor waits for it.
	patience = 15 * time.Second
	// serverName is in the certificate of every sandbox: by which name a visitor
	// came must not matter, since Dial reaches one server only.
	serverName = "localhost"
)

// equipment is what calls need that is made once.
type equipment struct {
	kit       *client.Kit
	transport *http.Transport
}

func (a *App) equip(ctx context.Context) (*equipment, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.equipped != nil {
		return a.equipped, nil
	}
	kit, err := a.Kit(ctx)
	if err != nil {
		return nil, fmt.Errorf("the certificates of the demo TPP: %w", err)
	}
	a.equipped = &equipment{kit: kit, transport: &http.Transport{
		DialContext: a.Dial, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute,
		TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS12, ServerName: serverName, RootCAs: kit.Roots, Certificates: []tls.Certificate{kit.QWAC},
		},
	}}
	return a.equipped, nil
}

// tape is what one step of a visitor hears and says.
type tape struct {
	recorder *recorder
	visitor  *visitor
	now      func() time.Time
	polls    bool // nobody pressed a button for it
}

// line is a connection to the bank on behalf of a visitor, for one step of theirs.
type line struct {
	*client.Client
	*tape
}

// stetLine is the same in the STET dialect.
type stetLine struct {
	stet  *client.STET
	oauth *client.OAuth2
	*tape
}

// ring makes a connection that records what goes over it.
func (a *App) ring(r *http.Request, v *visitor) (*line, error) {
	e, t, options, err := a.lift(r, v)
	if err != nil {
		return nil, err
	}
	c, err := client.New(a.reached(r)+a.XS2APath, append(options, client.WithSigner(e.kit.Signer()))...) // it follows links below this address only
	if err != nil {
		return nil, fmt.Errorf("the bank's address: %w", err)
	}
	return &line{Client: c, tape: t}, nil
}

// ringSTET does so for OAuth2, which has no signatures, and STET, whose signatures
// name the seal by where it lies.
func (a *App) ringSTET(r *http.Request, v *visitor) (*stetLine, error) {
	e, t, options, err := a.lift(r, v)
	if err != nil {
		return nil, err
	}
	oauth, err := client.NewOAuth2(e.kit.ClientID(), options...)
	if err != nil {
		return nil, fmt.Errorf("the certificates of the demo TPP: %w", err)
	}
	signer := httpsig.NewSTETSigner(e.kit.Seal, e.kit.SealKey, a.Home(r)+pathSeal)
	stet, err := client.NewSTET(a.reached(r)+a.STETPath, append(options, client.WithSigner(signer))...)
	if err != nil {
		return nil, fmt.Errorf("the bank's address: %w", err)
	}
	return &stetLine{stet: stet, oauth: oauth, tape: t}, nil
}

// reached is where others reach the bank: its links begin so.
func (a *App) reached(r *http.Request) string { return cmp.Or(a.Public, a.Bank(r)) }

// lift begins a connection. Nothing is sent again by itself: the visitor is to see
// each answer.
func (a *App) lift(r *http.Request, v *visitor) (*equipment, *tape, []client.Option, error) {
	base := a.Bank(r)
	e, err := a.equip(r.Context())
	if err != nil {
		return nil, nil, nil, err
	}
	to, err := url.Parse(base)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("the bank's address: %w", err)
	}
	recording := &recorder{next: directly{e.transport, to}, now: a.Now, secure: secure(base) && a.Public == ""}
	options := []client.Option{
		client.WithHTTPClient(&http.Client{Transport: recording, Timeout: patience}), client.WithRetry(client.Retry{}),
	}
	if !secure(base) {
		options = append(options, client.WithSandboxTPP(a.Name))
	}
	return e, &tape{recorder: recording, visitor: v, now: a.Now}, slices.Clip(options), nil
}

// directly calls a server itself, whatever proxy in front of it is named.
type directly struct {
	next http.RoundTripper
	to   *url.URL
}

// RoundTrip implements http.RoundTripper.
func (d directly) RoundTrip(r *http.Request) (*http.Response, error) {
	own := r.Clone(r.Context())
	own.URL.Scheme, own.URL.Host, own.Host = d.to.Scheme, d.to.Host, ""
	return d.next.RoundTrip(own)
}

func secure(base string) bool { return strings.HasPrefix(base, "https://") }

// told notes what an exchange was for and what came of it, in the visitor's log,
// and returns its number there. A call that failed before anything was sent is an
// exchange too.
func (l *tape) told(what, means string, err error) int {
	x := l.recorder.last
	l.recorder.last = nil
	if x == nil {
		x = &exchange{At: l.now()}
	}
	x.What, x.Means, x.polled = what, means, l.polls
	if err != nil {
		x.Means = meaningOf(err, x.Path)
		if !answered(err) {
			x.Trouble = err.Error()
		}
	}
	return l.visitor.note(*x)
}
