package sca

import (
	"cmp"
	"context"
	"errors"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/secret"
	"consentd/internal/service"
	flow "consentd/pkg/sca"
)

// A bank with pages of its own takes a walk up by its handle and goes on with it by
// the id of the authorisation. Its calls lead over the same stages as a browser on
// our pages does: SetPSU is the log-in, SetAccounts the choice, and SetResult the
// approval and the last factor in one. Each may be repeated.

// handedOff is what a run remembers of a walk on the bank's pages.
type handedOff struct {
	Method string         // by which the PSU is authenticated, in the bank's words
	Terms  *consent.Terms // what the PSU agrees to, where the bank has said so
}

// OwnPages reports whether a run is walked on pages of the bank's own, by whatever
// browser: it is bound to none that we know.
func (s *Dispatcher) OwnPages(run *consent.Run) bool {
	_, ok := capability[flow.Linked](s.Flows[run.Flow])
	return ok
}

// handedOver fails with CodeServiceInvalid for a walk on our pages.
func (s *Dispatcher) handedOver(w *walk) error {
	if !s.OwnPages(w.run) {
		return consent.E(consent.CodeServiceInvalid, "this authorisation is not handed to pages of the bank's own")
	}
	return nil
}

// LookUp takes up the walk of a handle that a browser has brought to a page of the
// bank's. Our own page is closed to every browser from then on, and the time to
// finish begins. Until the walk has ended it may be looked up again. Fails with
// CodeNotFound for a handle that is none, CodeServiceInvalid for a walk on our
// pages, CodeCertificateBlocked while the bank has blocked the TPP; and with
// CodeUsed after the end and CodeExpired after the time, where the HandOff still
// says where the browser goes.
func (s *Dispatcher) LookUp(ctx context.Context, cause consent.Cause, handle string) (*HandOff, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	for range overtakings {
		w, err := s.load(ctx, handle, Visitor{})
		if err != nil {
			return nil, err
		}
		s.caused(w, cause)
		if err := s.handedOver(w); err != nil {
			return nil, err
		}
		if err := s.shut(ctx, w); err != nil {
			return nil, err
		}
		if w.over() && w.run.Stage != consent.StageEnded { // it ended in between, or without the walk
			if w, err = s.walkOf(ctx, w.run.Authorisation); err != nil {
				return nil, err
			}
		}
		err = s.usable(w, w.run.Browser)
		if err == nil && (w.former || w.run.Stage == consent.StageConfirm) {
			err = consent.E(consent.CodeUsed, "this link has been used")
		}
		if err != nil {
			return s.handOff(w), err
		}
		err = s.takeUp(ctx, w)
		if !errors.Is(err, errMoved) && consent.CodeOf(err) != consent.CodeStatusInvalid { // ended in between: look again
			return s.handOff(w), err
		}
	}
	return nil, errOvertaken()
}

func errOvertaken() error {
	return consent.E(consent.CodeUnavailable, "the authorisation is being moved on by others")
}

// caused says in the audit that the bank's caller moves the walk on, for the PSU if
// they are known.
func (s *Dispatcher) caused(w *walk, cause consent.Cause) {
	if w.cause = cause; w.run.PSU != uuid.Nil {
		w.known(w.run.PSU)
	}
}

// takeUp gives a run to the bank's pages, once.
func (s *Dispatcher) takeUp(ctx context.Context, w *walk) error {
	if w.run.Stage == consent.StageStart {
		if err := s.step(ctx, w, flow.Input{}); err != nil {
			return err
		}
	}
	if w.memo.HandOff != nil {
		return nil
	}
	w.memo.HandOff = &handedOff{}
	nobody, now := secret.Digest(secret.Handle()), s.Now()
	return s.change(ctx, w, func(r *consent.Run, c *consent.Consent, sealed []byte) error {
		if !r.Bound() {
			if err := r.Bind(nobody, s.Policy.FinishWithin, now); err != nil {
				return err
			}
		}
		r.Browser, r.Memo = nobody, sealed
		return c.Extend(r.Authorisation, r.FinishBy)
	}).err
}

// step asks the flow and applies its answer.
func (s *Dispatcher) step(ctx context.Context, w *walk, in flow.Input) error {
	step, err := s.ask(ctx, w, in)
	if err != nil {
		return err
	}
	return s.apply(ctx, w, step).err
}

// Look shows where an authorisation on the bank's pages stands, and changes
// nothing. It names the PSU of one that has ended, too. Fails with CodeNotFound, and with CodeServiceInvalid for a walk on our
// pages.
func (s *Dispatcher) Look(ctx context.Context, authorisation uuid.UUID) (*HandOff, error) {
	w, err := s.walkOf(ctx, authorisation)
	if err != nil {
		return nil, err
	}
	h := s.handOff(w)
	if id := h.Authorisation.PSU; h.PSU == "" && id != uuid.Nil {
		known, err := s.Identities.BankIDs(ctx, []uuid.UUID{id})
		if err != nil {
			return nil, err
		}
		h.PSU = known[id]
	}
	return h, nil
}

// walkOf loads the walk of an authorisation on the bank's pages.
func (s *Dispatcher) walkOf(ctx context.Context, authorisation uuid.UUID) (*walk, error) {
	var w *walk
	for range 2 { // the run is read before the consent, which may have ended it in between
		r, err := s.Store.RunOf(ctx, authorisation)
		if err != nil {
			return nil, err
		}
		if w, err = s.walk(ctx, r, Visitor{}); err != nil {
			return nil, err
		}
		if w.c.Status.Pending() && !w.over() {
			break
		}
	}
	return w, s.handedOver(w)
}

// over reports whether the authorisation has ended.
func (w *walk) over() bool {
	a, err := w.c.Authorisation(w.run.Authorisation)
	return err != nil || a.Status.Final()
}

// Acting is a caller of the bank's own who goes on with an authorisation.
type Acting struct {
	Authorisation uuid.UUID
	Cause         consent.Cause
}

// onward does one thing to a walk on the bank's pages, anew where it was overtaken.
//
// It fails with CodeNotFound for no authorisation, CodeServiceInvalid for one on
// our pages, CodeCertificateBlocked while the bank has blocked the TPP, CodeTimeOver
// and CodeStatusInvalid for one that has ended, with this call perhaps; the HandOff
// says then where the browser goes. Fails with CodeStatusInvalid for what comes too
// early or too late, without such a place: the walk stands where it was.
func (s *Dispatcher) onward(ctx context.Context, by Acting, act func(context.Context, *walk) error) (*HandOff, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	for range overtakings {
		w, err := s.walkOf(ctx, by.Authorisation)
		if err != nil {
			return nil, err
		}
		s.caused(w, by.Cause)
		err = act(ctx, w)
		switch {
		case err == nil:
			return s.handOff(w), nil
		case errors.Is(err, errMoved), consent.CodeOf(err) == consent.CodeExpired: // by whom, the next look tells
		case w.run.Stage == consent.StageEnded && !errors.Is(err, errEnded):
			return s.handOff(w), ended(w, err)
		default:
			return s.handOff(w), err
		}
	}
	return nil, errOvertaken()
}

// errEnded marks what is said of an authorisation that had ended before.
var errEnded = errors.New("the authorisation has ended")

// ended says that an authorisation has ended. Whoever ended it with this call is
// told why; the same call again finds it so.
func ended(w *walk, why error) error {
	text := "the authorisation has ended"
	if a, err := w.c.Authorisation(w.run.Authorisation); err == nil {
		text = "the authorisation is " + string(a.Status)
	}
	if told, ok := errors.AsType[*consent.Error](why); ok {
		text += ": " + told.Text
	}
	return consent.E(consent.CodeStatusInvalid, "%s", text).Because(why)
}

// ready tells whether the bank may go on with a walk now.
func (s *Dispatcher) ready(ctx context.Context, w *walk) error {
	a, err := w.c.Authorisation(w.run.Authorisation)
	if err != nil {
		return err
	}
	switch {
	case a.Status == consent.ScaFailed && a.ChangedAt.Equal(a.Deadline), w.run.Stage != consent.StageEnded && !s.Now().Before(w.run.Deadline()):
		return consent.E(consent.CodeTimeOver, "the time of the authorisation is over").Because(errEnded)
	case a.Status.Final() || !w.c.Status.Pending() || w.run.Stage == consent.StageEnded:
		return ended(w, errEnded)
	case w.memo.HandOff == nil:
		return consent.E(consent.CodeStatusInvalid, "the handle of the authorisation has not been looked up yet")
	}
	return s.shut(ctx, w)
}

// SetPSU says who has logged in on the bank's page, and for whom they act, by the
// bank's ids; customer may be empty. What they may share is known then. Fails like
// every call of the bank's pages; with CodeFormat for a PSU whom the bank does not
// know, CodeCorporate for a customer for whom they may not act, or whom the TPP did
// not mean, and with CodeUnavailable when the bank does not answer. A PSU who may not sign, or to whom the accounts do not
// belong that are asked for, ends the authorisation (CodeStatusInvalid).
func (s *Dispatcher) SetPSU(ctx context.Context, by Acting, psu, customer string) (*HandOff, error) {
	return s.onward(ctx, by, func(ctx context.Context, w *walk) error {
		if said, err := s.saidAlready(ctx, w, psu, customer); said || err != nil {
			return err
		}
		if err := s.ready(ctx, w); err != nil {
			return err
		}
		if w.run.Stage != consent.StageFlow || w.memo.PSU != "" {
			return consent.E(consent.CodeStatusInvalid, "another PSU has logged in, or for another customer")
		}
		err := s.actsFor(ctx, w, psu, customer)
		if err == nil {
			w.memo.Login = psu
			err = s.step(ctx, w, flow.Input{Kind: flow.Callback, Fields: map[string]string{"psu": psu}})
		}
		if errors.Is(err, service.ErrUnknownPSU) {
			return consent.At(consent.CodeFormat, "psu", "is nobody whom the bank knows").Because(err)
		}
		return err
	})
}

// saidAlready reports whether a walk that has not failed knows its PSU, and that
// they act for the customer, since a call is perhaps repeated.
func (s *Dispatcher) saidAlready(ctx context.Context, w *walk, psu, customer string) (bool, error) {
	a, err := w.c.Authorisation(w.run.Authorisation)
	if err != nil || a.PSU == uuid.Nil || a.Status == consent.ScaFailed {
		return false, err
	}
	id, err := s.Identities.PSU(ctx, psu)
	if err != nil || id != a.PSU {
		return false, err
	}
	known := w.memo.Customer // forgotten after the end
	return customer == "" || known.ID == "" || customer == known.ID || customer == known.OrganisationID, nil
}

// actsFor keeps the customer whom the bank names, if it names one.
func (s *Dispatcher) actsFor(ctx context.Context, w *walk, psu, customer string) error {
	if customer == "" {
		return nil
	}
	all, err := s.Signers.Customers(ctx, psu)
	if err != nil {
		return service.Unavailable(err)
	}
	for _, x := range all {
		if customer != x.ID && customer != x.OrganisationID {
			continue
		}
		if hint := w.memo.Hint.Corporate; hint != "" && hint != x.ID && hint != x.OrganisationID {
			return consent.At(consent.CodeCorporate, "customer", "is not the company that the TPP has named")
		}
		w.memo.Hint.Corporate = cmp.Or(x.ID, x.OrganisationID)
		return nil
	}
	return consent.At(consent.CodeCorporate, "customer", "names no customer for whom this PSU may act")
}

// SetStatus says how far the bank has come with the authentication: psuIdentified,
// and once the PSU is known psuAuthenticated, scaMethodSelected and started, by
// which method, if that is to be kept. It ends nothing; SetResult does. Fails like
// every call of the bank's pages, and with CodeStatusInvalid for a step back.
func (s *Dispatcher) SetStatus(ctx context.Context, by Acting, to consent.ScaStatus, method string) (*HandOff, error) {
	return s.onward(ctx, by, func(ctx context.Context, w *walk) error {
		if err := s.ready(ctx, w); err != nil {
			return err
		}
		if w.run.PSU == uuid.Nil && to != consent.ScaPSUIdentified {
			return consent.E(consent.CodeStatusInvalid, "the PSU is not known yet")
		}
		a, err := w.c.Authorisation(w.run.Authorisation)
		if err != nil {
			return err
		}
		method = cmp.Or(method, w.memo.HandOff.Method)
		if a.Status == to && method == w.memo.HandOff.Method {
			return nil
		}
		explain.Note(ctx, "the bank's page: %s", to)
		w.memo.HandOff.Method = method
		now := s.Now()
		return s.change(ctx, w, func(r *consent.Run, c *consent.Consent, sealed []byte) error {
			r.Memo = sealed
			return c.Advance(r.Authorisation, to, now)
		}).err
	})
}
