package eidas

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

const (
	maxCRL        = 20 << 20 // bytes of a list
	removeFromCRL = 8        // the reason of what is revoked no longer (RFC 5280 §5.3.1)
)

// Extensions of lists and of their entries (RFC 5280 §5.2, §5.3).
const (
	oidCRLNumber    = "2.5.29.20"
	oidReasonCode   = "2.5.29.21"
	oidInvalidity   = "2.5.29.24"
	oidDeltaCRL     = "2.5.29.27"
	oidCRLScope     = "2.5.29.28"
	oidAuthorityKey = "2.5.29.35"
)

// list is a certificate revocation list whose signature was checked.
type list struct {
	revoked map[string]struct{} // serial numbers, as bytes
	scope   scope
	until   time.Time
}

// scope is of what certificates a list tells (RFC 5280 §5.2.5).
type scope struct {
	onlyUsers, onlyAuthorities bool
	points                     []string // the addresses that it is for; nil: any
}

// listed looks a certificate up in the list at an address.
func (r *Revocation) listed(ctx context.Context, address string, q *question) (answer, error) {
	key := q.key("crl", address)
	l, err := learn(ctx, r, r.lists, q, key, func(ctx context.Context) (*list, error) {
		l, err := r.fetchList(ctx, address, q)
		if err != nil {
			return nil, err
		}
		l.until = earliest(l.until, q.now.Add(r.keep()))
		r.lists.put(key, l, q.now, l.until)
		return l, nil
	})
	if err != nil {
		return answer{}, err
	}
	if err := l.scope.covers(q.cert); err != nil {
		return answer{}, fmt.Errorf("%s: %w", address, err)
	}
	_, revoked := l.revoked[string(q.cert.SerialNumber.Bytes())]
	return answer{revoked: revoked, until: l.until}, nil
}

func (r *Revocation) fetchList(ctx context.Context, address string, q *question) (*list, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	raw, err := r.fetch(request, maxCRL, q.now)
	if err != nil {
		return nil, err
	}
	if block, _ := pem.Decode(raw); block != nil {
		raw = block.Bytes
	}
	l, err := readList(raw, q.issuer, q.now)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	return l, nil
}

// readList judges a list: it must be the issuer's own, count now, be complete and
// hold nothing critical that we do not understand.
func readList(raw []byte, issuer *x509.Certificate, now time.Time) (*list, error) {
	crl, err := x509.ParseRevocationList(raw)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(crl.RawIssuer, issuer.RawSubject) {
		return nil, errors.New("the list of another issuer")
	}
	if weak(crl.SignatureAlgorithm) {
		return nil, fmt.Errorf("signed by %s", crl.SignatureAlgorithm)
	}
	if err := crl.CheckSignatureFrom(issuer); err != nil {
		return nil, err
	}
	if crl.NextUpdate.IsZero() {
		return nil, errors.New("without the time of the next list")
	}
	l := &list{}
	if l.until, err = currentUntil(crl.ThisUpdate, crl.NextUpdate, now); err != nil {
		return nil, err
	}
	if err := l.readExtensions(crl); err != nil {
		return nil, err
	}
	return l, l.readEntries(crl)
}

func (l *list) readExtensions(crl *x509.RevocationList) error {
	for _, e := range crl.Extensions {
		switch id := e.Id.String(); id {
		case oidDeltaCRL:
			return errors.New("only what changed since another list")
		case oidCRLScope:
			var err error
			if l.scope, err = readScope(e.Value); err != nil {
				return err
			}
		case oidAuthorityKey, oidCRLNumber:
		default:
			if e.Critical {
				return errors.New("unknown critical extension " + id)
			}
		}
	}
	return nil
}

// readEntries collects serial numbers. A certificate on hold counts as revoked for
// as long as it is listed.
func (l *list) readEntries(crl *x509.RevocationList) error {
	l.revoked = make(map[string]struct{}, len(crl.RevokedCertificateEntries))
	for i := range crl.RevokedCertificateEntries {
		entry := &crl.RevokedCertificateEntries[i]
		for _, e := range entry.Extensions {
			if id := e.Id.String(); e.Critical && id != oidReasonCode && id != oidInvalidity {
				return errors.New("an entry with the unknown critical extension " + id)
			}
		}
		if entry.ReasonCode != removeFromCRL {
			l.revoked[string(entry.SerialNumber.Bytes())] = struct{}{}
		}
	}
	return nil
}

// readScope reads an IssuingDistributionPoint. A list that tells only some reasons,
// or for other issuers, or of attribute certificates, cannot clear a certificate.
func readScope(der cryptobyte.String) (scope, error) {
	var s scope
	var body, name, reasons cryptobyte.String
	var named, someReasons, indirect, onlyAttributes bool
	ok := der.ReadASN1(&body, casn1.SEQUENCE) && der.Empty() &&
		body.ReadOptionalASN1(&name, &named, casn1.Tag(0).Constructed().ContextSpecific()) &&
		readFlag(&body, 1, &s.onlyUsers) && readFlag(&body, 2, &s.onlyAuthorities) &&
		body.ReadOptionalASN1(&reasons, &someReasons, casn1.Tag(3).ContextSpecific()) &&
		readFlag(&body, 4, &indirect) && readFlag(&body, 5, &onlyAttributes) && body.Empty()
	switch {
	case !ok:
		return s, errors.New("malformed issuing distribution point")
	case someReasons || indirect || onlyAttributes || s.onlyUsers && s.onlyAuthorities:
		return s, errors.New("a list that does not tell all about the certificates of its issuer")
	case !named:
		return s, nil
	}
	var err error
	s.points, err = readPoints(name)
	return s, err
}

// readFlag reads an optional BOOLEAN under an implicit tag.
func readFlag(s *cryptobyte.String, number uint8, into *bool) bool {
	var value cryptobyte.String
	var present bool
	if !s.ReadOptionalASN1(&value, &present, casn1.Tag(number).ContextSpecific()) {
		return false
	}
	if !present {
		return true
	}
	*into = len(value) == 1 && value[0] != 0
	return len(value) == 1
}

// readPoints reads the addresses among the full names of a distribution point.
func readPoints(der cryptobyte.String) ([]string, error) {
	var names cryptobyte.String
	if !der.ReadASN1(&names, casn1.Tag(0).Constructed().ContextSpecific()) || !der.Empty() {
		return nil, errors.New("an issuing distribution point without a full name")
	}
	points := []string{}
	for !names.Empty() {
		var value cryptobyte.String
		var tag casn1.Tag
		if !names.ReadAnyASN1(&value, &tag) {
			return nil, errors.New("malformed issuing distribution point")
		}
		if tag == casn1.Tag(6).ContextSpecific() {
			points = append(points, string(value))
		}
	}
	return points, nil
}

// covers tells whether the list would name that certificate if it were revoked. The
// point's name keeps one part of an issuer's lists from being shown for another.
func (s scope) covers(cert *x509.Certificate) error {
	switch {
	case s.onlyUsers && cert.IsCA, s.onlyAuthorities && !cert.IsCA:
		return errors.New("a list of other kinds of certificates")
	case s.points == nil:
		return nil
	case !slices.ContainsFunc(s.points, func(p string) bool { return slices.Contains(cert.CRLDistributionPoints, p) }):
		return errors.New("a list for another distribution point")
	}
	return nil
}
