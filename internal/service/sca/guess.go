package sca

import (
	"context"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service"
	flow "consentd/pkg/sca"
)

// guess is an answer that may be wrong, counted against its PSU over all
// authorisations (RTS on SCA, art. 4(3)(b)); nil where nothing is guessed.
type guess struct {
	count Guesses
	psu   []byte
}

// guess counts an answer before it is judged. Whose it is says the form on which
// a PSU logs in, whether the bank knows that name or not, and from then on the
// run. Fails with CodePSULocked.
func (s *Dispatcher) guess(ctx context.Context, w *walk, a Answer) (*guess, error) {
	if s.Policy.MaxFailures == 0 || len(w.memo.Step.Fields) == 0 || a.Method != "" {
		return nil, nil //nolint:nilnil // nothing is guessed: a nil guess counts nothing
	}
	kind, who := "login", []byte(service.Plain(w.memo.Login))
	if w.run.PSU != uuid.Nil {
		kind, who = "factor", w.run.PSU[:]
	}
	if len(who) == 0 {
		return nil, nil //nolint:nilnil // nobody has said yet who they are
	}
	g := &guess{count: s.Guesses, psu: s.Keys.MAC("failures of a psu", []byte(kind), who)}
	now := s.Now()
	counted, err := s.Guesses.CountGuess(ctx, g.psu, s.Policy.MaxFailures, now, now.Add(s.Policy.LockFor))
	if err != nil || counted {
		return g, err
	}
	explain.Note(ctx, "the PSU is locked after %d wrong answers", s.Policy.MaxFailures)
	s.Log.WarnContext(ctx, "psu locked after wrong answers", "run", w.run.ID, "factor", kind)
	return nil, consent.E(consent.CodePSULocked, "too many wrong answers: for a time, none is judged")
}

// unjudged takes the count back.
func (g *guess) unjudged(ctx context.Context) error {
	if g == nil {
		return nil
	}
	return g.count.ReturnGuess(ctx, g.psu)
}

// right begins to count anew where the answer has brought the PSU on. A flow that
// denies has judged nothing.
func (g *guess) right(ctx context.Context, step flow.Step) error {
	if g == nil {
		return nil
	}
	if step.Outcome == flow.Denied {
		return g.unjudged(ctx)
	}
	return g.count.ForgiveGuesses(ctx, g.psu)
}

// ForgetGuesses removes counts that are past their time, at most limit.
func (s *Dispatcher) ForgetGuesses(ctx context.Context, limit int) (int, error) {
	return s.Guesses.ForgetGuesses(ctx, s.Now(), limit)
}
