package app

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"consentd/internal/config"
	"consentd/pkg/httpsig"
)

// seal is the bank's own, with which it signs answers. Like a listener's pair it is
// read again when it changes.
type seal struct {
	pair    *pair
	now     func() time.Time
	current atomic.Pointer[httpsig.JWSSigner]
}

func loadSeal(files config.KeyPair, now func() time.Time) (*seal, error) {
	s := &seal{pair: &pair{files: files}, now: now}
	_, err := s.Reload()
	return s, err
}

// Reload implements reloader. A seal that cannot sign is not taken: by the time an
// answer is signed, what it tells of has happened.
func (s *seal) Reload() (bool, error) {
	changed, err := s.pair.Reload()
	if err != nil || !changed {
		return false, err
	}
	signer, err := signerOf(s.pair.current.Load(), s.now)
	if err == nil {
		err = signer.SignResponse(http.Header{"X-Request-Id": {"00000000-0000-4000-8000-000000000000"}}, nil)
	}
	if err != nil {
		s.pair.stamp = "" // say it again next time
		return false, fmt.Errorf("the seal in %s cannot sign: %w", s.pair.files.CertificateFile, err)
	}
	s.current.Store(signer)
	return true, nil
}

func signerOf(from *tls.Certificate, now func() time.Time) (*httpsig.JWSSigner, error) {
	key, ok := from.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, errors.New("the key is none to sign with")
	}
	s := &httpsig.JWSSigner{Certificate: from.Leaf, Key: key, Now: now}
	for _, der := range from.Certificate[1:] {
		issuer, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("its chain: %w", err)
		}
		s.Chain = append(s.Chain, issuer)
	}
	return s, nil
}
