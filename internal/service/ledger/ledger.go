package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"consentd/internal/consent"
	"consentd/internal/secret"
)

// Store is what the ledger needs of storage. Implementations pass storagetest.
type Store interface {
	// Receipt reads what a call was told. Fails with CodeNotFound.
	Receipt(ctx context.Context, key consent.Digest) (*consent.Receipt, error)
	// ForgetReceipt removes one receipt, if it has expired at now.
	ForgetReceipt(ctx context.Context, key consent.Digest, now time.Time) error
	// ForgetReceipts removes at most limit receipts that have expired at now, and
	// returns how many it was.
	ForgetReceipts(ctx context.Context, now time.Time, limit int) (int, error)
	// Refuse adds an entry to a chain that is no consent's, with the receipt of
	// the call, nil for none. Fails with CodeRepeated.
	Refuse(ctx context.Context, e consent.Entry, r *consent.Receipt) error
	// History reads a chain from its first entry. An unknown chain has none.
	History(ctx context.Context, chain string) ([]consent.Entry, error)
	// Chains hands every chain to visit, until it fails, always in the same order.
	Chains(ctx context.Context, visit func(Chain) error) error
}

// keptFor is for how long a repeated call gets the stored answer.
const keptFor = 24 * time.Hour

// Ledger holds the use cases.
type Ledger struct {
	Store Store
	Keys  *secret.Keys
	Now   func() time.Time
	Zone  *time.Location // where the days of refused calls begin
	Log   *slog.Logger   // is told when refusals are left out; nil: nobody is

	bound bound
}

// Call names a call of a TPP that changes something, as it came.
type Call struct {
	TPP          string
	RequestID    string
	Method, Path string // the path with its ids
	// Asks are the parts that say what is asked for: the body, and every header
	// that has a meaning.
	Asks [][]byte
}

// ErrOther says that a request id was used before, for something else.
var ErrOther = errors.New("the request id was used before for another request")

// Receipt makes the receipt of a call that is answered so.
func (l *Ledger) Receipt(c Call, answer []byte) *consent.Receipt {
	key := l.key(c)
	return &consent.Receipt{
		Key: key, Fingerprint: l.fingerprint(c), Answer: l.Keys.Seal(purpose(key), answer), Expires: l.Now().Add(keptFor),
	}
}

// Find returns what a call was answered before, nil when it was not, or too long
// ago. Fails with ErrOther.
func (l *Ledger) Find(ctx context.Context, c Call) ([]byte, error) {
	key, now := l.key(c), l.Now()
	r, err := l.Store.Receipt(ctx, key)
	switch {
	case consent.CodeOf(err) == consent.CodeNotFound:
		return nil, nil
	case err != nil:
		return nil, err
	case !now.Before(r.Expires):
		return nil, l.Store.ForgetReceipt(ctx, key, now)
	case r.Fingerprint != l.fingerprint(c):
		return nil, ErrOther
	}
	answer, err := l.Keys.Open(purpose(key), r.Answer)
	if err != nil {
		return nil, fmt.Errorf("stored answer: %w", err)
	}
	return answer, nil
}

// Refusal is a call that was refused.
type Refusal struct {
	Cause     consent.Cause
	Operation string // method and path, without ids
	Code      consent.Code
}

// Refused writes a refusal down, in the chain of the caller and the day, with
// the receipt of the call, nil for none. Fails with CodeRepeated.
//
// A caller can have itself refused as often as it likes. Of each code this
// process writes 60 refusals of one caller at once, and one a second after that;
// callers that are not known count as one. What is left out, which is no failure,
// is counted in the reason of the next one that is written, or of an entry of its
// own by Settle, and told to the log. A process that ends takes such a count with it.
// A refusal with a receipt is written always: its call is not answered without.
func (l *Ledger) Refused(ctx context.Context, r Refusal, receipt *consent.Receipt) error {
	now := l.Now()
	e := consent.Entry{
		Chain: consent.RefusedChain(r.Cause.Who, consent.DateOf(now, l.Zone)), At: now, Cause: r.Cause,
		Reason: string(r.Code), Operation: r.Operation,
	}
	if receipt != nil {
		return l.Store.Refuse(ctx, e, receipt)
	}
	from := source{r.Cause.Who, r.Code}
	v := l.bound.judge(from, now)
	if !v.written {
		l.tell(ctx, from, v.tell)
		return nil
	}
	if v.before > 0 {
		e.Reason = fmt.Sprintf("%s, and %d left out before", r.Code, v.before)
	}
	err := l.Store.Refuse(ctx, e, nil)
	if err != nil {
		l.bound.failed(from, v.before+1)
	}
	return err
}

// Settle writes down how many refusals were left out of callers who have stopped,
// at most limit callers, and returns how many it was.
func (l *Ledger) Settle(ctx context.Context, limit int) (int, error) {
	now := l.Now()
	var errs []error
	done := 0
	for _, x := range l.bound.rested(now, limit) {
		err := l.Store.Refuse(ctx, consent.Entry{
			Chain: consent.RefusedChain(x.who, consent.DateOf(now, l.Zone)), At: now, Cause: consent.Cause{By: consent.BySystem, Who: x.who},
			Reason: fmt.Sprintf("%s, %d left out before", x.code, x.count),
		}, nil)
		if err != nil {
			l.bound.failed(x.source, x.count)
			errs = append(errs, err)
			continue
		}
		done++
	}
	return done, errors.Join(errs...)
}

func (l *Ledger) tell(ctx context.Context, from source, count int) {
	if count > 0 && l.Log != nil {
		l.Log.WarnContext(ctx, "too many refusals of one caller: the audit leaves some out", "caller", from.who, "code", from.code, "count", count)
	}
}

// Forget removes receipts that nobody can use any more, at most limit, and
// returns how many it was. Any number of replicas may do it at once.
func (l *Ledger) Forget(ctx context.Context, limit int) (int, error) {
	return l.Store.ForgetReceipts(ctx, l.Now(), limit)
}

func purpose(key consent.Digest) string { return fmt.Sprintf("receipt %x", key) }

func (l *Ledger) key(c Call) consent.Digest {
	return consent.Digest(l.Keys.MAC("receipt key", []byte(c.TPP), []byte(c.Method), []byte(c.Path), []byte(c.RequestID)))
}

func (l *Ledger) fingerprint(c Call) consent.Digest {
	return consent.Digest(l.Keys.MAC("receipt fingerprint", c.Asks...))
}
