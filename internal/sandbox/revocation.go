package sandbox

import (
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/sandbox/pages"
	"consentd/pkg/eidas/issue"
)

// statementAge is for how long a list or an answer about revocation holds.
const statementAge = 10 * time.Minute

// revokedAt tells since when a certificate is revoked, nil for one that is not,
// and whether the authority has made it.
func (t *TPPs) revokedAt(number *big.Int) (at *time.Time, known bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, e := range t.made {
		for _, s := range e.Serials {
			if s.Number != number.String() {
				continue
			}
			if s.Revoked.IsZero() {
				return nil, true
			}
			return &s.Revoked, true
		}
	}
	return nil, false
}

// revoked lists all certificates that are.
func (t *TPPs) revoked() []issue.Revoked {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var list []issue.Revoked
	for _, e := range t.made {
		for _, s := range e.Serials {
			number, ok := new(big.Int).SetString(s.Number, 10)
			if ok && !s.Revoked.IsZero() {
				list = append(list, issue.Revoked{Serial: number, At: s.Revoked})
			}
		}
	}
	return list
}

func (s *Sandbox) certificateOfCA(c echo.Context) error {
	return c.Blob(http.StatusOK, "application/x-pem-file", s.TPPs.CA.CertificatePEM())
}

func (s *Sandbox) revocationList(c echo.Context) error {
	now := s.Clock.Now()
	list, err := s.TPPs.CA.RevocationList(now.UnixMicro(), now, now.Add(statementAge), s.TPPs.revoked())
	if err != nil {
		return s.fail(c, fmt.Errorf("revocation list: %w", err))
	}
	return c.Blob(http.StatusOK, "application/pkix-crl", list)
}

// ocsp answers RFC 6960, by POST or, as in its appendix A, by GET.
func (s *Sandbox) ocsp(c echo.Context) error {
	request, err := ocspRequest(c.Request())
	if err != nil {
		return s.fail(c, err)
	}
	now := s.Clock.Now()
	answer, err := s.TPPs.CA.AnswerOCSP(request, now, now.Add(statementAge), s.TPPs.revokedAt)
	if err != nil {
		return s.fail(c, fmt.Errorf("OCSP answer: %w", err))
	}
	return c.Blob(http.StatusOK, "application/ocsp-response", answer)
}

func ocspRequest(r *http.Request) ([]byte, error) {
	if r.Method == http.MethodPost {
		raw, err := io.ReadAll(io.LimitReader(r.Body, pages.MaxBody))
		if err != nil {
			return nil, consent.E(consent.CodeFormat, "the body cannot be read").Because(err)
		}
		return raw, nil
	}
	// Base64 has slashes; some clients write them as they are, others encoded.
	_, encoded, _ := strings.Cut(r.URL.EscapedPath(), "/ocsp/")
	text, err := url.PathUnescape(encoded)
	if err != nil {
		return nil, consent.E(consent.CodeFormat, "the request in the path cannot be read").Because(err)
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, consent.E(consent.CodeFormat, "the request in the path must be base64").Because(err)
	}
	return raw, nil
}
