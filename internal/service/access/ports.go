package access

import (
	"context"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service"
)

// Store is what decisions need of storage. Implementations pass storagetest.
type Store interface {
	// Grounds reads all that a decision about a consent rests on, in one
	// statement. Fails with CodeNotFound.
	Grounds(ctx context.Context, id uuid.UUID, now time.Time) (*Grounds, error)
	// Count counts an access of a recurring consent on a day, unless there have
	// been limit already: in one statement, so that any number of parallel
	// accesses, at whatever replicas, get no more. left is how many remain; ok is
	// false when there was none left, and then nothing is counted.
	Count(ctx context.Context, a Counted, limit int) (left int, ok bool, err error)
	// Spend counts an access of a one-off consent, for good, and lets judge end the
	// consent with it, in one transaction that holds the consent's lock. judge gets
	// the consent as it stands, all uses so far, this one included, and whether the
	// access was made before; it may run more than once, and its error undoes
	// everything and is returned as it is.
	Spend(ctx context.Context, a Counted, judge func(c *consent.Consent, used []consent.Use, again bool) error) error
	// Follow lets an access go on that was counted after since, on its day or the day
	// before, of the same list if it has one: at most limit times, however many ask at
	// once. It reports whether there was one to go on with. Of the lists of a day the
	// last four are remembered.
	Follow(ctx context.Context, a Counted, since time.Time, limit int) (bool, error)
	// NoteShared keeps when data was last shared by these consents, unless later
	// times are known already.
	NoteShared(ctx context.Context, at map[uuid.UUID]time.Time) error
	// ForgetCounts removes at most limit counts of days before one, other than
	// those of one-off consents, and returns how many it was.
	ForgetCounts(ctx context.Context, before consent.Date, limit int) (int, error)
}

// Counted is one access that counts.
type Counted struct {
	Consent uuid.UUID // or what else shares a quota: see Question.Quota
	Use     consent.Use
	Day     consent.Date // zero for a one-off consent: its uses count for good
	At      time.Time
	List    string // a fingerprint of what is listed; empty where that is not told
}

// Grounds are what a decision rests on.
type Grounds struct {
	// Consent is the consent as stored, without its authorisations and what was
	// asked for; its grants are in Accounts.
	Consent *consent.Consent
	// Customer is the bank's id of whose accounts they are; empty before a PSU has
	// authorised.
	Customer string
	// Accounts are those that were granted, in their order.
	Accounts []Account
	// Shut says that the bank has blocked the TPP.
	Shut bool
}

// Account is an account that may be read.
type Account struct {
	Key       uuid.UUID // opaque; nil where none is given yet
	ID        string    // the bank's
	Reference consent.Reference
	Rights    consent.Rights // what was granted
}

// Identities gives the bank's accounts opaque ids.
type Identities interface {
	// Accounts returns the id of each of a customer's accounts, in their order.
	Accounts(ctx context.Context, customer uuid.UUID, accounts []service.Account) ([]uuid.UUID, error)
}
