package sca

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"consentd/internal/consent"
	flow "consentd/pkg/sca"
)

// Choice is what the PSU has chosen on the bank's page.
type Choice struct {
	// Accounts are those that are shared, as Offer.Key names them or by the bank's
	// ids; none where they are not the PSU's to choose.
	Accounts []string
	// Narrower draws the terms of the consent closer.
	Narrower consent.Narrowing
}

// SetAccounts says what the PSU has chosen to share and, where they want less than
// the TPP has asked for, for how long and how often. It counts once SetResult has
// authorised it, and may be changed until then; each call says all of it. Where
// several must sign, the first decides, and the others agree to that or to nothing.
// Fails like every call of the bank's pages; with CodeForbidden for an account that
// was not offered, CodeFormat for no account where some must be chosen and for terms
// that are not narrower, CodeServiceInvalid for accounts and terms that are not this
// PSU's to choose.
func (s *Dispatcher) SetAccounts(ctx context.Context, by Acting, choice Choice) (*HandOff, error) {
	return s.onward(ctx, by, func(ctx context.Context, w *walk) error {
		if err := s.ready(ctx, w); err != nil {
			return err
		}
		if w.memo.PSU == "" {
			return consent.E(consent.CodeStatusInvalid, "the PSU is not known yet")
		}
		picked, terms, err := s.weigh(w, choice)
		if err != nil {
			return err
		}
		if w.run.Stage != consent.StageAccounts && slices.Equal(picked, w.memo.Picked) && w.agrees(terms) {
			return nil
		}
		if w.run.Stage != consent.StageAccounts && w.run.Stage != consent.StageReview {
			return consent.E(consent.CodeStatusInvalid, "the PSU has agreed already")
		}
		w.memo.HandOff.Terms = &terms
		if picked != nil {
			return s.pick(ctx, w, Answer{Accounts: picked}).err
		}
		return s.change(ctx, w, func(r *consent.Run, _ *consent.Consent, sealed []byte) error {
			r.Step(r.Stage, sealed)
			return nil
		}).err
	})
}

// weigh is what a choice comes to. Faults of CodeFormat are told together.
func (s *Dispatcher) weigh(w *walk, choice Choice) (picked []string, terms consent.Terms, err error) {
	picked, err = picks(w, choice.Accounts)
	terms, wrong := s.Policy.Narrow(w.c, choice.Narrower, s.Now())
	unpicked, ok := errors.AsType[*consent.Error](err)
	if faults, both := errors.AsType[consent.Faults](wrong); ok && both && unpicked.Code == consent.CodeFormat {
		err = append(consent.Faults{unpicked}, faults...)
	}
	if err == nil {
		err = wrong
	}
	return picked, terms, err
}

// FaultsOf are those that SetAccounts would find in a choice that it could make now,
// so that they can be told together with what could not be read of the call; none
// where no choice can be made. It changes nothing.
func (s *Dispatcher) FaultsOf(ctx context.Context, authorisation uuid.UUID, choice Choice) (consent.Faults, error) {
	w, err := s.walkOf(ctx, authorisation)
	if err != nil || w.over() || (w.run.Stage != consent.StageAccounts && w.run.Stage != consent.StageReview) {
		return nil, err
	}
	_, _, err = s.weigh(w, choice)
	if faults, ok := errors.AsType[consent.Faults](err); ok {
		return faults, nil
	}
	if one, ok := errors.AsType[*consent.Error](err); ok && one.Code == consent.CodeFormat {
		return consent.Faults{one}, nil
	}
	return nil, nil
}

// agrees reports whether terms are those that the PSU has agreed to so far.
func (w *walk) agrees(terms consent.Terms) bool {
	former := w.c.Terms()
	if t := w.memo.terms(); t != nil {
		former = *t
	}
	return former.Same(terms)
}

// terms are those that the PSU agrees to, nil for whatever is asked for.
func (m memo) terms() *consent.Terms {
	if m.HandOff == nil {
		return nil
	}
	return m.HandOff.Terms
}

// picks are the offers that the bank names, in the order of the offers; nil where
// there is nothing to choose.
func picks(w *walk, names []string) ([]string, error) {
	named := w.memo
	named.Chosen = names
	keys := chosen(named)
	var picked []string
	for _, o := range w.memo.Offered {
		if slices.Contains(keys, o.Key) {
			picked = append(picked, o.Key)
		}
	}
	free := w.c.Access.Chosen() && len(w.c.Access.Grants) == 0
	switch {
	case slices.ContainsFunc(keys, func(key string) bool { return !slices.Contains(picked, key) }):
		return nil, consent.At(consent.CodeForbidden, "accounts", "must be among those that were offered")
	case free && len(picked) == 0:
		return nil, consent.At(consent.CodeFormat, "accounts", "are required: the PSU chooses")
	case !free && len(names) > 0 && len(picked) < len(w.memo.Offered):
		return nil, consent.At(consent.CodeServiceInvalid, "accounts", "are not this PSU's to choose: it is all of them, or none")
	case !free:
		return nil, nil
	}
	return picked, nil
}

// HandOffResult is how the authentication ended on the bank's pages.
type HandOffResult string

// The results.
const (
	ResultAuthorised HandOffResult = "authorised" // the PSU has read it and agreed, and was authenticated
	ResultRefused    HandOffResult = "refused"    // the PSU, or the bank, said no
	ResultFailed     HandOffResult = "failed"     // nobody said no: the authentication failed
)

// outcome is how a run ends with a result.
func (r HandOffResult) outcome() consent.RunOutcome {
	switch r {
	case ResultAuthorised:
		return consent.RunDone
	case ResultRefused:
		return consent.RunRefused
	default:
		return consent.RunFailed
	}
}

// SetResult ends the authorisation. An authorised one makes the consent valid, or
// partially authorised, or lets it wait for the TPP's confirmation; a refused one
// rejects the consent; after a failed one it may be authorised anew. The HandOff
// says where the browser goes, with the confirmation code where one is awaited.
// The same result again is answered alike. Fails like every call of the bank's
// pages; with CodeStatusInvalid while the PSU or the accounts are not known, after
// another result, and when what the PSU has agreed to holds no longer.
func (s *Dispatcher) SetResult(ctx context.Context, by Acting, result HandOffResult) (*HandOff, error) {
	var code string
	h, err := s.onward(ctx, by, func(ctx context.Context, w *walk) error {
		err := s.closeWith(ctx, w, result)
		code = w.memo.Code
		return err
	})
	if err != nil {
		return h, err
	}
	ok, _ := h.Consent.Return(h.Authorisation.ID)
	switch a := h.Authorisation.Status; {
	case a == consent.ScaUnconfirmed:
		h.ReturnTo = withCode(ok, code)
	case a.Granted():
		h.ReturnTo = ok
	}
	return h, nil
}

// closeWith brings a walk to its end, from wherever it stands.
func (s *Dispatcher) closeWith(ctx context.Context, w *walk, result HandOffResult) error {
	if w.run.Stage == consent.StageEnded && w.run.Outcome == result.outcome() {
		return nil // said before
	}
	if err := s.ready(ctx, w); err != nil {
		return err
	}
	if w.run.Stage == consent.StageConfirm {
		if result == ResultAuthorised {
			return nil
		}
		return consent.E(consent.CodeStatusInvalid, "the PSU has agreed already")
	}
	if result != ResultAuthorised {
		return s.callOff(ctx, w, result)
	}
	switch {
	case w.memo.PSU == "":
		return consent.E(consent.CodeStatusInvalid, "the PSU is not known yet")
	case w.run.Stage == consent.StageAccounts:
		return consent.E(consent.CodeStatusInvalid, "the accounts have not been chosen yet")
	case w.run.Stage == consent.StageReview:
		w.run.Approved = true
		if err := s.step(ctx, w, flow.Input{Kind: flow.Approved}); err != nil {
			return err
		}
	}
	w.memo.Authenticated = true
	return s.step(ctx, w, flow.Input{Kind: flow.Callback, Fields: map[string]string{"result": string(result)}})
}

// callOff ends a walk without success. Where the flow waits for the bank it is
// told; where we wait for a choice or an approval it learns that it is cancelled.
func (s *Dispatcher) callOff(ctx context.Context, w *walk, result HandOffResult) error {
	if w.run.Stage == consent.StageFlow {
		err := s.step(ctx, w, flow.Input{Kind: flow.Callback, Fields: map[string]string{"result": string(result)}})
		if consent.CodeOf(err) == consent.CodeBlocked && w.run.Stage == consent.StageEnded {
			return nil // failed, as was said
		}
		return err
	}
	if result == ResultRefused {
		return s.refuse(ctx, w, consent.ByASPSP, consent.ReasonRefused, nil).err
	}
	return s.fail(ctx, w, consent.RunFailed, nil).err
}
