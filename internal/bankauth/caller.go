package bankauth

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"

	"consentd/internal/consent"
	"consentd/internal/service"
)

// Caller is one of the bank's own systems or desks.
type Caller struct {
	// ID is by which the audit knows it: token/<id>, or certificate/<name>.
	ID   string
	Name string // for people
	Role service.Role
	// Certificate is the fingerprint of the certificate that it showed and that was
	// verified, 64 lower-case hexadecimal digits; empty where there was
	// none. The Gate sets it.
	Certificate string
}

// Authenticator tells who is calling. Fails with CodeUnauthenticated.
type Authenticator interface {
	Authenticate(r *http.Request) (Caller, error)
}

// errNothingShown is why somebody is refused who shows nothing that an
// authenticator could judge, as opposed to something wrong.
var errNothingShown = errors.New("nothing was shown")

func nothingShown() error {
	return consent.E(consent.CodeUnauthenticated, "a bearer token or a client certificate is required").Because(errNothingShown)
}

// Any asks one authenticator after the other. The first to whom something is
// shown decides, so the order matters: a Bearer before Certificates.
type Any []Authenticator

// Authenticate implements Authenticator.
func (a Any) Authenticate(r *http.Request) (Caller, error) {
	for _, one := range a {
		caller, err := one.Authenticate(r)
		if !errors.Is(err, errNothingShown) {
			return caller, err
		}
	}
	return Caller{}, nothingShown()
}

// shown is the fingerprint of the certificate that was verified, empty where there
// is none.
func shown(r *http.Request) string {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 || len(r.TLS.VerifiedChains[0]) == 0 {
		return ""
	}
	sum := sha256.Sum256(r.TLS.VerifiedChains[0][0].Raw)
	return hex.EncodeToString(sum[:])
}
