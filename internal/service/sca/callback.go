package sca

import (
	"context"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
	flow "consentd/pkg/sca"
)

// Callback hands the flow of a run what the bank's backend reports; token is the
// end of the address that the flow was given. A run that waits for nothing, or no
// longer, takes nothing, and that is no error. Fails with CodeNotFound for a token
// that is none of ours, and with CodeUnavailable; the run is asked after later in
// any case.
func (s *Dispatcher) Callback(ctx context.Context, token string, fields map[string]string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	plain, err := s.open64(sealCallback, token)
	if err != nil {
		return err
	}
	id, err := uuid.FromBytes(plain)
	if err != nil {
		return consent.E(consent.CodeNotFound, "not an address of ours").Because(err)
	}
	w, err := s.waiting(ctx, id)
	if err != nil {
		return err
	}
	if w.run.Stage != consent.StageFlow || w.memo.Step.Outcome != flow.Wait || s.usable(w, w.run.Browser) != nil {
		explain.Note(ctx, "the run waits for nothing")
		return nil
	}
	if err := s.shut(ctx, w); err != nil {
		return s.rest(ctx, w, err)
	}
	return s.look(ctx, w, flow.Input{Kind: flow.Callback, Fields: fields})
}
