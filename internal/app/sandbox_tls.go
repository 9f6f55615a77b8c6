package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/api/xs2a"
	"consentd/internal/bankauth"
	"consentd/internal/sandbox"
	"consentd/internal/service"
	"consentd/internal/service/sca"
	"consentd/internal/tpp"
	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
	"consentd/pkg/httpsig"
)

// The names of the sandbox's listeners.
const (
	plainFront  = "sandbox"
	secureFront = "sandbox-tls"
)

// off is the TLS listener's address where there is none.
const off = "off"

// authority reads the sandbox's certification authority from its data folder, and
// makes one the first time. It outlasts every clock that can be set.
func authority(dir string) (*issue.Authority, error) {
	certificate, key := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "ca.key")
	certPEM, err := os.ReadFile(certificate) //nolint:gosec // a file of our own
	if errors.Is(err, fs.ErrNotExist) {
		return newAuthority(certificate, key)
	}
	if err != nil {
		return nil, fmt.Errorf("certification authority: %w", err)
	}
	keyPEM, err := os.ReadFile(key) //nolint:gosec // a file of our own
	if err != nil {
		return nil, fmt.Errorf("certification authority: %w", err)
	}
	ca, err := issue.Load(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("certification authority in %s: %w", dir, err)
	}
	return ca, nil
}

func newAuthority(certificate, key string) (*issue.Authority, error) {
	ca, err := issue.New("consentd sandbox", time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2250, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		return nil, fmt.Errorf("certification authority: %w", err)
	}
	keyPEM, err := ca.KeyPEM()
	if err != nil {
		return nil, fmt.Errorf("certification authority: %w", err)
	}
	// The certificate comes last: where there is one, there is its key.
	if err := errors.Join(os.WriteFile(key, keyPEM, 0o600), os.WriteFile(certificate, ca.CertificatePEM(), 0o600)); err != nil {
		return nil, fmt.Errorf("certification authority: %w", err)
	}
	return ca, nil
}

// sandboxVerifier judges by the sandbox's own authority, whose word on revocation
// it asks for over HTTP, as everybody would. It always reaches this program,
// whatever its port was when a certificate was made.
func (a *App) sandboxVerifier(ca *issue.Authority, now func() time.Time) *eidas.Verifier {
	return eidas.NewVerifier(eidas.Options{
		Anchors: eidas.NewAnchors(ca.Certificate()), Now: now,
		Revocation: &eidas.Revocation{
			HTTP:    &http.Client{Transport: &http.Transport{DialContext: a.dialSandbox}},
			Timeout: 3 * time.Second,
		},
	})
}

// sandboxSignatures verifies every signature, and requires one where it is strict.
// What signs dates what it signs by the right time: nobody turned its clock.
func sandboxSignatures(strict bool, v *eidas.Verifier, right func() time.Time) tpp.Signatures {
	jws := httpsig.DefaultJWSProfile(right)
	return tpp.Signatures{Required: strict, Seals: v, Profile: httpsig.DefaultProfile(), JWS: &jws}
}

// sandboxBank are the bank's own callers of a sandbox, whose tokens are no secret.
func sandboxBank() bankauth.Fixed {
	callers := bankauth.Fixed{}
	for _, role := range service.Roles() {
		name := sandbox.TokenOf(role)
		callers[name] = bankauth.Caller{ID: "token/" + name, Name: name, Role: role}
	}
	return callers
}

// sandboxLinks answer over TLS with links over TLS. A browser is sent to plain
// http, where it meets no certificate of an authority that it does not know.
func (a *App) sandboxLinks(o SandboxOptions, walks *sca.Dispatcher) xs2a.Links {
	here := base(o.PublicURL)
	links := xs2a.Links{BaseURL: here, Page: walks.Link, Accounts: func(r *http.Request) string { return here(r) + o.BasePath + "/v1/accounts" }}
	if o.PublicURL == "" {
		links.BrowserURL = a.plain
	}
	return links
}

// plain is where the host of a request serves plain http.
func (a *App) plain(r *http.Request) string {
	if r.TLS == nil {
		return "http://" + r.Host
	}
	return "http://" + a.beside(r, plainFront)
}

// secure is where the host of a request speaks TLS; empty for nowhere.
func (a *App) secure(r *http.Request) string {
	if a.Address(secureFront) == "" {
		return ""
	}
	return "https://" + a.beside(r, secureFront)
}

// beside is the host of a request with the port of a listener.
func (a *App) beside(r *http.Request, front string) string {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = strings.Trim(r.Host, "[]")
	}
	_, port, err := net.SplitHostPort(a.Address(front))
	if err != nil {
		return r.Host // which never is: the listener has an address
	}
	return net.JoinHostPort(host, port)
}

// dialSecure reaches the listener with TLS of this sandbox or, where there is none,
// the other one, as dialSandbox does.
func (a *App) dialSecure(ctx context.Context, network, address string) (net.Conn, error) {
	if a.Address(secureFront) == "" {
		return a.dialSandbox(ctx, network, address)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, a.Address(secureFront))
}

// listenTLS adds the listener that asks for certificates and takes any: they are
// judged by each call, so that each kind of refusal can be told.
func (a *App) listenTLS(ctx context.Context, o SandboxOptions, e *echo.Echo, ca *issue.Authority) error {
	if o.TLSListen == "" || o.TLSListen == off {
		return nil
	}
	hosts := []string{"localhost", "127.0.0.1", "::1", publicHost(o.PublicURL)}
	for _, address := range []string{o.Listen, o.TLSListen} {
		names, _, err := answering(address)
		if err != nil {
			return err
		}
		hosts = append(hosts, names...)
	}
	slices.Sort(hosts)
	hosts = slices.DeleteFunc(slices.Compact(hosts), func(h string) bool { return h == "" })
	// By the right time, which those who connect have. It is not longer than some
	// of them put up with.
	now := Now()
	issued, err := ca.Server(hosts, now.Add(-time.Hour), now.AddDate(0, 0, 800))
	if err != nil {
		return fmt.Errorf("certificate of the server: %w", err)
	}
	certificate := issued.TLS()
	get := func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &certificate, nil }
	return a.listen(ctx, secureFront, o.TLSListen, e, serverTLS(get, tls.RequestClientCert))
}

// tppsOf are the TPPs of a sandbox, those of former runs among them.
func (a *App) tppsOf(ctx context.Context, g ground) (*sandbox.TPPs, error) {
	t := &sandbox.TPPs{
		CA: g.ca, Store: g.db.FlowStore("sandbox"), Now: g.clock.Now, URL: func() string { return a.URL(plainFront) },
	}
	return t, t.Load(ctx)
}

// behindGateway tells the TPPs of a gateway in front of a sandbox: by the
// certificate that it hands on or, where it hands on none, by name.
type behindGateway struct {
	header       string
	shown, named tpp.Identifier
}

// Identify implements tpp.Identifier.
func (b behindGateway) Identify(r *http.Request) (tpp.TPP, error) {
	if r.Header.Get(b.header) != "" {
		return b.shown.Identify(r)
	}
	return b.named.Identify(r)
}
