package sca

import (
	"cmp"
	"context"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service"
)

// guess is an answer that may be wrong, counted against its PSU over all
// authorisations (RTS on SCA, art. 4(3)(b)); nil where nothing is guessed.
type guess struct {
	count Guesses
	psu   []byte
}

// guess counts an answer before it is judged. Fails with CodePSULocked.
func (s *Dispatcher) guess(ctx context.Context, w *walk) (*guess, error) {
	psu := s.guesser(w)
	if s.Policy.MaxFailures == 0 || len(w.memo.Step.Fields) == 0 || psu == nil {
		return nil, nil //nolint:nilnil // nothing is guessed: a nil guess counts nothing
	}
	g, now := &guess{count: s.Guesses, psu: psu}, s.Now()
	counted, err := s.Guesses.CountGuess(ctx, g.psu, s.Policy.MaxFailures, now, now.Add(s.Policy.LockFor))
	if err != nil || counted {
		return g, err
	}
	return nil, s.lockedOut(ctx, w)
}

func (s *Dispatcher) lockedOut(ctx context.Context, w *walk) error {
	explain.Note(ctx, "the PSU is locked after %d wrong answers", s.Policy.MaxFailures)
	s.Log.WarnContext(ctx, "psu locked after wrong answers", "run", w.run.ID)
	return consent.E(consent.CodePSULocked, "too many wrong answers: for a time, none is judged")
}

// mayConfirm fails with CodePSULocked for a PSU whose factors are not judged at the
// moment: nothing is shown to them, and no code is sent. What the bank's own pages
// judge is theirs.
func (s *Dispatcher) mayConfirm(ctx context.Context, w *walk, psu uuid.UUID) error {
	if s.Policy.MaxFailures == 0 || w.memo.Authenticated || w.memo.HandOff != nil {
		return nil
	}
	locked, err := s.Guesses.Locked(ctx, s.guessing("factor", psu[:]), s.Policy.MaxFailures, s.Now())
	if err != nil || !locked {
		return err
	}
	return s.lockedOut(ctx, w)
}

// guesser is whose answers are counted: of whoever logs in by a name, their own or
// the TPP's for them, whether the bank knows it or not, and from then on of the PSU;
// nil before anybody has said who they are.
func (s *Dispatcher) guesser(w *walk) []byte {
	kind, who := "login", []byte(cmp.Or(service.Plain(w.memo.Login), service.Plain(w.memo.Hint.PSU)))
	if w.run.PSU != uuid.Nil {
		kind, who = "factor", w.run.PSU[:]
	}
	if len(who) == 0 {
		return nil
	}
	return s.guessing(kind, who)
}

func (s *Dispatcher) guessing(kind string, who []byte) []byte {
	return s.Keys.MAC("failures of a psu", []byte(kind), who)
}

// unjudged takes the count back.
func (g *guess) unjudged(ctx context.Context) error {
	if g == nil {
		return nil
	}
	return g.count.ReturnGuess(ctx, g.psu)
}

// forgive begins to count anew, after a factor that was right here.
func (s *Dispatcher) forgive(ctx context.Context, w *walk) error {
	psu := s.guesser(w)
	if s.Policy.MaxFailures == 0 || psu == nil || !w.memo.Proved {
		return nil
	}
	return s.Guesses.ForgiveGuesses(ctx, psu)
}

// noted logs a failure of which the PSU need not know.
func (s *Dispatcher) noted(ctx context.Context, w *walk, doing string, err error) {
	if err != nil {
		s.Log.ErrorContext(ctx, "a side of the walk failed", "doing", doing, "run", w.run.ID, "error", err)
	}
}

// ForgetGuesses removes counts that are past their time, at most limit.
func (s *Dispatcher) ForgetGuesses(ctx context.Context, limit int) (int, error) {
	return s.Guesses.ForgetGuesses(ctx, s.Now(), limit)
}
