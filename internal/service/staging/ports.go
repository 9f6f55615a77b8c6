package staging

import (
	"context"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service"
)

// Store is what these use cases need of storage. Implementations pass storagetest.
type Store interface {
	// Stage writes a consent that a hub has staged, and the line that begins with it, and
	// enters its TPP in the register. Fails with CodeRepeated where the TPP has one of this
	// reference already, CodeServiceInvalid where the reference is the id of a consent, and
	// CodeCertificateBlocked for a TPP that the bank has blocked.
	Stage(ctx context.Context, c *consent.Consent) error
	// Staged reads the consent that a TPP knows by a reference, whole; of any TPP where
	// none is named. Fails with CodeNotFound, and with CodeServiceInvalid where several
	// TPPs have one.
	Staged(ctx context.Context, tpp, reference string) (*consent.Consent, error)
	// StagedInSight is the same of any TPP, among those that somebody may see.
	StagedInSight(ctx context.Context, reference string, sight service.Sight) (*consent.Consent, error)
	// Get reads a consent whole, as stored. Fails with CodeNotFound.
	Get(ctx context.Context, id uuid.UUID) (*consent.Consent, error)
	// Amend loads a consent of any rail with the holder of its line, applies change and
	// saves both in one transaction that keeps others from the line. A consent that
	// nobody has staged has a holder of its own, which is not kept. change may run more
	// than once, so it must have no other effect; its error is returned as it is and
	// nothing is saved. log are the payments that were made by the consent, in brief. Fails with
	// CodeCertificateBlocked where the change would put a staged consent in force for the
	// first time, of a TPP that the bank has blocked.
	Amend(ctx context.Context, id uuid.UUID, change func(c *consent.Consent, h *consent.Holder, log []consent.Payment) error) (*consent.Consent, error)
	// Entries is the audit of a consent, in its order. Empty for none.
	Entries(ctx context.Context, consent uuid.UUID) ([]consent.Entry, error)
	// BankIDs turns ids of ours, of PSUs, customers and accounts, back into the
	// bank's. Those that are not known are left out.
	BankIDs(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error)
	// References are by which name the TPPs know these consents. Those that nobody has
	// staged are left out.
	References(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error)
}

// Uses is what consents were used for, which changes nothing about them.
type Uses interface {
	// LastShared tells when data was last shared by these consents, or a payment tried
	// by those to payments. Those by which none was are left out.
	LastShared(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]time.Time, error)
	// NoteShared keeps it, unless later ones are known. Unknown consents are left out.
	NoteShared(ctx context.Context, at map[uuid.UUID]time.Time) error
	// PaymentsInBrief are those that were made by each of some consents, the oldest first,
	// without what only the payment log shows: Purpose, Reference, Parties, Request, Origin.
	PaymentsInBrief(ctx context.Context, consents []uuid.UUID) (map[uuid.UUID][]consent.Payment, error)
}

// Identities turns the bank's ids into ours, made at first sight.
type Identities interface {
	PSU(ctx context.Context, bankID string) (uuid.UUID, error)
	Customer(ctx context.Context, bankID string) (uuid.UUID, error)
	// Accounts returns the ids in the order of accounts.
	Accounts(ctx context.Context, customer uuid.UUID, accounts []service.Account) ([]uuid.UUID, error)
}
