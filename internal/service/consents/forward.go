package consents

import (
	"context"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
)

// Forwards is what replacing forwarded consents needs of storage. Implementations
// pass storagetest.
type Forwards interface {
	// Forward replaces what a TPP has forwarded for a PSU of a customer, in one
	// transaction that holds off every other one of them, and holds the lock of the
	// connection, zero for none, by which the TPP calls. change gets the connection
	// (nil for none), what stands, which may have ended (nil for nothing), and until
	// when tokens of the bank's own server open nothing; it ends the former and returns
	// the next, nil for none. It may run more than once; its error undoes everything
	// and is returned as it is. Fails with CodeCertificateBlocked where the bank has
	// blocked the TPP at now.
	Forward(ctx context.Context, f Forwarding, change func(s Stands) (next *consent.Consent, err error)) error
}

// Forwarding is whose forwarded consent is to be replaced.
type Forwarding struct {
	TPP                       string
	Customer, PSU, Connection uuid.UUID
	Now                       time.Time
}

// Stands is what a forwarded consent is to replace.
type Stands struct {
	Connection *consent.Consent
	Former     *consent.Consent
	After      time.Time
}
