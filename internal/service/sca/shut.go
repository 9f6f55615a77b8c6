package sca

import (
	"context"

	"consentd/internal/consent"
	"consentd/internal/explain"
)

// ErrShut is the answer for a TPP that the bank has blocked.
func ErrShut() error {
	return consent.E(consent.CodeCertificateBlocked, "the bank has blocked this TPP")
}

// shut fails with ErrShut while the bank has blocked the TPP that asks. Nothing
// of its is authorised then, and nothing is refused or used up either: should the
// block be lifted in time, the walk goes on where it stood. This is a look ahead,
// so that nobody answers in vain; what counts is the one in Store.Finish.
func (s *Dispatcher) shut(ctx context.Context, w *walk) error {
	if w.run.Visits() {
		return nil // nobody but the bank asks
	}
	blocked, err := s.Store.Blocked(ctx, w.c.TPP, s.Now())
	if err != nil || !blocked {
		return err
	}
	explain.Note(ctx, "tpp %s: blocked by the bank", w.c.TPP)
	return ErrShut()
}

// turnedAway tells who asked, and no way back: the bank has no browser sent to a
// TPP that it has blocked.
func turnedAway(w *walk) *View {
	return &View{TPP: w.c.TPPName, Language: w.memo.Hint.Language}
}
