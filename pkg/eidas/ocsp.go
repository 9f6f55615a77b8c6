package eidas

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"
)

const maxOCSP = 64 << 10 // bytes of an answer

// responder asks an OCSP responder. An answer that tells nothing (unknown, stale,
// signed by somebody else) is an error.
func (r *Revocation) responder(ctx context.Context, address string, q *question) (answer, error) {
	key := q.key("ocsp", address) + q.cert.SerialNumber.String()
	return learn(ctx, r, r.answers, q, key, func(ctx context.Context) (answer, error) {
		raw, err := r.askResponder(ctx, address, q)
		if err != nil {
			return answer{}, err
		}
		a, err := readOCSP(raw, q)
		if err != nil {
			return answer{}, fmt.Errorf("%s: %w", address, err)
		}
		a.until = earliest(a.until, q.now.Add(r.keep()))
		r.answers.put(key, a, q.now, a.until)
		return a, nil
	})
}

func (r *Revocation) askResponder(ctx context.Context, address string, q *question) ([]byte, error) {
	// The SHA-1 in it only names the issuer; it is what every responder knows.
	body, err := ocsp.CreateRequest(q.cert, q.issuer, nil)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/ocsp-request")
	request.Header.Set("Accept", "application/ocsp-response")
	return r.fetch(request, maxOCSP, q.now)
}

// readOCSP judges an answer: it must be about that certificate of that issuer, count
// now, and be signed by the issuer or by whom the issuer named for it.
func readOCSP(raw []byte, q *question) (answer, error) {
	// Without the issuer, the package checks only that the certificate sent along, if
	// any, signed the answer. Its own judgement of that certificate leaves out what
	// it is for, and refuses an issuer that sends its own.
	said, err := ocsp.ParseResponseForCert(raw, q.cert, nil)
	if err != nil {
		return answer{}, err
	}
	if err := isAbout(raw, q); err != nil {
		return answer{}, err
	}
	if err := signedForIssuer(said, q); err != nil {
		return answer{}, err
	}
	until, err := currentUntil(said.ThisUpdate, said.NextUpdate, q.now)
	if err != nil {
		return answer{}, err
	}
	switch said.Status {
	case ocsp.Good:
		return answer{until: until}, nil
	case ocsp.Revoked:
		return answer{revoked: true, until: until}, nil
	default:
		return answer{}, errNotKnown
	}
}

// currentUntil is until when an answer counts that was made at one instant and is
// followed by another. Many responders make theirs anew for every request and name
// no next one: such an answer counts for as long as clocks may differ, so that an
// old one cannot be shown again.
func currentUntil(this, next, now time.Time) (time.Time, error) {
	if next.IsZero() {
		next = this.Add(clockSkew)
	}
	if this.After(now.Add(clockSkew)) {
		return now, fmt.Errorf("dated ahead, %s", this)
	}
	if !next.After(now) {
		return now, fmt.Errorf("out of date since %s", next)
	}
	return next, nil
}

// errNotKnown is a responder's word that it knows no such certificate.
var errNotKnown = errors.New("the responder does not know the certificate")

// signedForIssuer wants the issuer's own signature, or that of a certificate that the
// issuer made for answering (RFC 6960 §4.2.2.2).
func signedForIssuer(said *ocsp.Response, q *question) error {
	if weak(said.SignatureAlgorithm) {
		return fmt.Errorf("signed by %s", said.SignatureAlgorithm)
	}
	delegate := said.Certificate
	if delegate == nil || delegate.Equal(q.issuer) {
		return said.CheckSignatureFrom(q.issuer)
	}
	switch {
	case !bytes.Equal(delegate.RawIssuer, q.issuer.RawSubject):
		return errors.New("signed by a certificate of another issuer")
	case !slices.Contains(delegate.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning):
		return errors.New("signed by a certificate that is not for OCSP")
	case delegate.KeyUsage != 0 && delegate.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return errors.New("signed by a certificate that is not for signatures")
	case len(delegate.UnhandledCriticalExtensions) > 0:
		return errors.New("signed by a certificate with an unknown critical extension")
	case q.now.Before(delegate.NotBefore) || q.now.After(delegate.NotAfter):
		return errors.New("signed by a certificate that is not valid now")
	}
	if err := strong(delegate); err != nil {
		return err
	}
	return delegate.CheckSignatureFrom(q.issuer)
}

// certID is how OCSP names a certificate (RFC 6960 §4.1.1).
type certID struct {
	Hash     pkix.AlgorithmIdentifier
	NameHash []byte
	KeyHash  []byte
	Serial   *big.Int
}

// ocspIDs is an answer, as far as the names of the certificates that it is about.
type ocspIDs struct {
	Version   int `asn1:"optional,default:0,explicit,tag:0"`
	Responder asn1.RawValue
	At        time.Time `asn1:"generalized"`
	Answers   []struct{ ID certID }
}

// isAbout compares the issuer that an answer names, which package ocsp does not: a
// responder for several authorities may sign an answer about the same serial number
// of another.
func isAbout(raw []byte, q *question) error {
	var outer struct {
		Status asn1.Enumerated
		Bytes  struct {
			Type  asn1.ObjectIdentifier
			Basic []byte
		} `asn1:"explicit,tag:0"`
	}
	if _, err := asn1.Unmarshal(raw, &outer); err != nil {
		return err
	}
	var basic struct{ Data ocspIDs }
	if _, err := asn1.Unmarshal(outer.Bytes.Basic, &basic); err != nil {
		return err
	}
	// Package ocsp takes the first with that serial number: it is the one to look at.
	i := slices.IndexFunc(basic.Data.Answers, func(a struct{ ID certID }) bool { return a.ID.Serial.Cmp(q.cert.SerialNumber) == 0 })
	if i < 0 {
		return errors.New("about another certificate")
	}
	id := basic.Data.Answers[i].ID
	for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		name, key, err := hashesOf(q.issuer, hash)
		if err != nil {
			return err
		}
		if bytes.Equal(id.NameHash, name) && bytes.Equal(id.KeyHash, key) {
			return nil
		}
	}
	return errors.New("about a certificate of another issuer")
}

// hashesOf names an issuer as a certID does: by its name and its public key.
func hashesOf(issuer *x509.Certificate, hash crypto.Hash) (name, key []byte, err error) {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(issuer.RawSubjectPublicKeyInfo, &info); err != nil {
		return nil, nil, err
	}
	h := hash.New()
	h.Write(issuer.RawSubject)
	name = h.Sum(nil)
	h.Reset()
	h.Write(info.Key.RightAlign())
	return name, h.Sum(nil), nil
}
