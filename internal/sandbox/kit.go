package sandbox

import (
	"context"
	"crypto"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
	"consentd/pkg/httpsig"
)

// Kit is what a TPP shows and signs with, as the sandbox answers and keeps it:
// PEM.
type Kit struct {
	TPP   string       `json:"tpp"`
	ID    string       `json:"id"`
	Roles []eidas.Role `json:"roles"`
	QWAC  Pair         `json:"qwac"`
	QSEAL Pair         `json:"qseal"`
	CA    string       `json:"ca"`
	// RedirectURIs are those that the register has of the TPP at this moment.
	RedirectURIs []string `json:"redirectUris,omitempty"`
}

// Pair is a certificate with its key.
type Pair struct {
	Certificate string `json:"certificate"`
	PrivateKey  string `json:"privateKey"`
}

// signer signs with the seal of the kit.
func (k Kit) signer() (*httpsig.Signer, error) {
	both, err := tls.X509KeyPair([]byte(k.QSEAL.Certificate), []byte(k.QSEAL.PrivateKey))
	if err != nil {
		return nil, fmt.Errorf("the seal of the TPP %s: %w", k.TPP, err)
	}
	key, ok := both.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("the seal of the TPP %s cannot sign", k.TPP)
	}
	return &httpsig.Signer{Certificate: both.Leaf, Key: key, Profile: httpsig.DefaultProfile()}, nil
}

// Certificates are good from a little before they are made, since clocks differ.
const (
	early  = time.Hour
	aDay   = 24 * time.Hour
	twoYrs = 2 * 365 * aDay
)

// issue makes the certificates of a TPP, both at once, and keeps them. The defect
// of an order is in the QWAC; the seal is good.
func (t *TPPs) issue(ctx context.Context, o Order, ordered bool) (Kit, error) {
	now := t.Now()
	var (
		both        sync.WaitGroup
		qwac, qseal *issue.Issued
		errs        [2]error
	)
	both.Go(func() { qwac, errs[0] = t.qwac(o, now) })
	both.Go(func() { qseal, errs[1] = t.CA.Issue(t.plain(o, eidas.Seal, now)) })
	both.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return Kit{}, fmt.Errorf("certificates of the TPP %s: %w", o.Name, err)
	}
	k, err := t.pack(o, qwac, qseal)
	if err != nil {
		return Kit{}, err
	}
	e := entry{Order: o, Ordered: ordered, Serials: []serial{
		{Number: qwac.Certificate.SerialNumber.String()}, {Number: qseal.Certificate.SerialNumber.String()},
	}}
	if o.Defect == revoked {
		e.Serials[0].Revoked = now
	}
	return k, t.keep(ctx, e, k)
}

// qwac makes a certificate for connections, with the defect that was ordered.
func (t *TPPs) qwac(o Order, now time.Time) (*issue.Issued, error) {
	order, ca := t.plain(o, eidas.Web, now), t.CA
	switch o.Defect {
	case expired:
		order.NotBefore, order.NotAfter = now.Add(-twoYrs), now.Add(-aDay)
	case notYetValid:
		order.NotBefore = now.Add(aDay)
	case withoutRoles:
		order.NoStatement = true
	case revoked: // by the list, not by what the certificate says
	case untrusted: // by somebody who only calls themselves the same
		trusted := t.CA.Certificate()
		other, err := issue.New(trusted.Subject.CommonName, trusted.NotBefore, trusted.NotAfter)
		if err != nil {
			return nil, err //nolint:wrapcheck // issue says what it was for
		}
		ca = other
	}
	return ca.Issue(order) //nolint:wrapcheck // issue says what it was for
}

// plain is the order of a good certificate.
func (t *TPPs) plain(o Order, kind eidas.Type, now time.Time) issue.Order {
	who, founding := founders[o.Name]
	if !founding {
		who = o.Name
	}
	order := issue.Order{
		Type: kind, Name: who, Organisation: organisationOf(o.Name), NCAName: authorityName, NCAID: authorityID,
		Roles: o.Roles, NotBefore: now.Add(-early), NotAfter: now.Add(twoYrs),
		OCSP: []string{t.URL() + "/sandbox/ocsp"}, CRL: []string{t.URL() + "/sandbox/ca.crl"},
	}
	if kind != eidas.Web {
		return order
	}
	for _, d := range o.Domains {
		if ip := net.ParseIP(d); ip != nil {
			order.IPs = append(order.IPs, ip)
		} else {
			order.Domains = append(order.Domains, d)
		}
	}
	return order
}

func (t *TPPs) pack(o Order, qwac, qseal *issue.Issued) (Kit, error) {
	web, err := pairOf(qwac)
	if err != nil {
		return Kit{}, err
	}
	seal, err := pairOf(qseal)
	return Kit{TPP: o.Name, ID: idOf(o.Name), Roles: o.Roles, QWAC: web, QSEAL: seal, CA: string(t.CA.CertificatePEM())}, err
}

func pairOf(i *issue.Issued) (Pair, error) {
	key, err := i.KeyPEM()
	if err != nil {
		return Pair{}, fmt.Errorf("write the key: %w", err)
	}
	return Pair{Certificate: string(i.CertificatePEM()), PrivateKey: string(key)}, nil
}
