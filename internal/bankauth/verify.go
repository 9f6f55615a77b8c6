package bankauth

import (
	"crypto/x509"
	"slices"
	"time"

	"github.com/labstack/echo/v4"
)

// maxIntermediates is how many certificates beside its own a caller may send.
const maxIntermediates = 4

// Verify judges the certificate that a connection was shown against the authorities
// of the bank's systems, with each request. The listener only asks for one: a
// handshake that fails would answer nothing, and leave nothing in the audit. What
// does not verify counts as not shown.
func Verify(roots *x509.CertPool, now func() time.Time) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			if r.TLS == nil {
				return next(c)
			}
			state := *r.TLS // the connection's, which other requests share
			state.VerifiedChains = verified(state.PeerCertificates, roots, now())
			own := *r
			own.TLS = &state
			c.SetRequest(&own)
			return next(c)
		}
	}
}

// verified are the chains of a certificate to an authority; none where it has none.
func verified(shown []*x509.Certificate, roots *x509.CertPool, now time.Time) [][]*x509.Certificate {
	if len(shown) == 0 || len(shown) > 1+maxIntermediates || roots == nil {
		return nil
	}
	between := x509.NewCertPool()
	var names []string
	for _, c := range shown[1:] {
		// One of each name: with several, package x509 tries them in all ways, which
		// strangers could make it do at our cost.
		if name := string(c.RawSubject); !slices.Contains(names, name) {
			names = append(names, name)
			between.AddCert(c)
		}
	}
	chains, err := shown[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return nil
	}
	return chains
}
