package overview

import (
	"context"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service"
)

// Store is what these use cases need of storage. Implementations pass storagetest.
type Store interface {
	service.Lists
	service.Sights
	// Get reads a consent whole, as stored. Fails with CodeNotFound.
	Get(ctx context.Context, id uuid.UUID) (*consent.Consent, error)
	// Update loads a consent, applies change and saves it in one transaction, with what
	// cannot stand without it. change may run more than once; its error is returned as
	// it is and nothing is saved.
	Update(ctx context.Context, id uuid.UUID, change func(*consent.Consent) error) (*consent.Consent, error)
	// Payments are those that were made by each of some consents, the oldest first.
	Payments(ctx context.Context, consents []uuid.UUID) (map[uuid.UUID][]consent.Payment, error)
	// PaymentsInBrief are the same without what only their details show: Purpose,
	// Reference, Parties, Request, Origin.
	PaymentsInBrief(ctx context.Context, consents []uuid.UUID) (map[uuid.UUID][]consent.Payment, error)
	// LastShared tells when data was last shared by these consents. Those by which
	// none was are left out.
	LastShared(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]time.Time, error)
	// Entries is the audit of a consent, in its order. Empty for none.
	Entries(ctx context.Context, consent uuid.UUID) ([]consent.Entry, error)
	// BankIDs turns ids of ours, of PSUs, customers and accounts, back into the bank's.
	// Those that are not known are left out.
	BankIDs(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error)
}

// Opener reads who pays whom, which only the bank can.
type Opener interface {
	Open(jwe string) (Parties, error)
}
