package sandbox

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"consentd/internal/sandbox/demotpp"
	"consentd/pkg/client"
)

// DemoTPP is the demo TPP as a client of this sandbox. public is where a proxy in
// front of the sandbox is reached, empty for none; dial reaches the listener with
// TLS, or the other one where there is none, whatever address is asked for.
func (s *Sandbox) DemoTPP(public string, dial func(ctx context.Context, network, address string) (net.Conn, error)) *demotpp.App {
	return &demotpp.App{
		Public: public, XS2APath: s.BasePath, STETPath: s.STETPath,
		Bank: func(r *http.Request) string {
			if secure := s.secure(r); secure != "" {
				return secure
			}
			return s.here(r)
		},
		Home: func(r *http.Request) string {
			if public != "" {
				return public
			}
			return returnBase(s.base(r))
		},
		Name: defaultTPP, Dial: dial, Password: Password, People: guests(), Now: s.Clock.Now, Log: s.Log,
		Kit: func(ctx context.Context) (*client.Kit, error) {
			k, err := s.TPPs.Kit(ctx, defaultTPP)
			if err != nil {
				return nil, err
			}
			return k.client()
		},
	}
}

// client is the kit as TPPs use it.
func (k Kit) client() (*client.Kit, error) {
	qwac, err := tls.X509KeyPair([]byte(k.QWAC.Certificate), []byte(k.QWAC.PrivateKey))
	if err != nil {
		return nil, fmt.Errorf("the QWAC of the TPP %s: %w", k.TPP, err)
	}
	seal, err := tls.X509KeyPair([]byte(k.QSEAL.Certificate), []byte(k.QSEAL.PrivateKey))
	if err != nil {
		return nil, fmt.Errorf("the seal of the TPP %s: %w", k.TPP, err)
	}
	key, ok := seal.PrivateKey.(crypto.Signer)
	roots := x509.NewCertPool()
	if !ok || !roots.AppendCertsFromPEM([]byte(k.CA)) {
		return nil, errors.New("the kit of the TPP " + k.TPP + " is not complete")
	}
	return &client.Kit{QWAC: qwac, Seal: seal.Leaf, SealKey: key, Roots: roots}, nil
}

// guests are the personas as the demo TPP proposes them: it knows what they have
// because they told it.
func guests() []demotpp.Person {
	var list []demotpp.Person
	for _, p := range personas() {
		guest := demotpp.Person{Login: p.ID, About: p.About, CorporateID: customerOf(p).OrganisationID}
		for _, a := range accounts() {
			if a.Customer != p.Customer {
				continue
			}
			name := a.IBAN
			if name == "" {
				name = "maskedPan:" + a.MaskedPAN
			}
			guest.Accounts = append(guest.Accounts, strings.Join([]string{name, a.Currency}, " "))
		}
		list = append(list, guest)
	}
	return list
}
