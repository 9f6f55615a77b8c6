package sca

import (
	"context"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service"
)

// Store is what these use cases need of storage. Implementations pass storagetest.
type Store interface {
	// Run reads a run by the digest of its handle, or of the one that it had before
	// it went on, on another device. Fails with CodeNotFound.
	Run(ctx context.Context, handle consent.Digest) (*consent.Run, error)
	// RunByID reads a run. Fails with CodeNotFound.
	RunByID(ctx context.Context, id uuid.UUID) (*consent.Run, error)
	// RunOf reads the run of an authorisation. Fails with CodeNotFound.
	RunOf(ctx context.Context, authorisation uuid.UUID) (*consent.Run, error)
	// Get reads a consent whole, as stored. Fails with CodeNotFound.
	Get(ctx context.Context, id uuid.UUID) (*consent.Consent, error)
	// CountTry counts one answer to the step seq of a run, in one statement that
	// parallel answers cannot get past, and returns its number. It returns 0
	// when limit answers have been counted or the run has moved on.
	CountTry(ctx context.Context, run uuid.UUID, seq, limit int) (int, error)
	// ReturnTry takes back one count of a step that the run still stands at.
	ReturnTry(ctx context.Context, run uuid.UUID, seq int) error
	// Change loads a run and its consent, applies change and saves both in one
	// transaction. change may run more than once, so it must have no other
	// effect; its error is returned as it is and nothing is saved. With a run that
	// visits comes its Visit, which is not saved.
	Change(ctx context.Context, run uuid.UUID, change func(*consent.Run, *consent.Consent) error) error
	// Finish is Change for the step that may make the consent valid. It holds
	// off every other Finish of the same rail, TPP and customer, and hands
	// change the consents which this one would replace. Fails with ErrShut, and
	// calls no change, when the bank has blocked the consent's TPP at now; until
	// the transaction ends nobody can. A run that visits replaces nothing.
	Finish(ctx context.Context, run uuid.UUID, now time.Time, change func(r *consent.Run, c *consent.Consent, former []*consent.Consent) error) error
	// Blocked reports whether the bank has shut a TPP out at now. One that is not
	// known is not blocked.
	Blocked(ctx context.Context, tpp string, now time.Time) (bool, error)
	// Claim lists runs whose flow wants to be asked again at now, at most limit,
	// and puts their next poll off to until: nobody else claims them before.
	Claim(ctx context.Context, now, until time.Time, limit int) ([]uuid.UUID, error)
}

// Guesses counts the wrong answers in a row of a PSU, over all authorisations. A
// PSU is named by a MAC. Implementations pass storagetest.
type Guesses interface {
	// CountGuess counts an answer as wrong until it has been judged, in one
	// statement that parallel answers cannot get past, and keeps the count until
	// then. It reports false, and counts nothing, when limit answers have been
	// counted which are not forgotten at now.
	CountGuess(ctx context.Context, psu []byte, limit int, now, until time.Time) (bool, error)
	// Locked reports whether CountGuess would refuse at now.
	Locked(ctx context.Context, psu []byte, limit int, now time.Time) (bool, error)
	// ReturnGuess takes back one that nobody has judged.
	ReturnGuess(ctx context.Context, psu []byte) error
	// ForgiveGuesses begins anew, after a right answer.
	ForgiveGuesses(ctx context.Context, psu []byte) error
	// ForgetGuesses removes what is past its time at now, at most limit.
	ForgetGuesses(ctx context.Context, now time.Time, limit int) (int, error)
}

// Identities turns the bank's ids into opaque ones, made at first sight, so
// that consents refer to nobody by name.
type Identities interface {
	PSU(ctx context.Context, bankID string) (uuid.UUID, error)
	Customer(ctx context.Context, bankID string) (uuid.UUID, error)
	// Accounts returns the ids in the order of accounts.
	Accounts(ctx context.Context, customer uuid.UUID, accounts []service.Account) ([]uuid.UUID, error)
	// BankIDs turns ids back into the bank's. Those that are not known, or were
	// erased, are left out.
	BankIDs(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error)
}
