package issue

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/ocsp"
)

// Revoked is a certificate that was revoked.
type Revoked struct {
	Serial *big.Int
	At     time.Time
}

// RevocationList is a complete list (RFC 5280 §5) as DER: made at now, and
// followed by another before next. Numbers must grow from list to list.
func (a *Authority) RevocationList(number int64, now, next time.Time, revoked []Revoked) ([]byte, error) {
	list := &x509.RevocationList{Number: big.NewInt(number), ThisUpdate: now, NextUpdate: next}
	for _, r := range revoked {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: r.Serial, RevocationTime: r.At})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, a.certificate, a.key)
	if err != nil {
		return nil, fmt.Errorf("issue list of revoked certificates: %w", err)
	}
	return der, nil
}

// AnswerOCSP answers a request (RFC 6960), both as DER, with the authority's own
// key: made at now, and good until next. find tells of a serial number whether it
// was issued here, and when it was revoked, or nil. A request that cannot be read,
// or asks for another authority's certificate, gets the protocol's own error for
// an answer.
func (a *Authority) AnswerOCSP(
	request []byte, now, next time.Time, find func(serial *big.Int) (revokedAt *time.Time, known bool),
) ([]byte, error) {
	asked, err := ocsp.ParseRequest(request)
	if err != nil {
		return ocsp.MalformedRequestErrorResponse, nil //nolint:nilerr // it is answered, as RFC 6960 §2.3 says
	}
	ours, err := a.isIssuer(asked)
	if err != nil {
		return nil, err
	}
	if !ours {
		return ocsp.UnauthorizedErrorResponse, nil
	}
	answer := ocsp.Response{
		SerialNumber: asked.SerialNumber,
		IssuerHash:   asked.HashAlgorithm,
		ThisUpdate:   now,
		NextUpdate:   next,
		Status:       ocsp.Unknown,
	}
	if at, known := find(asked.SerialNumber); known {
		answer.Status = ocsp.Good
		if at != nil {
			answer.Status, answer.RevokedAt = ocsp.Revoked, *at
		}
	}
	der, err := ocsp.CreateResponse(a.certificate, a.certificate, answer, a.key)
	if err != nil {
		return nil, fmt.Errorf("answer OCSP request: %w", err)
	}
	return der, nil
}

// isIssuer says whether the request names this authority, by the hashes of its
// name and key.
func (a *Authority) isIssuer(asked *ocsp.Request) (bool, error) {
	bits, err := keyBits(a.certificate.RawSubjectPublicKeyInfo)
	if err != nil {
		return false, err
	}
	digest := func(of []byte) []byte {
		h := asked.HashAlgorithm.New()
		h.Write(of)
		return h.Sum(nil)
	}
	return bytes.Equal(digest(a.certificate.RawSubject), asked.IssuerNameHash) &&
		bytes.Equal(digest(bits), asked.IssuerKeyHash), nil
}
