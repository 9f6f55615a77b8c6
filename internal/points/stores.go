package points

import (
	"context"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/consents"
	"consentd/internal/service/sca"
)

// Consents reports before and after each write of the use cases of consents.
func Consents(s consents.Store, reached func(Point)) consents.Store {
	return consentStore{Store: s, at: reached}
}

type consentStore struct {
	consents.Store // reads
	at             observer
}

// Create implements consents.Store.
func (s consentStore) Create(ctx context.Context, c *consent.Consent, run *consent.Run) error {
	defer s.at.around(commitCreate)()
	return s.Store.Create(ctx, c, run)
}

// Update implements consents.Store.
func (s consentStore) Update(ctx context.Context, id uuid.UUID, change func(*consent.Consent) error) (*consent.Consent, error) {
	defer s.at.around(commitUpdate)()
	return s.Store.Update(ctx, id, change)
}

// AddRun implements consents.Store.
func (s consentStore) AddRun(ctx context.Context, id uuid.UUID, run *consent.Run, change func(*consent.Consent) error) (*consent.Consent, error) {
	defer s.at.around(commitStart)()
	return s.Store.AddRun(ctx, id, run, change)
}

// UpdateFree implements consents.Store.
func (s consentStore) UpdateFree(ctx context.Context, id uuid.UUID, change func(*consent.Consent) error) error {
	defer s.at.around(commitSettle)()
	return s.Store.UpdateFree(ctx, id, change)
}

// Forwards reports before and after a consent is forwarded, and in its midst.
func Forwards(s consents.Forwards, reached func(Point)) consents.Forwards {
	return forwards{Forwards: s, at: reached}
}

type forwards struct {
	consents.Forwards
	at observer
}

// Forward implements consents.Forwards.
func (f forwards) Forward(ctx context.Context, x consents.Forwarding, change func(consents.Stands) (*consent.Consent, error)) error {
	defer f.at.around(commitForward)()
	return f.Forwards.Forward(ctx, x, func(s consents.Stands) (*consent.Consent, error) {
		defer f.at.around(commitForwardIn)()
		return change(s)
	})
}

// Runs reports before and after each write of the use cases of authentication.
func Runs(s sca.Store, reached func(Point)) sca.Store {
	return runStore{Store: s, at: reached}
}

type runStore struct {
	sca.Store // reads
	at        observer
}

// CountTry implements sca.Store.
func (s runStore) CountTry(ctx context.Context, run uuid.UUID, seq, limit int) (int, error) {
	defer s.at.around(commitTry)()
	return s.Store.CountTry(ctx, run, seq, limit)
}

// ReturnTry implements sca.Store.
func (s runStore) ReturnTry(ctx context.Context, run uuid.UUID, seq int) error {
	defer s.at.around(commitTryBack)()
	return s.Store.ReturnTry(ctx, run, seq)
}

// Change implements sca.Store.
func (s runStore) Change(ctx context.Context, run uuid.UUID, change func(*consent.Run, *consent.Consent) error) error {
	defer s.at.around(commitChange)()
	return s.Store.Change(ctx, run, change)
}

// Finish implements sca.Store.
func (s runStore) Finish(ctx context.Context, run uuid.UUID, now time.Time,
	change func(r *consent.Run, c *consent.Consent, former []*consent.Consent) error,
) error {
	defer s.at.around(commitFinish)()
	return s.Store.Finish(ctx, run, now, change)
}

// Claim implements sca.Store. A worker looks all the time, and what finds
// nothing writes nothing: only a claim that found something has an end.
func (s runStore) Claim(ctx context.Context, now, until time.Time, limit int) ([]uuid.UUID, error) {
	done := s.at.around(commitClaim)
	ids, err := s.Store.Claim(ctx, now, until, limit)
	if len(ids) > 0 {
		done()
	}
	return ids, err
}

// Guesses reports before and after each write of the count of wrong answers.
func Guesses(s sca.Guesses, reached func(Point)) sca.Guesses {
	return guesses{Guesses: s, at: reached}
}

type guesses struct {
	sca.Guesses
	at observer
}

// CountGuess implements sca.Guesses.
func (g guesses) CountGuess(ctx context.Context, psu []byte, limit int, now, until time.Time) (bool, error) {
	defer g.at.around(commitGuess)()
	return g.Guesses.CountGuess(ctx, psu, limit, now, until)
}

// ReturnGuess implements sca.Guesses.
func (g guesses) ReturnGuess(ctx context.Context, psu []byte) error {
	defer g.at.around(commitGuessBack)()
	return g.Guesses.ReturnGuess(ctx, psu)
}

// ForgiveGuesses implements sca.Guesses.
func (g guesses) ForgiveGuesses(ctx context.Context, psu []byte) error {
	defer g.at.around(commitGuessForgive)()
	return g.Guesses.ForgiveGuesses(ctx, psu)
}

// ForgetGuesses implements sca.Guesses.
func (g guesses) ForgetGuesses(ctx context.Context, now time.Time, limit int) (int, error) {
	defer g.at.around(commitGuessForget)()
	return g.Guesses.ForgetGuesses(ctx, now, limit)
}

// Identities reports before and after each call that may make an id.
func Identities(s sca.Identities, reached func(Point)) sca.Identities {
	return identities{Identities: s, at: reached}
}

type identities struct {
	sca.Identities
	at observer
}

// PSU implements sca.Identities.
func (i identities) PSU(ctx context.Context, bankID string) (uuid.UUID, error) {
	defer i.at.around(commitPSU)()
	return i.Identities.PSU(ctx, bankID)
}

// Customer implements sca.Identities.
func (i identities) Customer(ctx context.Context, bankID string) (uuid.UUID, error) {
	defer i.at.around(commitCustomer)()
	return i.Identities.Customer(ctx, bankID)
}

// Accounts implements sca.Identities.
func (i identities) Accounts(ctx context.Context, customer uuid.UUID, accounts []service.Account) ([]uuid.UUID, error) {
	defer i.at.around(commitAccounts)()
	return i.Identities.Accounts(ctx, customer, accounts)
}
